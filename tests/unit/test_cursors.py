import base64

import pytest

from notify.domain.errors import InvalidRequestError
from notify.storage.cursors import decode, encode


def test_a_list_goes_on_where_its_cursor_says() -> None:
    assert decode("messages", encode("messages", 4_711)) == 4_711
    assert decode("messages", None) is None


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "nonsense",
        "é",
        "====",
        encode("notifications", 4_711),  # another list's
        encode("messages", 4_711)[:-2],
        base64.urlsafe_b64encode(b"after:4711").decode(),  # as they once were
        base64.urlsafe_b64encode(b"after:4711:00000000").decode(),
        base64.urlsafe_b64encode(b"after:" + b"9" * 40 + b":00000000").decode(),
        base64.urlsafe_b64encode(b"after:-1:00000000").decode(),
    ],
)
def test_any_other_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequestError):
        decode("messages", cursor)


def test_a_digit_changed_is_noticed() -> None:
    text = base64.urlsafe_b64decode(encode("messages", 4_711) + "==")
    forged = base64.urlsafe_b64encode(text.replace(b"4711", b"4712")).decode()
    with pytest.raises(InvalidRequestError):
        decode("messages", forged)
