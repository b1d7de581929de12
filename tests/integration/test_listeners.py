"""Who listens is not asked for every message, and every process has heard of a new endpoint in time."""

from notify.storage.listeners import FRESH_SECONDS, KNOWN_AFTER_SECONDS, Listeners
from notify.store.webhooks import EndpointDraft
from tests.world import World


def test_a_new_endpoint_is_known_everywhere_before_its_call_is_answered(world: World) -> None:
    seconds = 0.0
    elsewhere = Listeners(lambda: seconds)
    with world.parts.engine.connect() as connection:
        assert not elsewhere.get(connection)
    with world.parts.store.write() as tx:
        number = tx.webhook_endpoints.add(EndpointDraft("https://a.example", "s", ["*"], None), world.clock())
    with world.parts.engine.connect() as connection:
        seconds = FRESH_SECONDS / 2
        assert not elsewhere.get(connection)  # it was not asked anew
        seconds = KNOWN_AFTER_SECONDS
        assert [one.endpoint_id for one in elsewhere.get(connection)] == [number]
