"""Parses phone numbers: most at once by their numbering plan, the rest by the library."""

import re
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from notify.contacts.numbering_plans import NO_COUNTRY, read_international, read_national

_LONGEST_PHONE: Final = 40
_PHONE_TEXT: Final = re.compile(r"\+?[\d\s().\-/\u2010-\u2015]+")
_PLAIN: Final = re.compile(r"\+?[0-9](?:[ .\-]?[0-9])*")
_NO_SIGNS: Final = str.maketrans("", "", "+ .-")
_NOT_A_PERSON: Final = frozenset(
    {
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.UAN,
        PhoneNumberType.PAGER,
        PhoneNumberType.VOICEMAIL,
    }
)


class PhoneNumbers:
    """Parses numbers, of any notation that people use."""

    def parse(self, text: str, country: str | None) -> tuple[str, str | None]:
        """Return E.164 and the ISO 3166 country of the number, None if it belongs to no country.

        `country` (ISO 3166) is the hint for a number in national notation. Refuses what no person is
        reached by: premium, shared-cost and free numbers, short and emergency numbers, extensions.
        """
        text = " ".join(text.split())
        if len(text) <= _LONGEST_PHONE and _PLAIN.fullmatch(text):
            digits = text.translate(_NO_SIGNS)
            if text[0] == "+":
                found = read_international(digits)
            else:
                found = read_national(digits, country.upper()) if country else None
            if found:
                return found
        return parsed_slowly(text, country)


def parsed_slowly(text: str, country: str | None) -> tuple[str, str | None]:
    """Return what the library makes of the number; ValueError says what is wrong."""
    number = _parsed(" ".join(text.split()), country)
    if not phonenumbers.is_possible_number(number):
        raise ValueError("The phone number is too short or too long for its country.")
    if not phonenumbers.is_valid_number(number):
        raise ValueError("No such phone number exists in its country.")
    if phonenumbers.number_type(number) in _NOT_A_PERSON:
        raise ValueError("The phone number is a premium, shared-cost or free one, not a person's.")
    region = phonenumbers.region_code_for_number(number)
    return (
        phonenumbers.format_number(number, PhoneNumberFormat.E164),
        None if region == NO_COUNTRY else region,
    )


def _parsed(text: str, country: str | None) -> phonenumbers.PhoneNumber:
    if len(text) > _LONGEST_PHONE or not _PHONE_TEXT.fullmatch(text):
        raise ValueError('A phone number holds digits, spaces and "+" only, without an extension.')
    region = country.upper() if country and country.upper() in phonenumbers.SUPPORTED_REGIONS else None
    if region is None and text.startswith("00"):
        text = f"+{text[2:]}"  # ITU-T E.123's usual prefix, where no country has its own
    if region is None and not text.startswith("+"):
        raise ValueError("The phone number needs its country code (as +221), or the recipient a country.")
    try:
        return phonenumbers.parse(text, region)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            raise ValueError("The phone number's country code does not exist.") from None
        raise ValueError("This is not a phone number.") from None
