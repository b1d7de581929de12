"""A campaign reaches an address once, also when addresses change hands while it is under way."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from notify.domain.catalogue import Channel
from notify.domain.status import Status
from notify.storage.packs import PACKED
from notify.storage.standing_columns import ADDRESS_HASH
from notify.storage.tables import Dispatch, Message, Recipient

_HOLDERS: Final = (
    select(
        Message.id,
        Message.dispatch_id,
        Message.address_hash,
        Message.status,
        Dispatch.phase,
        ADDRESS_HASH.label("current"),
    )
    .select_from(Message.__table__.outerjoin(Recipient.__table__, Recipient.id == Message.recipient_id))
    .outerjoin(Dispatch, Dispatch.id == Message.dispatch_id)
    .where(
        Message.campaign_id == bindparam("campaign"),
        Message.channel == bindparam("on"),
        Message.address_hash.in_(bindparam("hashes", expanding=True)),
        Message.to_sealed.is_(None),
    )
)
_LOCK: Final = (
    select(Dispatch.id)
    .where(Dispatch.id.in_(bindparam("numbers", expanding=True)))
    .order_by(Dispatch.id)
    .with_for_update(read=True, skip_locked=True)
)
"""Without waiting: who holds another's dispatch may be waiting for ours."""
_NOT_CALLED: Final = frozenset({"waiting", "claimed", "paused", PACKED})


def make_way(
    connection: Connection, campaign_id: int, channel: Channel, moved: Mapping[int, bytes]
) -> tuple[set[int], set[int]]:
    """Return which of the messages must not go to the addresses they moved to, as the campaign has those.

    A message that was planned for one of these addresses, but has itself moved on and was not sent yet,
    lets go of it: so two people can exchange addresses. Where it is in somebody else's hands at this
    moment, nobody knows whether it has moved; so the second set may not go yet.
    """
    wanted: dict[bytes, int] = {}
    for message_id, address_hash in sorted(moved.items()):
        wanted.setdefault(address_hash, message_id)
    given = {"campaign": campaign_id, "on": channel, "hashes": list(wanted)}
    theirs = {row.dispatch_id for row in connection.execute(_HOLDERS, given) if row.dispatch_id}
    ours = set(connection.scalars(_LOCK, {"numbers": sorted(theirs)}))
    free, busy = [], set()
    for row in connection.execute(_HOLDERS, given).all():
        is_open = row.status == Status.QUEUED and row.phase in _NOT_CALLED
        if row.id in moved or (is_open and row.dispatch_id in ours and row.current != row.address_hash):
            free.append(row.id)
        elif (mine := wanted.pop(row.address_hash, None)) and is_open and row.dispatch_id not in ours:
            busy.add(mine)
    if free:
        connection.execute(update(Message).where(Message.id.in_(sorted(free))).values(address_hash=None))
    return moved.keys() - set(wanted.values()) - busy, busy
