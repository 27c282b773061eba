"""What a tokenizer is judged by: how short texts become, whether they come back, and what goes wrong.

Held out: files that no merge has counted; the atlas's prose, which is English; and one paragraph in four
          scripts.
Opponent: the most frequent pieces of the training text as whole tokens, a vocabulary of the same size; what
          is not among them is spelled in bytes.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping

from atlas_cli.data.text import TextConfig, TextSource, load
from atlas_cli.draws import stable_seed
from atlas_cli.systems.autoencoder.merging import Encoder
from atlas_cli.systems.autoencoder.pieces import cut
from atlas_cli.systems.autoencoder.scripts import PARAGRAPH

ROUND_TRIPS = 500  # random texts, and as many random strings of bytes
LONGEST = 64  # characters or bytes of them
FREQUENT = 500  # words of held-out text, of which it is asked how they are spelled
LAST_CHARACTER = 0x110000


def figures(encoder: Encoder, data: TextSource, pieces: Mapping[bytes, int]) -> dict[str, float]:
    """All figures of a tokenizer that need no network.

    Args:
        encoder: The tokenizer.
        data: What it learned from, and what was held out of that.
        pieces: The pieces of the training text, and how often each stands there.
    """
    held_out = bytes(data.held_out_bytes.cpu().numpy())
    tokens = encoder.encode(held_out)
    by_words = whole_words(pieces, encoder.vocab_size - 256)
    of_words = sum(1 if piece in by_words else len(piece) for piece in cut(held_out, encoder.split))
    return {
        "bytes_per_token": len(held_out) / len(tokens),
        "words_bytes_per_token": len(held_out) / of_words,
        "tokens_over_words": len(tokens) / of_words,
        **in_other_texts(encoder, data),
        "came_back": share_that_comes_back(encoder, data.place.seed),
        "vocabulary": float(encoder.vocab_size),
        "unseen_tokens": share_unseen(encoder, set(tokens)),
        "unused_tokens": share_unseen(encoder, used_in_training(encoder, pieces)),
        "number_shapes": float(len(number_shapes(encoder))),
        "words_changed_by_a_blank": share_changed_by_a_blank(encoder, held_out),
    }


def whole_words(pieces: Mapping[bytes, int], n: int) -> set[bytes]:
    """The n pieces of two bytes or more that stand most often in the training text."""
    longer = ((count, piece) for piece, count in pieces.items() if len(piece) > 1)
    return {piece for _, piece in sorted(longer, key=lambda item: (-item[0], item[1]))[:n]}


def in_other_texts(encoder: Encoder, data: TextSource) -> dict[str, float]:
    """Bytes a token of English prose; of a paragraph in four scripts bytes a token and tokens."""
    prose = load(TextConfig(corpus="atlas", context_len=data.context_len), data.place)
    english = bytes(prose.train_bytes.cpu().numpy())
    found = {"bytes_per_token_prose": len(english) / len(encoder.encode(english))}
    for language, text in PARAGRAPH.items():
        n_bytes, n_tokens = len(text.encode()), len(encoder.encode(text.encode()))
        found[f"bytes_per_token_{language}"] = n_bytes / n_tokens
        found[f"paragraph_tokens_{language}"] = float(n_tokens)
    return found


def share_that_comes_back(encoder: Encoder, seed: int) -> float:
    """Share of random texts of all Unicode, and of random bytes, that decoding gives back byte for byte."""
    draw = random.Random(stable_seed("round trip", seed))
    texts = [_random_text(draw).encode() for _ in range(ROUND_TRIPS)]
    texts += [draw.randbytes(draw.randrange(LONGEST)) for _ in range(ROUND_TRIPS)]
    return sum(encoder.decode(encoder.encode(text)) == text for text in texts) / len(texts)


def _random_text(draw: random.Random) -> str:
    codes = (draw.randrange(LAST_CHARACTER) for _ in range(draw.randrange(LONGEST)))
    return "".join(chr(code) for code in codes if not 0xD800 <= code < 0xE000)  # half characters are no text


def share_unseen(encoder: Encoder, seen: set[int]) -> float:
    """Share of the tokens made by merges that are not among those seen; 0 where none was made."""
    made = range(256, encoder.vocab_size)
    return sum(token not in seen for token in made) / max(len(made), 1)


def used_in_training(encoder: Encoder, pieces: Mapping[bytes, int]) -> set[int]:
    """The tokens that stand in the encoded training text; others were only steps to longer ones."""
    return {token for piece in pieces for token in encoder.encode(piece)}


def number_shapes(encoder: Encoder) -> Counter[tuple[int, ...]]:
    """How the numbers 1000 to 9999 are cut: digits of each token -> how many numbers are cut so."""
    shapes: Counter[tuple[int, ...]] = Counter()
    for number in range(1000, 10_000):
        tokens = encoder.encode(str(number).encode())
        shapes[tuple(len(encoder.spellings[token]) for token in tokens)] += 1
    return shapes


def share_changed_by_a_blank(encoder: Encoder, text: bytes) -> float:
    """Of the most frequent words, the share that has no token in common with itself after a blank."""
    counts = Counter(re.findall(rb"(?<= )[a-z]{2,}(?= )", text))
    words = [word for word, _ in counts.most_common(FREQUENT)]
    changed = (not set(encoder.encode(word)) & set(encoder.encode(b" " + word)) for word in words)
    return sum(changed) / max(len(words), 1)
