"""A GAN that learns eight Gaussians, filmed: the system of the atlas itself, trained within seconds.

Once as the system's page has it, and once as it is not to be done: with Adam's usual momentum and without the
penalty that damps the game. That run collapses: its points gather, and hop from place to place.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, LineStyle, Series
from atlas_cli.diagrams.sketch import Shape, Sketch

N_STEPS = 800
STEPS = (
    0, 5, 10, 20, 30, 40, 60, 80, 100, 130, 160, 200, 250, 300, 350, 400, 450, 500, 550, 600, 650, 700, 750,
    800,
)  # fmt: skip
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
RUNS = ("R1 without momentum", "momentum without R1")
SPOILT_MODEL: dict[str, Any] = {"r1_gamma": 0.0}
SPOILT_TRAIN: dict[str, Any] = {"lr": 1e-3, "betas": (0.9, 0.999)}  # Adam's usual ones
OUTCOMES = {
    RUNS[0]: "Here it spreads over all of them.",
    RUNS[1]: "Here all points run after one high spot together, D sinks it, and the chase goes on elsewhere.",
}


def shoot(run: str = RUNS[0]) -> list[dict[str, Any]]:
    """Train, and note at every step of the film: samples, the discriminator's map, and figures.

    The draws are seeded and the process's own random state is left as it was.
    """
    import torch

    from atlas_cli.data import load
    from atlas_cli.draws import stable_seed
    from atlas_cli.engine.system import Setting
    from atlas_cli.recipe.recipes import TrainConfig
    from atlas_cli.systems.gan.gan import GAN, Config

    spoilt = run == RUNS[1]
    model, training = (MODEL | SPOILT_MODEL, TRAIN | SPOILT_TRAIN) if spoilt else (MODEL, TRAIN)
    train = TrainConfig(**training)  # type: ignore[arg-type]
    data = load(DATA, seed=train.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stable_seed(train.seed, "film"))
        gan = GAN(Config(**model))
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
def film(run: str) -> list[dict[str, Any]]:
    """The film of a run, from disk if it was shot before."""
    from atlas_cli.diagrams.frame_cache import kept

    stills: list[dict[str, Any]] = kept(EXPLORABLE, f"film {run}", lambda: shoot(run))
    return stills


@cache
def _real() -> list[list[float]]:
    from atlas_cli.data import load

    source: Any = load(DATA)
    points: list[list[float]] = source.held_out(N_SHOWN).tolist()
    return points


def _map(now: dict[str, Any]) -> Sketch:
    """Both kinds of points on the discriminator's map."""
    inside = [point for point in now["points"] if max(map(abs, point)) < WINDOW]
    low, high = BELIEFS
    return Sketch(
        "Points on the map of D: the fuller, the surer it is that they are real",
        (Shape("real", [_real()], "dots", None), Shape("generated", [inside], "dots", 1)),
        (-WINDOW, WINDOW, -WINDOW, WINDOW), ground=now["view"], low=low, high=high,
    )  # fmt: skip


def _over_steps(run: str, name: str, label: str, style: LineStyle = "line") -> Series:
    return Series(label, STEPS, tuple(still[name] for still in film(run)), style)


def training_film(step: int, run: str) -> Frame:
    """Both players at one step."""
    now = film(run)[STEPS.index(step)]
    other = next(name for name in RUNS if name != run)
    found = (
        _over_steps(run, "modes_found", run),
        _over_steps(other, "modes_found", other, "dashed"),
    )
    beliefs = (
        _over_steps(run, "d_real", "of real points"),
        _over_steps(run, "d_fake", "of generated ones", "dashed"),
    )
    good = _over_steps(run, "high_quality_share", "good points")
    return Frame(
        (
            (_map(now), Curves("Gaussians found", found, "step", "of 8", marker=step, drag="step")),
            (
                Curves("D(x), mean", beliefs, "step", "D", marker=step, drag="step"),
                Curves("Share of points on a Gaussian", (good,), "step", "share", marker=step, drag="step"),
            ),
        ),
        f"At step {step} the generator has found {now['modes_found']:.0f} of 8 Gaussians, and "
        f"{now['high_quality_share']:.0%} of its points lie within three standard deviations of one. The "
        f"map of D is all that it ever learns from: it climbs to where D is high. {OUTCOMES[run]}",
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
    "Which comes first, a high spot of D or the points there? In the other run, do they ever spread out?",
    (
        Knob("step", "step", STEPS, 300, "play"),
        Knob("run", "run", RUNS, RUNS[0], "choice"),
    ),
    training_film,
    place=50,
    opens=True,
)  # fmt: skip
