"""No float64 on the training device: not in the text of the code, and not in any smoke recipe as it runs."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

import atlas_cli
from atlas_cli.draws import BatchRandom
from atlas_cli.engine import trainer
from atlas_cli.engine.build import Options, build, inference
from atlas_cli.engine.loop import fit
from atlas_cli.engine.system import System
from atlas_cli.metrics import judge
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe import recipes
from atlas_cli.systems.transformer import kv_cache, speculative
from tests.without_float64 import WithoutFloat64

ROOT = Path(atlas_cli.__file__).parent
SMOKE = sorted(path.parent.name for path in (ROOT.parent / "recipes").glob("*/smoke.yaml"))
FORBIDDEN_IN = ("nets", "metrics", "systems", "language")
NAMES = {"float64", "double", "complex128", "cdouble"}
FACTORIES = {"arange", "empty", "full", "linspace", "logspace", "ones", "rand", "randn", "tensor", "zeros"}


# --- the text -----------------------------------------------------------------------------------------


def doubles(text: str) -> list[str]:
    """Lines that may put float64 on the training device.

    Allowed are `x.cpu().double()`, `x.cpu().to(torch.float64)`, and a table that a factory of torch makes in
    double precision without naming a device.
    """
    tree = ast.parse(text)
    allowed = {id(node) for call in ast.walk(tree) for node in _on_the_cpu(call)}
    lines = text.splitlines()
    return [
        f"{node.lineno}: {lines[node.lineno - 1].strip()}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and id(node) not in allowed and _is_double(node)
    ]


def _is_double(node: ast.Attribute) -> bool:
    from_torch = isinstance(node.value, ast.Name) and node.value.id == "torch"
    of_numpy = isinstance(node.value, ast.Name) and node.value.id in ("np", "numpy")
    return node.attr in NAMES and not of_numpy and (from_torch or node.attr in ("double", "cdouble"))


def _on_the_cpu(call: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a call in which double precision stays on the host."""
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
        return
    of = call.func.value
    after_cpu = isinstance(of, ast.Call) and isinstance(of.func, ast.Attribute) and of.func.attr == "cpu"
    if after_cpu and call.func.attr in ("double", "cdouble", "to"):
        yield from ast.walk(call)
    names = {keyword.arg for keyword in call.keywords}
    torch_makes_it = isinstance(of, ast.Name) and of.id == "torch" and call.func.attr in FACTORIES
    if torch_makes_it and "dtype" in names and "device" not in names:
        yield from (node for k in call.keywords if k.arg == "dtype" for node in ast.walk(k.value))


@pytest.mark.parametrize("folder", FORBIDDEN_IN)
def test_double_precision_is_taken_on_the_cpu(folder: str) -> None:
    found = {str(path.relative_to(ROOT)): doubles(path.read_text()) for path in (ROOT / folder).rglob("*.py")}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("line", "good"),
    [
        ("x.cpu().double()", True),
        ("x.double().cpu()", False),
        ("x.cpu().to(torch.float64)", True),
        ("x.to(torch.float64)", False),
        ("torch.arange(3, dtype=torch.float64)", True),
        ("torch.arange(3, dtype=torch.float64, device=d)", False),
        ("(x == y).double().mean()", False),
        ("f(x).to(torch.complex128)", False),
        ("np.zeros(3, np.float64)", True),
    ],
)
def test_the_rule_knows_the_order(line: str, good: bool) -> None:
    assert (doubles(line) == []) == good


# --- as it runs ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def parents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parents")


@pytest.fixture
def built(parents: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], System]:
    monkeypatch.setattr(judge, "_MIN_STEPS", 2)  # what it says does not matter here
    monkeypatch.setattr(judge, "_MAX_STEPS", 2)
    for module, name, value in (
        (kv_cache, "COUNTS", (8, 16)), (kv_cache, "ROUNDS", 1), (kv_cache, "COMPARED", 1),
        (speculative, "PROMPTS", 1), (speculative, "ROUNDS", 1), (speculative, "CALLS", 1),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)  # a few tokens say it as well

    def of(topic: str) -> System:
        options = Options(out=parents, device="cpu")
        recipe = recipes.resolve(f"{topic}/smoke", ["train.precision=fp32", "train.threads=1"])
        _, systems = trainer.trained_parents(recipe, options, SilentReporter())
        return build(recipe, options, SilentReporter(), systems)

    return of


@pytest.mark.parametrize("topic", SMOKE)
def test_a_smoke_recipe_trains_and_evaluates_without_float64(
    topic: str, built: Callable[[str], System]
) -> None:
    system = built(topic)
    with WithoutFloat64():
        fitted = fit(system, until=1 if system.setting.train.steps else None)
        with inference(system, fitted.ema):
            assert system.evaluate()


def test_the_pretended_device_refuses_what_mps_refuses() -> None:
    with WithoutFloat64():
        device = torch.device("cpu")
        x = BatchRandom(0, 0, 4, device=device).normal(3)
        table = torch.arange(3, dtype=torch.float64)
        assert (table / 3).dtype == x.cpu().double().dtype == torch.float64  # on the host it is there
        assert torch.equal((table / 3).float().to(device), (table / 3).float())
        for wrong in (
            lambda: x.double(), lambda: x.double().cpu(), lambda: x.to(torch.float64),
            lambda: table.to(device),
            lambda: torch.zeros(3, dtype=torch.float64, device=device), lambda: torch.add(x, table),
            lambda: torch.nn.Linear(3, 3).to(device).double(), lambda: torch.fft.rfft(x).to(torch.complex128),
        ):  # fmt: skip
            with pytest.raises(TypeError, match="without float64"):
                wrong()
        x.cpu()
        with pytest.raises(
            TypeError, match="without float64"
        ):  # a copy on the host leaves the tensor where it is
            x.double()
