"""The ledger as CSV: what a regulator or the person gets to see."""

import csv
from datetime import date, timedelta

import pytest

from notify.app import create_app
from notify.domain.catalogue import Channel
from notify.domain.errors import NotFoundError
from notify.domain.requests import Choice, Proof, RecipientInput
from notify.usecases.api_keys import KeyScope
from notify.usecases.ledger.export import Extent
from notify.usecases.ledger.seal import SealLedger
from tests.world import World

FORMULA = '=HYPERLINK("https://example.net"; "Oui, « merci »")'


def choose(world: World, recipient: str, topic: str, *, subscribed: bool) -> None:
    proof = Proof("sign-up form", FORMULA, "203.0.113.9", "Mozilla", world.clock())
    world.parts.change_preferences(recipient, [Choice(topic, Channel.EMAIL, subscribed)], proof)


def rows(world: World, extent: Extent) -> list[dict[str, str]]:
    return list(csv.DictReader(world.parts.export_ledger(extent)))


@pytest.fixture
def told(world: World) -> World:
    """Two people, two days, and one of the entries not sealed yet."""
    for name in ("C-1", "C-2"):
        world.parts.upsert_recipient(RecipientInput(name, {"email": f"{name.lower()}@example.com"}))
    choose(world, "C-1", "surveys", subscribed=True)
    world.clock.advance(timedelta(days=1))
    choose(world, "C-2", "surveys", subscribed=False)
    SealLedger(world.parts.store, world.clock, pause=lambda _: None)()
    choose(world, "C-1", "company_news", subscribed=True)
    return world


def test_an_entry_is_told_with_its_proof_and_its_seal(told: World) -> None:
    first, second, third = rows(told, Extent())
    assert first.pop("proof_hash")
    assert first == {
        "entry_id": "cns_1",
        "at": "2026-11-23T12:00:00.000Z",
        "recipient_id": "C-1",
        "topic": "surveys",
        "channel": "email",
        "subscribed": "true",
        "way": "shop",
        "locale": "",
        "policy_version": "",
        "message_id": "",
        "source": "sign-up form",
        "wording": "'" + FORMULA,
        "ip": "203.0.113.9",
        "user_agent": "Mozilla",
        "obtained_at": "2026-11-23T12:00:00.000Z",
        "double_opt_in_at": "",
        "seal": "1",
    }
    assert [(one["subscribed"], one["seal"]) for one in (second, third)] == [("false", "1"), ("true", "")]


def test_it_can_be_limited_to_a_person_and_to_days_and_leave_proofs_out(told: World) -> None:
    def numbers(extent: Extent) -> list[str]:
        return [one["entry_id"] for one in rows(told, extent)]

    first, second = date(2026, 11, 23), date(2026, 11, 24)
    assert numbers(Extent("C-1")) == ["cns_1", "cns_3"]
    assert numbers(Extent(since=second)) == ["cns_2", "cns_3"]
    assert numbers(Extent(until=first)) == ["cns_1"]
    assert numbers(Extent("C-1", since=second, until=second)) == ["cns_3"]
    assert "sign-up form" not in "".join(told.parts.export_ledger(Extent(proofs=False)))
    with pytest.raises(NotFoundError):
        told.parts.export_ledger(Extent("C-3"))


def test_who_was_erased_is_not_named(told: World) -> None:
    told.parts.erase_recipient("C-1")
    names = [(one["recipient_id"], one["source"]) for one in rows(told, Extent())]
    assert names == [("", ""), ("C-2", "sign-up form"), ("", "")]


def test_the_api_gives_the_ledger_of_one_person_as_csv(told: World) -> None:
    key = told.parts.create_key("reader", frozenset({KeyScope.READ}), test=False, expires_at=None)
    client = create_app(told.parts).test_client()

    def get(path: str) -> tuple[int, str, str]:
        headers = {"Authorization": f"Bearer {key}", "Accept": "text/csv"}
        answer = client.get(path, headers=headers)
        return answer.status_code, answer.content_type, answer.text

    status, kind, body = get("/v1/recipients/C-1/consents")
    assert (status, kind) == (200, "text/csv; charset=utf-8; header=present")
    assert [one["entry_id"] for one in csv.DictReader(body.splitlines())] == ["cns_1", "cns_3"]
    assert get("/v1/recipients/C-3/consents")[0] == 404
    assert get("/v1/recipients/C-1/consents?limit=5")[0] == 422
