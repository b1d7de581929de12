"""A recipient's profile, and how what a caller gives is merged into it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final, TypedDict

from notify.domain.catalogue import DEFAULT_LOCALE, LOCALES, Channel

AttributeValue = str | int | float | bool
Attributes = Mapping[str, AttributeValue]


@dataclass(frozen=True, slots=True)
class PolicyAcceptance:
    """The person accepted the privacy policy (clause 7), as the shop recorded it."""

    policy_version: str
    accepted_at: datetime
    source: str


class ProfilePatch(TypedDict, total=False):
    """What a caller gives of a recipient. A field left out stays; None clears it.

    `email` and `phone` are as the caller wrote them; in a stored profile they are normalised.
    """

    email: str | None
    phone: str | None
    name: str | None
    locale: str | None
    country: str | None
    timezone: str | None
    customer_since: date | None
    attributes: Mapping[str, AttributeValue | None]


@dataclass(frozen=True, slots=True)
class Profile:
    """What the shop knows about a recipient. `phone_country` is read off the phone number."""

    email: str | None = None
    phone: str | None = None
    name: str | None = None
    locale: str | None = None
    country: str | None = None
    phone_country: str | None = None
    timezone: str | None = None
    customer_since: date | None = None
    attributes: Attributes = field(default_factory=dict)

    @property
    def effective_country(self) -> str | None:
        """The recipient's country, else that of the phone number, else unknown."""
        return self.country or self.phone_country

    @property
    def language(self) -> str:
        """The language to write in: theirs, or French where we have no texts in it."""
        return self.locale if self.locale in LOCALES else DEFAULT_LOCALE

    def address(self, channel: Channel) -> str | None:
        """Return the address for a channel."""
        return self.email if channel is Channel.EMAIL else self.phone


def first(patch: ProfilePatch, phone_country: str | None) -> Profile:
    """Return the profile of somebody of whom nothing else is known."""
    given = patch.get("attributes", {})
    return Profile(
        email=patch.get("email"),
        phone=patch.get("phone"),
        name=patch.get("name"),
        locale=patch.get("locale"),
        country=patch.get("country"),
        phone_country=phone_country if "phone" in patch else None,
        timezone=patch.get("timezone"),
        customer_since=patch.get("customer_since"),
        attributes={key: value for key, value in given.items() if value is not None},
    )


_PLAIN_FIELDS: Final = ("email", "phone", "name", "locale", "country", "timezone", "customer_since")


def merged(profile: Profile, patch: ProfilePatch, phone_country: str | None) -> Profile:
    """Return `profile` with what `patch` gives; `phone_country` is that of the patch's phone.

    Attributes are merged key by key; a None removes its key.
    """
    changes: dict[str, object] = {name: patch[name] for name in _PLAIN_FIELDS if name in patch}
    if "phone" in patch:
        changes["phone_country"] = phone_country
    if "attributes" in patch:
        both = {**profile.attributes, **patch["attributes"]}
        changes["attributes"] = {key: value for key, value in both.items() if value is not None}
    return replace(profile, **changes)  # type: ignore[arg-type]
