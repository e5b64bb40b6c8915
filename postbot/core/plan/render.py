"""A plan, in the three forms that people and programs read it in: text, JSON, Markdown.

Pure. The same plan always renders the same; nothing is decided here. JSON holds plain values only.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from postbot.core.announce import Announcement, one_line
from postbot.core.inert import block
from postbot.core.plan.forecast import Foreseen
from postbot.core.plan.steps import Answer, Forget, Merge, Note, Plan, Propose, Record, Step, Tell, Tidy, Withdraw
from postbot.core.posting import at_utc
from postbot.core.problem import Problem

Json = Mapping[str, Any]


def step_words(step: Step) -> list[str]:
    """One step in plain words: what it does, and below it what is said to whom."""
    match step:
        case Propose(change=change, refresh=refresh):
            kind = "draft pull request" if change.draft else "pull request"
            return [f"{'bring up to date' if refresh else 'open'} {kind} {change.branch}: {change.title}"]
        case Merge(pull=pull):
            return [f"merge pull request #{pull.number} {pull.title}"]
        case Withdraw(pull=pull, reason=reason):
            return [f"withdraw pull request #{pull.number} {pull.title}. {reason}"]
        case Tidy(pull=pull):
            return [f"delete the branch of pull request #{pull.number} {pull.title}, which has ended"]
        case Note(pull=pull, standing=standing):
            said = " ".join((one_line(standing.words), standing.verdict)).strip() or "nothing"
            return [f"say beside pull request #{pull.number} {pull.title}: {said}"]
        case Record(witness=witness, announcements=said):
            return [f"see {witness.path} as {witness.state}", *map(_said, said)]
        case Forget(path=path, announcements=said):
            return [f"forget {path}, which is gone", *map(_said, said)]
        case Tell(announcement=said, quiet=quiet):
            return [f"note without a word: {said.event} {one_line(said.slug)}" if quiet else _said(said)]
        case Answer(request=request, done=done, words=words, announcements=said):
            outcome = "done" if done else "refused"
            return [
                f"answer {one_line(request.by)}: {request.wish.transition} {one_line(request.path)} {outcome}. {words}",
                *map(_said, said),
            ]
        case _:
            assert_never(step)


def _said(announcement: Announcement) -> str:
    title = announcement.facts.get("title") or announcement.facts.get("path") or announcement.facts.get("reason") or ""
    return f"tell {announcement.event.audience}: {announcement.event} {one_line(str(title))}".rstrip()


def plan_text(plan: Plan, to_come: Sequence[Foreseen], zone: ZoneInfo) -> str:
    """The plan and what is to come as plain text, times in the site's zone."""
    lines = [f"Plan at {_local(plan.at, zone)}"]
    if plan.held:
        lines.append(f"HELD ({plan.held.digest}): {plan.held.reason}")
        lines += [f"  waiting: {one_line(path)} to {target}" for path, target in plan.held.moves]
    shown = _worth_showing(to_come)
    now = [found for found in shown if found.at == plan.at] if not plan.held else []
    later = [found for found in shown if found.at != plan.at]
    lines += ["Now:", *_foreseen(now, zone)] if now else [] if plan.held else ["Now: nothing to do."]
    lines += ["To come:", *_foreseen(later, zone)] if later else []
    lines += ["Problems:", *(f"  {problem}" for problem in plan.problems)] if plan.problems else []
    lines.append(
        f"Next look needed: {_local(plan.wakes_at, zone)}" if plan.wakes_at else "Nothing is due by the clock."
    )
    return "\n".join(lines) + "\n"


def _worth_showing(found: Sequence[Foreseen]) -> list[Foreseen]:
    """All but the postings that are merely remembered as they stand."""
    return [each for each in found if not _is_quiet(each.step)]


def _is_quiet(step: Step) -> bool:
    match step:
        case Record(announcements=said, moved=moved, was=was):
            return not (said or moved or was)
        case Tell(quiet=quiet):
            return quiet
        case _:
            return False


def _foreseen(found: Sequence[Foreseen], zone: ZoneInfo) -> list[str]:
    lines: list[str] = []
    for each in found:
        first, *more = step_words(each.step)
        assumed = " (a person has to)" if each.assumed else ""
        lines += [
            f"  {_local(each.at, zone)}  {first}{assumed}",
            *(f"  {'':{len(_local(each.at, zone))}}  {line}" for line in more),
        ]
    return lines


def plan_markdown(plan: Plan, to_come: Sequence[Foreseen], zone: ZoneInfo) -> str:
    """The plan and what is to come as Markdown, with the diff of each pull request."""
    lines = [f"## Plan at {_local(plan.at, zone)}"]
    if plan.held:
        lines.append(f"**Held** (`{plan.held.digest}`): {plan.held.reason}")
    shown = _worth_showing(to_come)
    for each in shown:
        first, *more = step_words(each.step)
        lines.append(f"- {_local(each.at, zone)}: {first}{' *(a person has to)*' if each.assumed else ''}")
        lines += [f"  - {line}" for line in more]
        if isinstance(each.step, Propose):
            lines += ["", *(f"  {line}" for line in block(each.step.change.diff, "diff").split("\n")), ""]
    if not shown and not plan.held:
        lines.append("Nothing to do.")
    lines += ["### Problems", *(f"- `{problem}`" for problem in plan.problems)] if plan.problems else []
    return "\n".join(lines) + "\n"


def plan_json(plan: Plan, to_come: Sequence[Foreseen]) -> Json:
    """The plan and what is to come as plain values; instants are UTC in ISO 8601."""
    return {
        "at": at_utc(plan.at),
        "held": {"reason": plan.held.reason, "digest": plan.held.digest} if plan.held else None,
        "wakes_at": at_utc(plan.wakes_at) if plan.wakes_at else None,
        "steps": [step_json(step) for step in plan.steps],
        "waiting": [{"path": path, "to": target} for path, target in plan.held.moves] if plan.held else [],
        "to_come": [{"at": at_utc(each.at), "assumed": each.assumed, **step_json(each.step)} for each in to_come],
        "problems": [problem_json(problem) for problem in plan.problems],
    }


def step_json(step: Step) -> Json:
    """One step as plain values; `does` names its kind."""
    said = [{"event": a.event, "slug": a.slug, "key": a.key} for a in getattr(step, "announcements", ())]
    match step:
        case Propose(change=change, path=path, transition=transition, due=due, refresh=refresh):
            named = {"branch": change.branch, "title": change.title, "path": path, "transition": transition}
            return {"does": "refresh" if refresh else "propose", **named, "due": at_utc(due)}
        case Merge(pull=pull, path=path, transition=transition):
            return {
                "does": "merge",
                "number": pull.number,
                "branch": pull.branch,
                "path": path,
                "transition": transition,
            }
        case Withdraw(pull=pull, reason=reason):
            return {"does": "withdraw", "number": pull.number, "branch": pull.branch, "reason": reason}
        case Tidy(pull=pull):
            return {"does": "delete-branch", "number": pull.number, "branch": pull.branch}
        case Note(pull=pull, path=path, standing=standing):
            words = {"words": standing.words, "approved": standing.approved, "verdict": standing.verdict}
            return {"does": "comment", "number": pull.number, "branch": pull.branch, "path": path, **words}
        case Record(witness=witness):
            return {"does": "record", "path": witness.path, "state": witness.state, "tells": said}
        case Forget(path=path):
            return {"does": "forget", "path": path, "tells": said}
        case Tell(announcement=one, quiet=quiet):
            tells = [] if quiet else [{"event": one.event, "slug": one.slug, "key": one.key}]
            return {"does": "note" if quiet else "tell", "tells": tells}
        case Answer(request=request, done=done, words=words):
            return {"does": "answer", "request": request.number, "done": done, "words": words, "tells": said}
        case _:
            assert_never(step)


def problem_json(problem: Problem) -> Json:
    """One problem as plain values, in the form that `postbot check --format json` documents."""
    return {
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "code": problem.code,
        "severity": str(problem.severity),
        "message": problem.message,
        "fix": problem.fix,
    }


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%a %Y-%m-%d %H:%M %Z")
