"""Campaigns: write one, look at it, send it, stop it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

from flask import Blueprint, Response

from notify.domain.campaigns import CampaignDraft, CampaignPatch, CampaignStatus, Schedule
from notify.domain.views import CampaignView
from notify.usecases.api_keys import Caller, KeyScope
from notify.usecases.campaigns.desk import CampaignDesk
from notify.web.api import campaign_examples as examples
from notify.web.api import campaign_shapes as shapes
from notify.web.api.answers import answer
from notify.web.api.auth import Door
from notify.web.api.bodies import Body, read_body
from notify.web.api.campaign_models import CampaignChangesGiven, CampaignGiven, ScheduleGiven, TestSend
from notify.web.api.fields import one_of
from notify.web.api.idempotency import IDEMPOTENCY_KEY, idempotency_of
from notify.web.api.operations import BODY_ERRORS, Operation, Parameter, Routes
from notify.web.api.parsing import guarded
from notify.web.api.queries import CURSOR, DEFAULT_LIMIT, LIMIT, read_query

TAG: Final = "Campaigns"
WRITERS: Final = (KeyScope.CAMPAIGNS,)
READERS: Final = (KeyScope.CAMPAIGNS, KeyScope.READ)
PATH: Final = "/v1/campaigns"
ONE: Final = f"{PATH}/{{campaign_id}}"

CREATE: Final = Operation(
    id="createCampaign",
    method="POST",
    path=PATH,
    tag=TAG,
    summary="Write a campaign",
    description=(
        "Makes a `draft`, checked as far as a draft can be: it could be scheduled as it is. Nothing is sent"
        " before it is scheduled."
    ),
    scopes=WRITERS,
    status=201,
    request=CampaignGiven,
    response=shapes.CampaignAnswer,
    parameters=(IDEMPOTENCY_KEY,),
    examples=examples.CAMPAIGN,
    errors=(*BODY_ERRORS, 409),
)
LIST: Final = Operation(
    id="listCampaigns",
    method="GET",
    path=PATH,
    tag=TAG,
    summary="List campaigns",
    description="Newest first.",
    scopes=READERS,
    response=shapes.CampaignList,
    parameters=(Parameter("status", "Only those in this status.", one_of(CampaignStatus)), CURSOR, LIMIT),
    errors=(422,),
)
GET: Final = Operation(
    id="getCampaign",
    method="GET",
    path=ONE,
    tag=TAG,
    summary="Look at a campaign",
    description="What it is, and how far. Its messages: `GET /v1/messages?campaign_id=`.",
    scopes=READERS,
    response=shapes.CampaignAnswer,
    errors=(404,),
)
PATCH: Final = Operation(
    id="changeCampaign",
    method="PATCH",
    path=ONE,
    tag=TAG,
    summary="Change a campaign",
    description="Changes a draft. Of one that is scheduled or under way, `throttle` alone can be changed.",
    scopes=WRITERS,
    request=CampaignChangesGiven,
    response=shapes.CampaignAnswer,
    examples=examples.PATCH,
    errors=(*BODY_ERRORS, 404, 409),
)
TEST: Final = Operation(
    id="testCampaign",
    method="POST",
    path=f"{ONE}/test",
    tag=TAG,
    summary="Send a campaign to a few addresses",
    description=(
        "Sends it at once, in one language, to addresses that need not be anybody's. The links in it answer"
        " as the real ones do, and change nothing. It does not count in `progress`."
    ),
    scopes=WRITERS,
    status=202,
    request=TestSend,
    response=shapes.SentTestsAnswer,
    examples=examples.TEST,
    errors=(*BODY_ERRORS, 404, 409),
)
ESTIMATE: Final = Operation(
    id="estimateCampaign",
    method="POST",
    path=f"{ONE}/estimate",
    tag=TAG,
    summary="Say whom a campaign reaches, and what its SMS cost",
    description=(
        "Of one that is a `draft` or `scheduled`, as things stand now; nothing is sent or stored. Segments"
        " and prices are exact, or, where texts say something of each person, the most they can be."
    ),
    scopes=READERS,
    response=shapes.EstimateAnswer,
    errors=(404, 409, 422),
)
SCHEDULE: Final = Operation(
    id="scheduleCampaign",
    method="POST",
    path=f"{ONE}/schedule",
    tag=TAG,
    summary="Schedule a campaign",
    description=(
        "Makes a draft `scheduled`. Its content is pinned: what is changed in templates later does not change"
        " it. Who is in its audience is decided when it starts."
    ),
    scopes=WRITERS,
    request=ScheduleGiven,
    response=shapes.CampaignAnswer,
    examples=examples.SCHEDULE,
    errors=(*BODY_ERRORS, 404, 409),
)


def _move(name: str, summary: str, description: str) -> Operation:
    return Operation(
        id=f"{name}Campaign",
        method="POST",
        path=f"{ONE}/{name}",
        tag=TAG,
        summary=summary,
        description=description,
        scopes=WRITERS,
        response=shapes.CampaignAnswer,
        errors=(404, 409),
    )


UNSCHEDULE: Final = _move("unschedule", "Take the schedule back", "Makes a `scheduled` one a `draft` again.")
PAUSE: Final = _move(
    "pause",
    "Pause a campaign",
    "Of one that is `sending`: once this is answered, no call to a provider begins for it.",
)
RESUME: Final = _move(
    "resume",
    "Resume a campaign",
    "Of a `paused` one: goes on where it was. What it stopped itself for will not stop it again.",
)
CANCEL: Final = _move(
    "cancel", "Cancel a campaign", "Ends it for good; messages that have not left are `cancelled`."
)


@dataclass(frozen=True, slots=True)
class _Campaigns:
    """The views on campaigns; each translates, calls one use case, and answers."""

    desk: CampaignDesk

    def create(self, caller: Caller) -> Response:
        body = read_body()
        given = guarded(CampaignGiven, body)
        draft = CampaignDraft(**{name: _read(given, name) for name in CampaignGiven.model_fields})
        idempotency = idempotency_of(body.value, test=caller.test)
        return answer(self.desk.create(draft, test=caller.test, idempotency=idempotency), CREATE.status)

    def list(self, _caller: Caller) -> Response:
        return answer(self.desk.lookups.campaigns(**{"limit": DEFAULT_LIMIT, **read_query(LIST)}))

    def get(self, _caller: Caller, campaign_id: str) -> Response:
        return answer(self.desk.lookups.campaign(campaign_id))

    def patch(self, _caller: Caller, campaign_id: str) -> Response:
        given = guarded(CampaignChangesGiven, read_body())
        patch = {name: _read(given, name) for name in given.model_fields_set}
        return answer(self.desk.patch(campaign_id, cast("CampaignPatch", patch)))

    def test(self, caller: Caller, campaign_id: str) -> Response:
        body = read_body()
        given = guarded(TestSend, body, _phones(body))
        made = self.desk.test(campaign_id, given.to, given.locale, test=caller.test)
        return answer(made, TEST.status)

    def estimate(self, _caller: Caller, campaign_id: str) -> Response:
        return answer(self.desk.estimate(campaign_id))

    def schedule(self, caller: Caller, campaign_id: str) -> Response:
        given = guarded(ScheduleGiven, read_body())
        schedule = Schedule(given.send_at, given.timezone, given.send_past)
        return answer(self.desk.schedule(campaign_id, schedule, test=caller.test))

    def resume(self, caller: Caller, campaign_id: str) -> Response:
        return answer(self.desk.resume(campaign_id, test=caller.test))


def _read(given: CampaignGiven | CampaignChangesGiven, name: str) -> Any:  # noqa: ANN401 - any field of them
    """Return a field as the domain takes it; an audience is kept as it was written."""
    value = getattr(given, name)
    if name == "audience" and value is not None:
        return value.model_dump(mode="json", exclude_unset=True)
    return tuple(value) if name == "channels" else value


def _phones(body: Body) -> set[str]:
    """Return pointers to phone numbers: to them the data guard's rule on digits does not apply."""
    to = body.value.get("to") if isinstance(body.value, dict) else None
    given = enumerate(to) if isinstance(to, list) else ()
    return {f"/to/{index}" for index, one in given if isinstance(one, str) and one.startswith("+")}


def _moves(move: Callable[[str], CampaignView]) -> Callable[..., Response]:
    def view(_caller: Caller, campaign_id: str) -> Response:
        return answer(move(campaign_id))

    return view


def campaigns_blueprint(door: Door, *, desk: CampaignDesk) -> Blueprint:
    """Return the calls on campaigns."""
    views = _Campaigns(desk)
    routes = Routes("campaigns", door)
    routes.add(CREATE, views.create)
    routes.add(LIST, views.list)
    routes.add(GET, views.get)
    routes.add(PATCH, views.patch)
    routes.add(TEST, views.test)
    routes.add(ESTIMATE, views.estimate)
    routes.add(SCHEDULE, views.schedule)
    routes.add(UNSCHEDULE, _moves(desk.unschedule))
    routes.add(PAUSE, _moves(desk.pause))
    routes.add(RESUME, views.resume)
    routes.add(CANCEL, _moves(desk.cancel))
    return routes.blueprint


OPERATIONS: Final = (CREATE, LIST, GET, PATCH, TEST, ESTIMATE, SCHEDULE, UNSCHEDULE, PAUSE, RESUME, CANCEL)
