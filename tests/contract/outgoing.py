"""Messages for provider tests."""

from collections.abc import Mapping

from notify.domain.outgoing import OutgoingEmail, OutgoingSms


def an_email(
    number: int = 0, *, substitutions: Mapping[str, str] | None = None, **changes: str
) -> OutgoingEmail:
    """Return the e-mail of that number; all of them could go in one call."""
    fields = {
        "message_ref": f"msg_{number}",
        "sender": "Smarttontine <commandes@smarttontine.org>",
        "to": f"awa{number}@example.com",
        "subject": "Votre commande est expédiée",
        "html": "<p>Expédiée</p>",
        "text": "Expédiée",
        "reply_to": "aide@smarttontine.org",
    } | changes
    headers = {
        "List-Unsubscribe": f"<https://example.com/u/token{number}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    return OutgoingEmail(headers=headers, substitutions=substitutions or {}, **fields)


def an_sms(number: int = 0, *, valid_for: int | None = None, **changes: str) -> OutgoingSms:
    """Return the SMS of that number."""
    fields = {
        "message_ref": f"msg_{number}",
        "sender": "Smarttontin",
        "to": f"+22177{number:07}",
        "text": f"Commande {number} expédiée. Stop : https://example.com/u/token{number}",
    } | changes
    return OutgoingSms(valid_for=valid_for, **fields)
