"""What can be sent, and how it looks: topics, templates, previews."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response

from notify.domain.catalogue import Catalogue, Channel, Purpose
from notify.domain.content import Links, TemplateInfo
from notify.domain.errors import InvalidRequestError, NotFoundError
from notify.domain.identifiers import identifier_pointers
from notify.domain.newsletters import channels_of
from notify.domain.prices import SmsPrices
from notify.domain.segments import count
from notify.domain.sms_senders import SmsSenders
from notify.ports import Templates
from notify.usecases.api_keys import Caller, KeyScope
from notify.web.api import examples, shapes
from notify.web.api.answers import answer, listed
from notify.web.api.auth import Door
from notify.web.api.bodies import read_body
from notify.web.api.models import PreviewRequest
from notify.web.api.operations import BODY_ERRORS, Operation, Routes
from notify.web.api.parsing import guarded, prefixed

ANY_SCOPE: Final = (KeyScope.READ, KeyScope.SEND, KeyScope.RECIPIENTS, KeyScope.CAMPAIGNS)

TOPICS: Final = Operation(
    id="listTopics",
    method="GET",
    path="/v1/topics",
    tag="Catalogue",
    summary="What messages are about",
    description="The topics of this installation: what recipients subscribe to and unsubscribe from.",
    scopes=ANY_SCOPE,
    response=shapes.TopicList,
)
TEMPLATES: Final = Operation(
    id="listTemplates",
    method="GET",
    path="/v1/templates",
    tag="Catalogue",
    summary="What can be sent",
    description="The templates of this installation, each with the JSON Schema of its `data`.",
    scopes=ANY_SCOPE,
    response=shapes.TemplateList,
)
PREVIEW: Final = Operation(
    id="previewTemplate",
    method="POST",
    path="/v1/templates/{name}/preview",
    tag="Catalogue",
    summary="See how a template looks",
    description=(
        "Renders the template as it would be sent, with sample links; sends and stores nothing. `culprits`"
        " are the characters that make an SMS cost more, `price` is what it costs to send it to `country`,"
        " which also decides what it says of STOP. For a template of campaigns, `data` is one"
        " language's content, shown as to somebody of whom nothing is known."
    ),
    scopes=(KeyScope.SEND, KeyScope.READ, KeyScope.CAMPAIGNS),
    request=PreviewRequest,
    response=shapes.PreviewAnswer,
    examples=examples.PREVIEW,
    errors=(*BODY_ERRORS, 404),
)


def identifiers_in(templates: Templates, item: object) -> set[str]:
    """Return pointers to what the template of a notification, if it can be told, declares as identifiers."""
    name = item.get("template") if isinstance(item, dict) else None
    info = templates.info(name) if isinstance(name, str) else None
    return _identifiers(info, item) if info else set()


def _identifiers(info: TemplateInfo, body: object) -> set[str]:
    data = body.get("data") if isinstance(body, dict) else None
    return identifier_pointers(info.data_schema, data)


@dataclass(frozen=True, slots=True)
class _Catalogue:
    """The views on topics and templates."""

    catalogue: Catalogue
    templates: Templates
    links: Mapping[Channel, Links]
    sms_senders: SmsSenders
    prices: SmsPrices

    def topics(self, _caller: Caller) -> Response:
        items = [
            {
                "name": topic.name,
                "purpose": topic.purpose,
                "title": dict(topic.title),
                "description": dict(topic.description),
                "frequency": dict(topic.frequency),
            }
            for topic in self.catalogue
        ]
        return answer(listed(items))

    def list_templates(self, _caller: Caller) -> Response:
        found = (self.templates.info(name) for name in sorted(self.templates.names()))
        return answer(listed([self.described(info) for info in found if info]))

    def described(self, info: TemplateInfo) -> dict[str, Any]:
        return {
            "name": info.name,
            "topic": info.topic,
            "purpose": self.purpose(info),
            "channels": list(info.channels),
            "locales": list(info.locales),
            "data_schema": info.data_schema,
            "expires_after": int(info.expires_after.total_seconds()) if info.expires_after else None,
            "supersedes": list(info.supersedes),
        }

    def purpose(self, info: TemplateInfo) -> Purpose:
        return self.catalogue[info.topic].purpose if info.topic else Purpose.MARKETING

    def preview(self, _caller: Caller, name: str) -> Response:
        info = self.templates.info(name)
        if info is None:
            raise NotFoundError
        body = read_body()
        given = guarded(PreviewRequest, body, _identifiers(info, body.value))
        if problems := self.templates.problems(name, given.data):
            raise InvalidRequestError(prefixed("/data", problems))
        channels = info.channels if info.topic else channels_of(given.data)
        return answer(
            {
                "email": self.email(name, given) if Channel.EMAIL in channels else None,
                "sms": self.sms(info, given) if Channel.SMS in channels else None,
            }
        )

    def email(self, name: str, given: PreviewRequest) -> dict[str, Any]:
        content = self.templates.email(name, given.locale, given.data, self.links[Channel.EMAIL])
        return {"subject": content.subject, "html": content.html, "text": content.text}

    def sms(self, info: TemplateInfo, given: PreviewRequest) -> dict[str, Any]:
        sender = self.sms_senders.of(given.country, self.purpose(info))
        links = self.links[Channel.SMS]._replace(stop=sender.stop)
        text = self.templates.sms(info.name, given.locale, given.data, links)
        billed = count(text)
        price = self.prices.of(given.country, billed.segments)
        return {
            "text": text,
            "characters": len(text),
            "encoding": billed.encoding,
            "segments": billed.segments,
            "culprits": list(billed.culprits),
            "price": price.to_json() if price else None,
        }


def catalogue_blueprint(
    door: Door,
    *,
    catalogue: Catalogue,
    templates: Templates,
    sample_links: Mapping[Channel, Links],
    sms_senders: SmsSenders,
    sms_prices: SmsPrices,
) -> Blueprint:
    """Return the calls on topics and templates; `sample_links` stand in previews."""
    views = _Catalogue(catalogue, templates, sample_links, sms_senders, sms_prices)
    routes = Routes("catalogue", door)
    routes.add(TOPICS, views.topics)
    routes.add(TEMPLATES, views.list_templates)
    routes.add(PREVIEW, views.preview)
    return routes.blueprint


OPERATIONS: Final = (TOPICS, TEMPLATES, PREVIEW)
