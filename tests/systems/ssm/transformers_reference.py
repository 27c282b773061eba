"""Mamba and Mamba-2 of the transformers library, with the weights of ours."""

from __future__ import annotations

import torch
from transformers import Mamba2Config, Mamba2ForCausalLM, MambaConfig, MambaForCausalLM

from atlas_cli.systems.ssm import mamba, mamba2

SHAPE = {"vocab_size": 6, "d_model": 8, "d_state": 4}
AROUND = {
    "embed.weight": "backbone.embeddings.weight",
    "final_norm.weight": "backbone.norm_f.weight",
    "head.weight": "lm_head.weight",
}


def squeezed(weight):
    """A depthwise filter, (D, 1, K), as (K, D)."""
    return weight.squeeze(1).T


def same(tensor):
    return tensor


MAMBA2_BLOCK = {
    "in_proj.weight": ("in_proj.weight", same),
    "conv_weight": ("conv1d.weight", squeezed),
    "conv_bias": ("conv1d.bias", same),
    "delta_bias": ("dt_bias", same),
    "A_log": ("A_log", same),
    "D": ("D", same),
    "norm.weight": ("norm.weight", same),
    "out_proj.weight": ("out_proj.weight", same),
}
RANK, N = 3, SHAPE["d_state"]
MAMBA_BLOCK = {
    "in_proj.weight": ("in_proj.weight", same),
    "conv_weight": ("conv1d.weight", squeezed),
    "conv_bias": ("conv1d.bias", same),
    "s_delta.0.weight": ("x_proj.weight", lambda t: t[:RANK]),
    "s_delta.1.weight": ("dt_proj.weight", same),
    "s_delta.1.bias": ("dt_proj.bias", same),
    "s_B.weight": ("x_proj.weight", lambda t: t[RANK : RANK + N]),
    "s_C.weight": ("x_proj.weight", lambda t: t[RANK + N :]),
    "A_log": ("A_log", same),
    "D": ("D", same),
    "out_proj.weight": ("out_proj.weight", same),
}


def mamba2_pair():
    """Ours, theirs, and which parameter of theirs each of ours is."""
    torch.manual_seed(0)
    theirs = Mamba2ForCausalLM(
        Mamba2Config(
            vocab_size=6, hidden_size=8, state_size=4, head_dim=4, num_heads=4, expand=2, n_groups=1,
            num_hidden_layers=2, chunk_size=16, tie_word_embeddings=False, use_bias=False,
        )
    )  # fmt: skip
    ours = mamba2.Mamba2(mamba2.Config(**SHAPE, d_head=4, context_len=12))
    return ours, theirs, _names(MAMBA2_BLOCK)


def mamba_pair():
    """Ours, theirs, and which parameter of theirs each of ours is."""
    torch.manual_seed(0)
    theirs = MambaForCausalLM(
        MambaConfig(
            vocab_size=6, hidden_size=8, state_size=4, expand=2, time_step_rank=RANK, num_hidden_layers=2,
            tie_word_embeddings=False, use_bias=False,
        )
    )  # fmt: skip
    ours = mamba.Mamba(mamba.Config(**SHAPE, dt_rank=RANK, context_len=12))
    return ours, theirs, _names(MAMBA_BLOCK)


def _names(block, n_layer=2):
    names = {ours: (theirs, same) for ours, theirs in AROUND.items()}
    for i in range(n_layer):
        names[f"norms.{i}.weight"] = (f"backbone.layers.{i}.norm.weight", same)
        for ours, (theirs, convert) in block.items():
            names[f"blocks.{i}.{ours}"] = (f"backbone.layers.{i}.mixer.{theirs}", convert)
    return names


def assert_same_logits_and_gradients(ours, theirs, names, length, tolerance=1e-4):
    """Every parameter of both takes part, moved off its start, where many are zeros and ones."""
    parameters, reference = dict(ours.named_parameters()), dict(theirs.named_parameters())
    assert set(parameters) == set(names)
    assert set(reference) == {theirs_name for theirs_name, _ in names.values()}
    with torch.no_grad():
        for tensor in reference.values():
            tensor.add_(0.3 * torch.randn_like(tensor))
        for name, (other, convert) in names.items():
            parameters[name].copy_(convert(reference[other]))
    tokens = torch.randint(0, 6, (3, length))
    logits, expected = ours(tokens), theirs(tokens, use_cache=False).logits
    torch.testing.assert_close(logits, expected, atol=tolerance, rtol=tolerance)
    weights = torch.randn_like(logits)
    gradients = torch.autograd.grad((logits * weights).sum(), [parameters[name] for name in names])
    (expected * weights).sum().backward()
    for gradient, (other, convert) in zip(gradients, names.values(), strict=True):
        wanted = convert(reference[other].grad)
        scale = max(1.0, float(wanted.abs().max()))
        torch.testing.assert_close(gradient, wanted, atol=tolerance * scale, rtol=tolerance)
