"""Signatures of outbound webhooks, as Standard Webhooks has them, and the secrets they are made with.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Final

PREFIX: Final = "whsec_"
SHORTEST: Final = 24
LONGEST: Final = 64
"""Bytes of a secret: "between 24 bytes (192 bits) and 64 bytes (512 bits)"."""

_MADE: Final = 32


def make_secret() -> str:
    """Return a new random secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_MADE)).decode()


def key_of(secret: str) -> bytes:
    """Return the key in a secret; ValueError says what is wrong with it, without repeating it."""
    if not secret.startswith(PREFIX):
        raise ValueError(f"must begin with {PREFIX}")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"must be base64 after {PREFIX}") from None
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(f"must hold {SHORTEST} to {LONGEST} bytes")
    return key


def sign(keys: Sequence[str], webhook_id: str, timestamp: int, body: bytes) -> str:
    """Return the `webhook-signature` header: one signature for each secret, parted by spaces.

    `timestamp` is the `webhook-timestamp` header, in seconds since 1970.
    """
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    digests = (hmac.new(key_of(one), signed, hashlib.sha256).digest() for one in keys)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
