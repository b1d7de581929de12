"""A templates directory as a shop makes one: the shipped layout, and one small template of its own."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest

from notify.domain.errors import ConfigurationError
from notify.domain.imprint import NO_IMPRINT, Imprint
from notify.rendering import FileTemplates, load_catalogue

TEMPLATES: Final = Path(__file__).parents[1] / "templates"

TOML: Final = """
topic = "order_updates"
channels = ["email", "sms"]
expires_after_hours = 5
email.fr = { subject = "Sujet {{ word }}", preheader = "Avant" }
email.en = { subject = "Subject {{ word }}", preheader = "Before" }
[data]
required = ["word"]
[data.properties]
word = { type = "string", description = "A word.", examples = ["x"] }
page = { type = "string", format = "uri", description = "A page.", examples = ["https://example.com/"] }
rows = { type = "array", description = "Rows.", items = { type = "string", examples = ["r"] } }
order_number = { "$ref" = "fields.toml#/order_number" }
"""


class Shop:
    """A templates directory with one small template of a shop's own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        shutil.copytree(TEMPLATES / "_layout", directory / "_layout")
        for name in ("topics.toml", "regimes.toml"):
            shutil.copy(TEMPLATES / name, directory)
        self.write("greeting/template.toml", TOML)
        for locale in ("fr", "en"):
            self.write(f"greeting/email.{locale}.mjml", "<mj-text><h1>{{ word }}</h1></mj-text>")
            self.write(f"greeting/email.{locale}.txt", "{{ word }}")
            self.write(f"greeting/sms.{locale}.txt", "{{ word }}")

    def write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def take_along(self, names: Iterable[str]) -> None:
        """Keep templates as they are shipped."""
        for name in names:
            shutil.copytree(TEMPLATES / name, self.directory / name)

    def change(self, old: str, new: str) -> None:
        assert old in TOML
        self.write("greeting/template.toml", TOML.replace(old, new))

    def load(self, imprint: Imprint = NO_IMPRINT) -> FileTemplates:
        return FileTemplates(self.directory, load_catalogue(self.directory), imprint=imprint)

    def refusal(self) -> str:
        with pytest.raises(ConfigurationError) as caught:
            self.load()
        return str(caught.value)
