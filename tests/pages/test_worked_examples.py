"""Numbers by hand on the pages of diffusion and GANs come out of the code; sentences agree with recipes."""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, tensor

from atlas_cli import catalog, documents, paths
from atlas_cli.explorables._mixtures import equal_mixture
from atlas_cli.metrics.judge import N_SAMPLES
from atlas_cli.pages.source import read_page
from atlas_cli.systems.diffusion import controlnet
from atlas_cli.systems.diffusion.ddim import Config as DDIMConfig
from atlas_cli.systems.diffusion.ddpm import DDPM, Config, ddim_posterior
from atlas_cli.systems.gan.gan import discriminator_loss, generator_loss

NOISIER, CLEANER = 0.64, 0.8  # alpha_bar of the two levels of the three pixels
GUESS = tensor([0.9, -1.0, 0.8]).view(1, 3, 1, 1)


@cache
def text_of(name: str) -> str:
    """The whole page on one line."""
    subject = catalog.resolve_family(name) if name == "diffusion" else catalog.resolve(name)
    page = read_page(subject)
    return " ".join(" ".join([page.opening, *(section.markdown for section in page.sections)]).split())


def measured(topic: str, recipe: str) -> dict[str, Any]:
    return settings(topic, recipe)["measured"]


@cache
def settings(topic: str, recipe: str) -> dict[str, Any]:
    """A recipe as it is written, without what it takes over from another."""
    found = documents.parse((paths.recipes_dir() / topic / f"{recipe}.yaml").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def written(*numbers: float, places: int = 2) -> str:
    """Numbers as a page writes a few pixels."""
    return "(" + ", ".join(f"{number:.{places}f}" for number in numbers) + ")"


@pytest.fixture
def two_levels() -> DDPM:
    ddpm = DDPM(Config(n_steps=2))
    ddpm.alpha_bar = tensor([CLEANER, NOISIER])
    return ddpm


@pytest.fixture
def seen(two_levels: DDPM) -> Tensor:
    data, noise = tensor([1.0, -1.0, 1.0]), tensor([0.5, -1.0, 0.0])
    return two_levels.add_noise(data.view(1, 3, 1, 1), noise.view(1, 3, 1, 1), tensor([1]))


def test_three_pixels_of_ddpm(two_levels: DDPM, seen: Tensor):
    torch.testing.assert_close(seen.flatten(), tensor([1.1, -1.4, 0.8]))
    mean, sigma = two_levels.posterior(seen, GUESS, 1, 0)
    torch.testing.assert_close(mean, 0.497 * (seen + GUESS), atol=1e-3, rtol=0)
    assert math.isclose(sigma, 1 / 3, rel_tol=1e-6)
    assert f"0.497 times their sum, {written(*mean.flatten().tolist())}" in text_of("ddpm")


def test_three_pixels_of_ddim(seen: Tensor):
    noise = (seen - NOISIER**0.5 * GUESS) / (1 - NOISIER) ** 0.5
    torch.testing.assert_close(noise.flatten(), tensor([0.633, -1.0, 0.267]), atol=1e-3, rtol=0)
    still, none = ddim_posterior(seen, GUESS, NOISIER, CLEANER, eta=0.0)
    fresh, third = ddim_posterior(seen, GUESS, NOISIER, CLEANER, eta=1.0)
    assert (none, round(third, 6)) == (0.0, round(1 / 3, 6))
    page = text_of("ddim")
    assert f"= {written(*still.flatten().tolist())}" in page
    assert f"$\\eta = 1$ gives {written(*fresh.flatten().tolist())} and 1/3" in page


def test_one_number_of_guidance():
    both, only = equal_mixture([[1.0], [-1.0]], 1.0), equal_mixture([[1.0]], 1.0)
    for x, guided in ((0.0, "= 3 |"), (2.0, "= -0.93 |")):
        at = tensor([[x]], requires_grad=True)
        slopes = [torch.autograd.grad(m.log_joint(at).logsumexp(1).sum(), at)[0].item() for m in (only, both)]
        with_label, without = slopes
        assert math.isclose(with_label - without, 1 - math.tanh(x), abs_tol=1e-6)
        assert guided in text_of("cfg")
        assert math.isclose(without + 3 * (with_label - without), float(guided[2:-2]), abs_tol=5e-3)
        assert x == 0 or f"| 2 | -1 | {without:.3f} | {with_label - without:.3f} |" in text_of("cfg")


def walked(levels: list[float]) -> tuple[list[float], list[float]]:
    """Where DDIM's walk from 0.4 passes, and what a perfect denoiser of white and black answers there."""
    mixture = equal_mixture([[1.0], [-1.0]], 1e-4)
    path, answers = [tensor([[0.4]])], []
    for t, s in pairwise(levels):
        answers.append(mixture.posterior_mean(path[-1], t**0.5, (1 - t) ** 0.5))
        there, guess = (x.view(1, 1, 1, 1) for x in (path[-1], answers[-1]))
        path.append(ddim_posterior(there, guess, t, s, eta=0.0)[0].view(1, 1))
    return [x.item() for x in path], [answer.item() for answer in answers]


def test_the_pixel_whose_path_a_consistency_model_jumps():
    path, answers = walked([0.01, 0.25, 0.5, 0.75, 1.0])
    page = text_of("consistency")
    assert f"| $x$ | {' | '.join(f'{x:.3f}' for x in path)} |" in page
    assert f"| {' | '.join(f'{answer:.3f}' for answer in answers)} | |" in page
    angles = torch.linspace(math.acos(0.1), 0, 21)
    assert f"twenty steps at {walked(angles.cos().square().tolist())[0][-1]:.2f}" in page


def test_one_pixel_of_the_family():
    noises = tensor([(0.4 - 0.8) / 0.6, (0.4 + 0.8) / 0.6])
    white, black = (-noises.square() / 2).exp().tolist()
    mean = equal_mixture([[1.0], [-1.0]], 1e-4).posterior_mean(tensor([[0.4]]), 0.8, 0.6).item()
    assert math.isclose(mean, (white - black) / (white + black), rel_tol=1e-3)
    page = text_of("diffusion")
    assert f"{white:.3f} and {black:.3f}" in page
    assert f"= {mean:.2f}: a light grey" in page
    assert f"= {(0.8 * mean - 0.4) / 0.36:.2f}, towards white" in page


def test_the_latent_by_hand():
    patch, codes = tensor([1.0, 0.8, 0.6, 1.0]), tensor([4.0, -2.0, 6.0, 0.0])
    page = text_of("latent-diffusion")
    assert f"= {(patch - patch.mean()).square().mean():.4f}." in page
    scale = codes.std(unbiased=False)
    assert f"= {scale:.2f}." in page
    assert ", ".join(f"{code:.2f}" for code in (codes / scale)[:3]) + " and 0" in page
    numbers = (torch.arange(1000) + 0.5) / 100  # anywhere between the edges of ten steps
    crossed = (numbers + 0.1).floor() != numbers.floor()
    assert math.isclose(crossed.float().mean(), 0.1, rel_tol=1e-6)
    assert "nine numbers of ten are decoded as if nothing had happened" in page


def test_the_zeros_of_controlnet_by_hand():
    z1, z2, factor = (tensor(value, requires_grad=True) for value in (0.0, 0.0, 2.0))
    for row in ("| first | 6 | 0 | (6 - 7) · 6 = -6 | 0 |", "| second | 6.36 |"):
        h = 2 * 3 + z2 * (factor * (3 + z1 * 5))
        slopes = torch.autograd.grad((h - 7) ** 2 / 2, (z1, z2, factor))
        assert row in text_of("controlnet")
        with torch.no_grad():
            for number, slope in zip((z1, z2, factor), slopes, strict=True):
                number -= 0.01 * slope
    for slope, places in zip(slopes, (3, 2, 3), strict=True):
        assert f"= {slope.item():.{places}f} |" in text_of("controlnet")


def test_two_kinds_of_images_of_the_gan():
    page = text_of("gan")
    surely = 40.0  # a logit: D is one to the last digit of a float
    unsure = math.log(0.5)  # the logit of 1/3
    lazy = -discriminator_loss(tensor([unsure, surely]), tensor([unsure, unsure])).item()
    fair = -discriminator_loss(tensor([0.0]), tensor([0.0])).item()
    assert f"| {lazy:.2f} |" in page
    assert f"| {fair:.2f} |" in page
    assert f"/ 2 = {(lazy - fair) / 2:.2f} for the generator" in page
    logit = tensor([-4.0], requires_grad=True)
    stalling, other = (
        torch.autograd.grad(generator_loss(logit, kind), logit)[0].item()
        for kind in ("saturating", "non_saturating")
    )
    assert f"is {stalling:.3f} and that of the second 0.018 - 1 = {other:.3f}" in page
    assert f"{other / stalling:.0f} times as strong" in page


# --- sentences beside figures --------------------------------------------------------------------------


def test_what_the_pages_say_of_settings_stands_in_the_recipes():
    small, wide, latent = (
        settings(*name) for name in (("ddpm", "small"), ("ddpm", "wide"), ("latent-diffusion", "small"))
    )
    assert f"$w = {small['model']['guidance']}$" in text_of("ddpm")
    assert small["model"]["sampler_steps"] == 25
    assert "| 25 steps | one step |" in text_of("ddpm")
    assert f"$w = {DDIMConfig.model_fields['guidance'].default}$" in text_of("ddim")
    page = text_of("latent-diffusion")
    first = settings("fsq", "small")["train"]["steps"]
    assert f"trains the tokenizer, {first} steps; then" in page
    assert f"{latent['train']['steps']:,} steps train a `ddpm` on its latents" in page
    assert f"{latent['train']['steps']:,} steps against {wide['train']['steps']:,}" in page
    assert f"{latent['model']['width']} channels on one level against {wide['model']['width']} on two" in page
    assert f"$w = {latent['model']['guidance']}$" in page
    patches, pixels = (row["train.steps"] for row in latent["vary"].values())
    assert patches == first + latent["train"]["steps"]
    assert f"all the {patches:,} steps" in page
    assert f"for {pixels} steps" in page
    assert "have the learning rate of `wide`" in page
    assert latent["train"]["lr"] == wide["train"]["lr"]
    assert not any("train.lr" in row for row in latent["vary"].values())
    samples = f"taken on {N_SAMPLES} test digits, the others on a hundred"
    assert samples in text_of("controlnet")
    assert controlnet.CURVE_SAMPLES == 100


def test_the_walk_without_fresh_noise_is_nearer_in_every_column_as_the_page_of_ddim_says():
    assert "In every column the walk without fresh noise lies nearer" in text_of("ddim")
    figures = measured("ddim", "small")
    for steps in (5, 10, 20, 50, 100):
        assert figures[f"judge_frechet_{steps}"] < figures["without"][f"judge_frechet_{steps}"]
    for walk in (figures, figures["without"]):
        assert 0.9 < walk["judge_frechet_100"] / walk["judge_frechet_20"] < 1.1  # "neither gains much"
    rows = figures["vary"]
    assert rows["unguided"]["judge_frechet_20"] > rows["unguided-with-noise"]["judge_frechet_20"]


def test_what_the_loss_and_the_penalty_are_worth_is_as_the_page_of_the_gan_says():
    recipe = measured("gan", "small")
    without, stalling = recipe["without"], recipe["vary"]["loss=saturating"]
    assert "The penalty is worth more here than the loss" in text_of("gan")
    assert recipe["spread"]["judge_frechet"][1] < recipe["spread_without"]["judge_frechet"][0]
    assert "buys safety here and not quality" in text_of("gan")
    assert stalling["judge_frechet"] <= recipe["judge_frechet"]
    assert recipe["spread"]["steps_to_near"][1] < recipe["spread_without"]["steps_to_near"][0]
    for name in ("class_entropy", "class_accuracy"):  # "come as evenly and are read as well"
        assert without[name] == pytest.approx(recipe[name], abs=0.03)
    assert "the runs of these three seeds came through" in text_of("gan")
    assert recipe["seeds"] == [1, 2, 3]
    least, most = recipe["spread_vary"]["loss=saturating"]["judge_frechet"]
    assert most < 2 * least
    assert stalling["early_gradient"] < recipe["early_gradient"] / 100  # "vanishes every time"


def test_the_gan_is_nearer_than_the_diffusion_model_as_three_pages_say():
    gan, ddpm = measured("gan", "small"), measured("ddpm", "small")
    between = [
        measured("cfg", "small")["judge_frechet"],
        measured("ddim", "small")["vary"]["unguided-with-noise"]["judge_frechet_100"],
    ]
    assert all(gan["judge_frechet"] < other < ddpm["judge_frechet"] for other in between)
    assert gan["class_accuracy"] < ddpm["class_accuracy"]
    assert "Is the GAN not the better one here?" in text_of("gan")


def test_what_the_tokenizer_is_worth_is_as_the_page_of_latent_diffusion_says():
    latent = measured("latent-diffusion", "small")
    patches, pixels = latent["vary"].values()
    page = text_of("latent-diffusion")
    assert "Drawn in patches, digits lie much farther from real ones and are read less well" in page
    assert patches["judge_frechet"] > 2 * latent["spread"]["judge_frechet"][1]
    assert patches["class_accuracy"] < latent["spread"]["class_accuracy"][0]
    assert "with the pixels ahead on two seeds of three" in page
    assert latent["without"]["judge_frechet"] < latent["judge_frechet"]
    assert latent["spread_without"]["judge_frechet"][1] > latent["spread"]["judge_frechet"][0]
    assert "on all three the pixels' digits are read more often" in page
    assert latent["spread_without"]["class_accuracy"][0] > latent["spread"]["class_accuracy"][1]
    assert "has hardly learned to heed the class" in page
    assert pixels["class_accuracy"] < 0.6
    assert "it has fewer than the wide net and draws more slowly" in page
    assert pixels["fewer_operations"] > 1 > pixels["speedup"]
    assert "end up near it by themselves" in page
    assert all(abs(scale - 1) < 0.1 for scale in latent["spread"]["latent_std"])


@pytest.mark.parametrize("name", ["latent-diffusion", "controlnet"])
def test_what_was_measured_inside_its_own_reference_is_gone(name: str):
    """From before images that are made of test images were judged by the other half of them."""
    figures = measured(name, "small")
    fair = "reconstruction_floor" in figures or "judge_frechet_floor_least" in figures
    inside = {"latent-diffusion": "reconstruction_frechet", "controlnet": "judge_frechet"}[name]
    assert fair or inside not in figures


def test_the_recipe_of_guidance_has_the_weight_of_the_least_distance_as_its_page_says():
    figures, weight = measured("cfg", "small"), settings("cfg", "small")["model"]["guidance"]
    others = [figures["without"], *figures["vary"].values()]
    assert all(figures["judge_frechet"] < other["judge_frechet"] for other in others)
    assert f"of these rows it is least at {weight}" in text_of("cfg")
    assert settings("cfg", "small")["ablate"] == {"guidance": 1.0}
    assert "without the idea is $w = 1$" in text_of("cfg")
    none, learned = (figures["vary"]["guidance=0.0"], figures["without"])
    by_label = learned["class_accuracy"] - none["class_accuracy"]
    assert by_label > figures["class_accuracy"] - learned["class_accuracy"]  # "not its exaggeration"
    varied = [learned, figures, *(figures["vary"][f"guidance={w}.0"] for w in (2, 3, 4, 6, 8))]
    assert all(a["class_variety"] > b["class_variety"] for a, b in pairwise(varied))


@pytest.mark.parametrize(
    "name", ["ddpm", "ddim", "cfg", "latent-diffusion", "controlnet", "consistency", "gan"]
)
def test_what_a_run_drew_fits_a_narrow_terminal(name: str):
    (first,) = (s for s in read_page(catalog.resolve(name)).sections if s.title == "A first contact")
    drawing = first.markdown.split("```text\n")[1].split("\n```")[0]
    assert max(map(len, drawing.splitlines())) <= 30  # two pictures of 28 pixels, in dots of two by four
