"""The loopback providers as a process of their own, and what they counted."""

import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from benchmarks.processes import Running, wait_until
from notify.up.child import Program
from tests.ports import free_port

_ROOT: Final = Path(__file__).parent.parent
_ACCOUNT: Final = "AC" + "0" * 32
_ASKED_AT_ONCE: Final = 10_000


class ProviderSide:
    """SendGrid and Twilio, as a benchmark sees them."""

    def __init__(self, directory: Path, options: Sequence[str] = ("--quiet", "--quick")) -> None:
        """`options` go to `python -m tests.loopback`."""
        self._ports = {"sendgrid": free_port(), "twilio": free_port()}
        ports = [word for name, port in self._ports.items() for word in (f"--{name}-port", str(port))]
        command = [sys.executable, "-m", "tests.loopback", *ports, *options]
        self.running = Running(Program("loopback", command, _ROOT, 5), {}, directory / "loopback.log")

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings that lead the service here."""
        return {
            "EMAIL_PROVIDER": "sendgrid",
            "SENDGRID_API_KEY": "SG.key-for-benchmarks",
            "SENDGRID_API_URL": f"http://127.0.0.1:{self._ports['sendgrid']}",
            "SMS_PROVIDER": "twilio",
            "TWILIO_ACCOUNT_SID": _ACCOUNT,
            "TWILIO_AUTH_TOKEN": "token-for-benchmarks",
            "TWILIO_API_URL": f"http://127.0.0.1:{self._ports['twilio']}",
        }

    def start(self) -> None:
        """Start, and wait until both answer."""
        self.running.start()
        for provider in self._ports:
            wait_until(lambda provider=provider: self._answers(provider), 20, provider)  # type: ignore[misc]

    def control(self, **wanted: object) -> None:
        """Set `latency_ms`, `faults`, `seed`, `slow_seconds` or `script` of both, from now on."""
        for provider in self._ports:
            self._ask(provider, "POST", "/_control", wanted)

    def forget(self) -> None:
        """Count anew."""
        for provider in self._ports:
            self._ask(provider, "POST", "/_forget", {})

    def summary(self, provider: str = "sendgrid") -> dict[str, Any]:
        """Return the counts since the start or the last `forget`."""
        found: dict[str, Any] = self._ask(provider, "GET", "/_seen")
        return found

    def calls(self, provider: str = "sendgrid") -> list[list[float]]:
        """Return `[arrival, messages, status, taken, CPU ms]` of every call."""
        rows: list[list[float]] = []
        while True:
            more = self._ask(provider, "GET", f"/_calls?after={len(rows)}")
            rows += more
            if not more:
                return rows

    def called(self, provider: str = "sendgrid") -> bool:
        """Whether any call has come."""
        return bool(self._ask(provider, "GET", "/_calls?most=1"))

    def of_ids(self, ids: Collection[str], provider: str = "sendgrid") -> dict[str, Any]:
        """Return for each message id when it came first, in how many calls, how often it was taken."""
        wanted, found = list(ids), {}
        for first in range(0, len(wanted), _ASKED_AT_ONCE):
            part = wanted[first : first + _ASKED_AT_ONCE]
            found.update(self._ask(provider, "POST", "/_seen", {"ids": part}))
        return found

    def _answers(self, provider: str) -> bool:
        if not self.running.alive():
            raise RuntimeError(f"the loopback providers ended: {self.running.tail()}")
        try:
            self._ask(provider, "GET", "/_calls?most=1")
        except OSError:
            return False
        return True

    def _ask(self, provider: str, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
        connection = HTTPConnection("127.0.0.1", self._ports[provider], timeout=60)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


@contextmanager
def providers(directory: Path, options: Sequence[str] = ("--quiet", "--quick")) -> Iterator[ProviderSide]:
    """Run the loopback providers."""
    side = ProviderSide(directory, options)
    try:
        side.start()
        yield side
    finally:
        side.running.stop()
