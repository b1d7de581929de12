"""Bodies for the documentation. They work when pasted: no times in them that would pass."""

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
