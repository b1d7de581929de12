"""Create and change recipients."""

from notify.domain.requests import RecipientInput
from notify.domain.views import RecipientView


class UpsertRecipient:
    """Merges what is given of a recipient into the stored profile."""

    def __call__(self, given: RecipientInput) -> RecipientView:
        """Merge; InvalidRequestError for a bad address (pointers are relative to the recipient)."""
        raise NotImplementedError
