import unicodedata
from collections import Counter

import pytest
from rich.cells import cell_len

from atlas_cli.mathematics import text
from atlas_cli.mathematics.rewrite import FormulaError
from tests.mathematics import golden

FORMULAS = {entry.name: entry for entry in golden.read()}
each_formula = pytest.mark.parametrize("entry", FORMULAS.values(), ids=FORMULAS.keys())


def letters(text: str) -> Counter[str]:
    """Letters and digits without position, accent or alphabet."""
    return Counter(sign for sign in unicodedata.normalize("NFKD", text) if sign.isalnum())


def test_there_are_formulas_enough():
    assert len(FORMULAS) >= 40


@each_formula
def test_golden(entry):
    assert text.inline(entry.tex) == entry.inline
    assert text.block(entry.tex, golden.WIDTH) == entry.block


@each_formula
@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize("width", [24, 40, 60, 80, 140])
def test_rows_keep_to_the_width_and_lose_no_letter(entry, width, ascii):
    rows = text.block(entry.tex, width, ascii=ascii)
    assert max(cell_len(row) for row in rows) <= width
    assert letters("".join(rows)) >= letters("".join(text.block(entry.tex, 1000, ascii=ascii))) - ROOTS


ROOTS = Counter("sqrt" * 9 + "C" * 9)  # a tall root and a binomial have a sign in place of their ASCII name


@each_formula
def test_one_line_has_the_letters_of_the_rows(entry):
    line, rows = letters(text.inline(entry.tex)), letters("".join(text.block(entry.tex, 1000)))
    assert line - rows <= Counter("C")  # C(n, k)
    assert rows - line == Counter()


@each_formula
def test_ascii_is_ascii(entry):
    assert text.inline(entry.tex, ascii=True).isascii()
    assert "".join(text.block(entry.tex, 80, ascii=True)).isascii()


@each_formula
def test_every_sign_fills_one_column(entry):
    signs = entry.inline + "".join(entry.block)
    assert [s for s in signs if not unicodedata.combining(s) and cell_len(s) != 1] == []


@pytest.mark.parametrize(
    ("tex", "line"),
    [
        ("x^10", "x¹ 0"),  # TeX raises the first digit alone
        ("a-b", "a − b"),
        ("-a", "−a"),
        ("f(-x)", "f(−x)"),
        ("x=-1", "x = −1"),
        (r"\log -x", "log −x"),
        ("a,b", "a, b"),
        (r"\frac{a+b}{c}", "(a + b)/c"),
        (r"\frac{a}{bc}", "a/(bc)"),
        (r"\frac{p(x)}{q(x)}", "p(x)/q(x)"),
        (r"\frac{x}{T(1-x)}", "x/(T(1 − x))"),  # perhaps a product, so it keeps its brackets
        (r"\frac12 x", "(1/2) x"),
        (r"\frac{\frac{a}{b}}{c}", "(a/b)/c"),
        (r"\sqrt{x}y", "√x y"),
        (r"\sqrt[3]{a+b}", "³√(a + b)"),
        ("x_ty_t", "xₜ yₜ"),
        (r"p_\theta x", "p_θ x"),
        ("x_{t-1}", "xₜ₋₁"),
        (r"x_{\text{max}}", "x_max"),
        ("e^{-x/2}", "e^(−x/2)"),
        ("x'", "x′"),
        ("x''_t", "xₜ′′"),
        ("(a+b)^2", "(a + b)²"),
        ("{(a)}", "(a)"),
        (r"\{a, b\}", "{a, b}"),
        ("[0, 1)", "[0, 1)"),
        (r"p(x|z) + p(y|z)", "p(x|z) + p(y|z)"),  # two single bars are no pair
        (r"\overline{ab}", "bar(ab)"),
        (r"\hat{x}_0", "x̂₀"),
        (r"\mathbf{x}^\top \boldsymbol{\mu}", "𝐱ᵀ 𝛍"),
        (r"\argmin_x f(x)", "arg minₓ f(x)"),
        (r"\E_x[\KL]", "𝔼ₓ[D_KL]"),
        ("", ""),
    ],
)
def test_one_line(tex, line):
    assert text.inline(tex) == line


def test_brackets_grow_with_fractions_but_not_with_scripts():
    assert text.block(r"\left(\frac{a}{b}\right)^2", 80) == ["⎛ a ⎞²", "⎜───⎟", "⎝ b ⎠"]
    assert text.block(r"\left(p_\theta\right)", 80) == ["(p )", "  θ"]


def test_a_wide_formula_breaks_before_relations_then_before_plus():
    tex = "aaaaaaaa = bbbbbbbb + cccccccc + dddddddd"
    assert text.block(tex, 30) == ["aaaaaaaa = bbbbbbbb + cccccccc", "    + dddddddd"]
    assert text.block("aaaaaaaa = bbbbbbbb + cccccccc", 26) == ["aaaaaaaa", "    = bbbbbbbb + cccccccc"]
    assert text.block("-D = a", 80) == ["−D = a"]  # the first sign is no plus between two things


def test_a_script_without_small_characters_gets_a_row_of_its_own():
    assert text.block("a_{i,j}^{(k)}", 80) == ["a⁽ᵏ⁾", " i,j"]
    assert text.block(r"x_t^\theta", 80) == [" θ", "xₜ"]
    assert text.block(r"x_\phi^\theta", 80) == [" θ", "x", " φ"]


@pytest.mark.parametrize(
    ("tex", "reason"),
    [
        (r"\frobnicate x", r"\frobnicate"),
        (r"\frac{a}{b", "}"),
        (r"a }", "}"),
        (r"\left( a", r"\right"),
        ("x_a_b", "two subscripts"),
        (r"\begin{tikzpicture}\end{tikzpicture}", "tikzpicture"),
        (r"\begin{cases} a \end{matrix}", "matrix"),
        ("x^", "argument"),
    ],
)
def test_what_cannot_be_drawn_is_named_with_its_page(tex, reason):
    for draw in (lambda: text.inline(tex, page="ddpm"), lambda: text.block(tex, 80, page="ddpm")):
        with pytest.raises(FormulaError) as error:
            draw()
        assert reason in error.value.what
        assert "ddpm" in error.value.what
        assert tex in error.value.what
        assert error.value.code == 2
