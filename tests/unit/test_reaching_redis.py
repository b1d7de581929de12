"""The way to Redis: which URLs are understood, and who tries it again while it is away."""

import logging

import pytest
from redis.sentinel import SentinelConnectionPool

from notify.domain.errors import ConfigurationError
from notify.reaching_redis import Reach, connect, read_sentinel_url


def test_a_url_of_sentinels_is_read() -> None:
    url = read_sentinel_url("redis+sentinel://a.example:26380,b.example,[::1]:26381/orders/2")
    assert url.sentinels == [("a.example", 26380), ("b.example", 26379), ("::1", 26381)]
    assert (url.name, url.db, url.tls) == ("orders", 2, False)
    assert (url.login, url.sentinel_login) == ({}, {})


def test_a_url_of_sentinels_may_hold_passwords_and_ask_for_tls() -> None:
    url = read_sentinel_url(
        "rediss+sentinel://notify:p%40ss%2F1@a:1,b:2/orders?sentinel_password=w%26rd&sentinel_username=watch"
    )
    assert (url.sentinels, url.name, url.db, url.tls) == ([("a", 1), ("b", 2)], "orders", 0, True)
    assert url.login == {"username": "notify", "password": "p@ss/1"}
    assert url.sentinel_login == {"username": "watch", "password": "w&rd"}
    assert read_sentinel_url("redis+sentinel://:secret@a/orders").login == {"password": "secret"}


def test_a_client_of_sentinels_hands_on_what_the_url_says() -> None:
    client = connect("rediss+sentinel://notify:secret@a:1,b:2/orders/3?sentinel_password=word")
    pool = client.connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    settings = pool.connection_kwargs
    assert pool.service_name == "orders"
    assert (settings["db"], settings["username"], settings["password"]) == (3, "notify", "secret")
    assert settings["socket_timeout"] == settings["socket_connect_timeout"] == 0.5
    watchers = [one.connection_pool.connection_kwargs for one in pool.sentinel_manager.sentinels]
    assert [(one["host"], one["port"], one["password"]) for one in watchers] == [
        ("a", 1, "word"),
        ("b", 2, "word"),
    ]
    assert all(one["socket_timeout"] == 0.5 and not one["username"] for one in watchers)
    client.close()


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://:hunter2@a:26379",
        "redis+sentinel://:hunter2@a:26379/",
        "redis+sentinel://:hunter2@/orders",
        "redis+sentinel://:hunter2@a,,b/orders",
        "redis+sentinel://:hunter2@a:port/orders",
        "redis+sentinel://:hunter2@a:99999/orders",
        "redis+sentinel://:hunter2@a/orders/two",
        "redis+sentinel://:hunter2@a/orders?timeout=3",
        "redis+sentinel://:hunter2@a/orders?sentinel_password",
        "redis+sentinel://:hunter2#@a/orders",
        "redis+sentinel://:hunter2/@a/orders",
        "redis://:hunter2/@host:6379/0",
        "redis://:p@host:hunter2",
        "redis://host/0?socket_timeout=hunter2",
        "http://:hunter2@host",
        "hunter2",
    ],
)
def test_a_malformed_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"REDIS_URL .*redis\+sentinel://") as caught:
        connect(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


class _Redis:
    """Fails with `error` while there is one; counts how often it was asked."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        if self.error:
            raise self.error
        return "PONG"


# The second is what redis-py raises where another thread has just closed the connection.
@pytest.mark.parametrize("error", [ConnectionError("gone"), AttributeError("'NoneType' has no 'send'")])
def test_redis_is_done_without_while_it_is_away_and_tried_once_a_second(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    now, redis = [100.0], _Redis()
    reach = Reach(without="all go on", again="all is well", clock=lambda: now[0])
    assert reach(redis) == "PONG"
    redis.error = error
    assert [reach(redis) for _ in range(5)] == [None] * 5
    assert (reach.away, redis.asked) == (True, 2)
    now[0] += 1.0
    assert reach(redis) is None
    redis.error = None
    assert reach(redis) is None  # the last try has just failed
    now[0] += 1.0
    assert reach(redis) == "PONG"
    assert (reach.away, redis.asked) == (False, 4)
    assert caplog.messages == ["Redis is out of reach: all go on", "Redis is back: all is well"]


def test_one_thread_alone_tries_a_redis_that_is_away() -> None:
    redis = _Redis()
    redis.error = ConnectionError("gone")
    reach = Reach(without="", again="", clock=iter(range(100)).__next__)
    reach(redis)
    redis.error = None
    others: list[str | None] = []

    def slow() -> str:
        others.append(reach(redis))  # as another thread that comes meanwhile
        return "PONG"

    assert reach(slow) == "PONG"
    assert others == [None]
