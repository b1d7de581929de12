"""The templates of campaigns, behind the port: checked, pinned, shown."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from notify.domain.catalogue import DEFAULT_LOCALE, Channel, Purpose, Topic
from notify.domain.content import RECIPIENT_NAME, EmailContent, Links
from notify.domain.errors import FieldProblem, RenderingError
from notify.domain.newsletters import (
    MAX_ATTRIBUTE,
    MAX_NAME,
    Content,
    MergeField,
    Person,
    Pinned,
    channels_of,
)
from notify.rendering.content_check import content_problems, content_schema, language_problems
from notify.rendering.copies import email_for, sms_for
from notify.rendering.newsletters import Newsletter

MAX_HTML: Final = 90_000
"""Bytes; Gmail cuts off what comes after 102 KB, and with it the way to unsubscribe."""

# https://www.twilio.com/docs/sendgrid/api-reference/mail-send: substitutions of one person, in bytes. Three
# links and what separates the pairs have 1,500 of them.
_MAX_SUBSTITUTIONS: Final = 10_000 - 1_500
_MAX_SMS: Final = 1_600 - 120  # characters Twilio takes, less frame and link
_ESCAPED: Final = 6  # bytes: &quot; and &#x27; are longer than any letter in UTF-8
_UTF_8: Final = 4


def campaign_problems(
    newsletter: Newsletter, topic: Topic, channels: Sequence[Channel], content: Content
) -> list[FieldProblem]:
    """Return what keeps a campaign from being sent; pointers are into it."""
    found = []
    if topic.purpose is not Purpose.MARKETING:
        found.append(FieldProblem("/topic", "must be a topic of marketing: orders have notifications"))
    has = newsletter.info.channels
    found += [
        FieldProblem(
            f"/channels/{index}", f"the template {newsletter.info.name} has no text for this channel"
        )
        for index, channel in enumerate(channels)
        if channel not in has
    ]
    wanted = [channel for channel in channels if channel in has]
    found += [
        FieldProblem(f"/content{one.pointer}", one.detail)
        for one in content_problems(content_schema(has), content, wanted)
    ]
    return found or _size_problems(newsletter, topic, content)


def _size_problems(newsletter: Newsletter, topic: Topic, content: Content) -> list[FieldProblem]:
    """Render it, and measure."""
    try:
        pinned = newsletter.pin(topic, content, mailto=True)
    except RenderingError:
        return [FieldProblem("/content", "does not render with this template")]
    nobody = Person(Links(*"xxx"))
    found = []
    for locale in content:
        texts = pinned.texts[locale]
        if texts.email and len(email_for(pinned, locale, nobody).html.encode()) > MAX_HTML:
            found.append(
                FieldProblem(
                    f"/content/{locale}/body",
                    f"makes an e-mail of more than {MAX_HTML // 1000} KB: mail apps cut off its end",
                )
            )
        if sum(_longest(one) + len(one.mark) for one in texts.email_fields) > _MAX_SUBSTITUTIONS:
            found.append(FieldProblem(f"/content/{locale}", "has too many different merge fields"))
        if len(texts.sms or "") + sum(map(_longest_shown, texts.sms_fields)) > _MAX_SMS:
            found.append(FieldProblem(f"/content/{locale}/sms", "may become too long with its merge fields"))
    return found


def _longest(one: MergeField) -> int:
    """Return how many bytes the value of a field may have."""
    return _longest_shown(one) * (_ESCAPED if one.html else _UTF_8)


def _longest_shown(one: MergeField) -> int:
    return max(MAX_NAME if one.attribute is None else MAX_ATTRIBUTE, len(one.default))


def preview_problems(newsletter: Newsletter, data: Mapping[str, Any]) -> list[FieldProblem]:
    """Return what is wrong with one language's content; pointers are into it."""
    shown = channels_of(data) or newsletter.info.channels
    return list(language_problems(content_schema(newsletter.info.channels), data, shown))


def preview_email(
    newsletter: Newsletter, topic: Topic, locale: str, data: Mapping[str, Any], links: Links
) -> EmailContent:
    """Show one language's content to somebody of whom nothing is known, but perhaps the name."""
    pinned = _pinned(newsletter, topic, locale, data, links)
    return email_for(pinned, locale, Person(links, data.get(RECIPIENT_NAME)))


def preview_sms(
    newsletter: Newsletter, topic: Topic, locale: str, data: Mapping[str, Any], links: Links
) -> str:
    """Show one language's SMS to somebody of whom nothing is known, but perhaps the name."""
    pinned = _pinned(newsletter, topic, locale, data, links)
    return sms_for(pinned, locale, Person(links, data.get(RECIPIENT_NAME)))


def _pinned(
    newsletter: Newsletter, topic: Topic, locale: str, data: Mapping[str, Any], links: Links
) -> Pinned:
    return newsletter.pin(topic, {DEFAULT_LOCALE: data, locale: data}, mailto=links.mailto is not None)
