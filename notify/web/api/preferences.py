"""Preferences and the ledger of one person, on the shop's word."""

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response

from notify.domain.requests import Choice, Proof
from notify.usecases.api_keys import Caller, KeyScope
from notify.usecases.change_preferences import ChangePreferences
from notify.usecases.lookups import Lookups
from notify.web.api import examples, shapes
from notify.web.api.answers import answer
from notify.web.api.auth import Door
from notify.web.api.bodies import read_body
from notify.web.api.models import PreferenceChanges, ProofGiven
from notify.web.api.operations import Operation, Routes
from notify.web.api.parsing import guarded
from notify.web.api.queries import CURSOR, DEFAULT_LIMIT, LIMIT, read_query

TAG: Final = "Preferences"
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
    errors=(404, 503),
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
    errors=(400, 404, 409, 413, 415, 422, 429, 503),
)
CONSENTS: Final = Operation(
    id="listConsents",
    method="GET",
    path="/v1/recipients/{recipient_id}/consents",
    tag=TAG,
    summary="Read the ledger of one person",
    description="Every change of a preference, oldest first: when, what, by which way, with which words.",
    scopes=READERS,
    response=shapes.ConsentList,
    parameters=(CURSOR, LIMIT),
    errors=(404, 422, 503),
)


@dataclass(frozen=True, slots=True)
class _Preferences:
    """The views on preferences."""

    change: ChangePreferences
    lookups: Lookups

    def get(self, _caller: Caller, recipient_id: str) -> Response:
        return answer({"preferences": self.lookups.preferences(recipient_id)})

    def patch(self, _caller: Caller, recipient_id: str) -> Response:
        given = guarded(PreferenceChanges, read_body())
        choices = [Choice(item.topic, item.channel, item.subscribed) for item in given.preferences]
        changed = self.change(recipient_id, choices, _proof(given.proof) if given.proof else None)
        return answer({"preferences": changed})

    def consents(self, _caller: Caller, recipient_id: str) -> Response:
        query = read_query(CONSENTS)
        return answer(self.lookups.consents(recipient_id, **{"limit": DEFAULT_LIMIT, **query}))


def _proof(given: ProofGiven) -> Proof:
    return Proof(
        given.source,
        given.wording,
        given.ip,
        given.user_agent,
        given.obtained_at,
        given.double_opt_in_at,
    )


def preferences_blueprint(door: Door, *, change: ChangePreferences, lookups: Lookups) -> Blueprint:
    """Return the calls on preferences and the ledger."""
    views = _Preferences(change, lookups)
    routes = Routes("preferences", door)
    routes.add(GET, views.get)
    routes.add(PATCH, views.patch)
    routes.add(CONSENTS, views.consents)
    return routes.blueprint


OPERATIONS: Final = (GET, PATCH, CONSENTS)
