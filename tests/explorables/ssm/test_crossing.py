"""The race of recurrence and attention: crossings against closed forms, bytes against counted tensors."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.explorables.ssm import crossing
from atlas_cli.explorables.ssm.crossing import crosses


def test_a_flat_line_and_a_power_cross_where_algebra_says():
    attention = {n: 1e-3 * n**0.7 for n in crossing.LENGTHS}
    flat = dict.fromkeys(crossing.LENGTHS, 0.1)
    assert crosses(flat, attention) == pytest.approx(100 ** (1 / 0.7))


def test_the_last_crossing_counts_and_lines_that_never_meet_say_so():
    attention = dict(zip((64, 128, 256, 512), (1.0, 3.0, 1.0, 4.0), strict=True))
    flat = dict.fromkeys(attention, 2.0)
    assert crosses(flat, attention) == pytest.approx(256 * math.sqrt(2))
    assert crosses(dict.fromkeys(attention, 9.0), attention) is None
    assert crosses(dict.fromkeys(attention, 0.5), attention) == 64


def test_kept_bytes_are_those_of_the_tensors_that_backward_needs():
    """x * x keeps x alone; exp keeps its result; a view is no new memory."""
    x = torch.ones(10, requires_grad=True)
    assert crossing._kept_bytes(lambda leaf: leaf * leaf, (x,)) == 40
    assert crossing._kept_bytes(lambda leaf: leaf.exp(), (x,)) == 40
    assert crossing._kept_bytes(lambda leaf: leaf.view(2, 5) * leaf.view(2, 5), (x,)) == 40
    assert crossing._kept_bytes(lambda leaf: leaf * leaf.exp(), (x,)) == 80


def test_the_loop_keeps_every_state_and_the_others_a_fraction():
    readings = crossing.race(16)
    one_state = crossing.WIDTH * 16 * 4 / 1024  # KiB
    assert readings["loop"][256].kept_kib > one_state
    for name in ("fused", "chunks", "attention"):
        assert readings[name][256].kept_kib < one_state


@pytest.mark.parametrize("name", ["fused", "chunks", "loop", "tree"])
def test_every_method_mixes_the_same_number_of_channels(name):
    make, mix = crossing.methods()[name]
    assert mix(*make(2, 8, 4)).numel() == 2 * 8 * crossing.WIDTH


def test_the_thread_count_is_given_back():
    before = torch.get_num_threads()
    crossing.race(16)
    assert torch.get_num_threads() == before


def test_lines_are_named_at_their_ends_in_a_band_and_names_keep_apart():
    frame = crossing.crossing(256, 16, "forward")
    race = frame.panels[0][0]
    assert {note.text for note in race.notes if note.side == "left"} == set(crossing.LABELS.values())
    unnamed = [shape for shape in race.shapes[1:] if not shape.label]
    bands = [shape.paths[0] for shape in unnamed if shape.style == "area"]
    lines = [shape.paths[0] for shape in unnamed if shape.style != "area"]
    for band, line in zip(bands, lines, strict=True):
        slowest, quickest = band[: len(line)], band[len(line) :][::-1]
        assert quickest == line
        assert all(slow >= quick for (_, slow), (_, quick) in zip(slowest, quickest, strict=True))
    assert "torch" not in frame.caption


def test_names_of_lines_that_end_together_are_moved_apart():
    notes = crossing._named({"a": (3.0, 1.0), "b": (3.0, 1.0), "c": (3.0, 1.3)}, 0.5)
    assert [(note.text, note.y) for note in notes] == [("a", 1.0), ("b", 1.5), ("c", 2.0)]


def readings(**rows: tuple[float, ...]) -> crossing.Readings:
    return {
        name: {
            n: crossing.Reading({"forward": t}, {"forward": t}, 0)
            for n, t in zip((64, 128, 256), row, strict=True)
        }
        for name, row in rows.items()
    }


def test_the_plot_says_where_attention_is_passed_and_what_is_saved_on_either_side():
    measured = readings(attention=(1.0, 2.0, 4.0), chunks=(2.0, 2.0, 2.0), fused=(9.0, 9.0, 9.0))
    dots, notes = crossing._meetings("forward", measured)
    assert [note.text for note in notes] == ["128"]  # the fused scan never passes it
    assert dots.paths[0][0] == pytest.approx((math.log10(128), math.log10(2)), rel=1e-3)
    chunks, attention = crossing._savings("forward", measured)
    heights = {shape.label: {y for _, y in shape.paths[0][:3]} for shape in (chunks, attention)}
    assert max(heights["saved by the chunks"]) == pytest.approx(math.log10(4), rel=1e-3)
    assert max(heights["saved by attention"]) == pytest.approx(math.log10(2), rel=1e-3)
