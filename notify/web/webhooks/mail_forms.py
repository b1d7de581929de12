"""Reads a few fields of a posted mail, however large the rest: letters and attachments are thrown away."""

from collections.abc import Collection
from typing import Final

from flask import request
from werkzeug.exceptions import HTTPException
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

MOST_BYTES: Final = 64_000_000
"""Twice what SendGrid takes of one mail, with its attachments and in the encoding of a form."""
_MOST_OF_A_FIELD: Final = 64_000
_PIECE: Final = 65_536


def mail_fields(wanted: Collection[str]) -> dict[str, str]:
    """Return the wanted fields of the form that was posted; what cannot be read counts as not there.

    SendGrid puts a raw mail of up to 30 MB into one field, which no ordinary form parser takes.
    """
    request.max_content_length = MOST_BYTES
    boundary = request.mimetype_params.get("boundary")
    try:
        if request.mimetype == "multipart/form-data" and boundary:
            return _multipart(boundary.encode("latin-1", "replace"), wanted)
        return {name: request.form[name] for name in wanted if name in request.form}
    except (ValueError, HTTPException, OSError):
        return {}


def _multipart(boundary: bytes, wanted: Collection[str]) -> dict[str, str]:
    """Read the form piece by piece, and keep of each wanted field its beginning."""
    decoder = MultipartDecoder(boundary)
    found: dict[str, bytearray] = {}
    current: bytearray | None = None
    while True:
        event = decoder.next_event()
        if isinstance(event, NeedData):
            decoder.receive_data(request.stream.read(_PIECE) or None)
        elif isinstance(event, Field | File):
            keeps = isinstance(event, Field) and event.name in wanted
            current = found.setdefault(event.name, bytearray()) if keeps else None
        elif isinstance(event, Data) and current is not None:
            current += event.data[: _MOST_OF_A_FIELD - len(current)]
        elif isinstance(event, Epilogue):
            return {name: bytes(value).decode("utf-8", "replace") for name, value in found.items()}
