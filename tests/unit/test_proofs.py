"""Proofs: what can be taken off them, and what cannot be altered unseen."""

import hashlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.domain import proofs
from notify.domain.requests import Proof

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
WHOLE = Proof("preference_centre", "Oui, « écrivez-moi »", "203.0.113.9", "Mozilla/5.0", AT, AT)

ENCODABLE = st.text(st.characters(exclude_categories=["Cs"]))


@given(
    st.builds(
        Proof,
        source=ENCODABLE,
        wording=st.none() | ENCODABLE,
        ip=st.none() | st.ip_addresses().map(str),
        user_agent=st.none() | ENCODABLE.filter(bool),
        obtained_at=st.none() | st.just(AT),
        double_opt_in_at=st.none() | st.just(AT),
    )
)
def test_what_was_written_is_read_and_its_digest_outlives_the_visit(proof: Proof) -> None:
    text, digest = proofs.write(proof)
    assert proofs.read(text) == proof
    assert proofs.digest_of(text) == digest
    rest = proofs.without_visit(text)
    assert proofs.digest_of(rest) == digest
    kept = proofs.read(rest)
    assert (kept.ip, kept.user_agent, kept.wording) == (None, None, proof.wording)
    assert proofs.without_visit(rest) == rest


def test_nobody_can_tell_from_a_digest_whether_two_proofs_say_the_same() -> None:
    assert proofs.write(WHOLE)[1] != proofs.write(WHOLE)[1]


@pytest.mark.parametrize("word", ["écrivez", "preference_centre", "203.0.113", "Mozilla", "2026-11-23"])
def test_an_altered_word_of_either_part_alters_the_digest(word: str) -> None:
    text, digest = proofs.write(WHOLE)
    altered = text.replace(word, word[:-1] + "9", 1)
    assert altered != text
    assert proofs.digest_of(altered) != digest


def test_proofs_of_one_piece_keep_their_digest_when_the_visit_goes() -> None:
    old = {
        "wording": "Stop",
        "source": "link",
        "ip": "203.0.113.9",
        "user_agent": "Mozilla",
        "obtained_at": None,
        "salt": "00ff",
    }
    text = json.dumps(old, ensure_ascii=False, sort_keys=True)
    digest = hashlib.sha256(text.encode()).digest()
    assert proofs.digest_of(text) == digest
    assert proofs.read(text) == Proof("link", "Stop", "203.0.113.9", "Mozilla")
    rest = proofs.without_visit(text)
    assert "203.0.113.9" not in rest
    assert proofs.digest_of(rest) == digest
    assert proofs.read(rest) == Proof("link", "Stop")
