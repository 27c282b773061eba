"""Flows of points: their field, how far they go, how near they end, and what they say a point costs.

Source:  path energy beside the Wasserstein distance: Tong et al. 2023, arXiv:2302.00482, section 6.1; their
         NPE is `energy_excess` here. Energy bounds the squared distance from above: Benamou, Brenier 2000,
         Numerische Mathematik 84, 375-393.
Names:   W_2 is the least root mean square distance over all ways to pair two clouds; here its square.
Shapes:  N points of D coordinates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from atlas_cli.draws import stable_seed
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.present.artifacts.points import Points
from atlas_cli.systems.flow import cnf
from atlas_cli.systems.flow.solvers import Velocity, even_steps, solve_within

COUNTS = (1, 2, 5, 10, 20)  # steps of Euler's method
N_PAIRED = 1_500  # points of a cloud, for a distance
N_DRAWS = 4  # of clouds, for the distance that the true coupling has
N_COSTED = 2_000  # held-out points whose likelihood is measured
FINE = 100  # steps of a path whose energy is measured
TOLERANCE = 1e-5
N_BACKDROP = 2_500


@runtime_checkable
class PointFlow(Protocol):
    """What is asked of a system here."""

    config: Any
    setting: Setting

    def field(self, z: Tensor, t: float, label: Tensor) -> Tensor: ...

    def follow(self, noise: Tensor, label: Tensor, steps: int) -> Iterator[Tensor]: ...

    def noise(self, n: int, generator: torch.Generator) -> Tensor: ...


def field(dim: int, width: int, n_layer: int) -> nn.Module:
    """cnf's network: points (B, D) and times (B, 1) -> velocities."""
    return cnf.VelocityField(cnf.Config.model_validate({"dim": dim, "width": width, "n_layer": n_layer}))


def pairing(cost: Float[Tensor, "N N"]) -> Tensor:
    """(N,) which column each row gets, so that the sum of the costs is least: exact, in about N^3 steps."""
    _, columns = linear_sum_assignment(cost.cpu().numpy())
    return torch.from_numpy(columns).to(cost.device)


def squared_distances(one: Float[Tensor, "N *D"], other: Float[Tensor, "N *D"]) -> Float[Tensor, "N N"]:
    """Between all points of one cloud and all of the other.

    From the differences themselves: by way of a product of matrices autocast would make 8 bits of them.
    """
    directly = "donot_use_mm_for_euclid_dist"
    return torch.cdist(one.flatten(1), other.flatten(1), compute_mode=directly).square()


def wasserstein(one: Float[Tensor, "N D"], other: Float[Tensor, "N D"]) -> float:
    """W_2^2 between two clouds of equal size."""
    cost = squared_distances(one.cpu().double(), other.cpu().double())
    return float(cost.gather(1, pairing(cost)[:, None]).mean())


def path_energy(v: Velocity, z: Float[Tensor, "N D"], steps: int = FINE) -> float:
    """Mean over the points of the integral of |v|^2 along the way.

    It is W_2^2 at least, if the points end as the data.
    """
    # exercise: path_energy
    way = [z, *even_steps(v, z, steps)]
    squares = [v(x, k / steps).square().sum(1).mean() for k, x in enumerate(way)]
    return float(torch.trapezoid(torch.stack(squares))) / steps
    # end


def log_density(v: Velocity, x: Float[Tensor, "N D"]) -> Float[Tensor, "N"]:
    """log p(x) in nats by the change of volume on the way back to the noise, as cnf's page derives it."""

    def moving(state: Tensor, t: float) -> Tensor:
        with torch.enable_grad():
            point = state[:, :-1].detach().requires_grad_()
            trace = cnf.exact_trace(v, point, t)
        return torch.cat([v(point.detach(), t), -trace[:, None]], dim=1).detach()

    end = solve_within(moving, torch.nn.functional.pad(x, (0, 1)), TOLERANCE, 1.0, 0.0)
    return cnf.normal_log_density(end[:, :-1]) - end[:, -1]


def figures(system: PointFlow) -> dict[str, float]:
    """Where points end after so many steps, how far they went, and what held-out points cost."""
    source, seed = system.setting.data, system.setting.train.seed
    real, other = (source.held_out(N_PAIRED, stable_seed(name, seed)) for name in ("real", "other"))
    noise = system.noise(N_PAIRED, system.setting.generator("evaluate"))
    v = _whole_field(system)
    found = {"wasserstein_floor": wasserstein(real, other)}
    for steps in COUNTS:
        *_, end = system.follow(noise, _no_class(noise), steps)
        found[f"wasserstein_{steps}"] = wasserstein(end, real)
    energy = path_energy(v, noise)
    least = _least_energy(system)
    found |= {"path_energy": energy, "least_energy": least, "energy_excess": abs(energy - least) / least}
    if source.log_density is not None:
        points = source.held_out(N_COSTED)
        truth = source.log_density(points)
        found["nats_above_truth"] = float((truth - log_density(v, points)).mean())
    return found


def _least_energy(system: PointFlow) -> float:
    """W_2^2 between noise and data: the mean over a few draws, a little too large, as clouds are finite."""
    random, source = system.setting.generator("least"), system.setting.data
    draws = [
        wasserstein(system.noise(N_PAIRED, random), source.held_out(N_PAIRED, stable_seed("least", draw)))
        for draw in range(N_DRAWS)
    ]
    return sum(draws) / len(draws)


def drawn(system: PointFlow, request: SampleRequest) -> Points:
    """Noise on its way to points, as many steps as the recipe says."""
    z = system.noise(request.n, system.setting.generator("sample", request.seed))
    path = [z, *system.follow(z, _no_class(z), system.config.sampler_steps)]
    frames = [x.float().cpu().numpy() for x in path]
    real = system.setting.data.held_out(N_BACKDROP).cpu().numpy()
    caption = f"{request.n} points that it made, over {N_BACKDROP} real ones of {system.setting.data.name}"
    return Points(frames[-1], backdrop=real, frames=frames, moves="noise on its way", caption=caption)


def _whole_field(system: PointFlow) -> Callable[[Tensor, float], Tensor]:
    return lambda x, t: system.field(x, t, _no_class(x))


def _no_class(x: Tensor) -> Tensor:
    return torch.zeros(len(x), dtype=torch.long, device=x.device)
