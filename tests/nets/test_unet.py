"""The U-Net: its blocks against those of diffusers; what control adds, and where."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from atlas_cli.nets.unet import ResBlock, SelfAttention2d, UNet, _groups


@pytest.fixture
def net() -> UNet:
    torch.manual_seed(0)
    net = UNet(channels=1, n_classes=3, width=8, multipliers=(1, 2))
    for parameter in net.parameters():  # no part of it silent
        nn.init.normal_(parameter, std=0.2)
    return net


@pytest.fixture
def inputs() -> tuple[torch.Tensor, ...]:
    random = torch.Generator().manual_seed(1)
    return torch.randn(2, 1, 8, 8, generator=random), torch.tensor([3.0, 900.0]), torch.tensor([0, 3])


def features(net: UNet, inputs: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
    """The skips, and the middle."""
    x, t, label = inputs
    middle, skips = net.encode(x, net.embed(t, label))
    return [*skips, middle]


def test_a_control_of_zeros_changes_no_bit(net: UNet, inputs: tuple[torch.Tensor, ...]) -> None:
    nothing = [torch.zeros_like(f) for f in features(net, inputs)]
    assert torch.equal(net(*inputs, control=nothing), net(*inputs))


def test_skips_come_finest_first_with_the_widths_of_their_levels(
    net: UNet, inputs: tuple[torch.Tensor, ...]
) -> None:
    assert [tuple(f.shape[1:]) for f in features(net, inputs)] == [(8, 4, 4), (16, 2, 2), (16, 2, 2)]
    assert net.levels == [8, 16]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_control_that_takes_a_feature_away_leaves_a_net_without_it(
    net: UNet, inputs: tuple[torch.Tensor, ...], place: int
) -> None:
    """Minus the feature itself as control is the net whose feature is zero."""
    _, t, label = inputs
    found = features(net, inputs)
    control = [-f if i == place else torch.zeros_like(f) for i, f in enumerate(found)]
    without = [torch.zeros_like(f) if i == place else f for i, f in enumerate(found)]
    expected = net.decode(without[-1], without[:-1], net.embed(t, label))
    assert torch.equal(net(*inputs, control=control), expected)
    assert not torch.allclose(expected, net(*inputs), atol=1e-2)


def test_a_hint_is_added_behind_the_first_convolution(net: UNet, inputs: tuple[torch.Tensor, ...]) -> None:
    """A hint that is the same everywhere is a change of that convolution's bias."""
    x, t, label = inputs
    e, shift = net.embed(t, label), torch.linspace(-1, 1, 8)
    hinted, _ = net.encode(x, e, hint=shift.view(1, 8, 1, 1).expand(2, 8, 4, 4))
    net.conv_in.bias.data += shift
    torch.testing.assert_close(hinted, net.encode(x, e)[0], atol=1e-5, rtol=1e-5)


def test_control_for_fewer_places_than_there_are_is_an_error(
    net: UNet, inputs: tuple[torch.Tensor, ...]
) -> None:
    finest, _, middle = features(net, inputs)
    with pytest.raises(ValueError, match="shorter"):
        net(*inputs, control=[finest, middle])


def randomised(module: nn.Module) -> nn.Module:
    """The module with no part of it silent."""
    torch.manual_seed(2)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3)
    return module


@pytest.mark.parametrize("c_out", [8, 16], ids=["same-width", "wider"])
def test_a_residual_block_equals_diffusers(c_out: int) -> None:
    from diffusers.models.resnet import ResnetBlock2D

    ours = randomised(ResBlock(8, c_out, 12))
    theirs = ResnetBlock2D(
        in_channels=8, out_channels=c_out, temb_channels=12, groups=_groups(8), groups_out=_groups(c_out),
        eps=1e-5, time_embedding_norm="scale_shift",
    )  # fmt: skip
    pairs = {
        "norm1": "norm1", "conv1": "conv1", "embed": "time_emb_proj", "norm2": "norm2", "conv2": "conv2",
        **({"skip": "conv_shortcut"} if c_out != 8 else {}),
    }  # fmt: skip
    for name, their_name in pairs.items():
        theirs.get_submodule(their_name).load_state_dict(ours.get_submodule(name).state_dict())
    x, e = torch.randn(2, 8, 6, 6), torch.randn(2, 12)
    torch.testing.assert_close(ours(x, F.silu(e)), theirs(x, e), atol=1e-5, rtol=1e-5)


def test_attention_over_pixels_equals_diffusers() -> None:
    from diffusers.models.attention_processor import Attention

    ours = randomised(SelfAttention2d(16))
    theirs = Attention(
        query_dim=16, heads=4, dim_head=4, bias=True, norm_num_groups=_groups(16), residual_connection=True
    )
    q, k, v = ours.qkv.weight[:, :, 0, 0].chunk(3)
    q_bias, k_bias, v_bias = ours.qkv.bias.chunk(3)
    with torch.no_grad():
        for layer, weight, bias in (
            (theirs.to_q, q, q_bias), (theirs.to_k, k, k_bias), (theirs.to_v, v, v_bias),
            (theirs.to_out[0], ours.out.weight[:, :, 0, 0], ours.out.bias),
        ):  # fmt: skip
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
        theirs.group_norm.load_state_dict(ours.norm.state_dict())
    x = torch.randn(2, 16, 5, 5)
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=1e-5)
