"""`notify verify-ledger` and `notify export-ledger`, as an operator runs them."""

import csv
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from notify.bootstrap import build
from notify.cli import notify as command_line
from notify.settings import load_settings

PEOPLE = """id,email,preferences.surveys.email
C-1,awa@example.com,false
C-2,koffi@example.com,false
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Give an installation whose ledger has two entries, sealed."""
    directory, table = tmp_path / "data", tmp_path / "people.csv"
    table.write_text(PEOPLE)
    assert run(directory, "import", str(table)).exit_code == 0
    with closing(build(load_settings(directory), "cli")) as composition:
        assert composition.seal_ledger() == 2
    return directory


def run(directory: Path, *words: str) -> Result:
    return CliRunner().invoke(command_line, [*words, "--data-dir", str(directory)])


def test_a_tampered_ledger_is_named_and_fails_the_command(data_dir: Path) -> None:
    sound = run(data_dir, "verify-ledger")
    assert sound.exit_code == 0
    assert sound.stdout.startswith("Entries: 2, in seals: 1. Not sealed yet: 0. Findings: 0.")
    head = sound.stdout.split("Head: ")[1].strip()
    assert run(data_dir, "verify-ledger", "--head", head).exit_code == 0
    with closing(sqlite3.connect(data_dir / "notify.db")) as database:
        database.execute("DROP TRIGGER consent_records_no_update")
        database.execute("UPDATE consent_records SET at = '2020-01-01 00:00:00.000000' WHERE id = 2")
        database.commit()
    broken = run(data_dir, "verify-ledger")
    assert broken.exit_code == 1
    assert broken.stdout.startswith("cns_2 was altered: it is not what seal 1 closed.\n\nEntries: 2")


def test_the_ledger_is_written_to_standard_output(data_dir: Path) -> None:
    lines = run(data_dir, "export-ledger", "--recipient", "C-2", "--without-proofs").stdout.splitlines()
    (entry,) = csv.DictReader(lines)
    assert (entry["entry_id"], entry["topic"], entry["seal"]) == ("cns_2", "surveys", "1")
    assert "wording" not in entry
    unknown = run(data_dir, "export-ledger", "--recipient", "C-3")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
