"""`postbot ledger`: bring it up to date, save it, put it back, move it to another place. Registered by `cli`.

What a copy is, and what an older one means for the site, is the ledger's business (`postbot.ledger.copying`); here are
files, and what people are told. No place is named with its password.
"""
# ruff: noqa: PLC0415 - heavy imports wait until a command needs them, so that `--help` is quick

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from postbot.doors.options import DEFAULT_CONFIG, ByOption, ConfigOption, JsonOption
from postbot.doors.session import asker, configuration
from postbot.doors.terminal import FINE, FOUND, busy, fail, mention, misuse, say, say_json

if TYPE_CHECKING:
    from postbot.config import Config
    from postbot.ledger import Copy, Ledger, Pause

ledger_app = typer.Typer(help="Look after the ledger: bring it up to date, save it, put it back, move it.")

_OLDER = (
    "It is older than the world: the next tick holds what was on its way, refuses open requests, and takes "
    "what stands on the site as known, without a word to the public."
)


@ledger_app.command()
def migrate(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Bring the ledger to the schema of this postbot, or make it. Every tick does the same."""
    from postbot.ledger import HEAD, Ledger

    with closing(Ledger.open(configuration(config).ledger_at)) as ledger:
        was, name = ledger.was, ledger.name
    if as_json:
        say_json({"ledger": name, "from": was, "to": HEAD})
    elif was == HEAD:
        say(f"The ledger {name} has the schema {HEAD} already.\n")
    else:
        say(f"The ledger {name} was {f'brought from schema {was} to' if was else 'made, with schema'} {HEAD}.\n")


@ledger_app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that is not there yet.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Save the whole ledger, of either kind, in a file of SQLite. A service may go on meanwhile."""
    from postbot.ledger import Ledger

    if file.exists():
        misuse(f"{file} is there already. Name another file, for a backup replaces nothing.")
    if not file.absolute().parent.is_dir():
        misuse(f"There is no folder {file.absolute().parent} to save the ledger in.")
    # Whole before it has its name; in a folder that nobody else has, on the same disk.
    with closing(Ledger.open(configuration(config).ledger_at, migrate=False)) as ledger, _folder_beside(file) as folder:
        with closing(Ledger.open(folder / file.name)) as saved, busy("Saving the ledger ..."):
            made = ledger.copy_to(saved)
        (folder / file.name).rename(file)
    _tell(made, f"Saved {ledger.name} in {file}", as_json=as_json)


@ledger_app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup, or the file of a ledger.")],
    replace: Annotated[bool, typer.Option("--replace", help="Replace what the ledger holds now.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Put a saved ledger back. What it thinks is due is held: it may have been said since."""
    if not file.is_file():
        misuse(f"There is no file {file}.")
    with TemporaryDirectory(prefix="postbot-") as folder, closing(_saved(file, Path(folder))) as saved:
        if saved.was is None:
            fail(f"There is no ledger in {file}.")
        with (
            closing(_even_if_damaged(configuration(config).ledger_at)) as ledger,
            busy("Putting the ledger back ..."),
            ledger.serving(),
            ledger.working(),
        ):
            made = saved.copy_to(ledger, replace=replace, older=True)
            pause = ledger.paused()
    _tell(made, f"Put {file} back into {ledger.name}", _OLDER + _still_paused(pause), as_json=as_json)


@ledger_app.command()
def restored(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Say that the ledger was put back by other means, such as a snapshot or pg_restore. Before the next tick."""
    from postbot.ledger import Ledger

    with closing(Ledger.open(configuration(config).ledger_at, migrate=False)) as ledger, ledger.working():
        ledger.mark_as_older()
    say(f"The ledger {ledger.name} is taken for an older copy.\n{_OLDER}\n")


@ledger_app.command()
def move(
    where: Annotated[str, typer.Argument(metavar="WHERE", help="What `ledger` is to say: a path, or postgresql://...")],
    by: ByOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Copy the ledger to another place, from SQLite to PostgreSQL or back, for the configuration to name it then.

    The old place is paused by that, so that whoever still works there does and says nothing.
    """
    from postbot.app import clock
    from postbot.ledger import Ledger

    here, who = configuration(config), asker(by)
    there = _place(where, here)
    if there == here.ledger_at:
        misuse("That is where the ledger is.")
    with (
        closing(Ledger.open(here.ledger_at, migrate=False)) as ledger,
        closing(Ledger.open(there)) as other,
        busy("Moving the ledger ..."),
        ledger.serving(),
        ledger.working(),
        other.serving(),
        other.working(),
    ):
        made = ledger.move_to(other, who, clock())
        pause = other.paused()
    then = (
        f"{ledger.name} is an older copy from now on, and paused: whoever still works there does and says nothing. "
        f"Have {config} name the new place, before anything else runs:\n\nledger: {where}\n\n"
        "Whoever goes back to the old one says so first: postbot resume\n"
    )
    _tell(made, f"Copied {ledger.name} to {other.name}", then + _still_paused(pause), as_json=as_json)


def _still_paused(pause: Pause | None) -> str:
    """What is to be known of a copy that is paused, as what it was made of is, or was."""
    if pause is None:
        return ""
    return f"\n{pause.by} has paused it{f': {pause.why}' if pause.why else ''}. Until: postbot resume"


def _even_if_damaged(where: Path | str) -> Ledger:
    """The ledger that a backup goes to: a new one, where there is none or its file is damaged."""
    from postbot.ledger import Ledger, LedgerDamaged

    try:
        return Ledger.open(where)
    except LedgerDamaged:
        aside = Ledger.set_aside(Path(where))
    forgotten = "If it was paused, that is forgotten: postbot pause"
    mention(f"The ledger {where} is damaged. It was moved to {aside}. {forgotten}")
    return Ledger.open(where)


def _place(where: str, config: Config) -> Path | str:
    """Where the ledger is if the configuration says this."""
    from pydantic import TypeAdapter, ValidationError

    from postbot.settings import LedgerPlace

    try:
        named = TypeAdapter(LedgerPlace).validate_python(where)
    except ValidationError as error:
        misuse(f"{error.errors()[0]['ctx']['error']}.")
    return config.model_copy(update={"ledger": named}).ledger_at


def _saved(file: Path, folder: Path) -> Ledger:
    """The ledger that was saved in a file, opened as a copy in this folder."""
    from postbot.ledger import Ledger, LedgerDamaged

    try:
        return Ledger.open(_apart(file, folder))
    except LedgerDamaged:
        fail(f"{file} is no ledger, or is damaged. Nothing was put back.")


def _apart(file: Path, folder: Path) -> Path:
    """The same ledger in a folder of its own: to open it may migrate it, and a backup stays as it is."""
    apart = folder / "ledger.db"
    try:
        for ending in ("", "-wal"):
            if (part := file.with_name(file.name + ending)).exists():
                shutil.copyfile(part, apart.with_name(apart.name + ending))
    except OSError as error:
        fail(f"Cannot read {error.filename}: {error.strerror}.")
    return apart


@contextmanager
def _folder_beside(file: Path) -> Iterator[Path]:
    """A new folder for a file that is to be there once it is whole; nothing of it stays."""
    beside = file.absolute().parent
    try:
        folder = TemporaryDirectory(prefix=f".{file.name}.", dir=beside)
    except OSError as error:
        fail(f"Cannot write in {beside}: {error.strerror or error}.")
    with folder as name:
        yield Path(name)


def _tell(made: Copy, what: str, then: str = "", *, as_json: bool) -> None:
    """Say how much of what went over, and what the audit is like; end with 1 where that is not as it was written."""
    from postbot.doors.deliveries import verdict_json

    if as_json:
        say_json({"rows": dict(made.rows), "audit": verdict_json(made.verdict)})
    else:
        rows = ", ".join(f"{count:,} {name}" for name, count in sorted(made.rows.items()))
        say(f"{what}: {rows}.\n{made.verdict.sentence}\n{then}".rstrip() + "\n")
    raise typer.Exit(FINE if made.verdict.whole else FOUND)
