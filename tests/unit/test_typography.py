"""French as it is printed, in mails, topics and explanations; SMS keep to GSM-7."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from notify.domain.explanations import FRENCH

TEMPLATES: Final = Path(__file__).parents[2] / "templates"
_NOT_READ: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\[\[.*?\]\]|<[^>]*>|https?://\S+", re.DOTALL)
_WRONG: Final = re.compile(r"[ \t][;:!?»]|«[ \t]|\w['`]\w|\.\.\.")


def _of_toml(table: dict[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict):
                yield from _of_toml(
                    part if key != "fr" else {f"fr.{name}": text for name, text in part.items()}
                )
            elif key == "fr" or key.startswith("fr."):
                yield str(part)


def _texts() -> Iterator[tuple[str, str]]:
    for path in sorted(TEMPLATES.rglob("*.fr.*")):
        if path.name != "sms.fr.txt":
            yield str(path.relative_to(TEMPLATES)), path.read_text(encoding="utf-8")
    for path in sorted((TEMPLATES / "_layout/fr").iterdir()):
        text = path.read_text(encoding="utf-8")
        yield f"fr/{path.name}", re.sub("(?m)^(#|sms_).*$", "", text)
    for path in (TEMPLATES / "topics.toml", *sorted(TEMPLATES.glob("*/template.toml"))):
        found = _of_toml(tomllib.loads(path.read_text(encoding="utf-8")))
        yield str(path.relative_to(TEMPLATES)), "\n".join(found)
    yield "explanations", "\n".join(FRENCH.values())


@pytest.mark.parametrize(("place", "text"), [pytest.param(*one, id=one[0]) for one in _texts()])
def test_no_sign_stands_alone_at_the_start_of_a_line(place: str, text: str) -> None:
    read = _NOT_READ.sub("x", text.replace("&nbsp;", "\u00a0"))
    assert read.strip(), place
    assert [read[max(0, it.start() - 20) : it.end()] for it in _WRONG.finditer(read)] == []
