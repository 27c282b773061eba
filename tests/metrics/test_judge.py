import pytest
import torch

from atlas_cli import data
from atlas_cli.data.images import to_float
from atlas_cli.draws import BatchRandom
from atlas_cli.errors import DataError
from atlas_cli.metrics import judge as judge_module
from atlas_cli.metrics.frechet import frechet_distance, moments
from atlas_cli.metrics.judge import N_FLOORS, N_SAMPLES, Judge, in_turn


@pytest.fixture(scope="module")
def source():
    return data.load({"name": "digits"})


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        patch.setenv("ATLAS_HOME", str(home))
        yield home


@pytest.fixture(scope="module")
def judge(source, home):
    return Judge.load_or_train(source)


@pytest.fixture
def few_steps(monkeypatch, tmp_path):
    """A judge that is trained in a moment, and a cache of its own."""
    monkeypatch.setattr(judge_module, "_EPOCHS", 0)
    monkeypatch.setattr(judge_module, "_MIN_STEPS", 5)
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path))
    return tmp_path


def weights(judge):
    return torch.cat([tensor.double().flatten() for tensor in judge.net.state_dict().values()])


def noise(n=N_SAMPLES):
    return torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_the_judge_reads_images_that_it_has_not_seen(judge, source):
    assert judge.accuracy >= 0.95
    images, labels = source.test()
    scores = judge.score(images, labels)
    assert scores["class_accuracy"] == pytest.approx(judge.accuracy)
    assert scores["class_entropy"] > 0.98
    assert scores["confidence"] > 0.9


def test_the_reference_has_distance_zero_to_itself_and_noise_is_far(judge, source):
    assert judge.score(source.test()[0])["judge_frechet"] == pytest.approx(0, abs=1e-4)
    scores = judge.score(noise())
    assert scores["judge_frechet"] > 10 * scores["judge_frechet_floor"]


def test_confidence_alone_proves_nothing(judge):
    """One noise image, picked because the judge is sure of it: a generator could make only this one."""
    images = noise(2_000)
    _, logits = judge._look(images)
    surest = images[logits.softmax(1).amax(1).argmax()].expand(N_SAMPLES, -1, -1, -1)
    scores = judge.score(surest)
    assert scores["confidence"] > 0.9
    assert scores["class_entropy"] == 0
    assert scores["judge_frechet"] > 10 * scores["judge_frechet_floor"]


def test_the_floor_is_what_real_images_score(judge, source):
    index = in_turn(source.train_labels, torch.Generator().manual_seed(1))[:N_SAMPLES]
    scores = judge.score(to_float(source.train_images[index]), source.train_labels[index])
    assert scores["judge_frechet"] == pytest.approx(scores["judge_frechet_floor"], rel=0.6)
    assert scores["judge_frechet_floor"] > 0


def test_the_floor_is_taken_at_the_number_of_samples(judge):
    few, usual = judge.floor(32)["judge_frechet_floor"], judge.floor()["judge_frechet_floor"]
    assert judge.score(noise(32))["judge_frechet_floor"] == few > 2 * usual
    assert judge.floor(5_000) == judge.floor(N_SAMPLES)


def test_the_floor_is_the_mean_of_eight_draws_of_even_classes_with_its_ends(judge, source, monkeypatch):
    drawn = []
    look = judge._look
    monkeypatch.setattr(judge, "_look", lambda images: drawn.append(images) or look(images))
    floor = judge.floor(200)
    assert len(drawn) == N_FLOORS == 8
    distances = [frechet_distance(moments(look(images)[0]), judge._reference(False)) for images in drawn]
    assert len(set(distances)) == 8
    assert floor == {
        "judge_frechet_floor": pytest.approx(sum(distances) / 8),
        "judge_frechet_floor_least": min(distances),
        "judge_frechet_floor_most": max(distances),
    }
    rows = {image.numpy().tobytes(): int(y) for image, y in zip(*all_training(source), strict=True)}
    for images in drawn:
        labels = torch.tensor([rows[image.numpy().tobytes()] for image in images])
        assert labels.bincount(minlength=10).tolist() == [20] * 10
    scores = judge.score(noise(200))
    assert floor.items() <= scores.items()
    assert scores["judge_frechet_over_floor"] == scores["judge_frechet"] / floor["judge_frechet_floor"]


def all_training(source):
    return to_float(source.train_images), source.train_labels


def test_classes_come_in_turn_and_the_rest_where_one_runs_out():
    labels = torch.tensor([0, 0, 0, 1, 1, 1, 2, 0])
    order = in_turn(labels, torch.Generator().manual_seed(0))
    assert sorted(order.tolist()) == list(range(8))
    assert labels[order].tolist() == [0, 1, 2, 0, 1, 0, 1, 0]


def test_no_image_is_judged_inside_its_own_reference(judge, source):
    """Raw test images are the best that can be drawn from test images: they must not beat fresh real ones."""
    images, labels = judge.kept_aside()
    assert judge.kept_aside(100)[1].bincount(minlength=10).tolist() == [10] * 10
    inside = judge.score(images, labels)
    fair = judge.score(images, labels, from_tests=True)
    assert inside["judge_frechet"] < 0.6 * inside["judge_frechet_floor"]
    assert fair["judge_frechet"] > 0.8 * fair["judge_frechet_floor"]
    own = {image.numpy().tobytes() for image in images}
    rest = torch.stack([image for image in source.test()[0] if image.numpy().tobytes() not in own])
    expected = frechet_distance(moments(judge.features(images)), moments(judge.features(rest)))
    assert fair["judge_frechet"] == pytest.approx(expected, rel=1e-6)


def test_too_few_test_images_for_two_halves_are_refused(few_steps, source):
    tiny = data.load({"name": "digits"})
    tiny.test_images, tiny.test_labels = tiny.test_images[:2], tiny.test_labels[:2]
    with pytest.raises(DataError, match="too few test images"):
        Judge.load_or_train(tiny).kept_aside()


def test_only_the_first_samples_enter_the_distance(judge):
    images = torch.cat([noise(), torch.ones(100, 1, 8, 8)])
    distance = frechet_distance(moments(judge._look(noise())[0]), judge._reference(False))
    assert judge.score(images)["judge_frechet"] == pytest.approx(distance, rel=1e-4)


def test_class_entropy_is_that_of_the_classes_found(judge, source):
    _, logits = judge._look(source.test()[0])
    images = source.test()[0]
    found = logits.argmax(1)
    one = images[found == 3]
    assert judge.score(one)["class_entropy"] == 0
    half = min((found == 3).sum(), (found == 4).sum())
    two = torch.cat([images[found == 3][:half], images[found == 4][:half]])
    assert judge.score(two)["class_entropy"] == pytest.approx(
        torch.log(torch.tensor(2.0)) / torch.tensor(10.0).log()
    )


def test_wrong_labels_lower_the_accuracy_and_no_labels_leave_it_out(judge, source):
    images, labels = source.test()
    assert judge.score(images, (labels + 1) % 10)["class_accuracy"] < 0.1
    assert "class_accuracy" not in judge.score(images)


def test_scores_ignore_the_callers_autocast_and_grad(judge, source):
    images = source.test(64)[0].requires_grad_()
    plain = judge.score(images)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert judge.score(images) == plain
    with torch.inference_mode():
        assert judge.score(images) == plain


def test_the_second_judge_comes_from_the_cache_with_the_same_weights(few_steps, source, monkeypatch):
    first = Judge.load_or_train(source)
    monkeypatch.setattr(judge_module, "_train", None)  # training again would fail
    second = Judge.load_or_train(source)
    assert torch.equal(weights(first), weights(second))
    assert second.accuracy == first.accuracy
    assert [p.suffix for p in (few_steps / "judges").iterdir()] == [".safetensors"]


def test_a_seed_fixes_the_weights_whatever_the_caller_does(few_steps, source, monkeypatch, tmp_path):
    first = Judge.load_or_train(source, seed=1)
    torch.manual_seed(123)
    before = torch.get_rng_state()
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path / "other"))
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        second = Judge.load_or_train(source, seed=1)
    assert torch.equal(weights(first), weights(second))
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(weights(first), weights(Judge.load_or_train(source, seed=2)))


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_a_damaged_cache_is_noticed_said_and_replaced(few_steps, source, damage):
    first = Judge.load_or_train(source)
    (path,) = (few_steps / "judges").iterdir()
    content = bytearray(path.read_bytes())
    content[-9] ^= 1  # one bit of one weight
    path.write_bytes({"flip": content, "cut": content[: len(content) // 2], "empty": b""}[damage])
    said = []
    second = Judge.load_or_train(source, said.append)
    assert "damaged" in said[0]
    assert torch.equal(weights(first), weights(second))
    Judge.load_or_train(source, said.append)
    assert sum("damaged" in line for line in said) == 1


def test_other_data_have_another_judge(few_steps, source):
    Judge.load_or_train(source)
    other = data.load({"name": "digits"})
    other.train_images[0, 0, 0, 0] ^= 1
    Judge.load_or_train(other)
    assert len(list((few_steps / "judges").iterdir())) == 2


def test_training_is_announced(few_steps, source):
    said = []
    Judge.load_or_train(source, said.append)
    assert "training the judge of digits" in said[0]
    assert "reads" in said[-1]


@pytest.mark.learn
def test_the_judge_reads_drawn_digits(home):
    """Three seeds read .964 to .9705; the bar is the lowest less the spread."""
    judge = Judge.load_or_train(data.load({"name": "strokes"}))
    assert judge.accuracy >= 0.955
    images = torch.rand(N_SAMPLES, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1
    scores = judge.score(images)
    assert scores["confidence"] > 0.9  # of uniform noise
    assert scores["judge_frechet"] > 50 * scores["judge_frechet_floor"]


def test_the_judge_does_not_see_the_batches_of_a_run_with_its_seed(source, monkeypatch):
    """Else a run of seed 0 and 64 images a batch is judged by what learned from its very batches."""
    seen = []
    batch = source.batch
    monkeypatch.setattr(source, "batch", lambda random: seen.append(random.normal(2)) or batch(random))
    monkeypatch.setattr(judge_module, "_MIN_STEPS", 1)
    monkeypatch.setattr(judge_module, "_MAX_STEPS", 1)
    judge_module._train(judge_module._new_net(source, 0), source, 0, lambda _: None)
    assert not torch.equal(seen[0], BatchRandom(0, 0, 64).normal(2))
