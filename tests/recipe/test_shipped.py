"""Every recipe that ships resolves, reads back and is checked without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from atlas_cli import paths
from atlas_cli.recipe import recipes

SHIPPED = sorted(f"{path.parent.name}/{path.stem}" for path in paths.recipes_dir().glob("*/*.yaml"))


@pytest.mark.parametrize("ref", SHIPPED)
def test_every_shipped_recipe_resolves_and_reads_back(ref: str, tmp_path: Path):
    recipe = recipes.resolve(ref)
    path = tmp_path / "resolved.yaml"
    path.write_text(recipes.to_yaml(recipe), encoding="utf-8")
    again = recipes.resolve(str(path))
    assert again == recipe
    assert again.hash == recipe.hash
    assert recipe.about
    if recipe.ablate:
        assert recipe.ablation is not None
        assert recipes.difference(recipe, recipe.ablation)
    if ref.endswith("/smoke"):
        assert not recipe.expect


def test_checking_the_shipped_recipes_imports_no_torch():
    code = (
        "import sys\nfrom atlas_cli.recipe import recipes\n"
        "for ref in sys.argv[1:]:\n    recipes.resolve(ref).hash\n    recipes.schema(ref.split('/')[0])\n"
        "assert not {'torch', 'numpy', 'textual', 'matplotlib'} & sys.modules.keys()"
    )
    run = [sys.executable, "-c", code, *SHIPPED]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert SHIPPED
