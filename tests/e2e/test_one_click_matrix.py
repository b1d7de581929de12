"""One click through the deployed stack: every request of the matrix, and a database that is away."""

import base64
import json
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tests.e2e.one_click_matrix import PEOPLE, Deployment, foreign_answers_differ, run_mails, run_rows
from tests.e2e.one_click_rows import ONE_CLICK, ROWS, URLENCODED
from tests.e2e.raw_http import exchange, request
from tests.e2e.up_process import PATIENCE, wait_for
from tests.reporting import KEY, SENDGRID_HOOK, public_text
from tests.servers import Postgres

LEFT = 1
"""People for the database that is away."""


@pytest.fixture(scope="module")
def database(postgres_server: Postgres) -> Iterator[str]:
    name = postgres_server.create()
    yield name
    postgres_server.drop(name)


@pytest.fixture(scope="module")
def deployment(
    postgres_server: Postgres, database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    directory = tmp_path_factory.mktemp("matrix") / "data"
    key = {"SENDGRID_WEBHOOK_PUBLIC_KEY": public_text()}
    running = Deployment(directory, postgres_server.url(database), PEOPLE + LEFT, **key)
    yield running
    running.close()


def test_every_request_gets_its_answer_and_does_what_it_must(deployment: Deployment) -> None:
    outcomes = run_rows(deployment)
    assert [f"{one.row}: {one.got}" for one in outcomes] == [f"{one.row}: {one.wanted}" for one in outcomes]
    assert all(one.answer.is_plain for one in outcomes)
    assert len(foreign_answers_differ(outcomes)) == 1


def test_every_mail_does_what_its_address_says(deployment: Deployment) -> None:
    outcomes = run_mails(deployment, len(ROWS))
    assert [f"{one.row}: {one.got}" for one in outcomes] == [f"{one.row}: {one.wanted}" for one in outcomes]


def test_the_link_in_the_mail_is_the_one_that_is_tried(deployment: Deployment) -> None:
    ((entry,),) = [deployment.parts.outbox.entries(None, 1)]
    header = entry.message.headers["List-Unsubscribe"]  # type: ignore[union-attr]
    person = int(entry.message.to.removeprefix("r").partition("@")[0])
    assert f"{deployment.path(person)}>" in header
    assert f"<mailto:{deployment.mailbox(person)}" in header


@pytest.mark.parametrize(("size", "status"), [(700_000, 204), (1_200_000, 413)])
def test_events_that_come_in_chunks_are_taken_whole(deployment: Deployment, size: int, status: int) -> None:
    body, stamp = json.dumps([{"event": "processed", "sg_event_id": "e-1", "pad": "x" * size}]).encode(), "1"
    signature = KEY.sign(stamp.encode() + body, ec.ECDSA(SHA256()))
    headers = [
        "Transfer-Encoding: chunked",
        f"X-Twilio-Email-Event-Webhook-Signature: {base64.b64encode(signature).decode()}",
        f"X-Twilio-Email-Event-Webhook-Timestamp: {stamp}",
    ]
    head = request("POST", SENDGRID_HOOK, b"", headers, length=-1)
    chunks = [body[first : first + 50_000] for first in range(0, len(body), 50_000)]
    framed = [f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in chunks]
    assert exchange(deployment.up.port, head, *framed, b"0\r\n\r\n").status == status


def test_a_database_that_is_away_is_never_called_done(
    deployment: Deployment, postgres_server: Postgres, database: str
) -> None:
    """The last one: broken connections are found only when they are used."""
    click = request("POST", deployment.path(PEOPLE), ONE_CLICK, [URLENCODED])
    postgres_server.close(database)
    try:
        away = exchange(deployment.up.port, click)
    finally:
        postgres_server.reopen(database)
    assert away.status == 503
    assert "retry-after" in away.headers
    assert away.is_plain
    assert deployment.subscribed(PEOPLE)
    wait_for(lambda: exchange(deployment.up.port, click).status == 200, PATIENCE, lambda: deployment.up.log)
    assert not deployment.subscribed(PEOPLE)
