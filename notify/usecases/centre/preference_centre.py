"""The preference centre: all that a person can see and change by their own token."""

from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple, TypeVar

from notify.domain.catalogue import Catalogue, Channel, Purpose
from notify.domain.confirmations import Kind, LinkSent
from notify.domain.delivery import StoredRecipient
from notify.domain.errors import InvalidTokenError, NotFoundError
from notify.domain.history import PastPage
from notify.domain.requests import Choice, Proof
from notify.domain.token_claims import CentreClaim
from notify.ports import Clock, Tokens
from notify.store import Store, Transaction
from notify.usecases.centre.choosing import Chosen, choose, stop
from notify.usecases.centre.disowning import disown
from notify.usecases.centre.pausing import Pause, pause, paused_with, resume
from notify.usecases.centre.readmitting import readmit
from notify.usecases.centre.speaking import speak
from notify.usecases.centre.views import CentreView, look, sample
from notify.usecases.centre.visit import Visit
from notify.usecases.preferences.confirmations import Confirmations
from notify.usecases.preferences.holding import Address, Gates, held
from notify.usecases.preferences.recording_choices import Occasion

_Done = TypeVar("_Done")
_Touched = Callable[[Transaction, StoredRecipient], Collection[Address]]
_Visited = tuple[StoredRecipient, Collection[Address]]

PAST_A_PAGE: Final = 50


class Saved(NamedTuple):
    """How it stands after choices: an undo token if any changed anything.

    `asked`: what counts once it is confirmed by the link sent there. `refused`: some could not be asked for.
    """

    view: CentreView
    undo: str | None
    asked: Sequence[LinkSent] = ()
    refused: bool = False


class PreferenceCentre:
    """Opens a visit for whoever holds the token, and does what they ask, in one transaction.

    All raise InvalidTokenError, also when the recipient is gone; by the link of a preview nothing happens.
    """

    def __init__(
        self,
        *,
        store: Store,
        tokens: Tokens,
        catalogue: Catalogue,
        confirmations: Confirmations,
        clock: Clock,
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._catalogue = catalogue
        self._confirmations = confirmations
        self._clock = clock

    def describe(self, token: str) -> CentreView:
        """Show; changes nothing."""
        claim = self._tokens.read_centre(token)
        if claim.preview:
            return sample(self._catalogue)
        with self._store.read() as tx:
            return look(tx, self._catalogue, _bearer(tx, claim), self._clock())

    def history(self, token: str, before: int | None) -> tuple[CentreView, PastPage]:
        """Show the person's own choices, newest first; `before`: those older than that one."""
        claim = self._tokens.read_centre(token)
        if claim.preview:
            return sample(self._catalogue), PastPage((), None)
        with self._store.read() as tx:
            recipient = _bearer(tx, claim)
            past = tx.history.of(recipient.id, before=before, limit=PAST_A_PAGE)
            return look(tx, self._catalogue, recipient, self._clock()), past

    def change(self, token: str, choices: Sequence[Choice], proof: Proof, locale: str) -> Saved:
        """Apply the choices that differ."""
        return self._saved(
            *self._visit(token, proof, locale, lambda visit: choose(visit, choices, self._confirmations))
        )

    def _saved(self, view: CentreView, done: Chosen | None) -> Saved:
        """Wake a worker for what is to be confirmed, and tell how it stands."""
        if done is None:
            return Saved(view, None)
        self._confirmations.ring(done.posted)
        return Saved(view, done.undo, [one.asked for one in done.posted], done.refused)

    def stop_news(self, token: str, proof: Proof, locale: str) -> tuple[CentreView, str | None]:
        """Stop all marketing on every channel."""
        marketing = [topic for topic in self._catalogue if topic.purpose is Purpose.MARKETING]
        return self._visit(token, proof, locale, lambda visit: stop(visit, marketing))

    def stop_everything(self, token: str, proof: Proof, locale: str) -> tuple[CentreView, str | None]:
        """Stop everything, order updates included."""
        return self._visit(token, proof, locale, lambda visit: stop(visit, list(self._catalogue)))

    def pause(self, token: str, length: Pause, proof: Proof, locale: str) -> CentreView:
        """Keep all marketing away for a while, and have it come again by itself."""
        return self._visit(token, proof, locale, lambda visit: pause(visit, length), paused_with)[0]

    def resume(self, token: str, proof: Proof, locale: str) -> CentreView:
        """End a pause early."""
        return self._visit(token, proof, locale, resume, paused_with)[0]

    def readmit(self, token: str, channel: Channel, proof: Proof, locale: str) -> Saved:
        """Take back a STOP or a complaint, with what it stopped."""
        return self._saved(
            *self._visit(token, proof, locale, lambda visit: readmit(visit, channel, self._confirmations))
        )

    def speak(self, token: str, wanted: str, proof: Proof, locale: str) -> CentreView:
        """Choose the language of messages."""
        return self._visit(token, proof, locale, lambda visit: speak(visit, wanted))[0]

    def request(self, token: str, kind: Kind, locale: str) -> LinkSent | None:
        """Send a link to the person's own address, which does what they ask for; None: of a preview.

        UnreachableError where no address may be written to; TooManyRequestsError.
        """
        claim = self._tokens.read_centre(token)
        if claim.preview:
            return None
        try:
            return self._confirmations.ask(claim.recipient, kind, locale, message_id=claim.message)
        except NotFoundError:
            raise InvalidTokenError("the recipient is gone") from None

    def disown(self, token: str, channel: Channel, proof: Proof, locale: str) -> CentreView:
        """“This is not me”: bar the address of that channel from everything."""
        return self._visit(token, proof, locale, lambda visit: disown(visit, channel))[0]

    def _visit(
        self,
        token: str,
        proof: Proof,
        locale: str,
        act: Callable[[Visit], _Done],
        touched: _Touched = lambda _, person: list(person.hashes.items()),
    ) -> tuple[CentreView, _Done | None]:
        """Return how things stand afterwards, and what `act` returned; None by the link of a preview.

        `touched`: the addresses that it is about.
        """
        claim = self._tokens.read_centre(token)
        if claim.preview:
            return sample(self._catalogue), None
        occasion = Occasion(self._clock(), proof.source, proof, locale, claim.message or None)
        with self._store.write() as tx:
            recipient, addresses = held(tx, lambda: _with(tx, _bearer(tx, claim), touched), _gates)
            done = act(Visit(tx, recipient, addresses, self._catalogue, occasion))
            return look(tx, self._catalogue, _bearer(tx, claim), occasion.at), done


def _with(tx: Transaction, person: StoredRecipient, touched: _Touched) -> _Visited:
    return person, touched(tx, person)


def _gates(visited: _Visited) -> Gates:
    person, addresses = visited
    return [person.id], {value for _, value in addresses}


def _bearer(tx: Transaction, claim: CentreClaim) -> StoredRecipient:
    recipient = tx.recipients.by_numbers([claim.recipient]).get(claim.recipient)
    if recipient is None:
        raise InvalidTokenError("the recipient is gone")
    return recipient
