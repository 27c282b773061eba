"""The prior against the chain rule and a plain loop, codes against tokens, and pictures of the user's."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.errors import DataError, UsageError
from atlas_cli.metrics.judge import Judge
from atlas_cli.systems.autoencoder import fsq
from atlas_cli.systems.autoencoder.image_tokenizer import Config, ImageTokenizer, nats, write_plainly
from atlas_cli.systems.autoencoder.prior import Prior, guided
from atlas_cli.systems.autoencoder.tokenizer import error_figures
from tests.systems.autoencoder.small_prior import TRAIN, parent, source, system


def seeded(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_tokens(own: ImageTokenizer, n: int = 4) -> torch.Tensor:
    return torch.randint(0, own.prior.vocab_size, (n, own.prior.length), generator=seeded())


# --- the prior -----------------------------------------------------------------------------------------


def test_what_is_said_of_a_place_depends_on_class_and_earlier_tokens_and_on_nothing_later():
    own = system()
    tokens, label = some_tokens(own, 1), torch.tensor([0])
    said = own.prior(own.prior.read(tokens), label)
    for place in range(own.prior.length):
        other = tokens.clone()
        other[0, place] = (other[0, place] + 1) % own.prior.vocab_size
        changed = (own.prior(own.prior.read(other), label) - said).abs().amax(-1)[0] > 1e-5
        assert changed.tolist() == [later > place for later in range(own.prior.length)]
    assert (own.prior(own.prior.read(tokens), 1 - label) - said).abs().amax(-1).min() > 1e-5


def test_what_is_read_is_the_start_and_every_token_but_the_last():
    own = system()
    assert own.prior.read(torch.tensor([[3, 1, 4, 2]])).tolist() == [[6, 3, 1, 4]]


def test_the_likelihood_of_tokens_is_the_product_of_their_conditionals():
    own = system().double()
    tokens, label = some_tokens(own), torch.tensor([0, 1, 1, 0])
    product = torch.ones(4, dtype=torch.double)
    for place in range(own.prior.length):
        start = torch.full((4, 1), own.prior.vocab_size)
        known = torch.cat([start, tokens[:, :place]], dim=1)  # nothing later is there to be seen
        p = own.prior(known, label)[:, -1].softmax(-1)
        product *= p[torch.arange(4), tokens[:, place]]
    said = nats(own.prior(own.prior.read(tokens), label), tokens)
    torch.testing.assert_close(said.exp().double(), 1 / product, rtol=1e-4, atol=0)


def test_probabilities_of_all_pictures_of_a_class_add_up_to_one():
    prior = Prior(3, 3, n_classes=2, d_model=8, n_layer=1, n_head=1)
    every = torch.tensor(list(itertools.product(range(3), repeat=3)))
    label = torch.ones(len(every), dtype=torch.long)
    total = (-nats(prior(prior.read(every), label), every)).exp().sum()
    torch.testing.assert_close(total, torch.tensor(1.0))


@pytest.mark.parametrize("guidance", [1.0, 2.5, 0.0])
@pytest.mark.parametrize("temperature", [1.0, 0.5, 0.0])
def test_writing_with_a_cache_writes_what_reading_all_again_does(temperature: float, guidance: float):
    own = system(temperature=temperature, guidance=guidance).double()
    label = torch.tensor([0, 1] * 8)
    plain = write_plainly(own.prior, label, temperature, guidance, seeded())
    assert torch.equal(own.write(label, seeded()), plain)
    found = len({tuple(row) for row in plain.tolist()})
    assert found == (2 if guidance else 1) if temperature == 0 else found > 8


def test_tokens_are_drawn_as_often_as_the_prior_says():
    own = system(guidance=1.0)
    label = torch.zeros(4000, dtype=torch.long)
    written = own.write(label, seeded())
    with torch.no_grad():
        first = own.prior(torch.full((1, 1), own.prior.vocab_size), label[:1])[0, 0].softmax(-1)
    found = torch.bincount(written[:, 0], minlength=own.prior.vocab_size) / len(written)
    assert (found - first).abs().max() < 4 * math.sqrt(0.25 / len(written))


def test_guidance_squares_the_odds_of_the_class_against_no_class_and_sums_to_one():
    given = torch.tensor([[0.6, 0.3, 0.1]]).log() + 5  # logits may have anything in common
    without = torch.tensor([[0.5, 0.25, 0.25]]).log() - 2
    squared = torch.tensor([[0.36 / 0.5, 0.09 / 0.25, 0.01 / 0.25]])
    torch.testing.assert_close(guided(given, without, 2.0).softmax(-1), squared / squared.sum())
    torch.testing.assert_close(guided(given, without, 1.0).softmax(-1), given.softmax(-1))
    torch.testing.assert_close(guided(given, without, 0.0).softmax(-1), without.softmax(-1))


def test_without_guidance_the_class_is_asked_for_and_no_class_is_not():
    """At weight 1 half of the work would be for nothing."""
    seen = []
    for weight in (1.0, 2.0):
        own, rows = system(guidance=weight), set()
        extend = own.prior.extend
        own.prior.extend = lambda read, label, state, e=extend, r=rows: (
            r.update(label.tolist()),
            e(read, label, state),
        )[1]  # type: ignore[method-assign]
        own.write(torch.tensor([0, 1]), seeded())
        seen.append(rows)
    assert seen == [{0, 1}, {0, 1, 2}]


# --- codes and tokens ----------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["rows", "random"])
@pytest.mark.parametrize("stages", [1, 3])
def test_codes_become_tokens_and_the_same_codes_again(order: str, stages: int):
    data = source(size=16)
    own = system(data, parent(data, stages=stages), order=order)
    codes = torch.randint(0, own.tokenizer.codebook_size, (5, 4, 4), generator=seeded())
    tokens = own.tokens_of(codes)
    assert tokens.shape == (5, 16 * stages) == (5, own.prior.length)
    assert int(tokens.max()) < own.prior.vocab_size == 6
    assert torch.equal(own.codes_of(tokens), codes)


def test_rows_are_written_from_the_top_left_and_a_drawn_order_is_the_same_for_every_image():
    data = source(size=16)
    codes = torch.arange(16).view(1, 4, 4) % 6
    assert torch.equal(system(data).tokens_of(codes), codes.flatten(1))
    drawn = system(data, order="random")
    assert not torch.equal(drawn.order, torch.arange(16))
    assert sorted(drawn.order.tolist()) == list(range(16))
    assert torch.equal(system(data, order="random").order, drawn.order)


def test_it_stands_on_fsq_as_well():
    data = source()
    torch.manual_seed(0)
    levels = fsq.FSQ(fsq.Config(image_size=8, width=8, levels=(3, 2), n_classes=2))
    levels.attach(Setting(data, TRAIN))
    own = system(data, levels.eval())
    images = data.test()[0]
    assert torch.equal(own.codes_of(own.tokens_of(own.encode(images))), levels.encode(images))
    assert own.prior.vocab_size == 6


# --- training ------------------------------------------------------------------------------------------


def test_a_batch_holds_codes_of_training_images_with_their_classes():
    data = source()
    own = system(data, label_dropout=0.0)
    known = {(*row, label) for row, label in zip(own.known_tokens()[0].tolist(), data.train_labels.tolist(),
                                                 strict=True)}  # fmt: skip
    batch = own.batch(0)
    assert {
        (*row, label) for row, label in zip(batch.tokens.tolist(), batch.label.tolist(), strict=True)
    } <= known
    expected = own.tokens_of(own.tokenizer.encode(data.test()[0]))
    assert torch.equal(own.known_tokens()[1], expected)


def test_as_many_labels_are_dropped_as_the_recipe_says_and_none_of_those_held_out():
    own = system(label_dropout=0.25)
    labels = torch.cat([own.batch(step).label for step in range(400)])
    assert (labels == own.prior.no_class).float().mean().item() == pytest.approx(0.25, abs=0.03)
    assert int(own.held_out(0).label.max()) < own.prior.no_class == 2
    assert int(torch.cat([system(label_dropout=0.0).batch(step).label for step in range(40)]).max()) < 2


def test_shuffling_keeps_the_codes_of_every_image_and_loses_their_places():
    data = source(size=16)
    tokenizer = parent(data, stages=2)
    plain, shuffled = system(data, tokenizer).batch(2), system(data, tokenizer, shuffled=True).batch(2)
    assert torch.equal(plain.label, shuffled.label)
    assert not torch.equal(plain.tokens, shuffled.tokens)
    for mine, theirs in zip(plain.tokens, shuffled.tokens, strict=True):  # the two stages of a code together
        assert sorted(mine.view(-1, 2).tolist()) == sorted(theirs.view(-1, 2).tolist())


def test_the_loss_is_nats_a_token_and_bits_are_of_an_image():
    own = system()
    batch = own.batch(0)
    loss, figures = own.loss(batch)
    each = nats(own.prior(own.prior.read(batch.tokens), batch.label), batch.tokens)
    torch.testing.assert_close(loss, each.mean() / 4)
    torch.testing.assert_close(figures["image_bits"], each.detach().mean() / math.log(2))


def test_the_prior_is_all_that_is_trained_and_kept():
    own = system()
    assert {name.split(".")[0] for name in own.state_dict()} == {"prior", "order"}
    before = {name: p.clone() for name, p in own.tokenizer.state_dict().items()}
    own.step(own.batch(0), own.optimizers())
    assert all(torch.equal(p, before[name]) for name, p in own.tokenizer.state_dict().items())


# --- what is shown -------------------------------------------------------------------------------------


def test_a_label_asks_for_its_class_and_frames_end_with_the_whole_picture():
    own = system(source(size=16))
    asked: list[list[int]] = []
    write = own.write
    own.write = lambda label, draws: (asked.append(label.tolist()), write(label, draws))[1]  # type: ignore[method-assign]
    shown = own.sample(SampleRequest(n=3, label=1, seed=5))
    own.sample(SampleRequest(n=3))
    assert asked == [[1, 1, 1], [0, 1, 0]]
    assert len(shown.frames) == 5  # none of four rows, one ... all
    assert np.array_equal(shown.frames[-1], shown.images)
    assert not shown.frames[0].any()
    for rows, frame in enumerate(shown.frames):
        assert not frame[:, :, 4 * rows :].any()
        assert rows == 0 or frame[:, :, : 4 * rows].any()


def drawing(path: Path, mode: str = "L", size: tuple[int, int] = (90, 60)) -> Path:
    page = Image.new("L", size, 255)
    ImageDraw.Draw(page).line([(20, 10), (60, 50), (30, 50)], fill=0, width=5)
    page.convert(mode).save(path)
    return path


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "1", "P"])
def test_any_picture_is_told_in_codes_that_give_back_what_is_shown(tmp_path: Path, mode: str):
    own = system(source(size=16))
    shown = own.sample(SampleRequest(extras={"image": drawing(tmp_path / "x.png", mode)}))
    image, back = 2 * torch.from_numpy(shown.images) - 1
    codes = torch.tensor(shown.facts["codes"])
    assert codes.shape == (4, 4)
    torch.testing.assert_close(own.tokenizer.decode(codes[None])[0], back)
    assert torch.equal(own.tokenizer.encode(image[None])[0], codes)
    error = error_figures(image[None], back[None])
    assert shown.facts["reconstruction_mse"] == pytest.approx(error["reconstruction_mse"])
    told, *rows = shown.captions()
    assert f"{error['reconstruction_mse']:.4f}" in told
    assert [[int(code) for code in row.split()] for row in rows[:4]] == codes.tolist()


def test_a_picture_is_refused_where_it_cannot_be_read_or_a_class_is_asked_for(tmp_path: Path):
    own = system()
    broken = tmp_path / "x.png"
    broken.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"x\.png"):
        own.sample(SampleRequest(extras={"image": broken}))
    with pytest.raises(UsageError, match="whatever class"):
        own.sample(SampleRequest(label=1, extras={"image": drawing(tmp_path / "y.png")}))
    data = source(channels=3)
    with pytest.raises(UsageError, match="colours"):
        system(data).sample(SampleRequest(extras={"image": drawing(tmp_path / "z.png")}))


def test_what_was_encoded_while_sampling_can_be_trained_on():
    own = system()
    with torch.inference_mode():
        own.known_tokens()
    own.step(own.batch(0), own.optimizers())


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="n_head"):
        Config(d_model=20, n_head=4)


def test_the_codes_are_the_same_under_any_number_format():
    own = system(source(size=16))
    images = own.setting.data.test()[0]
    plain = own.encode(images)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(own.encode(images), plain)


def test_the_figures_are_of_the_prior_the_bag_and_the_tokenizer(monkeypatch: pytest.MonkeyPatch):
    """Each distance is told under the name of what was judged."""
    own, judged = system(source(size=16)), []

    class Told(Judge):
        def __init__(self) -> None:
            pass

        def kept_aside(self) -> tuple[torch.Tensor, torch.Tensor]:
            return own.setting.data.test()

        def score(
            self, images: torch.Tensor, label: torch.Tensor, from_tests: bool = False
        ) -> dict[str, float]:
            judged.append((images, from_tests))
            names = ("judge_frechet", "class_accuracy", "judge_frechet_floor", "judge_frechet_over_floor")
            return {name: float(len(judged)) for name in names}

    monkeypatch.setattr(Judge, "load_or_train", lambda *_: Told())
    figures = own.eval().evaluate()
    tests, labels = own.setting.data.test()
    assert [from_tests for _, from_tests in judged] == [False, False, True]
    torch.testing.assert_close(judged[2][0], own.tokenizer.decode(own.tokenizer.encode(tests)))
    assert (figures["judge_frechet"], figures["bag_frechet"], figures["reconstruction_frechet"]) == (1, 2, 3)
    assert figures["frechet_over_bag"] == 0.5
    tokens = own.tokens_of(own.tokenizer.encode(tests))
    with torch.no_grad():
        bits = nats(own.prior(own.prior.read(tokens), labels), tokens).mean() / math.log(2)
    assert figures["prior_bits"] == pytest.approx(float(bits), rel=1e-5)
    assert figures["bag_bits"] == pytest.approx(float(own.bag().nats(tokens, labels).mean()) / math.log(2))
    assert figures["uniform_bits"] == pytest.approx(16 * math.log2(6))
    assert figures["prior_over_bag"] == pytest.approx(figures["prior_bits"] / figures["bag_bits"])
    assert figures["tokens"] == 16
