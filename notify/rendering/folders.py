"""Reads template folders: what stands where under `templates/`, and how parts are put into one text."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from pathlib import Path
from typing import Any, Final

from notify.domain.catalogue import CONFIRMATIONS, LOCALES, Channel
from notify.domain.errors import ConfigurationError
from notify.domain.imprint import NO_IMPRINT, Imprint
from notify.rendering.toml_files import read_text, read_toml

_LAYOUT: Final = "_layout"
_NOT_TEMPLATES: Final = frozenset({"pages"})
_PART: Final = re.compile(r"\[\[ *([a-z][a-z0-9_.]*) *\]\]")
_MAX_DEPTH: Final = 5
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")

_LINE: Final = {"type": "string", "minLength": 1}
_SHAPE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["channels"],
    "properties": {
        "campaign": {"const": True},
        "internal": {"const": True},
        "topic": _LINE,
        "channels": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"enum": [channel.value for channel in Channel]},
        },
        "expires_after_hours": {"type": "integer", "minimum": 1, "maximum": 24 * 365},
        "supersedes": {"type": "array", "uniqueItems": True, "items": _LINE},
        "data": {"type": "object"},
        "email": {
            "type": "object",
            "required": list(LOCALES),
            "properties": {
                locale: {
                    "type": "object",
                    "required": ["subject", "preheader"],
                    "properties": {"subject": _LINE, "preheader": _LINE},
                    "additionalProperties": False,
                }
                for locale in LOCALES
            },
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
_WORDS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": _LINE}
ELEMENTS: Final = (
    "h2", "h3", "h4", "p", "ul", "ol", "li", "blockquote", "hr", "a", "img", "code", "pre",
    "button", "button_cell", "button_row",
)  # fmt: skip
"""What `_layout/body.toml` gives a style to; `button` is a link that looks like one, in a cell in a row."""

MEASURES: Final = ("button_colour", "img_width")
"""What it says besides, for mail apps that read no styles there: a colour, and pixels."""

_STYLES: Final[dict[str, Any]] = {
    "type": "object",
    "required": [*ELEMENTS, *MEASURES],
    "properties": {"img_width": {**_LINE, "pattern": "^[1-9][0-9]{0,3}$"}},
    "additionalProperties": _LINE,
}
_FIELDS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": {"type": "object"}}
_COLOURS: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "additionalProperties": {"type": "string", "pattern": "^#[0-9a-f]{6}$"},
    },
}


@dataclass(frozen=True, slots=True)
class Folder:
    """One template as declared in its `template.toml`; its texts stand beside that file.

    `topic` None: it is a template of campaigns, which bring topic and content. `internal`: the service sends
    it by itself, and no caller can name it.
    """

    path: Path
    topic: str | None
    channels: tuple[Channel, ...]
    expires_after: timedelta | None
    supersedes: tuple[str, ...]
    data: Mapping[str, Any]
    lines: Mapping[str, Mapping[str, str]]
    internal: bool = False


def template_folders(directory: Path) -> list[Path]:
    """Return the folders that are templates: all but `pages` and those whose name starts with `_`."""
    if not directory.is_dir():
        raise ConfigurationError(f"{directory}: there is no such directory")
    folders = (path for path in sorted(directory.iterdir()) if path.is_dir())
    found = [path for path in folders if path.name not in _NOT_TEMPLATES and path.name[0] not in "_."]
    for path in found:
        if not _NAME.fullmatch(path.name):
            raise ConfigurationError(f"{path}: a template's name is lower-case letters, digits and _")
    return found


def read_folder(path: Path) -> Folder:
    """Read a template's declaration; ConfigurationError names file and problem."""
    declared = read_toml(path / "template.toml", _SHAPE)
    channels = tuple(Channel(name) for name in declared["channels"])
    if (Channel.EMAIL in channels) is not ("email" in declared):
        raise ConfigurationError(f"{path / 'template.toml'}: [email.…] goes with the channel email")
    _check_kind(path / "template.toml", declared)
    hours = declared.get("expires_after_hours")
    return Folder(
        path=path,
        topic=declared.get("topic"),
        channels=channels,
        expires_after=None if hours is None else timedelta(hours=hours),
        supersedes=tuple(declared.get("supersedes", ())),
        data=declared.get("data", {}),
        lines=declared.get("email", {}),
        internal="internal" in declared,
    )


def _check_kind(path: Path, declared: Mapping[str, Any]) -> None:
    """A template is for notifications, with a topic and data of its own, or for campaigns."""
    own = {"topic", "data"} & declared.keys()
    if "campaign" not in declared and own != {"topic", "data"}:
        raise ConfigurationError(f"{path}: topic and [data] are required, or campaign = true")
    if ("internal" in declared) is not (declared.get("topic") == CONFIRMATIONS.name):
        raise ConfigurationError(f"{path}: internal = true goes with the topic {CONFIRMATIONS.name}")
    taken = {"topic", "data", "expires_after_hours", "supersedes"} & declared.keys()
    if "campaign" in declared and taken:
        raise ConfigurationError(f"{path}: a campaign brings its own: {', '.join(sorted(taken))}")


class Layout:
    """What templates share, from `_layout/`: the frames of each channel, parts, words, colours, fields."""

    def __init__(self, directory: Path, imprint: Imprint = NO_IMPRINT) -> None:
        """Read what is TOML now; frames and parts are read when they are used."""
        self._imprint = {
            "address": ("shop_address", imprint.address),
            "privacy": ("privacy_url", imprint.privacy_url),
            "legal": ("legal_url", imprint.legal_url),
        }
        self._directory = directory / _LAYOUT
        self.fields = read_toml(self._directory / "fields.toml", _FIELDS)
        self._colours = {
            f"{scheme}.{name}": value
            for scheme, colours in read_toml(self._directory / "colours.toml", _COLOURS).items()
            for name, value in colours.items()
        }
        self._words = {
            locale: read_toml(self._directory / locale / "words.toml", _WORDS) for locale in LOCALES
        }

    def styles(self) -> dict[str, str]:
        """Return the style of each element that Markdown makes, from `body.toml`."""
        path = self._directory / "body.toml"
        parts = _Parts(self._directory, "", self._colours, ())
        return {name: parts.filled(path, style) for name, style in read_toml(path, _STYLES).items()}

    def framed(
        self, content: Path, locale: str, given: Mapping[str, str], variants: Sequence[str] = ()
    ) -> str:
        """Return the text of `content` within its channel's frame, every `[[ part ]]` put in its place.

        A part is one of `given`, a word of the language, a colour, or a file beside the frame. Of a file,
        frames included, the first of `variants` is taken that there is: `why.marketing.txt` before `why.txt`.
        """
        imprint = {name: value for name, value in self._imprint.values() if value}
        known = {**self._words[locale], **given, **imprint}
        if content.suffix == ".mjml":
            known = {name: escape(text, quote=False) for name, text in known.items()}
        known |= {**self._colours, "locale": locale, "content": read_text(content)}
        known |= {f"imprint_{part}": "" for part, (_, value) in self._imprint.items() if not value}
        parts = _Parts(self._directory, locale, known, variants)
        frame = parts.file(content, content.name.split(".")[0])
        text = parts.filled(frame)
        for part, (name, value) in self._imprint.items():
            if value and frame.name.startswith("email.") and known[name] not in text:
                raise ConfigurationError(f"{frame}: {name.upper()} is set: put [[ imprint_{part} ]] into it")
        return text


@dataclass(frozen=True, slots=True)
class _Parts:
    """Where the parts of one text come from."""

    directory: Path
    locale: str
    known: Mapping[str, str]
    variants: Sequence[str]

    def filled(self, place: Path, text: str | None = None, depth: int = 0) -> str:
        """Return `text`, else the file's, with every part put in its place; `place` is named in errors."""
        if depth > _MAX_DEPTH:
            raise ConfigurationError(f"{place}: parts within parts go too deep")

        def part(match: re.Match[str]) -> str:
            name = match[1]
            if name in self.known:
                return self.filled(place, self.known[name], depth + 1)
            return self.filled(self.file(place, name), depth=depth + 1)

        return _PART.sub(part, read_text(place).rstrip("\n") if text is None else text)

    def file(self, user: Path, name: str) -> Path:
        """Find the file of a part: a variant before the plain one, the language's own before that for all."""
        for stem in (*(f"{name}.{variant}" for variant in self.variants), name):
            for directory in (self.directory / self.locale, self.directory):
                path = directory / f"{stem}{user.suffix}"
                if path.is_file():
                    return path
        raise ConfigurationError(f"{user}: [[ {name} ]] is no word, colour or part")
