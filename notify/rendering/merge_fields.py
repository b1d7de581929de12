"""Merge fields: the places in a campaign's content where a person's name or an attribute goes."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from notify.domain.newsletters import LinkMarks, MergeField

_FIELD: Final = re.compile(
    r"""\{\{ \s* (?: name | attributes\.(?P<attribute>[A-Za-z0-9_-]{1,64}) ) \s*
        (?: \| \s* default \( \s*
            (?: "(?P<double>[^"{}\r\n]{0,100})" | '(?P<single>[^'{}\r\n]{0,100})' ) \s*
        \) \s* )?
    \}\}""",
    re.VERBOSE,
)
_LEFT_OVER: Final = re.compile(r"\{\{|\{%")

# Without x, with which a tag begins: so no two marks can overlap. Without vowels: no words.
_LETTERS: Final = "bcdfghjkmnpqrstvwz23456789"
_TAG_LENGTH: Final = 9

MISUSE: Final = (
    'only {{ name }} and {{ attributes.… }} may stand in double braces, each with | default("…") if wanted'
)
"""What is said about anything else in braces."""


def misuses(text: str) -> Iterator[str]:
    """Say what is wrong with the merge fields of a text, by line; never repeats the text."""
    for number, line in enumerate(_FIELD.sub("", text).split("\n"), 1):
        if _LEFT_OVER.search(line):
            yield f"line {number}: {MISUSE}"


@dataclass(slots=True)
class Marks:
    """Hands out the marks of one pinning: a mark for each field and default, in HTML and in plain text.

    Marks are letters and digits, so that Markdown, HTML and addresses leave them alone; they hold 42 random
    bits, so that neither content nor a name holds one by accident or on purpose.
    """

    tag: str = field(
        default_factory=lambda: "x" + "".join(secrets.choice(_LETTERS) for _ in range(_TAG_LENGTH))
    )
    _known: dict[tuple[str | None, str], int] = field(default_factory=dict)

    def links(self, *, centre: bool, mailto: bool) -> LinkMarks:
        """Return the marks of the links."""
        return LinkMarks(
            f"{self.tag}u",
            f"{self.tag}c" if centre else None,
            f"{self.tag}m" if mailto else None,
            f"{self.tag}s",
        )

    def mark(self, attribute: str | None, default: str = "", *, html: bool) -> str:
        """Return the mark of a field; `attribute` None is the name."""
        number = self._known.setdefault((attribute, default), len(self._known))
        return f"{self.tag}{'h' if html else 't'}{number:03}"

    def put_into(self, text: str, *, html: bool) -> str:
        """Return `text` with a mark for each merge field."""

        def mark(match: re.Match[str]) -> str:
            default = match["double"] or match["single"] or ""
            return self.mark(match["attribute"], default.strip(), html=html)

        return _FIELD.sub(mark, text)

    def as_text(self, text: str) -> str:
        """Return `text` with the marks for plain text where it has those for HTML."""
        return text.replace(f"{self.tag}h", f"{self.tag}t")

    def fields_in(self, *texts: str) -> tuple[MergeField, ...]:
        """Return the fields whose marks stand in one of the texts."""
        return tuple(
            MergeField(mark, attribute, default, html)
            for (attribute, default) in self._known
            for html in (True, False)
            if any((mark := self.mark(attribute, default, html=html)) in text for text in texts)
        )
