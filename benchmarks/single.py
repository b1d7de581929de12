"""(b) Messages one by one: a backlog of order updates, and how fast a worker of the urgent lane clears it."""

from typing import Final

from benchmarks.bench import Bench
from benchmarks.figures import Figure
from benchmarks.measuring import Cost, Meter
from benchmarks.processes import wait_until
from benchmarks.stack import Stack
from notify.domain.catalogue import Channel
from notify.domain.recipients import ProfilePatch
from notify.domain.requests import Lane, NotificationRequest, RecipientInput

_AT_ONCE: Final = 500
_PROVIDERS: Final = {Channel.EMAIL: "sendgrid", Channel.SMS: "twilio"}
_LEFT: Final = "SELECT count(*) FROM dispatches WHERE phase <> 'done'"


def queue(stack: Stack, channel: Channel, count: int, first: int = 1) -> None:
    """Accept that many order updates, each to a person of its own, in the urgent lane."""
    for start in range(first, first + count, _AT_ONCE):
        numbers = range(start, min(start + _AT_ONCE, first + count))
        stack.composition.accept_notifications(
            [_request(number, channel) for number in numbers], lane=Lane.URGENT
        )


def _request(number: int, channel: Channel) -> NotificationRequest:
    profile: ProfilePatch = {
        "email": f"order.{number}@example.com",
        "phone": f"+22177{1_000_000 + number:07d}",
        "name": "Awa Diop",
        "locale": "fr",
        "country": "SN",
    }
    return NotificationRequest(
        template="order_shipped",
        recipient=RecipientInput(f"O-{number}", profile),
        data={"order_number": str(number), "tracking_url": f"https://example.com/t/{number}"},
        channels=(channel,),
    )


def clear(bench: Bench, channel: Channel, latency_ms: int, count: int) -> tuple[Cost, float]:
    """Return what clearing a backlog cost one worker, and messages a second between first and last call."""
    with bench.stack() as stack:
        queue(stack, channel, count)
        bench.provider.control(latency_ms=latency_ms)
        bench.provider.forget()
        stack.start("worker urgent")
        provider = _PROVIDERS[channel]
        wait_until(lambda: bench.provider.called(provider), 60, "the first call", every=0.01)
        meter = Meter(bench.engines, stack)
        meter.begin()  # what the start took is not counted
        wait_until(lambda: stack.query(_LEFT)[0][0] == 0, 300, "an empty backlog", every=0.2)
        cost = meter.end()
        seen = bench.provider.summary(provider)
        if (seen["distinct"], seen["doubled"]) != (count, 0):
            raise RuntimeError(f"{count} were queued, the provider saw {seen['distinct']}")
        return cost, (count - 1) / (seen["last_at"] - seen["first_at"])


def measure(bench: Bench, count: int) -> list[Figure]:
    """Return messages a second for each channel and latency."""
    figures, rates = [], {}
    for channel, latency, target in (
        (Channel.EMAIL, 0, "≥ 1,200"),
        (Channel.EMAIL, 100, "≥ 80 % of that"),
        (Channel.SMS, 100, "≥ 500"),
    ):
        cost, rate = clear(bench, channel, latency, count)
        rates[channel, latency] = rate
        figures.append(
            Figure(
                "one by one",
                f"{channel}, provider at {latency} ms",
                rate,
                "/s a worker",
                target,
                "µs each: "
                + ", ".join(f"{name} {used / count * 1e6:.0f}" for name, used in cost.cpu.items())
                + f"; {cost.statements / count:.1f} statements each; {cost.peak['worker urgent']:.0f} MB",
            )
        )
    share = rates[Channel.EMAIL, 100] / rates[Channel.EMAIL, 0] * 100
    figures.append(Figure("one by one", "email, at 100 ms against 0 ms", share, "%", "≥ 80"))
    return figures
