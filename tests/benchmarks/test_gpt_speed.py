"""GPT beside a nanoGPT-style loop over transformers' Llama of equal size: tokens per second, one thread.

Processor time, the least of several rounds; a round runs both, to disturb both alike. Figures are printed:
run with `-s`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest
import torch

from atlas_cli.engine.device import autocast, resolve_precision
from atlas_cli.language.decoding import DecodingConfig, write
from atlas_cli.nets.attention import attend, fused, strips
from atlas_cli.systems.transformer.gpt import GPT, Config
from tests.nets.llama import llama_config

pytestmark = pytest.mark.bench

D_MODEL, N_LAYER, N_HEAD, D_FF, CONTEXT, BATCH = 128, 4, 4, 352, 256, 16
WRITTEN = 192  # tokens
CPU = torch.device("cpu")
#: fp32 on every machine, and bf16 where the processor has units for it.
PRECISIONS = ["fp32", *(["bf16"] if resolve_precision("auto", CPU) == "bf16" else [])]
TRAINING = {"fp32": 1.0, "bf16": 1.15}  # how many times as fast as the peer at least


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def ours() -> GPT:
    torch.manual_seed(0)
    sizes = {"d_model": D_MODEL, "n_layer": N_LAYER, "n_head": N_HEAD, "d_ff": D_FF}
    return GPT(Config(vocab_size=256, context_len=CONTEXT, **sizes))


def llama():
    from transformers import LlamaForCausalLM

    torch.manual_seed(0)
    return LlamaForCausalLM(llama_config(D_MODEL, N_HEAD, N_HEAD, D_FF, N_LAYER, 2 * CONTEXT))


def fastest(rounds, **works):
    """Processor seconds of each."""
    for work in works.values():
        work()
    taken = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            began = time.process_time()
            work()
            taken[name].append(time.process_time() - began)
    return {name: min(times) for name, times in taken.items()}


def trainer(model, loss_of, precision):
    """One step as nanoGPT takes it: autocast, backward, clip, fused AdamW."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), fused=True)

    def step():
        with autocast(precision, CPU):
            loss = loss_of()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def in_a_child(call: str) -> dict[str, float]:
    """Seconds printed by a process of its own: the shape checks of the tests would slow one side only."""
    code = f"from tests.benchmarks import test_gpt_speed as t; t.{call}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_training_against_transformers(precision):
    seconds = in_a_child(f"print_training_seconds({precision!r})")
    rates = {name: f"{BATCH * CONTEXT / s:,.0f}" for name, s in seconds.items()}
    ratio = seconds["transformers"] / seconds["atlas"]
    print(f"\ntraining in {precision}, tokens a second: {rates}, {ratio:.2f} times as fast")
    assert ratio > TRAINING[precision]


def print_training_seconds(precision):
    """Run in the child process."""
    torch.set_num_threads(1)
    model, peer = ours(), llama()
    assert sum(p.numel() for p in model.parameters()) == sum(p.numel() for p in peer.parameters())
    tokens = torch.randint(0, 256, (BATCH, CONTEXT + 1))
    x, y = tokens[:, :-1], tokens[:, 1:]

    def peers_loss():
        return torch.nn.functional.cross_entropy(peer(x).logits.flatten(0, 1), y.flatten())

    seconds = fastest(
        8,
        atlas=trainer(model, lambda: model.loss((x, y))[0], precision),
        transformers=trainer(peer, peers_loss, precision),
    )
    print(json.dumps(seconds))


def test_sampling_against_transformers():
    seconds = in_a_child("print_sampling_seconds()")
    rates = {name: f"{WRITTEN / s:,.0f}" for name, s in seconds.items()}
    ratio = seconds["transformers"] / seconds["atlas"]
    print(f"\nsampling with a cache, tokens a second: {rates}, {ratio:.2f} times as fast")
    assert ratio > 1.3


def print_sampling_seconds():
    """Run in the child process."""
    from transformers import GenerationConfig

    torch.set_num_threads(1)
    model, peer = ours().eval(), llama().eval()
    prompt = torch.randint(0, 256, (1, 16))
    greedy = DecodingConfig(temperature=0.0)
    options = GenerationConfig(
        max_new_tokens=WRITTEN, min_new_tokens=WRITTEN, do_sample=False, use_cache=True, pad_token_id=0
    )

    def peers():
        return peer.generate(prompt, attention_mask=torch.ones_like(prompt), generation_config=options)

    assert peers().shape[1] == 16 + WRITTEN
    print(
        json.dumps(fastest(4, atlas=lambda: list(write(model, prompt, WRITTEN, greedy)), transformers=peers))
    )


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("length", [64, 128, 256])
def test_the_kernel_that_a_trial_chose_is_the_faster_one(length, precision):
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    q, k, v = torch.randn(3, 4096 // length, 4, length, 32, dtype=dtype, requires_grad=True)

    def run(form):
        form(q, k, v).sum().backward()

    run(attend)  # its trial
    forms = {"chosen": attend, "strips": strips, "fused": fused}
    seconds = fastest(5, **{name: lambda form=form: run(form) for name, form in forms.items()})
    times = ", ".join(f"{name} {1e3 * s:.1f} ms" for name, s in seconds.items())
    print(f"\nattention in {precision}, forward and backward, {length} tokens: {times}")
    assert seconds["chosen"] < 1.15 * min(seconds["strips"], seconds["fused"])
