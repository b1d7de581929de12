"""Finds payment card numbers in text, in time linear in its length."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Final

MIN_DIGITS: Final = 13
MAX_DIGITS: Final = 19
LONGEST_PHONE: Final = 15
"""Digits of a phone number at most (ITU-T E.164)."""

_BRAND: Final = re.compile(
    rb"4\d{12,18}"  # Visa
    rb"|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"  # Mastercard
    rb"|3[47]\d{13}"  # American Express
    rb"|3(?:0[0-59]|6\d|[89]\d)\d{11,16}"  # Diners Club
    rb"|35(?:2[89]|[3-8]\d)\d{12,15}"  # JCB
    rb"|(?:6011|64[4-9]\d|65\d\d)\d{12,15}"  # Discover, RuPay, Verve
    rb"|(?:62\d\d|81[0-7]\d)\d{12,15}"  # UnionPay
    rb"|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{9,15}|(?:50|5[6-8]|6\d)\d{14,17}"  # Maestro, Verve
    rb"|220[0-4]\d{12,15}"  # Mir
)
"""Prefixes, with the lengths each brand issues (ISO/IEC 7812 and the brands' own tables). Lengths matter:
an Ivorian phone number without its "+" has 13 digits and may begin like a Mastercard, which has 16."""

_LONGEST_RUN: Final = MAX_DIGITS + 3 * (MAX_DIGITS - 1)
# Each pattern begins with what it consumes and only then looks back: so the search skips ahead.
_RUN: Final = re.compile(rf"[0-9](?<![^\W_].)(?:[ \-]{{0,3}}+[0-9]){{{MIN_DIGITS - 1},}}+", re.DOTALL)
"""Digits that may be one number, in groups of any size, as far as they go."""

_GROUP: Final = re.compile(rf"(?<![0-9])[0-9]{{{MIN_DIGITS},{MAX_DIGITS}}}(?![0-9])")
_GAP: Final = r"[\s\-./_+:·•|]{1,3}"
_PRINTED: Final = re.compile(
    # Fours among more fours are something else (IBAN, parcels), but for a year before or a month and
    # year after: those stand beside a card number.
    r"[2-8](?<![^\W_].)(?<!(?<![0-9])(?!19|20)[0-9]{4}[ \-].)"
    rf"(?=([0-9]{{3}}(?P<gap>{_GAP})(?:[0-9]{{4}}(?P=gap)){{2}}[0-9]{{4}}(?:(?P=gap)[0-9]{{3}}(?![0-9]))?"
    rf"|[0-9]{{3}}(?P<wide>{_GAP})[0-9]{{6}}(?P=wide)[0-9]{{4,5}})"
    r"(?![^\W_])(?![ \-](?!(?:0[1-9]|1[0-2])[0-9]{2})[0-9]{4}(?![0-9])))",
    re.DOTALL,
)
"""The groups that are printed on cards, with anything usual between them."""

_DECIMAL: Final = re.compile(r"(?<![\d.])\d{1,3}\.\Z")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-(?<![^\W_].{9})(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![^\W_])")
_ENCODED_GAP: Final = re.compile(r"%20|%2[dD]|%[cC]2%[aA]0")
_ENCODED_DIGIT: Final = re.compile(r"%3([0-9])")
_NO_DIGITS: Final = bytes(sorted(set(range(256)) - set(b"0123456789")))
_DOUBLED: Final = bytes.maketrans(b"0123456789", b"0246813579")
_LAST_WITH_DIGITS: Final = 0x1FBFF


def is_card_number(digits: bytes) -> bool:
    """Whether ASCII digits have a card brand's prefix and length, and a valid check digit (Luhn)."""
    if not _BRAND.fullmatch(digits):
        return False
    backwards = digits[::-1]
    total = sum(backwards[::2]) + sum(backwards[1::2].translate(_DOUBLED))
    return (total - ord("0") * len(digits)) % 10 == 0


def holds_card_number(text: str) -> bool:
    """Whether a card number stands in `text` as a whole token.

    It may be one group, groups of any size split by spaces or dashes, or the printed groups split by
    other signs as well; all of it percent-encoded, or in other scripts' digits. What has a letter or one
    more digit beside it is no whole token. What follows a "+" and is no longer than a phone number is one.
    """
    plain = _plain(text)
    if "-" in plain:
        plain = _UUID.sub(" ", plain)
    if any(is_card_number(digits) for digits in _candidates(plain)):
        return True
    if "%" not in plain:
        return False
    decoded = _ENCODED_DIGIT.sub(r"\1", _ENCODED_GAP.sub(" ", plain))
    return any(is_card_number(digits) for digits in _candidates(decoded))


def _candidates(text: str) -> Iterator[bytes]:
    for match in _RUN.finditer(text):
        yield from _in_run(text, match)
    for match in _PRINTED.finditer(text):
        digits = _digits(match[0] + match[1])
        yield digits
        if len(digits) == MAX_DIGITS:
            yield digits[:-3]  # they may be the security code


def _in_run(text: str, match: re.Match[str]) -> Iterator[bytes]:
    run, (start, end) = match[0], match.span()
    before = text[start - 1 : start]
    if text[end : end + 1].isalnum():
        run = run.rstrip("0123456789")  # the last group goes on with letters
    if before == "." and _DECIMAL.search(text, max(start - 5, 0), start):
        return
    shortest = LONGEST_PHONE + 1 if before == "+" else MIN_DIGITS
    if len(run) <= _LONGEST_RUN:
        digits = _digits(run)
        if len(digits) >= shortest:
            yield digits
    if len(run) > MAX_DIGITS:
        for group in _GROUP.finditer(run):
            if group.start() or len(group[0]) >= shortest:
                yield group[0].encode()


def _digits(text: str) -> bytes:
    return text.encode("ascii", "ignore").translate(None, _NO_DIGITS)


def _plain(text: str) -> str:
    """Return `text` with spaces, dashes and digits of every kind as ASCII, and without invisible signs."""
    return text if text.isascii() else text.translate(_replacements())


@cache
def _replacements() -> dict[int, str]:
    """Not by NFKC: normalising a long row of combining signs takes quadratic time."""
    found = {}
    for code in range(0x80, _LAST_WITH_DIGITS):
        sign = chr(code)
        digit = unicodedata.digit(sign, None)
        category = unicodedata.category(sign)
        if digit is not None:
            found[code] = str(digit)
        elif category == "Zs":
            found[code] = " "
        elif category == "Pd" or sign == "\N{MINUS SIGN}":
            found[code] = "-"
        elif category == "Cf":
            found[code] = ""
    return found
