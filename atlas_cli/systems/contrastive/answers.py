"""What `atlas sample` shows of two towers: sentences held to a picture, or pictures found by a sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from atlas_cli.data import captions
from atlas_cli.data.picture import read_picture
from atlas_cli.data.scenes import Scenes, SceneSource
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.errors import UsageError
from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.present.artifacts.images import Images
from atlas_cli.present.artifacts.scores import Scores
from atlas_cli.systems.contrastive.examination import class_tokens, truth
from atlas_cli.systems.contrastive.towers import TowersConfig

BEST = 5  # sentences shown of those that were held to a picture; of prompts all
SEARCHED = 500  # scenes of either kind that a sentence is looked up in

Shares = Callable[[Tensor, Tensor], Tensor]  # images (N, C, H, W) in bytes, tokens (M, L) -> (N, M) in [0, 1]


def answer(shares: Shares, setting: Setting, request: SampleRequest, config: TowersConfig) -> Artifact:
    """The artifact for a request.

    Args:
        shares: How well each caption fits each picture.
        setting: Its data are asked for where no picture is given.
        request: With `--image` one picture is scored; with prompts alone they are looked up; with neither
            scenes of unseen pairs are scored.
        config: The size of a picture and the length of a caption.

    Raises:
        UsageError: a prompt has a word that no caption has, or too many.
    """
    length = config.caption_length
    if "image" in request.extras:
        picture = torch.from_numpy(read_picture(request.extras["image"], config.image_size))[None]
        images = (255 * picture).round().to(torch.uint8).to(setting.device)
        asked = tokens_of(request.prompts, length) if request.prompts else class_tokens(length)
        return _scored(shares, images, asked, max(BEST, len(request.prompts)))
    if request.prompts:
        return _found(shares, setting.data, tokens_of(request.prompts, length), request)
    return _of_unseen(shares, setting.data.unseen, request)


def tokens_of(prompts: Sequence[str], length: int) -> Int[Tensor, "M L"]:
    """The tokens of what was typed, in any order of words.

    Raises:
        UsageError: a word that no caption has, too many, or none.
    """
    if not all(prompt.split() for prompt in prompts):
        raise UsageError("an empty prompt describes no picture", f"say it like this: {captions.EXAMPLE}")
    return torch.tensor([captions.tokenize(prompt)[:length] for prompt in prompts])


def _scored(
    shares: Shares, images: UInt8[Tensor, "N C H W"], tokens: Int[Tensor, "M L"], n: int, caption: str = ""
) -> Scores:
    """Pictures with the n captions that fit them best."""
    found: Float[Tensor, "N M"] = shares(images, tokens.to(images.device)).cpu()
    order = found.argsort(1, descending=True)[:, :n]
    words = [captions.detokenize(row) for row in tokens.tolist()]
    answers = [
        [(words[j], float(row[j])) for j in chosen] for row, chosen in zip(found, order.tolist(), strict=True)
    ]
    pixels = (images.float() / 255).cpu().numpy()
    return Scores(pixels, answers, caption=caption, facts={"scores": [dict(row) for row in answers]})


def _of_unseen(shares: Shares, scenes: Scenes, request: SampleRequest) -> Scores:
    """Scenes with a pair of colour and shape that no training had, among all captions of such scenes."""
    generator = torch.Generator().manual_seed(request.seed)
    chosen = torch.randperm(len(scenes), generator=generator)[: request.n].to(scenes.images.device)
    picked = scenes[chosen]
    tokens = scenes.tokens[:SEARCHED].unique(dim=0)
    tokens = torch.cat([tokens, picked.tokens]).unique(dim=0)
    first = shares(picked.images, tokens).argmax(1)
    right = truth(picked, tokens[first]).diagonal().sum().item()
    caption = (
        f"{right:.0f} of {len(picked)} first answers of {len(tokens)} are true; no training had such pairs."
    )
    return _scored(shares, picked.images, tokens, BEST, caption)


def _found(shares: Shares, source: SceneSource, tokens: Int[Tensor, "M L"], request: SampleRequest) -> Images:
    """A row for each sentence: the pictures that it fits best, among scenes that no training saw."""
    parts = [scenes[:SEARCHED] for scenes in (source.test, source.unseen)]
    images = torch.cat([scenes.images for scenes in parts])
    found = shares(images, tokens.to(images.device))  # (N, M)
    best = found.argsort(0, descending=True)[: request.n].T  # (M, n)
    pixels = (images[best.flatten()].float() / 255).cpu().numpy()
    words = "; ".join(captions.detokenize(row) for row in tokens.tolist())
    return Images(
        pixels,
        columns=request.n,
        caption=f"The best of {len(images)} pictures, a row each for: {words}.",
        facts={"prompts": list(request.prompts), "best": best.tolist()},
    )
