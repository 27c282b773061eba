"""The codebook against loops that spell its equations out, and what a tokenizer promises."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from atlas_cli.systems.autoencoder.tokenizer import Batch, perplexity
from atlas_cli.systems.autoencoder.vq_vae import (
    VQVAE,
    Codebook,
    Config,
    VectorQuantiser,
    rows,
    straight_through,
)  # fmt: skip


def book(codes: int = 5, dim: int = 3, decay: float = 0.9, rare: float = 0.1) -> Codebook:
    torch.manual_seed(1)
    return Codebook(codes, dim, decay, rare).double()


def tiny(**fields: object) -> VQVAE:
    torch.manual_seed(0)
    return VQVAE(Config(**{"image_size": 8, "width": 8, "codes": 6, "dim": 4, **fields}))


def draws(*shape: int, seed: int = 3) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def images(n: int = 3, seed: int = 4) -> torch.Tensor:
    return draws(n, 1, 8, 8, seed=seed).float().clamp(-1, 1)


# --- one codebook --------------------------------------------------------------------------------------


def test_every_vector_takes_the_code_that_a_loop_finds_nearest():
    own, z = book(), draws(40, 3)
    for vector, chosen in zip(z.numpy(), own.nearest(z).tolist(), strict=True):
        distances = [
            sum((a - b) ** 2 for a, b in zip(vector, code, strict=True)) for code in own.codes.numpy()
        ]
        assert chosen == int(np.argmin(distances))


def test_codes_are_the_running_sums_over_the_running_counts_of_the_paper():
    """N_i <- g N_i + (1 - g) n_i, m_i <- g m_i + (1 - g) sum z, e_i = m_i / N_i, in loops and counts."""
    own, g, n_batch = book(), 0.9, 40
    codes = own.codes.numpy().copy()
    counts = np.full(5, n_batch / 5)
    sums = counts[:, None] * codes
    for step in range(6):
        z = draws(n_batch, 3, seed=10 + step)
        chosen = own.nearest(z)
        own.follow(z, chosen)
        for i in range(5):
            mine = [vector for vector, c in zip(z.numpy(), chosen.tolist(), strict=True) if c == i]
            counts[i] = g * counts[i] + (1 - g) * len(mine)
            sums[i] = g * sums[i] + (1 - g) * sum(mine, np.zeros(3))
            codes[i] = sums[i] / counts[i]
        np.testing.assert_allclose(own.codes.numpy(), codes, rtol=1e-6)
        np.testing.assert_allclose(own.share.numpy(), counts / n_batch, rtol=1e-6)


def test_a_code_that_nothing_chooses_keeps_its_place_whatever_its_share_falls_to():
    own = book()
    own.codes[4] = 100.0
    for step in range(4000):  # 0.9^4000 is no number any more
        z = draws(10, 3, seed=step % 7)
        own.follow(z, own.nearest(z))
    assert own.codes[4].tolist() == [100, 100, 100]
    assert own.share[4] < 1e-100
    assert own.codes.isfinite().all()


def test_a_code_that_had_no_share_at_all_jumps_to_the_mean_of_those_that_choose_it():
    own = book()
    own.share[2] = 0.0
    own.codes[2] = 50.0
    z = torch.tensor([[48.0, 50.0, 50.0], [50.0, 54.0, 50.0], [0.0, 0.0, 0.0]], dtype=torch.float64)
    own.follow(z, own.nearest(z))
    torch.testing.assert_close(own.codes[2], z[:2].mean(0))


def test_codes_settle_on_the_means_of_their_points():
    own = Codebook(2, 2, 0.9, 0.0)
    own.codes.copy_(torch.tensor([[-0.1, 0.0], [0.1, 0.0]]))
    points = torch.tensor([[-1.0, 0.0], [-2.0, 0.0], [3.0, 1.0], [5.0, 1.0]])
    for _ in range(300):
        own.follow(points, own.nearest(points))
    torch.testing.assert_close(own.codes, torch.tensor([[-1.5, 0.0], [4.0, 1.0]]))


def test_only_rare_codes_are_revived_each_on_a_vector_of_its_own():
    own = book()
    own.share.copy_(torch.tensor([0.3, 0.001, 0.3, 0.019, 0.021]))  # a tenth of an even share is 0.02
    before, offered = own.codes.clone(), draws(8, 3)
    own.revive(offered)
    torch.testing.assert_close(own.codes[[1, 3]], offered[:2])
    assert torch.equal(own.codes[[0, 2, 4]], before[[0, 2, 4]])
    assert own.share.tolist() == pytest.approx([0.3, 0.2, 0.3, 0.2, 0.021])


def test_no_more_codes_are_revived_than_vectors_are_offered():
    own = book()
    own.share.zero_()
    before = own.codes.clone()
    own.revive(draws(2, 3))
    assert torch.equal(own.codes[2:], before[2:])
    assert not torch.equal(own.codes[1], before[1])


# --- the quantiser -------------------------------------------------------------------------------------


def test_the_gradient_goes_straight_through():
    z = draws(2, 3).requires_grad_()
    quantised = z.detach().round()
    out = straight_through(z, quantised)
    torch.testing.assert_close(out, quantised)
    weight = draws(2, 3, seed=5)
    (out * weight).sum().backward()
    torch.testing.assert_close(z.grad, weight)


def test_the_encoder_feels_the_decoder_and_its_commitment_and_the_codes_feel_neither():
    """d/dz of w . q(z) + beta mean (z - e)^2, with e a constant: w + 2 beta (z - e) / (number of z)."""
    q = VectorQuantiser(Config(codes=5, dim=3, commitment=0.25)).double()
    z = draws(2, 3, 2, 2).requires_grad_()
    found, weight = q(z), draws(2, 3, 2, 2, seed=6)
    ((found.vectors * weight).sum() + found.penalty).backward()
    codes = q.books[0].codes[found.indices].permute(0, 3, 1, 2)
    torch.testing.assert_close(found.vectors.detach(), codes)
    torch.testing.assert_close(z.grad, weight + 0.5 * (z.detach() - codes) / z.numel())
    assert not list(q.parameters())


def test_each_stage_quantises_what_the_ones_before_left_over():
    q = VectorQuantiser(Config(codes=4, dim=3, stages=3)).double()
    z = draws(2, 3, 2, 2)
    found = q(z)
    for b in range(2):
        for y in range(2):
            for x in range(2):
                rest, index = z[b, :, y, x].numpy().copy(), 0
                for s, book in enumerate(q.books):
                    k = int(np.argmin(((book.codes.numpy() - rest) ** 2).sum(1)))
                    rest -= book.codes[k].numpy()
                    index += k * 4**s
                assert int(found.indices[b, y, x]) == index
                torch.testing.assert_close(found.vectors[b, :, y, x], z[b, :, y, x] - torch.tensor(rest))
    torch.testing.assert_close(q.vectors(found.indices), found.vectors)
    assert q.size == 64


def test_stages_are_split_as_they_were_joined():
    q = VectorQuantiser(Config(codes=5, dim=2, stages=4))
    every = torch.arange(q.size)
    assert torch.equal(q.join(q.split(every)), every)
    assert [int(c.max()) for c in q.split(every)] == [4] * 4


def test_every_stage_follows_its_own_rest():
    config = Config(codes=4, dim=3, stages=2, rare=0.0)
    q, alone = VectorQuantiser(config).double(), VectorQuantiser(config).double()
    alone.load_state_dict(q.state_dict())
    z = draws(3, 3, 2, 2)
    q.follow(z, torch.zeros(3, dtype=torch.long))
    first, second = alone.books
    flat = rows(z)
    rest = flat - first.codes[first.nearest(flat)]  # with the codes as they stood before they moved
    first.follow(flat, first.nearest(flat))
    second.follow(rest, second.nearest(rest))
    for mine, theirs in zip(q.books, alone.books, strict=True):
        torch.testing.assert_close(mine.codes, theirs.codes)


def test_what_is_offered_is_the_vector_at_the_spot_of_each_image():
    q = VectorQuantiser(Config(codes=4, dim=3, rare=0.5)).double()
    q.books[0].share.zero_()
    q.books[0].codes += 1000  # so far off that only code 0 or so is chosen
    z, spots = draws(2, 3, 2, 2), torch.tensor([3, 1])
    chosen = int(q.books[0].nearest(rows(z)).unique().item())
    q.follow(z, spots)
    revived = [k for k in range(4) if k != chosen][:2]
    torch.testing.assert_close(q.books[0].codes[revived], torch.stack([z[0, :, 1, 1], z[1, :, 0, 1]]))


# --- the system ----------------------------------------------------------------------------------------


def test_decoding_the_codes_gives_what_training_saw():
    system, given = tiny().eval(), images()
    with torch.no_grad():
        found = system.quantiser(system.encoder(given))
        seen = system.decoder(found.vectors).clamp(-1, 1)
        codes = system.encode(given)
        back = system.decode(codes)
    assert codes.shape == (3, 2, 2)
    assert codes.dtype == torch.long
    assert 0 <= int(codes.min()) <= int(codes.max()) < system.codebook_size == 6
    torch.testing.assert_close(back, seen)


def test_the_loss_is_the_squared_error_and_the_weighed_commitment():
    system, given = tiny(commitment=0.7), images()
    z = system.encoder(given)
    flat = rows(z)
    code = system.quantiser.books[0].codes[system.quantiser.books[0].nearest(flat)]
    back = system.decoder(code.view(3, 2, 2, 4).permute(0, 3, 1, 2))
    expected = (back - given).square().mean() + 0.7 * (flat - code).square().mean()
    loss, figures = system.loss(Batch(given, torch.zeros(3, dtype=torch.long)))
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(figures["mse"], (back - given).square().mean().detach())


def test_looking_at_held_out_data_moves_no_code():
    system = tiny()
    before = system.quantiser.books[0].codes.clone()
    system.loss(Batch(images(), torch.zeros(3, dtype=torch.long)))
    system.encode(images())
    assert torch.equal(system.quantiser.books[0].codes, before)


def test_bits_of_an_image_are_those_of_its_codes():
    assert tiny(codes=256).image_bits == 4 * 8
    assert tiny(codes=16, stages=2).image_bits == 4 * 8
    assert tiny(codes=6).image_bits == pytest.approx(4 * math.log2(6))


def test_perplexity_is_the_number_of_codes_where_all_come_alike_and_less_otherwise():
    even = torch.tensor([[0.25, 0.25, 0.25, 0.25]])
    lopsided = torch.tensor([[0.5, 0.25, 0.25, 0.0]])  # 2^1.5
    torch.testing.assert_close(perplexity(even), torch.tensor(4.0))
    torch.testing.assert_close(perplexity(lopsided), torch.tensor(2**1.5))
    torch.testing.assert_close(perplexity(torch.cat([even, lopsided])), torch.tensor((4 + 2**1.5) / 2))
