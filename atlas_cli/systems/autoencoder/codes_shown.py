"""Codes before a reader's eyes: a picture of his in codes and back, and new codes as they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from atlas_cli.data.drawing import read_drawing
from atlas_cli.engine.system import SampleRequest
from atlas_cli.errors import UsageError
from atlas_cli.present.artifacts.images import Images
from atlas_cli.systems.autoencoder.tokenizer import Tokenizer, error_figures


def tokenized(tokenizer: Tokenizer, request: SampleRequest) -> Images:
    """The picture that `--image` names, its codes, and what they give back.

    Raises:
        UsageError: a class is asked for as well, or the tokenizer's images are in colour.
    """
    if request.label is not None:
        raise UsageError("a picture is encoded as it is, of whatever class", "leave --label out")
    if tokenizer.config.channels != 1:
        raise UsageError("--image is read as a drawing, and this run knows colours", "leave --image out")
    drawing = torch.from_numpy(read_drawing(request.extras["image"], tokenizer.config.image_size))
    image = (2 * drawing - 1)[None, None].to(tokenizer.setting.device)
    codes = tokenizer.encode(image)
    back = tokenizer.decode(codes)
    figures, rows = error_figures(image, back), codes[0].tolist()
    wide = len(str(tokenizer.codebook_size - 1))
    told = (
        f"A picture, and what its {codes.numel()} codes give back: squared error "
        f"{figures['reconstruction_mse']:.4f}, {figures['reconstruction_psnr']:.1f} decibels."
    )
    lines = [" ".join(f"{code:>{wide}}" for code in row) for row in rows]
    shown = ((torch.cat([image, back]) + 1) / 2).cpu().numpy()
    return Images(shown, columns=2, caption="\n".join([told, *lines]), facts={"codes": rows, **figures})


def written(
    decode: Callable[[Tensor], Tensor], codes: Int[Tensor, "N h w"], order: Int[Tensor, "P"]
) -> Iterator[Float[Tensor, "N C H W"]]:
    """Images in [-1, 1] of none of the codes, of as many as a row of the grid has, of twice as many, to all.

    Args:
        decode: From codes to images.
        codes: Of whole images.
        order: Places of the grid in the order of writing.
    """
    h, w = codes.shape[1:]
    for n in range(0, h * w + 1, w):
        yield shown_so_far(decode, codes, order, n)


def shown_so_far(
    decode: Callable[[Tensor], Tensor], codes: Int[Tensor, "N h w"], order: Int[Tensor, "P"], n: int
) -> Float[Tensor, "N C H W"]:
    """Images in [-1, 1] of the first n codes; the pixels of places not written yet are empty paper."""
    h, w = codes.shape[1:]
    there = torch.zeros_like(order, dtype=torch.bool)
    there[order[:n]] = True
    images = decode(codes * there.view(h, w))
    mask = F.interpolate(there.view(1, 1, h, w).float(), size=images.shape[-2:]) > 0
    return torch.where(mask, images, -1.0)
