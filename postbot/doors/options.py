"""The options and words that several commands take, each described once. Light: `--help` reads them all."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


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


class DeliveryAction(StrEnum):
    """What a person does with a message that is held."""

    RESEND = "resend"
    DROP = "drop"


class AuditAction(StrEnum):
    """What is done with the audit."""

    VERIFY = "verify"


ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="The site's configuration.", envvar="POSTBOT_CONFIG")
]
ServiceOption = Annotated[
    Path | None, typer.Option("--service", help="The service's configuration; service.yaml if it lies beside.")
]
EverySiteOption = Annotated[
    Path | None, typer.Option("--service", help="Every site of the service that this file configures.")
]
AtOption = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="Act as of this time (ISO 8601, the site's zone).")
]
ZoneOption = Annotated[
    str | None, typer.Option("--timezone", metavar="ZONE", help="Whose clock dates mean that name none (IANA name).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Give a field this value; may be repeated.")
]
ByOption = Annotated[str, typer.Option("--by", help="Who asks.", envvar="POSTBOT_BY")]
SlugArgument = Annotated[str, typer.Argument(metavar="SLUG", help="The posting's file name without its ending.")]
NumberArgument = Annotated[int, typer.Argument(metavar="NUMBER", help="The pull request's number.")]

DEFAULT_CONFIG = Path("postbot.yaml")
