"""Erase a person (GDPR art. 17)."""


class EraseRecipient:
    """Takes everything held on a person but the keyed hashes that keep the addresses from marketing."""

    def __call__(self, recipient_id: str) -> None:
        """Erase. NotFoundError."""
        raise NotImplementedError
