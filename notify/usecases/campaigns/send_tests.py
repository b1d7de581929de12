"""Send a campaign to a few addresses, to look at it before anybody else does."""

from collections.abc import Sequence

from notify.domain import ids
from notify.domain.campaigns import MAX_TEST_ADDRESSES, Campaign, CampaignStatus, refuse_trial
from notify.domain.catalogue import DEFAULT_LOCALE, LOCALES, Channel
from notify.domain.errors import ConflictError, FieldProblem, InvalidRequestError
from notify.domain.requests import Lane
from notify.domain.status import Status
from notify.domain.views import SentTestsView
from notify.ports import Clock, Contacts, WakeUps
from notify.store import Store
from notify.store.campaigns import TestMessage
from notify.usecases.campaigns.pinning import Pinning, pinned_changes


class SendTests:
    """Sends it through the one door, to addresses of nobody we know: its links change nothing."""

    def __init__(
        self, store: Store, pinning: Pinning, contacts: Contacts, wake_ups: WakeUps, clock: Clock
    ) -> None:
        self._store = store
        self._pinning = pinning
        self._contacts = contacts
        self._wake_ups = wake_ups
        self._clock = clock

    def __call__(
        self, campaign_id: str, to: Sequence[str], locale: str = DEFAULT_LOCALE, *, test: bool = False
    ) -> SentTestsView:
        """Send it to these addresses and numbers, in one language.

        A draft is pinned as it is now. NotFoundError, ConflictError, InvalidRequestError.
        `test`: the caller only tries things out, and may not send what goes out in earnest.
        """
        number = ids.number_of(ids.CAMPAIGN, campaign_id)
        now = self._clock()
        with self._store.write() as tx:
            campaign = tx.campaigns.get(number, lock=True)
            refuse_trial(campaign, test=test)
            if campaign.status is CampaignStatus.CANCELLED:
                raise ConflictError("cannot test a campaign that is cancelled")
            tests = self._read(campaign, to, locale)
            if campaign.status is CampaignStatus.DRAFT:
                tx.campaigns.change(number, pinned_changes(self._pinning(tx, campaign), now), now)
            message_ids, dispatch_ids = tx.campaigns.add_tests(campaign, tests, locale, now)
        self._wake_ups.ring(Lane.NORMAL, dispatch_ids)
        return {
            "messages": [
                {
                    "id": ids.public(ids.MESSAGE, message_id),
                    "channel": one.channel,
                    "status": Status.QUEUED,
                    "reason": None,
                }
                for message_id, one in zip(message_ids, tests, strict=True)
            ]
        }

    def _read(self, campaign: Campaign, to: Sequence[str], locale: str) -> list[TestMessage]:
        """Parse the addresses: what has an "@" is an e-mail address. InvalidRequestError."""
        problems = []
        if not 0 < len(to) <= MAX_TEST_ADDRESSES:
            problems.append(FieldProblem("/to", f"must hold 1 to {MAX_TEST_ADDRESSES} addresses"))
        if locale not in LOCALES:
            problems.append(FieldProblem("/locale", f"must be one of {', '.join(LOCALES)}"))
        found = []
        for index, address in enumerate(to):
            try:
                found.append(self._parsed(campaign, address))
            except ValueError as error:
                problems.append(FieldProblem(f"/to/{index}", str(error)))
        if problems:
            raise InvalidRequestError(problems)
        return list(dict.fromkeys(found))

    def _parsed(self, campaign: Campaign, address: str) -> TestMessage:
        channel = Channel.EMAIL if "@" in address else Channel.SMS
        if channel not in campaign.channels:
            message = f"is for {channel}, which this campaign does not use"
            raise ValueError(message)
        by_mail = channel is Channel.EMAIL
        normal = self._contacts.email(address) if by_mail else self._contacts.phone(address, None)[0]
        return TestMessage(channel, normal)
