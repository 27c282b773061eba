"""Values that no machine can work with are refused by the recipe's check, without torch."""

import pytest

from atlas_cli import catalog
from atlas_cli.config import PARENT, config_class
from atlas_cli.data import config_of, sources
from atlas_cli.errors import UsageError
from atlas_cli.recipe import recipes
from atlas_cli.recipe.model import TrainConfig
from atlas_cli.recipe.source import Parent


def configs():
    """Name -> config of every system and data source, and of the training."""
    systems = {t.slug: config_class(catalog.system_module(t)) for t in catalog.topics() if t.system}
    return {"train": TrainConfig, **systems, **{name: config_of(name) for name in sources()}}


@pytest.mark.parametrize("name", configs())
def test_every_whole_number_has_an_upper_bound(name):
    fields = {n: f for n, f in configs()[name].model_fields.items() if f.annotation in (int, int | None)}
    unbounded = [
        n
        for n, info in fields.items()
        if not any(hasattr(m, "le") or hasattr(m, "lt") for m in info.metadata)
    ]
    assert not unbounded


@pytest.mark.parametrize(
    ("ref", "sets", "said"),
    [
        ("ddpm/smoke", ["width=1000000000"], "at most 16384"),
        ("ddpm/smoke", ["n_steps=10000000000"], "at most 10000"),
        ("ddpm/smoke", ["train.batch_size=100000000"], "at most 65536"),
        ("ddpm/smoke", ["train.threads=100000"], "at most 1024"),
        ("ddpm/smoke", ["train.steps=1000000000000000000"], "at most 1000000000"),
        ("ddpm/smoke", ["train.seed=9223372036854775808"], "less than 9223372036854775808"),
        ("ddpm/small", ["multipliers=[1,1,1]"], "28 is no multiple of 8"),
        ("ddpm/smoke", ["patch=3"], "8 is no multiple of 6"),
        ("ddpm/smoke", ["multipliers=[]"], "must not be empty"),
        ("ddpm/smoke", ["multipliers=[0]"], "greater than 0"),
        ("latent-diffusion/small", ["multipliers=[1,2]"], "7 is no multiple of 2"),
        ("cfg/text", ["patch=5"], "no multiple"),
        ("ddpm/smoke", ["schedule=linear", "beta_end=0.5", "n_steps=1000"], "nothing of the image"),
        ("ddpm/smoke", ["beta_start=1e-9"], "at least 1e-06"),
        ("ddpm/small", ["data.n_test=1"], "at least 2"),
        ("gpt/smoke", ["train.betas=[0.9,1.0]"], "less than 1"),
        ("gpt/smoke", ["length=100000000"], "at most 1048576"),
        ("gpt/smoke", ["data.context_len=3"], "at least 4"),
        (
            "gpt/smoke",
            ["positions=learned", "position_rows=0", "length=256"],
            "beyond the 64 learned positions",
        ),
        ("rope/smoke", ["d_model=4", "n_head=2"], "one pair to turn"),
        ("jamba/smoke", ["rotary=true", "d_model=12", "n_head=4"], "must be even"),
        ("zamba/smoke", ["rotary=true", "d_model=12", "n_head=4"], "must be even"),
        ("mamba/smoke", ["dt_min=0.5"], "above dt_max"),
        ("mamba2/smoke", ["dt_min=2"], "above dt_max"),
        ("s4/smoke", ["dt_min=0.5"], "above dt_max"),
        ("lora/smoke", ["targets=[query]"], "not 'query'"),
        ("lora/smoke", ["targets=[]"], "must not be empty"),
        ("speculative/smoke", ["n_head=3"], "no even multiple"),
        ("consistency/smoke", ["n_levels=128", "n_levels_start=4"], "more than the teacher's n_steps = 50"),
    ],
)
def test_what_cannot_be_trained_is_said_by_the_recipes_check(ref, sets, said):
    with pytest.raises(UsageError) as refused:
        recipes.resolve(ref, sets)
    assert said in "\n".join(refused.value.details)


def write(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("topic", "parent", "said"),
    [
        ("consistency", "ddpm/smoke prediction=epsilon", "needs one trained with prediction: v"),
        ("ddim", "ddpm/small", "is 8, but the run that it builds on has 28"),
        ("speculative", "gpt/smoke window=8", "has a window"),
        ("kv-cache", "gpt/smoke positions=learned position_rows=256", "beyond the 256 learned positions"),
        ("lora", "gpt/smoke mixing=mean", "no queries and keys"),
    ],
)
def test_a_parent_that_does_not_fit_is_refused_before_it_is_trained(tmp_path, topic, parent, said):
    targets = "model: {targets: [q_proj]}" if topic == "lora" else ""
    text = f"system: {topic}\nbase: smoke\nfrom: {parent}\n{targets}\n"
    with pytest.raises(UsageError) as refused:
        recipes.resolve(write(tmp_path, "own.yaml", text))
    assert said in "\n".join(refused.value.details)


def test_of_a_hundred_problems_twenty_are_shown(tmp_path):
    wrong = "\n".join(f"  no_such_{i}: 1" for i in range(100))
    text = f"system: ddpm\nbase: smoke\nmodel:\n{wrong}\n"
    with pytest.raises(UsageError) as refused:
        recipes.resolve(write(tmp_path, "own.yaml", text))
    assert len(refused.value.details) == 21
    assert refused.value.details[-1] == "and 80 more"
    assert "100 errors" in refused.value.what


def test_a_parents_folder_may_be_called_as_an_option(tmp_path):
    folder = tmp_path / "run lr=1"
    folder.mkdir()
    write(folder, "own.yaml", "system: ddpm\nbase: smoke\n")
    child = write(folder, "child.yaml", "system: ddim\nbase: smoke\nfrom: own.yaml\n")
    assert recipes.resolve(child).parents[PARENT].name.endswith("run lr=1/own.yaml")
    assert Parent.parse("/a b=1/c.yaml train.seed=1") == Parent("/a b=1/c.yaml", ("train.seed=1",))


def test_a_path_is_taken_as_it_stands_and_in_full(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert recipes.resolve("gpt/smoke", ["data.path=my #1/t.txt"]).data["path"] == str(
        tmp_path / "my #1/t.txt"
    )
    with pytest.raises(UsageError) as refused:
        recipes.resolve("gpt/smoke", [f"data.path={'a' * 300}"])
    assert "too long" in refused.value.details[0]
    assert len(refused.value.details[0]) < 300
