"""The keys an installation makes once and keeps in its database, wrapped."""

from collections.abc import Callable

from sqlalchemy import Connection, Engine, select, update

from notify.storage.engine import transaction
from notify.storage.tables import InstallationKey
from notify.storage.upserts import upsert_into


def installation_key(engine: Engine, name: str, make: Callable[[], bytes]) -> bytes:
    """Return the wrapped key of that name; `make` gives one, wrapped, at the very first call.

    Of two processes that come first at once, one wins and both return its key.
    """
    with transaction(engine, write=False) as connection:
        found = _read(connection, name)
    if found is not None:
        return found
    with transaction(engine, write=True) as connection:
        statement = upsert_into(connection, InstallationKey).values(name=name, wrapped=make())
        connection.execute(statement.on_conflict_do_nothing())
    with transaction(engine, write=False) as connection:
        found = _read(connection, name)
        if found is None:
            raise LookupError(name)
        return found


def rewrap(engine: Engine, change: Callable[[bytes], bytes]) -> int:
    """Replace every wrapped key by what `change` makes of it; return how many changed."""
    changed = 0
    with transaction(engine, write=True) as connection:
        for row in connection.execute(select(InstallationKey.__table__).with_for_update()).all():
            wrapped = change(row.wrapped)
            if wrapped != row.wrapped:
                connection.execute(
                    update(InstallationKey).where(InstallationKey.name == row.name).values(wrapped=wrapped)
                )
                changed += 1
    return changed


def _read(connection: Connection, name: str) -> bytes | None:
    return connection.scalar(select(InstallationKey.wrapped).where(InstallationKey.name == name))
