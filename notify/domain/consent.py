"""Whether a person may be written to: the one decision over what is known."""

from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

from notify.domain.catalogue import Purpose, Topic
from notify.domain.regimes import SOFT_OPT_IN_TOPICS, Regime
from notify.domain.status import Reason

OF_PREFERENCE: Final = 1
"""Stands for the ledger's entry of a preference, where one `Standing` is that of many people."""

OF_POLICY: Final = 2
"""Stands likewise for the entry of an acceptance of the policy."""


class Scope(StrEnum):
    """What a suppression bars an address from."""

    MARKETING = "marketing"
    ALL = "all"


class Standing(NamedTuple):
    """All that is known about one recipient × topic × channel at one moment.

    `subscribed` is the stored preference, None where the person never chose. `address_opted_out`:
    the address left this topic, under whatever recipient id.
    """

    country: str | None = None
    has_address: bool = True
    subscribed: bool | None = None
    preference_consent_id: int | None = None
    address_opted_out: bool = False
    suppression: Scope | None = None
    policy_consent_id: int | None = None
    customer_since: date | None = None

    @property
    def chosen(self) -> bool | None:
        """What was chosen, None for nothing: who has the address has left what it left."""
        return False if self.address_opted_out else self.subscribed


class Basis(NamedTuple):
    """Why someone is written to: the regime that applied and the ledger entry it rests on."""

    regime: str
    consent_id: int | None = None


def subscription(topic: Topic, standing: Standing) -> Basis | None:
    """Return on what basis the person is subscribed to `topic`, or None if they are not."""
    if standing.chosen is False:
        return None
    if topic.purpose is Purpose.TRANSACTIONAL:
        return Basis("contract", standing.preference_consent_id)
    regime = topic.regimes.of(standing.country)
    if standing.subscribed:
        return Basis(regime, standing.preference_consent_id)
    return None if topic.double_opt_in else _from_the_start(topic, regime, standing)


def _from_the_start(topic: Topic, regime: Regime, standing: Standing) -> Basis | None:
    """Return on what basis someone is subscribed who never chose."""
    if regime is Regime.POLICY and standing.policy_consent_id is not None:
        return Basis(regime, standing.policy_consent_id)
    if topic.name in SOFT_OPT_IN_TOPICS and standing.customer_since is not None:
        return Basis("soft_opt_in")
    return None


def bars(scope: Scope | None, topic: Topic) -> bool:
    """Whether a suppression of that scope bars an address from the topic."""
    return scope is Scope.ALL or (scope is not None and topic.purpose is Purpose.MARKETING)


def barred(topic: Topic, standing: Standing) -> bool:
    """Whether a suppression bars the address from the topic."""
    return bars(standing.suppression, topic)


def comes(topic: Topic, standing: Standing) -> bool:
    """Whether messages of the topic come, as far as consent goes: subscribed, and not barred."""
    return subscription(topic, standing) is not None and not barred(topic, standing)


def judge(topic: Topic, standing: Standing) -> Basis | Reason:
    """Decide whether a message of `topic` may go: on what basis, or why not."""
    if not standing.has_address:
        return Reason.NO_ADDRESS
    if barred(topic, standing):
        return Reason.SUPPRESSED
    basis = subscription(topic, standing)
    if basis is not None:
        return basis
    if standing.chosen is False:
        return Reason.UNSUBSCRIBED
    return Reason.NO_CONSENT
