"""Reflow: train a flow again on its own pairs, each noise with the datum that it leads to.

Source:  Liu, Gong, Liu 2022, arXiv:2209.03003, Algorithm 1 and section 2; the k-th rectified flow learns from
         the pairs of the one before it. Official: github.com/gnobitab/RectifiedFlow.
Names:   (z_0, z_1) is a pair of the trained flow, z_0 noise and z_1 where it leads; detour is a path's length
         over the distance between its ends.
Shapes:  B batch; a datum is an image, C H W, or a point, D coordinates.
Differs: the student begins with the teacher's weights. The teacher's guidance is built into the pairs, so
         that the student samples without, by one call a step instead of two. The pairs are made once, before
         the first step, by a few steps of Euler's method. Each round has noise of its own: on the noise that
         it learned from, a teacher is straighter than elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from atlas_cli.config import MOST_STEPS, PARENT, WIDEST, SystemConfig, sampling
from atlas_cli.draws import BatchRandom
from atlas_cli.engine.system import Metrics, SampleRequest, Setting, System
from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.screen import messages
from atlas_cli.systems.flow.cfm import CFM, Batch

AT_ONCE = 256  # pairs that are made together


class Config(SystemConfig):
    """The `model:` section of a reflow recipe."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images", "points")
    parents: ClassVar[tuple[str, ...]] = ("cfm", "ot-cfm", "reflow")
    image_size: int = Field(28, gt=0, le=WIDEST)  # pixels; from the data, as the next three
    channels: int = Field(1, gt=0, le=WIDEST)
    n_classes: int = Field(10, gt=0, le=WIDEST)
    dim: int = Field(0, ge=0, le=WIDEST)  # coordinates of a point; 0: the data are images
    # own: the teacher's pairs; random: noise and data of no relation, which is more of the teacher's training
    coupling: Literal["own", "random"] = "own"
    n_pairs: int = Field(4096, gt=0, le=10**6)
    pair_steps: int = Field(10, gt=0, le=MOST_STEPS)  # of the teacher, for each pair
    sampler_steps: int = sampling(1, gt=0, le=MOST_STEPS)

    def misfits(self, parents: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
        """As of every system; points are no images."""
        yield from super().misfits(parents)
        if self.dim != parents[PARENT]["dim"]:
            kinds = ["images", "points"]
            own, base = (kinds[bool(dim)] for dim in (self.dim, parents[PARENT]["dim"]))
            yield "", f"the data are {own}, but the run that it builds on learned {base}: name data alike"


class Reflow(System):
    """A flow that has learned the pairs of another."""

    unit: ClassVar[str] = "items"
    steers: ClassVar[frozenset[str]] = frozenset({"label"})
    config: Config
    student: CFM

    def attach(self, setting: Setting) -> System:
        """As every system; the student is made here, for it is shaped as the parent is."""
        teacher = self._of(setting)
        own = {"guidance": 1.0, "label_dropout": 0.0} if self.config.coupling == "own" else {}
        fields = {**own, "sampler_steps": self.config.sampler_steps, "solver": "euler"}
        self.student = CFM(teacher.config.model_copy(update=fields))
        self.student.load_state_dict(teacher.state_dict())
        self.student.setting = setting
        self._made: dict[tuple[str, int], tuple[Tensor, Tensor, Tensor]] = {}
        return super().attach(setting)

    @staticmethod
    def _of(setting: Setting) -> CFM:
        parent = setting.parent
        return parent.student if isinstance(parent, Reflow) else parent  # type: ignore[return-value]

    @property
    def teacher(self) -> CFM:
        """The trained flow whose pairs are learned; no part of this system's weights."""
        return self._of(self.setting)

    @property
    def round(self) -> int:
        """How many flows learned from pairs, this one among them."""
        parent = self.setting.parent
        return 1 + (parent.round if isinstance(parent, Reflow) else 0)

    @property
    def classes(self) -> int:
        """The student's."""
        return self.student.classes

    # --- training -------------------------------------------------------------------------------------

    def batch(self, step: int) -> Batch:
        random = self.setting.random(step)
        if self.config.coupling == "random":
            return self.student.paired(self.setting.data.batch(random), random)
        return self._of_pairs(self.pairs("pairs", self.config.n_pairs), random)

    def held_out(self, step: int) -> Batch:
        random = self.setting.held_out_random()
        if self.config.coupling == "random":
            return self.student.held_out(step)
        return self._of_pairs(self.pairs("held-out pairs", random.total), random)

    @staticmethod
    def _of_pairs(pairs: tuple[Tensor, Tensor, Tensor], random: BatchRandom) -> Batch:
        noise, data, label = pairs
        chosen = random.integers(0, len(noise))
        t = random.uniform(*[1] * (data.dim() - 1))
        # exercise: of_pairs
        return Batch(data=data[chosen], label=label[chosen], t=t, noise=noise[chosen])
        # end

    def pairs(self, purpose: str, n: int) -> tuple[Tensor, Tensor, Tensor]:
        """Noise, where the teacher takes it, and the classes asked for; made once, from the seed alone."""
        if (purpose, n) not in self._made:
            self._made[purpose, n] = self._make(purpose, n)
        return self._made[purpose, n]

    @torch.no_grad()
    def _make(self, purpose: str, n: int) -> tuple[Tensor, Tensor, Tensor]:
        setting, teacher = self.setting, self.teacher
        noise = teacher.noise(n, setting.generator(purpose if self.round == 1 else f"{purpose} {self.round}"))
        label = torch.arange(n, device=noise.device) % max(1, teacher.classes)
        parts = list(zip(noise.split(AT_ONCE), label.split(AT_ONCE), strict=True))
        ends = []
        with setting.autocast():
            for part, of in messages.steps(parts, f"making {purpose}"):
                with messages.hushed():
                    *_, end = teacher.follow(part, of, self.config.pair_steps)
                ends.append(end.float())
        return noise, torch.cat(ends), label

    def loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """Flow matching's, on the pairs."""
        return self.student.loss(batch)

    # --- what the run is judged by, and what it shows -------------------------------------------------

    def evaluate(self) -> Mapping[str, float]:
        """Flow matching's figures, of the student."""
        return self.student.evaluate()

    def sample(self, request: SampleRequest) -> Artifact:
        """Flow matching's samples, of the student."""
        return self.student.sample(request)
