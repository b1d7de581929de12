"""What `notify doctor` found."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class State(StrEnum):
    """How it is with one thing; the value is the word that is shown."""

    OK = "ok"
    CHECK = "CHECK"
    BROKEN = "BROKEN"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, how it is, and what to do about it."""

    state: State
    subject: str
    text: str
    remedy: str = ""

    @classmethod
    def ok(cls, subject: str, text: str) -> Self:
        """It is as it should be."""
        return cls(State.OK, subject, text)

    @classmethod
    def check(cls, subject: str, text: str, remedy: str) -> Self:
        """It works, but someone should look at it."""
        return cls(State.CHECK, subject, text, remedy)

    @classmethod
    def broken(cls, subject: str, text: str, remedy: str) -> Self:
        """It does not work."""
        return cls(State.BROKEN, subject, text, remedy)

    def __str__(self) -> str:
        remedy = f"\n{'':9}→ {self.remedy}" if self.remedy else ""
        return f"{self.state:<8} {self.subject}: {self.text}{remedy}"
