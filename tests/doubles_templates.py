"""A double of the templates, whose texts say what they were made of."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from notify.domain.catalogue import Channel, Topic
from notify.domain.content import EmailContent, Links, TemplateInfo
from notify.domain.errors import FieldProblem
from notify.domain.marks import fill
from notify.domain.newsletters import Content, LinkMarks, Person, Pinned, PinnedTexts


class FakeTemplates:
    """One template for both channels, whose tracking number is an identifier, and one for SMS alone."""

    schema: Mapping[str, Any] = {
        "type": "object",
        "required": ["order_number"],
        "properties": {
            "order_number": {"type": "string"},
            "tracking_number": {"type": "string", "pattern": r"^\d{16}$", "x-identifier": True},
        },
    }

    def names(self) -> Sequence[str]:
        return ["text_only", "order_shipped"]

    def info(self, name: str) -> TemplateInfo | None:
        if name == "text_only":
            return TemplateInfo(name, "order_updates", (Channel.SMS,), ("fr", "en"), self.schema)
        if name != "order_shipped":
            return None
        return TemplateInfo(
            name,
            "order_updates",
            (Channel.EMAIL, Channel.SMS),
            ("fr", "en"),
            self.schema,
            timedelta(hours=12),
            ("order_confirmed",),
        )

    def problems(self, name: str, data: Mapping[str, Any]) -> Sequence[FieldProblem]:
        return [] if "order_number" in data else [FieldProblem("/order_number", "is required")]

    def email(self, name: str, locale: str, data: Mapping[str, Any], links: Links) -> EmailContent:
        return EmailContent(f"{locale} {data['order_number']}", f"<a>{links.unsubscribe}</a>", "text")

    def sms(self, name: str, locale: str, data: Mapping[str, Any], links: Links) -> str:
        return f"ç {data['order_number']} {links.unsubscribe}"

    def campaign_problems(
        self, name: str, topic: Topic, channels: Sequence[Channel], content: Content
    ) -> Sequence[FieldProblem]:
        return [] if "fr" in content else [FieldProblem("/content/fr", "is required")]

    def pin(self, name: str, topic: Topic, content: Content, *, mailto: bool) -> Pinned:
        texts = {
            locale: PinnedTexts(EmailContent(given["subject"], "<a>xu</a>", "xu"), "xu")
            for locale, given in content.items()
        }
        return Pinned(name, False, False, (), LinkMarks("xu", None, None), topic.title, texts)

    def email_for(self, pinned: Pinned, locale: str, person: Person) -> EmailContent:
        marked, given = pinned.email(locale), pinned.substitutions(locale, person)
        return EmailContent(*(fill(part, given) for part in (marked.subject, marked.html, marked.text)))

    def sms_for(self, pinned: Pinned, locale: str, person: Person) -> str:
        return fill(pinned.sms(locale), pinned.sms_substitutions(locale, person))
