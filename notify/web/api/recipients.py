"""Recipients: keep, read, find, export, erase."""

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response

from notify.domain.data_guard import violations
from notify.domain.recipient_ids import id_problem
from notify.store.lookups import Lookups
from notify.usecases.api_keys import Caller, KeyScope
from notify.usecases.recipients.search import SearchRecipients
from notify.usecases.recipients.upsert import UpsertRecipient
from notify.usecases.rights.erase import EraseRecipient
from notify.web.api import examples, shapes
from notify.web.api.answers import answer, listed, nothing, sent_whole
from notify.web.api.auth import Door
from notify.web.api.bodies import read_body, refuse
from notify.web.api.models import AddressSearch, RecipientUpsert
from notify.web.api.operations import BODY_ERRORS, Operation, Routes, refuse_parameter
from notify.web.api.parsing import guarded, recipient_input, searched_for

TAG: Final = "Recipients"
WRITERS: Final = (KeyScope.RECIPIENTS,)
READERS: Final = (KeyScope.READ, KeyScope.RECIPIENTS)
PATH: Final = "/v1/recipients/{recipient_id}"

PUT: Final = Operation(
    id="putRecipient",
    method="PUT",
    path=PATH,
    tag=TAG,
    summary="Create or change a recipient",
    description=(
        "Merges what is given into the stored profile: what is left out stays, null clears. Neither `consent`"
        " nor `customer_since` ever undoes an opt-out."
    ),
    scopes=WRITERS,
    request=RecipientUpsert,
    response=shapes.RecipientAnswer,
    examples=examples.RECIPIENT,
    errors=BODY_ERRORS,
)
GET: Final = Operation(
    id="getRecipient",
    method="GET",
    path=PATH,
    tag=TAG,
    summary="Read a recipient",
    description="The stored profile, addresses included.",
    scopes=READERS,
    response=shapes.RecipientAnswer,
    errors=(404,),
)
DELETE: Final = Operation(
    id="eraseRecipient",
    method="DELETE",
    path=PATH,
    tag=TAG,
    summary="Erase a recipient (GDPR art. 17)",
    description=(
        "Takes everything held on the person, but the keyed hash that keeps the address from marketing for"
        " good. Afterwards the recipient and their notifications are 404. SendGrid is asked to forget the"
        " address as well, and webhook endpoints are told `recipient.erased`."
    ),
    scopes=WRITERS,
    status=204,
    errors=(404,),
)
EXPORT: Final = Operation(
    id="exportRecipient",
    method="GET",
    path=f"{PATH}/export",
    tag=TAG,
    summary="Export all that is held on a recipient (GDPR art. 15 and 20)",
    description=(
        "Profile, preferences, the ledger with its proofs (wording, source, IP address, browser), what bars"
        " their addresses, requests that wait, notifications with their data, messages with attempts, reports"
        " and copies that are still kept. Parts are named by what they hold."
    ),
    scopes=WRITERS,
    response=shapes.ExportAnswer,
    errors=(404,),
)
SEARCH: Final = Operation(
    id="searchRecipients",
    method="POST",
    path="/v1/recipients/search",
    tag=TAG,
    summary="Find recipients by address",
    description="By e-mail address or phone number, given in the body: addresses never stand in URLs.",
    scopes=READERS,
    request=AddressSearch,
    response=shapes.RecipientList,
    examples=examples.SEARCH,
    errors=BODY_ERRORS,
)


@dataclass(frozen=True, slots=True)
class _Recipients:
    """The views on recipients."""

    upsert: UpsertRecipient
    erase: EraseRecipient
    search_for: SearchRecipients
    lookups: Lookups

    def put(self, _caller: Caller, recipient_id: str) -> Response:
        if problem := id_problem(recipient_id):
            raise refuse_parameter("recipient_id", problem)
        if barred := violations(recipient_id):
            raise refuse_parameter("recipient_id", barred[0].detail)
        profile = guarded(RecipientUpsert, read_body())
        if profile.id not in {None, recipient_id}:
            refuse("/id", "is not the id in the path")
        return answer(self.upsert(recipient_input(recipient_id, profile)))

    def get(self, _caller: Caller, recipient_id: str) -> Response:
        return answer(self.lookups.recipient(recipient_id))

    def delete(self, _caller: Caller, recipient_id: str) -> Response:
        self.erase(recipient_id)
        return nothing()

    def export(self, _caller: Caller, recipient_id: str) -> Response:
        return sent_whole(self.lookups.export(recipient_id))

    def search(self, _caller: Caller) -> Response:
        given = guarded(AddressSearch, read_body())
        return answer(listed(self.search_for(*searched_for(given))))


def recipients_blueprint(
    door: Door,
    *,
    upsert: UpsertRecipient,
    erase: EraseRecipient,
    search: SearchRecipients,
    lookups: Lookups,
) -> Blueprint:
    """Return the calls on recipients."""
    views = _Recipients(upsert, erase, search, lookups)
    routes = Routes("recipients", door)
    routes.add(PUT, views.put)
    routes.add(GET, views.get)
    routes.add(DELETE, views.delete)
    routes.add(EXPORT, views.export)
    routes.add(SEARCH, views.search)
    return routes.blueprint


OPERATIONS: Final = (PUT, GET, DELETE, EXPORT, SEARCH)
