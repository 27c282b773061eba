"""The two streams: a block against the one of Diffusers with the same weights, and what may read what."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from atlas_cli.systems.flow.joint import (
    JointBlock,
    Rows,
    Stream,
    Transformer,
    attend,
    attention_weights,
    meet,
)

D, H = 24, 4


def shaken(module: nn.Module, std: float = 0.3) -> nn.Module:
    """Weights that a start at zero would hide behind."""
    torch.manual_seed(0)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=std)
    return module


def tokens() -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(1)
    return tuple(torch.randn(shape, generator=random) for shape in ((2, 9, D), (2, 5, D), (2, D)))  # type: ignore[return-value]


def copy(to: nn.Linear, *parts: nn.Linear, order: tuple[int, ...] = (0,)) -> None:
    """Weights of linear layers, row block by row block, in the other library's order."""
    weight, bias = torch.cat([p.weight for p in parts]), torch.cat([p.bias for p in parts])
    with torch.no_grad():
        to.weight.copy_(torch.cat([weight.chunk(len(order))[i] for i in order]))
        to.bias.copy_(torch.cat([bias.chunk(len(order))[i] for i in order]))


def diffusers_block(block: JointBlock) -> nn.Module:
    """Stable Diffusion 3's block with the weights of ours."""
    from diffusers.models.attention import JointTransformerBlock

    theirs = JointTransformerBlock(D, H, D // H, context_pre_only=block.last, qk_norm="rms_norm")
    image, text, attn = block.image, block.text, theirs.attn
    six = (0, 1, 2, 3, 4, 5)
    copy(theirs.norm1.linear, image.knobs, order=six)
    copy(theirs.norm1_context.linear, text.knobs, order=(1, 0) if block.last else six)  # scale before shift
    for name, ours in (("to_q", image.q), ("to_k", image.k), ("to_v", image.v)):
        copy(getattr(attn, name), ours)
    copy(attn.to_out[0], image.out)
    copy(attn.add_k_proj, text.k)
    copy(attn.add_v_proj, text.v)
    norms = [(attn.norm_q, image.norm_q), (attn.norm_k, image.norm_k), (attn.norm_added_k, text.norm_k)]
    mlps = [(theirs.ff, image.mlp)]
    if not block.last:
        copy(attn.add_q_proj, text.q)
        copy(attn.to_add_out, text.out)
        norms.append((attn.norm_added_q, text.norm_q))
        mlps.append((theirs.ff_context, text.mlp))
    for norm, ours in norms:
        norm.weight.data.copy_(ours.weight)
    for mlp, ours in mlps:
        copy(mlp.net[0].proj, ours[0])
        copy(mlp.net[2], ours[2])
    return theirs


@pytest.mark.parametrize("last", [False, True])
def test_a_block_is_that_of_stable_diffusion_3(last: bool) -> None:
    block = shaken(JointBlock(D, H, last=last))
    image, text, c = tokens()
    their_text, their_image = diffusers_block(block)(image, text, c)
    our_image, our_text = block(image, text, c)
    torch.testing.assert_close(our_image, their_image, atol=1e-4, rtol=1e-4)
    assert (our_text is None) == (their_text is None) == last
    if not last:
        torch.testing.assert_close(our_text, their_text, atol=1e-4, rtol=1e-4)


def rows(n: int, seed: int) -> Rows:
    random = torch.Generator().manual_seed(seed)
    return Rows(*(torch.randn(2, H, n, D // H, generator=random) for _ in range(3)))


def test_attention_is_the_softmax_of_all_scores_written_out() -> None:
    q, k, v = rows(7, 0)
    weights = attention_weights(q, k)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, H, 7))
    torch.testing.assert_close(attend(q, k, v), (weights @ v).transpose(1, 2).flatten(2))


def test_patches_and_words_meet_in_one_softmax() -> None:
    """Written out: exponentials of the scores with both kinds over their one sum."""
    image, text = rows(3, 0), rows(5, 1)
    for asking, read in zip((image, text), meet(image, text), strict=True):
        scores = [(asking.q @ kind.k.mT / (D // H) ** 0.5).exp() for kind in (image, text)]
        total = sum(s.sum(-1, keepdim=True) for s in scores)
        expected = sum(s @ kind.v for s, kind in zip(scores, (image, text), strict=True)) / total
        torch.testing.assert_close(read, expected.transpose(1, 2).flatten(2))


def test_queries_and_keys_have_one_length_whatever_the_weights() -> None:
    q, k, _ = Stream(D, H).project(50 * torch.randn(2, 3, D), torch.zeros(2, D))[0]
    for made in (q, k):
        torch.testing.assert_close(made.square().mean(-1), torch.ones(2, H, 3), atol=1e-3, rtol=0)


def test_an_untrained_block_changes_nothing() -> None:
    """adaLN-Zero: all gates are zero."""
    image, text, c = tokens()
    after = JointBlock(D, H)(image, text, c)
    assert torch.equal(after[0], image)
    assert torch.equal(after[1], text)


def test_both_kinds_read_each_other() -> None:
    block = shaken(JointBlock(D, H))
    image, text, c = tokens()
    before = block(image, text, c)
    other_word, other_patch = text.clone(), image.clone()
    other_word[:, 2] = other_word[:, 1]  # a constant more would vanish in the norm
    other_patch[:, 2] = other_patch[:, 1]
    assert not torch.allclose(block(image, other_word, c)[0][:, 0], before[0][:, 0], atol=1e-3)
    assert not torch.allclose(block(other_patch, text, c)[1][:, 0], before[1][:, 0], atol=1e-3)


def test_words_that_are_only_read_pass_unchanged_and_are_read_all_the_same() -> None:
    block = shaken(JointBlock(D, H, one_way=True))
    image, text, c = tokens()
    other_word, other_patch = text.clone(), image.clone()
    other_word[:, 2] = other_word[:, 1]
    other_patch[:, 2] = other_patch[:, 1]
    seen, heard = block(image, text, c)
    assert heard is text
    assert block(other_patch, text, c)[1] is text
    assert not torch.allclose(block(image, other_word, c)[0], seen, atol=1e-3)
    assert not any(name.startswith(("text.q", "text.mlp")) for name, _ in block.named_parameters())


def net(**fields: object) -> Transformer:
    made = Transformer(8, 3, 2, 14, 5, D, 2, H, 2, **fields)  # type: ignore[arg-type]
    shaken(made, 0.2)
    return made


def scene() -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(1)
    words = torch.tensor([[1, 4, 8, 0, 0], [1, 5, 9, 2, 3]])
    return torch.randn(2, 3, 8, 8, generator=random), torch.tensor([0.2, 0.7]), words


@pytest.mark.parametrize(
    "fields", [
        {}, {"words": False}, {"sentence": False}, {"shared": True}, {"sentence": False, "one_way": True},
        {"sentence": False, "text_layers": 0},
    ],
)  # fmt: skip
def test_every_way_to_hear_the_caption_hears_it_word_by_word(fields: dict[str, bool]) -> None:
    model, (x_t, t, words) = net(**fields), scene()
    said = model(x_t, t, words)
    assert said.shape == x_t.shape
    for place in range(words.shape[1]):
        other = words.clone()
        other[:, place] = 11
        assert not torch.allclose(model(x_t, t, other), said, atol=1e-4), place


def test_without_words_the_patches_hear_one_vector_and_no_token_of_text() -> None:
    model = net(words=False)
    assert not any("text" in name for name, _ in model.blocks.named_parameters())


def test_one_stream_has_one_set_of_weights() -> None:
    two, one, image = (
        sum(p.numel() for p in net(**fields).blocks.parameters())
        for fields in ({}, {"shared": True}, {"words": False})
    )
    assert one == image < 0.65 * two
    block = net(shared=True).blocks[0]
    assert block.image is block.text


def test_the_words_have_places() -> None:
    """A red circle beside a blue square is no blue circle beside a red square."""
    model, (x_t, t, _) = net(), scene()
    one, other = torch.tensor([[4, 8, 6, 9, 0]]), torch.tensor([[6, 8, 4, 9, 0]])
    answers = [model(x_t[:1], t[:1], words) for words in (one, other)]
    assert not torch.allclose(*answers, atol=1e-3)
