"""OT-CFM: pair the noise and the data of each batch so that their lines are short and hardly cross.

Source:  Tong, Fatras, Malkin et al. 2023, arXiv:2302.00482, section 4.2 (their OT-CFM, with sigma = 0);
         Pooladian et al. 2023, arXiv:2304.14772, found the same. Sinkhorn's iterations: Cuturi 2013,
         arXiv:1306.0895. The authors' library: github.com/atong01/conditional-flow-matching.
Names:   cost C_ij = |x_1i - x_0j|^2 of datum i and noise j; a plan P_ij says how often they are a pair.
Differs: an image is paired within its class (`within: class`). Paired across the classes, the noise of a
         class would no longer be Gaussian, while sampling begins at Gaussian noise: Cheng, Schwing 2025,
         arXiv:2503.10636. A plan of Sinkhorn's is blurred: each datum draws its noise from its row, so that
         a noise may come twice. Every rank pairs the whole batch, so that several agree with one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor

from atlas_cli.draws import BatchRandom
from atlas_cli.metrics import timing
from atlas_cli.systems.flow.cfm import CFM, Batch
from atlas_cli.systems.flow.cfm import Config as CFMConfig
from atlas_cli.systems.flow.of_points import pairing, squared_distances

ROUNDS, SCALINGS = 10, 20  # of Sinkhorn's: 200 times rows and columns in all
N_BATCHES = 20  # whose lines are measured


class Config(CFMConfig):
    """The `model:` section of an ot-cfm recipe."""

    pairing: Literal["exact", "sinkhorn", "random"] = "exact"  # random: plain flow matching
    within: Literal["class", "batch"] = "class"  # which images are paired anew among each other
    blur: float = Field(0.05, gt=0, le=100)  # of Sinkhorn's plan, in units of the mean cost


class OTCFM(CFM):
    """Flow matching on pairs of least total squared distance within the batch."""

    unit: ClassVar[str] = "items"
    config: Config

    def batch(self, step: int) -> Batch:
        """This rank's share of a batch that is paired as a whole."""
        if self.config.pairing == "random":
            return super().batch(step)
        setting = self.setting
        whole = replace(setting, rank=0, world_size=1).random(step)
        batch = self.paired(setting.data.batch(whole), whole)
        share = whole.total // setting.world_size
        mine = slice(setting.rank * share, (setting.rank + 1) * share)
        return Batch(*(getattr(batch, field.name)[mine] for field in fields(batch)))

    def paired(self, drawn: Any, random: BatchRandom) -> Batch:
        """As in flow matching; then the noises change places."""
        batch = super().paired(drawn, random)
        if self.config.pairing == "random":
            return batch
        group = batch.label.new_zeros(len(batch.data))
        if not self.config.dim and self.config.within == "class":
            group = drawn[1]  # the classes, before some were dropped
        return replace(batch, noise=batch.noise[self.places(batch, group, random.uniform())])

    def places(self, batch: Batch, group: Int[Tensor, "B"], chance: Float[Tensor, "B"]) -> Int[Tensor, "B"]:
        """Which noise of the batch each datum gets: one of its own group."""
        chosen = torch.arange(len(group), device=group.device)
        # exercise: places
        for name in group.unique():
            members = (group == name).nonzero().flatten()
            chosen[members] = members[self.choose(batch.data[members], batch.noise[members], chance[members])]
        # end
        return chosen

    def choose(
        self, data: Float[Tensor, "N *datum"], noise: Float[Tensor, "N *datum"], chance: Float[Tensor, "N"]
    ) -> Int[Tensor, "N"]:
        """Which noise each datum of a group gets.

        Args:
            data: Of one group.
            noise: As many.
            chance: A number from [0, 1) for each, by which a blurred plan draws.
        """
        cost = squared_distances(data.float(), noise.float())
        if self.config.pairing == "exact":
            return pairing(cost)
        upto = sinkhorn(cost, self.config.blur).cumsum(1)
        return torch.searchsorted(upto / upto[:, -1:], chance[:, None], right=True).flatten()

    @torch.no_grad()
    def evaluate(self) -> Mapping[str, float]:
        """Flow matching's figures; how much of the lines' squared length is left, and what pairing costs."""
        return {
            **super().evaluate(),
            "length_left": self.length_left(),
            "pairing_share": self.pairing_share(),
        }

    def length_left(self) -> float:
        """Mean squared length of the lines over that of all lines, in batches of no training step."""
        paired = chance = 0.0
        for step in range(N_BATCHES):
            batch = self.batch(self.setting.train.steps + step)
            paired += float((batch.data - batch.noise).square().flatten(1).sum(1).mean())
            chance += float(squared_distances(batch.data, batch.noise).mean())
        return paired / chance

    def pairing_share(self) -> float:
        """Time that the pairs cost, over that of the passes forward and back."""
        batch = self.batch(0)

        def descend() -> None:
            with torch.enable_grad():
                with self.setting.autocast():
                    loss, _ = self.loss(batch)
                torch.autograd.grad(loss, list(self.parameters()), allow_unused=True)

        whole = replace(self.setting, rank=0, world_size=1)
        drawn = self.setting.data.batch(whole.random(0))
        runs = {
            "paired": lambda: self.paired(drawn, whole.random(0)),
            "drawn": lambda: CFM.paired(self, drawn, whole.random(0)),
            "step": descend,
        }
        seconds = timing.least_seconds(runs, device=self.setting.device)
        return max(0.0, seconds["paired"] - seconds["drawn"]) / seconds["step"]


def sinkhorn(cost: Float[Tensor, "N N"], blur: float) -> Float[Tensor, "N N"]:
    """The plan of least cost less `blur` times the mean cost times its entropy; rows and columns sum to 1/N.

    Rows and columns are scaled in turn until both fit. exp(-cost / blur) alone is zero in float32 where
    points lie far apart: each round begins in logarithms, after which no row or column is, and scales on.
    """
    log_plan, even = -cost / (blur * cost.mean()), 1 / len(cost)
    with torch.autocast(cost.device.type, enabled=False):
        for _ in range(ROUNDS):
            for axis in (0, 1):
                log_plan = log_plan - log_plan.logsumexp(axis, keepdim=True) + math.log(even)
            plan, rows = log_plan.exp(), torch.ones_like(cost[0])
            for _ in range(SCALINGS):
                columns = even / (rows @ plan)
                rows = even / (plan @ columns)
            log_plan = log_plan + rows.log()[:, None] + columns.log()
    return log_plan.exp()
