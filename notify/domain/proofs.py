"""Proofs as they are written down: a core that stays provable, and a visit that can be taken off it.

The core says which words somebody saw, where, and when; the visit is the IP address and the browser, which
are kept for a year at most. The ledger holds the SHA-256 of the core, and the core that of the visit, so that
both can be checked against the ledger, and the core alone when the visit is gone. Each has a salt of its own:
nobody can tell from a digest what was in it.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from notify.domain.requests import Proof

_JSON: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
_SALT_BYTES: Final = 16
_LONGEST_USER_AGENT: Final = 300
_VISIT: Final = ("ip", "user_agent")


def write(proof: Proof) -> tuple[str, bytes]:
    """Return the text of a proof, with the wording in full, and the digest that goes on the ledger."""
    told: dict[str, Any] = {
        "ip": proof.ip,
        "user_agent": (proof.user_agent or "")[:_LONGEST_USER_AGENT] or None,
    }
    visit = {**told, "salt": _salt()} if any(told.values()) else None
    core = {
        "wording": proof.wording,
        "source": proof.source,
        "obtained_at": _time(proof.obtained_at),
        "double_opt_in_at": _time(proof.double_opt_in_at),
        "visit_digest": _digest(visit).hex() if visit else None,
        "salt": _salt(),
    }
    canonical = _canonical(core)
    text = f'{{"core":{canonical}}}' if visit is None else _canonical({"core": core, "visit": visit})
    return text, hashlib.sha256(canonical.encode()).digest()


def digest_of(text: str) -> bytes:
    """Return the digest that the ledger must have for this text: it differs if a word of it was altered."""
    told = json.loads(text)
    if "core" in told:
        core = told["core"]
        if told.get("visit"):
            core = {**core, "visit_digest": _digest(told["visit"]).hex()}
        return _digest(core)
    if "digest" in told:
        return bytes.fromhex(told["digest"])
    return hashlib.sha256(text.encode()).digest()


def without_visit(text: str) -> str:
    """Return the text of the same proof without IP address and browser; its digest is the same.

    Proofs used to be one piece. Such a one keeps its digest beside what is left of it, which the encryption
    vouches for from then on.
    """
    told = json.loads(text)
    if "core" in told:
        return _canonical({"core": told["core"]})
    if "digest" in told or not any(told.get(name) for name in _VISIT):
        return text
    rest = {name: value for name, value in told.items() if name not in {*_VISIT, "salt"}}
    return _canonical({"rest": rest, "digest": digest_of(text).hex()})


def read(text: str) -> Proof:
    """Return what a text says."""
    told = json.loads(text)
    core: Mapping[str, Any] = told.get("core") or told.get("rest") or told
    visit: Mapping[str, Any] = told.get("visit") or ({} if "core" in told else told)
    return Proof(
        source=core["source"],
        wording=core.get("wording"),
        ip=visit.get("ip"),
        user_agent=visit.get("user_agent"),
        obtained_at=_moment(core.get("obtained_at")),
        double_opt_in_at=_moment(core.get("double_opt_in_at")),
    )


def _canonical(told: Mapping[str, Any]) -> str:
    return _JSON(told)


def _digest(part: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(_canonical(part).encode()).digest()


def _salt() -> str:
    return secrets.token_hex(_SALT_BYTES)


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
