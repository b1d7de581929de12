"""Check the rows of an import, and join those of one recipient."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from notify.domain.catalogue import Catalogue, Channel
from notify.domain.errors import FieldProblem
from notify.domain.imports import BarredFor, ImportedRow, RefusedRow
from notify.domain.recipients import PolicyAcceptance, ProfilePatch
from notify.domain.requests import Proof
from notify.domain.timing import proof_problems, recipient_problems
from notify.ports import Contacts
from notify.store import Store
from notify.usecases.recipients.reading_addresses import needs_country, read_addresses


@dataclass(slots=True)
class Person:
    """What a row says of one recipient, or several that only say a profile: the later wins, field by field.

    `choices` are by topic number and channel.
    """

    patch: ProfilePatch
    phone_country: str | None
    rows: int = 1
    acceptances: list[PolicyAcceptance] = field(default_factory=list)
    choices: dict[tuple[int, Channel], tuple[bool, Proof | None]] = field(default_factory=dict)
    suppressed: dict[Channel, BarredFor] = field(default_factory=dict)

    @property
    def chooses(self) -> bool:
        """Whether there is more than a profile to store."""
        return bool(self.choices or self.suppressed)

    def add(self, later: "Person") -> None:
        """Join a later row that says no more than a profile."""
        attributes = {**self.patch.get("attributes", {}), **later.patch.get("attributes", {})}
        self.patch = {**self.patch, **later.patch}
        if attributes:
            self.patch["attributes"] = attributes
        if "phone" in later.patch:
            self.phone_country = later.phone_country
        self.rows += later.rows
        self.acceptances += later.acceptances


class RowCheck:
    """Says everything that is wrong with a row, before anything of it is stored."""

    def __init__(self, contacts: Contacts, catalogue: Catalogue, store: Store) -> None:
        self._contacts = contacts
        self._catalogue = catalogue
        self._store = store

    def __call__(
        self, rows: Sequence[ImportedRow], now: datetime
    ) -> tuple[list[dict[str, Person]], list[RefusedRow]]:
        """Return whom the rows are about, by the shop's id, and the rows that are refused.

        What is to be stored comes in rounds, one after another: profiles of one recipient are joined, but
        choices and suppressions hold for the address of their own row, and none may undo an earlier one.
        """
        countries = self._stored_countries(rows)
        rounds: list[dict[str, Person]] = [{}]
        latest: dict[str, int] = {}
        refused = []
        for row in rows:
            checked = self._check(row, countries, now)
            if isinstance(checked, RefusedRow):
                refused.append(checked)
                continue
            number = latest.get(row.recipient.id, 0)
            earlier = rounds[number].get(row.recipient.id)
            if earlier and not earlier.chooses and not checked.chooses:
                earlier.add(checked)
                continue
            number += earlier is not None
            if number == len(rounds):
                rounds.append({})
            rounds[number][row.recipient.id] = checked
            latest[row.recipient.id] = number
        return rounds, refused

    def _check(self, row: ImportedRow, countries: Mapping[str, str], now: datetime) -> Person | RefusedRow:
        given = row.recipient
        patch, phone_country, problems = read_addresses(
            self._contacts, given.profile, stored_country=countries.get(given.id)
        )
        person = Person(patch, phone_country)
        if given.consent or "customer_since" in given.profile:
            problems += recipient_problems(given, now)
        if given.consent:
            person.acceptances.append(given.consent)
        if row.choices:
            problems += self._choose(person, row, now)
        for channel, reason in row.suppressed.items():
            if not patch.get("email" if channel is Channel.EMAIL else "phone"):
                problems.append(FieldProblem("/suppressed", f"the row has no address for {channel}"))
            person.suppressed[channel] = reason
        return RefusedRow(row.line, tuple(problems)) if problems else person

    def _choose(self, person: Person, row: ImportedRow, now: datetime) -> list[FieldProblem]:
        """Note the choices of a row; return what is wrong with them."""
        problems = []
        for index, (choice, proof) in enumerate(row.choices):
            pointer = f"/preferences/{index}"
            topic = self._catalogue.named(choice.topic)
            if topic is None:
                known = ", ".join(one.name for one in self._catalogue)
                problems.append(
                    FieldProblem(f"{pointer}/topic", f"there is no such topic; there are: {known}")
                )
                continue
            if choice.subscribed and proof is None:
                problems.append(FieldProblem(f"{pointer}/proof", "is required to subscribe someone"))
            elif choice.subscribed and topic.double_opt_in and not (proof and proof.double_opt_in_at):
                detail = "needs double_opt_in_at: nobody subscribes to this topic without confirming it"
                problems.append(FieldProblem(f"{pointer}/proof", detail))
            problems += proof_problems(proof, now, pointer)
            if (topic.number, choice.channel) in person.choices:
                problems.append(FieldProblem(pointer, "names a topic and channel that an earlier one names"))
            person.choices[topic.number, choice.channel] = choice.subscribed, proof
        return problems

    def _stored_countries(self, rows: Sequence[ImportedRow]) -> dict[str, str]:
        """Return the stored countries of those whose number needs one as a hint, in one query."""
        wanted = {one.recipient.id for one in rows if needs_country(one.recipient.profile)}
        if not wanted:
            return {}
        with self._store.read() as tx:
            return tx.recipients.countries(wanted)
