"""How many SMS left on each day (UTC), exact however many workers spend at the same time."""

from datetime import date

from sqlalchemy import Connection, delete, select, update

from notify.storage.campaign_tables import SmsDay
from notify.storage.upserts import upsert_into


class SqlSmsBudget:
    """Implements `store.SmsBudget`. The day's row is locked until commit: spend last in a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def spend(self, day: date, wanted: int, limit: int) -> int:
        """Take up to `wanted` of what is left of the day's `limit`; return how many were granted."""
        if wanted <= 0:
            return 0
        locked = select(SmsDay.used).where(SmsDay.day == day).with_for_update()
        used = self._connection.scalar(locked)
        if used is None:
            first = upsert_into(self._connection, SmsDay).values(day=day, used=0)
            self._connection.execute(first.on_conflict_do_nothing())
            used = self._connection.scalars(locked).one()
        granted = max(0, min(wanted, limit - used))
        if granted:
            self._connection.execute(update(SmsDay).where(SmsDay.day == day).values(used=used + granted))
        return granted

    def used(self, day: date) -> int:
        """Return how many were taken of a day's limit."""
        return self._connection.scalar(select(SmsDay.used).where(SmsDay.day == day)) or 0

    def forget_before(self, day: date) -> int:
        """Delete older days; return how many."""
        gone = delete(SmsDay).where(SmsDay.day < day).returning(SmsDay.day)
        return len(self._connection.scalars(gone).all())
