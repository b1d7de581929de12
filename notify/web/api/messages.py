"""Messages: did she get it, and why not."""

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response

from notify.domain.errors import NotFoundError
from notify.store.lookups import Lookups
from notify.usecases.api_keys import Caller, KeyScope
from notify.web.api import shapes
from notify.web.api.answers import answer
from notify.web.api.auth import Door
from notify.web.api.operations import Operation, Parameter, Routes, refuse_parameter
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

READERS: Final = (KeyScope.READ, KeyScope.SEND, KeyScope.CAMPAIGNS)
READ_ALL: Final = (KeyScope.READ, KeyScope.SEND)
"""Who may read messages of notifications too."""

GET: Final = Operation(
    id="getMessage",
    method="GET",
    path="/v1/messages/{message_id}",
    tag="Messages",
    summary="Look one message up",
    description=(
        "One notification on one channel to one address: its status with an explanation in one sentence, what"
        " was tried, what the provider reported, and on what basis it was sent. Keys of the scope `campaigns`"
        " alone see those of campaigns only."
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
    description=(
        "Newest first, of notifications and of campaigns alike. Keys of the scope `campaigns` alone name"
        " a campaign."
    ),
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

    def get(self, caller: Caller, message_id: str) -> Response:
        query = read_query(GET)
        found = self.lookups.message(message_id, query.get("locale") or language())
        if found["campaign_id"] is None and not _reads_all(caller):
            raise NotFoundError("a message of a notification")
        return answer(found)

    def list(self, caller: Caller) -> Response:
        query = read_query(LIST)
        if "campaign_id" not in query and not _reads_all(caller):
            raise refuse_parameter("campaign_id", "is required: the key has the scope campaigns alone")
        return answer(self.lookups.messages(**{"limit": DEFAULT_LIMIT, "locale": language(), **query}))


def _reads_all(caller: Caller) -> bool:
    return any(caller.may(scope) for scope in READ_ALL)


def messages_blueprint(door: Door, *, lookups: Lookups) -> Blueprint:
    """Return the calls on messages."""
    views = _Messages(lookups)
    routes = Routes("messages", door)
    routes.add(LIST, views.list)
    routes.add(GET, views.get)
    return routes.blueprint


OPERATIONS: Final = (LIST, GET)
