"""SendGrid's erasure over real sockets."""

import pytest

from notify.domain.errands import ErrandError
from notify.providers.sendgrid_erasure import SendGridErasure
from tests.loopback.sendgrid import SendGridLoopback


def test_addresses_are_erased_in_calls_that_sendgrid_takes() -> None:
    addresses = [f"customer{number:05}.{'x' * 30}@example.com" for number in range(7_000)]
    with SendGridLoopback(key="SG.key") as server:
        SendGridErasure("SG.key", server.url)({"addresses": addresses})
        assert server.erased == addresses
        assert len(server.received) == 2


def test_an_address_that_sendgrid_cannot_have_mailed_keeps_no_other_from_erasure() -> None:
    with SendGridLoopback() as server:
        SendGridErasure("SG.key", server.url)({"addresses": ["no-address", "awa@example.com"]})
        assert server.erased == ["awa@example.com"]
        SendGridErasure("SG.key", server.url)({"addresses": ["no-address"]})


def test_a_refusal_is_an_error_that_does_not_name_the_address() -> None:
    with SendGridLoopback(key="SG.other") as server, pytest.raises(ErrandError, match="401") as refused:
        SendGridErasure("SG.key", server.url)({"addresses": ["awa@example.com"]})
    assert "awa" not in str(refused.value)
    with pytest.raises(ErrandError, match="could not be called"):
        SendGridErasure("SG.key", server.url)({"addresses": ["awa@example.com"]})
