"""Finds payment card numbers in text, in time linear in its length."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
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

_BESIDE: Final = 10
"""Digits that may stand on each side of a card number in one run: an expiry date and a security code, a
phone number. What has more is a list of other things, in which some part would often pass for a card."""

# Each pattern begins with what it consumes and only then looks back: so the search skips ahead.
_RUN: Final = re.compile(rf"[0-9](?<![^\W_].)(?:[ \-]{{0,3}}+[0-9]){{{MIN_DIGITS - 1},}}+", re.DOTALL)
"""Digits that may be one number, in groups of any size, as far as they go."""

_PAIR: Final = 2
_GROUP: Final = re.compile(r"[0-9]+")
_YEAR: Final = re.compile(r"(?:19|20)[0-9]{2}")
_EXPIRY: Final = re.compile(r"(?:0[1-9]|1[0-2])(?:/| ?[0-9]{2}(?: [0-9]{3,4})?)")
"""Month and year, and the security code if it comes along; or the month before a slash."""
_LABEL: Final = re.compile(
    r"(?<![^\W_])(?:cb|visa|mastercard|maestro|amex|carte|card|pan|num[ée]ro|n[º°])(?=[0-9])", re.IGNORECASE
)
"""Words that stand before a card number, even glued to it; no carrier begins parcel numbers with them."""

_GAP: Final = r"[\s\-./_+:·•|,]{1,3}"
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

_FOUR_BEFORE: Final = re.compile(r"(?<![0-9])[0-9]{4},\s?\Z")
_FOUR_AFTER: Final = re.compile(r",\s?[0-9]{4}(?![0-9])")
_DECIMAL: Final = re.compile(r"(?<![\d.])\d{1,3}\.\Z")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-(?<![^\W_].{9})(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![^\W_])")
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+\-][0-9]{2}:[0-9]{2})"
)
"""A time (RFC 3339): many digits, but no 13 that could be one number; much of what is sent is that."""
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
    other signs as well; all of it percent-encoded, or in other scripts' digits. An expiry date, a security
    code or another short number may stand beside it. What has a letter (unless it ends a word as "CB") or one
    more digit beside it is no whole token. What follows a "+" and is no longer than a phone number is one.
    """
    if (len(_digits(text)) if text.isascii() else sum(map(str.isdigit, text))) < MIN_DIGITS:
        return False
    if _MOMENT.fullmatch(text):
        return False
    plain = _LABEL.sub(" ", _plain(text))
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
        if "," in match[1] and _in_list(text, match.start(), match.end(1)):
            continue
        digits = _digits(match[0] + match[1])
        yield digits
        if len(digits) == MAX_DIGITS:
            yield digits[:-3]  # they may be the security code


def _in_list(text: str, start: int, end: int) -> bool:
    """Whether numbers split by commas go on with one more of four digits."""
    return bool(_FOUR_BEFORE.search(text, max(start - 6, 0), start) or _FOUR_AFTER.match(text, end))


def _in_run(text: str, match: re.Match[str]) -> Iterator[bytes]:
    """Yield what may be a card number in a run: all of it, each group, and parts made of whole groups."""
    start, end = match.span()
    groups = _GROUP.findall(match[0])
    if text[end : end + 1].isalnum():
        groups.pop()  # it goes on with letters
    before = text[start - 1 : start]
    if before == "." and _DECIMAL.search(text, max(start - 5, 0), start):
        del groups[:1]
    goes_on = "/" if text[end : end + 1] == "/" else ""
    for first, last in _parts(groups, goes_on):
        digits = "".join(groups[first:last]).encode()
        if first or before != "+" or len(digits) > LONGEST_PHONE:
            yield digits


def _parts(groups: Sequence[str], goes_on: str) -> Iterator[tuple[int, int]]:
    """Yield from where to where a card number may reach; `goes_on`: a slash, if one follows the run."""
    whole = sum(map(len, groups))
    left_out = 0
    for first, group in enumerate(groups):
        if MIN_DIGITS <= len(group) <= MAX_DIGITS:
            yield first, first + 1
        length = len(group)
        last = first + 1
        while left_out <= _BESIDE and length < MAX_DIGITS and last < len(groups):
            length += len(groups[last])
            last += 1
            fits = MIN_DIGITS <= length <= MAX_DIGITS and whole - left_out - length <= _BESIDE
            if fits and _stands_apart(groups, first, last, goes_on):
                yield first, last
        left_out += len(group)


def _stands_apart(groups: Sequence[str], first: int, last: int, goes_on: str) -> bool:
    """Whether the groups beside a part are no more of the same: of another length, or a date's.

    Else the pairs of two phone numbers, or the fours of an IBAN, would be cut until something fits. So would
    phone numbers as 77 123 45 67: pairs among longer groups make no part.
    """
    lengths = {len(group) for group in groups[first:last]}
    if last - first < len(groups) and len(lengths) > 1 and _PAIR in lengths:
        return False
    if first and len(groups[first - 1]) == len(groups[first]) and not _YEAR.match(groups[first - 1]):
        return False
    if last == len(groups) or len(groups[last]) != len(groups[last - 1]):
        return True
    return _EXPIRY.fullmatch(" ".join(groups[last:]) + goes_on) is not None


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
