"""What recipient ids and other words of the shop may look like: no addresses, since they appear in logs."""

import re
from typing import Final, Literal

MAX_LENGTH: Final = 128
PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._:-]*$"

_ALLOWED: Final = re.compile(PATTERN[:-1])
_SEPARATORS: Final = re.compile(r"[ ().:/-]")
_DIGITS_IN_GROUPS: Final = re.compile(r"[\d ().:/-]*")
_GROUPED: Final = re.compile(r"\d{2,3}(?:[.:-]\d{2,3}){3,5}")

# Numbers as dialled at home, with the trunk zero: 06 12 34 56 78 (France), 07 01 02 03 04 (Côte d'Ivoire).
_NATIONAL: Final = re.compile(r"0[1-9]\d{7,9}")
# Numbers with the international prefix.
_DIALLED: Final = re.compile(r"00[1-9]\d{6,14}")
# E.164 without its plus, for the countries the shop's customers live in, by the exact length of their numbers
# (ITU E.164 national numbering plans). Other long digit strings pass: shops number their customers.
_E164: Final = re.compile(
    r"33[1-9]\d{8}"  # France
    r"|221[37]\d{8}"  # Senegal
    r"|225[02]\d{9}"  # Côte d'Ivoire
    r"|229(?:01)?\d{8}"  # Benin, with and without the 01 of 2024
    r"|(?:22[02]|223|226|227|228|245)\d{7,8}"  # Gambia, Mauritania, Mali, Burkina, Niger, Togo, Guinea-Bissau
    r"|224[3-7]\d{8}|233[2-5]\d{8}|234[789]\d{9}"  # Guinea, Ghana, Nigeria
)


def looks_like_phone(text: str) -> bool:
    """Whether `text` reads as a phone number; digits alone do not make one ("1042", "99812")."""
    bare = text.lower().removeprefix("tel:")
    if bare.startswith("+"):
        return True
    if not _DIGITS_IN_GROUPS.fullmatch(bare):
        return False
    if _GROUPED.fullmatch(bare):
        return True
    digits = _SEPARATORS.sub("", bare)
    return any(kind.fullmatch(digits) for kind in (_NATIONAL, _DIALLED, _E164))


_EMAIL: Final = re.compile(r"[^\s@](?:@|%40)[^\s@]+\.[^\s@.]", re.IGNORECASE)
_FEWEST_DIGITS: Final = 7
_SHORTEST: Final = len("a@b.c")


def address_in(text: str) -> Literal["an e-mail address", "a phone number"] | None:
    """Return what kind of address `text` contains, as an e-mail address, or is, as a phone number; if any."""
    if len(text) < _SHORTEST:
        return None
    if _EMAIL.search(text):
        return "an e-mail address"
    bare = text.strip()
    if sum(map(str.isdecimal, bare)) < _FEWEST_DIGITS:
        return None
    dialled = all(
        sign.isdecimal() or sign.isspace() or sign in "+().-/" for sign in bare.removeprefix("tel:")
    )
    if dialled and looks_like_phone(" ".join(bare.split())):
        return "a phone number"
    return None


def id_problem(text: str) -> str | None:
    """Return what is wrong with a recipient id, without repeating it; None if nothing is."""
    if not 1 <= len(text) <= MAX_LENGTH:
        return f"must have 1 to {MAX_LENGTH} characters"
    if "@" in text:
        return "looks like an e-mail address; use the shop's own id, since ids appear in logs"
    if looks_like_phone(text):
        return "looks like a phone number; use the shop's own id, since ids appear in logs"
    if not _ALLOWED.fullmatch(text):
        return "may hold letters A-Z, digits and . _ : - only, and starts with a letter or digit"
    return None
