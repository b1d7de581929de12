"""What of a token or key is stored: enough to know it again, and nothing that opens anything."""

import hashlib


def digest_of(secret: str) -> bytes:
    """Return the SHA-256 of something random and long: it is found by index, and has one spelling only.

    A plain hash keeps it safe, for nobody guesses that many random bits.
    """
    return hashlib.sha256(secret.encode()).digest()
