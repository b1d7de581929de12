"""The types of the fields that callers send: each says what it takes, and in plain words what was wrong."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, Final
from zoneinfo import available_timezones

from babel import Locale
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

from notify.domain.catalogue import LOCALES, Channel
from notify.domain.countries import countries
from notify.domain.recipient_ids import MAX_LENGTH, PATTERN, address_in, id_problem
from notify.domain.requests import Routing

# RFC 3339 section 5.6, where the offset is what ISO 8601 would let one leave out.
_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
# RFC 5646 section 2.1 (BCP 47), with the underscore of POSIX for the hyphen, and what follows unread.
_LOCALE: Final = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{1,8})*", re.IGNORECASE)
_URL: Final = re.compile(r"://|(?<![^\W_])www\.", re.IGNORECASE)
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0")
"""Letters to Unicode, blank to the eye."""

# Clear of the edges of the calendar, where converting to UTC overflows.
_YEARS: Final = range(1970, 9999)


@cache
def timezones() -> frozenset[str]:
    """Return the names of the tz database, without those that differ by machine (right/…, localtime)."""
    return frozenset(available_timezones()) - {"localtime", "Factory"}


def parse_timestamp(value: object) -> datetime:
    """Parse RFC 3339; ValueError says what is missing."""
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError("must be an RFC 3339 time with its offset, such as 2026-12-01T09:00:00Z")
    try:
        moment = datetime.fromisoformat(value.upper())
    except ValueError:
        raise ValueError("is not a time that exists") from None
    if moment.year not in _YEARS:
        raise ValueError("is not a time of this age")
    return moment


def _parse_day(value: object) -> date:
    """Parse a date, or a time whose date is taken as written."""
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise ValueError("is not a date that exists") from None
    elif isinstance(value, str) and len(value) > len("2026-12-01"):
        day = parse_timestamp(value).date()
    else:
        raise ValueError("must be a date, such as 2026-12-01")
    if day.year not in _YEARS:
        raise ValueError("is not a date of this age")
    return day


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds a control character or a line break")
    return text


def _recipient_id(text: str) -> str:
    if problem := id_problem(text):
        raise ValueError(problem)
    return text


@cache
def languages() -> frozenset[str]:
    """Return the ISO 639 codes that the CLDR knows, two letters or three."""
    return frozenset(str(code) for code in Locale.parse("en").languages) - {"und", "mul", "zxx"}


def _language(text: str) -> str:
    """Return the language of a tag."""
    found = _LOCALE.fullmatch(text)
    if found is None or found[1].lower() not in languages():
        raise ValueError("must be a language tag, such as fr, en or fr-SN")
    return found[1].lower()


def _written(text: str) -> str:
    """Return the language of a tag, if we write in it."""
    if (found := _language(text)) not in LOCALES:
        raise ValueError(f"must be one of {', '.join(LOCALES)}, with or without a region (fr-SN)")
    return found


def _country(text: str) -> str:
    if text not in countries():
        raise ValueError("must be an ISO 3166-1 country code of two capital letters, such as SN")
    return text


def _timezone(text: str) -> str:
    if text not in timezones():
        raise ValueError("must be an IANA time zone, such as Africa/Dakar")
    return text


def _no_address(why: str) -> AfterValidator:
    """Refuse text that holds an address; `why` says what it is kept from."""

    def check(text: str) -> str:
        if found := address_in(text):
            raise ValueError(f"looks like {found}; {why}")
        return text

    return AfterValidator(check)


def _person_name(text: str) -> str:
    if not any(character.isalnum() and character not in _FILLERS for character in text):
        raise ValueError("holds no letter; names are printed in messages")
    if _URL.search(text):
        raise ValueError("holds a link; names are printed in messages")
    return text


def _attribute(value: object) -> object:
    if isinstance(value, str | int) and (found := address_in(str(value))):
        raise ValueError(f"looks like {found}; attributes are not encrypted and may not hold addresses")
    if value is None or isinstance(value, bool | int | float):
        return value
    if not isinstance(value, str):
        raise ValueError("must be a string, a number, a boolean or null")  # noqa: TRY004 - pydantic reports ValueErrors
    if len(value) > MAX_ATTRIBUTE:
        raise ValueError(f"must have at most {MAX_ATTRIBUTE} characters")
    return _printable(value)


def _unique(items: list[Channel]) -> list[Channel]:
    if len(set(items)) < len(items):
        raise ValueError("names a channel twice")
    return items


def _examples(*values: object, **more: object) -> Any:  # noqa: ANN401 - pydantic's own type of field infos
    return Field(examples=list(values), **more)  # type: ignore[call-overload]


def one_of(words: Iterable[str]) -> dict[str, object]:
    """Return the JSON Schema of one of `words`."""
    return {"type": "string", "enum": [str(word) for word in words]}


MAX_ATTRIBUTES: Final = 50
MAX_ATTRIBUTE: Final = 500

Timestamp = Annotated[
    datetime,
    BeforeValidator(parse_timestamp),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Day = Annotated[
    date,
    BeforeValidator(_parse_day),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}
    ),
]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_printable)]
Version = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_printable)]
PersonName = Annotated[Line, AfterValidator(_person_name)]
Source = Annotated[Line, _no_address("say where the choice was made")]
Reference = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128),
    AfterValidator(_printable),
    _no_address("references appear in logs and URLs"),
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=5000)]
RecipientId = Annotated[
    str,
    AfterValidator(_recipient_id),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_LENGTH, "pattern": PATTERN}),
]
EmailText = Annotated[str, StringConstraints(min_length=1, max_length=320), _examples("awa.diop@example.com")]
PhoneText = Annotated[str, StringConstraints(min_length=1, max_length=40), _examples("+221771234567")]
_MORE: Final = "([-_][A-Za-z0-9]{1,8})*$"
LanguageTag = Annotated[
    str,
    StringConstraints(max_length=35),
    AfterValidator(_language),
    WithJsonSchema({"type": "string", "maxLength": 35, "pattern": f"^[A-Za-z]{{2,3}}{_MORE}"}),
]
"""Any language; what is kept of it is its code."""
WrittenLanguage = Annotated[
    str,
    StringConstraints(max_length=35),
    AfterValidator(_written),
    WithJsonSchema({"type": "string", "maxLength": 35, "pattern": f"^({'|'.join(LOCALES)}){_MORE}"}),
]
"""One of those that messages are written in."""
Country = Annotated[
    str, AfterValidator(_country), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$"})
]
Timezone = Annotated[str, AfterValidator(_timezone)]
AttributeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Attribute = Annotated[
    Any,
    AfterValidator(_attribute),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"], "maxLength": MAX_ATTRIBUTE}),
]
ChannelName = Annotated[Channel, Field(strict=False)]
RoutingName = Annotated[Routing, Field(strict=False)]
Channels = Annotated[
    list[ChannelName],
    Field(min_length=1),
    AfterValidator(_unique),
    WithJsonSchema(
        {"type": "array", "items": one_of(Channel), "minItems": 1, "uniqueItems": True},
    ),
]
