"""The limits: the same answers from Redis for all workers, and from each process while Redis is away."""

import random
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from copy import deepcopy
from itertools import count
from pathlib import Path

import pytest
import redis

from notify.domain.delivery import PlannedCall
from notify.domain.rate_limits import RANKS, WANTED_SECONDS, Limits, Meter, ProviderLimits
from notify.domain.requests import Lane
from notify.reaching_redis import connect
from notify.throttle import RedisThrottle

NEWS = "Smarttontine <news@example.org>"
LIMITS = ProviderLimits(
    {
        ("sendgrid", None): Limits(per_second=500, concurrent=16),
        ("twilio", None): Limits(per_second=2),
        ("twilio", "+33600000000"): Limits(per_second=200),
    }
)
_NUMBERS = count()


def call(provider: str, lane: Lane = Lane.URGENT, messages: int = 1, sender: str = NEWS) -> PlannedCall:
    return PlannedCall(f"call-{next(_NUMBERS)}", provider, sender, lane, messages)


def calls(number: int, provider: str, lane: Lane = Lane.URGENT, messages: int = 1) -> list[PlannedCall]:
    return [call(provider, lane, messages) for _ in range(number)]


def throttle(url: str, lease: float = 30) -> RedisThrottle:
    """Return one that waits for Redis: short time-outs would make a busy machine a Redis that is away."""
    return RedisThrottle(redis.Redis.from_url(url), LIMITS, lease)


@pytest.fixture(params=["redis", "away"])
def limits(request: pytest.FixtureRequest, tmp_path: Path) -> RedisThrottle:
    if request.param == "away":
        return RedisThrottle(connect(f"unix://{tmp_path}/nobody"), LIMITS, 30)
    url: str = request.getfixturevalue("redis_url")
    return throttle(url)


def test_messages_a_second(limits: RedisThrottle) -> None:
    began = time.monotonic()
    waits = limits.admit(calls(3, "twilio"))
    assert waits == pytest.approx([0, 0.5, 1.0], abs=0.1)
    (wait,) = limits.admit(calls(1, "twilio"))
    assert 0.45 - (time.monotonic() - began) < wait < 0.55


def test_orders_do_not_wait_for_a_campaigns_debt(limits: RedisThrottle) -> None:
    assert limits.admit(calls(2, "sendgrid", Lane.BULK, 1000)) == pytest.approx([0, 2.0], abs=0.1)
    assert limits.admit(calls(8, "sendgrid")) == [0.0] * 8
    assert limits.admit(calls(1, "sendgrid", Lane.NORMAL)) == [0.0]


def test_a_campaign_pays_for_orders(limits: RedisThrottle) -> None:
    order, letter = limits.admit([*calls(1, "twilio"), *calls(1, "twilio", Lane.BULK)])
    assert (order, letter > 0) == (0.0, True)


def test_a_campaign_has_eight_calls_in_flight_and_orders_find_places(limits: RedisThrottle) -> None:
    bulk = calls(10, "outbox", Lane.BULK, 2)
    assert [wait == 0 for wait in limits.admit(bulk)] == [True] * 8 + [False] * 2
    assert limits.admit(calls(70, "outbox")) == [0.0] * 70
    limits.finished(bulk[:3])
    assert [wait == 0 for wait in limits.admit(calls(4, "outbox", Lane.BULK, 2))] == [True] * 3 + [False]


def test_calls_in_flight(limits: RedisThrottle) -> None:
    first = calls(20, "sendgrid")
    assert [wait == 0 for wait in limits.admit(first)] == [True] * 16 + [False] * 4
    limits.finished(first[:16])
    assert limits.admit(calls(16, "sendgrid")) == [0.0] * 16


def test_a_place_that_comes_free_is_kept_for_an_order_sent_away_before(limits: RedisThrottle) -> None:
    for sender in map(str, count()):
        began = time.monotonic()
        orders = [call("sendgrid", sender=sender) for _ in range(17)]
        limits.admit(orders)
        limits.finished(orders[:16])
        (wait,) = limits.admit([call("sendgrid", Lane.BULK, sender=sender)])
        if time.monotonic() - began < WANTED_SECONDS:  # a busy machine may take longer
            break
    assert wait > 0


def test_senders_are_counted_apart(limits: RedisThrottle) -> None:
    limits.admit(calls(1, "twilio"))
    assert limits.admit([call("twilio", sender="Other"), call("twilio")])[0] == 0
    assert limits.admit([call("twilio", sender="+33600000000") for _ in range(40)]) == [0.0] * 40


def test_a_hold_is_for_everybody_and_never_shrinks(limits: RedisThrottle) -> None:
    began = time.monotonic()
    limits.hold("sendgrid", NEWS, 5)
    limits.hold("sendgrid", "news@example.org", 1)
    waits = limits.admit([call("sendgrid"), call("sendgrid", Lane.BULK)])
    assert all(4.9 - (time.monotonic() - began) < wait < 5.1 for wait in waits)
    assert limits.admit([call("sendgrid", sender="orders@example.org"), call("twilio")]) == [0.0, 0.0]
    assert 4.9 - (time.monotonic() - began) < limits.held("sendgrid") < 5.1
    assert limits.held("twilio") == 0


def test_more_calls_than_a_script_can_take_at_once(limits: RedisThrottle) -> None:
    assert limits.admit(calls(5000, "outbox")) == [0.0] * 5000
    assert limits.admit([]) == []


def test_both_count_alike(redis_url: str) -> None:
    """Redis' answer to each of many calls is that of `Meter`, wherever its moment is certain."""
    dice = random.Random(7)  # noqa: S311 - no secret
    rules = Limits(per_second=64, concurrent=24, bulk_concurrent=5)
    shared = RedisThrottle(redis.Redis.from_url(redis_url), ProviderLimits({("smtp", None): rules}), 30)
    compared = 0
    with redis.Redis.from_url(redis_url) as client:
        for sender in range(12):
            ours, flying, doubt = Meter(rules, 30), list[PlannedCall](), 0.0
            for _ in range(12):
                size = dice.randint(1, 5)
                asked = [
                    call("smtp", dice.choice(RANKS), dice.choice((1, 1, 2, 30)), str(sender))
                    for _ in range(size)
                ]
                before = redis_time(client)
                theirs = shared.admit(asked)
                after = redis_time(client)
                late = deepcopy(ours).admit(asked, after)
                mine = ours.admit(asked, before)
                doubt = max(doubt, after - before)  # what was booked at an uncertain moment stays so
                if mine != pytest.approx(late, abs=0.01) or doubt > 0.1:
                    break  # the answer changed in between: start afresh
                assert theirs == pytest.approx(mine, abs=0.01 + 2 * doubt)
                if [bool(wait) for wait in theirs] != [bool(wait) for wait in mine]:
                    break  # a wait of next to nothing to one of them: from here on they stand apart
                compared += size
                flying += [one for one, wait in zip(asked, mine, strict=True) if not wait]
                dice.shuffle(flying)
                gone, flying = flying[:2], flying[2:]
                shared.finished(gone)
                for one in gone:
                    ours.finished(one.key)
    assert compared > 100


def redis_time(client: redis.Redis) -> float:
    seconds, micros = client.time()
    return float(seconds + micros / 1e6)


def test_all_workers_share_what_redis_counts(redis_url: str) -> None:
    one, other = throttle(redis_url), throttle(redis_url)
    assert one.admit(calls(8, "outbox", Lane.BULK, 2)) == [0.0] * 8
    assert other.admit(calls(1, "outbox", Lane.BULK, 2))[0] > 0


def test_whoever_hears_of_a_hold_asks_again_at_once_for_another_provider_may_do(redis_url: str) -> None:
    one, other = throttle(redis_url), throttle(redis_url)
    one.hold("sendgrid", NEWS, 60)
    assert other.held("sendgrid") == 0
    assert other.admit(calls(2, "sendgrid")) == [0.05, 0.05]
    assert 30 < other.held("sendgrid") < 60.1
    assert other.admit(calls(2, "sendgrid")) == [10.0, 10.0]


def test_a_flushed_redis_starts_anew(redis_url: str) -> None:
    limits = throttle(redis_url)
    limits.admit(calls(8, "outbox", Lane.BULK, 2))
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        client.script_flush()
    assert limits.admit(calls(8, "outbox", Lane.BULK, 2)) == [0.0] * 8


def test_keys_say_nothing_about_people_and_do_not_stay(redis_url: str) -> None:
    limits = throttle(redis_url)
    limits.hold("sendgrid", NEWS, 3)
    limits.admit([*calls(2, "twilio", Lane.BULK), *calls(2, "sendgrid"), *calls(2, "twilio")])
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        keys = client.keys()
        assert len(keys) >= 3
        for key in keys:
            assert "@" not in key
            assert "news" not in key
            assert 0 < client.ttl(key) < 100


KILLED = """
import os, signal, sys
from redis import Redis
from notify.domain.delivery import PlannedCall
from notify.domain.rate_limits import ProviderLimits
from notify.domain.requests import Lane
from notify.throttle import RedisThrottle
limits = RedisThrottle(Redis.from_url(sys.argv[1]), ProviderLimits(), 3.0)
waits = limits.admit([PlannedCall(str(n), "outbox", "x", Lane.BULK, 2) for n in range(7)])
print(waits.count(0.0), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_places_of_a_killed_worker_come_back(redis_url: str) -> None:
    limits = throttle(redis_url)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, redis_url], capture_output=True, text=True, check=False
    )
    assert (killed.stdout.strip(), killed.returncode) == ("7", -signal.SIGKILL)
    assert limits.admit([call("outbox", Lane.BULK, 2, sender="x")]) == [0.0]
    assert limits.admit([call("outbox", Lane.BULK, 2, sender="x")])[0] > 0
    deadline = time.monotonic() + 20
    while limits.admit([call("outbox", Lane.BULK, 2, sender="x")])[0]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_stampede_keeps_the_limits(redis_url: str) -> None:
    workers = [throttle(redis_url) for _ in range(4)]
    flying, most, begun, lock = 0, 0, 0, threading.Lock()
    started = time.monotonic()
    until = started + 0.5

    def stampede(own: RedisThrottle) -> None:
        nonlocal flying, most, begun
        while time.monotonic() < until:
            one = call("sendgrid")
            if own.admit([one]) != [0.0]:
                time.sleep(0.002)
                continue
            with lock:
                flying += 1
                begun += 1
                most = max(most, flying)
            time.sleep(0.005)
            with lock:
                flying -= 1
            own.finished([one])

    threads = [threading.Thread(target=stampede, args=(workers[number % 4],)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 2 <= most <= 16
    assert begun <= 500 * (time.monotonic() - started) + 125 + 1


def test_a_redis_that_hangs_holds_nobody_up_for_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:  # takes connections, and never answers
        limits = RedisThrottle(connect(f"redis://127.0.0.1:{server.getsockname()[1]}"), LIMITS, 30)
        began = time.monotonic()
        limits.admit(calls(1, "sendgrid"))
        limits.admit(calls(1, "sendgrid"))
        limits.finished(calls(1, "sendgrid"))
        limits.hold("sendgrid", NEWS, 60)
        assert limits.admit(calls(1, "sendgrid"))[0] > 0
        took = time.monotonic() - began
        server.setblocking(False)
        tries = 0
        with suppress(BlockingIOError):
            while True:
                server.accept()[0].close()
                tries += 1
    assert took < 5
    assert 0 < tries <= 1 + took / 1.5  # each waits half a second for Redis, and leaves it alone for one more


def test_places_are_given_back_once_redis_is_back(redis_url: str, tmp_path: Path) -> None:
    connection = redis.Redis.from_url(redis_url)
    limits = RedisThrottle(connection, ProviderLimits(), 30)
    first = calls(8, "outbox", Lane.BULK, 2)
    assert limits.admit(first) == [0.0] * 8
    there, connection.connection_pool = (
        connection.connection_pool,
        connect(f"unix://{tmp_path}/nobody").connection_pool,
    )
    limits.finished(first)
    connection.connection_pool = there
    other = throttle(redis_url)
    assert other.admit(calls(1, "outbox", Lane.BULK, 2))[0] > 0
    deadline = time.monotonic() + 20
    while other.admit(calls(1, "outbox", Lane.BULK, 2))[0]:
        assert time.monotonic() < deadline
        limits.finished([])
        time.sleep(0.1)
