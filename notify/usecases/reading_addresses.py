"""Turn the addresses a caller wrote into the form they are stored in."""

from notify.domain.errors import FieldProblem
from notify.domain.recipients import ProfilePatch
from notify.ports import Contacts


def read_addresses(
    contacts: Contacts, given: ProfilePatch, prefix: str = ""
) -> tuple[ProfilePatch, str | None, list[FieldProblem]]:
    """Return the patch with normalised addresses, the phone's country, and what was wrong.

    `prefix` is the JSON Pointer to the recipient. The recipient's country is the hint for a national number.
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
        try:
            patch["phone"], phone_country = contacts.phone(phone, given.get("country"))
        except ValueError as error:
            problems.append(FieldProblem(f"{prefix}/phone", str(error)))
    return patch, phone_country, problems
