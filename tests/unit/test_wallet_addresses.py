"""Which addresses of wallets are found by their checksums, and that tokens of others are none."""

from base64 import b32encode, urlsafe_b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.domain.catalogue import Channel
from notify.domain.token_claims import OptOutClaim
from notify.domain.wallet_addresses import holds_wallet_address
from notify.tokens import SignedTokens

INVOICE = (  # BOLT 11, of Lightning
    "lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpuaz"
    "trnwngzn3kdzw5hydlzf03qdgm2hdq27cqv3agm2awhz5se903vruatfhq77w3ls4evs3ch9zw97j25emudupq63nyw24cg27h2rspfj9srp"
)
CHECKED = [
    "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",  # BIP 173
    "LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1",
    "D7Y55r6Yoc1G8EECxkQ6SuSjTgGJJ7M6yD",
    "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh",  # XRP's first account
    # CIP 19, of Cardano
    "addr1vx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzers66hrl8",
    "addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgse35a3x",
    # CashAddr
    "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
    "PPM2QSZNHKS23Z7629MMS6S4CWEF74VCWVN0H829PQ",
    "qqkqkzjvr7zwxxmjxjkmxxdwju9kjs6e9u82uh59z07vgaks6gg62v8707g73",  # Kaspa
    # SEP 23, of Stellar: an account, and one of many's
    "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ",
    "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAAAAACJUQ",
    "7ZUECA7HFLZTXENRV24SHLU4AVPUTMTTDUFUBNBD64C73F3UHRTHAIOF6Q",  # Algorand
    # One key on Polkadot, on Kusama, and on any of their kin
    "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5",
    "HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F",
    "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
    "Ae2tdPwUPEZFRbyhz3cpfC2CumGzNkFBN2L42rcUc2yjQpEkxDbkPodpMAi",  # Cardano, before Shelley
    "XVLhHMPHU98es4dbozjVtdWzVrDjtV18pX8yuPT7y4xaEHi",  # XRP, with a tag
    "tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcjb",
    "f1abjxfbp274xpdqcpuaykwkfb43omjotacm2p3za",
    INVOICE,
    "QPM2QSZNHKS23Z7629MMS6S4CWEF74VCWVY22GDX6A",
]
MONERO = [
    # The project's own: an account, and a subaddress
    "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A",
    "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavup3H",
]
UNDERSCORED = [
    "addr_test1vz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzerspjrlsz",  # CIP 19
    "nano_3t6k35gi95xu6tergt6p69ck76ogmitsa8mnijtpxm9fkcm736xtoncuohr3",
    "EQBvW8Z5huBkMJYdnfAEM5JqTNkuWX3diqYENkWsIL0XggGG",  # TON
    "EQDtFpEwcFAEcRe5mLVh2N6C0x-_hJEM7W61_JLnSF74p4q2",
]
BARE = [
    "0x" + "a" * 64,  # Sui, Aptos
    "7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV",
    "So11111111111111111111111111111111111111112",
]
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BASE58_XRP = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
TOKENS = SignedTokens(["a signing key of 32 characters or more"])


def base58check(version: bytes, body: bytes, alphabet: str = BASE58) -> str:
    """Encode by repeated division, unlike what is tested."""
    raw = version + body
    raw += sha256(sha256(raw).digest()).digest()[:4]
    number, signs = int.from_bytes(raw), ""
    while number:
        number, rest = divmod(number, 58)
        signs = alphabet[rest] + signs
    return alphabet[0] * (len(raw) - len(raw.lstrip(b"\0"))) + signs


def bech32(prefix: str, data: bytes, constant: int) -> str:
    """Encode as BIP 173's reference does, bit by bit."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    values = [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]
    checksum = 1
    for value in [*(ord(c) >> 5 for c in prefix), 0, *(ord(c) & 31 for c in prefix), *values, *[0] * 6]:
        top, checksum = checksum >> 25, (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            checksum ^= generator * (top >> bit & 1)
    checksum ^= constant
    return (
        prefix + "1" + "".join(BECH32[v] for v in [*values, *(checksum >> s & 31 for s in range(25, -1, -5))])
    )


@pytest.mark.parametrize("address", CHECKED + MONERO)
def test_an_address_is_found_as_a_whole_token(address: str) -> None:
    for text in (address, f"Payez à bitcoincash:{address}?amount=1, merci", f"_{address}_"):
        assert holds_wallet_address(text)
    for text in (f"{address}x", f"é{address}", f"{address}é", address[:-1]):
        assert not holds_wallet_address(text)


@pytest.mark.parametrize("address", UNDERSCORED)
def test_an_address_with_signs_between_is_found(address: str) -> None:
    assert holds_wallet_address(address)
    assert holds_wallet_address(f"Payez à {address}, merci")
    for text in (f"{address}x", f"x{address}", address[:-1], address[:20] + "7" + address[20:]):
        assert not holds_wallet_address(text)


@pytest.mark.parametrize("address", BARE)
def test_32_bytes_are_an_address_where_wallets_are_spoken_of(address: str) -> None:
    for text in (f"Mon wallet : {address}", f"solana:{address}?amount=1", f"{address} (SOL)"):
        assert holds_wallet_address(text)
    for name in ("wallet", "customer_wallet", "SolanaAddress", "address", "publicKey"):
        assert holds_wallet_address(address, name=name)
        assert holds_wallet_address(f"https://example.com/{address}", name=name)
    for text in (address, f"Portefeuille : https://example.com/t/{address}", f"wallet {address[:-3]}"):
        assert not holds_wallet_address(text)
    assert not holds_wallet_address(address, name="tracking_token")


@pytest.mark.parametrize("address", CHECKED)
def test_a_mistyped_address_is_none(address: str) -> None:
    for at, sign in enumerate(address):
        assert not holds_wallet_address(address[:at] + ("2" if sign != "2" else "3") + address[at + 1 :])
    if address[0].isalpha():
        assert not holds_wallet_address(address[0].swapcase() + address[1:])


@given(st.text(BASE58, min_size=94, max_size=94))
def test_what_is_as_long_as_moneros_is_mostly_none(text: str) -> None:
    assert not holds_wallet_address("9" + text)
    assert not holds_wallet_address("4z" + text[1:])  # the first byte of no network


@given(
    st.sampled_from(["00", "05", "30", "32", "1e", "16", "41", "4c", "1cb8", "06a19f"]),
    st.binary(min_size=20, max_size=20),
)
def test_a_hash_in_base58check_is_found_whatever_the_currency(version: str, body: bytes) -> None:
    assert holds_wallet_address(base58check(bytes.fromhex(version), body))
    assert holds_wallet_address(base58check(b"\0", body, BASE58_XRP))


@given(
    st.sampled_from(["addr", "stake", "cosmos", "osmo", "inj", "xch", "terra", "bnb"]),
    st.binary(min_size=20, max_size=57),
    st.sampled_from([1, 0x2BC830A3]),
)
def test_bech32_is_found_under_any_prefix(prefix: str, data: bytes, constant: int) -> None:
    address = bech32(prefix, data, constant)
    assert holds_wallet_address(address)
    assert holds_wallet_address(address.upper())
    assert not holds_wallet_address(address[:-1] + ("q" if address[-1] != "q" else "p"))


@given(
    st.one_of(
        st.uuids().map(str),
        st.uuids().map(lambda one: one.hex),
        st.binary(min_size=20, max_size=64).map(lambda raw: sha256(raw).hexdigest()),
        st.binary(min_size=20, max_size=20).map(lambda raw: raw.hex().upper()),
        st.binary(min_size=9, max_size=90).map(lambda raw: urlsafe_b64encode(raw).decode()),
        st.binary(min_size=9, max_size=90).map(lambda raw: b32encode(raw).decode().strip("=").lower()),
        st.text(BASE58, min_size=25, max_size=44),
        st.text(BECH32, min_size=14, max_size=112),
        st.from_regex(r"\A(?:1Z[0-9A-Z]{16}|[A-Z]{2}[0-9]{9}[A-Z]{2}|JJD[0-9]{18}|%[0-9]{7}[0-9A-Z]{20})\Z"),
        st.builds(
            OptOutClaim,
            st.integers(1, 2**42),
            st.integers(1, 254),
            st.sampled_from(Channel),
            st.integers(1, 2**42),
        ).map(TOKENS.opt_out),
    )
)
def test_tokens_of_others_and_our_own_are_no_wallets(text: str) -> None:
    assert not holds_wallet_address(text)
