"""Guidance between two classes."""

from __future__ import annotations

import torch

from atlas_cli.explorables.diffusion import guidance


def test_guidance_buys_certainty_and_pays_with_spread():
    facts = [guidance.guidance(w, "upper").facts for w in (0, 1, 3, 6)]
    assert [f["sure of the class"] for f in facts] == sorted(f["sure of the class"] for f in facts)
    spreads = [f["spread against weight 1"] for f in facts]
    assert spreads == sorted(spreads, reverse=True)
    assert spreads[1] == 1


def test_without_guidance_the_class_does_not_matter():
    parts, both = guidance._classes()
    torch.testing.assert_close(
        guidance.guided_samples(parts[0], both, 0.0), guidance.guided_samples(parts[1], both, 0.0)
    )
