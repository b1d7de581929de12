"""Run the loopback providers by themselves, printing each call as a line of JSON."""

import argparse
import contextlib
import json
import signal
import sys
import threading
from collections.abc import Callable

from tests.loopback.sendgrid import SendGridLoopback
from tests.loopback.server import Received
from tests.loopback.twilio import TwilioLoopback


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.loopback", description=__doc__)
    parser.add_argument(
        "--sendgrid-port", type=int, help="act as SendGrid: SENDGRID_API_URL=http://127.0.0.1:N"
    )
    parser.add_argument("--twilio-port", type=int, help="act as Twilio: TWILIO_API_URL=http://127.0.0.1:N")
    parser.add_argument("--quiet", action="store_true", help="print nothing, for benchmarks")
    arguments = parser.parse_args()
    kinds = ((SendGridLoopback, arguments.sendgrid_port), (TwilioLoopback, arguments.twilio_port))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    with contextlib.ExitStack() as stack:
        for kind, port in kinds:
            if port is not None:
                on_call = (
                    None if arguments.quiet else _printer(kind.__name__.removesuffix("Loopback").lower())
                )
                server = stack.enter_context(kind(port, on_call=on_call))
                sys.stderr.write(f"{kind.__name__}: {server.url}\n")
        stop.wait()


def _printer(provider: str) -> Callable[[Received, int], None]:
    lock = threading.Lock()

    def show(call: Received, status: int) -> None:
        is_json = call.headers.get("content-type", "").startswith("application/json")
        body = call.json if is_json else call.form
        line = {"provider": provider, "method": call.method, "path": call.path, "status": status}
        with lock:
            sys.stdout.write(
                json.dumps({**line, "query": call.query, "body": body}, ensure_ascii=False) + "\n"
            )
            sys.stdout.flush()

    return show


if __name__ == "__main__":
    main()
