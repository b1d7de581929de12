import time
from email.utils import formatdate

import pytest

from notify.domain.outcome import Ambiguous, Outcome, Refused, Transient
from notify.providers.http_outcomes import (
    ends_the_batch,
    from_failure,
    from_status,
    json_of,
    not_called,
    retry_after,
)
from notify.providers.keep_alive import BrokenCallError, NotSentError


@pytest.mark.parametrize(
    ("status", "own_error", "kind"),
    [
        (301, False, Ambiguous), (200, False, Ambiguous),
        (400, True, Refused), (400, False, Refused), (409, False, Refused), (413, True, Refused),
        (422, True, Refused), (499, False, Refused),
        (401, True, Transient), (402, True, Transient), (403, True, Transient), (404, True, Transient),
        (405, False, Transient), (408, False, Transient), (429, False, Transient), (503, False, Transient),
        (500, True, Transient), (500, False, Ambiguous),
        (501, True, Ambiguous), (502, True, Ambiguous), (502, False, Ambiguous), (504, True, Ambiguous),
        (520, False, Ambiguous), (999, False, Ambiguous),
    ],
)  # fmt: skip
def test_each_status_has_its_outcome(status: int, own_error: bool, kind: type[Outcome]) -> None:  # noqa: FBT001
    outcome = from_status(status, {}, words="their words", own_error=own_error)
    assert type(outcome) is kind
    assert str(status) in getattr(outcome, "reason", "")


def test_the_providers_words_are_kept() -> None:
    assert from_status(400, {}, words="bad subject", own_error=True) == Refused("400 bad subject")
    assert from_status(400, {}, words="", own_error=False) == Refused("400")


@pytest.mark.parametrize(
    ("headers", "limited", "seconds"),
    [
        ({}, True, 1),
        ({}, False, None),
        ({"X-RateLimit-Reset": "soon"}, True, 1),
        ({"Retry-After": "3"}, True, 3),
        ({"Retry-After": " 2.5 "}, False, 2.5),
        ({"Retry-After": "-4"}, False, 0),
        ({"Retry-After": "soon"}, False, None),
        ({"Retry-After": "nan"}, False, None),
        ({"Retry-After": "inf"}, False, None),
        ({"Retry-After": "999999"}, False, 86_400),
        ({"Retry-After": "Mon, 01 Jan 9999999999999999999999 00:00:00 GMT"}, False, None),
        ({"Retry-After": "Mon, 23 Nov 2020 10:00:00 GMT"}, False, 0),
        ({"X-RateLimit-Reset": "7"}, True, 7),
        ({"X-RateLimit-Reset": "7"}, False, None),
        ({"Retry-After": "3", "X-RateLimit-Reset": "7"}, True, 3),
    ],
)
def test_the_wait_that_was_asked_for(headers: dict[str, str], limited: bool, seconds: float | None) -> None:  # noqa: FBT001
    assert retry_after(headers, limited=limited) == seconds


def test_dates_are_waited_for() -> None:
    in_a_minute = time.time() + 60
    for headers in (
        {"Retry-After": formatdate(in_a_minute, usegmt=True)},
        {"X-RateLimit-Reset": str(in_a_minute)},
    ):
        assert retry_after(headers, limited=True) == pytest.approx(60, abs=2)


def test_without_an_answer_it_depends_on_whether_the_request_was_out() -> None:
    assert from_failure(NotSentError("refused")) == Transient("refused")
    assert from_failure(BrokenCallError("reset")) == Ambiguous("reset")
    assert ends_the_batch(NotSentError("refused"))
    assert ends_the_batch(BrokenCallError("late", timed_out=True))
    assert not ends_the_batch(BrokenCallError("reset"))


def test_what_was_not_called_may_be_tried_when_the_call_before_it_may() -> None:
    assert not_called(Transient("429", 5)) == Transient("not called, after: 429", 5)
    assert not_called(Ambiguous("no answer in time")) == Transient("not called, after: no answer in time")


@pytest.mark.parametrize("body", [None, b"", b"<html>", b"\xff", b"[" * 100_000])
def test_what_is_not_json_is_nothing(body: bytes | None) -> None:
    assert json_of(body) is None
