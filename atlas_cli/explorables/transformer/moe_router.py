"""A mixture of experts that is trained in a second: how a router collapses, and what cures it.

Source:  Fedus, Zoph, Shazeer 2021, arXiv:2101.03961, eq. 4: the balance loss alpha E sum_i f_i P_i, with f_i
         the share of the choices and P_i the mean probability of expert i; each is 1 / E when all are used
         alike. The router is that of the language model, nets/moe.py.
Task:    tokens are points of six clusters around a circle, and neighbouring clusters want opposite answers.
         Router and experts are linear and descend together from one start.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Bars, Curves, Explorable, Frame, Heatmap, Knob, Link, Panel, Series

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.nets.moe import Routing

N_EXPERTS = N_CLUSTERS = 6
N_TOKENS = 96
FAVOUR = (0.9, 0.6, 0.2, 0.0, -0.3, -0.5)  # a fresh router has favourites; these make them certain
BALANCES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.5, 0.7, 1.0)
N_ROUNDS, SHOWN_EVERY = 60, 4
Rows = tuple[tuple[Panel, ...], ...]
EVERY_ROUND = tuple(range(N_ROUNDS + 1))
ROUNDS = EVERY_ROUND[::SHOWN_EVERY]
MOST_SHADED = 3.0  # even shares; darker there is not
CAPACITY = 1.25  # choices that an expert can serve, of an even share
ROUTER_LR, EXPERT_LR = 2.0, 1.0


@dataclass(frozen=True, eq=False)
class Moment:
    """Where training stands.

    Attributes:
        routing: Who serves whom.
        loss: Mean squared error of the answers.
    """

    routing: Routing
    loss: float

    @property
    def load(self) -> Tensor:
        """Choices of each expert, of an even share, (experts,)."""
        return self.routing.load * N_EXPERTS

    @property
    def served(self) -> Tensor:
        """Share of each cluster's choices that falls on each expert, (experts, clusters)."""
        from torch.nn.functional import one_hot

        chosen = one_hot(self.routing.chosen, N_EXPERTS).double().sum(1)  # (tokens, experts)
        return chosen.view(N_CLUSTERS, -1, N_EXPERTS).mean(1).T


def tokens() -> tuple[Tensor, Tensor]:
    """Points with a constant coordinate, (tokens, 3), and the answers that they want, (tokens, 1)."""
    import torch

    random = torch.Generator().manual_seed(0)
    angles = torch.arange(N_CLUSTERS, dtype=torch.float64) * torch.pi / 3
    centres = torch.stack([angles.cos(), angles.sin()], 1).repeat_interleave(N_TOKENS // N_CLUSTERS, 0)
    points = centres + 0.15 * torch.randn(N_TOKENS, 2, generator=random, dtype=torch.float64)
    wanted = torch.tensor([1.0, -1.0]).double().repeat(3).repeat_interleave(N_TOKENS // N_CLUSTERS)
    return torch.cat([points, torch.ones(N_TOKENS, 1)], 1), wanted[:, None]


def answer(x: Tensor, routing: Routing, experts: Tensor) -> Tensor:
    """The gated sum of what the chosen experts say, (tokens, 1), whether or not they have room."""
    said = (x @ experts).gather(1, routing.chosen)  # (tokens, k)
    return (said * routing.gates).sum(1, keepdim=True)


@cache
def training(top_k: int, balance: float) -> tuple[Moment, ...]:
    """Every round of a training, from the same start."""
    import torch

    from atlas_cli.nets.moe import Router

    x, wanted = tokens()
    router = Router(3, N_EXPERTS, top_k, CAPACITY, balance_weight=balance).double()
    random = torch.Generator().manual_seed(0)
    router.weight.data = 0.3 * torch.randn(3, N_EXPERTS, generator=random, dtype=torch.float64).T
    router.weight.data[:, 2] = torch.tensor(FAVOUR)
    experts = torch.zeros(3, N_EXPERTS, dtype=torch.float64, requires_grad=True)
    rates = {ROUTER_LR: router.weight, EXPERT_LR: experts}
    descent = torch.optim.SGD([{"params": [weight], "lr": lr} for lr, weight in rates.items()])
    moments = []
    for _ in EVERY_ROUND:
        routing = router(x)
        loss = (answer(x, routing, experts) - wanted).square().mean()
        moments.append(Moment(routing, loss.item()))
        descent.zero_grad()
        (loss + routing.loss).backward()
        descent.step()
    return tuple(moments)


def _panels(moments: tuple[Moment, ...], step: int, balance: float, top_k: int) -> Rows:
    """The load over time and now; who serves whom, and how well."""
    shown = tuple(m.load if i <= step else 0 * m.load for i, m in enumerate(moments))
    history = [[float(load[e]) for load in shown[::2]] for e in range(N_EXPERTS)]
    served = moments[step].served
    names, ends = tuple(str(e + 1) for e in range(N_EXPERTS)), ("0", str(N_ROUNDS))
    this, none = (tuple(moment.loss for moment in training(top_k, weight)) for weight in (balance, 0.0))
    losses: tuple[Series, ...] = (
        Series("this balance" if balance else "this, with no balance", EVERY_ROUND, this),
    )
    if balance:
        losses += (Series("no balance", EVERY_ROUND, none, "dashed"),)
    experts, most = tuple(f"expert {name}" for name in names), N_EXPERTS / top_k
    return (
        (
            Heatmap(
                "Load of each expert by round",
                history,
                0,
                MOST_SHADED,
                "round",
                "expert",
                ends,
                names,
                links=Link("expert", "y"),
            ),
            Bars("Load now / even share", experts, moments[step].load, most, links="expert"),
        ),
        (
            Heatmap(
                "Who serves which cluster of tokens",
                served,
                0,
                1,
                "cluster",
                "expert",
                names,
                names,
                links=Link("expert", "y"),
            ),
            Curves("Error of the answers", losses, "round", "", log_y=True, marker=step, drag="step"),
        ),
    )


def moe_router(step: int, balance: float, top_k: int) -> Frame:
    """Who serves whom, how the load came about, and what it costs."""
    moments = training(top_k, balance)
    now = moments[step]
    used, dropped = int((now.load > 0).sum()), f"{now.routing.dropped.item():.0%}"
    return Frame(
        _panels(moments, step, balance, top_k),
        "A favourite gets the tokens, learns from them, and is chosen again: without balance some experts "
        f"never work. After {step} rounds {used} of {N_EXPERTS} are used, and {dropped} of the "
        f"choices come beyond {CAPACITY:g} even shares and are dropped.",
        {
            "experts in use": used,
            "largest load / even share": float(now.load.max()),
            "dropped choices": dropped,
            "balance loss": now.routing.balance_loss.item(),
            "error": now.loss,
        },
    )


EXPLORABLE = Explorable(
    "moe-router", "transformer", ("moe",), "Who computes what",
    "How much balance until every expert has a cluster of its own, and what does it do to the error?",
    (
        Knob("step", "round", ROUNDS, N_ROUNDS, "play"),
        Knob("balance", "weight of the balance loss", BALANCES, 0.0, "slider"),
        Knob("top_k", "top-k", (1, 2), 1, "choice"),
    ),
    moe_router,
    place=50,
)  # fmt: skip
