"""The shape of data: all that decides whether a template renders with it.

What a message says depends on every value, but whether it can be rendered at all depends on much less: which
fields there are, of which types, and which of them are empty, as long as the template compares them with
constants only, and formats only what the schema has checked. So data need not be tried out if data of the
same shape was.
"""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final

from jinja2 import nodes

from notify.rendering.sandbox import MessageEnvironment

_EQUAL: Final = frozenset({"eq", "ne", "==", "!="})
_BY_FORMAT: Final = frozenset({"date", "time", "money"})
"""Filters that fail on what is not checked by the schema's format of the same name."""

_ORDINARY_YEARS: Final = ("1900", "2199")
_LONGEST_AMOUNT: Final = 20
_MOST_SHAPES: Final = 1_000

_ABSENT: Final[Mapping[str, Any]] = {}
"""Describes what is the same in every trial: fields that the schema does not let in, and the sample links."""

_Scope = Mapping[str, Mapping[str, Any] | None]


class UnusualError(Exception):
    """The data has no shape: a date or amount at the edges of what can be formatted."""


class Shapes:
    """Reads shapes for one template; `sound` is false if rendering depends on more than the shape."""

    def __init__(self, schema: Mapping[str, Any], texts: Iterable[nodes.Template]) -> None:
        """Look at all texts of the template, parsed."""
        self._schema = schema
        self._closed = schema.get("additionalProperties") is False
        self._constants: set[tuple[type, object]] = set()
        self.sound = True
        for text in texts:
            self._read(text, schema.get("properties", {}))

    def of(self, data: object) -> Hashable:
        """Return the shape of data that fits the schema. UnusualError."""
        return self._shape(data, self._schema)

    def _shape(self, value: object, schema: Mapping[str, Any]) -> Hashable:
        if isinstance(value, str):
            if schema.get("format") == "date" and not _ORDINARY_YEARS[0] <= value[:4] <= _ORDINARY_YEARS[1]:
                raise UnusualError
            return "text", bool(value), value if (str, value) in self._constants else None
        if isinstance(value, Mapping):
            if schema.get("format") == "money" and not _is_ordinary(value.get("amount")):
                raise UnusualError
            parts = schema.get("properties", {})
            return "object", tuple(
                (name, self._shape(value[name], parts.get(name, {}))) for name in sorted(value)
            )
        if isinstance(value, list):
            entries = [self._shape(entry, schema.get("items", {})) for entry in value]
            return "list", min(len(entries), 2), *entries[:1], frozenset(entries[1:-1]), *entries[-1:]
        known = value if (type(value), value) in self._constants else None
        return type(value).__name__, bool(value), known

    def _read(self, node: nodes.Node, scope: _Scope) -> None:
        match node:
            case nodes.For(target=nodes.Name(name=name)):
                entries = self._described(node.iter, scope)
                self._read(node.iter, scope)
                item = entries.get("items") if entries else entries
                inner = {**scope, name: item, "loop": None}
                for child in [*node.body, *node.else_, *([node.test] if node.test else [])]:
                    self._read(child, inner)
                return
            case nodes.Compare(ops=[nodes.Operand(op=op, expr=other)]):
                self._compared(op, scope, node.expr, other)
            case nodes.Test(name=name, args=[other]) if name in _EQUAL:
                self._compared(name, scope, node.node, other)
            case nodes.Compare() | nodes.Test(name="in"):
                self.sound = False
            case nodes.Filter(name=name) if name in _BY_FORMAT:
                described = self._described(node.node, scope)
                checked = described is _ABSENT or (described is not None and described.get("format") == name)
                self.sound = self.sound and checked
            case nodes.Getitem(arg=nodes.Const(value=str())):
                pass
            case nodes.Getitem():
                self.sound = False
        for child in node.iter_child_nodes():
            self._read(child, scope)

    def _compared(self, op: str, scope: _Scope, *sides: nodes.Node) -> None:
        """Remember what values are compared with; more than field = constant is too much."""
        constants = [side.value for side in sides if isinstance(side, nodes.Const)]
        fields = [side for side in sides if self._described(side, scope) is not None]
        self.sound = self.sound and op in _EQUAL and len(constants) == 1 and len(fields) == 1
        for value in constants:
            kinds: tuple[type, ...] = (int, float, bool) if isinstance(value, int | float) else (type(value),)
            self._constants |= {(kind, value) for kind in kinds}

    def _described(self, node: nodes.Node | None, scope: _Scope) -> Mapping[str, Any] | None:
        """Return the schema of what an expression names; None if it is more than a name."""
        match node:
            case nodes.Name(name=name):
                return scope.get(name, _ABSENT if self._closed else None)
            case nodes.Getattr(node=inner, attr=name):
                described = self._described(inner, scope)
                if described is None or described is _ABSENT:
                    return described
                found = described.get("properties", {}).get(name)
                return found if isinstance(found, Mapping) else None
        return None


def _is_ordinary(amount: object) -> bool:
    text = str(amount)
    return len(text) <= _LONGEST_AMOUNT and "e" not in text.lower()


class Trials:
    """Remembers which shapes of data a template was tried with, and rendered."""

    def __init__(self, shapes: Shapes) -> None:
        """Start with none."""
        self._shapes = shapes
        self._passed: set[Hashable] = set()

    def passed(self, data: Mapping[str, Any]) -> bool:
        """Whether data of this shape rendered before."""
        shape = self._shape(data)
        return shape is not None and shape in self._passed

    def note(self, data: Mapping[str, Any]) -> None:
        """Remember that this data rendered."""
        shape = self._shape(data)
        if shape is not None and len(self._passed) < _MOST_SHAPES:
            self._passed.add(shape)

    def _shape(self, data: Mapping[str, Any]) -> Hashable | None:
        if not self._shapes.sound:
            return None
        try:
            return self._shapes.of(data)
        except UnusualError:
            return None


def parse_all(texts: Iterable[str | None], locale: str) -> list[nodes.Template]:
    """Parse texts of templates; they were compiled before, so that they do parse."""
    environment = MessageEnvironment(locale, html=False)
    return [environment.parse(text) for text in texts if text is not None]
