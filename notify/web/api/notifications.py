"""Notifications: send one, send many, look them up, cancel."""

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response

from notify.domain.errors import InvalidRequestError
from notify.domain.requests import Lane
from notify.ports import Templates
from notify.store.lookups import Lookups
from notify.usecases.api_keys import Caller, KeyScope
from notify.usecases.notifications.accept import AcceptNotifications
from notify.usecases.notifications.cancel import CancelNotification
from notify.web.api import examples, shapes
from notify.web.api.answers import answer, notification_body
from notify.web.api.auth import Door
from notify.web.api.batches import batch_answer, batch_items
from notify.web.api.bodies import read_body
from notify.web.api.catalogue import identifiers_in
from notify.web.api.idempotency import IDEMPOTENCY_KEY, idempotency_of
from notify.web.api.models import Notification, NotificationBatch
from notify.web.api.operations import BODY_ERRORS, Operation, Parameter, Routes
from notify.web.api.parsing import guarded, notification_request
from notify.web.api.queries import CURSOR, DEFAULT_LIMIT, LIMIT, RECIPIENT_ID, STATUS, read_query
from notify.web.turns import Turns

TAG: Final = "Notifications"
READERS: Final = (KeyScope.READ, KeyScope.SEND)
_AT_ONCE: Final = 3
_PATIENCE_SECONDS: Final = 0.05

SEND: Final = Operation(
    id="sendNotification",
    method="POST",
    path="/v1/notifications",
    tag=TAG,
    summary="Send one notification",
    description=(
        "Accepts one template for one recipient. Once answered with 202 it is durable. Each message is"
        " checked again right before it leaves: whoever has unsubscribed by then gets nothing."
    ),
    scopes=(KeyScope.SEND,),
    status=202,
    request=Notification,
    response=shapes.NotificationAnswer,
    parameters=(IDEMPOTENCY_KEY,),
    examples=examples.NOTIFICATION,
    errors=(*BODY_ERRORS, 409),
)
SEND_BATCH: Final = Operation(
    id="sendNotifications",
    method="POST",
    path="/v1/notifications/batch",
    tag=TAG,
    summary="Send up to 1,000 notifications",
    description=(
        "Each is accepted or refused by itself; results come in the order given. Pointers in errors start at"
        " the root of the body. Single notifications go ahead of batches."
    ),
    scopes=(KeyScope.SEND,),
    status=207,
    request=NotificationBatch,
    response=shapes.BatchAnswer,
    parameters=(IDEMPOTENCY_KEY,),
    examples=examples.BATCH,
    errors=(*BODY_ERRORS, 409),
)
GET: Final = Operation(
    id="getNotification",
    method="GET",
    path="/v1/notifications/{notification_id}",
    tag=TAG,
    summary="Look one notification up",
    description="The notification and where its messages are.",
    scopes=READERS,
    response=shapes.NotificationAnswer,
    errors=(404,),
)
LIST: Final = Operation(
    id="listNotifications",
    method="GET",
    path="/v1/notifications",
    tag=TAG,
    summary="Look notifications up",
    description="Newest first, by reference, recipient and status.",
    scopes=READERS,
    response=shapes.NotificationList,
    parameters=(
        Parameter("reference", "Only those of this reference.", {"type": "string"}),
        RECIPIENT_ID,
        STATUS,
        CURSOR,
        LIMIT,
    ),
    errors=(422,),
)
CANCEL: Final = Operation(
    id="cancelNotification",
    method="POST",
    path="/v1/notifications/{notification_id}/cancel",
    tag=TAG,
    summary="Cancel what has not left",
    description=(
        "Cancels the messages that no provider was called for yet, and answers what became of each."
        " May be repeated."
    ),
    scopes=(KeyScope.SEND,),
    response=shapes.NotificationAnswer,
    errors=(404, 409),
)


@dataclass(frozen=True, slots=True)
class _Notifications:
    """The views; each translates, calls one use case, and answers."""

    accept: AcceptNotifications
    cancel: CancelNotification
    lookups: Lookups
    templates: Templates
    turns: Turns

    def send(self, caller: Caller) -> Response:
        body = read_body()
        item = body.checked()
        given = guarded(Notification, body, identifiers_in(self.templates, item))
        wanted, idempotency = notification_request(given), idempotency_of(item, test=caller.test)
        with self.turns.one():
            (result,) = self.accept([wanted], lane=Lane.URGENT, idempotency=idempotency, test=caller.test)
        if isinstance(result, InvalidRequestError):
            raise result
        return answer(notification_body(result), SEND.status)

    def send_batch(self, caller: Caller) -> Response:
        body = read_body()
        items = batch_items(body, self.templates)
        idempotency = idempotency_of(body.value, test=caller.test)
        results = self.accept(items, lane=Lane.NORMAL, idempotency=idempotency, test=caller.test)
        return answer(batch_answer(results), SEND_BATCH.status)

    def get(self, _caller: Caller, notification_id: str) -> Response:
        return answer(self.lookups.notification(notification_id))

    def list(self, _caller: Caller) -> Response:
        query = read_query(LIST)
        return answer(self.lookups.notifications(**{"limit": DEFAULT_LIMIT, **query}))

    def cancel_one(self, _caller: Caller, notification_id: str) -> Response:
        return answer(self.cancel(notification_id))


def notifications_blueprint(
    door: Door,
    *,
    accept: AcceptNotifications,
    cancel: CancelNotification,
    lookups: Lookups,
    templates: Templates,
) -> Blueprint:
    """Return the calls on notifications."""
    views = _Notifications(accept, cancel, lookups, templates, Turns(_AT_ONCE, _PATIENCE_SECONDS))
    routes = Routes("notifications", door)
    routes.add(SEND, views.send)
    routes.add(SEND_BATCH, views.send_batch)
    routes.add(LIST, views.list)
    routes.add(GET, views.get)
    routes.add(CANCEL, views.cancel_one)
    return routes.blueprint


OPERATIONS: Final = (SEND, SEND_BATCH, LIST, GET, CANCEL)
