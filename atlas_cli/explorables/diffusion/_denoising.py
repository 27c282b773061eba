"""The way back from noise to a mixture on a line, with the denoiser that no network can beat."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.explorables._mixtures import Mixture
    from atlas_cli.systems.diffusion.ddpm import DDPM

N_STEPS = 200  # T of every schedule of the diffusion explorables
N_ENDS = 2000  # paths that are counted
START_SEED = 5  # of the noise that they start from


@cache
def process(schedule: str, sampler_steps: int = 50) -> DDPM:
    """The project's DDPM, for its arithmetic alone; its net is never asked."""
    from atlas_cli.systems.diffusion.ddpm import DDPM, Config

    config: Any = {"schedule": schedule, "sampler_steps": sampler_steps}
    # The linear schedule's betas are those of 1,000 steps, as many times larger as the steps are fewer.
    config |= {"beta_start": 1e-4 * 1000 / N_STEPS, "beta_end": 0.02 * 1000 / N_STEPS}
    return DDPM(Config(n_steps=N_STEPS, width=4, multipliers=(1,), **config))


@cache
def line() -> Mixture:
    """Two modes on a line, 0.4 and 0.6 of the data."""
    import torch

    from atlas_cli.explorables._mixtures import Mixture

    return Mixture(torch.tensor([[-1.5], [1.2]]), torch.tensor([0.4, 0.6]), 0.25)


def ranks(mixture: Mixture, x: Tensor, signal: float = 1.0, sigma: float = 0.0) -> Tensor:
    """F_t(x): the share of noised data below x, (B,) for points (B,) on the line."""
    import torch

    spread = ((signal * mixture.std) ** 2 + sigma**2) ** 0.5
    places = (x[:, None] - signal * mixture.means[:, 0]) / spread
    return torch.special.ndtr(places.double()) @ mixture.weights.double()


def datum_of_rank(mixture: Mixture, rank: Tensor) -> Tensor:
    """F_0^-1(rank), (B,), by halving an interval."""
    import torch

    low, high = torch.full_like(rank, -8.0), torch.full_like(rank, 8.0)
    for _ in range(50):
        middle = (low + high) / 2
        below = ranks(mixture, middle) < rank
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return (low + high) / 2


@cache
def _data_in_order() -> Tensor:
    """The data's quantiles in the middle of N_ENDS equal shares."""
    import torch

    return datum_of_rank(line(), (torch.arange(N_ENDS, dtype=torch.float64) + 0.5) / N_ENDS)


def distance(samples: Tensor) -> float:
    """How far N_ENDS samples of the line would have to be moved to be spread as its data are, on average."""
    return float((samples.sort().values - _data_in_order()).abs().mean())


def between(samples: Tensor) -> float:
    """Share of samples that lie further than four standard deviations from both modes."""
    mixture = line()
    away = (samples[:, None] - mixture.means[:, 0]).abs().min(1).values
    return float((away > 4 * mixture.std).float().mean())


def walk(mixture: Mixture, visited: Sequence[int], eta: float) -> Tensor:
    """N_ENDS paths over the visited times and to the data, (len(visited) + 1, N_ENDS, 1).

    DDIM's step (Song et al. 2021, eq. 12): eta 0 adds no noise, eta 1 is DDPM's posterior.
    """
    import torch

    ddpm = process("cosine")
    generator = torch.Generator().manual_seed(START_SEED)
    x = torch.randn(N_ENDS, 1, generator=generator)
    path = [x]
    for t, s in zip(visited, [*visited[1:], -1], strict=True):
        a_t, a_s = float(ddpm.alpha_bar[t]), float(ddpm.alpha_bar[s]) if s >= 0 else 1.0
        data = mixture.posterior_mean(x, a_t**0.5, (1 - a_t) ** 0.5)
        noise = (x - a_t**0.5 * data) / (1 - a_t) ** 0.5
        sigma = eta * ddpm.posterior(x[..., None, None], data[..., None, None], t, s)[1]
        x = a_s**0.5 * data + max(0.0, 1 - a_s - sigma**2) ** 0.5 * noise
        x = x + sigma * torch.randn(x.shape, generator=generator)
        path.append(x)
    return torch.stack(path)
