import json
import re
from collections.abc import Iterator
from typing import Any, get_type_hints, is_typeddict

import pytest
from flask import Flask
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from notify.domain import views, webhook_views
from notify.domain.outbound import EVENT_TYPES, PING
from notify.web.api import campaign_shapes, shapes, suppression_models, webhook_models
from notify.web.api.models import Notification
from notify.web.api.openapi import OPERATIONS, describe
from notify.web.api.parsing import checked
from tests.doubles_api import FakeApi

MIRRORED: list[tuple[type[BaseModel], Any]] = [
    (shapes.MessageInNotification, views.MessageSummary),
    (shapes.NotificationAnswer, views.NotificationView),
    (shapes.AttemptAnswer, views.AttemptView),
    (shapes.EventAnswer, views.EventView),
    (shapes.BasisAnswer, views.BasisView),
    (shapes.MessageAnswer, views.MessageView),
    (shapes.PreferenceAnswer, views.PreferenceView),
    (shapes.ConsentAnswer, views.ConsentView),
    (shapes.RecipientAnswer, views.RecipientView),
    (shapes.NotificationList, views.Page),
    (campaign_shapes.CampaignAnswer, views.CampaignView),
    (campaign_shapes.SentTestsAnswer, views.SentTestsView),
    (suppression_models.SuppressionAnswer, views.SuppressionView),
    (webhook_models.EndpointAnswer, webhook_views.EndpointView),
    (webhook_models.EndpointWithSecretAnswer, webhook_views.EndpointWithSecretView),
    (webhook_models.DeliveryAnswer, webhook_views.DeliveryView),
]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(describe()))
    return found


@pytest.fixture(scope="module")
def app() -> Flask:
    return FakeApi().app()


def nodes(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(inner)


def resolve(document: dict[str, Any], reference: str) -> dict[str, Any]:
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    assert isinstance(found, dict)
    return found


def operations_in(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = [node["$ref"] for node in nodes(document) if isinstance(node.get("$ref"), str)]
    assert len(references) > 50
    assert all(resolve(document, reference) for reference in references)


def test_every_schema_is_one(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_event_is_described(document: dict[str, Any]) -> None:
    assert sorted(document["webhooks"]) == sorted([*EVENT_TYPES, PING])
    for event in document["webhooks"].values():
        Draft202012Validator.check_schema(
            event["post"]["requestBody"]["content"]["application/json"]["schema"]
        )


def test_routes_and_description_are_the_same(document: dict[str, Any], app: Flask) -> None:
    served = {
        (method, re.sub(r"<(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/v1")
    }
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert served == described


def test_every_operation_says_all_there_is_to_say(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    seen = set()
    for operation in operations_in(document):
        assert operation["summary"]
        assert "Scope: `" in operation["description"]
        assert set(operation["tags"]) <= tags
        assert {"401", "403", "500", "503"} <= operation["responses"].keys()
        assert [status for status in operation["responses"] if status.startswith("2")]
        assert operation["security"]
        assert operation["operationId"] not in seen
        seen.add(operation["operationId"])
    assert len(seen) == len(OPERATIONS)


def test_path_parameters_are_declared(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        for operation in item.values():
            declared = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
            assert declared == set(re.findall(r"{(\w+)}", path))


def test_the_document_has_the_members_openapi_demands(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"]
    assert document["info"]["version"]
    names = re.compile(r"[A-Za-z0-9._-]+")
    for kind in document["components"].values():
        assert all(names.fullmatch(name) for name in kind)
    for response in document["components"]["responses"].values():
        assert response["description"]
        assert list(response["content"]) == ["application/problem+json"]


def test_examples_pass_the_schemas_and_the_models(document: dict[str, Any]) -> None:
    count = 0
    for operation in OPERATIONS:
        if operation.request is None:
            continue
        described = document["paths"][operation.path][operation.method.lower()]
        content = described["requestBody"]["content"]["application/json"]
        schema = {**content["schema"], "components": document["components"]}
        assert content["examples"]
        for example in content["examples"].values():
            Draft202012Validator(schema).validate(example["value"])
            assert checked(operation.request, example["value"])
            count += 1
    assert count >= 6


def test_examples_of_fields_are_what_the_fields_take(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            for example in described.get("examples", []):
                whole = {**described, "components": document["components"]}
                assert Draft202012Validator(whole).is_valid(example), (name, field)


def test_examples_of_answers_have_the_shape_of_answers(document: dict[str, Any]) -> None:
    for shape, _ in MIRRORED:
        for example in document["components"]["schemas"].get(shape.__name__, {}).get("examples", []):
            shape.model_validate_json(json.dumps(example))
    for status, response in document["components"]["responses"].items():
        found = shapes.Problem.model_validate(response["content"]["application/problem+json"]["example"])
        assert str(found.status) == status


def test_null_is_never_said_to_be_the_default(document: dict[str, Any]) -> None:
    recipient = document["components"]["schemas"]["Recipient"]
    assert all("default" not in field for field in recipient["properties"].values() if field.get("anyOf"))


@pytest.mark.parametrize(("shape", "view"), MIRRORED)
def test_shapes_mirror_the_views(shape: type[BaseModel], view: Any) -> None:
    assert is_typeddict(view)
    hints = get_type_hints(view)
    assert list(shape.model_fields) == list(hints) or shape is shapes.NotificationList
    assert set(shape.model_fields) == set(hints)
    for name, field in shape.model_fields.items():
        assert (type(None) in getattr(hints[name], "__args__", ())) == (
            type(None) in getattr(field.annotation, "__args__", ())
        )


def test_the_contract_of_the_readme_is_the_description() -> None:
    assert set(Notification.model_fields) == {
        "template",
        "recipient",
        "data",
        "channels",
        "routing",
        "send_at",
        "expires_at",
        "reference",
    }
