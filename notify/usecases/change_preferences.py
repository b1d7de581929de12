"""Change preferences on the shop's word."""

from collections.abc import Sequence

from notify.domain.requests import Choice, Proof
from notify.domain.views import PreferenceView


class ChangePreferences:
    """Applies choices that the shop passes on, each with one entry on the ledger."""

    def __call__(
        self, recipient_id: str, choices: Sequence[Choice], proof: Proof | None
    ) -> list[PreferenceView]:
        """Apply and return all preferences.

        Opting in needs a proof; over an earlier opt-out it needs one obtained after it.
        NotFoundError; InvalidRequestError for an unknown topic (pointers into the body: /preferences/0/topic).
        """
        raise NotImplementedError
