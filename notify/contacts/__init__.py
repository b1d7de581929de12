"""Parses e-mail addresses and phone numbers into the one form they are stored in."""

from notify.contacts.emails import EmailAddresses
from notify.contacts.phones import PhoneNumbers


class ParsedContacts:
    """Addresses by email-validator, without asking the DNS; phone numbers by phonenumbers."""

    def __init__(self) -> None:
        self._emails = EmailAddresses()
        self._phones = PhoneNumbers()

    def email(self, text: str) -> str:
        """Return the address with its domain in lower case and IDNA; ValueError says what is wrong."""
        return self._emails.parse(text)

    def phone(self, text: str, country: str | None) -> tuple[str, str | None]:
        """Return E.164 and the ISO 3166 country of the number; ValueError says what is wrong."""
        return self._phones.parse(text, country)
