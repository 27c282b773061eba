"""The selective scan, forward and backward, beside mambapy's parallel scan and a plain loop: time and memory.

All in fp32 with batch 16, 128 channels of 16 states, on one thread. Figures are printed: run with `-s`.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from atlas_cli.nets.scan import loop_scan, selective_scan

pytestmark = pytest.mark.bench

BATCH, CHANNELS, STATES = 16, 128, 16
ROUNDS = 5


def parallel_scan(x, delta, A, B, C):
    """As mambapy's MambaBlock.selective_scan does it."""
    from mambapy.pscan import pscan

    decay = torch.exp(delta.unsqueeze(-1) * A)  # (B, L, D, N)
    h = pscan(decay, (delta * x).unsqueeze(-1) * B.unsqueeze(2))
    return (h @ C.unsqueeze(-1)).squeeze(3)


SCANS = {"ours": selective_scan, "mambapy": parallel_scan, "loop": loop_scan}


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
    """Processor time, the least of several rounds; a round runs every scan, to disturb all alike."""
    leaves = coefficients(length)
    taken = {name: [] for name in SCANS}
    for _ in range(ROUNDS):
        for name, scan in SCANS.items():
            began = time.process_time()
            forward_and_backward(scan, leaves)
            taken[name].append(time.process_time() - began)
    return {name: min(times) for name, times in taken.items()}


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


def peak_growth(name):
    """How far one forward and backward at L = 1024 raises the peak memory of a process of its own."""
    code = f"from tests.benchmarks.test_scan_speed import print_peak_growth as p; p({name!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout)


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
    from atlas_cli.recipes import TrainConfig
    from atlas_cli.systems.ssm.mamba import Config, Mamba

    system = Mamba(Config(vocab_size=16, context_len=64))
    system.attach(Setting(None, TrainConfig(steps=1, lr=1e-3)))
    with torch.no_grad():
        exponent = system.time_exponent()
    print(f"\nseconds of the forward pass grow as length to the power {exponent:.2f}")
    assert 0.5 < exponent < 1.2
