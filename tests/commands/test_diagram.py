"""`atlas diagram`."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import typer

from atlas_cli import catalog
from atlas_cli.commands import diagram as command
from atlas_cli.diagrams import gallery
from atlas_cli.errors import EnvironmentFault, UsageError
from atlas_cli.screen import terminal


@pytest.fixture
def atlas(capsys: pytest.CaptureFixture[str]):
    """Runs `atlas diagram ARGUMENTS` and returns (stdout, stderr)."""
    app = typer.Typer()
    app.command()(command.diagram)

    def run(*arguments: str) -> tuple[str, str]:
        typer.main.get_command(app).main(args=[*arguments], prog_name="diagram", standalone_mode=False)
        return tuple(capsys.readouterr())

    return run


def test_piped_it_draws_once_with_all_sentences_and_the_question(atlas):
    out, err = atlas("mamba")
    assert out.count("The Mamba block") == 1
    assert [f"  {n}  " in out for n in range(1, 8)] == [True] * 7
    assert "  ?  " in out
    assert "╔" not in out
    assert "atlas diagram mamba two-views" in err


def test_one_step_is_lit(atlas):
    out, _ = atlas("mamba", "--step", "5")
    assert out.count("╔═ 5 ═") == 1
    assert "▶ 5/7  The state fades" in out


def test_all_steps_are_drawn_one_by_one(atlas):
    out, _ = atlas("gan", "alternation", "--all-steps")
    assert [f"▶ {n}/5" in out for n in range(1, 6)] == [True] * 5


def test_a_step_that_is_not_there_names_the_last(atlas):
    with pytest.raises(UsageError, match="mamba-block has 7 steps, not 8") as caught:
        atlas("mamba", "--step", "8")
    assert caught.value.hint == "atlas diagram mamba mamba-block --step 7"


def test_list_names_every_diagram_and_json_agrees(atlas):
    out, _ = atlas("--list")
    documents = json.loads(atlas("--list", "--json")[0])["diagrams"]
    assert {("mamba-block", "stepped"), ("alternation", "stepped"), ("noising", "explorable")} <= {
        (document["name"], document["kind"]) for document in documents
    }
    assert all(document["name"] in out for document in documents)
    ssm = [d["name"] for d in json.loads(atlas("ssm", "--list", "--json")[0])["diagrams"]]
    assert ssm[0] == "mamba-block"
    assert ssm.index("shared-attention") < ssm.index("two-views") < ssm.index("discretisation")
    assert ssm == [shown.name for shown in gallery.diagrams_of(catalog.resolve_family("ssm"))]


def test_nothing_to_list_is_said_plainly(atlas, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gallery, "diagrams_of", lambda subject: ())
    with pytest.raises(UsageError, match="no diagram of zamba yet"):
        atlas("zamba", "--list")


def test_json_holds_nodes_edges_and_steps(atlas):
    document = json.loads(atlas("ddpm", "--format", "json")[0])
    assert {"from noise", "mix"} & {node["id"] for node in document["nodes"]} == {"mix"}
    assert {
        "source": "loss",
        "target": "net",
        "label": "gradient",
        "kind": "gradient",
        "side": None,
    } in document["edges"]
    assert [step["number"] for step in document["steps"]] == [1, 2, 3, 4, 5, 6]


def pretend_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal.out, "_force_terminal", True)
    monkeypatch.setattr(terminal.out, "is_interactive", True)
    monkeypatch.setenv("TERM", "xterm")


def test_on_a_terminal_the_steps_play_once_and_the_whole_remains(atlas, monkeypatch: pytest.MonkeyPatch):
    naps: list[float] = []
    monkeypatch.setattr("time.sleep", naps.append)
    pretend_terminal(monkeypatch)
    out, _ = atlas("gan")
    assert len(naps) == 5
    assert min(naps) > 0.9
    assert all(f"▶ {n}/5" in out for n in range(1, 6))
    assert "\x1b[" in out
    naps.clear()
    still, _ = atlas("gan", "--no-animate")
    assert naps == []
    assert "▶" not in still.replace("╌▶", "")


def test_control_c_skips_to_the_end(atlas, monkeypatch: pytest.MonkeyPatch):
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    pretend_terminal(monkeypatch)
    assert "Suppose that" in atlas("gan")[0]


def test_an_explorable_is_drawn_with_its_knobs_panels_and_question(atlas):
    out, err = atlas("mamba", "selective-scan")
    assert "gate=" in out
    assert "What the last state holds of each word" in out
    assert "?  Find a gate with which A survives" in out
    assert "atlas diagram mamba selective-scan --set gate=1" in err


def test_set_turns_a_knob_to_the_nearest_value(atlas):
    document = json.loads(atlas("mamba", "selective-scan", "--set", "gate=0.52", "--json")[0])
    assert document["setting"] == {"gate": 0.5, "delta": 0.5}
    assert document["frame"]["kind"] == "frame"
    with pytest.raises(UsageError, match="gate of selective-scan goes from 0 to 1, and 7 is outside"):
        atlas("ssm", "selective_scan", "--set", "gate=7", "--json")


def test_choices_and_several_knobs(atlas):
    document = json.loads(atlas("kv-cache", "--set", "heads=gqa", "--set", "step=3", "--json")[0])
    assert document["setting"] == {"step": 3, "heads": "GQA"}


@pytest.mark.parametrize(
    ("setting", "what", "hint"),
    [
        ("head=GQA", "no knob 'head'", "did you mean: atlas diagram kv-cache kv-cache --set heads=GQA"),
        ("zzz=1", "no knob 'zzz'", "it has step, heads"),
        ("heads=GQB", "cannot be 'GQB'", 'did you mean: atlas diagram kv-cache kv-cache --set "heads=GQA"'),
        ("heads=none", "cannot be 'none'", "choose one of MHA, GQA, MQA"),
        ("step=many", "is a number, not 'many'", "atlas diagram kv-cache kv-cache --set step=8"),
        ("step", "'step' is no setting", "atlas diagram kv-cache kv-cache --set step=20"),
    ],
)
def test_wrong_settings_say_how_to_mend_them(atlas, setting: str, what: str, hint: str):
    with pytest.raises(UsageError, match=what) as caught:
        atlas("kv-cache", "--set", setting)
    assert caught.value.hint == hint


def test_knobs_and_steps_are_not_mixed_up(atlas):
    with pytest.raises(UsageError, match="mamba-block has steps and no knobs"):
        atlas("mamba", "--set", "gate=1")
    for arguments in (["--step", "1"], ["--all-steps"]):
        with pytest.raises(UsageError, match="rope has knobs and no steps"):
            atlas("rope", *arguments)


def test_the_name_of_a_diagram_alone_will_do(atlas):
    assert json.loads(atlas("noising", "--json")[0])["name"] == "noising"
    with pytest.raises(UsageError, match="no topic or family"):
        atlas("noisingly-so")


def test_a_wrong_name_suggests_the_nearest_of_both_kinds(atlas):
    with pytest.raises(UsageError, match="mamba has no diagram") as caught:
        atlas("mamba", "selective-scam")
    assert caught.value.hint == "did you mean: atlas diagram mamba selective-scan"


@pytest.mark.parametrize("name", ["scan-tree", "mamba-block", "two-views"])
def test_svg_goes_to_stdout_or_to_a_file(atlas, tmp_path, name: str):
    out, _ = atlas("mamba", name, "--format", "svg")
    assert out.startswith("<svg")
    file = tmp_path / "deep" / "picture.svg"
    printed, said = atlas("mamba", name, "--out", str(file))
    assert printed == ""
    assert str(file) in said.replace("\n", "")
    assert file.read_text(encoding="utf-8") == out


def test_the_ending_of_a_file_says_what_it_holds(atlas, tmp_path):
    atlas("mamba", "scan-tree", "-o", str(tmp_path / "a.json"))
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["name"] == "scan-tree"
    atlas("mamba", "-o", str(tmp_path / "a.txt"))
    assert "The Mamba block" in (tmp_path / "a.txt").read_text(encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be written as gif"):
        atlas("mamba", "-o", str(tmp_path / "a.gif"))
    with pytest.raises(UsageError, match=r"a\.svg is not named like a file of html"):
        atlas("mamba", "-f", "html", "-o", str(tmp_path / "a.svg"))
    with pytest.raises(EnvironmentFault, match="cannot write"):
        atlas("mamba", "-o", str(tmp_path / "a.json" / "b.svg"))


@pytest.mark.parametrize("name", ["mamba-block", "selective-scan"])
def test_png_goes_to_a_file_and_never_to_a_terminal(
    atlas, tmp_path, monkeypatch: pytest.MonkeyPatch, name: str
):
    file = tmp_path / "a.png"
    atlas("mamba", name, "-o", str(file), "--dark")
    assert file.read_bytes().startswith(b"\x89PNG")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with pytest.raises(UsageError, match="terminal cannot show a PNG") as caught:
        atlas("mamba", name, "-f", "png")
    assert caught.value.hint == f"atlas diagram mamba {name} --out {name}.png"


def test_open_writes_the_page_and_shows_it(atlas, tmp_path, monkeypatch: pytest.MonkeyPatch):
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or len(opened) < 3)
    monkeypatch.chdir(tmp_path)
    out, err = atlas("mamba", "--open")
    assert out == ""
    assert "no browser" not in err
    page = tmp_path / "mamba-block.html"
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    atlas("mamba", "scan-tree", "--open", "--out", "deep/tree.svg")
    _, err = atlas("mamba", "--open", "--step", "2")
    assert opened == [page.as_uri(), (tmp_path / "deep" / "tree.svg").as_uri(), page.as_uri()]
    assert page.as_uri() in err.replace("\n", "")  # a machine without a browser is told where it is


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--json", "--format", "svg"], "--json and --format svg"),
        (["--open", "--format", "json"], "--open shows html, svg or png, not json"),
        (["--dark"], "--dark goes with svg and png, not with text"),
        (["--run", "latest"], "mamba-block has steps and is not drawn from a run"),
    ],
)
def test_contradictions_are_refused(atlas, arguments: list[str], what: str):
    with pytest.raises(UsageError, match=what):
        atlas("mamba", *arguments)


def test_what_needs_a_run_is_drawn_from_its_pinned_one(atlas):
    listed = {
        d["name"]: d["needs_run"] for d in json.loads(atlas("diffusion", "--list", "--json")[0])["diagrams"]
    }
    assert not listed["noise-path"]
    assert "The network: ddpm/" in " ".join(atlas("noise-path")[0].split())


@pytest.fixture
def nothing_pinned(monkeypatch: pytest.MonkeyPatch):
    """Diagrams as they are before any run is pinned."""
    monkeypatch.setattr("atlas_cli.diagrams.pinned.drawn", lambda shown: shown)
    gallery._of_family.cache_clear()
    yield
    gallery._of_family.cache_clear()


@pytest.mark.usefixtures("nothing_pinned")
def test_what_needs_a_run_is_listed_as_such_and_says_how_to_get_one(atlas, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "needs a run of ddpm" in " ".join(atlas("diffusion", "--list")[0].split())
    listed = {
        d["name"]: d["needs_run"] for d in json.loads(atlas("diffusion", "--list", "--json")[0])["diagrams"]
    }
    assert listed["noise-path"]
    assert not listed["noising"]
    for arguments in (["noise-path"], ["ddpm", "noise-path", "--run", "latest"]):
        with pytest.raises(UsageError, match="no") as caught:
            atlas(*arguments)
        assert caught.value.what == (
            "noise-path is drawn from a trained run of ddpm, and there is none in runs yet"
        )
        assert caught.value.hint == "atlas train ddpm --recipe smoke"


def test_a_frame_is_computed_once(atlas, monkeypatch: pytest.MonkeyPatch):
    first, _ = atlas("mamba", "scan-tree", "--json")
    monkeypatch.setattr("atlas_cli.diagrams.frames.Explorable.frame", None)
    assert atlas("mamba", "scan-tree", "--json")[0] == first


def test_finding_and_listing_import_no_torch():
    script = (
        "import sys; from atlas_cli import catalog; from atlas_cli.diagrams import gallery;"
        "[gallery.diagrams_of(f) for f in catalog.families()]; gallery.anywhere('noising');"
        "assert not {'torch', 'numpy', 'pydantic'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
