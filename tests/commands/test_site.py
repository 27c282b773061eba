"""`atlas site`."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from atlas_cli.commands.site import site
from atlas_cli.site.build import Built
from tests.conftest import WholeSite


@pytest.fixture
def atlas(capsys: pytest.CaptureFixture[str], at_common_home: None):
    """Runs `atlas site ARGUMENTS` and returns (stdout, stderr)."""
    app = typer.Typer()
    app.command()(site)

    def run(*arguments: str) -> tuple[str, str]:
        typer.main.get_command(app).main(args=[*arguments], prog_name="site", standalone_mode=False)
        return tuple(capsys.readouterr())

    return run


def test_json_counts_what_was_written(whole_site: WholeSite):
    front = whole_site.folder / "index.html"
    assert whole_site.said["front"] == str(front)
    assert whole_site.said["pages"] == len(list(whole_site.folder.rglob("*.html")))
    assert whole_site.said["seconds"] < 120  # on whatever else the machine does now; .ci/run asks for sixty


def test_it_says_where_the_front_page_is_and_opens_it(atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("atlas_cli.site.build.build", lambda folder, url: Built(folder, 3, 2_100_000))
    out, err = atlas(str(tmp_path / "deep" / "site"), "--open")
    assert Path(out.strip()) == tmp_path / "deep" / "site" / "index.html"
    assert "3 pages, 2.1 MB" in err
    assert opened == [Path(out.strip()).as_uri()]
