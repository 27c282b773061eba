"""What goes into a checkpoint comes out of it, bit for bit; the folder keeps the right ones."""

from __future__ import annotations

import json
import math
import os
import random
import stat

import numpy as np
import pytest
import torch
from torch import nn

from atlas_cli.errors import DataError
from atlas_cli.runs import checkpoint
from atlas_cli.runs.checkpoint import TrainState, load, newest_valid, prune, save, update_best


def state(step: int = 1, **changes) -> TrainState:
    fields = {
        "step": step,
        "weights": {"w": torch.full((3,), float(step))},
        "ema": None,
        "optimizers": {},
        "rng": checkpoint.capture_rng(),
        "info": {"recipe_hash": "abc"},
    }
    return TrainState(**fields | changes)


def assert_same(a, b):
    """Equal in type, value, order and bits, deeply."""
    assert type(a) is type(b)
    if isinstance(a, torch.Tensor):
        assert (a.dtype, a.shape, a.stride()) == (b.dtype, b.shape, b.stride())
        assert torch.equal(
            a.contiguous().view(-1).view(torch.uint8), b.contiguous().view(-1).view(torch.uint8)
        )
    elif isinstance(a, dict):
        assert list(a) == list(b)
        assert [type(k) for k in a] == [type(k) for k in b]
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    else:
        assert a == b or (a != a and b != b)


def network(memory_format=torch.contiguous_format) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.SiLU(), nn.Conv2d(4, 2, 3)).to(memory_format=memory_format)


OPTIMIZERS = {
    "adamw_fused": lambda p: torch.optim.AdamW(p, lr=0.01, betas=(0.9, 0.95), fused=True),
    "adam_amsgrad": lambda p: torch.optim.Adam(p, lr=0.01, amsgrad=True),
    "sgd_momentum": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01, centered=True),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.01),
    "lbfgs": lambda p: torch.optim.LBFGS(p, lr=0.1),
}


def descend(model: nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> None:
    for step in steps:
        data = torch.randn(2, 3, 7, 7, generator=torch.Generator().manual_seed(step))

        def loss(data=data):
            optimizer.zero_grad()
            value = model(data).square().mean() + model(data).sum().mul(0.01)
            value.backward()
            return value

        optimizer.step(loss)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_training_goes_on_from_a_checkpoint_bit_for_bit(tmp_path, name, layout):
    if name == "lbfgs":
        layout = torch.contiguous_format  # torch's LBFGS knows no other
    straight = network(layout)
    optimizer = OPTIMIZERS[name](straight.parameters())
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: 1.0)  # adds initial_lr to the groups
    descend(straight, optimizer, range(3))
    path = save(
        tmp_path, state(3, weights=straight.state_dict(), optimizers={"main": optimizer.state_dict()})
    )
    saved = optimizer.state_dict()
    loaded = load(path)
    assert_same(loaded.optimizers["main"], saved)
    assert "initial_lr" in loaded.optimizers["main"]["param_groups"][0]

    resumed = network(layout)
    resumed.load_state_dict(loaded.weights)
    again = OPTIMIZERS[name](resumed.parameters())
    again.load_state_dict(loaded.optimizers["main"])
    descend(straight, optimizer, range(3, 6))
    descend(resumed, again, range(3, 6))
    assert_same(dict(resumed.state_dict()), dict(straight.state_dict()))
    assert_same(again.state_dict(), optimizer.state_dict())


def test_a_state_comes_back_whole(tmp_path):
    shared = torch.randn(4, 3)
    weights = {
        "z.last": torch.randn(2, 3).to(torch.bfloat16),
        "a.first": shared,
        "tied": shared,
        "transposed": shared.t(),
        "slice": torch.arange(10)[2:7],
        "every_second": torch.arange(10.0)[::2].contiguous(),
        "expanded": torch.tensor([7.0]).expand(3).contiguous(),
        "scalar": torch.tensor(3, dtype=torch.int64),
        "flags": torch.tensor([True, False]),
        "empty": torch.zeros(0, 5),
        "odd": torch.tensor([math.nan, -0.0, math.inf, 1e-45]),
        "image": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
    }
    info = {"metrics": {"loss": math.nan, "top": math.inf}, "seconds": 0.1 + 0.2, "n": 2**60, "none": None}
    fields = {0: "int key", "0": torch.ones(1), "betas": (0.9, (1, 2)), "$odd": [None, True, -0.0]}
    given = state(5, weights=weights, ema={"w": torch.ones(2)}, optimizers={"g": fields, "d": {}}, info=info)
    loaded = load(save(tmp_path, given))
    for part in ("step", "weights", "ema", "optimizers", "rng", "info"):
        assert_same(getattr(loaded, part), getattr(given, part))
    assert math.copysign(1, loaded.optimizers["g"]["$odd"][2]) == -1


def test_gappy_memory_comes_back_dense_with_the_same_values(tmp_path):
    gappy = torch.arange(12.0).view(3, 4)[:, ::2]
    loaded = load(save(tmp_path, state(weights={"w": gappy, "x": torch.ones(1).expand(4)})))
    assert torch.equal(loaded.weights["w"], gappy)
    assert torch.equal(loaded.weights["x"], torch.ones(4))
    assert loaded.weights["w"].is_contiguous()


def test_loaded_tensors_do_not_share_memory_and_can_be_trained(tmp_path):
    loaded = load(save(tmp_path, state(weights={"a": torch.ones(2), "b": torch.ones(2)})))
    loaded.weights["a"].add_(1)
    assert loaded.weights["b"].tolist() == [1, 1]


def test_what_a_checkpoint_cannot_hold_is_refused_and_leaves_nothing(tmp_path):
    for changes in (
        {"optimizers": {"main": {"state": {0: object()}}}},
        {"optimizers": {"../x": {}}},
        {"info": {"t": torch.ones(1)}},
    ):
        with pytest.raises((TypeError, ValueError)):
            save(tmp_path, state(**changes))
    assert list(tmp_path.iterdir()) == []


def draws():
    return [
        random.random(),
        random.gauss(0, 1),
        *np.random.randn(3),
        np.random.rand(),
        *torch.randn(3).tolist(),
    ]


@pytest.mark.parametrize("gauss_draws", [0, 1])  # an odd draw leaves the second of a pair waiting inside
def test_generators_go_on_where_they_were(tmp_path, gauss_draws):
    before = checkpoint.capture_rng()
    try:
        random.seed(1), np.random.seed(1), torch.manual_seed(1)
        for _ in range(gauss_draws):
            random.gauss(0, 1), np.random.randn()
        path = save(tmp_path, state())
        expected = draws()
        draws()
        checkpoint.restore_rng(load(path).rng)
        assert draws() == expected
    finally:
        checkpoint.restore_rng(before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_generators_and_tensors_go_on_where_they_were(tmp_path):
    before = checkpoint.capture_rng()
    try:
        weights = {"w": torch.randn(3, device="cuda")}
        loaded_path = save(tmp_path, state(weights=weights))
        expected = torch.randn(4, device="cuda")
        loaded = load(loaded_path)
        assert torch.equal(loaded.weights["w"], weights["w"].cpu())
        checkpoint.restore_rng(loaded.rng)
        assert torch.equal(torch.randn(4, device="cuda"), expected)
    finally:
        checkpoint.restore_rng(before)


def test_the_manifest_names_every_file_with_size_and_hash(tmp_path):
    path = save(tmp_path, state(3000, ema={"w": torch.ones(1)}, optimizers={"main": {"a": torch.ones(1)}}))
    assert path.name == "step-00003000"
    files = json.loads((path / "manifest.json").read_text())["files"]
    assert {p.name for p in path.iterdir()} == {*files, "manifest.json"}
    assert files.keys() == {
        "weights.safetensors", "ema.safetensors", "rng.safetensors", "optimizer-main.safetensors",
        "state.json",
    }  # fmt: skip
    for name, facts in files.items():
        assert facts["size"] == (path / name).stat().st_size > 0
        assert len(facts["sha256"]) == 64


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize("mask", [0o022, 0o027, 0o002])
def test_modes_follow_umask(tmp_path, mask):
    before = os.umask(mask)
    try:
        path = save(tmp_path, state())
        update_best(tmp_path, 1, 0.5)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o777 & ~mask
    for file in [*path.iterdir(), tmp_path / "best.json"]:
        assert stat.S_IMODE(file.stat().st_mode) == 0o666 & ~mask


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_same_step_may_be_saved_again(tmp_path):
    save(tmp_path, state(7, info={"take": 1}))
    path = save(tmp_path, state(7, info={"take": 2}))
    assert load(path).info == {"take": 2}
    assert names(tmp_path) == ["step-00000007"]


def test_prune_keeps_the_newest_three_and_the_best(tmp_path):
    for step in range(1, 8):
        save(tmp_path, state(step))
    prune(tmp_path, keep=3, best="step-00000002")
    assert names(tmp_path) == ["step-00000002", "step-00000005", "step-00000006", "step-00000007"]
    prune(tmp_path, keep=3, best=None)
    assert names(tmp_path) == ["step-00000005", "step-00000006", "step-00000007"]
    prune(tmp_path, keep=10)
    assert len(names(tmp_path)) == 3


def test_steps_are_ordered_as_numbers_past_eight_digits(tmp_path):
    for step in (99_999_999, 100_000_000):
        save(tmp_path, state(step))
    assert newest_valid(tmp_path)[0].name == "step-100000000"


def test_the_best_is_the_lowest_metric(tmp_path):
    for step, metric, better in [(1, 0.5, True), (2, 0.7, False), (3, 0.5, False), (4, -0.1, True)]:
        save(tmp_path, state(step))
        assert update_best(tmp_path, step, metric) is better
    assert checkpoint.read_best(tmp_path) == (4, -0.1)
    assert json.loads((tmp_path / "best.json").read_text()) == {"step": 4, "metric": -0.1}


def test_a_best_whose_checkpoint_is_gone_no_longer_counts(tmp_path):
    update_best(tmp_path, 1, 0.1)
    assert checkpoint.read_best(tmp_path) is None
    save(tmp_path, state(2))
    assert update_best(tmp_path, 2, 0.9)


def test_a_resume_discards_what_lies_past_its_step(tmp_path):
    for step in (1, 2, 3):
        save(tmp_path, state(step))
    update_best(tmp_path, 3, 0.1)
    checkpoint.discard_after(tmp_path, 2)
    assert names(tmp_path) == ["step-00000001", "step-00000002"]


def test_a_folder_without_checkpoints_says_so(tmp_path):
    with pytest.raises(DataError, match="no checkpoint in"):
        newest_valid(tmp_path)
