"""What is to be written to the journal outside the database, kept along with what it tells."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert

from notify.storage.ledger_tables import JournalLine


def add_lines(connection: Connection, lines: Sequence[Mapping[str, Any]]) -> None:
    """Keep lines for the journal: ids, dates and keyed hashes in hexadecimal, nothing personal."""
    if lines:
        rows = [{"line": json.dumps(line, sort_keys=True, separators=(",", ":"))} for line in lines]
        connection.execute(insert(JournalLine), rows)
