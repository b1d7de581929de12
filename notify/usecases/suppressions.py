"""What a shop does with suppressions: bar an address, look them up, lift what is the shop's to lift."""

from dataclasses import replace
from typing import Final

from notify.domain import ids
from notify.domain.addresses import masked
from notify.domain.catalogue import Catalogue, Channel
from notify.domain.consent import Scope
from notify.domain.errors import ConflictError, NotFoundError
from notify.domain.ledger import COMPLAINT, SHOP, STOP, SUPPRESSED
from notify.domain.requests import Proof
from notify.domain.suppressions import IMPORTED, MANUAL, SHOP_SCOPES, WHO_LIFTS, ShopReason
from notify.domain.views import SuppressionView
from notify.ports import Clock, Contacts
from notify.store import Store
from notify.store.lookups import SuppressionLookups
from notify.usecases.preferences.holding import held_holders
from notify.usecases.preferences.recording_bars import coming, record_difference
from notify.usecases.preferences.recording_choices import Occasion
from notify.usecases.preferences.recording_stops import Stop, record_stops
from notify.usecases.recipients.reading_addresses import read_address, read_sought

_WAYS: Final = {
    ShopReason.STOP: STOP,
    ShopReason.COMPLAINT: COMPLAINT,
    ShopReason.MANUAL: SUPPRESSED,
}
"""What somebody asked for, and so stands on the ledger; by which way. A bounce proves a fact."""

_ASKED_FOR: Final = frozenset({MANUAL, IMPORTED})
"""Of what the shop can lift, what it or an old tool had asked for."""


class SuppressionDesk:
    """The calls on suppressions."""

    def __init__(
        self,
        *,
        store: Store,
        catalogue: Catalogue,
        contacts: Contacts,
        lookups: SuppressionLookups,
        clock: Clock,
    ) -> None:
        self.lookups = lookups
        self._store = store
        self._catalogue = catalogue
        self._contacts = contacts
        self._clock = clock

    def bar(
        self, address: str, channel: Channel, reason: ShopReason, scope: Scope | None
    ) -> tuple[SuppressionView, bool]:
        """Bar an address once its open gates are through; return the suppression, and whether it is new.

        Without a scope it is that of the reason; a repetition can only widen it. InvalidRequestError.
        """
        known = read_address(self._contacts, channel, address, "/address")
        now = self._clock()
        with self._store.write() as tx:
            address_hash = tx.suppressions.hash_of(channel, known)
            holders = held_holders(tx, {(channel, address_hash)})
            scope = scope or SHOP_SCOPES[reason]
            if way := _WAYS.get(reason):
                stop = Stop(channel, address_hash, scope, Occasion(now, way, Proof(SHOP)))
                record_stops(tx, self._catalogue, [stop], holders)
            before = {one.number for one in tx.suppressions.of(channel, [address_hash])}
            number = tx.suppressions.bar(
                channel,
                address_hash,
                scope,
                reason=reason,
                masked=masked(channel, known),
                now=now,
            )
        return self.lookups.suppression(number), number not in before

    def lift(self, suppression_id: str) -> None:
        """Lift a suppression. NotFoundError; ConflictError for what a person asked for, saying who can."""
        number = ids.number_of(ids.SUPPRESSION, suppression_id)
        with self._store.write() as tx:
            found = tx.suppressions.numbered(number)
            if found is None:
                raise NotFoundError("no suppression of that id")
            if who := WHO_LIFTS.get(found.reason):
                raise ConflictError(f"A suppression for {found.reason} is not the shop's to lift: {who}.")
            holders = held_holders(tx, {(found.channel, found.address_hash)})
            told = holders if found.reason in _ASKED_FOR else {}
            before = coming(tx, self._catalogue, told)
            if not tx.suppressions.drop(number):
                raise NotFoundError("no suppression of that id")
            occasion = Occasion(self._clock(), SUPPRESSED, Proof(SHOP))
            record_difference(
                tx,
                self._catalogue,
                told,
                before,
                lambda one: replace(occasion, locale=one.profile.locale),
            )

    def search(self, channel: Channel, address: str) -> list[SuppressionView]:
        """Return what bars an address, oldest first. InvalidRequestError."""
        known = read_sought(self._contacts, channel, address)
        with self._store.read() as tx:
            address_hash = tx.suppressions.hash_of(channel, known)
        return self.lookups.of_address(channel, address_hash)
