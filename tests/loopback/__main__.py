"""Run the loopback providers by themselves, printing each call as a line of JSON."""

import argparse
import asyncio
import contextlib
import gc
import json
import signal
import sys
from pathlib import Path

from tests.loopback.apis import SendGridApi, TwilioApi
from tests.loopback.fast import FastServer, OnCall
from tests.loopback.mishaps import WORDS, Mishaps
from tests.loopback.posting import EventPosts, Mix
from tests.loopback.server import Received
from tests.loopback.tally import Tally


def main() -> None:
    """Serve until interrupted."""
    arguments = _arguments()
    gc.freeze()
    gc.set_threshold(50_000)
    asyncio.run(_serve(arguments))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.loopback", description=__doc__)
    add = parser.add_argument
    add(
        "--sendgrid-port",
        type=int,
        help="act as SendGrid: SENDGRID_API_URL=http://127.0.0.1:N; 0 = a free one",
    )
    add("--twilio-port", type=int, help="act as Twilio: TWILIO_API_URL=http://127.0.0.1:N; 0 = a free one")
    add("--quiet", action="store_true", help="print nothing, for benchmarks")
    add(
        "--quick", action="store_true", help="check the structure of SendGrid calls only, and count their ids"
    )
    add("--latency-ms", type=float, default=0.0, help="answer each call this late")
    add(
        "--log",
        type=Path,
        help="append a line a message: at (µs), provider, call, status, taken, id, address",
    )
    add("--faults", default="", help=f"what goes wrong how often, as 429:0.02,lost:0.01; each is {WORDS}")
    add("--slow-seconds", type=float, default=20.0, help="how late a slow call is answered")
    add("--seed", type=int, default=0, help="repeat the faults of another run with the same number of calls")
    add("--events-to", help="post signed SendGrid events to this URL, as …/webhooks/sendgrid/events")
    add("--events-key", type=Path, help="PEM of the private key that signs them; made where it is missing")
    add("--events-every", type=float, default=0.5, help="seconds between posts of events")
    add("--events-mix", default="", help="chances: duplicate:0.1,disorder:0.1,bounce:0.01,spamreport:0.001")
    add("--receipts", action="store_true", help="post signed receipts to the StatusCallback of each SMS")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tallies: list[Tally] = []
    with contextlib.ExitStack() as stack:
        log = arguments.log.open("ab", buffering=1 << 20) if arguments.log else None
        mix = Mix.parse(arguments.events_mix, arguments.seed)
        posts = EventPosts(arguments.events_to, arguments.events_key, arguments.events_every, mix)
        if arguments.events_to or arguments.receipts:
            stack.enter_context(posts)
        emails = posts if arguments.events_to else None
        apis = (
            (
                "SendGridLoopback",
                SendGridApi(full=not arguments.quick, events=emails),
                arguments.sendgrid_port,
            ),
            (
                "TwilioLoopback",
                TwilioApi(events=posts if arguments.receipts else None),
                arguments.twilio_port,
            ),
        )
        for title, api, port in apis:
            if port is None:
                continue
            tallies.append(Tally(api.name, log))
            server = FastServer(api, tallies[-1], None if arguments.quiet else _printer(api.name))
            server.latency = arguments.latency_ms / 1e3
            server.mishaps = Mishaps(arguments.faults, api.name, arguments.seed, arguments.slow_seconds)
            sys.stderr.write(f"{title}: {await server.start(port)}\n")
        if posts.public_key:
            sys.stderr.write(f"SENDGRID_WEBHOOK_PUBLIC_KEY: {posts.public_key}\n")
        sys.stderr.flush()
        await stop.wait()
        for tally in tallies:
            tally.flush()


def _printer(provider: str) -> OnCall:
    def show(call: Received, status: int) -> None:
        is_json = call.headers.get("content-type", "").startswith("application/json")
        body = call.json if is_json else call.form
        line = {"provider": provider, "method": call.method, "path": call.path, "status": status}
        sys.stdout.write(json.dumps({**line, "query": call.query, "body": body}, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    return show


if __name__ == "__main__":
    main()
