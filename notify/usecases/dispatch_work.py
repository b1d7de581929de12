"""What becomes of one claimed dispatch while it is worked on: decided here, written down by `deliver`."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from notify.domain.consent import Basis
from notify.domain.delivery import Claimed, Deferred, Letter, Record, Settled
from notify.domain.outcome import Accepted, Ambiguous, Outcome, Refused, Transient
from notify.domain.outgoing import OutgoingEmail, OutgoingSms
from notify.domain.retry import retry_at
from notify.domain.status import Reason, Status

_RETRY_FOR: Final = timedelta(hours=24)
"""Retries end at `expires_at`, else this long after the message was to be sent."""


@dataclass(slots=True)
class Work:
    """A dispatch on its way: what is sent, on what basis, what comes later, what is to be written."""

    claimed: Claimed
    outgoing: dict[int, OutgoingEmail | OutgoingSms] = field(default_factory=dict)
    basis: dict[int, Basis] = field(default_factory=dict)
    later: list[tuple[int, datetime, bool]] = field(default_factory=list)
    record: Record = field(default_factory=Record)

    def settle(self, message_id: int, status: Status, **more: Any) -> None:  # noqa: ANN401 - Settled's fields
        """Note where a message ended, and that it is not to be sent."""
        self.outgoing.pop(message_id, None)
        self.record.settled.append(Settled(message_id, status, **more))

    def postpone(self, message_id: int, due_at: datetime, *, held: bool = False) -> None:
        """Note that a message is to be looked at again later; `held` if the hour forbids it."""
        self.outgoing.pop(message_id, None)
        self.later.append((message_id, due_at, held))

    def drop(self, message_id: int, status: Status) -> None:
        """End a message that was to come later, because its notification was cancelled or superseded."""
        self.later = [one for one in self.later if one[0] != message_id]
        self.settle(message_id, status, reason=Reason.SUPERSEDED if status is Status.SKIPPED else None)

    def note(self, letter: Letter, outcome: Outcome, provider: str, now: datetime, jitter: float) -> None:
        """Turn the outcome of a call into what becomes of the message."""
        basis = self.basis[letter.message_id]
        told = {"provider": provider, "basis": basis.regime, "basis_consent_id": basis.consent_id}
        if isinstance(outcome, Accepted):
            theirs = outcome.provider_message_id
            self.settle(letter.message_id, Status.SENT, provider_message_id=theirs, **told)
        elif isinstance(outcome, Ambiguous):
            self.settle(letter.message_id, Status.UNKNOWN, detail=outcome.reason, **told)
        elif isinstance(outcome, Refused):
            self.settle(letter.message_id, Status.FAILED, detail=outcome.reason, **told)
        else:
            self.try_later(letter.message_id, outcome, now, jitter, letter.expires_at, **told)

    def try_later(
        self,
        message_id: int,
        outcome: Transient,
        now: datetime,
        jitter: float,
        expires_at: datetime | None = None,
        **told: Any,  # noqa: ANN401 - Settled's fields
    ) -> None:
        """Postpone a message until its next try, or end it when there is none."""
        due_at = retry_at(
            self.claimed.attempt,
            now,
            retry_after=outcome.retry_after,
            give_up_at=expires_at or self.claimed.planned_at + _RETRY_FOR,
            jitter=jitter,
        )
        if due_at:
            self.postpone(message_id, due_at)
        else:
            detail = f"gave up after {self.claimed.attempt} attempts: {outcome.reason}"
            self.settle(message_id, Status.FAILED, detail=detail, **told)

    def sum_up(self) -> None:
        """Put what comes later into the record: the dispatch waits for the first of it."""
        if self.later:
            due_at = min(due for _, due, _ in self.later)
            held = all(one_held for _, _, one_held in self.later)
            self.record.deferred = Deferred([one for one, _, _ in self.later], due_at, held=held)
