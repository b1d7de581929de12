import hmac
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.domain.errors import ConfigurationError, VaultError
from notify.ports import Vault
from notify.vault import AesVault, KeyRing, parse_encryption_keys

OLD, NEW, HASH = b"\x01" * 32, b"\x02" * 32, b"\x03" * 32
FIELD = "recipients.email"
ADDRESS = "awa.diop@example.com"


def vault(*keys: bytes) -> Vault:
    return AesVault(keys or (NEW,), lambda: HASH)


@given(st.text())
def test_opens_what_it_sealed(text: str) -> None:
    assert vault().open(FIELD, vault().seal(FIELD, text)) == text


def test_a_sealed_value_hides_the_text_and_never_repeats() -> None:
    first, second = vault().seal(FIELD, ADDRESS), vault().seal(FIELD, ADDRESS)
    assert first != second
    assert ADDRESS.encode() not in first
    assert len(first) == 33 + len(ADDRESS)


@given(st.data())
def test_any_altered_byte_is_noticed(data: st.DataObject) -> None:
    sealed = bytearray(vault().seal(FIELD, ADDRESS))
    position = data.draw(st.integers(0, len(sealed) - 1))
    sealed[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(VaultError) as caught:
        vault().open(FIELD, bytes(sealed))
    assert "awa" not in str(caught.value)


@pytest.mark.parametrize("cut", [0, 1, 5, 20, 32])
def test_a_cut_value_is_noticed(cut: int) -> None:
    with pytest.raises(VaultError):
        vault().open(FIELD, vault().seal(FIELD, "")[:cut])


def test_a_value_belongs_to_its_field() -> None:
    with pytest.raises(VaultError, match=r"recipients\.phone"):
        vault().open("recipients.phone", vault().seal(FIELD, ADDRESS))


def test_rotation_opens_the_old_and_seals_under_the_new() -> None:
    before, after = vault(OLD), vault(NEW, OLD)
    sealed = before.seal(FIELD, ADDRESS)
    assert after.open(FIELD, sealed) == ADDRESS
    assert not after.is_current(sealed)
    assert after.is_current(after.seal(FIELD, ADDRESS))


def test_a_key_that_is_gone_is_named_by_its_id() -> None:
    with pytest.raises(VaultError, match=r"not in ENCRYPTION_KEYS"):
        vault(NEW).open(FIELD, vault(OLD).seal(FIELD, ADDRESS))


def test_a_hash_survives_rotation_and_differs_by_purpose_and_by_key() -> None:
    hashed = vault(OLD).hash("address", ADDRESS)
    assert hashed == vault(NEW, OLD).hash("address", ADDRESS)
    assert hashed != vault(OLD).hash("body", ADDRESS)
    assert hashed != AesVault([OLD], lambda: b"\x04" * 32).hash("address", ADDRESS)
    assert len(hashed) == 16


def test_a_hash_is_the_documented_one() -> None:
    # printf 'address\0awa.diop@example.com' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0303…
    assert vault().hash("address", ADDRESS).hex() == "484fbc2fcf638aeb7acfd64c6ce3653a"


@given(st.binary())
def test_a_mac_is_that_of_the_standard_library_under_its_purposes_key(data: bytes) -> None:
    key = hmac.digest(HASH, b"\x00mac\x00ledger seal", "sha256")
    assert vault().mac("ledger seal", data) == hmac.digest(key, data, "sha256")


def test_a_purpose_cannot_run_into_the_text() -> None:
    with pytest.raises(ValueError, match="zero byte"):
        vault().hash("a\x00b", "c")


def test_a_wrapped_key_opens_under_an_older_key_too() -> None:
    wrapped = KeyRing([OLD]).wrap(HASH)
    assert KeyRing([NEW, OLD]).unwrap(wrapped) == HASH
    assert HASH not in wrapped


def test_a_wrapped_key_is_no_field() -> None:
    with pytest.raises(VaultError):
        vault().open(FIELD, KeyRing([NEW]).wrap(HASH))


def test_reads_keys_padded_or_not() -> None:
    padded = urlsafe_b64encode(NEW).decode()
    assert parse_encryption_keys(f"{padded}, {padded.rstrip('=')}") == [NEW, NEW]


@pytest.mark.parametrize("bad", ["", "short", "A" * 44, "A" * 42 + "+", "é" * 43, "A" * 43 + "=="])
def test_a_bad_key_is_named_by_position_and_not_shown(bad: str) -> None:
    with pytest.raises(ConfigurationError, match="key 2") as caught:
        parse_encryption_keys(f"{'A' * 43},{bad}")
    assert not bad or bad not in str(caught.value)


@pytest.mark.parametrize("keys", [[], [b"short"], [NEW, NEW]])
def test_a_ring_refuses_keys_it_cannot_use(keys: list[bytes]) -> None:
    with pytest.raises(ConfigurationError):
        KeyRing(keys)


def test_a_vault_refuses_a_short_hash_key() -> None:
    with pytest.raises(ConfigurationError):
        _ = AesVault([NEW], lambda: b"short").hash_key
