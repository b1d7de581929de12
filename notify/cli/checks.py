"""The checks of `notify doctor` on this installation's own parts."""

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from typing import Final
from urllib.parse import urlsplit

from redis import RedisError

from notify.bootstrap import Composition
from notify.cli.counts import counted
from notify.cli.findings import Finding
from notify.cli.ledger_checks import check_ledger
from notify.cli.schema import NOT_SET_UP, is_set_up
from notify.domain.alerts import ADVICE
from notify.domain.errors import ConfigurationError, NotifyError, VaultError
from notify.domain.rate_limits import bare
from notify.domain.sms_senders import SENDER
from notify.settings import SET_UP, Settings
from notify.up.programs import embeds_redis

_SCHEDULER_LATE: Final = timedelta(minutes=2)
_TASK_LATE: Final = timedelta(minutes=5)
_HOURLY: Final = frozenset({"purge", "retain"})
_QUEUE_OLD: Final = timedelta(minutes=5)
_KEY_ENDS_SOON: Final = timedelta(days=14)
_NEW_KEY: Final = "`notify keys create --name … --scope send`."
_SKEW_SECONDS: Final = 5.0
_DATA_KEYS: Final = "ENCRYPTION_KEYS"


def data_directory(settings: Settings) -> Iterator[Finding]:
    """Look at who can read the directory that holds the keys."""
    directory = settings.data_dir
    if not directory.exists():
        yield Finding.check(
            "Data directory", "does not exist yet", "`notify up` or `notify migrate` makes it."
        )
    elif directory.stat().st_mode & 0o077:
        text = "others on this machine can enter it, and it may hold keys"
        yield Finding.check("Data directory", text, f"chmod 700 {directory}")
    else:
        yield Finding.ok("Data directory", "open to its owner alone")


def database(composition: Composition) -> Iterator[Finding]:
    """Look whether the database answers, has the newest schema, and is worked off."""
    if not is_set_up(composition.settings):
        yield Finding.broken("Database", NOT_SET_UP, SET_UP)
        return
    engine = "SQLite" if composition.settings.database_url.startswith("sqlite") else "PostgreSQL"
    began = time.perf_counter()
    if not composition.backlog.reachable():
        remedy = "Check DATABASE_URL, that the server runs, and that this machine may connect to it."
        yield Finding.broken("Database", f"{engine} does not answer", remedy)
        return
    took = (time.perf_counter() - began) * 1000
    yield Finding.ok("Database", f"{engine} answers in {took:.0f} ms")
    if not composition.backlog.migrated():
        yield Finding.broken("Migrations", "the schema is not this version's", "Run `notify migrate`.")
        return
    yield Finding.ok("Migrations", "the schema is the newest")
    yield from _work(composition)


def _work(composition: Composition) -> Iterator[Finding]:
    now = datetime.now(UTC)
    report = composition.backlog.report(now)
    last = max(report.beats.values(), default=None)
    if last is None or now - last > _SCHEDULER_LATE:
        text = f"last ran at {last:%Y-%m-%d %H:%M} UTC" if last else "has never run"
        remedy = "Start it: `notify up`, or `python -m workers.schedule` where you run the parts yourself."
        yield Finding.broken("Scheduler", text, remedy)
    else:
        yield Finding.ok("Scheduler", f"ran {(now - last).total_seconds():.0f} s ago")
        yield from stuck(report.beats, now)
    for alert in report.alerts:
        text = f"{alert.kind}, {alert.count} × since {alert.at:%Y-%m-%d %H:%M} UTC"
        remedy = f"{ADVICE.get(alert.kind, 'The log says more.')} Then `notify alerts --clear {alert.kind}`."
        yield Finding.check("Alert", text, remedy)
    yield from check_ledger(report.ledger, now)
    if report.webhooks.failing:
        fails = counted(report.webhooks.failing, "endpoint fails", "endpoints fail")
        text = f"{fails}, {counted(report.webhooks.waiting, 'call waits', 'calls wait')}"
        yield Finding.check("Webhooks", text, "docs/webhooks.md says how to see what they answer.")
    for lane in report.lanes:
        if lane.oldest_due_at and now - lane.oldest_due_at > _QUEUE_OLD:
            minutes = (now - lane.oldest_due_at).total_seconds() / 60
            text = f"{lane.due} wait, the oldest for {minutes:.0f} minutes"
            remedy = (
                f"See that its worker runs (`python -m workers.main --lane {lane.lane}`) and what it logs."
            )
            yield Finding.check(f"Lane {lane.lane}", text, remedy)


def stuck(beats: Mapping[str, datetime], now: datetime) -> Iterator[Finding]:
    """Look whether one of the scheduler's tasks has stopped while others go on; by when each last ran."""
    for name, at in sorted(beats.items()):
        if now - at > _TASK_LATE * (24 if name in _HOURLY else 1):
            minutes = (now - at).total_seconds() / 60
            text = f"its task “{name}” last ran {minutes:.0f} minutes ago"
            yield Finding.check(
                "Scheduler", text, "Its log says what fails; if it says nothing, start it anew."
            )


def redis(composition: Composition, skews: list[float]) -> Iterator[Finding]:
    """Look whether Redis answers, keeps what it is given, and has workers listening."""
    try:
        seconds, microseconds = composition.redis.time()
        policy = composition.redis.info("memory").get("maxmemory_policy", "noeviction")
    except ConfigurationError as error:
        yield Finding.broken("Redis", str(error), "Correct REDIS_URL.")
        return
    except RedisError as error:
        remedy = (
            "It runs with `notify up`."
            if embeds_redis(composition.settings)
            else "Check REDIS_URL, and that the server runs."
        )
        text = f"does not answer ({type(error).__name__}); messages are accepted, and leave once it is back"
        yield Finding.broken("Redis", text, remedy)
        return
    skews.append(seconds + microseconds / 1e6 - time.time())
    if policy == "noeviction":
        yield Finding.ok("Redis", "answers")
    else:
        text = f"may drop jobs when memory is short (maxmemory-policy {policy})"
        yield Finding.check("Redis", text, "Set maxmemory-policy noeviction.")
    for lane in composition.queues.report() or ():
        if not lane.workers:
            remedy = f"`notify up`, or `python -m workers.main --lane {lane.lane}`."
            yield Finding.broken(f"Worker {lane.lane}", "none listens", remedy)


def senders(settings: Settings) -> Iterator[Finding]:
    """Look at the senders' forms, and whether orders and news come from different ones."""
    sound = True
    for variable in ("email_from", "email_from_marketing"):
        _, address = parseaddr(getattr(settings, variable))
        if "@" not in address:
            remedy = "Give an address, as `Smarttontine <orders@example.org>`."
            sound = False
            yield Finding.broken("Senders", f"{variable.upper()} holds no e-mail address", remedy)
    for variable in ("sms_from", "sms_from_marketing"):
        if not SENDER.fullmatch(getattr(settings, variable)):
            remedy = (
                "Give a number with its +, a short code, up to 11 letters and digits, or MG… of a Service."
            )
            sound = False
            yield Finding.broken("Senders", f"{variable.upper()} is no sender of SMS", remedy)
    pairs = (("email_provider", "email_from"), ("sms_provider", "sms_from"))
    for provider, variable in pairs:
        real = {name for name, _ in getattr(settings, provider)} - {"outbox"}
        if real and getattr(settings, variable) == getattr(settings, f"{variable}_marketing"):
            text = f"{variable.upper()} and {variable.upper()}_MARKETING are the same"
            yield Finding.check("Senders", text, "Use two: a block on one would stop the other.")
    for country, row in settings.sms_senders.items():
        if len({one.sender for one in row.values()}) < len(row):
            text = f"SMS_SENDERS: {country} has one sender for orders and marketing"
            yield Finding.check("Senders", text, "Use two: a STOP to it ends orders too.")
    if sound:
        yield Finding.ok("Senders", "well-formed")


def imprint(settings: Settings) -> Iterator[Finding]:
    """Look whether real e-mails say where the shop is (15 U.S.C. 7704(a)(5); LCEN, art. 19 and 20)."""
    real = {name for name, _ in settings.email_provider} - {"outbox"}
    if real and not settings.shop_address:
        remedy = "Set SHOP_ADDRESS, and PRIVACY_URL and LEGAL_URL if the shop has such pages."
        yield Finding.check("Imprint", "no e-mail says who and where the shop is", remedy)


def limits(settings: Settings) -> Iterator[Finding]:
    """Look whether each limit is anybody's, and whether SMS have any."""
    used = settings.providers
    senders = {
        bare(sender)
        for sender in (
            settings.email_from,
            settings.email_from_marketing,
            settings.sms_from,
            settings.sms_from_marketing,
            *(one.sender for row in settings.sms_senders.values() for one in row.values()),
        )
    }
    for provider, sender in settings.provider_limits.by_name:
        remedy = "Write names as EMAIL_PROVIDER, EMAIL_FROM and their like do."
        if provider not in used:
            yield Finding.check("Limits", f"PROVIDER_LIMITS: {provider} is not in use", remedy)
        elif sender and sender not in senders:
            text = f"PROVIDER_LIMITS: {provider} has an entry for a sender that none of the senders is"
            yield Finding.check("Limits", text, remedy)
    if "twilio" in used and (settings.sms_daily_limit is None or settings.sms_countries is None):
        remedy = "Set SMS_DAILY_LIMIT and SMS_COUNTRIES: a bug or a fraud could cost a fortune."
        yield Finding.check("Limits", "SMS may go anywhere, or in any number", remedy)


def clock(skews: Sequence[float]) -> Iterator[Finding]:
    """Compare this machine's clock with those that answered."""
    if not skews:
        yield Finding.check("Clock", "nothing answered to compare it with", "See above.")
        return
    worst = max(skews, key=abs)
    if abs(worst) > _SKEW_SECONDS:
        text = f"is off by {abs(worst):.0f} s; lawful hours and schedules depend on it"
        yield Finding.broken("Clock", text, "Run an NTP client, as systemd-timesyncd or chrony.")
    else:
        yield Finding.ok("Clock", "agrees with others")


def public_url(settings: Settings) -> Iterator[Finding]:
    """Look whether links in messages will work."""
    real = settings.providers - {"outbox"}
    for variable in ("public_url", "short_url"):
        value = getattr(settings, variable)
        if value is None:
            continue
        if variable not in settings.model_fields_set and not real:
            text = f"not set: `notify up` puts its own address into links, what runs without it {value}"
            yield Finding.ok(variable.upper(), f"{text}; good for the outbox, not for real messages")
            continue
        parts = urlsplit(value)
        if parts.scheme == "https" and parts.hostname and not parts.query:
            yield Finding.ok(variable.upper(), f"https, {parts.hostname}")
        elif real:
            how = "is not https" if variable in settings.model_fields_set else "is not set"
            text = f"{how}; mailbox providers demand it for one-click unsubscribing (RFC 8058)"
            yield Finding.broken(variable.upper(), text, f"Set {variable.upper()}=https://…")
        else:
            yield Finding.ok(variable.upper(), f"{value}: good for the outbox, not for real messages")


def keys(composition: Composition) -> Iterator[Finding]:
    """Look whether the secrets can be used, and whether callers have a key that works."""
    usable = is_set_up(composition.settings) and composition.backlog.migrated()
    bad = list(_secrets(composition, opens=usable))
    yield from bad or [Finding.ok("Secrets", "SECRET_KEYS and ENCRYPTION_KEYS are good")]
    if not is_set_up(composition.settings):
        yield Finding.check("API keys", "there is none yet", _NEW_KEY)
    elif not usable or any(one.subject == _DATA_KEYS for one in bad):
        yield Finding.broken("API keys", "could not be read", "See what is broken above.")
    else:
        yield from _api_keys(composition)


def _secrets(composition: Composition, *, opens: bool) -> Iterator[Finding]:
    """Look whether they are well-formed, and with `opens` whether they are those of this database."""
    for name, part in (("SECRET_KEYS", "tokens"), (_DATA_KEYS, "key_ring")):
        try:
            getattr(composition, part)
        except (NotifyError, ValueError) as error:
            yield Finding.broken(name, str(error), f"Set {name} as README.md, Configuration, says.")
            opens = opens and name != _DATA_KEYS
    if not opens:
        return
    try:
        _ = composition.vault.hash_key
    except VaultError as error:
        text = f"not those of this database ({error})"
        remedy = "Put back the key it was set up with: new keys go before the old, never in their place."
        yield Finding.broken(_DATA_KEYS, text, f"{remedy} Or is it another installation's database?")


def _api_keys(composition: Composition) -> Iterator[Finding]:
    now = datetime.now(UTC)
    rows = composition.list_keys()
    valid = [row for row in rows if row.valid_at(now)]
    if not valid:
        yield Finding.check("API keys", "there is none that works", _NEW_KEY)
    else:
        yield Finding.ok("API keys", f"usable: {len(valid)}")
    for row in valid:
        if row.expires_at and row.expires_at - now < _KEY_ENDS_SOON:
            text = f"key {row.id} ({row.name}) ends on {row.expires_at:%Y-%m-%d}"
            yield Finding.check("API keys", text, "Make another, and give it to its user.")
