"""Keys of webhooks, as settings hold them: several while one takes the place of another."""


def keys_in(text: str | None) -> tuple[str, ...]:
    """Return the keys of a setting, which commas separate."""
    return tuple(key.strip() for key in (text or "").split(",") if key.strip())
