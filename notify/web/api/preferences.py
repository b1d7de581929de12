"""Preferences and the ledger of one person, on the shop's word."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response, request

from notify.domain.requests import Choice
from notify.store.lookups import Lookups
from notify.usecases.api_keys import Caller, KeyScope
from notify.usecases.ledger.export import ExportLedger, Extent
from notify.usecases.preferences.change_preferences import ChangePreferences
from notify.web.api import examples, shapes
from notify.web.api.answers import JSON, answer
from notify.web.api.auth import Door
from notify.web.api.bodies import read_body
from notify.web.api.models import PreferenceChanges
from notify.web.api.operations import BODY_ERRORS, Operation, Routes, refuse_parameter
from notify.web.api.parsing import guarded, proof_input
from notify.web.api.queries import CURSOR, DEFAULT_LIMIT, LIMIT, read_query

TAG: Final = "Preferences"
CSV: Final = "text/csv"
READERS: Final = (KeyScope.READ, KeyScope.RECIPIENTS)
PATH: Final = "/v1/recipients/{recipient_id}/preferences"

GET: Final = Operation(
    id="getPreferences",
    method="GET",
    path=PATH,
    tag=TAG,
    summary="Read a recipient's preferences",
    description="Every topic on every channel, as it stands.",
    scopes=READERS,
    response=shapes.PreferencesAnswer,
    errors=(404,),
)
PATCH: Final = Operation(
    id="changePreferences",
    method="PATCH",
    path=PATH,
    tag=TAG,
    summary="Change a recipient's preferences",
    description=(
        "Each change is one entry on the ledger. Opting in needs a proof; over an opt-out, one obtained"
        " after it. Where a topic has double opt-in, one that was not confirmed yet is `pending`: the person"
        " gets a link, and is subscribed once they have used it. Answers all preferences."
    ),
    scopes=(KeyScope.RECIPIENTS,),
    request=PreferenceChanges,
    response=shapes.PreferencesAnswer,
    examples=examples.PREFERENCES,
    errors=(*BODY_ERRORS, 404, 409, 429),
)
CONSENTS: Final = Operation(
    id="listConsents",
    method="GET",
    path="/v1/recipients/{recipient_id}/consents",
    tag=TAG,
    summary="Read the ledger of one person",
    description=(
        "Every change of a preference, oldest first: when, what, by which way, with which words. With"
        " `Accept: text/csv` all of it comes at once, with its proofs, as `notify export-ledger` writes it."
    ),
    scopes=READERS,
    response=shapes.ConsentList,
    parameters=(CURSOR, LIMIT),
    errors=(404, 422),
    forms={CSV: examples.CONSENTS_CSV},
)


@dataclass(frozen=True, slots=True)
class _Preferences:
    """The views on preferences."""

    change: ChangePreferences
    lookups: Lookups
    export: ExportLedger

    def get(self, _caller: Caller, recipient_id: str) -> Response:
        return answer({"preferences": self.lookups.preferences(recipient_id)})

    def patch(self, _caller: Caller, recipient_id: str) -> Response:
        given = guarded(PreferenceChanges, read_body())
        choices = [Choice(item.topic, item.channel, item.subscribed) for item in given.preferences]
        changed = self.change(recipient_id, choices, proof_input(given.proof))
        return answer({"preferences": changed})

    def consents(self, _caller: Caller, recipient_id: str) -> Response:
        query = read_query(CONSENTS)
        if request.accept_mimetypes.best_match((JSON, CSV)) == CSV:
            if query:
                raise refuse_parameter(next(iter(query)), "is for pages; CSV holds all of it")
            return _csv(self.export(Extent(recipient_id)))
        return answer(self.lookups.consents(recipient_id, **{"limit": DEFAULT_LIMIT, **query}))


def _csv(lines: Iterator[str]) -> Response:
    response = Response(lines, content_type=f"{CSV}; charset=utf-8; header=present")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Disposition"] = 'attachment; filename="consents.csv"'
    return response


def preferences_blueprint(
    door: Door, *, change: ChangePreferences, lookups: Lookups, export: ExportLedger
) -> Blueprint:
    """Return the calls on preferences and the ledger."""
    views = _Preferences(change, lookups, export)
    routes = Routes("preferences", door)
    routes.add(GET, views.get)
    routes.add(PATCH, views.patch)
    routes.add(CONSENTS, views.consents)
    return routes.blueprint


OPERATIONS: Final = (GET, PATCH, CONSENTS)
