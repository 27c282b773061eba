"""Nested Python values and tensors as JSON plus safetensors bytes, bit for bit and without pickle.

JSON knows neither tuples, int keys, NaN nor tensors: those become one-entry objects whose key begins with $.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

#: Names in their order, each with its strides if the memory layout is not the default one.
Layout = dict[str, list[int] | None]


def pack(value: Any, tensors: dict[str, Tensor], where: str = "") -> Any:
    """Turn a value into JSON; its tensors are put into `tensors` and referred to by name.

    Raises:
        TypeError: the value holds something that is neither plain data nor a tensor.
    """
    if isinstance(value, Tensor):
        name = where or "value"
        while name in tensors:  # the keys 0 and "0" may stand side by side
            name += "_"
        tensors[name] = value
        return {"$tensor": name}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": str(value)}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        items = [pack(item, tensors, f"{where}/{i}".lstrip("/")) for i, item in enumerate(value)]
        return {"$tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, Mapping):
        pairs = [[key, pack(item, tensors, f"{where}/{key}".lstrip("/"))] for key, item in value.items()]
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return dict(pairs)
        return {"$dict": [[pack(key, tensors), item] for key, item in pairs]}
    raise TypeError(f"{where or 'the value'} is a {type(value).__name__}, which a checkpoint cannot hold")


def unpack(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The inverse of `pack`.

    Raises:
        KeyError, ValueError: a tensor is missing or the JSON was not made by `pack`.
    """
    if isinstance(value, list):
        return [unpack(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1 or not next(iter(value)).startswith("$"):
        return {key: unpack(item, tensors) for key, item in value.items()}
    ((kind, content),) = value.items()
    if kind == "$tensor":
        return tensors[content]
    if kind == "$float":
        return float(content)
    if kind == "$tuple":
        return tuple(unpack(item, tensors) for item in content)
    if kind == "$dict":
        return {unpack(key, tensors): unpack(item, tensors) for key, item in content}
    raise ValueError(f"unknown mark {kind}")


def to_bytes(tensors: Mapping[str, Tensor]) -> tuple[bytes, Layout]:
    """A safetensors file and the layout that it cannot express.

    Fused optimizers walk parameter and moment side by side in memory order: moments of a channels_last
    convolution that come back in the default order would silently belong to other weights.
    """
    flat: dict[str, Tensor] = {}
    layout: Layout = {}
    storages: set[int] = set()
    for name, tensor in tensors.items():
        data = tensor.detach().to("cpu")
        strided = not data.is_contiguous() and _is_permuted(data.stride(), data.shape)
        layout[name] = list(data.stride()) if strided else None
        data = data.contiguous()
        if data.untyped_storage().data_ptr() in storages:  # tied weights; safetensors refuses to share
            data = data.clone()
        storages.add(data.untyped_storage().data_ptr())
        flat[name] = data
    return safetensors.torch.save(flat), layout


def from_bytes(data: bytes, layout: Layout) -> dict[str, Tensor]:
    """The inverse of `to_bytes`: same names, order, values and memory layout, on the CPU.

    Raises:
        ValueError: the bytes are not safetensors, or not those that the layout describes.
    """
    try:
        flat = safetensors.torch.load(data)
    except (safetensors.SafetensorError, AssertionError, RuntimeError, KeyError) as error:
        raise ValueError(f"not a safetensors file ({error})") from error
    if flat.keys() != layout.keys():
        raise ValueError(f"tensors missing or unknown: {sorted(flat.keys() ^ layout.keys())[:3]}")
    return {name: _strided(flat[name], strides) for name, strides in layout.items()}


def size_of(tensors: Mapping[str, Tensor]) -> int:
    """Bytes of the safetensors file of these tensors, from above: data and one header entry each."""
    entries = sum(len(json.dumps(name)) + 160 for name in tensors)
    return entries + sum(t.numel() * t.element_size() for t in tensors.values())


def _is_permuted(strides: Sequence[int], shape: Sequence[int]) -> bool:
    """Whether the elements fill their memory once, without gaps, in some order of the dimensions."""
    expected = 1
    for stride, size in sorted(zip(strides, shape, strict=True)):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True


def _strided(tensor: Tensor, strides: list[int] | None) -> Tensor:
    if strides is None:
        return tensor
    if not _is_permuted(strides, tensor.shape):
        raise ValueError(f"strides {strides} do not fit the shape {list(tensor.shape)}")
    return torch.empty_strided(tensor.shape, strides, dtype=tensor.dtype).copy_(tensor)
