"""What is sent and answered about suppressions."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from notify.domain.catalogue import Channel
from notify.domain.consent import Scope
from notify.domain.suppressions import ShopReason
from notify.web.api.fields import ChannelName
from notify.web.api.models import Given
from notify.web.api.shapes import Id, ListAnswer, Shape

SUPPRESSION: Final[Mapping[str, Mapping[str, Any]]] = {
    "Never write to an address again": {
        "address": "awa.diop@example.com",
        "channel": "email",
        "reason": "manual",
    },
    "No marketing by SMS": {
        "address": "+221771234567",
        "channel": "sms",
        "reason": "manual",
        "scope": "marketing",
    },
}

SUPPRESSION_ANSWER: Final[Mapping[str, Any]] = {
    "id": "sup_5",
    "channel": "email",
    "address": "a•••@example.com",
    "scope": "all",
    "reason": "hard_bounce",
    "created_at": "2026-11-23T10:00:00.000Z",
    "until": None,
}


class SuppressionGiven(Given):
    """An address to bar."""

    address: Annotated[
        str, StringConstraints(min_length=1, max_length=320), Field(examples=["awa.diop@example.com"])
    ]
    """An e-mail address, or a phone number in international form."""
    channel: Annotated[ChannelName, Field(examples=["email"])]
    reason: Annotated[ShopReason, Field(strict=False, examples=["manual"])]
    scope: Annotated[Scope | None, Field(strict=False, examples=["all"])] = None
    """What it is barred from; when absent, from everything for `manual` and `hard_bounce`, from marketing for
    `complaint` and `stop`."""


class SuppressionAnswer(Shape):
    """An address barred from marketing or from everything."""

    model_config = ConfigDict(json_schema_extra={"examples": [dict(SUPPRESSION_ANSWER)]})

    id: Id
    channel: Channel
    address: str
    """Masked."""
    scope: Scope
    reason: str
    """`hard_bounce`, `soft_bounces`, `complaint`, `stop`, `pause`, `disputed`, `erasure`, `manual` or
    `imported`."""
    created_at: AwareDatetime
    until: AwareDatetime | None
    """When it ends by itself; null for never."""


class SuppressionList(ListAnswer):
    """Suppressions."""

    items: list[SuppressionAnswer]
