"""Marks: short strings that stand in a pinned text where each person's own text goes."""

import re
from collections.abc import Mapping
from functools import lru_cache
from os.path import commonprefix


def fill(text: str, substitutions: Mapping[str, str]) -> str:
    """Return `text` with every mark replaced by its value.

    One pass: what was put in is not looked at again, so that a value cannot hold a mark.
    """
    if not substitutions:
        return text
    return _pattern(tuple(substitutions)).sub(lambda match: substitutions[match[0]], text)


@lru_cache(maxsize=256)
def _pattern(marks: tuple[str, ...]) -> re.Pattern[str]:
    # A literal prefix lets the search skip along; the longest mark first, should one begin another.
    prefix = commonprefix(marks)  # noqa: RUF071 - character by character is what is wanted
    rests = sorted((re.escape(mark[len(prefix) :]) for mark in marks), key=len, reverse=True)
    return re.compile(f"{re.escape(prefix)}(?:{'|'.join(rests)})")
