"""PostgreSQL: notifications, dispatches and messages, one or a thousand, stored in one statement."""

from typing import Final, cast

from sqlalchemy import Table, TextClause, bindparam, text
from sqlalchemy.types import String

from notify.storage.json_rows import recordset, selected
from notify.storage.prepared import Prepared
from notify.storage.tables import Message, Notification, Recipient

_NOTIFICATIONS: Final = cast("Table", Notification.__table__)
_MESSAGES: Final = cast("Table", Message.__table__)
_RECIPIENTS: Final = cast("Table", Recipient.__table__)

_OF_NOTIFICATION: Final = (
    "recipient_id", "template", "reference", "data_sealed", "channels", "routing", "test", "created_at",
    "send_at", "expires_at",
)  # fmt: skip
_OF_MESSAGE: Final = (
    "recipient_id", "channel", "topic", "locale", "status", "reason", "address_hash", "basis",
    "basis_consent_id", "created_at", "updated_at",
)  # fmt: skip
_OF_RECIPIENT: Final = tuple(
    column.name for column in _RECIPIENTS.c if column.name not in {"id", "policy_consent_id"}
)


def _add(_dialect: str) -> TextClause:
    about, of_message = ", ".join(_OF_NOTIFICATION), ", ".join(_OF_MESSAGE)
    asked = recordset(_NOTIFICATIONS, _OF_NOTIFICATION, "notifications", place="integer")
    more = {"place": "integer", "lane": "text", "due_at": "timestamptz"}
    drafted = recordset(_MESSAGES, _OF_MESSAGE, "messages", **more)
    return text(
        f"""
        WITH asked AS MATERIALIZED (
            SELECT nextval('notifications_id_seq') AS id, r.place,
                {selected(_NOTIFICATIONS, _OF_NOTIFICATION)}
            FROM {asked}
        ), drafted AS MATERIALIZED (
            SELECT nextval('messages_id_seq') AS id, r.place, r.lane, r.due_at,
                CASE WHEN r.reason IS NULL THEN nextval('dispatches_id_seq') END AS dispatch_id,
                {selected(_MESSAGES, _OF_MESSAGE)}
            FROM {drafted}
        ), added_notifications AS (
            INSERT INTO notifications (id, {about}) SELECT id, {about} FROM asked
        ), added_dispatches AS (
            INSERT INTO dispatches (id, lane, channel, size, phase, due_at, planned_at, attempt, lapses)
            SELECT dispatch_id, lane, channel, 1, 'waiting', due_at, due_at, 0, 0 FROM drafted
            WHERE dispatch_id IS NOT NULL
        ), added_messages AS (
            INSERT INTO messages (id, notification_id, dispatch_id, {of_message})
            SELECT drafted.id, asked.id, dispatch_id, {", ".join(f"drafted.{name}" for name in _OF_MESSAGE)}
            FROM drafted JOIN asked USING (place)
        )
        SELECT place, asked.id, drafted.id, dispatch_id FROM asked LEFT JOIN drafted USING (place)
        ORDER BY drafted.id
        """  # noqa: S608 - names of our own columns
    ).bindparams(bindparam("notifications", type_=String), bindparam("messages", type_=String))


ADD: Final = Prepared(_add)
"""Takes both as `json_rows`, with the `place` of the notification; returns it with the numbers given."""


def _insert_recipients(_dialect: str) -> TextClause:
    return text(
        f"""
        WITH added AS (
            INSERT INTO recipients ({", ".join(_OF_RECIPIENT)}) SELECT {selected(_RECIPIENTS, _OF_RECIPIENT)}
            FROM {recordset(_RECIPIENTS, _OF_RECIPIENT, "rows")}
            ON CONFLICT (external_id) DO NOTHING RETURNING id, external_id
        )
        SELECT id, external_id, CAST(NULL AS bytea), CAST(NULL AS smallint), CAST(NULL AS varchar),
            CAST(NULL AS varchar)
        FROM added
        UNION ALL
        SELECT NULL, NULL, address_hash, topic, channel, NULL FROM address_optouts
        WHERE address_hash = ANY(CAST(:hashes AS bytea[]))
        UNION ALL
        SELECT NULL, NULL, address_hash, NULL, channel, scope FROM suppressions
        WHERE address_hash = ANY(CAST(:hashes AS bytea[]))
        """  # noqa: S608 - names of our own columns
    ).bindparams(bindparam("rows", type_=String))


INSERT_RECIPIENTS: Final = Prepared(_insert_recipients)
"""Takes `json_rows`, and the hashes of their addresses.

Returns number and external id of those who were not there, then without a number what bars the addresses:
hash, topic and channel of an opt-out, or hash, channel and scope of a suppression.
"""
