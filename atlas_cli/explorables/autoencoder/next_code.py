"""What a trained prior would write next: the likeliest codes at one place of a digit that it is writing."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Bars, Explorable, Frame, Images, Knob
from atlas_cli.explorables._grey import shades

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.autoencoder.image_tokenizer import ImageTokenizer

N_SHOWN = 5  # codes that may come next
MARGIN = 6  # pixels around the next place
SEED = 1
WEIGHTS = (0.0, 1.0, 2.0, 4.0)  # of guidance
WRITTEN = (0.0, 0.2, 0.35, 0.5, 0.65, 0.8)  # shares of a digit


def next_code(system: ImageTokenizer, digit: int, written: float, weight: float) -> Frame:
    """A digit as far as it is written, and what may stand at its next place."""
    n_places = len(system.order)
    n = round(written * n_places)
    text, p = _text(system, digit), _chances(system, digit, n, weight)
    found = p.sort(descending=True, stable=True)
    chances, tokens = found.values[:N_SHOWN].tolist(), found.indices[:N_SHOWN]
    so_far = _drawn(system, text[None], n)[0]
    finished = _drawn(system, _continued(system, text, n, tokens, digit), n + 1)
    candidates = _around(finished, int(system.order[n]), system.tokenizer.grid)
    names = [str(token) for token in tokens.tolist()]
    entropy = float(-(p * p.clamp(min=1e-12).log2()).sum())
    least = int((found.values.cumsum(0) < 0.9).sum()) + 1
    asked = "of whatever class" if weight == 0 else f"of class {digit}"
    return Frame(
        (
            (
                Images(f"A {digit}, {n} of {n_places} codes written", (shades(so_far),), 1),
                Bars("How likely each code is next", (*names, "all others"),
                     (*chances, max(0.0, 1 - sum(chances))), 1.0),
            ),
            (Images("The next place and its surroundings, with each of these codes there",
                    tuple(map(shades, candidates)), N_SHOWN, tuple(f"code {name}" for name in names)),),
        ),
        f"After {n} codes of a {digit}, under weight {weight:g}, the next code {asked} is worth "
        f"{entropy:.2g} bits, and {least} of {len(p)} codes share nine tenths of the chance. The digit was "
        "written once; the weight changes what would come next.",
        {"codes written": n, "bits of the next": entropy, "codes that share nine tenths": least,
         "the likeliest": names[0], "chance of the likeliest": chances[0]},
    )  # fmt: skip


@cache
def _text(system: ImageTokenizer, digit: int) -> Tensor:
    """The tokens of a digit that the run wrote, (L,), under its own settings."""
    import torch

    label = torch.tensor([digit], device=system.setting.device)
    return system.write(label, torch.Generator(label.device).manual_seed(SEED))[0]


@cache
def _chances(system: ImageTokenizer, digit: int, n: int, weight: float) -> Tensor:
    """P of each token at the first stage of place n, (V,)."""
    import torch

    from atlas_cli.systems.autoencoder.prior import guided

    prior = system.prior
    read = prior.read(_text(system, digit)[None])[:, : n * system.tokenizer.quantiser.n_stages + 1]
    asked = torch.tensor([digit, prior.no_class], device=read.device)
    with torch.no_grad():
        given, without = prior(read.repeat(2, 1), asked)[:, -1]
    return guided(given, without, weight).softmax(-1)


def _continued(system: ImageTokenizer, text: Tensor, n: int, tokens: Tensor, digit: int) -> Tensor:
    """Texts with each of these tokens at place n; further stages of that code are the likeliest."""
    import torch

    prior, stages = system.prior, system.tokenizer.quantiser.n_stages
    texts, label = text.repeat(len(tokens), 1), torch.full_like(tokens, digit)
    texts[:, n * stages] = tokens
    for at in range(n * stages + 1, (n + 1) * stages):
        with torch.no_grad():
            texts[:, at] = prior(prior.read(texts), label)[:, at].argmax(-1)
    return texts


def _drawn(system: ImageTokenizer, texts: Tensor, n: int) -> Tensor:
    """Pictures of the first n places, empty paper elsewhere, (N, H, W)."""
    import torch

    from atlas_cli.systems.autoencoder.codes_shown import shown_so_far

    with torch.no_grad():
        return shown_so_far(system.decode, system.codes_of(texts), system.order, n).mean(1).cpu()


def _around(pictures: Tensor, place: int, grid: tuple[int, int]) -> Tensor:
    """Cut-outs of the pictures around one place of the grid, (N, h, w); beyond their edge is paper."""
    import torch.nn.functional as F

    side = pictures.shape[-1] // grid[1]
    y, x = (side * at for at in divmod(place, grid[1]))
    padded = F.pad(pictures, [MARGIN] * 4, value=-1.0)
    return padded[:, y : y + side + 2 * MARGIN, x : x + side + 2 * MARGIN]


EXPLORABLE = Explorable(
    "next-code", "autoencoder", ("image-tokenizer",), "What a prior would write next",
    "Where in a digit is the next code nearly certain, and what does a greater weight do where it is not?",
    (
        Knob("digit", "digit", (0, 2, 3, 4, 5, 7, 8), 3, "choice"),
        Knob("written", "share written", WRITTEN, 0.5, "play"),
        Knob("weight", "weight of guidance", WEIGHTS, 1.0, "slider"),
    ),
    None, from_run=next_code, systems=("image-tokenizer",), place=47,
)  # fmt: skip
