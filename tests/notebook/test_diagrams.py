"""Diagrams in a notebook: whole, before anything has run, and as they are when their cells have run."""

from __future__ import annotations

import html
import re
from base64 import b64decode
from pathlib import Path

import pytest

from atlas_cli import reading
from tests.notebook.house import notebook

ROOT = Path(__file__).resolve().parents[2]
_FRAME = re.compile(r"srcdoc='([^']*)'")
_STILL = re.compile(r'<img [^>]*src="data:image/svg\+xml;base64,([^"]+)"')


@pytest.mark.usefixtures("at_common_home")
def test_a_diagram_stands_there_before_anything_has_run() -> None:
    made = notebook("rope", "smoke")
    (outputs,) = (cell.outputs for cell in made.cells if cell.source == 'api.diagram("rope", "rope")')
    shown, drawing = outputs[0].data["text/html"], reading.diagram("rope", "rope")
    assert html.unescape(_FRAME.search(shown)[1]) == drawing.html()  # type: ignore[index]
    assert b64decode(_STILL.search(shown)[1]).decode() == drawing.svg()  # type: ignore[index]
    assert shown == drawing._repr_html_()  # as when the cell has run
    assert str(ROOT) not in shown
