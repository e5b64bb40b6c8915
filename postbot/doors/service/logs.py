"""What the service writes about itself: one line per decision, with its reason, on standard error.

JSON for machines, or text for people. Whatever comes from a posting or a far end stands in a value that cannot begin a
line of its own. Lines name postings by their paths, never by titles; people by address only where the configuration
does; and secrets not at all: every text passes `postbot.censor`, those of libraries and of tracebacks too.
"""

import json
import logging
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Literal, assert_never

import structlog
from structlog.stdlib import BoundLogger, ProcessorFormatter
from structlog.typing import EventDict, Processor

from postbot.censor import censored
from postbot.core.announce import Announcement, Outcome
from postbot.core.plan.steps import (
    Answer,
    Forget,
    Merge,
    Note,
    Propose,
    Record,
    Step,
    Tell,
    Tidy,
    Withdraw,
)
from postbot.core.problem import Problem
from postbot.core.text.scalar import unprintable
from postbot.reconcile import Report
from postbot.speaking import Sent

Kind = Literal["json", "text"]
Level = Literal["info", "warning", "error", "critical"]

_OURS: Final = "postbot"
_FIRST: Final = ("at", "level", "site", "event")
_EXCEPTION: Final = "exception"


def set_up(kind: Kind) -> None:
    """Have everything that is logged, and every failure that nobody caught, written so; again replaces what was.

    Ours from `info` on, that of libraries from `warning` on; the level of the root logger says so, and may be lowered.
    """
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_STAMPED, ProcessorFormatter.wrap_for_formatter],
        wrapper_class=BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(_as_json if kind == "json" else _as_text))
    handler.addFilter(_is_loud_enough)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger(_OURS).setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # what cannot be written must not be printed past the censor either
    _catch()


_STAMPED: Final[Sequence[Processor]] = (
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
)


def _formatter(render: Processor) -> ProcessorFormatter:
    """One way for all: our lines, and the records of libraries."""
    return ProcessorFormatter(
        foreign_pre_chain=[*_STAMPED, structlog.stdlib.add_logger_name],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            _safe,
            render,
        ],
    )


def _is_loud_enough(record: logging.LogRecord) -> bool:
    """Some libraries set the level of their own loggers."""
    return record.name == _OURS or record.levelno >= logging.getLogger().level


def line(level: Level, site: str, event: str, **fields: object) -> None:
    """Write one line about a site, or (where that is empty) about the service itself."""
    logger: BoundLogger = structlog.stdlib.get_logger(_OURS)
    logger.log(logging.getLevelNamesMapping()[level.upper()], event, site=site, **fields)


def fault(site: str, event: str, error: BaseException | None = None) -> None:
    """Write an error that nobody expected, by default the one that is being handled, with its traceback."""
    line("error", site, event, exc_info=error or True)


def _catch() -> None:
    """Have the failures that end a thread, or the process, written by the same rules."""

    def uncaught(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
        if not isinstance(error, KeyboardInterrupt):
            fault("", "ended by an error", error)

    def in_thread(told: threading.ExceptHookArgs) -> None:
        if told.exc_value is not None and not isinstance(told.exc_value, SystemExit):
            fault("", "a thread ended by an error", told.exc_value)

    def nowhere(told: "sys.UnraisableHookArgs") -> None:
        if told.exc_value is not None:
            fault("", "an error had nowhere to go", told.exc_value)

    sys.excepthook, threading.excepthook, sys.unraisablehook = uncaught, in_thread, nowhere


# How a line is written ------------------------------------------------------------------------------------------------


def _safe(_logger: object, _method: str, event: EventDict) -> EventDict:
    """The same without secrets, in plain values, the fields that every line has in front."""
    ordered = {name: event[name] for name in (*_FIRST, *event) if name in event}
    return {str(name): _plain(value) for name, value in ordered.items() if value not in (None, "", ())}


def _plain(value: object) -> Any:  # noqa: ANN401 - what JSON can hold
    match value:
        case bool() | int() | float():
            return value
        case Mapping():
            return {censored(str(name)): _plain(each) for name, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(each) for each in value]
        case _:
            return censored(str(value))


def _as_json(_logger: object, _method: str, event: EventDict) -> str:
    return json.dumps(event)


def _as_text(_logger: object, _method: str, event: EventDict) -> str:
    """`AT LEVEL SITE: EVENT name=value ...`; the lines of a traceback stand behind a bar, so none passes for ours."""
    trace = str(event.pop(_EXCEPTION, ""))
    first = {name: _visible(str(event.pop(name, ""))) for name in _FIRST}
    rest = " ".join(f"{name}={_word(value)}" for name, value in event.items())
    where = f"{first['site']}: " if first["site"] else ""
    line = f"{first['at']} {first['level']:8} {where}{first['event']} {rest}".rstrip()
    return "\n".join([line, *(f"  | {_visible(each)}" for each in trace.splitlines())])


def _word(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    is_plain = text and not any(each.isspace() or each in "\"'=" for each in text)
    return _visible(text if is_plain or not isinstance(value, str) else json.dumps(text, ensure_ascii=False))


def _visible(text: str) -> str:
    return "".join(repr(each)[1:-1] if unprintable(each) or not each.isprintable() else each for each in text)


# What a tick did ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Standing:
    """What has been told of a site and still stands, so that it is not told again by each tick."""

    held: str = ""
    halted: str = ""
    problems: frozenset[Problem] = frozenset()
    unseen: frozenset[tuple[int, str]] = frozenset()


_known: dict[str, _Standing] = {}


_Line = tuple[Level, str, Mapping[str, object]]
"""A level, what happened, and the fields that say to what and why."""


def told(site: str, report: Report, *, is_paused: bool) -> None:
    """Write one line for each thing that a tick did or could not do, and once what stands from now on, or no longer.

    A tick that had nothing to do writes nothing. `is_paused` says whether it would have been kept from doing it.
    """
    before = _known.get(site, _Standing())
    after = _standing(report, before.halted if is_paused else "")
    _known[site] = after
    lines = [*map(_done, report.done), *(_refused(*each) for each in report.refused), *map(_sent, report.sent)]
    lines += _changed(before, after, report)
    for level, event, fields in lines:
        line(level, site, event, **fields)


def forget(site: str) -> None:
    """Know nothing more of a site that is no longer served."""
    _known.pop(site, None)


def _standing(report: Report, halted: str) -> _Standing:
    held = report.plan.held
    return _Standing(
        held.digest if held else "",
        report.halted or halted,  # a pause goes on where there was nothing that it kept from being done
        frozenset(report.plan.problems),
        frozenset((delivery.number, why) for delivery, why in report.unseen),
    )


def _changed(before: _Standing, after: _Standing, report: Report) -> Iterator[_Line]:
    if report.plan.held and after.held != before.held:
        yield "warning", "held", {"why": report.plan.held.reason, "digest": report.plan.held.digest}
    if before.held and not after.held:
        yield "info", "no longer held", {"digest": before.held}
    if after.halted and after.halted != before.halted:
        yield "warning", "halted", {"why": after.halted}
    if before.halted and not after.halted:
        yield "info", "no longer halted", {"was": before.halted}
    for delivery, why in report.unseen:
        if (delivery.number, why) not in before.unseen:
            page = delivery.message.page
            about = {"news": delivery.message.event, "path": delivery.message.path, "page": page.url if page else ""}
            yield "info", "waits for the public page", {**about, "delivery": delivery.number, "why": why}
    yield from (_problem("warning", "problem", each) for each in _sorted(after.problems - before.problems))
    yield from (_problem("info", "no problem any more", each) for each in _sorted(before.problems - after.problems))


def _sorted(problems: Iterable[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda each: (each.path, each.line, each.column, each.code))


def _problem(level: Level, event: str, problem: Problem) -> _Line:
    """By its code: its message may quote the posting. `postbot check` says the rest."""
    place = {"path": problem.path, "line": problem.line, "column": problem.column}
    return level, event, {**place, "why": problem.code, "severity": problem.severity}


def _done(step: Step) -> _Line:
    event, fields = _act(step)
    return "info", event, fields


def _refused(step: Step, why: str) -> _Line:
    event, fields = _act(step)
    return "warning", f"not {event}", {**fields, "why": why}


def _sent(sent: Sent) -> _Line:
    """One attempt to send. Whom only a posting names is not named here, nor where the far end repeats it."""
    message, receipt = sent.delivery.message, sent.receipt
    named, detail = message.recipient, receipt.detail
    if message.named_by_posting:
        named, detail = "named by the posting", _without(detail, message.recipient)
    about = {"news": message.event, "path": message.path, "channel": message.channel, "to": named}
    level: Level = "info" if receipt.outcome is Outcome.SENT else "warning"
    return level, str(receipt.outcome), {**about, "delivery": sent.delivery.number, "why": detail}


def _act(step: Step) -> tuple[str, dict[str, object]]:
    """What a step is called once it is done, and what it was done to, by whom and why."""
    match step:
        case Record(witness=witness, announcements=said, was=was):
            dates = {"opens": witness.opens, "closes": witness.closes, "state": witness.state}
            return "witnessed", {"path": witness.path, "was": was, **dates, **_news(said)}
        case Forget(path=path, announcements=said):
            return "forgotten", {"path": path, "why": "It is not on the site any more.", **_news(said)}
        case Propose(path=path, transition=transition, due=due, change=change, by=by):
            named = {"path": path, "transition": transition, "branch": change.branch, "due": due, "draft": change.draft}
            return "refreshed" if step.refresh else "proposed", {**named, **_by(by)}
        case Merge(pull=pull, path=path, transition=transition, by=by):
            named = {"path": path, "transition": transition, "number": pull.number, "branch": pull.branch}
            return "merged", {**named, "approved_by": pull.approved_by, **_by(by)}
        case Withdraw(pull=pull, reason=reason):
            return "withdrawn", {"path": next(iter(pull.paths), ""), "number": pull.number, "why": reason}
        case Tidy(pull=pull):
            return "branch deleted", {"number": pull.number, "branch": pull.branch, "why": "It has ended."}
        case Note(pull=pull, path=path, standing=standing):
            return "commented", {"path": path, "number": pull.number, "why": standing.verdict}
        case Tell(announcement=announcement, quiet=quiet):
            return "known" if quiet else "told", {"path": _path(announcement), **_news((announcement,))}
        case Answer(request=request, done=done, words=words):
            wish = {"path": request.path, "transition": request.wish.transition, "by": request.by}
            return "granted" if done else "declined", {**wish, "request": request.number, "why": words}
        case _:
            assert_never(step)


def _by(by: str) -> dict[str, object]:
    return {"by": by or "the clock", "why": f"{by} asked for it." if by else "It is due."}


def _news(said: Sequence[Announcement]) -> dict[str, object]:
    return {"news": [each.event for each in said]}


def _path(announcement: Announcement) -> str:
    return announcement.about.path if announcement.about else ""


def _without(text: str, address: str) -> str:
    at = text.casefold().find(address.casefold())
    while at >= 0:
        text = f"{text[:at]}(its address){text[at + len(address) :]}"
        at = text.casefold().find(address.casefold())
    return text
