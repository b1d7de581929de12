"""The import of recipients: a file of any length, read while it comes in."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response, request
from werkzeug.exceptions import ClientDisconnected

from notify.domain.imports import ImportReport
from notify.usecases.api_keys import Caller, KeyScope
from notify.usecases.recipients.import_recipients import ImportRecipients
from notify.web.api.answers import answer
from notify.web.api.auth import Door
from notify.web.api.bodies import demand_plain_text
from notify.web.api.operations import BODY_ERRORS, Operation, Routes
from notify.web.api.shapes import Shape
from notify.web.imports import CSV, NDJSON, READERS, Reader
from notify.web.imports.rows import ImportedRecipient
from notify.web.refusals import BodyTooLargeError, MalformedBodyError, UnsupportedBodyError

_PIECE: Final = 65_536

_NDJSON_EXAMPLE: Final = (
    '{"id": "C-1042", "email": "awa.diop@example.com", "phone": "+221771234567", "name": "Awa Diop",'
    ' "country": "SN", "locale": "fr", "attributes": {"loyalty": "gold", "orders": 7},'
    ' "preferences": [{"topic": "company_news", "channel": "email", "subscribed": true,'
    ' "proof": {"source": "sign-up form", "obtained_at": "2025-06-30T10:00:00Z"}}]}\n'
    '{"id": "C-1043", "email": "kofi@example.com", "suppressed": [{"channel": "email", "reason": "stop"}]}\n'
)
_CSV_EXAMPLE: Final = (
    "id,email,name,country,attributes.loyalty,attributes.orders:number,preferences.company_news.email,"
    "proof.source,suppressed\n"
    "C-1042,awa.diop@example.com,Awa Diop,SN,gold,7,true,sign-up form,\n"
    "C-1043,kofi@example.com,Kofi,CI,,,,,true\n"
)


class ImportErrorAnswer(Shape):
    """A row that was refused."""

    line: int
    """Counted from 1; of a record of several lines, the first."""
    error: str
    """What is wrong, by JSON Pointer into the row; never what stands there."""


class ImportAnswer(Shape):
    """What became of a file."""

    accepted: int
    refused: int
    errors: list[ImportErrorAnswer]
    errors_left_out: int
    """How many more rows were refused than `errors` names."""


IMPORT: Final = Operation(
    id="importRecipients",
    method="POST",
    path="/v1/recipients/import",
    tag="Recipients",
    summary="Import recipients",
    description=(
        "NDJSON, a recipient on each line, or CSV, whose columns are the JSON names, dotted"
        " (`attributes.city`, `consent.policy_version`, `preferences.company_news.email`). A row merges as"
        " `PUT` does, and may hold `preferences` with `proof`, and `suppressed`. Nothing in a row takes an"
        " opt-out or a suppression back. Rows are stored while the body comes in; a refused one never fails"
        " the rest, and the same file may be sent again. The size limit is the operator's (2 GB)."
    ),
    scopes=(KeyScope.RECIPIENTS,),
    response=ImportAnswer,
    row=ImportedRecipient,
    streams={NDJSON: _NDJSON_EXAMPLE, CSV: _CSV_EXAMPLE},
    errors=BODY_ERRORS,
)


@dataclass(frozen=True, slots=True)
class _Imports:
    """The view on imports; `max_bytes` bounds a body."""

    import_recipients: ImportRecipients
    max_bytes: int

    def post(self, _caller: Caller) -> Response:
        # Servers end a chunked body as if it were whole when its sender goes away.
        rows = _reader()(self._pieces(), may_be_cut=request.content_length is None)
        return answer(report_body(self.import_recipients(rows)))

    def _pieces(self) -> Iterator[bytes]:
        """Yield the body as it comes. BodyTooLargeError; MalformedBodyError if the sender breaks off."""
        told = request.content_length
        taken = 0
        while told is None or told <= self.max_bytes:
            try:
                piece = request.stream.read(_PIECE)
            except (OSError, ClientDisconnected):
                raise MalformedBodyError("The body broke off.") from None
            taken += len(piece)
            if not piece or taken > self.max_bytes:
                break
            yield piece
        if (told or taken) > self.max_bytes:
            raise BodyTooLargeError(f"The body is larger than {self.max_bytes:,} bytes.")
        if told is not None and taken < told:
            raise MalformedBodyError("The body is shorter than its Content-Length.")


def report_body(report: ImportReport) -> dict[str, Any]:
    """Return a report as it is answered."""
    return {
        "accepted": report.accepted,
        "refused": report.refused,
        "errors": [{"line": line, "error": words} for line, words in report.errors],
        "errors_left_out": report.errors_left_out,
    }


def _reader() -> Reader:
    """Return what reads the body of this request. UnsupportedBodyError."""
    reader = READERS.get(request.mimetype)
    if reader is None:
        raise UnsupportedBodyError(f"Send the file as {NDJSON} or {CSV}.")
    demand_plain_text()
    return reader


def imports_blueprint(door: Door, *, import_recipients: ImportRecipients, max_bytes: int) -> Blueprint:
    """Return the call that imports."""
    routes = Routes("imports", door)
    routes.add(IMPORT, _Imports(import_recipients, max_bytes).post)
    return routes.blueprint


OPERATIONS: Final = (IMPORT,)
