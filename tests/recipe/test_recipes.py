"""Recipes: laid over their base, changed, completed by the data, and refused with every error at once."""

from __future__ import annotations

import pytest

from atlas_cli.errors import UsageError
from atlas_cli.recipe import recipes
from tests.recipe.house import BUILT, SMALL, House, errors_of

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
