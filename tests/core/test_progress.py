"""What is told of pull requests to those who follow them, in worlds of values: each thing once, and only what is so."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from postbot.core.announce import FOLLOWED, Announcement, Event
from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.forecast import apply
from postbot.core.plan.memory import Memory, Opinion, Said, Spoken
from postbot.core.plan.people import digest
from postbot.core.plan.progress import delivered
from postbot.core.plan.steps import Bar, MergeWhen, Policy, Step, Tell
from postbot.core.site import Path, Pull, PullStatus
from tests.examples import OPEN_STATE
from tests.values import BEGIN, Values, policy

PILOT = Path("jobs/pilot.md")
READY = """\
---
title: Pilot
state: upcoming
opens: March 4, 2026, 8:00 am EST
closes: March 16, 2026, 11:59 pm EDT
contact_email: 'jobs@agency.example'

# INSTRUCTIONS OPEN: These fields are required for open

apply_url: https://apply.example.gov/pilot
---
Join us.
"""


def rules(merge: MergeWhen = MergeWhen.WHEN_DUE, **others: object) -> Policy:
    return policy(merge, followed=True, **others)


def prepared(given: Policy | None = None, text: str = READY) -> tuple[Values, list[Announcement]]:
    """A world in which an opening is being prepared, and what was told of that."""
    world = Values(given or rules())
    world.write(PILOT, text)
    return world, told(world)


def told(world: Values) -> list[Announcement]:
    """Let the world come to rest: what those heard who follow pull requests."""
    return [
        step.announcement for plan in world.settle() for step in plan.steps if isinstance(step, Tell) and _is_told(step)
    ]


def _is_told(step: Tell) -> bool:
    return step.announcement.event in FOLLOWED and not step.quiet


def words(said: list[Announcement]) -> list[str]:
    return [str(each.facts["happened"]) for each in said if each.event is Event.PROGRESS]


def pull_of(world: Values) -> Pull:
    [pull] = world.seen.snapshot.pulls
    return pull


def opine(world: Values, said: Said, by: str = "ann", **others: object) -> None:
    pull = pull_of(world)
    about = str(others.pop("about", digest(pull, world.seen.snapshot.files)))
    opinion = replace(Opinion(pull.branch, about, said, by, world.now), **others)  # type: ignore[arg-type]
    memory = world.seen.memory
    world.seen = replace(world.seen, memory=replace(memory, opinions=(*memory.opinions, opinion)))


def lose(world: Values, by: str, *, final: bool = True) -> None:
    """What somebody has said counts no more; for good, or while nobody can tell. What they have put off stays so."""
    memory = world.seen.memory
    theirs = [each for each in memory.opinions if each.by == by and each.said is not Said.SNOOZE]
    lost = {each: Bar("You may not.", final) for each in theirs}
    heard = tuple(each for each in memory.opinions if each not in lost)
    world.seen = replace(world.seen, memory=replace(memory, opinions=heard), unheard=lost)


def reopen(world: Values) -> None:
    world.change(pull_of(world), status=PullStatus.OPEN, closed_at=None, closed_by=None, reason=None)


def test_the_card_says_all_that_a_reader_needs_to_decide():
    world, [card] = prepared()
    assert card.event is Event.PROPOSED
    assert card.thread == f"pull:{pull_of(world).branch}"
    assert card.facts["title"] == "Pilot"
    assert card.facts["opens"] == card.facts["due"] == "Wednesday, March 4, 2026, 8:00 am EST"
    assert card.facts["closes"] == "Monday, March 16, 2026, 11:59 pm EDT"
    assert card.facts["lines"] == ("-state: upcoming", "+state: open")
    assert card.facts["standing"] == "Nobody has approved it yet."
    assert (card.facts["is_open"], card.facts["approvable"]) == ("yes", "yes")


def test_nobody_is_told_anything_where_nobody_follows():
    _, said = prepared(policy(MergeWhen.WHEN_DUE))
    assert said == []


def test_who_begins_to_follow_hears_nothing_of_what_is_there_already():
    world, _ = prepared(policy(MergeWhen.WHEN_DUE))
    world.now += timedelta(hours=1)
    world.settle()
    world.policy = rules()
    assert told(world) == []
    world.change(pull_of(world), approved_by=("ann",))
    world.now = datetime.fromisoformat("2026-03-04T13:00:00+00:00")
    assert told(world) == []
    assert pull_of(world).status is PullStatus.MERGED


def test_after_the_ledger_was_put_back_nothing_is_told_again():
    world, _ = prepared()
    world.change(pull_of(world), approved_by=("ann",))
    assert words(told(world)) == ["Approved by ann."]
    world.seen = replace(world.seen, memory=Memory(last_tick=BEGIN - timedelta(hours=1), copied=True))
    assert all(step.quiet for step in tells(world.plan().steps))
    for step in tells(world.plan().steps):
        world.seen = apply(world.seen, step, world.now)
    world.seen = replace(world.seen, memory=replace(world.seen.memory, copied=False))
    assert told(world) == []


def tells(steps: tuple[Step, ...]) -> list[Tell]:
    return [step for step in steps if isinstance(step, Tell) and step.announcement.event in FOLLOWED]


def test_each_who_approves_on_its_page_is_told_once():
    world, _ = prepared()
    world.change(pull_of(world), approved_by=("ann", "bo"))
    assert words(told(world)) == ["Approved by ann.", "Approved by bo."]
    world.now += timedelta(hours=1)
    assert told(world) == []


def test_a_yes_to_other_lines_is_not_told():
    world, _ = prepared()
    opine(world, Said.APPROVE, about="0123456789abcdef")
    assert told(world) == []
    world.now += timedelta(minutes=1)
    opine(world, Said.APPROVE)
    assert words(told(world)) == ["Approved by ann."]


def test_that_it_changes_other_lines_is_told_and_not_that_the_rest_of_its_file_moves_on():
    world, _ = prepared()
    world.write(PILOT, READY.replace("Join us", "Do join us"))
    assert told(world) == []
    series = "# series: '0301' ENTER SERIES IF DIFFERENT"
    world.write(PILOT, READY.replace("apply_url", f"{series}\napply_url"))
    [said] = told(world)
    assert said.facts["lines"] == ("-state: upcoming", "+state: open", f"-{series}", "+series: '0301'")
    assert str(said.facts["happened"]).startswith("It changes other lines than before.")


def test_what_keeps_it_from_being_merged_is_told_once_for_each_reason_and_that_nothing_does_any_more():
    world, _ = prepared()
    heard = []
    for reason in ("A check has not passed.", None, "It conflicts.", "A check has not passed.", None):
        world.change(pull_of(world), blocked=reason)
        heard += words(told(world))
    again = "Nothing keeps it from being merged any more."
    assert heard == ["A check has not passed.", again, "It conflicts.", again]


def test_what_keeps_it_from_the_beginning_stands_on_the_card():
    world = Values(rules())
    world.write(PILOT, READY)
    world.take(world.plan().steps)
    world.change(pull_of(world), blocked="A rule of the branch is not met.")
    [card] = told(world)
    assert card.facts["standing"] == "A rule of the branch is not met."
    world.change(pull_of(world), blocked=None)
    assert words(told(world)) == ["Nothing keeps it from being merged any more."]


def test_a_draft_says_what_is_missing_and_then_that_nothing_is():
    text = READY.replace("apply_url: https://apply.example.gov/pilot", "# apply_url: APPLICATION URL")
    world, [card] = prepared(text=text)
    assert any("apply_url" in gap for gap in card.facts["missing"])
    assert card.facts["standing"] == "It is a draft until nothing is missing."
    assert card.facts["approvable"] == ""
    world.write(PILOT, READY)
    [said] = told(world)
    assert (said.facts["happened"], said.facts["missing"]) == ("Nothing is missing any more.", ())
    assert said.facts["approvable"] == "yes"


def test_who_changes_its_branch_by_hand_is_told_of_once():
    world, _ = prepared()
    world.change(pull_of(world), untouched=False, head="theirs")
    assert [said[:34] for said in words(told(world))] == ["Somebody has added to its branch, "]
    world.now += timedelta(hours=1)
    assert told(world) == []


def test_put_off_and_open_again_each_time():
    world, _ = prepared()
    heard = []
    for day in (8, 20):
        world.change(
            pull_of(world),
            status=PullStatus.REJECTED,
            head="",
            closed_by="bo",
            closed_at=world.now,
            reason=f"ask me on 2026-03-{day:02}",
        )
        heard += told(world)
        world.now = datetime.fromisoformat(f"2026-03-{day:02}T15:00:00+00:00")
        heard += told(world) if day == 8 else []
    assert words(heard) == [
        "bo put it off until Sunday, March 8, 2026, 12:00 am EST.",
        "It is open again.",
        "bo put it off until Friday, March 20, 2026, 12:00 am EDT.",
    ]
    assert [(said.facts["is_open"], said.facts["approvable"]) for said in heard] == [("", ""), ("yes", "yes"), ("", "")]


def test_put_off_in_slack_is_told_by_whom_and_until_when():
    world, _ = prepared()
    opine(world, Said.SNOOZE, until=world.now + timedelta(days=1))
    [said] = told(world)
    assert said.facts["happened"] == "ann put it off until Tuesday, March 3, 2026, 9:00 am EST."
    assert said.facts["standing"] == "Put off until Tuesday, March 3, 2026, 9:00 am EST."
    assert said.facts["is_open"] == ""
    assert pull_of(world).status is PullStatus.WITHDRAWN
    world.now += timedelta(days=1)
    assert words(told(world)) == ["It is open again."]


def test_who_closes_it_is_told_with_what_they_said():
    world, _ = prepared()
    world.change(
        pull_of(world),
        status=PullStatus.REJECTED,
        head="",
        closed_by="bo",
        closed_at=world.now,
        reason="not\nthis week.",
    )
    [said] = told(world)
    assert said.facts["happened"] == said.facts["standing"] == "bo closed it: not this week."


def test_what_postbot_takes_back_says_why():
    world, _ = prepared()
    world.write(PILOT, READY.replace("March 4", "March 14"))
    said = told(world)
    assert words(said)[0].startswith("Taken back by postbot. The opening date has moved from ")


# Whom it was announced to --------------------------------------------------------------------------------------------


def merged(given: Policy | None = None) -> Values:
    """A world in which the opening has just been merged; its card and its merge were told."""
    world, _ = prepared(given)
    world.change(pull_of(world), approved_by=("ann",))
    world.now = datetime.fromisoformat("2026-03-04T13:00:00+00:00")
    assert words(told(world)) == ["Approved by ann.", "Merged."]
    return world


def spoken(*standings: str, event: Event = Event.OPENED, at: datetime | None = None) -> tuple[Spoken, ...]:
    when = at or datetime.fromisoformat("2026-03-04T13:00:00+00:00")
    return tuple(
        Spoken(PILOT, event, f"{event}:{number}", "email", f"list{number}@x.example", standing, when)
        for number, standing in enumerate(standings)
    )


def after(world: Values, said: tuple[Spoken, ...]) -> list[str]:
    """What is told once these messages stand so: right after they went out, and the same by the next plan."""
    world.seen = replace(world.seen, memory=replace(world.seen.memory, spoken=said))
    at_once = [str(step.announcement.facts["happened"]) for step in delivered(world.seen, world.now, world.policy)]
    assert words(told(world)) == at_once
    assert list(delivered(world.seen, world.now, world.policy)) == []
    return at_once


@pytest.mark.parametrize(
    ("standings", "words"),
    [
        (("sent", "due"), []),
        ((), []),
        (("sent", "sent"), ["Announced to list0@x.example, list1@x.example by email."]),
        (("sent", "held", "dropped"), ["Announced to list0@x.example by email (1 of 3; 1 dropped; 1 held)."]),
        (("held",), ["Announced to nobody (0 of 1; 1 held)."]),
    ],
)
def test_whom_it_was_announced_to_is_told_once_nothing_is_on_its_way(standings: tuple[str, ...], words: list[str]):
    assert after(merged(), spoken(*standings)) == words


def test_of_many_recipients_some_are_named():
    [said] = after(merged(), spoken(*["sent"] * 9))
    assert said.endswith("list5@x.example, 3 more by email.")


def test_where_news_wait_for_the_page_the_first_that_went_out_says_that_it_shows_them():
    world = merged(rules(live=True))
    assert after(world, spoken("due", "due")) == []
    assert after(world, spoken("sent", "due")) == ["The public page shows it."]
    assert [said[:9] for said in after(world, spoken("sent", "sent"))] == ["Announced"]


@pytest.mark.parametrize(
    "said",
    [
        spoken("sent", event=Event.CLOSING_SOON),
        spoken("sent", event=Event.CLOSED),
        spoken("sent", at=datetime.fromisoformat("2026-03-04T12:00:00+00:00")),
        tuple(replace(each, path=Path("jobs/other.md")) for each in spoken("sent")),
    ],
    ids=["ahead", "of another kind", "before the merge", "of another posting"],
)
def test_what_was_said_otherwise_is_not_what_this_brought_about(said: tuple[Spoken, ...]):
    assert after(merged(), said) == []


def test_one_that_ended_two_weeks_ago_is_followed_no_more():
    world = merged()
    world.now += timedelta(days=14)
    assert after(world, spoken("sent")) == []


# What people write -------------------------------------------------------------------------------------------------------


def facts(said: list[Announcement]) -> Iterator[str]:
    for each in said:
        for fact in each.facts.values():
            yield from (fact,) if isinstance(fact, str) else fact


def test_the_no_of_somebody_who_may_not_decide_any_more_leaves_the_card():
    world, _ = prepared()
    opine(world, Said.CHANGES, words="Not so")
    told(world)
    lose(world, "ann")
    [said] = told(world)
    assert words([said]) == ["ann may not decide any more; what they asked for does not keep it any more."]
    assert said.facts["standing"] == "Nobody has approved it yet."


def test_where_another_approval_counts_nobody_is_asked_for_one_in_place_of_one_that_counts_no_more():
    world, _ = prepared()
    opine(world, Said.APPROVE, "bo")
    opine(world, Said.APPROVE, "ann")
    told(world)
    lose(world, "ann")
    assert words(told(world)) == ["ann may not decide any more; their approval does not count."]


def test_the_yes_of_somebody_who_had_put_it_off_before_counts_no_more_once_they_may_not_decide():
    world, _ = prepared()
    opine(world, Said.SNOOZE, until=world.now + timedelta(hours=1))
    world.now += timedelta(minutes=1)
    opine(world, Said.APPROVE)
    assert "Approved by ann." in words(told(world))
    world.now += timedelta(hours=2)
    lose(world, "ann")
    assert words(told(world)) == ["ann may not decide any more; somebody else has to approve it."]


def test_while_nobody_can_tell_who_may_decide_nothing_is_said_of_it():
    world, _ = prepared()
    opine(world, Said.APPROVE)
    told(world)
    lose(world, "ann", final=False)
    assert told(world) == []


def test_a_card_keeps_its_size_whatever_is_changed():
    long = READY.replace("title: Pilot", f"title: {'Pilot ' * 900}").replace(
        "state: upcoming", "state: upcoming " + "# x" * 900
    )
    _, said = prepared(text=long)
    [card] = said
    assert max(map(len, card.facts["lines"])) <= 161
    assert len(card.facts["lines"]) <= 13


def test_an_open_posting_has_its_closing_followed_too():
    world = Values(rules(MergeWhen.AUTO), now=datetime(2030, 3, 14, 15, tzinfo=BEGIN.tzinfo))
    world.write(PILOT, OPEN_STATE)
    assert [said.facts["transition"] for said in told(world)][:1] == ["close"]
    assert all(fact is not None for fact in facts(told(world)))


def test_who_approves_what_they_have_asked_for_is_not_told_to_have_approved_it():
    world = Values(rules(two_people=True))
    world.write(PILOT, READY.replace("state: upcoming", "state: open"))
    told(world)
    world.now = datetime.fromisoformat("2026-03-05T12:00:00+00:00")
    world.request(PILOT, Wish(Transition.CLOSE))
    told(world)
    opine(world, Said.APPROVE, "robin")
    assert words(told(world)) == []
    opine(world, Said.APPROVE, "ann")
    assert "Approved by ann." in words(told(world))
