"""A quiz as a web page: with the script one question at a time, without it a list with answers to open."""

from __future__ import annotations

from html import escape

from atlas_cli import catalog
from atlas_cli.catalog import Family
from atlas_cli.pages import quiz
from atlas_cli.pages.html import HtmlRenderer
from atlas_cli.pages.quiz import LETTERS, Choice, Question
from atlas_cli.site.address import path_of, quiz_path, relative
from atlas_cli.site.shell import Content


def content(family: Family) -> Content:
    """The quiz of a family."""
    here = quiz_path(family)
    questions = quiz.load(family).questions
    renderer = HtmlRenderer(lambda name: "", lambda target: None, f"the quiz on {family.slug}")
    asked = "\n".join(_question(q, i, here, renderer) for i, q in enumerate(questions, start=1))
    body = f"""<article class="prose">
<header><p class="eyebrow">{family.number:02} · <a href="index.html">{escape(family.title)}</a></p>
<h1>Quiz</h1>
<p class="under">{len(questions)} questions. Guess before you know: the why comes after each answer.</p>
</header>
<form class="quiz" autocomplete="off">
<div class="progress" hidden><i></i></div>
{asked}
<p class="score" role="status"></p>
</form>
</article>"""
    about = f"{len(questions)} questions on {family.title}, each answer with its why."
    return Content(here, f"Quiz: {family.title} · atlas", about, body)


def _question(question: Question, number: int, here: str, renderer: HtmlRenderer) -> str:
    topic = catalog.resolve(question.topic)
    link = f'<a href="{relative(path_of(topic), here)}">{escape(topic.title)}</a>'
    choices = "\n".join(
        _choice(choice, f"q{number}", i, renderer) for i, choice in enumerate(question.choices)
    )
    return f"""<fieldset class="question" id="q{number}">
<legend tabindex="-1"><span class="kind">{number} · {question.kind} · {link}</span>
{renderer.inline(question.ask)}</legend>
{choices}
<details><summary>Answer</summary>{_answers(question, renderer)}</details>
</fieldset>"""


def _choice(choice: Choice, name: str, place: int, renderer: HtmlRenderer) -> str:
    right = ' data-right="1"' if choice.right else ""
    return (
        f'<label class="choice"{right}><input type="radio" name="{name}" value="{LETTERS[place]}">'
        f"<span>{renderer.inline(choice.say)}<template>{renderer.inline(choice.why)}</template></span></label>"
    )


def _answers(question: Question, renderer: HtmlRenderer) -> str:
    """What the page shows where scripts are off."""
    rows = (
        f"<li><b>{'Right.' if choice.right else 'Not quite.'}</b> {renderer.inline(choice.why)}</li>"
        for choice in question.choices
    )
    return f'<ol type="a">{"".join(rows)}</ol>'
