"""The commands about what is said and done: `announce`, `deliveries`, `audit`. Registered by `cli`, under its rules."""
# ruff: noqa: PLC0415 - heavy imports wait until a command needs them, so that `--help` is quick

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from postbot.doors.options import (
    DEFAULT_CONFIG,
    AtOption,
    AuditAction,
    ByOption,
    ConfigOption,
    DeliveryAction,
    JsonOption,
    SlugArgument,
)
from postbot.doors.session import asker, bot_of, find, instant
from postbot.doors.terminal import FINE, FOUND, misuse, say, say_json


def announce(
    slug: SlugArgument,
    event: Annotated[str, typer.Argument(metavar="EVENT", help="What would be told, such as opened or extended.")],
    preview: Annotated[bool, typer.Option("--preview", help="Show it; postbot announces only what it sees.")] = False,
    into: Annotated[
        Path | None, typer.Option("--into", metavar="FOLDER", help="Put the messages there as files, to be opened.")
    ] = None,
    at: AtOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show every message of an event as it would go out now, to whom and why. Sends nothing."""
    from postbot.doors import preview as door

    if not preview:
        misuse("postbot announces what it sees on the base branch, by itself. To see the words, add --preview.")
    with bot_of(config, looks=True) as bot:
        now = instant(at, bot.policy.zone)
        seen = bot.observe()
        named = door.event_named(event)
        shown = door.messages_of(bot, seen, find(seen, slug), named, now)
        if into is not None:
            door.put(shown, into, now)
        say_json(door.as_json(shown)) if as_json else say(door.text(shown, named))


def deliveries(
    action: Annotated[
        DeliveryAction | None, typer.Argument(help="Send a held message again, or drop one that is not sent.")
    ] = None,
    number: Annotated[int | None, typer.Argument(metavar="ID", help="The message's number.")] = None,
    held: Annotated[bool, typer.Option("--held", help="Only those that wait for a person.")] = False,
    by: ByOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """List the messages on their way and those sent, newest first; send a held one again, or drop it."""
    from postbot.app import clock
    from postbot.doors import deliveries as door

    if (action is None) != (number is None):
        misuse("Write deliveries resend ID or deliveries drop ID.")
    with bot_of(config, looks=True) as bot:
        if action is not None and number is not None:
            say(door.settle(bot.ledger, action, number, asker(by), clock()))
            return
        found = bot.ledger.deliveries(held_only=held)
        say_json(door.rows(found)) if as_json else door.print_rows(found, bot.policy.zone, held_only=held)


def audit(
    action: Annotated[AuditAction | None, typer.Argument(help="Verify that nothing was altered or removed.")] = None,
    noted: Annotated[
        str, typer.Option("--noted", metavar="HASH", help="A last hash noted elsewhere, which must be found.")
    ] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """List everything that postbot has done, oldest first: who, what, by which key, before and after."""
    from postbot.doors import deliveries as door

    with bot_of(config, looks=True) as bot:
        if action is None:
            found = bot.ledger.audit()
            say_json(door.audit_rows(found)) if as_json else door.print_audit(found, bot.policy.zone)
            return
        verdict = bot.ledger.verify(noted)
        say_json(door.verdict_json(verdict)) if as_json else say(door.verdict_text(verdict))
    raise typer.Exit(FINE if verdict.whole else FOUND)
