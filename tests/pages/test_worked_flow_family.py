"""The numbers by hand on the pages of the flow family, of OT-CFM and of reflow come out of the code."""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise

import pytest
import torch
from torch import Tensor, tensor

from atlas_cli import catalog, documents, paths
from atlas_cli.catalog import Family, Topic
from atlas_cli.explorables._mixtures import equal_mixture
from atlas_cli.explorables.flow import _velocity
from atlas_cli.pages.source import read_page
from atlas_cli.systems.flow import solvers
from atlas_cli.systems.flow.cfm import CFM, Batch, Config
from atlas_cli.systems.flow.of_points import log_density, pairing, squared_distances
from atlas_cli.systems.flow.paths import velocity_of_v

PIXEL = equal_mixture([[1.0], [-1.0]], 1e-4)  # white or black
MEAN, STD = 3.0, 0.5  # of the family page's numbers
WALKER = 0.4  # whom the pages of cfm and reflow follow


@cache
def text_of(name: str) -> str:
    """The whole page on one line."""
    subject: Topic | Family = catalog.resolve_family("flow") if name == "flow" else catalog.resolve(name)
    page = read_page(subject)
    return " ".join(" ".join([page.opening, *(section.markdown for section in page.sections)]).split())


def at_random(x: Tensor, t: float) -> Tensor:
    """The mean velocity of lines from noise to a Gaussian that are joined at random."""
    variance = (t * STD) ** 2 + (1 - t) ** 2
    return MEAN + (t * STD**2 - (1 - t)) / variance * (x - t * MEAN)


def in_order(x: Tensor, t: float) -> Tensor:
    """That of lines from each noise z to MEAN + STD z."""
    z = (x - t * MEAN) / (1 - t + t * STD)
    return MEAN + (STD - 1) * z


# --- the family --------------------------------------------------------------------------------------------


def test_a_noise_of_one_on_its_way():
    start, text = tensor([[1.0]]), text_of("flow")
    first, half = at_random(start, 0.0).item(), 1 + at_random(start, 0.0).item() / 2
    assert f"your speed is 3 - 1 = {first:.0f}" in text
    assert f"you are at {1 + first:.2f}, and so is everybody else" in text
    assert all(z + float(at_random(tensor([[z]]), 0.0)) == MEAN for z in (-1.0, 0.0, 2.0))
    later = at_random(tensor([[half]]), 0.5).item()
    assert f"after half a unit you are at {half:.2f}" in text
    assert f"their mean speed is {later:.1f}" in text
    assert f"you are at {half + later / 2:.2f}. Ask ever more often" in text
    exact, middle = (solvers.solve(at_random, start, 200, "rk4", 0.0, end).item() for end in (1.0, 0.5))
    assert f"you arrive at {exact:.2f}" in text
    assert f"through {middle:.2f} at half time" in text
    assert f"1 and 3.5, which is {(1 + exact) / 2:.2f}" in text


def test_joined_in_order_one_step_does_it():
    (end,) = solvers.even_steps(in_order, tensor([[1.0]]), 1, "euler")
    text = text_of("flow")
    assert f"Then 1 belongs to {end.item()} from the start, your speed is {end.item() - 1}" in text


@pytest.mark.parametrize("current", [at_random, in_order])
def test_the_density_at_its_end(current):
    noise = math.exp(-0.5) / math.sqrt(2 * math.pi)
    text = text_of("flow")
    assert f"Noise has the density {noise:.3f} at 1" in text
    assert f"{noise:.3f} / 0.5 = {noise / STD:.3f}" in text
    assert log_density(current, tensor([[3.5]])).exp().item() == pytest.approx(noise / STD, rel=1e-3)


def test_even_times_on_the_straight_path_are_even_angles_of_v_prediction():
    """The page's equality of losses, for some network, by CFM.loss on both paths."""
    n = 20_001
    random = torch.Generator().manual_seed(0)
    data, noise = torch.randn(2, 6, 2, generator=random, dtype=torch.float64)

    def v_hat(x: Tensor, a: Tensor) -> Tensor:
        return torch.sin(3 * x) + a

    def straight(z: Tensor, t: Tensor, label: Tensor) -> Tensor:
        norm = (t**2 + (1 - t) ** 2).sqrt()[:, None]
        a, s = t[:, None] / norm, (1 - t)[:, None] / norm
        x = (a + s) * z
        return velocity_of_v(v_hat(x, a), x, a, s)

    def circle(x: Tensor, t: Tensor, label: Tensor) -> Tensor:
        return -math.pi / 2 * v_hat(x, (t * math.pi / 2).sin()[:, None])

    def loss(path: str, predict) -> float:
        cfm = CFM(Config.model_validate({"dim": 2, "width": 4, "path": path}))
        cfm.predict = predict  # type: ignore[method-assign]
        times = (torch.arange(n, dtype=torch.float64) + 0.5) / n
        found = 0.0
        for one, other in zip(data, noise, strict=True):
            label = torch.zeros(n, dtype=torch.long)
            found += float(cfm.loss(Batch(one.expand(n, 2), label, times[:, None], other.expand(n, 2)))[0])
        return found / len(data)

    # the circle's loss is (pi / 2)^2 that of v, and the integral over angles pi / 2 times v's mean

    assert loss("straight", straight) == pytest.approx(2 / math.pi * loss("cosine", circle), rel=1e-5)


def test_the_score_follows_from_the_velocity():
    x, t = torch.linspace(-1, 4, 9)[:, None], 0.7
    variance = (t * STD) ** 2 + (1 - t) ** 2
    score = -(x - t * MEAN) / variance
    torch.testing.assert_close(-(x - t * at_random(x, t)) / (1 - t), score, atol=1e-5, rtol=1e-4)


# --- OT-CFM -------------------------------------------------------------------------------------------------


def test_two_noises_and_two_pixels():
    data, noise = tensor([[1.0], [-1.0]]), tensor([[0.5], [-0.7]])
    cost = squared_distances(data, noise)
    assert pairing(cost).tolist() == [0, 1]
    drawn, best = (cost.flip(0).diagonal(), cost.diagonal())
    text = text_of("ot-cfm")
    assert f"up to {drawn[0]:.2f} + {drawn[1]:.2f} = {drawn.sum():.2f}" in text
    assert f"{best[0]:.2f} + {best[1]:.2f} = {best.sum():.2f}" in text
    speeds = [-1 - 0.5, 1 + 0.7]
    t = (0.5 + 0.7) / (speeds[1] - speeds[0])
    place = 0.5 + t * speeds[0]
    assert place == pytest.approx(-0.7 + t * speeds[1])
    assert f"at $t$ = {t:.3f} both are at {place:.2f}" in text
    assert f"says the mean, {sum(speeds) / 2:.2f}." in text
    assert f"their speeds, {1 - 0.5:.1f} and {-1 + 0.7:.1f}," in text


def test_what_a_choice_among_thirteen_saves_of_an_image():
    """The mean of the largest of n Gaussians is the integral of x n F^(n-1) f."""
    pixels, n = 784, 13
    x = torch.linspace(-8, 8, 200_001, dtype=torch.float64)
    density = (-x * x / 2).exp() / math.sqrt(2 * math.pi)
    best = float(torch.trapezoid(x * n * torch.special.ndtr(x) ** (n - 1) * density, x))
    spread = 2 * math.sqrt(pixels)
    text = text_of("ot-cfm")
    assert f"\\sqrt{{784}}$ = {spread:.0f}" in text
    assert f"lies {best:.2f} standard deviations off" in text
    assert f"save {best * spread:.0f} of {2 * pixels}, or {best * spread / (2 * pixels):.0%}" in text
    random = torch.Generator().manual_seed(0)
    signs = torch.randint(0, 2, (2000, pixels), generator=random) * 2.0 - 1
    assert float((2 * signs * torch.randn(2000, pixels, generator=random)).sum(1).std()) == pytest.approx(
        spread, rel=0.05
    )


def test_an_image_has_about_thirteen_of_its_class_to_choose_among():
    recipe = documents.parse((paths.recipes_dir() / "ot-cfm" / "small.yaml").read_text(encoding="utf-8"))
    assert isinstance(recipe, dict)
    assert f"a batch of {recipe['train']['batch_size']} has about thirteen" in text_of("ot-cfm")
    assert round(recipe["train"]["batch_size"] / 10) == 13


def test_what_pairing_is_worth_in_the_plane_is_as_the_page_says():
    recipe = documents.parse((paths.recipes_dir() / "ot-cfm" / "plane.yaml").read_text(encoding="utf-8"))
    assert isinstance(recipe, dict)
    paired = recipe["measured"]
    drawn, blurred = paired["without"], paired["vary"]["sinkhorn"]
    text = text_of("ot-cfm")
    assert "one step brings them as near to real points as twenty do" in text
    floor = paired["spread"]["wasserstein_floor"][1]
    assert max(paired["wasserstein_1"], paired["wasserstein_20"]) < floor
    assert "from five steps on both are as near as real points are to each other" in text
    for steps in (5, 10, 20):
        assert max(paired[f"wasserstein_{steps}"], drawn[f"wasserstein_{steps}"]) < floor
    assert drawn["wasserstein_1"] > 20 * floor  # "in the middle of all islands"
    assert "only the blurred plan does a little" in text
    assert paired["nats_above_truth"] == pytest.approx(drawn["nats_above_truth"], rel=0.05)
    assert 0 < blurred["nats_above_truth"] < paired["spread"]["nats_above_truth"][0]


def test_what_pairing_is_worth_on_digits_is_as_the_page_says():
    recipe, cfm = (
        documents.parse((paths.recipes_dir() / topic / "small.yaml").read_text(encoding="utf-8"))
        for topic in ("ot-cfm", "cfm")
    )
    assert isinstance(recipe, dict)
    assert isinstance(cfm, dict)
    text, names = text_of("ot-cfm"), [f"judge_frechet_{n}" for n in (1, 2, 5, 10, 20)]
    paired, drawn, longer = recipe["measured"], recipe["measured"]["without"], cfm["measured"]
    left = [paired[name] / drawn[name] for name in names]
    assert "Pairing is ahead in every column, and the more so the fewer the calls" in text
    assert left == sorted(left)
    assert left[-1] < 1
    assert "from five calls on it is ahead of both rows" in text
    assert all(longer[name] < min(paired[name], drawn[name]) for name in names[2:])
    assert "the pairs win against that too" in text
    assert all(longer[name] > paired[name] for name in names[:2])
    sides = (recipe["train"], cfm["train"])
    assert len({side["steps"] * side["batch_size"] for side in sides}) == 1  # "as many images"
    assert 2 * sides[0]["steps"] == sides[1]["steps"]


# --- reflow -------------------------------------------------------------------------------------------------


def current(x: Tensor, t: float) -> Tensor:
    return _velocity.velocity(PIXEL, x, t)


def test_the_walker_of_cfm_bends_and_reflow_s_does_not():
    ends = [x.item() for x in solvers.even_steps(current, tensor([[WALKER]]), 4, "euler")]
    text = text_of("reflow")
    assert f"over {ends[0]:.2f}, {ends[1]:.2f} and {ends[2]:.2f} to {ends[3]:.2f}" in text
    walked = sum(abs(b - a) for a, b in pairwise([WALKER, *ends]))
    assert f"It walks {walked:.2f} to get {ends[-1] - WALKER:.2f} far" in text
    assert f"the speed 1 - 0.4 = {1 - WALKER:.1f}. One step ends at 1.00" in text
    (bent,) = solvers.even_steps(current, tensor([[WALKER]]), 1, "euler")
    first = current(tensor([[WALKER]]), 0.0).item()
    assert f"The first flow said {first:.1f} and ended at {abs(bent.item()):.2f}" in text
    *_, two = solvers.even_steps(current, tensor([[WALKER]]), 2, "euler")
    assert f"0.4 would have gone to {two.item():.2f}" in text


def test_positive_noises_end_at_white_and_nobody_is_between():
    noise = torch.linspace(-3, 3, 30)[:, None]  # which has no 0
    ends = solvers.solve(current, noise, 400, "midpoint")
    torch.testing.assert_close(ends, noise.sign(), atol=0.02, rtol=0)
    halfway = (noise + noise.sign()) / 2
    assert halfway.abs().min() > 0.5


def test_own_pairs_are_shorter():
    size = math.sqrt(2 / math.pi)
    text = text_of("reflow")
    assert f"a standard normal number has the mean size {size:.2f}: that makes {2 - 2 * size:.2f}." in text


def test_lengths_fall_by_what_crossed_and_what_bent():
    """E|x_1 - x_0|^2 - E|z_1 - z_0|^2 = V + S for Gaussian data that are joined at random."""
    t = torch.linspace(0, 1, 200_001, dtype=torch.float64)
    variance = (t * STD) ** 2 + (1 - t) ** 2
    slope = (t * STD**2 - (1 - t)) / variance
    energy = MEAN**2 + float(torch.trapezoid(slope**2 * variance, t))
    before, after = MEAN**2 + STD**2 + 1, MEAN**2 + (STD - 1) ** 2
    crossed, bent = before - energy, energy - after
    assert min(crossed, bent) > 0
    left_over = float(torch.trapezoid(STD**2 + 1 - slope**2 * variance, t))  # variance of x_1 - x_0 given x_t
    assert crossed == pytest.approx(left_over)
    noise = torch.randn(4000, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    noise = torch.cat([noise, -noise])
    noise = noise / noise.std(unbiased=False)
    path = torch.stack([noise, *solvers.even_steps(at_random, noise, 200)])
    speeds = torch.stack([at_random(x, k / 200) for k, x in enumerate(path)])
    off = (speeds - (path[-1] - path[0])).square().mean((1, 2))
    assert float(torch.trapezoid(off, dx=1 / 200)) == pytest.approx(bent, rel=1e-3)


def test_what_the_page_says_of_settings_stands_in_the_recipes():
    read = {
        name: documents.parse((paths.recipes_dir() / "reflow" / f"{name}.yaml").read_text(encoding="utf-8"))
        for name in ("small", "twice")
    }
    small, twice = read["small"], read["twice"]
    text = text_of("reflow")
    assert f"{small['model']['n_pairs']:,} pairs by ten steps" in text
    assert small["model"]["pair_steps"] == 10
    assert f"takes {small['train']['steps']} steps on them" in text
    assert (small["from"], twice["from"], twice["base"]) == ("cfm/small", "reflow/small", "small")


def test_what_straightening_is_worth_on_digits_is_as_the_page_says():
    recipe = documents.parse((paths.recipes_dir() / "reflow" / "small.yaml").read_text(encoding="utf-8"))
    assert isinstance(recipe, dict)
    text, once, on = text_of("reflow"), recipe["measured"], recipe["measured"]["without"]
    assert (
        "One call of the student lands nearer to real images than two of the flow that was trained on" in text
    )
    assert once["judge_frechet_1"] < on["judge_frechet_2"]
    assert "From five calls on that flow is ahead" in text
    assert all(on[f"judge_frechet_{n}"] < once[f"judge_frechet_{n}"] for n in (5, 10, 20))
    assert "at any number its digits are read more often as asked" in text
    assert all(on[f"class_accuracy_{n}"] > once[f"class_accuracy_{n}"] for n in (1, 2, 5, 10, 20))
