"""Check what the service stands on."""

from notify.domain.backlog import Health
from notify.ports import Backlog, Queues


class CheckHealth:
    """Asks the database and Redis whether they answer."""

    def __init__(self, backlog: Backlog, queues: Queues) -> None:
        """Keep what is asked."""
        self._backlog = backlog
        self._queues = queues

    def __call__(self) -> Health:
        """Ask both; never raises."""
        database = self._backlog.reachable()
        return Health(
            database=database,
            migrated=database and self._backlog.migrated(),
            redis=self._queues.reachable(),
        )
