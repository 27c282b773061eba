"""The walk of a flow's run, with a net whose walk is known."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from atlas_cli.explorables.flow.flow_path import DONE, flow_path
from atlas_cli.systems.flow.cfm import CFM, Config

GOAL = torch.linspace(-1, 1, 64).view(1, 1, 8, 8)


@pytest.fixture
def cfm() -> CFM:
    """A net that goes straight to one picture."""
    system = CFM(Config(width=4, multipliers=(1,), image_size=8, guidance=1.0, clip=False))
    system.setting = SimpleNamespace(device=torch.device("cpu"))  # type: ignore[assignment]
    system.predict = lambda x, t, label: (GOAL - x) / (1 - t.view(-1, 1, 1, 1))  # type: ignore[method-assign]
    return system


def test_a_straight_walk_knows_its_goal_and_never_turns(cfm: CFM):
    frames = [flow_path(cfm, done, 3) for done in DONE]
    assert len({frame.panels[0][0].images[1] for frame in frames}) == 1
    assert max(frame.facts["degrees off the line"] for frame in frames) < 0.2
    assert max(frame.facts["distance from the line"] for frame in frames) < 1e-5
    walked, goal = frames[-1].panels[0][0].images
    assert walked == goal


def test_a_walk_round_a_corner_turns_and_lies_aside(cfm: CFM):
    corner = torch.zeros(1, 1, 8, 8)
    corner[..., 0] = 1.0

    def predict(x: torch.Tensor, t: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return (corner if t[0] < 0.5 else corner.transpose(2, 3)).expand_as(x)

    cfm.predict = predict  # type: ignore[method-assign]
    frame = flow_path(cfm, 10, 1)
    # Two halves that meet at a right angle, but for the one pixel that they share.
    assert frame.facts["degrees off the line"] == pytest.approx(41.4, abs=0.1)
    assert frame.facts["distance from the line"] == pytest.approx((14 / 64) ** 0.5 / 4, abs=1e-3)


def test_samples_start_from_noise_of_their_own_and_ask_for_a_class_of_their_own(cfm: CFM):
    first, second = (flow_path(cfm, 0, sample).panels[0][0] for sample in (0, 1))
    assert first.images[0] != second.images[0]
    assert first.title.startswith("Class 0:")
    assert second.title.startswith("Class 1:")


def test_the_marker_follows_the_knob(cfm: CFM):
    for done in (0, 7, 20):
        frame = flow_path(cfm, done, 0)
        assert frame.panels[0][1].marker == pytest.approx(done / 20)
        assert frame.facts["step"] == f"{done} of 20"
        assert frame.caption.startswith(f"After {done} of 20 steps ")
