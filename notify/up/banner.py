"""What `notify up` prints once it answers: where to look, and a line to try."""

import json
import shlex
from typing import Final

from notify.settings import Settings

_EXAMPLE: Final = {
    "template": "order_shipped",
    "recipient": {
        "id": "C-1042",
        "email": "awa.diop@example.com",
        "phone": "+221771234567",
        "name": "Awa Diop",
        "locale": "fr",
        "country": "SN",
    },
    "data": {"order_number": "99812", "tracking_url": "https://example.com/t/99812"},
    "reference": "order-99812",
}


def curl_line(url: str, key: str) -> str:
    """Return a command that posts one notification, good to be pasted into a shell."""
    parts = [
        "curl", "-sS", f"{url}/v1/notifications",
        "-H", f"Authorization: Bearer {key}",
        "-H", "Content-Type: application/json",
        "-d", json.dumps(_EXAMPLE, ensure_ascii=False),
    ]  # fmt: skip
    return shlex.join(parts)


def banner(settings: Settings, url: str, key: str, *, embedded_redis: bool) -> str:
    """Return the text."""
    places = [("API", f"{url}/v1"), ("Docs", f"{url}/docs")]
    if settings.uses_outbox:
        places.append(("Outbox", f"{url}/outbox"))
    places += [("Data", str(settings.data_dir)), ("API key", key)]
    if embedded_redis:  # another's URL may hold a password
        places.append(("Redis", settings.redis_url))
    lines = "\n".join(f"  {name:<8} {value}" for name, value in places)
    return f"\nNotify is running.\n\n{lines}\n\nTry it:\n\n{curl_line(url, key)}\n\nCtrl-C stops it.\n"
