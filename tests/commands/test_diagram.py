"""`atlas diagram`."""

from __future__ import annotations

import json

import pytest
import typer

from atlas_cli import terminal
from atlas_cli.commands import diagram as command
from atlas_cli.errors import UsageError


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
    assert "atlas code mamba" in err


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
    assert caught.value.mend == "atlas diagram mamba mamba-block --step 7"


def test_list_names_every_diagram_and_json_agrees(atlas):
    out, _ = atlas("--list")
    documents = json.loads(atlas("--list", "--json")[0])
    assert {("mamba-block", "stepped"), ("training-step", "stepped"), ("alternation", "stepped")} <= {
        (document["name"], document["kind"]) for document in documents
    }
    assert all(document["name"] in out for document in documents)
    assert [d["name"] for d in json.loads(atlas("ssm", "--list", "--json")[0])] == ["mamba-block"]


def test_nothing_to_list_is_said_plainly(atlas):
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
