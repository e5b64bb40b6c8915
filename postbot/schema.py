"""JSON schemas of `postbot.yaml` and `service.yaml`, for editors: what may stand where, and a word on each setting.

The shape is that of the declared sections; the words are the comments of the shipped examples, so that an editor says
what the example says. A schema knows nothing of two settings together; `postbot config check` does. It describes how a
setting is usually written; what is read besides (`2 DAYS` for `2 days`) an editor may underline.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from postbot.config import CONFIG_NAME, Config, shipped
from postbot.declared import Place, parse, shapes
from postbot.serviceconfig import SERVICE_NAME, ServiceConfig
from postbot.settings import address_text, span_text

_SECTION: Final = re.compile(r"^# [a-z]+:\n(?:#   .*\n)+", re.MULTILINE)
"""A section that an example shows with a hash before each of its lines, as few sites need it."""
_NOT_SAID: Final = "Here: "
"""Begins what an example says of its own site only."""


def site_schema() -> dict[str, Any]:
    """The schema of `postbot.yaml`."""
    return _schema(TypeAdapter(Config), CONFIG_NAME)


def service_schema() -> dict[str, Any]:
    """The schema of `service.yaml`."""
    return _schema(TypeAdapter(ServiceConfig), SERVICE_NAME)


def uncommented(example: str) -> str:
    """An example with the hashes taken off the sections that few sites need."""
    return _SECTION.sub(lambda section: re.sub("(?m)^# ", "", section[0]), example)


def _schema(shape: TypeAdapter[Any], name: str) -> dict[str, Any]:
    example = uncommented((shipped() / name).read_text(encoding="utf-8"))
    made = _untitled(shape.json_schema(schema_generator=_Generator))
    for where, words in _remarks(example).items():
        if (setting := _setting(made, where)) is not None:
            setting["description"] = words
    made["description"] = made["description"].partition("\n")[0]
    return {"$schema": _Generator.schema_dialect, "title": name, **made}


class _Generator(GenerateJsonSchema):
    """Defaults as people write them."""

    def encode_default(self, dft: Any) -> Any:  # noqa: ANN401 - whatever a setting is
        if isinstance(dft, timedelta):
            return span_text(dft)
        if isinstance(dft, BaseModel):
            return dft.model_dump(mode="json")
        if isinstance(dft, tuple) and dft and isinstance(dft[0], timedelta):
            return [span_text(each) for each in dft]
        if isinstance(dft, tuple) and dft and isinstance(dft[-1], int):
            return address_text(dft)
        return super().encode_default(dft)


def _untitled(shape: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """The same without the titles that pydantic makes of names; they say nothing."""
    if isinstance(shape, dict):
        return {name: _untitled(part) for name, part in shape.items() if name != "title" or not isinstance(part, str)}
    return [_untitled(part) for part in shape] if isinstance(shape, list) else shape


def _remarks(example: str) -> dict[Place, str]:
    """The comment right above each setting of an example."""
    lines = example.splitlines()
    found = {}
    for where, line in parse(example, "").lines.items():
        first = line - 1
        while first and lines[first - 1].lstrip().startswith("#"):
            first -= 1
        if words := _joined(text.strip().removeprefix("#")[1:] for text in lines[first : line - 1]):
            found[where] = words
    return found


def _joined(lines: Iterable[str]) -> str:
    """Lines of a comment as one text; what is indented keeps a line of its own."""
    text = ""
    for line in lines:
        if line.startswith(_NOT_SAID):
            break
        text += ("\n" if line.startswith(" ") else " " if text else "") + line.rstrip()
    return text


def _setting(schema: dict[str, Any], where: Place) -> dict[str, Any] | None:
    """The part of a schema that describes one setting; None for a name that people choose."""
    here = schema
    for part in where:
        below = (shape["properties"][part] for shape in shapes(here, schema) if part in shape.get("properties", {}))
        found = next(below, None)
        if found is None:
            return None
        here = found
    return here
