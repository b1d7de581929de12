"""Turn the addresses a caller wrote into the form they are stored in."""

from notify.domain.catalogue import Channel
from notify.domain.errors import FieldProblem, InvalidRequestError
from notify.domain.recipients import ProfilePatch
from notify.ports import Contacts


def needs_country(given: ProfilePatch) -> bool:
    """Whether the phone number is written as at home, without saying where that is."""
    phone = given.get("phone")
    return bool(phone) and given.get("country") is None and not str(phone).lstrip().startswith("+")


def read_address(contacts: Contacts, channel: Channel, address: str, pointer: str) -> str:
    """Return one address by itself as it is stored. InvalidRequestError, which names `pointer`."""
    try:
        return contacts.email(address) if channel is Channel.EMAIL else contacts.phone(address, None)[0]
    except ValueError as error:
        raise InvalidRequestError([FieldProblem(pointer, str(error))]) from None


def read_sought(contacts: Contacts, channel: Channel, address: str) -> str:
    """Return an address that somebody looks for, likewise."""
    return read_address(contacts, channel, address, "/email" if channel is Channel.EMAIL else "/phone")


def read_addresses(
    contacts: Contacts,
    given: ProfilePatch,
    prefix: str = "",
    stored_country: str | None = None,
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
        try:
            patch["phone"], phone_country = contacts.phone(phone, given.get("country") or stored_country)
        except ValueError as error:
            problems.append(FieldProblem(f"{prefix}/phone", str(error)))
    return patch, phone_country, problems
