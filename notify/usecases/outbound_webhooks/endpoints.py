"""What a shop does with its webhook endpoints: add, try out, rotate, and have things told again."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from notify.domain import ids
from notify.domain.errors import ConflictError, FieldProblem, InvalidRequestError, NotFoundError
from notify.domain.outbound import PING, OutboundEvent
from notify.domain.views import Page
from notify.domain.webhook_signatures import make_secret
from notify.domain.webhook_views import DeliveryView, EndpointView, EndpointWithSecretView, ReplayedView
from notify.ports import Clock, WebhookCalls
from notify.store import Store
from notify.store.lookups import WebhookLookups
from notify.store.webhooks import EndpointDraft, Replay

MOST: Final = 20
"""Endpoints of an installation."""

BOTH_SIGN_FOR: Final = timedelta(hours=24)
"""How long the secret before a rotation signs along."""

_TOO_MANY: Final = f"There are {MOST} webhook endpoints already; delete one first."
_DISABLED: Final = "This endpoint is disabled; enable it first."
_UNDER_WAY: Final = "This delivery is being made at this moment."


class WebhookDesk:
    """The calls on webhook endpoints."""

    def __init__(
        self,
        *,
        store: Store,
        calls: WebhookCalls,
        lookups: WebhookLookups,
        clock: Clock,
        until_known: Callable[[], None],
    ) -> None:
        """`until_known` waits until every process has heard of a new endpoint."""
        self._lookups = lookups
        self._store = store
        self._calls = calls
        self._clock = clock
        self._until_known = until_known

    def create(
        self, url: str, events: Sequence[str], description: str | None, secret: str | None
    ) -> EndpointWithSecretView:
        """Add an endpoint. Whatever happens anywhere once this has returned, it is told.

        InvalidRequestError for an address that may not be called; ConflictError if there are too many.
        """
        problem = self._calls.problem(url)
        if problem:
            raise InvalidRequestError([FieldProblem("/url", problem)])
        draft = EndpointDraft(url, secret or make_secret(), list(dict.fromkeys(events)), description)
        with self._store.write() as tx:
            if tx.webhook_endpoints.count() >= MOST:
                raise ConflictError(_TOO_MANY)
            number = tx.webhook_endpoints.add(draft, self._clock())
        self._until_known()
        return {**self._lookups.endpoint(number), "secret": draft.secret}

    def endpoint(self, endpoint_id: str) -> EndpointView:
        """Return an endpoint. NotFoundError."""
        return self._lookups.endpoint(ids.number_of(ids.WEBHOOK_ENDPOINT, endpoint_id))

    def endpoints(self) -> list[EndpointView]:
        """Return all endpoints."""
        return self._lookups.endpoints()

    def deliveries(
        self, endpoint_id: str, *, status: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page:
        """Return what was told to an endpoint, newest first. NotFoundError, InvalidRequestError."""
        number = ids.number_of(ids.WEBHOOK_ENDPOINT, endpoint_id)
        return self._lookups.deliveries(number, status=status, cursor=cursor, limit=limit)

    def delete(self, endpoint_id: str) -> None:
        """Delete an endpoint, and what waits for it. NotFoundError."""
        with self._store.write() as tx:
            if not tx.webhook_endpoints.remove(ids.number_of(ids.WEBHOOK_ENDPOINT, endpoint_id)):
                raise NotFoundError("no webhook endpoint of that id")

    def rotate(self, endpoint_id: str, secret: str | None) -> EndpointWithSecretView:
        """Give an endpoint another secret; the one before signs along for a day. NotFoundError."""
        number = ids.number_of(ids.WEBHOOK_ENDPOINT, endpoint_id)
        new = secret or make_secret()
        with self._store.write() as tx:
            if not tx.webhook_endpoints.rotate(number, new, self._clock() + BOTH_SIGN_FOR):
                raise NotFoundError("no webhook endpoint of that id")
        return {**self._lookups.endpoint(number), "secret": new}

    def enable(self, endpoint_id: str) -> EndpointView:
        """Tell an endpoint things again; what it missed can be replayed. NotFoundError."""
        number = ids.number_of(ids.WEBHOOK_ENDPOINT, endpoint_id)
        with self._store.write() as tx:
            if not tx.webhook_endpoints.enable(number):
                raise NotFoundError("no webhook endpoint of that id")
        self._until_known()
        return self._lookups.endpoint(number)

    def ping(self, endpoint_id: str) -> DeliveryView:
        """Send an endpoint a `ping`. NotFoundError, ConflictError."""
        view = self._enabled(endpoint_id)
        now = self._clock()
        event = OutboundEvent(PING, now, {"endpoint_id": view["id"]})
        with self._store.write() as tx:
            number = ids.number_of(ids.WEBHOOK_ENDPOINT, endpoint_id)
            delivery = tx.webhook_deliveries.send_one(number, event, now)
        return self._lookups.delivery(delivery)

    def replay(self, endpoint_id: str, which: Replay) -> ReplayedView:
        """Tell an endpoint again what happened in a time. NotFoundError, ConflictError."""
        view = self._enabled(endpoint_id)
        number = ids.number_of(ids.WEBHOOK_ENDPOINT, endpoint_id)
        with self._store.write() as tx:
            tx.webhook_endpoints.hold([number])
            count = tx.webhook_deliveries.replay(number, view["events"], which, self._clock())
        return {"replayed": count}

    def replay_one(self, delivery_id: str) -> DeliveryView:
        """Make one delivery again, at once. NotFoundError, ConflictError."""
        number = ids.number_of(ids.WEBHOOK_DELIVERY, delivery_id)
        self._enabled(self._lookups.delivery(number)["endpoint_id"])
        with self._store.write() as tx:
            if not tx.webhook_deliveries.replay_one(number, self._clock()):
                raise ConflictError(_UNDER_WAY)
        return self._lookups.delivery(number)

    def _enabled(self, endpoint_id: str) -> EndpointView:
        view = self.endpoint(endpoint_id)
        if view["disabled_at"] is not None:
            raise ConflictError(_DISABLED)
        return view
