"""From checked JSON to the domain's own values, with every problem named at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar, cast

from pydantic import BaseModel, ValidationError

from notify.domain.catalogue import Channel
from notify.domain.data_guard import violations
from notify.domain.errors import FieldProblem, InvalidRequestError
from notify.domain.recipients import PolicyAcceptance, ProfilePatch
from notify.domain.requests import NotificationRequest, Proof, RecipientInput
from notify.web.api.bodies import MAX_PROBLEMS, Body, pointer_to, refuse
from notify.web.api.models import AddressSearch, Notification, ProofGiven, RecipientProfile

G = TypeVar("G", bound=BaseModel)

# pydantic's own words for its errors may quote the input; these never do.
_WORDS: Final[Mapping[str, str]] = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request",
    "string_type": "must be a string",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "has the wrong form",
    "string_unicode": "is not valid text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "list_type": "must be a list",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "enum": "must be one of {expected}",
    "value_error": "{error}",
}


# pydantic reports a wrong key of a map at the key, with this mark, which is no part of the path.
_KEY_MARK: Final = "[key]"


def checked(kind: type[G], value: object) -> G:
    """Check `value` against a model alone. InvalidRequestError names all that is wrong."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise InvalidRequestError(presentable(_problems(error))) from None


def guarded(kind: type[G], body: Body, identifiers: Iterable[str] = ()) -> G:
    """Check a body as JSON, against the data guard and against its model, and name all problems together."""
    if body.problems:
        raise InvalidRequestError(presentable(body.problems))
    found = violations(body.value, identifier_pointers=frozenset(identifiers))
    try:
        given = kind.model_validate(body.value)
    except ValidationError as error:
        raise InvalidRequestError(presentable([*found, *_problems(error)])) from None
    if found:
        raise InvalidRequestError(presentable(found))
    return given


def presentable(problems: Iterable[FieldProblem]) -> list[FieldProblem]:
    """Return each problem once, no more than a reader can use, and no pointer that repeats what is barred."""
    shown = (FieldProblem(_harmless(item.pointer), item.detail) for item in problems)
    return list(dict.fromkeys(shown))[:MAX_PROBLEMS]


def _harmless(pointer: str) -> str:
    while violations(pointer):
        pointer = pointer.rpartition("/")[0]
    return pointer


def prefixed(prefix: str, problems: Sequence[FieldProblem]) -> list[FieldProblem]:
    """Return the problems with pointers that start at the root of the body."""
    return [FieldProblem(prefix + problem.pointer, problem.detail) for problem in problems]


def _problems(error: ValidationError) -> list[FieldProblem]:
    found = []
    for item in error.errors(include_url=False, include_input=False)[:MAX_PROBLEMS]:
        words = _WORDS.get(item["type"], "is not valid")
        location = [token for token in item["loc"] if token != _KEY_MARK]
        found.append(FieldProblem(pointer_to(*location), words.format_map(item.get("ctx", {}))))
    return found


def notification_request(given: Notification) -> NotificationRequest:
    """Translate a notification."""
    return NotificationRequest(
        template=given.template,
        recipient=recipient_input(given.recipient.id, given.recipient),
        data=given.data,
        channels=tuple(given.channels) if given.channels else None,
        routing=given.routing,
        send_at=given.send_at,
        expires_at=given.expires_at,
        reference=given.reference,
    )


_PLAIN_FIELDS: Final = (
    "email", "phone", "name", "locale", "country", "timezone", "customer_since", "attributes",
)  # fmt: skip


def recipient_input(recipient_id: str, given: RecipientProfile) -> RecipientInput:
    """Translate what is given of a recipient; what was left out stays left out."""
    fields, told = given.__dict__, given.model_fields_set
    patch = {name: fields[name] for name in _PLAIN_FIELDS if name in told}
    consent = None
    if given.consent is not None:
        consent = PolicyAcceptance(
            given.consent.policy_version, given.consent.accepted_at, given.consent.source
        )
    return RecipientInput(recipient_id, cast("ProfilePatch", patch), consent)


def searched_for(given: AddressSearch) -> tuple[Channel, str]:
    """Return the one address that is looked for. InvalidRequestError."""
    if given.email is not None and given.phone is None:
        return Channel.EMAIL, given.email
    if given.phone is not None and given.email is None:
        return Channel.SMS, given.phone
    return refuse("", "must hold either email or phone")


def proof_input(given: ProofGiven | None) -> Proof | None:
    """Translate a proof, if there is one."""
    if given is None:
        return None
    return Proof(
        given.source,
        given.wording,
        given.ip,
        given.user_agent,
        given.obtained_at,
        given.double_opt_in_at,
    )
