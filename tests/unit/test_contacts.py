from collections.abc import Callable

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import SUPPORTED_REGIONS, PhoneNumberFormat, PhoneNumberType

from notify.contacts import ParsedContacts, emails, phones
from notify.ports import Contacts

contacts: Contacts = ParsedContacts()


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("awa.diop@example.com", "awa.diop@example.com"),
        ("Awa.Diop@Example.COM", "Awa.Diop@example.com"),
        (" awa+shop@example.org ", "awa+shop@example.org"),
        ("awa@shop.test", "awa@shop.test"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("awa@münchen.de", "awa@xn--mnchen-3ya.de"),
        ("awa@xn--mnchen-3ya.de", "awa@xn--mnchen-3ya.de"),
        ("awa@MÜNCHEN.de", "awa@xn--mnchen-3ya.de"),
        ("awa@straße.de", "awa@xn--strae-oqa.de"),
    ],
)
def test_reads_an_email_address(text: str, stored: str) -> None:
    assert contacts.email(text) == stored


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("awa.diop", "must have an @-sign"),
        ("awa@shop", "should have a period"),
        ("awa diop@example.com", "invalid characters before the @-sign"),
        ("awa@exa♥mple.com", "after the @-sign is invalid"),
        ("awa@example.com\nBcc", "contains invalid characters"),
        ("hélène@example.com", "Internationalized characters before the @-sign are not supported"),
        ("Awa <awa@example.com>", "display name"),
        ("awa@[127.0.0.1]", "bracketed IP address"),
        ("awa@printer.local", "special-use or reserved"),
        ("awa@nowhere.invalid", "special-use or reserved"),
        ("a" * 65 + "@example.com", "too long"),
        ("awa@" + "a" * 64 + ".com", "so many characters"),
    ],
)
def test_says_what_is_wrong_with_an_email_address(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        contacts.email(text)
    for part in ("awa", "diop", "hélène", "exa♥mple", "♥", "printer"):
        assert part not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@given(st.text(min_size=3, max_size=30))
def test_an_address_that_is_refused_is_not_repeated(text: str) -> None:
    text = f"{text}@{text}@example.com"
    with pytest.raises(ValueError, match=r"\.$") as caught:
        contacts.email(text)
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "country", "stored", "found"),
    [
        ("+221771234567", None, "+221771234567", "SN"),
        ("77 123 45 67", "SN", "+221771234567", "SN"),
        ("77 123 45 67", "sn", "+221771234567", "SN"),
        ("07 07 12 34 56", "CI", "+2250707123456", "CI"),
        ("+225 0707123456", "FR", "+2250707123456", "CI"),
        ("06.12.34.56.78", "FR", "+33612345678", "FR"),
        ("+33 (0)6 12 34 56 78", None, "+33612345678", "FR"),
        ("00221 77 123 45 67", None, "+221771234567", "SN"),
        ("00 221 77 123 45 67", "FR", "+221771234567", "SN"),
        ("+33 1 23 45 67 89", "SN", "+33123456789", "FR"),
        ("+262 692 12 34 56", None, "+262692123456", "RE"),
        ("+44 20 7946 0958", "ZZ", "+442079460958", "GB"),
        ("+33\u202f6\u00a012 34 56 78", None, "+33612345678", "FR"),
        ("٠٦١٢٣٤٥٦٧٨", "FR", "+33612345678", "FR"),
        ("+883 510 012 345 678", None, "+883510012345678", None),
    ],
)
def test_reads_a_phone_number(text: str, country: str | None, stored: str, found: str | None) -> None:
    assert contacts.phone(text, country) == (stored, found)


@pytest.mark.parametrize(
    ("text", "country", "said"),
    [
        ("77 123 45 67", None, "needs its country code"),
        ("77 123 45 67", "ZZ", "needs its country code"),
        ("+999 123 456 789", None, "country code does not exist"),
        ("+0221771234567", None, "country code does not exist"),
        ("+2250708", None, "too short or too long"),
        ("+22501020304", None, "too short or too long"),  # Ivorian, from before 2021
        ("+44 7700 900123", None, "No such phone number"),  # set aside for fiction
        ("0899 70 12 34", "FR", "premium"),
        ("0800 123 456", "FR", "premium"),
        ("+1 800 356 9377", None, "premium"),
        ("112", "FR", "too short"),
        ("36105", "FR", "too short"),
        ("+33612345678 ext 5", None, "without an extension"),
        ("1-800-FLOWERS", "US", "holds digits"),
        ("tel:+33612345678", None, "holds digits"),
        ("", "FR", "holds digits"),
        ("+", None, "holds digits"),
        ("()", "FR", "not a phone number"),
        ("1" * 41, "FR", "holds digits"),
    ],
)
def test_says_what_is_wrong_with_a_phone_number(text: str, country: str | None, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        contacts.phone(text, country)
    assert not any(character.isdigit() for character in str(caught.value).replace("+221", ""))


@given(
    st.text(alphabet="+0123456789 ()-.", max_size=45), st.sampled_from([None, "FR", "SN", "CI", "US", "ZZ"])
)
def test_a_phone_number_is_in_e164_or_refused(text: str, country: str | None) -> None:
    try:
        stored, _ = contacts.phone(text, country)
    except ValueError:
        return
    assert stored.startswith("+")
    assert contacts.phone(stored, None)[0] == stored


_KINDS = [value for name, value in vars(PhoneNumberType).items() if name.isupper()]
_FORMATS = [PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL]


def _told(parse: Callable[[], object]) -> object:
    try:
        return parse()
    except ValueError as error:
        return str(error)


@st.composite
def written_numbers(draw: st.DrawFn) -> tuple[str, str | None]:
    """Numbers of all kinds of all countries, written in all ways, some with a digit changed or added."""
    region = draw(st.sampled_from(sorted(SUPPORTED_REGIONS)))
    example = phonenumbers.example_number_for_type(region, draw(st.sampled_from(_KINDS)))
    number = example or phonenumbers.example_number(region)
    assert number is not None
    text = phonenumbers.format_number(number, draw(st.sampled_from(_FORMATS)))
    if draw(st.booleans()):
        at = draw(st.integers(0, len(text)))
        drop = draw(st.integers(0, 1))
        text = text[:at] + draw(st.sampled_from(["", *"0123456789+"])) + text[at + drop :]
    country = draw(st.sampled_from([region, None, "FR", "SN", "US", "CA", "ZZ"]))
    return text, country


@settings(max_examples=200)
@given(written_numbers())
def test_a_number_read_at_once_is_what_the_library_reads(written: tuple[str, str | None]) -> None:
    assert _told(lambda: contacts.phone(*written)) == _told(lambda: phones.parsed_slowly(*written))


@given(
    st.builds(
        "".join,
        st.tuples(
            st.text(alphabet="aB7.+-_'\" <é", min_size=1, max_size=8) | st.sampled_from(["Info", "a" * 65]),
            st.sampled_from(["@", "@", "@", "@@", ""]),
            st.sampled_from(["Example.COM", "xn--mnchen-3ya.de", "XN--a.fr", "münchen.de", "a" * 64 + ".fr"])
            | st.text(alphabet="aB7.-é_", max_size=12).map(lambda text: f"{text}.fr")
            | st.just("abcdefghi." * 24 + "fr"),
        ),
    )
)
def test_an_address_read_at_once_is_what_the_library_reads(text: str) -> None:
    assert _told(lambda: contacts.email(text)) == _told(lambda: emails.parsed_slowly(text))
