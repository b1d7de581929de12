"""The keyed hash of an address: by it addresses are found and barred."""

from notify.domain.addresses import address_key
from notify.domain.catalogue import Channel
from notify.ports import Vault


def hash_address(vault: Vault, channel: Channel, address: str) -> bytes:
    """Return the keyed hash of an address as `Contacts` gives it."""
    return vault.hash(f"address.{channel}", address_key(channel, address))
