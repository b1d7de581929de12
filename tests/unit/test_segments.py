"""How SMS texts are cut: vectors of the field, and properties against an independent simulation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.domain.segments import GSM_7, UCS_2, count, split


@pytest.mark.parametrize(
    ("text", "encoding", "segments"),
    [
        ("", GSM_7, 0),
        ("a", GSM_7, 1),
        ("a" * 160, GSM_7, 1),
        ("a" * 161, GSM_7, 2),
        ("a" * 306, GSM_7, 2),
        ("a" * 307, GSM_7, 3),
        ("€" * 80, GSM_7, 1),
        ("€" * 80 + "a", GSM_7, 2),
        ("a" * 152 + "€" + "a" * 152, GSM_7, 3),
        ("a" * 153 + "€" + "a" * 151, GSM_7, 2),
        ("€" * 76 + "a" + "€" * 76 + "a", GSM_7, 2),
        ("€" * 77 + "€" * 76, GSM_7, 3),
        ("ê" * 70, UCS_2, 1),
        ("ê" * 71, UCS_2, 2),
        ("ê" * 134, UCS_2, 2),
        ("ê" * 135, UCS_2, 3),
        ("😀" * 35, UCS_2, 1),
        ("😀" * 36, UCS_2, 2),
        ("a" * 66 + "😀" + "a" * 66, UCS_2, 3),
        ("a" * 67 + "😀" + "a" * 65, UCS_2, 2),
    ],
)
def test_vectors(text: str, encoding: str, segments: int) -> None:
    result = count(text)
    assert (result.encoding, result.segments) == (encoding, segments)


@pytest.mark.parametrize(
    "text", ["Reçu", "À", "l’été", "« oui »", "12\u00a0500", "12\u202f500", "…", "–", "°"]
)
def test_what_french_typography_costs(text: str) -> None:
    assert count(text).encoding == UCS_2


@pytest.mark.parametrize("text", ["é è à ù É Ç æ Æ ü ö ä ñ ì ò", "10 € [x] {y} ~ ^ | \\", "a\r\nb\f", "@£$¥"])
def test_what_gsm_7_holds(text: str) -> None:
    assert count(text).encoding == GSM_7


def test_the_culprits_are_named_once_in_order() -> None:
    assert count("Reçu, ça : forêt").culprits == ("ç", "ê")
    assert count("Recu").culprits == ()


def test_half_a_pair_is_a_unit_of_its_own() -> None:
    assert count("\ud83d" * 71).segments == 2


_GSM_CHARACTERS = (
    "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡¿§ÄÖÑÜäöñüà\n\r"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
_ESCAPED = "\f^{}\\[~]|€"
_ANY = st.text(st.one_of(st.sampled_from(_GSM_CHARACTERS + _ESCAPED + "çê😀"), st.characters()), max_size=400)
_SEPTETS = st.text(st.sampled_from("aé €[]"), max_size=700)


def _simulated(text: str) -> int:
    """Send the code units one after another into parts, as a phone would."""
    if all(character in _GSM_CHARACTERS + _ESCAPED for character in text):
        tokens = [b"\x1bx" if character in _ESCAPED else b"x" for character in text]
        single, joined, unit = 160, 153, 1
    else:
        tokens = [character.encode("utf-16-be", "surrogatepass") for character in text]
        single, joined, unit = 70, 67, 2
    if len(b"".join(tokens)) <= single * unit:
        return min(1, len(tokens))
    parts = [b""]
    for token in tokens:
        if len(parts[-1] + token) > joined * unit:
            parts.append(b"")
        parts[-1] += token
    return len(parts)


@given(st.one_of(_ANY, _SEPTETS))
def test_agrees_with_an_independent_simulation(text: str) -> None:
    assert count(text).segments == _simulated(text)


@given(_ANY)
def test_nothing_is_lost_in_the_cutting(text: str) -> None:
    parts = split(text)
    assert "".join(parts) == text
    assert len(parts) == count(text).segments
    assert all(parts)


@given(_ANY, _ANY)
def test_more_text_never_costs_less(first: str, second: str) -> None:
    assert count(first + second).segments >= count(first).segments
