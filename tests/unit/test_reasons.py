import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.providers.reasons import without_personal_data


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("The 'To' number +221771234567 is not valid.", "The 'To' number […] is not valid."),
        ("number 77 123 45 67 is wrong", "number […] is wrong"),
        ("5.1.1 <awa.diop@example.com>: user unknown", "5.1.1 […] user unknown"),
        ("see https://example.com/u/AbC-d_E now", "see […] now"),
        ("5.7.515 Access denied", "5.7.515 Access denied"),
        ("error 21211, at most 1600 characters", "error 21211, at most 1600 characters"),
        ("two\r\nlines\x00", "two lines"),
    ],
)  # fmt: skip
def test_what_is_personal_goes_and_the_rest_stays(text: str, kept: str) -> None:
    assert without_personal_data(text) == kept


def test_the_messages_own_address_goes_in_any_spelling() -> None:
    said = without_personal_data("User AWA.DIOP unknown in table awa.diop", "Awa.Diop@example.com")
    assert said == "User […] unknown in table […]"


def test_reasons_are_short() -> None:
    assert len(without_personal_data("word " * 100)) == 200


@given(
    before=st.text(st.characters(categories=["Ll", "Zs", "Po"])),
    digits=st.text("0123456789", min_size=8, max_size=15),
    gap=st.sampled_from(["", " ", "-", ".", "\u00a0"]),
)
def test_no_long_number_survives(before: str, digits: str, gap: str) -> None:
    said = without_personal_data(f"{before} +{gap.join(digits)} is not valid")
    assert digits not in said.replace(gap or " ", "")
