"""What README.md and the guides say about settings, commands and files is so."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import pytest
from pydantic.fields import FieldInfo

from notify.cli import notify
from notify.domain.status import Reason, Status
from notify.settings import Settings

ROOT: Final = Path(__file__).parents[2]
README: Final = ROOT / "README.md"
GUIDES: Final = (README, *sorted((ROOT / "docs").glob("*.md")))
TEXTS: Final = (*GUIDES, ROOT / "CHANGELOG.md", ROOT / "docs/decisions/README.md")

RECORDS: Final = tuple(sorted((ROOT / "docs/decisions").glob("0*.md")))

ROW: Final = re.compile(r"^\| `([A-Z_]+)` \| (.+?) \| .+ \|$", re.MULTILINE)
CODE: Final = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE: Final = re.compile(r"`([^`\n]+)`")
LINK: Final = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)|src=\"([^\"]+)\"")
CITED: Final = re.compile(r"`((?:[a-z_0-9]+/)+[a-z_0-9{},]*(?:\.py)?)`")
SHELL: Final = frozenset({"", "sh"})


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def settings() -> dict[str, FieldInfo]:
    return {
        str(field.validation_alias or name).upper(): field for name, field in Settings.model_fields.items()
    }


def commands(path: Path) -> Iterator[list[str]]:
    """Every command line shown in shell blocks and in backticks, as words."""
    text = read(path)
    blocks = [body for language, body in CODE.findall(text) if language in SHELL]
    lines = [line for body in blocks for line in body.splitlines()]
    for line in (*lines, *INLINE.findall(CODE.sub("", text))):
        words = line.split("#")[0].split()
        if words:
            yield words


def shown(default: object) -> str | None:
    """How the table shows a default that can be written down; None for one it describes."""
    if isinstance(default, tuple):
        return ",".join(name for name, _ in default)
    if isinstance(default, float):
        return f"{default:g}"
    if default is True:
        return "true"
    return str(default) if isinstance(default, str | int) and default else None


def test_the_table_lists_every_setting_and_nothing_else() -> None:
    assert sorted(name for name, _ in ROW.findall(read(README))) == sorted(settings())


def test_the_table_shows_the_defaults() -> None:
    table = dict(ROW.findall(read(README)))
    for name, field in settings().items():
        if (default := shown(field.default)) is not None:
            assert table[name] == f"`{default}`", name


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_make_targets_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", read(ROOT / "Makefile"), re.MULTILINE))
    for words in commands(path):
        if words[0] == "make":
            assert words[1] in targets, words


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_notify_commands_and_their_options_exist(path: Path) -> None:
    for words in commands(path):
        if words[0] != "notify" or len(words) == 1:
            continue
        command: click.Command = notify
        rest = words[1:]
        while isinstance(command, click.Group) and rest:
            assert rest[0] in command.commands, words
            command = command.commands[rest.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= known, words


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    targets = ["".join(found) for found in LINK.findall(read(path))]
    files = [target for target in targets if "://" not in target]
    assert files or path not in {README, TEXTS[-1]}
    for target in files:
        assert (path.parent / target).exists(), target


def test_every_process_of_the_procfile_is_explained() -> None:
    names = re.findall(r"^(\w+):", read(ROOT / "Procfile"), re.MULTILINE)
    guide = read(ROOT / "docs/operating.md")
    assert not [name for name in names if f"`{name}`" not in guide]


def test_every_status_is_explained() -> None:
    table = read(ROOT / "docs/api.md")
    assert not [status for status in Status if f"`{status.value}`" not in table]
    named = re.findall(r"^\| `(\w+)` \| [^|]+ \|$", table.split("| `reason` |")[1], re.MULTILINE)
    assert named
    assert set(named) <= {reason.value for reason in Reason}


def test_every_decision_is_listed() -> None:
    index = read(ROOT / "docs/decisions/README.md")
    assert re.findall(r"\((0\d+[^)]*\.md)\)", index) == [path.name for path in RECORDS]


def written_out(path: str) -> list[str]:
    """Every path that one with braces stands for."""
    before, brace, rest = path.partition("{")
    if not brace:
        return [path]
    names, _, after = rest.partition("}")
    return [before + name + after for name in names.split(",")]


@pytest.mark.parametrize("path", [*RECORDS, ROOT / "docs/code.md"], ids=lambda path: path.name)
def test_the_code_that_is_cited_is_there(path: Path) -> None:
    cited = [one for found in CITED.findall(read(path)) for one in written_out(found)]
    there = [name for name in cited if (ROOT / name.split("/")[0]).is_dir() or ".py" in name]
    assert not [name for name in there if not any((at / name).exists() for at in (ROOT, ROOT / "notify"))]


def test_pictures_are_small() -> None:
    pictures = [path for path in (ROOT / "docs/pictures").iterdir() if path.suffix in {".svg", ".webp"}]
    assert len(pictures) == 10
    assert max(path.stat().st_size for path in pictures) <= 60 * 1024
