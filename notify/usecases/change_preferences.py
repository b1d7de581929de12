"""Change preferences on the shop's word."""

from collections.abc import Sequence
from datetime import datetime

from notify.domain.catalogue import Catalogue
from notify.domain.delivery import StoredRecipient
from notify.domain.errors import FieldProblem, InvalidRequestError, NotFoundError
from notify.domain.ledger import SHOP, Change
from notify.domain.requests import Choice, Proof
from notify.domain.timing import CLOCK_SKEW
from notify.domain.views import PreferenceView
from notify.ports import Clock
from notify.store import Store, Transaction
from notify.usecases.lookups import Lookups
from notify.usecases.recording_choices import Occasion, addresses_on, differs, record_changes


class ChangePreferences:
    """Applies choices that the shop passes on, each with one entry on the ledger."""

    def __init__(self, store: Store, catalogue: Catalogue, lookups: Lookups, clock: Clock) -> None:
        self._store = store
        self._catalogue = catalogue
        self._lookups = lookups
        self._clock = clock

    def __call__(
        self, recipient_id: str, choices: Sequence[Choice], proof: Proof | None
    ) -> list[PreferenceView]:
        """Apply and return all preferences.

        Opting in needs a proof; over an earlier opt-out it needs one obtained after it. NotFoundError;
        InvalidRequestError for an unknown topic or a missing proof (pointers into the body).
        """
        now = self._clock()
        self._refuse_nonsense(choices, proof, now)
        with self._store.write() as tx:
            recipient = tx.recipients.by_external_id(recipient_id)
            if recipient is None:
                raise NotFoundError("no recipient of that id")
            tx.consents.lock_out_gates([recipient.id], recipient.hashes.values())
            changes = self._changes(tx, recipient, choices, proof)
            occasion = Occasion(now, SHOP, proof)
            for change in changes:
                record_changes(tx, recipient.id, [change], addresses_on(recipient, change.channel), occasion)
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
        if proof and proof.obtained_at and proof.obtained_at > now + CLOCK_SKEW:
            problems.append(FieldProblem("/proof/obtained_at", "lies in the future"))
        if problems:
            raise InvalidRequestError(problems)

    def _changes(
        self,
        tx: Transaction,
        recipient: StoredRecipient,
        choices: Sequence[Choice],
        proof: Proof | None,
    ) -> list[Change]:
        numbers = [self._catalogue[choice.topic].number for choice in choices]
        keys = [(recipient, number, choice.channel) for number, choice in zip(numbers, choices, strict=True)]
        changes, problems = [], []
        standings = tx.consents.standings(keys)
        for index, (choice, number, standing) in enumerate(zip(choices, numbers, standings, strict=True)):
            if not differs(self._catalogue[choice.topic], standing, subscribed=choice.subscribed):
                continue
            if choice.subscribed:
                left_at = tx.consents.last_opt_out_at(recipient, number, choice.channel)
                if proof is None:
                    problems.append(FieldProblem("/proof", "is required to subscribe someone"))
                elif left_at and proof.obtained_at and proof.obtained_at <= left_at:
                    problems.append(
                        FieldProblem(
                            f"/preferences/{index}", "the person opted out after this proof was obtained"
                        )
                    )
            before = False if standing.address_opted_out else standing.subscribed
            changes.append(Change(number, choice.channel, choice.subscribed, before))
        if problems:
            raise InvalidRequestError(list(dict.fromkeys(problems)))
        return changes
