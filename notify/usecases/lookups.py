"""Look things up, as callers see them."""

from typing import Protocol

from notify.domain.packed_json import PackedJson
from notify.domain.views import (
    MessageView,
    NotificationView,
    Page,
    PreferenceView,
    RecipientView,
)


class Lookups(Protocol):
    """Everything a caller can read. Ids are public ids; NotFoundError where there is nothing.

    `cursor` is opaque; InvalidRequestError if it is not one of ours. `locale` is that of explanations.
    """

    def notification(self, notification_id: str) -> NotificationView:
        """One notification."""
        ...

    def notifications(
        self,
        *,
        reference: str | None = None,
        recipient_id: str | None = None,
        status: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Notifications, newest first."""
        ...

    def message(self, message_id: str, locale: str) -> MessageView:
        """One message with its attempts and events."""
        ...

    def messages(
        self,
        *,
        recipient_id: str | None = None,
        campaign_id: str | None = None,
        status: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        locale: str = "en",
    ) -> Page:
        """Messages, newest first."""
        ...

    def recipient(self, recipient_id: str) -> RecipientView:
        """One profile."""
        ...

    def find_recipients(self, *, email: str | None, phone: str | None) -> list[RecipientView]:
        """Profiles with that address; both are as people write them."""
        ...

    def preferences(self, recipient_id: str) -> list[PreferenceView]:
        """Every topic × channel as it stands."""
        ...

    def consents(self, recipient_id: str, *, cursor: str | None = None, limit: int = 50) -> Page:
        """The ledger of one person, oldest first."""
        ...

    def export(self, recipient_id: str, *, indent: int | None = None) -> PackedJson:
        """All that is held on a person, closed; `indent` as `json.dumps` has it."""
        ...
