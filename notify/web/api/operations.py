"""One declaration for each API call: route, scopes demanded and description are the same thing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flask import Blueprint, Response
from pydantic import BaseModel

from notify.domain.errors import FieldProblem, InvalidRequestError, NotFoundError
from notify.usecases.api_keys import Caller, KeyScope
from notify.web.api.auth import Door

MAX_PARAMETER: Final = 512

BODY_ERRORS: Final = (400, 413, 415, 422)
"""What may be wrong with a body."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter outside the body; `place` is `query` or `header`. Path parameters follow from the path."""

    name: str
    description: str
    schema: Mapping[str, Any]
    place: str = "query"


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the API. `path` is as OpenAPI writes it; `scopes` are those of which any one will do.

    `examples` are bodies that work when pasted; `errors` are the statuses besides 401, 403, 500 and 503.
    `streams` are bodies that are no single JSON value, an example of each media type; `row` is what a JSON
    line holds.
    `forms` are what may be accepted instead of JSON, again an example of each media type.
    """

    id: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    scopes: tuple[KeyScope, ...]
    status: int = 200
    request: type[BaseModel] | None = None
    body_required: bool = True
    response: type[BaseModel] | None = None
    parameters: tuple[Parameter, ...] = ()
    examples: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    errors: tuple[int, ...] = ()
    streams: Mapping[str, str] = field(default_factory=dict)
    row: type[BaseModel] | None = None
    forms: Mapping[str, str] = field(default_factory=dict)

    @property
    def rule(self) -> str:
        """The path as Flask writes it."""
        return self.path.replace("{", "<").replace("}", ">")


View = Callable[..., Response]
"""Takes the Caller, then the path's parameters by name."""


class Routes:
    """A blueprint whose every route is an `Operation`, behind the door."""

    def __init__(self, name: str, door: Door) -> None:
        """Start an empty blueprint."""
        self.blueprint = Blueprint(f"api_{name}", __name__)
        self._door = door

    def add(self, operation: Operation, view: View) -> None:
        """Serve `operation` by `view`, to callers with one of its scopes."""

        def endpoint(**path: str) -> Response:
            caller: Caller = self._door.admit(operation.scopes)
            for value in path.values():
                # Nothing of such a name was ever stored; some of it the database could not even compare.
                if len(value) > MAX_PARAMETER or not value.isascii() or not value.isprintable():
                    raise NotFoundError
            return view(caller, **path)

        self.blueprint.add_url_rule(
            operation.rule,
            endpoint=operation.id,
            view_func=endpoint,
            methods=[operation.method],
        )


def refuse_parameter(name: str, detail: str) -> InvalidRequestError:
    """Return the refusal of a parameter: its name stands where a body's pointer would."""
    return InvalidRequestError([FieldProblem(name, detail)])
