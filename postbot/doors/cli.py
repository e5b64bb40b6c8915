"""The command line. Commands parse, ask or file a request, and print; they decide nothing.

Exit codes: 0 fine, 1 found problems or refused, 2 wrong use. Whatever prints data takes `--json`. Heavy imports wait
until a command needs them, so that `--help` is quick.
"""
# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from datetime import MAXYEAR, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from postbot.core.problem import PostbotError
from postbot.core.profile import CloseReason, State
from postbot.doors import running, said
from postbot.doors.configuration import config_app
from postbot.doors.ledger import ledger_app
from postbot.doors.options import (
    DEFAULT_CONFIG,
    AtOption,
    ByOption,
    CheckFormat,
    ConfigOption,
    JsonOption,
    NumberArgument,
    PlanFormat,
    SetOption,
    SlugArgument,
    ZoneOption,
)
from postbot.doors.session import (
    any_host,
    asker,
    bot_of,
    by_hand,
    demand_possible,
    demand_text,
    find,
    instant,
    ledger_of,
    mention_no_postings,
    plain_host,
    posting_folders,
    surroundings,
    values_of,
)
from postbot.doors.terminal import (
    FINE,
    FOUND,
    busy,
    fail,
    lost_output,
    mention,
    misuse,
    prepare,
    progress,
    say,
    say_json,
)

if TYPE_CHECKING:
    from postbot.doors.transition import Result
    from postbot.reconcile import Bot, Report

app = typer.Typer(
    name="postbot",
    help="Moves job postings kept in git through their life: exact edits, timely pull requests, one announcement each.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        say(f"postbot {version('postbot')}\n")
        raise typer.Exit


@app.callback()
def _everywhere(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options that go before any command."""


def main() -> None:
    """Run the command line; every known failure ends as a sentence on standard error."""
    prepare()
    try:
        try:
            typer.main.get_command(app)()  # not `app()`, which puts a hook of its own in the place of ours
        finally:
            sys.stdout.flush()  # here, where a full disk or a reader that hung up can still be told
    except PostbotError as error:
        fail(str(error))
    except OSError as error:
        lost_output(error)


# Files -------------------------------------------------------------------------------------------------------------


@app.command()
def check(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or folders; the site's folders if none.")] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Make the safe repairs, by proven edits.")] = False,
    output: Annotated[CheckFormat, typer.Option("--format", help="How to print.")] = CheckFormat.TEXT,
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
    zone: ZoneOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find what is wrong in postings, with place, sentence and fix."""
    from postbot.doors import annotations, checking

    around = surroundings(config, at, zone)
    folders = posting_folders(config)
    files = checking.collect(paths or folders or [Path()])
    problems = checking.run(files, around, fix=fix, progress=progress, folders=folders)
    if output is CheckFormat.GITHUB and not as_json:
        found = annotations.findings(problems, around)
        say(annotations.commands(found))
        mention(annotations.summarise(found, len(files)))
    else:
        say(checking.render(problems, len(files), as_json=as_json or output is CheckFormat.JSON))
    raise typer.Exit(FOUND if checking.any_serious(problems) else FINE)


@app.command()
def transition(
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE...", help="Posting files.")] = None,
    to: Annotated[State | None, typer.Option("--to", help="The state to move to.")] = None,
    values: SetOption = None,
    diff: Annotated[bool, typer.Option("--diff", help="Show the changed lines (the default).")] = False,
    stdout: Annotated[bool, typer.Option("--stdout", help="Print the whole new text.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write the file.")] = False,
    batch: Annotated[bool, typer.Option("--batch", help="JSON lines in, JSON lines out; see the README.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse what readers would mind, too.")] = False,
    profile: Annotated[str | None, typer.Option("--profile", help="The kind of site, if it cannot be told.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
    zone: ZoneOption = None,
    as_json: JsonOption = False,
) -> None:
    """Edit posting files exactly: move them to a state, set values, or both."""
    from postbot.doors import transition as door

    around = surroundings(config, at, zone, strict=strict)
    if batch:
        if files or to or values or write or stdout or diff:
            misuse("--batch reads its orders from standard input and takes no files or values.")
        refused = False
        for answer in door.batch(sys.stdin.buffer, around):
            say(json.dumps(answer) + "\n")
            sys.stdout.flush()  # whoever gives one order at a time waits for each answer
            refused = refused or not answer["ok"]
        raise typer.Exit(FOUND if refused else FINE)
    if diff + stdout + write > 1:
        misuse("Choose one of --diff, --stdout and --write.")
    given = values_of(values)
    if not files or not (to or given):
        misuse("Name at least one FILE, and --to STATE or --set KEY=VALUE.")
    order = [door.Order(path, to, given, profile) for path in files]
    results = [door.edit_file(each, around) for each in order]
    if write:
        results = [door.written(result) for result in results]
    for result in results:
        _show_result(result, stdout=stdout, as_json=as_json)
    if as_json:
        say_json([result.as_json() for result in results])
    raise typer.Exit(FOUND if any(result.problem for result in results) else FINE)


def _show_result(result: Result, *, stdout: bool, as_json: bool) -> None:
    if as_json:
        return
    if stdout and result.data is not None:
        sys.stdout.buffer.write(result.data)
    elif not stdout:
        say(result.diff())
        if result.problem is None and not result.diff():
            mention(f"{result.path}: it says so already, nothing changes.")
    for remark in result.remarks:
        mention(f"{result.path}: please note: {remark}")
    refusal = (result.problem,) if result.problem and result.problem not in result.problems else ()
    for problem in (*result.problems, *refusal):
        mention(str(problem) + (f" {problem.fix}" if problem.fix else ""))


# The site ----------------------------------------------------------------------------------------------------------


@app.command("list")
def list_postings(config: ConfigOption = DEFAULT_CONFIG, at: AtOption = None, as_json: JsonOption = False) -> None:
    """List the site's postings with their state and window."""
    from postbot.doors import views

    with bot_of(config, looks=True) as bot:
        now = instant(at, bot.policy.zone)
        rows = views.rows(bot.observe(), now)
        say_json(rows) if as_json else views.print_rows(rows, bot.policy.zone)


@app.command()
def show(
    slug: SlugArgument, config: ConfigOption = DEFAULT_CONFIG, at: AtOption = None, as_json: JsonOption = False
) -> None:
    """Show one posting: its state, window, what it lacks, its pull requests and its history."""
    from postbot.doors import views

    with bot_of(config, looks=True) as bot:
        seen = bot.observe()
        view = views.view(seen, find(seen, slug), bot.ledger, instant(at, bot.policy.zone), bot.policy)
        say_json(view) if as_json else say(views.view_text(view, bot.policy.zone))


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
    from postbot.doors import views

    with bot_of(config, looks=True) as bot:
        now = instant(at, bot.policy.zone)
        if now.year + days // 365 >= MAXYEAR:
            misuse("That is further ahead than calendars go.")
        with busy("Looking ahead ..."):
            to_come, present = bot.forecast(now, now + timedelta(days=days))
        mention_no_postings(config, bot)
        zone, pause = bot.policy.zone, bot.ledger.paused()
        if as_json or output is PlanFormat.JSON:
            say_json({**render.plan_json(present, to_come), "paused": views.pause_json(pause)})
        elif output is PlanFormat.MARKDOWN:
            say(views.pause_markdown(pause, zone) + render.plan_markdown(present, to_come, zone))
        else:
            say(views.pause_text(pause, zone) + render.plan_text(present, to_come, zone))
    raise typer.Exit(FOUND if present.held else FINE)


@app.command()
def tick(at: AtOption = None, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Do everything that is due, once."""
    with bot_of(config, write=mention if as_json else say) as bot:
        report = _tick(bot, instant(at, bot.policy.zone), chosen=at is not None, as_json=as_json)
    raise typer.Exit(FOUND if report.plan.held or report.halted else FINE)


@app.command()
def release(
    digest: Annotated[
        str, typer.Argument(metavar="DIGEST|public", help="The digest that the held plan names; or `public`.")
    ],
    by: ByOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Let a held plan go on at the next tick; `public`: let postbot speak to others than the team from now on."""
    from postbot.app import clock
    from postbot.core.announce.words import RELEASE

    if digest != RELEASE and not re.fullmatch("[0-9a-f]{10}", digest):
        misuse(f"{digest} is no digest; the held plan names its own, ten letters and digits.")
    with ledger_of(config) as ledger:
        ledger.release(digest, asker(by), clock())
    if digest == RELEASE:
        say("From the next news on, postbot speaks to everybody on the routes. What was said before is not repeated.\n")
    else:
        say(f"Released {digest}; if that is what is held, the next tick carries it out.\n")


# What runs and what is said ----------------------------------------------------------------------------------------


app.command()(running.run)
app.command()(running.pause)
app.command()(running.resume)
app.command()(said.announce)
app.command()(said.deliveries)
app.command()(said.audit)


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
    _request(config, slug, "open", values_of(values), {"opens": opens, "closes": closes}, by=by, at=at, as_json=as_json)


@app.command()
def close(
    slug: SlugArgument,
    reason: Annotated[CloseReason | None, typer.Option("--reason", help="Why it closes before its date.")] = None,
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
    _request(
        config, slug, "reopen", values_of(values), {"opens": opens, "closes": closes}, by=by, at=at, as_json=as_json
    )


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


@app.command()
def undo(
    slug: SlugArgument,
    reason: Annotated[str | None, typer.Option("--reason", metavar="WORDS", help="Why it was a mistake.")] = None,
    by: ByOption = "",
    at: AtOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Ask for what was done last to be taken back, to the byte; those who were told hear that it was a mistake."""
    demand_text(reason or "")
    _request(config, slug, "undo", {}, {}, by=by, at=at, as_json=as_json, reason=reason)


@app.command()
def archive(
    slug: SlugArgument,
    by: ByOption = "",
    at: AtOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Ask for a closed posting to be moved to the archive that the profile names; its address goes on working."""
    _request(config, slug, "archive", {}, {}, by=by, at=at, as_json=as_json)


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
    from postbot.core.plan.undoing import meant
    from postbot.doors import views
    from postbot.ledger import LedgerBusy
    from postbot.progress import Step, doing

    with bot_of(config, write=mention if as_json else say) as bot:
        now = instant(at, bot.policy.zone)
        with doing(Step.RECEIVE):
            seen = bot.observe()
            posting = find(seen, slug)
            names = {"opens": bot.profile.opens[0], "closes": bot.profile.closes[0]}
            dates = {names[key]: text for key, text in window.items() if text is not None}
            demand_text(*dates.values())
            wish, who = Wish(Transition(transition_name), {**values, **dates}, reason), asker(by)
            demand_possible(seen, posting, wish, now, bot.policy)
            wish = meant(seen, posting, wish, now, bot.policy)
        with doing(Step.FILE):
            request = bot.ledger.file(posting.path, wish, who, now)
        try:
            report = _tick(bot, now, chosen=at is not None, as_json=as_json, about=posting.path)
        except LedgerBusy:
            fail(f"Request {request.number} is filed; another postbot is at work just now, the next tick takes it up.")
        answered = bot.ledger.answered(request.number)
        if not as_json:
            with doing(Step.ACKNOWLEDGE):
                say(views.request_text(bot.observe(), request, answered, report, bot.policy))
    undone = report.plan.held or report.halted
    raise typer.Exit(FOUND if undone or (answered and not answered[0]) else FINE)


@app.command()
def requests(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """List the requests that are not answered yet."""
    from postbot.doors import views

    with bot_of(config, looks=True) as bot:
        rows = views.request_rows(bot.ledger.memory().requests)
        say_json(rows) if as_json else views.print_requests(rows)


@app.command()
def cancel(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The request's number.")],
    by: ByOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take a request back; its pull request is withdrawn at the next tick."""
    from postbot.app import clock

    with bot_of(config) as bot:
        memory = bot.ledger.memory()
        request = next((each for each in memory.requests if each.number == number), None)
        if request is None:
            misuse(f"There is no open request {number}.")
        words = f"{(who := asker(by))} cancelled it."
        said = bot.told_no(memory, request, words)
        bot.ledger.answer(request, done=False, words=words, messages=said, told=(), at=clock(), by=who)
    say(f"Cancelled request {number}: {request.wish.transition} {request.path}.\n")


# Pull requests -----------------------------------------------------------------------------------------------------


@app.command()
def pulls(
    everything: Annotated[bool, typer.Option("--all", help="The ended ones, too.")] = False,
    number: Annotated[int | None, typer.Option("--show", metavar="NUMBER", help="Show one whole.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """List the pull requests that postbot has made."""
    from postbot.doors import views

    found = [pull for pull in any_host(config).look().pulls if number in (None, pull.number)]
    if number is not None and not found:
        misuse(f"There is no pull request #{number}.")
    shown = found if everything or number is not None else [pull for pull in found if pull.status == "open"]
    if as_json:
        say_json([views.pull_json(pull) for pull in shown])
    elif number is not None:
        say(views.pull_text(shown[0]))
    else:
        views.print_pulls(shown)


@app.command()
def merge(number: NumberArgument, by: ByOption = "", config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Merge a pull request of a plain git site."""
    from postbot.app import clock

    plain_host(config).merge_by_hand(number, asker(by), clock())
    say(f"Merged #{number}. The next tick announces what that means.\n")
    by_hand(config, "merged", number, asker(by))


@app.command()
def approve(number: NumberArgument, by: ByOption = "", config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Approve a pull request of a plain git site, for postbot to merge when it is due."""
    from postbot.app import clock

    plain_host(config).approve(number, asker(by), clock())
    by_hand(config, "approved", number, asker(by))
    say(f"Approved #{number}.\n")


@app.command()
def reject(
    number: NumberArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why not.")] = "",
    by: ByOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Close a pull request of a plain git site unmerged: it will not be opened again for the same date."""
    from postbot.app import clock

    demand_text(reason)
    plain_host(config).reject(number, asker(by), reason, clock())
    by_hand(config, "rejected", number, asker(by), reason)
    say(f"Rejected #{number}.\n")


# Beginning ---------------------------------------------------------------------------------------------------------


@app.command()
def init(
    repo: Annotated[Path, typer.Argument(help="The site's git repository.")] = Path(),
    config: ConfigOption = DEFAULT_CONFIG,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a configuration, or add to one above.")] = False,
) -> None:
    """Look at a site, write its configuration, and say what was seen."""
    from postbot.doors import init as door

    raise typer.Exit(FINE if door.run(repo, config, force=force, say=lambda line: say(line + "\n")) else FOUND)


app.command()(running.doctor)


@app.command()
def demo(
    svg: Annotated[Path | None, typer.Option("--svg", help="Also save the picture here.")] = None,
) -> None:
    """A month in the life of a small site, on this machine: no account, no network."""
    from postbot.doors import demo as door

    door.run(svg)


app.add_typer(config_app, name="config")
app.add_typer(ledger_app, name="ledger")


def _tick(bot: Bot, now: datetime, *, chosen: bool, as_json: bool, about: str | None = None) -> Report:
    """Tick and tell; `about` names the one posting whose problems are of interest. A chosen `now` is no clock's."""
    from postbot.doors import views

    with busy("Looking at the site ..."):
        report = bot.tick(now, off=None if chosen else timedelta(0))
    pause, zone = bot.ledger.paused(), bot.policy.zone
    if as_json:
        say_json({**views.report_json(report), "paused": views.pause_json(pause)})
    else:
        say(views.pause_text(pause, zone) + views.report_text(report, zone, about))
    return report
