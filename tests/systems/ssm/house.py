"""What every language model of the family must do, however it is built."""

from __future__ import annotations

import torch

from atlas_cli.language.model import LanguageModel


def assert_token_by_token_equals_all_at_once(system: LanguageModel) -> tuple[object, object]:
    """By the recurrence, in pieces of one token and of many; returns the first state and the last."""
    tokens = torch.randint(0, system.config.vocab_size, (3, 40))
    first = state = system.first_state(3)
    logits = []
    with torch.no_grad():
        for part in tokens.split([1, 1, 7, 31], dim=1):
            out, state = system.extend(part, state)
            logits.append(out)
        torch.testing.assert_close(torch.cat(logits, 1), system(tokens), atol=1e-4, rtol=1e-4)
    return first, state


def assert_no_position_sees_a_later_one(
    system: LanguageModel, length: int = 20, changed_from: int = 11
) -> None:
    """Other tokens from one position on change nothing before it, and something there."""
    vocab_size = system.config.vocab_size
    tokens = torch.randint(0, vocab_size, (2, length))
    changed = tokens.clone()
    changed[:, changed_from:] = (tokens[:, changed_from:] + 1) % vocab_size
    with torch.no_grad():
        before, after = system(tokens), system(changed)
    torch.testing.assert_close(before[:, :changed_from], after[:, :changed_from])
    assert not torch.allclose(before[:, changed_from], after[:, changed_from])
