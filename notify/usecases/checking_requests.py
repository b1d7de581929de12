"""Check a request for a notification: all that can be said before anything is stored."""

from dataclasses import dataclass
from datetime import datetime

from notify.domain.catalogue import Catalogue, Channel
from notify.domain.content import TemplateInfo
from notify.domain.errors import FieldProblem, InvalidRequestError
from notify.domain.recipients import ProfilePatch
from notify.domain.requests import NotificationRequest
from notify.domain.timing import notification_problems
from notify.ports import Contacts, Templates
from notify.store import Store
from notify.usecases.reading_addresses import read_addresses


@dataclass(frozen=True, slots=True)
class Order:
    """A request that passed; `patch` holds its recipient's normalised addresses, `topic` is a number."""

    request: NotificationRequest
    info: TemplateInfo
    topic: int
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
        self, request: NotificationRequest | InvalidRequestError, now: datetime
    ) -> Order | InvalidRequestError:
        """Return the order, or what is wrong; a request that already failed stays as it is."""
        if isinstance(request, InvalidRequestError):
            return request
        problems = notification_problems(request, now)
        recipient = request.recipient
        patch, phone_country, wrong = read_addresses(
            self._contacts, recipient.profile, "/recipient", lambda: self._country(recipient.id)
        )
        problems += wrong
        info = self._templates.info(request.template)
        if info is None:
            known = ", ".join(self._templates.names())
            problems.append(FieldProblem("/template", f"there is no such template; there are: {known}"))
            return InvalidRequestError(problems)
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
        return Order(request, info, self._catalogue[info.topic].number, channels, patch, phone_country)

    def _country(self, recipient_id: str) -> str | None:
        """Return the stored country: the hint for a number in national notation."""
        with self._store.read() as tx:
            return tx.recipients.countries([recipient_id]).get(recipient_id)
