"""What the columns of a table of recipients are called, and what their cells become in JSON."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from notify.domain.catalogue import Channel
from notify.domain.errors import FieldProblem, InvalidRequestError
from notify.domain.imports import BarredFor

Cell = Callable[[str], Any]
"""Turns the text of a cell into a JSON value; ValueError says what it should have been."""

_YES: Final = frozenset({"true", "1", "yes", "oui", "vrai"})
_NO: Final = frozenset({"false", "0", "no", "non", "faux"})
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}(?:[.,][0-9]{1,12})?")

_CHANNELS: Final = "|".join(Channel)
_PLAIN: Final = re.compile(
    r"id|email|phone|name|locale|country|timezone|customer_since"
    r"|consent\.(?:policy_version|accepted_at|source)"
    r"|proof\.(?:source|wording|obtained_at|double_opt_in_at|ip|user_agent)"
)
_ATTRIBUTE: Final = re.compile(r"(attributes)\.([A-Za-z0-9_-]{1,64})(?::(number|boolean))?")
_PREFERENCE: Final = re.compile(rf"preferences\.([A-Za-z0-9_-]{{1,64}})\.({_CHANNELS})")
_SUPPRESSED: Final = re.compile(rf"suppressed(?:\.({_CHANNELS}))?")


def _yes_or_no(text: str) -> bool:
    folded = text.casefold()
    if folded not in _YES and folded not in _NO:
        raise ValueError("must be true or false")
    return folded in _YES


def _number(text: str) -> int | float:
    if not _NUMBER.fullmatch(text):
        raise ValueError("must be a number")
    return float(text.replace(",", ".")) if "." in text or "," in text else int(text)


def _reason(text: str) -> str | None:
    if text in list(BarredFor):
        return text
    try:
        return BarredFor.MANUAL if _yes_or_no(text) else None
    except ValueError:
        raise ValueError(f"must be true, false or a reason ({', '.join(BarredFor)})") from None


_ATTRIBUTE_CELLS: Final[Mapping[str | None, Cell]] = {None: str, "number": _number, "boolean": _yes_or_no}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: where its cells go, and how they are read. `path` is that of the JSON value."""

    name: str
    cell: Cell
    put: Callable[[dict[str, Any], Any], None]

    @property
    def pointer(self) -> str:
        """The name as problems give it."""
        return "/" + self.name.partition(":")[0].replace(".", "/")


def read_header(names: Sequence[str]) -> list[Column]:
    """Return the columns; InvalidRequestError if one is unknown or twice there, or `id` is not.

    Names are not repeated: in a file without a header they are somebody's data.
    """
    columns, problems, seen = [], [], set()
    for position, given in enumerate(names, start=1):
        name = given.strip()
        column = _column(name)
        if column is None:
            problems.append(f"has a column that is not known here: number {position} of its first line")
        elif column.pointer in seen:
            problems.append(f"has a column twice: number {position} of its first line")
        else:
            columns.append(column)
            seen.add(column.pointer)
    if "/id" not in seen:
        problems.append("has no column id: its first line must name the columns")
    if problems:
        raise InvalidRequestError([FieldProblem("", words) for words in problems])
    return columns


def _column(name: str) -> Column | None:
    if _PLAIN.fullmatch(name):
        return Column(name, str, _into(*name.split(".")))
    if found := _ATTRIBUTE.fullmatch(name):
        return Column(name, _ATTRIBUTE_CELLS[found[3]], _into(found[1], found[2]))
    if found := _PREFERENCE.fullmatch(name):
        return Column(name, _yes_or_no, _preference(found[1], found[2]))
    if found := _SUPPRESSED.fullmatch(name):
        return Column(name, *((_reason, _barred(found[1])) if found[1] else (_yes_or_no, _all_barred)))
    return None


def _into(*path: str) -> Callable[[dict[str, Any], Any], None]:
    def put(row: dict[str, Any], value: object) -> None:
        *outer, name = path
        for one in outer:
            row = row.setdefault(one, {})
        row[name] = value

    return put


def _preference(topic: str, channel: str) -> Callable[[dict[str, Any], Any], None]:
    def put(row: dict[str, Any], value: bool) -> None:  # noqa: FBT001 - Column.put
        row.setdefault("preferences", []).append({"topic": topic, "channel": channel, "subscribed": value})

    return put


def _barred(channel: str) -> Callable[[dict[str, Any], Any], None]:
    def put(row: dict[str, Any], reason: str | None) -> None:
        if reason and row.get("suppressed") is not True:
            row["suppressed"] = [*(row.get("suppressed") or ()), {"channel": channel, "reason": reason}]

    return put


def _all_barred(row: dict[str, Any], value: bool) -> None:  # noqa: FBT001 - Column.put
    if value:
        row["suppressed"] = True
