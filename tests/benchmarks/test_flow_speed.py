"""A training step of flow matching against torchcfm's, with one network and one batch, in one run.

torchcfm brings a training framework along, so it is no test dependency; with what the tests need installed,
`pip install --no-deps torchcfm` does.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from atlas_cli.engine.descent import descend
from atlas_cli.engine.system import Setting
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.flow import ot_cfm
from atlas_cli.systems.flow.ot_cfm import OTCFM
from tests.benchmarks.alternating import seconds

BATCH, SIZE = 64, 28
MOST_OF_A_STEP = 0.1  # that choosing the pairs may take


class RandomImages:
    """Images and labels without a data set."""

    def batch(self, random: object) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.rand(BATCH, 1, SIZE, SIZE) * 2 - 1, torch.randint(0, 10, (BATCH,))


def ours(pairing: str) -> tuple[OTCFM, Callable[[], None]]:
    config = ot_cfm.Config(image_size=SIZE, width=48, pairing=pairing, within="batch")
    train = TrainConfig(steps=100, batch_size=BATCH, lr=1e-3, precision="fp32")
    system = OTCFM(config)
    system.attach(Setting(RandomImages(), train))
    optimizers = system.optimizers()
    return system, lambda: descend(system.loss(system.batch(0))[0], *optimizers.values())


def theirs(net: torch.nn.Module, matcher: object) -> Callable[[], None]:
    """The loop of torchcfm's own examples; neither side clips gradients."""
    data, optimizer = RandomImages(), torch.optim.AdamW(net.parameters(), lr=1e-3)

    def step() -> None:
        x1, label = data.batch(None)
        t, x_t, u_t, *_ = matcher.sample_location_and_conditional_flow(torch.randn_like(x1), x1)
        loss = (net(x_t, 1000 * (1 - t), label) - u_t).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


@pytest.mark.bench
@pytest.mark.parametrize(
    ("pairing", "kind"),
    [("random", "ConditionalFlowMatcher"), ("exact", "ExactOptimalTransportConditionalFlowMatcher")],
)
def test_a_step_takes_no_longer_than_torchcfms(pairing: str, kind: str) -> None:
    matching = pytest.importorskip("torchcfm.conditional_flow_matching")
    system, step = ours(pairing)
    mine, other = seconds(step, theirs(system.net, getattr(matching, kind)(sigma=0.0)))
    print(f"\n{pairing}: {BATCH / mine:.0f} images/s, torchcfm {BATCH / other:.0f}, ratio {other / mine:.2f}")
    assert other / mine > 0.95


@pytest.mark.bench
def test_choosing_the_pairs_is_a_small_part_of_a_step() -> None:
    system, _ = ours("exact")
    share = system.pairing_share()
    print(f"\npairing takes {share:.1%} of a step")
    assert share < MOST_OF_A_STEP
