"""S4, in its diagonal form S4D: a recurrence whose memory is designed, trained as one long convolution.

This is S4D (Gu et al. 2022, arXiv:2206.11893), not the first S4 (Gu, Goel, Re 2021, arXiv:2111.00396): A is
diagonal, so that the kernel is a sum of powers. The first S4 adds a part of low rank to A and needs a
generating function and a Cauchy kernel to compute it; nothing of that is here.

Source:  S4D: section 3 (discretisation, kernel) and 4 (where A starts). HiPPO-LegS: arXiv:2008.07669.
Reading: `plain_recurrence`, `plain_kernel` and `plain_convolution` are the idea in three loops. The fast
         kernel and its Fourier transform are in nets/state_space.py; the tests hold those against these.
Names:   A says how each state fades and turns, delta how much time one step takes, C how states are read, D
         is the skip. B, what is written, is 1: with C trained it would say nothing more.
Shapes:  B batch, L length (pixels of an image, row by row), H channels, N states a channel, n those computed:
         complex states come in conjugate pairs, of which one is enough (n = N / 2); of real ones n = N.
Code:    the authors' is models/s4/s4d.py in github.com/state-spaces/s4.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal, NamedTuple

import torch
from jaxtyping import Float, Inexact
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from atlas_cli.config import DEEPEST, WIDEST, SystemConfig
from atlas_cli.engine.decay import decay_groups
from atlas_cli.engine.system import Metrics, Optimizers, SampleRequest, System
from atlas_cli.nets.state_space import (
    causal_convolution,
    kernel,
    readable_directions,
    require_order,
    responses,
)
from atlas_cli.present.artifacts.text import Text
from atlas_cli.systems.ssm._film import film, in_pairs

Init = Literal["legs", "lin", "inv", "random", "random_real", "real"]
Rule = Literal["zoh", "bilinear"]

EVALUATION_BATCH = 250
COMPARED = 32  # images that evaluate() reads in both modes


class Config(SystemConfig):
    """Fields of `model:`; the data gives image_size, channels and n_classes."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images",)
    image_size: int = Field(28, gt=0, le=WIDEST)
    channels: int = Field(1, gt=0, le=WIDEST)
    n_classes: int = Field(10, gt=1, le=WIDEST)
    pool: int = Field(1, gt=0, le=WIDEST)  # images are averaged over squares of this side first
    d_model: int = Field(32, gt=0, le=WIDEST)  # H
    n_layer: int = Field(4, gt=0, le=DEEPEST)
    d_state: int = Field(64, gt=1, multiple_of=2, le=WIDEST)  # N
    init: Init = "legs"  # where A starts: HiPPO-LegS, its two approximations, or without HiPPO
    rule: Rule = "zoh"  # how time is made discrete
    dt_min: float = Field(0.001, ge=1e-8)  # delta starts log-uniform in [dt_min, dt_max], one a channel
    dt_max: float = Field(0.1, gt=0, le=1e6)
    learn_dynamics: bool = True  # False: A and delta stay where they start
    dynamics_lr: float = Field(1e-3, gt=0)  # largest learning rate of A and delta

    @model_validator(mode="after")
    def _whole_squares(self) -> Config:
        require_order(self.dt_min, self.dt_max)
        if self.image_size % self.pool:
            raise ValueError(f"pool {self.pool} does not divide image_size {self.image_size}")
        return self

    @property
    def side(self) -> int:
        return self.image_size // self.pool


# --- the linear system ----------------------------------------------------------------------------------


def hippo_legs(N: int) -> tuple[Float[Tensor, "N N"], Float[Tensor, " N"]]:
    """A and B of HiPPO-LegS: h' = (A h + B u) / t keeps h the Legendre coefficients of u over [0, t].

    arXiv:2008.07669, theorem 2, with the sign in A. S4 drops the 1 / t.
    """
    n = torch.arange(N, dtype=torch.float64)
    root = (2 * n + 1).sqrt()
    A = -torch.tril(root[:, None] * root, diagonal=-1) - torch.diag(n + 1)
    return A, root


def hippo_legs_eigenvalues(n: int) -> Tensor:
    """Those of the normal part of HiPPO-LegS of order 2n, one of each conjugate pair, slowest first; (n,).

    Adding P P^T with P = sqrt(k + 1/2) to A leaves -1/2 and a skew matrix (arXiv:2111.00396, theorem 1).
    """
    A, B = hippo_legs(2 * n)
    normal = A + B[:, None] * B / 2
    skew = normal - torch.diag(normal.diagonal())
    turns = torch.linalg.eigvalsh(-1j * skew)[n:]  # real, in pairs +-; ascending
    return torch.complex(torch.full_like(turns, -0.5), turns)


def start_of(init: Init, H: int, N: int) -> Tensor:
    """A for H channels: (H, N / 2) complex, or (H, N) real for the initialisations without turning."""
    if init == "real":  # the eigenvalues of HiPPO-LegS itself: it is triangular
        return -torch.arange(1.0, N + 1).repeat(H, 1)
    if init == "random_real":
        return -torch.randn(H, N).exp()
    k = torch.arange(N // 2)
    if init == "legs":
        turns = hippo_legs_eigenvalues(N // 2).imag.float().repeat(H, 1)
    elif init == "lin":
        turns = (math.pi * k).repeat(H, 1)
    elif init == "inv":
        turns = (N / math.pi * (N / (2 * k + 1) - 1)).repeat(H, 1)
    else:
        turns = torch.randn(H, N // 2).exp()
    return torch.complex(torch.full_like(turns, -0.5), turns)


def discretise(A: Tensor, delta: Tensor, rule: Rule) -> tuple[Tensor, Tensor]:
    """A-bar and B-bar of h' = A h + u over steps of delta: exact if u stands still, or by the trapezoid."""
    # exercise: discretise
    step = delta * A
    if rule == "zoh":
        return torch.exp(step), torch.expm1(step) / A
    return (1 + step / 2) / (1 - step / 2), delta / (1 - step / 2)
    # end


def plain_recurrence(
    u: Float[Tensor, "B L H"], A_bar: Inexact[Tensor, "H n"], B_bar: Tensor, C: Tensor
) -> Float[Tensor, "B L H"]:
    """h_t = A-bar h_{t-1} + B-bar u_t, y_t = C h_t, step after step: how it writes."""
    h, y = torch.zeros_like(A_bar).expand(len(u), *A_bar.shape), []  # (B, H, n)
    for u_t in u.unbind(1):
        # exercise: recurrence
        h = A_bar * h + B_bar * u_t[..., None]
        y.append(_real_sum(C * h))  # (B, H)
        # end
    return torch.stack(y, dim=1)


def plain_kernel(
    A_bar: Inexact[Tensor, "H n"], B_bar: Tensor, C: Tensor, length: int
) -> Float[Tensor, "H L"]:
    """K_l = C A-bar^l B-bar for each l: what is left of an input of 1 when l steps have passed."""
    # exercise: kernel
    return torch.stack([_real_sum(C * A_bar**ago * B_bar) for ago in range(length)], dim=-1)
    # end


def plain_convolution(u: Float[Tensor, "B L H"], K: Float[Tensor, "H L"]) -> Float[Tensor, "B L H"]:
    """y_t = sum over l <= t of K_l u_{t-l}: the recurrence unrolled, and the same in O(L^2)."""
    y = torch.zeros_like(u)
    for t in range(u.shape[1]):
        for ago in range(t + 1):
            y[:, t] += K[:, ago] * u[:, t - ago]
    return y


def _real_sum(states: Inexact[Tensor, "... n"]) -> Float[Tensor, "..."]:
    """Over the states; a complex one stands for itself and its conjugate."""
    total = states.sum(-1)
    return 2 * total.real if total.is_complex() else total


# --- networks -------------------------------------------------------------------------------------------


class State(NamedTuple):
    """All that reading carries along; its size does not depend on how much was read."""

    hidden: list[Tensor]  # (B, H, n), one a layer
    said: Float[Tensor, "B H"]  # sum of the features so far
    seen: int  # pixels so far


class S4Layer(nn.Module):
    """H independent linear systems with N states each."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.rule = config.rule
        A = start_of(config.init, config.d_model, config.d_state)
        low, high = math.log(config.dt_min), math.log(config.dt_max)
        learned = config.learn_dynamics
        self.log_delta = nn.Parameter(torch.empty(config.d_model).uniform_(low, high), learned)
        self.log_decay = nn.Parameter((-A.real).log(), learned)
        self.turn = nn.Parameter(A.imag.clone(), learned) if A.is_complex() else None
        C = torch.randn_like(A)
        self.C = nn.Parameter(torch.view_as_real(C).clone() if A.is_complex() else C)
        self.D = nn.Parameter(torch.randn(config.d_model))

    def system(self) -> tuple[Tensor, Tensor, Tensor]:
        """A-bar, B-bar and C, (H, n) each."""
        A: Tensor = -self.log_decay.exp()
        C: Tensor = self.C
        if self.turn is not None:
            A, C = torch.complex(A, self.turn), torch.view_as_complex(self.C)
        return *discretise(A, self.log_delta.exp()[:, None], self.rule), C

    def forward(self, u: Float[Tensor, "B L H"]) -> Float[Tensor, "B L H"]:
        """The whole sequence at once."""
        A_bar, B_bar, C = self.system()
        x = u.float().mT  # (B, H, L): the transform runs over the last dimension
        y = causal_convolution(x, kernel(A_bar, C * B_bar, u.shape[1]))
        return self.D * u + y.mT  # in this order the sum lies in memory as u does, and what follows is fast

    def recur(self, u_t: Float[Tensor, "B H"], h: Tensor) -> tuple[Float[Tensor, "B H"], Tensor]:
        """One step from the state (B, H, n) that all earlier ones left; the state does not grow."""
        A_bar, B_bar, C = self.system()
        h = A_bar * h + B_bar * u_t[..., None]
        return _real_sum(C * h) + self.D * u_t, h

    def first_state(self, batch_size: int) -> Tensor:
        """Nothing read yet."""
        A_bar, _, _ = self.system()
        return torch.zeros_like(A_bar).expand(batch_size, *A_bar.shape)

    def dynamics(self) -> list[nn.Parameter]:
        """What wants a small learning rate: an error in it grows with the length."""
        return [p for p in (self.log_delta, self.log_decay, self.turn) if p is not None]


class Block(nn.Module):
    """Channels see the past one by one in the layer, then each other at one position in the gate."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.d_model)
        self.layer = S4Layer(config)
        self.mix = nn.Linear(config.d_model, 2 * config.d_model)

    def forward(self, x: Float[Tensor, "B L H"]) -> Float[Tensor, "B L H"]:
        """All positions."""
        return x + self._gate(self.layer(self.norm(x)))

    def recur(self, x: Float[Tensor, "B H"], h: Tensor) -> tuple[Float[Tensor, "B H"], Tensor]:
        """One position."""
        y, h = self.layer.recur(self.norm(x), h)
        return x + self._gate(y), h

    def _gate(self, y: Tensor) -> Tensor:
        return F.glu(self.mix(F.gelu(y)), dim=-1)


class S4(System):
    """A classifier that reads an image pixel by pixel."""

    unit: ClassVar[str] = "images"
    steers: ClassVar[frozenset[str]] = frozenset({"label"})
    sample_count: ClassVar[int] = 4
    glimpse_count: ClassVar[int] = 1
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed = nn.Linear(config.channels, config.d_model)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.norm = nn.LayerNorm(config.d_model)
        self.head = nn.Linear(config.d_model, config.n_classes)

    def pixels(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B L C"]:
        """Row by row, after averaging over squares."""
        return F.avg_pool2d(images, self.config.pool).flatten(2).mT

    def forward(self, pixels: Float[Tensor, "B L C"]) -> Float[Tensor, "B L classes"]:
        """Logits after every pixel, all at once: from the mean of what the last layer said so far."""
        x = self.embed(pixels)
        for block in self.blocks:
            x = block(x)
        seen = torch.arange(1, x.shape[1] + 1, device=x.device)
        return self.head(self.norm(x).cumsum(1) / seen[:, None])

    def recur(self, pixel: Float[Tensor, "B C"], state: State) -> tuple[Float[Tensor, "B classes"], State]:
        """Logits after one more pixel, and the new state: `forward` in constant memory."""
        x, hidden = self.embed(pixel), []
        for block, h in zip(self.blocks, state.hidden, strict=True):
            x, h = block.recur(x, h)  # type: ignore[operator]
            hidden.append(h)
        state = State(hidden, state.said + self.norm(x), state.seen + 1)
        return self.head(state.said / state.seen), state

    def first_state(self, batch_size: int) -> State:
        """The state before the first pixel."""
        hidden = [layer.first_state(batch_size) for layer in self.layers()]
        return State(hidden, self.embed.weight.new_zeros(batch_size, self.config.d_model), 0)

    def layers(self) -> list[S4Layer]:
        """The linear systems, first to last."""
        return [block.layer for block in self.blocks]  # type: ignore[misc]

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Pixels (B, L, C) and labels."""
        images, labels = self.setting.data.batch(self.setting.random(step))
        return self.pixels(images), labels

    def held_out(self, step: int) -> tuple[Tensor, Tensor]:
        """Pixels and labels of test images."""
        images, labels = self.setting.data.test_batch(self.setting.held_out_random())
        return self.pixels(images), labels

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Metrics]:
        """Cross-entropy of the guess when all is read."""
        pixels, labels = batch
        logits = self(pixels)[:, -1]
        return F.cross_entropy(logits, labels), {"accuracy": (logits.argmax(-1) == labels).float().mean()}

    def optimizers(self) -> Optimizers:
        """AdamW; A and delta learn more slowly than the rest, and never decay."""
        train = self.setting.train
        slow = [p for layer in self.layers() for p in layer.dynamics() if p.requires_grad]
        known = set(map(id, slow))
        rest = [p for p in self.parameters() if p.requires_grad and id(p) not in known]
        groups = decay_groups(rest, train.weight_decay)
        if slow:
            groups.append({"params": slow, "lr": min(train.lr, self.config.dynamics_lr), "weight_decay": 0.0})
        return {"main": torch.optim.AdamW(groups, lr=train.lr, betas=train.betas, fused=True)}

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Accuracy on held-out images, how far the two modes differ, and how much the states tell apart."""
        images, labels = self.setting.data.test()
        parts = images.split(EVALUATION_BATCH)
        guesses = torch.cat([self(self.pixels(part)).argmax(-1) for part in parts])  # (M, L)
        right = (guesses == labels[:, None]).cpu().double().mean(0)  # (L,)
        compared = self.pixels(images[:COMPARED])
        stepped, _ = self.read(compared)
        length = compared.shape[1]
        held = torch.cat([responses(layer.system()[0], length) for layer in self.layers()])
        return {
            "accuracy": float(right[-1]),
            "accuracy_half": float(right[length // 2 - 1]),
            "mode_gap": float((stepped - self(compared)).abs().max()),
            "readable_states": sum(len(readable_directions(channel)) for channel in held) / len(held),
        }

    def read(self, pixels: Float[Tensor, "B L C"]) -> tuple[Float[Tensor, "B L classes"], State]:
        """Logits after every pixel, by the recurrence, and the last state."""
        state, logits = self.first_state(len(pixels)), []
        for pixel in pixels.unbind(1):
            said, state = self.recur(pixel, state)
            logits.append(said)
        return torch.stack(logits, dim=1), state

    @torch.no_grad()
    def sample(self, request: SampleRequest) -> Text:
        """Held-out images read pixel by pixel in constant memory, and the guess after every row."""
        images, labels = self.setting.data.test()
        if request.label is not None:
            self.setting.data.require_class(request.label)
            images, labels = images[labels == request.label], labels[labels == request.label]
        draw = self.setting.generator("sample", request.seed)
        chosen = torch.randperm(len(labels), generator=draw, device=labels.device)[: request.n]
        pixels, labels = self.pixels(images[chosen]), labels[chosen]
        logits, state = self.read(pixels)
        pictures = pixels.mean(-1).view(-1, self.config.side, self.config.side)
        names = self.setting.data.class_names
        held = sum(h.numel() * h.element_size() for h in (*state.hidden, state.said)) // len(labels)
        return Text(
            in_pairs([film(*row, names) for row in zip(pictures, logits, labels.tolist(), strict=True)]),
            caption=f"beside each row the guess so far; the state holds {held / 1024:.0f} KiB at every pixel",
            facts={
                "right": int((logits[:, -1].argmax(-1) == labels).sum()),
                "asked": len(labels),
                "state_bytes": held,
            },
        )
