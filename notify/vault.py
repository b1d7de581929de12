"""Encryption of personal data at rest, and the keyed hashes it is found by."""

import hashlib
import re
import secrets
from base64 import urlsafe_b64decode
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from notify.domain.errors import ConfigurationError, VaultError

KEY_BYTES: Final = 32
HASH_BYTES: Final = 16

_VERSION: Final = b"\x01"
_KEY_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_HEADER_BYTES: Final = len(_VERSION) + _KEY_ID_BYTES
_WRAPPED: Final = "wrapped key"
_KEY_TEXT: Final = re.compile(r"[A-Za-z0-9_-]{43}=?")


def parse_encryption_keys(text: str) -> list[bytes]:
    """Read `ENCRYPTION_KEYS`, newest first; ConfigurationError names a bad key by its position."""
    keys = []
    for position, part in enumerate(text.split(","), start=1):
        spelling = part.strip()
        if not _KEY_TEXT.fullmatch(spelling):
            raise ConfigurationError(
                f"ENCRYPTION_KEYS: key {position} is not URL-safe base64 of {KEY_BYTES} bytes; "
                "make one with: openssl rand -base64 32 | tr '+/' '-_'"
            )
        keys.append(urlsafe_b64decode(spelling.rstrip("=") + "="))
    return keys


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"notify data key id\x00" + key).digest()[:_KEY_ID_BYTES]


class KeyRing:
    """The data keys, newest first: seals under the newest, opens under any.

    A sealed value is: version, key id, random nonce, ciphertext, tag. Version, key id and the name of the
    field are authenticated with it. Random 96-bit nonces allow 2³² values a key (NIST SP 800-38D, 8.3).
    """

    def __init__(self, encryption_keys: Sequence[bytes]) -> None:
        """Take 32-byte keys; ConfigurationError if there is none or two cannot be told apart."""
        if not encryption_keys:
            raise ConfigurationError("ENCRYPTION_KEYS: at least one key is needed")
        if any(len(key) != KEY_BYTES for key in encryption_keys):
            raise ConfigurationError(f"ENCRYPTION_KEYS: every key has {KEY_BYTES} bytes")
        self._ciphers = {_key_id(key): AESGCM(key) for key in encryption_keys}
        if len(self._ciphers) != len(encryption_keys):
            raise ConfigurationError("ENCRYPTION_KEYS: two keys are the same, or share a key id: replace one")
        self._header = _VERSION + _key_id(encryption_keys[0])
        self._newest = AESGCM(encryption_keys[0])

    def seal_bytes(self, field: str, content: bytes) -> bytes:
        """Encrypt under the newest key."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._newest.encrypt(nonce, content, self._header + field.encode())
        return self._header + nonce + sealed

    def open_bytes(self, field: str, sealed: bytes) -> bytes:
        """Decrypt what `seal_bytes` made for the same field; VaultError."""
        if len(sealed) < _HEADER_BYTES + _NONCE_BYTES + _TAG_BYTES or sealed[:1] != _VERSION:
            raise VaultError(f"{field}: not a sealed value")
        header, nonce = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES : _HEADER_BYTES + _NONCE_BYTES]
        cipher = self._ciphers.get(header[1:])
        if cipher is None:
            raise VaultError(f"{field}: sealed under key {header[1:].hex()}, which is not in ENCRYPTION_KEYS")
        try:
            return cipher.decrypt(nonce, sealed[_HEADER_BYTES + _NONCE_BYTES :], header + field.encode())
        except InvalidTag:
            # The cause holds nothing, and its absence keeps tracebacks short.
            raise VaultError(f"{field}: altered, or sealed for another field") from None

    def is_current(self, sealed: bytes) -> bool:
        """Whether the value is under the newest key already."""
        return sealed[:_HEADER_BYTES] == self._header

    def wrap(self, key: bytes) -> bytes:
        """Encrypt a key that is kept in the database."""
        return self.seal_bytes(_WRAPPED, key)

    def unwrap(self, sealed: bytes) -> bytes:
        """Decrypt what `wrap` made; VaultError."""
        return self.open_bytes(_WRAPPED, sealed)


class _Hmac:
    """HMAC-SHA-256 (RFC 2104) under one key of 32 bytes, which is taken in once.

    That halves the work; and unlike OpenSSL's own it keeps the interpreter while it computes: among busy
    threads, getting it back takes far longer.
    """

    _BLOCK: Final = 64

    def __init__(self, key: bytes) -> None:
        padded = key.ljust(self._BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def of(self, data: bytes) -> bytes:
        """Return the MAC."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(data)
        outer.update(inner.digest())
        return outer.digest()


class AesVault:
    """Seals text with AES-256-GCM under rotatable keys; hashes it under a key that never changes."""

    def __init__(self, encryption_keys: Sequence[bytes], read_hash_key: Callable[[], bytes]) -> None:
        """Take the data keys, newest first, and what reads the (unwrapped) key of the keyed hashes."""
        self._ring = KeyRing(encryption_keys)
        self._read_hash_key = read_hash_key
        self._macs: dict[str, _Hmac] = {}

    @cached_property
    def hash_key(self) -> bytes:
        """The key of the keyed hashes, read when it is first needed: the database may be away before."""
        key = self._read_hash_key()
        if len(key) != KEY_BYTES:
            raise ConfigurationError(f"the key of the keyed hashes has {KEY_BYTES} bytes")
        return key

    @cached_property
    def _hash(self) -> "_Hmac":
        return _Hmac(self.hash_key)

    def seal(self, field: str, text: str) -> bytes:
        """Encrypt `text` for `field`."""
        return self._ring.seal_bytes(field, text.encode())

    def open(self, field: str, sealed: bytes) -> str:
        """Decrypt; VaultError."""
        return self._ring.open_bytes(field, sealed).decode()

    def is_current(self, sealed: bytes) -> bool:
        """Whether the value is under the newest key already."""
        return self._ring.is_current(sealed)

    def hash(self, purpose: str, text: str) -> bytes:
        """Return HMAC-SHA-256 over purpose, a zero byte and text, cut to 16 bytes.

        `purpose` holds no zero byte, so that no two pairs run together.
        """
        if not purpose or "\x00" in purpose:
            raise ValueError("a purpose is not empty, and holds no zero byte")
        return self._hash.of(f"{purpose}\x00{text}".encode())[:HASH_BYTES]

    def mac(self, purpose: str, data: bytes) -> bytes:
        """Return HMAC-SHA-256 under a key derived from that of the hashes.

        What it is derived from begins with a zero byte, as nothing that is hashed does.
        """
        mac = self._macs.get(purpose)
        if mac is None:
            mac = self._macs[purpose] = _Hmac(self._hash.of(b"\x00mac\x00" + purpose.encode()))
        return mac.of(data)
