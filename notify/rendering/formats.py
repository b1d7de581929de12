"""Writes money, dates and times as people of a language do, and checks that they can be written."""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_currency, get_currency_precision, list_currencies
from jsonschema import FormatChecker

from notify.domain.characters import BIDI, CONTROL

# UTS 35, part 3, "currencySpacing": a letter next to a digit is set apart; Babel leaves that out.
_LETTER_BY_DIGIT: Final = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
# CLDR has no ordinals in patterns; French writes the first of a month as one.
_FIRST: Final = re.compile(r"(?<!\d)1(?= [^\W\d])")
# English here is not American: "26 November" goes with "14:00", and "US$" is told from other dollars.
_REGIONS: Final = {"en": "en_GB"}
_NARROW: Final = "\u202f"  # old phones have no glyph for it
_NO_BREAK: Final = "\u00a0"

# RFC 3986, without user information: https://smarttontine.org@evil.example looks like what it is not.
_HTTP: Final = re.compile(
    r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:[/?#][A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*)?"
)

# Letters and symbols, says Unicode, of which nothing is seen.
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def filters(locale: str) -> dict[str, Callable[..., str]]:
    """Return the filters a template of that language may use: `money`, `date(pattern)` and `time`.

    `date` takes a CLDR pattern such as "EEEE d MMMM", or full, long, medium, short.
    """
    language = Locale.parse(_REGIONS.get(locale, locale))

    def money(value: Mapping[str, Any]) -> str:
        text = format_currency(_decimal(value["amount"]), value["currency"], locale=language)
        return _LETTER_BY_DIGIT.sub(_NO_BREAK, text.replace(_NARROW, _NO_BREAK))

    def day(value: str, pattern: str = "long") -> str:
        text = format_date(date.fromisoformat(value), pattern, locale=language)
        return _FIRST.sub("1er", text) if language.language == "fr" else text

    def clock(value: str) -> str:
        return format_time(time.fromisoformat(value), "short", locale=language).replace(_NARROW, _NO_BREAK)

    return {"money": money, "date": day, "time": clock}


def format_checker() -> FormatChecker:
    """Return the checks behind the formats that a template's schema may name (`wording.FORMATS`)."""
    checker = FormatChecker(formats=())
    checker.checks("uri")(_text(lambda text: _HTTP.fullmatch(text) is not None))
    checker.checks("date", raises=ValueError)(_text(_is_date))
    checker.checks("time", raises=ValueError)(_text(_is_time))
    checker.checks("label")(_text(_is_label))
    checker.checks("text")(_text(_is_shown))
    currencies = frozenset(list_currencies())
    checker.checks("money", raises=InvalidOperation)(lambda value: _is_money(value, currencies))
    return checker


def _text(check: Callable[[str], bool]) -> Callable[[object], bool]:
    """Leave what is not a string to the schema's `type`."""
    return lambda value: not isinstance(value, str) or check(value)


def _is_date(text: str) -> bool:
    # Python also reads 20261126 and 2026-W48-4.
    return re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) is not None and bool(date.fromisoformat(text))


def _is_time(text: str) -> bool:
    if re.fullmatch(r"\d\d:\d\d", text, re.ASCII) is None:
        return False
    time.fromisoformat(text)
    return True


def _is_label(text: str) -> bool:
    """Whether it is text that loses nothing when someone reads it aloud; "" is left to `minLength`."""
    return _is_shown(text) and "://" not in text and all(map(_visible, text[:1] + text[-1:]))


def _is_shown(text: str) -> bool:
    return not text or not (CONTROL.search(text) or BIDI.search(text) or not any(map(_visible, text)))


def _visible(character: str) -> bool:
    return unicodedata.category(character)[0] not in "ZC" and character not in _BLANK


def _is_money(value: object, currencies: frozenset[str]) -> bool:
    if not isinstance(value, Mapping):
        return True
    amount, currency = value.get("amount"), value.get("currency")
    if not isinstance(amount, str | int | float) or not isinstance(currency, str):
        return True  # the schema's `type` and `required` say so
    if currency not in currencies or (isinstance(amount, float) and not math.isfinite(amount)):
        return False
    exponent = _decimal(amount).normalize().as_tuple().exponent
    return isinstance(exponent, int) and -exponent <= get_currency_precision(currency)


def _decimal(amount: str | float) -> Decimal:
    # By way of its shortest text, 0.1 stays 0.1.
    return Decimal(str(amount))
