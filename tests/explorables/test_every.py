"""What holds for every explorable, also for one that was added a minute ago: nothing here names any."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import atlas_cli.explorables
from atlas_cli import catalog
from atlas_cli.diagrams import gallery
from atlas_cli.diagrams.frames import Explorable
from atlas_cli.errors import DataError
from tests.explorables.house import check

FOLDER = Path(atlas_cli.explorables.__file__).parent
FILES = sorted(FOLDER.glob("*/[!_]*.py"))
EVERY = [
    shown
    for family in catalog.families()
    for shown in (*gallery.explorables_of(family), *gallery.of_runs(family))
]


@pytest.mark.parametrize("shown", [e for e in EVERY if not e.needs_run], ids=lambda shown: shown.name)
def test_every_setting_is_a_frame_and_every_knob_changes_it(shown: Explorable):
    check(shown)


def test_each_file_is_one_explorable_of_its_name():
    told = {(file.parent.name, file.stem.replace("_", "-")) for file in FILES}
    assert {(shown.family, shown.name) for shown in EVERY} == told
    assert len(EVERY) == len(told)


def test_names_differ_from_those_of_the_stepped_diagrams():
    for family in catalog.families():
        names = [
            catalog.normalise(shown.name)
            for shown in (*gallery.diagrams_of(family), *gallery.of_runs(family))
        ]
        assert len(names) == len(set(names))


def test_only_helpers_are_shared():
    """An explorable imports none of its siblings: what two of them need is a helper."""
    for file in FILES:
        lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines() if "import" in line]
        sources = [words[1] for words in lines if words and words[0] == "from"]
        shared = [s.rpartition(".")[2] for s in sources if s.startswith("atlas_cli.explorables")]
        assert all(name.startswith("_") for name in shared), file


def test_folders_list_nothing():
    assert all(not file.read_text() for file in FOLDER.rglob("__init__.py"))
    assert {file.parent.name for file in FILES} <= {family.slug for family in catalog.families()}


def test_the_order_of_a_family_is_that_of_its_places():
    first, second, *_ = gallery.explorables_of(catalog.resolve_family("ssm"))
    assert (first.name, second.name) == ("two-views", "discretisation")
    for family in catalog.families():
        places = [shown.place for shown in gallery.explorables_of(family)]
        known = [place for place in places if place is not None]
        assert known == sorted(set(known)), "two that stand in one place"
        assert places[: len(known)] == known


def test_one_that_is_asked_for_by_name_is_imported_alone_and_without_torch():
    code = (
        "import sys; from atlas_cli import catalog; from atlas_cli.diagrams import gallery;"
        "gallery.find(catalog.resolve('mamba'), 'Selective Scan'); gallery.anywhere('kv cache');"
        "rooms = [m.split('.')[2:] for m in sys.modules if m.startswith('atlas_cli.explorables.')];"
        "print(sorted('/'.join(r) for r in rooms if len(r) == 2 and r[1][0] != '_'));"
        "assert not {'torch', 'numpy', 'pydantic'} & sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['ssm/selective_scan', 'transformer/kv_cache']"


@pytest.mark.parametrize("held", ["", "EXPLORABLE = replace(EXPLORABLE, name='other')"])
def test_a_file_that_does_not_hold_what_its_name_says_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: str
):
    source = "from dataclasses import replace\n"
    if held:
        source += f"from atlas_cli.explorables.ssm.hippo import EXPLORABLE\n{held}\n"
    folder = tmp_path / "ssm"
    folder.mkdir()
    (folder / "misnamed.py").write_text(source, encoding="utf-8")
    import atlas_cli.explorables.ssm as room

    monkeypatch.setattr(room, "__path__", [*room.__path__, str(folder)])
    with pytest.raises(DataError, match=r"misnamed.*holds no EXPLORABLE of its own name"):
        gallery._load("ssm", "misnamed")
    sys.modules.pop("atlas_cli.explorables.ssm.misnamed")
