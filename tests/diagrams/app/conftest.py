"""An explorable that is watched while it is turned."""

from __future__ import annotations

import pytest

from tests.diagrams.app.explorables import Watched


@pytest.fixture
def watched() -> Watched:
    """Nothing of it has been computed yet."""
    return Watched()
