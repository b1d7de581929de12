"""Reads the TOML files under `templates/` and checks their shape before anything is made of them."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from notify.domain.errors import ConfigurationError
from notify.rendering.wording import problem_texts


def read_text(path: Path) -> str:
    """Return a file's UTF-8 text; ConfigurationError if that cannot be had."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: this file is missing") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read as UTF-8 text: {error}") from None


def read_toml(path: Path, shape: Mapping[str, Any]) -> dict[str, Any]:
    """Return a TOML file's content; ConfigurationError names what breaks the JSON Schema `shape`."""
    try:
        content = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: not valid TOML: {error}") from None
    errors = Draft202012Validator(shape).iter_errors(content)
    problems = dict.fromkeys(f"{at or '/'} {text}" for error in errors for at, text in problem_texts(error))
    if problems:
        raise ConfigurationError(f"{path}: {'; '.join(problems)}")
    return content
