"""Answers the one question the door asks of every message: may it go, and on what basis."""

from collections.abc import Collection
from dataclasses import dataclass

from notify.domain.catalogue import Catalogue, Channel
from notify.domain.consent import Basis, Standing, judge
from notify.domain.recipients import Profile
from notify.domain.status import Reason


@dataclass(frozen=True, slots=True)
class Policy:
    """What an installation allows: its topics, and the countries that may be texted (None: all)."""

    catalogue: Catalogue
    sms_countries: Collection[str] | None = None

    def verdict(
        self, topic_number: int, channel: Channel, profile: Profile, standing: Standing
    ) -> Basis | Reason:
        """Decide on one message. A topic that is no longer declared has nobody subscribed."""
        topic = self.catalogue.numbered(topic_number)
        if topic is None:
            return Reason.NO_CONSENT
        found = judge(topic, standing)
        barred = (
            channel is Channel.SMS
            and self.sms_countries is not None
            and profile.phone_country not in self.sms_countries
        )
        return Reason.COUNTRY_NOT_ALLOWED if barred and isinstance(found, Basis) else found
