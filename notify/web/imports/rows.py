"""What a row of an import holds: a recipient, and the choices and suppressions that come along."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, WithJsonSchema

from notify.domain.catalogue import Channel
from notify.domain.errors import FieldProblem, InvalidRequestError
from notify.domain.imports import BarredFor, ImportedRow, RefusedRow
from notify.domain.requests import Choice
from notify.web.api.bodies import Body
from notify.web.api.fields import one_of
from notify.web.api.models import MAX_CHOICES, ChoiceGiven, ProofGiven, Recipient
from notify.web.api.parsing import guarded, proof_input, recipient_input

_NO_LIST: Final = "must be true, false or a list of channels"
_NO_CHANNEL: Final = (
    f"each must be a channel ({', '.join(Channel)}), or an object of channel and reason"
    f" ({', '.join(BarredFor)})"
)

Suppressed = dict[Channel, BarredFor]


def _suppressed(value: Any) -> bool | Suppressed:  # noqa: ANN401 - JSON is anything
    if isinstance(value, bool):
        return value
    if not isinstance(value, list):
        raise ValueError(_NO_LIST)  # noqa: TRY004 - pydantic reports ValueErrors
    found = {}
    for item in value:
        given = {"channel": item} if isinstance(item, str) else item
        if not isinstance(given, dict) or not given.keys() <= {"channel", "reason"}:
            raise ValueError(_NO_CHANNEL)
        try:
            found[Channel(given["channel"])] = BarredFor(given.get("reason", BarredFor.MANUAL))
        except (KeyError, ValueError):
            raise ValueError(_NO_CHANNEL) from None
    return found


_ONE_BARRED: Final = {
    "anyOf": [
        one_of(Channel),
        {
            "type": "object",
            "properties": {"channel": one_of(Channel), "reason": one_of(BarredFor)},
            "required": ["channel"],
            "additionalProperties": False,
        },
    ]
}
SuppressedGiven = Annotated[
    Any,
    AfterValidator(_suppressed),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "array", "items": _ONE_BARRED}]}),
]


class ImportedPreference(ChoiceGiven):
    """One preference as the person wants it, and how that is known."""

    proof: ProofGiven | None = None
    """Needed to opt in, here or for the whole row."""


class ImportedRecipient(Recipient):
    """A recipient, with the choices and suppressions that the old tool knew.

    Nothing in a row takes an opt-out or a suppression back.
    """

    preferences: Annotated[list[ImportedPreference], Field(max_length=MAX_CHOICES)] = Field(
        default_factory=list
    )
    """An opt-in is left out where the person, or the address, has opted out here."""
    proof: ProofGiven | None = None
    """For the preferences of this row that have none of their own."""
    suppressed: Annotated[SuppressedGiven, Field(examples=[True])] = False
    """Addresses of this row that are barred from marketing: `true` for all of them, or a list of channels,
    each alone or with its `reason`. A `hard_bounce` bars the address from everything."""


def read_row(line: int, body: Body) -> ImportedRow | RefusedRow:
    """Check one row against its model and the data guard."""
    try:
        given = guarded(ImportedRecipient, body)
    except InvalidRequestError as error:
        return RefusedRow(line, error.problems)
    recipient = recipient_input(given.id, given)
    if not given.preferences and not given.suppressed:
        return ImportedRow(line, recipient)
    suppressed = given.suppressed
    if suppressed is True:
        addresses = {Channel.EMAIL: given.email, Channel.SMS: given.phone}
        suppressed = {channel: BarredFor.MANUAL for channel, address in addresses.items() if address}
        if not suppressed:
            return RefusedRow(line, (FieldProblem("/suppressed", "the row has no address to suppress"),))
    choices = tuple(
        (Choice(one.topic, one.channel, one.subscribed), proof_input(one.proof or given.proof))
        for one in given.preferences
    )
    return ImportedRow(line, recipient, choices, suppressed or {})
