"""The transformers library's Llama with the weights of ours: the reference of the block."""

from __future__ import annotations

import torch
from torch import nn


def llama_config(d_model, n_head, n_kv_head, d_ff, n_layer=1, context_len=64, vocab_size=256, **fields):
    from transformers import LlamaConfig

    config = LlamaConfig(
        vocab_size=vocab_size, hidden_size=d_model, intermediate_size=d_ff, num_hidden_layers=n_layer,
        num_attention_heads=n_head, num_key_value_heads=n_kv_head, max_position_embeddings=context_len,
        rms_norm_eps=1e-5, tie_word_embeddings=False, **fields,
    )  # fmt: skip
    config._attn_implementation = "sdpa"
    return config


def copy_block(ours: nn.Module, theirs: nn.Module) -> None:
    """Our block's weights into a LlamaDecoderLayer."""
    pairs = {
        "self_attn.q_proj": "mixing.q_proj",
        "self_attn.k_proj": "mixing.k_proj",
        "self_attn.v_proj": "mixing.v_proj",
        "self_attn.o_proj": "mixing.out_proj",
        "mlp.gate_proj": "feed_forward.gate",
        "mlp.up_proj": "feed_forward.up",
        "mlp.down_proj": "feed_forward.down",
        "input_layernorm": "mixing_norm",
        "post_attention_layernorm": "feed_forward_norm",
    }
    assert set(dict(theirs.named_parameters())) == {f"{name}.weight" for name in pairs}
    with torch.no_grad():
        for their_name, our_name in pairs.items():
            theirs.get_submodule(their_name).weight.copy_(ours.get_submodule(our_name).weight)
