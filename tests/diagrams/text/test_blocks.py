"""Diagrams in box-drawing characters, exactly."""

from __future__ import annotations

import pytest

from atlas_cli import catalog
from atlas_cli.diagrams import blocks, gallery
from atlas_cli.diagrams.model import Diagram, Edge, Group, Node, Step
from atlas_cli.diagrams.text import blocks as text_blocks
from atlas_cli.diagrams.text.tiles import Ink


@pytest.fixture
def small() -> Diagram:
    nodes = {
        "a": Node("a", "data", "(B, D)", "", "data", 0, 0),
        "n": Node("n", "noise", "", "", "data", 0, 2),
        "m": Node("m", "mix", "", "", "op", 1, 1),
        "l": Node("l", "loss", "()", "", "op", 2, 1),
    }
    edges = (Edge("a", "m"), Edge("n", "m", "t"), Edge("m", "l"), Edge("l", "m", "g", "gradient"))
    steps = (
        Step("Mix them.", frozenset({"a", "n", "m"}), frozenset({("a", "m")})),
        Step("Learn.", frozenset({"l"}), frozenset({("l", "m")})),
    )
    return Diagram(
        "small", "diffusion", ("ddpm",), "Small", nodes, edges, (Group("all", ("m",)),), steps, "Why?"
    )


def draw(diagram: Diagram, width: int = 60, **options: object) -> str:
    return "\n".join(line.plain for line in text_blocks.picture(diagram, width, **options))


DRAWN = """\
  ╭─ 1 ─────╮         ╭─ 1 ─────╮
  │  data   │         │  noise  │
  │ (B, D)  │         │         │
  ╰────┬────╯         ╰────┬────╯
       ╰───────╮   ╭───────╯
          ╭╌╌╌╌│╌╌╌│╌╌╌╌╮
          ┊    ▼   ▼ t  ┊
          ┊ ┌─ 1 ─────┐ ┊
          ┊ │   mix   │◀╌╌╌╌╌╌╌╌╌╌╌╌╌╮
          ┊ └────┬────┘ ┊            ┊
          ╰╌ all │╌╌╌╌╌╌╯            ┊
                 ▼                   ┊ g
            ┌─ 2 ─────┐              ┊
            │  loss   │              ┊
            │   ()    │╌╌╌╌╌╌╌╌╌╌╌╌╌╌╯
            └─────────┘"""


def test_tensors_are_round_computations_square_and_gradients_dashed(small: Diagram):
    assert draw(small, 50) == DRAWN


def test_what_a_step_is_about_is_doubled_and_heavy_without_colour(small: Diagram):
    before, lit = draw(small), draw(small, step=2)
    assert "╔" not in before
    assert lit.count("╔═ 2 ═") == 1
    assert "╍" in lit
    assert "╍" not in before


def test_colour_goes_with_the_marks(small: Diagram):
    lines = text_blocks.picture(small, 60, step=2)
    marked = [line.plain[s.start : s.end] for line in lines for s in line.spans if s.style == "atlas.mark"]
    assert any("╔═ " in piece or piece.startswith("╔") for piece in marked)
    assert all("╔" not in line.plain for line in text_blocks.picture(small, 60))


def test_ascii_has_the_same_shape(small: Diagram):
    plain, drawn = draw(small, ink=Ink(plain=True)), draw(small)
    assert plain.isascii()
    assert [len(line) for line in plain.splitlines()] == [len(line) for line in drawn.splitlines()]


def test_too_narrow_lists_what_flows_where(small: Diagram):
    assert draw(small, 20).splitlines()[:4] == ["data  (B, D)", "  → mix", "noise", "  → mix (t)"]


def test_all_sentences_or_one(small: Diagram):
    every = [line.plain for line in text_blocks.drawing(small, 60)]
    assert every[-4:] == ["1  Mix them.", "2  Learn.", "", "?  Why?"]
    one = [line.plain for line in text_blocks.drawing(small, 60, step=2)]
    assert one[-1] == "▶ 2/2  Learn."
    assert text_blocks.as_text(small).splitlines()[-4:] == ["1. Mix them.", "2. Learn.", "", "Why?"]


@pytest.mark.parametrize("height", [12, 20, 30, 100])
@pytest.mark.parametrize("family", ["ssm", "diffusion", "gan"])
def test_a_frame_fits_the_screen_and_shows_what_the_step_is_about(family: str, height: int):
    diagram = blocks.diagrams_of(catalog.resolve_family(family))[0]
    heights = set()
    for step in range(1, len(diagram.steps) + 1):
        lines = [line.plain for line in text_blocks.frame(diagram, 76, step, height)]
        assert len(lines) <= max(height, 12)
        assert any("╔" in line or "╚" in line or "║" in line for line in lines)
        heights.add(next(i for i, line in enumerate(lines) if line.startswith(f"▶ {step}/")))
    assert len(heights) == 1  # the sentence stays where it is


def test_the_mamba_block_at_eighty_columns():
    drawn = draw(gallery.find(catalog.resolve("mamba")), 76)
    assert "selective scan" in drawn
    assert max(map(len, drawn.splitlines())) <= 76
