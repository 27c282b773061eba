"""Straightness of a run's flow, with nets whose paths are known."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from atlas_cli.errors import UsageError
from atlas_cli.explorables.flow.flow_path import flow_path
from atlas_cli.explorables.flow.straightness import EXPLORABLE, FINE, STEPS, straightness
from atlas_cli.systems.flow.cfm import CFM, Config

GOAL = torch.linspace(-1, 1, 64).view(1, 1, 8, 8)
FACTS = ("straightness (0 is straight)", "detour", "missed by the steps")


def flow(**fields: object) -> CFM:
    system = CFM(Config.model_validate({"width": 4, "guidance": 1.0, "clip": False, **fields}))
    system.setting = SimpleNamespace(device=torch.device("cpu"))  # type: ignore[assignment]
    return system


def of_images() -> CFM:
    """A net that goes straight to one picture."""
    system = flow(image_size=8, multipliers=(1,))
    system.predict = lambda x, t, label: (GOAL - x) / (1 - t.view(-1, 1, 1, 1))  # type: ignore[method-assign]
    return system


def of_points(predict) -> CFM:
    system = flow(dim=2)
    system.predict = predict  # type: ignore[method-assign]
    return system


def test_a_straight_flow_is_walked_in_one_step():
    for steps in STEPS:
        frame = straightness(of_images(), steps, 3)
        bend, detour, missed = (frame.facts[name] for name in FACTS)
        assert bend == pytest.approx(0, abs=1e-6)
        assert detour == pytest.approx(1, abs=1e-5)
        assert missed == pytest.approx(0, abs=1e-4)
    assert frame.caption.startswith("In 12 steps this flow misses its own end by 0.0% of the way")
    pictures = frame.panels[0][0]
    assert pictures.title == "Class 3: by 12 steps, and by the flow itself"
    assert pictures.images[0] == pictures.images[1]


def test_a_way_round_a_corner_is_as_long_and_as_bent_as_one_can_compute():
    """East for half of the time, then north: each half is 1/2 long, the way sqrt(1/2)."""
    east, north = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    system = of_points(lambda x, t, label: (east if t[0] < 0.5 else north).expand_as(x))
    frame = straightness(system, 1, 0)
    bend, detour, missed = (frame.facts[name] for name in FACTS)
    assert detour == pytest.approx(2**0.5, rel=1e-3)
    assert bend == pytest.approx(1.0, rel=1e-3)  # |(1, 0) - (1/2, 1/2)|^2 over |(1/2, 1/2)|^2
    assert missed == pytest.approx(1.0, rel=1e-3)  # one step goes to (1, 0) and not to (1/2, 1/2)
    assert straightness(system, 2, 0).facts[FACTS[2]] == pytest.approx(0, abs=1e-4)
    paths, ends = frame.panels[0]
    assert [series.style for series in paths.series[-2:]] == ["line", "points"]
    assert [group.label for group in ends.groups] == ["by the flow itself", "1 step"]
    all_of_them, this = frame.panels[1][0].series
    assert len(all_of_them.ys) == len(this.ys) == FINE


def test_of_a_reflow_it_is_the_student_that_is_shown():
    system = of_images()
    frame = straightness(SimpleNamespace(student=system), 2, 1)
    assert frame == straightness(system, 2, 1)
    assert set(EXPLORABLE.systems) == {"cfm", "ot-cfm", "reflow"}


def test_samples_differ_and_ask_for_a_class_of_their_own():
    first, second = (straightness(of_images(), 1, sample).panels[0][0] for sample in (0, 1))
    assert first.title.startswith("Class 0:")
    assert second.title.startswith("Class 1:")


def test_the_way_to_an_image_is_not_drawn_of_points():
    system = of_points(lambda x, t, label: x)
    with pytest.raises(UsageError, match="makes no image"):
        flow_path(system, 5, 0)
    assert flow_path(SimpleNamespace(student=of_images()), 5, 0) == flow_path(of_images(), 5, 0)
