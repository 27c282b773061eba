import torch
from torch.nn import functional as F

from atlas_cli.nets.feed_forward import SwiGLU
from tests.nets.llama import llama_config


def test_the_formula_at_one_number():
    net = SwiGLU(1, 1)
    for layer, weight in ((net.gate, 2.0), (net.up, 3.0), (net.down, 5.0)):
        torch.nn.init.constant_(layer.weight, weight)
    x = torch.tensor([0.7])
    torch.testing.assert_close(net(x), 5 * (F.sigmoid(2 * x) * 2 * x) * (3 * x))


def test_equal_to_transformers_llama():
    from transformers.models.llama.modeling_llama import LlamaMLP

    torch.manual_seed(0)
    ours, theirs = SwiGLU(12, 20), LlamaMLP(llama_config(12, 2, 2, 20))
    names = {"gate": "gate_proj", "up": "up_proj", "down": "down_proj"}
    theirs.load_state_dict({f"{names[n.split('.')[0]]}.weight": p for n, p in ours.state_dict().items()})
    x = torch.randn(3, 4, 12)
    torch.testing.assert_close(ours(x), theirs(x))
