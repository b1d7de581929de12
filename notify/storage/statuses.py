"""The status of a message as it stands: in its own row, or for most in that of its dispatch."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, case

from notify.domain.status import Status
from notify.storage.tables import Dispatch, Message

APART: Final = Message.status != Status.QUEUED
"""Whether a message has a status of its own."""


def effective_status(now: datetime) -> ColumnElement[str]:
    """Return a message's status: its own, else what became of its dispatch, else how far that is."""
    return case((APART, Message.status), *_shared(now), else_=Status.QUEUED.value)


def fate(now: datetime) -> ColumnElement[str]:
    """Return the status of the messages of a dispatch that have none of their own."""
    return case(*_shared(now), else_=Status.QUEUED.value)


def _shared(now: datetime) -> tuple[tuple[ColumnElement[bool], Any], ...]:
    return (
        (Dispatch.status.is_not(None), Dispatch.status),
        (Dispatch.started_at.is_not(None), Status.SENDING.value),
        (Dispatch.planned_at > now, Status.SCHEDULED.value),
    )
