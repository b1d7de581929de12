"""The composition root, the only place that knows every part."""

from notify.bootstrap.composition import Composition, build

__all__ = ["Composition", "build"]
