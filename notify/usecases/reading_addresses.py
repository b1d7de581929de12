"""Turn the addresses a caller wrote into the form they are stored in."""

from collections.abc import Callable

from notify.domain.errors import FieldProblem
from notify.domain.recipients import ProfilePatch
from notify.ports import Contacts


def read_addresses(
    contacts: Contacts,
    given: ProfilePatch,
    prefix: str = "",
    stored_country: Callable[[], str | None] = lambda: None,
) -> tuple[ProfilePatch, str | None, list[FieldProblem]]:
    """Return the patch with normalised addresses, the phone's country, and what was wrong.

    `prefix` is the JSON Pointer to the recipient. The recipient's country, given or else stored, is the hint
    for a number in national notation.
    """
    patch = given.copy()
    problems: list[FieldProblem] = []
    phone_country = None
    if email := given.get("email"):
        try:
            patch["email"] = contacts.email(email)
        except ValueError as error:
            problems.append(FieldProblem(f"{prefix}/email", str(error)))
    if phone := given.get("phone"):
        hint = given.get("country")
        if hint is None and not phone.lstrip().startswith("+"):
            hint = stored_country()
        try:
            patch["phone"], phone_country = contacts.phone(phone, hint)
        except ValueError as error:
            problems.append(FieldProblem(f"{prefix}/phone", str(error)))
    return patch, phone_country, problems
