"""Mamba against transformers with copied weights."""

from __future__ import annotations

import pytest

from tests.systems.ssm.transformers_reference import assert_same_logits_and_gradients, mamba_pair


@pytest.mark.parametrize("length", [1, 12, 77])
def test_logits_and_gradients_are_those_of_transformers(length):
    assert_same_logits_and_gradients(*mamba_pair(), length=length)
