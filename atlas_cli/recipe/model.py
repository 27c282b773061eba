"""What a recipe is, and the classes behind its sections."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from atlas_cli import catalog
from atlas_cli.config import PARENT, DataConfig, FrozenConfig, SystemConfig, config_class
from atlas_cli.data import sources
from atlas_cli.errors import UsageError

AGAINST_ABLATION = ("_ratio", "_gain")  # this run over the ablated one; this run minus it
_WITHOUT_EFFECT = ("threads", "log_every", "checkpoint_every")  # train fields that leave the weights alone
MOST_ITEMS = 1 << 16  # of a batch: what the largest contrastive models were trained with, twice over
MOST_THREADS = 1_024  # more than any machine has cores
Decay = Annotated[float, Field(ge=0, lt=1)]


class TrainConfig(FrozenConfig):
    """The `train:` section of a recipe."""

    steps: int = Field(ge=0, le=10**9)  # 0: nothing is trained, the system uses its parent's weights
    batch_size: int = Field(64, gt=0, le=MOST_ITEMS)  # over all ranks
    lr: float = Field(gt=0, le=1000)
    lr_schedule: Literal["constant", "cosine", "linear"] = "cosine"
    decay_from: float = Field(0.0, ge=0, le=1)  # share of the steps after which the decay begins
    final_lr: float = Field(0.02, ge=0, le=1)  # share of lr that is left at the end
    warmup: int = Field(0, ge=0, le=10**9)  # steps
    betas: tuple[Decay, Decay] = Field((0.9, 0.95), strict=False)
    weight_decay: float = Field(0.0, ge=0)
    grad_clip: float = Field(0.0, ge=0)  # largest global gradient norm; 0: no clipping
    ema: float = Field(0.0, ge=0, lt=1)  # decay of the averaged weights that evaluate and sample; 0: none
    seed: int = Field(0, ge=0, lt=2**63)
    precision: Literal["auto", "fp32", "bf16"] = "auto"  # auto: bf16 where the device computes in it
    threads: int = Field(0, ge=0, le=MOST_THREADS)  # 0: as many as the machine has cores
    checkpoint_every: int = Field(0, ge=0, le=10**9)  # steps; 0: five times a run
    log_every: int = Field(10, gt=0, le=10**9)  # steps


class Bar(FrozenConfig):
    """One entry of `expect:`: the figure must lie within [min, max]."""

    min: float | None = None
    max: float | None = None
    claim: str = ""  # the sentence that the figure proves
    speed: bool = False  # a time or a speed, which a busy machine changes: --check leaves it to --check-speed
    means: str = ""  # what the figure is, in one clause with its unit, where present/glossary.py does not say

    def __str__(self) -> str:
        """The bar in words of a table: ">= 0.97", "<= 35", "0.9 .. 1.1"."""
        if self.min is not None and self.max is not None:
            return f"{self.min:g} .. {self.max:g}"
        return f">= {self.min:g}" if self.min is not None else f"<= {self.max:g}"

    @model_validator(mode="after")
    def _some_bound(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("needs a min or a max")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self


class Recipe(FrozenConfig):
    """A recipe with its base, its data's facts and all defaults filled in, its parents and its ablation.

    All of it is resolved once, by `recipes.resolve`; whoever holds a recipe need not look anything up again.
    """

    name: str  # "ddpm/small", or the path of a user's own file
    system: str  # the topic's slug
    about: str = ""
    origins: dict[str, str] = Field(default_factory=dict)  # role -> what `from:` says; see source.Parent
    parents: dict[str, Recipe] = Field(default_factory=dict)  # role -> the recipe whose run this builds on
    data: dict[str, Any]
    model: dict[str, Any]
    train: TrainConfig
    ablate: dict[str, Any] = Field(default_factory=dict)
    ablation: Recipe | None = None  # this recipe with `ablate` applied, nothing expected of it
    vary: dict[str, dict[str, Any]] = Field(default_factory=dict)  # row -> the changes that make it
    variants: dict[str, Recipe] = Field(default_factory=dict)  # row -> this recipe with its changes applied
    expect: dict[str, Bar] = Field(default_factory=dict)
    measured: dict[str, Any] = Field(default_factory=dict)

    @property
    def hash(self) -> str:
        """16 hex digits over all that decides the trained weights, the parents' included."""
        model = {k: v for k, v in self.model.items() if k not in system_class(self.system).sampling_fields()}
        train = self.train.model_dump(mode="json", exclude=set(_WITHOUT_EFFECT))
        decisive = {
            "system": self.system, "data": self.data, "model": model, "train": train,
            "parents": {role: parent.hash for role, parent in self.parents.items()},
        }  # fmt: skip
        text = json.dumps(decisive, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def ancestors(self) -> tuple[Recipe, ...]:
        """The recipes that it builds on, and those that these build on, the first to be trained first."""
        return tuple(one for parent in self.parents.values() for one in (*parent.ancestors, parent))

    @property
    def compares(self) -> bool:
        """Whether a figure of `expect` compares with the ablated run."""
        return any(name.endswith(AGAINST_ABLATION) for name in self.expect)

    @property
    def ablation_trains(self) -> bool:
        """Whether the ablation is another model, not just another way of sampling from this one."""
        return self.trains_anew(self.ablate)

    def trains_anew(self, changes: Mapping[str, Any]) -> bool:
        """Whether these changes need other weights, and not just another way of sampling from the same."""
        sampling = system_class(self.system).sampling_fields()
        return any(name.removeprefix("model.") not in sampling for name in changes)

    def arm(self, name: str, data: dict[str, Any], model: dict[str, Any], train: TrainConfig) -> Recipe:
        """This recipe with other sections, to be compared with it: nothing is expected of that one."""
        changed = {"name": name, "data": data, "model": model, "train": train}
        sections = ("ablate", "vary", "variants", "expect", "measured")
        return self.model_copy(update={**changed, "ablation": None, **{name: {} for name in sections}})

    def settled(self, precision: Callable[[str], str]) -> Recipe:
        """The recipe as it will run here: `precision` says what "auto" is, for all that belongs to it."""
        return self.model_copy(
            update={
                "train": self.train.model_copy(update={"precision": precision(self.train.precision)}),
                "parents": {role: parent.settled(precision) for role, parent in self.parents.items()},
                "ablation": self.ablation.settled(precision) if self.ablation else None,
                "variants": {row: variant.settled(precision) for row, variant in self.variants.items()},
            }
        )

    def sections(self) -> dict[str, Any]:
        """The recipe as its file holds it: plain data, in reading order, without what is empty."""
        expect = {name: bar.model_dump(exclude_defaults=True) for name, bar in self.expect.items()}
        alone = self.origins.get(PARENT) if len(self.origins) == 1 else None
        sections = {
            "name": self.name, "system": self.system, "from": alone or self.origins, "about": self.about,
            "data": self.data, "model": self.model, "train": self.train.model_dump(mode="json"),
            "ablate": self.ablate, "vary": self.vary, "expect": expect, "measured": self.measured,
        }  # fmt: skip
        return {key: value for key, value in sections.items() if value or key in ("data", "model")}


def base_metric(metric: str) -> str:
    """The evaluated metric behind a comparison: judge_frechet_ratio compares judge_frechet."""
    return metric.removesuffix(AGAINST_ABLATION[0]).removesuffix(AGAINST_ABLATION[1])


def rows_of(vary: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The rows of a `vary` section by name, and the changes that each stands for.

    `guidance: [1, 2]` makes the rows "guidance=1" and "guidance=2"; a mapping is a row under its own name.
    """
    rows: dict[str, dict[str, Any]] = {}
    for name, value in vary.items():
        if isinstance(value, Mapping):
            rows[name] = dict(value)
        else:
            rows |= {f"{name.removeprefix('model.')}={item}": {name: item} for item in value}
    return rows


class RecipeFile(FrozenConfig):
    """The top level of a recipe file, before its sections are checked."""

    model_config = ConfigDict(title="Recipe")

    name: str = ""  # written by the atlas into a run's resolved recipe
    system: str  # the topic that the recipe trains
    base: str | None = None  # a recipe of the same topic, over which this one is laid
    # The recipe on whose run this one builds; of several, each by its role: {policy: gpt/chat, reward: ...}.
    parents: str | dict[str, str] | None = Field(None, alias="from")
    about: str = ""  # one line: what comes out, and how long it takes
    data: dict[str, Any]
    model: dict[str, Any] = Field(default_factory=dict)
    train: dict[str, Any]
    ablate: dict[str, Any] = Field(default_factory=dict)  # the changes that take the idea away
    # What `atlas verify` measures beside the claims: a field's values as a list, or a named row's changes.
    vary: dict[str, list[Any] | dict[str, Any]] = Field(default_factory=dict)
    expect: dict[str, Bar] = Field(default_factory=dict)  # metric, metric_ratio or metric_gain, and its bar
    measured: dict[str, Any] = Field(default_factory=dict)  # what a real run printed

    @field_validator("parents", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        names = value.values() if isinstance(value, dict) else (value,)
        if not all(isinstance(name, str) for name in names):
            raise ValueError("must be the name of a recipe, or such a name for each role")
        return value


def system_class(system: str) -> type[SystemConfig]:
    """The Config of a topic's system, read without torch.

    Raises:
        UsageError: no such topic, or it has no system.
    """
    topic = catalog.resolve(system, "recipe ls")
    if topic.system is None:
        raise UsageError(f"{topic.slug} has no trainer yet", "atlas recipe ls shows the topics that have one")
    return config_class(catalog.system_module(topic))


def data_class(source: str) -> type[DataConfig]:
    """The config class of a data source, read without torch.

    Raises:
        KeyError: no such source.
    """
    return config_class(*sources()[source])


def sources_for(config: type[SystemConfig]) -> list[str]:
    """The data sources that a system can learn from."""
    return [name for name in sources() if not config.data_kinds or data_class(name).kind in config.data_kinds]
