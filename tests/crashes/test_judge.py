"""The judge must be able to say no: whatever is forged into what happened is called by its name."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.crashes.judge import Act, Happened, Mail, Post, lost_or_doubled, wrong

BRANCH, LIST, ANN = "postbot/close/pilot-0123456789", "openings@lists.example.org", "jobs@agency.example"
TO_LIST, TO_ANN = Mail(LIST, "Pilot: closed", "It is closed."), Mail(ANN, "Pilot: closed", "It is closed.")
KINDS = ("ref-created", "pull-opened", "review-requested", "labelled", "comment", "merged", "ref-deleted")
WANTED = Happened(
    acts=Counter({Act(kind, BRANCH): 1 for kind in KINDS}),
    pulls={BRANCH: "merged"},
    commits=("postbot[bot]: Close: Pilot (#1)", "robin: work"),
    files={"positions/pilot.md": b"state: closed\n"},
    mails=Counter({TO_LIST: 1, TO_ANN: 1}),
    posts=Counter({Post("closed", ""): 1}),
    cards=("closed",),
    archive=Counter({"Pilot: closed": 1}),
)


def acts(**changes: int) -> Counter[Act]:
    """The acts with some of them done so many times."""
    changed = {Act(kind.replace("_", "-"), BRANCH): times for kind, times in changes.items()}
    return Counter({**WANTED.acts, **changed})


def mails(**changes: int) -> Counter[Mail]:
    return Counter({TO_LIST: changes.get("to_list", 1), TO_ANN: changes.get("to_ann", 1)})


HELD = Counter({(LIST, TO_LIST.subject): 1})
FORGED: dict[str, tuple[dict[str, Any], str]] = {
    "two pull requests": ({"acts": acts(pull_opened=2)}, "pull-opened"),
    "no pull request": ({"acts": acts(pull_opened=0)}, "pull-opened"),
    "two branches": ({"acts": acts(ref_created=2)}, "ref-created"),
    "a second commit on the branch": ({"acts": acts(ref_moved=1)}, "ref-moved"),
    "merged twice": ({"acts": acts(merged=2)}, "merged"),
    "taken back": ({"acts": acts(pull_closed=1)}, "pull-closed"),
    "two comments": ({"acts": acts(comment=2)}, "comment"),
    "no reviewer was asked": ({"acts": acts(review_requested=0)}, "review-requested"),
    "labels were lost": ({"pulls": {BRANCH: "merged without labels"}}, "wrong pull request"),
    "a commit too many": ({"commits": (WANTED.commits[0], *WANTED.commits)}, "history|merged 2 times"),
    "wrong bytes": ({"files": {"positions/pilot.md": b"state: open\n"}}, "wrong bytes positions/pilot.md"),
    "a file is gone": ({"files": {}}, "wrong bytes positions/pilot.md"),
    "two mails": ({"mails": mails(to_list=2)}, f"mail came 2 times, not 1: {LIST}"),
    "a lost mail": ({"mails": mails(to_ann=0)}, f"mail lost: {ANN}"),
    "a mail of other words": (
        {"mails": Counter({TO_ANN: 1, TO_LIST._replace(subject="Hello"): 1})},
        "mail came 1 times",
    ),
    "one is held and another is lost": ({"mails": mails(to_ann=0), "held": HELD}, f"mail lost: {ANN}"),
    "a mail of nobody's is held": ({"held": Counter({("eve@example.org", "Hello"): 1})}, "nobody was to get it"),
    "Slack heard twice": ({"posts": Counter({Post("closed", ""): 2})}, "Slack heard 2 times"),
    "Slack heard nothing": ({"posts": Counter()}, "Slack heard 0 times"),
    "Slack heard it elsewhere": ({"posts": Counter({Post("closed", "opened"): 1})}, "Slack heard"),
    "the card says something else": ({"cards": ("open",)}, "wrong words in Slack"),
    "the archive got it twice": ({"archive": Counter({"Pilot: closed": 2})}, "the archive got 2 times"),
    "the staff were disturbed": ({"staff": Counter({"Held": 1})}, "the staff heard 1 times"),
    "a branch is left over": ({"left": (f"branch {BRANCH}",)}, "left over: branch"),
}
BESIDE = frozenset(
    {
        "labels were lost",
        "no reviewer was asked",
        "the card says something else",
        "the staff were disturbed",
    }
)
"""What may come about otherwise where the twins fail, too."""


Judge = Callable[[Happened, Happened], list[str]]


@pytest.mark.parametrize(
    ("judge", "name"),
    [*((wrong, name) for name in FORGED), *((lost_or_doubled, name) for name in FORGED if name not in BESIDE)],
)
def test_what_is_forged_is_called_by_its_name(judge: Judge, name: str) -> None:
    forged, words = FORGED[name]
    said = "\n".join(judge(replace(WANTED, **forged), WANTED))
    assert any(word in said for word in words.split("|")), said or "nothing"


@pytest.mark.parametrize("judge", [wrong, lost_or_doubled])
def test_what_is_as_it_should_be_is_let_pass(judge: Judge) -> None:
    assert judge(WANTED, WANTED) == []


def test_a_reviewer_may_be_asked_again_and_one_mail_on_its_way_may_be_held() -> None:
    for count in (0, 1):
        got = replace(WANTED, acts=acts(review_requested=2), mails=mails(to_list=count), held=HELD)
        assert wrong(got, WANTED, doubtful=1) == []
        assert lost_or_doubled(got, WANTED) == []
        assert wrong(got, WANTED) == ["1 mails are held, and 0 at most were on their way when a kill struck"]
