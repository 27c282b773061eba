"""The pictures of three codes on the page of image-tokenizer, counted by the system's own functions."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import pytest
import torch

from atlas_cli import catalog
from atlas_cli.pages.source import read_page
from atlas_cli.systems.autoencoder.bag import Bag, counted
from atlas_cli.systems.autoencoder.image_tokenizer import nats

PICTURES = torch.tensor([[1, 2, 0], [0, 1, 2]])
ASKED = PICTURES[:1]


def contact() -> str:
    page = read_page(catalog.resolve("image-tokenizer"))
    (found,) = (section.markdown for section in page.sections if section.title == "A first contact")
    return " ".join(found.split())


def row(title: str, p: torch.Tensor) -> str:
    """A line of the table, with the probability of the asked picture's code at each place."""
    shares = [str(Fraction(float(x)).limit_denominator(99)) for x in (*p, p.prod())]
    bits = float(nats(given(p), ASKED)) / math.log(2)
    return f"| {title} | {' | '.join(shares)} | {bits:.2f} |"


def given(p: torch.Tensor) -> torch.Tensor:
    """Logits that give the asked picture's codes these probabilities, and share the rest evenly."""
    rest = ((1 - p) / 2)[:, None].expand(3, 3).clone()
    return rest.scatter(1, ASKED.T, p[:, None]).log()[None]


def sequential(texts: list[tuple[int, ...]]) -> torch.Tensor:
    """P of each code of the asked picture after those before it, among equally likely texts."""
    asked, shares = tuple(ASKED[0].tolist()), []
    for i in range(3):
        known = [text for text in texts if text[:i] == asked[:i]]
        shares.append(sum(text[i] == asked[i] for text in known) / len(known))
    return torch.tensor(shares)


def test_the_table_of_what_one_knows():
    text, label = contact(), torch.zeros(2, dtype=torch.long)
    counts = counted(PICTURES, label, 1, 3)
    log_p = (counts / counts.sum(-1, keepdim=True)).log()
    bag = Bag(log_p, log_p[0])
    places = bag.log_p[0].exp().gather(1, ASKED.T)[:, 0]
    assert float(bag.nats(ASKED, label[:1])) / math.log(2) == pytest.approx(3)
    shuffled = [order for picture in PICTURES.tolist() for order in itertools.permutations(picture)]
    real = [tuple(picture) for picture in PICTURES.tolist()]
    assert row("nothing", torch.full((3,), 1 / 3)) in text
    assert row("how often each code stands at each place", places) in text
    assert row("which codes a picture has, not where", sequential(shuffled)) in text
    assert row("the codes before it", sequential(real)) in text


def test_how_many_drawings_are_none():
    text, real = contact(), {tuple(picture) for picture in PICTURES.tolist()}
    of_bag = set(itertools.product({1, 0}, {2, 1}, {0, 2}))
    assert Fraction(len(of_bag - real), len(of_bag)) == Fraction(3, 4)
    assert "of four pictures three are none" in text
    assert (1, 1, 0) in of_bag - real
    orders = set(itertools.permutations((0, 1, 2)))
    assert Fraction(len(orders - real), len(orders)) == Fraction(2, 3)
    assert "By the third, two in three are none" in text
    assert (2, 0, 1) in orders - real
