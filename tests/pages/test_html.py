"""Markdown to HTML."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from atlas_cli import catalog
from atlas_cli.mathematics.rewrite import FormulaError
from atlas_cli.pages.glossary import Marker
from atlas_cli.pages.html import HtmlRenderer, anchor, code_block, n_references


def renderer(pages: dict[str, str] | None = None) -> HtmlRenderer:
    return HtmlRenderer(lambda name: f"<figure>{name}</figure>", (pages or {}).get, "the test")


def render(markdown: str, n_references: int = 0) -> str:
    return renderer().render(markdown, n_references)


def test_blocks_become_their_elements():
    assert render("A *b* **c** `d` ~~e~~.") == (
        "<p>A <em>b</em> <strong>c</strong> <code>d</code> <s>e</s>.</p>"
    )
    assert render("- a\n- b\n") == "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"
    assert render("3. a\n\n4. b\n") == '<ol start="3">\n<li><p>a</p></li>\n<li><p>b</p></li>\n</ol>'
    assert render("> quoted\n") == "<blockquote>\n<p>quoted</p>\n</blockquote>"
    assert render("---\n") == "<hr>"


def test_what_looks_like_html_is_text():
    assert render("<b>x</b> & `a < b`") == "<p>&lt;b&gt;x&lt;/b&gt; &amp; <code>a &lt; b</code></p>"


def test_a_table_says_which_cells_are_heads_and_keeps_its_alignment():
    html = render("| a | b |\n|---|--:|\n| x | $n$ |\n")
    assert '<th scope="col">a</th><th scope="col" class="right">b</th>' in html
    assert '<td>x</td><td class="right"><math display="inline"><mi>n</mi></math></td>' in html


def test_no_line_ends_between_a_formula_and_its_full_stop():
    words = render("$a$ and $b$, then ($c$); *$d$* and $e$")
    held = re.findall(r'<span class="whole">(.*?)</span>', words)
    assert [re.sub("<[^>]*>", "", piece) for piece in held] == ["b,", "(c);"]


def test_mathematics_becomes_mathml():
    block = render("$$\nx_t = \\sqrt{a}\\, x_0\n$$")
    formula = ET.fromstring(block.removeprefix('<div class="formula">').removesuffix("</div>"))
    assert (formula.tag, formula.get("display")) == ("math", "block")
    assert "".join(formula.itertext()).split() == ["xt=ax0"]


def test_a_formula_that_cannot_be_converted_names_its_page():
    with pytest.raises(FormulaError, match="the test"):
        render("$\\nosuchcommand{x}$")


def test_only_numbers_of_the_list_of_references_become_links():
    assert render("Seen [1, 3], scaled to [-1, 1], [4].", 3) == (
        '<p>Seen <span class="cite">[<a href="#ref-1">1</a>, <a href="#ref-3">3</a>]</span>, '
        "scaled to [-1, 1], [4].</p>"
    )


def test_references_are_addresses():
    works = "1. One (2020). [arXiv:1](https://arxiv.org/abs/1)\n2. Two.\n"
    html = renderer().section("References", works)
    assert n_references(works) == 2
    assert '<li id="ref-1">One (2020). <a href="https://arxiv.org/abs/1">arXiv:1</a></li>' in html
    assert '<li id="ref-2">Two.</li>' in html


def test_a_section_can_be_linked_to():
    assert anchor("How it works") == "how-it-works"
    html = renderer().section("How it works", "Text.")
    assert '<section id="how-it-works"' in html
    assert '<h2 id="how-it-works-title"><a class="anchor" href="#how-it-works">How it works</a></h2>' in html


def test_a_derivation_is_folded_under_its_heading():
    assert renderer().section("Derivation", "Text.") == (
        '<section id="derivation" aria-labelledby="derivation-title">\n'
        '<h2 id="derivation-title"><a class="anchor" href="#derivation">Derivation</a></h2>\n'
        "<details><summary>Step by step</summary>\n<p>Text.</p>\n</details>\n</section>"
    )


def test_links_to_pages_are_asked_for_and_others_stay():
    known = renderer({"../flow/cfm.md": "../flow/cfm.html"})
    assert known.inline("[cfm](../flow/cfm.md)") == '<a href="../flow/cfm.html">cfm</a>'
    assert known.inline("[ddim](ddim.md)") == '<span title="atlas explain ddim">ddim</span>'
    assert known.inline("[a](https://a.org/?x=1&y=2)") == '<a href="https://a.org/?x=1&amp;y=2">a</a>'


def test_a_diagram_stands_where_the_text_asks_for_it():
    assert render("One.\n\n{{ diagram training-step }}\n") == "<p>One.</p>\n<figure>training-step</figure>"


def test_code_is_marked_and_can_be_copied_unchanged():
    code = 'def f(x):  # half\n    return "a" if x < 0.5 else x'
    root = ET.fromstring(code_block(code, "python"))
    assert "".join(root.itertext()) == code
    marked = [(span.get("class"), span.text) for span in root.iter("span")]
    assert marked == [
        ("k", "def"), ("n", "f"), ("c", "# half"), ("k", "return"), ("s", '"a"'), ("k", "if"), ("d", "0.5"),
        ("k", "else"),
    ]  # fmt: skip


def test_code_of_no_language_is_left_alone():
    assert code_block("1 < 2", "") == '<pre class="code "><code>1 &lt; 2</code></pre>'


def marked(markdown: str, section: str | None = None) -> str:
    marker = Marker(catalog.resolve("gan"), lambda term, text: f"<{text}|{term.word}>")
    words = HtmlRenderer(lambda name: "", lambda target: target, "the test", marker=marker)
    if section is None:
        return words.render(markdown)
    return words.section(section, markdown) + words.section("After", markdown)


def test_a_word_is_marked_in_running_text_and_across_the_end_of_a_line():
    assert marked("The KL\ndivergence & a *logit*.\n\n- A logit.") == (
        "<p>The <KL\ndivergence|KL divergence> &amp; a <em><logit|logit></em>.</p>\n"
        "<ul>\n<li>A logit.</li>\n</ul>"
    )
    assert "<td><FID|FID></td>" in marked("| a | b |\n|---|---|\n| FID | x |")


def test_headings_links_code_and_formulas_hold_no_mark_and_use_none_up():
    text = "### A logit\n\n[A logit](../gan/gan.md), `logit`, $logit$\n\n```text\nlogit\n```\n\nA logit."
    html = marked(text)
    assert html.count("|") == 1
    assert html.endswith("<p>A <logit|logit>.</p>")


def test_what_is_folded_or_a_reference_uses_no_mark_up():
    assert marked("A logit.", "Derivation").count("<logit|logit>") == 2
    assert marked("1. A logit.", "References").count("<logit|logit>") == 1
