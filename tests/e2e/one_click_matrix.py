"""The one-click matrix, run through the deployed stack: `python -m tests.e2e.one_click_matrix`.

Each row is a person of its own who got an order update; what is sent to their link is written byte by byte.
"""

import argparse
import base64
import json
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text

from notify.bootstrap import Composition, build
from notify.domain.catalogue import Channel
from notify.domain.token_claims import OptOutClaim
from notify.settings import load_settings
from notify.tokens import SignedTokens, parse_secret_keys
from tests.e2e.mailto_rows import MAILS
from tests.e2e.one_click_rows import FOREIGN, ROWS, Row
from tests.e2e.raw_http import RawAnswer, exchange, request
from tests.e2e.up_process import UpProcess, call, wait_for
from tests.servers import postgres

PEOPLE: Final = len(ROWS) + len(MAILS)
_TRIES: Final = 30
_ABSENT: Final = 200
"""A topic that nobody declares."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one row."""

    row: str
    answer: RawAnswer
    before: bool | None
    after: bool | None
    wanted: str

    @property
    def right(self) -> bool:
        """Whether it is as it must be; never a redirect or a cookie."""
        return self.wanted == self.got and self.answer.is_plain

    @property
    def got(self) -> str:
        """The answer and the change, in words."""
        return f"{self.answer.status} {_words(self.before)} → {_words(self.after)}"


class Deployment:
    """`notify up` with one order update sent to each of some people."""

    def __init__(self, directory: Path, database_url: str | None, people: int, **more: str) -> None:
        """`more` are environment variables."""
        given = dict(more)
        if database_url:
            keys = base64.urlsafe_b64encode(os.urandom(32)).decode()
            secret = secrets.token_urlsafe(32)
            given |= {"DATABASE_URL": database_url, "SECRET_KEYS": secret, "ENCRYPTION_KEYS": keys}
        self.up = UpProcess(directory, **given, UNSUBSCRIBE_MAIL_DOMAIN="mail.example.org")
        self.up.wait_until_ready()
        settings = load_settings(directory)
        if database_url:
            settings = settings.model_copy(update={name.lower(): value for name, value in given.items()})
        self.parts: Composition = build(settings, "matrix")
        try:
            self._send(people)
            self._messages = self._numbers()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop it all."""
        self.parts.close()
        self.up.stop()

    def path(self, person: int, link: str = "own") -> str:
        """Return the path of a person's link, or of one that is odd."""
        recipient, message = self._messages[person]
        claim = OptOutClaim(recipient, 1, Channel.EMAIL, message)
        if link == "foreign key":
            return f"/u/{SignedTokens(parse_secret_keys(secrets.token_urlsafe(32))).opt_out(claim)}"
        if link == "preview":
            claim = claim._replace(message=0)
        elif link == "topic gone":
            claim = claim._replace(topic=_ABSENT)
        elif link == "erased":
            self.api("DELETE", f"/v1/recipients/R-{person}")
        return f"/u/{self.parts.tokens.opt_out(claim)}"

    def mailbox(self, person: int) -> str:
        """Return the address of the `mailto:` in a person's message."""
        recipient, message = self._messages[person]
        token = self.parts.tokens.mailbox(OptOutClaim(recipient, 1, Channel.EMAIL, message))
        return f"unsubscribe-{token}@mail.example.org"

    def subscribed(self, person: int) -> bool | None:
        """Return whether a person gets order updates by e-mail, as the API tells; None once erased."""
        told: list[tuple[int, Any]] = []
        while not told or told[-1][0] == HTTPStatus.SERVICE_UNAVAILABLE:  # connections may still be broken
            assert len(told) < _TRIES, "the database does not come back"
            told.append(self.api("GET", f"/v1/recipients/R-{person}/preferences"))
        status, body = told[-1]
        if status == 404:
            return None
        assert status == 200, status
        (found,) = [
            one["subscribed"]
            for one in body["preferences"]
            if (one["topic"], one["channel"]) == ("order_updates", "email")
        ]
        return bool(found)

    def api(self, method: str, path: str) -> tuple[int, Any]:
        """Call the API; return status and JSON."""
        _, headers, _ = self.up.curl()
        given = [f"{name}: {value}" for name, value in headers.items()]
        answer = exchange(self.up.port, request(method, path, b"", given))
        return answer.status, json.loads(answer.body) if answer.body else None

    def _send(self, people: int) -> None:
        """Send everybody an order update, and wait until all have left."""
        url, headers, _ = self.up.curl()
        orders = [
            {
                "template": "order_shipped",
                "recipient": {"id": f"R-{number}", "email": f"r{number}@example.com"},
                "data": {"order_number": "99812"},
                "channels": ["email"],
            }
            for number in range(people)
        ]
        call(f"{url}/batch", headers, json.dumps({"notifications": orders}).encode())
        wait_for(lambda: len(self._numbers()) == people, 60, lambda: self.up.log)

    def _numbers(self) -> dict[int, tuple[int, int]]:
        """Return recipient's and message's number of everybody whose message has left."""
        query = (
            "SELECT r.external_id, r.id, o.message_id FROM outbox o JOIN messages m ON m.id = o.message_id"
            " JOIN recipients r ON r.id = m.recipient_id WHERE r.external_id LIKE 'R-%'"
        )
        with self.parts.engine.connect() as connection:
            rows = connection.execute(text(query)).all()
        return {int(name.removeprefix("R-")): (recipient, message) for name, recipient, message in rows}


def run_rows(deployment: Deployment, rows: Sequence[Row] = ROWS) -> list[Outcome]:
    """Send every row to the link of a person of its own."""
    return [_outcome(deployment, person, row) for person, row in enumerate(rows)]


def _outcome(deployment: Deployment, person: int, row: Row) -> Outcome:
    path = deployment.path(person, row.link)
    before = deployment.subscribed(person)
    answer = row.send(deployment.up.port, path)
    after = deployment.subscribed(person)
    wanted = f"{row.status} {_words(before)} → {_words(False if row.stops else before)}"
    return Outcome(row.name, answer, before, after, wanted)


def run_mails(deployment: Deployment, first: int) -> list[Outcome]:
    """Post every mail for a person of its own, from `first` on."""
    found = []
    for person, mail in enumerate(MAILS, first):
        before = deployment.subscribed(person)
        answer = mail.post(deployment.up.port, deployment.mailbox(person))
        after = deployment.subscribed(person)
        wanted = f"200 {_words(before)} → {_words(False if mail.stops else before)}"
        found.append(Outcome(f"mail, {mail.name}", answer, before, after, wanted))
    return found


def foreign_answers_differ(outcomes: Sequence[Outcome]) -> set[bytes]:
    """Return the different bodies that tokens which are not ours were answered with: one, if all is well."""
    names = {row.name for row in FOREIGN}
    return {re.sub(rb"/U/", b"/u/", one.answer.body) for one in outcomes if one.row in names}


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Return the matrix in Markdown."""
    yield "| request | answer | redirect, cookie | `order_updates` by e-mail | |"
    yield "|---|---|---|---|---|"
    for one in outcomes:
        plain = "none" if one.answer.is_plain else "**YES**"
        change = f"{_words(one.before)} → {_words(one.after)}"
        verdict = "as it must be" if one.right else f"**WRONG: {one.wanted}**"
        yield f"| {one.row} | {one.answer.status} | {plain} | {change} | {verdict} |"


def _words(subscribed: bool | None) -> str:  # noqa: FBT001 - a value, no switch
    return "erased" if subscribed is None else "subscribed" if subscribed else "stopped"


def main() -> None:
    """Print the matrix of both engines; exit code 1 if a row is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.one_click_matrix", description=__doc__)
    parser.add_argument("--sqlite", action="store_true", help="only on SQLite")
    arguments = parser.parse_args()
    wrong = 0
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="notify-matrix-")))
        urls: dict[str, str | None] = {"SQLite": None}
        if not arguments.sqlite:
            server = stack.enter_context(postgres())
            urls["PostgreSQL"] = server.url(server.create())
        for engine, url in urls.items():
            deployment = Deployment(directory / engine, url, PEOPLE)
            try:
                outcomes = run_rows(deployment) + run_mails(deployment, len(ROWS))
            finally:
                deployment.close()
            sys.stdout.write(f"\n{engine}, `notify up`:\n\n" + "\n".join(table(outcomes)) + "\n")
            wrong += sum(not one.right for one in outcomes) + (len(foreign_answers_differ(outcomes)) != 1)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
