import re
import tomllib
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from notify.domain.catalogue import LOCALES, Channel, Purpose, Topic
from notify.domain.errors import ConfigurationError
from notify.web.pages.texts import load_texts, whole
from tests.doubles_pages import OFFERS
from tests.pages_app import PAGES_DIRECTORY

TEXTS = load_texts(PAGES_DIRECTORY)


def _strings(locale: str) -> dict[str, str]:
    def walk(table: dict[str, Any], prefix: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for key, value in table.items():
            found.update(walk(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value})
        return found

    return walk(tomllib.loads((PAGES_DIRECTORY / f"{locale}.toml").read_text(encoding="utf-8")), "")


def test_every_language_puts_the_same_values_into_the_same_sentence() -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    french, english = _strings("fr"), _strings("en")
    assert french.keys() == english.keys()
    assert {key: fields(text) for key, text in french.items()} == {
        key: fields(text) for key, text in english.items()
    }


@pytest.mark.parametrize(("key", "text"), _strings("fr").items())
def test_french_punctuation_never_starts_a_line(key: str, text: str) -> None:
    assert not re.search(r" [?;:!»]|« ", text), key


@pytest.mark.parametrize("locale", LOCALES)
def test_every_word_of_the_templates_exists(locale: str) -> None:
    known = TEXTS[locale].keys()
    for template in PAGES_DIRECTORY.glob("*.html"):
        source = template.read_text(encoding="utf-8")
        for key in re.findall(r't\("([a-z_.]+)"[,)]', source):
            assert key in known, (template.name, key)
        for prefix in re.findall(r't\("([a-z_.]+\.)" ~', source):
            assert any(key.startswith(prefix) for key in known), (template.name, prefix)


def test_a_language_that_lacks_words_is_named_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "fr.toml").write_text('[a]\nb = "x"\nc = "y"\n')
    (tmp_path / "en.toml").write_text('[a]\nb = "x"\n')
    with pytest.raises(ConfigurationError, match=r"en\.toml lacks: a\.c"):
        load_texts(tmp_path)


def test_a_value_may_hold_braces() -> None:
    assert TEXTS["en"]("what.topic", title="{x}") == "“{x}”"


def test_a_topic_known_in_one_language_only_keeps_its_name() -> None:
    topic = Topic(9, "events", Purpose.MARKETING, {"fr": "Événements"}, {}, {})
    nameless = Topic(10, "polls", Purpose.MARKETING, {}, {}, {})
    assert TEXTS["en"].topic(topic) == "Événements"
    assert TEXTS["en"].topic(nameless) == "polls"


def test_a_preference_reads_as_a_line() -> None:
    assert TEXTS["en"].line(OFFERS, Channel.SMS) == "Product offers, by SMS"
    assert TEXTS["fr"].what(None) == "ces messages"


def test_a_masked_number_is_never_torn() -> None:
    assert " " not in whole("+221 •• ••• •• 67")
