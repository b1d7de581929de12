"""Whether the database can be used by a command, and if not, what to do about it."""

from pathlib import Path
from typing import Final

from notify.bootstrap import Composition
from notify.domain.errors import ConfigurationError, UnavailableError
from notify.settings import SET_UP, Settings
from notify.storage.migrate import upgrade

NOT_SET_UP: Final = "not set up yet"
_OLD: Final = "the schema is not the newest: run `notify migrate`"
_AWAY: Final = "the database is out of reach; `notify doctor` says more"


def is_set_up(settings: Settings) -> bool:
    """Whether there is a database; one that DATABASE_URL names is taken to be there."""
    file = _own_file(settings)
    return file is None or (file.exists() and file.stat().st_size > 0)


def demand_set_up(settings: Settings) -> None:
    """Raise ConfigurationError where there is no database yet."""
    if not is_set_up(settings):
        raise ConfigurationError(f"Nothing is set up in {settings.data_dir}. {SET_UP}")


def make_ready(composition: Composition) -> None:
    """Bring this machine's own SQLite to the newest schema; UnavailableError if another lacks it."""
    if composition.backlog.migrated():
        return
    if _own_file(composition.settings):
        upgrade(composition.settings.database_url)
        return
    raise obstacle(composition)


def obstacle(composition: Composition) -> UnavailableError:
    """Return why the database cannot be used."""
    return UnavailableError(_OLD if composition.backlog.reachable() else _AWAY)


def _own_file(settings: Settings) -> Path | None:
    """Return where this machine's own SQLite is, unless DATABASE_URL names a database."""
    file = settings.data_dir / "notify.db"
    return file if settings.database_url == f"sqlite:///{file}" else None
