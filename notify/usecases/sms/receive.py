"""Take an SMS that somebody sent us: STOP, START and HELP are done at once, and answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from notify.domain import suppressions
from notify.domain.catalogue import DEFAULT_LOCALE, Channel
from notify.domain.consent import Scope
from notify.domain.delivery import StoredRecipient
from notify.domain.events import EventKind, ProviderEvent
from notify.domain.inbound_sms import InboundSms, answer
from notify.domain.ledger import START, STOP
from notify.domain.requests import Proof
from notify.domain.sending import Senders
from notify.domain.sms_keywords import HEARD_BY_TWILIO, Asked, Keyword, asked_as, asked_in
from notify.domain.sms_mirroring import heard
from notify.domain.webhook_posts import (
    ACCEPTED,
    FORGED,
    MALFORMED,
    ForgedPostError,
    MalformedPostError,
    SignedPost,
)
from notify.ports import Clock, InboundSmsSource, Telemetry, Tokens
from notify.store import Store, Transaction
from notify.usecases.preferences.recording_choices import Occasion
from notify.usecases.sms.stops import SmsStops

_SOURCE: Final = "sms"
_WAYS: Final = {Keyword.STOP: STOP, Keyword.START: START}


@dataclass(frozen=True, slots=True)
class _Request:
    """An SMS that asks for something: what, of which sender's SMS."""

    sms: InboundSms
    asked: Asked
    scope: Scope


class ReceiveSms:
    """Does what an SMS asks for in one transaction, and says what to answer.

    The answer goes back as the answer to the webhook: nothing is handed to a provider here (decision 0022).
    """

    def __init__(
        self,
        *,
        store: Store,
        source: InboundSmsSource,
        stops: SmsStops,
        senders: Senders,
        tokens: Tokens,
        telemetry: Telemetry,
        clock: Clock,
        mirrored: bool,
    ) -> None:
        """`mirrored`: the provider is told of a START that it did not understand."""
        self._store = store
        self._source = source
        self._stops = stops
        self._senders = senders
        self._tokens = tokens
        self._telemetry = telemetry
        self._clock = clock
        self._mirrored = mirrored

    def __call__(self, post: SignedPost) -> str:
        """Return the answer as the provider reads it; it may say nothing.

        A repeated post changes nothing and is answered the same, but for a mere yes. ForgedPostError,
        MalformedPostError, UnavailableError.
        """
        sms = self._read(post)
        asked = sms and (asked_as(sms.understood) or asked_in(sms.text))
        text = None
        if sms and asked:  # whatever else is answered to a machine may be answered by one
            request = _Request(sms, asked, self._senders.sms.scope(*sms.senders))
            with self._store.write() as tx:
                text = self._follow(tx, request, self._clock())
        return self._source.answering(text)

    def _read(self, post: SignedPost) -> InboundSms | None:
        name = "twilio"
        if not self._source.is_genuine(post):
            self._telemetry.webhook(name, FORGED)
            raise ForgedPostError("no valid signature")
        try:
            sms = self._source.sms_in(post)
        except MalformedPostError:
            self._telemetry.webhook(name, MALFORMED)
            raise
        self._telemetry.webhook(name, ACCEPTED)
        return sms

    def _follow(self, tx: Transaction, request: _Request, now: datetime) -> str | None:
        sms, keyword = request.sms, request.asked.keyword
        address_hash = tx.suppressions.hash_of(Channel.SMS, sms.phone)
        people = (
            tx.recipients.having(Channel.SMS, [address_hash])
            if keyword is Keyword.HELP
            else self._stops.hold(tx, address_hash)
        )
        answers_else = self._answers_something_else(tx, sms, address_hash)
        if keyword in _WAYS and _is_new(tx, sms, now):
            proof = Proof(source=_SOURCE, wording=request.asked.word)
            occasion = Occasion(now, _WAYS[keyword], proof, request.asked.locale)
            if keyword is Keyword.STOP:
                self._stops.stop(tx, address_hash, people, request.scope, occasion, phone=sms.phone)
            elif not answers_else:
                self._stops.start(tx, address_hash, people, occasion)
            if sms.understood:
                stopped = keyword is Keyword.STOP
                known = heard(self._senders.sms, sms.senders, address_hash, now, opted_out=stopped)
                tx.sms_mirrors.note(known)
        if sms.understood or answers_else:
            return None  # the provider has answered, or nothing was asked of us
        return self._answer(tx, request, people, address_hash)

    def _answers_something_else(self, tx: Transaction, sms: InboundSms, address_hash: bytes) -> bool:
        """Whether it is a mere yes to a sender that no STOP has silenced: it must not bring the news back."""
        read = asked_in(sms.text)
        if read is None or not read.is_mere_yes:
            return False
        orders = self._senders.sms.only_orders(*sms.senders)
        return not any(
            one.reason == suppressions.STOP and (one.scope is Scope.ALL or not orders)
            for one in tx.suppressions.of(Channel.SMS, [address_hash])
        )

    def _answer(
        self, tx: Transaction, request: _Request, people: Sequence[StoredRecipient], address_hash: bytes
    ) -> str:
        spoken = [one.profile.locale for one in reversed(people) if one.profile.locale]
        link = None
        if request.asked.keyword is Keyword.HELP and people:
            claim = tx.notifications.newest_to([one.id for one in people], Channel.SMS, address_hash)
            link = claim and self._senders.opt_out_url(Channel.SMS, self._tokens.opt_out(claim))
        return answer(
            request.asked.keyword,
            spoken[0] if spoken else request.asked.locale or DEFAULT_LOCALE,
            request.scope,
            shop=self._senders.shop,
            contact=self._senders.reply_to,
            link=link,
            unheard=not self._mirrored and request.asked.word not in HEARD_BY_TWILIO,
        )


def _is_new(tx: Transaction, sms: InboundSms, now: datetime) -> bool:
    """Note that an SMS was dealt with; False if it was before. One without an id is always new."""
    if not sms.provider_message_id:
        return True
    event = ProviderEvent(
        sms.provider, f"{sms.provider_message_id}:received", EventKind.UNKNOWN, now, detail="received"
    )
    return bool(tx.events.add([(None, event)], now))
