"""A shop that is told what happens: its endpoint on the loopback, and the real use cases that call it."""

import base64
import hashlib
import hmac
from typing import Any

from notify.domain.webhook_signatures import key_of
from notify.domain.webhook_urls import UrlRule
from notify.domain.webhook_views import DeliveryView, EndpointWithSecretView
from notify.providers.shop_endpoints import ShopEndpoints
from notify.storage.webhook_lookups import SqlWebhookLookups
from notify.usecases.outbound_webhooks.endpoints import WebhookDesk
from tests.loopback.server import HttpLoopback, Received, Reply
from tests.world import World

TIMEOUT_SECONDS = 1.0


class ShopServer(HttpLoopback):
    """Takes everything, but for what a test scripts."""

    def answer(self, call: Received) -> Reply:
        return Reply(204)

    @property
    def told(self) -> list[dict[str, Any]]:
        return [call.json for call in self.received]

    @property
    def types(self) -> list[str]:
        return [body["type"] for body in self.told]


class Telling:
    """The desk of webhook endpoints in a test's world, and who calls them."""

    def __init__(self, world: World) -> None:
        self.world = world
        parts = world.parts
        calls = parts.shop_endpoints = ShopEndpoints(UrlRule(loopback=True), timeout=TIMEOUT_SECONDS)
        self.desk = WebhookDesk(
            store=parts.store,
            calls=calls,
            lookups=SqlWebhookLookups(parts.engine, parts.vault),
            clock=world.clock,
            until_known=lambda: None,  # there is one process, which knows
        )
        self.tell = parts.tell_endpoints

    def endpoint(self, shop: ShopServer, *events: str, path: str = "/hook") -> EndpointWithSecretView:
        return self.desk.create(shop.url + path, events or ("*",), None, None)

    def deliveries(self, endpoint_id: str, status: str | None = None) -> list[DeliveryView]:
        items: list[DeliveryView] = self.desk.deliveries(endpoint_id, status=status)["items"]
        return items


def signed_by(call: Received, secret: str) -> bool:
    """Whether one of the signatures of a call is by a secret, reckoned as its receiver would."""
    signed = f"{call.headers['webhook-id']}.{call.headers['webhook-timestamp']}.".encode() + call.body
    digest = hmac.new(key_of(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}" in call.headers["webhook-signature"].split(" ")
