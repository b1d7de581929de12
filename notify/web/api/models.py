"""What callers send, as typed models: the bodies are checked by them, and described from them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from notify.domain.requests import Routing
from notify.web.api.fields import (
    MAX_ATTRIBUTES,
    Attribute,
    AttributeName,
    ChannelName,
    Channels,
    Country,
    Day,
    EmailText,
    LanguageTag,
    Line,
    PersonName,
    PhoneText,
    RecipientId,
    Reference,
    RoutingName,
    Source,
    Text,
    Timestamp,
    Timezone,
    Version,
    WrittenLanguage,
)

MAX_BATCH = 1000
MAX_CHOICES = 200


class Given(BaseModel):
    """What all bodies share: types as JSON has them, no unknown fields, no values in error texts."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )


class Consent(Given):
    """The recipient accepted the privacy policy (its clause 7), as the shop recorded it."""

    policy_version: Annotated[Version, Field(examples=["2026-01"])]
    accepted_at: Timestamp
    source: Annotated[Source, Field(examples=["checkout"])]
    """Where the recipient accepted it; never an address."""


class RecipientProfile(Given):
    """What is given of a recipient. A field left out stays as it is; null clears it."""

    email: EmailText | None = None
    phone: PhoneText | None = None
    """International (+221…) or as dialled in the recipient's `country`."""
    name: Annotated[PersonName | None, Field(examples=["Awa Diop"])] = None
    """Printed in messages; may hold no link."""
    locale: Annotated[LanguageTag | None, Field(examples=["fr"])] = None
    """The language to write in, by its tag (`fr`, `en`, `fr-SN`); in another than these two it is French."""
    country: Annotated[Country | None, Field(examples=["SN"])] = None
    """ISO 3166-1 alpha-2. Decides on the consent regime; else the phone number's country does."""
    timezone: Annotated[Timezone | None, Field(examples=["Africa/Dakar"])] = None
    """IANA time zone."""
    customer_since: Annotated[Day | None, Field(examples=["2025-06-30"])] = None
    """Day of the first purchase; the soft opt-in to `product_offers` rests on it."""
    attributes: Annotated[
        dict[AttributeName, Attribute],
        Field(max_length=MAX_ATTRIBUTES, examples=[{"loyalty": "gold", "orders": 7}]),
    ] = Field(default_factory=dict)
    """Flat: strings, numbers, booleans, and dates as strings. Merged key by key; null removes a key. They
    are not encrypted: a value that holds an e-mail address or is a phone number is refused."""
    consent: Consent | None = None
    """Goes on the ledger when it is new. It never undoes an opt-out."""


class Recipient(RecipientProfile):
    """A recipient: the shop's own id, and what is given of the profile."""

    id: Annotated[RecipientId, Field(examples=["C-1042"])]
    """Never an e-mail address or a phone number: ids appear in logs."""


class RecipientUpsert(RecipientProfile):
    """What is given of the recipient named in the path."""

    id: RecipientId | None = None
    """May be repeated here; must then be the one in the path."""


class Notification(Given):
    """One template for one recipient."""

    template: Annotated[Line, Field(examples=["order_shipped"])]
    """Name of a template, see `GET /v1/templates`."""
    recipient: Recipient
    """What is given of the recipient is merged into the stored profile."""
    data: Annotated[
        dict[str, Any],
        Field(examples=[{"order_number": "99812", "tracking_url": "https://example.com/t/99812"}]),
    ] = Field(default_factory=dict)
    """Checked against the template's `data_schema`."""
    channels: Channels | None = None
    """In order of preference; the template's own when absent."""
    routing: RoutingName = Routing.ALL
    """`all` channels at once; or `fallback`: the next one when the one before was skipped, failed, expired or
    bounced."""
    send_at: Timestamp | None = None
    """Not before this time, at most a year ahead; now when absent."""
    expires_at: Timestamp | None = None
    """Not after this time; the template's own expiry when absent."""
    reference: Annotated[Reference | None, Field(examples=["order-99812"])] = None
    """The caller's own reference, to look notifications up by. Later notifications of one reference supersede
    waiting ones where their templates say so. It appears in logs and URLs: never an e-mail address or a phone
    number."""


class NotificationBatch(Given):
    """Up to 1,000 notifications, each accepted or refused by itself."""

    notifications: Annotated[list[Notification], Field(min_length=1, max_length=MAX_BATCH)]


class ChoiceGiven(Given):
    """One preference as the person wants it."""

    topic: Annotated[Line, Field(examples=["company_news"])]
    channel: Annotated[ChannelName, Field(examples=["email"])]
    subscribed: Annotated[bool, Field(examples=[True])]


class ProofGiven(Given):
    """How the choice came about. It is kept encrypted, apart from the ledger, and can be erased."""

    source: Annotated[Source, Field(examples=["account page"])]
    """Where the person made the choice; never an address."""
    wording: Annotated[Text | None, Field(examples=["Oui, je veux recevoir les nouvelles par e-mail."])] = (
        None
    )
    """The exact words the person saw."""
    obtained_at: Timestamp | None = None
    """When the person made the choice; now when absent."""
    double_opt_in_at: Timestamp | None = None
    """When the person confirmed it through the address itself, where you had them do so. Without it, a topic
    with double opt-in is subscribed to once the person has used a link that is sent to them."""
    ip: Annotated[Line | None, Field(examples=["192.0.2.7"])] = None
    user_agent: Annotated[Line | None, Field(examples=["Opera Mini"])] = None


class PreferenceChanges(Given):
    """Preferences to change; those left out stay."""

    preferences: Annotated[list[ChoiceGiven], Field(min_length=1, max_length=MAX_CHOICES)]
    proof: ProofGiven | None = None
    """Needed to opt in; over an earlier opt-out it must have been obtained after it."""


class AddressSearch(Given):
    """Either an e-mail address or a phone number; never in a URL."""

    email: EmailText | None = None
    phone: PhoneText | None = None


class PreviewRequest(Given):
    """Data and language to show a template with."""

    data: Annotated[dict[str, Any], Field(examples=[{"order_number": "99812"}])] = Field(default_factory=dict)
    locale: Annotated[WrittenLanguage, Field(examples=["fr"])] = "fr"
    country: Annotated[Country | None, Field(examples=["SN"])] = None
    """Where the SMS would go to, for its price."""
