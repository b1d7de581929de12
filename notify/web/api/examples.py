"""Examples for the documentation. Bodies work when pasted: no times in them that would pass."""

from collections.abc import Mapping
from typing import Any, Final

_Examples = Mapping[str, Mapping[str, Any]]

_ORDER: Final[Mapping[str, Any]] = {
    "template": "order_shipped",
    "recipient": {
        "id": "C-1042",
        "email": "awa.diop@example.com",
        "phone": "+221771234567",
        "name": "Awa Diop",
        "locale": "fr",
        "country": "SN",
        "timezone": "Africa/Dakar",
    },
    "data": {"order_number": "99812", "tracking_url": "https://example.com/t/99812"},
    "channels": ["email", "sms"],
    "routing": "all",
    "reference": "order-99812",
}

NOTIFICATION: Final[_Examples] = {
    "An order has shipped, by e-mail and SMS": _ORDER,
    "To a recipient who is known already": {
        "template": "order_delivered",
        "recipient": {"id": "C-1042"},
        "data": {"order_number": "99812"},
    },
    "SMS first, e-mail if that does not work": {
        **_ORDER,
        "channels": ["sms", "email"],
        "routing": "fallback",
    },
}

BATCH: Final[_Examples] = {
    "Two orders": {
        "notifications": [
            _ORDER,
            {
                "template": "order_confirmed",
                "recipient": {"id": "C-1043", "email": "sam@example.com", "locale": "en"},
                "data": {"order_number": "99813"},
                "channels": ["email"],
            },
        ]
    }
}

RECIPIENT: Final[_Examples] = {
    "A customer who accepted the privacy policy": {
        "email": "awa.diop@example.com",
        "phone": "77 123 45 67",
        "name": "Awa Diop",
        "locale": "fr",
        "country": "SN",
        "timezone": "Africa/Dakar",
        "customer_since": "2025-06-30",
        "attributes": {"loyalty": "gold", "orders": 7, "last_order_on": "2026-09-12", "newsletter": True},
        "consent": {"policy_version": "2026-01", "accepted_at": "2026-01-05T10:00:00Z", "source": "checkout"},
    }
}

PREFERENCES: Final[_Examples] = {
    "Opt in, with its proof": {
        "preferences": [{"topic": "company_news", "channel": "email", "subscribed": True}],
        "proof": {
            "source": "account page",
            "wording": "Oui, je veux recevoir les nouvelles de Smarttontine par e-mail.",
        },
    },
    "Opt out": {"preferences": [{"topic": "product_offers", "channel": "sms", "subscribed": False}]},
}

SEARCH: Final[_Examples] = {
    "By e-mail address": {"email": "awa.diop@example.com"},
    "By phone number": {"phone": "+221771234567"},
}

PREVIEW: Final[_Examples] = {
    "In French": {
        "data": {"order_number": "99812", "tracking_url": "https://example.com/t/99812"},
        "locale": "fr",
    }
}

_AT: Final = "2026-11-23T10:00:00.000Z"

NOTIFICATION_ANSWER: Final[Mapping[str, Any]] = {
    "id": "ntf_12",
    "status": "queued",
    "template": "order_shipped",
    "reference": "order-99812",
    "recipient_id": "C-1042",
    "created_at": _AT,
    "send_at": None,
    "expires_at": None,
    "messages": [
        {"id": "msg_23", "channel": "email", "status": "queued", "reason": None},
        {"id": "msg_24", "channel": "sms", "status": "skipped", "reason": "unsubscribed"},
    ],
}

MESSAGE_ANSWER: Final[Mapping[str, Any]] = {
    "id": "msg_23",
    "notification_id": "ntf_12",
    "campaign_id": None,
    "recipient_id": "C-1042",
    "channel": "email",
    "topic": "order_updates",
    "template": "order_shipped",
    "status": "delivered",
    "reason": None,
    "detail": None,
    "explanation": "Delivered to Awa Diop by e-mail on 23 November.",
    "provider": "sendgrid",
    "provider_message_id": "x7Yk0nT2RbSDpYc1",
    "created_at": _AT,
    "scheduled_for": _AT,
    "next_attempt_at": None,
    "sent_at": "2026-11-23T10:00:00.400Z",
    "expires_at": None,
    "test": False,
    "basis": {"regime": "contract", "consent_id": None},
    "attempts": [
        {
            "at": "2026-11-23T10:00:00.400Z",
            "provider": "sendgrid",
            "outcome": "accepted",
            "detail": None,
            "duration_ms": 120,
        }
    ],
    "events": [{"at": "2026-11-23T10:00:03.000Z", "type": "delivered", "detail": None}],
}

RECIPIENT_ANSWER: Final[Mapping[str, Any]] = {
    "id": "C-1042",
    "email": "awa.diop@example.com",
    "phone": "+221771234567",
    "name": "Awa Diop",
    "locale": "fr",
    "country": "SN",
    "timezone": "Africa/Dakar",
    "customer_since": "2025-06-30",
    "attributes": {"loyalty": "gold", "orders": 7},
    "created_at": _AT,
    "updated_at": _AT,
}

PREFERENCE_ANSWER: Final[Mapping[str, Any]] = {
    "topic": "company_news",
    "channel": "email",
    "purpose": "marketing",
    "subscribed": True,
    "pending": False,
    "changed_at": _AT,
}

CONSENT_ANSWER: Final[Mapping[str, Any]] = {
    "id": "cns_7",
    "at": _AT,
    "topic": "order_updates",
    "channel": "sms",
    "subscribed": False,
    "source": "link",
    "wording": "Ne plus recevoir les suivis de commande par SMS",
    "locale": "fr",
    "policy_version": None,
    "message_id": "msg_11",
}

CONSENTS_CSV: Final = (
    "entry_id,at,recipient_id,topic,channel,subscribed,way,locale,policy_version,message_id,source,wording,ip,"
    "user_agent,obtained_at,double_opt_in_at,proof_hash,seal\r\n"
    "cns_7,2026-12-01T09:00:00.000Z,C-1042,order_updates,sms,false,link,fr,,msg_11,link,"
    "Ne plus recevoir les suivis de commande par SMS,,,,,,2\r\n"
)
"""What `Accept: text/csv` gets of a person's ledger."""

FIELD_PROBLEMS: Final = (
    {"pointer": "/recipient/email", "detail": "must hold one @, between the name and the domain"},
    {"pointer": "/data/order_number", "detail": "is required"},
)
