"""Masking, painting and fine-tuning against closed forms, and what the encoder cannot have seen."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from atlas_cli.data.images import ImageSource
from atlas_cli.draws import BatchRandom
from atlas_cli.engine.build import inference
from atlas_cli.engine.loop import fit
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.metrics.probe import Labelled
from atlas_cli.nets.patches import grid_positions, to_image, to_patches
from atlas_cli.nets.vit import Block, Stack, multiply_adds
from atlas_cli.recipe import recipes
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.contrastive import mae
from atlas_cli.systems.contrastive.clocks import median_seconds
from atlas_cli.systems.contrastive.mae import (
    MAE,
    Config,
    hidden_places,
    kept,
    masked_loss,
    normalise,
    unshuffle,
)
from atlas_cli.systems.contrastive.tuning import Classifier, Plan, Tuning, accuracy, factor


def system(source: ImageSource, train: dict[str, object] | None = None, **fields: object) -> MAE:
    torch.manual_seed(0)
    settings = TrainConfig(**{"steps": 4, "batch_size": 16, "lr": 1e-2} | (train or {}))
    small = {"image_size": 8, "patch": 2, "d_model": 8, "d_decoder": 8, "n_layer": 1, "n_head": 2}
    made = MAE(Config(**small | {"tune_steps": 3, "tune_batch": 8} | fields)).attach(
        Setting(source, settings)
    )
    assert isinstance(made, MAE)
    return made


# --- masking -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ratio", "seen"), [(0.25, 12), (0.5, 8), (0.75, 4), (0.9, 1), (0.0, 16), (0.99, 1)])
def test_the_share_that_stays_visible_is_exact(ratio: float, seen: int) -> None:
    assert kept(16, ratio) == seen
    order = BatchRandom(0, 0, 50).permutations(16)
    hidden = hidden_places(order, kept(16, ratio))
    assert (hidden.sum(1) == 16 - seen).all()
    assert not hidden.gather(1, order[:, :seen]).any()


def test_every_patch_is_hidden_equally_often_and_pairs_too() -> None:
    n = 20_000
    hidden = hidden_places(BatchRandom(0, 0, n).permutations(16), 4).double()
    share = hidden.mean(0)
    deviation = math.sqrt(0.75 * 0.25 / n)
    torch.testing.assert_close(share, torch.full_like(share, 0.75), atol=5 * deviation, rtol=0)
    both = (hidden.T @ hidden / n)[~torch.eye(16, dtype=torch.bool)]
    expected = 12 / 16 * 11 / 15  # drawn without replacement
    torch.testing.assert_close(both, torch.full_like(both, expected), atol=5 * deviation, rtol=0)


def test_unshuffling_puts_every_row_back() -> None:
    rows = torch.randn(5, 9, 3)
    order = BatchRandom(0, 0, 5).permutations(9)
    torch.testing.assert_close(unshuffle(mae.take(rows, order), order), rows, rtol=0, atol=0)


def test_patches_are_pieces_of_the_image_row_by_row_and_come_together_again() -> None:
    image = torch.arange(16.0).view(1, 1, 4, 4)
    patches = to_patches(image, 2)
    assert patches[0].tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]
    torch.testing.assert_close(to_image(patches, 2, 4), image, rtol=0, atol=0)


# --- the target and the loss -------------------------------------------------------------------------


def test_normalised_patches_have_mean_0_and_variance_1_and_flat_ones_stay_flat() -> None:
    patches = 3 * torch.randn(4, 6, 12, dtype=torch.float64) + 5
    patches[0, 0] = 0.7
    made = normalise(patches)
    flat, others = made[0, 0], made.flatten(0, 1)[1:]
    assert (flat.abs() < 1e-9).all()
    torch.testing.assert_close(others.mean(1), torch.zeros(23, dtype=torch.float64))
    torch.testing.assert_close(
        others.var(1, unbiased=False), torch.ones(23, dtype=torch.float64), atol=1e-5, rtol=0
    )


def test_brightness_and_contrast_of_a_patch_change_nothing_of_its_target() -> None:
    patches = torch.randn(2, 3, 8, dtype=torch.float64)
    torch.testing.assert_close(normalise(7 * patches - 2), normalise(patches), atol=1e-4, rtol=0)


def test_the_loss_by_hand() -> None:
    painted = torch.tensor([[[1.0, 2.0], [0.0, 0.0], [5.0, 5.0]]])
    target = torch.tensor([[[1.0, 0.0], [3.0, 1.0], [5.0, 5.0]]])
    counted = torch.tensor([[True, True, False]])
    assert masked_loss(painted, target, counted).item() == pytest.approx((4 / 2 + (9 + 1) / 2) / 2)
    assert masked_loss(painted, target, torch.ones_like(counted)).item() == pytest.approx((2 + 5 + 0) / 3)


def test_painting_nothing_costs_the_variance(tiny_images: ImageSource) -> None:
    """Of patches that are not flat: 1."""
    made = system(tiny_images)
    nn.init.zeros_(made.decoder.pixels.weight)
    nn.init.zeros_(made.decoder.pixels.bias)
    made.setting.data.test_images.random_(0, 255, generator=torch.Generator().manual_seed(0))
    images, _ = made.setting.data.test()
    for ratio in mae.RATIOS:
        assert made.error(images, ratio) == pytest.approx(1, abs=1e-3)


# --- what the encoder sees ---------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [0.5, 0.75])
def test_tokens_and_paintings_do_not_depend_on_hidden_pixels(ratio: float, tiny_images: ImageSource) -> None:
    made = system(tiny_images, mask_ratio=ratio)
    batch = made.batch(0)
    images = batch.images.clone().requires_grad_()
    tokens = made.encoder.visible(images, batch.order, made.n_kept)
    assert tokens.shape[1] == made.n_kept
    painted = made.decoder(tokens, batch.order)
    for out in (tokens, painted):
        (slope,) = torch.autograd.grad(out.square().sum(), images, retain_graph=True)
        by_patch = to_patches(slope, 2).abs().sum(2)  # (B, N)
        hidden = hidden_places(batch.order, made.n_kept)
        assert (by_patch[hidden] == 0).all()
        assert (by_patch[~hidden] > 0).all()


def test_mask_tokens_in_the_encoder_fill_all_places_and_see_no_more(tiny_images: ImageSource) -> None:
    made = system(tiny_images, tokens_in_encoder=True)
    batch = made.batch(0)
    images = batch.images.clone().requires_grad_()
    tokens = made.encoder.visible(images, batch.order, made.n_kept)
    assert tokens.shape[1] == made.config.n_patches
    (slope,) = torch.autograd.grad(tokens.square().sum(), images)
    assert (to_patches(slope, 2).abs().sum(2)[hidden_places(batch.order, made.n_kept)] == 0).all()


def test_the_order_in_which_patches_come_changes_nothing_but_the_order(tiny_images: ImageSource) -> None:
    made = system(tiny_images).double()
    images, n = torch.randn(3, 1, 8, 8, dtype=torch.float64), 5
    order = BatchRandom(0, 0, 3).permutations(16)
    turned = torch.cat([order[:, :n].flip(1), order[:, n:].flip(1)], 1)
    a, b = (made.encoder.visible(images, o, n) for o in (order, turned))
    torch.testing.assert_close(a, b.flip(1))
    torch.testing.assert_close(made.decoder(a, order), made.decoder(b, turned))


def test_with_nothing_hidden_the_encoder_sees_the_whole_image(tiny_images: ImageSource) -> None:
    made = system(tiny_images).double()
    images = torch.randn(2, 1, 8, 8, dtype=torch.float64)
    order = torch.arange(16).expand(2, -1)
    torch.testing.assert_close(made.encoder.visible(images, order, 16), made.encoder(images))


def test_the_loss_counts_hidden_patches_alone_or_all(tiny_images: ImageSource) -> None:
    masked, every = system(tiny_images), system(tiny_images, loss_on="all")
    batch = masked.batch(0)
    painted, target = masked.paint(batch.images, batch.order, 4), masked.target(batch.images)
    error = (painted - target).square().mean(2)
    hidden = hidden_places(batch.order, 4)
    torch.testing.assert_close(masked.loss(batch)[0], error[hidden].mean())
    torch.testing.assert_close(every.loss(batch)[0], error.mean())


@pytest.mark.parametrize("row", ["mask-tokens-in-encoder", "loss-on-all-patches", "pixels-as-they-are"])
def test_what_is_varied_has_the_same_weights_within_a_twentieth(row: str) -> None:
    def count(recipe: recipes.Recipe) -> int:
        return sum(p.numel() for p in MAE(Config(**recipe.model)).parameters())

    small = recipes.resolve("mae/small")
    assert count(small.variants[row]) == pytest.approx(count(small), rel=0.05)


# --- the transformer ---------------------------------------------------------------------------------


def test_positions_are_sines_and_cosines_of_row_and_column() -> None:
    places, d = grid_positions(3, 4, 16), 16
    assert places.shape == (12, d)
    torch.testing.assert_close(places.square().sum(1), torch.full((12,), d / 2.0))
    row, column = places[:, : d // 2].view(3, 4, -1), places[:, d // 2 :].view(3, 4, -1)
    assert (row == row[:, :1]).all()
    assert (column == column[:1]).all()
    torch.testing.assert_close(column[0, 2, 0], torch.tensor(2.0).cos())
    assert len(places.unique(dim=0)) == 12


def test_a_block_is_torchs_encoder_layer() -> None:
    d, h = 12, 3
    ours = Block(d, h).double()
    theirs = nn.TransformerEncoderLayer(d, h, 4 * d, 0.0, "gelu", batch_first=True, norm_first=True).double()
    with torch.no_grad():
        theirs.self_attn.in_proj_weight.copy_(ours.qkv.weight)
        theirs.self_attn.in_proj_bias.copy_(ours.qkv.bias)
    theirs.self_attn.out_proj.load_state_dict(ours.out.state_dict())
    theirs.linear1.load_state_dict(ours.feed_forward[0].state_dict())
    theirs.linear2.load_state_dict(ours.feed_forward[2].state_dict())
    theirs.norm1.load_state_dict(ours.norm_1.state_dict())
    theirs.norm2.load_state_dict(ours.norm_2.state_dict())
    x = torch.randn(2, 5, d, dtype=torch.float64)
    torch.testing.assert_close(ours(x), theirs(x))


def test_multiply_adds_are_those_of_the_weights_and_of_the_scores() -> None:
    d, n_layer, n = 8, 3, 7
    matrices = [p for p in Stack(d, 2, n_layer).parameters() if p.ndim == 2]
    assert multiply_adds(n, d, n_layer) == n * sum(p.numel() for p in matrices) + n_layer * 2 * n * n * d


# --- fine-tuning -------------------------------------------------------------------------------------


def test_fine_tuning_sees_just_so_many_labelled_images_in_equal_shares(tiny_images: ImageSource) -> None:
    made = system(tiny_images)
    plan = Plan(steps=3, batch_size=500, lr=1e-2, n_labels=6, textured=False)
    tuning = Tuning(made.encoder, 8, made.setting, plan)
    assert len(tuning.known.unique()) == 6
    every = made.setting.data.train_labels
    seen = torch.bincount(every[tuning.known], minlength=10)
    assert int(seen.max() - seen[seen > 0].min()) <= 1
    for step in range(3):
        assert set(tuning.batch(step)[1].tolist()) <= set(every[tuning.known].tolist())
    with_other = torch.full_like(made.setting.data.train_images, 7)
    with_other[tuning.known] = made.setting.data.train_images[tuning.known]
    before = tuning.batch(0)[0]
    made.setting.data.train_images.copy_(with_other)  # no image but the labelled ones is ever read
    torch.testing.assert_close(tuning.batch(0)[0], before, rtol=0, atol=0)


def test_fine_tuning_moves_a_copy_and_leaves_the_encoder(tiny_images: ImageSource) -> None:
    made = system(tiny_images)
    before = {name: value.clone() for name, value in made.state_dict().items()}
    with inference(made):
        tuned = made.tuning().run()
        again = made.tuning().run()
    assert all(torch.equal(value, before[name]) for name, value in made.state_dict().items())
    moved = [
        not torch.equal(a, b)
        for a, b in zip(tuned.encoder.parameters(), made.encoder.parameters(), strict=True)
    ]
    assert all(moved)
    assert all(torch.equal(a, b) for a, b in zip(tuned.parameters(), again.parameters(), strict=True))


def test_both_arms_see_the_same_views_of_the_same_images(tiny_images: ImageSource) -> None:
    one, other = system(tiny_images), system(tiny_images, {"steps": 0})
    fit(one)
    for step in (0, 5):
        (a, label), (b, same) = one.tuning().batch(step), other.tuning().batch(step)
        assert torch.equal(a, b)
        assert torch.equal(label, same)


def test_without_pretraining_the_encoder_is_the_untrained_one(tiny_images: ImageSource) -> None:
    made = system(tiny_images, {"steps": 0})
    fit(made)
    drawn = made.untrained()
    assert all(torch.equal(a, b) for a, b in zip(made.encoder.parameters(), drawn.parameters(), strict=True))


def test_the_rate_rises_and_falls_to_nothing() -> None:
    rates = [factor(step, 100) for step in range(100)]
    assert max(rates) == 1
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[55] == pytest.approx(0.5)
    assert 0 < rates[-1] < 0.001


def test_accuracy_is_the_share_read_rightly() -> None:
    class Says(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.flatten(2)  # (B, 1, 4): one token, the pixels themselves

    model = Classifier(Says(), 4, 4)
    nn.init.eye_(model.linear.weight)
    nn.init.zeros_(model.linear.bias)
    x = torch.eye(4)[[0, 1, 2, 3, 3]].view(5, 1, 4, 1)  # one row, four numbers high
    assert accuracy(model, Labelled(x, torch.tensor([0, 1, 2, 3, 0]))) == pytest.approx(0.8)


# --- what is judged and shown ------------------------------------------------------------------------


def test_evaluation_puts_its_opponents_beside_it(tiny_images: ImageSource) -> None:
    made = system(tiny_images)
    fit(made)
    with inference(made):
        figures = made.evaluate()
    probes = {f"{who}{what}" for who in ("", "pixels_", "random_") for what in ("probe", "probe_100", "knn")}
    errors = {f"error_{n}" for n in (25, 50, 75, 90)}
    assert set(figures) == probes | errors | {"finetuned", "encoder_time", "step_time", "total_time"}
    assert all(math.isfinite(value) and value >= 0 for value in figures.values())


def test_times_take_turns_and_are_medians(monkeypatch: pytest.MonkeyPatch) -> None:
    now, turns = [0.0], []

    def work(name: str, seconds: list[float]) -> None:
        turns.append(name)
        now[0] += seconds[turns.count(name) - 1]

    monkeypatch.setattr("atlas_cli.systems.contrastive.clocks.work_clock", lambda device: now[0])
    a, b = [100.0, 1.0, 9.0, 2.0], [100.0, 3.0, 4.0, 50.0]
    found = median_seconds({"a": lambda: work("a", a), "b": lambda: work("b", b)}, 3, torch.device("cpu"))
    assert found == {"a": 2.0, "b": 4.0}
    assert turns == ["a", "b"] * 4


def test_the_sheet_holds_image_target_and_every_ratio(tiny_images: ImageSource) -> None:
    made = system(tiny_images).eval()
    sheet = made.sample(SampleRequest(n=2, seed=3))
    assert sheet.columns == 2 + 2 * len(mae.RATIOS)
    assert sheet.images.shape == (2 * sheet.columns, 1, 8, 8)
    again = made.sample(SampleRequest(n=2, seed=3))
    assert (sheet.images == again.images).all()
    assert sheet.images.min() >= 0
    assert sheet.images.max() <= 1
    rows = torch.as_tensor(sheet.images).view(2, sheet.columns, 1, 8, 8)
    for k, ratio in enumerate(mae.RATIOS):
        left = to_patches(rows[:, 2 + 2 * k], 2)
        grey = (left == 0.5).all(2).sum(1)
        assert (grey >= 16 - kept(16, ratio)).all()


def test_a_painting_keeps_what_was_seen(tiny_images: ImageSource) -> None:
    made = system(tiny_images).eval()
    images, _ = made.setting.data.test(3)
    order = BatchRandom(0, 0, 3).permutations(16)
    _, painted = made.painted(images, order, 0.5)
    seen = ~hidden_places(order, 8)
    whole = made.as_picture(made.target(images))
    torch.testing.assert_close(to_patches(painted, 2)[seen], to_patches(whole, 2)[seen])


def test_patches_must_fill_the_image_and_heads_the_width() -> None:
    with pytest.raises(ValueError, match="do not fill"):
        Config(patch=5)
    with pytest.raises(ValueError, match="do not divide"):
        Config(n_head=5)


@pytest.mark.parametrize(
    "fields",
    [
        {"tokens_in_encoder": True},
        {"loss_on": "all"},
        {"normalised": False},
        {"textured": True},
        {"n_labels": 0},
    ],
)
def test_every_arm_trains_all_that_it_has_and_is_judged(
    fields: dict[str, object], tiny_images: ImageSource
) -> None:
    made = system(tiny_images, **fields)
    before = {name: value.detach().clone() for name, value in made.named_parameters()}
    fit(made)
    assert all(not torch.equal(value, before[name]) for name, value in made.named_parameters())
    with inference(made):
        assert all(math.isfinite(value) for value in made.evaluate().values())
