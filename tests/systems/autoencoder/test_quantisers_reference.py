"""The quantisers against vector-quantize-pytorch: values, gradients, and how codes move."""

from __future__ import annotations

import pytest
import torch
from vector_quantize_pytorch import FSQ, LFQ, ResidualVQ, VectorQuantize

from atlas_cli.systems.autoencoder.fsq import Levels, Signs
from atlas_cli.systems.autoencoder.vq_vae import Config, VectorQuantiser, rows

K, D, DECAY = 12, 4, 0.9
NO_SPOTS = torch.zeros(6, dtype=torch.long)
PLAIN = {"decay": DECAY, "eps": 1e-12, "rotation_trick": False, "commitment_weight": 0.25}


def draws(*shape: int, seed: int = 3) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def ours(stages: int = 1) -> VectorQuantiser:
    torch.manual_seed(0)
    return VectorQuantiser(Config(codes=K, dim=D, stages=stages, decay=DECAY, rare=0.0))


def told(layer: VectorQuantize, codes: torch.Tensor, n: int) -> None:
    """The same codes, each with an even share of n vectors behind it."""
    book = layer._codebook
    book.embed.data.copy_(codes[None])
    book.cluster_size.fill_(n / K)
    book.embed_avg.data.copy_(codes[None] * n / K)


def sequence(z: torch.Tensor) -> torch.Tensor:
    """(B, D, h, w) as they take it: (B, h w, D)."""
    return rows(z).view(len(z), -1, z.shape[1])


def test_a_codebook_gives_and_learns_what_theirs_does():
    own, theirs = ours(), VectorQuantize(dim=D, codebook_size=K, **PLAIN).train()
    told(theirs, own.books[0].codes, 6 * 9)
    for step in range(4):
        z, weight = draws(6, D, 3, 3, seed=step).requires_grad_(), draws(6, D, 3, 3, seed=50 + step)
        found = own(z)
        ((found.vectors * weight).sum() + found.penalty).backward()
        other = z.detach().clone().requires_grad_()
        out, indices, commitment = theirs(sequence(other))
        ((out * sequence(weight)).sum() + commitment.sum()).backward()
        torch.testing.assert_close(sequence(found.vectors), out)
        assert torch.equal(found.indices.flatten(1), indices)
        torch.testing.assert_close(found.penalty, commitment.sum())
        torch.testing.assert_close(z.grad, other.grad)
        own.follow(z.detach(), NO_SPOTS)
        torch.testing.assert_close(own.books[0].codes, theirs._codebook.embed[0], rtol=1e-4, atol=1e-5)


def test_residual_stages_are_theirs():
    own = ours(stages=3)
    theirs = ResidualVQ(dim=D, num_quantizers=3, codebook_size=K, **PLAIN).train()
    for layer, book in zip(theirs.layers, own.books, strict=True):
        told(layer, book.codes, 6 * 9)
    for step in range(3):
        z = draws(6, D, 3, 3, seed=step).requires_grad_()
        found = own(z)
        out, indices, commitment = theirs(sequence(z.detach()))
        torch.testing.assert_close(sequence(found.vectors), out)
        for s, chosen in enumerate(own.split(found.indices)):
            assert torch.equal(chosen.flatten(1), indices[..., s])
        torch.testing.assert_close(found.penalty, commitment.sum())
        own.follow(z.detach(), NO_SPOTS)
        for layer, book in zip(theirs.layers, own.books, strict=True):
            torch.testing.assert_close(book.codes, layer._codebook.embed[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("levels", [(8, 8, 4), (8, 5, 5, 5), (7, 3)])
def test_levels_round_as_theirs_do(levels: tuple[int, ...]):
    own, theirs = Levels(levels), FSQ(list(levels))
    z, weight = (2 * draws(6, len(levels), 3, 3)).requires_grad_(), draws(6, len(levels), 3, 3, seed=9)
    other = z.detach().clone().requires_grad_()
    found, (out, indices) = own(z), theirs(sequence(other))
    (found.vectors * weight).sum().backward()
    (out * sequence(weight)).sum().backward()
    torch.testing.assert_close(sequence(found.vectors), out)
    assert torch.equal(found.indices.flatten(1), indices.long())
    torch.testing.assert_close(z.grad, other.grad)
    torch.testing.assert_close(
        rows(own.vectors(found.indices)), theirs.indices_to_codes(indices).reshape(-1, len(levels))
    )


def test_lookup_free_codes_have_their_signs_and_entropies():
    own = Signs(D, entropy_weight=0.1, commitment=0.25)
    theirs = LFQ(codebook_size=2**D, dim=D, entropy_loss_weight=0.1, commitment_loss_weight=0.25).train()
    z = (0.5 * draws(6, D, 3, 3)).requires_grad_()
    other = z.detach().clone().requires_grad_()
    found, (out, indices, penalty) = own(z), theirs(sequence(other), inv_temperature=1.0)
    torch.testing.assert_close(sequence(found.vectors), out)
    signs = torch.stack([indices >> (D - 1 - i) & 1 for i in range(D)], -1)  # their first sign is the highest
    ours_signs = torch.stack([found.indices.flatten(1) >> i & 1 for i in range(D)], -1)
    assert torch.equal(signs, ours_signs)
    torch.testing.assert_close(found.penalty, penalty, rtol=1e-4, atol=1e-5)
    weight = draws(6, D, 3, 3, seed=9)
    ((found.vectors * weight).sum() + found.penalty).backward()
    ((out * sequence(weight)).sum() + penalty).backward()
    torch.testing.assert_close(z.grad, other.grad, rtol=1e-4, atol=1e-5)
