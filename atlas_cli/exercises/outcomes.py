"""What a function makes of an exercise's cases, in a form in which two functions can be compared."""

from __future__ import annotations

import dataclasses
import math
import types
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function

CASES = 6
_RELATIVE, _ABSOLUTE = 1e-4, 1e-5  # float32 adds in another order

Leaf = tuple[str, Any]  # where it is in an answer, and what stands there


class Outcome(NamedTuple):
    """Of one case.

    Attributes:
        answer: What the function gave.
        slopes: The derivatives of a fixed sum of its numbers by the inputs; None: it has none.
        inputs: The inputs after the call.
        error: The exception in its place.
    """

    answer: list[Leaf]
    slopes: list[Leaf] | None
    inputs: list[Leaf]
    error: Exception | None = None


def outcomes(function: Function, exercise: Exercise, cases: int = CASES) -> list[Outcome]:
    """Of every case, in order."""
    return [outcome(function, exercise, number) for number in range(cases)]


def outcome(function: Function, exercise: Exercise, number: int) -> Outcome:
    """Of one case; the inputs are drawn anew for each call."""
    inputs = _inputs(exercise, number)
    try:
        answer = [(place, _copy(value)) for place, value in leaves(function(*inputs))]
    except Exception as error:
        return Outcome([], None, [], error)
    return Outcome(answer, _slopes(function, exercise, number), list(leaves(inputs)))


def _slopes(function: Function, exercise: Exercise, number: int) -> list[Leaf] | None:
    inputs = _inputs(exercise, number)
    wanted = [tensor for _, tensor in leaves(inputs) if _can_learn(tensor)]
    for tensor in wanted:
        tensor.requires_grad_(True)
    if not wanted:
        return None
    try:
        with warnings.catch_warnings():  # a schedule that is read as a number has no derivative
            warnings.simplefilter("ignore")
            given = [value for _, value in leaves(function(*inputs)) if _can_learn(value)]
        weigh = torch.Generator().manual_seed(number)
        parts = [(value * torch.randn(value.shape, generator=weigh)).sum() for value in given]
        learning = [part for part in parts if part.requires_grad]
        if not learning:
            return None
        slopes = torch.autograd.grad(sum(learning[1:], learning[0]), wanted, allow_unused=True)
    except Exception:  # no gradient flows: the check of gradients says so
        return None
    filled = (torch.zeros_like(t) if s is None else s for t, s in zip(wanted, slopes, strict=True))
    return [(f"input {i}", slope) for i, slope in enumerate(filled)]


def _inputs(exercise: Exercise, number: int) -> tuple[Any, ...]:
    """The same for every function, and so is what it may draw itself: layers begin with random weights."""
    torch.manual_seed(number)
    inputs = exercise.inputs(Draw(number))
    torch.manual_seed(number)
    return inputs


def _can_learn(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def leaves(value: Any, place: str = "") -> Iterator[Leaf]:
    """The numbers, tensors and texts in an answer, each with its place; other things are passed over."""
    if value is None or isinstance(value, (Tensor, bool, int, float, complex, str)):
        yield place, value
        return
    for name, inner in _parts(value):
        yield from leaves(inner, f"{place}.{name}")


def _parts(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, nn.Module):
        return value.state_dict(keep_vars=True).items()
    if isinstance(value, dict):
        return value.items()
    if isinstance(value, (list, tuple)):
        return zip(getattr(value, "_fields", range(len(value))), value, strict=True)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)]
    return vars(value).items() if isinstance(value, types.SimpleNamespace) else ()


def _copy(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value


def same(left: Sequence[Leaf] | None, right: Sequence[Leaf] | None) -> bool:
    """Whether two answers are equal up to rounding."""
    if left is None or right is None:
        return left is right
    return shapes(left) == shapes(right) and all(
        close(a, b) for (_, a), (_, b) in zip(left, right, strict=True)
    )


def close(left: Any, right: Any) -> bool:
    """Whether two values are equal up to rounding; a number and a tensor that holds it are."""
    if isinstance(left, (str, type(None))) or isinstance(right, (str, type(None))):
        return bool(left == right)
    a, b = (torch.as_tensor(value).detach() for value in (left, right))
    if a.shape != b.shape:
        return False
    wide = _wide(a, b)
    return torch.allclose(a.to(wide), b.to(wide), _RELATIVE, _ABSOLUTE, equal_nan=True)


def _wide(a: Tensor, b: Tensor) -> torch.dtype:
    """Numbers in which both can be subtracted."""
    return torch.complex128 if a.is_complex() or b.is_complex() else torch.float64


def apart(left: Sequence[Leaf], right: Sequence[Leaf]) -> float:
    """The largest difference of two answers of the same shapes."""
    most = 0.0
    for (_, a), (_, b) in zip(left, right, strict=True):
        if isinstance(a, (str, type(None))):
            continue
        mine, theirs = (torch.as_tensor(value).detach() for value in (a, b))
        differs = (mine.to(_wide(mine, theirs)) - theirs.to(_wide(mine, theirs))).abs()
        most = max(most, float(differs.max()) if differs.numel() else 0.0)
    return most if math.isfinite(most) else math.inf


def shapes(answer: Sequence[Leaf]) -> str:
    """The shapes in an answer, in words."""
    return ", ".join(_shape(value) for _, value in answer)


def _shape(value: Any) -> str:
    if isinstance(value, Tensor):
        kind = "" if value.is_floating_point() else f" {str(value.dtype).removeprefix('torch.')}"
        return f"({', '.join(map(str, value.shape))}){kind}" if value.dim() else "a number"
    return "nothing" if value is None else "text" if isinstance(value, str) else "a number"


def alike(left: Outcome, right: Outcome) -> bool:
    """Whether two functions did the same in a case: answer, derivatives, inputs left behind, or the error."""
    if left.error is not None or right.error is not None:
        return said(left.error) == said(right.error)
    return (
        same(left.answer, right.answer)
        and same(left.slopes, right.slopes)
        and same(left.inputs, right.inputs)
    )


def said(error: BaseException | None) -> str:
    """An error in one line."""
    if error is None:
        return ""
    whole = error.msg if isinstance(error, SyntaxError) else str(error)  # whose text repeats file and line
    text = whole.strip().splitlines()
    return f"{type(error).__name__}: {text[0][:200]}" if text else type(error).__name__
