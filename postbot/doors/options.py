"""The options and words that several commands take, each described once. Light: `--help` reads them all."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class StateName(StrEnum):
    """The states a posting can be moved to."""

    UPCOMING = "upcoming"
    OPEN = "open"
    CLOSED = "closed"


class CheckFormat(StrEnum):
    """How `check` prints what it found."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


class PlanFormat(StrEnum):
    """How `plan` prints."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class ReasonName(StrEnum):
    """Why a position closes early."""

    CAP_REACHED = "cap reached"
    FILLED = "filled"
    CANCELLED = "cancelled"
    OTHER = "other"


ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="The site's configuration.", envvar="POSTBOT_CONFIG")
]
AtOption = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="Pretend it is this time (ISO 8601, the site's zone).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Give a field this value; may be repeated.")
]
ByOption = Annotated[str, typer.Option("--by", help="Who asks.", envvar="POSTBOT_BY")]
SlugArgument = Annotated[str, typer.Argument(metavar="SLUG", help="The posting's file name without its ending.")]
NumberArgument = Annotated[int, typer.Argument(metavar="NUMBER", help="The pull request's number.")]

DEFAULT_CONFIG = Path("postbot.yaml")
