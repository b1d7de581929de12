"""The rules on the times a caller gives, which depend on what time it is."""

from datetime import datetime, timedelta
from typing import Final

from notify.domain.errors import FieldProblem
from notify.domain.recipients import PolicyAcceptance
from notify.domain.requests import NotificationRequest, Proof, RecipientInput

MAX_AHEAD: Final = timedelta(days=366)
"""A notification may be scheduled this far ahead."""

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far the caller's clock may be ahead of ours."""


def recipient_problems(given: RecipientInput, now: datetime, prefix: str = "") -> list[FieldProblem]:
    """Return which dates of a recipient lie in the future; `prefix` is the pointer to the recipient."""
    problems = []
    consent: PolicyAcceptance | None = given.consent
    if consent and consent.accepted_at > now + CLOCK_SKEW:
        problems.append(FieldProblem(f"{prefix}/consent/accepted_at", "lies in the future"))
    since = given.profile.get("customer_since")
    # A day of grace: somewhere east of UTC it is tomorrow already.
    if since and since > (now + timedelta(days=1)).date():
        problems.append(FieldProblem(f"{prefix}/customer_since", "lies in the future"))
    return problems


def proof_problems(proof: Proof | None, now: datetime, prefix: str = "") -> list[FieldProblem]:
    """Return which moments of a proof lie in the future; `prefix` is the pointer to what has it."""
    if proof is None:
        return []
    moments = {"obtained_at": proof.obtained_at, "double_opt_in_at": proof.double_opt_in_at}
    return [
        FieldProblem(f"{prefix}/proof/{name}", "lies in the future")
        for name, at in moments.items()
        if at and at > now + CLOCK_SKEW
    ]


def notification_problems(request: NotificationRequest, now: datetime) -> list[FieldProblem]:
    """Return which times of a notification make no sense at `now`."""
    problems = recipient_problems(request.recipient, now, "/recipient")
    if request.send_at and request.send_at > now + MAX_AHEAD:
        problems.append(FieldProblem("/send_at", "is more than a year ahead"))
    if request.expires_at is None:
        return problems
    if request.expires_at <= now:
        problems.append(FieldProblem("/expires_at", "lies in the past"))
    elif request.send_at and request.expires_at <= request.send_at:
        problems.append(FieldProblem("/expires_at", "must be later than send_at"))
    return problems
