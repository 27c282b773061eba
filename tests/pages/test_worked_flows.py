"""Numbers by hand on the pages of flow models come out of the code."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli import catalog
from atlas_cli.pages.source import read_page
from atlas_cli.systems.flow.cnf import CNF, Config, hutchinson_trace, normal_log_density
from atlas_cli.systems.flow.solvers import CALLS, ORDER, solve


def text_of(topic: str) -> str:
    """The whole page on one line."""
    page = read_page(catalog.resolve(topic))
    return " ".join(" ".join([page.opening, *(section.markdown for section in page.sections)]).split())


def doubling(x: torch.Tensor, t: float) -> torch.Tensor:
    return x * math.log(2)


@pytest.mark.parametrize(
    ("steps", "method", "words"),
    [
        (1, "euler", "one step of Euler"),
        (2, "euler", "two steps of Euler"),
        (4, "euler", "four steps of Euler"),
        (1, "midpoint", "one step of midpoint"),
        (1, "rk4", "one step of RK4"),
    ],
)
def test_walks_from_a_half_to_one(steps: int, method: str, words: str) -> None:
    end = float(solve(doubling, torch.tensor([[0.5]], dtype=torch.float64), steps, method))
    assert f"| {words} | {steps * CALLS[method]} | {end:.3f} |" in text_of("cnf")


def test_the_misses_of_four_calls() -> None:
    start = torch.tensor([[0.5]], dtype=torch.float64)
    assert 1 - float(solve(doubling, start, 1, "rk4")) < 1e-3
    assert round(1000 * (1 - float(solve(doubling, start, 4, "euler")))) == 52
    assert "miss by less than a thousandth; spent on four poor ones, by 52 thousandths" in text_of("cnf")


def test_the_log_density_of_one() -> None:
    noise = float(normal_log_density(torch.tensor([[0.5]])))
    total = noise - math.log(2)
    assert f"\\log p(1) = {noise:.3f} - {math.log(2):.3f} = {total:.3f}" in text_of("cnf")
    assert f"{math.exp(noise):.3f} / 2 = {math.exp(noise) / 2:.3f}" in text_of("cnf")
    cnf = CNF(Config(dim=2))
    cnf.net.along = lambda x, t, d: (doubling(x, t), d * math.log(2))
    found = cnf.log_density(torch.tensor([[1.0, 1.0]]))  # two such coordinates
    assert float(found) == pytest.approx(2 * total, abs=1e-4)


def test_a_trace_from_two_directions() -> None:
    jacobian = torch.tensor([[1.0, 3.0], [-2.0, 0.5]])
    signs = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    told = hutchinson_trace(lambda x, t: x @ jacobian.T, torch.zeros(4, 2), 0.0, signs).tolist()
    assert told == [2.5, 0.5, 0.5, 2.5]
    assert sum(told) / 4 == float(jacobian.trace()) == 1.5
    assert sum((one - 1.5) ** 2 for one in told) / 4 == float((jacobian[0, 1] + jacobian[1, 0]) ** 2) == 1


def test_half_the_step_of_rk4_leaves_a_sixteenth() -> None:
    assert "half the error for Euler, a sixteenth for RK4" in text_of("cnf")
    assert (2 ** ORDER["euler"], 2 ** ORDER["rk4"]) == (2, 16)


def test_a_nat_in_bits() -> None:
    assert f"{1 / math.log(2):.2f} bits" in text_of("cnf")
    least = -float(normal_log_density(torch.zeros(1, 2)))
    assert f"$\\log 2 \\pi$ = {least:.2f}, the least" in text_of("cnf")
