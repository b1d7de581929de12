"""Parses e-mail addresses and phone numbers into the one form they are stored in."""

import re
from typing import Final

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

_LONGEST_PHONE: Final = 40
_PHONE_TEXT: Final = re.compile(r"\+?[\d\s().\-/\u2010-\u2015]+")
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
_NO_COUNTRY: Final = "001"
"""What the library calls numbers of no country, such as satellite phones."""


class ParsedContacts:
    """Addresses by email-validator, without asking the DNS; phone numbers by phonenumbers."""

    def email(self, text: str) -> str:
        """Return the address with its domain in lower case and IDNA; ValueError says what is wrong.

        The part before the "@" is ASCII, since SendGrid delivers to no other, and keeps its case.
        `.test` and `example.com` pass, for the tests of callers.
        """
        try:
            parsed = validate_email(
                text.strip(),
                allow_smtputf8=False,
                check_deliverability=False,
                test_environment=True,
                strict=True,
            )
        except EmailNotValidError as error:
            # What the library says after a colon or in brackets repeats parts of the address.
            said = re.split(r"[:(]", str(error))[0].strip(" .")
            raise ValueError(f"{said}.") from None
        if parsed.ascii_email is None:
            raise ValueError("The address cannot be written in ASCII.")
        return parsed.ascii_email

    def phone(self, text: str, country: str | None) -> tuple[str, str | None]:
        """Return E.164 and the ISO 3166 country of the number, None if it belongs to no country.

        `country` (ISO 3166) is the hint for a number in national notation. Refuses what no person is
        reached by: premium, shared-cost and free numbers, short and emergency numbers, extensions.
        """
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
            None if region == _NO_COUNTRY else region,
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
