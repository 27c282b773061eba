"""The codebook of a trained tokenizer: what each code stands for, and how much it is used."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Images, Knob, Series
from atlas_cli.explorables._grey import shades

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.autoencoder.tokenizer import Tokenizer

N_IMAGES = 500  # test images whose codes are counted
N_SHOWN = 10  # places that took the code
MARGIN = 4  # pixels around what a code stands for
RANKS = (1, 2, 3, 5, 8, 12, 16, 24, 32, 48, 64, 96, 128, 160, 192, 224, 256)


class Seen(NamedTuple):
    """What a codebook does with test images."""

    order: Tensor  # (K,): the codes, the most used first
    share: Tensor  # (K,): of the places that took each, in that order
    indices: Tensor  # (N, h, w)
    images: Tensor  # (N, H, W)
    back: Tensor  # (N, H, W): the same as the codes give them back


def own_codebook(system: Tokenizer, rank: int, view: str) -> Frame:
    """Places of test images that took one code, and how often all codes are taken."""
    seen = _seen(system)
    rank = min(rank, len(seen.order))
    code, share = int(seen.order[rank - 1]), seen.share
    pieces = _pieces(seen, code, view, system.grid[0])
    used = int((share > 0).sum())
    perplexity = float((-(share * share.clamp(min=1e-12).log()).sum()).exp())
    ranks = tuple(range(1, len(share) + 1))
    cumulated = [float(s) for s in share.cumsum(0)]
    even = [r / len(share) for r in ranks]
    rows: list[tuple[Images | Curves, ...]] = []
    if pieces:
        title = f"Places that took code {code}, the surroundings included"
        rows.append((Images(title, tuple(shades(piece) for piece in pieces), N_SHOWN),))
    curves = (Series("these codes", ranks, cumulated), Series("all alike often", ranks, even, "dashed"))
    rows.append(
        (
            Curves("Share of all places that the most used codes take", curves, "codes, the most used first",
                   "share", marker=rank, drag="rank"),
        )
    )  # fmt: skip
    drawn = "the test images" if view == "the images" else "what the codes give back"
    return Frame(
        tuple(rows),
        f"Code {code} is number {rank} by use: {float(share[rank - 1]):.2%} of the places take it. Shown is "
        f"{drawn}. Of {len(share)} codes {used} are in use, worth {perplexity:.0f} that come alike often.",
        {
            "code": code, "share of the places": float(share[rank - 1]), "codes in use": used,
            "perplexity": perplexity,
        },
    )  # fmt: skip


def _pieces(seen: Seen, code: int, view: str, side: int) -> list[Tensor]:
    """Cut-outs around the first places that took the code, each from another image."""
    import torch.nn.functional as F

    pictures = seen.images if view == "the images" else seen.back
    factor = pictures.shape[-1] // side
    padded = F.pad(pictures, [MARGIN] * 4, value=-1.0)
    found: dict[int, Tensor] = {}
    for n, y, x in (seen.indices == code).nonzero().tolist():
        if n not in found and len(found) < N_SHOWN:
            size = factor + 2 * MARGIN
            found[n] = padded[n, y * factor : y * factor + size, x * factor : x * factor + size]
    return list(found.values())


@cache
def _seen(system: Tokenizer) -> Seen:
    import torch

    images, _ = system.setting.data.test(N_IMAGES)
    with torch.no_grad():
        indices = system.encode(images)
        back = system.decode(indices)
    counts = torch.bincount(indices.flatten(), minlength=system.codebook_size).double()
    share, order = (counts / counts.sum()).sort(descending=True, stable=True)
    return Seen(order, share, indices, images.mean(1), back.mean(1))


EXPLORABLE = Explorable(
    "own-codebook", "autoencoder", ("vq-vae", "fsq", "image-tokenizer"), "What the codes of a net stand for",
    "Can you name what the places of a code have in common? Which codes stand for empty paper?",
    (
        Knob("rank", "code, by use", RANKS, 12, "slider"),
        Knob("view", "shown", ("the images", "what comes back"), "the images", "choice"),
    ),
    None, from_run=own_codebook, systems=("vq-vae", "fsq"), place=35,
)  # fmt: skip
