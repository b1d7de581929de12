"""The local outbox: messages are kept, encrypted, and shown on a page, instead of leaving the machine."""

import logging
from collections.abc import Sequence

from notify.domain.outcome import Accepted, Outcome, Transient
from notify.domain.outgoing import OutgoingEmail, OutgoingSms
from notify.ports import OutboxStore

_log = logging.getLogger(__name__)


class OutboxProvider:
    """Keeps the messages of any channel in a store."""

    name = "outbox"
    most = 1_000

    def __init__(self, store: OutboxStore) -> None:
        self._store = store

    def send(self, batch: Sequence[OutgoingEmail | OutgoingSms]) -> Sequence[Outcome]:
        """Keep the whole batch; never raises."""
        try:
            self._store.keep([one.filled() if isinstance(one, OutgoingEmail) else one for one in batch])
        except Exception as error:  # noqa: BLE001 - "never raises"; the store kept nothing, so it is certain
            name = type(error).__name__  # its text may be personal
            _log.error("outbox: nothing was kept: %s", name)
            return [Transient(f"the outbox could not be written ({name})")] * len(batch)
        return [Accepted()] * len(batch)
