"""`atlas site`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from atlas_cli.commands.site import site


@pytest.fixture
def atlas(capsys: pytest.CaptureFixture[str], at_common_home: None):
    """Runs `atlas site ARGUMENTS` and returns (stdout, stderr)."""
    app = typer.Typer()
    app.command()(site)

    def run(*arguments: str) -> tuple[str, str]:
        typer.main.get_command(app).main(args=[*arguments], prog_name="site", standalone_mode=False)
        return tuple(capsys.readouterr())

    return run


def test_it_says_where_the_front_page_is(atlas, tmp_path: Path):
    out, err = atlas(str(tmp_path / "deep" / "site"))
    assert Path(out.strip()) == tmp_path / "deep" / "site" / "index.html"
    assert Path(out.strip()).is_file()
    assert "pages" in err


def test_json_and_the_browser(atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    document = json.loads(atlas(str(tmp_path / "site"), "--json", "--open")[0])
    assert document["pages"] == len(list((tmp_path / "site").rglob("*.html")))
    assert document["seconds"] < 60
    assert opened == [(tmp_path / "site" / "index.html").as_uri()]
