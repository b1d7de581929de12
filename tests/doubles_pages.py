"""Doubles of the use cases behind the pages: they keep what they were told, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from notify.domain.bars import SHOWN, Bar
from notify.domain.catalogue import Channel, Purpose, Topic
from notify.domain.confirmations import Kind, LinkSent
from notify.domain.errors import InvalidTokenError, TooManyRequestsError, UnavailableError, UnreachableError
from notify.domain.history import PastChoice, PastPage
from notify.domain.outgoing import OutboxEntry
from notify.domain.requests import Choice, Proof
from notify.usecases.centre.pausing import Pause
from notify.usecases.centre.preference_centre import PreferenceCentre, Saved
from notify.usecases.centre.send_link import SendCentreLink
from notify.usecases.centre.views import CentreRow, CentreView
from notify.usecases.preferences.confirm import Confirm, Confirmed, ConfirmView
from notify.usecases.preferences.undo import UndoOptOut
from notify.usecases.preferences.unsubscribe import OptOutDone, OptOutView, Unsubscribe
from tests.doubles_lookups import export_of

ORDERS = Topic(
    1,
    "order_updates",
    Purpose.TRANSACTIONAL,
    {"fr": "Suivi de commande", "en": "Order updates"},
    {
        "fr": "Où en sont vos commandes : confirmées, expédiées, livrées, annulées ou remboursées.",
        "en": "Where your orders are: confirmed, shipped, delivered, cancelled or refunded.",
    },
    {"fr": "quelques messages par commande", "en": "a few messages for each order"},
)
OFFERS = Topic(
    3,
    "product_offers",
    Purpose.MARKETING,
    {"fr": "Offres et produits", "en": "Product offers"},
    {
        "fr": "Des produits proches de ceux que vous avez choisis, et leurs promotions.",
        "en": "Products related to those you have chosen, and their promotions.",
    },
    {"fr": "deux fois par mois au plus", "en": "twice a month at most"},
)
NEWS = Topic(
    2,
    "company_news",
    Purpose.MARKETING,
    {"fr": "Actualités de Smarttontine", "en": "Smarttontine news"},
    {"fr": "La vie de la plateforme et ses nouveautés.", "en": "What is new on the platform."},
    {"fr": "une fois par mois", "en": "once a month"},
)
SURVEYS = Topic(
    4,
    "surveys",
    Purpose.MARKETING,
    {"fr": "Enquêtes", "en": "Surveys"},
    {"fr": "Votre avis sur nos services.", "en": "Your opinion on what we do."},
    {"fr": "quatre fois par an au plus", "en": "four times a year at most"},
)
TOPICS = (ORDERS, NEWS, OFFERS, SURVEYS)

TOKEN = "AbCd-_0123456789abcdefghij"
CENTRE_TOKEN = "CeNtRe-_0123456789abcdefgh"
UNDO_TOKEN = "undo-0123456789"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADDRESSES = {Channel.EMAIL: "a•••@example.com", Channel.SMS: "+221 •• ••• 45 67"}


LINK = OptOutView(OFFERS, Channel.EMAIL, ADDRESSES[Channel.EMAIL], "fr", subscribed=True)


@dataclass
class FakeUnsubscribe(Unsubscribe):
    """Knows one link, and keeps what was stopped by it."""

    view: OptOutView = LINK
    stopped: list[tuple[str, Proof, str | None, bool]] = field(default_factory=list)
    down: bool = False
    undo: str | None = None

    def describe(self, token: str) -> OptOutView:
        self._check(token)
        return self.view

    def __call__(
        self, token: str, proof: Proof, locale: str | None, *, whole_channel: bool = False
    ) -> OptOutDone:
        self._check(token)
        self.stopped.append((token, proof, locale, whole_channel))
        if self.view.subscribed and not self.view.preview:
            self.undo = UNDO_TOKEN
        self.view = replace(self.view, subscribed=False)
        return OptOutDone(self.view, self.undo)

    def _check(self, token: str) -> None:
        if self.down:
            raise UnavailableError("database")
        if token != TOKEN:
            raise InvalidTokenError("no")


@dataclass
class FakeCentreLink(SendCentreLink):
    """Sends to one masked address, or fails as it is told to."""

    sent: list[str] = field(default_factory=list)
    error: Exception | None = None

    def __call__(self, token: str, locale: str) -> LinkSent | None:
        if token != TOKEN:
            raise InvalidTokenError("no")
        if self.error:
            raise self.error
        self.sent.append(locale)
        return LinkSent(Channel.SMS, ADDRESSES[Channel.SMS])


@dataclass
class FakeConfirm(Confirm):
    """Knows one link of each kind, by its name; whatever is confirmed can be again."""

    proofs: list[Proof] = field(default_factory=list)

    def describe(self, token: str) -> ConfirmView:
        if token not in list(Kind):
            raise InvalidTokenError("no")
        topics = (NEWS, OFFERS) if token == Kind.SUBSCRIBE else ()
        return ConfirmView(Kind(token), Channel.EMAIL, ADDRESSES[Channel.EMAIL], "fr", topics)

    def __call__(self, token: str, proof: Proof, locale: str) -> Confirmed:
        view = self.describe(token)
        self.proofs.append(proof)
        exported = export_of({}) if view.kind is Kind.EXPORT else None
        centre = f"https://notify.example/preferences/{CENTRE_TOKEN}" if view.kind is Kind.CENTRE else None
        return Confirmed(view, exported, centre)


@dataclass
class FakeUndo(UndoOptOut):
    """Takes one undo token, once."""

    restored: list[tuple[Topic, Channel]] = field(default_factory=lambda: [(OFFERS, Channel.EMAIL)])
    proofs: list[Proof] = field(default_factory=list)
    down: bool = False

    def __call__(self, undo: str, proof: Proof, locale: str) -> list[tuple[Topic, Channel]]:
        if self.down:
            raise UnavailableError("database")
        if undo != UNDO_TOKEN or self.proofs:
            raise InvalidTokenError("no")
        self.proofs.append(proof)
        return self.restored


def _everything() -> dict[tuple[str, Channel], bool]:
    return {(topic.name, channel): topic is not SURVEYS for topic in TOPICS for channel in Channel}


@dataclass
class FakeCentre(PreferenceCentre):
    """One person's preferences, in memory. `bars`: what bars a channel's orders, and its other topics."""

    stands: dict[tuple[str, Channel], bool] = field(default_factory=_everything)
    addresses: dict[Channel, str] = field(default_factory=lambda: dict(ADDRESSES))
    locale: str | None = "fr"
    proofs: list[tuple[str, Proof, str]] = field(default_factory=list)
    disowned: list[Channel] = field(default_factory=list)
    preview: bool = False
    topics: Sequence[Topic] = TOPICS
    bars: dict[Channel, tuple[Bar | None, Bar | None]] = field(default_factory=dict)
    paused_until: datetime | None = None
    asks_twice: Sequence[str] = ()
    pending: set[tuple[str, Channel]] = field(default_factory=set)
    requested: list[Kind] = field(default_factory=list)
    most_requests: int = 1
    past: list[PastChoice] = field(default_factory=list)

    def describe(self, token: str) -> CentreView:
        if token != CENTRE_TOKEN:
            raise InvalidTokenError("no")
        rows = [self._row(topic, channel) for topic in self.topics for channel in Channel]
        view = CentreView({}, self.locale, rows, self.preview, self.paused_until)
        shown = {by: one for by, one in self.addresses.items() if view.bar_of(by) in SHOWN}
        return replace(view, addresses=shown)

    def history(self, token: str, before: int | None) -> tuple[CentreView, PastPage]:
        left = [one for one in self.past if before is None or one.number < before]
        page = sorted(left, key=lambda one: -one.number)[:50]
        return self.describe(token), PastPage(page, page[-1].number if len(left) > 50 else None)

    def change(self, token: str, choices: Sequence[Choice], proof: Proof, locale: str) -> Saved:
        twice = {(c.topic, c.channel) for c in choices if c.subscribed and c.topic in self.asks_twice}
        self.pending |= twice
        wanted = {(c.topic, c.channel): c.subscribed for c in choices}
        view, undo = self._keep(
            token, {key: on for key, on in wanted.items() if key not in twice}, proof, locale
        )
        asked = [LinkSent(by, ADDRESSES[by]) for by in Channel if by in {by for _, by in twice}]
        return Saved(view, undo, asked)

    def stop_news(self, token: str, proof: Proof, locale: str) -> tuple[CentreView, str | None]:
        news = {key: False for key in self.stands if key[0] != ORDERS.name}
        return self._keep(token, news, proof, locale)

    def stop_everything(self, token: str, proof: Proof, locale: str) -> tuple[CentreView, str | None]:
        return self._keep(token, dict.fromkeys(self.stands, False), proof, locale)

    def pause(self, token: str, length: Pause, proof: Proof, locale: str) -> CentreView:
        self.paused_until = NOW + timedelta(days=length)
        return self._keep(token, {}, proof, locale)[0]

    def resume(self, token: str, proof: Proof, locale: str) -> CentreView:
        self.paused_until = None
        return self._keep(token, {}, proof, locale)[0]

    def readmit(self, token: str, channel: Channel, proof: Proof, locale: str) -> Saved:
        del self.bars[channel]
        return Saved(*self._keep(token, {}, proof, locale))

    def speak(self, token: str, wanted: str, proof: Proof, locale: str) -> CentreView:
        self.locale = wanted
        return self._keep(token, {}, proof, locale)[0]

    def request(self, token: str, kind: Kind, locale: str) -> LinkSent:
        if not self.addresses:
            raise UnreachableError("none")
        if len(self.requested) >= self.most_requests:
            raise TooManyRequestsError(timedelta(minutes=2))
        self.requested.append(kind)
        return LinkSent(Channel.EMAIL, ADDRESSES[Channel.EMAIL])

    def disown(self, token: str, channel: Channel, proof: Proof, locale: str) -> CentreView:
        self.disowned.append(channel)
        self.bars[channel] = (Bar.DISPUTED, Bar.DISPUTED)
        stopped = {key: False for key in self.stands if key[1] is channel}
        return self._keep(token, stopped, proof, locale)[0]

    def _row(self, topic: Topic, channel: Channel) -> CentreRow:
        orders, news = self.bars.get(channel, (None, None))
        bar = orders if topic is ORDERS else news
        key = (topic.name, channel)
        return CentreRow(topic, channel, bar is None and self.stands[key], bar, key in self.pending)

    def _keep(
        self, token: str, wanted: dict[tuple[str, Channel], bool], proof: Proof, locale: str
    ) -> tuple[CentreView, str | None]:
        changed = wanted.items() - self.stands.items()
        self.stands.update(wanted)
        self.proofs.append((token, proof, locale))
        return self.describe(token), UNDO_TOKEN if changed else None


@dataclass
class FakeOutbox:
    """An outbox of what it is given."""

    kept: list[OutboxEntry] = field(default_factory=list)

    def entries(self, before: int | None, limit: int) -> list[OutboxEntry]:
        older = [one for one in self.kept if before is None or one.id < before]
        return sorted(older, key=lambda one: -one.id)[:limit]

    def entry(self, entry_id: int) -> OutboxEntry | None:
        return next((one for one in self.kept if one.id == entry_id), None)
