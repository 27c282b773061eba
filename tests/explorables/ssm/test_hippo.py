"""What a state knows of the past, against Legendre polynomials and the meaning of a projection."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from atlas_cli.explorables.ssm import hippo


@pytest.mark.parametrize("power", [0, 1, 3])
def test_hippos_state_holds_the_legendre_coefficients_of_all_that_was_read(power):
    """Of s^power over [0, 1], in the basis sqrt(2n + 1) P_n(2s - 1)."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    basis = [np.polynomial.Legendre.basis(n)(nodes) * math.sqrt(2 * n + 1) for n in range(4)]
    expected = [float((weights / 2 * ((nodes + 1) / 2) ** power * b).sum()) for b in basis]
    read = hippo.LENGTH
    seconds = (torch.arange(read, dtype=torch.float64) + 0.5) / read  # the middle of each step
    state = hippo.held("hippo", 4, read) @ seconds**power
    assert state.tolist() == pytest.approx(expected, abs=0.03)


def test_hippo_stretches_with_the_past_and_s4_forgets_at_a_fixed_pace():
    """The oldest input: as strong in HiPPO's mean as any other, e^(-t delta / 2) in S4's slowest state."""
    whole = hippo.held("hippo", 2, 96)[0]
    assert whole.tolist() == pytest.approx([1 / 96] * 96, rel=0.05)
    fading = torch.linalg.vector_norm(hippo.held("legs", 2, 96), dim=0)
    assert (fading[0] / fading[-1]).item() == pytest.approx(math.exp(-hippo.DELTA * 95 / 2))


@pytest.mark.parametrize("start", hippo.STARTS)
@pytest.mark.parametrize("states", [2, 16])
def test_what_is_told_is_the_nearest_signal_with_the_same_readable_state(start, states):
    """A projection: telling again changes nothing, and what is lost is orthogonal to what is told."""
    known, count, lost = hippo.told(start, states, 48)
    past = torch.tensor(hippo.signal()[:48], dtype=torch.float64)
    said = torch.tensor(known, dtype=torch.float64)
    assert count <= states
    assert float((past - said) @ said) == pytest.approx(0, abs=1e-4)
    assert lost == pytest.approx(float((past - said).norm() / past.norm()), rel=1e-4)


def test_as_many_states_as_steps_lose_nothing():
    known, count, lost = hippo.told("hippo", 64, 16)
    assert count == 16
    assert lost < 1e-6
    assert known == pytest.approx(hippo.signal()[:16])


def test_more_states_help_where_they_turn_and_hardly_where_they_fade():
    for read in (48, 72, 96):
        lost = {name: [hippo.told(name, n, read)[2] for n in (8, 64)] for name in hippo.STARTS}
        assert lost["hippo"][1] < 0.4 * lost["hippo"][0]
        assert lost["legs"][1] < 0.4 * lost["legs"][0]
        assert lost["real"][1] > 0.9 * lost["real"][0]
        assert hippo.told("real", 64, read)[1] < 8


def test_the_marker_and_the_facts_are_those_of_the_knobs():
    frame = hippo.hippo(8, 40, "real")
    assert frame.panels[0][0].marker == 39
    assert frame.panels[1][0].marker == 8
    _, count, lost = hippo.told("real", 8, 40)
    assert frame.facts == {"directions told apart": f"{count} of 8", "lost of the past": f"{lost:.0%}"}
