"""ControlNet begins as its base, learns in the order that the paper argues, and never touches the base."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch import nn

from atlas_cli.engine.loop import fit
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.metrics.edges import edge_map
from atlas_cli.metrics.judge import Judge
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.diffusion.controlnet import Config, ControlNet, zero_convolution
from atlas_cli.systems.diffusion.ddpm import DDPM
from atlas_cli.systems.diffusion.ddpm import Config as BaseConfig

TRAIN = TrainConfig(steps=5, batch_size=8, lr=1e-2)


def base(**fields: object) -> DDPM:
    """A frozen base none of whose parts is silent, as after training."""
    torch.manual_seed(0)
    ddpm = DDPM(BaseConfig(**{"image_size": 8, "n_steps": 20, "width": 8, "multipliers": (1, 2), **fields}))
    for parameter in ddpm.parameters():
        nn.init.normal_(parameter, std=0.1)
    return ddpm.requires_grad_(False).eval()


def controlnet(source: object, parent: DDPM | None = None, train: TrainConfig = TRAIN, **fields: object):
    torch.manual_seed(1)
    config = Config(**{"image_size": 8, "hint_width": 4, "sampler_steps": 4, **fields})
    system = ControlNet(config).attach(Setting(source, train, parent=parent or base()))
    assert isinstance(system, ControlNet)
    return system


def awake(system: ControlNet) -> ControlNet:
    """With its zero convolutions away from zero."""
    torch.manual_seed(2)
    for module in (*system.branch.joints, system.branch.read_edges[-1]):
        nn.init.normal_(module.weight, std=0.3)
        nn.init.normal_(module.bias, std=0.3)
    return system


def moved(before: dict[str, torch.Tensor], system: ControlNet) -> set[str]:
    """Parts of the branch of which some parameter has changed."""
    changed = [n for n, p in system.named_parameters() if not torch.equal(p, before[n])]
    zero_in = f"branch.read_edges.{len(system.branch.read_edges) - 1}."
    return {"zero_in" if n.startswith(zero_in) else n.split(".")[1] for n in changed}


def test_at_step_0_it_is_its_base_bit_for_bit(tiny_images: object) -> None:
    system = controlnet(tiny_images)
    batch = system.batch(0)
    x_t = system.base.add_noise(batch.data, batch.noise, batch.t)
    expected = system.base.predict(x_t, batch.t, batch.label)
    assert batch.edges.sum() > 0
    assert torch.equal(system.predict(x_t, batch.t, batch.label, batch.edges), expected)
    path = system.draw(batch.label, batch.edges, torch.Generator().manual_seed(0))
    alone = system.base.draw(batch.label, torch.Generator().manual_seed(0), walk=system.config.walk(True))
    assert all(torch.equal(a, b) for a, b in zip(path, alone, strict=True))


def test_without_control_a_trained_one_is_its_base_bit_for_bit(tiny_images: object) -> None:
    system = awake(controlnet(tiny_images, control_scale=0.0))
    edges, label = edge_map(tiny_images.test()[0])[:4], torch.arange(4)
    path = system.draw(label, edges, torch.Generator().manual_seed(0))
    alone = system.base.draw(label, torch.Generator().manual_seed(0), walk=system.config.walk(True))
    assert all(torch.equal(a, b) for a, b in zip(path, alone, strict=True))
    steered = system.draw(label, edges, torch.Generator().manual_seed(0), scale=1.0)
    assert not torch.allclose(steered[-1], alone[-1], atol=1e-2)


def test_zero_convolutions_move_first_then_the_copy_then_what_reads_the_edges(tiny_images: object) -> None:
    """A zero convolution's gradient is its input; that of what lies before it is its weight, first zero."""
    system = controlnet(tiny_images)
    optimizers = system.optimizers()
    seen = []
    for step in range(3):
        before = {n: p.detach().clone() for n, p in system.named_parameters()}
        system.step(system.batch(step), optimizers)
        seen.append(moved(before, system))
    assert seen[0] == {"joints"}
    assert seen[1] == {"joints", "copy", "zero_in"}
    assert seen[2] == {"joints", "copy", "zero_in", "read_edges"}


def test_the_gradient_of_a_zero_convolution_is_its_input() -> None:
    """The paper's argument: d(w a)/dw = a and d(w a)/da = w."""
    zero = zero_convolution(3, 2)
    a = torch.randn(1, 3, 4, 4, requires_grad=True)
    y = zero(a)
    assert torch.equal(y, torch.zeros_like(y))
    y.sum().backward()
    torch.testing.assert_close(zero.weight.grad[:, :, 0, 0], a.detach().sum((0, 2, 3)).expand(2, 3))
    assert torch.equal(zero.bias.grad, torch.full((2,), 16.0))
    assert torch.equal(a.grad, torch.zeros_like(a))


def test_training_leaves_the_base_bit_for_bit_and_no_trace_of_it_in_the_checkpoint(
    tiny_images: object,
) -> None:
    parent = base()
    before = {n: t.clone() for n, t in parent.state_dict().items()}
    system = controlnet(tiny_images, parent)
    copied = {n: p.detach().clone() for n, p in system.branch.copy.named_parameters()}
    fit(system)
    assert all(torch.equal(t, before[n]) for n, t in parent.state_dict().items())
    assert all(p.grad is None for p in parent.parameters())
    assert all(n.startswith("branch.") for n in system.state_dict())
    assert all(not torch.equal(p, copied[n]) for n, p in system.branch.copy.named_parameters())
    held = {p.data_ptr() for group in system.optimizers()["main"].param_groups for p in group["params"]}
    assert held.isdisjoint(p.data_ptr() for p in parent.parameters())


def test_the_copy_is_the_encoder_of_the_base_and_nothing_more(tiny_images: object) -> None:
    system = controlnet(tiny_images)
    original = dict(system.base.net.named_parameters())
    copied = dict(system.branch.copy.named_parameters())
    assert all(torch.equal(p, original[n]) for n, p in copied.items())
    decoder = {n for n in original if n.startswith(("up.", "grow.", "norm_out.", "conv_out."))}
    assert decoder | copied.keys() == original.keys()
    assert decoder.isdisjoint(copied)


def test_a_joint_that_passes_everything_on_adds_the_encoders_features_once_more(tiny_images: object) -> None:
    """Eq. 2 with z1 = 0 and z2 = s times the identity: F(x) + s F(x), as the copy equals the original."""
    system = controlnet(tiny_images)
    for joint in system.branch.joints:
        joint.weight.data = 0.5 * torch.eye(joint.in_channels)[:, :, None, None]
    x, t, label = torch.randn(3, 1, 8, 8), torch.tensor([2, 9, 17]), torch.tensor([0, 4, 10])
    edges = edge_map(tiny_images.test()[0])[:3]
    net, time = system.base.net, t.float() * 50
    e = net.embed(time, label)
    middle, skips = net.encode(x, e)
    for scale in (1.0, 0.4):
        grown = 1 + 0.5 * scale
        expected = net.decode(grown * middle, [grown * skip for skip in skips], e)
        ours = system.predict(x, t, label, edges, scale)
        torch.testing.assert_close(ours, expected, atol=1e-4, rtol=1e-4)


def test_guidance_shows_both_of_its_passes_the_edges(tiny_images: object) -> None:
    system = awake(controlnet(tiny_images, guidance=3.0, clip=False, sampler="ddim", sampler_steps=1))
    label, edges = torch.tensor([1, 7]), edge_map(tiny_images.test()[0])[:2]
    noise, result = system.draw(label, edges, torch.Generator().manual_seed(0))
    last = torch.full((2,), 19)
    with_class = system.predict(noise, last, label, edges)
    without = system.predict(noise, last, torch.full((2,), 10), edges)
    expected = system.base.to_data(without + 3 * (with_class - without), noise, last)
    torch.testing.assert_close(result, expected, atol=1e-4, rtol=1e-4)


def test_the_edges_of_a_batch_are_those_of_its_images_and_half_of_the_labels_are_left_out(
    tiny_images: object,
) -> None:
    batch = controlnet(tiny_images, train=TRAIN.model_copy(update={"batch_size": 400})).batch(0)
    assert torch.equal(batch.edges, edge_map(batch.data))
    assert (batch.label == 10).float().mean() == pytest.approx(0.5, abs=0.1)


def test_two_ranks_see_together_what_one_sees(tiny_images: object) -> None:
    def batch(rank: int, world: int):
        setting = Setting(tiny_images, TRAIN, rank=rank, world_size=world, parent=base())
        return ControlNet(Config(image_size=8)).attach(setting).batch(3)

    whole, first, second = batch(0, 1), batch(0, 2), batch(1, 2)
    for name in ("data", "edges", "label", "t", "noise"):
        assert torch.equal(getattr(whole, name), torch.cat([getattr(first, name), getattr(second, name)]))


def test_what_is_drawn_along_test_digits_is_judged_by_other_ones(
    tiny_images: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    aside, scored = (torch.rand(6, 1, 8, 8) * 2 - 1, torch.arange(6)), []

    class Watching:
        def kept_aside(self) -> tuple[torch.Tensor, torch.Tensor]:
            return aside

        def score(
            self, images: torch.Tensor, label: torch.Tensor, *, from_tests: bool = False
        ) -> dict[str, float]:
            scored.append((label.tolist(), from_tests))
            return {"class_accuracy": 0.5}

    monkeypatch.setattr(Judge, "load_or_train", lambda *_: Watching())
    system = controlnet(tiny_images, control_scale=0.0)
    with torch.no_grad():
        system.evaluate()
    assert scored == [(list(range(6)), True)]


@pytest.mark.parametrize(("n", "columns", "tiles"), [(1, 2, 2), (3, 4, 4), (4, 5, 5), (6, 5, 8), (20, 5, 25)])
def test_every_row_of_a_sample_begins_with_the_edges_of_a_test_digit(
    tiny_images: object, n: int, columns: int, tiles: int
) -> None:
    system = controlnet(tiny_images)
    artifact = system.sample(SampleRequest(n=n, seed=0))
    assert artifact.columns == columns
    assert artifact.images.shape == (tiles, 1, 8, 8)
    images, found = tiny_images.test()
    maps = edge_map(images).numpy()
    for row, shown in enumerate(artifact.images[::columns]):
        owners = np.flatnonzero((maps == shown).all((1, 2, 3)))
        assert row % 10 in found[owners].tolist()
    assert all((frame[::columns] == artifact.images[::columns]).all() for frame in artifact.frames)
    other = system.sample(SampleRequest(n=n, seed=1, label=3)).images[::columns]
    owners = [np.flatnonzero((maps == shown).all((1, 2, 3)))[0] for shown in other]
    assert {int(found[i]) for i in owners} == {3}


@pytest.fixture
def drawing(tmp_path: Path) -> Path:
    image = Image.new("L", (300, 200), 255)
    ImageDraw.Draw(image).ellipse((60, 40, 200, 180), None, 0, 30)
    image.save(tmp_path / "ring.png")
    return tmp_path / "ring.png"


def test_a_drawing_steers_by_its_edges_or_as_an_edge_map(tiny_images: object, drawing: Path) -> None:
    request = SampleRequest(n=8, extras={"control": drawing})
    of_ink = awake(controlnet(tiny_images)).sample(request).images
    of_lines = awake(controlnet(tiny_images, control_kind="edges")).sample(request).images
    for images in (of_ink, of_lines):
        assert images.shape == (10, 1, 8, 8)
        assert set(np.unique(images[0])) == {0.0, 1.0}
        assert (images[5] == images[0]).all()
    ring = of_lines[0, 0]
    assert ring[2:8, 2:8].sum() == ring.sum() > 12  # six of eight pixels, as digits take 20 of 28
    assert ring[4:6, 4:6].sum() == 0
    assert (of_ink[0] != of_lines[0]).any()


def test_a_drawing_without_a_label_is_drawn_without_a_class(tiny_images: object, drawing: Path) -> None:
    system = awake(controlnet(tiny_images))
    labels = []
    system.draw = lambda label, *rest: labels.append(label.tolist()) or [torch.zeros(len(label), 1, 8, 8)] * 2
    for label in (None, 7):
        system.sample(SampleRequest(n=2, extras={"control": drawing}, label=label))
    assert labels == [[10, 10], [7, 7]]
