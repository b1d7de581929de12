"""The description of the API (OpenAPI 3.1), generated from the operations and the models they use."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, cast

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from notify import __doc__ as about
from notify.usecases.api_keys import KeyScope
from notify.web.api import (
    campaigns,
    catalogue,
    examples,
    imports,
    messages,
    notifications,
    preferences,
    recipients,
    suppressions,
    webhook_endpoints,
)
from notify.web.api.operations import Operation, Parameter
from notify.web.api.shapes import Problem
from notify.web.api.webhook_events import described_events
from notify.web.errors import PROBLEM_JSON, problem
from notify.web.problem_kinds import INTERNAL, KINDS

VERSION: Final = "1"
SECURITY: Final = "apiKey"
ANYWHERE: Final = (401, 403, 500, 503)

OPERATIONS: Final = (
    *notifications.OPERATIONS,
    *messages.OPERATIONS,
    *recipients.OPERATIONS,
    *imports.OPERATIONS,
    *preferences.OPERATIONS,
    *campaigns.OPERATIONS,
    *suppressions.OPERATIONS,
    *webhook_endpoints.OPERATIONS,
    *catalogue.OPERATIONS,
)

_TAGS: Final[Mapping[str, str]] = {
    "Notifications": "What a caller asks for: one template, one recipient, some data.",
    "Messages": "One notification on one channel to one address.",
    "Recipients": "The people the shop knows, by the shop's own id.",
    "Preferences": "Recipient × topic × channel, and the ledger of every change.",
    "Campaigns": "One newsletter to many recipients.",
    "Suppressions": "Addresses barred from marketing or from everything, and why.",
    "Webhook endpoints": "Where the shop is told what happens.",
    "Catalogue": "Topics and templates.",
}

_DESCRIPTION: Final = """
Send `Authorization: Bearer <API key>`. A key has scopes: `send`, `read`, `recipients`, `campaigns`,
or `admin` (everything). A key made with `--test` does all of it for real, but its messages end in the outbox.

Errors are `application/problem+json` (RFC 9457); `errors` names every field that is wrong, and nothing is
half done. Times are RFC 3339 with an offset, answered in UTC. Ids are opaque strings. Lists page by `cursor`.
Bodies are at most 5 MB (imports are streamed) and 16 levels deep. Payment card numbers and crypto wallet
addresses are refused wherever they stand.
"""

_STATUS_WORDS: Final[Mapping[int, str]] = {
    400: "The body is not JSON.",
    401: "No valid API key.",
    403: "The key lacks the scope.",
    404: "There is nothing of that name, or no longer.",
    409: "The state of the thing forbids it; or the first request with this key is still in progress.",
    413: "The body is larger than is taken here: 5 MB, but for imports.",
    415: "The body is not of the type that is read here.",
    422: "The request breaks a rule; `errors` names each field and what is wrong.",
    429: "The same was asked for too often; repeat after `Retry-After` seconds.",
    500: "Something went wrong here; quote the request id.",
    503: "The database cannot be reached for the moment; repeat after `Retry-After` seconds.",
}


class _Schemas(GenerateJsonSchema):
    """JSON Schemas without the titles pydantic makes up from field names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 - pydantic's own signature
        return False

    def default_schema(self, schema: Any) -> dict[str, Any]:  # noqa: ANN401 - pydantic's own signature
        """Leave out defaults of null: a field left out of a recipient stays, and null clears it."""
        described = super().default_schema(schema)
        if described.get("default", ...) is None:
            del described["default"]
        return described

    def sort(self, value: Any, parent_key: str | None = None) -> Any:  # noqa: ANN401, ARG002 - pydantic's own
        """Keep examples in the order they were written in."""
        return value

    def get_title_from_name(self, name: str) -> str:
        return name


def describe(operations: Sequence[Operation] = OPERATIONS) -> dict[str, Any]:
    """Return the OpenAPI document of `operations`."""
    schemas, definitions = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Smarttontine notifications",
            "version": VERSION,
            "summary": about,
            "description": _DESCRIPTION.strip(),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "webhooks": described_events(),
        "components": {
            "schemas": definitions,
            "responses": {str(status): _problem_response(status) for status in _STATUS_WORDS},
            "securitySchemes": {SECURITY: {"type": "http", "scheme": "bearer"}},
        },
    }


_Schema = dict[str, Any]
_Modes = dict[tuple[type[BaseModel], JsonSchemaMode], _Schema]


def _schemas(operations: Sequence[Operation]) -> tuple[_Modes, _Schema]:
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(Problem, "serialization")]
    for operation in operations:
        if operation.request:
            wanted.append((operation.request, "validation"))
        if operation.row:
            wanted.append((operation.row, "validation"))
        if operation.response:
            wanted.append((operation.response, "serialization"))
    schemas, document = models_json_schema(
        list(dict.fromkeys(wanted)),
        ref_template="#/components/schemas/{model}",
        schema_generator=_Schemas,
    )
    return cast("_Modes", schemas), document["$defs"]


def _operation(operation: Operation, schemas: _Modes) -> dict[str, Any]:
    scopes = " or ".join(f"`{scope}`" for scope in operation.scopes)
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": f"{operation.description}\n\nScope: {scopes}.",
        # One requirement for each scope: any one of them will do.
        "security": [{SECURITY: [str(scope)]} for scope in (*operation.scopes, KeyScope.ADMIN)],
        "parameters": [*_path_parameters(operation), *map(_parameter, operation.parameters)],
        "responses": _responses(operation, schemas),
    }
    if operation.request:
        described["requestBody"] = {
            "required": operation.body_required,
            "content": {
                "application/json": {
                    "schema": schemas[operation.request, "validation"],
                    "examples": {
                        _slug(name): {"summary": name, "value": value}
                        for name, value in operation.examples.items()
                    },
                }
            },
        }
    elif operation.streams:
        described["requestBody"] = {
            "required": True,
            "content": {
                media_type: {"schema": _stream(operation, media_type, schemas), "example": example}
                for media_type, example in operation.streams.items()
            },
        }
    return described


def _stream(operation: Operation, media_type: str, schemas: _Modes) -> _Schema:
    """Describe a body of many rows; only those in JSON have a schema."""
    schema: _Schema = {"type": "string", "contentMediaType": media_type}
    if operation.row and "json" in media_type:
        schema["contentSchema"] = schemas[operation.row, "validation"]
    return schema


def _responses(operation: Operation, schemas: _Modes) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase}
    if operation.response:
        schema = schemas[operation.response, "serialization"]
        answer["content"] = {"application/json": {"schema": schema}}
        for media_type, example in operation.forms.items():
            answer["content"][media_type] = {"schema": {"type": "string"}, "example": example}
    refusals = sorted({*operation.errors, *ANYWHERE})
    return {
        str(operation.status): answer,
        **{str(status): {"$ref": f"#/components/responses/{status}"} for status in refusals},
    }


def _problem_response(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": _STATUS_WORDS[status],
        "content": {PROBLEM_JSON: {"schema": schema, "example": _problem_example(status)}},
    }


def _problem_example(status: int) -> dict[str, Any]:
    kind = next(kind for kind in (*KINDS.values(), INTERNAL) if kind.status == status)
    example = {**problem(kind, kind.detail or _STATUS_WORDS[status]), "request_id": "4962d9a6dfa4c7e0"}
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        example["errors"] = list(examples.FIELD_PROBLEMS)
    return example


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": False,
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }


def _slug(name: str) -> str:
    """Keys of examples follow the pattern of all component names."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
