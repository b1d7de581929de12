"""`make chaos`: a newsletter and order updates, while processes are killed at random; then the account."""

import argparse
import random
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks import newsletter
from benchmarks.bench import Bench
from benchmarks.chaos.keeper import Keeper, Killer
from benchmarks.chaos.shop import Shop
from benchmarks.chaos.verdict import Kind, ProviderLog, judge, statuses, table
from benchmarks.chaos.watch import Watch
from benchmarks.directories import directory
from benchmarks.figures import measured_on, put
from benchmarks.processes import wait_until
from benchmarks.provider_side import providers
from benchmarks.stack import Engines, Stack, engines
from tests.ports import free_port

_FAULTS: Final = (
    "429:0.02,500:0.01,503:0.01,reset:0.01,dropped:0.005,lost:0.01,cut:0.005,502:0.005,slow:0.005"
)
_README: Final = Path(__file__).parent.parent / "README.md"
_PROVIDER_TIMEOUT: Final = 4
_SLOW_SECONDS: Final = 7
_EVERYTHING: Final = ("web", "scheduler", "worker urgent", "worker normal", "worker bulk")
_PUBLIC_KEY: Final = re.compile(r"SENDGRID_WEBHOOK_PUBLIC_KEY: (\S+)")


def main(words: Sequence[str] | None = None) -> int:
    """Run and print; 1 if an invariant was broken."""
    given = _parser().parse_args(words)
    print(f"seed {given.seed}", flush=True)
    with directory(given.directory) as home, engines(home) as parts:
        log, port = home / f"provider-{time.time():.0f}.log", free_port()
        options = [
            "--quiet", "--log", str(log), "--seed", str(given.seed), "--slow-seconds", str(_SLOW_SECONDS),
            "--events-to", f"http://127.0.0.1:{port}/webhooks/sendgrid/events", "--receipts",
            "--events-key", str(home / "events.pem"), "--events-mix", "duplicate:0.1,disorder:0.1",
        ]  # fmt: skip
        with providers(home, options) as provider:
            key = _PUBLIC_KEY.search(provider.running.tail())
            assert key, provider.running.tail()
            settings = {"PROVIDER_TIMEOUT": str(_PROVIDER_TIMEOUT), "SENDGRID_WEBHOOK_PUBLIC_KEY": key[1]}
            with Bench(parts, provider).stack(given.campaign, settings, port) as stack:
                wrong = _Chaos(given, parts, stack, log).run()
    for line in wrong:
        print(f"BROKEN: {line}")
    return int(bool(wrong))


class _Chaos:
    """One run."""

    def __init__(self, given: argparse.Namespace, parts: Engines, stack: Stack, log: Path) -> None:
        self._given = given
        self._parts = parts
        self._stack = stack
        self._log = ProviderLog(log)

    def run(self) -> list[str]:
        """Let it happen, print the account, and return what was broken."""
        given, stack = self._given, self._stack
        lasts = given.kills * given.pause
        stack.start(*_EVERYTHING)
        campaign = self._newsletter(lasts) if given.campaign else None
        shop = Shop(stack.address, stack.api.key, given.orders, given.orders / lasts)
        stack.provider.control(
            latency_ms=given.latency, faults=_FAULTS, seed=given.seed, slow_seconds=_SLOW_SECONDS
        )
        with Watch(stack, campaign) as watch, Keeper(self._parts, stack, _dice(given.seed)) as keeper:
            killer = Killer(self._parts, stack, keeper, _dice(given.seed))
            shop.open()
            killer.strike(given.kills, given.pause, given.absence)
            shop.close(given.settle)
            wait_until(keeper.all_alive, given.settle, "the return of everything that was killed", every=1)
            kinds, wrong = self._account(shop, watch)
        self._print(killer, shop, watch, kinds)
        return wrong

    def _newsletter(self, lasts: float) -> str:
        """Schedule a newsletter that takes about as long as the killing."""
        campaign = newsletter.create(self._stack)
        throttle = max(1, round(self._given.campaign / lasts * 60))
        self._stack.api.call("PATCH", f"/v1/campaigns/{campaign}", {"throttle": throttle})
        newsletter.schedule(self._stack, campaign)
        return campaign

    def _account(self, shop: Shop, watch: Watch) -> tuple[list[Kind], list[str]]:
        """Hold both sides against each other until all is well, or the time is over."""
        deadline = time.monotonic() + self._given.settle
        while True:
            kinds = self._kinds(shop, watch)
            wrong = [line for kind in kinds for line in kind.broken()]
            wrong += [f"an order was refused: {text}" for text in shop.refused.values()]
            wrong += [f"progress does not add up: {parts}" for parts in watch.wrong_sums[:3]]
            if watch.latest and watch.latest["status"] != "sent":
                wrong.append(f"the campaign is {watch.latest['status']}: {watch.latest['progress']}")
            if not wrong or time.monotonic() > deadline:
                return kinds, wrong
            time.sleep(2)

    def _kinds(self, shop: Shop, watch: Watch) -> list[Kind]:
        self._stack.provider.summary()  # it writes down what is not yet in the log
        self._stack.provider.summary("twilio")
        found = statuses(self._stack)
        self._log.update(self._stack)
        kinds = []
        for name, of_campaign, expected in (
            ("newsletter", True, self._given.campaign),
            ("order updates", False, len(shop.accepted)),
        ):
            if expected:
                mine = {
                    number: status for number, (campaign, status) in found.items() if campaign is of_campaign
                }
                kinds.append(judge(Kind(name, expected), mine, self._log, watch.ever_unknown))
        return kinds

    def _print(self, killer: Killer, shop: Shop, watch: Watch, kinds: Sequence[Kind]) -> None:
        given = self._given
        blows = ", ".join(f"{count} × {what}" for what, count in killer.log.counts.most_common())
        answers = ", ".join(f"{count} × {status or 'none'}" for status, count in shop.answers.most_common())
        text = (
            f"{killer.log.kills} kills in {killer.log.seconds:.0f} s: {blows}.\n\n{table(kinds)}\n\n"
            f"Answers to the shop: {answers}; the longest wait until an order was accepted took"
            f" {max(shop.waits, default=0.0):.1f} s."
            f" Progress added up {watch.looks - len(watch.wrong_sums)} of {watch.looks} times."
        )
        print(f"\n{text}")
        if given.keep:
            put(
                _README,
                "chaos",
                f"{measured_on()}; seed {given.seed}, providers at {given.latency:.0f} ms. {text}",
            )


def _dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - no secret


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    add = parser.add_argument
    add("--kills", type=int, default=50, help="processes to kill at least")
    add("--campaign", type=int, default=100_000, help="people the newsletter reaches; 0 for none")
    add("--orders", type=int, default=2_000, help="order updates posted meanwhile")
    add("--pause", type=float, default=3.0, help="seconds between kills, on average")
    add("--absence", type=float, default=60.0, help="seconds for which Redis stays away once; 0 for not")
    add("--latency", type=float, default=100.0, help="milliseconds a provider takes to answer")
    add("--settle", type=float, default=300.0, help="seconds it may take at most until all is accounted for")
    add("--seed", type=int, default=int(time.time()), help="repeats the blows and faults of another run")
    add("--keep", action="store_true", help="write the account to benchmarks/README.md")
    add("--directory", type=Path, help="keep databases here, for the next time")
    return parser


if __name__ == "__main__":
    sys.exit(main())
