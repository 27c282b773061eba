"""siglip: the loss against open_clip and by hand, in blocks and over ranks, and what it weighs."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.contrastive.clip import clip_loss
from atlas_cli.systems.contrastive.siglip import Config, SigLIP, in_blocks, kept_mb, siglip_loss
from atlas_cli.systems.contrastive.towers import of_all_ranks
from tests.systems.contrastive.house import TINY, mean_gradients_of_two_ranks, scenes, units

SOURCE = scenes()


def leaves(n: int = 7, bias: float = -2.0) -> list[torch.Tensor]:
    rest = [torch.tensor(x, dtype=torch.float64) for x in (9.0, bias)]
    return [x.requires_grad_() for x in (units(n, seed=1), units(n, seed=2), *rest)]


def attached(**fields: object) -> SigLIP:
    torch.manual_seed(0)
    system = SigLIP(Config(**{**TINY, **fields}))
    system.attach(Setting(SOURCE, TrainConfig(steps=2, batch_size=16, lr=1e-3)))
    return system


def test_two_pairs_by_hand() -> None:
    image = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    text = torch.tensor([[0.8, 0.6], [0.6, 0.8]])
    found = siglip_loss(image, text, torch.tensor(5.0), torch.tensor(-3.5))
    assert float(found) == pytest.approx(2 * math.log(1 + math.exp(-0.5)))  # logits 0.5 and -0.5


def test_loss_and_gradients_are_those_of_open_clip() -> None:
    reference = pytest.importorskip("open_clip.loss").SigLipLoss()
    ours, theirs = leaves(), leaves()
    mine, other = siglip_loss(*ours), reference(*theirs)
    torch.testing.assert_close(mine, other, atol=1e-6, rtol=0)
    pairs = zip(torch.autograd.grad(mine, ours), torch.autograd.grad(other, theirs), strict=True)
    for a, b in pairs:
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)


@pytest.mark.parametrize("block", [1, 3, 7, 50])
def test_in_blocks_it_is_the_same(block: int) -> None:
    whole, parts = leaves(), leaves()
    mine, other = siglip_loss(*whole), in_blocks(*parts, 0, block)
    torch.testing.assert_close(other, mine, atol=1e-6, rtol=0)
    pairs = zip(torch.autograd.grad(other, parts), torch.autograd.grad(mine, whole), strict=True)
    for a, b in pairs:
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)


@pytest.mark.parametrize("block", [0, 2])
def test_two_ranks_with_half_of_the_pairs_have_the_gradients_of_one(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = leaves(6)
    expected = torch.autograd.grad(siglip_loss(*whole), whole)

    def loss(rank: int, own: list[torch.Tensor]) -> torch.Tensor:
        mine = slice(3 * rank, 3 * rank + 3)
        text = of_all_ranks(own[1][mine])
        if block:
            return in_blocks(own[0][mine], text, *own[2:], 3 * rank, block)
        return siglip_loss(own[0][mine], text, *own[2:], 3 * rank)

    for found, right in zip(mean_gradients_of_two_ranks(monkeypatch, whole, loss), expected, strict=True):
        torch.testing.assert_close(found, right)


def test_the_first_loss_is_least_where_one_of_n_is_right() -> None:
    """Of all biases, with logits that tell nothing apart: -log(N - 1), by the slope."""
    n = 16
    biases = torch.linspace(-12, 2, 1401, dtype=torch.float64)
    zero = torch.zeros(n, 4, dtype=torch.float64)
    losses = torch.stack([siglip_loss(zero, zero, torch.tensor(10.0), bias) for bias in biases])
    assert float(biases[losses.argmin()]) == pytest.approx(-math.log(n - 1), abs=0.01)
    system = attached(bias=-math.log(n - 1))
    assert system.first_loss() == pytest.approx(float(losses.min()), abs=1e-3)


def test_the_bias_moves_no_answer_and_every_share() -> None:
    low, high = attached(bias=-9.0), attached(bias=-1.0)
    images, tokens = SOURCE.test.images[:4], SOURCE.test.tokens[:6]
    assert torch.equal(low.score(images, tokens).argmax(1), high.score(images, tokens).argmax(1))
    assert (low.shares(images, tokens) < high.shares(images, tokens)).all()


@pytest.mark.parametrize("loss", ["sigmoid", "softmax"])
def test_scale_and_bias_take_steps_of_their_own_length(loss: str) -> None:
    system = attached(loss=loss, scale_rate=20.0, bias_rate=50.0)
    optimizers = system.optimizers()
    numbers = [system.log_scale, *([system.bias] if loss == "sigmoid" else [])]
    held = {id(p): group for group in optimizers["main"].param_groups for p in group["params"]}
    assert len(held) == len(list(system.parameters()))
    assert all(held[id(p)]["weight_decay"] == 0 for p in numbers)
    before = [p.item() for p in numbers]
    weight = system.towers.text.project.weight.detach().clone()
    system.step(system.batch(0), optimizers)
    moved = [abs(p.item() - x) for p, x in zip(numbers, before, strict=True)]
    assert moved == pytest.approx([20e-3, 50e-3][: len(numbers)], rel=1e-3)  # Adam's first step is the rate
    assert float((system.towers.text.project.weight.detach() - weight).abs().max()) == pytest.approx(
        1e-3, rel=1e-2
    )


def test_what_is_kept_of_a_product_is_counted_once() -> None:
    image, text = torch.randn(50, 10), torch.randn(40, 10)
    kept = kept_mb(lambda a, b: (a @ b.T).exp().sum(), image, text)
    assert kept == pytest.approx(4 * (50 * 10 + 40 * 10 + 50 * 40) / 1e6)


def test_blocks_keep_no_logits() -> None:
    weighed = attached().weights()
    vectors = 2 * 4 * 2048 * TINY["d_embed"] / 1e6
    assert weighed["blocks_mb"] == pytest.approx(vectors, rel=0.02)
    assert weighed["whole_mb"] > 4 * 2048**2 / 1e6


def test_softmax_has_no_bias_and_shares_that_sum_to_one() -> None:
    system = attached(loss="softmax")
    assert system.bias is None
    shares = system.shares(SOURCE.test.images[:3], SOURCE.test.tokens[:5])
    torch.testing.assert_close(shares.sum(1), torch.ones(3))
    batch = system.batch(0)
    vectors = system.towers.see(batch.data), system.towers.read(batch.tokens)
    torch.testing.assert_close(system.loss(batch)[0], clip_loss(*vectors, torch.tensor(10.0)))


def test_none_of_the_captions_may_fit() -> None:
    shown = attached(bias=-30.0).sample(SampleRequest(n=2, seed=1))
    assert max(share for row in shown.answers for _, share in row) < 1e-3
