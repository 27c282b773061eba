"""Data parallelism: each rank computes its share of the batch, gradients are averaged before every step."""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from atlas_cli.engine.device import cores
from atlas_cli.errors import UsageError

_TIMEOUT = datetime.timedelta(minutes=10)


def rank() -> int:
    return int(os.environ.get("RANK", "0"))


def world_size() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """Whether this process writes and prints."""
    return rank() == 0


def join(device: torch.device, batch_size: int) -> torch.device:
    """Join the process group that torchrun or `--devices` announced; returns this rank's device."""
    if world_size() == 1:
        return device
    if batch_size % world_size():
        raise UsageError(
            f"a batch of {batch_size} cannot be shared by {world_size()} processes",
            f"use --set train.batch_size={batch_size - batch_size % world_size() or world_size()}",
        )
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_TIMEOUT)
    return device


def leave() -> None:
    """Leave the process group, if any."""
    if dist.is_initialized():
        dist.destroy_process_group()


def share(value: Any) -> Any:
    """Rank 0's value, on every rank."""
    if not dist.is_initialized():
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def any_rank(flag: bool) -> bool:
    """Whether the flag is set on at least one rank: all ranks then stop at the same step."""
    if not dist.is_initialized():
        return flag
    box = torch.tensor([int(flag)])
    if dist.get_backend() == "nccl":
        box = box.cuda()
    dist.all_reduce(box, op=dist.ReduceOp.MAX)
    return bool(box.item())


def mean_over_ranks(metrics: dict[str, float]) -> dict[str, float]:
    """The mean of each figure over the ranks."""
    if not dist.is_initialized():
        return metrics
    names = sorted(metrics)
    box = torch.tensor([metrics[n] for n in names], dtype=torch.float64)
    if dist.get_backend() == "nccl":  # which runs on CUDA alone, and CUDA has float64
        box = box.cuda()
    dist.all_reduce(box)
    return dict(zip(names, (box / world_size()).tolist(), strict=True))


def average(grads: Sequence[Tensor], loss: Tensor) -> Tensor:
    """Replace gradients by their mean over the ranks, in one message; returns the mean of the loss."""
    if not dist.is_initialized():
        return loss
    flat = torch.cat([*(g.reshape(-1) for g in grads), loss.reshape(1)])
    dist.all_reduce(flat)
    *pieces, mean = (flat / world_size()).split([*(g.numel() for g in grads), 1])
    for grad, piece in zip(grads, pieces, strict=True):
        grad.copy_(piece.view_as(grad))
    return mean.squeeze(0)


def launch(devices: int, arguments: list[str]) -> int:
    """Run `python -m atlas_cli ARGUMENTS` in `devices` processes on this machine; returns the exit code.

    The processes are started by torch's elastic launcher, the one behind torchrun: when one dies, it ends the
    others.
    """
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores() // devices)))
    config = LaunchConfig(
        min_nodes=1, max_nodes=1, nproc_per_node=devices, rdzv_backend="c10d",
        rdzv_endpoint="localhost:0", max_restarts=0, monitor_interval=0.1,
    )  # fmt: skip
    try:
        elastic_launch(config, sys.executable)("-m", "atlas_cli", *arguments)
    except ChildFailedError as failed:
        return max(1, max(f.exitcode for f in failed.failures.values()))
    return 0
