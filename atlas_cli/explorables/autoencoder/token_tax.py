"""One paragraph in four scripts: what more merges do for those that the corpus holds, and for the others.

Source:  the same comparison over many languages: Petrov et al. 2023, arXiv:2305.15425.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Bars, Curves, Explorable, Frame, Knob, Series, Tokens
from atlas_cli.explorables.autoencoder._prose import encoder
from atlas_cli.present.spelling import shown
from atlas_cli.systems.autoencoder.merging import Encoder
from atlas_cli.systems.autoencoder.scripts import PARAGRAPH

if TYPE_CHECKING:
    from collections.abc import Callable

    from atlas_cli.systems.autoencoder.bpe import BPE

SIZES = (0, 64, 256, 1024, 2048)
SHOWN = 24  # tokens of the paragraph
SCRIPTS = {language.capitalize(): text for language, text in PARAGRAPH.items()}


def token_tax(merges: int, script: str) -> Frame:
    """With the tokenizer of the atlas's pages, which are English."""
    return _frame(merges, script, encoder, "the atlas's English pages")


def of_run(system: BPE, merges: int, script: str) -> Frame:
    """With a run's own; its first merges are the smaller tokenizer."""
    learned = [(left, right) for left, right in system.merges[: int(system.learned)].tolist()]
    split = system.config.split
    return _frame(merges, script, lambda n: Encoder(learned[:n], split), "your run's training text")


def _frame(merges: int, script: str, encoder_of: Callable[[int], Encoder], corpus: str) -> Frame:
    counts = {
        language: [len(encoder_of(n).encode(text.encode())) for n in SIZES]
        for language, text in SCRIPTS.items()
    }
    at = SIZES.index(merges)
    encoder = encoder_of(merges)
    tokens = encoder.encode(SCRIPTS[script].encode())
    longest = max(len(encoder.spellings[token]) for token in tokens)
    pieces = tuple(
        (shown(encoder.spellings[token]), len(encoder.spellings[token]) / longest, str(token))
        for token in tokens[:SHOWN]
    )
    now = {language: counts[language][at] for language in counts}
    most = max(max(row) for row in counts.values())
    curves = tuple(Series(language, SIZES, counts[language]) for language in counts)
    tax = now[script] / now["English"]
    return Frame(
        (
            (Tokens(f"Where the {script} paragraph begins", pieces),),
            (
                Bars("Tokens of the whole paragraph", tuple(now), tuple(now.values()), most),
                Curves("Tokens after more merges", curves, "merges", "tokens", marker=merges, drag="merges"),
            ),
        ),
        f"After {merges} merges learned from {corpus}, the paragraph takes {now[script]} tokens in {script} "
        f"and {now['English']} in English: {tax:.1f} times as many for the same sentences. With one token a "
        f"byte it was {counts[script][0] / counts['English'][0]:.1f} times.",
        {"tokens": now[script], "tokens in English": now["English"], "times English": tax},
    )


EXPLORABLE = Explorable(
    "token-tax", "autoencoder", ("bpe",), "The same words in four scripts",
    "Which script gains from a merge, and what happens to the gap between them?",
    (
        Knob("merges", "merges", SIZES, 1024, "slider"),
        Knob("script", "script", tuple(SCRIPTS), "Russian", "choice"),
    ),
    token_tax,
    from_run=of_run,
    systems=("bpe",),
    place=54,
)  # fmt: skip
