"""A GAN that learns eight Gaussians, filmed: the system of the atlas itself, trained once within seconds."""

from __future__ import annotations

from functools import cache
from typing import Any

from atlas_cli.diagrams.frames import (
    Curves,
    Explorable,
    Frame,
    Group,
    Heatmap,
    Knob,
    Panel,
    Scatter,
    Series,
)

N_STEPS = 800
STEPS = (
    0,
    5,
    10,
    20,
    30,
    40,
    60,
    80,
    100,
    130,
    160,
    200,
    250,
    300,
    350,
    400,
    450,
    500,
    550,
    600,
    650,
    700,
    750,
    800,
)
WINDOW = 4.5  # the picture shows -WINDOW .. WINDOW
N_SHOWN, N_JUDGED = 160, 1000  # samples drawn, samples that the figures count
BELIEFS = (0.3, 0.7)  # D at both ends of the shades; R1 keeps most between
GRID = 21  # places of the discriminator's map on a side
DATA = {"name": "toy2d", "density": "modes8", "std": 0.2}  # wide enough to be hit within seconds
MODEL = {"dim": 2, "z_dim": 2, "width": 48, "r1_gamma": 0.1, "r1_every": 4}
TRAIN = {
    "steps": N_STEPS,
    "batch_size": 128,
    "lr": 3e-3,
    "betas": (0.0, 0.99),
    "seed": 0,
    "precision": "fp32",
}


def shoot() -> list[dict[str, Any]]:
    """Train, and note at every step of the film: samples, the discriminator's map, and figures.

    The draws are seeded and the run's own random state is left as it was.
    """
    import torch

    from atlas_cli.data import load
    from atlas_cli.draws import stable_seed
    from atlas_cli.engine.system import Setting
    from atlas_cli.recipe.recipes import TrainConfig
    from atlas_cli.systems.gan.gan import GAN, Config

    train = TrainConfig(**TRAIN)  # type: ignore[arg-type]
    data = load(DATA, seed=train.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stable_seed(train.seed, "film"))
        gan = GAN(Config(**MODEL))  # type: ignore[arg-type]
    gan.attach(Setting(data, train))
    optimizers, film = gan.optimizers(), []
    for step in range(N_STEPS + 1):
        if step in STEPS:
            film.append(_still(gan))
        if step < N_STEPS:
            gan.step(gan.batch(step), optimizers)
    return film


def _still(gan: Any) -> dict[str, Any]:
    """What the film shows of one moment, as JSON can hold it."""
    import torch

    from atlas_cli.systems.gan.gan import energy_distance, mode_figures

    source = gan.setting.data
    places = torch.linspace(WINDOW, -WINDOW, GRID)  # the first row is at the top
    plane = torch.stack([places.flip(0).repeat(GRID), places.repeat_interleave(GRID)], dim=1)
    with torch.no_grad():
        z = torch.randn(N_JUDGED, gan.config.z_dim, generator=gan.setting.generator("film"))
        points, real = gan.generator(z, None), source.held_out(N_JUDGED)
        d_real, d_fake = (gan.discriminator(x, None).sigmoid().mean() for x in (real, points))
        view = gan.discriminator(plane, None).sigmoid().view(GRID, GRID)
    return {
        "points": points[:N_SHOWN].tolist(), "view": view.tolist(),
        "d_real": float(d_real), "d_fake": float(d_fake),
        "energy_distance": energy_distance(points, real), **mode_figures(points, source.modes, source.std),
    }  # fmt: skip


@cache
def film() -> list[dict[str, Any]]:
    """The film, from disk if it was shot before."""
    from atlas_cli.diagrams.frame_cache import kept

    stills: list[dict[str, Any]] = kept(EXPLORABLE, "film", shoot)
    return stills


@cache
def _real() -> list[list[float]]:
    from atlas_cli.data import load

    source: Any = load(DATA)
    points: list[list[float]] = source.held_out(N_SHOWN).tolist()
    return points


def _panels(stills: list[dict[str, Any]], step: int) -> tuple[tuple[Panel, ...], ...]:
    now = stills[STEPS.index(step)]
    inside = [point for point in now["points"] if max(map(abs, point)) < WINDOW]
    ends = (f"{-WINDOW:g}", f"{WINDOW:g}")
    beliefs = (
        _over_steps(stills, "d_real", "of real points"),
        _over_steps(stills, "d_fake", "of generated ones"),
    )
    good = _over_steps(stills, "high_quality_share", "good points")
    believed = "D(x): high where it says real"
    return (
        (
            Scatter("Points", (Group("real", _real()), Group("generated", inside)), (-WINDOW, WINDOW) * 2),
            Heatmap(believed, now["view"], *BELIEFS, "x", "y", ends, ends[::-1]),
        ),
        (
            Curves("D(x), mean", beliefs, "step", "D", marker=step, drag="step"),
            Curves("Share of points on a Gaussian", (good,), "step", "share", marker=step, drag="step"),
        ),
    )


def _over_steps(stills: list[dict[str, Any]], name: str, label: str) -> Series:
    return Series(
        label, STEPS, tuple(still[name] for still in stills), "dashed" if name == "d_fake" else "line"
    )


def training_film(step: int) -> Frame:
    """Both players at one step."""
    stills = film()
    now = stills[STEPS.index(step)]
    return Frame(
        _panels(stills, step),
        f"At step {step} the generator has found {now['modes_found']:.0f} of 8 Gaussians, and "
        f"{now['high_quality_share']:.0%} of its points lie within three standard deviations of one. The "
        "map of D is all that the generator ever learns from: it climbs to where D is high.",
        {
            "Gaussians found": now["modes_found"],
            "good points": now["high_quality_share"],
            "energy distance": now["energy_distance"],
            "D of real": now["d_real"],
            "D of generated": now["d_fake"],
        },
    )


EXPLORABLE = Explorable(
    "training-film", "gan", ("gan",), "Two players at work",
    "Which comes first, a high spot of D or the points there? Is either player ever done?",
    (Knob("step", "step", STEPS, 300, "play"),),
    training_film,
    place=50,
    opens=True,
)  # fmt: skip
