"""Answers the one question the door asks of every message: may it go, and on what basis."""

from collections.abc import Collection
from dataclasses import dataclass

from notify.domain.catalogue import Catalogue, Channel
from notify.domain.consent import Basis, Standing, barred, judge
from notify.domain.status import Reason


@dataclass(frozen=True, slots=True)
class Policy:
    """What an installation allows: its topics, and the countries that may be texted (None: all)."""

    catalogue: Catalogue
    sms_countries: Collection[str] | None = None

    def verdict(
        self, topic_number: int, channel: Channel, phone_country: str | None, standing: Standing
    ) -> Basis | Reason:
        """Decide on one message. A topic that is no longer declared has nobody subscribed."""
        topic = self.catalogue.numbered(topic_number)
        if topic is None:
            return Reason.NO_CONSENT
        found = judge(topic, standing)
        elsewhere = (
            channel is Channel.SMS
            and self.sms_countries is not None
            and phone_country not in self.sms_countries
        )
        return Reason.COUNTRY_NOT_ALLOWED if elsewhere and isinstance(found, Basis) else found

    def verdict_on_test(self, topic_number: int, standing: Standing) -> Basis | Reason:
        """Decide on a test, which goes to an address and to no recipient: to whom left it does not go."""
        topic = self.catalogue.numbered(topic_number)
        if topic is None:
            return Reason.NO_CONSENT
        if barred(topic, standing):
            return Reason.SUPPRESSED
        return Reason.UNSUBSCRIBED if standing.address_opted_out else Basis("test")
