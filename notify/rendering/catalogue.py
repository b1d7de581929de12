"""Reads `topics.toml` and `regimes.toml`: the topics of this installation, and what opens them where."""

from pathlib import Path
from typing import Any, Final

from notify.domain.catalogue import LOCALES, Catalogue, Purpose, Topic
from notify.domain.countries import is_country
from notify.domain.errors import ConfigurationError
from notify.domain.regimes import Regime, RegimeRow, Regimes
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
                    "double_opt_in": {"type": "boolean"},
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


_REGIMES: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["regime"],
    "properties": {
        "regime": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["country", "regime", "law"],
                "properties": {
                    "country": {"type": "string", "pattern": "^[A-Z]{2}$"},
                    "regime": {"enum": [regime.value for regime in Regime]},
                    "law": {"type": "string", "minLength": 1},
                    "double_opt_in": {"type": "boolean"},
                },
                "additionalProperties": False,
            },
        }
    },
    "additionalProperties": False,
}


def load_catalogue(directory: Path) -> Catalogue:
    """Read both files in the templates' directory; ConfigurationError says what is wrong with them."""
    path = directory / "topics.toml"
    regimes = load_regimes(directory)
    topics = [
        Topic(**{**row, "purpose": Purpose(row["purpose"]), "regimes": regimes})
        for row in read_toml(path, _SHAPE)["topic"]
    ]
    for index, topic in enumerate(topics):
        if topic.double_opt_in and topic.purpose is not Purpose.MARKETING:
            detail = f"/topic/{index}/double_opt_in is for marketing: {topic.name} needs no opt-in"
            raise ConfigurationError(f"{path}: {detail}")
    try:
        return Catalogue(topics)
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def load_regimes(directory: Path) -> Regimes:
    """Read `regimes.toml`: one row a country, each with its law."""
    path = directory / "regimes.toml"
    rows: dict[str, RegimeRow] = {}
    for index, row in enumerate(read_toml(path, _REGIMES)["regime"]):
        if not is_country(row["country"]):
            raise ConfigurationError(f"{path}: /regime/{index}/country is no country (ISO 3166)")
        if row["country"] in rows:
            raise ConfigurationError(f"{path}: /regime/{index}/country has a row already")
        rows[row["country"]] = RegimeRow(
            Regime(row["regime"]), row["law"], double_opt_in=row.get("double_opt_in", False)
        )
    return Regimes(rows)
