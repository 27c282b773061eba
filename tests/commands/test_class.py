"""`atlas class collect`: thirty reports in one table, whatever else lies in the folder."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from atlas_cli.classroom import deliver, page, table
from atlas_cli.classroom.report import FORMAT, NOTE, digest
from atlas_cli.screen import terminal
from atlas_cli.site import shell
from tests.commands.house import CommandLine
from tests.commands.test_schema import check

SAYS = "You divided by sqrt(1 - a) and not by a."
Body = dict[str, Any]


def body(name: str, /, **more: Any) -> Body:
    """A report without its digest."""
    return {
        "atlas_report": FORMAT, "note": NOTE, "name": name, "written": "2026-01-31T09:00:00Z", "atlas": "0.1",
        "goal": "images", "topics": [topic("ddpm")], "exercises": [], "runs": [], **more,
    }  # fmt: skip


def topic(slug: str, **more: Any) -> Body:
    return {
        "topic": slug, "family": "diffusion", "read": True, "questions": 5, "answered": 3, "right": 2,
        "guesses": 0, "exercises": 2, "coded": 1, "trained": False, "met": False,
        "first": "2026-01-30T09:00:00Z", "last": "2026-01-31T09:00:00Z", **more,
    }  # fmt: skip


def trained(recipe: str, mark: str, **more: Any) -> Body:
    """A run of a report; `mark` makes its hashes."""
    return {
        "recipe": recipe, "topic": recipe.split("/")[0], "run": recipe.replace("/", "-") + "-1",
        "trained": "2026-01-31T09:00:00Z", "met": True, "status": "complete", "imported": False, "tags": [],
        "claims": [{"metric": "accuracy", "bar": ">= 0.9", "figure": 0.95, "passed": True}],
        "hashes": dict.fromkeys(("recipe", "weights", "result", "metrics"), mark * 16),
        "as_trained": True, **more,
    }  # fmt: skip


def attempt(exercise: str = "ddpm/add_noise", solved: bool = False, says: str = SAYS) -> Body:
    return {"exercise": exercise, "solved": solved, "checks": 2, "mistakes": [{"says": says, "times": 2}]}


def put(folder: Path, file: str, content: Body) -> Path:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**content, "digest": digest(content)}), encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "reports").mkdir()
    return tmp_path / "reports"


def rows_of(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:])))


# --- thirty of them, and what else lies there --------------------------------------------------------

FAULTS = {
    "broken.json": ("{", "it is no JSON, or is damaged"),
    "empty.json": ("", "it is no JSON, or is damaged"),
    "deep.json": ("[" * 100_000, "it is no JSON, or is damaged"),
    "latin1.json": (b'{"name": "Zo\xeb"}', "it is no JSON, or is damaged"),
    "progress.json": ('{"format": 1, "deeds": []}', "it is no report of atlas"),
    "list.json": ("[1, 2]", "it is no report of atlas"),
    "essay.docx": (b"PK\x03\x04", "it is no JSON, or is damaged"),
    "huge.json": (" " * (2 << 20) + "{}", "it holds more than 2,097,152 bytes"),
}  # fmt: skip


def test_thirty_reports_are_collected_whatever_else_lies_there(atlas: CommandLine, folder: Path) -> None:
    for n in range(30):
        runs = [trained("ddpm/small", f"{n:02x}"[-1] * 2)] if n % 3 == 0 else []
        met = {"trained": bool(runs), "met": bool(runs)}
        put(folder, f"group {n % 4}/report-{n}.json",
            body(f"Student {n:02}", topics=[topic("ddpm", **met)], runs=runs,
                 exercises=[attempt(solved=n % 2 == 0)]))  # fmt: skip
    for name, (content, _) in FAULTS.items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(data)
    future = put(folder, "future.json", body("Later", atlas_report=FORMAT + 1))
    edited = put(folder, "edited.json", body("Edited"))
    edited.write_text(edited.read_text().replace('"right": 2', '"right": 3'))
    put(folder, "copy.json", json.loads((folder / "group 0/report-0.json").read_text()) | {})
    (folder / "copy.json").write_text((folder / "group 0/report-0.json").read_text())
    (folder / "._hidden.json").write_text("{")
    (folder / "class.csv").write_text("x")
    if hasattr(os, "symlink"):
        (folder / "link.json").symlink_to(folder / "group 1/report-1.json")
        (folder / "loop").symlink_to(folder)

    document = atlas("class", "collect", "reports", "-o", "class.csv", "-o", "class.html", "--json").document
    check("class-collect", document)
    assert [one["name"] for one in document["students"]] == [f"Student {n:02}" for n in range(30)]
    refused = {entry["file"]: entry["why"] for entry in document["refused"]}
    for name, (_, why) in FAULTS.items():
        assert refused.pop(name) == why
    assert refused.pop(future.name) == "it has the format 2, and this atlas reads 1"
    assert refused.pop("edited.json") == "it was changed after it was written: its digest does not fit"
    same = {refused.pop("copy.json", ""), refused.pop("group 0/report-0.json", "")}
    assert {f"it is the same report as {name}" for name in ("copy.json", "group 0/report-0.json")} & same
    assert (
        refused.pop("link.json", "it is a link, and was not followed") == "it is a link, and was not followed"
    )
    assert refused == {}
    assert document["claims"] == [{"recipe": "ddpm/small", "met": 10, "trained": 10}]
    assert document["exercises"] == [{"exercise": "ddpm/add_noise", "solved": 15, "tried": 30}]
    assert document["mistakes"] == [{"exercise": "ddpm/add_noise", "says": SAYS, "students": 30}]

    rows = rows_of(Path("class.csv").read_text(encoding="utf-8"))
    assert [row["name"] for row in rows] == [f"Student {n:02}" for n in range(30)]
    assert rows[3]["ddpm"] == "read, 3 of 5 answered (2 right), 1 of 2 coded, trained, met"
    assert (rows[4]["questions answered"], rows[4]["answers right"], rows[4]["topics met"]) == ("3", "2", "0")
    assert rows[4]["mistakes recognised"] == f"ddpm/add_noise: {SAYS}"
    text = Path("class.html").read_text(encoding="utf-8")
    assert text.count('<span class="file">') == 30
    assert "A class of 30" in text
    assert "broken.json" in text


def test_the_terminal_names_what_was_left_out_and_leads_on(
    atlas: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, "a.json", body("Zoë Ž", exercises=[attempt()], runs=[trained("gan/modes", "a", met=False)]))
    put(folder, "b.json", body("anna"))
    (folder / "c.json").write_text("{")
    piped = atlas("class", "collect", "reports")
    assert [row["name"] for row in rows_of(piped.out)] == ["anna", "Zoë Ž"]
    monkeypatch.setattr(terminal.out, "_force_terminal", True)
    for width in (40, 80, 140):
        monkeypatch.setattr(terminal.out, "_width", width)
        said = atlas("class", "collect", "reports")
        assert said.code == 0
        plain = re.sub(r"\x1b\[[0-9;]*m", "", said.out)
        assert max(map(len, plain.splitlines())) <= width
        assert plain.index("anna") < plain.index("Zoë Ž")
        flat = " ".join(plain.split())
        for told in ("Common mistakes, by students", "0 of 1 gan/modes", "You divided by sqrt(1"):
            assert told in flat
        assert "2 reports from reports" in said.err
        assert "left out c.json: it is no JSON, or is damaged" in said.err
        assert said.err.splitlines()[-1].startswith("next  atlas class collect reports -o class.html")


def test_two_of_one_name_are_told_apart(atlas: CommandLine, folder: Path) -> None:
    put(folder, "one/report.json", body("Anna Meier"))
    put(folder, "two/report.json", body("anna  MEIER", goal="robots"))
    put(folder, "three/report.json", body("Bert"))
    students = atlas("class", "collect", "reports", "--json").document["students"]
    assert [one["label"] for one in students] == [
        "Anna Meier (one/report.json)", "anna MEIER (two/report.json)", "Bert",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""}, {"name": 7}, {"name": "d\u202eb"}, {"name": "a\x1b[2J"}, {"name": "x" * 500},
        {"written": "yesterday"}, {"topics": None}, {"topics": [3]}, {"topics": [topic("ddpm", read="yes")]},
        {"topics": [topic("ddpm", right=True)]}, {"topics": [topic("ddpm", answered=-1)]},
        {"topics": [topic("ddpm", answered=10**9)]}, {"topics": [topic("ddpm")] * 2001},
        {"runs": [trained("a/b", "<")]}, {"runs": [trained("a/b", "a", claims=[{"metric": "x"}])]},
        {"runs": [trained("a/b", "a", hashes={})]}, {"exercises": [{"exercise": "x"}]},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_a_report_with_a_true_digest_and_false_fields_is_refused(
    atlas: CommandLine, folder: Path, change: Body
) -> None:
    put(folder, "bad.json", body("Bad", **change))
    said = atlas("class", "collect", "reports")
    assert said.code == 3
    assert "reports holds no report" in said.err
    assert "bad.json: " in said.err
    assert "Traceback" not in said.err
    put(folder, "good.json", body("Good"))
    document = atlas("class", "collect", "reports", "--json").document
    assert [one["name"] for one in document["students"]] == ["Good"]
    assert [entry["file"] for entry in document["refused"]] == ["bad.json"]


def test_more_than_there_is_does_not_count(folder: Path) -> None:
    put(folder, "a.json", body("A", topics=[topic("ddpm", answered=50, right=60, coded=70)]))
    (student,) = table.collect(folder).students
    assert [student.total(what) for what in ("answered", "right", "coded")] == [5, 5, 2]


def test_what_does_not_fit_together_is_worth_a_look(folder: Path) -> None:
    met = [topic("ddpm", trained=True, met=True)]
    put(folder, "a.json", body("Anna", topics=met, runs=[trained("ddpm/small", "a")]))
    put(folder, "b.json", body("Bert", topics=met, runs=[trained("ddpm/small", "a")], goal="robots"))
    put(folder, "c.json", body("Cleo", topics=met))
    put(folder, "d.json", body("Dora", topics=met, runs=[trained("ddpm/small", "d", as_trained=False)]))
    put(folder, "e.json", body("Emil", topics=met, runs=[trained("ddpm/small", "e", imported=True)]))
    put(folder, "f.json", body("Fred", topics=met, runs=[trained("ddpm/small", "f")]))
    found = table.collect(folder)
    assert [student.notes for student in found.students] == [
        ("ddpm/small: the same run as Bert's (b.json)",), ("ddpm/small: the same run as Anna's (a.json)",),
        ("ddpm: claims met, and no run is there that shows it",),
        ("ddpm/small: the files of the run have changed since it was trained",),
        ("ddpm/small: the run was imported from elsewhere",), (),
    ]  # fmt: skip
    assert found.claims == (table.Row("ddpm/small", 4, 4),)  # what was imported was not trained


# --- what leaves it ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["=1+1", "+1", "-1", "@SUM(A1)", "  =1+1", "＝1", '=HYPERLINK("http://x","y")', "=cmd|' /C calc'!A0"],
)
def test_no_cell_is_a_formula(atlas: CommandLine, folder: Path, name: str) -> None:
    put(folder, "a.json", body(name, exercises=[attempt("=x/y", says="@bad")], topics=[topic("+t")]))
    put(folder, "=file.json", body(name, goal="robots"))
    for row in csv.reader(io.StringIO(atlas("class", "collect", "reports").out[1:])):
        for cell in row:
            assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "＝", "\t", "\r")), cell


def test_numbers_stay_numbers() -> None:
    assert [deliver.safe(cell) for cell in (3, -3, "3", "-3", "a=b")] == [3, -3, "3", "'-3", "a=b"]


def test_the_page_escapes_whatever_stands_in_a_report(folder: Path) -> None:
    evil = '<img src=x onerror="alert(1)">'
    put(
        folder, "<b>.json",
        body(evil, topics=[topic(evil)], exercises=[attempt(evil, says=evil)],
             runs=[trained(evil, "a", imported=True)]),
    )  # fmt: skip
    (folder / "<i>.json").write_text("{")
    text = page.as_html(table.collect(folder))
    assert "<img" not in text
    assert "<b>.json" not in text
    assert "<i>.json" not in text
    assert text.count("&lt;img src=x onerror=") >= 5


def test_the_page_needs_nothing_else_and_knows_light_and_dark(folder: Path) -> None:
    put(folder, "a.json", body("Anna"))
    text = page.as_html(table.collect(folder))
    assert not re.search(r'(?:src|href)="(?!#|data:)', text)
    assert "@import" not in text
    assert "url(http" not in text
    assert "light-dark(" in text
    assert "None of it is proof against forgery" in text


def test_the_page_s_own_classes_mean_nothing_on_the_site() -> None:
    """`progress` did: it is four pixels high there, and hid the table."""
    own = set(re.findall(r"\.([a-z-]+)(?=[ ,:{.])", page._STYLE))
    assert own >= {"students", "marks", "bar", "file"}
    assert not own & set(re.findall(r"\.([a-z-]+)", shell.asset("site.css")))


def test_the_letters_of_a_topic() -> None:
    def done(**more: Any) -> str:
        fields = topic("ddpm", **more)
        return table.marks(table.TopicDone(**{name: fields[name] for name in table.TopicDone._fields}))

    assert table.marks(None) == "·····"
    assert done(read=False, answered=0, coded=0) == "·····"
    assert done() == "Rac··"
    assert done(answered=5, coded=2, trained=True, met=True) == "RACTM"


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("collect nowhere", 2, "there is no folder nowhere"),
        ("collect reports -o x.xlsx", 2, "as .csv or .html, not as x.xlsx"),
        ("collect reports", 3, 'students write one: atlas report --name "NAME"'),
        ("collect", 2, "missing argument"),
    ],
)
def test_what_cannot_be_collected_is_said(
    atlas: CommandLine, folder: Path, line: str, code: int, told: str
) -> None:
    said = atlas("class", *line.split())
    assert (said.code, told in said.err) == (code, True), said.err


def test_a_table_that_cannot_be_written_is_said_with_its_option(atlas: CommandLine, folder: Path) -> None:
    put(folder, "a.json", body("Anna"))
    said = atlas("class", "collect", "reports", "-o", "no/such/class.csv")
    assert said.code == 4
    assert "name another file: --out FILE" in said.err


def test_of_very_many_files_that_are_no_reports_the_first_are_named(atlas: CommandLine, folder: Path) -> None:
    (folder / "a").mkdir()
    for n in range(30):
        (folder / "a" / f"{n}.png").write_text("")
    (folder / "z.json").write_text("{}")
    none = atlas("class", "collect", "reports")
    put(folder, "anna.json", body("Anna"))
    one = atlas("class", "collect", "reports")
    for said in (none, one):
        assert "z.json: it is no report of atlas" in said.err
        assert said.err.count(".png") == 11
    assert "19 more like these" in none.err
    assert "left out 19 more; --json names them all" in one.err


def test_a_folder_of_everything_is_refused(
    atlas: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "MOST_FILES", 3)
    for n in range(5):
        (folder / f"{n}.json").write_text("{}")
    said = atlas("class", "collect", "reports")
    assert said.code == 2
    assert "holds more than 3 files" in said.err
