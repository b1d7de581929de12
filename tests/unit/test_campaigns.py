"""The rules of campaigns: which act is legal when, when they start, and when they stop themselves."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from notify.domain.campaigns import (
    MOVES,
    Act,
    CampaignStatus,
    PauseReason,
    Schedule,
    first_moment,
    local_moment,
    may_have_to_stop,
    moved,
    schedule_problems,
    stop_reason,
    written,
)
from notify.domain.errors import ConflictError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TEN = datetime(2026, 12, 3, 10)  # noqa: DTZ001 - local wherever it is read

_D, _S, _G, _P, _T, _X = (
    CampaignStatus.DRAFT,
    CampaignStatus.SCHEDULED,
    CampaignStatus.SENDING,
    CampaignStatus.PAUSED,
    CampaignStatus.SENT,
    CampaignStatus.CANCELLED,
)


@pytest.mark.parametrize(
    ("act", "legal"),
    [
        (Act.PATCH, {_D: _D}),
        (Act.SCHEDULE, {_D: _S}),
        (Act.UNSCHEDULE, {_S: _D}),
        (Act.START, {_S: _G}),
        (Act.PAUSE, {_G: _P}),
        (Act.RESUME, {_P: _G}),
        (Act.FINISH, {_G: _T}),
        (Act.CANCEL, {_D: _X, _S: _X, _G: _X, _P: _X}),
    ],
)
def test_each_act_is_legal_from_these_statuses_only(
    act: Act, legal: Mapping[CampaignStatus, CampaignStatus]
) -> None:
    assert set(MOVES) == set(Act)
    for status in CampaignStatus:
        if status in legal:
            assert moved(act, status) is legal[status]
        else:
            with pytest.raises(ConflictError, match=f"cannot {act} a campaign that is {status}"):
                moved(act, status)


@pytest.mark.parametrize(
    ("schedule", "pointer"),
    [
        (Schedule(TEN), "/send_at"),
        (Schedule(TEN.replace(tzinfo=UTC), "Africa/Dakar"), "/send_at"),
        (Schedule(None, "recipient"), "/send_at"),
        (Schedule(TEN, "Mars/Olympus"), "/timezone"),
        (Schedule(TEN, "../etc/passwd"), "/timezone"),
        (Schedule(TEN.replace(tzinfo=UTC), send_past=True), "/send_past"),
        (Schedule(TEN, "Africa/Dakar", send_past=True), "/send_past"),
        (Schedule(NOW + timedelta(days=367)), "/send_at"),
        (Schedule(datetime(1, 1, 1), "recipient"), "/send_at"),  # noqa: DTZ001
        (Schedule(datetime.max.replace(tzinfo=UTC)), "/send_at"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(schedule: Schedule, pointer: str) -> None:
    assert [one.pointer for one in schedule_problems(schedule, NOW)] == [pointer]


@pytest.mark.parametrize(
    ("schedule", "start", "shown"),
    [
        (Schedule(), NOW, None),
        (Schedule(NOW - timedelta(days=3)), NOW, "2026-11-20T12:00:00.000Z"),
        (Schedule(NOW + timedelta(hours=1)), NOW + timedelta(hours=1), "2026-11-23T13:00:00.000Z"),
        (Schedule(TEN, "Europe/Paris"), datetime(2026, 12, 3, 9, tzinfo=UTC), "2026-12-03T10:00:00"),
        # When the first zone on earth gets there, 14 hours ahead of UTC.
        (Schedule(TEN, "recipient"), datetime(2026, 12, 2, 20, tzinfo=UTC), "2026-12-03T10:00:00"),
        (Schedule(datetime(2026, 11, 23, 14), "recipient", send_past=True), NOW, "2026-11-23T14:00:00"),  # noqa: DTZ001
    ],
)
def test_when_a_campaign_starts(schedule: Schedule, start: datetime, shown: str | None) -> None:
    assert schedule_problems(schedule, NOW) == []
    assert first_moment(schedule, NOW) == start
    assert written(schedule) == shown


@pytest.mark.parametrize(
    ("local", "timezone", "country", "expected"),
    [
        (TEN, "America/Toronto", "FR", datetime(2026, 12, 3, 15, tzinfo=UTC)),
        (TEN, None, "SN", datetime(2026, 12, 3, 10, tzinfo=UTC)),
        (TEN, None, None, datetime(2026, 12, 3, 9, tzinfo=UTC)),
        # The clock skips 02:30 in Paris that night, and shows it twice the other.
        (datetime(2026, 3, 29, 2, 30), "Europe/Paris", None, datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # noqa: DTZ001
        (datetime(2026, 10, 25, 2, 30), "Europe/Paris", None, datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # noqa: DTZ001
    ],
)
def test_when_it_is_where_somebody_lives(
    local: datetime, timezone: str | None, country: str | None, expected: datetime
) -> None:
    assert local_moment(local, timezone, country) == expected


@pytest.mark.parametrize(
    ("progress", "reason"),
    [
        ({"sent": 999, "pending": 10_000}, None),
        ({"sent": 800, "complained": 199}, None),  # 999: too few to judge
        ({"sent": 997, "complained": 3}, None),  # 0.3 % is not above it
        ({"sent": 996, "complained": 4}, PauseReason.COMPLAINTS),
        ({"delivered": 950, "bounced": 50}, None),
        ({"delivered": 949, "bounced": 51}, PauseReason.BOUNCES),
        ({"delivered": 99_000, "sent": 600, "complained": 301}, PauseReason.COMPLAINTS),
        ({"sent": 989, "failed": 500, "unknown": 500, "complained": 10}, None),  # not handed over
        ({}, None),
    ],
)
def test_when_a_campaign_stops_itself(progress: dict[str, int], reason: PauseReason | None) -> None:
    assert stop_reason(progress) is reason
    assert reason is None or may_have_to_stop(progress)


@pytest.mark.parametrize(
    ("overridden", "reason"),
    [
        ((), PauseReason.COMPLAINTS),
        (("complaints",), PauseReason.BOUNCES),
        (("bounces",), PauseReason.COMPLAINTS),
        (("bounces", "complaints"), None),
    ],
)
def test_what_a_person_overrode_hides_no_other_reason(
    overridden: tuple[str, ...], reason: PauseReason | None
) -> None:
    progress = {"delivered": 900, "complained": 10, "bounced": 500}
    assert stop_reason(progress, overridden) is reason
    assert may_have_to_stop(progress, overridden) is (reason is not None)


def test_a_quick_look_is_enough_where_nothing_went_wrong() -> None:
    assert not may_have_to_stop({})
    assert not may_have_to_stop({"complained": 3, "bounced": 50})
    assert may_have_to_stop({"complained": 4})
    assert may_have_to_stop({"bounced": 51})
    assert not may_have_to_stop({"sent": 1_000_000, "complained": 2_900, "bounced": 40_000})
