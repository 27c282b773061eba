"""`vary:`: what is measured beside the claims, resolved with the recipe so that a wrong row shows at once."""

from __future__ import annotations

import pytest

from atlas_cli.errors import UsageError
from atlas_cli.recipe import recipes
from atlas_cli.recipe.model import rows_of
from tests.recipe.house import House


def test_a_list_is_a_row_for_each_value_and_a_mapping_one_of_its_own():
    vary = {"guidance": [1, 1.5], "model.width": [32], "two at once": {"width": 8, "train.lr": 0.1}}
    assert rows_of(vary) == {
        "guidance=1": {"guidance": 1},
        "guidance=1.5": {"guidance": 1.5},
        "width=32": {"model.width": 32},
        "two at once": {"width": 8, "train.lr": 0.1},
    }


def test_each_row_is_the_recipe_with_its_changes(house: House):
    own = house.change(
        "ablate: {sampler_steps: 1}",
        "ablate: {sampler_steps: 1}\nvary:\n  sampler_steps: [2, 4]\n  deep one: {deep: true, train.lr: 0.5}",
    )
    recipe = recipes.resolve(str(own))
    assert list(recipe.variants) == ["sampler_steps=2", "sampler_steps=4", "deep one"]
    assert [v.model["sampler_steps"] for v in recipe.variants.values()][:2] == [2, 4]
    deep = recipe.variants["deep one"]
    assert (deep.model["deep"], deep.train.lr) == (True, 0.5)
    assert (deep.ablation, deep.expect, deep.variants) == (None, {}, {})
    assert not recipe.trains_anew(recipe.vary["sampler_steps=2"])
    assert recipe.trains_anew(recipe.vary["deep one"])


def test_a_recipe_written_out_has_the_same_rows(house: House):
    own = house.change("ablate:", "vary: {sampler_steps: [2, 4]}\nablate:")
    recipe = recipes.resolve(str(own))
    again = house.write(recipes.to_yaml(recipe))
    assert recipes.resolve(str(again)).vary == recipe.vary


@pytest.mark.parametrize(
    ("rows", "what"),
    [("{sampler_stps: [1]}", "did you mean sampler_steps"), ("{odd: {expect.score: 1}}", "can stand in vary"),
     ("{sampler_steps: [one]}", "sampler_steps"), ("{sampler_steps: 3}", "vary")],
)  # fmt: skip
def test_a_wrong_row_is_said_before_anything_is_trained(house: House, rows: str, what: str):
    own = house.change("ablate:", f"vary: {rows}\nablate:")
    with pytest.raises(UsageError) as refused:
        recipes.resolve(str(own))
    assert any(what in line and "vary" in line for line in refused.value.details), refused.value.details


def test_what_is_varied_changes_no_hash_and_is_not_inherited(house: House):
    plain = recipes.resolve(str(house.change("ablate:", "ablate:")))
    varied = recipes.resolve(str(house.change("ablate:", "vary: {sampler_steps: [2]}\nablate:")))
    assert plain.hash == varied.hash
