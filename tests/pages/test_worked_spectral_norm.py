"""The numbers by hand on the page of sngan."""

from __future__ import annotations

import math

import numpy as np

from atlas_cli import catalog
from atlas_cli.pages.source import read_page

W = np.array([[2.0, 1.0], [1.0, 2.0]])


def text() -> str:
    """The page in one line."""
    return " ".join(" ".join(part.markdown for part in read_page(catalog.resolve("sngan")).sections).split())


def pair(v: np.ndarray) -> str:
    return f"({v[0]:.4f}, {v[1]:.4f})".replace("1.0000", "1").replace("0.0000", "0")


def test_three_rounds_there_and_back() -> None:
    page, v = text(), np.array([1.0, 0.0])
    for number in (1, 2, 3):
        before, u = v, W @ v / np.linalg.norm(W @ v)
        back = W.T @ u
        v = back / np.linalg.norm(back)
        assert f"| {number} | {pair(before)} | {np.linalg.norm(back):.4f} | {pair(v)} |" in page
    assert np.linalg.svd(W)[1].round(12).tolist() == [3, 1]


def test_the_two_inputs_and_the_five_layers() -> None:
    page = text()
    for v, out in (((1, 0), (2, 1)), ((1, 1), (3, 3))):
        assert tuple(W @ v) == out
        assert f"of length {math.hypot(*out):.2f}" in page
    assert round(math.hypot(3, 3) / math.hypot(1, 1), 12) == 3
    assert f"3 · 3 · 3 · 3 · 3 = {3**5}" in page
    assert "in the example by 1/81" in page  # (1/3) to the fourth
    assert round((1 / 3) ** 4 * 81, 12) == 1


def test_the_gradient_through_the_division() -> None:
    """The closed form of the page against torch's derivative."""
    import torch

    weight = torch.tensor([[2.0, 1.0], [0.5, 3.0]], dtype=torch.float64, requires_grad=True)
    target = torch.tensor([[0.3, -1.0], [2.0, 0.7]], dtype=torch.float64)
    sigma = torch.linalg.matrix_norm(weight, 2)
    (exact,) = torch.autograd.grad((weight / sigma * target).sum(), weight)
    left, values, right = torch.linalg.svd(weight.detach())
    divided = weight.detach() / values[0]
    formula = (target - (target * divided).sum() * torch.outer(left[:, 0], right[0])) / values[0]
    torch.testing.assert_close(exact, formula)
