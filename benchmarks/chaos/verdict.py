"""Counts at the provider's side, holds it against what the service says, and says what was broken."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select

from benchmarks.stack import Stack
from notify.domain import ids
from notify.domain.errors import InvalidTokenError
from notify.storage.statuses import effective_status
from notify.storage.tables import Dispatch, Message

OPEN: Final = frozenset({"scheduled", "queued", "sending"})
_HANDED_OVER: Final = frozenset({"sent", "delivered", "bounced", "complained"})
_LEFT_OUT: Final = frozenset({"skipped", "cancelled", "expired", "failed"})


@dataclass(slots=True)
class Kind:
    """What became of the messages of one kind."""

    name: str
    expected: int
    statuses: Counter[str] = field(default_factory=Counter)
    taken: int = 0
    doubled: int = 0
    doubled_addresses: int = 0
    missing: int = 0
    never_taken: int = 0
    denied: int = 0
    unknown: Counter[str] = field(default_factory=Counter)

    @property
    def open(self) -> int:
        """Messages that nobody will end."""
        return sum(self.statuses[status] for status in OPEN)

    @property
    def lost(self) -> int:
        """Accepted, and neither handed over nor honestly accounted for."""
        return self.missing + self.never_taken + self.open

    def broken(self) -> list[str]:
        """Return the invariants that do not hold."""
        wrong = {
            f"{self.missing} accepted that are nowhere": self.missing,
            f"{self.open} never ended": self.open,
            f"{self.never_taken} called sent that the provider never took": self.never_taken,
            f"{self.denied} called skipped, cancelled, expired or failed that the provider took": self.denied,
            f"{self.doubled} taken more than once": self.doubled,
            f"{self.doubled_addresses} addresses got more than one": self.doubled_addresses,
            f"{self.unknown['taken, not settled']} unknown that events did not settle": self.unknown[
                "taken, not settled"
            ],
        }
        return [f"{self.name}: {text}" for text, count in wrong.items() if count]


@dataclass(slots=True)
class ProviderLog:
    """How often the provider took each message, and to which address; from its own log, read as it grows."""

    path: Path
    taken: Counter[int] = field(default_factory=Counter)
    addresses: dict[int, str] = field(default_factory=dict)
    _read: int = 0

    def update(self, stack: Stack) -> None:
        """Read what was written since the last time."""
        with self.path.open() as lines:
            lines.seek(self._read)
            while (line := lines.readline()).endswith("\n"):
                self._read = lines.tell()
                _, provider, _, _, taken, ref, address = line.rstrip("\n").split("\t")
                if taken == "1":
                    number = _number_of(ref, provider, stack)
                    self.taken[number] += 1
                    self.addresses[number] = address


def _number_of(ref: str, provider: str, stack: Stack) -> int:
    """Return the message's number: e-mails carry its id, an SMS the token of its link."""
    if provider == "sendgrid":
        return ids.number_of(ids.MESSAGE, ref)
    try:
        return stack.composition.tokens.read_opt_out(ref).message
    except InvalidTokenError:
        raise RuntimeError(f"an SMS without our link: {ref}") from None


def statuses(stack: Stack) -> dict[int, tuple[bool, str]]:
    """Return of each message whether it is a campaign's, and its status."""
    query = select(Message.id, Message.campaign_id, effective_status(datetime.now(UTC)).label("now_status"))
    with stack.composition.engine.connect() as connection:
        rows = connection.execute(query.outerjoin(Dispatch, Dispatch.id == Message.dispatch_id))
        return {row.id: (row.campaign_id is not None, row.now_status) for row in rows}


def judge(kind: Kind, messages: Mapping[int, str], side: ProviderLog, ever_unknown: Iterable[int]) -> Kind:
    """Hold what the service says of these messages against what the provider took of them."""
    taken, addresses, expected = side.taken, side.addresses, kind.expected
    kind.statuses.update(messages.values())
    kind.missing = max(0, expected - sum(status != "skipped" for status in messages.values()))
    got = Counter(addresses[number] for number in messages if taken.get(number))
    kind.doubled_addresses = sum(count > 1 for count in got.values())
    for number, status in messages.items():
        count = taken.get(number, 0)
        kind.taken += count > 0
        kind.doubled += count > 1
        kind.never_taken += status in _HANDED_OVER and not count
        kind.denied += status in _LEFT_OUT and count > 0
    for number in {
        *ever_unknown,
        *(n for n, status in messages.items() if status == "unknown"),
    } & messages.keys():
        kind.unknown[_settled(messages[number], bool(taken.get(number)))] += 1
    return kind


def _settled(status: str, taken: bool) -> str:  # noqa: FBT001 - half of a table's key
    if status == "unknown":
        return "taken, not settled" if taken else "not taken, stays unknown"
    return f"{'taken' if taken else 'not taken'}, settled as {status}"


def table(kinds: Iterable[Kind]) -> str:
    """Return the table, as Markdown."""
    lines = [
        "| | accepted | taken | lost | doubled | unknown at some time, and how settled | ends |",
        "|---|--:|--:|--:|--:|---|---|",
    ]
    for kind in kinds:
        unknown = ", ".join(f"{count:,} {how}" for how, count in kind.unknown.most_common()) or "none"
        ends = ", ".join(f"{count:,} {status}" for status, count in kind.statuses.most_common())
        lines.append(
            f"| {kind.name} | {kind.expected:,} | {kind.taken:,} | {kind.lost} |"
            f" {max(kind.doubled, kind.doubled_addresses)} | {unknown} | {ends} |"
        )
    return "\n".join(lines)
