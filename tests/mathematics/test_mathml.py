import re
import unicodedata
import xml.etree.ElementTree as ElementTree

import pytest

from atlas_cli.mathematics import mathml, text
from atlas_cli.mathematics.rewrite import FormulaError
from tests.mathematics import golden

FORMULAS = {entry.name: entry for entry in golden.read()}
each_formula = pytest.mark.parametrize("entry", FORMULAS.values(), ids=FORMULAS.keys())
LOOKALIKES = str.maketrans({"ϵ": "ε", "ϕ": "φ", "𝜖": "ε", "𝜙": "φ", "⊤": "T"})
SCRIPTS = ("msub", "msup", "msubsup", "munder", "mover", "munderover")


def letters(text: str) -> set[str]:
    return {s for s in unicodedata.normalize("NFKD", text.translate(LOOKALIKES)) if s.isalnum()}


def names(element: ElementTree.Element) -> list[str]:
    return [part.tag for part in element.iter()]


@each_formula
@pytest.mark.parametrize("convert", [mathml.inline, mathml.block])
def test_well_formed_and_complete(entry, convert):
    element = ElementTree.fromstring(convert(entry.tex))
    assert element.tag == "math"
    assert element.get("display") == ("block" if convert is mathml.block else "inline")
    assert "merror" not in names(element)
    assert letters("".join(element.itertext())) >= letters("".join(text.block(entry.tex, 1000)))


@each_formula
def test_structure_follows_the_tex(entry):
    parts = names(ElementTree.fromstring(mathml.block(entry.tex)))
    assert parts.count("mfrac") == len(re.findall(r"\\[td]?frac|\\binom", entry.tex))
    assert parts.count("msqrt") == entry.tex.count(r"\sqrt")
    assert parts.count("mtable") == entry.tex.count(r"\begin")
    scripted = sum(parts.count(name) for name in SCRIPTS)
    marks = len(re.findall(r"[_^']", entry.tex))
    both = parts.count("msubsup") + parts.count("munderover")
    accents = len(re.findall(r"\\(?:bar|hat|tilde|dot|underbrace)\b", entry.tex))
    assert scripted + both == marks + accents


def test_a_formula_that_cannot_be_converted_is_named_with_its_page():
    with pytest.raises(FormulaError, match=r"ddpm.*frobnicate"):
        mathml.block(r"\frobnicate x", page="ddpm")


@pytest.mark.parametrize("tex", [r"\argmin_x", r"\E_x", r"\R^d", r"\bm{x}", r"\KL", r"\softmax"])
def test_both_renderers_know_the_commands_of_the_project(tex):
    ElementTree.fromstring(mathml.inline(tex))
    assert text.inline(tex)


def test_a_dot_keeps_clear_of_the_letter_below():
    assert mathml.inline(r"\dot{h}").count("padding-bottom") == 1
