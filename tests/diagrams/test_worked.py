"""Worked examples: files beside diagrams, refused when not as written, stale when their recipe changes."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from atlas_cli.commands import _stale
from atlas_cli.diagrams import blocks, worked
from atlas_cli.errors import DataError
from tests.diagrams.test_blocks import SMALL
from tests.diagrams.worked_house import IMAGE, STRIP, example, filled, small

OF = {"recipe": "gpt/small", "seed": 1, "date": "2026-11-30"}


def document(**changes: Any) -> dict[str, Any]:
    """What a file holds, its digest with it."""
    tile = {"shades": "signed", "rows": ["0uY", "Yu0"], "over": "abc", "label": "x"}
    whole: dict[str, Any] = {
        "of": OF,
        "given": "on “abc”",
        "nodes": {"b": [{"from": 1, "tiles": [tile]}, {"from": 2, "tiles": [tile, tile]}]},
        "seen": {"2": "It stays."},
    } | changes
    return whole | {"digest": worked.digest(whole)}


def load(tmp_path: Path, held: object = None):
    path = tmp_path / "family" / "diagrams" / "small.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(SMALL), encoding="utf-8")
    if held is not None:
        worked.path_of(path).write_text(json.dumps(held), encoding="utf-8")
    return blocks.load(path)


def test_a_diagram_without_a_file_beside_it_has_no_example(tmp_path: Path):
    diagram = load(tmp_path)
    assert diagram.worked is None
    assert "worked" not in diagram.as_dict()


def test_an_example_is_found_beside_its_diagram(tmp_path: Path):
    example = load(tmp_path, document()).worked
    assert example is not None
    assert example.says == "In the boxes: the network of gpt/small, seed 1, trained on 2026-11-30, on “abc”."
    (tile,) = example.at("b", 1).tiles
    assert tile.rows == ((0.0, 0.5, 1.0), (1.0, 0.5, 0.0))
    assert (tile.over, tile.label, tile.shades) == ("abc", "x", "signed")
    assert example.seen == {2: "It stays."}


def test_a_box_is_empty_until_its_first_step_and_then_holds_the_latest():
    example = filled().worked
    assert example.at("b", 1) is None
    assert example.at("b", 2).tiles[1] == STRIP
    assert example.at("a", 2) != example.at("a", 1)
    assert example.at("a", None) == example.at("a", 1)  # a drawing of no step shows what comes first
    assert example.at("nowhere", 1) is None


@pytest.mark.parametrize(
    ("held", "complaint"),
    [
        ({**document(), "given": "on something else"}, "not as it was written"),
        ({key: part for key, part in document().items() if key != "digest"}, "not as it was written"),
        (document(nodes={"z": []}), "there is no such node"),
        (document(seen={"3": "Beyond."}), "speaks of step 3"),
        (
            document(nodes={"b": [{"from": 1, "tiles": [{"shades": "pink", "rows": ["0"]}]}]}),
            "cannot be pink",
        ),
        (
            document(nodes={"b": [{"from": 1, "tiles": [{"shades": "grey", "rows": ["00", "0"]}]}]}),
            "in length",
        ),
        (document(nodes={"b": [{"from": 1, "tiles": [{"shades": "grey", "rows": ["!"]}]}]}), "substring"),
    ],
)
def test_a_file_that_is_not_as_it_was_written_is_refused(tmp_path: Path, held: object, complaint: str):
    with pytest.raises(DataError, match=complaint):
        load(tmp_path, held)


def test_scripts_get_shares_in_place_of_characters(tmp_path: Path):
    told = load(tmp_path, document()).as_dict()["worked"]
    assert told["nodes"]["b"][0]["tiles"][0]["rows"] == [[0.0, 0.5, 1.0], [1.0, 0.5, 0.0]]
    json.dumps(told)


def test_a_key_is_wanted_where_numbers_are_signed():
    assert filled().worked.signed
    assert not example(a=()).signed
    assert IMAGE.columns == 28


def test_a_layer_lacks_what_only_other_layers_have():
    diagram = small(stack=(("c",), ("b",), ("c",)))
    assert diagram.absent(2) == {"c"}
    assert diagram.absent(1) == diagram.absent(None) == frozenset()


def test_jamba_s_stack_is_that_of_its_code():
    from atlas_cli import catalog
    from atlas_cli.diagrams import gallery
    from atlas_cli.systems.ssm.jamba import Config

    config = Config(vocab_size=8, context_len=8, n_layer=8)
    stack = gallery.find(catalog.resolve("jamba"), "scan-or-attend").stack
    assert [layer[0] for layer in stack] == ["attend" if config.attends(i) else "scan" for i in range(8)]
    assert [layer[1] for layer in stack] == [
        "experts" if config.has_experts(i) else "dense" for i in range(8)
    ]


def of(**changes: Any) -> dict[str, Any]:
    """Of an example that is as its recipe and code are now."""
    from atlas_cli.engine.staleness import code_hash
    from atlas_cli.recipe import recipes

    recipe = recipes.resolve("gpt/small", ["train.seed=3"])
    drawn_by = worked.drawn_by(Path("transformer/diagrams/decoder-block.data.json"))
    digests = {"hash": recipe.hash, "code": code_hash(recipe), "drawn_by": worked.mark_of(drawn_by)}
    return {"recipe": "gpt/small", "seed": 3} | digests | changes


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, []),
        ({"hash": "other"}, ["gpt/small has changed since"]),
        ({"seed": 4}, ["gpt/small has changed since"]),
        ({"code": "other"}, ["the code of gpt or what it imports has changed since"]),
        ({"drawn_by": "other"}, ["what it shows has changed since"]),
    ],
)
def test_an_example_is_stale_when_what_it_comes_from_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], reasons: list[str]
):
    path = tmp_path / "transformer" / "diagrams" / "decoder-block.data.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(document(of=of(**changes))), encoding="utf-8")
    assert worked.stale(path) == reasons
    monkeypatch.setattr(_stale, "catalog", SimpleNamespace(topics=list))  # no figures of recipes,
    monkeypatch.setattr(_stale, "benches", list)  # none of benchmarks,
    monkeypatch.setattr(_stale.films, "found", list)  # no films,
    monkeypatch.setattr(_stale.staleness, "stale", list)  # nothing pinned,
    monkeypatch.setattr(_stale, "paths", SimpleNamespace(content_dir=lambda: tmp_path))  # and this example
    named = {"transformer/diagrams/decoder-block.data.json": reasons} if reasons else {}
    assert _stale.found() == named
