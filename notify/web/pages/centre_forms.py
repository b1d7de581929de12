"""The forms of the preference centre: what was ticked, and the wording that stood beside the button."""

from collections.abc import Sequence
from typing import Final

from flask import abort, request

from notify.domain.catalogue import Channel
from notify.domain.ledger import PREFERENCE_CENTRE
from notify.domain.requests import Proof
from notify.usecases.centre.pausing import Pause
from notify.usecases.centre.views import CentreRow, CentreView
from notify.web.pages.texts import Texts
from notify.web.pages.visits import proof

PAUSES: Final = {f"pause_{length.value}": length for length in Pause}


def key(row: CentreRow) -> str:
    """Return the value of a row's box."""
    return f"{row.topic.name}.{row.channel}"


def changed(view: CentreView) -> list[tuple[CentreRow, bool]]:
    """Return the rows whose box differs from how it was shown.

    Against how it was shown, not how it stands: a page left open must not bring back what was stopped since.
    """
    was = set(request.form.getlist("was"))
    now = set(request.form.getlist("on"))
    return [(row, key(row) in now) for row in view.rows if (key(row) in now) != (key(row) in was)]


def named_channel(among: Sequence[Channel]) -> Channel:
    """Return the channel that a form names, one of these; 400 if it is not."""
    wanted = request.form.get("channel")
    channel = next((one for one in among if one == wanted), None)
    return channel or abort(400)


def choices_proof(t: Texts, chosen: Sequence[tuple[CentreRow, bool]]) -> Proof:
    """Return the proof of boxes ticked and unticked."""
    lines = [
        t(f"centre.chose.{'yes' if subscribed else 'no'}", line=t.line(row.topic, row.channel))
        for row, subscribed in chosen
    ]
    return shown(*lines, t("centre.save"))


def section_proof(t: Texts, section: str, button: str = "button") -> Proof:
    """Return the proof of a button under a title and a text."""
    return shown(*(t(f"centre.{section}.{part}") for part in ("title", "text", button)))


def shown(*wording: str) -> Proof:
    """Return the proof of these words, as they stood on the page."""
    return proof(PREFERENCE_CENTRE, " / ".join(wording))
