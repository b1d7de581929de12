"""Suppressions: addresses that are barred, and lifting what is the shop's to lift."""

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response

from notify.domain.catalogue import Channel
from notify.domain.suppressions import REASONS
from notify.usecases.api_keys import Caller, KeyScope
from notify.usecases.suppressions import SuppressionDesk
from notify.web.api import examples
from notify.web.api import suppression_models as models
from notify.web.api.answers import answer, listed, nothing
from notify.web.api.auth import Door
from notify.web.api.bodies import read_body
from notify.web.api.fields import one_of
from notify.web.api.models import AddressSearch
from notify.web.api.operations import BODY_ERRORS, Operation, Parameter, Routes
from notify.web.api.parsing import guarded, searched_for
from notify.web.api.queries import CURSOR, DEFAULT_LIMIT, LIMIT, read_query

TAG: Final = "Suppressions"
WRITERS: Final = (KeyScope.RECIPIENTS,)
READERS: Final = (KeyScope.READ, KeyScope.RECIPIENTS)

LIST: Final = Operation(
    id="listSuppressions",
    method="GET",
    path="/v1/suppressions",
    tag=TAG,
    summary="Look suppressions up",
    description="Newest first. Addresses are masked.",
    scopes=READERS,
    response=models.SuppressionList,
    parameters=(
        Parameter("channel", "Only those on this channel.", one_of(Channel)),
        Parameter("reason", "Only those for this reason.", one_of(REASONS)),
        CURSOR,
        LIMIT,
    ),
    errors=(422,),
)
POST: Final = Operation(
    id="createSuppression",
    method="POST",
    path="/v1/suppressions",
    tag=TAG,
    summary="Bar an address",
    description=(
        "Binds the address under whatever recipient id. Once it is answered no provider call begins that"
        " carries a message it bars. 201; 200 if the address was barred for this reason before: a repetition"
        " can only widen the scope."
    ),
    scopes=WRITERS,
    status=201,
    request=models.SuppressionGiven,
    response=models.SuppressionAnswer,
    examples=models.SUPPRESSION,
    errors=BODY_ERRORS,
)
SEARCH: Final = Operation(
    id="searchSuppressions",
    method="POST",
    path="/v1/suppressions/search",
    tag=TAG,
    summary="Look up what bars an address",
    description="By e-mail address or phone number, given in the body: addresses never stand in URLs.",
    scopes=READERS,
    request=AddressSearch,
    response=models.SuppressionList,
    examples=examples.SEARCH,
    errors=BODY_ERRORS,
)
DELETE: Final = Operation(
    id="liftSuppression",
    method="DELETE",
    path="/v1/suppressions/{suppression_id}",
    tag=TAG,
    summary="Lift a suppression",
    description=(
        "Only what is the shop's to lift: `manual`, `imported`, `hard_bounce`, `soft_bounces`. What a"
        " person asked for, by STOP, a complaint, a pause, “this is not me” or erasure, is 409: `detail` says"
        " who can lift it."
    ),
    scopes=WRITERS,
    status=204,
    errors=(404, 409),
)


@dataclass(frozen=True, slots=True)
class _Suppressions:
    """The views on suppressions."""

    desk: SuppressionDesk

    def list(self, _caller: Caller) -> Response:
        query = read_query(LIST)
        return answer(self.desk.lookups.suppressions(**{"limit": DEFAULT_LIMIT, **query}))

    def post(self, _caller: Caller) -> Response:
        given = guarded(models.SuppressionGiven, read_body())
        view, new = self.desk.bar(given.address, given.channel, given.reason, given.scope)
        return answer(view, POST.status if new else 200)

    def search(self, _caller: Caller) -> Response:
        given = guarded(AddressSearch, read_body())
        return answer(listed(self.desk.search(*searched_for(given))))

    def delete(self, _caller: Caller, suppression_id: str) -> Response:
        self.desk.lift(suppression_id)
        return nothing()


def suppressions_blueprint(door: Door, *, desk: SuppressionDesk) -> Blueprint:
    """Return the calls on suppressions."""
    views = _Suppressions(desk)
    routes = Routes("suppressions", door)
    routes.add(LIST, views.list)
    routes.add(POST, views.post)
    routes.add(SEARCH, views.search)
    routes.add(DELETE, views.delete)
    return routes.blueprint


OPERATIONS: Final = (LIST, POST, SEARCH, DELETE)
