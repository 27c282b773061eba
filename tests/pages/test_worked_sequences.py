"""The numbers by hand on the pages of transformers and state-space models come out of the code."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn, tensor

from atlas_cli import catalog
from atlas_cli.nets.moe import Router
from atlas_cli.nets.rope import rotate
from atlas_cli.nets.ssd import ssd, ssd_recurrence
from atlas_cli.pages.source import read_page
from atlas_cli.systems.ssm.mamba import plain_scan
from atlas_cli.systems.ssm.s4 import discretise, plain_convolution, plain_kernel, plain_recurrence
from atlas_cli.systems.transformer.gpt import written_out
from atlas_cli.systems.transformer.kv_cache import cache_bytes
from atlas_cli.systems.transformer.lora import LoRALinear


def contact(name: str) -> str:
    """The first contact of a page, on one line."""
    page = read_page(catalog.resolve_any(name))
    (found,) = (s for s in page.sections if s.title == "A first contact")
    return " ".join(found.markdown.split())


def head(*numbers: float) -> Tensor:
    """One text, one head, a vector of one number for each token."""
    return tensor(numbers, dtype=torch.float32).view(1, 1, -1, 1)


def test_gpt_averages_three_values_by_their_keys():
    keys, values = [2.0, 0.0, 1.0], [10.0, 20.0, 30.0]
    got = written_out(head(1, 1, 1), head(*keys), head(*values)).flatten()
    weights = tensor(keys).softmax(0)
    page = contact("gpt")
    assert "| weight, seen from `)` | " + " | ".join(f"{w:.3f}" for w in weights.tolist()) in page
    assert f"= {got[2]:.1f}, where a plain mean would be {sum(values) / 3:.0f}" in page
    first, second = tensor(keys[:2]).softmax(0).tolist()
    assert f"weights are {first:.3f} and {second:.3f}, and it receives {got[1]:.1f}" in page
    assert f"in *nats*, {math.log(4):.2f}" in page


def test_rope_scores_by_distance_alone():
    def turned(position: int) -> Tensor:
        angle = tensor([[position * math.pi / 3]])
        return rotate(tensor([1.0, 0.0]).view(1, 1, 1, 2), angle.cos(), angle.sin()).flatten()

    def shown(vector: Tensor) -> str:
        return "(" + ", ".join(f"{round(x, 3) + 0:g}" for x in vector.tolist()) + ")"

    for m, n in ((3, 1), (4, 2), (3, 2)):
        q, k = turned(m), turned(n)
        assert f"| {m} | {n} | {shown(q)} | {shown(k)} | {float(q @ k):.3g} |" in contact("rope")


def test_the_cache_serves_a_fourth_token():
    keys, values = (2.0, 0.0, 1.0, 0.0), (10.0, 20.0, 30.0, 40.0)
    alone = written_out(head(1), head(*keys), head(*values)).item()
    whole = written_out(head(1, 1, 1, 1), head(*keys), head(*values)).flatten()
    assert math.isclose(alone, whole[3].item(), rel_tol=1e-6)
    page = contact("kv-cache")
    assert "weights " + ", ".join(f"{w:.3f}" for w in tensor(keys).softmax(0).tolist()) in page
    assert f"it receives {alone:.1f}" in page
    assert f"| {sum(range(5))} | {sum(range(101)):,} |" in page
    assert (
        f"16 numbers, {cache_bytes(1, 2, 1, 4)} bytes; three tokens leave {cache_bytes(3, 2, 1, 4)}" in page
    )


def test_a_router_chooses_two_of_four_and_is_asked_for_balance():
    router = Router(1, 4, 2)
    router.weight.data = tensor([[2.0], [1.0], [0.0], [0.0]])
    routing = router(torch.ones(1, 1))
    page = contact("moe")
    assert f"are {', '.join(f'{p:.3f}' for p in routing.probabilities[0, :3])} and 0.083" in page
    first, second = routing.gates[0].tolist()
    assert f"sum to one: {first:.3f} and {second:.3f}" in page
    assert f"the token receives {10 * first + 20 * second:.1f}" in page
    one_of_two, shares = Router(4, 2, 1), tensor([0.8, 0.8, 0.8, 0.4])
    one_of_two.weight.data = torch.stack([shares.log(), (1 - shares).log()])
    assert f"= {one_of_two(torch.eye(4)).balance_loss.item():.1f}." in page


def test_lora_writes_what_it_reads():
    base = nn.Linear(3, 3, bias=False)
    base.weight.data = torch.eye(3)
    layer, x = LoRALinear(base, 1, 1.0), torch.ones(3)
    assert torch.equal(layer(x), x)  # B is zero
    layer.A.data, layer.B.data = tensor([[1.0, 0.0, 2.0]]), tensor([[0.0], [1.0], [0.0]])
    assert torch.equal(layer(x), tensor([1.0, 4.0, 1.0]))
    assert layer.merged().weight.tolist() == [[1, 0, 0], [1, 1, 2], [0, 0, 1]]
    assert "gives the rows (1, 0, 0), (1, 1, 2) and (0, 0, 1)" in contact("lora")
    assert f"it is {2 * 3 * 128} for {128 * 128:,}" in contact("lora")


def test_speculation_ends_at_the_target():
    q, p = tensor([0.6, 0.3, 0.1], dtype=torch.float64), tensor([0.4, 0.4, 0.2], dtype=torch.float64)
    kept, drawn = torch.minimum(q, p), (p - q).clamp(min=0)
    page = contact("speculative")
    for row, numbers in (("guessed and kept", kept), ("drawn after a refusal", drawn), ("together", p)):
        assert f"| {row} | {' | '.join(f'{x:.2g}' for x in numbers.tolist())} |" in page
    torch.testing.assert_close(kept + (1 - kept.sum()) * drawn / drawn.sum(), p)
    a = kept.sum().item()
    assert f"= {1 + a + a * a:.2f} tokens for one pass" in page


def test_s4_in_steps_and_as_a_kernel():
    A, C, u = tensor([[-1.0]]), torch.ones(1, 1), tensor([1.0, 0.0, 2.0]).view(1, 3, 1)
    A_bar, B_bar = discretise(A, tensor([[math.log(2)]]), "zoh")
    kernel = plain_kernel(A_bar, B_bar, C, 3)
    states = plain_recurrence(u, A_bar, B_bar, C)
    torch.testing.assert_close(states, plain_convolution(u, kernel))
    torch.testing.assert_close(states.flatten(), tensor([0.5, 0.25, 1.125]))
    torch.testing.assert_close(kernel[0], tensor([0.5, 0.25, 0.125]))
    assert "| 3 | 2 | 0.125 + 1 = 1.125 |" in contact("s4")
    assert f"with $\\Delta = {math.log(2):.3f}$, {A_bar.item():.1f}" in contact("s4")


def test_mamba_passes_the_filler_over():
    def states(*delta: float) -> list[float]:
        x, ones = tensor([5.0, 9.0, 9.0]).view(1, 3, 1), torch.ones(1, 3, 1)
        y = plain_scan(x, tensor(delta, dtype=x.dtype).view(1, 3, 1), tensor([[-1.0]]), ones, ones)
        return [float(number) for number in y.flatten()]

    page = contact("mamba")
    _, second, third = states(1, 0.01, 0.01)
    assert f"= {second:.2f} | {third:.2f} |" in page
    _, second, third = states(1, 1, 1)
    assert f"= {second:.2f} | {third:.2f} |" in page
    assert f"only {5 * math.exp(-2):.2f} of the {third:.2f}" in page


def test_mamba2_with_a_state_and_with_weights():
    x, half = tensor([4.0, 2.0, 1.0]).view(1, 3, 1, 1), tensor([-math.log(2)])
    B, C = tensor([1.0, 0.0, 1.0]).view(1, 3, 1), tensor([1.0, 1.0, 2.0]).view(1, 3, 1)
    y, state = ssd_recurrence(x, torch.ones(1, 3, 1), half, B, C)
    torch.testing.assert_close(y.flatten(), tensor([4.0, 2.0, 4.0]))
    in_chunks, _ = ssd(x, torch.ones(1, 3, 1), half, B, C, chunk=2)
    torch.testing.assert_close(in_chunks, y)
    assert state.item() == 2
    weights = C.flatten()[2] * B.flatten() * tensor([0.25, 0.5, 1.0])
    assert f"that is {', '.join(f'{w:g}' for w in weights.tolist())}." in contact("mamba2")


def test_two_numbers_hold_two_pairs_and_attention_keeps_three():
    addresses, values = tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]), tensor([3.0, 7.0, 10.0])
    assert (values[:2] @ addresses[:2]).tolist() == [3, 7]
    full = (values @ addresses).round().tolist()
    page = contact("jamba")
    assert f"= ({full[0]:.0f}, {full[1]:.0f}), and `b` returns {full[1]:.0f}" in page
    weights = (addresses @ tensor([0.0, 20.0])).softmax(0)
    assert f"the weights 0, {weights[1]:.3f} and {weights[2]:.3f}" in page
    assert f"the answer is {float(weights @ values):.2f}" in page


def test_what_zamba_keeps():
    d, n, r = 100, 3, 4
    page = contact("zamba")
    assert f"| {n * d * d:,} |" in page
    assert f"+ {n} · {2 * d * r} = {d * d + n * 2 * d * r:,} |" in page
    bent = torch.eye(2) + tensor([[1.0], [0.0]]) @ tensor([[0.0, 1.0]])
    assert (bent @ tensor([2.0, 3.0])).tolist() == [5, 3]


def test_looking_back_surprises_less_than_counting():
    scores = tensor([4.0, 2.0])
    seven, three = scores.softmax(0).tolist()
    page = contact("transformer")
    e = scores.exp().tolist()
    assert f"{e[0]:.1f} and {e[1]:.2f}, and divide by their sum, {sum(e):.2f}" in page
    assert f"the 7 gets {seven:.3f} and the 3 gets {three:.3f}" in page
    assert f"the surprise is {-math.log2(seven):.2f} bits" in page
    assert f"it is {-math.log2(three):.2f}" in page
    logits = scores.clone().requires_grad_()
    (slope,) = torch.autograd.grad(nn.functional.cross_entropy(logits, tensor(0)), logits)
    torch.testing.assert_close(slope, tensor([-three, three]))


def test_steps_of_a_linear_memory_are_joined():
    def join(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
        return other[0] * one[0], other[0] * one[1] + other[1]

    def after(*inputs: float) -> float:
        h = 0.0
        for x in inputs:
            h = 0.5 * h + x
        return h

    page = contact("ssm")
    a, b = join((0.5, 1), (0.5, 2))
    assert f"0.5 · 3 + 1 = {after(3, 1)}, then 0.5 · 2.5 + 2 = {after(3, 1, 2)}" in page
    assert (a, a * 3 + b) == (0.25, after(3, 1, 2))
    assert f"0.5 · 1 + 2 = {b}" in page
    assert f"{a} · 3 + {b} = {after(3, 1, 2)}" in page
    assert after(1, 2, 2) == after(3, 1, 2)
    assert f"0.5 · 3 + 2 = {after(3, 2)}" in page
    steps = (0.9, 0.3), (0.5, -1.0), (0.2, 4.0)
    left, right = join(join(*steps[:2]), steps[2]), join(steps[0], join(*steps[1:]))
    torch.testing.assert_close(tensor(left), tensor(right))
    assert 0.9**66 < 1e-3 < 0.9**65
    assert 0.999**6905 < 1e-3 < 0.999**6904
