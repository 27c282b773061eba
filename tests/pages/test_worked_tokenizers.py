"""The numbers by hand on the pages of vq-vae and fsq come out of the systems' own functions."""

from __future__ import annotations

import math

import torch

from atlas_cli import catalog
from atlas_cli.pages.source import read_page
from atlas_cli.systems.autoencoder.fsq import EDGE, Levels
from atlas_cli.systems.autoencoder.vq_vae import Codebook, moved, straight_through


def contact(topic: str) -> str:
    """The worked example of a page, on one line."""
    page = read_page(catalog.resolve(topic))
    (found,) = (section.markdown for section in page.sections if section.title == "A first contact")
    return " ".join(found.split())


def book(*codes: float) -> Codebook:
    own = Codebook(len(codes), 1, 0.9, 0.0)
    own.codes.copy_(torch.tensor(codes)[:, None])
    return own


def test_one_step_of_the_encoder():
    text, own, pixel = contact("vq-vae"), book(-1.0, 0.5, 2.0), 1.6
    z = torch.tensor([[0.8]], requires_grad=True)
    chosen = own.nearest(z)
    code = own.codes[chosen]
    error = (straight_through(z, code) - pixel).square().sum()
    (slope,) = torch.autograd.grad(error, z, retain_graph=True)
    (both,) = torch.autograd.grad(error + 0.25 * (z - code).square().sum(), z)
    after = z.detach() - 0.3 * both
    assert f"| encoder says | {z.item():.3f} | {after.item():.3f} |" in text
    after_code = own.codes[own.nearest(after)]
    assert f"| nearest code | {code.item():g} | {after_code.item():g} |" in text
    errors = error.item(), (after_code - pixel).square().item()
    assert "| squared error | {:.2f} | {:.2f} |".format(*errors) in text
    assert f"2 · (0.5 - 1.6) = {slope.item():.1f}" in text
    assert f"0.25 · 2 · 0.3 = {both.item() - slope.item():.2f}" in text
    assert f"Together {both.item():.2f}" in text
    assert f"at a distance of {abs(z.item() - code.item()):.1f}" in text
    assert f'stored as "{chosen.item()}"' in text


def test_one_step_of_the_codes():
    text, own = contact("vq-vae"), book(-1.0, 0.5, 2.0)
    n, m = torch.tensor([0.0, 0.5, 0.5]), torch.tensor([[0.0], [(0.8 + 0.4) / 4], [1.0]])
    codes, _ = moved(own.codes, torch.tensor([1 / 3, 0.5, 1 / 6]), n, m, 0.9)
    assert "0.8 and 0.4, with mean 0.6" in text
    assert f"to {codes[1].item():.2f}." in text
    assert codes[0].item() == -1
    assert "Nothing chose -1: it stays." in text


def test_a_vector_becomes_a_number():
    text, own = contact("fsq"), Levels((5, 3))
    z = torch.tensor([0.9, -1.2])
    bounded = own.bound(z) / (1 + EDGE)
    code = bounded.round()
    index = int(own.index(code))
    given = own(z.view(1, 2, 1, 1)).vectors.flatten()
    rows = {
        "encoder says": [f"{x:.3f}" for x in z],
        "its tanh": [f"{x:.3f}" for x in z.tanh()],
        "bounded: times 2 and times 1": [f"{x:.3f}" for x in bounded],
        "rounded": [f"{x:g}" for x in code],
        "counted from the lowest": [f"{x:g}" for x in code + own.below],
        "what the decoder is given": [f"{x:g}" for x in given],
    }
    for name, (first, second) in rows.items():
        assert f"| {name} | {first} | {second} |" in text, name
    assert f"number 3 + 5 · 0 = {index} of {own.size}" in text
    slope = 2 * (1 - math.tanh(0.9) ** 2)
    assert f"2 · (1 - 0.716²) = {slope:.2f}" in text
