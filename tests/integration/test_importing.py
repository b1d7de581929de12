"""Imports on the real use cases and databases: merged, batched, repeatable, and never undoing an opt-out."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from notify.bootstrap import Composition
from notify.domain.catalogue import Channel
from notify.domain.consent import Scope, Standing
from notify.domain.errors import FieldProblem, NotFoundError, UnavailableError
from notify.domain.ids import CONSENT, number_of
from notify.domain.imports import ERRORS_SHOWN, BarredFor, ImportedRow, ImportReport, RefusedRow
from notify.domain.recipients import PolicyAcceptance, ProfilePatch
from notify.domain.requests import Choice, Proof, RecipientInput
from notify.usecases.recipients.import_recipients import BATCH, CHOICES_BATCH
from tests.doubles import FixedClock
from tests.world import EMAIL, PHONE, settings_for

FORM = Proof("sign-up form", "Oui, je veux des nouvelles.", obtained_at=datetime(2026, 1, 1, tzinfo=UTC))
NEWS = "company_news"
ACCEPTED = PolicyAcceptance("2026-01", datetime(2026, 1, 1, tzinfo=UTC), "checkout")


class Imports:
    """One installation to import into."""

    def __init__(self, parts: Composition) -> None:
        self.parts = parts

    def rows(self, *rows: ImportedRow | RefusedRow) -> ImportReport:
        return self.parts.import_recipients(rows)

    def ledger(self, recipient: str = "C-1") -> list[Any]:
        return list(self.parts.lookups.consents(recipient, limit=100)["items"])

    def subscribed(self, recipient: str, topic: str = NEWS, channel: Channel = Channel.EMAIL) -> bool:
        (found,) = [
            one["subscribed"]
            for one in self.parts.lookups.preferences(recipient)
            if (one["topic"], one["channel"]) == (topic, channel)
        ]
        return found

    def standing(self, recipient: str, channel: Channel = Channel.EMAIL) -> Standing:
        with self.parts.store.read() as tx:
            stored = tx.recipients.by_external_id(recipient)
            assert stored
            (found,) = tx.consents.standings([(stored, self.parts.catalogue[NEWS].number, channel)])
        return found


@pytest.fixture
def imports(database_url: str, tmp_path: Path) -> Iterator[Imports]:
    with closing(Composition(settings_for(database_url, tmp_path), "test", clock=FixedClock())) as parts:
        yield Imports(parts)


@pytest.fixture
def on_postgres(postgres_url: str, tmp_path: Path) -> Iterator[Imports]:
    with closing(Composition(settings_for(postgres_url, tmp_path), "test", clock=FixedClock())) as parts:
        yield Imports(parts)


def row(
    line: int = 1,
    recipient: str = "C-1",
    *choices: tuple[Choice, Proof | None],
    consent: PolicyAcceptance | None = None,
    suppressed: dict[Channel, BarredFor] | None = None,
    **profile: Any,
) -> ImportedRow:
    patch: ProfilePatch = {**profile}  # type: ignore[typeddict-item]
    return ImportedRow(line, RecipientInput(recipient, patch, consent), choices, suppressed or {})


def joins(topic: str = NEWS, channel: Channel = Channel.EMAIL) -> Choice:
    return Choice(topic, channel, subscribed=True)


def leaves(topic: str = NEWS, channel: Channel = Channel.EMAIL) -> Choice:
    return Choice(topic, channel, subscribed=False)


def test_rows_are_merged_as_put_merges(imports: Imports) -> None:
    since = date(2025, 6, 30)
    given: dict[str, Any] = {
        "email": " Awa.Diop@Example.COM",
        "phone": "77 123 45 67",
        "name": "Awa Diop",
        "country": "SN",
    }
    report = imports.rows(
        row(1, "C-1", **given, locale="fr", attributes={"city": "Dakar", "orders": 7, "vip": True}),
        row(2, "C-2", **given, timezone="Africa/Dakar", customer_since=since),
        row(3, "C-1", name="Awa", attributes={"city": "Thiès"}),
    )
    assert (report.accepted, report.refused, report.errors) == (3, 0, [])
    found = imports.parts.lookups.recipient("C-1")
    assert found["email"] == "Awa.Diop@example.com"
    assert found["phone"] == "+221771234567"
    assert found["name"] == "Awa"
    assert found["attributes"] == {"city": "Thiès", "orders": 7, "vip": True}
    assert imports.parts.lookups.recipient("C-2")["customer_since"] == "2025-06-30"
    assert len(imports.parts.search_recipients(Channel.EMAIL, EMAIL)) == 2
    imports.rows(row(1, "C-1", phone=None, attributes={"orders": None}), row(2, "C-3", phone=PHONE))
    found = imports.parts.lookups.recipient("C-1")
    assert (found["phone"], found["email"]) == (None, "Awa.Diop@example.com")
    assert found["attributes"] == {"city": "Thiès", "vip": True}
    assert imports.standing("C-3", Channel.SMS).country == "SN"


def test_many_are_changed_at_once(imports: Imports) -> None:
    first = [row(n, f"C-{n}", email=f"p{n}@example.com", attributes={"n": n, "é": "à"}) for n in range(60)]
    imports.rows(*first)
    later = [
        row(n, f"C-{n}", phone=f"+22177{n:07d}", name=f"Awa {n}", attributes={"n": n + 1}) for n in range(60)
    ]
    assert imports.rows(*later).accepted == 60
    for n in (0, 59):
        found = imports.parts.lookups.recipient(f"C-{n}")
        assert (found["email"], found["phone"], found["name"]) == (
            f"p{n}@example.com",
            f"+22177{n:07d}",
            f"Awa {n}",
        )
        assert found["attributes"] == {"n": n + 1, "é": "à"}
        assert imports.parts.search_recipients(Channel.SMS, f"+22177{n:07d}")


def test_a_number_as_dialled_at_home_is_read_by_the_stored_country(imports: Imports) -> None:
    imports.rows(row(country="SN"))
    assert imports.rows(row(phone="77 123 45 67")).accepted == 1
    assert imports.parts.lookups.recipient("C-1")["phone"] == PHONE


def test_bad_rows_are_reported_by_line_and_never_fail_the_rest(imports: Imports) -> None:
    later = FixedClock()() + timedelta(days=2)
    late = Proof("form", obtained_at=later)
    unread = RefusedRow(9, (FieldProblem("", "is not JSON"),))
    report = imports.rows(
        unread,
        row(1, "C-1", email="awa.diop", phone="112"),
        row(2, "C-2", email=EMAIL),
        row(3, "C-3", customer_since=later.date()),
        row(4, "C-4", (joins(), None)),
        row(5, "C-5", (leaves("sales"), None), (leaves(), None), (leaves(), None)),
        row(6, "C-6", (leaves(), late)),
        row(7, "C-7", phone=PHONE, suppressed={Channel.EMAIL: BarredFor.MANUAL}),
        row(8, "C-8", email=EMAIL),
    )
    assert (report.accepted, report.refused) == (2, 7)
    assert [line for line, _ in report.errors] == [1, 3, 4, 5, 6, 7, 9]
    told = dict(report.errors)
    assert "/email: An email address must have an @-sign; /phone: The phone number" in told[1]
    assert told[3] == "/customer_since: lies in the future"
    assert told[4] == "/preferences/0/proof: is required to subscribe someone"
    assert told[5].startswith("/preferences/0/topic: there is no such topic")
    assert told[5].endswith("/preferences/2: names a topic and channel that an earlier one names")
    assert told[6] == "/preferences/0/proof/obtained_at: lies in the future"
    assert told[7] == "/suppressed: the row has no address for email"
    with pytest.raises(NotFoundError):
        imports.parts.lookups.recipient("C-1")
    assert imports.parts.lookups.recipient("C-8")["email"] == EMAIL


def test_a_report_names_a_thousand_errors_and_counts_the_rest(imports: Imports) -> None:
    report = imports.rows(*(row(line, email="awa") for line in range(1, ERRORS_SHOWN + 8)))
    assert (report.accepted, report.refused) == (0, ERRORS_SHOWN + 7)
    assert (len(report.errors), report.errors_left_out) == (ERRORS_SHOWN, 7)


def test_choices_and_acceptances_go_on_the_ledger_once(imports: Imports) -> None:
    rows = [
        row(
            1,
            "C-1",
            (joins(), FORM),
            (leaves("surveys", Channel.SMS), None),
            email=EMAIL,
            consent=ACCEPTED,
        )
    ]
    for _ in range(2):
        assert imports.rows(*rows).accepted == 1
    assert imports.subscribed("C-1")
    assert not imports.subscribed("C-1", "surveys", Channel.SMS)
    entries = {(one["topic"], one["channel"]): one for one in imports.ledger()}
    assert len(imports.ledger()) == 3
    assert entries[NEWS, "email"]["subscribed"] is True
    assert entries[NEWS, "email"]["source"] == "sign-up form"
    assert entries[NEWS, "email"]["wording"] == "Oui, je veux des nouvelles."
    assert entries["surveys", "sms"]["subscribed"] is False
    assert entries[None, None]["policy_version"] == "2026-01"


@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
def test_the_last_version_that_is_accepted_counts(imports: Imports, known: bool) -> None:  # noqa: FBT001
    if known:
        imports.rows(row(name="Awa"))
    later = PolicyAcceptance("2026-06", datetime(2026, 6, 1, tzinfo=UTC), "checkout")
    people = [row(line, f"C-{line}", email=EMAIL, locale="en", consent=ACCEPTED) for line in range(1, 61)]
    for _ in range(2):
        imports.rows(*people, row(61, consent=later), row(62, consent=ACCEPTED))
    oldest, newest = imports.ledger()
    assert [newest["policy_version"], oldest["policy_version"]] == ["2026-06", "2026-01"]
    assert (oldest["locale"], oldest["source"]) == ("en", "checkout")
    assert imports.standing("C-1").policy_consent_id == number_of(CONSENT, newest["id"])
    assert imports.standing("C-60").policy_consent_id
    assert imports.parts.verify_ledger(print).findings == 0


def test_two_rows_of_one_person_count_one_after_the_other(imports: Imports) -> None:
    rows = [
        row(1, "C-1", (joins(), FORM), email=EMAIL),
        row(2, "C-1", (leaves(), FORM)),
        row(3, "C-1", (joins(), FORM)),
    ]
    for _ in range(2):
        assert imports.rows(*rows).accepted == 3
        assert not imports.subscribed("C-1")
        assert [one["subscribed"] for one in imports.ledger()] in ([True, False], [False, True])


def test_a_suppression_bars_the_address_of_its_own_row(imports: Imports) -> None:
    barred = row(1, "C-1", email=EMAIL, suppressed={Channel.EMAIL: BarredFor.COMPLAINT})
    imports.rows(barred, row(2, "C-1", email="new@example.com"), row(3, "G", email=EMAIL))
    assert imports.standing("C-1").suppression is None
    assert imports.standing("G").suppression is Scope.MARKETING


def test_an_imported_opt_out_binds_the_address_under_any_id(imports: Imports) -> None:
    imports.rows(row(1, "C-1", (leaves(), None), email=EMAIL))
    imports.rows(row(1, "C-2", (joins(), FORM), email=EMAIL.upper().replace("@EXAMPLE", "@example")))
    assert not imports.subscribed("C-2")
    assert imports.ledger("C-2") == []


def test_nothing_in_a_row_undoes_an_opt_out(imports: Imports) -> None:
    imports.rows(row(1, "C-1", email=EMAIL, country="SN", consent=ACCEPTED))
    assert imports.subscribed("C-1")
    imports.parts.change_preferences("C-1", [leaves()], Proof("phone call"))
    before = imports.ledger()
    newer = Proof("form", obtained_at=datetime(2026, 11, 23, 12, tzinfo=UTC))
    report = imports.rows(
        row(1, "C-1", (joins(), newer), email=EMAIL, customer_since=date(2026, 1, 1), consent=ACCEPTED)
    )
    assert report.accepted == 1
    assert not imports.subscribed("C-1")
    assert imports.ledger() == before


@pytest.mark.parametrize(
    ("reason", "way"),
    [
        (BarredFor.MANUAL, "suppressed"),
        (BarredFor.STOP, "stop"),
        (BarredFor.COMPLAINT, "complaint"),
        (BarredFor.HARD_BOUNCE, None),
    ],
)
def test_what_a_suppression_stops_is_on_the_ledger_once(
    imports: Imports, reason: BarredFor, way: str | None
) -> None:
    imports.rows(row(1, "C-1", email=EMAIL, country="SN", consent=ACCEPTED), row(2, "G", email=EMAIL))
    suppressed = {Channel.EMAIL: reason}
    new: dict[str, Any] = {"email": "new@example.com", "country": "SN", "consent": ACCEPTED}
    for _ in range(2):
        imports.rows(
            row(1, "C-1", email=EMAIL, suppressed=suppressed), row(2, "C-2", **new, suppressed=suppressed)
        )
    for who in ("C-1", "C-2"):
        assert not imports.subscribed(who)
        stopped = [
            (one["topic"], one["source"], one["subscribed"]) for one in imports.ledger(who) if one["topic"]
        ]
        news = ["company_news", "product_offers", "surveys"] if way else []
        assert sorted(stopped) == [(topic, way, False) for topic in news]
    assert imports.ledger("G") == []  # nothing came
    imports.parts.seal_ledger()
    assert imports.parts.verify_ledger(print).findings == 0


def test_an_opt_in_is_left_out_where_the_file_opts_its_address_out(imports: Imports) -> None:
    imports.rows(
        row(1, "C-1", (joins(), FORM), email=EMAIL),
        row(2, "C-2", (leaves(), None), email=EMAIL),
        row(3, "C-3", (joins(), FORM), email=EMAIL),
    )
    told = {one: imports.parts.lookups.consents(one)["items"] for one in ("C-1", "C-2", "C-3")}
    assert [[entry["subscribed"] for entry in entries] for entries in told.values()] == [[], [False], []]
    assert imports.standing("C-3").subscribed is None


def test_suppressions_bar_addresses_and_are_harmless_to_repeat(imports: Imports) -> None:
    stop, bounce = {Channel.SMS: BarredFor.STOP}, {Channel.EMAIL: BarredFor.HARD_BOUNCE}
    for _ in range(2):
        imports.rows(row(1, "C-1", email=EMAIL, phone=PHONE, suppressed={**stop, **bounce}))
    imports.rows(row(1, "C-1", email=EMAIL, phone=PHONE))
    assert imports.standing("C-1", Channel.SMS).suppression is Scope.MARKETING
    assert imports.standing("C-1", Channel.EMAIL).suppression is Scope.ALL


def test_an_erased_address_stays_barred_from_marketing(imports: Imports) -> None:
    choice = (joins(), FORM)
    imports.rows(row(1, "C-1", choice, email=EMAIL))
    imports.parts.erase_recipient("C-1")
    assert imports.rows(row(1, "C-1", choice, email=EMAIL), row(2, "C-2", choice, email=EMAIL)).accepted == 2
    for recipient in ("C-1", "C-2"):
        assert imports.standing(recipient).suppression is Scope.MARKETING


def test_what_was_read_is_stored_while_more_comes_in(imports: Imports) -> None:
    """The rows are never more than two batches ahead of the database: memory does not grow with the file."""
    stored: list[int] = []

    def rows() -> Iterator[ImportedRow]:
        for line in range(3 * BATCH + 2):
            if line == 3 * BATCH:
                with imports.parts.engine.connect() as connection:
                    stored.append(connection.scalar(text("SELECT count(*) FROM recipients")) or 0)
            if line == 3 * BATCH + 1:
                raise ConnectionError
            yield row(line, f"C-{line}")

    with pytest.raises(ConnectionError):
        imports.parts.import_recipients(rows())
    assert stored[0] >= BATCH
    assert imports.parts.lookups.recipient(f"C-{3 * BATCH - 1}")


def test_batches_of_choices_are_short(imports: Imports) -> None:
    report = imports.rows(*(row(line, f"C-{line}", (leaves(), None)) for line in range(CHOICES_BATCH + 1)))
    assert report.accepted == CHOICES_BATCH + 1
    assert not imports.subscribed(f"C-{CHOICES_BATCH}")


def test_whoever_was_made_by_somebody_else_meanwhile_is_merged(on_postgres: Imports) -> None:
    with on_postgres.parts.store.write() as tx:
        tx.recipients.upsert({"C-1": ({"name": "Awa", "locale": "fr"}, None)}, FixedClock()())
        importing = threading.Thread(
            target=on_postgres.rows, args=[row(1, "C-0"), row(2, "C-1", name="Awa Diop")]
        )
        importing.start()
        wait_for_a_lock(on_postgres)
    importing.join()
    found = on_postgres.parts.lookups.recipient("C-1")
    assert (found["name"], found["locale"]) == ("Awa Diop", "fr")
    assert on_postgres.parts.lookups.recipient("C-0")


def test_an_import_locks_whom_it_knows_before_it_adds_whom_it_does_not(on_postgres: Imports) -> None:
    """So does everybody else, so that nobody deadlocks."""
    on_postgres.rows(row(1, "C-1"))
    with ThreadPoolExecutor(1) as pool:
        with on_postgres.parts.store.write() as tx:
            tx.recipients.upsert({"C-1": ({"name": "Awa"}, None)}, FixedClock()())
            importing = pool.submit(
                on_postgres.rows, row(1, "C-0", name="Ada"), row(2, "C-1", name="Awa Diop")
            )
            wait_for_a_lock(on_postgres)
            tx.recipients.upsert({"C-0": ({"locale": "fr"}, None)}, FixedClock()())
        assert importing.result().accepted == 2
    found = on_postgres.parts.lookups.recipient("C-0")
    assert (found["name"], found["locale"]) == ("Ada", "fr")
    assert on_postgres.parts.lookups.recipient("C-1")["name"] == "Awa Diop"


def test_an_imported_opt_out_waits_for_an_open_gate(on_postgres: Imports) -> None:
    on_postgres.rows(row(email=EMAIL))
    with on_postgres.parts.store.write() as tx:
        tx.consents.lock_in_gate([1], [])
        importing = threading.Thread(target=on_postgres.rows, args=[row(1, "C-1", (leaves(), None))])
        importing.start()
        wait_for_a_lock(on_postgres)
        assert on_postgres.standing("C-1").subscribed is None
    importing.join()
    assert on_postgres.standing("C-1").subscribed is False


def test_a_database_that_goes_away_is_said_to_be_away(on_postgres: Imports) -> None:
    with on_postgres.parts.store.write() as tx:
        tx.recipients.upsert({"C-1": ({}, None)}, FixedClock()())
        with ThreadPoolExecutor(1) as pool:
            importing = pool.submit(on_postgres.rows, row(1, "C-1", name="Awa"))
            process = wait_for_a_lock(on_postgres)
            with on_postgres.parts.engine.connect() as connection:
                connection.execute(text("SELECT pg_terminate_backend(:process)"), {"process": process})
            with pytest.raises(UnavailableError):
                importing.result()
    assert on_postgres.rows(row(1, "C-1", name="Awa")).accepted == 1
    assert on_postgres.parts.lookups.recipient("C-1")["name"] == "Awa"


def wait_for_a_lock(imports: Imports) -> int:
    """Wait until somebody waits for a lock; return which process of the database it is."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with imports.parts.engine.connect() as connection:
            if process := connection.scalar(text("SELECT pid FROM pg_locks WHERE NOT granted LIMIT 1")):
                return int(process)
        time.sleep(0.01)
    raise AssertionError("nobody waited for a lock")
