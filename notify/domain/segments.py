"""How an SMS text is cut into billed segments, and which characters make it dearer.

Sources: 3GPP TS 23.038 (GSM 7-bit alphabet) and TS 23.040 (concatenation: 153 septets or 67 UTF-16 units
a part once there is more than one).
"""

import re
from collections.abc import Iterator
from typing import Final

from notify.domain.content import Segments

GSM_7: Final = "GSM-7"
UCS_2: Final = "UCS-2"

# Unicode's GSM0338.TXT lists a small c with cedilla at 0x09; 3GPP and the networks have the capital one.
_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = "\f^{}\\[~]|€"

_NOT_GSM: Final = re.compile(f"[^{re.escape(_BASIC + _EXTENSION)}]")
_EXTENDED: Final = frozenset(_EXTENSION)

_SINGLE: Final = {GSM_7: 160, UCS_2: 70}
_JOINED: Final = {GSM_7: 153, UCS_2: 67}
_FIRST_ASTRAL: Final = 0x10000


def count(text: str) -> Segments:
    """Return encoding, number of segments and, in order of appearance, the characters that forced UCS-2.

    `text` is counted as it is: callers normalise to NFC first. An empty text has no segment.
    """
    culprits = culprits_in(text)
    encoding = UCS_2 if culprits else GSM_7
    return Segments(encoding, sum(1 for _ in _cut(text, encoding)), culprits)


def culprits_in(text: str) -> tuple[str, ...]:
    """Return the characters that GSM-7 lacks, each once, in order of appearance."""
    return tuple(dict.fromkeys(_NOT_GSM.findall(text)))


def split(text: str) -> list[str]:
    """Return the text of each segment; joined, they are `text` again."""
    return list(_cut(text, UCS_2 if _NOT_GSM.search(text) else GSM_7))


def _cut(text: str, encoding: str) -> Iterator[str]:
    """Fill segments greedily; neither an escape sequence nor a surrogate pair is torn apart."""
    sizes = [_size(character, encoding) for character in text]
    if not sizes:
        return
    if sum(sizes) <= _SINGLE[encoding]:
        yield text
        return
    limit = _JOINED[encoding]
    start = used = 0
    for position, size in enumerate(sizes):
        if used + size > limit:
            yield text[start:position]
            start, used = position, 0
        used += size
    yield text[start:]


def _size(character: str, encoding: str) -> int:
    """Return septets or UTF-16 units: an extended GSM-7 character is preceded by an escape."""
    if encoding == GSM_7:
        return 2 if character in _EXTENDED else 1
    return 2 if ord(character) >= _FIRST_ASTRAL else 1
