"""A lab sheet as Markdown, to print or to hand out, and as a document for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from atlas_cli import catalog
from atlas_cli.catalog import Family
from atlas_cli.classroom.pieces import (
    A_DIAGRAM,
    A_HAND_IN,
    A_LOOK,
    A_QUESTION,
    AN_EXERCISE,
    JUDGING,
    WORDS_A_MINUTE,
    told,
)
from atlas_cli.classroom.plan import Plan, Timed, prepared, says
from atlas_cli.learner.path import is_finished

_TITLES = {
    "read": "Read", "guess": "Guess", "turn": "Turn the diagram", "train": "Train", "code": "Write code",
    "answer": "Answer", "look": "Look",
}  # fmt: skip
REPORT = 'atlas report --name "YOUR NAME"'


def markdown(plan: Plan) -> str:
    """The whole sheet."""
    parts = [f"# {_title(plan)}", _about(plan), " ".join(says(plan)), *_before(plan), "## Steps"]
    for step in plan.steps:
        parts += list(_step(step, several=len(plan.topics) > 1))
    return "\n\n".join([*parts, *_hand_in(plan), *_reckoned()]) + "\n"


def as_dict(plan: Plan) -> dict[str, Any]:
    """The same for programs."""
    subject = plan.subject
    return {
        "subject": subject.slug, "title": _title(plan), "minutes": plan.minutes, "takes": plan.takes,
        "fits": plan.fits, "says": says(plan), "topics": [topic.slug for topic in plan.topics],
        "before": _prepare(plan),
        "steps": [
            {
                "at": step.at, "minutes": step.minutes, "step": step.piece.kind,
                "topic": step.piece.topic.slug, "commands": [*step.piece.commands], "says": _told(step),
                "recipe": step.piece.training.recipe.name if step.piece.training else None,
                "seconds": step.piece.training.seconds if step.piece.training else None,
            }
            for step in plan.steps
        ],
        "hand_in": [*_wanted(plan)],
        "left_out": [
            {"step": piece.kind, "topic": piece.topic.slug, "minutes": piece.minutes,
             "commands": [*piece.commands]}
            for piece in plan.left_out
        ],
    }  # fmt: skip


def _title(plan: Plan) -> str:
    return f"{plan.subject.title}: a lab of {plan.minutes} minutes"


def _about(plan: Plan) -> str:
    return plan.subject.line if isinstance(plan.subject, Family) else plan.subject.idea


def _before(plan: Plan) -> Iterator[str]:
    """What the teacher does, and what the students should have read."""
    lines = []
    if found := _prepare(plan):
        parents = [
            one["recipe"] + (f" ({told(one['seconds'])} on a laptop)" if one["seconds"] else "")
            for one in found["trains"]
        ]
        makes = f", among it {', '.join(parents)}" if parents else ""
        lines.append(
            f"- `{found['command']}` makes what all would wait for{makes}. Copy it to every machine."
        )
    known = {topic.slug for topic in plan.topics}
    wanted = {slug for topic in plan.topics for slug in topic.builds_on} - known
    here = [topic.slug for topic in catalog.topics() if topic.slug in wanted and is_finished(topic)]
    lines += [f"- Who has not met {slug} reads what it is: `{_first(slug)}`." for slug in here]
    if lines:
        yield "## Before the lab"
        yield "\n".join(lines)


def _first(slug: str) -> str:
    return f'atlas explain {slug} --section "What it is"'


def _prepare(plan: Plan) -> dict[str, Any] | None:
    """What a teacher types beforehand, and what that trains; None where nothing is trained in the lab."""
    names = [training.recipe.name for training in plan.trainings]
    if not names:
        return None
    trains = [{"recipe": name, "seconds": s} for name, s in prepared(plan.trainings).items()]
    return {"command": f"atlas prepare {' '.join(names)}", "trains": trains}


def _step(step: Timed, several: bool) -> Iterator[str]:
    piece = step.piece
    title = f"{piece.topic.title}: {_TITLES[piece.kind].lower()}" if several else _TITLES[piece.kind]
    yield f"### {_clock(step.at)} {title} ({_minutes(step.minutes)})"
    yield _told(step)
    yield "```\n" + "\n".join(piece.commands) + "\n```"


def _told(step: Timed) -> str:
    """What is to be done; of a training also whether to wait for it."""
    piece = step.piece
    if piece.training is None or not piece.training.seconds:
        return piece.says
    after = f"Wait {_minutes(step.waits)} of them, then go on" if step.waits else "Go on meanwhile"
    return f"{piece.says} {after} in a second terminal, in the same folder."


def _hand_in(plan: Plan) -> Iterator[str]:
    yield f"## Hand in ({_minutes(A_HAND_IN)}, from {_clock(plan.takes - A_HAND_IN)})"
    yield "\n".join(f"- {line}" for line in _wanted(plan))


def _wanted(plan: Plan) -> Iterator[str]:
    yield f"The file that `{REPORT}` writes: what you read, answered, coded and trained."
    for training in plan.trainings:
        if training.recipe.expect:
            named = ", ".join(training.recipe.expect)
            told_of = f"Of `{training.recipe.name}`: your figures ({named})"
            yield f"{told_of}; of each claim whether it holds, and why."
    kinds = {step.piece.kind for step in plan.steps}
    if "guess" in kinds:
        yield "One guess that was wrong, and what you know now."
    if "turn" in kinds:
        yield "One sentence: what a knob or step of the diagram changes."


def _reckoned() -> Iterator[str]:
    yield "## How the minutes are reckoned"
    yield (
        f"{WORDS_A_MINUTE} words a minute, {_minutes(A_QUESTION)} a question, "
        f"{_minutes(AN_EXERCISE)} an exercise, "
        f"{_minutes(A_DIAGRAM)} a diagram, {_minutes(A_LOOK)} to look. Trainings are as they were measured, "
        f"as on a laptop with two cores where that was timed, and {_minutes(JUDGING)} more for the judging."
    )


def _clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02d}"


def _minutes(n: int) -> str:
    return f"{n} minute{'' if n == 1 else 's'}"
