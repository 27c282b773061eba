"""What a child wants of its parent is an argument: a parent's config stays as its run left it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch

import atlas_cli
from atlas_cli.engine.system import SampleRequest, Setting, System
from atlas_cli.metrics import judge
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.diffusion import cfg, consistency, controlnet, ddim, latent_diffusion
from atlas_cli.systems.diffusion.ddpm import DDPM
from atlas_cli.systems.diffusion.ddpm import Config as ParentConfig
from tests.systems.diffusion.latents import rounding

TRAIN = TrainConfig(steps=4, batch_size=4, lr=1e-2, precision="fp32")
ROOT = Path(atlas_cli.__file__).parent

CHILDREN = {
    "ddim": lambda: ddim.DDIM(ddim.Config(image_size=8, sampler_steps=3)),
    "cfg": lambda: cfg.CFG(cfg.Config(image_size=8, sampler_steps=3, guidance=2.0)),
    "consistency": lambda: consistency.Consistency(
        consistency.Config(image_size=8, guidance=3.0, clip=False)
    ),
    "controlnet": lambda: controlnet.ControlNet(
        controlnet.Config(image_size=8, hint_width=4, sampler_steps=3)
    ),
    "latent": lambda: latent_diffusion.LatentDiffusion(
        latent_diffusion.Config(image_size=8, width=8, n_steps=20, sampler_steps=3)
    ),
}


@pytest.mark.parametrize("name", CHILDREN)
def test_a_parents_config_is_the_same_after_every_verb_of_a_child(
    name: str, tiny_images: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (cfg, consistency, ddim, latent_diffusion):
        monkeypatch.setattr(module, "N_SAMPLES", 20)
    monkeypatch.setattr(latent_diffusion, "SPEED_BATCH", 2)
    monkeypatch.setattr(ddim, "COUNTS", (2, 3))
    monkeypatch.setattr(cfg, "class_variety", lambda *_: 0.0)  # of two images a class there is none
    monkeypatch.setattr(cfg, "AXES", 0)  # so that two are enough to be asked
    monkeypatch.setattr(judge, "_MIN_STEPS", 2)
    torch.manual_seed(0)
    parent = DDPM(ParentConfig(image_size=8, n_steps=20, width=8, sampler_steps=7, guidance=1.25))
    parent.requires_grad_(False)
    config, before = parent.config, parent.config.model_dump()
    system: System = CHILDREN[name]()
    parents = {"pixels": parent, "tokenizer": rounding()}
    system.attach(Setting(tiny_images, TRAIN, parent=parent, parents=parents))
    optimizers = system.optimizers()
    if optimizers:
        for step in range(TRAIN.steps):
            system.step(system.batch(step), optimizers)
    with torch.no_grad():
        assert system.evaluate()
        system.sample(SampleRequest(n=5))
    assert parent.config is config
    assert parent.config.model_dump() == before


@pytest.mark.parametrize("folder", ["systems", "language", "nets", "explorables"])
def test_nobody_writes_to_the_config_of_another(folder: str) -> None:
    """The only assignment to a `.config` is that of a module to its own."""
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            for target in targets:
                for part in ast.walk(target) if target is not None else ():
                    if isinstance(part, ast.Attribute) and part.attr == "config":
                        own = isinstance(part.value, ast.Name) and part.value.id == "self"
                        assert own, f"{path}:{part.lineno}"
