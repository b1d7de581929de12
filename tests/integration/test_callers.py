"""What a request tells of its sender: webhooks get problems, and an IP address is nobody's to choose."""

from pathlib import Path

import pytest
from sqlalchemy import select

from notify.app import create_app
from notify.domain import proofs
from notify.domain.catalogue import Channel
from notify.storage.consent_tables import ConsentProof
from notify.storage.consents import PROOF_FIELD
from tests.reporting import SENDGRID_HOOK, TWILIO_HOOK, Reporting
from tests.world import World, settings_for

INBOUND = "/webhooks/sendgrid/inbound"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (SENDGRID_HOOK, b"[]", 403),
        (TWILIO_HOOK, b"MessageSid=SM1", 403),
        (SENDGRID_HOOK, b"x" * 1_000_001, 413),
        (INBOUND, b"", 403),
        ("/webhooks/nobody", b"", 404),
        (TWILIO_HOOK.replace("/twilio", "//twilio"), b"MessageSid=SM1", 404),
    ],
)
def test_webhooks_answer_programs(
    sqlite_url: str, tmp_path: Path, path: str, body: bytes, status: int
) -> None:
    reporting = Reporting(sqlite_url, tmp_path)
    answer = reporting.client.post(path, data=body)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert answer.get_json()["status"] == status
    reporting.world.parts.close()


@pytest.mark.parametrize(
    ("hops", "forwarded", "kept"),
    [
        (0, "203.0.113.9", "198.51.100.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (2, "6.6.6.6, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (2, "6.6.6.6", "198.51.100.1"),
        (1, "", "198.51.100.1"),
        (1, "4242424242424242 x", "198.51.100.1"),
        (1, "fe80::1%4242424242424242", "198.51.100.1"),
        (1, "203.0.113.9:4711", "203.0.113.9"),
        (1, "[2001:DB8::1]:4711", "2001:db8::1"),
    ],
)
def test_a_forged_address_is_no_proof(
    sqlite_url: str, tmp_path: Path, hops: int, forwarded: str, kept: str
) -> None:
    world = World(settings_for(sqlite_url, tmp_path, trusted_proxies=hops))
    world.order()
    world.work()
    answer = (
        create_app(world.parts)
        .test_client()
        .post(
            f"/u/{world.opt_out_token(Channel.EMAIL)}",
            headers={
                "X-Forwarded-For": forwarded,
                "X-Forwarded-Host": "evil.example",
                "X-Forwarded-Proto": "ftp",
            },
            environ_base={"REMOTE_ADDR": "198.51.100.1"},
        )
    )
    assert answer.status_code == 200
    assert "evil.example" not in answer.text
    with world.parts.engine.connect() as connection:
        sealed = connection.scalars(select(ConsentProof.proof_sealed)).one()
    assert proofs.read(world.parts.vault.open(PROOF_FIELD, sealed)).ip == kept
    world.parts.close()
