"""What `atlas learn` shows: the steps of the topic that one is at, what follows, and how far one is."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from rich.text import Text

from atlas_cli import catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.learner import boxes, goals, guesses, progress
from atlas_cli.learner.path import MILESTONES, Path, Step, is_finished, milestones, next_step, steps_of
from atlas_cli.learner.progress import Progress
from atlas_cli.pages import quiz
from atlas_cli.screen import messages
from atlas_cli.screen.lines import Lines, indent, pairs, wrap
from atlas_cli.screen.terminal import out, show

_MARGIN = 2
_MOST_FAMILIES = 5  # rows of the table
_COLUMN = 10  # of the table of milestones
_MOST_NAMES = 7  # topics in a line that says what follows


class Count(NamedTuple):
    """How many topics of a family have a milestone, and at how many it was reached."""

    reached: int
    of: int


def show_path(path: Path, known: Progress) -> None:
    """The path on the terminal; it fits a screen of 80 columns and 24 lines."""
    width = out.width - 2 * _MARGIN
    found = next_step(path, known)
    fresh = not (known.deeds or known.settings)  # nothing was done, and no goal chosen
    lines = wrap(_title(path, known), width)
    if found:
        topic, step = found
        lines += [Text(), *wrap(_heading(topic), width), *_steps(topic, step, known, width)]
    if follows := _what_follows(path, known, found[0] if found else None, width):
        lines += [Text(), *follows]
    lines += [Text(), *(_goals(width) if fresh else _table(path, known, found[0] if found else None, width))]
    show(indent(lines, _MARGIN))
    if told := _kept_score(known):
        messages.say(f"  {told}")
    if found:
        messages.next_command(found[1].command, "or choose a goal" if fresh else "")
    elif path.finished:
        messages.next_command("atlas learn everything", "this path is done")
    else:
        messages.next_command("atlas learn everything", "nothing of this path is written yet")


def next_line(known: Progress) -> Text | None:
    """The next step in one line; None where nothing was begun, or nothing is left."""
    if not known.deeds:
        return None
    from atlas_cli.learner.path import path_to

    path = path_to(goals.of(known))
    found = next_step(path, known)
    if found is None:
        return None
    topic, step = found
    told = f"  {topic.title}: {step.name}, {step.about}"
    return Text.assemble(("next  ", "atlas.muted"), (step.command, "atlas.code"), (told, "atlas.muted"))


def as_dict(path: Path, known: Progress) -> dict[str, Any]:
    """The path for scripts and classrooms."""
    found = next_step(path, known)
    return {
        "goal": {"slug": path.goal.slug, "title": path.goal.title},
        "next": {"topic": found[0].slug, **_step(found[1])} if found else None,
        "topics": [_topic(topic, known) for topic in path.topics],
        "families": [
            {
                "slug": family.slug, "finished": len(finished),
                "to_come": len(family.topics) - len(finished),
                **{name: count._asdict() for name, count in _counts(finished, known).items()},
            }
            for family in catalog.families()
            for finished in [[topic for topic in family.topics if is_finished(topic)]]
        ],
        "questions": {
            "answered": len([deed for deed in known.deeds if deed.kind == "answered"]),
            "due": len(_due(known)),
        },
        "guesses": guesses.score(known)._asdict(),
        "file": _file(),
    }  # fmt: skip


def _file() -> str | None:
    from atlas_cli.errors import AtlasError

    try:
        return str(progress.file())
    except AtlasError:
        return None


def _topic(topic: Topic, known: Progress) -> dict[str, Any]:
    steps = steps_of(topic, known) if is_finished(topic) else ()
    return {
        "slug": topic.slug, "family": topic.family, "finished": is_finished(topic),
        "steps": [_step(step) for step in steps],
        "deeds": [
            {"deed": deed.kind, "what": deed.what, "first": progress.written(deed.first),
             "last": progress.written(deed.last), "times": deed.times}
            for deed in known.of(topic.slug)
        ],
    }  # fmt: skip


def _step(step: Step) -> dict[str, Any]:
    return {"step": step.name, "command": step.command, "about": step.about, "done": step.done,
            "skipped": step.skipped}  # fmt: skip


def _due(known: Progress) -> tuple[quiz.Question, ...]:
    """Those that are still asked: a question may be gone from its file."""
    return quiz.named((deed.topic, deed.what) for deed in boxes.due(known, time.time())).questions


def _kept_score(known: Progress) -> str:
    """What is due, and how the guesses came out, in one line."""
    n_due, (right, made) = len(_due(known)), guesses.score(known)
    parts = [f"{n_due} question{'s are' if n_due > 1 else ' is'} due: atlas quiz"] if n_due else []
    parts += [f"{right} of {made} guess{'es' if made > 1 else ''} right"] if made else []
    return "; ".join(parts)


def _title(path: Path, known: Progress) -> Text:
    finished = path.finished
    done = sum(not any(step.is_open for step in steps_of(topic, known)) for topic in finished)
    told = f"  {done} of {len(finished)} topics done" if finished else "  no topic of it is written yet"
    return Text.assemble(
        ("Your path: ", "atlas.muted"), (path.goal.title, "atlas.title"), (told, "atlas.muted")
    )


def _heading(topic: Topic) -> Text:
    family = catalog.family_of(topic).title
    return Text.assemble((topic.title, "atlas.head"), (f"  {family}, {topic.year}", "atlas.muted"))


def _steps(topic: Topic, following: Step, known: Progress, width: int) -> Lines:
    steps = steps_of(topic, known)
    longest = max(len(step.command) for step in steps)
    rows = []
    for step in steps:
        mark, style = _mark(step, following)
        label = Text.assemble(
            (f"{mark} ", style), (step.name.ljust(8), "" if step.is_open else "atlas.muted")
        )
        command = Text(step.command.ljust(longest), "atlas.code" if step.is_open else "atlas.muted")
        rows.append((label, command + Text(f"  {'left out' if step.skipped else step.about}", "atlas.muted")))
    return pairs(rows, width)


def _mark(step: Step, following: Step) -> tuple[str, str]:
    if step.done:
        return "✓", "atlas.good"
    if step.name == following.name:
        return "▸", "atlas.mark"
    return ("–", "atlas.muted") if step.skipped else (" ", "")


def _what_follows(path: Path, known: Progress, at: Topic | None, width: int) -> Lines:
    waiting = [
        topic.slug for topic in path.finished
        if topic != at and any(step.is_open for step in steps_of(topic, known))
    ]  # fmt: skip
    rows = [
        (Text(label, "atlas.muted"), Text(_few(names)))
        for label, names in (("then", waiting), ("to come", [topic.slug for topic in path.to_come]))
        if names
    ]
    return pairs(rows, width)


def _few(names: list[str], most: int = _MOST_NAMES) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def _goals(width: int) -> Lines:
    rows = [
        (
            Text(f"atlas learn {goal.slug}", "atlas.code"),
            Text(_few([topic.slug for topic in goal.topics], 4), "atlas.muted"),
        )
        for goal in goals.written()
    ]
    return [
        *wrap(Text("Or choose where to go; a family or a topic will do as well:"), width),
        *pairs(rows, width),
    ]


def _table(path: Path, known: Progress, at: Topic | None, width: int) -> Lines:
    """A row a family of the path: of how many topics each milestone was reached."""
    counts = {family: _counts(finished, known) for family, finished in _families(path)}
    names = [name for name in MILESTONES if any(row[name].of for row in counts.values())]
    shown = _begun_first(counts, at)
    more = len(counts) - len(shown)
    rest = [Text(f"and {more} more famil{'ies' if more > 1 else 'y'}", "atlas.muted")] if more else []
    longest = max((len(family.slug) for family in shown), default=0)
    if longest + _COLUMN * len(names) > width:
        rows = [(Text(family.slug, "atlas.accent"), _in_words(counts[family], names)) for family in shown]
        return [*pairs(rows, width), *rest]
    lines = [Text(" " * longest + "".join(name.rjust(_COLUMN) for name in names), "atlas.muted")]
    for family in shown:
        line = Text(family.slug.ljust(longest), "atlas.accent")
        for name in names:
            count = counts[family][name]
            text = f"{count.reached} of {count.of}" if count.of else ""
            line.append(text.rjust(_COLUMN), "atlas.good" if count.of and count.reached == count.of else "")
        lines.append(line)
    return [*lines, *rest]


def _begun_first(counts: dict[Family, dict[str, Count]], at: Topic | None) -> list[Family]:
    """As many families as a small screen has room for: the one at hand, those begun; in reading order."""

    def worth(family: Family) -> int:
        begun = any(count.reached for count in counts[family].values())
        return 2 if at is not None and family.slug == at.family else int(begun)

    chosen = sorted(counts, key=worth, reverse=True)[:_MOST_FAMILIES]
    return [family for family in counts if family in chosen]


def _in_words(row: dict[str, Count], shown: list[str]) -> Text:
    """A row of the table where it has no room."""
    return Text(", ".join(f"{name} {row[name].reached} of {row[name].of}" for name in shown if row[name].of))


def _families(path: Path) -> list[tuple[Family, list[Topic]]]:
    """The families of the path that have finished topics on it, with these."""
    rows = [
        (family, [topic for topic in path.finished if topic.family == family.slug])
        for family in catalog.families()
    ]
    return [(family, finished) for family, finished in rows if finished]


def _counts(topics: list[Topic], known: Progress) -> dict[str, Count]:
    reached = [milestones(topic, known) for topic in topics]
    return {
        name: Count(sum(one.get(name, False) for one in reached), sum(name in one for one in reached))
        for name in MILESTONES
    }
