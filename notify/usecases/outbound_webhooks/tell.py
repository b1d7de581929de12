"""Tell the shop's webhook endpoints what happened: claim, call with no transaction open, record."""

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from notify.domain import ids
from notify.domain.alerts import WEBHOOK_DISABLED
from notify.domain.catalogue import Catalogue
from notify.domain.prepared import Prepared
from notify.domain.times import rfc3339
from notify.domain.webhook_calls import FAILING_FOR, Called, Target, Waiting, follow
from notify.domain.webhook_signatures import sign
from notify.ports import Clock, WebhookCalls
from notify.store import Store, Transaction
from notify.usecases.outbound_webhooks.places import EndpointPlaces

RUN: Final = 20
"""Deliveries that one thread makes one after the other, over one connection."""

RUN_SECONDS: Final = 5.0
"""After so long a run begins no further call: the rest goes back, and others get their turn."""

LEASE: Final = timedelta(seconds=60)
"""A run, the call that ends it, and writing it down. Whoever dies in it leaves it to the next one then."""

_GONE: Final = "it answered 410 Gone"
_FAILED: Final = f"every call failed for {FAILING_FOR.days} days"


@dataclass(slots=True)
class Run:
    """Deliveries of one endpoint that one thread makes, and what came of them."""

    target: Target
    claim: str
    waiting: Sequence[Waiting]
    called: list[Called] = field(default_factory=list)

    @property
    def left(self) -> list[int]:
        """The deliveries that were not called."""
        return [one.delivery_id for one in self.waiting[len(self.called) :]]


class TellEndpoints:
    """Makes the calls that are due; any number of processes may do so at once.

    Each endpoint has a few calls in flight, and one that fails has one at a time and rests between: it holds
    up no other. In no order that could be relied on, and at least once: `webhook-id` tells repetitions.
    """

    def __init__(
        self,
        *,
        store: Store,
        calls: WebhookCalls,
        catalogue: Catalogue,
        clock: Clock,
        random: Callable[[], float],
    ) -> None:
        """`random` returns [0, 1) for jitter."""
        self._store = store
        self._calls = calls
        self._catalogue = catalogue
        self._clock = clock
        self._random = random
        self._places = EndpointPlaces()

    def __call__(self) -> int:
        """Make the calls that are due, one after the other; return how many."""
        made = 0
        while works := self.prepare(1).works:
            for run in works:
                self.send(run)
            self.record(works)
            made += sum(len(run.called) for run in works)
        return made

    def prepare(self, places: int) -> Prepared[Run]:
        """Claim what is due, at most as many runs as there are `places`."""
        now = self._clock()
        with self._store.read() as tx:
            due = tx.webhook_deliveries.due(now)
        shares = self._places.share(due, places, now)
        pause = self._places.pause(due, now)
        if not shares:
            return Prepared(0, pause=pause)
        try:
            runs = self._claim(shares, now)
        except BaseException:
            self._places.give_back(shares)
            raise
        taken: dict[int, int] = {}
        for run in runs:
            taken[run.target.endpoint_id] = taken.get(run.target.endpoint_id, 0) + 1
        self._places.give_back({number: count - taken.get(number, 0) for number, count in shares.items()})
        return Prepared(len(runs), runs, pause=pause)

    def send(self, run: Run) -> None:
        """Call the endpoint, with no transaction open, until it has all, fails, or has taken long enough."""
        begun = time.monotonic()
        try:
            for one in run.waiting:
                now = self._clock()
                answer = self._calls.post(run.target.url, *self._request(run.target, one, now))
                run.called.append(follow(one, answer, self._clock(), self._random()))
                if answer.gone or answer.troubled or time.monotonic() - begun > RUN_SECONDS:
                    break
        finally:
            self._places.finished(run.target.endpoint_id, [one.answer for one in run.called], self._clock())

    def record(self, runs: Sequence[Run]) -> None:
        """Write down what came of them all."""
        now = self._clock()
        called: dict[int, list[Called]] = {}
        for run in runs:
            called.setdefault(run.target.endpoint_id, []).extend(run.called)
        with self._store.write() as tx:
            disabled = tx.webhook_endpoints.hold(called)
            tx.webhook_deliveries.hold([one.delivery_id for run in runs for one in run.waiting])
            for run in runs:
                tx.webhook_deliveries.record(run.claim, run.called, now)
                if run.left:
                    tx.webhook_deliveries.give_back(run.claim, run.left, now)
            disabled.update(number for number, some in called.items() if _judge(tx, number, some, now))
            if disabled:
                tx.webhook_deliveries.give_up_disabled(now)

    def _claim(self, shares: Mapping[int, int], now: datetime) -> list[Run]:
        claim = str(uuid.uuid4())
        most = {number: count * RUN for number, count in shares.items()}
        with self._store.write() as tx:
            targets = tx.webhook_endpoints.targets(shares, now)
            wanted = {number: count for number, count in most.items() if number in targets}
            claimed = tx.webhook_deliveries.claim(wanted, claim, now, now + LEASE)
        return [
            Run(targets[number], claim, some)
            for number, waiting in claimed.items()
            for some in _parted(waiting, shares[number])
        ]

    def _request(self, target: Target, one: Waiting, now: datetime) -> tuple[bytes, dict[str, str]]:
        """Return body and headers of a call; the body is the same at every try."""
        event, webhook_id = one.event, ids.public(ids.WEBHOOK_EVENT, one.event_id)
        data = dict(event.data)
        if isinstance(number := data.get("topic"), int):
            data["topic"] = self._catalogue.name_of(number) or str(number)
        told = {"type": event.type, "timestamp": rfc3339(event.at), "data": data}
        body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
        moment = int(now.timestamp())
        return body, {
            "Content-Type": "application/json",
            "User-Agent": "Smarttontine-Notify",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(moment),
            "webhook-signature": sign(target.secrets, webhook_id, moment, body),
        }


def _judge(tx: Transaction, endpoint: int, called: Sequence[Called], now: datetime) -> bool:
    """Disable an endpoint that wants nothing any more, or has failed for days; say whether it was done."""
    if not called:
        return False
    because = _GONE if any(one.answer.gone for one in called) else None
    if because is None:
        taken = any(one.answer.taken for one in called)
        since = tx.webhook_endpoints.note(endpoint, succeeded=taken, now=now)
        because = _FAILED if since and now - since >= FAILING_FOR else None
    if because is None or not tx.webhook_endpoints.disable(endpoint, because, now):
        return False
    told = {"endpoint": ids.public(ids.WEBHOOK_ENDPOINT, endpoint), "reason": because}
    tx.alerts.raise_alert(WEBHOOK_DISABLED, told, now)
    return True


def _parted(waiting: Sequence[Waiting], parts: int) -> list[Sequence[Waiting]]:
    """Part deliveries into runs of about the same length."""
    length = -(-len(waiting) // parts)
    return [waiting[start : start + length] for start in range(0, len(waiting), length)]
