"""A user's picture: the same drawing whatever its size and colours; and the hint for what is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from atlas_cli.data import drawing
from atlas_cli.data.drawing import read_drawing
from atlas_cli.errors import DataError

PEN, SIZE = 24, 28


def seven(size: tuple[int, int], paper: object, pen: object, mode: str = "RGB") -> Image.Image:
    """A seven somewhere in a picture, 200 x 300 px with its pen."""
    image = Image.new(mode, size, paper)
    ImageDraw.Draw(image).line([(100, 80), (276, 80), (180, 356)], pen, PEN, joint="curve")
    return image


def read(tmp_path: Path, image: Image.Image, name: str = "a.png", **options: object) -> np.ndarray:
    image.save(tmp_path / name, **options)
    return read_drawing(tmp_path / name, SIZE)


@pytest.fixture
def reference(tmp_path: Path) -> np.ndarray:
    return read(tmp_path, seven((500, 500), "white", "black"), "reference.png")


@pytest.mark.parametrize(
    ("mode", "paper", "pen"),
    [
        ("L", 0, 255),
        ("L", 200, 60),
        ("1", 1, 0),
        ("RGB", (30, 60, 200), (250, 220, 40)),
        ("RGB", (0, 150, 0), (255, 0, 0)),
        ("RGB", (0, 0, 0), (0, 0, 70)),
        ("RGBA", (0, 0, 0, 0), (10, 10, 10, 255)),
        ("RGBA", (255, 255, 255, 0), (240, 240, 255, 255)),
        ("I;16", 60_000, 1_000),
    ],
)
def test_paper_and_pen_may_have_any_colours(
    tmp_path: Path, reference: np.ndarray, mode: str, paper: object, pen: object
) -> None:
    drawing = read(tmp_path, seven((500, 500), paper, pen, mode))
    np.testing.assert_allclose(drawing, reference, atol=0.02)


def test_a_picture_with_a_palette(tmp_path: Path, reference: np.ndarray) -> None:
    drawing = read(tmp_path, seven((500, 500), "ivory", "navy").convert("P"))
    np.testing.assert_allclose(drawing, reference, atol=0.02)


def test_place_and_size_of_the_picture_do_not_matter(tmp_path: Path, reference: np.ndarray) -> None:
    large = seven((900, 420), "white", "black")
    np.testing.assert_array_equal(read(tmp_path, large), reference)
    doubled = seven((500, 500), "white", "black").resize((1000, 1000), Image.Resampling.NEAREST)
    np.testing.assert_allclose(read(tmp_path, doubled), reference, atol=0.1)


def test_the_ink_fits_the_box_and_its_mass_lies_in_the_middle(tmp_path: Path) -> None:
    bar = Image.new("L", (400, 300), 255)
    bar.paste(0, (20, 30, 120, 70))  # 100 x 40 px
    drawing = read(tmp_path, bar)
    assert drawing.shape == (SIZE, SIZE)
    assert np.argwhere(drawing > 0.5).min(0).tolist() == [10, 4]
    assert np.argwhere(drawing > 0.5).max(0).tolist() == [17, 23]


def test_a_picture_of_the_right_size_is_taken_as_it_stands(tmp_path: Path) -> None:
    dot = Image.new("L", (SIZE, SIZE), 255)
    dot.putpixel((3, 5), 0)
    drawing = read(tmp_path, dot)
    assert np.argwhere(drawing).tolist() == [[5, 3]]


def test_a_hair_line_keeps_its_ink_and_the_grain_of_paper_goes(tmp_path: Path) -> None:
    page = Image.new("L", (800, 800), 235)
    grain = np.asarray(page) + np.random.default_rng(0).integers(-12, 13, (800, 800))
    page = Image.fromarray(grain.astype(np.uint8))
    ImageDraw.Draw(page).ellipse((100, 100, 700, 700), None, 40, 3)
    drawing = read(tmp_path, page)
    assert drawing.max() == 1
    assert drawing[12:16, 12:16].max() == 0
    assert (drawing > 0.3).sum() > 40


def test_a_photograph_is_turned_upright(tmp_path: Path, reference: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    lying = seven((500, 500), "white", "black").transpose(Image.Transpose.ROTATE_90)
    np.testing.assert_allclose(read(tmp_path, lying, exif=exif), reference, atol=0.1)


@pytest.mark.parametrize("colour", [255, 0, 128])
def test_empty_paper_is_an_error(tmp_path: Path, colour: int) -> None:
    with pytest.raises(DataError, match="nothing is drawn") as error:
        read(tmp_path, Image.new("L", (50, 50), colour))
    assert error.value.code == 3
    assert "pen" in error.value.hint


def test_a_file_that_is_no_picture_is_an_error_that_names_it(tmp_path: Path) -> None:
    seven((500, 500), "white", "black").save(tmp_path / "whole.png")
    whole = (tmp_path / "whole.png").read_bytes()
    for name, content in (("cut.png", whole[: len(whole) // 2]), ("text.png", b"hello"), ("empty.png", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=name) as error:
            read_drawing(tmp_path / name, SIZE)
        assert "PNG" in error.value.hint
    for missing in (tmp_path / "none.png", tmp_path):
        with pytest.raises(DataError, match=r"No such file|directory|Permission"):
            read_drawing(missing, SIZE)


def test_a_picture_too_large_to_open_safely_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    with pytest.raises(DataError, match="too many pixels"):
        read(tmp_path, Image.new("L", (120, 120)))


def test_a_few_bytes_that_claim_a_wall_of_pixels_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "wall.gif"
    Image.new("L", (24, 24), 255).save(path)
    content = bytearray(path.read_bytes())
    content[6:10] = (14_136).to_bytes(2, "little") + (6_241).to_bytes(2, "little")
    path.write_bytes(content)
    with pytest.raises(DataError, match="too many pixels"):
        read_drawing(path, 28)


def test_a_photograph_is_averaged_down_before_its_ink_is_looked_for(
    tmp_path: Path, reference: np.ndarray
) -> None:
    path = tmp_path / "photograph.png"
    seven((500, 500), "white", "black").resize((5000, 5000), Image.Resampling.NEAREST).save(path)
    assert max(drawing._pixels(path).size) <= drawing.LONGEST_SIDE
    assert np.abs(read_drawing(path, SIZE) - reference).mean() < 0.02
