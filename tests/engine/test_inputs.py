"""What is wrong with data, a parent, a prompt or a request is refused when the system is made or asked."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from atlas_cli.data import Place
from atlas_cli.data.drawing import read_drawing
from atlas_cli.data.images import ImageSource
from atlas_cli.data.tasks import AssociativeRecallConfig, load
from atlas_cli.engine import memory
from atlas_cli.engine.build import Options, build, create
from atlas_cli.engine.device import require_compiler
from atlas_cli.engine.estimate import untrained
from atlas_cli.engine.system import SampleRequest
from atlas_cli.errors import DataError, EnvironmentFault, UsageError
from atlas_cli.language.decoding import distribution
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe import recipes
from atlas_cli.runs.folder import RunFolder

CPU = torch.device("cpu")


def made(ref, *sets):
    return untrained(recipes.resolve(ref, sets), Options(device="cpu")).eval()


# --- text ----------------------------------------------------------------------------------------------


def test_a_text_too_short_for_the_windows_that_judge_it_is_refused_before_training(tmp_path):
    text = tmp_path / "small.txt"
    text.write_bytes(b"a few words " * 90)  # 108 bytes held out: more than one window of 64, fewer than four
    recipe = recipes.resolve("rope/smoke", [f"data.path={text}", "data.context_len=64"])
    with pytest.raises(DataError, match="too few for the windows of 256"):
        build(recipe, Options(device="cpu"), SilentReporter())
    build(recipes.resolve("gpt/smoke", [f"data.path={text}"]), Options(device="cpu"), SilentReporter())


@pytest.fixture(scope="module")
def writer():
    return made("gpt/smoke", "positions=learned", "position_rows=64", "length=8")


@pytest.mark.parametrize(
    ("prompt", "said"),
    [("\ud800", "half a character"), ("a" * 70_000, "too long"), ("a" * 60, "beyond the 64")],
)
def test_a_prompt_that_cannot_be_continued_is_refused_before_anything_is_shown(writer, prompt, said):
    shown = []
    with pytest.raises(UsageError, match=said):
        writer.sample(SampleRequest(1, prompt=prompt, stream=shown.append))
    assert not shown


def test_bytes_of_a_prompt_that_are_no_utf8_stay_what_they_were(writer):
    prompt = b"caf\xe9".decode(errors="surrogateescape")
    assert bytes(writer.setting.data.encode(prompt).tolist()) == b"caf\xe9"
    shown = []
    writer.sample(SampleRequest(1, prompt=prompt, stream=shown.append))
    "".join(shown).encode()


def test_a_temperature_next_to_nothing_is_nothing():
    logits = torch.tensor([[1.0, 40.0, 3.0]])
    for temperature in (0.0, 1e-39, 1e-300):
        assert distribution(logits, temperature).tolist() == [[0.0, 1.0, 0.0]]


@pytest.mark.parametrize("length", [1, 3, 5])
def test_guesses_beyond_the_end_are_neither_made_nor_counted(length):
    system = made("speculative/smoke", f"length={length}")
    text = system.sample(SampleRequest(1, prompt="ab"))
    assert text.facts["bytes"] == length
    assert text.facts["tokens_per_call"] <= length


# --- tasks and pictures ----------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [32, 200, 10_000])
def test_a_key_is_never_read_as_a_value(n):
    source = load(AssociativeRecallConfig(n_keys=n, n_values=n), Place("unused"))
    assert len(set(source.glyphs)) == len(source.glyphs) == 2 * n + 1


def test_a_prompt_for_a_task_is_at_most_as_long_as_can_be_compared():
    with pytest.raises(UsageError, match="too long"):
        load(AssociativeRecallConfig(), Place("unused")).encode("a" * 10_000)


@pytest.mark.parametrize("ref", ["s4/smoke", "controlnet/smoke"])
def test_a_class_of_which_there_is_no_test_image_is_named(ref):
    system = made(ref)
    source: ImageSource = system.setting.data
    kept = source.test_labels != 7
    fewer = replace(source, test_images=source.test_images[kept], test_labels=source.test_labels[kept])
    system.setting = replace(system.setting, source=fewer)
    with pytest.raises(DataError, match="no test image of class 7"):
        system.sample(SampleRequest(2, label=7))
    system.sample(SampleRequest(2, label=6))


@pytest.mark.parametrize("n", [1, 7])
def test_as_many_pictures_come_as_were_asked_for(n):
    assert len(made("cfg/smoke").sample(SampleRequest(n)).images) == n


def test_a_class_with_too_few_images_is_named_before_it_is_judged():
    with pytest.raises(DataError, match="its variety needs 18"):
        made("cfg/small", "data.n_train=64", "data.n_test=15").evaluate()


def test_values_that_are_no_numbers_are_paper(tmp_path):
    page = np.zeros((20, 20), np.float32)
    page[5:15, 9:11], page[0, 0], page[1, 1] = 1.0, np.nan, np.inf
    Image.fromarray(page).save(tmp_path / "f.tif")
    assert read_drawing(tmp_path / "f.tif", 8).max() == 1


def test_a_drawing_is_turned_upright(tmp_path):
    page = np.full((20, 30), 255, np.uint8)
    page[3:5, 3:27] = 0
    page[3:17, 3:5] = 0
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(page).save(tmp_path / "turned.png", exif=exif)
    Image.fromarray(np.rot90(page, -1)).save(tmp_path / "upright.png")
    assert (read_drawing(tmp_path / "turned.png", 8) == read_drawing(tmp_path / "upright.png", 8)).all()


# --- memory, compiler, places ----------------------------------------------------------------------------


def test_what_cannot_fit_is_refused_before_it_is_set_aside(monkeypatch):
    recipe = recipes.resolve("ddpm/small", ["width=16384"])
    with pytest.raises(EnvironmentFault, match=r"needs about \d+\.\d GiB; \d+\.\d GiB are free"):
        build(recipe, Options(device="cpu"), SilentReporter())
    monkeypatch.setattr(memory, "free_bytes", lambda _: 10_000_000)
    with torch.device("meta"):
        system = create(recipes.resolve("ddpm/smoke"))
    memory.require_memory(recipes.resolve("ddpm/smoke"), system, CPU)
    with pytest.raises(EnvironmentFault):
        memory.require_memory(recipes.resolve("ddpm/smoke", ["train.batch_size=65536"]), system, CPU)


def test_an_allocator_that_refuses_is_the_machines_lack_and_no_fault():
    from atlas_cli.app import _unexpected

    with pytest.raises(RuntimeError) as refused:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert _unexpected(refused.value).code == 4


def test_compiling_needs_a_compiler(monkeypatch):
    monkeypatch.setenv("CXX", "/nonexistent")
    with pytest.raises(EnvironmentFault, match="needs a C\\+\\+ compiler"):
        require_compiler()


def test_a_run_remembers_its_data_folder(tmp_path, monkeypatch):
    (tmp_path / "sets").mkdir()
    monkeypatch.chdir(tmp_path)
    run = RunFolder.create(
        tmp_path / "runs", "gan/smoke", data_dir=tmp_path.joinpath("sets").relative_to(tmp_path)
    )
    assert RunFolder(run.path).data_dir == tmp_path / "sets"
    assert RunFolder(RunFolder.create(tmp_path / "runs", "gan/smoke").path).data_dir is None
