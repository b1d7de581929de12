"""The command line, against a real database and with and without Redis."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar, NamedTuple

import pytest
from click.testing import CliRunner

from notify.cli import main
from notify.cli import notify as command_line
from tests.e2e.up_process import ENVIRONMENT
from tests.ports import free_port


class Done(NamedTuple):
    """What came of a command."""

    returncode: object
    stdout: str
    stderr: str


class Notify:
    """Runs the command on one data directory, in this process: to start one for each takes seconds."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.data_dir = data_dir
        self.environment = environment

    def __call__(self, *words: str) -> Done:
        others = {name: None for name in os.environ if name not in ENVIRONMENT}
        code: object = None
        with CliRunner().isolation(env={**others, **self.environment}) as (out, err, _):
            try:
                main([*words, "--data-dir", str(self.data_dir)])
            except SystemExit as end:
                code = end.code
            return Done(code or 0, out.getvalue().decode(), err.getvalue().decode())


@pytest.fixture
def notify(tmp_path: Path, redis_url: str) -> Notify:
    command = Notify(tmp_path / "data", REDIS_URL=redis_url)
    assert command("migrate").returncode == 0
    return command


@pytest.fixture
def without_redis(tmp_path: Path) -> Notify:
    command = Notify(tmp_path / "data", REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert command("migrate").returncode == 0
    return command


def test_migrate_is_harmless_to_repeat(notify: Notify) -> None:
    assert notify("migrate").returncode == 0


def test_a_process_of_its_own_ends_with_the_code_and_the_words(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "notify", "export-ledger", "--data-dir", str(tmp_path / "new")]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: Nothing is set up in ")


def test_a_file_of_recipients_is_imported(notify: Notify, tmp_path: Path) -> None:
    table = tmp_path / "old tool.CSV"
    table.write_bytes(
        b"\xef\xbb\xbfid;email;name;suppressed\r\n"
        b"C-1;awa@example.com;Awa Diop;\r\nC-2;awa;;\r\nC-3;k@example.com;;VRAI\r\n"
    )
    done = notify("import", str(table))
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert (report["accepted"], report["refused"]) == (2, 1)
    assert report["errors"] == [{"line": 3, "error": "/email: An email address must have an @-sign"}]
    table.write_text("id,emial\n")
    wrong = notify("import", str(table))
    assert wrong.returncode == 1
    assert "has a column that is not known here" in wrong.stderr


def test_the_kind_of_a_file_is_told_by_its_name_or_asked_for(tmp_path: Path) -> None:
    unnamed = tmp_path / "file"
    unnamed.write_text("id")
    asked = CliRunner().invoke(command_line, ["import", str(unnamed), "--data-dir", str(tmp_path / "data")])
    assert asked.exit_code == 2
    assert "give --format csv or ndjson" in asked.stderr
    assert not (tmp_path / "data").exists()


def test_a_key_is_printed_alone_and_can_be_revoked(notify: Notify) -> None:
    made = notify(
        "keys", "create", "--name", "Orders", "--scope", "send", "--scope", "read", "--expires-in", "30"
    )
    assert made.returncode == 0
    (key,) = made.stdout.splitlines()
    assert made.stderr == ""
    listed = notify("keys", "list").stdout
    assert "Orders" in listed
    assert "[read, send]" in listed
    assert key not in listed
    number = listed.split()[0]
    assert notify("keys", "revoke", number).returncode == 0
    assert "revoked" in notify("keys", "list").stdout
    again = notify("keys", "revoke", number)
    assert again.returncode == 1
    assert again.stderr.startswith("Error: ")


def test_wrong_usage_is_exit_code_2(notify: Notify) -> None:
    assert notify("keys", "create", "--name", "Orders", "--scope", "everything").returncode == 2
    assert notify("nonsense").returncode == 2


SEND = (
    "send", "order_shipped", "--recipient", "C-1042", "--email", "awa.diop@example.com",
    "--phone", "77 123 45 67", "--country", "SN", "--locale", "fr", "--reference", "order-99812",
)  # fmt: skip
DATA = ("--data", '{"order_number": "99812"}')


def test_send_accepts_as_the_api_does(notify: Notify) -> None:
    done = notify(*SEND, *DATA, "--idempotency-key", "k1")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["status"] == "queued"
    assert {message["channel"] for message in answer["messages"]} == {"email", "sms"}
    assert json.loads(notify(*SEND, *DATA, "--idempotency-key", "k1").stdout) == answer


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (SEND, "/data"),
        ((*SEND, "--data", '{"order_number": "4111 1111 1111 1111"}'), "/data/order_number"),
        (("send", "nonsense", "--recipient", "C-1", *DATA), "Error: /template: "),
    ],
)
def test_send_refuses_as_the_api_does(notify: Notify, words: tuple[str, ...], said: str) -> None:
    done = notify(*words)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "4111 1111" not in done.stderr


def test_send_and_status_work_without_redis(without_redis: Notify) -> None:
    sent = without_redis(*SEND, *DATA)
    assert sent.returncode == 0, sent.stderr
    shown = without_redis("status")
    assert shown.returncode == 0
    assert "Redis: DOWN" in shown.stdout
    urgent = next(line for line in shown.stdout.splitlines() if "urgent" in line)
    assert urgent.split()[1] == "2"


def test_doctor_names_what_is_broken_and_what_to_do(without_redis: Notify) -> None:
    done = without_redis("doctor")
    assert done.returncode == 1
    assert "BROKEN   Redis" in done.stdout
    assert "REDIS_URL" in done.stdout
    assert "ok       Database" in done.stdout
    assert "BROKEN   Scheduler" in done.stdout


def test_doctor_goes_on_with_the_keys_of_another_installation(without_redis: Notify) -> None:
    assert without_redis(*SEND, *DATA).returncode == 0
    without_redis.environment["ENCRYPTION_KEYS"] = "A" * 43 + "="
    done = without_redis("doctor")
    assert (done.returncode, done.stderr) == (1, "")
    assert "BROKEN   ENCRYPTION_KEYS: not those of this database (wrapped key: sealed under" in done.stdout
    assert "→ Put back the key it was set up with" in done.stdout
    assert "ok       Database" in done.stdout
    assert "BROKEN   API keys: could not be read" in done.stdout


def test_doctor_reads_settings_first(tmp_path: Path) -> None:
    done = Notify(tmp_path, EMAIL_PROVIDER="pigeon")("doctor")
    assert done.returncode == 1
    assert "BROKEN   Settings: " in done.stdout
    assert "pigeon" not in done.stdout


@pytest.mark.parametrize("url", ["pigeon://h/n", "postgresql://u:hidden@h:x/n", "mysql://u:hidden@h/n"])
def test_a_database_that_is_not_understood_is_one_clear_line(tmp_path: Path, url: str) -> None:
    wrong = Notify(tmp_path, DATABASE_URL=url, SECRET_KEYS="s" * 32, ENCRYPTION_KEYS="A" * 43 + "=")
    for words in (("status",), ("migrate",), ("doctor",)):
        done = wrong(*words)
        assert done.returncode == 1
        assert "DATABASE_URL is not understood. Write it as postgresql://" in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert "hidden" not in done.stdout + done.stderr


def test_doctor_goes_on_where_a_url_is_not_understood(tmp_path: Path) -> None:
    done = Notify(tmp_path, REDIS_URL="pigeon")("doctor")
    assert "BROKEN   Redis: REDIS_URL is not understood." in done.stdout
    assert "API keys" in done.stdout


@pytest.mark.parametrize("words", [("keys", "create", "--name", "Orders", "--scope", "send"), (*SEND, *DATA)])
def test_a_bare_directory_is_set_up_by_the_first_command(
    tmp_path: Path, redis_url: str, words: tuple[str, ...]
) -> None:
    done = Notify(tmp_path / "new", REDIS_URL=redis_url)(*words)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_looking_at_a_bare_directory_says_that_it_is_not_set_up(tmp_path: Path) -> None:
    bare = Notify(tmp_path / "new", REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    for words in (("status",), ("verify-ledger",), ("export-ledger",), ("keys", "list"), ("retain",)):
        shown = bare(*words)
        assert shown.returncode == 1
        assert shown.stderr.startswith(f"Error: Nothing is set up in {tmp_path}/new. `notify up`")
        assert not (tmp_path / "new").exists()
    for _ in range(2):
        looked = bare("doctor")
        assert "BROKEN   Database: not set up yet\n" in looked.stdout
        assert "`notify migrate`" in looked.stdout
        assert "CHECK    API keys: there is none yet" in looked.stdout
        assert not (tmp_path / "new").exists()


def test_a_database_of_production_is_never_migrated_by_the_way(
    tmp_path: Path, empty_postgres_url: str
) -> None:
    old = Notify(
        tmp_path, DATABASE_URL=empty_postgres_url, SECRET_KEYS="s" * 32, ENCRYPTION_KEYS="A" * 43 + "="
    )
    for words in (("keys", "list"), ("status",), (*SEND, *DATA), ("rotate-keys",)):
        done = old(*words)
        assert done.returncode == 1
        assert done.stderr == "Error: the schema is not the newest: run `notify migrate`\n"
    assert "BROKEN   Migrations" in old("doctor").stdout
    assert old("migrate").returncode == 0
    assert old("keys", "list").returncode == 0


def test_a_database_out_of_reach_is_one_clear_line(tmp_path: Path) -> None:
    away = Notify(
        tmp_path,
        DATABASE_URL=f"postgresql://n@127.0.0.1:{free_port()}/n",
        SECRET_KEYS="s" * 32,
        ENCRYPTION_KEYS="A" * 43 + "=",
    )
    for words in (("keys", "list"), ("status",), ("migrate",)):
        done = away(*words)
        assert done.returncode == 1
        assert done.stderr.startswith("Error: ")
        assert "Traceback" not in done.stderr
    assert "BROKEN   Database: PostgreSQL" in away("doctor").stdout


class _Providers(BaseHTTPRequestHandler):
    """Answers as SendGrid's and Twilio's credential checks do."""

    answers: ClassVar[dict[str, tuple[int, object]]]

    def do_GET(self) -> None:
        status, body = self.answers[self.path.split("/")[1]]
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def providers() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Providers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("sendgrid", "twilio", "said"),
    [
        (
            (200, {"scopes": ["mail.send"]}),
            (200, {"status": "active"}),
            ("ok       SendGrid", "ok       Twilio"),
        ),
        ((200, {"scopes": ["stats.read"]}), (401, {}), ("may not send", "refuses the credentials (401)")),
        ((503, {}), (200, {"status": "suspended"}), ("CHECK    SendGrid", "the account is suspended")),
    ],
)
def test_doctor_asks_the_providers(
    tmp_path: Path,
    providers: str,
    sendgrid: tuple[int, object],
    twilio: tuple[int, object],
    said: tuple[str, ...],
) -> None:
    _Providers.answers = {"v3": sendgrid, "2010-04-01": twilio}
    done = Notify(
        tmp_path,
        EMAIL_PROVIDER="sendgrid",
        SENDGRID_API_KEY="SG.made-up",
        SENDGRID_API_URL=providers,
        SMS_PROVIDER="twilio",
        TWILIO_ACCOUNT_SID="AC" + "0" * 32,
        TWILIO_AUTH_TOKEN="made-up-token",
        TWILIO_API_URL=providers,
    )("doctor")
    for words in said:
        assert words in done.stdout
    assert "made-up" not in done.stdout + done.stderr


def test_doctor_says_which_provider_is_out_of_reach(tmp_path: Path) -> None:
    done = Notify(
        tmp_path,
        EMAIL_PROVIDER="smtp",
        SMTP_URL=f"smtp://127.0.0.1:{free_port()}",
    )("doctor")
    assert "BROKEN   SMTP: no dialogue with the server" in done.stdout


def test_rotate_keys_says_what_it_did(notify: Notify) -> None:
    assert notify(*SEND, *DATA).returncode == 0
    done = notify("rotate-keys")
    assert done.returncode == 0, done.stderr
    assert "Encrypted anew: 0." in done.stdout
