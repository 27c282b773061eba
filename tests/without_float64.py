"""A device without float64, as Apple's MPS is one, pretended on the CPU.

The training device of the run is the CPU, so that results are real, and the mode remembers of every
tensor whether it would lie on the host: those that `.cpu()` returns, those that are made without naming a
device, and what is computed from host tensors alone. Everything else lies on the device: what is made
with `device=`, what `.to(device)` returns, parameters and buffers of an attached system. A float64 or
complex128 tensor that is not on the host is what MPS refuses ("Cannot convert a MPS Tensor to float64
dtype"): TypeError.

It sees calls of torch's Python functions, not what happens inside them. A host tensor that meets a device
tensor and gives float32 passes: MPS refuses that too, but by another message, and that is another test's
business. A backward pass computes in the types of its forward pass.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

DOUBLE = (torch.float64, torch.complex128)
_PLACES = (torch.device, str)


class WithoutFloat64(TorchFunctionMode):
    """Inside, a tensor of double precision anywhere but on the host is a TypeError."""

    def __init__(self) -> None:
        super().__init__()
        self._host: dict[int, weakref.ref[Tensor]] = {}

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        result = func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        if name in ("__get__", "__set__", "__repr__", "__format__"):  # attributes: .grad, .data, .T
            return self._noted(result, self._all_on_host(args)) if name == "__get__" else result
        if name == "cpu":
            return self._noted(self._alias(result, args[0]), True)
        if name == "to" and _names_a_device(args[1:], kwargs):
            return self._noted(self._alias(result, args[0]), False)
        inputs = list(_tensors((args, kwargs)))
        if inputs:
            return self._noted(result, self._all_on_host(inputs))
        return self._noted(result, kwargs.get("device") is None)

    def on_host(self, tensor: Tensor) -> bool:
        """Whether the tensor would lie on the host."""
        reference = self._host.get(id(tensor))
        return reference is not None and reference() is tensor

    def _all_on_host(self, value: Any) -> bool:
        return all(self.on_host(tensor) for tensor in _tensors(value))

    def _noted(self, result: Any, host: bool) -> Any:
        for tensor in _tensors(result):
            if not host and tensor.dtype in DOUBLE:
                raise TypeError(
                    f"a tensor of {tensor.dtype} {tuple(tensor.shape)} on a device without float64"
                )
            if host:
                self._host[id(tensor)] = weakref.ref(tensor)
            else:
                self._host.pop(id(tensor), None)
        return result

    @staticmethod
    def _alias(result: Tensor, source: Tensor) -> Tensor:
        """Another object where nothing had to be copied: the source must not change its place."""
        if result is not source:
            return result
        return result.view_as(result) if result.requires_grad else result.detach()


def _names_a_device(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    return kwargs.get("device") is not None or any(isinstance(a, _PLACES) for a in args)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _tensors(item)
