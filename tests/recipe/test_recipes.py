"""Recipes: laid over their base, changed, completed by the data, and refused with every error at once."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from atlas_cli import paths
from atlas_cli.errors import UsageError
from atlas_cli.recipe import recipes
from tests.recipe.house import BUILT, SMALL, House, errors_of, house_fixture  # noqa: F401 - pytest finds it here

QUOTED = "'1e-3 # é: yes'"


# --- what a recipe resolves to ---------------------------------------------------------------------------


def test_the_data_fills_in_its_facts_and_defaults_the_rest(house: House):
    recipe = recipes.resolve("blob")
    assert recipe.name == "blob/small"
    assert recipe.data == {"name": "dots", "dim": 2, "noise": 0.1}
    assert recipe.model == {
        "dim": 2, "width": 32, "layers": (2, 3), "dropout": 0.0, "shape": "round", "deep": False,
        "sampler_steps": 10,
    }  # fmt: skip
    assert (recipe.train.lr, recipe.train.betas, recipe.train.seed) == (0.002, (0.9, 0.99), 0)
    assert recipe.expect["score"].claim == "it learns"
    assert recipe.measured["date"] == "2026-11-22"
    assert recipes.system_config(recipe).layers == (2, 3)
    assert recipes.data_config(recipe).kind == "dots"


def test_a_base_gives_all_but_what_is_said_or_measured_of_itself(house: House):
    small, smoke = recipes.resolve("blob/small"), recipes.resolve("blob/smoke")
    assert recipes.difference(small, smoke) == [
        "train.steps: 100 -> 2",
        "expect.score.min: 0.5 -> (none)",
        "expect.score.claim: it learns -> (none)",
        "expect.score_ratio.min: 2.0 -> (none)",
    ]
    assert (smoke.about, smoke.measured) == ("", {})


def test_bases_stack_and_a_users_file_may_build_on_a_neighbour_or_a_shipped_recipe(house: House):
    house.write("system: blob\nbase: blob/smoke\ntrain: {lr: 0.1}\n", "one.yaml")
    two = recipes.resolve(str(house.write("base: one.yaml\ntrain: {seed: 4}\n", "two.yaml")))
    assert (two.train.steps, two.train.lr, two.train.seed) == (2, 0.1, 4)
    assert recipes.resolve(str(house.write("system: blob\nbase: small\n"))).train.steps == 100


def test_options_of_the_bases_source_do_not_leak_into_another(house: House):
    house.write("system: blob\nbase: small\ndata: {name: dots, noise: 0.5}\n", "noisy.yaml")
    other = house.write("base: noisy.yaml\ndata: {name: many_dots}\n", "other.yaml")
    same = house.write("base: noisy.yaml\ndata: {dim: 4}\n", "same.yaml")
    assert recipes.resolve(str(other)).data == {"name": "many_dots", "dim": 3, "noise": 0.1}
    assert recipes.resolve(str(same)).data == {"name": "dots", "dim": 4, "noise": 0.5}


@pytest.mark.parametrize("ref", ["blob", "blob/small", "BLOB", "the blob/small"])
def test_a_recipe_is_found_by_topic_alias_and_name(house: House, ref: str):
    assert recipes.find(ref) == house.recipes / "blob" / "small.yaml"


@pytest.mark.parametrize(
    ("ref", "what", "hint"),
    [
        ("blog", "no topic is called 'blog'", "did you mean: atlas recipe show blob"),
        ("blob/smal", "blob has no recipe 'smal'", "did you mean blob/small?"),
        ("blob/zzz", "blob has no recipe 'zzz'", "it has: blob/smoke, blob/small"),
        ("cloud", "cloud has no recipes yet", "atlas recipe ls shows the topics that have some"),
        ("blob/../blob/small", "no topic is called 'blob/../blob'", "did you mean: atlas recipe show blob"),
        ("mone.yaml", "mone.yaml: there is no such file", "did you mean mine.yaml?"),
    ],
)
def test_a_recipe_that_is_not_there_names_the_nearest(house: House, ref: str, what: str, hint: str):
    house.change("blob", "blob", "mine.yaml")
    with pytest.raises(UsageError) as caught:
        recipes.find(ref)
    assert (caught.value.what, caught.value.hint) == (what, hint)


# --- --set, --data, ablate -------------------------------------------------------------------------------


def test_set_changes_model_fields_by_their_bare_name_and_others_by_section(house: House):
    made = recipes.resolve(
        "blob", ["width=8", "train.lr=1e-3", "data.noise=.5", "model.layers=[4]", "width=16"]
    )
    assert (made.model["width"], made.model["layers"]) == (16, (4,))
    assert (made.train.lr, made.data["noise"]) == (0.001, 0.5)
    assert recipes.resolve("blob", ["expect.score.min=0.9"]).expect["score"].min == 0.9


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("lr=1", "--set lr=1: lr: is no field of the model; did you mean train.lr?"),
        ("widht=1", "--set widht=1: widht: unknown field; did you mean width?"),
        ("train.stesp=1", "--set train.stesp=1: train.stesp: unknown field; did you mean steps?"),
        ("width=abc", "--set width=abc: model.width: must be a whole number, not 'abc'"),
        ("width=[1", "--set width=[1: model.width: not YAML: did not find expected ',' or ']'"),
        ("batchsize=2", "--set batchsize=2: batchsize: unknown field; did you mean train.batch_size?"),
        ("width", "--set width: write --set FIELD=VALUE"),
        ("width=\udcff", r"--set width=\udcff: model.width: not UTF-8"),
        ("a\n=1", r"--set a\n=1: a: unknown field; one of dim, width"),
        ("data=waves", "--set data=waves: data: write --data NAME"),
        ("dim=3", "--set dim=3: model.dim: is 3, but dots decides 2 (own.yaml:4:14); leave it out"),
    ],
)
def test_a_wrong_set_names_itself_and_the_nearest_field(house: House, change: str, expected: str):
    (line,) = errors_of(house.change("blob", "blob"), change)
    assert line.startswith(expected)


def test_data_replaces_the_whole_section_and_its_facts_follow(house: House):
    own = house.change("data: {name: dots}", "data: {name: dots, noise: 0.7}")
    assert recipes.resolve(str(own), data="many_dots").data == {"name": "many_dots", "dim": 3, "noise": 0.1}
    resolved = house.write(recipes.to_yaml(recipes.resolve("blob")), "resolved.yaml")
    assert recipes.resolve(str(resolved), data="many_dots").model["dim"] == 3


def test_data_of_the_wrong_kind_is_refused_with_the_sources_that_fit(house: House):
    expected = "--data waves: data.name: waves holds waves, the system learns from dots: dots, many_dots"
    assert errors_of("blob", data="waves") == [expected]
    assert errors_of("blob", data="dotz") == [
        "--data dotz: data.name: no such data source; did you mean dots?"
    ]


def test_the_ablation_is_the_same_recipe_with_its_changes(house: House):
    own = house.change(
        "ablate: {sampler_steps: 1}", "ablate: {deep: true, train.lr: 0.5, data.name: many_dots}"
    )
    recipe = recipes.resolve(str(own))
    without = recipe.ablation
    assert without is not None
    lines = [
        line for line in recipes.difference(recipe, without) if not line.startswith(("expect", "ablate"))
    ]
    assert lines == [
        "data.name: dots -> many_dots", "data.dim: 2 -> 3", "model.dim: 2 -> 3", "model.deep: false -> true",
        "train.lr: 0.002 -> 0.5",
    ]  # fmt: skip
    assert (without.name, without.ablate, without.expect) == ("own.yaml-ablated", {}, {})


@pytest.mark.parametrize(
    ("ablate", "training"),
    [("{sampler_steps: 1}", False), ("{model.sampler_steps: 1}", False),
     ("{sampler_steps: 1, deep: true}", True), ("{train.lr: 0.1}", True)],
)  # fmt: skip
def test_only_an_ablation_of_the_sampling_needs_no_training(house: House, ablate: str, training: bool):
    own = house.change("ablate: {sampler_steps: 1}", f"ablate: {ablate}")
    assert recipes.resolve(str(own)).ablation_trains is training


def test_a_ratio_or_gain_in_expect_needs_the_ablation(house: House):
    assert recipes.resolve("blob").compares
    assert not recipes.resolve("blob/smoke").compares
    own = house.change("score_ratio: {min: 2}", "score_gain: {min: 2}")
    assert recipes.resolve(str(own)).compares


def test_a_recipe_without_ablate_has_no_ablation(house: House):
    own = house.write(
        SMALL.replace("ablate: {sampler_steps: 1}\n", "").replace("  score_ratio: {min: 2}\n", "")
    )
    assert recipes.resolve(str(own)).ablation is None


def test_a_system_may_build_on_several_runs_each_with_its_role(house: House):
    house.write(BUILT.replace("data:", "from: blob/small\ndata:"), "heir.yaml")
    text = SMALL.replace("system: blob", "system: pair\nfrom: {left: blob/small, right: heir.yaml width=16}")
    recipe = recipes.resolve(str(house.write(text)), ["train.seed=3"])
    assert {role: parent.system for role, parent in recipe.parents.items()} == {
        "left": "blob",
        "right": "heir",
    }
    assert recipe.origins["left"] == "blob/small train.seed=3"
    assert recipe.parents["right"].model["width"] == 16
    assert recipe.parents["right"].parents["parent"].train.seed == 3
    assert recipes.resolve(str(house.write(recipes.to_yaml(recipe), "again.yaml"))) == recipe
    other = recipes.resolve(str(house.write(text.replace("width=16", "width=17"))), ["train.seed=3"])
    assert other.hash != recipe.hash


@pytest.mark.parametrize(
    ("said", "finding"),
    [
        ("{left: blob/small}", "from.right is missing: the system builds on heir"),
        (
            "{left: blob/small, right: blob/small}",
            "from.right: names a recipe of blob; what is needed is",
        ),
        (
            "{left: blob/small, middle: blob/small}",
            "from.middle: the system builds on left and right",
        ),
        ("blob/small", "from: the system builds on left and right, by these names"),
        ("{left: 3}", "from: must be the name of a recipe, or such a name for each role"),
    ],
)
def test_a_role_that_is_missing_or_wrong_is_named(house: House, said: str, finding: str):
    own = house.write(SMALL.replace("system: blob", f"system: pair\nfrom: {said}"))
    assert any(finding in line for line in errors_of(own)), errors_of(own)


def test_a_system_that_builds_on_nothing_refuses_a_parent(house: House):
    own = house.write(f"from: blob/small\n{SMALL}")
    assert errors_of(own) == ["own.yaml:1:1: from: leave it out: the system builds on no other run"]


def test_what_auto_means_here_is_part_of_the_recipe_and_of_its_parents(house: House):
    recipe = recipes.resolve(str(house.write(f"from: blob/small\n{BUILT}")))
    settled = recipe.settled(lambda wanted: "bf16" if wanted == "auto" else wanted)
    assert settled.train.precision == settled.parents["parent"].train.precision == "bf16"
    assert settled.ablation is not None
    assert settled.ablation.train.precision == "bf16"
    assert settled.hash not in (recipe.hash, recipe.settled(lambda _: "fp32").hash)


def test_the_recipe_of_a_run_needs_its_parents_no_more(house: House):
    house.write(SMALL, "p.yaml")
    recipe = recipes.resolve(str(house.write(f"from: p.yaml\n{BUILT}", "c.yaml")))
    (house.own / "run").mkdir()
    house.write(recipes.to_yaml(recipe), "run/recipe.yaml")
    (house.own / "p.yaml").unlink()
    again = recipes.of_run(house.own / "run", ["sampler_steps=3"])
    assert (again.origins, again.parents) == (recipe.origins, {})
    assert again.model["sampler_steps"] == 3


# --- hash, round trip, difference, schema ----------------------------------------------------------------


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


# --- what ships ------------------------------------------------------------------------------------------

SHIPPED = sorted(f"{path.parent.name}/{path.stem}" for path in paths.recipes_dir().glob("*/*.yaml"))


@pytest.mark.parametrize("ref", SHIPPED)
def test_every_shipped_recipe_resolves_and_reads_back(ref: str, tmp_path: Path):
    recipe = recipes.resolve(ref)
    path = tmp_path / "resolved.yaml"
    path.write_text(recipes.to_yaml(recipe), encoding="utf-8")
    again = recipes.resolve(str(path))
    assert again == recipe
    assert again.hash == recipe.hash
    assert recipe.about
    if recipe.ablate:
        assert recipe.ablation is not None
        assert recipes.difference(recipe, recipe.ablation)
    if ref.endswith("/smoke"):
        assert not recipe.expect


def test_checking_the_shipped_recipes_imports_no_torch():
    code = (
        "import sys\nfrom atlas_cli.recipe import recipes\n"
        "for ref in sys.argv[1:]:\n    recipes.resolve(ref).hash\n    recipes.schema(ref.split('/')[0])\n"
        "assert not {'torch', 'numpy', 'textual', 'matplotlib'} & sys.modules.keys()"
    )
    run = [sys.executable, "-c", code, *SHIPPED]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert SHIPPED
