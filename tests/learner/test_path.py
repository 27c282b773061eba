"""The path to a goal: what builds on what, what is written, and what was done."""

from __future__ import annotations

import json
import os

import pytest

from atlas_cli import catalog, paths
from atlas_cli.errors import UsageError
from atlas_cli.learner import goals, path, progress
from atlas_cli.learner.progress import Deed, Progress
from atlas_cli.pages import guess, quiz
from atlas_cli.site.finished import is_finished

GOALS = ["everything", "language models", "images", "seeing", "robots", "ssm", "zamba", "GANs", "gan"]


def deed(kind: str, topic: str, what: str = "", at: float = 1.0, **facts: object) -> Deed:
    return Deed(kind, topic, what, at, at, 1, facts)


def all_done(topic: catalog.Topic, at: float = 1.0) -> list[Deed]:
    answers = [deed("answered", topic.slug, entry.id, at) for entry in path.entries_on(topic)]
    rest = [deed(kind, topic.slug, "", at) for kind in ("read", "turned", "trained", "looked")]
    solved = [deed("coded", topic.slug, name, at) for name in path.exercises_of(topic)]
    guessed = [deed("guessed", topic.slug, guess.id_of(topic) or "", at)]
    return [*answers, *rest, *solved, *guessed]


@pytest.mark.parametrize("name", GOALS)
def test_what_a_topic_builds_on_stands_before_it_and_nothing_stands_twice(name: str):
    slugs = [topic.slug for topic in path.path_to(goals.called(name)).topics]
    assert len(slugs) == len(set(slugs))
    for i, slug in enumerate(slugs):
        assert set(catalog.resolve(slug).builds_on) <= set(slugs[:i]), slug


def test_a_goal_is_one_of_the_file_a_family_or_a_topic():
    assert goals.called("Language Models").slug == "language-models"
    assert {topic.family for topic in goals.called("images").topics} == {
        "diffusion", "flow", "autoencoder", "gan"
    }  # fmt: skip
    assert [topic.slug for topic in goals.called("gan").topics] == ["gan"]
    assert len(goals.called("GANs").topics) > 1
    assert goals.called("all") == goals.everything()
    with pytest.raises(UsageError, match="no topic or family is called 'mambo'") as caught:
        goals.called("mambo")
    assert "atlas learn mamba" in caught.value.hint


def test_every_goal_of_the_file_names_itself_alone():
    names = [
        catalog.normalise(name) for goal in (goals.everything(), *goals.written()) for name in goal.names()
    ]
    assert len(names) == len(set(names)) + sum(
        catalog.normalise(goal.slug) == catalog.normalise(goal.title)
        for goal in (goals.everything(), *goals.written())
    )


def test_a_goal_that_is_gone_is_everything():
    assert goals.of(Progress(settings={"goal": "alchemy"})) == goals.everything()
    assert goals.of(Progress(settings={"goal": 3})) == goals.everything()
    assert goals.of(Progress(settings={"goal": "zamba"})).slug == "zamba"


def test_written_chapters_alone_have_steps(monkeypatch: pytest.MonkeyPatch):
    way = path.path_to(goals.everything())
    first = way.topics[0]
    monkeypatch.setattr(path, "is_finished", lambda topic: topic != first and is_finished(topic))
    assert {topic for topic in way.topics if is_finished(topic)} == {first, *way.finished}
    assert way.to_come[0] == first
    assert set(way.finished) | set(way.to_come) == set(way.topics)


def test_the_steps_of_a_topic_are_in_the_order_of_learning_and_become_done():
    ddpm = catalog.resolve("ddpm")
    steps = path.steps_of(ddpm, Progress())
    names = [step.name for step in steps]
    order = ["read", "guess", "turn", "answer", "code", "train", "look"]
    assert names == [name for name in order if name in names]
    assert {"read", "guess", "turn", "answer", "train", "look"} <= set(names)
    assert not any(step.done for step in steps)
    assert all(step.command.startswith("atlas ") for step in steps)
    done = path.steps_of(ddpm, Progress(tuple(all_done(ddpm))))
    assert all(step.done for step in done)


def test_exercises_are_solved_one_by_one(monkeypatch: pytest.MonkeyPatch):
    ddpm = catalog.resolve("ddpm")
    monkeypatch.setattr(path, "exercises_of", lambda topic: ["add_noise", "target"])

    def code(*solved: str) -> path.Step:
        known = Progress(tuple(deed("coded", "ddpm", name) for name in solved))
        assert path.milestones(ddpm, known)["coded"] == (len(solved) == 2)
        return next(step for step in path.steps_of(ddpm, known) if step.name == "code")

    assert code()[1:4] == ("atlas exercise start ddpm/add_noise", "2 exercises", False)
    assert code("add_noise")[1:4] == ("atlas exercise start ddpm/target", "1 of 2 exercises solved", False)
    assert code("target", "add_noise").done


def test_reading_one_section_is_not_reading_the_page():
    ddpm = catalog.resolve("ddpm")
    assert not path.steps_of(ddpm, Progress((deed("read", "ddpm", "References"),)))[0].done


def test_the_guess_is_that_of_the_page_and_says_how_it_came_out():
    ddpm = catalog.resolve("ddpm")
    name = guess.id_of(ddpm) or ""

    def step(*deeds: Deed) -> path.Step:
        return next(step for step in path.steps_of(ddpm, Progress(deeds)) if step.name == "guess")

    assert step()[1:4] == ("atlas guess ddpm", "what do you expect?", False)
    assert step(deed("guessed", "ddpm", "ddpm/small judge_frechet", right=True)).done is False
    assert step(deed("guessed", "ddpm", name, right=True))[2:4] == ("it was right", True)
    assert step(deed("guessed", "ddpm", name, right=False))[2:4] == ("it came out otherwise", True)


def test_some_answers_are_part_of_the_answers():
    ddpm = catalog.resolve("ddpm")
    first, *_ = path.entries_on(ddpm)
    known = Progress((deed("answered", "ddpm", first.id),))
    steps = {step.name: step for step in path.steps_of(ddpm, known)}
    assert not steps["answer"].done
    assert steps["answer"].about == f"1 of {len(path.entries_on(ddpm))} questions answered"


def test_what_was_missed_opens_the_step_of_the_answers_again(monkeypatch: pytest.MonkeyPatch):
    ddpm = catalog.resolve("ddpm")
    first, *rest = path.entries_on(ddpm)
    answers = [deed("answered", "ddpm", entry.id, 1000.0, right=True) for entry in rest]
    known = Progress((deed("answered", "ddpm", first.id, 1000.0, right=False), *answers))

    def at(now: float) -> path.Step:
        monkeypatch.setattr(path.time, "time", lambda: now)
        return next(step for step in path.steps_of(ddpm, known) if step.name == "answer")

    assert at(1599.0).done
    assert at(1599.0).about == f"{len(rest)} of {len(rest) + 1} questions right"
    assert at(1600.0)[1:4] == ("atlas quiz", "1 that was missed", False)
    assert known.mark(1599.0) != known.mark(1600.0) == known.mark(1700.0)


def test_the_topic_touched_last_goes_on_and_then_the_first_that_waits():
    way = path.path_to(goals.called("ssm"))
    first, second, third = way.finished[:3]
    found = path.next_step(way, Progress())
    assert found is not None
    assert (found[0], found[1].name) == (first, "read")
    found = path.next_step(
        way, Progress((deed("read", first.slug, at=2.0), deed("read", third.slug, at=3.0)))
    )
    assert found is not None
    assert found[0] == third
    assert found[1].name != "read"
    known = Progress((*all_done(third, 9.0), *all_done(first, 5.0)))
    found = path.next_step(way, known)
    assert found is not None
    assert (found[0], found[1].name) == (second, "read")


def test_where_all_is_done_there_is_no_next_step():
    way = path.path_to(goals.called("mamba"))
    known = Progress(tuple(one for topic in way.finished for one in all_done(topic)))
    assert path.next_step(way, known) is None


def test_a_step_that_is_left_out_is_passed_by_and_is_not_done():
    ddpm = catalog.resolve("ddpm")
    way = path.path_to(goals.called("ddpm"))
    known = Progress((deed("skipped", "ddpm", "read"),))
    found = path.next_step(way, known)
    assert found is not None
    assert found[1].name == "guess"
    read = path.steps_of(ddpm, known)[0]
    assert (read.done, read.skipped, read.is_open) == (False, True, False)


def test_who_leaves_the_training_out_has_nothing_to_look_at():
    ddpm = catalog.resolve("ddpm")
    skipped = {
        step.name
        for step in path.steps_of(ddpm, Progress((deed("skipped", "ddpm", "train"),)))
        if step.skipped
    }
    assert skipped == {"train", "look"}
    known = Progress((deed("skipped", "ddpm", "train"), deed("trained", "ddpm", "ddpm/small")))
    assert path.steps_of(ddpm, known)[-1].is_open


def test_read_answered_trained_and_met_are_told_apart():
    ddpm = catalog.resolve("ddpm")
    assert not any(path.milestones(ddpm, Progress()).values())
    known = Progress((deed("trained", "ddpm", "ddpm/small", met=False),))
    reached = path.milestones(ddpm, known)
    assert (reached["trained"], reached["met"], reached["read"], reached["answered"]) == (
        True,
        False,
        False,
        False,
    )
    assert {step.name: step.about for step in path.steps_of(ddpm, known)}[
        "train"
    ] == "trained, claims not met yet"
    known = Progress((*known.deeds, deed("met", "ddpm", "ddpm/small")))
    assert path.milestones(ddpm, known)["met"]


def test_a_run_of_another_folder_is_sampled_by_where_it_lies(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    ddpm = catalog.resolve("ddpm")
    known = Progress((deed("trained", "ddpm", "ddpm/small", run="/elsewhere/runs/ddpm-small-1"),))
    assert path.steps_of(ddpm, known)[-1].command == "atlas sample /elsewhere/runs/ddpm-small-1"
    below = Progress((deed("trained", "ddpm", "ddpm/small", run=f"{os.getcwd()}/exercises/runs/ddpm-ci-1"),))
    assert path.steps_of(ddpm, below)[-1].command == "atlas sample exercises/runs/ddpm-ci-1"
    run = tmp_path / "runs" / "ddpm-small-1"
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"recipe": "ddpm/small"}))
    assert path.steps_of(ddpm, known)[-1].command == "atlas sample ddpm"


def test_a_training_costs_what_its_untrained_parents_cost_too():
    kv_cache = catalog.resolve("kv-cache")
    alone = path._seconds(kv_cache, Progress((deed("trained", "gpt", "gpt/small"),)))
    assert path._seconds(kv_cache, Progress()) > alone


def test_the_index_of_a_quiz_is_the_quiz_and_follows_it(monkeypatch: pytest.MonkeyPatch):
    family = catalog.resolve_family("diffusion")
    for _ in range(2):
        assert [(entry.topic, entry.kind, entry.id) for entry in quiz.index("diffusion")] == [
            (question.topic, question.kind, question.id) for question in quiz.load(family).questions
        ]
    ids = [entry.id for one in catalog.families() for entry in quiz.index(one.slug)]
    assert len(ids) == len(set(ids))
    monkeypatch.setattr(quiz, "load", lambda family: pytest.fail("it was parsed again"))
    quiz.index("diffusion")


def test_what_the_shelf_cannot_keep_is_read_each_time(tmp_path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "no-folder").write_text("")
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path / "no-folder"))
    assert quiz.index("gan")
    assert progress.load() == Progress()
    assert (paths.content_dir() / "goals.yaml").is_file()
