"""Speculative sampling: a cheap draft guesses words, the target checks them at once.

Source:  Leviathan, Kalman, Matias 2023, arXiv:2211.17192. Here: Algorithm 1, eq. 1 (words a call), Theorem
         3.8 (speed). Every place of the text has the same two distributions: the formulas hold exactly.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, Series, Tokens, Words
from atlas_cli.diagrams.sketch import Shape, Sketch
from atlas_cli.explorables._ranges import evenly

WORDS = ("mat", "floor", "sofa", "roof", "moon")
TARGET = (0.45, 0.25, 0.15, 0.10, 0.05)
STRANGER = (0.05, 0.10, 0.15, 0.25, 0.45)  # what a draft says that has learned nothing of the target
DRAFT_COST = 0.1  # time of one draft word, of a target call
LENGTHS = (1, 2, 3, 4, 5, 6, 7, 8)
CALLS = tuple(range(1, 9))
QUALITIES = evenly(0, 1, 11)


def draft(quality: float) -> tuple[float, ...]:
    """The draft's probabilities: this share of the target's, the rest a stranger's."""
    return tuple(quality * p + (1 - quality) * other for p, other in zip(TARGET, STRANGER, strict=True))


def kept_mass(q: Sequence[float]) -> tuple[float, ...]:
    """Probability that a word is guessed and kept: q min(1, p / q) = min(p, q)."""
    return tuple(min(p, guess) for p, guess in zip(TARGET, q, strict=True))


def mended_mass(q: Sequence[float]) -> tuple[float, ...]:
    """Probability that a guess is refused and this word drawn in its place: (p - q)+.

    A refusal has the probability sum (p - q)+, and draws from (p - q)+ scaled to one: the product.
    """
    return tuple(max(0.0, p - guess) for p, guess in zip(TARGET, q, strict=True))


def words_per_call(share: float, k: int) -> float:
    """Expected words that one call of the target gives, each guess being kept with probability `share`."""
    return sum(share**i for i in range(k + 1))


def speed(share: float, k: int) -> float:
    """Words in the time of one call, the time of k draft words counted."""
    return words_per_call(share, k) / (k * DRAFT_COST + 1)


@dataclass(frozen=True)
class Round:
    """One call of the target: guesses, their chances, how many were kept, and the word that it adds."""

    guesses: tuple[str, ...]
    chances: tuple[float, ...]
    kept: int
    added: str

    @property
    def written(self) -> tuple[str, ...]:
        """The words that the call leaves behind."""
        return (*self.guesses[: self.kept], self.added)


def one_round(quality: float, k: int, call: int) -> Round:
    """A call; the same luck for all qualities and lengths, so that a knob changes nothing else."""
    luck = random.Random(f"speculative {call}")
    guessing, judging = ([luck.random() for _ in LENGTHS] for _ in range(2))
    q = draft(quality)
    guesses = [_pick(q, u) for u in guessing[:k]]
    chances = tuple(min(1.0, TARGET[i] / q[i]) for i in guesses)
    kept = next((i for i in range(k) if judging[i] >= chances[i]), k)
    added = _pick(TARGET if kept == k else mended_mass(q), luck.random())
    return Round(tuple(WORDS[i] for i in guesses), chances, kept, WORDS[added])


def _pick(weights: Sequence[float], u: float) -> int:
    """The word at a place of the cumulative weights, which need not sum to one."""
    place = u * sum(weights)
    for i, weight in enumerate(weights):
        if place < weight:
            return i
        place -= weight
    return max(range(len(weights)), key=lambda i: weights[i])  # the last one's rounding error


def speculative(step: int, quality: float, k: int) -> Frame:
    """The rule at work on one call, why it changes nothing, and what it gains."""
    q, last = draft(quality), one_round(quality, k, step)
    share = sum(kept_mass(q))
    rounds = [one_round(quality, k, call) for call in range(1, step + 1)]
    n_words = sum(len(each.written) for each in rounds)
    text = " | ".join(" ".join(each.written) for each in rounds)
    return Frame(
        (
            (Tokens(f"Call {step}: {k} guesses, checked at once, and one more word", _told(last)),),
            (Words("Text so far, a bar after each call", (text,)),),
            (_stacked(q),),
            _curves(quality, k),
        ),
        f"Call {step} keeps {last.kept} of {_counted(k, 'guess', 'guesses')} and writes "
        f"{_counted(len(last.written), 'word', 'words')}. A guess is kept with probability min(1, p / q), "
        f"{share:.0%} of the time here; the first one refused is drawn anew from where the draft said too "
        "little. What is kept and what is drawn anew always add up to the target. A guess costs "
        f"{DRAFT_COST:g} of a target call.",
        {
            "guesses kept": f"{share:.0%}",
            "words a call, expected": words_per_call(share, k),
            "words a call, so far": n_words / step,
            "speed-up": speed(share, k),
            "best number of guesses": max(LENGTHS, key=lambda n: speed(share, n)),
        },
    )


def _counted(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"


def _stacked(q: Sequence[float]) -> Sketch:
    """What is kept of each word, on it what is drawn anew: together as high as the target."""
    parts = list(enumerate(zip(kept_mass(q), mended_mass(q), strict=True)))
    anew, words = [i for i, (_, mended) in parts if mended], range(len(WORDS))
    shapes = (
        Shape("guessed and kept: min(p, q)", [_box(i, 0, kept) for i, (kept, _) in parts], "area", 0, words),
        Shape(
            "refused, drawn anew: (p - q)+",
            [_box(i, kept, kept + mended) for i, (kept, mended) in parts if mended],
            "area", 1, anew,
        ),
        Shape("draft q", [_top(i, guess) for i, guess in enumerate(q)], "dashed", 5, words),
        Shape("target p", [_top(i, p) for i, p in enumerate(TARGET)], "line", 2, words),
    )  # fmt: skip
    return Sketch(
        "Kept and drawn anew add up to the target", shapes, (-0.5, len(WORDS) - 0.5, 0, 0.5), ratio=0.4,
        x_ticks=tuple((word, float(i)) for i, word in enumerate(WORDS)), links="word",
    )  # fmt: skip


def _box(i: int, low: float, high: float) -> list[tuple[float, float]]:
    return [(i - 0.35, low), (i - 0.35, high), (i + 0.35, high), (i + 0.35, low)]


def _top(i: int, high: float) -> list[tuple[float, float]]:
    return [(i - 0.45, high), (i + 0.45, high)]


def _curves(quality: float, k: int) -> tuple[Curves, Curves]:
    """Words a call by the draft's quality, and by the number of guesses."""
    fine, share = evenly(0, 1, 41), sum(kept_mass(draft(quality)))
    others = [n for n in (LENGTHS[0], LENGTHS[-1]) if n != k]
    by_quality = tuple(
        Series(
            _counted(n, "guess", "guesses"),
            fine,
            tuple(words_per_call(sum(kept_mass(draft(x))), n) for x in fine),
            "dashed" if n == others[0] else "line",
        )
        for n in (k, *others)
    )
    by_length = (
        Series("words a call", LENGTHS, tuple(words_per_call(share, n) for n in LENGTHS), "points"),
        Series("in the time of a call", LENGTHS, tuple(speed(share, n) for n in LENGTHS)),
    )
    return (
        Curves(
            "Words a target call",
            by_quality,
            "draft quality",
            "words",
            marker=quality,
            drag="quality",
        ),
        Curves("More guesses", by_length, "guesses", "words", marker=k, drag="k"),
    )


def _told(call: Round) -> tuple[tuple[str, float, str], ...]:
    """Each guess with its chance of being kept and what became of it, and the added word."""
    told = []
    for i, (word, chance) in enumerate(zip(call.guesses, call.chances, strict=True)):
        fate = "kept" if i < call.kept else "refused" if i == call.kept else "unread"
        read = fate != "unread"
        told.append((word, chance if read else 0.0, f"{fate} {chance:.2f}" if read else fate))
    added = "free" if call.kept == len(call.guesses) else "drawn anew"
    return (*told, (f"+ {call.added}", 1.0, added))


EXPLORABLE = Explorable(
    "speculative", "transformer", ("speculative",), "Guess ahead, check at once",
    "What does a poor draft cost, quality or time, and how many guesses are worth theirs?",
    (
        Knob("step", "target call", CALLS, 3, "play"),
        Knob("quality", "draft quality", QUALITIES, 0.7, "slider"),
        Knob("k", "guesses", LENGTHS, 4, "slider"),
    ),
    speculative,
    place=30,
)  # fmt: skip
