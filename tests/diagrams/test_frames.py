"""The model of explorables: rounding, dictionaries, defaults."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from atlas_cli.diagrams.frame_cache import from_dict
from atlas_cli.diagrams.frames import (
    Bars,
    Explorable,
    Frame,
    Heatmap,
    Knob,
    Link,
    Panel,
    Words,
    rounded,
    told,
)
from tests.diagrams.panels import PANELS


def test_numbers_are_rounded_to_four_digits_wherever_they_come_from():
    expected = ((1.235, 20000.0), (-0.0001235, 3.0))
    values = [[1.23456, 20000.4], [-0.000123456, 3.0]]
    assert rounded(values) == expected
    assert rounded(np.array(values)) == expected
    assert rounded(torch.tensor(values, dtype=torch.float64)) == expected


def test_whole_numbers_and_text_stay_as_they_are():
    assert rounded((123456, "word", True)) == (123456, "word", True)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_cannot_be_drawn_is_refused(value: float):
    with pytest.raises(ValueError, match="cannot show"):
        Bars("b", ("one",), (value,), 1.0)


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.kind)
def test_every_panel_is_json_with_its_kind(panel: Panel):
    told = panel.as_dict()
    assert told["kind"] == panel.kind
    assert json.loads(json.dumps(told)) == told


def test_panels_of_arrays_and_of_lists_are_equal():
    assert Bars("b", ["one"], torch.tensor([0.5]), 1.0) == Bars("b", ("one",), (0.5,), 1.0)


def test_a_frame_tells_its_rows_and_figures():
    frame = Frame([list(PANELS[:2]), [PANELS[2]]], "look", {"share": torch.tensor(1 / 3), "name": "x"})
    told = frame.as_dict()
    assert [[panel["kind"] for panel in row] for row in told["panels"]] == [
        ["heatmap", "curves"],
        ["scatter"],
    ]
    assert told["facts"] == {"share": 0.3333, "name": "x"}


def test_a_default_must_be_among_the_values():
    with pytest.raises(ValueError, match="default"):
        Knob("t", "time", (0, 1), 2, "slider")


def test_knobs_not_named_stand_at_their_defaults():
    knobs = (Knob("a", "A", (1, 2), 1, "slider"), Knob("b", "B", ("x", "y"), "y", "choice"))
    shown = Explorable(
        "e", "ssm", (), "", "", knobs, lambda a, b: Frame(((Words("w", (f"{a}{b}",)),),), "", {})
    )
    assert shown.frame({"a": 2}).panels[0][0].lines == ("2y",)
    assert shown.as_dict()["knobs"][1] == {
        "name": "b", "label": "B", "values": ["x", "y"], "default": "y", "kind": "choice", "unit": "",
        "open": False,
    }  # fmt: skip


def test_what_a_hand_turns_and_points_at_is_named_or_given():
    assert Bars("b", ("a",), (1.0,), 1.0, drag="t", links="token").links == (Link("token"),)
    both = Heatmap("h", ((0.0,),), 0, 1, drag=("x", "y"), links=("key", Link("query", "y", 3)))
    assert both.links == (Link("key", "x"), Link("query", "y", 3))
    assert [drag.axis for drag in both.drag] == ["x", "y"]
    assert Words("w", ("a",), drag=None).drag == ()
    assert from_dict(Frame(((both,),), "", {}).as_dict()).panels[0][0] == both


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (-0.0, "0"),
        (1024.0, "1024"),
        (1536, "1536"),
        (9999.0, "9999"),
        (12345.6, "12300"),
        (0.12345, "0.123"),
        (2e8, "2e+08"),
    ],
)
def test_a_count_is_told_whole_and_other_figures_to_three_digits(value: float, said: str):
    """Bars once said 1.02e+03 of 1024 numbers."""
    assert told(value) == said
