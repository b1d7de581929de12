"""Check a request for a notification: all that can be said before anything is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from notify.domain.catalogue import Catalogue, Channel, Topic
from notify.domain.content import TemplateInfo
from notify.domain.errors import FieldProblem, InvalidRequestError
from notify.domain.recipients import ProfilePatch
from notify.domain.requests import NotificationRequest
from notify.domain.timing import notification_problems
from notify.ports import Contacts, Templates
from notify.store import Store
from notify.usecases.recipients.reading_addresses import needs_country, read_addresses


@dataclass(frozen=True, slots=True)
class Order:
    """A request that passed; `patch` holds its recipient's normalised addresses."""

    request: NotificationRequest
    info: TemplateInfo
    topic: Topic
    channels: tuple[Channel, ...]
    patch: ProfilePatch
    phone_country: str | None


class RequestCheck:
    """Checks times, addresses, template, data and channels, and names everything that is wrong at once."""

    def __init__(self, templates: Templates, contacts: Contacts, catalogue: Catalogue, store: Store) -> None:
        self._templates = templates
        self._contacts = contacts
        self._catalogue = catalogue
        self._store = store

    def __call__(
        self, requests: Sequence[NotificationRequest | InvalidRequestError], now: datetime
    ) -> list[Order | InvalidRequestError]:
        """Return each order, or what is wrong with it; a request that already failed stays as it is."""
        countries = self._stored_countries(requests)
        return [
            request if isinstance(request, InvalidRequestError) else self._check(request, countries, now)
            for request in requests
        ]

    def _check(
        self, request: NotificationRequest, countries: Mapping[str, str], now: datetime
    ) -> Order | InvalidRequestError:
        problems = notification_problems(request, now)
        recipient = request.recipient
        patch, phone_country, wrong = read_addresses(
            self._contacts, recipient.profile, "/recipient", countries.get(recipient.id)
        )
        problems += wrong
        info = self._templates.info(request.template)
        if info is None or info.topic is None:
            return InvalidRequestError([*problems, self._not_for_notifications(info)])
        problems += [
            FieldProblem(f"/data{one.pointer}", one.detail)
            for one in self._templates.problems(request.template, request.data)
        ]
        channels = request.channels or info.channels
        problems += [
            FieldProblem(f"/channels/{index}", f"the template {info.name} has no text for this channel")
            for index, channel in enumerate(channels)
            if channel not in info.channels
        ]
        if problems:
            return InvalidRequestError(problems)
        return Order(request, info, self._catalogue[info.topic], channels, patch, phone_country)

    def _not_for_notifications(self, info: TemplateInfo | None) -> FieldProblem:
        if info is not None:
            return FieldProblem("/template", "is a template of campaigns: see POST /v1/campaigns")
        found = filter(None, map(self._templates.info, self._templates.names()))
        known = ", ".join(one.name for one in found if one.topic)
        return FieldProblem("/template", f"there is no such template; there are: {known}")

    def _stored_countries(
        self, requests: Sequence[NotificationRequest | InvalidRequestError]
    ) -> dict[str, str]:
        """Return the stored countries of those whose number needs one as a hint, in one query."""
        wanted = {
            one.recipient.id
            for one in requests
            if not isinstance(one, InvalidRequestError) and needs_country(one.recipient.profile)
        }
        if not wanted:
            return {}
        with self._store.read() as tx:
            return tx.recipients.countries(wanted)
