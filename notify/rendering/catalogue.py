"""Reads `topics.toml`: the topics of this installation."""

from pathlib import Path
from typing import Any, Final

from notify.domain.catalogue import LOCALES, Catalogue, Purpose, Topic
from notify.domain.errors import ConfigurationError
from notify.rendering.toml_files import read_toml

_BY_LOCALE: Final[dict[str, Any]] = {
    "type": "object",
    "required": list(LOCALES),
    "properties": {locale: {"type": "string", "minLength": 1} for locale in LOCALES},
    "additionalProperties": False,
}

_SHAPE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["topic"],
    "properties": {
        "topic": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["number", "name", "purpose", "title", "description", "frequency"],
                "properties": {
                    "number": {"type": "integer", "minimum": 1, "maximum": 255},
                    "name": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"},
                    "purpose": {"enum": [purpose.value for purpose in Purpose]},
                    "title": _BY_LOCALE,
                    "description": _BY_LOCALE,
                    "frequency": _BY_LOCALE,
                },
                "additionalProperties": False,
            },
        }
    },
    "additionalProperties": False,
}


def load_catalogue(directory: Path) -> Catalogue:
    """Read `topics.toml` in the templates' directory; ConfigurationError says what is wrong with it."""
    path = directory / "topics.toml"
    topics = [
        Topic(**{**row, "purpose": Purpose(row["purpose"])}) for row in read_toml(path, _SHAPE)["topic"]
    ]
    try:
        return Catalogue(topics)
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}") from None
