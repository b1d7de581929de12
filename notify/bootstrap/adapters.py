"""The adapters of one process, built from the settings."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from random import random
from typing import Any, Final

from redis import Redis
from sqlalchemy import Engine

from notify.calendars import PublicHolidays
from notify.contacts import ParsedContacts
from notify.domain.catalogue import Catalogue, Channel
from notify.domain.eligibility import Policy
from notify.domain.errors import UnavailableError
from notify.domain.sending import Senders
from notify.domain.sms_senders import SmsSenders
from notify.domain.times import utc_now
from notify.domain.webhook_urls import UrlRule
from notify.domain.windows import LawfulHours
from notify.ports import Calendar, Clock, EventSource, InboundSmsSource, Provider, Providers, WakeUps
from notify.providers.outbox import OutboxProvider
from notify.providers.sendgrid import SendGridProvider
from notify.providers.sendgrid_events import SendGridEvents
from notify.providers.shop_endpoints import ShopEndpoints
from notify.providers.smtp import SmtpProvider
from notify.providers.twilio import TwilioProvider
from notify.providers.twilio_consents import TwilioConsents
from notify.providers.twilio_events import TwilioReceipts
from notify.providers.twilio_inbound import TwilioInbound
from notify.queue_depths import RqQueues
from notify.queueing import RqWakeUps
from notify.reaching_redis import connect
from notify.rendering import FileTemplates, load_catalogue
from notify.settings import Settings
from notify.storage.backlog import SqlBacklog
from notify.storage.engine import open_engine
from notify.storage.installation import installation_key
from notify.storage.outbox import SqlOutbox
from notify.storage.store import SqlStore
from notify.telemetry import Exposition, PrometheusTelemetry
from notify.throttle import RedisThrottle
from notify.tokens import SignedTokens, parse_secret_keys
from notify.usecases.delivery.choosing_providers import HealthyProviders
from notify.usecases.delivery.composing import Composer
from notify.vault import KEY_BYTES, AesVault, KeyRing, parse_encryption_keys

_CONNECTIONS: Final = 12
"""Kept open to the database; ten more are opened under load. Threads that call providers need none."""

_WEB_BELL_PAUSE_SECONDS: Final = 0.02
"""How often a web process rings a lane at most: a bell for each order would cost more than taking it."""

_PLACE_MARGIN_SECONDS: Final = 15
"""How much longer a call that nobody gave back counts as one in flight: it also waits for a thread."""


class Adapters:
    """What the service stands on in one process, each part built when it is first asked for.

    So `notify doctor` can look at one part while another is broken.
    """

    def __init__(
        self,
        settings: Settings,
        role: str = "web",
        clock: Clock = utc_now,
        random: Callable[[], float] = random,
    ) -> None:
        """`role` is what this process does; it labels its metrics. `random` returns [0, 1)."""
        self.settings = settings
        self._clock = clock
        self._random = random
        self._role = role

    def close(self) -> None:
        """Give back the connections that were opened."""
        if "engine" in self.__dict__:
            self.engine.dispose()
        if "redis" in self.__dict__:
            self.redis.close()

    @cached_property
    def engine(self) -> Engine:
        """The database; UnavailableError at the first call if it is out of reach."""
        return open_engine(self.settings.database_url, pool_size=_CONNECTIONS)

    @cached_property
    def redis(self) -> Redis:
        """Redis or Valkey; ConfigurationError if its URL is not understood."""
        return connect(self.settings.redis_url)

    def redis_to_block_on(self) -> Redis:
        """Return a client of its own for a worker, which blocks on it and sets its time-outs."""
        return connect(self.settings.redis_url)

    @cached_property
    def key_ring(self) -> KeyRing:
        """The data keys."""
        return KeyRing(parse_encryption_keys(self.settings.encryption_keys))

    @cached_property
    def vault(self) -> AesVault:
        """Encryption and keyed hashes; the key of the hashes is made at the very first call."""
        vault = AesVault(parse_encryption_keys(self.settings.encryption_keys), self._read_hash_key)
        with suppress(UnavailableError):  # then it is read later: a process must not die for it
            _ = vault.hash_key
        return vault

    @cached_property
    def tokens(self) -> SignedTokens:
        """The signer of links."""
        return SignedTokens(parse_secret_keys(self.settings.secret_keys))

    @cached_property
    def catalogue(self) -> Catalogue:
        """The topics."""
        return load_catalogue(self.settings.templates_dir)

    @cached_property
    def templates(self) -> FileTemplates:
        """The templates, compiled."""
        settings = self.settings
        return FileTemplates(
            settings.templates_dir, self.catalogue, fold_sms=settings.sms_fold, imprint=settings.imprint
        )

    @cached_property
    def contacts(self) -> ParsedContacts:
        """The parser of addresses."""
        return ParsedContacts()

    @cached_property
    def store(self) -> SqlStore:
        """The database as the use cases see it."""
        return SqlStore(self.engine, self.vault)

    @cached_property
    def wake_ups(self) -> WakeUps:
        """The bell of the lanes."""
        return RqWakeUps(self.redis, pause=_WEB_BELL_PAUSE_SECONDS if self._role == "web" else 0.0)

    @cached_property
    def provider_choice(self) -> Providers:
        """Who delivers: providers by weight and health; test keys get the outbox."""
        chosen = {Channel.EMAIL: self.settings.email_provider, Channel.SMS: self.settings.sms_provider}
        return HealthyProviders(
            {
                channel: [(self.providers[name](channel), weight) for name, weight in choices]
                for channel, choices in chosen.items()
            },
            {channel: self.providers["outbox"](channel) for channel in Channel},
            held=self.throttle.held,
            tell=self.telemetry.provider_up,
            random=self._random,
        )

    @cached_property
    def throttle(self) -> RedisThrottle:
        """The limits of providers and senders."""
        lease = self.settings.provider_timeout + _PLACE_MARGIN_SECONDS
        return RedisThrottle(self.redis, self.settings.provider_limits, lease)

    @cached_property
    def telemetry(self) -> PrometheusTelemetry:
        """What this process counts."""
        return PrometheusTelemetry(self._metrics_dir, self._role)

    @cached_property
    def policy(self) -> Policy:
        """What this installation allows."""
        return Policy(self.catalogue, self.settings.sms_countries)

    @cached_property
    def lawful_hours(self) -> LawfulHours:
        """When SMS of marketing may arrive."""
        calendar: Calendar = PublicHolidays()
        return LawfulHours(calendar.is_holiday, self.settings.sms_hours)

    @cached_property
    def backlog(self) -> SqlBacklog:
        """What waits in the database."""
        return SqlBacklog(self.engine, self.settings.sms_daily_limit)

    @cached_property
    def queues(self) -> RqQueues:
        """What waits in Redis."""
        return RqQueues(self.redis)

    @cached_property
    def outbox(self) -> SqlOutbox:
        """The local outbox."""
        return SqlOutbox(self.engine, self.vault, self._clock)

    @cached_property
    def exposition(self) -> Exposition:
        """What `/metrics` shows."""
        return Exposition(self._metrics_dir, self.backlog, self.queues, self._clock)

    @cached_property
    def senders(self) -> Senders:
        """Who messages come from, and where links point."""
        settings = self.settings
        return Senders(
            public_url=settings.public_url,
            sms_url=settings.link_base_for_sms,
            email=settings.email_from,
            email_marketing=settings.email_from_marketing,
            sms=SmsSenders(settings.sms_from, settings.sms_from_marketing, settings.sms_senders),
            reply_to=settings.email_reply_to,
            mail_domain=settings.unsubscribe_mail_domain,
        )

    @cached_property
    def composer(self) -> Composer:
        """The writer of messages."""
        return Composer(self.templates, self.tokens, self.catalogue, self.senders)

    @cached_property
    def providers(self) -> Mapping[str, Callable[[Channel], Provider[Any]]]:
        """How to build each provider that is set up, by name."""
        settings = self.settings
        return {
            "outbox": lambda _: OutboxProvider(self.outbox),
            "sendgrid": lambda _: SendGridProvider(
                settings.sendgrid_api_key or "", settings.sendgrid_api_url, settings.provider_timeout
            ),
            "smtp": lambda _: SmtpProvider(settings.smtp_url or "", settings.provider_timeout),
            "twilio": lambda _: self._twilio(),
        }

    @cached_property
    def shop_endpoints(self) -> ShopEndpoints:
        """The way to the shop's webhook endpoints."""
        settings = self.settings
        return ShopEndpoints(UrlRule(settings.is_trial, settings.webhook_private_hosts))

    @cached_property
    def event_sources(self) -> Mapping[str, EventSource]:
        """The webhooks for events; ConfigurationError if a key is none."""
        settings = self.settings
        return {
            "sendgrid": SendGridEvents(settings.sendgrid_webhook_public_key),
            "twilio": TwilioReceipts(settings.twilio_auth_token, settings.public_url),
        }

    @cached_property
    def inbound_sms(self) -> InboundSmsSource:
        """The webhook for SMS that come in."""
        return TwilioInbound(self.event_sources["twilio"].is_genuine)

    @cached_property
    def twilio_consents(self) -> TwilioConsents:
        """Twilio's list of who has opted out."""
        settings = self.settings
        return TwilioConsents(
            settings.twilio_account_sid or "",
            settings.twilio_token,
            settings.twilio_api_url,
            settings.provider_timeout,
        )

    def _twilio(self) -> TwilioProvider:
        settings = self.settings
        return TwilioProvider(
            settings.twilio_account_sid or "",
            settings.twilio_token,
            settings.twilio_api_url,
            settings.provider_timeout,
            settings.sms_receipts_url,
        )

    def _read_hash_key(self) -> bytes:
        make = partial(self.key_ring.wrap, os.urandom(KEY_BYTES))
        return self.key_ring.unwrap(installation_key(self.engine, "hashes", make))

    @cached_property
    def _metrics_dir(self) -> Path:
        """Where processes count; the data directory above it is for its owner alone."""
        self.settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.settings.data_dir / "metrics"
