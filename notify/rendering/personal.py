"""Tells whether a template of campaigns looks at the person, or only shows what is known of one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from jinja2 import nodes

from notify.rendering.sandbox import TemplateSyntax

NAME: Final = "recipient_name"
ATTRIBUTES: Final = "attributes"
CONTENT: Final = frozenset({"subject", "preheader", "body", "sms"})


@dataclass(frozen=True, slots=True)
class PersonalUse:
    """What a template uses of a person; `individual`: in more than plain output, such as a condition."""

    individual: bool
    name: bool
    attributes: frozenset[str]

    def __or__(self, other: "PersonalUse") -> "PersonalUse":
        """Return what two texts use together."""
        return PersonalUse(
            self.individual or other.individual, self.name or other.name, self.attributes | other.attributes
        )


NOTHING: Final = PersonalUse(False, False, frozenset())


def personal_use(tree: nodes.Node) -> PersonalUse:
    """Read a parsed template; TemplateError where it takes all attributes at once."""
    found = NOTHING
    for one in _uses(tree, plain=False):
        found |= one
    return found


def _uses(node: nodes.Node, *, plain: bool) -> Iterator[PersonalUse]:
    """`plain`: the node is put out as it is, so that a mark can stand for it."""
    if isinstance(node, nodes.Name):
        if node.name == ATTRIBUTES:
            raise TemplateSyntax(f"line {node.lineno}: name the attribute: attributes.city")
        if node.name == NAME:
            yield PersonalUse(not plain, True, frozenset())
        elif node.name in CONTENT:
            # A campaign's texts hold marks: a filter would see those in place of the values.
            yield PersonalUse(not plain, False, frozenset())
    elif (attribute := _attribute(node)) is not None:
        yield PersonalUse(not plain, False, frozenset({attribute}))
    elif isinstance(node, nodes.If) and isinstance(node.test, nodes.Name) and node.test.name in CONTENT:
        # Whether a campaign has that text is the same for everybody.
        for child in (*node.body, *node.elif_, *node.else_):
            yield from _uses(child, plain=False)
    else:
        for child in node.iter_child_nodes():
            yield from _uses(child, plain=isinstance(node, nodes.Output))


def _attribute(node: nodes.Node) -> str | None:
    if not isinstance(node, nodes.Getattr | nodes.Getitem) or not isinstance(node.node, nodes.Name):
        return None
    if node.node.name != ATTRIBUTES:
        return None
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        return node.arg.value
    return None
