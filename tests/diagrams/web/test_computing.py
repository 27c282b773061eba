"""A page that computes with a pinned network says what the atlas's own code says."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from atlas_cli import catalog
from atlas_cli.diagrams import gallery, networks
from atlas_cli.diagrams.web import computing
from atlas_cli.diagrams.web import page as web_page
from atlas_cli.explorables.transformer import own_sentence
from tests.site.conftest import browser, open_in

__all__ = ["browser", "open_in"]

COMPUTED = [e for f in catalog.families() for e in gallery.explorables_of(f) if e.network]
FURTHEST = 2e-4  # between a logit of the page and one of torch, of sizes up to about 20
MOST_BITS = 0.005  # a byte that eight bits may cost
TEXTS = [
    *own_sentence.TEXTS,
    "def parse(name):\n    return name.split(",
    "\t½ × 3 = 1.5  # “no” ASCII\x01",
    "x",
    "self." * 40,
]
ASK = """async ([whole, questions]) => {
  const worker = new Worker(URL.createObjectURL(new Blob([whole.source], { type: "text/javascript" })));
  const ask = (question) => new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(event.message);
    worker.postMessage(question);
  });
  worker.postMessage({ network: whole.network });
  const answers = [];
  for (const question of questions) answers.push(await ask(question));
  worker.terminate();
  return answers;
}"""


@pytest.fixture
def ask(browser: Any) -> Iterator[Callable[[list[dict[str, Any]]], list[dict[str, Any]]]]:
    """What a worker answers to a row of questions."""
    page = browser.new_page()
    yield lambda questions: page.evaluate(ASK, [computing.whole(SENTENCE), questions])
    page.close()


SENTENCE = next(e for e in COMPUTED if e.name == "own-sentence")


@torch.no_grad()
def test_its_logits_are_those_of_the_atlas(ask):
    texts = [own_sentence._bytes(text) for text in TEXTS]
    system, _ = own_sentence.pinned()
    furthest = 0.0
    for answer, tokens in zip(ask([{"bytes": text} for text in texts]), texts, strict=True):
        wanted = system(torch.tensor([tokens]))[0]
        furthest = max(furthest, float((torch.tensor(answer["logits"]) - wanted).abs().max()))
    print(f"largest difference of a logit: {furthest:.2e}")
    assert furthest < FURTHEST


def close(found: Any, wanted: Any, where: str = "") -> None:
    """Equal, numbers to three digits."""
    if isinstance(wanted, dict):
        assert found.keys() >= wanted.keys() - {"kind"}, where
        for name in wanted.keys() & found.keys():
            close(found[name], wanted[name], f"{where}.{name}")
    elif isinstance(wanted, list | tuple):
        assert len(found) == len(wanted), where
        for i, (one, other) in enumerate(zip(found, wanted, strict=True)):
            close(one, other, f"{where}[{i}]")
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=1e-3, abs=1e-3), where
    else:
        assert found == wanted, where


def test_its_frames_are_those_of_the_atlas_for_any_setting(ask):
    draw = random.Random(0)
    settings = [
        {"text": text} | {k.name: draw.choice(k.values) for k in SENTENCE.knobs if k.name != "text"}
        for text in TEXTS
    ]
    settings += [SENTENCE.defaults, {**settings[0], "written": 40}]
    for answer, setting in zip(ask([{"setting": setting} for setting in settings]), settings, strict=True):
        wanted = json.loads(json.dumps(SENTENCE.frame(setting).as_dict()))
        for row in wanted["panels"]:
            for panel in row:
                panel.pop("links", None)
        close(answer["frame"], wanted, str(setting))


def test_what_it_cannot_read_it_says(ask):
    (answer,) = ask([{"setting": {**SENTENCE.defaults, "text": ""}}])
    assert answer == {"error": "There is no text to read."}


@pytest.mark.parametrize("shown", COMPUTED, ids=lambda shown: shown.name)
def test_eight_bits_cost_next_to_nothing_and_about_a_megabyte(shown):
    network = networks.read(networks.path(shown.family, shown.network))
    assert abs(network.figures["bits_per_byte_8"] - network.figures["bits_per_byte"]) < MOST_BITS
    assert len(computing.script(shown)) < 1_250_000


def test_eight_bits_are_within_half_a_step_and_vectors_are_exact():
    torch.manual_seed(0)
    tensors = {"m": torch.randn(5, 7), "zero": torch.zeros(2, 3), "v": torch.randn(4)}
    origin = networks.read(networks.path(SENTENCE.family, SENTENCE.network)).origin
    found = networks.weights(networks.packed("n", origin, {}, tensors))
    torch.testing.assert_close(found["v"], tensors["v"], rtol=1e-6, atol=0)
    assert torch.equal(found["zero"], tensors["zero"])
    half = tensors["m"].abs().amax(1, keepdim=True) / networks.LEVELS / 2
    assert ((found["m"] - tensors["m"]).abs() <= half * 1.001).all()


def test_a_page_of_one_file_holds_the_network_and_reads_what_is_typed(open_in, tmp_path: Path):
    text = web_page.page(SENTENCE)
    assert "worker-src blob:" in text
    (tmp_path / "own.html").write_text(text, encoding="utf-8")
    page = open_in(tmp_path)("own.html")
    page.locator(".own input").fill("import re")
    page.get_by_text("Your 9 bytes").wait_for()
    page.locator('[data-knob="written"] input').fill("5")
    page.get_by_text("and 5 that it wrote").wait_for()
    page.locator(".own input").fill("\u00a0")
    page.get_by_text("Your 2 bytes, and 5 that it wrote").wait_for()


def test_a_damaged_network_is_refused(tmp_path: Path):
    from atlas_cli.errors import DataError

    whole = networks.path(SENTENCE.family, SENTENCE.network)
    damaged = tmp_path / "n.network.json"
    damaged.write_text(whole.read_text().replace('"numbers": "eNo', '"numbers": "eNp'), encoding="utf-8")
    with pytest.raises(DataError, match="its weights are not those that were written"):
        networks.read(damaged)
    damaged.write_text("{}")
    with pytest.raises(DataError, match="is damaged"):
        networks.read(damaged)
