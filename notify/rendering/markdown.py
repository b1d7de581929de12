"""Turns what an author writes in Markdown into HTML for mails and into plain text for reading."""

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from notify.domain.unbroken import INLINE, unbroken

# RFC 3986 without user information: https://smarttontine.org@evil.example looks like what it is not.
_LINK: Final = re.compile(r"https?://[^\s/?#@\\]+(?:[/?#]\S*)?|mailto:[^\s@]+@[^\s@]+", re.IGNORECASE)
_IMAGE: Final = re.compile(r"https://[^\s/?#@\\]+(?:[/?#]\S*)?", re.IGNORECASE)
_DEEPEST: Final = 4
_SIZE: Final = re.compile(r"([1-9]\d{0,3})(?:x([1-9]\d{0,3}))?", re.ASCII)
"""The title of a picture that says how wide it is shown, and how high, in pixels: `300` or `300x200`."""


class _Parser(MarkdownIt):
    """Takes every address: they are judged here, with a clear word; the library would show them as text."""

    def validateLink(self, url: str) -> bool:  # noqa: N802, ARG002 - the library's name
        return True


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong with a text, at a line that counts from 1."""

    line: int
    detail: str


class Body:
    """One text in Markdown: CommonMark, where HTML is text."""

    def __init__(self, source: str, mark: str) -> None:
        """Parse `source`; `mark` is what every mark in it begins with."""
        self._markdown = _Parser("commonmark", {"html": False})
        self._tokens = self._markdown.parse(source)
        self._mark = mark

    def flaws(self) -> Iterator[Flaw]:
        """Yield what may not be sent."""
        for block in self._tokens:
            line = block.map[0] + 1 if block.map else 1
            for token in block.children or ():
                if detail := self._flaw(token):
                    yield Flaw(line, detail)

    def _flaw(self, token: Token) -> str | None:
        if token.type not in {"link_open", "image"}:
            return None
        address = str(token.attrGet("href" if token.type == "link_open" else "src") or "")
        if self._mark in address:
            return "a merge field cannot stand in an address: addresses hold nothing personal"
        if token.type == "link_open":
            return None if _LINK.fullmatch(address) else "a link must be http://, https:// or mailto:"
        if not _IMAGE.fullmatch(address):
            return "a picture must have an https:// address"
        if not token.content.strip():
            return "a picture needs a text for those who do not see it: ![text](address)"
        return None

    def html(self, styles: Mapping[str, str]) -> str:
        """Return HTML with a style of `styles` on each element.

        Headings begin below the mail's own h1 and never skip a level. A paragraph that is one bold link
        becomes a button. Every picture says how wide it is: Outlook for Windows knows no other limit.
        """
        level = 1
        tokens = deepcopy(self._tokens)  # the plain text is made of them as they are
        for index, token in enumerate(tokens):
            if token.type == "heading_open":
                level = min(int(token.tag[1]) + 1, level + 1, _DEEPEST)
                token.tag = tokens[index + 2].tag = f"h{level}"
            elif token.type == "fence":
                token.type, token.tag = "code_block", "pre"
            elif token.type == "code_block":
                token.tag = "pre"
            if token.nesting >= 0:
                _style(token, styles)
            if _is_button(token):
                _make_button(tokens[index - 1 : index + 2], styles)
            else:
                _style_words(token.children or (), styles)
        html = str(self._markdown.renderer.render(tokens, self._markdown.options, {}))
        return unbroken(html, INLINE)

    def text(self) -> str:
        """Return plain text: links written out, lists and headings as one writes them by hand."""
        return _Plain(self._mark).text(self._tokens)


def _style(token: Token, styles: Mapping[str, str]) -> None:
    style = styles.get(token.tag)
    if style:
        token.attrSet("style", style)


def _style_words(tokens: Sequence[Token], styles: Mapping[str, str]) -> None:
    for token in tokens:
        if token.type == "link_open":
            token.attrSet("class", "link")
        if token.nesting >= 0:
            _style(token, styles)
        if token.type == "image":
            _limit(token, int(styles["img_width"]))


def _is_button(token: Token) -> bool:
    kinds = [one.type for one in token.children or () if one.type != "text" or one.content]
    return kinds[:2] == ["strong_open", "link_open"] and kinds[2:] == ["text", "link_close", "strong_close"]


def _make_button(paragraph: Sequence[Token], styles: Mapping[str, str]) -> None:
    """Put the link into a cell: Outlook for Windows gives padding and colour to cells, not to links."""
    opened, inline, closed = paragraph
    start, *rest = [one for one in inline.children or () if one.content or one.type.startswith("link_")]
    start.attrSet("style", styles["button"])
    table = '<table role="presentation" border="0" cellpadding="0" cellspacing="0"'
    before = (
        f'{table}><tr><td style="{styles["button_row"]}">'
        f'{table} class="button" style="border-collapse:separate">'
        f'<tr><td align="center" bgcolor="{styles["button_colour"]}" style="{styles["button_cell"]}">'
    )
    after = "</td></tr></table></td></tr></table>"
    ends = [Token("html_inline", "", 0, content=markup) for markup in (before, after)]
    inline.children = [ends[0], start, *rest, ends[1]]
    opened.hidden = closed.hidden = True


def _limit(image: Token, most: int) -> None:
    """Say how wide a picture is, in an attribute: what the author said in its title, else the column."""
    size = _SIZE.fullmatch(str(image.attrGet("title") or ""))
    width = min(int(size[1]), most) if size else most
    if size:
        del image.attrs["title"]
        image.attrSet("style", f"{image.attrGet('style')};width:{width}px")
    image.attrSet("width", str(width))
    if size and size[2]:
        image.attrSet("height", str(round(int(size[2]) * width / int(size[1]))))


@dataclass(slots=True)
class _Margin:
    """What stands before each line of a list's entry or a quotation."""

    first: str
    rest: str
    begun: bool = False


class _Plain:
    """Writes one parsed text by hand."""

    def __init__(self, mark: str) -> None:
        self._marked = re.compile(f"({re.escape(mark)}[a-z][0-9]+)")
        self._lines: list[str] = []
        self._margins: list[_Margin] = []
        self._counters: list[int | None] = []
        self._close = True  # whether the next block follows without a blank line

    def text(self, tokens: Sequence[Token]) -> str:
        kind = ""
        for token in tokens:
            if token.type.endswith("_open"):
                kind = token.type
                self._open(token)
            elif token.type.endswith("_close"):
                self._end(token)
            elif token.type == "inline":
                words = _inline(token.children or ())
                self._block(self._upper(words) if kind == "heading_open" else words)
            elif token.type == "hr":
                self._block("-" * 20)
            else:
                self._block("\n".join(f"    {line}" for line in token.content.rstrip("\n").split("\n")))
                self._close = False
        return "\n".join(self._lines)

    def _open(self, token: Token) -> None:
        if token.type == "bullet_list_open":
            self._counters.append(None)
        elif token.type == "ordered_list_open":
            self._counters.append(int(token.attrGet("start") or 1))
        elif token.type == "list_item_open":
            number = self._counters[-1]
            bullet = "- " if number is None else f"{number}. "
            if number is not None:
                self._counters[-1] = number + 1
            self._margins.append(_Margin(bullet, " " * len(bullet)))
        elif token.type == "blockquote_open":
            self._margins.append(_Margin("> ", "> "))

    def _end(self, token: Token) -> None:
        if token.type in {"bullet_list_close", "ordered_list_close"}:
            self._counters.pop()
            self._close = bool(self._counters)
        elif token.type in {"list_item_close", "blockquote_close"}:
            self._margins.pop()
            self._close = self._close and token.type == "list_item_close"
        else:
            self._close = token.hidden  # a paragraph of a list whose entries stand close together

    def _block(self, text: str) -> None:
        if not self._close and self._lines:
            self._lines.append("".join(one.rest for one in self._margins if one.begun).rstrip())
        for line in text.split("\n"):
            margin = "".join(one.rest if one.begun else one.first for one in self._margins)
            self._lines.append(f"{margin}{line}".rstrip())
            for one in self._margins:
                one.begun = True
        self._close = False

    def _upper(self, words: str) -> str:
        """Write a heading in capitals, but for its marks."""
        parts = self._marked.split(words)
        return "".join(part if number % 2 else part.upper() for number, part in enumerate(parts))


def _inline(tokens: Sequence[Token]) -> str:
    """Write words in a row; a link's address stands behind its text, below it where that is all there is."""
    found: list[str] = []
    links: list[tuple[int, str]] = []
    alone = [one.type for one in tokens if one.type not in {"text", "strong_open", "strong_close"}]
    for token in tokens:
        if token.type == "link_open":
            links.append((len(found), str(token.attrGet("href") or "")))
        elif token.type == "link_close":
            start, address = links.pop()
            words = "".join(found[start:])
            address = address.removeprefix("mailto:")
            only = alone == ["link_open", "link_close"] and not "".join(found[:start]).strip()
            if words != address:
                found.append(f"\n{address}" if only and token is _last(tokens) else f" ({address})")
        elif token.type == "softbreak":
            found.append(" ")
        elif token.type == "hardbreak":
            found.append("\n")
        elif token.type == "image":
            found.append(f"[{token.content}]")
        else:
            found.append(token.content)
    return "".join(found)


def _last(tokens: Sequence[Token]) -> Token:
    """Return the last token that is something to read or a link's end."""
    return [one for one in tokens if one.type != "strong_close" and (one.type != "text" or one.content)][-1]
