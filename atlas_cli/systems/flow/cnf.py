"""CNF: carry a simple density to the data along an ODE, and read the exact likelihood off the way.

Source:  Grathwohl et al. 2018 (FFJORD), arXiv:1810.01367, eq. 4 and 6-8; continuous flows and the change of
         density along them: Chen et al. 2018 (neural ODE), arXiv:1806.07366, theorem 1.
         Official: github.com/rtqichen/ffjord, whose `concatsquash` layer is `Timed` here.
Time:    t = 0 is noise, 1 the data, as in the family (the paper's t_0 and t_1).
Shapes:  B points of D coordinates; K directions; E = D + 1, a point and the change of its log-density.
Differs: gradients flow back through the solver's own steps, where the papers solve an adjoint equation and
         keep no step: in the plane the steps fit into memory, and the gradient is exactly that of the loss.
         Training has dopri5 with a looser tolerance than the papers'; the figures have a tight one. Every
         rank chooses its own steps: several agree with one to the tolerance, and not to rounding.
         The trace is exact by default: of two coordinates it costs two derivatives.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast

import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from atlas_cli.config import WIDEST, SystemConfig
from atlas_cli.draws import BatchRandom, stable_seed
from atlas_cli.engine.system import Metrics, SampleRequest, System
from atlas_cli.metrics import timing
from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.present.artifacts.points import SHOWN_POINTS, Points
from atlas_cli.systems.flow import densities
from atlas_cli.systems.flow.coupling import CouplingFlow
from atlas_cli.systems.flow.solvers import Velocity, adaptive, even_steps, solve, solve_within

N_HELD_OUT = 4_000  # points whose likelihood is measured
N_PROBED = 500  # of them, for what one random direction says
N_FRAMES = 24
TOLERANCE = 1e-5  # of the solver that measures
GRID_HALF, GRID_CELLS = 4.5, 96  # the square over which the density is summed, and its cells a side
N_COUNTED = 10_000  # points that the densities beside it count
N_PROBES = 8  # random directions for each point
N_BACKDROP = 2_500


class Config(SystemConfig):
    """The `model:` section of a cnf recipe."""

    data_kinds: ClassVar[tuple[str, ...]] = ("points",)

    dim: int = Field(2, gt=1, le=WIDEST)  # coordinates; from the data
    flow: Literal["continuous", "coupling"] = "continuous"  # coupling: the restricted form, as an opponent
    width: int = Field(64, gt=0, le=WIDEST)  # units of a hidden layer
    n_layer: int = Field(3, gt=0, le=64)  # hidden layers; of a coupling flow, couplings
    # likelihood; points: the same without the trace; matching: regress on straight lines, no solver.
    objective: Literal["likelihood", "points", "matching"] = "likelihood"
    trace: Literal["exact", "hutchinson"] = "exact"
    # In training; adaptive: dopri5 with steps of its own choosing, the others with even ones.
    solver: Literal["adaptive", "euler", "midpoint", "heun", "rk4", "dopri5"] = "adaptive"
    tolerance: float = Field(1e-3, ge=1e-6, le=1)  # of a step of the adaptive one, in training
    solver_steps: int = Field(8, gt=0, le=1000)  # of the others

    @model_validator(mode="after")
    def _couplings_know_their_determinant(self) -> Config:
        if self.flow == "coupling" and (self.objective, self.trace) != ("likelihood", "exact"):
            raise ValueError("a coupling flow has no velocity: it learns by likelihood, with trace: exact")
        return self


# --- the field, and its trace -------------------------------------------------------------------------


class Timed(nn.Module):
    """A linear layer that time scales and shifts: (W x + b) sigmoid(g(t)) + s(t)."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)
        self.gate = nn.Linear(1, n_out)
        self.shift = nn.Linear(1, n_out, bias=False)

    def at(self, t: Float[Tensor, "B 1"]) -> tuple[Float[Tensor, "B n_out"], Float[Tensor, "B n_out"]]:
        """What a time scales and shifts by."""
        return self.gate(t).sigmoid(), self.shift(t)


class VelocityField(nn.Module):
    """v(x, t): any network would do; this one is a perceptron of timed layers with tanh between them."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        widths = [c.dim, *[c.width] * c.n_layer, c.dim]
        self.layers = nn.ModuleList(map(Timed, widths[:-1], widths[1:]))

    def forward(self, x: Float[Tensor, "B D"], t: float | Float[Tensor, "B 1"]) -> Float[Tensor, "B D"]:
        return self.along(x, t, None)[0]

    def along(
        self, x: Float[Tensor, "B D"], t: float | Float[Tensor, "B 1"], d: Float[Tensor, "K B D"] | None
    ) -> tuple[Float[Tensor, "B D"], Any]:
        """v(x, t), and J d, how v changes along each direction: the chain rule, layer by layer, forwards."""
        t = t if isinstance(t, Tensor) else x.new_full((1, 1), t)
        for place, layer in enumerate(cast("Iterable[Timed]", self.layers)):
            if place:
                x = x.tanh()
                d = None if d is None else (1 - x * x) * d  # the slope of tanh
            gate, shift = layer.at(t)
            x = torch.addcmul(shift, layer.linear(x), gate)
            d = None if d is None else F.linear(d, layer.linear.weight) * gate  # what is constant drops out
        return x, d


def exact_trace(v: Velocity, x: Float[Tensor, "B D"], t: float) -> Float[Tensor, "B"]:
    """tr(dv/dx), for any network: one derivative for each coordinate. `VelocityField.along` is held to it."""
    x = x if x.requires_grad else x.detach().requires_grad_()
    # exercise: exact_trace
    out = v(x, t)
    rows = [torch.autograd.grad(out[:, i].sum(), x, create_graph=True)[0] for i in range(x.shape[1])]
    return sum((row[:, i] for i, row in enumerate(rows)), start=x.new_zeros(len(x)))
    # end


def hutchinson_trace(
    v: Velocity, x: Float[Tensor, "B D"], t: float, probe: Float[Tensor, "B D"]
) -> Float[Tensor, "B"]:
    """probe^T (dv/dx) probe: one derivative, and the trace on average if E[probe probe^T] = I (eq. 7).

    With signs as coordinates its variance is that of sum over i < j of probe_i probe_j (J_ij + J_ji):
    sum over i < j of (J_ij + J_ji)^2. The diagonal adds none, since the square of a sign is 1.
    """
    x = x if x.requires_grad else x.detach().requires_grad_()
    # exercise: hutchinson_trace
    (pulled,) = torch.autograd.grad(v(x, t), x, probe, create_graph=True)
    return (pulled * probe).sum(1)
    # end


# --- the system ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Batch:
    """A training batch with all its randomness in it."""

    data: Float[Tensor, "B D"]
    probe: Float[Tensor, "B D"]  # signs: Hutchinson's direction, one for the whole way of a point
    noise: Float[Tensor, "B D"]  # for `matching`
    t: Float[Tensor, "B 1"]  # for `matching`


class CNF(System):
    """A continuous normalizing flow of points, or what stands beside it (`flow`, `objective`)."""

    unit: ClassVar[str] = "points"
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        coupled = config.flow == "coupling"
        self.net: Any = (
            CouplingFlow(config.dim, config.width, config.n_layer) if coupled else VelocityField(config)
        )

    def batch(self, step: int) -> Batch:
        return self._drawn(self.setting.random(step))

    def held_out(self, step: int) -> Batch:
        return self._drawn(self.setting.held_out_random())

    def _drawn(self, random: BatchRandom) -> Batch:
        data, dim = self.setting.data.batch(random), self.config.dim
        signs = random.integers(0, 2, dim).to(data.dtype) * 2 - 1
        return Batch(data, signs, random.normal(dim), random.uniform(1))

    def loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """Nats that a point costs, -log p(x); of a flow that is matched, its velocity's squared error."""
        if self.config.objective == "matching":
            x_t = (1 - batch.t) * batch.noise + batch.t * batch.data
            return F.mse_loss(self.net(x_t, batch.t), batch.data - batch.noise), {}
        if self.config.flow == "coupling":
            return -self.log_density(batch.data).mean(), {}
        probe = batch.probe if self.config.trace == "hutchinson" else None
        counted = self.config.objective == "likelihood"
        return -self._by_the_training_solver(batch.data, probe, counted).mean(), {}

    # --- points that carry the change of their log-density --------------------------------------------

    def moving(self, probe: Float[Tensor, "B D"] | None = None, counted: bool = True) -> Velocity:
        """The field of (x, change): x moves with v, and its log-density changes by -tr(dv/dx) (theorem 1).

        Args:
            probe: Hutchinson's direction of each point; None: the exact trace.
            counted: False: as if the field left every volume as it is.
        """

        def velocity(state: Float[Tensor, "B E"], t: float) -> Float[Tensor, "B E"]:
            x = state[:, :-1]
            if not counted:
                return F.pad(self.net(x, t), (0, 1))
            if probe is None:
                axes = torch.eye(x.shape[1]).to(x)[:, None].expand(-1, *x.shape)  # (D, B, D)
                v, turned = self.net.along(x, t, axes)
                trace = turned.diagonal(dim1=0, dim2=2).sum(1)
            else:
                v, turned = self.net.along(x, t, probe[None])
                trace = (turned[0] * probe).sum(1)
            return torch.cat([v, -trace[:, None]], dim=1)

        return velocity

    def total(self, end: Float[Tensor, "B E"]) -> Float[Tensor, "B"]:
        """log p(x) of a datum that went back to the noise: the noise's log-density, less what changed."""
        return normal_log_density(end[:, :-1]) - end[:, -1]

    def log_density(
        self, x: Float[Tensor, "B D"], probe: Float[Tensor, "B D"] | None = None
    ) -> Float[Tensor, "B"]:
        """log p(x) in nats, each step of the solver within the tolerance."""
        if self.config.flow == "coupling":
            z, stretched = self.net.to_noise(x)
            return normal_log_density(z) + stretched
        return self.total(solve_within(self.moving(probe), F.pad(x, (0, 1)), TOLERANCE, 1.0, 0.0))

    def to_data(self, z: Float[Tensor, "B D"]) -> Float[Tensor, "B D"]:
        """Where noise goes."""
        if self.config.flow == "coupling":
            return self.net.to_data(z)[-1]
        return solve_within(self.net, z, TOLERANCE)

    def to_noise(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B D"]:
        """Where data come from."""
        if self.config.flow == "coupling":
            return self.net.to_noise(x)[0]
        return solve_within(self.net, x, TOLERANCE, 1.0, 0.0)

    # --- what the run is judged by, and what it shows -------------------------------------------------

    def evaluate(self) -> Mapping[str, float]:
        """What a held-out point costs, above what it costs the true density where that is known."""
        source = self.setting.data
        points = source.held_out(N_HELD_OUT)
        found = self.log_density(points)
        figures = {"nats": -float(found.mean())}
        if source.log_density is not None:
            figures |= self._beside_the_truth(points, found, source.log_density(points))
        if self.config.dim == 2:
            figures["mass"] = densities.mass(self.log_density, GRID_HALF, GRID_CELLS, points.device)
        z = self._noise(N_PROBED, self.setting.generator("evaluate"))
        figures["return_error"] = float((self.to_noise(self.to_data(z)) - z).abs().mean())
        figures["step_milliseconds"] = self._step_milliseconds()
        if self.config.flow == "continuous":
            figures |= self._of_the_way(points[:N_PROBED], found[:N_PROBED])
        figures["parameters"] = float(sum(p.numel() for p in self.parameters()))
        return figures

    def _beside_the_truth(self, points: Tensor, found: Tensor, true: Tensor) -> dict[str, float]:
        """Nats above the true density's, on the same points: of the flow, and of two densities that count."""
        counted, tried = (
            self.setting.data.held_out(n, stable_seed(purpose, self.setting.train.seed))
            for purpose, n in (("counted", N_COUNTED), ("tried", N_PROBED))
        )
        width = densities.best_width(counted, tried)
        beside = {
            "": found,
            "gaussian_": densities.gaussian(counted, points),
            "kernels_": densities.kernels(counted, points, width),
        }
        above = {f"{name}nats_above_truth": float((true - log).mean()) for name, log in beside.items()}
        return {"entropy": -float(true.mean()), **above, "kernel_width": width}

    def _of_the_way(self, points: Tensor, exact: Tensor) -> dict[str, float]:
        """What one random direction says of a point, and what the solvers differ by and cost."""
        random = self.setting.generator("probes")
        sign = (
            torch.randint(0, 2, (N_PROBES, *points.shape), generator=random, device=points.device) * 2.0 - 1
        )
        many = points.expand(N_PROBES, -1, -1).flatten(0, 1)
        told = self.log_density(many, sign.flatten(0, 1)).view(N_PROBES, -1)
        coarse = self._by_the_training_solver(points)
        *_, last = adaptive(self.net, self._noise(N_PROBED, random), TOLERANCE)
        return {
            "hutchinson_bias": float((told - exact).mean()),
            "hutchinson_std": float(told.var(0).mean().sqrt()),
            "solver_error": float((coarse - exact).abs().mean()),
            "claimed_too_much": float((coarse - exact).mean()),
            "solver_calls": float(last.calls),
        }

    def _by_the_training_solver(self, x: Tensor, probe: Tensor | None = None, counted: bool = True) -> Tensor:
        """log p(x) as the training computes it."""
        c, moving, start = self.config, self.moving(probe, counted), F.pad(x, (0, 1))
        if c.solver == "adaptive":
            return self.total(solve_within(moving, start, c.tolerance, 1.0, 0.0))
        return self.total(solve(moving, start, c.solver_steps, c.solver, 1.0, 0.0))

    def _step_milliseconds(self) -> float:
        """Processor time of a training step's forward and backward pass."""
        batch = self.batch(0)

        def step() -> None:
            with torch.enable_grad():
                torch.autograd.grad(self.loss(batch)[0], list(self.parameters()), allow_unused=True)

        return 1000 * timing.least_seconds({"": step}, device=self.setting.device)[""]

    def _noise(self, n: int, random: torch.Generator) -> Float[Tensor, "n D"]:
        return torch.randn(n, self.config.dim, generator=random, device=self.setting.device)

    def samples_shown(self) -> int:
        return SHOWN_POINTS

    def glimpse(self, seed: int) -> Artifact:
        return self.sample(SampleRequest(n=SHOWN_POINTS, seed=seed)).still()

    def sample(self, request: SampleRequest) -> Points:
        """Noise on its way to points."""
        z = self._noise(request.n, self.setting.generator("sample", request.seed))
        if self.config.flow == "coupling":
            path = self.net.to_data(z)
        else:
            path = [z, *even_steps(self.net, z, N_FRAMES)]
        frames = [x.float().cpu().numpy() for x in path]
        real = self.setting.data.held_out(N_BACKDROP).cpu().numpy()
        caption = f"{request.n} points that it made, over {N_BACKDROP} real ones of {self.setting.data.name}"
        return Points(frames[-1], backdrop=real, frames=frames, moves="noise on its way", caption=caption)


def normal_log_density(z: Float[Tensor, "B D"]) -> Float[Tensor, "B"]:
    """log of the standard normal density."""
    return -(z.square() + math.log(math.tau)).sum(1) / 2
