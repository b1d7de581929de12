"""Parses e-mail addresses: the library judges each domain once, and every address that is not plain."""

import re
from functools import lru_cache
from typing import Final

from email_validator import EmailNotValidError, validate_email

_PLAIN: Final = re.compile(
    r"([a-zA-Z0-9_!#$%&'*+\-/=?^`{|}~]+(?:\.[a-zA-Z0-9_!#$%&'*+\-/=?^`{|}~]+)*)@([a-zA-Z0-9.\-]+)"
)
"""A dot-atom (RFC 5322 section 3.2.3), and what may be a host name."""
_LONGEST: Final = 254
_LONGEST_LOCAL: Final = 64
_DOMAINS_KEPT: Final = 20_000


class EmailAddresses:
    """Parses addresses; remembers the domains it has seen, but never an address."""

    def __init__(self) -> None:
        self._domain = lru_cache(_DOMAINS_KEPT)(_judged)

    def parse(self, text: str) -> str:
        """Return the address with its domain in lower case and IDNA; ValueError says what is wrong.

        The part before the "@" is ASCII, since SendGrid delivers to no other, and keeps its case, but for
        role names (RFC 2142). `.test` and `example.com` pass, for the tests of callers.
        """
        if (plain := _PLAIN.fullmatch(text.strip())) and len(plain[0]) <= _LONGEST:
            local, domain = plain.groups()
            # Role names, which lose their case, are words of letters; "xn--" may lengthen the address.
            rare = len(local) > _LONGEST_LOCAL or (local.isalpha() and not local.islower())
            if not rare and (found := self._domain(domain)):
                return f"{local}@{found}"
        return parsed_slowly(text)


def parsed_slowly(text: str) -> str:
    """Return what the library makes of the address; ValueError says what is wrong."""
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


def _judged(domain: str) -> str | None:
    """Return the domain as it is stored; None if it is refused, or must be judged with its address."""
    if "xn--" in domain.lower():
        return None
    try:
        return parsed_slowly(f"a@{domain}").removeprefix("a@")
    except ValueError:
        return None
