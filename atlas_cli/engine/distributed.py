"""Data parallelism: each rank computes its share of the batch, gradients are averaged before every step."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from atlas_cli.errors import EnvironmentFault, RankLost, UsageError
from atlas_cli.ranks import local_rank as local_rank
from atlas_cli.ranks import rank as rank
from atlas_cli.ranks import require_sound
from atlas_cli.ranks import world_size as world_size

_TIMEOUT = datetime.timedelta(minutes=10)  # between the first and the last rank at the end of a step
_PATIENCE = datetime.timedelta(days=365)  # for what rank 0 does alone: evaluating may take hours


class _Patient:
    """The group in which the other ranks wait for rank 0; None outside a group."""

    group: Any = None  # torch types a group that this rank is not of as well


def is_main() -> bool:
    """Whether this process writes and prints."""
    return rank() == 0


def join(device: torch.device, batch_size: int) -> torch.device:
    """Join the process group that torchrun or `--devices` announced; returns this rank's device.

    Raises:
        UsageError: the batch cannot be shared evenly.
        EnvironmentFault: the processes do not find each other.
    """
    require_sound()
    if world_size() == 1:
        return device
    if batch_size % world_size():
        raise UsageError(
            f"a batch of {batch_size} cannot be shared by {world_size()} processes",
            f"use --set train.batch_size={batch_size - batch_size % world_size() or world_size()}",
        )
    if device.type == "cuda":
        device = torch.device("cuda", local_rank())
        torch.cuda.set_device(device)
    if not dist.is_initialized():
        _meet("nccl" if device.type == "cuda" else "gloo")
    return device


def _meet(backend: str) -> None:
    place = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    try:
        dist.init_process_group(backend, timeout=_TIMEOUT)
        _Patient.group = dist.new_group(backend="gloo", timeout=_PATIENCE)
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise EnvironmentFault(
            f"the {world_size()} processes cannot meet at {place}: {reason}",
            "name a free port and a host that all of them reach: MASTER_PORT, MASTER_ADDR",
        ) from error


@contextmanager
def _talking() -> Iterator[None]:
    """A message that does not come through means that another rank is gone."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise RankLost(
            "another process of the group has ended", "look at what it said; go on with: atlas train --resume"
        ) from error


def leave() -> None:
    """Leave the process group, if any."""
    _Patient.group = None
    if dist.is_initialized():
        dist.destroy_process_group()


def share(value: Any) -> Any:
    """Rank 0's value, on every rank; the others wait for it as long as it takes."""
    if not dist.is_initialized():
        return value
    box = [value]
    with _talking():
        dist.broadcast_object_list(box, src=0, group=_Patient.group)
    return box[0]


def any_rank(flag: bool) -> bool:
    """Whether the flag is set on at least one rank: all ranks then stop at the same step."""
    if not dist.is_initialized():
        return flag
    box = torch.tensor([int(flag)])
    if dist.get_backend() == "nccl":
        box = box.cuda()
    with _talking():
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
    with _talking():
        dist.all_reduce(box)
        return dict(zip(names, (box / world_size()).tolist(), strict=True))


def average(grads: Sequence[Tensor], loss: Tensor) -> Tensor:
    """Replace gradients by their mean over the ranks, in one message; returns the mean of the loss."""
    if not dist.is_initialized():
        return loss
    flat = torch.cat([*(g.reshape(-1) for g in grads), loss.reshape(1)])
    with _talking():
        dist.all_reduce(flat)
    *pieces, mean = (flat / world_size()).split([*(g.numel() for g in grads), 1])
    for grad, piece in zip(grads, pieces, strict=True):
        grad.copy_(piece.view_as(grad))
    return mean.squeeze(0)
