"""Losses against pytorch-metric-learning and closed forms, views by pairs, collapse, and what is shown."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from pytorch_metric_learning.losses import NTXentLoss

from atlas_cli.data.images import ImageSource
from atlas_cli.engine.build import inference
from atlas_cli.engine.loop import fit
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.screen import messages
from atlas_cli.systems.contrastive import simclr
from atlas_cli.systems.contrastive.simclr import Batch, Config, SimCLR, info_nce, partner_found, siamese_loss


def system(source: ImageSource, train: dict[str, object] | None = None, **fields: object) -> SimCLR:
    torch.manual_seed(0)
    settings = TrainConfig(**{"steps": 6, "batch_size": 16, "lr": 1e-2} | (train or {}))
    config = Config(**{"image_size": 8, "width": 4, "n_features": 16, "z_dim": 8} | fields)
    made = SimCLR(config).attach(Setting(source, settings))
    assert isinstance(made, SimCLR)
    return made


# --- InfoNCE -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.07, 0.5, 2.0])
def test_the_loss_and_its_gradient_are_those_of_pytorch_metric_learning(temperature: float) -> None:
    z = torch.randn(24, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    ours, theirs = z.clone().requires_grad_(), z.clone().requires_grad_()
    loss = info_nce(ours, temperature)
    reference = NTXentLoss(temperature=temperature)(theirs, torch.arange(12).repeat(2))
    torch.testing.assert_close(loss, reference, atol=1e-6, rtol=0)
    (ours_slope,) = torch.autograd.grad(loss, ours)
    (theirs_slope,) = torch.autograd.grad(reference, theirs)
    torch.testing.assert_close(ours_slope, theirs_slope, atol=1e-6, rtol=0)


def test_the_gradient_is_what_the_page_derives() -> None:
    """By a row of similarities: softmax minus one-hot, over tau."""
    z = F.normalize(torch.randn(8, 3, dtype=torch.float64), dim=1)
    similarity = (z @ z.T).requires_grad_()
    masked = (similarity / 0.3).masked_fill(torch.eye(8, dtype=torch.bool), -math.inf)
    partner = torch.arange(8).roll(4)
    loss = F.cross_entropy(masked, partner)
    torch.testing.assert_close(loss, info_nce(z, 0.3))
    (slope,) = torch.autograd.grad(loss, similarity)
    expected = (masked.softmax(1) - F.one_hot(partner, 8)) / 0.3 / 8
    torch.testing.assert_close(slope, expected)


@pytest.mark.parametrize("n", [2, 7, 64])
def test_features_that_are_all_the_same_cost_the_log_of_the_candidates(n: int) -> None:
    loss = info_nce(torch.ones(2 * n, 3), 0.2)
    assert loss.item() == pytest.approx(math.log(2 * n - 1), rel=1e-5)


def test_length_and_rotation_change_nothing_and_the_order_of_the_views_neither() -> None:
    z = torch.randn(10, 4, dtype=torch.float64)
    turn = torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64)).Q
    for other in (3 * z, z @ turn, z.roll(5, 0)):
        torch.testing.assert_close(info_nce(other, 0.5), info_nce(z, 0.5))
        assert torch.equal(partner_found(other), partner_found(z))


def test_partners_that_coincide_and_others_that_are_opposite_cost_almost_nothing() -> None:
    z = torch.tensor([[1.0, 0], [-1.0, 0], [1.0, 0], [-1.0, 0]])
    assert info_nce(z, 0.1).item() == pytest.approx(math.log1p(2 * math.exp(-20)), abs=1e-8)
    assert partner_found(z).item() == 1


def test_a_low_temperature_leaves_the_gradient_to_the_nearest_stranger() -> None:
    angles = torch.tensor([0.0, 1.0, 2.0, 0.5, 1.1, 2.1], dtype=torch.float64)

    def share(temperature: float) -> float:
        """Of the nearest stranger's pull on the first view, in that of all strangers."""
        z = torch.stack([angles.cos(), angles.sin()], 1)
        similarity = (z[:1] @ z[1:].T)[0] / temperature
        strangers = similarity.softmax(0)[[0, 1, 3, 4]]
        return float(strangers.max() / strangers.sum())

    assert share(0.05) > 0.8 > share(0.5) > share(5.0) > 0.25


# --- SimSiam -----------------------------------------------------------------------------------------


def test_the_siamese_loss_is_minus_the_mean_cosine_and_stops_at_the_target() -> None:
    p1, p2, z1, z2 = (torch.randn(5, 3, dtype=torch.float64, requires_grad=True) for _ in range(4))
    loss = siamese_loss(p1, p2, z1, z2)
    unit = [F.normalize(x, dim=1) for x in (p1, p2, z1, z2)]
    torch.testing.assert_close(loss, -((unit[0] * unit[3]).sum(1) + (unit[1] * unit[2]).sum(1)).mean() / 2)
    slopes = torch.autograd.grad(loss, (p1, p2, z1, z2), allow_unused=True)
    assert slopes[0] is not None
    assert slopes[2] is slopes[3] is None
    through = torch.autograd.grad(siamese_loss(p1, p2, z1, z2, False), (z1, z2))
    assert all(slope.abs().sum() > 0 for slope in through)


def test_features_that_are_all_the_same_are_a_best_answer_to_the_siamese_loss() -> None:
    same = torch.ones(4, 3)
    assert siamese_loss(same, same, same, same).item() == pytest.approx(-1)


# --- the system --------------------------------------------------------------------------------------


def test_rows_of_a_batch_are_two_views_of_the_same_images(tiny_images: ImageSource) -> None:
    plain = system(tiny_images, views=()).batch(0)
    first, second = plain.views.chunk(2)
    assert torch.equal(first, second)
    noisy = system(tiny_images, views=("noise",)).batch(0)
    first, second = noisy.views.chunk(2)
    assert not torch.equal(first, second)
    torch.testing.assert_close(first, plain.views.chunk(2)[0], atol=1.5, rtol=0)


def test_without_views_partners_are_found_at_once_and_nothing_is_asked_of_the_encoder(
    tiny_images: ImageSource,
) -> None:
    made = system(tiny_images, views=())
    batch = made.batch(0)
    distinct = len(batch.views[:16].flatten(1).unique(dim=0))
    _, seen = made.loss(batch)
    assert float(seen["partner_found"]) >= (2 * distinct - 16) / 16


def test_textures_are_drawn_anew_for_every_view_or_once_for_both(tiny_images: ImageSource) -> None:
    made = system(tiny_images, views=(), textured=True)
    assert not torch.equal(*made.batch(0).views.chunk(2))
    same = system(tiny_images, views=(), textured=True, same_texture=True)
    assert torch.equal(*same.batch(0).views.chunk(2))
    assert not torch.equal(same.batch(0).views, same.batch(1).views)
    shown = [made._labelled()[1].x for _ in range(2)]
    assert torch.equal(*shown)  # a test set is the same every time
    reseeded = system(tiny_images, {"seed": 5}, textured=True)
    assert torch.equal(reseeded._labelled()[1].x, shown[0])


def test_two_ranks_see_the_batch_of_one(tiny_images: ImageSource) -> None:
    whole = system(tiny_images)
    shares = [system(tiny_images) for _ in range(2)]
    for rank, share in enumerate(shares):
        share.attach(Setting(tiny_images, whole.setting.train, rank=rank, world_size=2))
    parts = [share.batch(2).views.chunk(2) for share in shares]
    together = torch.cat([parts[rank][view] for view in (0, 1) for rank in (0, 1)])
    assert torch.equal(together, whole.batch(2).views)


def test_few_labels_are_the_same_few_at_every_step_and_even(tiny_images: ImageSource) -> None:
    made = system(tiny_images, objective="supervised", n_labels=4, views=())
    images = torch.cat([made.batch(step).views for step in range(6)])
    assert len(images.flatten(1).unique(dim=0)) <= 4


def test_a_supervised_net_learns_from_both_views(tiny_images: ImageSource) -> None:
    made = system(tiny_images, objective="supervised")
    batch = made.batch(0)
    swapped = Batch(0, batch.views.roll(len(batch.label), 0), batch.label)
    torch.testing.assert_close(made.loss(batch)[0], made.loss(swapped)[0])
    assert not hasattr(made, "head")


def test_a_collapse_is_named_once(tiny_images: ImageSource, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(messages, "say", said.append)
    made = system(tiny_images, {"steps": 40}, objective="siamese")
    with torch.no_grad():
        for parameter in made.head.parameters():
            parameter.zero_()
        list(made.head.parameters())[-1].fill_(1.0)  # all z the same
    monkeypatch.setattr(simclr.System, "step", lambda self, batch, _: self.loss(batch)[1])
    for step in range(40):
        made.step(made.batch(step), {})
    assert len(said) == 1
    assert said[0].startswith("collapse: all images get nearly the same features, their spread is 0.00")


def test_evaluation_puts_pixels_and_an_untrained_encoder_beside_it(tiny_images: ImageSource) -> None:
    made = system(tiny_images)
    before = {name: value.clone() for name, value in made.state_dict().items()}
    fit(made)
    with inference(made):
        figures = made.evaluate()
    probes = {f"{who}{what}" for who in ("", "pixels_", "random_") for what in ("probe", "probe_100", "knn")}
    assert set(figures) == probes | {"alignment", "uniformity", "dispersion"}
    untrained = made.untrained()
    torch.testing.assert_close(  # the encoder as it was before its first step
        untrained.body[1].weight, before["encoder.body.1.weight"]
    )


def test_the_map_shows_held_out_images_the_same_for_a_seed(tiny_images: ImageSource) -> None:
    made = system(tiny_images).eval()
    one, again, other = (made.sample(SampleRequest(n=6, seed=seed)) for seed in (0, 0, 1))
    assert (one.points == again.points).all()
    assert one.points.shape != other.points.shape or (one.points != other.points).any()
    assert one.points.shape == (min(6, len(tiny_images.test_labels)), 2)


@pytest.mark.parametrize(
    "fields",
    [
        {"objective": "supervised"}, {"objective": "siamese"}, {"objective": "siamese", "predictor": False},
        {"head": "none"}, {"head": "linear"}, {"textured": True, "views": ("turn",)},
    ],
)  # fmt: skip
def test_every_arm_trains_all_that_it_has_and_is_judged(
    fields: dict[str, object], tiny_images: ImageSource
) -> None:
    made = system(tiny_images, **fields)
    before = {name: value.detach().clone() for name, value in made.named_parameters()}
    fit(made)
    assert all(not torch.equal(value, before[name]) for name, value in made.named_parameters())
    with inference(made):
        figures = made.evaluate()
    assert ("own_accuracy" in figures) is (fields.get("objective") == "supervised")
    assert all(math.isfinite(value) for value in figures.values())
