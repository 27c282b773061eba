"""What two towers are asked on unseen scenes: search, classes in words, captions that nearly fit.

Search:    the caption of a picture among 500, and the picture of a caption. An answer is right when it is
           true of the picture, whoever wrote it: many captions are true of one picture.
Zero-shot: which of twelve "a red circle" fits a picture of one thing, where no training had such a task.
Hard:      the true caption beside one of nearly the same words. Yuksekgonul et al. 2022, arXiv:2210.01936.
Gap:       between the mean picture and the mean caption. Liang et al. 2022, arXiv:2203.02053.
Shapes:    N scenes, M captions, L tokens, K facts of a scene, D of the space.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from atlas_cli.data import captions, shapes
from atlas_cli.data.captions import COLOURS, RELATIONS, SHAPES, SIZES, WORDS
from atlas_cli.data.scenes import Scenes
from atlas_cli.systems.contrastive.towers import Towers

SEARCHED = 500  # scenes among which one is found
PAIRS = [(colour, shape) for colour in COLOURS for shape in SHAPES]  # the classes of zero-shot, twelve
OPEN = -1  # a fact that a caption leaves open, or that a scene with one thing has not
LEFT, ABOVE = (1 + WORDS.index(word) for word in ("left", "above"))  # tokens

#: The same class in other words; training captions are all like the first.
WORDINGS = {"zero_shot": "a {} {}", "bare": "{} {}", "reversed": "a {1} {0}"}

Score = Callable[[Tensor, Tensor], Tensor]  # images (N, C, H, W) in bytes, tokens (M, L) -> (N, M)


def examine(score: Score, test: Scenes, unseen: Scenes, length: int) -> dict[str, float]:
    """Every figure that a score of pictures and captions gives.

    Args:
        score: How well each caption fits each picture; only the order within a row or column counts.
        test: Scenes of pairs of colour and shape that the training had.
        unseen: Scenes with one that it had not.
        length: L.
    """
    figures = {**search(score, test), **{f"unseen_{k}": v for k, v in search(score, unseen).items()}}
    for name, scenes in (("", test), ("unseen_", unseen)):
        alone = scenes[scenes.things[:, 1, 0] == OPEN]
        for wording, text in WORDINGS.items():
            key = name + ("zero_shot" if wording == "zero_shot" else f"zero_shot_{wording}")
            figures[key] = zero_shot(score, alone, text, length)
    return {**figures, **hard(score, test), "zero_shot_chance": 1 / len(PAIRS)}


def search(score: Score, scenes: Scenes) -> dict[str, float]:
    """How often the first answer is right, in both directions, and how often it would be by chance."""
    asked = scenes[:SEARCHED]
    true, scores = truth(asked, asked.tokens), score(asked.images, asked.tokens)  # (N, N)
    best_caption, best_image = scores.argmax(1), scores.argmax(0)
    every = torch.arange(len(asked), device=true.device)
    return {
        "image_to_text": true[every, best_caption].float().mean().item(),
        "text_to_image": true[best_image, every].float().mean().item(),
        "pairs_at_once": average_precision(scores, true),
        "search_chance": true.float().mean().item(),
    }


def average_precision(scores: Float[Tensor, "N M"], true: Bool[Tensor, "N M"]) -> float:
    """Of all pairs by falling score, the share of true ones as far as each true one, on average.

    One threshold then serves all pictures: it is 1 where every true pair scores above every untrue one.
    """
    right = true.flatten()[scores.flatten().argsort(descending=True)].float()
    share = right.cumsum(0) / torch.arange(1, len(right) + 1, device=right.device)
    return (share * right).sum().item() / right.sum().item()


def zero_shot(score: Score, scenes: Scenes, wording: str, length: int) -> float:
    """Share of pictures of one thing for which the right one of twelve sentences fits best."""
    tokens = class_tokens(length, wording).to(scenes.images.device)
    asked = scenes.things[:, 0, 1] * len(SHAPES) + scenes.things[:, 0, 2]  # (N,)
    return (score(scenes.images, tokens).argmax(1) == asked).float().mean().item()


def class_tokens(length: int, wording: str = WORDINGS["zero_shot"]) -> Int[Tensor, "M L"]:
    """A sentence for every pair of a colour and a shape."""
    return torch.tensor([captions.tokenize(wording.format(*pair))[:length] for pair in PAIRS])


# --- what is true of a scene ---------------------------------------------------------------------------


def said(tokens: Int[Tensor, "M L"]) -> Int[Tensor, "M K"]:
    """What captions say: size, colour and shape of the first thing and of the second, and the relation."""
    rows = []
    for row in tokens.tolist():
        words = [WORDS[token - 1] for token in row if token != captions.PADDING]
        second = next((i for i, w in enumerate(words) if w in ("left", "above")), len(words))
        facts = [
            _named(part, words[half]) for half in (slice(second), slice(second, None)) for part in _KINDS
        ]
        relation = RELATIONS.index("left of") if "left" in words else RELATIONS.index("above")
        rows.append([*facts, relation if second < len(words) else OPEN])
    return torch.tensor(rows, device=tokens.device)


_KINDS = (SIZES, COLOURS, SHAPES)


def _named(kind: Sequence[str], words: Sequence[str]) -> int:
    return next((kind.index(word) for word in words if word in kind), OPEN)


def facts(scenes: Scenes) -> Int[Tensor, "N K"]:
    """What is true of scenes, in the same order: their things, and the relation that their caption tells."""
    return torch.cat([scenes.things.flatten(1), said(scenes.tokens)[:, -1:]], dim=1)


def truth(scenes: Scenes, tokens: Int[Tensor, "M L"]) -> Bool[Tensor, "N M"]:
    """Whether each caption is true of each scene. Only a size may be left open."""
    claims, are = said(tokens)[None], facts(scenes)[:, None]  # (1, M, K), (N, 1, K)
    fits = claims == are
    fits[..., [0, 3]] |= claims[..., [0, 3]] == OPEN  # a size
    return fits.all(2)


# --- captions that nearly fit --------------------------------------------------------------------------


def hard(score: Score, scenes: Scenes) -> dict[str, float]:
    """How often the true caption beats one of nearly the same words; by chance one half."""
    known = facts(scenes).cpu().numpy()
    figures = {}
    for name, change in CHANGES.items():
        true, false, asked = change(known)
        n = torch.from_numpy(np.flatnonzero(asked)).to(scenes.images.device)
        pair = torch.stack([caption_tokens(true[asked]), caption_tokens(false[asked])], 1)  # (N, 2, L)
        figures[name] = _preferred(score, scenes.images[n], pair.to(n.device)[..., : scenes.tokens.shape[1]])
    return figures


def _preferred(score: Score, images: UInt8[Tensor, "N C H W"], pair: Int[Tensor, "N 2 L"]) -> float:
    """How often the first of two captions scores higher with its picture; a tie counts as half."""
    captions, back = pair.flatten(0, 1).unique(dim=0, return_inverse=True)
    scores = score(images, captions)  # (N, M)
    true, false = scores.gather(1, back.view(-1, 2)).unbind(1)
    return ((true > false).float() + 0.5 * (true == false).float()).mean().item()


Known = np.ndarray  # (N, K) facts of scenes
Change = tuple[Known, Known, np.ndarray]  # true claims, false claims, and of which scenes they are asked


def _two(known: Known) -> np.ndarray:
    return known[:, 3] != OPEN


def swapped_colours(known: Known) -> Change:
    """The things change colours: a blue circle left of a red square. No word is new, and no pair is."""
    false = known[:, [0, 4, 2, 3, 1, 5, 6]]
    pairs = false[:, [1, 2, 4, 5]].reshape(-1, 2, 2)
    things = np.concatenate([0 * pairs[..., :1], pairs], 2)
    asked = _two(known) & (known[:, 1] != known[:, 4]) & (known[:, 2] != known[:, 5])
    return known, false, asked & ~shapes.is_held_out(things).any(1)


def swapped_things(known: Known) -> Change:
    """The things change places: a blue square left of a red circle. The same words in another order."""
    other = (known[:, [1, 2]] != known[:, [4, 5]]).any(1)
    return known, known[:, [3, 4, 5, 0, 1, 2, 6]], _two(known) & other


def another_relation(known: Known) -> Change:
    """Above in the place of left of: one word is another."""
    false = known.copy()
    false[:, 6] = 1 - false[:, 6]
    return known, false, _two(known)


def another_count(known: Known) -> Change:
    """One thing where there are two alike, or two where there is one."""
    twin = _two(known) & (known[:, [1, 2]] == known[:, [4, 5]]).all(1)
    false = known.copy()
    false[twin, 3:] = OPEN
    single = ~_two(known)
    false[single, 3:6] = known[single, :3]
    false[single, 6] = np.arange(single.sum()) % len(RELATIONS)
    return known, false, twin | single


CHANGES: Mapping[str, Callable[[Known], Change]] = {
    f.__name__: f for f in (swapped_colours, swapped_things, another_relation, another_count)
}


def caption_tokens(claims: Known) -> Int[Tensor, "N L"]:
    """The captions of claims, sizes left out."""
    things = claims[:, :6].reshape(-1, 2, 3)
    return torch.from_numpy(captions.encode(things, np.zeros((len(claims), 2), bool), claims[:, 6]))


def nearly(facts: Int[Tensor, "N K"], tokens: Int[Tensor, "N L"]) -> Int[Tensor, "N L"]:
    """An untrue caption of nearly the same words for every scene.

    Things change places; where they are alike the relation changes, and where there is one it gets a twin.
    """
    known = facts.cpu().numpy()
    _, false, asked = swapped_things(known)
    for change in (another_relation, another_count):
        _, other, possible = change(known)
        false = np.where(asked[:, None], false, other)
        asked = asked | possible
    return caption_tokens(false)[:, : tokens.shape[1]].to(tokens.device)


# --- the gap -------------------------------------------------------------------------------------------


def gap_figures(towers: Towers, scenes: Scenes) -> dict[str, float]:
    """Distance of the mean picture from the mean caption, and what search is worth with both at one point."""
    image, text = towers.see_all(scenes.images), towers.read_all(scenes.tokens)
    own = (image * text).sum(1).mean().item()
    centre_i, centre_t = image.mean(0), text.mean(0)

    def closed(images: Tensor, tokens: Tensor) -> Tensor:
        moved = F.normalize(towers.see_all(images) - centre_i, dim=1)
        return moved @ F.normalize(towers.read_all(tokens) - centre_t, dim=1).T

    found = search(closed, scenes)
    return {
        "modality_gap": (centre_i - centre_t).norm().item(),
        "cosine_of_pairs": own,
        "closed_image_to_text": found["image_to_text"],
        "closed_text_to_image": found["text_to_image"],
    }
