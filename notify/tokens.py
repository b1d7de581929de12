"""Signed tokens for links: short, opaque, without personal data, valid for as long as their key is known."""

import base64
import binascii
import hashlib
import hmac
import math
from collections.abc import Sequence
from typing import Final

from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode
from itsdangerous.signer import SigningAlgorithm

from notify.domain.catalogue import CHANNEL_NUMBERS, CHANNELS_BY_NUMBER, Channel
from notify.domain.errors import ConfigurationError, InvalidTokenError
from notify.domain.token_claims import CentreClaim, OptOutClaim

_SHORTEST_SECRET: Final = 32
_LARGEST_NUMBER: Final = 2**63 - 1
_LARGEST_TOPIC: Final = 255
_KEY_IDS: Final = 62  # base64url's letters and digits; what comes after is punctuation
_KEY_ID_BITS: Final = 6
_LARGEST_CHANNEL: Final = 4  # two bits, from 1
_LONGEST_TOKEN: Final = 64
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
_LETTER_BITS: Final = 5
_PAIRS: Final = tuple(first + second for first in _LETTERS for second in _LETTERS)
_PAIR_BITS: Final = 10
_PAIR: Final = (1 << _PAIR_BITS) - 1


def parse_secret_keys(text: str) -> list[str]:
    """Read `SECRET_KEYS`, newest first; ConfigurationError names a bad key by its position."""
    keys = [part.strip() for part in text.split(",")]
    for position, key in enumerate(keys, start=1):
        if len(key) < _SHORTEST_SECRET:
            raise ConfigurationError(
                f"SECRET_KEYS: key {position} is shorter than {_SHORTEST_SECRET} characters; "
                "make one with: openssl rand -hex 32"
            )
    return keys


class ShortMac(SigningAlgorithm):
    """Keyed BLAKE2b (RFC 7693) of few bytes: every byte of a link in an SMS costs money.

    Unlike OpenSSL's HMAC it keeps the interpreter while it computes: with many threads that call providers,
    getting it back took fifty times as long as the MAC.
    """

    def __init__(self, size: int) -> None:
        """Make MACs of `size` bytes."""
        self.size = size
        self._begun: dict[bytes, hashlib.blake2b] = {}

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        """Return the MAC. Half of the work is taking in the key: it is done once."""
        begun = self._begun.get(key)
        if begun is None:
            begun = self._begun[key] = hashlib.blake2b(key=key, digest_size=self.size)
        mac = begun.copy()
        mac.update(value)
        return mac.digest()


class TruncatedHmac(SigningAlgorithm):
    """HMAC-SHA-256, cut to its first bytes: what tokens had before version 0.2, which must stay valid."""

    def __init__(self, size: int) -> None:
        """Cut to `size` bytes."""
        self.size = size

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        """Return the first `size` bytes of the HMAC."""
        return hmac.digest(key, value, "sha256")[: self.size]


class _Seal:
    """Signs byte strings for one kind of token: payload, MAC, and last a byte with the key's id."""

    def __init__(self, kind: str, secret_keys: Sequence[str], mac_bytes: int) -> None:
        self._algorithm = ShortMac(mac_bytes)
        self._earlier = TruncatedHmac(mac_bytes)
        self._keys: list[tuple[int, bytes]] = []
        for secret in secret_keys:
            # The signer's own key derivation, done once and not for each token.
            signer: Signer = Signer(
                secret, salt=f"notify token {kind}", key_derivation="hmac", digest_method=hashlib.sha256
            )
            key = signer.derive_key()
            self._keys.append((hashlib.sha256(key).digest()[0] % _KEY_IDS, key))

    def make(self, payload: bytes, bits: int) -> bytes:
        """Sign `payload` and the two `bits` that share the last byte with the key id."""
        key_id, key = self._keys[0]
        last = (bits << _KEY_ID_BITS | key_id).to_bytes(1)
        return payload + self._algorithm.get_signature(key, payload + last) + last

    def read(self, signed: bytes) -> tuple[bytes, int]:
        """Return payload and bits; InvalidTokenError."""
        cut = len(signed) - self._algorithm.size - 1
        if cut >= 0:
            payload, mac, last = signed[:cut], signed[cut:-1], signed[-1:]
            bits, key_id = divmod(last[0], 1 << _KEY_ID_BITS)
            for candidate, key in self._keys:
                if candidate == key_id and self._is_ours(key, payload + last, mac):
                    return payload, bits
        raise InvalidTokenError

    def _is_ours(self, key: bytes, signed: bytes, mac: bytes) -> bool:
        return any(one.verify_signature(key, signed, mac) for one in (self._algorithm, self._earlier))


def _pack(recipient: int, message: int) -> bytes:
    """Fold two numbers into one, in its fewest bytes.

    Szudzik's pairing function (http://szudzik.com/ElegantPairing.pdf): the result is below
    (max + 1)², so no bit goes to lengths, and each pair has one spelling.
    """
    if not (0 <= recipient <= _LARGEST_NUMBER and 0 <= message <= _LARGEST_NUMBER):
        raise ValueError("recipient and message are numbers from 0 to 2⁶³-1")
    if recipient < message:
        pair = message * message + recipient
    else:
        pair = recipient * recipient + recipient + message
    return pair.to_bytes((pair.bit_length() + 7) // 8)


def _unpack(packed: bytes) -> tuple[int, int]:
    pair = int.from_bytes(packed)
    root = math.isqrt(pair)
    rest = pair - root * root
    return (rest, root) if rest < root else (root, rest - root)


class SignedTokens:
    """Makes tokens under the newest of the secret keys, and reads those of all of them.

    An opt-out token is: topic, recipient with message, 64-bit MAC, channel with key id. A preference
    centre's token has no topic and a 128-bit MAC. Each kind has its own derived keys.
    """

    def __init__(self, secret_keys: Sequence[str]) -> None:
        """Take the secrets, newest first; ConfigurationError if there is none."""
        if not secret_keys:
            raise ConfigurationError("SECRET_KEYS: at least one key is needed")
        self._opt_outs = _Seal("opt-out", secret_keys, mac_bytes=8)
        self._centres = _Seal("centre", secret_keys, mac_bytes=16)

    def opt_out(self, claim: OptOutClaim) -> str:
        """Return at most 26 characters for numbers up to 2³⁵, 28 up to 2⁴², 35 for any.

        Neither "." nor "=", and the last is a letter or digit: programs that turn text into links leave
        punctuation at the end out.
        """
        return _to_base64(self._sign(claim))

    def read_opt_out(self, token: str) -> OptOutClaim:
        """Verify an opt-out token; InvalidTokenError."""
        return self._verify(_from_base64(token))

    def of_email(
        self, recipient: int, topic: int, message: int, *, mailbox: bool
    ) -> tuple[str, str, str | None]:
        """Return an e-mail's opt-out token, its centre's, and if wanted the opt-out token for mail boxes.

        A million newsletters have them: what is the same in all three is computed once.
        """
        packed = _pack(recipient, message)
        signed = self._sign_packed(topic, Channel.EMAIL, packed)
        centre = _to_base64(self._centres.make(packed, 0))
        return _to_base64(signed), centre, _to_base32(signed) if mailbox else None

    def mailbox(self, claim: OptOutClaim) -> str:
        """Return the bytes of the opt-out token in base32: mail systems may fold the case of an address."""
        return _to_base32(self._sign(claim))

    def read_mailbox(self, token: str) -> OptOutClaim:
        """Verify a token from a mail address, in whatever case; InvalidTokenError."""
        if len(token) > _LONGEST_TOKEN or not token.isascii():
            raise InvalidTokenError
        folded = token.lower()
        try:
            signed = base64.b32decode(folded.upper() + "=" * (-len(folded) % 8))
        except binascii.Error:
            raise InvalidTokenError from None
        if _to_base32(signed) != folded:
            raise InvalidTokenError
        return self._verify(signed)

    def centre(self, claim: CentreClaim) -> str:
        """Return at most 44 characters."""
        return _to_base64(self._centres.make(_pack(claim.recipient, claim.message), 0))

    def read_centre(self, token: str) -> CentreClaim:
        """Verify a preference centre token; InvalidTokenError."""
        packed, _ = self._centres.read(_from_base64(token))
        recipient, message = _unpack(packed)
        return CentreClaim(recipient=recipient, message=message)

    def _sign(self, claim: OptOutClaim) -> bytes:
        return self._sign_packed(claim.topic, claim.channel, _pack(claim.recipient, claim.message))

    def _sign_packed(self, topic: int, channel: Channel, packed: bytes) -> bytes:
        number = CHANNEL_NUMBERS[channel]
        if not 1 <= topic <= _LARGEST_TOPIC or number > _LARGEST_CHANNEL:
            raise ValueError("a topic's number is from 1 to 255, a channel's from 1 to 4")
        return self._opt_outs.make(topic.to_bytes(1) + packed, number - 1)

    def _verify(self, signed: bytes) -> OptOutClaim:
        payload, bits = self._opt_outs.read(signed)
        channel: Channel | None = CHANNELS_BY_NUMBER.get(bits + 1)
        if not payload or channel is None:
            raise InvalidTokenError
        recipient, message = _unpack(payload[1:])
        return OptOutClaim(recipient=recipient, topic=payload[0], channel=channel, message=message)


def _from_base64(token: str) -> bytes:
    if len(token) > _LONGEST_TOKEN or not token.isascii():
        raise InvalidTokenError
    try:
        signed = base64_decode(token)
    except BadData:
        raise InvalidTokenError from None
    # The decoder overlooks padding, stray characters and bits that do not count: only one spelling is ours.
    if _to_base64(signed) != token:
        raise InvalidTokenError
    return signed


def _to_base64(signed: bytes) -> str:
    """Write base64url without padding (RFC 4648, section 5), in a step less than the standard library."""
    return binascii.b2a_base64(signed, newline=False).translate(_URL_SAFE, b"=").decode()


def _to_base32(signed: bytes) -> str:
    """Write base32 (RFC 4648, section 6) in lower case, two letters at a time: thrice as fast as `base64`."""
    letters = (len(signed) * 8 + _LETTER_BITS - 1) // _LETTER_BITS
    bits = letters * _LETTER_BITS + letters % 2 * _LETTER_BITS  # of whole pairs
    number = int.from_bytes(signed) << bits - len(signed) * 8
    pairs = [_PAIRS[number >> shift & _PAIR] for shift in range(bits - _PAIR_BITS, -1, -_PAIR_BITS)]
    return "".join(pairs)[:letters]
