"""Which of several equal kernels is fastest here: tried once for each size, and remembered.

No rule of thumb holds on all machines: a product in bf16 is many times faster than in fp32 on one processor,
and many times slower on the next. So a kernel is chosen by its time and by nothing else. A machine's choices
are kept on disk by engine/kernels.py, and in each checkpoint: kernels round differently, a run keeps its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Kernel = Callable[..., Tensor]

ROUNDS = 6  # of a trial, after one that warms up; the least counts
MARGIN = 0.95  # what is not the first takes its place if it needs less than this share of its time

choices: dict[str, str] = {}  # what was tried -> the name of the fastest
_listeners: list[Callable[[], object]] = []


def fastest(what: str, kernels: Mapping[str, Kernel], *inputs: Tensor) -> Kernel:
    """The fastest of these kernels, forward and backward, on inputs like these.

    Args:
        what: They compute; with the inputs' shapes, type and device it names the trial.
        kernels: By name; the first is the one to take where nothing is learned, and nothing was tried yet.
        inputs: Tensors that each of them takes.
    """
    name = _name(what, *inputs)
    if choices.get(name) not in kernels:
        learns = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in inputs)
        if not learns or torch.compiler.is_compiling():  # a compiler cannot hold a clock
            return next(iter(kernels.values()))
        choices[name] = _trial(kernels, *inputs)
        for listener in _listeners:
            listener()
    return kernels[choices[name]]


def on_new_choice(listener: Callable[[], object]) -> None:
    """Have `listener` called whenever a trial has been made."""
    _listeners.append(listener)


def _name(what: str, *inputs: Tensor) -> str:
    shapes = " ".join("x".join(map(str, tensor.shape)) for tensor in inputs)
    kind = str(inputs[0].dtype).removeprefix("torch.")
    return f"{what} {shapes} {kind} {inputs[0].device.type} {torch.get_num_threads()} threads"


def _trial(kernels: Mapping[str, Kernel], *inputs: Tensor) -> str:
    """The name of the fastest; the first keeps its place unless another is clearly faster."""
    copies = [tensor.detach().clone().requires_grad_(tensor.requires_grad) for tensor in inputs]
    seconds = dict.fromkeys(kernels, float("inf"))
    for _ in range(1 + ROUNDS):
        for name, kernel in kernels.items():  # in turn, so that all meet the same machine
            seconds[name] = min(seconds[name], _seconds(kernel, copies))
    first, *others = kernels
    best = min(others, key=seconds.__getitem__, default=first)
    return best if seconds[best] < MARGIN * seconds[first] else first


def _seconds(kernel: Kernel, inputs: list[Tensor]) -> float:
    began = time.perf_counter()
    out = kernel(*inputs)
    torch.autograd.grad(out.sum(), [tensor for tensor in inputs if tensor.requires_grad])
    return time.perf_counter() - began
