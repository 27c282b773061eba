"""What encoder and decoder compute for one image, by the share of its patches that is hidden.

Counted with the system's own functions: multiply-adds of all products, of one pass forward.
"""

from __future__ import annotations

from atlas_cli.diagrams.frames import Bars, Curves, Explorable, Frame, Knob, Series

HIDDEN = (0, 25, 40, 50, 60, 75, 90)  # percent
PATCHES = (2, 4, 7)  # px
WIDTHS = (16, 32, 64)  # of the decoder


def work(hidden: int, patch: int, d_decoder: int) -> tuple[int, int]:
    """Multiply-adds of the encoder's blocks and of the decoder's, for one image."""
    from atlas_cli.nets.vit import multiply_adds
    from atlas_cli.systems.contrastive.mae import Config, kept

    c = Config.model_validate({"patch": patch, "d_decoder": d_decoder})
    seen = kept(c.n_patches, hidden / 100)
    return multiply_adds(seen, c.d_model, c.n_layer), multiply_adds(
        c.n_patches, c.d_decoder, c.n_decoder_layer
    )


def mae_cost(hidden: int, patch: int, d_decoder: int) -> Frame:
    """Work of both parts now, and of the whole by the share that is hidden."""
    from atlas_cli.systems.contrastive.mae import Config, kept

    n = Config.model_validate({"patch": patch, "d_decoder": d_decoder}).n_patches
    seen = kept(n, hidden / 100)
    encoder, decoder = work(hidden, patch, d_decoder)
    whole = work(0, patch, d_decoder)
    share = (encoder + decoder) / sum(whole)
    at = [work(h, patch, d_decoder) for h in HIDDEN]
    millions = [value / 1e6 for value in (encoder, decoder, whole[0])]
    panels = (
        (
            Bars("Tokens of an image", ("through the encoder", "through the decoder"), (seen, n), n),
            Bars(
                "Millions of multiply-adds",
                ("encoder", "decoder", "encoder of all"),
                millions,
                max(millions),
            ),
        ),
        (
            Curves(
                "Work beside that of an encoder of all patches",
                (
                    Series("encoder and decoder", HIDDEN, tuple(sum(w) / sum(whole) for w in at)),
                    Series("encoder alone", HIDDEN, tuple(w[0] / whole[0] for w in at), "dashed"),
                ),
                "percent hidden",
                "share",
                marker=hidden,
                drag="hidden",
            ),
        ),
    )
    return Frame(
        panels,
        f"With patches of {patch} pixels and {hidden}% of them hidden, {seen} of {n} pass through the "
        f"encoder, and all through a decoder {d_decoder} wide. Together they do {share:.0%} of what it is "
        f"with an encoder that sees all; the encoder alone does {encoder / whole[0]:.0%} of its own.",
        {
            "work, share": share,
            "encoder, share": encoder / whole[0],
            "decoder of both": decoder / (encoder + decoder),
        },
    )


EXPLORABLE = Explorable(
    "mae-cost", "contrastive", ("mae",), "What a quarter costs",
    "Why does the encoder of small patches save more than three quarters of its work at 75%?",
    (
        Knob("hidden", "hidden", HIDDEN, 75, "slider", "%"),
        Knob("patch", "side of a patch", PATCHES, 7, "choice", " px"),
        Knob("d_decoder", "width of the decoder", WIDTHS, 32, "slider"),
    ),
    mae_cost, place=55,
)  # fmt: skip
