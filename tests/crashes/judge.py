"""What the outside world has got, as values, and what is wrong with it compared with what it should have got.

Only the twins, git and the files that the staff read are asked; postbot's own memory is not believed. Wrong is told in
sentences, each by its name. What a crash may leave behind all the same is named here, and nothing else is let pass: a
git object that no branch holds, a second asking of a reviewer who has been asked, a card in Slack that is brought up
to date to the same words, and a mail that nobody can tell about, which is held and told to the staff.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple

from tests.crashes.kit import ARCHIVE, CHANNEL, POSTBOT, STAFF, Site
from tests.world import git, text_of

UNSEEN = ("blob", "tree", "commit", "token-granted")
"""What the twin writes down of objects that no branch needs to hold: nobody on GitHub sees them."""
HARMLESS = ("review-requested",)
"""What may be done again, for GitHub tells nobody twice."""
HELD = re.compile(r"^- To email:(\S+): (.+?)\. ", re.MULTILINE)
_ALARM = "held for a person"


class Act(NamedTuple):
    """Something that postbot did to GitHub, and the branch (or the branch's pull request) that it did it to."""

    kind: str
    branch: str


class Mail(NamedTuple):
    """A mail that the server has taken."""

    to: str
    subject: str
    text: str


class Post(NamedTuple):
    """A message in Slack as it was posted, and what began the thread that it stands in."""

    text: str
    under: str


@dataclass(frozen=True)
class Happened:
    """Everything that others can see of what postbot has done."""

    acts: Counter[Act] = field(default_factory=Counter)
    pulls: Mapping[str, str] = field(default_factory=dict)
    commits: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    mails: Counter[Mail] = field(default_factory=Counter)
    posts: Counter[Post] = field(default_factory=Counter)
    cards: tuple[str, ...] = ()
    archive: Counter[str] = field(default_factory=Counter)
    staff: Counter[str] = field(default_factory=Counter)
    held: Counter[tuple[str, str]] = field(default_factory=Counter)
    left: tuple[str, ...] = ()


def happened(site: Site) -> Happened:
    """Ask the twins, git, and the folder of the staff."""
    effects = site.lab.github.effects()
    bare, messages = site.folder / "site.git", site.lab.slack.messages(CHANNEL)
    written = list(_written(site.folder))
    staff = [mail for mail in written if mail["To"] == STAFF]
    alarms = [text_of(mail) for mail in staff if _ALARM in mail["Subject"]]
    return Happened(
        acts=Counter(_acts(effects)),
        pulls=_pulls(site),
        commits=tuple(git(bare, "log", "--format=%an: %s", "main").splitlines()),
        files=_files(bare),
        mails=Counter(_mails(site)),
        posts=Counter(_posts(site.lab.slack.effects("posted"))),
        cards=tuple(json.dumps([each["text"], each.get("blocks")]) for each in messages),
        archive=Counter(str(mail["Subject"]) for mail in written if mail["To"] == ARCHIVE),
        staff=Counter(str(mail["Subject"]) for mail in staff if _ALARM not in mail["Subject"]),
        held=Counter(each for alarm in alarms for each in HELD.findall(alarm)),
        left=tuple(_left(site.folder, bare)),
    )


def _acts(effects: list[dict[str, Any]]) -> Iterator[Act]:
    branches = {row["number"]: row["branch"] for row in effects if row["kind"] == "pull-opened"}
    for row in effects:
        if row["by"] == POSTBOT and row["kind"] not in UNSEEN:
            yield Act(row["kind"], row.get("branch") or branches.get(row.get("number"), row.get("name", "")))


def _pulls(site: Site) -> dict[str, str]:
    names = ("title", "state", "draft", "labels", "reviewers", "assignees", "merged_by", "body")
    pulls = site.lab.github.pulls()
    shown = {pull["head"]: {name: pull[name] for name in names} for pull in pulls}
    said = {pull["head"]: [each["body"] for each in pull["comments"]] for pull in pulls}
    return {head: json.dumps({**pull, "comments": said[head]}, indent=1) for head, pull in shown.items()}


def _files(bare: Path) -> dict[str, bytes]:
    names = git(bare, "ls-tree", "-r", "--name-only", "main").splitlines()
    return {name: git(bare, "show", f"main:{name}").encode() for name in names}


def _mails(site: Site) -> Iterator[Mail]:
    for taken in site.lab.post.accepted():
        mail = taken.mail
        yield Mail(taken.recipients[0], str(mail["Subject"]), text_of(mail))


def _posts(posted: list[dict[str, Any]]) -> Iterator[Post]:
    # As it was posted: a card is brought up to date afterwards, and so is one that came twice.
    texts = {row["ts"]: str(row["told"]["text"]) for row in posted}
    return (Post(text, texts.get(row["thread"] or "", "")) for row, text in zip(posted, texts.values(), strict=True))


def _written(folder: Path) -> Iterator[EmailMessage]:
    for file in sorted((folder / ".postbot" / "announcements").glob("*.eml")):
        found = message_from_bytes(file.read_bytes(), policy=policy.default)
        assert isinstance(found, EmailMessage)
        yield found


def _left(folder: Path, bare: Path) -> Iterator[str]:
    yield from git(bare, "for-each-ref", "--format=branch %(refname:short)", "refs/heads/postbot/").splitlines()
    yield from (f"file {part.name}" for part in (folder / ".postbot" / "announcements").glob(".*"))


# What is wrong ---------------------------------------------------------------------------------------------------


def wrong(got: Happened, wanted: Happened, *, doubtful: int = 0) -> list[str]:
    """What is wrong, a sentence for each; nothing where all is as it should be.

    `doubtful` is how many mails may be held for a person at most, for so many kills struck while a mail was on its way.
    """
    return [
        *_acts_amiss(got.acts, wanted.acts),
        *_differs("pull request", got.pulls, wanted.pulls),
        *([] if got.commits == wanted.commits else [f"wrong history: {got.commits}, not {wanted.commits}"]),
        *_differs("bytes", got.files, wanted.files),
        *_mails_amiss(got, wanted, doubtful),
        *_times("Slack heard", got.posts, wanted.posts),
        *([] if set(got.cards) == set(wanted.cards) else ["wrong words in Slack"]),
        *_times("the archive got", got.archive, wanted.archive),
        *_times("the staff heard", got.staff, wanted.staff),
        *(f"left over: {each}" for each in got.left if each not in wanted.left),
    ]


def lost_or_doubled(got: Happened, wanted: Happened) -> list[str]:
    """What was lost or done twice, where the twins failed, too: then what is said beside pull requests may differ.

    A mail that may have gone out, or that a server would not have, may be held and told instead.
    """
    once = ("ref-created", "ref-moved", "ref-deleted", "pull-opened", "pull-closed", "pull-reopened", "merged")
    lasting = [{act: many for act, many in each.acts.items() if act.kind in once} for each in (got, wanted)]
    # Of two that had found no comment of ours, one gives way.
    said = {
        a.branch: n - got.acts[Act("comment-deleted", a.branch)] for a, n in got.acts.items() if a.kind == "comment"
    }
    return [
        *_times("done", *lasting),
        *(f"{many} comments beside {branch}" for branch, many in said.items() if many > 1),
        *_times("merged", Counter(_unnumbered(got.commits)), Counter(_unnumbered(wanted.commits))),
        *_differs("bytes", got.files, wanted.files),
        *_mails_amiss(got, wanted, got.held.total()),
        *_times("Slack heard", got.posts, wanted.posts),
        *_times("the archive got", got.archive, wanted.archive),
        *(f"left over: {each}" for each in got.left if each not in wanted.left),
    ]


def _unnumbered(commits: tuple[str, ...]) -> list[str]:
    """Without the numbers of the pull requests, which may have come in another order."""
    return [subject.partition(" (#")[0] for subject in commits]


def _acts_amiss(got: Counter[Act], wanted: Counter[Act]) -> Iterator[str]:
    for act in sorted(got | wanted):
        more = got[act] > wanted[act] and (act.kind not in HARMLESS or not wanted[act])
        if more or got[act] < wanted[act]:
            yield f"{act.kind} of {act.branch}: {got[act]} times, not {wanted[act]}"


def _differs(what: str, got: Mapping[str, object], wanted: Mapping[str, object]) -> Iterator[str]:
    for name in sorted({*got, *wanted}):
        if got.get(name) != wanted.get(name):
            yield f"wrong {what} {name}: {got.get(name)!s}, not {wanted.get(name)!s}"


def _times(what: str, got: Mapping[Any, int], wanted: Mapping[Any, int]) -> Iterator[str]:
    for each in sorted({*got, *wanted}):
        if got.get(each, 0) != wanted.get(each, 0):
            yield f"{what} {got.get(each, 0)} times, not {wanted.get(each, 0)}: {each}"


def _mails_amiss(got: Happened, wanted: Happened, doubtful: int) -> Iterator[str]:
    held = got.held - wanted.held
    for mail in sorted(got.mails | wanted.mails):
        times, due = got.mails[mail], wanted.mails[mail]
        if times > due:
            yield f"mail came {times} times, not {due}: {mail.to}: {mail.subject}"
        elif times < due and not held[mail.to, mail.subject]:
            yield f"mail lost: {mail.to}: {mail.subject}"
    due_to = {(mail.to, mail.subject) for mail in wanted.mails}
    yield from (
        f"held, and nobody was to get it: {to}: {subject}" for to, subject in held if (to, subject) not in due_to
    )
    if held.total() > doubtful:
        yield f"{held.total()} mails are held, and {doubtful} at most were on their way when a kill struck"
