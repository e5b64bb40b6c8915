"""Time travel: every pull request, merge and message to come, if nobody changes anything.

Pure. The same plan that the loop follows is followed here on values instead of a host: proposals become pull
requests, merges become files. Where a person has to approve or merge, the forecast assumes that they do so at the
instant it is due, and says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha1

from postbot.core.plan.decide import make_plan
from postbot.core.plan.memory import Change, Witness
from postbot.core.plan.steps import (
    Answer,
    Forget,
    Merge,
    Note,
    Plan,
    Policy,
    Propose,
    Record,
    Seen,
    Step,
    Tell,
    Tidy,
    Withdraw,
)
from postbot.core.posting import Posting, read_posting
from postbot.core.site import File, Path, Pull, PullStatus, Standing

_ROUNDS = 20  # more than any chain of steps at one instant needs


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One step at its instant (UTC). `assumed` means that a person has to do it, and is taken to do it on time."""

    at: datetime
    step: Step
    assumed: bool = False


def forecast(seen: Seen, now: datetime, until: datetime, policy: Policy) -> tuple[tuple[Foreseen, ...], Plan]:
    """Follow the plan from `now` to `until` (both UTC, until included); also the plan of this very moment."""
    found: list[Foreseen] = []
    plan = first = make_plan(seen, now, policy)
    at: datetime | None = now
    while at is not None and at <= until:
        seen, steps, plan = _settle(seen, at, policy, plan)
        found += steps
        at = plan.wakes_at if plan.held is None else None
    return tuple(found), first


def _settle(seen: Seen, at: datetime, policy: Policy, plan: Plan) -> tuple[Seen, list[Foreseen], Plan]:
    """Plan and apply at one instant until nothing is left to do; `plan` is the one before."""
    found: list[Foreseen] = []
    for _ in range(_ROUNDS):
        plan = make_plan(seen, at, policy, plan)
        merged = list(_people(seen, plan, at)) if plan.held is None else []
        steps = [Foreseen(at, step) for step in plan.steps if not _is_about(step, merged)]
        steps += [Foreseen(at, step, assumed=True) for step in merged]
        for step in steps:
            seen = apply(seen, step.step, at)
        found += steps
        seen = replace(seen, memory=replace(seen.memory, last_tick=at, copied=False))
        if not steps or plan.held:
            break
    return seen, found, plan


def _is_about(step: Step, merged: Sequence[Merge]) -> bool:
    """Whether a step says something beside a pull request that is merged at the same instant."""
    return isinstance(step, Note) and any(merge.pull.branch == step.pull.branch for merge in merged)


def _people(seen: Seen, plan: Plan, at: datetime) -> Iterator[Merge]:
    """Merges that wait for a person, at the instant they are due; a refreshed one waits for its next round.

    Nobody is taken to fill in what a draft lacks.
    """
    busy = {step.change.branch for step in plan.steps if isinstance(step, Propose)}
    busy |= {step.pull.branch for step in plan.steps if isinstance(step, Withdraw | Merge)}
    for want in plan.wanted:
        pull = seen.snapshot.by_branch.get(want.branch)
        waits = pull is not None and pull.status is PullStatus.OPEN and not pull.draft and not want.standby
        if pull and waits and want.due <= at and pull.branch not in busy:
            yield Merge(pull, want.posting.path, want.wish.transition)


def apply(seen: Seen, step: Step, at: datetime) -> Seen:
    """The world after one step, without any host: what a perfect host and ledger would show next."""
    match step:
        case Record():
            return _told(_recorded(seen, step.witness, step.was), step)
        case Forget():
            return _told(_forgotten(seen, step.path), step)
        case Propose():
            return _pulls(seen, _proposed(seen, step, at))
        case Merge():
            return _merged(seen, step, at)
        case Withdraw():
            return _pulls(
                seen,
                replace(step.pull, status=PullStatus.WITHDRAWN, head="", closed_at=at, reason=step.reason),
            )
        case Tidy():
            return _pulls(seen, replace(step.pull, head=""))
        case Note():
            return _pulls(seen, replace(step.pull, standing=step.standing))
        case Tell():
            return _told(seen, step)
        case Answer():
            left = tuple(request for request in seen.memory.requests if request != step.request)
            return _told(replace(seen, memory=replace(seen.memory, requests=left)), step)


def _recorded(seen: Seen, witness: Witness, was: Path | None) -> Seen:
    """A witness replaces what was known under its former path, and what is asked for goes with the posting."""
    others = {path: known for path, known in seen.memory.witnesses.items() if path != was}
    requests = (replace(each, path=witness.path) if each.path == was else each for each in seen.memory.requests)
    memory = replace(seen.memory, requests=tuple(requests))
    gone = {path: known for path, known in memory.gone.items() if path != witness.path}
    return _remember(replace(seen, memory=replace(memory, gone=gone)), others | {witness.path: witness})


def _forgotten(seen: Seen, path: Path) -> Seen:
    """A posting whose file has gone, as it was last seen, in case it comes back."""
    witnesses = dict(seen.memory.witnesses)
    gone = {**seen.memory.gone, path: replace(witnesses[path], news=witnesses[path].news + 1)}
    del witnesses[path]
    return _remember(replace(seen, memory=replace(seen.memory, gone=gone)), witnesses)


def _remember(seen: Seen, witnesses: Mapping[Path, Witness]) -> Seen:
    return replace(seen, memory=replace(seen.memory, witnesses=witnesses))


def _told(seen: Seen, step: Record | Forget | Tell | Answer) -> Seen:
    said = (step.announcement,) if isinstance(step, Tell) else step.announcements
    also = step.also if isinstance(step, Tell | Record) else ()
    keys = seen.memory.told | {announcement.key for announcement in said} | set(also)
    return replace(seen, memory=replace(seen.memory, told=keys))


def _pulls(seen: Seen, pull: Pull) -> Seen:
    others = tuple(other for other in seen.snapshot.pulls if other.branch != pull.branch)
    return replace(seen, snapshot=replace(seen.snapshot, pulls=(*others, pull)))


def _proposed(seen: Seen, step: Propose, at: datetime) -> Pull:
    known = seen.snapshot.by_branch.get(step.change.branch)
    number = known.number if known else max((p.number for p in seen.snapshot.pulls), default=0) + 1
    return Pull(
        number=number,
        branch=step.change.branch,
        title=step.change.title,
        body=step.change.body,
        status=PullStatus.OPEN,
        head=f"forecast-{number}",
        untouched=True,
        opened_at=at,
        labels=step.change.labels,
        files=step.change.after,
        paths=tuple(step.change.after),
        approved_by=known.approved_by if known and dict(known.files) == dict(step.change.after) else (),
        draft=step.change.draft,
        again=step.change.again,
        standing=known.standing if known else Standing(),
    )


def _merged(seen: Seen, step: Merge, at: datetime) -> Seen:
    files, postings = dict(seen.snapshot.files), dict(seen.postings)
    before, changes = postings[step.path], dict(seen.changes)
    if (data := step.pull.files.get(step.path)) is not None:
        branch = step.pull.branch
        changes[branch] = Change(branch, step.path, files[step.path].data, data, at)
    for path, data in step.pull.files.items():
        if data is None:
            del files[path], postings[path]
            continue
        files[path] = File(path, _blob(data), data)
        if isinstance(before, Posting):
            postings[path] = read_posting(path, data, before.profile, before.zone)
    snapshot = replace(seen.snapshot, files=files)
    merged = replace(step.pull, status=PullStatus.MERGED, head="", files={}, closed_at=at)
    return _pulls(replace(seen, snapshot=snapshot, postings=postings, changes=changes), merged)


def _blob(data: bytes) -> str:
    """Git's name for these bytes. https://git-scm.com/book/en/v2/Git-Internals-Git-Objects."""
    return sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
