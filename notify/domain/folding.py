"""Makes an SMS cheaper: writes what the GSM alphabet lacks with its nearest kin."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from notify.domain.segments import count, culprits_in

_KIN: Final[Mapping[str, str]] = {
    **dict.fromkeys("\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}\N{PRIME}", "'"),
    **dict.fromkeys("“”„«»", '"'),
    **dict.fromkeys("\N{HYPHEN}\N{NON-BREAKING HYPHEN}–—\N{MINUS SIGN}•", "-"),
    **dict.fromkeys("\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}\t", " "),
    "Œ": "OE",
    "œ": "oe",
    "…": "...",
    "·": ".",
    "×": "x",
    "°": "o",
}
"""What is no letter with a mark: those lose it, as ç becomes c."""

_INNER_SPACE: Final = re.compile("(?<=«)[\\s\u00a0\u202f]+|[\\s\u00a0\u202f]+(?=»)")
_LINK: Final = re.compile(r"(?:https?://|www\.)\S+|[\w-]+(?:\.[\w-]+)+/\S*", re.IGNORECASE)


def fold(text: str) -> str:
    """Return `text` so written if it has fewer segments then, else as it is; links are never touched.

    It is counted as `notify.domain.segments` does: a text that keeps an emoji gains nothing.
    """
    if not culprits_in(text):
        return text
    parts, after = [], 0
    for link in _LINK.finditer(text):
        parts += [_folded(text[after : link.start()]), link[0]]
        after = link.end()
    folded = "".join((*parts, _folded(text[after:])))
    return folded if count(folded).segments < count(text).segments else text


def _folded(text: str) -> str:
    text = _INNER_SPACE.sub("", text)
    for character in culprits_in(text):
        text = text.replace(character, _kin(character))
    return text


def _kin(character: str) -> str:
    known = _KIN.get(character)
    if known is not None:
        return known
    bare = "".join(one for one in unicodedata.normalize("NFKD", character) if not unicodedata.combining(one))
    return bare if bare and not culprits_in(bare) else character
