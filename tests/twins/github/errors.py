"""How the twin says no, in GitHub's words and shapes."""

from collections.abc import Mapping
from typing import Any

DOCS = "https://docs.github.com/rest"


class Refusal(Exception):  # noqa: N818 - an answer, not an error of the twin
    """An answer other than success. REST shows status and body; GraphQL shows the message and a type."""

    def __init__(
        self,
        status: int,
        message: str,
        errors: list[Any] | None = None,
        *,
        kind: str = "UNPROCESSABLE",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.kind = kind
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        told = {} if self.errors is None else {"errors": self.errors}
        return {"message": self.message, **told, "documentation_url": DOCS, "status": str(self.status)}


def invalid(resource: str, field: str, message: str | None = None, code: str = "invalid", **more: Any) -> Refusal:
    """422 with one entry; with a message of its own the code is `custom`, as GitHub has it."""
    entry = {"resource": resource, "field": field, "code": code, **more}
    if message is not None:
        entry["message"] = message
    return Refusal(422, "Validation Failed", [entry])


def custom(resource: str, message: str) -> Refusal:
    return Refusal(422, "Validation Failed", [{"resource": resource, "code": "custom", "message": message}])


def not_found() -> Refusal:
    return Refusal(404, "Not Found", kind="NOT_FOUND")


def forbidden(kind: str = "app") -> Refusal:
    who = "integration" if kind == "app" else "personal access token"
    return Refusal(403, f"Resource not accessible by {who}", kind="FORBIDDEN")
