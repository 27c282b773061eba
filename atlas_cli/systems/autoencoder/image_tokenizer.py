"""Image tokenizer: a picture as a short text of codes, and a transformer that writes new ones.

Source:  Esser, Rombach, Ommer 2020, arXiv:2012.09841, section 3.2 (a transformer over codes, given a class);
         a prior over the codes of a VQ-VAE: van den Oord et al. 2017, arXiv:1711.00937, section 3.3.
Parent:  a trained vq-vae or fsq, which stands still. Trained here is the prior alone, on its codes.
Reading: `nats` is what is descended, `write_plainly` how a new picture is written: one code after another,
         each drawn given those before it. `ImageTokenizer.write` does the same with a cache.
Shapes:  B batch, C channels, H height, W width of the image; h, w the grid of codes, P = h w its places; L
         tokens of an image, its codes in the order of writing (S tokens for a code of S stages); V tokens
         that there are.
Beside:  a bag of codes (bag.py), and `shuffled`: each training image's codes at places drawn anew.
Differs: the class is added at every place, where the paper writes it before the codes. No adversarial loss
         shaped the codes; RMSNorm, SwiGLU and rotary positions as in gpt.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, cast

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor

from atlas_cli.config import DEEPEST, WIDEST, SystemConfig, sampling
from atlas_cli.data.images import to_float
from atlas_cli.draws import BatchRandom, generator
from atlas_cli.engine.optimizers import muon_and_adamw
from atlas_cli.engine.system import Extra, Metrics, Optimizers, SampleRequest, Setting, System
from atlas_cli.language.decoding import choose, distribution
from atlas_cli.metrics.judge import N_SAMPLES, Judge
from atlas_cli.present.artifacts.images import Images
from atlas_cli.screen import messages
from atlas_cli.systems.autoencoder.bag import Bag
from atlas_cli.systems.autoencoder.codes_shown import tokenized, written
from atlas_cli.systems.autoencoder.prior import Prior, guided
from atlas_cli.systems.autoencoder.tokenizer import AT_ONCE, Tokenizer


class Config(SystemConfig):
    """The `model:` section of an image-tokenizer recipe."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images",)
    parents: ClassVar[tuple[str, ...]] = ("vq-vae", "fsq")
    image_size: int = Field(28, gt=0, le=WIDEST)  # pixels; from the data
    channels: int = Field(1, gt=0, le=WIDEST)  # from the data
    n_classes: int = Field(10, gt=0, le=WIDEST)  # from the data
    d_model: int = Field(128, gt=0, le=WIDEST)
    n_layer: int = Field(3, gt=0, le=DEEPEST)
    n_head: int = Field(4, gt=0, le=WIDEST)
    order: Literal["rows", "random"] = "rows"  # of writing; random: drawn once, the same for every image
    shuffled: bool = False  # train on codes that have lost their places
    label_dropout: float = Field(0.1, ge=0, lt=1)  # share of training labels replaced by "no class"
    guidance: float = sampling(1.5, ge=0)  # 1: the class is given; more: what it changes is exaggerated
    temperature: float = sampling(1.0, ge=0)  # of each draw; 0: always the likeliest code

    @model_validator(mode="after")
    def _heads_divide(self) -> Config:
        if self.d_model % (2 * self.n_head):
            raise ValueError(f"d_model = {self.d_model} is no even multiple of n_head = {self.n_head}")
        return self


# --- the likelihood of a picture, and the writing of one, to be read first ----------------------------


def nats(logits: Float[Tensor, "B L V"], tokens: Int[Tensor, "B L"]) -> Float[Tensor, "B"]:
    """-ln P of each image's tokens: the chain rule adds up the places, each given those before it."""
    # exercise: nats
    log_p = logits.float().log_softmax(-1)  # (B, L, V)
    own = log_p.gather(-1, tokens[..., None]).squeeze(-1)  # (B, L): of the token that stands there
    return -own.sum(1)
    # end


@torch.no_grad()
def write_plainly(
    prior: Prior, label: Int[Tensor, "B"], temperature: float, guidance: float, generator: torch.Generator
) -> Int[Tensor, "B L"]:
    """One token after another, everything before it read again each time: the reference of `write`."""
    read = torch.full((len(label), 1), prior.vocab_size, device=label.device)
    nothing = torch.full_like(label, prior.no_class)
    for _ in range(prior.length):
        logits = guided(prior(read, label)[:, -1], prior(read, nothing)[:, -1], guidance)
        token = choose(distribution(logits, temperature), generator)
        read = torch.cat([read, token[:, None]], dim=1)
    return read[:, 1:]


# --- the system ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Batch:
    """A training batch with all its randomness in it."""

    tokens: Int[Tensor, "B L"]
    label: Int[Tensor, "B"]


class ImageTokenizer(System):
    """A frozen tokenizer, and a prior over its codes."""

    unit: ClassVar[str] = "images"
    steers: ClassVar[frozenset[str]] = frozenset({"label"})
    extras: ClassVar[tuple[Extra, ...]] = (
        Extra("image", Path, "a picture file: its codes, and what they give back"),
    )
    config: Config
    order: Int[Tensor, "P"]  # places of the grid, in the order of writing

    def attach(self, setting: Setting) -> System:
        """The prior has as many tokens as the tokenizer, which the setting brings, has codes."""
        self.setting = setting
        quantiser, n_places = self.tokenizer.quantiser, math.prod(self.tokenizer.grid)
        length, c = n_places * quantiser.n_stages, self.config
        self.prior = Prior(quantiser.stage_size, length, c.n_classes, c.d_model, c.n_layer, c.n_head)
        places = torch.arange(n_places)
        if self.config.order == "random":
            places = torch.randperm(n_places, generator=generator(setting.train.seed, "order of writing"))
        self.register_buffer("order", places)
        self._known: tuple[Tensor, Tensor] | None = None
        return super().attach(setting)

    @property
    def tokenizer(self) -> Tokenizer:
        """The trained one of the recipe's parent; no submodule: no checkpoint or optimizer holds it."""
        return cast(Tokenizer, self.setting.parent)

    # --- images, codes and tokens ---------------------------------------------------------------------

    def tokens_of(self, codes: Int[Tensor, "B h w"]) -> Int[Tensor, "B L"]:
        """The codes in the order of writing; one of several stages is as many tokens."""
        places = codes.flatten(1)[:, self.order]  # (B, P)
        return torch.stack(self.tokenizer.quantiser.split(places), -1).flatten(1)

    def codes_of(self, tokens: Int[Tensor, "B L"]) -> Int[Tensor, "B h w"]:
        """The inverse of `tokens_of`."""
        quantiser = self.tokenizer.quantiser
        places = quantiser.join(list(tokens.unflatten(1, (-1, quantiser.n_stages)).unbind(-1)))  # (B, P)
        return places[:, self.order.argsort()].unflatten(1, self.tokenizer.grid)

    def decode(self, codes: Int[Tensor, "N h w"]) -> Float[Tensor, "N C H W"]:
        """The images that codes stand for, a few at a time."""
        return torch.cat([self.tokenizer.decode(part) for part in codes.split(AT_ONCE)])

    def encode(self, images: Float[Tensor, "N C H W"]) -> Int[Tensor, "N h w"]:
        """The codes of images, a few at a time; in float32, so that they are the same whoever asks."""
        with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
            return torch.cat([self.tokenizer.encode(part) for part in images.split(AT_ONCE)])

    def known_tokens(self) -> tuple[Int[Tensor, "N L"], Int[Tensor, "M L"]]:
        """Those of all training and of all test images: the tokenizer stands still, so once is enough."""
        if self._known is None:
            data = self.setting.data
            with torch.inference_mode(False):  # asked for while sampling they may serve training later
                train, test = (
                    torch.cat([self.tokens_of(self.encode(to_float(part))) for part in images.split(AT_ONCE)])
                    for images in (data.train_images, data.test_images)
                )
            self._known = train, test
        return self._known

    # --- training -------------------------------------------------------------------------------------

    def batch(self, step: int) -> Batch:
        data, random = self.setting.data, self.setting.random(step)
        dropped = random.uniform() < self.config.label_dropout
        batch = self._drawn(self.known_tokens()[0], data.train_labels, random)
        return Batch(batch.tokens, torch.where(dropped, self.prior.no_class, batch.label))

    def held_out(self, step: int) -> Batch:
        data, random = self.setting.data, self.setting.held_out_random()
        return self._drawn(self.known_tokens()[1], data.test_labels, random)

    def _drawn(self, tokens: Int[Tensor, "N L"], label: Int[Tensor, "N"], random: BatchRandom) -> Batch:
        """Images drawn with replacement; shuffled, the codes of each stand at places of no meaning."""
        index = random.integers(0, len(tokens))
        chosen = tokens[index]
        if self.config.shuffled:
            codes = chosen.unflatten(
                1, (len(self.order), -1)
            )  # (B, P, S): the stages of a code stay together
            places = random.permutations(len(self.order))[..., None].expand_as(codes)
            chosen = codes.gather(1, places).flatten(1)
        return Batch(chosen, label[index])

    def loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """Nats a token, and the bits of an image."""
        each = nats(self.prior(self.prior.read(batch.tokens), batch.label), batch.tokens).mean()
        return each / self.prior.length, {"image_bits": each.detach() / math.log(2)}

    def optimizers(self) -> Optimizers:
        """Muon for the matrices of the layers, AdamW for the rest."""
        return muon_and_adamw(self, self.prior.layers)

    # --- writing --------------------------------------------------------------------------------------

    @torch.no_grad()
    def write(self, label: Int[Tensor, "B"], generator: torch.Generator) -> Int[Tensor, "B L"]:
        """New tokens of the wanted classes, each drawn given those before it, which the cache holds."""
        prior, weight, tokens = self.prior, self.config.guidance, []
        asked = label if weight == 1 else torch.cat([label, torch.full_like(label, prior.no_class)])
        state = prior.first_state(len(asked))
        token = torch.full((len(label), 1), prior.vocab_size, device=label.device)
        for _ in range(prior.length):
            read = token.repeat(len(asked) // len(label), 1)  # by those without a class as well
            logits, state = prior.extend(read, asked, state)
            last = logits[:, -1]
            if weight != 1:
                given, without = last.chunk(2)
                last = guided(given, without, weight)
            token = choose(distribution(last, self.config.temperature), generator)[:, None]
            tokens.append(token)
        return torch.cat(tokens, dim=1)

    # --- what the run is judged by, and what it shows -------------------------------------------------

    @torch.no_grad()
    def evaluate(self) -> Mapping[str, float]:
        """New digits before the judge, bits of held-out ones, and the same of a bag of codes."""
        data, draws = self.setting.data, self.setting.generator("evaluate")
        judge = Judge.load_or_train(data, messages.say)
        label = torch.arange(N_SAMPLES, device=self.setting.device) % self.config.n_classes
        (train, test), bag = self.known_tokens(), self.bag()
        tokens, of_bag = self.write(label, draws), bag.draw(label, draws, self.config.guidance)
        scores = judge.score(self.decode(self.codes_of(tokens)), label)
        theirs = judge.score(self.decode(self.codes_of(of_bag)), label)
        bits = {
            "prior_bits": self.held_out_nats(test, data.test_labels).mean().item() / math.log(2),
            "bag_bits": bag.nats(test, data.test_labels).mean().item() / math.log(2),
            "uniform_bits": self.prior.length * math.log2(self.prior.vocab_size),
        }
        known = {tuple(row) for row in train.tolist()}
        return {
            **scores, **bits,
            "prior_over_bag": bits["prior_bits"] / bits["bag_bits"],
            "frechet_over_bag": scores["judge_frechet"] / theirs["judge_frechet"],
            "tokens": self.prior.length,
            "copied": sum(tuple(row) in known for row in tokens.tolist()) / len(tokens),
            "bag_class_accuracy": theirs["class_accuracy"],
            "bag_frechet": theirs["judge_frechet"],
            "bag_over_floor": theirs["judge_frechet_over_floor"],
            **self.limit(judge),
        }  # fmt: skip

    def bag(self) -> Bag:
        """A bag of the training images' codes."""
        labels, tokens = self.setting.data.train_labels, self.known_tokens()[0]
        return Bag.fitted(tokens, labels, self.config.n_classes, self.prior.vocab_size)

    def held_out_nats(self, tokens: Int[Tensor, "N L"], label: Int[Tensor, "N"]) -> Float[Tensor, "N"]:
        """-ln P of each image's tokens by the prior."""
        parts = zip(tokens.split(AT_ONCE), label.split(AT_ONCE), strict=True)
        return torch.cat([nats(self.prior(self.prior.read(some), which), some) for some, which in parts])

    def limit(self, judge: Judge) -> dict[str, float]:
        """What the tokenizer alone gives back of test images that are not in the judge's reference."""
        images, label = judge.kept_aside()
        scores = judge.score(self.decode(self.encode(images)), label, from_tests=True)
        return {
            "reconstruction_accuracy": scores["class_accuracy"],
            "reconstruction_frechet": scores["judge_frechet"],
            "reconstruction_floor": scores["judge_frechet_floor"],
            "reconstruction_over_floor": scores["judge_frechet_over_floor"],
        }

    @torch.no_grad()
    def sample(self, request: SampleRequest) -> Images:
        """New images, and how they were written; or a picture of the user's in codes."""
        if "image" in request.extras:
            return tokenized(self.tokenizer, request)
        label = torch.arange(request.n, device=self.setting.device) % self.config.n_classes
        if request.label is not None:
            label = torch.full_like(label, request.label)
        codes = self.codes_of(self.write(label, self.setting.generator("sample", request.seed)))
        frames = [((x + 1) / 2).cpu().numpy() for x in written(self.decode, codes, self.order)]
        return Images(frames[-1], frames=frames, columns=min(10, request.n), moves="them as they are written")
