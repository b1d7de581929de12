"""How many there are, said as one says it of one and of several."""


def counted(number: int, one: str, several: str) -> str:
    """Return the number with the words that go with it; none at all is several."""
    return f"{number} {one if number == 1 else several}"
