"""What the search finds: a protocol of queries, each with the places that a reader would hope for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from atlas_cli import catalog
from atlas_cli.pages.source import read_page
from atlas_cli.site import search, shell
from atlas_cli.site.shell import Content

GPT, VAE, DDPM, MAMBA = "transformer/gpt", "autoencoder/vae", "diffusion/ddpm", "ssm/mamba"
#: What is typed; the page that must come first.
FIRST = {
    "attention": GPT, "what's attention": GPT, "attntion": GPT, "self-attention": GPT, "GPT-2": GPT,
    "temperature": GPT, "top-p": GPT,
    "kv cache memory": "transformer/kv-cache", "multi-head attention": "transformer/kv-cache",
    "LoRA rank": "transformer/lora", "rotary": "transformer/rope",
    "mixture of experts routing": "transformer/moe",
    "what is a state space model": "ssm/index", "selective scan": MAMBA, "Mamba-2": "ssm/mamba2",
    "stable diffusion": "diffusion/latent-diffusion", "U-Net": "diffusion/latent-diffusion",
    "noise schedule": DDPM, "digit drowns": DDPM,
    "guidance weight": "diffusion/cfg", "classifier-free guidance": "diffusion/cfg",
    "how does diffusion work": "diffusion/index", "flow matching vs diffusion": "flow/cfm",
    "tokenizer": "autoencoder/bpe", "ELBO": VAE, "what is ELBO": VAE, "reparameterization trick": VAE,
    "VQ-VAE": "autoencoder/vq-vae",
    "GAN collapse": "gan/gan", "why does GAN collapse": "gan/gan",
    "NeRF": "scene3d/nerf", "Zero-1-to-3": "scene3d/zero123",
    "gaussian splatting": "scene3d/gaussian-splatting",
    "CLIP": "contrastive/clip", "RT-2": "vla/rt2",
    "RLHF": "alignment/rlhf", "PPO": "alignment/rlhf", "chatgpt": "alignment/rlhf",
    "DPO vs PPO": "alignment/dpo", "reinforcement learning": "alignment/rlhf",
}  # fmt: skip
#: What is typed; an address that must be among the first five.
AMONG = {
    "positional encoding": "transformer/rope.html",
    "temperature": "transformer/gpt.html#transformer-sampling",
    "digit drowns": "diffusion/ddpm.html#diffusion-noising",
    "flow diffusion": "flow/cfm.html",
    "classifier perfect confidence figure": "gan/quiz.html#q3",
}
NOTHING = ("zzqx", "photosynthesis")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with the box, and the index of the whole atlas: no diagram need be drawn for it."""
    subjects = [entry for family in catalog.families() for entry in (family, *family.topics)]
    found = [entry for subject in subjects for entry in search.entries(read_page(subject))]
    found += [entry for family in catalog.families() for entry in search.questions(family)]
    found.append(search.word("glossary.html#logit", "logit", "A score before the softmax.", ["logits"]))
    out = tmp_path_factory.mktemp("search")
    (out / "assets").mkdir()
    (out / shell.INDEX).write_text(search.script(found), encoding="utf-8")
    (out / shell.SCRIPT).write_text(shell.script(), encoding="utf-8")
    (out / shell.STYLE).write_text(shell.asset("site.css"), encoding="utf-8")
    (out / "index.html").write_text(
        shell.page(Content("index.html", "t", "a", "<h1>t</h1>")), encoding="utf-8"
    )
    return out


def test_every_query_of_the_protocol_finds_its_page(open_in, folder: Path):
    page = open_in(folder)("index.html")
    box = page.locator(".search input")
    box.focus()
    page.wait_for_function("window.atlasIndex")
    wrong = {}
    for query, wanted in FIRST.items():
        found = _found(page, query)
        if not found or not found[0].startswith(wanted + ".html"):
            wrong[query] = found[:3]
    for query, wanted in AMONG.items():
        found = _found(page, query)
        if not any(address.startswith(wanted) for address in found[:5]):
            wrong[query] = found[:5]
    wrong |= {query: found for query in NOTHING if (found := _found(page, query))}
    assert not wrong
    assert page.locator(".results").inner_text() == "Nothing found."
    assert _found(page, "logits")[0] == "glossary.html#logit"


def test_a_word_that_is_nowhere_is_not_silently_taken_for_another(open_in, folder: Path):
    page = open_in(folder)("index.html")
    page.locator(".search input").focus()
    page.wait_for_function("window.atlasIndex")
    results = page.locator(".results")
    assert _found(page, "attntion")
    assert results.inner_text().startswith("Nothing has “attntion”; this is for “attention”.")
    assert results.locator("[role=option]").first.get_attribute("aria-selected") == "true"
    assert _found(page, "attention")
    assert "Nothing has" not in results.inner_text()


def _found(page: Any, query: str) -> list[str]:
    page.locator(".search input").fill(query)
    return page.locator(".results a").evaluate_all("links => links.map((link) => link.getAttribute('href'))")
