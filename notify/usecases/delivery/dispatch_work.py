"""What becomes of one claimed dispatch while it is worked on: decided here, written down by `deliver`."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from notify.domain.delivery import (
    AttemptMade,
    Claimed,
    Deferred,
    Fate,
    Letter,
    PlannedCall,
    Record,
    Settled,
)
from notify.domain.outcome import Accepted, AddressFault, Ambiguous, Outcome, Refused, Transient, name_of
from notify.domain.outgoing import OutgoingEmail, OutgoingSms
from notify.domain.retry import retry_at
from notify.domain.status import Reason, Status
from notify.ports import Provider

_RETRY_FOR: Final = timedelta(hours=24)
"""Retries end at `expires_at`, else this long after the message was to be sent."""

_STATUSES: Final = {Accepted: Status.SENT, Refused: Status.FAILED, Ambiguous: Status.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Later:
    """A message that is looked at again at `due_at`.

    `counts`: a try was made; `held`: the hours forbid it; `part`: of what is tried in calls apart.
    """

    message_id: int
    due_at: datetime
    counts: bool = False
    held: bool = False
    part: int | None = None


@dataclass(slots=True)
class Work:
    """A dispatch on its way: what is sent by whom, what comes later, what is to be written."""

    claimed: Claimed
    provider: Provider[Any]
    outgoing: dict[int, OutgoingEmail | OutgoingSms] = field(default_factory=dict)
    later: list[Later] = field(default_factory=list)
    record: Record = field(init=False)
    call: PlannedCall | None = None
    write_email: Callable[[Letter], OutgoingEmail] | None = None
    """What writes its e-mails, once there was one to write."""
    stale_after: datetime | None = None
    """When what was written can no longer be sent as it is: it says until when it may be on its way."""
    faults: dict[int, AddressFault] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.record = Record(self.claimed)

    def settle(self, message_id: int, status: Status, **more: Any) -> None:  # noqa: ANN401 - Settled's fields
        """Note where a message ended, and that it is not to be sent."""
        self.outgoing.pop(message_id, None)
        self.record.settled.append(Settled(message_id, status, **more))

    def postpone(self, message_id: int, due_at: datetime, *, held: bool = False) -> None:
        """Note that a message is to be looked at again later; `held` if the hour forbids it."""
        self.outgoing.pop(message_id, None)
        self.later.append(Later(message_id, due_at, held=held))

    def postpone_all(self, due_at: datetime) -> None:
        """Note that the whole dispatch is to be looked at again later."""
        for letter in self.claimed.letters:
            self.postpone(letter.message_id, due_at)
        for message_id, _ in self.claimed.unreadable:
            self.postpone(message_id, due_at)

    def drop(self, message_id: int, status: Status) -> None:
        """End a message that was to come later, because its notification was cancelled or superseded."""
        self.later = [one for one in self.later if one.message_id != message_id]
        self.settle(message_id, status, reason=Reason.SUPERSEDED if status is Status.SKIPPED else None)

    def note(
        self, outcomes: Sequence[Outcome], started_at: datetime, seconds: float, now: datetime, jitter: float
    ) -> None:
        """Turn the outcomes of a call, one for each message, into what becomes of the messages.

        Most of a call's messages share one outcome: it is written down once, for the whole dispatch.
        """
        pairs = list(zip(list(self.outgoing), outcomes, strict=True))
        first = outcomes[0]
        # To hash each takes longer than to see that all are one object, as they mostly are.
        counted = Counter(outcomes[:1] if all(one is first for one in outcomes) else outcomes)
        ((common, _),) = counted.most_common(1)
        if any(isinstance(one, Refused) and one.fault for one in counted):
            self.faults = {
                message_id: one.fault for message_id, one in pairs if isinstance(one, Refused) and one.fault
            }
        made = (started_at, self.provider.name)
        took = round(seconds * 1000)
        self.record.attempts.append(AttemptMade(None, *made, name_of(common), _why(common), took))
        for message_id, outcome in pairs:
            if outcome is not common and outcome != common:
                self.record.attempts.append(
                    AttemptMade(message_id, *made, name_of(outcome), _why(outcome), took)
                )
                self._note_one(message_id, outcome, now, jitter)
        if isinstance(common, Transient):
            for message_id, outcome in pairs:
                if isinstance(outcome, Transient) and (outcome is common or outcome == common):
                    self.try_later(message_id, outcome, now, jitter, self._expiry(message_id))
        else:
            theirs = common.provider_message_id if isinstance(common, Accepted) else None
            self.record.fate = Fate(_STATUSES[type(common)], _why(common), theirs)

    def _note_one(self, message_id: int, outcome: Outcome, now: datetime, jitter: float) -> None:
        if isinstance(outcome, Transient):
            self.try_later(message_id, outcome, now, jitter, self._expiry(message_id))
            return
        theirs = outcome.provider_message_id if isinstance(outcome, Accepted) else None
        self.record.settled.append(
            Settled(
                message_id,
                _STATUSES[type(outcome)],
                detail=_why(outcome),
                provider=self.provider.name,
                provider_message_id=theirs,
            )
        )

    def try_later(
        self, message_id: int, outcome: Transient, now: datetime, jitter: float, expires_at: datetime | None
    ) -> None:
        """Postpone a message until its next try, or end it when there is none."""
        due_at = retry_at(
            # What is left of a call that was taken apart is not what the provider had against it.
            self.claimed.attempt if outcome.part is None else 1,
            now,
            retry_after=outcome.retry_after,
            give_up_at=expires_at or self.claimed.planned_at + _RETRY_FOR,
            jitter=jitter,
        )
        if due_at:
            self.later.append(Later(message_id, due_at, counts=True, part=outcome.part))
        else:
            detail = f"gave up after {self.claimed.attempt} attempts: {outcome.reason}"
            self.record.settled.append(
                Settled(message_id, Status.FAILED, detail=detail, provider=self.provider.name)
            )

    def _expiry(self, message_id: int) -> datetime | None:
        return self.letters[message_id].errand.expires_at

    @property
    def letters(self) -> dict[int, Letter]:
        """The letters by message."""
        return {one.message_id: one for one in self.claimed.letters}

    def statuses(self) -> dict[int, Status]:
        """Return where each message ended that came to an end."""
        found = {one.message_id: one.status for one in self.record.settled}
        if self.record.fate:
            apart = found.keys() | {one.message_id for one in self.later}
            fate = self.record.fate.status
            found |= {number: fate for number in self.outgoing if number not in apart}
        return found

    def sum_up(self) -> Record:
        """Put what comes later into the record, by when it comes and in which call; return the record."""
        calls: dict[tuple[datetime, bool, bool, int | None], list[int]] = {}
        for one in self.later:
            calls.setdefault((one.due_at, one.counts, one.held, one.part), []).append(one.message_id)
        total = len(self.claimed.letters) + len(self.claimed.unreadable)
        self.record.deferred = [
            Deferred(
                numbers,
                due_at,
                whole=len(numbers) == total and not self.record.fate,
                counts=counts,
                held=held,
            )
            for (due_at, counts, held, _), numbers in calls.items()
        ]
        return self.record


def _why(outcome: Outcome) -> str | None:
    return None if isinstance(outcome, Accepted) else outcome.reason
