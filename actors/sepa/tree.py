"""XML from a stranger, read as a stream: no DTD, no entity, no network, and never more of it in memory than an entry.

The rule: what a file may make of us is bounded whatever it holds: its bytes (whoever calls), how deep it goes,
how many elements are alive at once, how long a text is. An element that somebody waits for is handed over at its
end and then forgotten, so ten thousand entries cost what one does.
Source: defusedxml (which parser features are refused and why); OWASP, XML External Entity Prevention.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

__all__ = ["BadXml", "Node", "read_tree"]

DEPTH_MAX: Final = 40
"""camt.054 goes 17 deep."""
ALIVE_MAX: Final = 50_000
"""Elements at once: an entry with its details has some hundred."""
TEXT_CHARACTERS_MAX: Final = 1_000
"""Longest text is 500, of AddtlNtryInf."""
PIECE_BYTES: Final = 65_536


class BadXml(Exception):
    """It is not what it should be; the text says why, and repeats nothing of it."""


class Node:
    """An element, without its namespace."""

    __slots__ = ("alive", "attributes", "children", "tag", "text")

    def __init__(self, tag: str, attributes: Mapping[str, str], alive: int) -> None:
        self.tag = tag
        self.attributes = attributes
        self.alive = alive
        self.children: list[Node] = []
        self.text = ""

    def every(self, path: str) -> "Iterator[Node]":
        """The elements of a path such as `Refs/EndToEndId`."""
        name, _, rest = path.partition("/")
        for child in self.children:
            if child.tag == name:
                if rest:
                    yield from child.every(rest)
                else:
                    yield child

    def first(self, *paths: str) -> "Node | None":
        """The first element of the first path that there is."""
        return next((found for path in paths for found in self.every(path)), None)

    def told(self, *paths: str) -> str:
        """Its text, or an empty one."""
        found = self.first(*paths)
        return "" if found is None else found.text.strip()


class _Target:
    """What the parser speaks to."""

    def __init__(self, waiting: Mapping[str, Callable[[Node, "list[Node]"], None]]) -> None:
        self._waiting = waiting
        self._alive = 0
        self.namespace = ""
        self.path: list[Node] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        namespace, _, name = tag.rpartition("}")
        if not self.path:
            self.namespace = namespace[1:]
        elif namespace[1:] != self.namespace:
            raise BadXml("an element of another namespace")
        node = Node(name, attributes, self._alive)
        self._alive += 1
        if len(self.path) >= DEPTH_MAX or self._alive > ALIVE_MAX:
            raise BadXml("more elements inside one another, or in one entry, than a report has")
        if self.path:
            self.path[-1].children.append(node)
        self.path.append(node)

    def data(self, text: str) -> None:
        """A text goes on."""
        node = self.path[-1]
        node.text += text
        if len(node.text) > TEXT_CHARACTERS_MAX:
            if not node.text.isspace():
                raise BadXml("a text that is longer than any of a report")
            node.text = ""

    def end(self, _tag: str) -> None:
        """An element is over: whoever waits for it has it now."""
        node = self.path.pop()
        wanted = self._waiting.get(node.tag)
        if wanted is not None:
            wanted(node, self.path)
            if self.path:
                self.path[-1].children.pop()  # it is the last one
            self._alive = node.alive

    def close(self) -> str:
        """All was read; the namespace of the document."""
        return self.namespace


def read_tree(body: bytes, waiting: Mapping[str, Callable[[Node, list[Node]], None]]) -> str:
    """Read a document.

    Args:
        body: its bytes.
        waiting: by the name of an element: who is given it, with those around it, before it is forgotten.

    Returns: its namespace.

    Raises:
        BadXml: it is no XML, or has what is refused.
    """
    target = _Target(waiting)
    parser: Any = DefusedXMLParser(
        target=target, forbid_dtd=True, forbid_entities=True, forbid_external=True
    )
    try:
        for begin in range(0, len(body), PIECE_BYTES):
            parser.feed(body[begin : begin + PIECE_BYTES])
        namespace: str = parser.close()
    except DefusedXmlException:
        raise BadXml("it has a DTD or an entity, which no report has") from None
    except (ParseError, LookupError, ValueError):  # the latter two: an encoding that nobody knows
        raise BadXml("it is not well-formed XML") from None
    return namespace
