"""Whether an answer is what the description says: its status, media type, headers and body.

Rule: the judge is an outside validator (jsonschema). Every object schema is closed before, so that a
member that is not described is an error; what is open by nature (a map of checks) stays open.
Source: OpenAPI 3.1.0; JSON Schema 2020-12.
"""

import copy
from collections.abc import Mapping
from typing import Any

import httpx
import orjson
from jsonschema import Draft202012Validator

Json = dict[str, Any]
DRESS = {
    "cache-control", "content-length", "content-security-policy", "content-type",
    "cross-origin-resource-policy", "date", "pragma", "referrer-policy", "vary",
    "x-content-type-options",
    "x-frame-options",
}  # fmt: skip
"""Headers that a browser reads, or HTTP itself needs: of every answer, so of no operation."""


class Described:
    """A document, and answers held to it."""

    def __init__(self, document: Json) -> None:
        self.document = document
        self._closed = copy.deepcopy(document)
        for schema in self._closed["components"]["schemas"].values():
            if "properties" in schema and schema["title"] != "Description":
                schema["additionalProperties"] = False
        self._judges: dict[bytes, Any] = {}  # their types say nothing of `validate`
        """Of each schema that was asked for: it takes longer to make one than to ask it a hundred times."""

    def answered(self, operation_id: str, answer: httpx.Response) -> None:
        """Hold an answer to what is said of its operation."""
        headers = {name.encode(): value.encode() for name, value in answer.headers.items()}
        self.holds(operation_id, answer.status_code, headers, answer.content)

    def holds(
        self, operation_id: str, status: int, headers: Mapping[bytes, bytes], body: bytes
    ) -> None:
        """Hold one, by its parts, names of headers in lower case.

        Raises:
            AssertionError: it is not described.
        """
        responses = self._operation(operation_id)["responses"]
        assert str(status) in responses, f"{operation_id} does not say {status}"
        response = self._resolved(responses[str(status)])
        names = {name.lower() for name in response["headers"]}
        given = {name.decode().lower() for name in headers}
        assert given <= names | DRESS, f"not described: {given - names - DRESS}"
        assert "x-request-id" in given
        media_type = headers[b"content-type"].decode()
        assert media_type in response["content"], f"{media_type} is not said of {status}"
        schema = response["content"][media_type]["schema"]
        if schema.get("type") == "string":
            assert body
            return
        self.fits(schema, body)

    def fits(self, schema: Json, body: bytes) -> None:
        """Hold a body to a schema."""
        name = orjson.dumps(schema)
        if name not in self._judges:
            whole = {**schema, "components": self._closed["components"]}
            self._judges[name] = Draft202012Validator(whole)
        self._judges[name].validate(orjson.loads(body))

    def _operation(self, operation_id: str) -> Json:
        """The operation of this id."""
        [found] = [
            operation
            for methods in self.document["paths"].values()
            for operation in methods.values()
            if operation["operationId"] == operation_id
        ]
        return dict(found)

    def _resolved(self, response: Json) -> Json:
        """A response, itself or by its name."""
        name = str(response.get("$ref", "")).rpartition("/")[2]
        return self.document["components"]["responses"][name] if name else response
