"""The campaigns' use cases as the API sees them, in memory."""

from collections.abc import Sequence
from typing import Any

from notify.domain.campaigns import Act, CampaignDraft, CampaignPatch, CampaignStatus, Schedule, moved
from notify.domain.errors import FieldProblem, IdempotencyMismatchError, InvalidRequestError, NotFoundError
from notify.domain.requests import Idempotency
from notify.domain.views import CampaignView, EstimateView, Page, SentTestsView
from notify.usecases.campaigns.create import CreateCampaign
from notify.usecases.campaigns.desk import CampaignDesk
from notify.usecases.campaigns.estimate import EstimateCampaign
from notify.usecases.campaigns.patch import PatchCampaign
from notify.usecases.campaigns.pause import CancelCampaign, PauseCampaign, ResumeCampaign
from notify.usecases.campaigns.schedule import ScheduleCampaign, UnscheduleCampaign
from notify.usecases.campaigns.send_tests import SendTests


class Book:
    """Campaign `c1`, and what was asked of it. `paused_as` is what a `resume` finds it in."""

    def __init__(self) -> None:
        self.paused_as = CampaignStatus.PAUSED
        self.drafts: list[tuple[CampaignDraft, bool]] = []
        self.patches: list[CampaignPatch] = []
        self.schedules: list[Schedule] = []
        self.tests: list[tuple[Sequence[str], str]] = []
        self.acts: list[Act] = []
        self.queries: list[dict[str, Any]] = []
        self.seen: dict[str, bytes] = {}

    def view(self, campaign_id: str = "c1", status: str = "draft") -> CampaignView:
        if campaign_id != "c1":
            raise NotFoundError
        return {
            "id": "c1",
            "name": "Thursday",
            "topic": "company_news",
            "channels": ["email"],
            "template": "newsletter",
            "content": {"fr": {"subject": "Les nouvelles", "body": "Bonjour."}},
            "audience": None,
            "throttle": None,
            "test": False,
            "status": status,
            "reason": None,
            "send_at": None,
            "timezone": None,
            "send_past": False,
            "expires_at": None,
            "created_at": "2026-11-23T10:00:00Z",
            "started_at": None,
            "finished_at": None,
            "progress": {"total": 0, "pending": 0},
        }

    def act(self, act: Act, campaign_id: str, status: CampaignStatus) -> CampaignView:
        shown = self.view(campaign_id, moved(act, status))
        self.acts.append(act)
        return shown


class Looking:
    """Knows campaign `c1`; remembers the queries."""

    def __init__(self, book: Book) -> None:
        self.campaign = book.view
        self._book = book

    def campaigns(self, *, status: str | None = None, cursor: str | None = None, limit: int = 50) -> Page:
        if cursor == "alien":
            raise InvalidRequestError([FieldProblem("/cursor", "is not one of ours")])
        self._book.queries.append({"status": status, "cursor": cursor, "limit": limit})
        return {"items": [self._book.view()], "next_cursor": "more"}


class Create(CreateCampaign):
    def __init__(self, book: Book) -> None:
        self._book = book

    def __call__(
        self, draft: CampaignDraft, *, test: bool = False, idempotency: Idempotency | None = None
    ) -> CampaignView:
        seen = self._book.seen
        if idempotency and seen.setdefault(idempotency.key, idempotency.request) != idempotency.request:
            raise IdempotencyMismatchError
        self._book.drafts.append((draft, test))
        return self._book.view()


class Patch(PatchCampaign):
    def __init__(self, book: Book) -> None:
        self._book = book

    def __call__(self, campaign_id: str, patch: CampaignPatch) -> CampaignView:
        self._book.patches.append(patch)
        return self._book.view(campaign_id)


class Plan(ScheduleCampaign):
    def __init__(self, book: Book) -> None:
        self._book = book

    def __call__(self, campaign_id: str, schedule: Schedule, *, test: bool = False) -> CampaignView:
        self._book.schedules.append(schedule)
        return self._book.view(campaign_id, "scheduled")


class Unplan(UnscheduleCampaign):
    def __init__(self, book: Book) -> None:
        self._book = book

    def __call__(self, campaign_id: str) -> CampaignView:
        return self._book.act(Act.UNSCHEDULE, campaign_id, CampaignStatus.SCHEDULED)


class Estimate(EstimateCampaign):
    def __init__(self, book: Book) -> None:
        self._book = book

    def __call__(self, campaign_id: str) -> EstimateView:
        self._book.view(campaign_id)
        return {"recipients": {"email": {"eligible": 1, "left_out": {}}}, "sms": None}


class Try(SendTests):
    def __init__(self, book: Book) -> None:
        self._book = book

    def __call__(
        self, campaign_id: str, to: Sequence[str], locale: str = "fr", *, test: bool = False
    ) -> SentTestsView:
        self._book.view(campaign_id)
        self._book.tests.append((to, locale))
        return {"messages": [{"id": "m1", "channel": "email", "status": "queued", "reason": None}]}


class Pause(PauseCampaign):
    def __init__(self, book: Book) -> None:
        self._book = book

    def __call__(self, campaign_id: str) -> CampaignView:
        return self._book.act(Act.PAUSE, campaign_id, CampaignStatus.SENDING)


class Resume(ResumeCampaign):
    def __init__(self, book: Book) -> None:
        self._book = book

    def __call__(self, campaign_id: str, *, test: bool = False) -> CampaignView:
        return self._book.act(Act.RESUME, campaign_id, self._book.paused_as)


class Cancel(CancelCampaign):
    def __init__(self, book: Book) -> None:
        self._book = book

    def __call__(self, campaign_id: str) -> CampaignView:
        return self._book.act(Act.CANCEL, campaign_id, CampaignStatus.DRAFT)


class FakeDesk(CampaignDesk):
    """The desk on one book."""

    def __init__(self) -> None:
        self.book = book = Book()
        self.lookups = Looking(book)
        self.create = Create(book)
        self.patch = Patch(book)
        self.schedule = Plan(book)
        self.unschedule = Unplan(book)
        self.test = Try(book)
        self.estimate = Estimate(book)
        self.pause = Pause(book)
        self.resume = Resume(book)
        self.cancel = Cancel(book)
