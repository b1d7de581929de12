"""The head of the ledger's chain, mailed daily."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from notify.domain.catalogue import Channel
from notify.domain.errors import ConfigurationError
from notify.domain.requests import Choice, Proof, RecipientInput
from notify.usecases.ledger.mail_head import MailLedgerHead
from notify.usecases.ledger.seal import SealLedger
from tests.world import World, settings_for

OFFICER = "dpo@example.org"


@pytest.fixture
def watched(database_url: str, tmp_path: Path) -> Iterator[World]:
    found = World(settings_for(database_url, tmp_path / "data", ledger_head_to=OFFICER))
    found.clock.at = datetime(2026, 11, 23, 5, 59, tzinfo=UTC)
    yield found
    found.parts.close()


def scheduler(world: World) -> MailLedgerHead:
    """Give one of several schedulers: each has its own."""
    mailing = world.parts.mail_ledger_head
    assert mailing
    del world.parts.mail_ledger_head
    return mailing


def test_the_head_is_mailed_once_a_day_however_many_schedulers_there_are(watched: World) -> None:
    first, second = scheduler(watched), scheduler(watched)
    watched.parts.upsert_recipient(RecipientInput("C-1", {"email": "awa@example.com"}))
    watched.parts.change_preferences("C-1", [Choice("surveys", Channel.EMAIL, False)], Proof("phone call"))
    watched.clock.advance(timedelta(minutes=2))
    assert not first()  # nothing is sealed yet, so there is no head
    SealLedger(watched.parts.store, watched.clock, pause=lambda _: None)()
    watched.clock.at -= timedelta(minutes=2)
    assert not first()  # too early
    watched.clock.advance(timedelta(hours=1))
    assert first()
    assert not second()
    assert not first()
    watched.work()
    (mail,) = watched.email.messages
    head = watched.parts.verify_ledger(lambda _: None).head
    assert mail.to == OFFICER
    assert f"notify verify-ledger --head {head}" in mail.text
    assert "1 entrées" in mail.text
    assert "/u/" in mail.headers["List-Unsubscribe"]
    watched.clock.advance(timedelta(days=1))
    assert second()
    assert not first()


def test_who_left_is_not_written_to_again(watched: World) -> None:
    watched.parts.upsert_recipient(RecipientInput("C-1", {"email": "awa@example.com"}))
    watched.parts.change_preferences("C-1", [Choice("surveys", Channel.EMAIL, False)], Proof("phone call"))
    SealLedger(watched.parts.store, watched.clock, pause=lambda _: None)()
    watched.clock.advance(timedelta(hours=1))
    mailing = scheduler(watched)
    mailing()
    watched.work()
    watched.parts.unsubscribe(watched.opt_out_token(Channel.EMAIL), Proof("link"), "fr")
    watched.clock.advance(timedelta(days=1))
    mailing()
    watched.work()
    assert len(watched.email.messages) == 1


def test_an_address_that_is_none_is_said_at_the_start(sqlite_url: str, tmp_path: Path) -> None:
    settings = settings_for(sqlite_url, tmp_path / "data", ledger_head_to="nobody")
    with pytest.raises(ConfigurationError, match="LEDGER_HEAD_TO: "):
        _ = World(settings).parts.mail_ledger_head
