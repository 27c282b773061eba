"""Small systems that go wrong in a known way, and the processes that train them together."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from atlas_cli import ranks
from atlas_cli.config import SystemConfig
from atlas_cli.engine.descent import descend
from atlas_cli.engine.loop import fit
from atlas_cli.engine.system import Metrics, Optimizers, Setting, System
from atlas_cli.errors import DivergedError
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.runs.folder import RunFolder


class Line(System):
    """Least squares of one linear map by plain descent; the first `steps_good` steps go as they should."""

    def __init__(self, steps_good: int = 10**9) -> None:
        super().__init__(SystemConfig())
        self.steps_good = steps_good
        self.net = torch.nn.Linear(3, 1)
        with torch.no_grad():
            self.net.weight.fill_(0.1)

    def batch(self, step: int) -> tuple[torch.Tensor, int]:
        return self.setting.random(step).normal(3), step

    def loss(self, batch: tuple[torch.Tensor, int]) -> tuple[torch.Tensor, Metrics]:
        x, step = batch
        loss = (self.net(x) - x.sum(1, keepdim=True)).square().mean()
        return (loss if step < self.steps_good else self.fault(loss)), {}

    def fault(self, loss: torch.Tensor) -> torch.Tensor:
        """What the loss is from then on."""
        return loss * math.nan

    def optimizers(self) -> Optimizers:
        return {"main": torch.optim.SGD(self.parameters(), lr=self.setting.train.lr)}


class ZeroNorm(Line):
    """A finite loss with a NaN gradient: the slope of the norm of a zero vector, as sqrt gives it."""

    def fault(self, loss: torch.Tensor) -> torch.Tensor:
        return loss + (0 * self.net.weight).square().sum().sqrt()


class Leap(Line):
    """A finite loss, a finite gradient, and a step so long that the weights become infinite."""

    def step(self, batch: tuple[torch.Tensor, int], optimizers: Optimizers) -> Metrics:
        if batch[1] >= self.steps_good:
            optimizers["main"].param_groups[0]["lr"] = 3e38
        return super().step(batch, optimizers)

    def fault(self, loss: torch.Tensor) -> torch.Tensor:
        return 1e3 * loss


class InfiniteConstant(Line):
    """An infinite loss whose gradient is finite."""

    def fault(self, loss: torch.Tensor) -> torch.Tensor:
        return loss + math.inf


class Alternating(Line):
    """Two optimizers that step one after the other, each on a loss of its own; the second meets the NaN."""

    def __init__(self, steps_good: int = 10**9) -> None:
        super().__init__(steps_good)
        self.other = torch.nn.Linear(3, 1)

    def step(self, batch: tuple[torch.Tensor, int], optimizers: Optimizers) -> Metrics:
        x, step = batch
        loss = (self.net(x) - 1).square().mean()
        descend(loss, optimizers["main"])
        answer = (self.other(x) + 1).square().mean()
        if step >= self.steps_good:
            answer = answer + (0 * self.other.weight).square().sum().sqrt()
        optimizers["other"].zero_grad()
        answer.backward()
        optimizers["other"].step()  # without `descend`: the hook alone must see it
        return {"loss": loss.detach()}

    def optimizers(self) -> Optimizers:
        parts = {"main": self.net, "other": self.other}
        return {n: torch.optim.SGD(m.parameters(), lr=0.01) for n, m in parts.items()}


class OnRankOne(ZeroNorm):
    """The NaN gradient comes on the second rank only."""

    def fault(self, loss: torch.Tensor) -> torch.Tensor:
        return super().fault(loss) if self.setting.rank == 1 else loss


def attached(system: System, rank: int = 0, world_size: int = 1, **fields: object) -> System:
    train = TrainConfig(
        **{
            "steps": 8,
            "batch_size": 8,
            "lr": 0.01,
            "ema": 0.9,
            "precision": "fp32",
            "checkpoint_every": 1,
            **fields,
        }
    )
    return system.attach(Setting(None, train, rank=rank, world_size=world_size))


def main(root: Path, rank: int) -> int:
    """One of two processes that train `OnRankOne`; the first owns the run. Returns its exit code."""
    dist.init_process_group("gloo", init_method=f"file://{root}/meeting", rank=rank, world_size=2)
    torch.set_num_threads(1)
    run = RunFolder.create(root, "line/small") if rank == 0 else None
    try:
        fit(attached(OnRankOne(steps_good=4), rank, 2), run=run)
    except DivergedError as error:
        print(error.what)
        return error.code
    finally:
        dist.destroy_process_group()
    return 0


if __name__ == "__main__":
    ranks.end(main(Path(sys.argv[1]), int(sys.argv[2])))
