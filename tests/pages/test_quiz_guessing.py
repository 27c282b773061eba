"""What somebody who has read nothing earns in the quizzes, by length, place or word: about chance."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest

from atlas_cli.pages import quiz
from atlas_cli.pages.quiz import Choice, Question

CHANCE, OVER_ALL, OVER_A_FAMILY = 0.25, 0.35, 0.60
WORDS = (
    "since", "because", "as", "always", "never", "only", "all", "both", "every", "none", "no", "not",
    "nothing", "whatever", "still", "nearly", "may", "can", "which", "so",
)  # fmt: skip

Guess = Callable[
    [Question, list[int]], list[int]
]  # a question and the places that were right before: places to pick


def by_rank(measure: Callable[[str], int], rank: int) -> Guess:
    """The choice with so many longer ones before it; where lengths tie, any of those that tie."""

    def guess(question: Question, before: list[int]) -> list[int]:
        sizes = [measure(choice.say.strip()) for choice in question.choices]
        wanted = sorted(sizes, reverse=True)[rank]
        return [i for i, size in enumerate(sizes) if size == wanted]

    return guess


def by_place(places: Callable[[list[int]], Sequence[int]]) -> Guess:
    """A place that follows from what was right before."""
    return lambda question, before: [i for i in places(before) if i < len(question.choices)]


def by_score(score: Callable[[Question, int], float]) -> Guess:
    """The choices of the highest score."""

    def guess(question: Question, before: list[int]) -> list[int]:
        scores = [score(question, i) for i in range(len(question.choices))]
        return [i for i, value in enumerate(scores) if value == max(scores)]

    return guess


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


def shared_with_others(question: Question, place: int) -> float:
    own = words(question.choices[place].say)
    others = [words(choice.say) for i, choice in enumerate(question.choices) if i != place]
    return sum(len(own & other) for other in others) / max(len(own), 1)


def counted(before: list[int], best: Callable) -> list[int]:
    counts = Counter({i: before.count(i) for i in range(4)})
    return [i for i, count in counts.items() if count == best(counts.values())]


def strategies() -> Iterator[tuple[str, Guess]]:
    for name, measure in (("characters", len), ("words", lambda text: len(text.split()))):
        for rank, place in enumerate(("longest", "second longest", "second shortest", "shortest")):
            yield f"{place} in {name}", by_rank(measure, rank)
    for place in range(4):
        yield f"letter {quiz.LETTERS[place]}", by_place(lambda before, place=place: [place])
    for back in range(1, 6):
        yield f"letter of {back} ago", by_place(lambda before, back=back: before[-back:][:1])
        yield (
            f"letter after that of {back} ago",
            by_place(lambda before, back=back: [(before[-back] + 1) % 4] if len(before) >= back else []),
        )
    for back in (1, 2, 3):
        yield (
            f"a letter not right in the last {back}",
            by_place(lambda before, back=back: [i for i in range(4) if i not in before[-back:]]),
        )
    yield "rarest letter so far", by_place(lambda before: counted(before, min))
    yield "commonest letter so far", by_place(lambda before: counted(before, max))
    for word in WORDS:
        yield f"with {word}", by_score(lambda q, i, word=word: word in words(q.choices[i].say))
        yield f"without {word}", by_score(lambda q, i, word=word: word not in words(q.choices[i].say))
    for sign in ",;:":
        yield f"with {sign}", by_score(lambda q, i, sign=sign: sign in q.choices[i].say)
        yield f"without {sign}", by_score(lambda q, i, sign=sign: sign not in q.choices[i].say)
    reasons = {"since", "because", "as"}
    yield "without a reason", by_score(lambda q, i: not reasons & words(q.choices[i].say))
    yield (
        "without a reason, longest",
        by_score(lambda q, i: len(q.choices[i].say) * (not reasons & words(q.choices[i].say))),
    )
    for sign, name in ((1, "most"), (-1, "least")):
        yield (
            f"{name} like the question",
            by_score(lambda q, i, sign=sign: sign * len(words(q.ask) & words(q.choices[i].say))),
        )
        yield f"{name} like the others", by_score(lambda q, i, sign=sign: sign * shared_with_others(q, i))


STRATEGIES = dict(strategies())
SHIPPED = {family.slug: quiz.load(family).questions for family in quiz.families()}


def earned(guess: Guess, quizzes: Sequence[Sequence[Question]]) -> float:
    """The share of right answers that it has on average; where it says nothing, chance."""
    total = 0.0
    for questions in quizzes:
        before: list[int] = []
        for question in questions:
            picked = guess(question, before)
            total += (question.answer in picked) / len(picked) if picked else CHANCE
            before.append(question.answer)
    return total / sum(map(len, quizzes))


def leaks(quizzes: Sequence[Sequence[Question]], bound: float) -> dict[str, float]:
    shares = {name: earned(guess, quizzes) for name, guess in STRATEGIES.items()}
    return {name: share for name, share in shares.items() if share > bound}


def test_no_strategy_pays_over_all_quizzes():
    assert leaks(list(SHIPPED.values()), OVER_ALL) == {}


@pytest.mark.parametrize("family", SHIPPED)
def test_no_strategy_pays_much_in_one_quiz(family: str):
    assert leaks([SHIPPED[family]], OVER_A_FAMILY) == {}


@pytest.mark.parametrize("family", SHIPPED)
def test_lengths_and_letters_are_even_in_each_quiz(family: str):
    for name in list(STRATEGIES)[:4]:
        assert earned(STRATEGIES[name], [SHIPPED[family]]) <= OVER_ALL, name
    commonest = Counter(question.answer for question in SHIPPED[family]).most_common(1)[0][1]
    assert commonest <= 0.45 * len(SHIPPED[family])


def planted(question: Question, say: Callable[[Choice, int], str]) -> Question:
    return question._replace(
        choices=tuple(choice._replace(say=say(choice, i)) for i, choice in enumerate(question.choices))
    )


def at(question: Question, place: int) -> Question:
    """The question with its right choice moved to a place."""
    others = [choice for choice in question.choices if not choice.right]
    return question._replace(choices=(*others[:place], question.choices[question.answer], *others[place:]))


@pytest.mark.parametrize(
    ("leak", "caught"),
    [
        (lambda q, n: planted(q, lambda c, i: c.say + " and so on" * 9 * c.right), "longest in characters"),
        (lambda q, n: planted(q, lambda c, i: c.say[: 8 if c.right else None]), "shortest in characters"),
        (
            lambda q, n: planted(q, lambda c, i: "x" * (60, 70, 40, 30)[(i - q.answer) % 4]),
            "second longest in characters",
        ),
        (lambda q, n: planted(q, lambda c, i: c.say + ", since it is" * (not c.right)), "without since"),
        (lambda q, n: at(q, 2), "letter c"),
        (lambda q, n: at(q, (1, 3, 0, 2, 1, 0, 2, 3)[n % 8]), "a letter not right in the last 2"),
        (lambda q, n: at(q, n % 4), "letter of 4 ago"),
    ],
)  # fmt: skip
def test_a_leak_that_is_planted_is_found(leak: Callable[[Question, int], Question], caught: str):
    leaky = [[leak(question, n) for n, question in enumerate(questions)] for questions in SHIPPED.values()]
    assert caught in leaks(leaky, OVER_ALL)


def test_the_order_depends_on_the_question_and_not_on_the_file():
    question = SHIPPED["gan"][0]
    raw = {"topic": question.topic, "kind": question.kind, "ask": question.ask}
    shown = {
        quiz._question(raw | {"choices": [choice._asdict() for choice in order]}).choices
        for order in (question.choices, question.choices[::-1], question.choices[2:] + question.choices[:2])
    }
    assert shown == {question.choices}
