"""Write the ledger as CSV, for a regulator or for the person it is about."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from notify.domain import ids, proofs
from notify.domain.catalogue import Catalogue
from notify.domain.errors import NotFoundError
from notify.domain.ledger_findings import Unreadable
from notify.domain.times import rfc3339, rfc3339_or_none
from notify.store import Store
from notify.store.ledger_audit import ExportedEntry

_PAGE: Final = 500
_ENTRY: Final = (
    "entry_id", "at", "recipient_id", "topic", "channel", "subscribed", "way", "locale", "policy_version",
    "message_id",
)  # fmt: skip
_PROOF: Final = ("source", "wording", "ip", "user_agent", "obtained_at", "double_opt_in_at")
_CHAIN: Final = ("proof_hash", "seal")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class Extent:
    """Which part of the ledger is wanted: whose, and of which days (UTC), both included."""

    recipient_id: str | None = None
    since: date | None = None
    until: date | None = None
    proofs: bool = True


class ExportLedger:
    """Gives the ledger as lines of CSV (RFC 4180), oldest first, with flat memory."""

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self._store = store
        self._catalogue = catalogue

    def __call__(self, extent: Extent) -> Iterator[str]:
        """Return the lines, the header first. NotFoundError, at once, for a recipient who is not there."""
        number = self._number(extent.recipient_id) if extent.recipient_id is not None else None
        return self._lines(extent, number)

    def _number(self, recipient_id: str) -> int:
        with self._store.read() as tx:
            recipient = tx.recipients.by_external_id(recipient_id)
        if recipient is None:
            raise NotFoundError("no recipient of that id")
        return recipient.id

    def _lines(self, extent: Extent, recipient: int | None) -> Iterator[str]:
        columns = (*_ENTRY, *(_PROOF if extent.proofs else ()), *_CHAIN)
        yield _csv(columns)
        since = _midnight(extent.since) if extent.since else None
        until = _midnight(extent.until + timedelta(days=1)) if extent.until else None
        after: int | None = None
        while True:
            with self._store.read() as tx:
                rows = tx.audit.export(
                    after, _PAGE, recipient_id=recipient, since=since, until=until, proofs=extent.proofs
                )
            for row in rows:
                told = self._told(row)
                yield _csv([told[name] for name in columns])
            if len(rows) < _PAGE:
                return
            after = rows[-1].entry.number

    def _told(self, row: ExportedEntry) -> Mapping[str, str | None]:
        entry = row.entry
        name = self._catalogue.name_of(entry.topic) if entry.topic is not None else None
        return {
            "entry_id": ids.public(ids.CONSENT, entry.number),
            "at": rfc3339(entry.at),
            "recipient_id": row.external_id,
            "topic": name or _number(entry.topic),
            "channel": entry.channel,
            "subscribed": "true" if entry.subscribed else "false",
            "way": entry.way,
            "locale": entry.locale,
            "policy_version": entry.policy_version,
            "message_id": ids.public(ids.MESSAGE, entry.message_id) if entry.message_id else None,
            **_proof(row.proof),
            "proof_hash": entry.proof_hash.hex() if entry.proof_hash else None,
            "seal": _number(row.seal),
        }


def _proof(text: str | Unreadable | None) -> Mapping[str, str | None]:
    if text is None or isinstance(text, Unreadable):
        return {**dict.fromkeys(_PROOF), "source": "(unreadable)" if text else None}
    proof = proofs.read(text)
    return {
        "source": proof.source,
        "wording": proof.wording,
        "ip": proof.ip,
        "user_agent": proof.user_agent,
        "obtained_at": rfc3339_or_none(proof.obtained_at),
        "double_opt_in_at": rfc3339_or_none(proof.double_opt_in_at),
    }


def _csv(values: Sequence[str | None]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([_harmless(value or "") for value in values])
    return line.getvalue()


def _harmless(value: str) -> str:
    """Keep a spreadsheet from taking words for a formula (owasp.org, CSV Injection)."""
    return f"'{value}" if value.startswith(_FORMULA) else value


def _number(value: int | None) -> str | None:
    return None if value is None else str(value)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
