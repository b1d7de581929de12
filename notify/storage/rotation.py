"""Re-encrypt what is stored under the newest key, in small steps, while the service runs."""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, Table, bindparam, select, update

from notify.ports import Vault
from notify.storage.confirmations import DETAILS_FIELD
from notify.storage.consents import PROOF_FIELD
from notify.storage.engine import transaction
from notify.storage.errands import PAYLOAD_FIELD
from notify.storage.events import BODY_FIELD
from notify.storage.letters import FORGOTTEN, TO_FIELD
from notify.storage.notifications import DATA_FIELD
from notify.storage.outbox import OUTBOX_FIELD
from notify.storage.recipients import SEALED
from notify.storage.suppressions import MASKED_FIELD
from notify.storage.tables import Base
from notify.storage.webhook_endpoints import SECRET_FIELD, URL_FIELD

_STEP: Final = 500

SEALED_COLUMNS: Final = {
    ("recipients", "email_sealed"): SEALED["email"],
    ("recipients", "phone_sealed"): SEALED["phone"],
    ("recipients", "name_sealed"): SEALED["name"],
    ("notifications", "data_sealed"): DATA_FIELD,
    ("consent_proofs", "proof_sealed"): PROOF_FIELD,
    ("suppressions", "masked_sealed"): MASKED_FIELD,
    ("outbox", "message_sealed"): OUTBOX_FIELD,
    ("messages", "to_sealed"): TO_FIELD,
    ("event_posts", "body_sealed"): BODY_FIELD,
    ("webhook_endpoints", "url_sealed"): URL_FIELD,
    ("webhook_endpoints", "secret_sealed"): SECRET_FIELD,
    ("webhook_endpoints", "secret_before_sealed"): SECRET_FIELD,
    ("errands", "payload_sealed"): PAYLOAD_FIELD,
    ("confirmations", "details_sealed"): DETAILS_FIELD,
}
"""Every encrypted column, and the field name its values are bound to."""


def rotate(engine: Engine, vault: Vault, report: Callable[[str, int], None]) -> int:
    """Re-encrypt every value that is not under the newest key; return how many.

    `report` is told each column and its count. Harmless to stop and to repeat. A value that somebody
    changes meanwhile is left to them: they write it under the newest key.
    """
    total = 0
    for (table_name, column), field in SEALED_COLUMNS.items():
        table = Base.metadata.tables[table_name]
        changed = _rotate_column(engine, vault, table, column, field)
        report(f"{table_name}.{column}", changed)
        total += changed
    return total


def _rotate_column(engine: Engine, vault: Vault, table: Table, column: str, field: str) -> int:
    changed, after = 0, None
    while True:
        with transaction(engine, write=True) as connection:
            rows = _next_rows(connection, table, column, after)
            stale = [row for row in rows if not vault.is_current(row.sealed)]
            if stale:
                fresh = [vault.seal(field, vault.open(field, row.sealed)) for row in stale]
                changed += _replace(connection, table, column, stale, fresh)
        if not rows:
            return changed
        after = rows[-1].number


def _next_rows(connection: Connection, table: Table, column: str, after: Any) -> list[Row[Any]]:  # noqa: ANN401 - a key
    (key,) = table.primary_key
    query = select(key.label("number"), table.c[column].label("sealed"))
    query = query.where(table.c[column] != FORGOTTEN).order_by(key).limit(_STEP)
    return list(connection.execute(query if after is None else query.where(key > after)))


def _replace(
    connection: Connection, table: Table, column: str, stale: list[Row[Any]], fresh: list[bytes]
) -> int:
    (key,) = table.primary_key
    statement = (
        update(table)
        .where(key == bindparam("number"), table.c[column] == bindparam("old"))
        .values({column: bindparam("new")})
    )
    connection.execute(
        statement,
        [
            {"number": row.number, "old": row.sealed, "new": new}
            for row, new in zip(stale, fresh, strict=True)
        ],
    )
    return len(stale)
