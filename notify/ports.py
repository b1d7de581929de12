"""What the use cases need from the world, as Protocols; the adapters implement them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol, TypeVar

from notify.domain.backlog import BacklogReport, LaneQueue
from notify.domain.catalogue import Channel, Topic
from notify.domain.content import EmailContent, Links, TemplateInfo
from notify.domain.delivery import PlannedCall
from notify.domain.errors import FieldProblem
from notify.domain.events import ProviderEvent
from notify.domain.inbound_sms import InboundSms
from notify.domain.newsletters import Content, Person, Pinned
from notify.domain.outcome import Outcome
from notify.domain.outgoing import OutboxEntry, OutgoingEmail, OutgoingSms
from notify.domain.requests import Lane
from notify.domain.sms_mirroring import Told
from notify.domain.token_claims import CentreClaim, OptOutClaim
from notify.domain.webhook_calls import PostAnswer
from notify.domain.webhook_posts import SignedPost

Clock = Callable[[], datetime]
"""Returns the aware UTC time."""

M_contra = TypeVar("M_contra", OutgoingEmail, OutgoingSms, contravariant=True)


class Provider(Protocol[M_contra]):
    """A company or server behind a channel."""

    name: str
    most: int
    """How many messages one call can take. A batch of no more is one call, if they are alike."""

    def send(self, batch: Sequence[M_contra]) -> Sequence[Outcome]:
        """Hand over each message; outcomes in the same order. Never raises: a failure is an outcome."""
        ...


class Providers(Protocol):
    """Who delivers: providers by weight, and away from those that err or are slow."""

    def choose(self, channel: Channel, *, test: bool, messages: int) -> Provider[Any]:
        """Return who delivers the next call, of so many messages.

        `test`: it is for a test key, and ends in the outbox. Who takes fewer in a call is returned only where
        nobody else may be used: they are to be parted then.
        """
        ...

    def report(self, provider: Provider[Any], outcomes: Sequence[Outcome], seconds: float) -> None:
        """Tell how a call went, and how long it took."""
        ...


class WebhookCalls(Protocol):
    """The way to the shop's webhook endpoints."""

    def problem(self, url: str) -> str | None:
        """Return why a URL may not be called, if it may not; its name is looked up."""
        ...

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> PostAnswer:
        """Make one call. Never raises: a failure is an answer without a status."""
        ...


class Throttle(Protocol):
    """The limits of providers and senders, shared by all workers. Orders overtake campaigns in them."""

    def admit(self, calls: Sequence[PlannedCall]) -> list[float]:
        """Return for each call how many seconds to wait; 0.0 is leave to begin now. Never raises."""
        ...

    def finished(self, calls: Sequence[PlannedCall]) -> None:
        """Give back the places of calls that were admitted, made or not. Never raises."""
        ...

    def hold(self, provider: str, sender: str, seconds: float) -> None:
        """Let nobody call for so long, as the provider asked for. Never raises."""
        ...


class Templates(Protocol):
    """The templates of this installation: what they are, and what they render to."""

    def names(self) -> Sequence[str]:
        """Return the names of all templates that callers can name."""
        ...

    def info(self, name: str) -> TemplateInfo | None:
        """Return what a template is, if there is one of that name that callers can name."""
        ...

    def problems(self, name: str, data: Mapping[str, Any]) -> Sequence[FieldProblem]:
        """Return what of `data` breaks the schema or would not render; pointers are into `data`."""
        ...

    def email(self, name: str, locale: str, data: Mapping[str, Any], links: Links) -> EmailContent:
        """Render an e-mail, with its unsubscribe footer."""
        ...

    def sms(self, name: str, locale: str, data: Mapping[str, Any], links: Links) -> str:
        """Render an SMS, with its unsubscribe link."""
        ...

    def campaign_problems(
        self, name: str, topic: Topic, channels: Sequence[Channel], content: Content
    ) -> Sequence[FieldProblem]:
        """Return what keeps a campaign from being sent; pointers are into it, as /content/fr/subject."""
        ...

    def pin(self, name: str, topic: Topic, content: Content, *, mailto: bool) -> Pinned:
        """Render a campaign for good, but for what differs by person. RenderingError, NotFoundError.

        `mailto`: whether this installation's links have a mail address.
        """
        ...

    def email_for(self, pinned: Pinned, locale: str, person: Person) -> EmailContent:
        """Render one person's copy of a newsletter, of either kind. RenderingError."""
        ...

    def sms_for(self, pinned: Pinned, locale: str, person: Person) -> str:
        """Render one person's copy of a newsletter's SMS, of either kind. RenderingError."""
        ...


class Calendar(Protocol):
    """The public holidays of countries."""

    def is_holiday(self, country: str, day: date) -> bool:
        """Whether a day is a public holiday in an ISO 3166 country; False where none are known."""
        ...


class Vault(Protocol):
    """Encryption at rest and keyed hashes."""

    def seal(self, field: str, text: str) -> bytes:
        """Encrypt `text` under the newest key; `field` (as `recipients.email`) is authenticated with it."""
        ...

    def open(self, field: str, sealed: bytes) -> str:
        """Decrypt what `seal` made for the same field; VaultError if it was altered or the key is gone."""
        ...

    def is_current(self, sealed: bytes) -> bool:
        """Whether the value is under the newest key already."""
        ...

    def hash(self, purpose: str, text: str) -> bytes:
        """Return the 16-byte keyed hash of `text`; differs by `purpose`, never changes by rotation."""
        ...

    def mac(self, purpose: str, data: bytes) -> bytes:
        """Return HMAC-SHA-256 over `data` under a key of that purpose alone, which never changes either."""
        ...


class Contacts(Protocol):
    """Parsing of addresses."""

    def email(self, text: str) -> str:
        """Normalise an e-mail address, domain in IDNA; ValueError says what is wrong, without the value."""
        ...

    def phone(self, text: str, country: str | None) -> tuple[str, str | None]:
        """Return E.164 and the number's country; `country` is the hint for national notation. ValueError."""
        ...


class Tokens(Protocol):
    """Signed tokens for links; InvalidTokenError for what is not ours in its one spelling."""

    def opt_out(self, claim: OptOutClaim) -> str:
        """Return the URL-safe opt-out token, at most 28 characters."""
        ...

    def read_opt_out(self, token: str) -> OptOutClaim:
        """Verify an opt-out token."""
        ...

    def of_email(
        self, recipient: int, topic: int, message: int, *, mailbox: bool
    ) -> tuple[str, str, str | None]:
        """Return an e-mail's opt-out token, its centre's, and if wanted the opt-out token for mail boxes."""
        ...

    def mailbox(self, claim: OptOutClaim) -> str:
        """Return the same token in lower-case base32, for mail addresses."""
        ...

    def read_mailbox(self, token: str) -> OptOutClaim:
        """Verify a token from a mail address; case does not matter."""
        ...

    def centre(self, claim: CentreClaim) -> str:
        """Return the preference centre's token."""
        ...

    def read_centre(self, token: str) -> CentreClaim:
        """Verify a preference centre token."""
        ...


class WakeUps(Protocol):
    """The bell of the lanes. A wake-up is only a hint: the database is the truth."""

    def ring(self, lane: Lane, dispatch_ids: Sequence[int]) -> bool:
        """Wake a worker of the lane; False if the queue is out of reach. Never raises."""
        ...


class Telemetry(Protocol):
    """Counters and timings for operators; labels never hold personal data."""

    def accepted(self, topic: str, channel: Channel) -> None:
        """Count a message that was accepted."""
        ...

    def settled(
        self, topic: str, channel: Channel, provider: str, status: str, reason: str, *, count: int = 1
    ) -> None:
        """Count messages that reached a status; `reason` is "" where there is none."""
        ...

    def provider_call(self, provider: str, outcome: str, seconds: float) -> None:
        """Record how long a provider call took."""
        ...

    def webhook(self, provider: str, outcome: str) -> None:
        """Count a post to a provider's webhook, taken or refused."""
        ...

    def events(self, provider: str, kind: str, outcome: str, *, count: int) -> None:
        """Count events that were read, and what came of them; `kind` is "" for repetitions."""
        ...


class EventSource(Protocol):
    """A provider's webhook for events: whose posts are genuine, and what they tell."""

    def is_genuine(self, post: SignedPost) -> bool:
        """Whether the provider signed it; False too where no key is set. Never raises."""
        ...

    def text_of(self, post: SignedPost) -> str:
        """Return what is to be kept of a genuine post. MalformedPostError."""
        ...

    def events_in(self, text: str, received_at: datetime) -> Sequence[ProviderEvent]:
        """Read what was kept. MalformedPostError."""
        ...


class InboundSmsSource(Protocol):
    """A provider's webhook for SMS that come in: whose posts are genuine, what they say, how to answer."""

    def is_genuine(self, post: SignedPost) -> bool:
        """Whether the provider signed it; False too where no key is set. Never raises."""
        ...

    def sms_in(self, post: SignedPost) -> InboundSms | None:
        """Read a genuine post; None for what did not come from a phone number. MalformedPostError."""
        ...

    def answering(self, text: str | None) -> str:
        """Return what the webhook answers so that the person gets this SMS, or none."""
        ...


class OptOutMirror(Protocol):
    """A provider's own list of who has opted out of which sender."""

    def tell(self, told: Sequence[Told]) -> None:
        """Tell of some numbers; harmless to repeat. ErrandError where it is to be told again."""
        ...


class SmsLookup(Protocol):
    """A provider's list of the SMS that it has."""

    def find(self, to: str, holds: str, since: datetime) -> ProviderEvent | None:
        """Return how the SMS to this number stands whose text holds a text, if it is there.

        Its event names the provider's id. UnavailableError: the list cannot be read.
        """
        ...


class JournalFile(Protocol):
    """The journal of opt-outs outside the database."""

    def append(self, lines: Sequence[str]) -> None:
        """Write lines for good: they are on the disk when it returns. OSError."""
        ...


class OutboxStore(Protocol):
    """Where the local outbox keeps messages instead of sending them."""

    def keep(self, messages: Sequence[OutgoingEmail | OutgoingSms]) -> None:
        """Keep all of them, or none: what it raises means that nothing was kept."""
        ...


class OutboxReader(Protocol):
    """What the local outbox kept, for the page that shows it."""

    def entries(self, before: int | None, limit: int) -> Sequence[OutboxEntry]:
        """Return at most `limit` entries, newest first; `before` is the id of the last one seen."""
        ...

    def entry(self, entry_id: int) -> OutboxEntry | None:
        """Return one entry, if it is still kept."""
        ...


class Backlog(Protocol):
    """The state of the database, for operators."""

    def report(self, now: datetime) -> BacklogReport:
        """Return what waits. UnavailableError when the database is out of reach."""
        ...

    def reachable(self) -> bool:
        """Whether the database answers. Never raises."""
        ...

    def migrated(self) -> bool:
        """Whether its schema is the one this code knows; False also when it does not answer."""
        ...


class Queues(Protocol):
    """The state of the queues in Redis, for operators."""

    def report(self) -> Sequence[LaneQueue] | None:
        """Return every lane; None when Redis does not answer. Never raises."""
        ...

    def reachable(self) -> bool:
        """Whether Redis answers. Never raises."""
        ...
