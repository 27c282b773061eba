"""Data parallelism: each rank computes its share of the batch, gradients are averaged before every step.

The average is taken in an optimizer pre-step hook, so that a system with one loss, one with two optimizers
and one that alternates are all data-parallel without a line of their own.
"""

from __future__ import annotations

import datetime
import os
import sys
from typing import Any

import torch
import torch.distributed as dist
from torch.optim import Optimizer

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
    if dist.get_backend() == "nccl":
        box = box.cuda()
    dist.all_reduce(box)
    return dict(zip(names, (box / world_size()).tolist(), strict=True))


def prepare(optimizer: Optimizer, grad_clip: float) -> None:
    """Before each step of `optimizer`: average the gradients over the ranks, then clip their norm."""

    def before_step(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        parameters = [p for g in optimizer.param_groups for p in g["params"] if p.grad is not None]
        if not parameters:
            return
        if dist.is_initialized():
            grads = [p.grad for p in parameters]
            flat = torch.cat([g.reshape(-1) for g in grads if g is not None])
            dist.all_reduce(flat)
            pieces = (flat / world_size()).split([p.numel() for p in parameters])
            for p, piece in zip(parameters, pieces, strict=True):
                p.grad.copy_(piece.view_as(p))
        if grad_clip:
            torch.nn.utils.clip_grad_norm_(parameters, grad_clip)

    optimizer.register_step_pre_hook(before_step)


def launch(devices: int, arguments: list[str]) -> int:
    """Run `python -m atlas_cli ARGUMENTS` in `devices` processes on this machine; returns the exit code.

    The processes are started by torch's elastic launcher, the one behind torchrun: when one dies, it ends the
    others.
    """
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    cores = max(1, (os.cpu_count() or 1) // devices)
    os.environ.setdefault("OMP_NUM_THREADS", str(cores))
    config = LaunchConfig(
        min_nodes=1, max_nodes=1, nproc_per_node=devices, rdzv_backend="c10d",
        rdzv_endpoint="localhost:0", max_restarts=0, monitor_interval=0.1,
    )  # fmt: skip
    try:
        elastic_launch(config, sys.executable)("-m", "atlas_cli", *arguments)
    except ChildFailedError as failed:
        return max(1, max(f.exitcode for f in failed.failures.values()))
    return 0
