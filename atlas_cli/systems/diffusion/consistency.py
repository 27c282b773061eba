"""Consistency models: one network that jumps from any point of a sampling path straight to its end.

Source:  Song, Dhariwal, Chen, Sutskever 2023, arXiv:2303.01469. Here: eq. 5 (the boundary), Algorithm 1
         (sampling), Algorithm 2 (distillation), Algorithm 3 (training without a teacher). The pseudo-Huber
         distance and the doubling of the levels are of arXiv:2310.14189; a teacher with its guidance built
         in is of arXiv:2310.04378, section 4.2.
Time:    t = -1 is the image itself, T-1 pure noise, as in ddpm; training uses n_levels points in between.
Shapes:  B batch, C channels, H height, W width, D = C*H*W pixels, N samples.
Differs: x_t keeps the variance of ddpm's instead of growing with the noise. The skip connection is then the
         v-prediction of the teacher, so that the student starts as the teacher, one jump of which is a blur.
         `distill: false` still takes the size of its network and its noise levels from the ddpm run, and is
         compared with it; it takes none of its weights.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from atlas_cli.config import MOST_STEPS, PARENT, WIDEST, SystemConfig, sampling
from atlas_cli.draws import BatchRandom
from atlas_cli.engine.system import Metrics, Optimizers, SampleRequest, Setting, System
from atlas_cli.errors import UsageError
from atlas_cli.metrics.judge import N_SAMPLES, Judge
from atlas_cli.present.artifacts.images import Images
from atlas_cli.screen import messages

if TYPE_CHECKING:
    from atlas_cli.systems.diffusion.ddpm import DDPM

COUNTS = (1, 2, 4)  # sampler steps that a run is judged at


class Config(SystemConfig):
    """The `model:` section of a consistency recipe."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images",)
    parents: ClassVar[tuple[str, ...]] = ("ddpm",)
    image_size: int = Field(28, gt=0, le=WIDEST)  # pixels; from the data
    channels: int = Field(1, gt=0, le=WIDEST)  # from the data
    n_classes: int = Field(10, gt=0, le=WIDEST)  # from the data
    distill: bool = True  # learn the teacher's path; false: learn from images and noise alone
    guidance: float = Field(1.75, ge=0)  # of the teacher, built into what the student learns
    clip: bool = True  # keep the teacher's estimates of the image within [-1, 1]
    n_levels: int = Field(
        8, gt=0, le=MOST_STEPS
    )  # pieces that a path is cut into, at the end of the training
    n_levels_start: int = Field(4, gt=0, le=MOST_STEPS)  # at its beginning; doubled until n_levels is reached
    distance: Literal["huber", "l2"] = "huber"  # between two ends of a path
    huber_c: float = Field(0.03, gt=0)  # below this distance of two images huber is squared, above it linear
    target_ema: float = Field(0.95, ge=0, lt=1)  # decay of the average that gives the target; 0: no average
    network: Literal["student", "teacher"] = sampling("student")  # teacher: the ddpm's walk at the same steps
    sampler_steps: int = sampling(
        2, gt=0, le=MOST_STEPS
    )  # jumps of a sample; between two of them noise is added

    def misfits(self, parents: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
        """As of every system; a piece must be at least one of the teacher's steps long."""
        yield from super().misfits(parents)
        for name in ("n_levels", "n_levels_start"):
            if getattr(self, name) > parents[PARENT]["n_steps"]:
                steps = parents[PARENT]["n_steps"]
                yield (
                    name,
                    f"is more than the teacher's n_steps = {steps}: a piece would be shorter than a step",
                )
        if parents[PARENT]["prediction"] != "v":
            said = parents[PARENT]["prediction"]
            yield "", f"the parent predicts {said}; a consistency model needs one trained with prediction: v"


@dataclass(frozen=True)
class Batch:
    """A training batch with all its randomness in it."""

    data: Float[Tensor, "B C H W"]  # images in [-1, 1]
    label: Int[Tensor, "B"]
    t: Int[Tensor, "B"]  # a level
    s: Int[Tensor, "B"]  # the next one towards the image, -1 at the image itself
    noise: Float[Tensor, "B C H W"]


class Consistency(System):
    """A student of a trained DDPM that gives the end of the path in one evaluation."""

    unit: ClassVar[str] = "images"
    steers: ClassVar[frozenset[str]] = frozenset({"label"})
    compiled: ClassVar[tuple[str, ...]] = ("loss",)
    config: Config
    student: DDPM
    target: DDPM

    def attach(self, setting: Setting) -> System:
        """As every system; the student is made here, for it is shaped as the parent is."""
        teacher: DDPM = setting.parent  # type: ignore[assignment]
        if teacher.config.prediction != "v":
            raise UsageError(
                f"the parent predicts {teacher.config.prediction}; a consistency model needs v-prediction",
                "build on ddpm/small, or train the ddpm with --set prediction=v",
            )
        self.student = type(teacher)(teacher.config)
        if self.config.distill:
            self.student.load_state_dict(teacher.state_dict())
        if self.config.target_ema:
            self.target = untrained(self.student)
        return super().attach(setting)

    @property
    def teacher(self) -> DDPM:
        """The trained network whose path is learned; no part of this system's weights."""
        return self.setting.parent  # type: ignore[return-value]

    def taught(
        self, x_t: Float[Tensor, "B C H W"], t: Int[Tensor, "B"], label: Int[Tensor, "B"]
    ) -> Float[Tensor, "B C H W"]:
        """The image that the teacher sees in x_t, under the guidance that the student takes over."""
        c = self.config
        walk = replace(self.teacher.walk, guidance=c.guidance, clip=c.clip)
        return self.teacher.predict_data(x_t, t, label, walk=walk)

    # --- the consistency function, and the path that it cuts short ------------------------------------

    def levels(self, t: Int[Tensor, "B"]) -> tuple[Float[Tensor, "B 1 1 1"], Float[Tensor, "B 1 1 1"]]:
        """Size of the image and of the noise in x_t; 1 and 0 at t = -1."""
        a = torch.where(t < 0, 1.0, self.student.alpha_bar[t.clamp(min=0)]).view(-1, 1, 1, 1)
        return a.sqrt(), (1 - a).sqrt()

    def boundary(self, t: Int[Tensor, "B"]) -> tuple[Float[Tensor, "B 1 1 1"], Float[Tensor, "B 1 1 1"]]:
        """c_skip and c_out of eq. 5: 1 and 0 at the image, so that f(x, -1) = x whatever the network says.

        In the paper's time, where x = data + sigma * noise, they are those of its appendix C with
        sigma_data = 1; here they come out as the way back from v to the image.
        """
        signal, sigma = self.levels(t)
        return signal, -sigma

    def jump(
        self, x_t: Float[Tensor, "B C H W"], t: Int[Tensor, "B"], label: Int[Tensor, "B"],
        net: DDPM | None = None,
    ) -> Float[Tensor, "B C H W"]:  # fmt: skip
        """f(x_t, t), the image at the end of the path through x_t: c_skip * x_t + c_out * F(x_t, t) (eq. 5).

        Args:
            net: Asked in place of the student.
        """
        c_skip, c_out = self.boundary(t)
        output = (net or self.student).predict(x_t, t.clamp(min=0), label).float()
        return c_skip * x_t + c_out * output

    def flow(
        self, x_t: Float[Tensor, "B C H W"], data: Float[Tensor, "B C H W"], t: Int[Tensor, "B"],
        s: Int[Tensor, "B"],
    ) -> Float[Tensor, "B C H W"]:  # fmt: skip
        """x_s on the path through x_t: one step of the probability-flow ODE, which is DDIM's with eta = 0.

        Args:
            data: The estimate of the image at x_t.
        """
        # exercise: flow
        (signal_t, sigma_t), (signal_s, sigma_s) = self.levels(t), self.levels(s)
        noise = (x_t - signal_t * data) / sigma_t
        return signal_s * data + sigma_s * noise
        # end

    # --- training (Algorithms 2 and 3) ----------------------------------------------------------------

    def levels_at(self, step: int) -> int:
        """Into how many pieces the path is cut at a training step: doubled at even intervals."""
        c = self.config
        first = min(c.n_levels_start, c.n_levels)
        doublings = math.ceil(math.log2(c.n_levels / first))
        done = step * (doublings + 1) // max(1, self.setting.train.steps)
        return min(first * 2**done, c.n_levels)

    def batch(self, step: int) -> Batch:
        random = self.setting.random(step)
        data, label = self.setting.data.batch(random)
        return self._noised(step, data, label, random)

    def held_out(self, step: int) -> Batch:
        random = self.setting.held_out_random()
        data, label = self.setting.data.test_batch(random)
        return self._noised(step, data, label, random)

    def _noised(
        self, step: int, data: Float[Tensor, "B C H W"], label: Int[Tensor, "B"], random: BatchRandom
    ) -> Batch:
        """Images with their noise and two neighbouring levels of this step's grid."""
        n = self.levels_at(step)
        piece = random.integers(0, n)
        s, t = (torch.round(k * (self.student.config.n_steps / n)).long() - 1 for k in (piece, piece + 1))
        return Batch(data, label, t, s, random.normal(*data.shape[1:]))

    def loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """How far apart the jumps from two neighbouring points of a path land (eq. 7; eq. 10 untaught)."""
        signal, sigma = self.levels(batch.t)
        x_t = signal * batch.data + sigma * batch.noise
        with torch.no_grad():
            data = batch.data
            if self.config.distill:
                data = self.taught(x_t, batch.t, batch.label)
            x_s = self.flow(x_t, data, batch.t, batch.s)
            target = self.jump(x_s, batch.s, batch.label, self.target if self.config.target_ema else None)
        landed = self.jump(x_t, batch.t, batch.label)
        return self.distance(landed, target).mean(), {}

    def distance(self, a: Float[Tensor, "B C H W"], b: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """d of each pair of images: sqrt(|a - b|^2 + c^2) - c, or |a - b|^2 / D."""
        # exercise: distance
        square = (a - b).square().flatten(1).sum(1)
        if self.config.distance == "l2":
            return square / a[0].numel()
        c = self.config.huber_c
        return square / ((square + c**2).sqrt() + c)  # the same, without a difference of near equals
        # end

    def step(self, batch: Batch, optimizers: Optimizers) -> Metrics:
        """A descent on `loss`; the average that sets the target follows."""
        metrics = super().step(batch, optimizers)
        if self.config.target_ema:
            new = [p.detach() for p in self.student.net.parameters()]
            torch._foreach_lerp_(list(self.target.net.buffers()), new, 1 - self.config.target_ema)
        return metrics

    # --- sampling (Algorithm 1) -----------------------------------------------------------------------

    def timesteps(self, steps: int) -> list[int]:
        """From where a sampler jumps: T-1, and down from there in even strides."""
        last = self.student.config.n_steps
        return [max(0, round(last * (1 - k / steps)) - 1) for k in range(steps)]

    def walk(
        self, x: Float[Tensor, "B C H W"], label: Int[Tensor, "B"], steps: int, generator: torch.Generator
    ) -> Iterator[Float[Tensor, "B C H W"]]:
        """Jump to an image, add noise, jump again (Algorithm 1); yields each image and each noisy one."""
        for t, s in pairwise([*self.timesteps(steps), -1]):
            data = self.jump(x, torch.full_like(label, t), label).clamp(-1, 1)
            yield data
            if s >= 0:
                noise = torch.randn(x.shape, generator=generator, device=x.device)
                x = self.student.add_noise(data, noise, torch.full_like(label, s))
                yield x

    def teacher_walk(
        self, x: Float[Tensor, "B C H W"], label: Int[Tensor, "B"], steps: int
    ) -> Iterator[Float[Tensor, "B C H W"]]:
        """The teacher along its own path (DDIM), asked at the steps at which the student jumps."""
        for t, s in pairwise([*self.timesteps(steps), -1]):
            now, then = torch.full_like(label, t), torch.full_like(label, s)
            data = self.taught(x, now, label)
            yield data
            if s >= 0:
                x = self.flow(x, data, now, then)
                yield x

    @torch.no_grad()
    def draw(
        self, label: Int[Tensor, "B"], steps: int, generator: torch.Generator
    ) -> list[Float[Tensor, "B C H W"]]:
        """Images of the wanted classes with the way to them; the last one is the result."""
        noise = self.student.noise(len(label), generator)
        if self.config.network == "teacher":
            return [noise, *self.teacher_walk(noise, label, steps)]
        return [noise, *self.walk(noise, label, steps, generator)]

    # --- what the run is judged by, and what it shows -------------------------------------------------

    def evaluate(self) -> Mapping[str, float]:
        judge = Judge.load_or_train(self.setting.data, messages.say)
        label = torch.arange(N_SAMPLES, device=self.setting.device) % self.config.n_classes
        figures: dict[str, float] = {}
        for steps in COUNTS:
            generator = self.setting.generator("evaluate")  # the same noise for every count
            images = torch.cat([self.draw(part, steps, generator)[-1] for part in label.split(128)])
            scores = judge.score(images, label)
            for name in ("judge_frechet", "class_accuracy"):
                figures[f"{name}_{steps}"] = scores[name]
            figures["judge_frechet_floor"] = scores["judge_frechet_floor"]
        return figures

    def sample(self, request: SampleRequest) -> Images:
        label = torch.arange(request.n, device=self.setting.device) % self.config.n_classes
        if request.label is not None:
            label = torch.full_like(label, request.label)
        generator = self.setting.generator("sample", request.seed)
        path = self.draw(label, self.config.sampler_steps, generator)
        frames = [((x.clamp(-1, 1) + 1) / 2).cpu().numpy() for x in path]
        return Images(frames[-1], frames=frames, columns=min(10, request.n))


def untrained(net: DDPM) -> DDPM:
    """A copy whose weights are buffers: stored and restored as weights are, seen by no optimizer."""
    net = copy.deepcopy(net)
    for part in net.modules():
        own: list[tuple[str, nn.Parameter]] = list(part.named_parameters(recurse=False))
        for name, parameter in own:
            delattr(part, name)
            part.register_buffer(name, parameter.detach())
    return net
