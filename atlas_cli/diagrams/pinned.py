"""Pinned runs: what one trained network showed, kept with the atlas, so that nobody has to train it first.

content/<family>/pinned/<diagram>.json holds every frame of a diagram that only a run can draw, packed as a
page has them, and where they are from. `make pins` (pages/pinning.py) writes such a file from a run of one of
the atlas's own recipes; another one is found because it is there. A pin whose recipe, code or drawing has
changed since is still shown, as of its date, and `atlas recipe stale` names it.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from atlas_cli import files, paths, shelf
from atlas_cli.diagrams.frames import Explorable, Frame, Knob, Value
from atlas_cli.diagrams.origins import FOLDER, Origin, damaged

_FIRST_LETTER = 48  # see diagrams/web/frames.py
_PACKAGE = Path(__file__).resolve().parents[1]


class Pin(NamedTuple):
    """A diagram's pinned run.

    Attributes:
        origin: The network.
        knobs: The values that each knob keeps.
        drawn_by: Digests of the explorable's file and of the helpers beside it.
        packed: The frames; see `Explorable.packed`.
        digest: Of `packed`.
    """

    origin: Origin
    knobs: dict[str, list[Value]]
    drawn_by: dict[str, str]
    packed: str
    digest: str

    def as_text(self) -> str:
        """As its file holds it."""
        document = {**self._asdict(), "origin": self.origin._asdict()}
        return json.dumps(document, indent=0, ensure_ascii=False) + "\n"


def path(explorable: Explorable) -> Path:
    """Where an explorable's pin lies, if it has one."""
    return paths.content_dir() / explorable.family / FOLDER / f"{explorable.name}.json"


def read(file: Path) -> Pin | None:
    """The pin of a file; None where there is no such file.

    Raises:
        DataError: it holds something else.
    """
    if not file.is_file():
        return None
    try:
        held = json.loads(files.read(file))
        return Pin(**{**held, "origin": Origin(**held["origin"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(file, str(error)) from error


def drawn(explorable: Explorable) -> Explorable:
    """The explorable with the frames of its pinned run, where it needs a run and has a pin that fits it.

    A knob of which one value is left is none.
    """
    pin = read(path(explorable)) if explorable.needs_run else None
    if pin is None or not fits(explorable, pin):
        return explorable
    knobs = tuple(replace(knob, values=tuple(pin.knobs[knob.name]), open=False) for knob in explorable.knobs)
    turned = tuple(knob for knob in knobs if len(knob.values) > 1)
    return replace(
        explorable, knobs=turned, compute=_lookup(path(explorable), pin, knobs), packed=pin.packed,
        fingerprint=pin.digest, unpinned=explorable,
    )  # fmt: skip


def fits(explorable: Explorable, pin: Pin) -> bool:
    """Whether the pin has the explorable's knobs, with values that these have and their defaults."""
    return [*pin.knobs] == [knob.name for knob in explorable.knobs] and all(
        set(pin.knobs[knob.name]) <= set(knob.values) and knob.default in pin.knobs[knob.name]
        for knob in explorable.knobs
    )


def _lookup(file: Path, pin: Pin, knobs: tuple[Knob, ...]) -> Callable[..., Frame]:
    @cache
    def frames() -> Packed:
        if shelf.digest(pin.packed) != pin.digest:
            raise damaged(file, "its frames are not those that were written")
        try:
            held = Packed(pin.packed)
        except (ValueError, KeyError, zlib.error) as error:
            raise damaged(file, str(error)) from error
        if len(held) != prod(len(knob.values) for knob in knobs):
            raise damaged(file, "frames are missing")
        return held

    def looked_up(**setting: Value) -> Frame:
        from atlas_cli.diagrams.frame_cache import from_dict

        at = 0
        for knob in knobs:
            at = at * len(knob.values) + knob.values.index(setting.get(knob.name, knob.default))
        try:
            frame = frames()[at]
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise damaged(file, str(error)) from error
        return from_dict(frame)

    return looked_up


class Packed:
    """Frames as diagrams/web/frames.py packed them, the last knob turning fastest.

    A frame is filled when it is asked for: a page shows one of hundreds.
    """

    def __init__(self, packed: str) -> None:
        data = json.loads(zlib.decompress(base64.b64decode(packed)))
        self._frames, self._arrays = data["frames"], data["arrays"]

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, at: int) -> Any:
        return self._filled(self._frames[at])

    def _filled(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "array" in value:
            return _undone(**self._arrays[value["array"]])
        return {name: self._filled(item) for name, item in value.items()}


def _undone(
    shape: list[int],
    low: float,
    step: float,
    letters: str = "",
    stride: int = 1,
    differences: Sequence[int] = (),
) -> list[Any]:
    """From letters, or differences of whole numbers, to numbers, nested as they were."""
    whole = [ord(letter) - _FIRST_LETTER for letter in letters] or list(differences)
    for i in range(len(whole) if letters else stride, len(whole)):
        whole[i] += whole[i - stride]
    values: list[Any] = [low + number * step for number in whole]
    for length in reversed(shape[1:]):
        values = [values[i : i + length] for i in range(0, len(values), length)]
    return values


def drawing(explorable: Explorable) -> dict[str, str]:
    """Digests of what the explorable's own file computes, and the helpers of explorables that it imports."""
    from atlas_cli.diagrams import shipped
    from atlas_cli.engine.staleness import computed

    room = _PACKAGE / "explorables"
    named = room / explorable.family / f"{explorable.name.replace('-', '_')}.py"
    sources = (source for source in shipped.sources(named) if source.is_relative_to(room))
    return {s.relative_to(room).as_posix(): shelf.digest(computed(s.read_text("utf-8"))) for s in sources}


def labelled(explorable: Explorable, origin: Origin) -> Explorable:
    """The explorable with the origin of its network at the end of every caption."""
    compute = explorable.compute
    assert compute is not None  # of a run by now

    def told(**setting: Value) -> Frame:
        frame = compute(**setting)
        return replace(frame, caption=f"{frame.caption} The network: {origin.told}.")

    return replace(explorable, compute=told)


def anew(knobs: Mapping[str, Knob], frame: Callable[[dict[str, Value]], Any]) -> dict[str, list[Value]]:
    """Of each knob the values that show what none before them did, the others at their defaults."""
    kept: dict[str, list[Value]] = {}
    for name, knob in knobs.items():
        shown: list[Any] = []
        kept[name] = []
        for value in knob.values:
            drawn = frame({name: value})
            if drawn not in shown or value == knob.default:
                shown.append(drawn)
                kept[name].append(value)
    return kept
