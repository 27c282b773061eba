"""YAML text to plain data with positions; what is refused, and where it says so."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest
import yaml

from atlas_cli.recipe.positions import MAX_BYTES, number_in, plain_value, read_file, read_text, read_value


def problems(text: str) -> list[str]:
    return [str(problem) for problem in read_text(text, "f").problems]


def test_every_key_value_and_item_has_its_place():
    document = read_text("a: 1\nb:\n  c: [x, 2.5]\n", "f")
    assert document.data == {"a": 1, "b": {"c": ["x", 2.5]}}
    places = {keys: (str(o.key), str(o.value)) for keys, o in document.origins.items()}
    assert places == {
        (): ("f:1:1", "f:1:1"),
        ("a",): ("f:1:1", "f:1:4"),
        ("b",): ("f:2:1", "f:3:3"),
        ("b", "c"): ("f:3:3", "f:3:6"),
        ("b", "c", 0): ("f:3:7", "f:3:7"),
        ("b", "c", 1): ("f:3:10", "f:3:10"),
    }


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_lines_count_alike_on_every_system(newline: str):
    assert str(read_text(f"a: 1{newline}b: 2{newline}", "f").origins["b",].key) == "f:2:1"


@pytest.mark.parametrize(
    "text",
    [
        "3",
        "-3",
        "0",
        "0.5",
        "2.0e-3",
        "1.5E+10",
        "-.inf",
        ".inf",
        "true",
        "False",
        "null",
        "~",
        "abc",
        "1.2.3",
        "1e-3",
    ],
)
def test_what_is_read_as_a_number_or_word_every_yaml_reader_reads_alike(text: str):
    assert plain_value(text) == yaml.safe_load(text)


def test_not_a_number_is_read():
    assert math.isnan(plain_value(".nan"))


@pytest.mark.parametrize("text", ["010", "1:30", "1_000", "yes", "on", "0x1f", "2026-11-22", "9" * 5000])
def test_what_yaml_readers_disagree_about_stays_text(text: str):
    assert read_text(f"a: {text}", "f").data == {"a": text}


@pytest.mark.parametrize(
    ("text", "written"),
    [("1e-3", "1.0e-3"), ("2E3", "2.0e+3"), ("1.5e5", "1.5e+5"), ("010", "10"), ("1_000", "1000"),
     (".5", "0.5"), ("-.5e1", "-0.5e+1"), ("0.002", "0.002"), ("5.", "5.0")],
)  # fmt: skip
def test_a_number_in_text_is_written_so_that_yaml_reads_it(text: str, written: str):
    assert number_in(text) == written
    assert plain_value(written) == float(text.replace("_", ""))


@pytest.mark.parametrize("text", ["2.14.1", "1:30", "abc", "e5", "", ".", "1e", "0x1f", "2026-11-22"])
def test_other_text_holds_no_number(text: str):
    assert number_in(text) is None


def test_the_command_line_may_write_1e_minus_3_also_within_a_list():
    assert read_value("1e-3", "--set x").data == 0.001
    assert read_value("[1e3, 2]", "--set x").data == [1000.0, 2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", ["f:3:1: a: duplicate key; the first is at 1:1"]),
        ("t:\n  x: 1\n  x: 2\n", ["f:3:3: t.x: duplicate key; the first is at 2:3"]),
        ("a:\n\tb: 1\n", ["f:2:1: a tab; write spaces"]),
        ("a:\n  b: 1\n\tc: 1\n", ["f:3:1: a tab; write spaces"]),
        ("a: !!python/name:os.system x",
         ["f:1:4: a: the tag !!python/name:os.system; a recipe holds plain values only"]),
        ("a: !own x", ["f:1:4: a: the tag !own; a recipe holds plain values only"]),
        ("a: !!int x", ["f:1:4: a: the tag !!int; a recipe holds plain values only"]),
        ("a: 1\n---\nb: 2", ["f:2:1: a second document; a file holds one recipe"]),
        ("a: b: c", ["f:1:5: not YAML: mapping values are not allowed in this context"]),
        ("a: \x07", ["f:1:4: not YAML: control characters are not allowed"]),
        ("1: x", ["f:1:1: a key must be a name, not '1'"]),
        ("? [1]\n: x", ["f:1:3: a key must be a name"]),
    ],
)  # fmt: skip
def test_what_is_refused_is_named_with_its_place(text: str, expected: list[str]):
    assert problems(text) == expected


def test_errors_of_the_text_come_together():
    assert len(problems("a: 1\na: 2\nb: !x 1\nc: &d 1\ne: *d\n1: 1\n")) == 5


def test_of_duplicate_keys_the_first_counts():
    assert read_text("a: 1\na: 2\n", "f").data == {"a": 1}


def test_a_billion_laughs_are_refused_at_once():
    levels = [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 40)]
    start = time.perf_counter()
    document = read_text("l0: &l0 [ha]\n" + "\n".join(levels), "f")
    assert time.perf_counter() - start < 1
    assert len(document.problems) == 40 + 39 * 9
    assert "the alias *l0; write the value out" in str(document.problems[2])


@pytest.mark.parametrize("opening", ["[", "{", "- ", "? "])
def test_deep_nesting_is_refused_and_breaks_nothing(opening: str):
    document = read_text(opening * 50_000, "f")
    assert not document.complete
    assert "nested more than 16 deep" in str(document.problems[-1])


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path):
    path = tmp_path / "f.yaml"
    path.write_bytes(b"a" * (MAX_BYTES + 1))
    assert [str(p) for p in read_file(path, "f").problems] == ["f:1:1: the file is larger than 256 KB"]


def test_a_byte_that_is_not_utf8_is_named_with_its_place(tmp_path: Path):
    path = tmp_path / "f.yaml"
    path.write_bytes("a: 1\né: ".encode() + b"\xff")
    document = read_file(path, "f")
    assert not document.complete
    assert [str(p) for p in document.problems] == ["f:2:4: byte 0xff is not UTF-8; save the file as UTF-8"]


def test_a_byte_order_mark_is_no_error(tmp_path: Path):
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_file(path, "f").data == {"a": 1}


def test_a_key_cannot_send_escape_codes_to_the_terminal():
    found = problems('"\\e[31mred": 1\n"\\e[31mred": 2\n')
    assert len(found) == 1
    assert found[0].isprintable()
