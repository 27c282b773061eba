"""The seam: a system is a torch module with a frozen config and six verbs; nothing else knows it by name.

The loop, the command line and the checkpoint call these verbs and no others:

    batch(step)  loss(batch)  step(batch, optimizers)  optimizers()  evaluate()  sample(request)

and, while it trains, two that have a default: held_out(step)  glimpse(seed)

Randomness: every draw of a training step comes from `self.setting.random(step)`, which draws for the whole
batch and hands out this rank's share. Two processes with half a batch each thus see what one process with
the whole batch sees, and a resumed run needs no iterator state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from atlas_cli.config import SystemConfig
from atlas_cli.draws import BatchRandom, generator
from atlas_cli.engine.decay import decay_groups
from atlas_cli.engine.descent import descend
from atlas_cli.engine.device import autocast
from atlas_cli.errors import UsageError
from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.recipe.recipes import TrainConfig

Metrics = dict[str, float | Tensor]
Optimizers = dict[str, torch.optim.Optimizer]
_CPU = torch.device("cpu")
_NO_COMPILE = "leave --compile out"


@dataclass(frozen=True)
class Extra:
    """Something that one system takes when it is sampled.

    Attributes:
        name: A Python identifier; `camera_angle` is `--camera-angle` to `atlas sample`.
        type: Path, int, float or str, or another function that makes a value of text or raises ValueError.
        help: One line that says what it is.
    """

    name: str
    type: Callable[[str], Any]
    help: str


@dataclass(frozen=True)
class SampleRequest:
    """What `atlas sample` asks for.

    Attributes:
        n: How many samples.
        seed: Same seed, same samples, bit for bit on the CPU.
        label: Class wanted, for systems that can steer (None: all classes in turn).
        prompt: Text to continue or to draw; the first one, where there are several.
        stream: Receives text piece by piece as it is written, from systems that write (`writes`).
        extras: Values of what else the system takes (`System.extras`) by name, of those that are asked for.
        length: Of each text, in tokens, where the samples are text (None: what the config says).
        further: Prompts after the first, for systems that compare several (`compares`).
    """

    n: int = 16
    seed: int = 0
    label: int | None = None
    prompt: str | None = None
    stream: Callable[[str], None] | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)
    length: int | None = None
    further: tuple[str, ...] = ()

    @property
    def prompts(self) -> tuple[str, ...]:
        """All prompts in their order; none, where there is none."""
        return () if self.prompt is None else (self.prompt, *self.further)


class Deferred:
    """A source that is opened when it is first asked for: most of what is sampled needs no data.

    Args:
        kind: Of the data, which is known before.
        open: Opens them.
    """

    def __init__(self, kind: str, open: Callable[[], Any]) -> None:
        self.kind, self._open = kind, open

    @cached_property
    def opened(self) -> Any:
        """The source itself."""
        return self._open()


@dataclass(frozen=True)
class Setting:
    """Where a system runs: its data, its training fields, its place among the ranks.

    Attributes:
        source: What it learns from, open or not; `data` opens it.
        train: The recipe's training fields.
        device: Where it computes.
        rank: Of this process.
        world_size: How many processes share each batch.
        parent: The trained system that it builds on, where there is one and its role has no name.
        parents: All that it builds on, by role.
    """

    source: Any
    train: TrainConfig
    device: torch.device = _CPU
    rank: int = 0
    world_size: int = 1
    parent: System | None = None
    parents: Mapping[str, System] = field(default_factory=dict)

    @property
    def data(self) -> Any:
        """The source that it learns from."""
        return self.source.opened if isinstance(self.source, Deferred) else self.source

    @property
    def kind(self) -> str:
        """Of its data, where they say it: "text", "sequences" ...; asked without opening them."""
        return str(getattr(self.source, "kind", ""))

    def random(self, step: int) -> BatchRandom:
        """The draws of a training step: whole-batch draws, this rank's share."""
        return BatchRandom(
            self.train.seed, step, self.train.batch_size, self.rank, self.world_size, self.device
        )

    def held_out_random(self) -> BatchRandom:
        """The draws of a held-out batch: the same ones at every step, and no training step's."""
        size = self.train.batch_size
        return BatchRandom(self.train.seed, 0, size, device=self.device, purpose="held-out")

    def autocast(self) -> AbstractContextManager[object]:
        """The run's number format, for forward passes; never for a backward pass or a step."""
        return autocast(self.train.precision, self.device)

    def generator(self, purpose: str, seed: int | None = None) -> torch.Generator:
        """A seeded generator for evaluation or sampling, independent of the training draws."""
        return generator(self.train.seed if seed is None else seed, purpose, device=self.device)


class System(nn.Module):
    """Base of every system of the atlas; inherited one level deep.

    A system's file also defines `Config(SystemConfig)`, the fields of a recipe's `model:` section.
    """

    #: Logged or evaluated metric by which the "best" checkpoint is chosen, lower is better; None: the latest.
    best_by: ClassVar[str | None] = "loss"
    #: What one item of a batch is called in the progress line ("images", "tokens", "points").
    unit: ClassVar[str] = "items"
    #: How many samples a run shows at its end.
    sample_count: ClassVar[int] = 20
    #: How many are looked at now and then while it trains.
    glimpse_count: ClassVar[int] = 10
    #: Whether its training data come of its own acting: its batch then depends on its weights as well.
    acts: ClassVar[bool] = False
    #: What steers its samples: "label", "prompt", both or neither; `atlas sample` refuses the rest.
    steers: ClassVar[frozenset[str]] = frozenset()
    #: Whether it takes several prompts at once, to compare them; others refuse a second one.
    compares: ClassVar[bool] = False
    #: What else `atlas sample` takes for this system, each as an option of its own.
    extras: ClassVar[tuple[Extra, ...]] = ()

    #: What `--compile` compiles, by name: methods and networks. A system with its own `step` must say it.
    compiled: ClassVar[tuple[str, ...]] = ("loss",)

    @property
    def writes(self) -> bool:
        """Whether its samples are text that can be shown as it is written."""
        return False

    @property
    def classes(self) -> int:
        """Classes that a label chooses from; 0: a label would change nothing."""
        return getattr(self.config, "n_classes", 0) if "label" in self.steers else 0

    @property
    def steering_fields(self) -> frozenset[str]:
        """Fields of its config that change its samples; `atlas sample --set` refuses the rest."""
        return type(self.config).sampling_fields()

    setting: Setting

    def __init__(self, config: SystemConfig) -> None:
        super().__init__()
        self.config: Any = config

    def attach(self, setting: Setting) -> System:
        """Give the system its data, training fields and device; returns self, moved there."""
        self.setting = setting
        return self.to(setting.device)

    # --- the six verbs -------------------------------------------------------------------------------

    def batch(self, step: int) -> Any:
        """The training batch of a step: a function of (seed, step, rank), and of the weights if it acts."""
        raise NotImplementedError

    def loss(self, batch: Any) -> tuple[Tensor, Metrics]:
        """The scalar to descend, and figures to log."""
        raise NotImplementedError

    def step(self, batch: Any, optimizers: Optimizers) -> Metrics:
        """One training step. Default: one descent on `loss` with every optimizer."""
        with self.setting.autocast():
            loss, metrics = self.loss(batch)
        descend(loss, *optimizers.values())
        return {"loss": loss.detach(), **metrics}

    def optimizers(self) -> Optimizers:
        """Named optimizers; their learning rates are scaled by the recipe's schedule. Default: one AdamW."""
        train = self.setting.train
        return {
            "main": torch.optim.AdamW(
                decay_groups(self.parameters(), train.weight_decay),
                lr=train.lr, betas=train.betas, fused=True,
            )
        }  # fmt: skip

    def evaluate(self) -> Mapping[str, float]:
        """The figures that `expect` judges: seeded, on held-out data."""
        raise NotImplementedError

    def sample(self, request: SampleRequest) -> Artifact:
        """What `atlas sample` shows."""
        raise NotImplementedError

    # --- while it trains -----------------------------------------------------------------------------

    def held_out(self, step: int) -> Any:
        """Held-out data made like the training batch of a step, the same ones every time.

        What `loss` says of them is drawn beside the training loss. None, the default: there is no such loss.
        """
        return None

    def logged_as(self) -> Mapping[str, str]:
        """Figures of `evaluate` that the steps log under another name, on their own batches."""
        return {}

    def glimpse(self, seed: int) -> Artifact:
        """A small sample that shows how far it has come."""
        return self.sample(SampleRequest(n=self.glimpse_count, seed=seed)).still()

    # --- for the engine ------------------------------------------------------------------------------

    def samples_shown(self) -> int:
        """How many samples are shown where nobody says how many."""
        return self.sample_count

    def items_per_step(self) -> int:
        """Items of `unit` that one training step consumes, over all ranks."""
        return self.setting.train.batch_size

    def compile_training(self) -> None:
        """Compile what a training step computes: the parts named in `compiled`.

        Raises:
            UsageError: nothing is trained, or the system does not say what its own `step` computes with.
        """
        if not self.setting.train.steps:
            raise UsageError(
                f"{type(self).__name__} trains nothing that --compile could compile", _NO_COMPILE
            )
        plain = type(self).step is System.step
        if not self.compiled or not (plain or type(self).compiled is not System.compiled):
            raise UsageError(f"{type(self).__name__} trains in a way that cannot be compiled", _NO_COMPILE)
        for name in self.compiled:
            part = getattr(self, name)
            if isinstance(part, nn.Module):
                part.compile()  # in place: its weights keep their names
            else:
                setattr(self, name, torch.compile(part))

    def restore_shapes(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Give parameters the shapes of a checkpoint before it is loaded.

        A system that grows overrides it, and makes the parameters there; the optimizers are made after it.

        Raises:
            UsageError: the checkpoint is of another model.
        """
        own = {name: tuple(t.shape) for name, t in self.state_dict().items()}
        wrong = sorted(n for n in own.keys() | shapes.keys() if own.get(n) != shapes.get(n))
        if wrong:
            name = wrong[0]
            raise UsageError(
                f"the checkpoint does not fit the model: {name} is {shapes.get(name, 'absent')} in the "
                f"checkpoint and {own.get(name, 'absent')} in the model",
                "use the recipe that the run was trained with, or start a new run",
            )
