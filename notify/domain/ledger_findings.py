"""What can be wrong with the ledger, each thing in a sentence that names the entry or the seal."""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from notify.domain import ids, proofs
from notify.domain.seals import Link, Mac, Recorded, Seal, entry_mac, seal_mac
from notify.domain.times import rfc3339


class Wrong(StrEnum):
    """The kinds of findings."""

    ALTERED = "altered"
    MISSING = "missing"
    PUT_IN = "put in"
    SEAL = "seal"
    CUT = "cut"
    PROOF = "proof"
    PREFERENCE = "preference"
    UNSEALED = "unsealed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; it holds no personal data."""

    kind: Wrong
    text: str


class Unreadable:
    """Stands for a proof that could not be decrypted: it was altered, or its key is gone."""


class Audited(NamedTuple):
    """One entry, with the text of its proof if that is still kept."""

    entry: Recorded
    proof: str | Unreadable | None


class Contradiction(NamedTuple):
    """Something elsewhere that contradicts the ledger: a sentence with places for `who` and `entry`."""

    sentence: str
    who: str
    consent_id: int


def cns(number: int) -> str:
    """Return an entry's number as the API shows it."""
    return ids.public(ids.CONSENT, number)


def check_link(before: Link, seal: Seal, mac: Mac) -> Iterator[Finding]:
    """Compare a seal with the one before, and with its own MAC."""
    if seal.number != before.number + 1:
        first, last = before.number + 1, seal.number - 1
        gone = f"Seal {first} is" if first == last else f"Seals {first} to {last} are"
        yield Finding(Wrong.CUT, f"{gone} missing: the chain was cut.")
    elif not hmac.compare_digest(seal.previous, before.mac):
        yield Finding(
            Wrong.CUT,
            f"Seal {seal.number} does not follow on the one before: the chain was put together anew.",
        )
    if not hmac.compare_digest(seal.mac, seal_mac(seal, mac)):
        yield Finding(Wrong.SEAL, f"Seal {seal.number} was altered.")


def check_entries(
    seal: Seal, closed: Mapping[int, bytes], found: Sequence[Audited], mac: Mac
) -> Iterator[Finding]:
    """Compare entries that are there with what the seal closed, by number."""
    for entry, proof in found:
        expected = closed.get(entry.number)
        name = cns(entry.number)
        if expected is None:
            yield Finding(Wrong.PUT_IN, f"{name} was put in later: no seal holds it.")
        elif not hmac.compare_digest(expected, entry_mac(entry, mac)):
            yield Finding(Wrong.ALTERED, f"{name} was altered: it is not what seal {seal.number} closed.")
        yield from check_proof(entry, proof)


def check_proof(entry: Recorded, proof: str | Unreadable | None) -> Iterator[Finding]:
    """Compare a proof that is still kept with its digest on the ledger."""
    if proof is None:
        return
    name = cns(entry.number)
    if isinstance(proof, Unreadable):
        yield Finding(Wrong.PROOF, f"The proof of {name} cannot be decrypted: altered, or its key is gone.")
    elif entry.proof_hash is None or not hmac.compare_digest(proofs.digest_of(proof), entry.proof_hash):
        yield Finding(Wrong.PROOF, f"The proof of {name} was altered: the ledger holds another digest.")


def missing(seal: Seal, number: int) -> Finding:
    """Say that an entry is gone."""
    return Finding(Wrong.MISSING, f"{cns(number)} is missing: seal {seal.number} closed it.")


def contradicted(kind: Wrong, found: Contradiction) -> Finding:
    """Say what contradicts the ledger."""
    return Finding(kind, found.sentence.format(who=found.who, entry=cns(found.consent_id)))


def unsealed_for_long(count: int, oldest: int, since: datetime) -> Finding:
    """Say that nobody seals."""
    text = f"Not sealed: {count}, the oldest {cns(oldest)} since {rfc3339(since)}. Is the scheduler running?"
    return Finding(Wrong.UNSEALED, text)


def head_is_gone(head: str) -> Finding:
    """Say that a head which was noted is no longer part of the chain."""
    return Finding(Wrong.CUT, f"The head {head} is not in the chain: it was cut, or put together anew.")
