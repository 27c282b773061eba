"""One norm over optimizers that step together, decay of matrices, autocast around forward passes only."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch
from torch import nn

from atlas_cli.engine.decay import decay_groups, without_decay
from atlas_cli.engine.descent import guard
from atlas_cli.engine.loop import fit
from atlas_cli.engine.system import System
from atlas_cli.errors import UsageError
from atlas_cli.systems.gan.gan import GAN
from tests.engine.lines import Line, attached


class Halves(Line):
    """Weight and bias under two optimizers of plain descent, which step together."""

    def optimizers(self):
        parts = {"weight": [self.net.weight], "bias": [self.net.bias]}
        return {n: torch.optim.SGD(p, lr=1.0) for n, p in parts.items()}


class InTurn(Halves):
    """The same two, each on a backward pass of its own."""

    def step(self, batch, optimizers):
        for optimizer in optimizers.values():
            optimizer.zero_grad()
            loss, _ = self.loss(batch)
            loss.backward()
            optimizer.step()
        return {"loss": loss.detach()}


def moved(system: System) -> list[float]:
    """Length of the way of each parameter in one step."""
    before = [p.detach().clone() for p in system.parameters()]
    fit(system)
    return [float((p.detach() - b).norm()) for p, b in zip(system.parameters(), before, strict=True)]


def test_optimizers_that_step_together_are_clipped_by_one_norm() -> None:
    weight, bias = moved(attached(Halves(), steps=1, lr=1.0, grad_clip=1e-3))
    assert math.hypot(weight, bias) == pytest.approx(1e-3, rel=1e-3)
    assert min(weight, bias) > 1e-5  # and neither of them alone


def test_optimizers_that_take_turns_are_clipped_each_by_its_own() -> None:
    assert moved(attached(InTurn(), steps=1, lr=1.0, grad_clip=1e-3)) == pytest.approx([1e-3, 1e-3], rel=1e-3)


def test_a_gradient_within_the_bound_is_left_alone() -> None:
    weight = nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    guard(optimizer, grad_clip=6.0)
    weight.grad = torch.tensor([3.0, 4.0])
    optimizer.step()
    assert weight.tolist() == [-3.0, -4.0]


# --- weight decay -------------------------------------------------------------------------------------


def test_matrices_decay_and_nothing_else() -> None:
    """With a gradient of zero AdamW multiplies what decays by 1 - lr * decay, and leaves the rest."""

    class Mixed(Line):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.LayerNorm(3)
            self.rates = without_decay(nn.Parameter(torch.ones(3, 2)))

        optimizers = System.optimizers

    system = attached(Mixed(), lr=0.1, weight_decay=0.5)
    before = {n: p.detach().clone() for n, p in system.named_parameters()}
    for parameter in system.parameters():
        parameter.grad = torch.zeros_like(parameter)
    system.optimizers()["main"].step()
    for name, parameter in system.named_parameters():
        factor = 0.95 if name == "net.weight" else 1.0
        torch.testing.assert_close(parameter.detach(), factor * before[name], msg=name)


def test_every_trained_parameter_is_in_one_group_and_no_frozen_one() -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3), nn.Linear(3, 3).requires_grad_(False))
    for decay in (0.0, 0.1):
        found = [id(p) for g in decay_groups(net.parameters(), decay) for p in g["params"]]
        assert sorted(found) == sorted(id(p) for p in net.parameters() if p.requires_grad)


# --- mixed precision ----------------------------------------------------------------------------------


def test_autocast_covers_the_forward_pass_and_neither_backward_nor_step() -> None:
    seen: dict[str, bool] = {}

    class Watched(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            seen["forward"] = torch.is_autocast_enabled("cpu")
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            seen["backward"] = torch.is_autocast_enabled("cpu")
            return grad

    class Watching(Line):
        def loss(self, batch):
            loss, metrics = super().loss(batch)
            return Watched.apply(loss), metrics

        def optimizers(self):
            optimizers = super().optimizers()
            optimizers["main"].register_step_pre_hook(
                lambda *_: seen.update(step=torch.is_autocast_enabled("cpu"))
            )
            return optimizers

    fit(attached(Watching(), steps=1, precision="bf16"))
    assert seen == {"forward": True, "backward": False, "step": False}


def test_a_weight_used_without_gradients_first_still_learns() -> None:
    """A bf16 copy made under no_grad and kept would cut the weight from its gradient."""
    system = attached(Line(), precision="bf16")
    with system.setting.autocast():
        with torch.no_grad():
            system.loss(system.batch(0))
        loss, _ = system.loss(system.batch(0))
    loss.backward()
    assert system.net.weight.grad is not None  # type: ignore[union-attr]


# --- --compile ----------------------------------------------------------------------------------------


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was compiled: functions by name, modules by class; nothing is."""
    found: list[object] = []
    monkeypatch.setattr(torch, "compile", lambda f: found.append(f.__name__) or f)
    monkeypatch.setattr(nn.Module, "compile", lambda module: found.append(type(module).__name__))
    return found


def test_compile_takes_the_loss_and_of_a_gan_both_players(compiled: list[object], tiny_images) -> None:
    from tests.systems.gan.house import on_images

    attached(Line()).compile_training()
    assert compiled == ["loss"]
    gan: GAN = on_images(tiny_images)
    gan.compile_training()
    assert compiled == ["loss", "Generator", "Discriminator"]


def test_compile_refuses_what_it_would_leave_alone(compiled: list[object]) -> None:
    class Silent(Line):
        def step(self, batch, optimizers):
            return super().step(batch, optimizers)

    for system in (attached(Silent()), attached(Line(), steps=0)):
        with pytest.raises(UsageError, match="compile"):
            system.compile_training()
    assert not compiled


COMPILED_AND_PLAIN = """
import torch
from torch import nn
from atlas_cli import data
from atlas_cli.engine.system import Setting
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.gan.gan import GAN, Config

compile_module = nn.Module.compile
nn.Module.compile = lambda module: compile_module(module, backend="aot_eager")
weights = []
for compiled in (False, True):
    torch.manual_seed(0)
    gan = GAN(Config(dim=2, z_dim=2, width=8))
    train = TrainConfig(steps=2, batch_size=8, lr=0.01, precision="fp32")
    gan.attach(Setting(data.load({"name": "modes25"}), train))
    if compiled:
        gan.compile_training()
    optimizers = gan.optimizers()
    for step in range(2):
        gan.step(gan.batch(step), optimizers)
    weights.append(gan.state_dict())
    assert not compiled or torch._dynamo.utils.counters["frames"]["ok"] > 0
assert weights[0].keys() == weights[1].keys()
for name, tensor in weights[0].items():
    torch.testing.assert_close(weights[1][name], tensor, atol=1e-5, rtol=1e-4, msg=name)
"""


def test_a_gan_trains_with_its_players_compiled() -> None:
    """Compiled to the same operations it takes the same steps, R1 with its second derivative included.

    In a process of its own: the shape checks of the tests cannot be compiled.
    """
    done = subprocess.run(
        [sys.executable, "-c", COMPILED_AND_PLAIN], text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
