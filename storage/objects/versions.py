"""What S3 answers to a list of an object's versions: keys and versions, where the list goes on, and nothing else of it.

The rule: an answer is read by a parser that takes no declaration of a document type, so that it has no entities to expand
and nothing of elsewhere to fetch. Source: AWS S3 API reference, ListObjectVersions; OWASP, XML external entities.
"""

from typing import Final, NamedTuple
from xml.parsers.expat import ExpatError, ParserCreate

__all__ = ["Listed", "read_versions"]

ENTRIES: Final = ("Version", "DeleteMarker")
FIELDS: Final = ("Key", "VersionId")
ENDS: Final = ("IsTruncated", "NextKeyMarker", "NextVersionIdMarker")


class Listed(NamedTuple):
    """One page of such a list."""

    versions: list[tuple[str, str]]
    """Key and version id of every version and of every mark of a deletion."""
    onward: tuple[str, str] | None = None
    """The markers (of key and version; the latter may be empty) that the next page is asked for with; None: this is the last."""


class _Declared(Exception):
    """It has a document type: nothing that S3 sends has one."""


def read_versions(body: bytes) -> Listed:
    """A page.

    Raises:
        ValueError: it is not such a list, or is cut and does not say where it goes on.
    """
    found: list[dict[str, str]] = []
    ends: dict[str, str] = {}
    path: list[str] = []

    def begin(name: str, _attributes: object) -> None:
        path.append(name)
        if len(path) == 2 and name in ENTRIES:  # noqa: PLR2004 - below the root
            found.append({})

    def end(_name: str) -> None:
        path.pop()

    def text(data: str) -> None:
        if len(path) == 2 and path[1] in ENDS:  # noqa: PLR2004 - below the root
            ends[path[1]] = ends.get(path[1], "") + data
        if len(path) == 3 and path[1] in ENTRIES and path[2] in FIELDS:  # noqa: PLR2004 - a field of an entry
            found[-1][path[2]] = found[-1].get(path[2], "") + data

    def refuse(*_declared: object) -> None:
        raise _Declared

    parser = ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, refuse
    try:
        parser.Parse(body, True)
        versions = [(one["Key"], one["VersionId"]) for one in found]
        if ends.get("IsTruncated", "").strip() != "true":
            return Listed(versions)
        return Listed(versions, (ends["NextKeyMarker"], ends.get("NextVersionIdMarker", "")))
    except (ExpatError, _Declared, KeyError) as error:
        raise ValueError("not a list of versions") from error
