"""Twins: found by their names, and equal to Python on settings that nobody chose."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from atlas_cli import catalog
from atlas_cli.diagrams import gallery, plain
from atlas_cli.diagrams.web import page as web_page
from atlas_cli.diagrams.web import twins

EVERY = [shown for family in catalog.families() for shown in gallery.explorables_of(family)]
TWINS = [shown for shown in EVERY if twins.scripts(shown)]
FOLDER = Path(twins.__file__).parents[2] / "explorables"
SETTINGS = 8  # of each twin
CLOSE = 1e-4
NUMBER = re.compile(r"(\d+\.?\d*(?:e[+-]\d+)?)")


def test_every_script_beside_a_module_is_its_twin_or_that_of_a_helper():
    found = {path for shown in TWINS for path in twins.scripts(shown)}
    assert found == {*FOLDER.rglob("*.js")}
    for path in found:
        assert path.with_suffix(".py").is_file()
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 80, path


def test_what_a_run_draws_has_no_twin():
    from dataclasses import replace

    assert twins.scripts(replace(TWINS[0], run="small-1")) == []
    assert twins.scripts(replace(TWINS[0], name="no-such-file")) == []


@pytest.mark.usefixtures("at_common_home")
@pytest.mark.parametrize("shown", TWINS, ids=lambda shown: shown.name)
def test_a_page_with_a_twin_holds_one_frame_and_lets_its_knobs_stand_anywhere(shown):
    document = web_page.page(shown)
    data = json.loads(re.findall(r'<script type="application/json">(.*?)</script>', document, re.DOTALL)[0])
    assert "packed" not in data
    for knob, plain_knob in zip(data["knobs"], shown.knobs, strict=True):
        assert {*plain_knob.values} <= {*knob["values"]}
        if plain_knob.kind != "choice":
            assert len(knob["values"]) > len(plain_knob.values)


@pytest.mark.usefixtures("at_common_home")
@pytest.mark.parametrize("shown", TWINS, ids=lambda shown: shown.name)
def test_a_twin_says_what_python_says(bench, shown, monkeypatch):
    monkeypatch.setattr(plain, "SIGNIFICANT_DIGITS", 12)  # else rounding would hide what differs
    draw, knobs = random.Random(shown.name), twins.knobs(shown)
    bench.evaluate(  # at once: a page that is loaded anew may be slow to say that it has been
        """([element, { given, first }]) => {
          document.body.innerHTML = "<figure></figure>";
          const script = document.createElement("script");
          script.textContent = new DOMParser().parseFromString(element, "text/html").scripts[0].textContent;
          document.querySelector("figure").append(script);
          window.compute = document.querySelector("figure").atlasTwin(given, first, atlas.TOOLS);
        }""",
        [twins.element(shown), twins._told(shown)],
    )
    for _ in range(SETTINGS):
        setting = {knob["name"]: draw.choice(knob["values"]) for knob in knobs}
        wanted = json.loads(json.dumps(shown.frame(setting).as_dict()))
        found = bench.evaluate("(setting) => compute(setting, {})", setting)
        assert_close(found, wanted, f"{shown.name} at {setting}")


def assert_close(found: Any, wanted: Any, where: str) -> None:
    """Numbers to 1e-4; texts to a unit of the last digit of the numbers in them."""
    if isinstance(wanted, dict):
        assert wanted.keys() <= found.keys() <= {*wanted, "own"}, where
        for name in wanted:
            assert_close(found[name], wanted[name], f"{where}: {name}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), where
        for i, (one, other) in enumerate(zip(found, wanted, strict=True)):
            assert_close(one, other, f"{where}[{i}]")
    elif isinstance(wanted, str):
        said, meant = NUMBER.split(found), NUMBER.split(wanted)
        assert said[::2] == meant[::2], where
        for one, other in zip(said[1::2], meant[1::2], strict=True):
            digits = len(other.partition("e")[0].partition(".")[2])
            assert abs(float(one) - float(other)) <= 1.01 * 10.0**-digits * max(1, abs(float(other))), where
    elif isinstance(wanted, float) and not isinstance(found, bool):
        assert abs(found - wanted) <= CLOSE * max(1, abs(wanted)), (where, found, wanted)
    else:
        assert found == wanted, where


@pytest.mark.parametrize(
    ("value", "digits"),
    [
        (0.0, 2),
        (1.0, 6),
        (0.245, 2),
        (123.456, 2),
        (1e-5, 3),
        (0.0001234, 2),
        (99.96, 3),
        (-0.5, 2),
        (1e7, 6),
    ],
)
def test_numbers_are_written_as_python_writes_them(bench, value, digits):
    assert bench.evaluate("([v, d]) => atlas.TOOLS.short(v, d)", [value, digits]) == f"{value:.{digits}g}"


@pytest.mark.parametrize("value", [0.0, 0.005, 0.125, 0.135, 0.5, 0.996, 1.0])
def test_shares_are_written_as_python_writes_them(bench, value):
    assert bench.evaluate("(v) => atlas.TOOLS.share(v)", value) == f"{value:.0%}"
