"""Says what is wrong with the content of a campaign, before anything is stored."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from notify.domain.catalogue import DEFAULT_LOCALE, LOCALES, Channel
from notify.domain.errors import FieldProblem
from notify.domain.newsletters import channels_of
from notify.rendering.markdown import Body
from notify.rendering.merge_fields import Marks, misuses
from notify.rendering.schema import DataSchema
from notify.rendering.wording import escaped
from notify.rendering.written import written

MAX_BODY: Final = 60_000
"""Bytes of Markdown."""

_PERSONAL: Final = 'Takes {{ name }} and {{ attributes.… }}, each with | default("…") if wanted.'
_TEXTS: Final[dict[str, dict[str, Any]]] = {
    "subject": {
        "type": "string",
        "format": "text",
        "minLength": 1,
        "maxLength": 200,
        "description": f"The e-mail's subject, and its headline. {_PERSONAL}",
        "examples": ["Nos sacs en wax sont arrivés"],
    },
    "preheader": {
        "type": "string",
        "format": "text",
        "maxLength": 200,
        "description": f"What a mail app shows behind the subject. {_PERSONAL}",
        "examples": ["Cousus à Dakar, livrés en une semaine."],
    },
    "body": {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_BODY,
        "description": f"The e-mail in Markdown (CommonMark); HTML in it is shown as text. {_PERSONAL}",
        "examples": [
            (
                'Bonjour {{ name | default("et bienvenue") }},\n\nla nouvelle série est là :\n\n'
                "- **sac à main**, en cinq motifs ;\n- **cabas**, doublé.\n\n"
                "**[Voir la série](https://smarttontine.org/wax)**"
            )
        ],
    },
    "sms": {
        "type": "string",
        "minLength": 1,
        "maxLength": 640,
        "description": f"The SMS, without the shop's name and the link to unsubscribe. {_PERSONAL}",
        "examples": ["nos sacs en wax sont là : smarttontine.org/wax"],
    },
}
_REQUIRED: Final = {Channel.EMAIL: ("subject", "body"), Channel.SMS: ("sms",)}
_OF_CHANNEL: Final = {Channel.EMAIL: ("subject", "preheader", "body"), Channel.SMS: ("sms",)}


@cache
def content_schema(channels: Sequence[Channel]) -> DataSchema:
    """Return what one language's content may hold, in a template for these channels."""
    names = [name for channel in channels for name in _OF_CHANNEL[channel]]
    only = _REQUIRED[channels[0]] if len(channels) == 1 else ()
    schema = {"type": "object", "required": list(only), "properties": {n: _TEXTS[n] for n in names}}
    return DataSchema(schema, {})


def language_problems(
    schema: DataSchema, given: Mapping[str, Any], required: Sequence[Channel]
) -> Iterator[FieldProblem]:
    """Yield what is wrong with one language; `required` are the channels it must have texts for."""
    found = schema.problems(given)
    yield from found
    named = {one.pointer for one in found}
    for channel in required:
        for name in _REQUIRED[channel]:
            if name not in given and f"/{name}" not in named:
                yield FieldProblem(f"/{name}", "is required")
    for name, text in given.items():
        if name in _TEXTS and isinstance(text, str) and f"/{name}" not in named:
            yield from (FieldProblem(f"/{name}", detail) for detail in _text_problems(name, text))


def _text_problems(name: str, text: str) -> Iterator[str]:
    yield from misuses(text)
    if not written(text).strip():
        yield "must not be empty"
    if name != "body":
        return
    if len(text.encode("utf-8", "replace")) > MAX_BODY:
        yield f"must have at most {MAX_BODY} bytes"
        return
    marks = Marks()
    for flaw in Body(marks.put_into(written(text), html=True), marks.tag).flaws():
        yield f"line {flaw.line}: {flaw.detail}"


def content_problems(
    schema: DataSchema, content: Mapping[str, Any], channels: Sequence[Channel]
) -> list[FieldProblem]:
    """Return what is wrong with a campaign's content; pointers are into it.

    French must have a text for each channel; another language that lacks one falls back to it.
    """
    found = []
    if DEFAULT_LOCALE not in content:
        found.append(FieldProblem(f"/{DEFAULT_LOCALE}", "is required: the other languages fall back to it"))
    for locale, given in content.items():
        place = f"/{escaped(locale)}"
        if locale not in LOCALES:
            found.append(FieldProblem(place, f"is not a language of messages: {', '.join(LOCALES)}"))
        elif not isinstance(given, Mapping):
            found.append(FieldProblem(place, "must be an object"))
        else:
            required = channels if locale == DEFAULT_LOCALE else channels_of(given)
            found += [
                FieldProblem(f"{place}{one.pointer}", one.detail)
                for one in language_problems(schema, given, required)
            ]
    return found
