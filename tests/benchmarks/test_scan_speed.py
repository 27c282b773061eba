"""A layer's mixing of tokens, forward and backward: scans, chunks and causal attention, in time and memory.

Against mambapy's parallel scan and a plain loop at one length, with 16 sequences; then over lengths of 64 to
16,384, always 16,384 tokens. All in fp32, 128 channels of 16 states, on one thread. Figures are printed: run
with `-s`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from atlas_cli.explorables.ssm.crossing import measure, methods
from atlas_cli.metrics.timing import least_seconds
from atlas_cli.nets.scan import selective_scan
from atlas_cli.systems.ssm.mamba import plain_scan
from tests.benchmarks.recording import record

pytestmark = pytest.mark.bench

BATCH, CHANNELS, STATES = 16, 128, 16
TOKENS = 2**14
MEASURED = (
    "atlas_cli.systems.ssm.mamba", "atlas_cli.nets.scan", "atlas_cli.nets.ssd", "atlas_cli.nets.attention",
)  # fmt: skip
LENGTHS = (64, 256, 1024, 4096, 16_384)


def parallel_scan(x, delta, A, B, C):
    """As mambapy's MambaBlock.selective_scan does it."""
    from mambapy.pscan import pscan

    decay = torch.exp(delta.unsqueeze(-1) * A)  # (B, L, D, N)
    h = pscan(decay, (delta * x).unsqueeze(-1) * B.unsqueeze(2))
    return (h @ C.unsqueeze(-1)).squeeze(3)


SCANS = {"ours": selective_scan, "mambapy": parallel_scan, "loop": plain_scan}


def coefficients(length):
    torch.manual_seed(0)
    x = torch.randn(BATCH, length, CHANNELS)
    delta = F.softplus(torch.randn(BATCH, length, CHANNELS) - 2)
    A = -torch.arange(1.0, STATES + 1).repeat(CHANNELS, 1)
    B, C = torch.randn(2, BATCH, length, STATES)
    return [t.requires_grad_() for t in (x, delta, A, B, C)]


def forward_and_backward(scan, leaves):
    scan(*leaves).sum().backward()


def seconds(length):
    """Processor time of every scan."""
    leaves = coefficients(length)
    return least_seconds({name: partial(forward_and_backward, scan, leaves) for name, scan in SCANS.items()})


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("length", "over_mambapy", "over_loop"), [(256, 2.5, 2.0), (1024, 3.0, 2.2)])
def test_time_forward_and_backward(length, over_mambapy, over_loop):
    taken = seconds(length)
    times = ", ".join(f"{name} {1e3 * t:.0f} ms ({t / taken['ours']:.1f})" for name, t in taken.items())
    print(f"\nselective scan, L = {length}: {times}")
    assert taken["mambapy"] >= over_mambapy * taken["ours"]
    assert taken["loop"] >= over_loop * taken["ours"]


@pytest.mark.timeout(1200)
def test_time_over_length():
    """The table of the lesson: microseconds a token, and how many times attention's that is."""
    names = tuple(methods())
    rows = {}
    print(f"\nmicroseconds a token, {TOKENS} tokens (times faster than attention)")
    print(f"{'L':>6}" + "".join(f"{name:>18}" for name in names))
    for length in LENGTHS:
        rounds = 1 if length == max(LENGTHS) else 2
        readings = {name: measure(name, length, STATES, TOKENS, rounds) for name in names}
        rows[length] = row = {n: r.microseconds["forward and backward"] for n, r in readings.items()}
        cells = (f"{us:.1f} ({row['attention'] / us:.2f})" for us in row.values())
        print(f"{length:6}" + "".join(f"{cell:>18}" for cell in cells), flush=True)
    record("ssm/scan-speed", "microseconds", turned(rows), MEASURED)
    for name in ("fused", "chunks"):  # linear; steps of one sequence alone are short
        assert rows[16_384][name] < 3 * rows[256][name]
    assert rows[16_384]["attention"] > 8 * rows[256]["attention"]
    assert rows[256]["chunks"] < rows[256]["attention"]
    assert 4 * rows[1024]["chunks"] < 1.2 * rows[1024]["attention"]
    assert rows[1024]["fused"] < rows[1024]["attention"]
    assert rows[4096]["fused"] < min(rows[4096]["loop"], rows[4096]["tree"])


def turned(rows):
    """By name, then by length."""
    return {name: {length: row[name] for length, row in rows.items()} for name in next(iter(rows.values()))}


def growth_by_method(name, length):
    return _in_a_process(f"print_growth_of({name!r}, {length})")


def print_growth_of(name, length):
    """Run in the child process."""
    torch.set_num_threads(1)
    make, mix = methods()[name]
    torch.autograd.grad(mix(*(leaves := make(1, 64, STATES))).sum(), leaves)
    leaves = make(TOKENS // length, length, STATES)
    before = peak_kib()
    torch.autograd.grad(mix(*leaves).sum(), leaves)
    print(peak_kib() - before)


@pytest.mark.timeout(1200)
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_over_length():
    names = tuple(methods())
    rows = {}
    print(f"\npeak MiB over that of the inputs, {TOKENS} tokens")
    print(f"{'L':>6}" + "".join(f"{name:>12}" for name in names))
    for length in (64, 1024, 16_384):
        rows[length] = {name: growth_by_method(name, length) for name in names}
        print(f"{length:6}" + "".join(f"{kib / 1024:12.0f}" for kib in rows[length].values()), flush=True)
    mib = {length: {name: kib / 1024 for name, kib in row.items()} for length, row in rows.items()}
    record("ssm/scan-speed", "mib", turned(mib), MEASURED)
    for row in rows.values():
        assert max(row["fused"], row["chunks"]) * 4 < min(row["loop"], row["tree"])


def _in_a_process(call):
    code = f"from tests.benchmarks import test_scan_speed as t; t.{call}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout)


def peak_growth(name):
    """How far one forward and backward at L = 1024 raises the peak memory of a process of its own."""
    return _in_a_process(f"print_peak_growth({name!r})")


def print_peak_growth(name):
    """Run in the child process."""
    torch.set_num_threads(1)
    forward_and_backward(SCANS[name], coefficients(4))  # whatever is loaded on first use
    leaves = coefficients(1024)
    before = peak_kib()
    forward_and_backward(SCANS[name], leaves)
    print(peak_kib() - before)


def peak_kib():
    """Of this process alone: getrusage would begin at the parent's peak."""
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text()).group(1))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_forward_and_backward():
    growth = {name: peak_growth(name) for name in SCANS}
    print(
        "\npeak memory over that of the inputs, L = 1024:",
        {n: f"{kib / 1024:.0f} MiB" for n, kib in growth.items()},
    )
    assert growth["ours"] * 4 < growth["mambapy"]
    assert growth["ours"] * 4 < growth["loop"]


def test_forward_time_is_linear_in_length():
    from atlas_cli.engine.system import Setting
    from atlas_cli.recipe.recipes import TrainConfig
    from atlas_cli.systems.ssm.mamba import Config, Mamba

    system = Mamba(Config(vocab_size=16, context_len=64))
    system.attach(Setting(None, TrainConfig(steps=1, lr=1e-3)))
    with torch.no_grad():
        exponent = system.time_exponent()
    print(f"\nseconds of the forward pass grow as length to the power {exponent:.2f}")
    assert 0.5 < exponent < 1.2
