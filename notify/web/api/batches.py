"""Batches of notifications: each item is read by itself, so that a bad one leaves the rest alone."""

import re
from collections import defaultdict
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final

from pydantic import Field

from notify.domain.errors import FieldProblem, InvalidRequestError
from notify.domain.requests import NotificationRequest
from notify.domain.views import NotificationView
from notify.ports import Templates
from notify.web.api.answers import notification_body
from notify.web.api.bodies import TOO_DEEP, Body
from notify.web.api.catalogue import identifiers_in
from notify.web.api.models import MAX_BATCH, Given, Notification
from notify.web.api.parsing import checked, guarded, notification_request, prefixed, presentable
from notify.web.errors import problem_of

_ITEM: Final = re.compile(r"/notifications/(\d+)(?=/|$)")


class _Frame(Given):
    """A batch before its items are looked at."""

    notifications: Annotated[list[Any], Field(min_length=1, max_length=MAX_BATCH)]


def batch_items(body: Body, templates: Templates) -> list[NotificationRequest | InvalidRequestError]:
    """Read every item of a batch: as a request, or as what is wrong with it (pointers relative to the item).

    InvalidRequestError if the batch itself is not one.
    """
    of_items: defaultdict[int, list[FieldProblem]] = defaultdict(list)
    of_frame = []
    for problem in body.problems:
        item = _ITEM.match(problem.pointer)
        if item is None or problem.detail == TOO_DEEP:
            of_frame.append(problem)
        else:
            of_items[int(item[1])].append(FieldProblem(problem.pointer[item.end() :], problem.detail))
    if of_frame:
        raise InvalidRequestError(presentable(of_frame))
    frame = checked(_Frame, body.value)
    return [
        _item(Body(value, tuple(of_items[index])), templates)
        for index, value in enumerate(frame.notifications)
    ]


def _item(body: Body, templates: Templates) -> NotificationRequest | InvalidRequestError:
    try:
        given = guarded(Notification, body, identifiers_in(templates, body.value))
    except InvalidRequestError as error:
        return error
    return notification_request(given)


def batch_answer(results: Sequence[NotificationView | InvalidRequestError]) -> dict[str, Any]:
    """Return the results of a batch as they are answered, in order."""
    return {"results": [_result(index, result) for index, result in enumerate(results)]}


def _result(index: int, result: NotificationView | InvalidRequestError) -> dict[str, Any]:
    if isinstance(result, InvalidRequestError):
        error = InvalidRequestError(prefixed(f"/notifications/{index}", result.problems))
        return {"status": int(HTTPStatus.UNPROCESSABLE_ENTITY), "error": problem_of(error)}
    return {"status": int(HTTPStatus.ACCEPTED), "notification": notification_body(result)}
