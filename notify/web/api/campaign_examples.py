"""Examples of campaigns for the documentation. Bodies work when pasted: a time that is past means at once."""

from collections.abc import Mapping
from typing import Any, Final

_Examples = Mapping[str, Mapping[str, Any]]

_FRENCH: Final[Mapping[str, Any]] = {
    "subject": "Nos sacs en wax sont arrivés",
    "preheader": "Cousus à Dakar, livrés en une semaine.",
    "body": (
        'Bonjour {{ name | default("et bienvenue") }},\n\nla nouvelle série est là :\n\n'
        "- **sac à main**, en cinq motifs ;\n- **cabas**, doublé.\n\n"
        "**[Voir la série](https://smarttontine.org/wax)**"
    ),
}
_CAMPAIGN: Final[Mapping[str, Any]] = {
    "name": "Wax bags",
    "topic": "company_news",
    "channels": ["email"],
    "template": "newsletter",
    "content": {"fr": _FRENCH},
}

CAMPAIGN: Final[_Examples] = {
    "To everyone who is subscribed": _CAMPAIGN,
    "In two languages, by e-mail and SMS, to some": {
        **_CAMPAIGN,
        "channels": ["email", "sms"],
        "content": {
            "fr": {**_FRENCH, "sms": "nos sacs en wax sont là : smarttontine.org/wax"},
            "en": {
                "subject": "Our wax bags are here",
                "body": "Hello,\n\nthe new series **is here**.",
                "sms": "our wax bags are here: smarttontine.org/wax",
            },
        },
        "audience": {
            "all": [
                {"field": "country", "op": "in", "value": ["FR", "SN"]},
                {"field": "attributes.orders", "op": "gte", "value": 2},
            ]
        },
        "throttle": 6000,
        "expires_at": "2036-12-24T18:00:00Z",
    },
}

PATCH: Final[_Examples] = {
    "Another subject": {"content": {"fr": {**_FRENCH, "subject": "Les sacs en wax sont là"}}},
    "No more than 600 a minute": {"throttle": 600},
    "To everyone again": {"audience": None},
}

SCHEDULE: Final[_Examples] = {
    "Now": {},
    "At a moment": {"send_at": "2026-12-01T10:00:00+00:00"},
    "At ten in Paris": {"send_at": "2026-12-01T10:00:00", "timezone": "Europe/Paris"},
    "At ten, everyone's own time": {"send_at": "2026-12-01T10:00:00", "timezone": "recipient"},
}

TEST: Final[_Examples] = {"To two people of the shop": {"to": ["awa@example.com", "sam@example.com"]}}

ESTIMATE_ANSWER: Final[Mapping[str, Any]] = {
    "recipients": {
        "email": {"eligible": 980, "left_out": {"no_consent": 210, "unsubscribed": 10}},
        "sms": {"eligible": 500, "left_out": {"no_address": 300, "no_consent": 400}},
    },
    "sms": {
        "texts": {
            "fr": {
                "characters": 97,
                "encoding": "UCS-2",
                "segments": 2,
                "most_segments": 2,
                "culprits": ["ç"],
            }
        },
        "countries": [
            {
                "country": "SN",
                "messages": 500,
                "segments": 1000,
                "price": {"amount": "45.000", "currency": "EUR"},
            }
        ],
        "messages": 500,
        "segments": 1000,
        "price": {"amount": "45.000", "currency": "EUR"},
        "exact": True,
    },
}

CAMPAIGN_ANSWER: Final[Mapping[str, Any]] = {
    "id": "cmp_7",
    **_CAMPAIGN,
    "audience": None,
    "throttle": None,
    "test": False,
    "status": "sending",
    "reason": None,
    "send_at": "2026-12-01T10:00:00.000Z",
    "timezone": None,
    "send_past": False,
    "expires_at": None,
    "created_at": "2026-11-23T10:00:00.000Z",
    "started_at": "2026-12-01T10:00:00.300Z",
    "finished_at": None,
    "progress": {"total": 1200, "pending": 200, "queued": 300, "sent": 695, "skipped": 5},
}
