"""Reflow: whose pairs, from which seed, and what is exact once a flow is straight."""

from __future__ import annotations

from dataclasses import fields

import pytest
import torch
from torch import Tensor

from atlas_cli import data
from atlas_cli.config import PARENT
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.flow.cfm import CFM, Batch
from atlas_cli.systems.flow.cfm import Config as TeacherConfig
from atlas_cli.systems.flow.ot_cfm import OTCFM
from atlas_cli.systems.flow.ot_cfm import Config as PairedConfig
from atlas_cli.systems.flow.reflow import Config, Reflow

TRAIN = TrainConfig(steps=4, batch_size=16, lr=1e-2)
SHIFT, SCALE = torch.tensor([1.0, -2.0]), 0.5


def islands() -> object:
    return data.load({"name": "toy2d", "density": "modes8"})


def teacher(source: object = None, **given: object) -> CFM:
    """A small flow of points whose weights are not those of another seed."""
    torch.manual_seed(0)
    system = CFM(TeacherConfig(**{"dim": 2, "width": 8, "n_layer": 2, **given}))
    system.attach(Setting(source or islands(), TRAIN))
    return system.requires_grad_(False)


def attached(parent: CFM | Reflow | None = None, setting: dict[str, object] | None = None, **given: object):
    parent = parent or teacher()
    system = Reflow(Config(**{"n_pairs": 40, "pair_steps": 3, **given}))
    system.attach(Setting(parent.setting.source, **{"train": TRAIN, **(setting or {})}, parent=parent))
    return system


def straight(x: Tensor, t: Tensor, label: Tensor) -> Tensor:
    """The field of z -> SHIFT + SCALE z along straight lines, in the place of a network."""
    t = t[:, None]
    z = (x - t * SHIFT) / (1 - t + t * SCALE)
    return SHIFT + (SCALE - 1) * z


def same(one: Batch, other: Batch) -> bool:
    return all(torch.equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(Batch))


# --- pairs ----------------------------------------------------------------------------------------------


def test_a_pair_is_a_noise_and_where_the_teacher_takes_it():
    system = attached()
    noise, end, label = system.pairs("pairs", 40)
    *_, expected = system.teacher.follow(noise, label, 3)
    torch.testing.assert_close(end, expected, atol=1e-6, rtol=0)
    assert not torch.allclose(noise, end)
    batch = system.batch(0)
    places = (batch.noise[:, None] == noise[None]).all(-1).int().argmax(1)
    assert torch.equal(batch.data, end[places])


def test_pairs_are_a_function_of_the_seed_alone():
    first, again = attached().pairs("pairs", 40), attached().pairs("pairs", 40)
    other = attached(setting={"train": TRAIN.model_copy(update={"seed": 1})}).pairs("pairs", 40)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


def test_in_parts_the_same_pairs_are_made(monkeypatch: pytest.MonkeyPatch):
    whole = attached().pairs("pairs", 40)
    monkeypatch.setattr("atlas_cli.systems.flow.reflow.AT_ONCE", 7)
    for a, b in zip(whole, attached().pairs("pairs", 40), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)


def test_held_out_pairs_are_no_training_pairs():
    system = attached()
    held_out, noise = system.held_out(0), system.pairs("pairs", 40)[0]
    assert not (held_out.noise[:, None] == noise[None]).all(-1).any()
    assert same(held_out, system.held_out(3))


def test_every_class_is_asked_for_and_kept(tiny_images):
    parent = teacher(tiny_images, dim=0, image_size=8, label_dropout=0.5)
    system = attached(parent, n_pairs=20)
    assert torch.equal(system.pairs("pairs", 20)[2], torch.arange(20) % 10)
    assert (system.batch(0).label < 10).all()
    assert (system.student.config.guidance, system.student.config.label_dropout) == (1.0, 0.0)
    assert system.classes == 10


def test_the_teacher_s_guidance_is_built_into_the_pairs(tiny_images):
    made = {}
    for w in (1.0, 3.0):
        parent = teacher(tiny_images, dim=0, image_size=8, guidance=w)
        for weights in parent.parameters():  # away from where the class says next to nothing
            weights.add_(0.1 * torch.randn_like(weights))
        made[w] = attached(parent, n_pairs=10).pairs("pairs", 10)
    assert torch.equal(made[1.0][0], made[3.0][0])
    assert not torch.allclose(made[1.0][1], made[3.0][1])


def test_two_ranks_with_half_a_batch_each_see_what_one_sees():
    whole = attached().batch(2)
    halves = [attached(setting={"rank": rank, "world_size": 2}).batch(2) for rank in (0, 1)]
    joined = Batch(*(torch.cat([getattr(half, f.name) for half in halves]) for f in fields(Batch)))
    assert same(joined, whole)


def test_without_the_idea_it_goes_on_as_its_teacher_would():
    parent, system = teacher(), attached(coupling="random")
    assert same(system.batch(2), parent.batch(2))
    assert same(system.held_out(0), parent.held_out(0))
    assert system.student.config.guidance == parent.config.guidance
    assert system.student.config.label_dropout == parent.config.label_dropout


# --- rounds -----------------------------------------------------------------------------------------------


def test_the_student_begins_as_its_teacher_and_moves_alone():
    system = attached()
    for name, weight in system.student.state_dict().items():
        assert torch.equal(weight, system.teacher.state_dict()[name])
    before = {name: weight.clone() for name, weight in system.teacher.state_dict().items()}
    system.step(system.batch(0), system.optimizers())
    assert all(torch.equal(weight, before[name]) for name, weight in system.teacher.state_dict().items())
    assert not any(name.startswith("teacher") for name, _ in system.named_parameters())
    changed = [not torch.equal(w, before[n]) for n, w in system.student.state_dict().items()]
    assert all(changed)


def test_the_first_loss_is_how_bent_the_teacher_is_on_its_own_pairs():
    """L = E|v(x_t, t) - (z_1 - z_0)|^2 over coordinates, with the teacher's v: it has learned nothing."""
    system = attached()
    batch = system.batch(0)
    x_t = batch.t * batch.data + (1 - batch.t) * batch.noise
    v = system.teacher.net(x_t, batch.t)
    expected = (v - (batch.data - batch.noise)).square().mean()
    torch.testing.assert_close(system.loss(batch)[0], expected)


def test_a_straight_teacher_leaves_nothing_to_learn_and_one_step_is_exact():
    parent = teacher()
    parent.predict = straight  # type: ignore[method-assign]
    system = attached(parent, pair_steps=1)
    system.student.predict = straight  # type: ignore[method-assign]
    noise, end, label = system.pairs("pairs", 40)
    torch.testing.assert_close(end, SHIFT + SCALE * noise)
    assert float(system.loss(system.batch(0))[0]) < 1e-10
    (once,), (*_, often) = system.student.follow(noise, label, 1), system.student.follow(noise, label, 50)
    torch.testing.assert_close(once, often, atol=1e-4, rtol=0)


def test_a_second_round_learns_the_pairs_of_the_first():
    first = attached()
    with torch.no_grad():
        for parameter in first.student.parameters():
            parameter.mul_(1.5)  # as if it had learned
    second = attached(first.requires_grad_(False))
    assert (first.round, second.round) == (1, 2)
    assert second.teacher is first.student
    noise, end, label = second.pairs("pairs", 40)
    *_, expected = first.student.follow(noise, label, 3)
    torch.testing.assert_close(end, expected, atol=1e-6, rtol=0)
    assert all(parameter.requires_grad for parameter in second.student.parameters())


def test_no_round_learns_from_the_noise_of_another():
    first = attached()
    second = attached(first)
    assert not torch.equal(first.pairs("pairs", 40)[0], second.pairs("pairs", 40)[0])


def test_a_sample_takes_as_many_steps_as_are_asked_for():
    points = attached(sampler_steps=2).sample(SampleRequest(n=5, seed=3))
    assert len(points.frames) == 3


@pytest.mark.parametrize("kind", [(OTCFM, PairedConfig), (CFM, TeacherConfig)])
def test_either_flow_can_be_a_teacher(kind):
    make, config = kind
    torch.manual_seed(0)
    parent = make(config.model_validate({"dim": 2, "width": 8, "n_layer": 2})).attach(
        Setting(islands(), TRAIN)
    )
    student = attached(parent.requires_grad_(False)).student
    assert type(student) is CFM  # which pairs nothing anew
    assert student.loss(attached(parent).batch(0))[0] > 0


def test_other_data_than_the_teacher_s_are_refused():
    image = {"image_size": 8, "channels": 1, "n_classes": 10, "dim": 0}
    assert dict(Config(image_size=8).misfits({PARENT: image})) == {}
    assert "is 28, but" in dict(Config().misfits({PARENT: image}))["image_size"]
    (said,) = dict(Config(image_size=8, dim=2).misfits({PARENT: image})).values()
    assert said == "the data are points, but the run that it builds on learned images: name data alike"
