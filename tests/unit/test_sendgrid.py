from dataclasses import replace

import pytest

from notify.domain.outgoing import OutgoingEmail
from notify.providers.sendgrid_payload import FORBIDDEN_HEADERS, personalization, shared, shared_parts
from tests.contract.outgoing import an_email


def test_each_person_has_their_own_headers_and_id() -> None:
    own = [personalization(an_email(1)), personalization(an_email(2))]
    assert [one["custom_args"] for one in own] == [
        {"message_id": "msg_1"},
        {"message_id": "msg_2"},
    ]
    links = [one["headers"]["List-Unsubscribe"] for one in own]
    assert links == ["<https://example.com/u/token1>", "<https://example.com/u/token2>"]
    assert "headers" not in shared(an_email(1))  # set for all, they would be the same for all


@pytest.mark.parametrize("name", [*sorted(FORBIDDEN_HEADERS), "DKIM-Signature", "BCC", "Subject"])
def test_forbidden_headers_are_never_set(name: str) -> None:
    message = replace(an_email(), headers={name: "x", "List-Id": "<news.example.com>"})
    assert personalization(message)["headers"] == {"List-Id": "<news.example.com>"}


def test_what_is_absent_is_left_out() -> None:
    message = OutgoingEmail("msg_1", "a@example.com", "b@example.com", "Hi", "", "Text", {})
    body = shared(message)
    assert body["from"] == {"email": "a@example.com"}
    assert body["content"] == [{"type": "text/plain", "value": "Text"}]
    assert "reply_to" not in body
    assert set(personalization(message)) == {"to", "custom_args"}


@pytest.mark.parametrize("field", ["sender", "reply_to", "subject", "html", "text"])
def test_only_messages_alike_share_a_call(field: str) -> None:
    assert shared_parts(an_email(1)) == shared_parts(an_email(2))
    other = replace(an_email(1), **{field: "other"})  # type: ignore[arg-type]
    assert shared_parts(an_email(1)) != shared_parts(other)
