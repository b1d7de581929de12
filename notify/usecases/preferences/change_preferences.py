"""Change preferences on the shop's word."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from notify.domain.catalogue import Catalogue, Channel
from notify.domain.confirmations import Kind, Wanted, pending_in
from notify.domain.delivery import StoredRecipient
from notify.domain.errors import FieldProblem, InvalidRequestError, NotFoundError
from notify.domain.ledger import SHOP, Change
from notify.domain.requests import Choice, Proof
from notify.domain.timing import proof_problems
from notify.domain.views import PreferenceView
from notify.ports import Clock
from notify.store import Store, Transaction
from notify.store.lookups import Lookups
from notify.usecases.preferences.confirmations import Confirmations
from notify.usecases.preferences.holding import held_person
from notify.usecases.preferences.recording_choices import Occasion, addresses_on, differs, record_changes
from notify.usecases.preferences.undo import leaving


@dataclass(slots=True)
class _Plan:
    """What is to be done: changes, and by channel the topics that the person is to confirm first."""

    changes: list[Change] = field(default_factory=list)
    unconfirmed: dict[Channel, list[int]] = field(default_factory=dict)


class ChangePreferences:
    """Applies choices that the shop passes on, each with one entry on the ledger.

    Where a topic has double opt-in, an opt-in that the shop has not had confirmed is not applied: the person
    gets a link to confirm it.
    """

    def __init__(
        self,
        *,
        store: Store,
        catalogue: Catalogue,
        confirmations: Confirmations,
        lookups: Lookups,
        clock: Clock,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._confirmations = confirmations
        self._lookups = lookups
        self._clock = clock

    def __call__(
        self, recipient_id: str, choices: Sequence[Choice], proof: Proof | None
    ) -> list[PreferenceView]:
        """Apply and return all preferences.

        Opting in needs a proof; over an earlier opt-out it needs one obtained after it. NotFoundError;
        InvalidRequestError for an unknown topic or a missing proof (pointers into the body); where the
        person is to confirm: UnreachableError without an address for that, TooManyRequestsError.
        """
        now = self._clock()
        self._refuse_nonsense(choices, proof, now)
        with self._store.write() as tx:
            recipient = held_person(tx, lambda: _known(tx, recipient_id))
            plan = self._plan(tx, recipient, choices, proof, now)
            topics = [
                (self._catalogue[one.topic].number, one.channel) for one in choices if not one.subscribed
            ]
            tx.consents.void_undos(leaving(recipient, topics))
            occasion = Occasion(now, SHOP, proof)
            for change in plan.changes:
                record_changes(tx, recipient.id, [change], addresses_on(recipient, change.channel), occasion)
            posted = [
                self._confirmations.ask_within(
                    tx, recipient, Kind.SUBSCRIBE, None, channel=by, wanted=Wanted(tuple(topics), proof)
                )
                for by, topics in plan.unconfirmed.items()
                if proof
            ]
        self._confirmations.ring(posted)
        return self._lookups.preferences(recipient_id)

    def _refuse_nonsense(self, choices: Sequence[Choice], proof: Proof | None, now: datetime) -> None:
        """Refuse unknown topics, two choices of one preference, and a proof from the future."""
        known = ", ".join(topic.name for topic in self._catalogue)
        problems, seen = [], set()
        for index, choice in enumerate(choices):
            if self._catalogue.named(choice.topic) is None:
                detail = f"there is no such topic; there are: {known}"
                problems.append(FieldProblem(f"/preferences/{index}/topic", detail))
            if (choice.topic, choice.channel) in seen:
                detail = "names a topic and channel that an earlier one names"
                problems.append(FieldProblem(f"/preferences/{index}", detail))
            seen.add((choice.topic, choice.channel))
        problems += proof_problems(proof, now)
        if problems:
            raise InvalidRequestError(problems)

    def _plan(
        self,
        tx: Transaction,
        recipient: StoredRecipient,
        choices: Sequence[Choice],
        proof: Proof | None,
        now: datetime,
    ) -> _Plan:
        topics = [self._catalogue[choice.topic] for choice in choices]
        keys = [
            (recipient, topic.number, choice.channel) for topic, choice in zip(topics, choices, strict=True)
        ]
        waiting = tx.confirmations.waiting([recipient.id], now, at=recipient.hashes.values())
        asked, own = (
            pending_in(waiting),
            pending_in(one for one in waiting if one.recipient_id == recipient.id),
        )
        plan, problems = _Plan(), []
        standings = tx.consents.standings(keys)
        for index, (choice, topic, standing) in enumerate(zip(choices, topics, standings, strict=True)):
            by = choice.channel
            pending = (topic.number, by) in asked
            proven = proof is not None
            if not differs(topic, standing, subscribed=choice.subscribed, proven=proven, pending=pending):
                continue
            if choice.subscribed:
                left_at = tx.consents.last_opt_out_at(recipient, topic.number, by)
                problems += _opt_in_problems(index, proof, left_at)
                if topic.double_opt_in and not _is_confirmed(proof, left_at):
                    if (topic.number, by) not in own:
                        plan.unconfirmed.setdefault(by, []).append(topic.number)
                    continue
            plan.changes.append(Change(topic.number, by, choice.subscribed, standing.chosen))
        if problems:
            raise InvalidRequestError(list(dict.fromkeys(problems)))
        return plan


def _known(tx: Transaction, recipient_id: str) -> StoredRecipient:
    recipient = tx.recipients.by_external_id(recipient_id)
    if recipient is None:
        raise NotFoundError("no recipient of that id")
    return recipient


def _is_confirmed(proof: Proof | None, left_at: datetime | None) -> bool:
    """Whether the shop has had it confirmed, and not before the person opted out."""
    at = proof.double_opt_in_at if proof else None
    return at is not None and (left_at is None or at > left_at)


def _opt_in_problems(index: int, proof: Proof | None, left_at: datetime | None) -> list[FieldProblem]:
    """Return why a proof does not do to subscribe someone, who may have opted out before."""
    if proof is None:
        return [FieldProblem("/proof", "is required to subscribe someone")]
    said_at = proof.obtained_at or proof.double_opt_in_at
    if left_at and said_at and said_at <= left_at:
        return [FieldProblem(f"/preferences/{index}", "the person opted out after this proof was obtained")]
    return []
