"""When two recipes are one: hashes, the round trip through a file, differences; and their schema."""

from __future__ import annotations

import hashlib
import json

import pytest
import yaml

from atlas_cli.recipe import recipes
from tests.recipe.house import BUILT, SMALL, House

QUOTED = "'1e-3 # é: yes'"


@pytest.mark.parametrize(
    "change",
    [
        "width=33",
        "deep=true",
        "train.lr=0.1",
        "train.seed=1",
        "train.precision=fp32",
        "data.noise=0.2",
        "data.dim=3",
    ],
)
def test_the_hash_changes_with_all_that_decides_the_weights(house: House, change: str):
    assert recipes.resolve("blob", [change]).hash != recipes.resolve("blob").hash


@pytest.mark.parametrize(
    "change",
    ["sampler_steps=2", "train.threads=1", "train.log_every=1", "train.checkpoint_every=7",
     "expect.score.min=0", "ablate.deep=true", "width=32", "train.steps=100"],
)  # fmt: skip
def test_the_hash_ignores_what_leaves_the_weights_alone(house: House, change: str):
    assert recipes.resolve("blob", [change]).hash == recipes.resolve("blob").hash


def test_the_hash_follows_the_parent_and_the_parents_parent(house: House):
    grand = house.write(SMALL, "g.yaml")
    house.write(f"from: g.yaml\n{BUILT}", "p.yaml")
    child = house.write(f"from: p.yaml\n{BUILT}", "c.yaml")
    before = recipes.resolve(str(child))
    assert before.origins == {"parent": str(house.own / "p.yaml")}
    assert before.parents["parent"].parents["parent"].name == "g.yaml"
    assert before.hash != recipes.resolve("blob").hash
    grand.write_text(SMALL.replace("lr: 2.0e-3", "lr: 2.1e-3"), encoding="utf-8")
    assert recipes.resolve(str(child)).hash != before.hash


def test_the_parent_has_the_childs_seed_and_with_data_its_data(house: House):
    house.write(SMALL, "p.yaml")
    child = str(house.write(f"from: p.yaml\n{BUILT}", "c.yaml"))
    place = str(house.own / "p.yaml")
    assert recipes.resolve(child).origins == {"parent": place}
    seeded = recipes.resolve(child, ["train.seed=3"])
    assert seeded.origins == {"parent": f"{place} train.seed=3"}
    assert seeded.parents["parent"] == recipes.resolve(place, ["train.seed=3"])
    moved = recipes.resolve(child, ["train.seed=3"], data="many_dots")
    parent = moved.parents["parent"]
    assert (parent.data["name"], parent.train.seed) == ("many_dots", 3)
    again = recipes.resolve(str(house.write(recipes.to_yaml(moved), "again.yaml")))
    assert again == moved


def test_words_after_the_parents_name_change_it(house: House):
    house.write(SMALL, "p.yaml")
    child = str(house.write(f"from: p.yaml width=16 train.seed=7\n{BUILT}", "c.yaml"))
    parent = recipes.resolve(child, ["train.seed=3"]).parents["parent"]
    assert (parent.model["width"], parent.train.seed) == (16, 7)


def test_the_hash_is_the_same_on_every_machine(house: House):
    decisive = {
        "system": "blob",
        "data": {"name": "dots", "dim": 2, "noise": 0.1},
        "model": {"dim": 2, "width": 32, "layers": [2, 3], "dropout": 0.0, "shape": "round", "deep": False},
        "train": {
            "steps": 100, "batch_size": 8, "lr": 0.002, "lr_schedule": "cosine", "decay_from": 0.0,
            "final_lr": 0.02, "warmup": 0, "betas": [0.9, 0.99], "weight_decay": 0.0, "grad_clip": 0.0,
            "ema": 0.0, "seed": 0, "precision": "auto",
        },
        "parents": {},
    }  # fmt: skip
    text = json.dumps(decisive, sort_keys=True, separators=(",", ":"))
    assert recipes.resolve("blob").hash == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_the_resolved_recipe_tells_units_and_reads_back(house: House):
    child = house.write(f"from: blob\n{BUILT.replace('it learns', QUOTED)}")
    recipe = recipes.resolve(str(child), ["train.lr=1e-5"])
    text = recipes.to_yaml(recipe)
    assert "  width: 32                         # units of a layer\n" in text
    assert "  noise: 0.1                        # standard deviation\n" in text
    (house.own / "deep").mkdir()
    again = recipes.resolve(str(house.write(text, "deep/resolved.yaml")))
    assert again == recipe
    assert again.hash == recipe.hash
    assert yaml.safe_load(text)["train"]["lr"] == 1e-5  # as any reader of YAML sees it


def test_difference_is_empty_for_equal_recipes_and_names_every_changed_field(house: House):
    a = recipes.resolve("blob")
    b = recipes.resolve("blob", ["train.lr=0.001", "layers=[2]", "data.noise=0.3", "sampler_steps=5"])
    assert recipes.difference(a, a) == []
    assert recipes.difference(a, b) == [
        "data.noise: 0.1 -> 0.3", "model.layers: [2, 3] -> [2]", "model.sampler_steps: 10 -> 5",
        "train.lr: 0.002 -> 0.001",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "changed"),
    [("width=33", True), ("dropout=0.1", True), ("data.dim=3", True), ("sampler_steps=2", False),
     ("train.lr=0.1", False), ("data.noise=0.2", False)],
)  # fmt: skip
def test_the_architecture_is_the_model_without_its_sampling_fields(house: House, change: str, changed: bool):
    assert recipes.architecture_changed(recipes.resolve("blob"), recipes.resolve("blob", [change])) is changed


def test_the_schema_spells_out_the_topics_fields_and_fitting_sources(house: House):
    schema = recipes.schema("blob")
    model = schema["properties"]["model"]
    assert model["properties"]["width"] == {
        "default": 64, "description": "units of a layer", "exclusiveMinimum": 0, "maximum": 512,
        "title": "Width", "type": "integer",
    }  # fmt: skip
    assert model["additionalProperties"] is False
    names = [source["properties"]["name"]["const"] for source in schema["properties"]["data"]["oneOf"]]
    assert names == ["dots", "many_dots"]
    assert schema["then"]["required"] == ["system", "data", "train"]
    assert schema["then"]["properties"] == {"train": {"required": ["steps", "lr"]}, "model": {"required": []}}
    assert "from" in schema["properties"]
    assert "parent" not in schema["properties"]
