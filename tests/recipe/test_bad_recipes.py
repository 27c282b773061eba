"""Bad recipes (the table of faults, row 16): all errors at once, each with place, field and hint."""

from __future__ import annotations

import time

import pytest

from atlas_cli.errors import UsageError
from atlas_cli.recipe import recipes
from atlas_cli.recipe.positions import MAX_BYTES
from tests.recipe.house import BUILT, SMALL, House, errors_of


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("about:", "abuot:", "3:1: abuot: unknown field; did you mean about?"),
        ("width: 32", "widht: 32", "5:9: model.widht: unknown field; did you mean width?"),
        ("steps: 100", "step: 100", "6:9: train.step: unknown field; did you mean steps?"),
        ("{name: dots}", "{name: dots, noize: 1}", "4:20: data.noize: unknown field; did you mean noise?"),
        ("min: 0.5", "mim: 0.5", "9:11: expect.score.mim: unknown field; did you mean min?"),
        ("{sampler_steps: 1}", "{sampler_step: 1}",
         "7:10: ablate.sampler_step: unknown field; did you mean sampler_steps?"),
        ("{sampler_steps: 1}", "{sampler_steps: 0}",
         "7:25: ablate.sampler_steps: must be greater than 0, not 0"),
        ("{sampler_steps: 1}", "{train.lr: x}", "7:20: ablate.train.lr: must be a number, not 'x'"),
        ("2.0e-3", "1e-3", "6:40: train.lr: must be a number, and '1e-3' is text to YAML; write 1.0e-3"),
        ("0.99]", "1e-3]",
         "6:61: train.betas[1]: must be a number, and '1e-3' is text to YAML; write 1.0e-3"),
        ("score: 0.7", "score: 7e-1", "11:19: measured.score: 7e-1 is text to YAML; write 7.0e-1"),
        ("width: 32", "width: 3.5", "5:16: model.width: must be a whole number, not 3.5"),
        ("width: 32", "width: '32'",
         "5:16: model.width: must be a whole number, and '32' is text to YAML; write 32"),
        ("width: 32", "width: true", "5:16: model.width: must be a whole number, not true"),
        ("width: 32", "width: 600", "5:16: model.width: must be at most 512, not 600"),
        ("width: 32", "shape: rounded",
         "5:16: model.shape: 'rounded' is not one of its values; did you mean round?"),
        ("width: 32", "shape: xyz", "5:16: model.shape: must be one of 'round', 'square', not 'xyz'"),
        ("width: 32", "deep: yes", "5:15: model.deep: must be true or false, not 'yes'"),
        ("width: 32", "dropout: .inf", "5:18: model.dropout: must be a finite number, not inf"),
        ("width: 32", "dim: 3", "5:14: model.dim: is 3, but dots decides 2 (own.yaml:4:14); leave it out"),
        ("[2, 3]", "2", "5:28: model.layers: must be a list, not 2"),
        ("[2, 3]", "[2, x]", "5:32: model.layers[1]: must be a whole number, not 'x'"),
        ("{name: dots}", "dots", "4:7: data: must be a mapping of fields, not 'dots'"),
        ("{name: dots}", "{dim: 2}", "4:1: data: name is missing; one of compositions, strokes"),
        ("name: dots", "name: dosts", "4:14: data.name: no such data source; did you mean dots?"),
        ("name: dots", "name: [dots]", "4:14: data.name: no such data source; one of compositions, strokes"),
        ("min: 2", "max: high", "10:22: expect.score_ratio.max: must be a number, not 'high'"),
        ("min: 2", "claim: better", "10:16: expect.score_ratio: needs a min or a max"),
        ("min: 2", "min: 2, max: 1", "10:16: expect.score_ratio: min 2 is above max 1"),
        ("{sampler_steps: 1}", "{}",
         "10:3: expect.score_ratio: compares with the ablated run, and there is no ablate"),
        ("system: blob", "system: blub", "2:9: system: no topic is called 'blub'; did you mean blob?"),
        ("system: blob", "system: cloud", "2:9: system: cloud has no trainer yet"),
        ("system: blob", "system: 3", "2:9: system: must be text, not 3"),
        ("steps: 100, ", "", "6:1: train.steps: is missing"),
        ("steps: 100", "steps: 100, steps: 2", "6:21: train.steps: duplicate key; the first is at 6:9"),
        ("steps: 100", "steps: !!python/object/apply:os.system [exit]",
         "6:16: train.steps: the tag !!python/object"),
        ("system: blob", "system: blob\nbase: own.yaml", "3:7: base: leads back to this file"),
        ("system: blob", "system: heir\nfrom: own.yaml", "3:7: from: leads back to this recipe"),
        ("system: blob", "system: blob\nbase: smoek",
         "3:7: base: blob has no recipe 'smoek'; did you mean blob/smoke?"),
        ("system: blob", "system: heir\nfrom: blob/no", "3:7: from: blob has no recipe 'no'"),
    ],
)  # fmt: skip
def test_a_bad_recipe_names_place_field_and_hint(house: House, old: str, new: str, expected: str):
    details = errors_of(house.change(old, new))
    assert [line for line in details if line.startswith(f"own.yaml:{expected}")], details
    # A name that is misspelt may leave another one missing; nothing else may be reported.
    others = [line for line in details if not line.startswith(f"own.yaml:{expected}")]
    assert all(line.endswith("is missing") for line in others), details


def test_errors_of_all_sections_come_at_once_in_the_order_of_the_file(house: House):
    text = (
        "sytem: blob\nsystem: blob\nabout: 3\ndata: {name: dots, noise: x}\n"
        "model: {width: 1e3, width: 2, deeep: true}\n"
        "train: {steps: 0, lr: !f 1.0, batch: 3}\nablate: {lr: 2}\nexpect: {a_gain: {}}\n"
    )
    details = errors_of(house.write(text))
    places = [":".join(line.split(":")[1:4]) for line in details]
    assert places == [
        "1:1: sytem", "3:8: about", "4:27: data.noise", "5:16: model.width", "5:21: model.width",
        "5:31: model.deeep", "6:16: train.steps", "6:23: train.lr", "6:31: train.batch", "7:10: ablate.lr",
        "8:18: expect.a_gain",
    ]  # fmt: skip


def test_an_error_in_the_base_names_the_bases_file(house: House):
    house.change("width: 32", "width: wide", "below.yaml")
    top = house.write("base: below.yaml\ntrain: {steps: 0}\n")
    assert errors_of(top) == [
        "below.yaml:5:16: model.width: must be a whole number, not 'wide'",
        "own.yaml:2:16: train.steps: must be greater than 0 where no `from` names a trained run",
    ]


def test_a_base_of_another_system_is_refused(house: House):
    house.write(SMALL.replace("system: blob", "system: cloud"), "below.yaml")
    details = errors_of(house.write("system: blob\nbase: below.yaml\n"))
    assert "own.yaml:2:7: base: is a recipe of cloud, this one of blob" in details


def test_an_error_of_the_parent_shows_where_it_is(house: House):
    house.change("width: 32", "width: 0", "parent.yaml")
    details = errors_of(house.write(f"from: parent.yaml\n{BUILT}"))
    assert len(details) == 1
    assert details[0].startswith(
        "own.yaml:1:7: from: recipe parent.yaml has 1 error: parent.yaml:5:16: model.width"
    )


def test_parents_in_a_circle_are_refused(house: House):
    house.write(f"from: b.yaml\n{BUILT}", "a.yaml")
    house.write(f"from: a.yaml\n{BUILT}", "b.yaml")
    assert errors_of("a.yaml") == ["a.yaml:1:7: from: leads back to this recipe"]
    assert errors_of(house.write(f"from: a.yaml\n{BUILT}")) == [
        "own.yaml:1:7: from: leads back to this recipe"
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "own.yaml:1:1: the file is empty"),
        (b"- 1\n", "own.yaml:1:1: a recipe is a mapping of fields"),
        (b"system: \xe9", "own.yaml:1:9: byte 0xe9 is not UTF-8"),
        (b"system: blob\nbase: small\ntrain:\n\tsteps: 3", "own.yaml:4:1: a tab; write spaces"),
        (b"a: &a [1]\nsystem: *a", "own.yaml:1:4: a: the anchor &a"),
        (b"a" * (MAX_BYTES + 1), "own.yaml:1:1: the file is larger than 256 KB"),
        (b"a: {b: c\n", "own.yaml:2:1: not YAML"),
        (b"\x00\xff\xfe", "own.yaml:1:2: byte 0xff is not UTF-8"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused_with_its_place(house: House, content: bytes, expected: str):
    assert any(line.startswith(expected) for line in errors_of(house.write(content)))


def test_a_file_of_wrong_keys_answers_soon_and_briefly(house: House):
    keys = "".join(f"k{i}: 1\n" for i in range(20_000))
    start = time.perf_counter()
    details = errors_of(house.write(SMALL + keys))
    assert time.perf_counter() - start < 5
    assert len(details) <= 101
    assert any("more" in line for line in details)


def test_a_folder_and_a_missing_file_are_refused(house: House):
    (house.own / "d.yaml").mkdir()
    for name in ("d.yaml", "nothing.yaml"):
        with pytest.raises(UsageError):
            recipes.resolve(name)
