"""How a site, a posting, a pull request and a tick look to the person at the terminal.

Values in, text or plain values out (and rich tables, printed). Nothing here asks anything of host or ledger but what
it is handed.
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from shlex import quote
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

from postbot.core.announce import Outcome, one_line
from postbot.core.dates import say
from postbot.core.inert import code
from postbot.core.plan.memory import Request
from postbot.core.plan.render import problem_json, step_json, step_words
from postbot.core.plan.steps import Answer, MergeWhen, Policy, Record, Seen, Step, Tell
from postbot.core.plan.undoing import Undo, undoable, waits_for
from postbot.core.plan.wants import ahead_of, waits_as
from postbot.core.posting import Posting, at_utc, readiness, slug_of
from postbot.core.problem import Problem
from postbot.core.profile import State
from postbot.core.site import Pull
from postbot.ledger import Ledger, Pause
from postbot.reconcile import Report

Json = Mapping[str, Any]
_NO_END = 10_000


def rows(seen: Seen, now: datetime) -> list[Json]:
    """Every posting of the site in path order; one that cannot be read has its problem in place of a state."""
    return [_row(path, seen.postings[path], now) for path in sorted(seen.postings)]


def _row(path: str, found: Posting | Problem, now: datetime) -> Json:
    if isinstance(found, Problem):
        blank = {"title": None, "state": None, "opens": None, "closes": None}
        return {"slug": slug_of(path), "path": path, **blank, "problems": [problem_json(found)]}
    window = found.window
    return {
        "slug": found.slug,
        "path": path,
        "title": found.title,
        "state": "outside" if found.outside else found.state(now),
        "opens": at_utc(window.opens) if window.opens else None,
        "closes": at_utc(window.closes) if window.closes else None,
        "problems": [problem_json(problem) for problem in found.problems],
    }


def _page() -> Console:
    """The terminal; a file or a pipe gets whole lines, for nobody can widen those."""
    return Console() if sys.stdout.isatty() else Console(width=_NO_END)


def print_rows(postings: Sequence[Json], zone: ZoneInfo) -> None:
    """The postings as a table."""
    if not postings:
        _page().print("No postings here: is `folders` right, and the branch?")
        return
    table = Table("posting", "state", "opens", "closes", box=None, pad_edge=False)
    for row in postings:
        state = {None: "?", "outside": "(left alone)"}.get(row["state"], row["state"])
        cells = (row["slug"], state, _local(row["opens"], zone), _local(row["closes"], zone))
        table.add_row(*(Text(one_line(str(cell))) for cell in cells))
    _page().print(table)
    for row in postings:
        for problem in row["problems"]:
            _page().print(Text(f"{row['path']}:{problem['line']}: {one_line(problem['message'])}"), soft_wrap=True)


def _local(instant: str | None, zone: ZoneInfo) -> str:
    """An instant of the JSON form on the site's own clock."""
    return f"{datetime.fromisoformat(instant).astimezone(zone):%Y-%m-%d %H:%M %Z}" if instant else ""


def view(seen: Seen, posting: Posting, ledger: Ledger, now: datetime, policy: Policy) -> Json:
    """Everything known about one posting."""
    about = [pull for pull in seen.snapshot.pulls if posting.path in pull.paths]
    return {
        **_row(posting.path, posting, now),
        "profile": posting.profile.name,
        "lacks": [
            {"key": gap.key, "kind": gap.kind, "line": gap.line, "says": gap.says} for gap in _lacks(posting, now)
        ],
        "pulls": [pull_json(pull) for pull in about],
        "undo": _undo_json(undoable(seen, posting, now, policy)),
        "waits": waits_for(seen, posting, now),
        "history": [{"at": at_utc(e.at), "what": e.what, "detail": e.detail} for e in ledger.history(posting.path)],
    }


def _undo_json(found: Undo | str) -> Json:
    """What can be taken back and until when, or why nothing can."""
    if isinstance(found, str):
        return {"pull": None, "title": None, "until": None, "why_not": found}
    return {"pull": found.pull.number, "title": found.pull.title, "until": at_utc(found.until), "why_not": None}


def _lacks(posting: Posting, now: datetime) -> Sequence[Any]:
    return readiness(posting, State.OPEN) if posting.state(now) is not State.CLOSED else ()


def view_text(shown: Json, zone: ZoneInfo) -> str:
    """One posting as plain text."""
    lines = [
        f"{one_line(shown['title'])}",
        f"  file      {shown['path']}",
        f"  state     {shown['state'] or 'not known'}  (profile {shown['profile']})",
        f"  opens     {_local(shown['opens'], zone) or 'not known yet'}",
        f"  closes    {_local(shown['closes'], zone) or 'not known yet'}",
    ]
    lines += [f"  lacks     {gap['says']}" for gap in shown["lacks"]]
    lines += [f"  problem   line {problem['line']}: {problem['message']}" for problem in shown["problems"]]
    lines += [f"  pull      #{pull['number']} {pull['status']}: {pull['title']}" for pull in shown["pulls"]]
    if (undo := shown["undo"])["until"]:
        until = _local(undo["until"], zone)
        lines.append(f"  undo      #{undo['pull']} {undo['title']}, until {until}: postbot undo {quote(shown['slug'])}")
    lines += [f"  waits     {shown['waits']}"] if shown["waits"] else []
    lines += [
        f"  history   {_local(entry['at'], zone)}  {entry['what']}  {one_line(entry['detail'])}"
        for entry in shown["history"]
    ]
    return "\n".join(lines) + "\n"


def pull_json(pull: Pull) -> Json:
    """One pull request as plain values."""
    return {
        "number": pull.number,
        "branch": pull.branch,
        "title": pull.title,
        "status": pull.status,
        "labels": list(pull.labels),
        "opened_at": at_utc(pull.opened_at),
        "approved_by": list(pull.approved_by),
        "closed_by": pull.closed_by,
        "reason": pull.reason,
        "untouched": pull.untouched,
        "draft": pull.draft,
        "blocked": pull.blocked,
        "said": pull.standing.words,
        "url": pull.url,
        "body": pull.body,
    }


def pull_text(pull: Pull) -> str:
    """One pull request as plain text."""
    approved = f", approved by {', '.join(pull.approved_by)}" if pull.approved_by else ""
    draft = " draft" if pull.draft else ""
    notes = "".join(f"\n{line}" for line in (pull.url, pull.blocked, pull.reason, pull.standing.words) if line)
    return f"#{pull.number} {pull.title}\n{pull.status}{draft}{approved}  {pull.branch}{notes}\n\n{pull.body}"


def print_pulls(found: Sequence[Pull]) -> None:
    """Pull requests as a table."""
    if not found:
        _page().print("No pull requests.")
        return
    table = Table("#", "status", "title", "approved by", "branch", box=None, pad_edge=False)
    for pull in found:
        cells = (str(pull.number), pull.status, pull.title, ", ".join(pull.approved_by), pull.branch)
        table.add_row(*(Text(one_line(cell)) for cell in cells))
    _page().print(table)


def pause_text(pause: Pause | None, zone: ZoneInfo) -> str:
    """Who has paused postbot, in a line of its own; nothing where nobody has."""
    if pause is None:
        return ""
    why = f": {one_line(pause.why)}" if pause.why else ""
    since = f"{pause.at.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    return f"PAUSED by {one_line(pause.by)} since {since}{why}. Nothing is done or said until: postbot resume\n"


def pause_markdown(pause: Pause | None, zone: ZoneInfo) -> str:
    """The same as a paragraph of Markdown, in which what people wrote does nothing."""
    return f"{code(pause_text(pause, zone).rstrip())}\n\n" if pause else ""


def pause_json(pause: Pause | None) -> Json | None:
    """The same as plain values."""
    return {"by": pause.by, "since": at_utc(pause.at), "reason": pause.why} if pause else None


def report_text(report: Report, zone: ZoneInfo, about: str | None = None) -> str:
    """What one tick did. `about` is the posting that somebody has just asked for; problems of others are left out."""
    lines: list[str] = []
    if report.plan.held:
        lines.append(f"HELD ({report.plan.held.digest}): {report.plan.held.reason}")
    if report.halted:
        lines.append(f"Not all that is due was done. {report.halted}")
    # What is said shows as messages below, and an answer is told by whoever asked.
    shown = [step for step in report.done if not isinstance(step, Record | Tell | Answer) or _is_move(step)]
    lines += [words for step in shown for words in step_words(step)[:1]]
    quiet = sum(isinstance(step, Record) and not _is_move(step) for step in report.done)
    lines += (
        [f"remembered {quiet} posting{'s' if quiet != 1 else ''} as {'they stand' if quiet != 1 else 'it stands'}"]
        if quiet
        else []
    )
    lines += [f"left for the next look: {step_words(step)[0]}. {why}" for step, why in report.refused]
    lines += [
        _sent_words(each.delivery.message.subject, each.delivery.message.recipient, each.receipt)
        for each in report.sent
    ]
    lines += [f"not told yet: {each.message.subject}. {why}" for each, why in report.unseen]
    lines += [f"problem: {problem}" for problem in report.plan.problems if about in (None, problem.path)]
    woken = f"Next due: {say(report.wakes_at, zone)}." if report.wakes_at else "Nothing else is due by the clock."
    return "\n".join([*(lines or ["Nothing to do."]), woken]) + "\n"


def _is_move(step: Step) -> bool:
    return isinstance(step, Record) and (bool(step.announcements) or step.moved)


def _sent_words(subject: str, recipient: str, receipt: Any) -> str:  # noqa: ANN401
    outcome = {Outcome.SENT: "told", Outcome.NOT_SENT: "could not tell", Outcome.UNKNOWN: "may have told"}[
        receipt.outcome
    ]
    return f"{outcome} {recipient}: {subject}" + (f" ({receipt.detail})" if receipt.outcome is not Outcome.SENT else "")


def report_json(report: Report) -> Json:
    """What one tick did, as plain values."""
    held = report.plan.held
    return {
        "at": at_utc(report.at),
        "held": {"reason": held.reason, "digest": held.digest} if held else None,
        "done": [step_json(step) for step in report.done],
        "refused": [{**step_json(step), "why": why} for step, why in report.refused],
        "sent": [
            {
                "key": each.delivery.message.key,
                "recipient": each.delivery.message.recipient,
                "subject": each.delivery.message.subject,
                "outcome": each.receipt.outcome,
                "detail": each.receipt.detail,
            }
            for each in report.sent
        ],
        "halted": report.halted or None,
        "problems": [problem_json(problem) for problem in report.plan.problems],
        "wakes_at": at_utc(report.wakes_at) if report.wakes_at else None,
    }


def request_text(
    seen: Seen, request: Request, answered: tuple[bool, str] | None, report: Report, policy: Policy
) -> str:
    """What came of a request so far."""
    if answered:
        return f"{'Done' if answered[0] else 'Refused'}: {answered[1]}\n"
    if pull := waits_as(seen, request):
        by_hand = policy.of(request.wish.transition).merge is MergeWhen.REVIEW
        command = f"postbot {'merge' if by_hand else 'approve'} {pull.number}"  # an early merge would be live at once
        return f"Pull request #{pull.number} waits for a person: {pull.url or command}\n"
    if held := report.plan.held:
        return f"Request {request.number} is filed and waits for the held plan: postbot release {held.digest}\n"
    if report.halted:
        return f"Request {request.number} is filed and waits until somebody lets postbot go on: postbot resume\n"
    first = ahead_of(seen, request, report.at, policy)
    ahead = f"{one_line(first.by)}'s {first.wish.transition} (request {first.number})" if first else "its opening"
    return f"Request {request.number} is filed; {ahead} comes first. To take it back: postbot cancel {request.number}\n"


def request_rows(requests: Sequence[Request]) -> list[Json]:
    """The requests that are not answered yet, in the order they were filed."""
    return [
        {
            "number": request.number,
            "path": request.path,
            "transition": request.wish.transition,
            "values": dict(request.wish.values),
            "reason": request.wish.reason,
            "by": request.by,
            "filed_at": at_utc(request.filed_at),
        }
        for request in requests
    ]


def print_requests(rows: Sequence[Json]) -> None:
    """The open requests as a table."""
    if not rows:
        _page().print("No open requests.")
        return
    table = Table("request", "asks to", "posting", "by", box=None, pad_edge=False)
    for row in rows:
        values = " ".join(f"{key}={value}" for key, value in row["values"].items())
        cells = (str(row["number"]), f"{row['transition']} {values}", row["path"], row["by"])
        table.add_row(*(Text(one_line(cell)) for cell in cells))
    _page().print(table)
