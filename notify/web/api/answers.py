"""How answers are written: compact JSON that no cache keeps."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Response, request

from notify.domain.packed_json import PackedJson
from notify.domain.views import MessageSummary, NotificationView

JSON = "application/json"


def to_json(body: object) -> bytes:
    """Return compact UTF-8 JSON, keys in their given order; raises ValueError for NaN."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(
        "utf-8", "replace"
    )


def answer(body: object, status: int = 200, *, content_type: str = JSON) -> Response:
    """Return `body` as a JSON answer. Answers hold personal data: they are not to be kept by caches."""
    response = Response(to_json(body), status, content_type=content_type)
    response.headers["Cache-Control"] = "no-store"
    return response


def nothing() -> Response:
    """Return the answer to what was done and leaves nothing to say."""
    response = Response(status=HTTPStatus.NO_CONTENT)
    del response.headers["Content-Type"]
    return response


def sent_whole(body: PackedJson) -> Response:
    """Return an answer that may be large: its length is known, so that a broken one is known to be broken."""
    zipped = request.accept_encodings.quality("gzip") > 0
    packed = body.packed()
    response = Response(packed if zipped else body.pieces(), content_type=JSON, direct_passthrough=True)
    response.content_length = sum(map(len, packed)) if zipped else body.length
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    response.headers["Cache-Control"] = "no-store"
    return response


def notification_body(view: NotificationView) -> dict[str, Any]:
    """Return a notification with its names in their declared order.

    A saved answer comes back from PostgreSQL's jsonb in another order, and a repeated request is promised
    the same bytes.
    """
    messages = [_ordered(MessageSummary, message) for message in view["messages"]]
    return {**_ordered(NotificationView, view), "messages": messages}


def _ordered(shape: type, view: Mapping[str, Any]) -> dict[str, Any]:
    return {name: view[name] for name in shape.__annotations__}


def listed(items: list[Any]) -> Mapping[str, Any]:
    """Return a list that is complete in one page."""
    return {"items": items, "next_cursor": None}
