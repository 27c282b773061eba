"""What an exercise is: marked lines of the project's code, the task in words, hints, and common mistakes.

It is read without torch; what its functions need they import themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from atlas_cli import catalog

if TYPE_CHECKING:
    from atlas_cli.exercises.draw import Draw

Function = Callable[..., Any]


class Mistake(NamedTuple):
    """One that many make, as a change of the marked lines.

    Attributes:
        old: A piece of the marked lines.
        new: What stands in its place.
        says: What is wrong, in the field's words.
    """

    old: str
    new: str
    says: str


@dataclass(frozen=True)
class Exercise:
    """One file in exercises/<family>/<topic>/, which goes by the name of that file.

    Attributes:
        topic: The topic that it belongs to.
        name: What stands after `# exercise:` in the source.
        title: What is to be written, in a few words.
        task: The task in words: what is given, what is wanted.
        equation: In LaTeX.
        hints: From a nudge to almost the line itself.
        mistakes: Those that are recognised.
        inputs: Arguments of the function for one case, drawn at random, and new ones at every call.
        by_hand: Cases that can be reckoned: each returns what the function gives and what it should; its
            docstring says the case.
        source: The module below atlas_cli that holds the marked lines; "": that of the topic's system.
        place: Among the topic's exercises.
        trains: The recipe in which the function takes the place of the project's.
        replaces: The function that the recipe calls where that is a faster form of this one.
    """

    topic: str
    name: str
    title: str
    task: str
    equation: str
    hints: tuple[str, str, str]
    mistakes: tuple[Mistake, Mistake, Mistake]
    inputs: Callable[[Draw], tuple[Any, ...]]
    by_hand: tuple[Callable[[Function], tuple[Any, Any]], ...]
    source: str = ""
    place: int = 10
    trains: str = ""
    replaces: str = ""

    @property
    def full_name(self) -> str:
        """As it is typed: ddpm/add_noise."""
        return f"{self.topic}/{self.name}"

    @property
    def module(self) -> str:
        """The module that holds the marked lines."""
        if self.source:
            return f"atlas_cli.{self.source}"
        return catalog.system_module(catalog.resolve(self.topic))
