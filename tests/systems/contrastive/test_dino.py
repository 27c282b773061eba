"""The loss by hand, the teacher as an average, two ways to centre, two collapses, crops, and attention."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from atlas_cli.data.images import ImageSource
from atlas_cli.draws import BatchRandom
from atlas_cli.engine.build import inference
from atlas_cli.engine.loop import fit
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.screen import messages
from atlas_cli.systems.contrastive import objects
from atlas_cli.systems.contrastive.crops import crop
from atlas_cli.systems.contrastive.dino import (
    DINO,
    Config,
    collapse,
    dino_loss,
    entropies,
    evened,
    koleo,
    momentum_at,
    sharpened,
)  # fmt: skip
from atlas_cli.systems.contrastive.vit import ViT

TINY = {
    "image_size": 8, "d_model": 8, "stem": 4, "n_head": 2, "d_hidden": 12, "d_unit": 6, "n_out": 10,
    "small_size": 8,
}  # fmt: skip


def system(source: ImageSource, train: dict[str, object] | None = None, **fields: object) -> DINO:
    torch.manual_seed(0)
    settings = TrainConfig(**{"steps": 6, "batch_size": 16, "lr": 1e-2} | (train or {}))
    made = DINO(Config(**TINY | fields)).attach(Setting(source, settings))
    assert isinstance(made, DINO)
    return made


# --- the loss ----------------------------------------------------------------------------------------


def test_the_loss_is_the_cross_entropy_of_two_softmaxes() -> None:
    t, s = torch.tensor([[[0.1, 0.0]], [[0.1, 0.0]]]), torch.tensor([[[0.1, 0.0]], [[0.1, 0.0]]])
    p = sharpened(t, torch.zeros(2), 0.05)
    a, b = 1 / (1 + math.exp(-2)), 1 / (1 + math.exp(-1))  # of the first output: 0.1 over 0.05 and over 0.1
    assert p[0, 0, 0].item() == pytest.approx(a)
    by_hand = -a * math.log(b) - (1 - a) * math.log(1 - b)
    assert dino_loss(p, s, 0.1).item() == pytest.approx(by_hand, rel=1e-5)


def test_every_crop_is_held_to_both_answers_except_its_own() -> None:
    random = torch.Generator().manual_seed(0)
    p = torch.randn(2, 3, 5, generator=random).softmax(2)
    s = torch.randn(6, 3, 5, generator=random, requires_grad=True)
    pairs = [(0, j) for j in (1, 2, 3, 4, 5)] + [(1, j) for j in (0, 2, 3, 4, 5)]
    one = [F.cross_entropy(s[j] / 0.1, p[i]) for i, j in pairs]
    torch.testing.assert_close(dino_loss(p, s, 0.1), torch.stack(one).mean())


def test_the_slope_is_the_students_answer_minus_the_teachers() -> None:
    p = torch.randn(2, 1, 4, dtype=torch.float64).softmax(2)
    s = torch.randn(2, 1, 4, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(dino_loss(p, s, 0.1), s)
    torch.testing.assert_close(slope, ((s / 0.1).softmax(2) - p.flip(0)) / 0.1 / 2)


def test_a_centre_takes_out_what_all_answers_share() -> None:
    t = torch.randn(2, 4, 5, dtype=torch.float64)
    shift = torch.randn(5, dtype=torch.float64)
    torch.testing.assert_close(sharpened(t + shift, shift, 0.04), sharpened(t, torch.zeros_like(shift), 0.04))


def test_evened_answers_use_every_output_alike_and_are_whole() -> None:
    t = torch.randn(2, 20, 8, dtype=torch.float64) + 5 * torch.arange(8)
    p = evened(t, 1.0, rounds=200)
    torch.testing.assert_close(p.sum(2), torch.ones(2, 20, dtype=torch.float64))
    torch.testing.assert_close(
        p.mean((0, 1)), torch.full((8,), 1 / 8, dtype=torch.float64), atol=1e-3, rtol=0
    )
    shifted = evened(t + torch.randn(8, dtype=torch.float64), 1.0, rounds=200)
    torch.testing.assert_close(shifted, p, atol=1e-3, rtol=0)


def test_spreading_is_minus_the_log_distance_to_the_nearest() -> None:
    angle = torch.tensor([0.0, 0.5, 2.0], dtype=torch.float64)
    h = 3 * torch.stack([angle.cos(), angle.sin()], 1)
    chords = [2 * math.sin(a / 2) for a in (0.5, 0.5, 1.5)]
    assert koleo(h).item() == pytest.approx(-sum(map(math.log, chords)) / 3, abs=1e-5)


# --- the teacher -------------------------------------------------------------------------------------


def test_no_gradient_reaches_the_teacher_and_its_weights_are_the_moving_average(
    tiny_images: ImageSource,
) -> None:
    made = system(tiny_images, momentum=0.9)
    made.loss(made.batch(0))[0].backward()
    own = dict(made.teacher.named_buffers())
    assert not list(made.teacher.parameters())
    assert all(not weight.requires_grad and weight.grad is None for weight in own.values())
    with torch.no_grad():
        for p in made.student.parameters():
            p.add_(1.0)
    before = {name: weight.clone() for name, weight in own.items()}
    made.follow(0)  # the first step's momentum is 0.9
    for name, student in made.student.named_parameters():
        torch.testing.assert_close(own[name], 0.9 * before[name] + 0.1 * student)


def test_momentum_rises_to_one_along_a_cosine() -> None:
    assert momentum_at(0.0, 0.9) == pytest.approx(0.9)
    assert momentum_at(0.5, 0.9) == pytest.approx(0.95)
    assert momentum_at(1.0, 0.9) == 1


def test_the_mean_centre_moves_by_a_tenth_to_the_mean_answer(tiny_images: ImageSource) -> None:
    made = system(tiny_images, centring="mean", centre_momentum=0.9)
    batch = made.batch(0)
    with torch.no_grad():
        t = made.teacher.head(made.teacher.body(batch.large))
    made.loss(batch)
    torch.testing.assert_close(made.centre, 0.1 * t.mean(0))
    made.eval()
    moved = made.centre.clone()
    made.loss(batch)
    assert torch.equal(made.centre, moved)  # looking does not move it


# --- collapse ----------------------------------------------------------------------------------------


def test_two_collapses_are_told_apart_and_answers_that_differ_are_none() -> None:
    k = 8
    uniform = torch.full((2, 16, k), 1 / k)
    one = F.one_hot(torch.zeros(2, 16, dtype=torch.long), k).float()
    apart = F.one_hot(torch.arange(16) % k, k).float().expand(2, -1, -1)
    told = [collapse(*map(float, entropies(p)), k) for p in (uniform, one, apart)]
    assert told == ["uniform", "one output", ""]
    entropy, of_mean = entropies(apart)
    assert entropy.item() == 0
    assert of_mean.item() == pytest.approx(math.log(k))


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"teacher_temperature": 50.0}, "sharpening is missing"),
        ({"centring": "none", "teacher_temperature": 0.001}, "centring is missing"),
    ],
)
def test_each_collapse_is_named_once_in_plain_words(
    fields: dict[str, object], word: str, tiny_images: ImageSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(messages, "say", said.append)
    made = system(tiny_images, {"steps": 40}, **fields)
    if "centring" in fields:
        with torch.no_grad():  # every image gets the same output
            made.teacher.head.mlp[-1].weight.zero_()
    for step in range(40):
        _, seen = made.loss(made.batch(step))
        if step >= 10 and step % 2 == 0:
            made._name_collapse(float(seen["entropy"]), float(seen["of_mean"]))
    assert len(said) == 1
    assert said[0].startswith("collapse: ")
    assert word in said[0]


# --- crops and attention -----------------------------------------------------------------------------


def test_a_batch_has_two_large_crops_and_small_ones_of_each_image(tiny_images: ImageSource) -> None:
    batch = system(tiny_images, n_small=3, image_size=16).batch(0)
    assert batch.large.shape == (32, 1, 16, 16)
    assert batch.small.shape == (48, 1, 8, 8)
    assert not torch.equal(batch.large[:16], batch.large[16:])


def test_two_ranks_see_the_batch_of_one(tiny_images: ImageSource) -> None:
    whole = system(tiny_images).batch(2)
    shares = [system(tiny_images) for _ in range(2)]
    for rank, share in enumerate(shares):
        share.attach(Setting(tiny_images, share.setting.train, rank=rank, world_size=2))
    parts = [share.batch(2).large.chunk(2) for share in shares]
    together = torch.cat([parts[rank][view] for view in (0, 1) for rank in (0, 1)])
    assert torch.equal(together, whole.large)


def test_a_crop_of_a_plain_image_is_plain_and_a_small_area_shows_less() -> None:
    plain = torch.full((4, 1, 12, 12), 0.3)
    torch.testing.assert_close(
        crop(plain, BatchRandom(0, 0, 4), 8, (0.2, 0.4)), torch.full((4, 1, 8, 8), 0.3)
    )
    slope = torch.linspace(-1, 1, 64).expand(50, 1, 64, 64)
    small, large = (crop(slope, BatchRandom(0, 0, 50), 8, (area, area)).flatten(1) for area in (0.1, 0.9))
    assert (small.amax(1) - small.amin(1)).mean() < (large.amax(1) - large.amin(1)).mean() / 2


def test_small_crops_lie_within_the_image_and_reach_its_sides() -> None:
    slope = torch.linspace(-1, 1, 64).expand(200, 1, 64, 64)
    small = crop(slope, BatchRandom(0, 0, 200), 8, (0.1, 0.1)).flatten(1)
    assert (small.abs() > 0.99).float().mean() < 0.02  # beyond the edge all is as the edge is
    assert small.mean(1).max() > 0.5
    assert small.mean(1).min() < -0.5


def test_attention_is_what_cls_takes_of_the_patches_by_heads_and_sizes() -> None:
    net = ViT(1, 16, 8, 2, 2, 4).eval()
    for side in (16, 24):
        looks = net.attention(torch.randn(3, 1, side, side))
        assert looks.shape == (3, 2, (side // 4) ** 2)
        torch.testing.assert_close(looks.sum(2), torch.ones(3, 2))


def test_it_is_the_class_token_that_looks() -> None:
    net, images = ViT(1, 16, 8, 1, 1, 4).eval(), torch.randn(2, 1, 16, 16)
    block, tokens = net.blocks[0], net.norm(net.tokens(images))  # norms as they start: the same for both
    q = block.qkv(tokens[:, :1])[..., :8]
    k = block.qkv(tokens[:, 1:])[..., 8:16]
    torch.testing.assert_close(net.attention(images), (q @ k.mT / 8**0.5).softmax(-1))


def test_the_written_out_attention_is_that_of_the_fused_kernel() -> None:
    net = ViT(1, 16, 8, 1, 2, 4).eval()
    x = net.tokens(torch.randn(2, 1, 16, 16))
    block = net.blocks[0]
    _, _, v = block._heads(x)
    y = (block.weights(x) @ v).transpose(1, 2).flatten(2)
    by_hand = x + block.out(y)
    torch.testing.assert_close(block(x), by_hand + block.feed_forward(block.norm_2(by_hand)))


def test_light_and_dark_may_change_places() -> None:
    net, images = ViT(1, 16, 8, 1, 2, 4).eval(), torch.randn(2, 1, 16, 16)
    inside = net.stem[:2]
    torch.testing.assert_close(inside(images)[..., 1:-1, 1:-1], inside(-images)[..., 1:-1, 1:-1])


def test_the_mass_kept_and_the_overlap_by_hand() -> None:
    looks = torch.tensor([[[0.5, 0.3, 0.15, 0.05]]])
    found = objects.kept(looks)
    assert found.tolist() == [[[True, True, False, False]]]  # 0.5 is less than 60%, 0.8 is enough
    mask = torch.tensor([[True, False, True, False]])
    assert objects.overlap(found, mask).tolist() == [pytest.approx(1 / 3)]
    ink = -torch.ones(1, 1, 8, 8)
    ink[0, 0, 1, 6] = 1.0
    assert objects.of_patches(ink, 4).tolist() == [[False, True, False, False]]


# --- the system --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {}, {"centring": "mean", "spreading": 0.0}, {"centring": "none"}, {"objective": "supervised"},
        {"n_small": 0, "textured": False},
    ],
)  # fmt: skip
def test_every_arm_trains_all_that_it_has_and_is_judged(
    fields: dict[str, object], tiny_images: ImageSource
) -> None:
    made = system(tiny_images, **fields)
    before = {name: value.detach().clone() for name, value in made.student.named_parameters()}
    fit(made)
    assert all(not torch.equal(value, before[name]) for name, value in made.student.named_parameters())
    with inference(made):
        figures = made.evaluate()
    assert ("kl" in figures) is (fields.get("objective") != "supervised")
    assert all(math.isfinite(value) for value in figures.values())
    if fields.get("objective") == "supervised":
        own = made.teacher.state_dict()
        for name, theirs in made.student.state_dict().items():
            torch.testing.assert_close(own[name], theirs)


def test_a_row_of_the_sample_is_an_image_and_its_heads(tiny_images: ImageSource) -> None:
    made = system(tiny_images).eval()
    sheet = made.sample(SampleRequest(n=2))
    assert sheet.images.shape == (6, 1, 8, 8)
    assert sheet.columns == 3
    again = made.sample(SampleRequest(n=2))
    assert (sheet.images == again.images).all()
