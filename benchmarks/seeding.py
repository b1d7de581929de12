"""A shop's recipients, put into the database by COPY as an import would leave them: encrypted and hashed."""

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Any, Final, NamedTuple

import psycopg
from sqlalchemy import text

from notify.bootstrap import Composition, build
from notify.domain.catalogue import Channel
from notify.settings import Settings
from notify.storage.address_hashes import hash_address
from notify.storage.recipients import SEALED

_TOPIC: Final = 2
"""company_news, as `templates/topics.toml` numbers it."""
_ONE_IN: Final = 33
"""One recipient in so many gets nothing: left, suppressed, without consent, or with another's address."""
_SN_ONE_IN: Final = 4
_NAMES: Final = (
    "Awa Diop",
    "Koffi N'Guessan",
    "Élodie Martin",
    "Mamadou Sow",
    "Claire Dubois",
    "Yao Kouassi",
)
_CITIES: Final = ("Dakar", "Abidjan", "Lyon", "Paris", "Cotonou")

_RECIPIENTS: Final = (
    "id", "external_id", "email_sealed", "email_hash", "phone_sealed", "phone_hash", "phone_country",
    "name_sealed", "locale", "country", "effective_country", "timezone", "attributes", "policy_consent_id",
    "created_at", "updated_at",
)  # fmt: skip
_PREFERENCES: Final = ("recipient_id", "topic", "channel", "subscribed", "changed_at", "consent_id")
_RECORDS: Final = ("id", "recipient_id", "at", "topic", "channel", "subscribed", "way", "policy_version")
_SUPPRESSIONS: Final = ("address_hash", "channel", "scope", "reason", "created_at")


class Seeded(NamedTuple):
    """How many people are there, and how many of them a newsletter reaches."""

    people: int
    reached: int


def people_for(reached: int) -> Seeded:
    """Return how many people it takes for a newsletter to reach `reached` of them."""
    people = reached * _ONE_IN // (_ONE_IN - 1)
    while people - people // _ONE_IN < reached:
        people += 1
    return Seeded(people, reached)


def seed(settings: Settings, reached: int, processes: int = 2) -> Seeded:
    """Fill a migrated, empty database."""
    seeded = people_for(reached)
    step = seeded.people // processes + 1
    starts = range(1, seeded.people + 1, step)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        parts = [
            pool.submit(_fill, settings, first, min(first + step, seeded.people + 1)) for first in starts
        ]
        for part in parts:
            part.result()
    composition = build(settings, "benchmark")
    with composition.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in ("recipients", "consent_records"):
            connection.execute(
                text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), {seeded.people})")
            )
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))
    composition.close()
    return seeded


def _fill(settings: Settings, first: int, end: int) -> None:
    """Write the people from number `first` to before `end`."""
    parts = build(settings, "benchmark")
    now = datetime.now(UTC)
    url = settings.database_url.replace("+psycopg", "", 1)
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for start in range(first, end, 20_000):
            rows = list(_people(parts, start, min(start + 20_000, end), now))
            for number, (table, columns) in enumerate(
                (
                    ("recipients", _RECIPIENTS),
                    ("consent_records", _RECORDS),
                    ("preferences", _PREFERENCES),
                    ("suppressions", _SUPPRESSIONS),
                )
            ):
                with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
                    for row in rows:
                        if row[number] is not None:
                            copy.write_row(row[number])
            connection.commit()
    parts.close()


def email_of(number: int) -> str:
    """Return the address of a person; now and then it is that of the one before."""
    return f"client.{number - 1 if _fate(number) == 'shared' else number}@example.com"


def _fate(number: int) -> str:
    """Return `reached`, or why a newsletter does not reach this person."""
    if number % _ONE_IN:
        return "reached"
    return ("left", "suppressed", "no consent", "shared")[number // _ONE_IN % 4]


def _people(parts: Composition, first: int, end: int, now: datetime) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of each person: recipient, ledger entry, preference, suppression."""
    vault = parts.vault
    for number in range(first, end):
        fate = _fate(number)
        senegal = number % _SN_ONE_IN == 0 and fate != "no consent"
        email, phone = email_of(number), f"+2217{number:08d}" if senegal else f"+336{number:08d}"
        hashed = hash_address(vault, Channel.EMAIL, email)
        recipient = (
            number,
            f"C-{number}",
            vault.seal(SEALED["email"], email),
            hashed,
            vault.seal(SEALED["phone"], phone),
            hash_address(vault, Channel.SMS, phone),
            "SN" if senegal else "FR",
            vault.seal(SEALED["name"], _NAMES[number % len(_NAMES)]),
            "en" if number % 10 == 0 else "fr",
            "SN" if senegal else "FR",
            "SN" if senegal else "FR",
            "Africa/Dakar" if senegal else "Europe/Paris",
            json.dumps({"city": _CITIES[number % len(_CITIES)], "orders": number % 17}),
            number if senegal else None,
            now,
            now,
        )
        chose = fate == "left" or not (senegal or fate == "no consent")
        record = (
            number, number, now, _TOPIC if chose else None, "email" if chose else None, fate != "left",
            "shop", None if chose else "2026-01",
        )  # fmt: skip
        preference = (number, _TOPIC, "email", fate != "left", now, number) if chose else None
        barred = (hashed, "email", "all", "hard_bounce", now) if fate == "suppressed" else None
        yield recipient, record, preference, barred
