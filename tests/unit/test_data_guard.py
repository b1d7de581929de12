import time
import unicodedata
from collections.abc import Iterable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from notify.domain.data_guard import CARD, WALLET, violations
from notify.domain.errors import FieldProblem

VISA = "4111111111111111"
CARDS = [
    VISA,
    "4222222222222",
    "4000000000000000006",
    "5555555555554444",
    "5105105105105100",
    "2223003122003222",
    "378282246310005",
    "371449635398431",
    "30569309025904",
    "38520000023237",
    "3530111333300000",
    "6011111111111117",
    "6200000000000005",
    "6759649826438453",
    "5060666666666666666",
    "2200000000000004",
]
WALLETS = [
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "1111111111111111111114oLvT2",
    "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
    # BIP 350's vectors
    "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
    "BC1SW50QGDZ25J",
    "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
    "0xdAC17F958D2ee523a2206206994597C13D831ec7",
    "0xdac17f958d2ee523a2206206994597c13d831ec7",
    "0XDAC17F958D2EE523A2206206994597C13D831EC7",
    "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    "bnb1grpf0955h0ykzq3ar5nmum7y6gdfl6lxfn46h2",
    "BNB1GRPF0955H0YKZQ3AR5NMUM7Y6GDFL6LXFN46H2",
    "ltc1qr23clxd5mzfsh79vn6pg0kaytjeq8w4uac63a7",
    "LTC1QR23CLXD5MZFSH79VN6PG0KAYTJEQ8W4UAC63A7",
]
PASSES = [
    "99812",
    "order-99812",
    "4111111111111112",
    "4111 1111 1111 1112",
    "1234567812345670",  # valid Luhn, no brand
    "9400111899560012345678",
    "+33 6 12 34 56 78",
    "+221771234567",
    "+225 07 07 12 34 56",
    "+378282246310005",  # no longer than a phone number
    "06 12 34 56 78 / 07 98 76 54 32",
    "2250707123457",  # valid Luhn, a Mastercard's prefix, but an Ivorian number's 13 digits
    "1Z999AA10123456784",
    "1Z4111111111111111",
    "4111111111111111FR",
    "XX4111111111111111",
    "éa4111111111111111",
    "411111111111111100000",
    "0004111111111111111199",
    "LA 4111 1111 1111 1111A",
    "LP4111111111111111",
    "RR123456785FR",
    "RR 12 345 678 5 FR 4111",
    "1Z 999 AA1 01 2345 6784",
    "9400 1118 9956 0012 3456 78",
    "06 12 34 56 78 - 07 98 76 54 32",
    "77 123 45 67 - 77 123 45 68 - 78 123 45 69",
    "1001,4111,1111,1111,1111",
    "4111,1111,1111,1111,1005",
    "6A12345678901",
    "2026-11-23T10:00:00.000Z",
    "4026-11-23T10:00:00.411111111+11:11",
    "20261123100000000",
    "2026-11-23 10:00 - 2026-11-24 18:00",
    "48.41111111111111110",
    "-7.4111111111111111",
    "3017620422003",  # EAN of a French product
    "d41d8cd98f00b204e9800998ecf8427e",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",  # 40 hex digits, no 0x
    "0x" + "a" * 64,
    "41111111-1111-4111-8111-411111111111",
    "41111111-1111-4114-a111-411111111111",
    "https://example.com/t/99812?code=123456789012",
    "FR76 3000 6000 0112 3456 7890 189",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
    "x1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa7",
    "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u",
    "T" + "z" * 33,
    "1" * 34,
    # BIP 350's invalid vectors
    "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
    "bc1pw5dgrnzv",
    "bnb1grpf0955h0ykzq3ar5nmum7y6gdfl6lxfn46h3",
    "Bnb1grpf0955h0ykzq3ar5nmum7y6gdfl6lxfn46h2",
    "ltc1grpf0955h0ykzq3ar5nmum7y6gdfl6lxfn46h2",
    "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",
    "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6Y",
    "bc1prrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrp64tchl",  # the spare bits are not zero
    "1" + "z" * 33,
    "",
]


def found(value: object) -> list[str]:
    return [problem.detail for problem in violations({"data": value})]


def with_check_digit(digits: str) -> str:
    doubled = [int(d) * 2 - 9 * (int(d) > 4) for d in digits[::-1][::2]]
    plain = [int(d) for d in digits[::-1][1::2]]
    return digits + str(-(sum(doubled) + sum(plain)) % 10)


@st.composite
def card_numbers(draw: st.DrawFn) -> str:
    prefix, lengths = draw(
        st.sampled_from(
            [
                ("4", range(13, 20)),
                *((str(n), [16]) for n in (51, 55, 2221, 2399, 2500, 2699, 2720)),
                *((str(n), [15]) for n in (34, 37)),
                *((str(n), range(14, 20)) for n in (300, 305, 309, 36, 38, 39)),
                *((str(n), range(16, 20)) for n in (3528, 3589, 6011, 644, 65, 62, 50, 56, 58, 67, 2200)),
                *((str(n), range(13, 20)) for n in (5018, 6304, 6761)),
            ]
        )
    )
    length = draw(st.sampled_from(list(lengths)))
    rest = draw(st.text("0123456789", min_size=19, max_size=19))
    return with_check_digit((prefix + rest)[: length - 1])


@st.composite
def grouped(draw: st.DrawFn, numbers: st.SearchStrategy[str]) -> str:
    number = draw(numbers)
    gap = st.sampled_from(
        [" ", "-", "\u00a0", "\u202f", "\u2009", "\u2013", "\u2011", "  ", " - ", "%20", "\u200b"]
    )
    cuts = draw(st.sets(st.integers(1, len(number) - 1), max_size=6))
    return "".join((draw(gap) if at in cuts else "") + digit for at, digit in enumerate(number))


@pytest.mark.parametrize("number", CARDS)
def test_every_brand_is_found(number: str) -> None:
    assert found(number) == [CARD]
    assert found(int(number)) == [CARD]


@given(grouped(card_numbers()))
def test_a_card_number_is_found_in_any_grouping(text: str) -> None:
    assert found(text) == [CARD]
    assert found(f"Ma carte : {text}, merci") == [CARD]
    assert found(f"https://example.com/pay?card={text}&order=99812") == [CARD]


@given(card_numbers())
def test_a_card_number_is_found_as_a_number(number: str) -> None:
    assert found(int(number)) == [CARD]
    assert found(-int(number)) == [CARD]
    if int(number) < 2**53:
        assert found(float(number)) == [CARD]


def test_a_float_is_read_as_it_was_written_too() -> None:
    assert int(float("4111111111111117000")) == 4111111111111116800
    assert found(4.111111111111117e18) == [CARD]


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1111 123",
        "4111 1111 1111 1111 12/27 123",
        "4111 1111 1111 1111 1227",
        "99812 4111 1111 1111 1111 12 27",
        "2026-11-23 4111 1111 1111 1111",
        "2026-11-23T10:00:00+01:00 4111 1111 1111 1111",
        "99812 4111111111111111 123",
        "3782 822463 10005 1227",
        "4111.1111.1111.1111",
        "4111/1111/1111/1111",
        "4111_1111_1111_1111",
        "4111+1111+1111+1111",
        "4111%C2%A01111%c2%a01111%2D1111",
        "%34111111111111111",
        "4111\n1111\n1111\n1111",
        "4111 1111-1111 1111",
        "card_4111111111111111_x",
        "CB:4111111111111111.",
        "99812,4111111111111111",
        "4111\u00ad1111\u200d1111\ufeff1111",
        "+4111111111111111",
        "4111111111111111.0",
        "réf. 4111 1111 1111 1111",
        "4111111111111111 12/27",
        "CB 4111111111111111 12",
        "1 4111111111111111",
        "24/11 4111111111111111 exp 12/27",
        "5555555555554444 12/27 123",
        "378282246310005 12/27",
        "378282246310005 123",
        "+221771234567 4111111111111111",
        "7.41 4111111111111111",
        "4111,1111,1111,1111",
        "4111, 1111, 1111, 1111",
        "99812,4111 1111 1111 1111",
        "41111111 11111111 12/27",
        "411111-1111111111 12/27 123",
        "12 411111 1111111111",
        "41 11 11 11 11 11 11 11 12/27",
        "41 11 11 11 11 11 11 11 12 27 123",
        "06 12 34 56 78 411111 1111111111",
        "CB4111111111111111",
        "cb4111 1111 1111 1111",
        "Visa4111111111111111 12/27",
        "nº4111111111111111",
        "4111111111111111€",
    ],
)
def test_a_card_number_is_found_among_other_things(text: str) -> None:
    assert found(text) == [CARD]


@pytest.mark.parametrize("zero", ["FULLWIDTH", "ARABIC-INDIC", "SUBSCRIPT", "MATHEMATICAL BOLD"])
def test_a_card_number_is_found_in_the_digits_of_any_script(zero: str) -> None:
    first = unicodedata.lookup(f"{zero} {'ZERO' if zero == 'SUBSCRIPT' else 'DIGIT ZERO'}")
    assert found("".join(chr(ord(first) + int(digit)) for digit in VISA)) == [CARD]


@given(grouped(st.text("0123456789", min_size=13, max_size=19)))
def test_digits_without_a_valid_check_digit_pass(text: str) -> None:
    digits = "".join(c for c in text.replace("%20", " ") if c.isdecimal())
    assume(with_check_digit(digits[:-1]) != digits)
    # A part of it may be a card number by itself: whole groups, or what is printed like one.
    groups = list(groups_of(text))
    parts = ["".join(groups[a:b]) for a in range(len(groups)) for b in range(a + 1, len(groups) + 1)]
    assume(not any(len(part) >= 13 and with_check_digit(part[:-1]) == part for part in parts))
    assume(not any(len(group) == 4 for group in groups_of(text)))
    assert found(text) == []


def groups_of(text: str) -> Iterable[str]:
    return "".join(
        c if c.isdecimal() else " " for c in text.replace("\u200b", "").replace("%20", " ")
    ).split()


@pytest.mark.parametrize("text", WALLETS)
def test_a_wallet_address_is_found(text: str) -> None:
    assert found(text) == [WALLET]
    assert found(f"Payez à bitcoin:{text}?amount=1, merci") == [WALLET]


@given(st.sampled_from([w for w in WALLETS if w[:2].lower() != "0x"]), st.data())
def test_a_mistyped_wallet_address_is_none(wallet: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(5, len(wallet) - 1))
    alphabet = "023456789acdefghjklmnpqrstuvwxyz"
    other = data.draw(st.sampled_from(alphabet.upper() if wallet.isupper() else alphabet))
    assume(other != wallet[position])
    assert found(wallet[:position] + other + wallet[position + 1 :]) == []


@pytest.mark.parametrize("text", PASSES)
def test_what_an_order_needs_passes(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "value",
    [99812, 221771234567, 0.1, 1e300, float("nan"), float("inf"), 48.41111111111111, True, None, 10**30],
)
def test_other_numbers_pass(value: object) -> None:
    assert found(value) == []


def test_each_problem_is_named_by_its_pointer_in_order_and_never_repeats_the_value() -> None:
    body = {
        "recipient": {"phone": "+221771234567", "name": VISA, "attributes": {"a/b~c": int(VISA)}},
        "data": {"lines": [{"note": "x"}, {"note": f"CB {VISA}"}], "to": WALLETS[0]},
    }
    problems = violations(body)
    assert problems == [
        FieldProblem("/recipient/name", CARD),
        FieldProblem("/recipient/attributes/a~1b~0c", CARD),
        FieldProblem("/data/lines/1/note", CARD),
        FieldProblem("/data/to", WALLET),
    ]


def test_a_field_name_is_looked_at_and_not_repeated() -> None:
    problems = violations({"data": {VISA: {"inner": VISA}, WALLETS[0]: 1, "ok": VISA}})
    assert [problem.pointer for problem in problems] == ["/data", "/data", "/data/ok"]
    assert VISA not in repr(problems)
    assert WALLETS[0] not in repr(problems)


def test_a_field_or_list_that_is_named_after_wallets_holds_no_bare_keys() -> None:
    key = "7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV"
    assert (
        violations({"data": {"tracking": key, "keys": [key], "url": f"https://x.example/wallet/{key}"}}) == []
    )
    assert violations({"data": {"wallet": key, "wallets": [{"note": 1}, key]}}) == [
        FieldProblem("/data/wallet", WALLET),
        FieldProblem("/data/wallets/1", WALLET),
    ]


def test_phone_numbers_may_read_like_cards_but_not_longer() -> None:
    german, card = "4917612345679", "378282246310005"
    assert with_check_digit(german[:-1]) == german
    assert violations({"recipient": {"phone": german}}) == []
    assert violations({"phone": int(card)}) == []
    assert found(german) == [CARD]
    assert violations({"phone": VISA}) == [FieldProblem("/phone", CARD)]
    assert violations({"phone": int(VISA)}) == [FieldProblem("/phone", CARD)]
    assert violations({"phone": WALLETS[0]}) == [FieldProblem("/phone", WALLET)]


def test_a_declared_identifier_may_read_like_a_card_but_not_like_a_wallet() -> None:
    body = {"data": {"parcel": VISA, "number": int(VISA), "note": VISA}}
    pointers = ("/data/parcel", "/data/number")
    assert violations(body, identifier_pointers=pointers) == [FieldProblem("/data/note", CARD)]
    assert violations({"parcel": WALLETS[0]}, identifier_pointers=["/parcel"]) == [
        FieldProblem("/parcel", WALLET)
    ]


def test_a_body_may_be_one_value() -> None:
    assert violations(VISA) == [FieldProblem("", CARD)]
    assert violations([VISA]) == [FieldProblem("/0", CARD)]


def test_a_deep_body_is_walked() -> None:
    body: object = VISA
    for _ in range(50_000):
        body = [body]
    assert len(violations(body)) == 1


@pytest.mark.parametrize(
    "piece",
    [
        *("1", "1 ", "1,", "4111 ", "4111 1111 1111 1112 x ", "4111-111111-11111 x ", "4111111111112,"),
        *("1 2 3 4 5 6 7 8 9 1 2 3,", "1234567 " * 5 + ",", "41 " * 16 + ",", "visa4", "cb", "4111,1111,"),
        *("1 1 1 1 1 1 1 1 1 1 1 1,", "1" + "A" * 33 + " ", "bc1q" + "q" * 38 + " ", "0x" + "a" * 39 + " "),
        *("é", "\u0300\u0323", "%34", "41111111-", "4   ", "٤ ", "1T", "é 4111 1111 1111 1112 - "),
    ],
)
def test_hostile_text_takes_linear_time(piece: str) -> None:
    small, large = (piece * (size // len(piece)) for size in (25_000, 400_000))
    assert seconds(large) < 32 * seconds(small) + 0.2  # squares would be 256 times as much


def seconds(text: str) -> float:
    started = time.process_time()
    assert found(text) == []
    return time.process_time() - started
