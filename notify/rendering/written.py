"""What an author typed, without the characters that act instead of showing."""

from notify.domain.characters import shown

_TAB = 4


def written(text: str) -> str:
    """Return `text` line by line without control and direction characters; tabs become spaces."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(shown(line.expandtabs(_TAB)) for line in lines)
