"""`notify up` from beginning to end."""

import os
import socket
import sys
import time
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from setproctitle import setproctitle

from notify.bootstrap import build
from notify.domain.errors import ConfigurationError
from notify.logs import configure_logs
from notify.settings import Settings
from notify.storage.migrate import upgrade
from notify.up.banner import banner
from notify.up.data_dir import held, kept_key
from notify.up.embedded_valkey import wait_until_ready
from notify.up.programs import Address, embeds_redis, stages
from notify.up.supervisor import Supervisor
from notify.usecases.api_keys import KeyScope


def run(settings: Settings, address: Address) -> None:
    """Run everything until it is told to stop. ConfigurationError says what is in the way."""
    configure_logs("up")
    setproctitle("notify: up")
    if not os.environ.get("PUBLIC_URL"):
        settings = settings.model_copy(update={"public_url": address.url})
    with held(settings.data_dir) as lock:
        _refuse_taken(address)
        upgrade(settings.database_url)
        text = banner(settings, address.url, _key(settings), embedded_redis=embeds_redis(settings))
        programs = stages(settings, address)
        Supervisor(programs, lock).run(_AfterStage(settings), _Ready(address, text))


def _key(settings: Settings) -> str:
    """Return the administrator's key of this data directory."""
    with closing(build(settings, "up")) as composition:
        return kept_key(
            settings.data_dir,
            valid=lambda key: composition.authenticate(key) is not None,
            make=lambda: composition.create_key(
                "notify up", frozenset({KeyScope.ADMIN}), test=False, expires_at=None
            ),
        )


def _refuse_taken(address: Address) -> None:
    """ConfigurationError if something listens where the web server should."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            raise ConfigurationError(
                f"Cannot listen on {address.host}, port {address.port}: {error.strerror}."
                " Choose another with --port."
            ) from None


class _AfterStage:
    """Waits for Valkey before the rest is started."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, stage: int) -> None:
        if stage == 0 and embeds_redis(self._settings) and not wait_until_ready(self._settings.redis_url):
            raise ConfigurationError(
                f"Valkey did not start; {self._settings.data_dir / 'redis' / 'valkey.log'} says why."
            )


class _Ready:
    """Asks the web server at every tick, and prints the banner once it answers."""

    def __init__(self, address: Address, text: str) -> None:
        self._address = address
        self._text = text
        self._next_at = 0.0

    def __call__(self) -> bool:
        if time.monotonic() < self._next_at:
            return False
        self._next_at = time.monotonic() + 0.1
        with closing(HTTPConnection(self._address.reachable_host, self._address.port, timeout=1)) as web:
            try:
                web.request("GET", "/readyz")
                if web.getresponse().status != HTTPStatus.OK:
                    return False
            except (OSError, HTTPException):
                return False
        sys.stdout.write(self._text)
        sys.stdout.flush()
        return True
