"""One block of mmdit/small, a scene on its way: both streams as strips, and which patch reads which word."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.worked.example import Example, Raw, Telling, amount, signed

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.flow.mmdit import MMDiT

SENTENCE = "a red circle left of a blue square"
SEED, DONE = 0, 4  # of the noise; steps of the sampler that were walked
BLOCK, HEAD = 2, 1  # counted from 1
CHANNELS = 8  # of a vector that are shown
SHOWN = slice(4, 12)  # patches: the two rows in the middle of the picture; all do not fit a box


class Block(NamedTuple):
    """What one block computes; N patches, L words, H heads."""

    c: Tensor  # (D,)
    image: Tensor  # (N, D)
    text: Tensor  # (L, D)
    image_rows: tuple[Tensor, ...]  # q, k, v: (H, N, Dh)
    text_rows: tuple[Tensor, ...]  # (H, L, Dh)
    weights: Tensor  # (H, N + L, N + L)
    image_added: Tensor  # (N, D)
    text_added: Tensor  # (L, D)
    image_end: Tensor
    text_end: Tensor


def tell(system: MMDiT) -> Telling:
    """Every box of the block."""
    seen, words = block_of(system), SENTENCE.split()
    n = len(seen.image)
    over = "".join(word[0] for word in words)
    vectors = (seen.image, seen.image_added, seen.image_end, seen.text, seen.text_added, seen.text_end)
    most = float(max(part[:, :CHANNELS].abs().max() for part in vectors))

    def stream(tokens: Tensor) -> Raw:
        """On one scale for all, so that what is added is seen."""
        is_text = len(tokens) == len(words)
        shown = tokens if is_text else tokens[SHOWN]
        return signed(shown[:, :CHANNELS].T, over=over if is_text else "", most=most)

    def strips(rows: tuple[Tensor, ...]) -> list[Raw]:
        is_text = rows[0].shape[1] == len(words)
        heads = [row[HEAD - 1] if is_text else row[HEAD - 1, SHOWN] for row in rows]
        letters = over if is_text else ""
        return [signed(head[:, :CHANNELS].T, name, letters) for head, name in zip(heads, "qkv", strict=True)]

    told = Telling(
        f"block {BLOCK}, on “{SENTENCE}” after {DONE} of {system.config.sampler_steps} steps; a column is a "
        f"word, or a patch from the two rows in the middle; {CHANNELS} numbers of each"
    )
    told.show("image", 1, stream(seen.image))
    told.show("text", 1, stream(seen.text))
    told.show("c", 2, signed(seen.c[None, :CHANNELS]))
    told.show("image_rows", 3, *strips(seen.image_rows))
    told.show("text_rows", 3, *strips(seen.text_rows))
    told.show("meet", 4, amount(seen.weights[HEAD - 1, :n, n:], "by patch", over))
    told.show("image_add", 5, stream(seen.image_added))
    told.show("text_add", 5, stream(seen.text_added))
    told.show("image_mlp", 6, stream(seen.image_end))
    told.show("text_mlp", 6, stream(seen.text_end))
    _say(told, seen, words)
    return told


def block_of(system: MMDiT) -> Block:
    """A block step by step, as `JointBlock` computes it."""
    import torch

    from atlas_cli.draws import generator
    from atlas_cli.systems.flow.joint import JointBlock, attention_weights, meet
    from atlas_cli.systems.flow.mmdit import asked_tokens

    tokens = torch.tensor([asked_tokens(SENTENCE)[: system.config.caption_length]])
    noise = system.noise(1, generator(SEED, "worked"))
    x_t = [noise, *system.follow(noise, tokens)][DONE]
    t = torch.full((1,), DONE / system.config.sampler_steps)
    image, text, c = system.net.start(x_t, t, tokens)
    assert text is not None
    blocks = list(system.net.blocks)
    for earlier in blocks[: BLOCK - 1]:
        image, text = earlier(image, text, c)
    block = blocks[BLOCK - 1]
    assert isinstance(block, JointBlock)
    (image_rows, knobs), (text_rows, text_knobs) = block.image.project(image, c), block.text.project(text, c)
    q, k = (torch.cat([a, b], dim=2) for a, b in ((image_rows.q, text_rows.q), (image_rows.k, text_rows.k)))
    weights = attention_weights(q, k)
    seen, heard = meet(image_rows, text_rows)
    added = image + knobs[0] * block.image.out(seen)
    text_added = text + text_knobs[0] * block.text.out(heard)
    ends = block.image.finish(image, seen, knobs), block.text.finish(text, heard, text_knobs)
    torch.testing.assert_close(ends, block(image, text, c), rtol=1e-3, atol=1e-3)  # what the block computes
    q_k_v = [tuple(part[0] for part in rows) for rows in (image_rows, text_rows)]
    image_end, text_end = (end[0] for end in ends)
    return Block(
        c[0], image[0], text[0], q_k_v[0], q_k_v[1], weights[0], added[0], text_added[0], image_end, text_end
    )


def _say(told: Telling, seen: Block, words: list[str]) -> None:
    """What to see, with its figures."""
    n, weights = len(seen.image), seen.weights[HEAD - 1]
    to_words = weights[:n, n:]
    most = int(to_words.max(0).values.argmax())
    reader = int(to_words[:, most].argmax())
    to_patches = float(weights[n:, :n].sum(-1).mean())
    told.seen[3] = f"Head {HEAD} of {len(seen.weights)}."
    told.seen[4] = (
        f"Drawn is what each of the {n} patches takes of each word, and not what of patches. Patches give "
        f"{float(to_words.sum(-1).mean()):.0%} of their attention to words, words {to_patches:.0%} of theirs "
        f"to patches. Patch {reader + 1} reads {words[most]} most, with {float(to_words[reader, most]):.0%}."
    )
    change = float((seen.image_added - seen.image).norm(dim=-1).mean() / seen.image.norm(dim=-1).mean())
    told.seen[5] = f"What a patch is added is {change:.0%} as long as the patch, on average."


EXAMPLE = Example("mmdit/small", tell)
