"""The circling game, against what its rules do to a complex number, and against formulas of the losses."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from atlas_cli.explorables.gan import circling

PLACES = [(1.0, 0.0), (0.3, -0.7), (-1.2, 1.4)]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@pytest.mark.parametrize(("theta", "psi"), PLACES)
def test_the_pulls_are_the_slopes_of_the_losses(theta: float, psi: float):
    fake = sigmoid(psi * theta)
    assert circling.pull((theta, psi), "Wasserstein") == pytest.approx((psi, -theta))
    assert circling.pull((theta, psi), "min-max") == pytest.approx((fake * psi, -fake * theta))
    assert circling.pull((theta, psi), "non-saturating") == pytest.approx(((1 - fake) * psi, -fake * theta))
    plain, charged = (circling.pull((theta, psi), "min-max", gamma) for gamma in (0.0, 0.7))
    assert charged == pytest.approx((plain[0], plain[1] - 0.7 * psi))


@pytest.mark.parametrize("size", [0.1, 0.5, 1.2])
@pytest.mark.parametrize("place", PLACES)
def test_what_a_turn_does_to_the_distance_in_the_bilinear_game(size: float, place: circling.State):
    before = place[0] ** 2 + place[1] ** 2

    def after(rule: str) -> circling.State:
        return circling.turn_once(place, rule, "Wasserstein", size)

    theta, psi = after("simultaneous")
    assert theta**2 + psi**2 == pytest.approx(before * (1 + size**2))
    theta, psi = after("extragradient")
    assert theta**2 + psi**2 == pytest.approx(before * (1 - size**2 + size**4))
    theta, psi = after("alternating")
    kept = before - size * place[0] * place[1]
    assert theta**2 + psi**2 - size * theta * psi == pytest.approx(kept)


@pytest.mark.parametrize("size", [0.3, 0.8])
def test_the_penalty_shrinks_areas_by_its_determinant(size: float):
    (a, c), (b, d) = (circling.turn_once(x, "R1", "Wasserstein", size) for x in ((1.0, 0.0), (0.0, 1.0)))
    assert a * d - b * c == pytest.approx(1 - circling.GAMMA * size + size**2)


def test_which_rules_come_to_rest_and_with_which_steps():
    def end(rule: str, size: float, loss: str = "Wasserstein") -> float:
        walked = circling.path(rule, loss, size)
        return math.hypot(*walked[-1]) if len(walked) > circling.LAST else math.inf

    for size in (0.3, 0.5, 0.8):
        assert end("simultaneous", size) == math.inf
        assert 0.6 < end("alternating", size) < 1.4
        assert end("extragradient", size) < 0.1
        assert end("R1", size) < 0.1
    assert end("extragradient", 1.2) == end("R1", 1.2) == math.inf
    assert end("alternating", 1.2) < 2


def test_with_the_min_max_loss_small_steps_circle_and_with_the_non_saturating_one_they_come_in():
    circle, spiral = (circling.path("simultaneous", loss, 0.01) for loss in ("min-max", "non-saturating"))
    assert math.hypot(*circle[-1]) == pytest.approx(1, abs=0.01)
    far = [math.hypot(*state) for state in spiral]
    assert far[-1] < 0.999
    assert all(later < earlier + 1e-4 for earlier, later in pairwise(far))


@pytest.mark.parametrize("size", [0.1, 0.3])
def test_simultaneous_steps_of_the_non_saturating_loss_stop_at_a_circle(size: float):
    state = circling.START
    for _ in range(round(40 / size**1.5)):
        state = circling.turn_once(state, "simultaneous", "non-saturating", size)
    assert math.hypot(*state) == pytest.approx(math.sqrt(2 * size), rel=0.05)


def test_a_path_ends_at_the_rim_and_the_caption_says_when():
    walked = circling.path("simultaneous", "Wasserstein", 0.5)
    assert max(max(map(abs, state)) for state in walked) <= circling.EDGE
    frame = circling.circling(circling.LAST, "simultaneous", 0.5, "Wasserstein")
    assert f"At turn {len(walked)} they leave the picture." in frame.caption
    assert frame.facts["turns within the picture"] == len(walked) - 1
    before = circling.circling(2, "simultaneous", 0.5, "Wasserstein")
    assert (
        f"After 2 turns they stand 1.25 from the balance, and at turn {len(walked)} they leave"
        in before.caption
    )
    stays = circling.circling(1, "R1", 0.5, "Wasserstein")
    assert f"After 1 turn they stand 1.12 from the balance, after {circling.LAST} turns " in stays.caption
    told = circling.circling(circling.LAST, "R1", 0.5, "Wasserstein").caption
    assert told.count(f"{circling.LAST} turns") == 1


def test_the_curves_are_the_distances_of_all_rules_and_the_chosen_one_is_drawn_through():
    frame = circling.circling(4, "extragradient", 0.5, "Wasserstein")
    plane, curves = frame.panels[0]
    styles = {series.label: series.style for series in curves.series}
    assert styles == {name: "line" if name == "extragradient" else "dashed" for name in circling.RULES}
    drawn = next(series for series in curves.series if series.label == "extragradient")
    assert drawn.ys[4] == pytest.approx((1 - 0.25 + 0.0625) ** 2, rel=1e-3)
    (so_far,) = next(shape.paths for shape in plane.shapes if shape.label == "turns so far")
    assert len(so_far) == 5


def test_arrows_point_where_the_players_are_pulled():
    shapes = circling.circling(0, "R1", 0.5, "Wasserstein").panels[0][0].shapes
    for (x, y), (to_x, to_y) in next(shape.paths for shape in shapes if shape.style == "arrow"):
        assert (to_x - x, to_y - y) == pytest.approx(
            (circling.ARROW * y, circling.ARROW * (-x - circling.GAMMA * y)), abs=2e-3
        )
