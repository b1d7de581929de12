"""Choose in the centre: topics one by one, some of which are to be confirmed, or stop many in one go."""

from collections.abc import Sequence
from dataclasses import dataclass

from notify.domain.catalogue import Channel, Topic
from notify.domain.confirmations import Kind, Wanted, pending_in
from notify.domain.consent import subscription
from notify.domain.errors import TooManyRequestsError, UnreachableError
from notify.domain.ledger import Change, Left, Undo
from notify.domain.requests import Choice, Proof
from notify.usecases.centre.visit import Visit
from notify.usecases.preferences.confirmations import Confirmations, Posted
from notify.usecases.preferences.recording_choices import addresses_on, differs, record_changes
from notify.usecases.preferences.undo import keep_undo, leaving, offer_again


@dataclass(frozen=True, slots=True)
class Chosen:
    """What came of choices: an undo token if any changed anything, and what is to be confirmed first.

    `posted` are the messages that ask for that; `refused`: some could not be asked for, or too often.
    """

    undo: str | None
    posted: Sequence[Posted] = ()
    refused: bool = False


def choose(visit: Visit, choices: Sequence[Choice], confirmations: Confirmations) -> Chosen:
    """Apply the choices that differ; where the law or the shop wants it, ask to confirm first."""
    changes = changes_of(visit, choices, firmly=False)
    void_undos(visit, [one for one in choices if not one.subscribed])
    at_once = [one for one in changes if not (one.subscribed and _asks_twice(visit, one))]
    undo = _keep_undo(visit, at_once, _record(visit, at_once), broad=False) if at_once else None
    posted, refused = [], False
    for channel in Channel:
        topics = tuple(one.topic for one in changes if one not in at_once and one.channel is channel)
        if topics:
            asked = _ask(visit, channel, topics, confirmations)
            posted += [asked] if asked else []
            refused = refused or asked is None
    return Chosen(undo, posted, refused)


def stop(visit: Visit, topics: Sequence[Topic]) -> str | None:
    """Stop these topics on every channel, what was never subscribed to included; return an undo token."""
    tx, recipient, now = visit.tx, visit.recipient, visit.occasion.at
    choices = [Choice(topic.name, channel, subscribed=False) for topic in topics for channel in Channel]
    changes = changes_of(visit, choices, firmly=True)
    left, voided = void_undos(visit, choices)
    if changes:
        return _keep_undo(visit, changes, _record(visit, changes), broad=True)
    return offer_again(tx, recipient, left, voided, now, broad=True)


def void_undos(visit: Visit, choices: Sequence[Choice]) -> tuple[Sequence[Left], Sequence[Undo]]:
    """Have no older undo weaken these opt-outs, which may change nothing; return them, and those undos."""
    left = leaving(visit.recipient, [(visit.catalogue[one.topic].number, one.channel) for one in choices])
    return left, visit.tx.consents.void_undos(left)


def changes_of(visit: Visit, choices: Sequence[Choice], *, firmly: bool) -> list[Change]:
    """Return the choices that differ; `firmly` also opt-outs of what does not come, but might one day.

    Boxes that were left alone are no choices: only whoever ticked one opts in, also where messages come
    without that by now.
    """
    own, at = visit.recipient, visit.recipient.hashes.values()
    pending = pending_in(visit.tx.confirmations.waiting([own.id], visit.occasion.at, at=at))
    topics = [visit.catalogue[choice.topic] for choice in choices]
    keys = [(own, topic.number, choice.channel) for topic, choice in zip(topics, choices, strict=True)]
    changes = []
    for topic, choice, standing in zip(topics, choices, visit.tx.consents.standings(keys), strict=True):
        wanted = choice.subscribed
        ends = not wanted and subscription(topic, standing) is not None
        taken_back = not wanted and (topic.number, choice.channel) in pending
        stored = differs(topic, standing, subscribed=wanted, proven=True)
        if ends or taken_back or (stored and (wanted or firmly)):
            changes.append(Change(topic.number, choice.channel, wanted, standing.chosen))
    return changes


def _asks_twice(visit: Visit, change: Change) -> bool:
    topic = visit.catalogue.numbered(change.topic)
    return topic is not None and topic.asks_twice(visit.recipient.profile.effective_country)


def _ask(
    visit: Visit, channel: Channel, topics: tuple[int, ...], confirmations: Confirmations
) -> Posted | None:
    """Ask to confirm by the channel itself; None if it cannot be: the other choices count all the same."""
    occasion = visit.occasion
    try:
        return confirmations.ask_within(
            visit.tx,
            visit.recipient,
            Kind.SUBSCRIBE,
            occasion.locale,
            message_id=occasion.message_id,
            channel=channel,
            wanted=Wanted(topics, occasion.proof or Proof(occasion.way)),
        )
    except (UnreachableError, TooManyRequestsError):
        return None


def _record(visit: Visit, changes: Sequence[Change]) -> list[int]:
    """Apply the changes; return the ledger's entries, in order."""
    return [
        number
        for change in changes
        for number in record_changes(
            visit.tx,
            visit.recipient.id,
            [change],
            addresses_on(visit.recipient, change.channel),
            visit.occasion,
        )
    ]


def _keep_undo(visit: Visit, changes: Sequence[Change], numbers: Sequence[int], *, broad: bool) -> str:
    return keep_undo(visit.tx, visit.recipient.id, numbers, changes, visit.occasion.at, broad=broad)
