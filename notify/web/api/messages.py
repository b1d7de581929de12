"""Messages: did she get it, and why not."""

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response

from notify.usecases.api_keys import Caller, KeyScope
from notify.usecases.lookups import Lookups
from notify.web.api import shapes
from notify.web.api.answers import answer
from notify.web.api.auth import Door
from notify.web.api.operations import Operation, Parameter, Routes
from notify.web.api.queries import (
    CURSOR,
    DEFAULT_LIMIT,
    LIMIT,
    LOCALE,
    RECIPIENT_ID,
    STATUS,
    language,
    read_query,
)

READERS: Final = (KeyScope.READ, KeyScope.SEND)

GET: Final = Operation(
    id="getMessage",
    method="GET",
    path="/v1/messages/{message_id}",
    tag="Messages",
    summary="Look one message up",
    description=(
        "One notification on one channel to one address: its status with an explanation in one sentence, what"
        " was tried, what the provider reported, and on what basis it was sent."
    ),
    scopes=READERS,
    response=shapes.MessageAnswer,
    parameters=(LOCALE,),
    errors=(404, 422),
)
LIST: Final = Operation(
    id="listMessages",
    method="GET",
    path="/v1/messages",
    tag="Messages",
    summary="Look messages up",
    description="Newest first, of notifications and of campaigns alike.",
    scopes=READERS,
    response=shapes.MessageList,
    parameters=(
        RECIPIENT_ID,
        Parameter("campaign_id", "Only those of this campaign.", {"type": "string"}),
        STATUS,
        LOCALE,
        CURSOR,
        LIMIT,
    ),
    errors=(422,),
)


@dataclass(frozen=True, slots=True)
class _Messages:
    """The views on messages."""

    lookups: Lookups

    def get(self, _caller: Caller, message_id: str) -> Response:
        query = read_query(GET)
        return answer(self.lookups.message(message_id, query.get("locale") or language()))

    def list(self, _caller: Caller) -> Response:
        query = read_query(LIST)
        return answer(self.lookups.messages(**{"limit": DEFAULT_LIMIT, "locale": language(), **query}))


def messages_blueprint(door: Door, *, lookups: Lookups) -> Blueprint:
    """Return the calls on messages."""
    views = _Messages(lookups)
    routes = Routes("messages", door)
    routes.add(LIST, views.list)
    routes.add(GET, views.get)
    return routes.blueprint


OPERATIONS: Final = (LIST, GET)
