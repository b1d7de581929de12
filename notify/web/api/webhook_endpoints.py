"""Webhook endpoints: where the shop is told what happens, and what it was told."""

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response

from notify.domain.outbound import ANY_MESSAGE, EVENT_TYPES, EVERYTHING
from notify.store.webhooks import Replay
from notify.usecases.api_keys import Caller, KeyScope
from notify.usecases.outbound_webhooks.endpoints import WebhookDesk
from notify.web.api import webhook_models as models
from notify.web.api.answers import answer, listed, nothing
from notify.web.api.auth import Door
from notify.web.api.bodies import read_body, read_body_if_any
from notify.web.api.fields import one_of
from notify.web.api.operations import BODY_ERRORS, Operation, Parameter, Routes
from notify.web.api.parsing import guarded
from notify.web.api.queries import CURSOR, DEFAULT_LIMIT, LIMIT, read_query

TAG: Final = "Webhook endpoints"
SCOPES: Final = (KeyScope.ADMIN,)
PATH: Final = "/v1/webhook-endpoints"
ONE: Final = f"{PATH}/{{endpoint_id}}"

CREATE: Final = Operation(
    id="createWebhookEndpoint",
    method="POST",
    path=PATH,
    tag=TAG,
    summary="Have an address told what happens",
    description=(
        "Signed as Standard Webhooks says, with the `secret` that is shown this once. Whatever happens once"
        " this is answered is told. At most 20."
    ),
    scopes=SCOPES,
    status=201,
    request=models.EndpointGiven,
    response=models.EndpointWithSecretAnswer,
    examples=models.ENDPOINT,
    errors=(*BODY_ERRORS, 409),
)
LIST: Final = Operation(
    id="listWebhookEndpoints",
    method="GET",
    path=PATH,
    tag=TAG,
    summary="List webhook endpoints",
    description="All of them, oldest first, without their secrets.",
    scopes=SCOPES,
    response=models.EndpointList,
    errors=(422,),
)
GET: Final = Operation(
    id="getWebhookEndpoint",
    method="GET",
    path=ONE,
    tag=TAG,
    summary="Look at a webhook endpoint",
    description="And whether it works.",
    scopes=SCOPES,
    response=models.EndpointAnswer,
    errors=(404,),
)
DELETE: Final = Operation(
    id="deleteWebhookEndpoint",
    method="DELETE",
    path=ONE,
    tag=TAG,
    summary="Delete a webhook endpoint",
    description="What waits for it goes too.",
    scopes=SCOPES,
    status=204,
    errors=(404,),
)
ROTATE: Final = Operation(
    id="rotateWebhookSecret",
    method="POST",
    path=f"{ONE}/rotate-secret",
    tag=TAG,
    summary="Change the secret of a webhook endpoint",
    description="The one before signs along for 24 hours: the header holds both signatures meanwhile.",
    scopes=SCOPES,
    request=models.SecretGiven,
    body_required=False,
    response=models.EndpointWithSecretAnswer,
    examples={"A new one, made here": {}},
    errors=(*BODY_ERRORS, 404),
)
ENABLE: Final = Operation(
    id="enableWebhookEndpoint",
    method="POST",
    path=f"{ONE}/enable",
    tag=TAG,
    summary="Enable a webhook endpoint",
    description=(
        "One that answered 410, or failed for five days, is disabled. What it missed is not kept, but what"
        " waited when it was disabled can be replayed."
    ),
    scopes=SCOPES,
    response=models.EndpointAnswer,
    errors=(404,),
)
TEST: Final = Operation(
    id="testWebhookEndpoint",
    method="POST",
    path=f"{ONE}/test",
    tag=TAG,
    summary="Send a ping to a webhook endpoint",
    description="An event of type `ping`, whatever it listens to.",
    scopes=SCOPES,
    status=202,
    response=models.DeliveryAnswer,
    errors=(404, 409),
)
DELIVERIES: Final = Operation(
    id="listWebhookDeliveries",
    method="GET",
    path=f"{ONE}/deliveries",
    tag=TAG,
    summary="Look at what a webhook endpoint was told",
    description="Newest first; kept for 30 days.",
    scopes=SCOPES,
    response=models.DeliveryList,
    parameters=(
        Parameter("status", "Only those in this status.", one_of(("waiting", "delivered", "given_up"))),
        CURSOR,
        LIMIT,
    ),
    errors=(404, 422),
)
REPLAY: Final = Operation(
    id="replayWebhookEndpoint",
    method="POST",
    path=f"{ONE}/replay",
    tag=TAG,
    summary="Tell a webhook endpoint again",
    description="What happened in a time, or what of it was given up; also what only others were told.",
    scopes=SCOPES,
    status=202,
    request=models.ReplayGiven,
    response=models.ReplayedAnswer,
    examples=models.REPLAY,
    errors=(*BODY_ERRORS, 404, 409),
)
REPLAY_ONE: Final = Operation(
    id="replayWebhookDelivery",
    method="POST",
    path="/v1/webhook-deliveries/{delivery_id}/replay",
    tag=TAG,
    summary="Make a delivery again",
    description="At once, and with as many tries as a new one has.",
    scopes=SCOPES,
    status=202,
    response=models.DeliveryAnswer,
    errors=(404, 409),
)


@dataclass(frozen=True, slots=True)
class _Webhooks:
    """The views on webhook endpoints."""

    desk: WebhookDesk

    def create(self, _caller: Caller) -> Response:
        given = guarded(models.EndpointGiven, read_body())
        made = self.desk.create(given.url, given.events, given.description, given.secret)
        return answer(made, CREATE.status)

    def list(self, _caller: Caller) -> Response:
        read_query(LIST)
        return answer(listed(list(self.desk.endpoints())))

    def get(self, _caller: Caller, endpoint_id: str) -> Response:
        return answer(self.desk.endpoint(endpoint_id))

    def delete(self, _caller: Caller, endpoint_id: str) -> Response:
        self.desk.delete(endpoint_id)
        return nothing()

    def rotate(self, _caller: Caller, endpoint_id: str) -> Response:
        given = guarded(models.SecretGiven, read_body_if_any())
        return answer(self.desk.rotate(endpoint_id, given.secret))

    def enable(self, _caller: Caller, endpoint_id: str) -> Response:
        return answer(self.desk.enable(endpoint_id))

    def test(self, _caller: Caller, endpoint_id: str) -> Response:
        return answer(self.desk.ping(endpoint_id), TEST.status)

    def deliveries(self, _caller: Caller, endpoint_id: str) -> Response:
        query = {"limit": DEFAULT_LIMIT, **read_query(DELIVERIES)}
        return answer(self.desk.deliveries(endpoint_id, **query))

    def replay(self, _caller: Caller, endpoint_id: str) -> Response:
        given = guarded(models.ReplayGiven, read_body())
        types = _types(given.types) if given.types is not None else None
        which = Replay(given.since, given.until, types, given.failed_only)
        return answer(self.desk.replay(endpoint_id, which), REPLAY.status)

    def replay_one(self, _caller: Caller, delivery_id: str) -> Response:
        return answer(self.desk.replay_one(delivery_id), REPLAY_ONE.status)


def _types(events: list[str]) -> list[str] | None:
    """Return the types that patterns mean; None for all."""
    if EVERYTHING in events:
        return None
    messages = [one for one in EVENT_TYPES if one.startswith("message.")] if ANY_MESSAGE in events else []
    return [*events, *messages]


def webhook_endpoints_blueprint(door: Door, *, desk: WebhookDesk) -> Blueprint:
    """Return the calls on webhook endpoints."""
    views = _Webhooks(desk)
    routes = Routes("webhook_endpoints", door)
    routes.add(CREATE, views.create)
    routes.add(LIST, views.list)
    routes.add(GET, views.get)
    routes.add(DELETE, views.delete)
    routes.add(ROTATE, views.rotate)
    routes.add(ENABLE, views.enable)
    routes.add(TEST, views.test)
    routes.add(DELIVERIES, views.deliveries)
    routes.add(REPLAY, views.replay)
    routes.add(REPLAY_ONE, views.replay_one)
    return routes.blueprint


OPERATIONS: Final = (
    CREATE, LIST, GET, DELETE, ROTATE, ENABLE, TEST, DELIVERIES, REPLAY, REPLAY_ONE,
)  # fmt: skip
