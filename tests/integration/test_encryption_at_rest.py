"""No personal data lies readable in the database, and keys rotate while it is in use."""

import base64
import os
from pathlib import Path

import pytest
from sqlalchemy import text

from notify.bootstrap import Composition
from notify.domain.catalogue import Channel
from notify.domain.errors import VaultError
from tests.world import CLICK, EMAIL, PHONE, World, exported, settings_for

_PERSONAL = ("awa.diop", "AWA.DIOP", "771234567", "Awa Diop", "Diop", "99812-secret")


def test_the_database_file_holds_no_address_name_or_data(sqlite_url: str, tmp_path: Path) -> None:
    world = World(settings_for(sqlite_url, tmp_path))
    world.order(data={"order_number": "99812-secret"}, reference="r-1", test=True)
    del (
        world.parts.provider_choice,
        world.parts.throttle,
        world.parts.telemetry,
    )  # the real ones
    world.work()
    assert len(world.parts.outbox.entries(None, 10)) == 2
    stored = Path(sqlite_url.removeprefix("sqlite:///"))
    content = b"".join(path.read_bytes() for path in stored.parent.glob(stored.name + "*"))
    assert b"r-1" in content
    for word in _PERSONAL:
        assert word.encode() not in content
        assert base64.b64encode(word.encode()).rstrip(b"=") not in content
    world.parts.close()


def test_postgresql_holds_no_address_name_or_data(postgres_url: str, tmp_path: Path) -> None:
    world = World(settings_for(postgres_url, tmp_path))
    world.order(data={"order_number": "99812-secret"})
    world.work()
    world.parts.unsubscribe(world.opt_out_token(Channel.EMAIL), CLICK, "fr")
    with world.parts.engine.connect() as connection:
        tables = connection.scalars(
            text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        )
        for table in list(tables):
            rows = connection.execute(text(f'SELECT t::text FROM "{table}" t')).scalars()  # noqa: S608
            for row in rows:
                assert not any(word in row for word in _PERSONAL)
    world.parts.close()


def test_keys_rotate_and_the_old_one_can_go(database_url: str, tmp_path: Path) -> None:
    settings = settings_for(database_url, tmp_path)
    world = World(settings)
    world.order()
    world.work()
    world.parts.unsubscribe(world.opt_out_token(Channel.EMAIL), CLICK, "fr")
    new = base64.urlsafe_b64encode(os.urandom(32)).decode()
    both = settings.model_copy(update={"encryption_keys": f"{new},{settings.encryption_keys}"})
    rotating = Composition(both)
    counted: dict[str, int] = {}
    total = rotating.rotate_keys(counted.__setitem__)
    assert total == sum(counted.values())
    assert counted["recipients.email_sealed"] == counted["installation_keys.wrapped"] == 1
    assert rotating.rotate_keys(counted.__setitem__) == 0
    rotating.close()
    only_new = Composition(settings.model_copy(update={"encryption_keys": new}))
    found = exported(only_new)
    assert (found["recipient"]["email"], found["recipient"]["phone"]) == (EMAIL, PHONE)
    assert found["consents"][0]["wording"] == CLICK.wording
    assert len(only_new.search_recipients(Channel.EMAIL, EMAIL)) == 1
    only_new.close()
    stale = Composition(settings)
    with pytest.raises(VaultError):
        _ = stale.vault
    stale.close()
    world.parts.close()


def test_the_generated_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    settings_for(f"sqlite:///{tmp_path}/x.db", tmp_path / "data")
    assert (tmp_path / "data" / "secrets.json").stat().st_mode & 0o777 == 0o600
