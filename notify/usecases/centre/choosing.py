"""Choose in the centre: topics one by one, or stop many in one go."""

from collections.abc import Sequence

from notify.domain.catalogue import Channel, Topic
from notify.domain.consent import subscription
from notify.domain.ledger import Change
from notify.domain.requests import Choice
from notify.usecases.centre.visit import Visit
from notify.usecases.recording_choices import addresses_on, differs, record_changes
from notify.usecases.undo import keep_undo, offer_again


def choose(visit: Visit, choices: Sequence[Choice]) -> str | None:
    """Apply the choices that differ from how things stand; return an undo token if any did."""
    changes = changes_of(visit, choices, firmly=False)
    return _keep_undo(visit, changes, _record(visit, changes), broad=False) if changes else None


def stop(visit: Visit, topics: Sequence[Topic]) -> str | None:
    """Stop these topics on every channel, what was never subscribed to included; return an undo token."""
    tx, recipient, now = visit.tx, visit.recipient, visit.occasion.at
    choices = [Choice(topic.name, channel, subscribed=False) for topic in topics for channel in Channel]
    changes = changes_of(visit, choices, firmly=True)
    # An older undo must not weaken this; that of the same stop, pressed twice, stays.
    tx.consents.drop_undos(recipient.id, narrow_only=not changes)
    if changes:
        return _keep_undo(visit, changes, _record(visit, changes), broad=True)
    return offer_again(tx, recipient, topics[0].number, Channel.EMAIL, now, broad=True) if topics else None


def changes_of(visit: Visit, choices: Sequence[Choice], *, firmly: bool) -> list[Change]:
    """Return the choices that differ; `firmly` also opt-outs of what was never subscribed to."""
    topics = [visit.catalogue[choice.topic] for choice in choices]
    keys = [
        (visit.recipient, topic.number, choice.channel) for topic, choice in zip(topics, choices, strict=True)
    ]
    changes = []
    for topic, choice, standing in zip(topics, choices, visit.tx.consents.standings(keys), strict=True):
        wanted = choice.subscribed
        differs_from_shown = (subscription(topic, standing) is not None) != wanted
        if differs_from_shown or (firmly and differs(topic, standing, subscribed=wanted)):
            before = False if standing.address_opted_out else standing.subscribed
            changes.append(Change(topic.number, choice.channel, wanted, before))
    return changes


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
