"""The command line. Commands parse, ask or file a request, and print; they decide nothing.

Exit codes: 0 fine, 1 found problems or refused, 2 wrong use. Whatever prints data takes `--json`. Heavy imports wait
until a command needs them, so that `--help` is quick.
"""
# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import MAXYEAR, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from postbot.core.problem import PostbotError
from postbot.doors.options import (
    DEFAULT_CONFIG,
    AtOption,
    ByOption,
    CheckFormat,
    ConfigOption,
    JsonOption,
    NumberArgument,
    PlanFormat,
    ReasonName,
    SetOption,
    SlugArgument,
    StateName,
)

if TYPE_CHECKING:
    from postbot.config import Config
    from postbot.core.plan.steps import Seen
    from postbot.core.posting import Posting
    from postbot.doors.transition import Result, Surroundings
    from postbot.hosts.local import LocalHost
    from postbot.reconcile import Bot, Report

app = typer.Typer(
    name="postbot",
    help="Moves job postings kept in git through their life: exact edits, timely pull requests, one announcement each.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

FINE, FOUND, WRONG_USE = 0, 1, 2


def main() -> None:
    """Run the command line; every known failure ends as a sentence on standard error."""
    if sys.stdout is None:  # it was closed: `>&-`
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - it stays open to the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that is not UTF-8, or a terminal that knows no umlauts
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
        sys.stdout.flush()
    except PostbotError as error:
        _fail(str(error))
    except OSError as error:  # a full disk, most often the one that standard output goes to
        with suppress(OSError):  # there may be no file behind it
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _fail(f"{error.filename or 'The output'} cannot be written: {error.strerror or error}.")


# Files -------------------------------------------------------------------------------------------------------------


@app.command()
def check(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or folders; the site's folders if none.")] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Make the safe repairs, by proven edits.")] = False,
    output: Annotated[CheckFormat, typer.Option("--format", help="How to print.")] = CheckFormat.TEXT,
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
) -> None:
    """Find what is wrong in postings, with place, sentence and fix."""
    from postbot.doors import checking

    around = _surroundings(config, at)
    folders = _folders(config)
    files = checking.collect(paths or folders or [Path()])
    problems = checking.run(files, around, fix=fix, progress=_progress, folders=folders)
    _print(checking.render(problems, str(output)))
    raise typer.Exit(FOUND if checking.any_serious(problems) else FINE)


@app.command()
def transition(
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE...", help="Posting files.")] = None,
    to: Annotated[StateName | None, typer.Option("--to", help="The state to move to.")] = None,
    values: SetOption = None,
    diff: Annotated[bool, typer.Option("--diff", help="Show the changed lines (the default).")] = False,
    stdout: Annotated[bool, typer.Option("--stdout", help="Print the whole new text.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write the file.")] = False,
    batch: Annotated[bool, typer.Option("--batch", help="JSON lines in, JSON lines out; see the README.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse what readers would mind, too.")] = False,
    profile: Annotated[str | None, typer.Option("--profile", help="The kind of site, if it cannot be told.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
    as_json: JsonOption = False,
) -> None:
    """Edit posting files exactly: move them to a state, set values, or both."""
    from postbot.core.profile import State
    from postbot.doors import transition as door

    around = _surroundings(config, at, strict=strict)
    if batch:
        if files or to or values or write or stdout or diff:
            _misuse("--batch reads its orders from standard input and takes no files or values.")
        for answer in door.batch(sys.stdin.buffer, around):
            _print(json.dumps(answer) + "\n")
            sys.stdout.flush()  # whoever gives one order at a time waits for each answer
        return
    if diff + stdout + write > 1:
        _misuse("Choose one of --diff, --stdout and --write.")
    given = _values(values)
    if not files or not (to or given):
        _misuse("Name at least one FILE, and --to STATE or --set KEY=VALUE.")
    order = [door.Order(path, State(to) if to else None, given, profile) for path in files]
    results = [door.carry_out(each, around) for each in order]
    if write:
        results = [door.written(result) for result in results]
    for result in results:
        _show_result(result, stdout=stdout, as_json=as_json)
    if as_json:
        _print_json([result.as_json() for result in results])
    raise typer.Exit(FOUND if any(result.problem for result in results) else FINE)


def _show_result(result: Result, *, stdout: bool, as_json: bool) -> None:
    if as_json:
        return
    if stdout and result.data is not None:
        sys.stdout.buffer.write(result.data)
    elif not stdout:
        _print(result.diff())
    for remark in result.remarks:
        _err(f"{result.path}: please note: {remark}")
    refusal = (result.problem,) if result.problem and result.problem not in result.problems else ()
    for problem in (*result.problems, *refusal):
        _err(str(problem) + (f" {problem.fix}" if problem.fix else ""))


# The site ----------------------------------------------------------------------------------------------------------


@app.command("list")
def list_postings(config: ConfigOption = DEFAULT_CONFIG, at: AtOption = None, as_json: JsonOption = False) -> None:
    """List the site's postings with their state and window."""
    from postbot.doors import views

    with _bot(config, looks=True) as bot:
        now = _time(at, bot)
        rows = views.rows(bot.observe(), now)
        _print_json(rows) if as_json else views.print_rows(rows, bot.policy.zone)


@app.command()
def show(
    slug: SlugArgument, config: ConfigOption = DEFAULT_CONFIG, at: AtOption = None, as_json: JsonOption = False
) -> None:
    """Show one posting: its state, window, what it lacks, its pull requests and its history."""
    from postbot.doors import views

    with _bot(config, looks=True) as bot:
        seen = bot.observe()
        view = views.view(seen, _find(seen, slug), bot.ledger, _time(at, bot))
        _print_json(view) if as_json else _print(views.view_text(view, bot.policy.zone))


@app.command()
def plan(
    at: AtOption = None,
    days: Annotated[int, typer.Option("--days", min=0, help="Look this many days ahead.")] = 0,
    output: Annotated[PlanFormat, typer.Option("--format", help="How to print.")] = PlanFormat.TEXT,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Say what would be done now, and what is to come. Does nothing."""
    from postbot.core.plan import render

    with _bot(config, looks=True) as bot:
        now = _time(at, bot)
        if now.year + days // 365 >= MAXYEAR:
            _misuse("That is further ahead than calendars go.")
        to_come, present = bot.forecast(now, now + timedelta(days=days))
        zone = bot.policy.zone
        if as_json or output is PlanFormat.JSON:
            _print_json(render.plan_json(present, to_come))
        elif output is PlanFormat.MARKDOWN:
            _print(render.plan_markdown(present, to_come, zone))
        else:
            _print(render.plan_text(present, to_come, zone))
    raise typer.Exit(FOUND if present.held else FINE)


@app.command()
def tick(at: AtOption = None, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Do everything that is due, once."""
    with _bot(config) as bot:
        report = _tick(bot, _time(at, bot), as_json=as_json)
    raise typer.Exit(FOUND if report.plan.held else FINE)


@app.command()
def release(
    digest: Annotated[str, typer.Argument(metavar="DIGEST", help="The digest that the held plan names.")],
    by: ByOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Let a held plan go on, at the next tick."""
    from postbot.app import clock

    if not re.fullmatch("[0-9a-f]{10}", digest):
        _misuse(f"{digest} is no digest; the held plan names its own, ten letters and digits.")
    with _bot(config) as bot:
        bot.ledger.release(digest, _asker(by), clock())
    _print(f"Released {digest}; if that is what is held, the next tick carries it out.\n")


# Requests ----------------------------------------------------------------------------------------------------------


@app.command("open")
def open_posting(
    slug: SlugArgument,
    opens: Annotated[
        str | None, typer.Option("--opens", metavar="DATE", help="When it opens; now, if nobody knows.")
    ] = None,
    closes: Annotated[str | None, typer.Option("--closes", metavar="DATE", help="When it closes.")] = None,
    values: SetOption = None,
    by: ByOption = "",
    at: AtOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Ask for a posting to be opened on its opening date, filling in what it lacks."""
    _request(config, slug, "open", _values(values), {"opens": opens, "closes": closes}, by=by, at=at, as_json=as_json)


@app.command()
def close(
    slug: SlugArgument,
    reason: Annotated[ReasonName | None, typer.Option("--reason", help="Why it closes before its date.")] = None,
    by: ByOption = "",
    at: AtOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Ask for a posting to be closed now."""
    _request(config, slug, "close", {}, {}, by=by, at=at, as_json=as_json, reason=str(reason) if reason else None)


@app.command()
def extend(
    slug: SlugArgument,
    closes: Annotated[str, typer.Argument(metavar="DATE", help="The new closing date.")],
    by: ByOption = "",
    at: AtOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Ask for a later closing date."""
    _request(config, slug, "extend", {}, {"closes": closes}, by=by, at=at, as_json=as_json)


@app.command()
def postpone(
    slug: SlugArgument,
    opens: Annotated[str | None, typer.Argument(metavar="[DATE]", help="The new opening date, if it is known.")] = None,
    closes: Annotated[str | None, typer.Option("--closes", metavar="DATE", help="The new closing date.")] = None,
    by: ByOption = "",
    at: AtOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Ask for a later opening; an open posting goes back to upcoming."""
    _request(config, slug, "postpone", {}, {"opens": opens, "closes": closes}, by=by, at=at, as_json=as_json)


@app.command()
def reopen(
    slug: SlugArgument,
    opens: Annotated[str | None, typer.Option("--opens", metavar="DATE", help="When it opens again.")] = None,
    closes: Annotated[str | None, typer.Option("--closes", metavar="DATE", help="When it closes again.")] = None,
    values: SetOption = None,
    by: ByOption = "",
    at: AtOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Ask for a closed posting to be used again: upcoming, its stale fields reset."""
    _request(config, slug, "reopen", _values(values), {"opens": opens, "closes": closes}, by=by, at=at, as_json=as_json)


@app.command()
def withdraw(
    slug: SlugArgument,
    by: ByOption = "",
    at: AtOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Ask for a posting to be taken back: upcoming, its dates not known."""
    _request(config, slug, "withdraw", {}, {}, by=by, at=at, as_json=as_json)


def _request(
    config: Path,
    slug: str,
    transition_name: str,
    values: Mapping[str, str],
    window: Mapping[str, str | None],
    *,
    by: str,
    at: str | None,
    as_json: bool,
    reason: str | None = None,
) -> None:
    """File the request, poke, and say what came of it."""
    from postbot.core.lifecycle import Transition, Wish
    from postbot.doors import views
    from postbot.ledger import LedgerBusy

    with _bot(config) as bot:
        now = _time(at, bot)
        posting = _find(bot.observe(), slug)
        names = {"opens": bot.profile.opens[0], "closes": bot.profile.closes[0]}
        dates = {names[key]: text for key, text in window.items() if text is not None}
        _demand_text(*dates.values(), *values.values())
        wish, who = Wish(Transition(transition_name), {**values, **dates}, reason), _asker(by)
        request = bot.ledger.file(posting.path, wish, who, now)
        try:
            held = _tick(bot, now, as_json=as_json).plan.held
        except LedgerBusy:
            _fail(f"Request {request.number} is filed; another postbot is at work just now, the next tick takes it up.")
        answered = bot.ledger.answered(request.number)
        if not as_json:
            _print(views.request_text(bot.observe(), request, answered, held))
    raise typer.Exit(FOUND if held or (answered and not answered[0]) else FINE)


# Pull requests -----------------------------------------------------------------------------------------------------


@app.command()
def pulls(
    everything: Annotated[bool, typer.Option("--all", help="The ended ones, too.")] = False,
    number: Annotated[int | None, typer.Option("--show", metavar="NUMBER", help="Show one whole.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """List the pull requests of a plain git site."""
    from postbot.doors import views

    found = [pull for pull in _host(config).look().pulls if number in (None, pull.number)]
    if number is not None and not found:
        _misuse(f"There is no pull request #{number}.")
    shown = found if everything or number is not None else [pull for pull in found if pull.status == "open"]
    if as_json:
        _print_json([views.pull_json(pull) for pull in shown])
    elif number is not None:
        _print(views.pull_text(shown[0]))
    else:
        views.print_pulls(shown)


@app.command()
def merge(number: NumberArgument, by: ByOption = "", config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Merge a pull request of a plain git site."""
    from postbot.app import clock

    host = _host(config)
    host.merge_by_hand(number, _asker(by), clock())
    _print(f"Merged #{number}. The next tick announces what that means.\n")
    if behind := host.behind_checkout():
        _err(behind)


@app.command()
def approve(number: NumberArgument, by: ByOption = "", config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Approve a pull request of a plain git site, for postbot to merge when it is due."""
    from postbot.app import clock

    _host(config).approve(number, _asker(by), clock())
    _print(f"Approved #{number}.\n")


@app.command()
def reject(
    number: NumberArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why not.")] = "",
    by: ByOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Close a pull request of a plain git site unmerged: it will not be opened again for the same date."""
    from postbot.app import clock

    _demand_text(reason)
    _host(config).reject(number, _asker(by), reason, clock())
    _print(f"Rejected #{number}.\n")


# Beginning ---------------------------------------------------------------------------------------------------------


@app.command()
def init(
    repo: Annotated[Path, typer.Argument(help="The site's git repository.")] = Path(),
    config: ConfigOption = DEFAULT_CONFIG,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing configuration.")] = False,
) -> None:
    """Look at a site, write its configuration, and say what was seen."""
    from postbot.doors import init as door

    raise typer.Exit(FINE if door.run(repo, config, force=force, say=lambda line: _print(line + "\n")) else FOUND)


@app.command()
def demo(
    svg: Annotated[Path | None, typer.Option("--svg", help="Also save the picture here.")] = None,
) -> None:
    """A month in the life of a small site, on this machine: no account, no network."""
    from postbot.doors import demo as door

    door.run(svg)


# Helpers -----------------------------------------------------------------------------------------------------------


def _config(path: Path) -> Config:
    from postbot.config import load

    if not path.exists():
        _misuse(f"There is no {path}. Make one with: postbot init")
    return load(path)


def _host(path: Path) -> LocalHost:
    from postbot.app import host

    return host(_config(path))


@contextmanager
def _bot(path: Path, *, looks: bool = False) -> Iterator[Bot]:
    """The site's bot. Whoever only looks leaves no ledger behind on a site that has none yet."""
    from tempfile import TemporaryDirectory

    from postbot.app import build

    config = _config(path)
    with TemporaryDirectory(prefix="postbot-") as elsewhere:
        none_yet = looks and not config.at(config.ledger).exists()
        bot = build(config, write=_print, ledger=Path(elsewhere) / "ledger.db" if none_yet else None)
        try:
            yield bot
        finally:
            bot.ledger.close()


def _tick(bot: Bot, now: datetime, *, as_json: bool) -> Report:
    from postbot.doors import views

    report = bot.tick(now)
    _print_json(views.report_json(report)) if as_json else _print(views.report_text(report, bot.policy.zone))
    behind = getattr(bot.host, "behind_checkout", None)
    if behind and any(type(step).__name__ == "Merge" for step in report.done) and (words := behind()):
        _err(words)
    return report


def _surroundings(config: Path, at: str | None, *, strict: bool = False) -> Surroundings:
    """What single files are read with: the site's own ways if it has a configuration, else what each file shows."""
    from zoneinfo import ZoneInfo

    from postbot.config import load_profile, shipped_profiles
    from postbot.doors.transition import Surroundings

    if config == DEFAULT_CONFIG and not config.exists():
        return Surroundings(shipped_profiles(), None, None, _instant(at, ZoneInfo("UTC")), strict)
    loaded = _config(config)
    zone = loaded.site.timezone
    return Surroundings(shipped_profiles(), load_profile(loaded), zone, _instant(at, zone), strict)


def _folders(config: Path) -> list[Path]:
    """Where the site's postings are; empty without a configuration."""
    if not config.exists():
        return []
    loaded = _config(config)
    repo = loaded.at(loaded.site.repo)
    return [repo / folder for folder in loaded.site.folders] or [repo]


def _time(at: str | None, bot: Bot) -> datetime:
    return _instant(at, bot.policy.zone)


def _instant(at: str | None, zone: object) -> datetime:
    """The time asked for, a plain day meaning its start in the site's zone; the present moment if none was given."""
    from zoneinfo import ZoneInfo

    from postbot.app import clock
    from postbot.core.dates import parse_machine

    if at is None:
        return clock()
    assert isinstance(zone, ZoneInfo)
    found = parse_machine(at, zone)
    if found is None:
        _misuse(f"--at {at} is no time; write 2026-03-01 or 2026-03-01T09:30.")
    local = found if isinstance(found, datetime) else _midnight(found)
    return local.replace(tzinfo=zone).astimezone(clock().tzinfo)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - the caller knows the zone


def _find(seen: Seen, slug: str) -> Posting:
    """The one posting of this name, chosen from those there are; a path tells two of one name apart."""
    import difflib

    from postbot.core.posting import Posting, slug_of

    named = [found for path, found in seen.postings.items() if slug in (path, slug_of(path))]
    if not named:
        near = difflib.get_close_matches(slug, [slug_of(path) for path in seen.postings], 3)
        _misuse(f"There is no posting {slug}." + (f" Did you mean {' or '.join(near)}?" if near else ""))
    if len(named) > 1:
        _misuse(f"There are several postings {slug}; name one by its path: {', '.join(found.path for found in named)}.")
    if not isinstance(named[0], Posting):
        _fail(str(named[0]))
    return named[0]


def _values(given: list[str] | None) -> dict[str, str]:
    values: dict[str, str] = {}
    for each in given or []:
        key, equals, value = each.partition("=")
        if not equals or not key.strip():
            _misuse(f"--set {each} is not KEY=VALUE.")
        values[key.strip()] = value
    return values


def _asker(by: str) -> str:
    """Who asks, on one line: the name given, else the one that the system knows."""
    import getpass

    from postbot.core.announce import one_line

    _demand_text(by)
    try:
        return one_line(by) or getpass.getuser()
    except (OSError, KeyError):  # no such user in a container
        return "somebody"


def _demand_text(*given: str) -> None:
    """Refuse arguments that are not Unicode: nothing that keeps text could keep them."""
    if any("\ud800" <= letter <= "\udfff" for text in given for letter in text):
        _misuse("An argument is not UTF-8 text.")


def _progress(done: int, whole: int, what: str) -> None:
    """Show how far a long job has come, when a person watches."""
    if sys.stderr.isatty():
        end = "\r" if done < whole else "\r" + " " * 60 + "\r"
        sys.stderr.write(f"{what} {done} of {whole}{end}")
        sys.stderr.flush()


def _print(text: str) -> None:
    sys.stdout.write(text)


def _print_json(data: object) -> None:
    _print(json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def _err(text: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(text.rstrip("\n") + "\n")


def _fail(text: str) -> NoReturn:
    _err(text)
    raise SystemExit(FOUND)


def _misuse(text: str) -> NoReturn:
    _err(text)
    raise SystemExit(WRONG_USE)
