"""`notify restore-optouts` and `notify retain`, as people run them."""

import json
from pathlib import Path

from tests.integration.test_cli import Notify


def test_a_journal_is_put_back_into_a_restored_database(tmp_path: Path) -> None:
    notify = Notify(tmp_path / "data")
    notify("migrate")
    missing = notify("restore-optouts")
    assert missing.returncode == 1
    assert "there is no journal" in missing.stderr
    barred = {
        "kind": "barred",
        "line": 7,
        "at": "2026-11-23T12:00:00Z",
        "channel": "sms",
        "hash": "ab" * 16,
        "reason": "stop",
        "scope": "marketing",
        "until": None,
    }
    journal = tmp_path / "optouts.journal.1"
    journal.write_text(json.dumps(barred) + '\n{"kind":"bar')
    planned = notify("restore-optouts", "--dry-run", str(journal))
    assert planned.stdout.splitlines() == [
        "Lines read: 2 (1 of them torn or unreadable)",
        "To put back: 0 opt-outs, 1 suppression, 0 erasures",
    ]
    assert "Put back: 0 opt-outs, 1 suppression, 0 erasures" in notify("restore-optouts", str(journal)).stdout
    assert (
        "Put back: 0 opt-outs, 0 suppressions, 0 erasures" in notify("restore-optouts", str(journal)).stdout
    )
    assert notify("retain", "--dry-run").stdout == "Nothing is that old.\n"
