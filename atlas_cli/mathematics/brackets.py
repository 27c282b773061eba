"""Which brackets and bars of a row belong together."""

from __future__ import annotations

from atlas_cli.mathematics.nodes import Atom, Fenced, Node, Row, Script


def matched(items: list[Node]) -> list[Node]:
    """Brackets that belong together become one part with what is between them, and can grow with it."""
    done: list[Node] = []
    opened: list[int] = []
    for item in items:
        sign = _sign(item)
        if sign and sign.kind == "close" and opened:
            _close(done, opened.pop(), item)
            continue
        if isinstance(item, Atom) and item.kind == "open":
            opened.append(len(done))
        done.append(item)
    return _matched_bars(done)


def _matched_bars(items: list[Node]) -> list[Node]:
    """The same for bars that come in pairs: |x| and ‖x‖. The single bar of p(x|z) stays what it is."""
    for text in ("|", "‖"):
        bars = [item for item in items if _is_bar(_sign(item), text)]
        if len(bars) % 2 or not all(isinstance(bar, Atom) for bar in bars[::2]):
            continue
        done: list[Node] = []
        start = -1
        for item in items:
            if not any(item is bar for bar in bars):
                done.append(item)
            elif start < 0:
                start = len(done)
                done.append(item)
            else:
                _close(done, start, item)
                start = -1
        items = done
    return items


def _close(done: list[Node], start: int, end: Node) -> None:
    """Replace what began at `start` by one part that ends with `end`, a delimiter perhaps with scripts."""
    left, right = done[start], _sign(end)
    assert isinstance(left, Atom)
    assert right is not None
    fenced = Fenced(left, Row(_matched_bars(done[start + 1 :])), right)
    if isinstance(end, Script):
        end.base = fenced
    done[start:] = [end if isinstance(end, Script) else fenced]


def _is_bar(sign: Atom | None, text: str) -> bool:
    return sign is not None and sign.kind == "fence" and sign.text == text


def _sign(item: Node) -> Atom | None:
    sign = item.base if isinstance(item, Script) else item
    return sign if isinstance(sign, Atom) else None
