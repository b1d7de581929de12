from collections import Counter
from pathlib import Path

import pytest

from benchmarks.chaos.verdict import Kind, ProviderLog, judge, table


def verdict(
    messages: dict[int, str], taken: dict[int, int], expected: int, unknown: set[int] | None = None
) -> Kind:
    addresses = {number: f"{number}@example.com" for number in taken}
    side = ProviderLog(Path("log"), Counter(taken), addresses)
    return judge(Kind("newsletter", expected), messages, side, unknown or set())


def test_all_is_well_when_each_was_taken_once() -> None:
    kind = verdict({1: "sent", 2: "delivered", 3: "skipped"}, {1: 1, 2: 1}, 2)
    assert kind.broken() == []
    assert (kind.taken, kind.lost) == (2, 0)


@pytest.mark.parametrize(
    ("messages", "taken", "said"),
    [
        ({1: "sent"}, {1: 1}, "1 accepted that are nowhere"),
        ({1: "sent", 2: "queued"}, {1: 1}, "1 never ended"),
        ({1: "sent", 2: "sent"}, {1: 1}, "1 called sent that the provider never took"),
        ({1: "sent", 2: "failed"}, {1: 1, 2: 1}, "1 called skipped, cancelled, expired or failed that the"),
        ({1: "sent", 2: "sent"}, {1: 2, 2: 1}, "1 taken more than once"),
        ({1: "sent", 2: "unknown"}, {1: 1, 2: 1}, "1 unknown that events did not settle"),
    ],
)
def test_what_is_broken_is_named(messages: dict[int, str], taken: dict[int, int], said: str) -> None:
    broken = verdict(messages, taken, 2).broken()
    assert len(broken) == 1
    assert said in broken[0]


def test_an_address_that_got_two_messages_is_found() -> None:
    side = ProviderLog(Path("log"), Counter({1: 1, 2: 1}), {1: "a@example.com", 2: "a@example.com"})
    kind = judge(Kind("newsletter", 2), {1: "sent", 2: "sent"}, side, set())
    assert kind.broken() == ["newsletter: 1 addresses got more than one"]


def test_unknown_that_the_provider_never_took_is_honest() -> None:
    kind = verdict({1: "delivered", 2: "unknown"}, {1: 1}, 2, unknown={1, 2})
    assert kind.broken() == []
    assert kind.unknown == {"taken, settled as delivered": 1, "not taken, stays unknown": 1}
    assert "1 taken, settled as delivered" in table([kind])
