"""Which error is which HTTP status, and what is said of it: the only place that knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from notify.domain.errors import (
    ConflictError,
    IdempotencyInProgressError,
    IdempotencyMismatchError,
    InvalidRequestError,
    InvalidTokenError,
    NotFoundError,
    NotifyError,
    TooManyRequestsError,
    UnavailableError,
)
from notify.web.refusals import (
    BodyTooLargeError,
    ForbiddenError,
    MalformedBodyError,
    UnauthenticatedError,
    UnsupportedBodyError,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its status, its name in `type`, and what its answer says.

    `detail` None: the error's own text is made for the caller. `advice` stands in the documentation.
    """

    status: HTTPStatus
    name: str
    title: str
    detail: str | None
    advice: str


KINDS: Final[Mapping[type[NotifyError], Kind]] = {
    InvalidRequestError: Kind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid-request",
        "The request breaks a rule",
        None,
        "Correct what `errors` names; nothing was done.",
    ),
    MalformedBodyError: Kind(
        HTTPStatus.BAD_REQUEST,
        "malformed-body",
        "The body is not JSON",
        None,
        "Send one JSON value in UTF-8.",
    ),
    UnauthenticatedError: Kind(
        HTTPStatus.UNAUTHORIZED,
        "unauthenticated",
        "No valid API key",
        "Send an API key that is known, not revoked and not expired, as Authorization: Bearer <key>.",
        "Make a key with `notify keys create`.",
    ),
    ForbiddenError: Kind(
        HTTPStatus.FORBIDDEN,
        "forbidden",
        "The API key may not do this",
        None,
        "Use a key that has one of the scopes named.",
    ),
    NotFoundError: Kind(
        HTTPStatus.NOT_FOUND,
        "not-found",
        "Not found",
        "There is nothing of that name, or no longer.",
        "Ids are opaque: use them as they were answered. What was erased is gone.",
    ),
    InvalidTokenError: Kind(
        HTTPStatus.NOT_FOUND, "not-found", "Not found", "There is nothing of that name, or no longer.", ""
    ),
    ConflictError: Kind(
        HTTPStatus.CONFLICT,
        "conflict",
        "Its state forbids it",
        None,
        "Look at its status first.",
    ),
    TooManyRequestsError: Kind(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too-many-requests",
        "Asked for too often",
        "This person was asked to confirm something a moment ago, or too often today.",
        "Wait for `Retry-After` seconds. It protects people from a flood of confirmations.",
    ),
    IdempotencyInProgressError: Kind(
        HTTPStatus.CONFLICT,
        "idempotency-in-progress",
        "The first request is still in progress",
        "The first request with this Idempotency-Key has not been answered yet.",
        "Repeat the request a little later, unchanged.",
    ),
    IdempotencyMismatchError: Kind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "idempotency-mismatch",
        "The Idempotency-Key was used before, with another request",
        "Use a new Idempotency-Key for a new request, and the same one only to repeat a request unchanged.",
        "One key stands for one request, body included.",
    ),
    BodyTooLargeError: Kind(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "body-too-large",
        "The body is too large",
        None,
        "Split the batch.",
    ),
    UnsupportedBodyError: Kind(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "unsupported-body",
        "The body is of a type that is not read here",
        None,
        "Send Content-Type: application/json, uncompressed, in UTF-8.",
    ),
    UnavailableError: Kind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "unavailable",
        "Unavailable for the moment",
        "The database cannot be reached; repeat the request, best with an Idempotency-Key.",
        "Wait for `Retry-After` seconds, then repeat; with an Idempotency-Key nothing happens twice.",
    ),
}

INTERNAL: Final = Kind(
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "internal",
    "Something went wrong here",
    "The error was logged under the request id.",
    "Quote the request id to the operators.",
)

OF_HTTP: Final[Mapping[HTTPStatus, Kind]] = {
    kind.status: kind
    for kind in (
        Kind(
            HTTPStatus.BAD_REQUEST,
            "malformed-request",
            "The request cannot be read",
            "The request is not of the form that is read here.",
            "Of a webhook: its body is not what the provider posts.",
        ),
        Kind(
            HTTPStatus.FORBIDDEN,
            "webhook-refused",
            "The webhook is not accepted",
            "Either this webhook is not set up, or the post is not signed by the provider's account.",
            "Set the provider's key or token, and the address that the provider posts to, as the guide says.",
        ),
        Kind(
            HTTPStatus.NOT_FOUND,
            "no-such-path",
            "No such path",
            "Nothing is served under this path.",
            "Look the path up in the description; paths have no slash at their end, and none twice.",
        ),
        Kind(
            HTTPStatus.METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "The path is not for this method",
            "The header Allow names the methods of this path.",
            "Use one of the methods that `Allow` names.",
        ),
        Kind(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "body-too-large",
            "The body is too large",
            "The body is larger than what is read here.",
            "",
        ),
    )
}
"""What routing and webhooks refuse, by status."""
