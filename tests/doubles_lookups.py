"""What the API looks up, in memory."""

from typing import Any

from notify.domain.catalogue import Channel
from notify.domain.errors import FieldProblem, InvalidRequestError, NotFoundError
from notify.domain.packed_json import PackedJson
from notify.domain.requests import NotificationRequest, RecipientInput
from notify.domain.views import (
    ConsentView,
    MessageView,
    NotificationView,
    Page,
    PreferenceView,
    RecipientView,
)

AT = "2026-11-23T10:00:00Z"


def notification_view(request: NotificationRequest, number: int = 1) -> NotificationView:
    return {
        "id": f"n{number}",
        "status": "queued",
        "template": request.template,
        "reference": request.reference,
        "recipient_id": request.recipient.id,
        "created_at": AT,
        "send_at": None,
        "expires_at": None,
        "messages": [{"id": f"m{number}", "channel": "email", "status": "queued", "reason": None}],
    }


def recipient_view(recipient_id: str) -> RecipientView:
    return {
        "id": recipient_id,
        "email": "awa.diop@example.com",
        "phone": None,
        "name": None,
        "locale": "fr",
        "country": "SN",
        "timezone": None,
        "customer_since": None,
        "attributes": {},
        "created_at": AT,
        "updated_at": AT,
    }


def export_of(recipient: object, indent: int | None = None) -> PackedJson:
    told = PackedJson(indent)
    told.add("recipient", recipient)
    told.close()
    return told


class FakeLookups:
    """Knows notification `n1`, messages `m1` and `mc` (a campaign's), recipient `C-1`; remembers queries."""

    def __init__(self) -> None:
        self.queries: list[dict[str, Any]] = []

    def notification(self, notification_id: str) -> NotificationView:
        if notification_id != "n1":
            raise NotFoundError
        return notification_view(NotificationRequest("order_shipped", RecipientInput("C-1")))

    def notifications(
        self,
        *,
        reference: str | None = None,
        recipient_id: str | None = None,
        status: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        if cursor == "alien":
            raise InvalidRequestError([FieldProblem("/cursor", "is not one of ours")])
        self.queries.append(
            {
                "reference": reference,
                "recipient_id": recipient_id,
                "status": status,
                "cursor": cursor,
                "limit": limit,
            }
        )
        return {"items": [self.notification("n1")], "next_cursor": "more"}

    def message(self, message_id: str, locale: str) -> MessageView:
        if message_id not in {"m1", "mc"}:
            raise NotFoundError
        of_campaign = message_id == "mc"
        return {
            "id": message_id,
            "notification_id": None if of_campaign else "n1",
            "campaign_id": "c1" if of_campaign else None,
            "recipient_id": "C-1",
            "channel": "email",
            "topic": "order_updates",
            "template": "order_shipped",
            "status": "delivered",
            "reason": None,
            "detail": None,
            "explanation": f"in {locale}",
            "provider": "outbox",
            "provider_message_id": None,
            "created_at": AT,
            "scheduled_for": AT,
            "next_attempt_at": None,
            "sent_at": AT,
            "expires_at": None,
            "test": False,
            "basis": {"regime": "contract", "consent_id": None},
            "attempts": [
                {"at": AT, "provider": "outbox", "outcome": "accepted", "detail": None, "duration_ms": 3}
            ],
            "events": [{"at": AT, "type": "delivered", "detail": None}],
        }

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
        self.queries.append({"campaign_id": campaign_id, "limit": limit, "locale": locale})
        return {"items": [self.message("m1", locale)], "next_cursor": None}

    def recipient(self, recipient_id: str) -> RecipientView:
        if recipient_id != "C-1":
            raise NotFoundError
        return recipient_view(recipient_id)

    def recipients_at(self, channel: Channel, address: str) -> list[RecipientView]:
        self.queries.append({channel: address})
        return [recipient_view("C-1")]

    def preferences(self, recipient_id: str) -> list[PreferenceView]:
        if recipient_id != "C-1":
            raise NotFoundError
        return [
            {
                "topic": "order_updates",
                "channel": "email",
                "purpose": "transactional",
                "subscribed": True,
                "pending": False,
                "changed_at": None,
            }
        ]

    def consents(self, recipient_id: str, *, cursor: str | None = None, limit: int = 50) -> Page:
        if recipient_id != "C-1":
            raise NotFoundError
        entry: ConsentView = {
            "id": "7",
            "at": AT,
            "topic": "company_news",
            "channel": "email",
            "subscribed": False,
            "source": "link",
            "wording": None,
            "locale": "fr",
            "policy_version": None,
            "message_id": "m1",
        }
        self.queries.append({"cursor": cursor, "limit": limit})
        return {"items": [entry], "next_cursor": None}

    def export(self, recipient_id: str, *, indent: int | None = None) -> PackedJson:
        return export_of(self.recipient(recipient_id), indent)
