"""Frozen settings, read from the environment once; one machine generates its keys into its data directory."""

import base64
import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from notify.domain.countries import checked
from notify.domain.errors import ConfigurationError
from notify.domain.imprint import Imprint, read_address, read_page
from notify.domain.prices import SmsPrices, read_prices
from notify.domain.rate_limits import ProviderLimits, read_limits
from notify.domain.retention import RetentionPolicy
from notify.domain.sms_senders import ByCountry, read_senders
from notify.domain.windows import Week, read_weeks

_SECRETS_FILE: Final = "secrets.json"
SET_UP: Final = "`notify up` sets it up and runs it; `notify migrate` only sets it up."
_LONGEST_SOCKET_PATH: Final = 100  # sun_path holds 104 bytes on macOS, 108 on Linux
EMAIL_PROVIDERS: Final = frozenset({"sendgrid", "smtp", "outbox"})
SMS_PROVIDERS: Final = frozenset({"twilio", "outbox"})

Weighted = tuple[tuple[str, int], ...]
"""Provider names with their weights, as `sendgrid:3,smtp:1`."""


def _names(fold: Callable[[str], str]) -> BeforeValidator:
    """Return what reads names that commas separate, as `SN,CI,FR`."""

    def read(value: object) -> object:
        if not isinstance(value, str):
            return value
        return frozenset(fold(name.strip()) for name in value.split(",") if name.strip())

    return BeforeValidator(read)


def _json(
    read: Callable[[Any], object], example: str, *, decimal: Callable[[str], object] = float
) -> BeforeValidator:
    """Return what reads JSON and hands it to `read`; who writes none is shown an `example`."""

    def parsed(value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            given = json.loads(value, parse_float=decimal)
        except ValueError:
            raise ValueError(f"must be JSON, as {example}") from None
        return read(given)

    return BeforeValidator(parsed)


class Settings(BaseSettings):
    """Every setting, under the lower-case name of its environment variable."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    data_dir: Path = Field(validation_alias="NOTIFY_DATA_DIR")
    templates_dir: Path = Field(
        default=Path(__file__).parent.parent / "templates", validation_alias="NOTIFY_TEMPLATES_DIR"
    )
    database_url: str = ""
    redis_url: str = ""
    public_url: str = "http://127.0.0.1:8000"
    short_url: str | None = None
    secret_keys: str = ""
    encryption_keys: str = ""

    email_provider: Annotated[Weighted, NoDecode] = (("outbox", 1),)
    sms_provider: Annotated[Weighted, NoDecode] = (("outbox", 1),)
    sendgrid_api_key: str | None = None
    sendgrid_api_url: str = "https://api.sendgrid.com"
    sendgrid_webhook_public_key: str | None = None
    twilio_account_sid: str | None = None
    twilio_auth_token: str | None = None
    twilio_api_url: str | None = None
    twilio_consents: bool = True
    smtp_url: str | None = None
    provider_timeout: float = Field(default=15.0, gt=0, le=60)

    email_from: str = "Smarttontine <commandes@smarttontine.org>"
    email_from_marketing: str = "Smarttontine <nouvelles@smarttontine.org>"
    sms_from: str = "Smarttontin"
    sms_from_marketing: str = "Smarttontin"
    sms_senders: Annotated[
        ByCountry, NoDecode, _json(read_senders, '{"FR": {"marketing": {"sender": "36105"}}}')
    ] = Field(default_factory=dict)
    sms_countries: Annotated[
        frozenset[str] | None, NoDecode, _names(str.upper), AfterValidator(lambda it: it and checked(it))
    ] = None
    sms_daily_limit: int | None = Field(default=None, ge=0)
    sms_hours: Annotated[
        Mapping[str, Week], NoDecode, _json(read_weeks, '{"FR": {"mon-fri": "10:00-20:00"}}')
    ] = Field(default_factory=dict)
    sms_prices: Annotated[
        SmsPrices, NoDecode, _json(read_prices, '{"currency": "EUR", "SN": "0.045"}', decimal=Decimal)
    ] = SmsPrices()
    sms_fold: bool = False
    provider_limits: Annotated[
        ProviderLimits,
        NoDecode,
        _json(lambda it: read_limits(it, EMAIL_PROVIDERS | SMS_PROVIDERS), '{"twilio": {"per_second": 10}}'),
    ] = ProviderLimits()
    email_reply_to: str | None = None
    shop_address: Annotated[str | None, AfterValidator(lambda it: it and read_address(it))] = None
    privacy_url: Annotated[str | None, AfterValidator(lambda it: it and read_page(it))] = None
    legal_url: Annotated[str | None, AfterValidator(lambda it: it and read_page(it))] = None
    unsubscribe_mail_domain: str | None = None
    ledger_head_to: str | None = None

    resend_unknown_orders: bool = False
    webhook_private_hosts: Annotated[frozenset[str], NoDecode, _names(str.lower)] = frozenset()
    soft_bounce_limit: int = Field(default=5, ge=1, le=100)
    soft_bounce_days: int = Field(default=30, ge=1, le=365)
    trusted_proxies: int = Field(default=0, ge=0, le=10)
    worker_threads: int = Field(default=256, ge=1, le=1024)
    metrics_port: int | None = None
    import_max_bytes: int = Field(default=2_000_000_000, ge=1)
    optout_journal: Path | None = None
    retention_contacts_days: int = Field(default=1095, ge=0)
    retention_bodies_days: int = Field(default=90, ge=0)
    retention_ips_days: int = Field(default=365, ge=0)
    retention_events_days: int = Field(default=400, ge=0)

    @field_validator("email_provider", "sms_provider", mode="before")
    @classmethod
    def _weighted(cls, value: object) -> object:
        """Read `a:3,b:1`; a name without a weight weighs 1."""
        if not isinstance(value, str):
            return value
        pairs = (part.strip().partition(":") for part in value.split(","))
        return tuple((name.strip(), int(weight or 1)) for name, _, weight in pairs)

    @field_validator("public_url", "short_url")
    @classmethod
    def _link_base(cls, value: str | None) -> str | None:
        """Refuse what begins no link; links are joined with a slash of their own."""
        if value and not _begins_a_link(value):
            raise ValueError("must be an http:// or https:// address, with neither ? nor #")
        return value.rstrip("/") if value else None

    @model_validator(mode="after")
    def _providers_are_set_up(self) -> Self:
        """Refuse a provider that is unknown or lacks what it needs."""
        needs = {
            "sendgrid": ("sendgrid_api_key",),
            "twilio": ("twilio_account_sid", "twilio_auth_token"),
            "smtp": ("smtp_url",),
        }
        for variable, known in (("email_provider", EMAIL_PROVIDERS), ("sms_provider", SMS_PROVIDERS)):
            for name, weight in getattr(self, variable):
                if name not in known or weight < 1:
                    choices = ", ".join(sorted(known))
                    raise ValueError(f"{variable.upper()}: each must be one of {choices}, with a weight ≥ 1")
                for needed in needs.get(name, ()):
                    if not getattr(self, needed):
                        raise ValueError(f"{variable.upper()} names {name}: set {needed.upper()} too")
        return self

    @property
    def providers(self) -> frozenset[str]:
        """The names of those that messages of some channel go to."""
        return frozenset(name for name, _ in (*self.email_provider, *self.sms_provider))

    @property
    def twilio_token(self) -> str:
        """The newest of TWILIO_AUTH_TOKEN, by which we call; all of them sign what Twilio posts."""
        return (self.twilio_auth_token or "").partition(",")[0].strip()

    @property
    def link_base_for_sms(self) -> str:
        """Where links in SMS point."""
        return self.short_url or self.public_url

    @property
    def sms_receipts_url(self) -> str | None:
        """Where Twilio is asked to post delivery receipts; None where it could not: it refuses the SMS then.

        A loopback address is of use only to a Twilio on this machine, as in tests.
        """
        local = _is_loopback(self.public_url)
        reachable = (
            _is_loopback(self.twilio_api_url or "") if local else self.public_url.startswith("https://")
        )
        return f"{self.public_url}/webhooks/twilio/status" if reachable else None

    @property
    def retention(self) -> RetentionPolicy:
        """How long what is kept on people is kept."""
        return RetentionPolicy(
            contacts=self.retention_contacts_days or None,
            bodies=self.retention_bodies_days or None,
            ips=self.retention_ips_days or None,
            events=self.retention_events_days or None,
        )

    @property
    def imprint(self) -> Imprint:
        """Who stands behind the messages."""
        return Imprint(self.shop_address, self.privacy_url, self.legal_url)

    @property
    def journal_path(self) -> Path:
        """Where opt-outs are journalled outside the database."""
        return self.optout_journal or self.data_dir / "optouts.journal"

    @property
    def mirrors_opt_outs(self) -> bool:
        """Whether Twilio is told of opt-outs that it did not hear itself."""
        return bool(self.twilio_consents and self.twilio_account_sid and self.twilio_auth_token)

    @property
    def is_trial(self) -> bool:
        """Whether nobody outside this machine is reached: links lead here, or providers are here or none."""
        apis = (self.public_url, self.sendgrid_api_url, self.twilio_api_url or "")
        return self.providers == {"outbox"} or any(_is_loopback(url) for url in apis)

    @property
    def uses_outbox(self) -> bool:
        """Whether messages of some channel end in the local outbox."""
        return "outbox" in self.providers


def _begins_a_link(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port_is_one = parts.port is None or parts.port > 0
    except ValueError:
        return False
    asks = {"?", "#", " "} & set(url)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and port_is_one and not asks


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def default_data_dir() -> Path:
    """Return NOTIFY_DATA_DIR, else a folder of the user's."""
    return Path(os.environ.get("NOTIFY_DATA_DIR") or user_data_path("notify"))


def load_settings(data_dir: Path | None = None, *, begins: bool = True, keeps: bool = True) -> Settings:
    """Read the environment; ConfigurationError names every variable that is missing or wrong.

    Without DATABASE_URL, SQLite in `data_dir` is used and keys are generated there once, unless whoever asks
    does not `begin` anything; with it, SECRET_KEYS and ENCRYPTION_KEYS are demanded. For a look that leaves
    nothing behind keys are made up that nobody `keeps`.
    """
    directory = (data_dir or default_data_dir()).expanduser().resolve()
    try:
        settings = Settings(NOTIFY_DATA_DIR=directory)  # type: ignore[call-arg]
    except ValidationError as error:
        raise ConfigurationError(_in_words(error)) from None
    has_keys = settings.secret_keys and settings.encryption_keys
    if settings.database_url and not has_keys:
        raise ConfigurationError(
            "With DATABASE_URL set, SECRET_KEYS and ENCRYPTION_KEYS must be set too: generated keys would be"
            " lost with the machine. README.md, Configuration, says how to make them."
        )
    settings = settings.model_copy(update=_engines(settings, directory))
    if has_keys:
        return settings
    if not begins and not (directory / _SECRETS_FILE).exists():
        raise ConfigurationError(f"Nothing is set up in {directory}. {SET_UP}")
    generated = _generated_keys(directory, kept=keeps)
    return settings.model_copy(
        update={name: getattr(settings, name) or value for name, value in generated.items()}
    )


def _engines(settings: Settings, directory: Path) -> dict[str, str]:
    """Return the database and Redis to use where the environment names none."""
    database_url = settings.database_url or f"sqlite:///{directory / 'notify.db'}"
    for scheme in ("postgres://", "postgresql://"):
        if database_url.startswith(scheme):
            database_url = "postgresql+psycopg://" + database_url.removeprefix(scheme)
    return {
        "database_url": database_url,
        "redis_url": settings.redis_url or f"unix://{embedded_redis_socket(directory)}",
    }


def embedded_redis_socket(directory: Path) -> Path:
    """Return where the embedded Redis listens: in the data directory, or in /tmp if that path is too long."""
    socket = directory / "redis.sock"
    if len(str(socket)) <= _LONGEST_SOCKET_PATH:
        return socket
    digest = hashlib.sha256(str(directory).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"notify-{digest}.sock"


def _generated_keys(directory: Path, *, kept: bool) -> dict[str, str]:
    """Return this machine's keys, made at the first call. The file is created whole or not at all."""
    path = directory / _SECRETS_FILE
    if not path.exists():
        fresh = {
            "secret_keys": secrets.token_urlsafe(32),
            "encryption_keys": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        }
        if not kept:
            return fresh
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(fresh))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    keys: dict[str, str] = json.loads(path.read_text())
    return keys


def _in_words(error: ValidationError) -> str:
    """Say which variables are wrong, without repeating values: some are secrets."""
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        name = ".".join(str(part) for part in problem["loc"]).upper()
        text = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{name}: {text}" if name else text)
    return "\n".join(lines)
