"""Rounding to levels, and the entropies of lookup-free codes, against closed forms and loops."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from atlas_cli.systems.autoencoder.fsq import EDGE, FSQ, Config, Levels, Signs

LEVELS = [(8, 8, 4), (8, 5, 5, 5), (3,), (2, 2, 7), (4, 4, 4, 4)]


def draws(*shape: int, seed: int = 3) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def grid(z: torch.Tensor) -> torch.Tensor:
    """Vectors (N, D) as a column of one image."""
    return z.T[None, :, :, None]


@pytest.mark.parametrize("levels", LEVELS)
def test_it_rounds_a_hyperbolic_tangent_to_whole_numbers(levels: tuple[int, ...]):
    """The paper's f and appendix A.1, number by number."""
    z = 2 * draws(50, len(levels))
    found = Levels(levels).double()(grid(z)).vectors[0, :, :, 0].T
    for row, code in zip(z.tolist(), found.tolist(), strict=True):
        for number, value, n in zip(row, code, levels, strict=True):
            reach, offset = (n - 1) * (1 + EDGE) / 2, 0.5 * (n % 2 == 0)
            bounded = math.tanh(number + math.atanh(offset / reach)) * reach - offset
            assert value == pytest.approx(round(bounded) / (n // 2))


@pytest.mark.parametrize("levels", LEVELS)
def test_all_combinations_are_reached_and_no_other(levels: tuple[int, ...]):
    quantiser = Levels(levels).double()
    far = torch.linspace(-6, 6, 400, dtype=torch.float64)[:, None].expand(-1, len(levels))
    code = quantiser(grid(far)).vectors[0, :, :, 0]  # (D, 400)
    for numbers, n in zip(code, levels, strict=True):
        expected = (torch.arange(n) - n // 2) / (n // 2)
        torch.testing.assert_close(numbers.unique(), expected.double())
    assert quantiser.size == math.prod(levels)


@pytest.mark.parametrize("levels", LEVELS)
def test_every_index_is_that_of_its_code(levels: tuple[int, ...]):
    quantiser = Levels(levels)
    every = torch.arange(quantiser.size).view(1, -1, 1)
    vectors = quantiser.vectors(every)  # (1, D, K, 1)
    code = vectors.movedim(1, -1) * quantiser.below
    assert torch.equal(quantiser.index(code), every)
    assert len(vectors[0, :, :, 0].T.unique(dim=0)) == quantiser.size
    digits = itertools.product(*(range(n) for n in reversed(levels)))  # the first number turns fastest
    for index, reversed_digits in enumerate(digits):
        expected = [(d - n // 2) / (n // 2) for d, n in zip(reversed_digits[::-1], levels, strict=True)]
        assert vectors[0, :, index, 0].tolist() == pytest.approx(expected)


def test_zero_stays_in_the_middle():
    for n in (3, 4, 5, 8):
        assert float(Levels((n,)).double().bound(torch.zeros(1, dtype=torch.float64))) == pytest.approx(
            0, abs=1e-6
        )


def test_the_gradient_is_that_of_the_bound_as_if_nothing_were_rounded():
    quantiser, z, weight = Levels((8, 5)).double(), draws(20, 2).requires_grad_(), draws(20, 2, seed=4)
    (quantiser(grid(z)).vectors[0, :, :, 0].T * weight).sum().backward()
    reach = torch.tensor([7, 4]) * (1 + EDGE) / 2
    shift = torch.tensor([0.5 / float(reach[0]), 0.0], dtype=torch.float64).atanh()
    slope = reach * (1 - (z.detach() + shift).tanh().square()) / torch.tensor([4, 2])
    torch.testing.assert_close(z.grad, slope * weight)


def test_nothing_is_added_to_the_loss_and_nothing_is_learned():
    quantiser = Levels((8, 8, 4))
    assert float(quantiser(torch.randn(1, 3, 2, 2)).penalty) == 0
    assert not quantiser.state_dict()


# --- lookup-free ---------------------------------------------------------------------------------------


def test_a_lookup_free_code_is_its_signs():
    quantiser = Signs(4, 0.1, 0.25).double()
    z = draws(30, 4)
    found = quantiser(grid(z))
    for row, code, index in zip(z, found.vectors[0, :, :, 0].T, found.indices.flatten(), strict=True):
        assert code.tolist() == pytest.approx([1 if x > 0 else -1 for x in row])
        assert int(index) == sum(2**i for i, x in enumerate(row) if x > 0)
    torch.testing.assert_close(quantiser.vectors(found.indices), found.vectors)


def test_the_entropies_of_independent_signs():
    """p(code) is a product of sigmoid(4 z_i) or one less it; entropies of bits add up."""
    quantiser, z = Signs(3, 0.1, 0.25).double(), 0.3 * draws(5, 3)
    bits = 1 / (1 + np.exp(-4 * z.numpy()))
    each = np.mean([sum(-p * math.log(p) - (1 - p) * math.log(1 - p) for p in row) for row in bits])
    together = np.zeros(8)
    for row in bits:
        for code in range(8):
            together[code] += math.prod(p if code >> i & 1 else 1 - p for i, p in enumerate(row)) / len(bits)
    expected = each + (together * np.log(together)).sum()
    assert float(quantiser.entropies(z)) == pytest.approx(expected)


def test_the_entropies_are_least_where_choices_are_sure_and_codes_come_alike():
    quantiser = Signs(2, 0.1, 0.25).double()
    even = 9 * quantiser.codes
    assert float(quantiser.entropies(even)) == pytest.approx(-math.log(4), abs=1e-6)
    assert float(quantiser.entropies(even[:1].expand(4, -1))) == pytest.approx(0, abs=1e-6)
    assert float(quantiser.entropies(torch.zeros(4, 2).double())) == pytest.approx(0, abs=1e-6)


# --- the system ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["levels", "codebook", "signs"])
def test_each_quantiser_has_as_many_codes_and_decodes_them_as_it_trained(kind: str):
    torch.manual_seed(0)
    fields = {"image_size": 8, "width": 8, "levels": [2] * 6, "quantiser": kind}
    system = FSQ(Config(**fields)).eval()
    images = draws(3, 1, 8, 8).float().clamp(-1, 1)
    with torch.no_grad():
        found = system.quantiser(system.encoder(images))
        codes = system.encode(images)
        torch.testing.assert_close(system.decode(codes), system.decoder(found.vectors).clamp(-1, 1))
    assert system.codebook_size == 64
    assert system.image_bits == 4 * 6


def test_the_networks_of_the_codebook_are_nearly_as_large():
    sizes = [
        sum(p.numel() for p in FSQ(Config(quantiser=kind)).parameters()) for kind in ("levels", "codebook")
    ]
    assert abs(sizes[0] / sizes[1] - 1) < 0.05


@pytest.mark.parametrize(
    "fields", [{"levels": [8, 1]}, {"levels": []}, {"levels": [8, 8, 4], "quantiser": "signs"},
               {"levels": [128, 128, 8]}],
)  # fmt: skip
def test_levels_that_make_no_codes_are_refused(fields: dict[str, object]):
    with pytest.raises(ValidationError, match="levels"):
        Config(**fields)
