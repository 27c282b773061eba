"""An SVG file of ours as a PNG picture, for slides and papers.

The letters are those of the fonts that matplotlib brings along and no others, so that a picture comes out
the same on every machine, whatever is installed there.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from atlas_cli.errors import EnvironmentFault

SCALE = 2  # pixels of the picture for one of the file: crisp on a large screen
_SANS, _MONO = "DejaVu Sans", "DejaVu Sans Mono"
_FONTS = "DejaVuSans*.ttf"


def png(svg: str) -> bytes:
    """The picture, in the colours that the file has without media queries.

    Raises:
        EnvironmentFault: what draws it is not installed.
    """
    try:
        import resvg_py
    except ImportError as error:
        raise EnvironmentFault(
            "PNG needs the package resvg-py, which is not installed",
            "pip install resvg-py, or write SVG: --format svg",
        ) from error
    drawn: bytes = resvg_py.svg_to_bytes(
        svg_string=svg, zoom=SCALE, skip_system_fonts=True, font_files=[str(path) for path in fonts()],
        sans_serif_family=_SANS, monospace_family=_MONO,
    )  # fmt: skip
    return bytes(drawn)


def fonts() -> list[Path]:
    """The files of the letters; matplotlib itself is not imported, which takes a second.

    Raises:
        EnvironmentFault: they are not where matplotlib has them.
    """
    found = find_spec("matplotlib")
    folders = found.submodule_search_locations if found is not None else None
    fonts = [p for f in folders or () for p in sorted(Path(f, "mpl-data", "fonts", "ttf").glob(_FONTS))]
    if not fonts:
        raise EnvironmentFault(
            "PNG needs the fonts of matplotlib, which are not installed",
            "pip install matplotlib, or write SVG: --format svg",
        )
    return fonts
