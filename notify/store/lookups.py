"""What callers look up, shaped as it is answered: reads that need no transaction of a use case."""

from typing import Protocol

from notify.domain.catalogue import Channel
from notify.domain.packed_json import PackedJson
from notify.domain.views import (
    CampaignView,
    MessageView,
    NotificationView,
    Page,
    PreferenceView,
    RecipientView,
    SuppressionView,
)
from notify.domain.webhook_views import DeliveryView, EndpointView


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

    def recipients_at(self, channel: Channel, address: str) -> list[RecipientView]:
        """Profiles with an address, as `Contacts` gives it."""
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


class CampaignLookups(Protocol):
    """Campaigns with their progress. Ids are public ids; NotFoundError where there is nothing."""

    def campaign(self, campaign_id: str) -> CampaignView:
        """One campaign."""
        ...

    def campaigns(self, *, status: str | None = None, cursor: str | None = None, limit: int = 50) -> Page:
        """Campaigns, newest first. InvalidRequestError if the cursor is not one of ours."""
        ...


class SuppressionLookups(Protocol):
    """Suppressions as callers see them."""

    def suppression(self, number: int) -> SuppressionView:
        """One of them. NotFoundError."""
        ...

    def suppressions(
        self,
        *,
        channel: str | None = None,
        reason: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """All of them, newest first. InvalidRequestError if the cursor is not one of ours."""
        ...

    def of_address(self, channel: Channel, address_hash: bytes) -> list[SuppressionView]:
        """What bars one address, oldest first."""
        ...


class WebhookLookups(Protocol):
    """Webhook endpoints and deliveries as callers see them."""

    def endpoint(self, number: int) -> EndpointView:
        """One endpoint. NotFoundError."""
        ...

    def endpoints(self) -> list[EndpointView]:
        """All of them, oldest first."""
        ...

    def delivery(self, number: int) -> DeliveryView:
        """One delivery. NotFoundError."""
        ...

    def deliveries(
        self, endpoint: int, *, status: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page:
        """Return those to an endpoint, newest first. NotFoundError, InvalidRequestError."""
        ...
