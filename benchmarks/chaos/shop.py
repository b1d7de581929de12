"""The order system: it posts each order until it is accepted, with the same idempotency key each time."""

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

from notify.up.programs import Address

_TIMEOUT_SECONDS: Final = 20
_PAUSES: Final = (0.1, 0.3, 1.0, 2.0)
_CLIENTS: Final = 8
_TRIED_AGAIN: Final = frozenset({0, 409, 429, 500, 502, 503, 504})


@dataclass(slots=True)
class Shop:
    """Posts orders at an even pace."""

    address: Address
    key: str
    count: int
    per_second: float
    accepted: dict[int, str] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    _next: int = 1
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    def open(self) -> None:
        """Begin to post."""
        begun = time.monotonic()
        self._threads = [threading.Thread(target=self._post_all, args=(begun,)) for _ in range(_CLIENTS)]
        for thread in self._threads:
            thread.start()

    def busy(self) -> bool:
        """Whether orders are still to be posted."""
        return any(thread.is_alive() for thread in self._threads)

    def close(self, seconds: float) -> None:
        """Wait until all are accepted. RuntimeError if they are not."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if self.busy():
            raise RuntimeError(
                f"only {len(self.accepted)} of {self.count} orders were accepted: {self.answers}"
            )

    def _post_all(self, begun: float) -> None:
        while True:
            with self._lock:
                number, self._next = self._next, self._next + 1
            if number > self.count:
                return
            time.sleep(max(0.0, begun + number / self.per_second - time.monotonic()))
            self._post(number)

    def _post(self, number: int) -> None:
        """Post one order until there is an answer that settles it."""
        begun = time.monotonic()
        tries = 0
        while True:
            status, answer = self._try(number)
            self.answers[status] += 1
            if status == 202:
                self.accepted[number] = json.loads(answer)["id"]
                self.waits.append(time.monotonic() - begun)
                return
            if status not in _TRIED_AGAIN:
                self.refused[number] = f"{status} {answer[:200]!r}"
                return
            time.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += 1

    def _try(self, number: int) -> tuple[int, bytes]:
        connection = HTTPConnection(self.address.host, self.address.port, timeout=_TIMEOUT_SECONDS)
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"chaos-order-{number}",
        }
        try:
            connection.request("POST", "/v1/notifications", json.dumps(order(number)), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException):
            return 0, b""
        finally:
            connection.close()


def order(number: int) -> dict[str, Any]:
    """Return one order update: two in three by e-mail, the others by SMS."""
    by_sms = number % 3 == 0
    return {
        "template": "order_shipped",
        "recipient": {
            "id": f"O-{number}",
            **(
                {"phone": f"+22177{1_000_000 + number:07d}"}
                if by_sms
                else {"email": f"o{number}@example.org"}
            ),
            "name": "Awa Diop",
            "locale": "fr",
            "country": "SN",
        },
        "data": {"order_number": str(number)},
        "channels": ["sms" if by_sms else "email"],
        "reference": f"order-{number}",
    }
