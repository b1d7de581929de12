"""The Jinja environment that messages are rendered in: it can show data, and nothing else.

Whoever may change a template may not thereby run code in a worker, read its memory or keep it busy. So the
language is cut down to output, conditions and loops over data: no calls, no macros, no assignments, no
arithmetic, no attributes of objects. What is left ends after a time that data and template bound.
"""

from typing import Final

from jinja2 import StrictUndefined, TemplateError, Undefined, UndefinedError, nodes
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from notify.domain.characters import BIDI, CONTROL
from notify.rendering.formats import filters

_ALLOWED: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem,
    nodes.If, nodes.For, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not,
    nodes.Test, nodes.Filter, nodes.Concat,
)  # fmt: skip
_MAX_LOOPS: Final = 2
_LOOP: Final = frozenset({"first", "last", "index", "index0", "length"})


class TemplateSyntax(TemplateError):  # noqa: N818 - named after what it is about
    """A template uses what the cut-down language does not have."""


class MessageEnvironment(ImmutableSandboxedEnvironment):
    """Jinja without calls; names look up data only."""

    def __init__(self, locale: str, *, html: bool) -> None:
        """Make the environment of one language; `html` escapes what is put out."""
        super().__init__(
            undefined=StrictUndefined,
            autoescape=html,
            finalize=_shown,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
        )
        kept = {name: self.filters[name] for name in ("upper", "lower", "length", "first", "last", "join")}
        self.filters = {**kept, **filters(locale)}
        self.tests = {name: self.tests[name] for name in ("defined", "none", "==", "eq", "in", "ne", "!=")}
        self.globals = {}

    def getattr(self, obj: object, attribute: str) -> object:
        """Look up a field; attributes of Python objects are out of reach, but for a loop's counters."""
        if isinstance(obj, LoopContext) and attribute in _LOOP:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: object, argument: object) -> object:
        """Look up a field or an entry."""
        if isinstance(obj, dict | list):
            try:
                return obj[argument]  # type: ignore[call-overload,unused-ignore]
            except (LookupError, TypeError):
                pass
        return self.undefined(obj=obj, name=str(argument))

    def checked(self, source: str) -> str:
        """Return `source` if it stays within the language; TemplateError says what does not."""
        _walk(self.parse(source), 0)
        return source


def _walk(node: nodes.Node, loops: int) -> None:
    if not isinstance(node, _ALLOWED):
        raise TemplateSyntax(f"line {node.lineno}: {type(node).__name__} is not allowed in messages")
    if isinstance(node, nodes.For):
        loops += 1
        if node.recursive or loops > _MAX_LOOPS:
            raise TemplateSyntax(
                f"line {node.lineno}: loops may not recurse, nor nest deeper than {_MAX_LOOPS}"
            )
    for child in node.iter_child_nodes():
        _walk(child, loops)


def _shown(value: object) -> object:
    """Let only text and numbers into a message, and no character that acts instead of showing."""
    if isinstance(value, Markup):
        return value  # a campaign's body, rendered here
    if isinstance(value, str):
        return BIDI.sub("", CONTROL.sub(" ", value))
    if isinstance(value, Undefined) or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise UndefinedError("a value is missing, or is not text: guard it with {% if … %}")
