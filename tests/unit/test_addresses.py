import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.domain.addresses import address_key, masked
from notify.domain.catalogue import Channel

EMAIL, SMS = Channel.EMAIL, Channel.SMS


@pytest.mark.parametrize(
    "spelling", ["Awa.Diop@example.com", "awa.diop@EXAMPLE.com", " AWA.DIOP@example.com "]
)
def test_one_email_address_has_one_key(spelling: str) -> None:
    assert address_key(EMAIL, spelling) == "awa.diop@example.com"


def test_different_mailboxes_keep_different_keys() -> None:
    assert address_key(EMAIL, "awa+shop@example.com") != address_key(EMAIL, "awa@example.com")


def test_a_phone_number_is_its_own_key() -> None:
    assert address_key(SMS, "+221771234567") == "+221771234567"


@pytest.mark.parametrize(
    ("channel", "address"),
    [
        (EMAIL, "awa"),
        (EMAIL, "@example.com"),
        (EMAIL, "awa@"),
        (EMAIL, "awa@münchen.de"),
        (SMS, "0612345678"),
        (SMS, "+33 6 12 34 56 78"),
        (SMS, "+٣٣٦"),
        (SMS, "+"),
    ],
)
def test_what_was_not_parsed_has_no_key(channel: Channel, address: str) -> None:
    with pytest.raises(ValueError, match="not a") as caught:
        address_key(channel, address)
    assert address not in str(caught.value)


@pytest.mark.parametrize(
    ("channel", "address", "shown"),
    [
        (EMAIL, "awa.diop@example.com", "a•••@example.com"),
        (EMAIL, "a@example.com", "a•••@example.com"),
        (SMS, "+221771234567", "+221 •• ••• •• 67"),
        (SMS, "+33612345678", "+33 • •• •• •• 78"),
        (SMS, "+2250707123456", "+225 •• •• •• •• 56"),
        (SMS, "+12025550143", "+1 ••• ••• ••43"),
        (SMS, "+22177", "+221 77"),
    ],
)
def test_a_masked_address_is_recognised_by_its_owner_alone(
    channel: Channel, address: str, shown: str
) -> None:
    assert masked(channel, address) == shown


@given(st.from_regex(r"\+[1-9][0-9]{7,14}", fullmatch=True))
def test_a_masked_number_keeps_its_length_and_hides_all_but_code_and_two_digits(phone: str) -> None:
    shown = masked(SMS, phone).replace(" ", "")
    assert len(shown) == len(phone)
    assert shown.endswith(phone[-2:])
    assert sum(character.isdigit() for character in shown) <= 5
