"""What is to be written to the journal outside the database, kept along with what it tells."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select, delete, insert, select, text, union_all

from notify.domain.catalogue import Channel
from notify.domain.journal import JournalRow, LedgerHead, Line, written
from notify.domain.ledger import SealedEntry
from notify.storage.consent_tables import AddressOptOut, ConsentRecord, ErasedAddress
from notify.storage.ledger_tables import JournalLine, LedgerSeal
from notify.storage.tables import Message, Recipient

_SEEN_OUTSIDE: Final = (
    "recipients",
    "notifications",
    "messages",
    "campaigns",
    "consent_records",
    "suppressions",
    "webhook_endpoints",
    "webhook_events",
    "journal_lines",
)
"""Tables whose numbers stand in links, in the API's ids or in the journal itself."""

_GIVEN_OUT: Final = text(
    " UNION ALL ".join(
        f"SELECT '{table}' AS name, CASE WHEN is_called THEN last_value ELSE 0 END AS number"  # noqa: S608
        f" FROM {table}_id_seq"
        for table in _SEEN_OUTSIDE
    )
)
_ADD_MANY: Final = text("INSERT INTO journal_lines (line) SELECT unnest(CAST(:lines AS text[]))")
_GIVEN_OUT_SQLITE: Final = text("SELECT name, seq FROM sqlite_sequence")
_GO_ON: Final = text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :number)")
_GO_ON_SQLITE: Final = text("UPDATE sqlite_sequence SET seq = :number WHERE name = :name")
_BEGIN_SQLITE: Final = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :number)")


def add_lines(connection: Connection, lines: Sequence[Mapping[str, Any]]) -> None:
    """Keep lines for the journal: ids, dates and keyed hashes in hexadecimal, nothing personal."""
    texts = [written(line) for line in lines]
    if texts and connection.dialect.name == "postgresql":
        connection.execute(_ADD_MANY, {"lines": texts})
    elif texts:
        connection.execute(insert(JournalLine), [{"line": line} for line in texts])


class SqlJournal:
    """Reads and writes lines for the journal."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, lines: Sequence[Line]) -> None:
        """Keep lines until they are written."""
        add_lines(self._connection, lines)

    def is_waiting(self) -> bool:
        """Whether there are lines to be written."""
        return self._connection.scalar(select(JournalLine.id).limit(1)) is not None

    def waiting(self, most: int) -> list[JournalRow]:
        """Return lines in their order, and hold them until commit."""
        rows = self._connection.execute(
            select(JournalLine.id, JournalLine.line).order_by(JournalLine.id).limit(most).with_for_update()
        )
        return [JournalRow(number, line) for number, line in rows]

    def drop(self, numbers: Collection[int]) -> None:
        """Delete lines that are written."""
        self._connection.execute(delete(JournalLine).where(JournalLine.id.in_(numbers)))

    def addresses_of(self, entries: Sequence[SealedEntry]) -> Mapping[int, Collection[bytes]]:
        """Return what each opt-out bars, and of each opt-in what is not barred any more.

        What an opt-out barred and does not bar any more is in the line of the entry that followed it.
        """
        known = self._known([entry for entry in entries if entry.subscribed])
        barred = self._barred({value for found in known.values() for value in found})
        addresses: dict[int, Collection[bytes]] = self._barred_by(entries)
        for entry in entries:
            if entry.subscribed:
                what = (entry.topic, entry.channel)
                mine = known[entry.number]
                addresses[entry.number] = {one for one in mine if (one, *what) not in barred}
        return addresses

    def head(self) -> LedgerHead | None:
        """Return the newest seal of the ledger."""
        newest = select(LedgerSeal.id, LedgerSeal.last_id, LedgerSeal.mac).order_by(LedgerSeal.id.desc())
        row = self._connection.execute(newest.limit(1)).first()
        return LedgerHead(*row) if row else None

    def numbers(self) -> dict[str, int]:
        """Return how far numbers were given out; of SQLite's, those that it never gives out again."""
        if self._connection.dialect.name == "postgresql":
            return {row.name: row.number for row in self._connection.execute(_GIVEN_OUT)}
        found = {row.name: row.seq for row in self._connection.execute(_GIVEN_OUT_SQLITE)}
        return {name: found[name] for name in _SEEN_OUTSIDE if name in found}

    def move_numbers(self, numbers: Mapping[str, int]) -> None:
        """Have numbers go on after these, where they are not that far."""
        now = self.numbers()
        further = [
            {"name": name, "number": number}
            for name, number in numbers.items()
            if name in _SEEN_OUTSIDE and number > now.get(name, 0)
        ]
        for one in further:
            if self._connection.dialect.name == "postgresql":
                self._connection.execute(_GO_ON, one)
            else:
                self._connection.execute(_GO_ON_SQLITE if one["name"] in now else _BEGIN_SQLITE, one)

    def _known(self, entries: Sequence[SealedEntry]) -> dict[int, set[bytes]]:
        """Return the addresses that the person of each entry has or had on its channel, by entry.

        Among them are those that their choices on that topic were made from: an undo frees the address that
        the opt-out bound, though the person has another by now.
        """
        people = {entry.recipient_id for entry in entries}
        of_topic = self._written_to(people)
        current: dict[tuple[int, str], set[bytes]] = {}
        for person, channel, value in self._connection.execute(_current(people)):
            current.setdefault((person, channel), set()).add(value)
        found: dict[int, set[bytes]] = {}
        for entry in entries:
            person, channel = entry.recipient_id, str(entry.channel)
            theirs = current.get((person, channel), set())
            of_choices = of_topic.get((person, entry.topic, channel), set())
            found[entry.number] = theirs | of_choices
        return found

    def _written_to(self, people: Collection[int]) -> dict[tuple[int, int | None, str], set[bytes]]:
        """Return where the messages went that choices were made from, by person, topic and channel.

        In two steps, each by an index: in one, a plan may begin with the messages.
        """
        chosen = self._connection.execute(
            select(ConsentRecord.recipient_id, ConsentRecord.topic, ConsentRecord.message_id).where(
                ConsentRecord.recipient_id.in_(people), ConsentRecord.message_id.is_not(None)
            )
        ).all()
        numbers = {number for _, _, number in chosen}
        went = select(Message.id, Message.channel, Message.address_hash).where(Message.id.in_(numbers))
        rows = self._connection.execute(went) if numbers else ()
        sent = {number: (channel, value) for number, channel, value in rows}
        found: dict[tuple[int, int | None, str], set[bytes]] = {}
        for person, topic, number in chosen:
            channel, value = sent.get(number or 0, ("", None))
            if value:
                found.setdefault((person, topic, channel), set()).add(value)
        return found

    def _barred_by(self, entries: Sequence[SealedEntry]) -> dict[int, Collection[bytes]]:
        """Return the addresses that entries bar, which need not be the person's any more."""
        found: dict[int, set[bytes]] = {entry.number: set() for entry in entries}
        rows = self._connection.execute(
            select(AddressOptOut.consent_id, AddressOptOut.address_hash).where(
                AddressOptOut.consent_id.in_(found.keys())
            )
        )
        for number, value in rows:
            found[number].add(value)
        return dict(found)

    def _barred(self, hashes: Collection[bytes]) -> set[tuple[bytes, int | None, str | None]]:
        """Return which addresses are barred from which topic on which channel."""
        columns = (AddressOptOut.address_hash, AddressOptOut.topic, AddressOptOut.channel)
        rows = self._connection.execute(select(*columns).where(AddressOptOut.address_hash.in_(hashes)))
        return {(value, topic, channel) for value, topic, channel in rows}


def _current(people: Collection[int]) -> Select[Any]:
    """Select person, channel and hash of the addresses that people have, or that the erased had."""
    email = select(Recipient.id, text(f"'{Channel.EMAIL}'"), Recipient.email_hash).where(
        Recipient.id.in_(people), Recipient.email_hash.is_not(None)
    )
    phone = select(Recipient.id, text(f"'{Channel.SMS}'"), Recipient.phone_hash).where(
        Recipient.id.in_(people), Recipient.phone_hash.is_not(None)
    )
    gone = select(ErasedAddress.recipient_id, ErasedAddress.channel, ErasedAddress.address_hash).where(
        ErasedAddress.recipient_id.in_(people)
    )
    return union_all(email, phone, gone)  # type: ignore[return-value]
