"""MMDiT: pictures from sentences, by a rectified flow whose network reads words and patches in one attention.

Source:  Esser et al. 2024, arXiv:2403.03206. Here: section 3.1, eq. 19 (the logit-normal), section 4 and
         figure 2 (the network, in joint.py).
Time:    t = 0 is noise and t = 1 is data, as in cfm; the paper counts the other way.
Names:   data is x_1 and noise x_0; x_t = t x_1 + (1 - t) x_0; the velocity of a pair is x_1 - x_0.
Shapes:  B batch, C channels, H height, W width, L words of a caption.
Differs: pixels in the place of an autoencoder's latents, and words whose vectors are trained along with the
         rest, through `text_layers` of an encoder, in the place of three large frozen ones. The network names
         the picture, and the velocity follows from it (Li, He 2025, arXiv:2511.13720): a patch of noise has
         more numbers than fit through a narrow net; `predicts: velocity` is the paper's way. The matrices are
         trained by Muon, in fewer steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor

from atlas_cli.config import DEEPEST, MOST_STEPS, WIDEST, SystemConfig, sampling
from atlas_cli.data import captions
from atlas_cli.data.scenes import Scenes
from atlas_cli.draws import BatchRandom
from atlas_cli.engine.optimizers import muon_and_adamw
from atlas_cli.engine.system import Metrics, Optimizers, SampleRequest, System
from atlas_cli.errors import UsageError
from atlas_cli.metrics.compositions import composition_figures
from atlas_cli.present.artifacts.images import Images
from atlas_cli.screen import messages
from atlas_cli.systems.flow.joint import Transformer
from atlas_cli.systems.flow.paths import Straight, mix, velocity

STRAIGHT = Straight()
NONE = captions.PADDING  # the token of which a caption that says nothing consists
LATEST = 0.9  # time from which on the loss no longer grows steeper: at t = 1 the picture's error weighs 1 / 0
N_JUDGED = 512  # scenes of each kind
AT_ONCE = 128  # scenes drawn at once
ROWS = 4  # of a sample without a prompt


class Config(SystemConfig):
    """The `model:` section of an mmdit recipe."""

    data_kinds: ClassVar[tuple[str, ...]] = ("compositions",)
    image_size: int = Field(16, gt=0, le=WIDEST)  # pixels; from the data
    channels: int = Field(3, gt=0, le=WIDEST)  # from the data
    vocab_size: int = Field(14, gt=0, le=WIDEST)  # from the data
    caption_length: int = Field(8, gt=0, le=WIDEST)  # from the data
    patch: int = Field(4, gt=0, le=WIDEST)  # pixels a side of what is one token
    d_model: int = Field(64, gt=0, multiple_of=4, le=WIDEST)  # width of a token, of either kind
    n_layer: int = Field(4, gt=0, le=DEEPEST)  # blocks
    n_head: int = Field(4, gt=0, le=WIDEST)
    mlp_ratio: int = Field(4, gt=0, le=64)  # hidden units of an MLP over d_model
    text: Literal["both", "words", "sentence"] = "both"  # words in the attention, one vector beside the time
    text_layers: int = Field(1, ge=0, le=DEEPEST)  # in which words read words before any patch reads them
    streams: Literal[1, 2] = 2  # 1: words and patches share all weights
    one_way: bool = False  # words are read and read nothing, as in cross-attention
    predicts: Literal["data", "velocity"] = (
        "data"  # what the net names; the loss is the velocity's either way
    )
    times: Literal["logit-normal", "uniform"] = "logit-normal"
    time_mean: float = 0.0  # of the normal whose sigmoid is t; below 0: more noise
    time_width: float = Field(1.0, gt=0)  # its standard deviation
    caption_dropout: float = Field(0.1, ge=0, lt=1)  # share of training captions left out
    optimizer: Literal["muon", "adamw"] = "muon"  # of the blocks; all else is AdamW's
    guidance: float = sampling(3.0, ge=0)  # 1: the caption as learned; more: exaggerated
    sampler_steps: int = sampling(16, gt=0, le=MOST_STEPS)  # of Euler's method

    @model_validator(mode="after")
    def _fits(self) -> Config:
        if self.one_way and (self.streams == 1 or self.text == "sentence"):
            raise ValueError(
                "one_way: true needs words with weights of their own: text: words and streams: 2"
            )
        if self.image_size % self.patch:
            raise ValueError(
                f"images of {self.image_size} x {self.image_size} cannot be cut into patches of {self.patch}"
            )
        if self.d_model % self.n_head:
            raise ValueError(f"d_model = {self.d_model} cannot be shared by n_head = {self.n_head} heads")
        return self


@dataclass(frozen=True)
class Batch:
    """A training batch with all its randomness in it."""

    data: Float[Tensor, "B C H W"]  # images in [-1, 1]
    tokens: Int[Tensor, "B L"]  # all NONE where the caption was left out
    t: Float[Tensor, "B 1 1 1"]
    noise: Float[Tensor, "B C H W"]


class MMDiT(System):
    """Rectified flow of scenes, steered by their captions."""

    unit: ClassVar[str] = "images"
    steers: ClassVar[frozenset[str]] = frozenset({"prompt"})
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        c = config
        self.net = Transformer(
            c.image_size, c.channels, c.patch, c.vocab_size, c.caption_length, c.d_model, c.n_layer, c.n_head,
            c.mlp_ratio, words=c.text != "sentence", sentence=c.text != "words", shared=c.streams == 1,
            one_way=c.one_way, text_layers=c.text_layers,
        )  # fmt: skip

    # --- training -------------------------------------------------------------------------------------

    def batch(self, step: int) -> Batch:
        random = self.setting.random(step)
        return self.paired(self.setting.data.batch(random), random)

    def held_out(self, step: int) -> Batch:
        random = self.setting.held_out_random()
        return self.paired(self.setting.data.test_batch(random), random)

    def paired(self, scenes: Scenes, random: BatchRandom) -> Batch:
        """Every scene with a noise and a time of its own; some lose their caption."""
        dropped = random.uniform() < self.config.caption_dropout  # (B,)
        return Batch(
            data=scenes.data,
            tokens=torch.where(dropped[:, None], NONE, scenes.tokens),
            t=self.time(random),
            noise=random.normal(*scenes.data.shape[1:]),
        )

    def time(self, random: BatchRandom) -> Float[Tensor, "B 1 1 1"]:
        """Where on their paths the pairs are looked at: most often midway (eq. 19), or anywhere alike."""
        if self.config.times == "uniform":
            return random.uniform(1, 1, 1)
        return logit_normal(random.normal(1, 1, 1), self.config.time_mean, self.config.time_width)

    def loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """Mean squared error of the velocity at one point of each pair's path."""
        x_t = mix(STRAIGHT, batch.data, batch.noise, batch.t)
        output = self.net(x_t, batch.t.flatten(), batch.tokens).float()
        if self.config.predicts == "velocity":
            error = output - velocity(STRAIGHT, batch.data, batch.noise, batch.t)
        else:  # of which the velocity is (picture - x_t) / (1 - t)
            error = (output - batch.data) / (1 - batch.t).clamp(min=1 - LATEST)
        return error.square().mean(), {}

    def optimizers(self) -> Optimizers:
        if self.config.optimizer == "muon":
            return muon_and_adamw(self, self.net.blocks)
        return super().optimizers()

    # --- sampling -------------------------------------------------------------------------------------

    def predict(
        self, x_t: Float[Tensor, "B C H W"], t: Float[Tensor, "B"], tokens: Int[Tensor, "B L"]
    ) -> Float[Tensor, "B C H W"]:
        """The velocity at times before 1."""
        output = self.net(x_t, t, tokens).float()
        return output if self.config.predicts == "velocity" else (output - x_t) / (1 - t).view(-1, 1, 1, 1)

    def field(
        self, x: Float[Tensor, "B C H W"], t: float, tokens: Int[Tensor, "B L"]
    ) -> Float[Tensor, "B C H W"]:
        """The velocity that is followed: the caption's, exaggerated over that without one."""
        w, times = self.config.guidance, torch.full((len(x),), t, device=x.device)
        if w == 1:
            return self.predict(x, times, tokens)
        both = torch.cat([tokens, torch.full_like(tokens, NONE)])  # (2B, L)
        said, unsaid = self.predict(x.repeat(2, 1, 1, 1), times.repeat(2), both).chunk(2)
        return unsaid + w * (said - unsaid)

    def follow(
        self, noise: Float[Tensor, "B C H W"], tokens: Int[Tensor, "B L"]
    ) -> Iterator[Float[Tensor, "B C H W"]]:
        """Walk from noise to pictures by Euler's method, yielding where each step ends."""
        steps, x = self.config.sampler_steps, noise
        for t, s in messages.steps([*pairwise(k / steps for k in range(steps + 1))], "following"):
            x = x + (s - t) * self.field(x, t, tokens)
            yield x

    def noise(self, n: int, generator: torch.Generator) -> Float[Tensor, "N C H W"]:
        """Where a walk begins."""
        c = self.config
        shape = (n, c.channels, c.image_size, c.image_size)
        return torch.randn(shape, generator=generator, device=self.setting.device)

    # --- what the run is judged by, and what it shows -------------------------------------------------

    @torch.no_grad()
    def evaluate(self) -> Mapping[str, float]:
        """Shares of the scenes that are as their captions say, by how new the captions are."""
        source = self.setting.data
        figures: dict[str, float] = {}
        splits = {"": source.test, "regrouped_": source.regrouped, "unseen_": source.unseen}
        for prefix, scenes in splits.items():
            asked = scenes[:N_JUDGED]
            noise = self.noise(len(asked), self.setting.generator("evaluate"))
            parts = zip(noise.split(AT_ONCE), asked.tokens.split(AT_ONCE), strict=True)
            drawn = torch.cat([list(self.follow(z, tokens))[-1] for z, tokens in parts])
            for name, value in composition_figures(drawn, asked.captions).items():
                figures[prefix + name] = value
        return figures

    @torch.no_grad()
    def sample(self, request: SampleRequest) -> Images:
        """Scenes of one caption; without a prompt, a row a caption, of pairs that no training scene showed.

        Raises:
            UsageError: the prompt is no caption of these scenes.
        """
        device, scenes = self.setting.device, self.setting.data.unseen
        columns = min(10, request.n) if request.prompt else math.ceil(request.n / ROWS)
        if request.prompt is None:
            wish = scenes.tokens[torch.arange(request.n, device=device) // columns % len(scenes)]
        else:
            row = torch.tensor(asked_tokens(request.prompt), device=device)
            wish = row[: self.config.caption_length].repeat(request.n, 1)
        noise = self.noise(request.n, self.setting.generator("sample", request.seed))
        path = [noise, *self.follow(noise, wish)]
        said = [captions.detokenize(tokens) for tokens in wish.tolist()]
        right = round(request.n * composition_figures(path[-1], said)["scene_accuracy"])
        frames = [((x.clamp(-1, 1) + 1) / 2).cpu().numpy() for x in path]
        asked = "; ".join(dict.fromkeys(said))
        what = f": {asked}" if request.prompt else f". No training scene has such a pair. The rows: {asked}"
        return Images(
            frames[-1], frames=frames, columns=columns,
            caption=f"{right} of {request.n} are as asked, at guidance {self.config.guidance:g}{what}.",
            facts={"prompts": said, "as_asked": right, "guidance": self.config.guidance},
        )  # fmt: skip


def logit_normal(normal: Float[Tensor, "B *ones"], mean: float, width: float) -> Float[Tensor, "B *ones"]:
    """Times whose logits, log(t / (1 - t)), are normal, made of standard normal draws (eq. 19)."""
    # exercise: time
    return (mean + width * normal).sigmoid()
    # end


def asked_tokens(prompt: str) -> list[int]:
    """The tokens of a caption of two things.

    Raises:
        UsageError: it is no caption, or says what these scenes do not have: one thing, or sizes.
    """
    claim = captions.parse(prompt)
    if claim.relation is None or any(thing.size is not None for thing in claim.things):
        raise UsageError(
            "these scenes hold two things, and none is small or large",
            'say it like this: --prompt "a red circle left of a blue square"',
        )
    return captions.tokenize(prompt)
