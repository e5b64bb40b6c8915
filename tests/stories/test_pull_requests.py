"""What is said beside a pull request, whose yes counts, how long a no holds, and what is prepared long before."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postbot.core.plan.steps import Note, Propose
from postbot.core.site import Pull, PullStatus, Snapshot, Standing
from postbot.hosts import Refused
from postbot.reconcile import Host, Report
from tests.stories.test_opening import MARCH, lacking, merging
from tests.world import CONFIG, World, git

OPEN = {"state": "open", "opens": "March 1, 2026", "closes": "March 20, 2026, 11:59 pm EDT"}
DUE = "Friday, March 20, 2026, 11:59 pm EDT"
LATER = "2026-03-27T23:59"
REVIEWED = CONFIG.replace("merge: auto", "merge: review")
TWO = "approval: {{two_people: true, people: {{ANN: ann-gov}}}}\n"


def begun(folder: Path, config: str = CONFIG, **words: str) -> World:
    world = World(folder, config=config)
    world.write("pilot", **(OPEN | words))
    world.tick()
    return world


def notes(report: Report) -> int:
    return sum(isinstance(step, Note) for step in report.done)


# What keeps it from being merged


class Ruled:
    """A host whose branch rules keep everything from being merged, for as long as it says why."""

    def __init__(self, host: Host, why: str | None) -> None:
        self._host, self.why = host, why

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._host, verb)

    def look(self, previous: Snapshot | None = None) -> Snapshot:
        seen = self._host.look()
        ruled = (replace(pull, blocked=self.why if pull.status is PullStatus.OPEN else None) for pull in seen.pulls)
        return replace(seen, pulls=tuple(ruled))


def ruled(folder: Path, why: str) -> tuple[World, Ruled]:
    world = begun(folder)
    host = Ruled(world.bot.host, why)
    world.bot.host = host
    return world, host


def test_what_the_host_blocks_is_reported_and_merged_once_nothing_blocks_it(tmp_path: Path) -> None:
    world, host = ruled(tmp_path, "The check `build` has failed.")
    world.tick("2026-03-19T09:00")
    assert (world.beside(1), world.asked()) == ([], [])
    world.tick("2026-03-20T23:59")
    assert "state: open" in world.text("pilot")
    assert world.asked() == ["Pilot: pull request #1 waits for a person"]
    assert "It cannot be merged now: The check `build` has failed." in world.read(
        "Pilot: pull request #1 waits for a person"
    )
    assert world.beside(1) == [
        f"This was due on {DUE} and is not merged. The check `build` has failed.",
        "Until it is merged, the public sees Pilot as open.",
        "Reported to hr@agency.example when it was due.",
    ]
    host.why = None
    world.advance(minutes=5)
    assert "state: closed" in world.text("pilot")
    assert world.said() == ["Pilot: closed"]


def test_what_is_said_is_the_same_from_look_to_look_and_another_only_with_a_reminder_or_a_reason(
    tmp_path: Path,
) -> None:
    world, host = ruled(tmp_path, "The check `build` has failed.")
    world.tick("2026-03-19T09:00")
    world.tick("2026-03-20T22:59")
    said = [notes(world.advance(hours=1)) for _ in range(30)]
    assert [hour for hour, count in enumerate(said) if count] == [0, 4, 24]
    assert world.beside(1)[-1] == "Reported to hr@agency.example when it was due, after 4 hours and after 1 day."
    host.why = "The check `links` has failed."
    assert notes(world.advance(minutes=5)) == 1
    assert "The check `links` has failed." in world.beside(1)[0]


def test_a_pull_request_that_is_late_says_why_and_who_was_told(tmp_path: Path) -> None:
    world = begun(tmp_path, REVIEWED)
    world.tick("2026-03-19T09:00")
    world.tick("2026-03-21T04:30")
    assert world.beside(1) == [
        f"This was due on {DUE} and is not merged. A person has to merge it.",
        "Until it is merged, the public sees Pilot as open.",
        "Reported to hr@agency.example after 4 hours.",
    ]


def test_where_nobody_is_told_the_pull_request_says_so(tmp_path: Path) -> None:
    world = begun(tmp_path, REVIEWED.replace('  - {{to: "folder:hr@agency.example", hear: staff}}\n', ""))
    world.tick("2026-03-21T00:00")
    assert world.beside(1)[-1] == "Nobody was told: the configuration names nobody who hears of it under `routes`."


def test_a_pull_request_that_is_merged_on_time_says_nothing(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.tick("2026-03-19T09:00")
    assert notes(world.tick("2026-03-20T23:59")) == 0
    assert world.beside(1) == []


def test_a_persons_commit_is_answered_once_and_what_is_over_is_settled_in_a_sentence(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.tick("2026-03-19T09:00")
    [pull] = world.pulls()
    world.touch(1, "pilot", "By hand.\n")
    assert [notes(world.advance(hours=1)) for _ in range(3)] == [1, 0, 0]
    [said] = world.beside(1)
    assert said.startswith("From here on this branch is yours.")
    git(world.people.bare, "update-ref", f"refs/heads/{pull.branch}", pull.head)
    assert [notes(world.advance(hours=1)) for _ in range(3)] == [1, 0, 0]
    assert world.beside(1) == ["What was said here is settled: postbot looks after this pull request as usual."]
    world.tick("2026-03-20T23:59")
    assert world.said() == ["Pilot: closed"]


def test_a_branch_that_is_theirs_is_late_like_any_other(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.tick("2026-03-19T09:00")
    world.touch(1, "pilot", "By hand.\n")
    world.tick("2026-03-20T23:59")
    assert [words.split(".")[0] for words in world.beside(1)] == [
        "From here on this branch is yours",
        f"This was due on {DUE} and is not merged",
        "Until it is merged, the public sees Pilot as open",
        "Reported to hr@agency",
    ]
    world.write("baker")
    world.remove("pilot")
    world.tick()
    assert world.beside(1)[1:] == ["Nothing asks for it any more."]


def test_what_was_handed_back_with_a_date_is_made_anew_on_that_date(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.tick("2026-03-19T09:00")
    world.touch(1, "pilot", "By hand.\n")
    world.tick()
    [branch] = world.branches()
    world.reject(1, reason="yours again, ask me on March 20, 2026")
    world.tick()
    git(world.people.bare, "branch", "-D", branch)
    world.tick("2026-03-20T00:00")
    assert [(pull.number, pull.untouched, pull.again) for pull in world.pulls()] == [(1, True, True)]
    world.tick("2026-03-20T23:59")
    assert world.said() == []
    assert "so somebody has to approve it" in world.read("Pilot: pull request #1 waits for a person")
    world.approve(1)
    world.advance(minutes=5)
    assert world.said() == ["Pilot: closed"]


def test_an_approval_from_before_the_no_is_none_for_what_comes_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", **MARCH)
    world.tick("2026-03-06T08:00")
    world.approve(1, by="bo")
    world.advance(hours=1)
    world.reject(1, reason="ask me on March 9, 2026")
    world.tick("2026-03-09T08:00")
    assert [(pull.approved_by, pull.again) for pull in world.pulls()] == [((), True)]
    assert world.said() == []
    world.approve(1, by="bo")
    world.advance(minutes=5)
    assert world.said() == ["Pilot: now open"]


# Two people


def asked(folder: Path, by: str, merge: str = "when-due") -> World:
    world = begun(folder, CONFIG.replace("merge: auto", f"merge: {merge}") + TWO)
    world.ask("pilot", "close", by=by, reason="filled")
    world.tick()
    return world


@pytest.mark.parametrize("merge", ["when-due", "auto"])
@pytest.mark.parametrize(
    ("by", "approver"), [("ann", "ann"), ("ann", "@Ann-Gov"), ("@ANN", "ann-gov"), ("ann-gov", "ANN"), ("kim", "Kim")]
)
def test_nobody_approves_what_they_have_asked_for(tmp_path: Path, by: str, approver: str, merge: str) -> None:
    world = asked(tmp_path, by, merge)
    world.approve(1, approver)
    world.advance(minutes=5)
    assert "state: open" in world.text("pilot")
    [pull] = world.pulls()
    assert pull.standing == Standing("", approved=False, verdict=f"Waits for somebody other than {by.lstrip('@')}.")
    world.approve(1, "bo")
    world.advance(minutes=5)
    assert "state: closed" in world.text("pilot")
    [pull] = world.pulls(None)
    assert pull.standing == Standing("", approved=True, verdict=f"Approved by bo, who is not {by.lstrip('@')}.")


def test_what_the_clock_asks_for_needs_no_second_person_and_merges_by_itself_where_it_may(tmp_path: Path) -> None:
    world = begun(tmp_path, CONFIG + TWO)
    world.tick("2026-03-19T09:00")
    assert world.pulls()[0].standing == Standing(
        "", approved=True, verdict="Nobody has to approve what the clock does by itself."
    )
    world.tick("2026-03-20T23:59")
    assert "state: closed" in world.text("pilot")


def test_any_approval_counts_for_what_the_clock_asks_for(tmp_path: Path) -> None:
    world = World(tmp_path, config=CONFIG + TWO)
    world.write("pilot", **MARCH)
    world.tick("2026-03-06T08:00")
    world.approve(1, "ann")
    world.tick("2026-03-09T08:00")
    assert world.said() == ["Pilot: now open"]
    assert world.pulls(None)[0].standing.verdict == "Approved by ann."


def test_who_asked_and_took_it_back_does_not_get_round_the_second_person(tmp_path: Path) -> None:
    world = asked(tmp_path, "ann", "review")
    [request] = world.bot.ledger.memory().requests
    world.touch(1, "pilot", "By hand.\n")
    world.bot.ledger.answer(request, done=False, words="ann took it back.", messages=[], told=[], at=world.now)
    world.approve(1, "ann")
    world.approve(1, "ann-gov")
    world.advance(minutes=5)
    verdict = "Waits for two people: nobody can tell any more who asked for it."
    assert (world.pulls()[0].standing.approved, world.pulls()[0].standing.verdict) == (False, verdict)
    world.approve(1, "bo")
    world.advance(minutes=5)
    assert world.pulls()[0].standing.verdict == "Approved by ann and bo."


def test_without_the_rule_there_is_no_verdict(tmp_path: Path) -> None:
    world = begun(tmp_path, REVIEWED)
    world.ask("pilot", "close", by="ann", reason="filled")
    world.tick()
    assert world.pulls()[0].standing == Standing()


# A no until a date


@pytest.mark.parametrize(
    ("words", "from_then"),
    [
        ("not yet, ask me on 2026-03-08", "2026-03-08T00:00"),
        ("Ask me on March 8, 2026.\nThanks!", "2026-03-08T00:00"),
        ("ASK ME ON Sunday, March 8, 2026, 4:00 pm EDT, when I am back", "2026-03-08T16:00"),
        ("ask me on some day, or ask me on 8 March 2026!", "2026-03-08T00:00"),
    ],
)
def test_a_no_with_a_date_holds_until_then(tmp_path: Path, words: str, from_then: str) -> None:
    world = World(tmp_path)
    world.write("pilot", **MARCH)
    world.tick("2026-03-06T08:00")
    world.reject(1, reason=words)
    wakes_at = world.advance(hours=1).plan.wakes_at
    assert wakes_at is not None
    while world.now < wakes_at and world.pulls() == []:
        wakes_at = world.tick(wakes_at).plan.wakes_at or wakes_at
    [pull] = world.pulls()
    assert (pull.number, f"{world.now.astimezone(world.bot.policy.zone):%Y-%m-%dT%H:%M}") == (1, from_then)
    assert (pull.closed_by, pull.reason) == (None, None)
    world.approve(1)
    world.tick("2026-03-09T08:00")
    assert world.said() == ["Pilot: now open"]


@pytest.mark.parametrize(
    "words", ["ask me on 2026-02-30", "ask me on 2026-03-05", "ask me on Monday, March 8, 2026", "ask me later", "no"]
)
def test_a_no_whose_date_cannot_be_read_or_is_past_is_a_plain_no(tmp_path: Path, words: str) -> None:
    world = World(tmp_path)
    world.write("pilot", **MARCH)
    world.tick("2026-03-06T08:00")
    world.reject(1, reason=words)
    for _ in range(20):
        world.advance(hours=6)
    assert [pull.status for pull in world.pulls(None)] == [PullStatus.REJECTED]
    assert len(world.mail()) == 0


def test_a_no_that_comes_back_may_be_a_no_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", **MARCH)
    world.tick("2026-03-06T08:00")
    world.reject(1, reason="ask me on 2026-03-07")
    world.tick("2026-03-07T00:00")
    world.reject(1, reason="ask me on 2026-03-07")
    world.tick("2026-03-09T08:00")
    assert world.pulls() == []


def test_a_request_that_is_put_off_waits_and_the_clock_goes_on_meanwhile(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.change("pilot", "# series: '0301' ENTER", "series: '0301' # ENTER")
    request = world.ask("pilot", "extend", closes="2026-04-03")
    world.tick()
    world.reject(1, reason="ask me on March 23, 2026")
    world.tick()
    assert world.answer(request) is None
    world.tick("2026-03-20T23:59")
    assert world.said() == ["Pilot: closed"]
    world.tick("2026-03-23T00:00")
    assert [(pull.number, pull.title) for pull in world.pulls()] == [(1, "Extend: Pilot")]
    world.merge(1)
    world.tick()
    assert world.answer(request) == (True, "Pull request #1 is merged.")


# Prepared from the opening on


def prepared(folder: Path, merge: str = "auto", more: str = "") -> World:
    config = CONFIG.replace("lead: 2 days, merge: auto", f"lead: from opening, merge: {merge}")
    return begun(folder, config + more)


def test_a_closing_is_prepared_as_soon_as_the_position_is_open_and_merged_on_its_date(tmp_path: Path) -> None:
    config = merging("auto").replace("lead: 2 days, merge: auto", "lead: from opening, merge: auto")
    world = World(tmp_path, config=config)
    world.write("pilot", **MARCH)
    world.tick("2026-03-06T08:00")
    assert [pull.title for pull in world.pulls()] == ["Open: Pilot"]
    world.tick("2026-03-09T08:00")
    [pull] = world.pulls()
    assert pull.title == "Close: Pilot"
    world.change("pilot", "Denver", "Boulder")
    world.tick("2026-03-12T08:00")
    [followed] = world.pulls()
    assert (followed.number, b"Boulder" in (followed.files[world.path("pilot")] or b"")) == (pull.number, True)
    assert world.asked() == []
    world.tick("2026-03-20T23:59")
    assert "state: closed" in world.text("pilot")
    assert world.said() == ["Pilot: now open", "Pilot: closed"]


def test_who_closes_early_with_a_reason_merges_what_was_prepared_in_the_same_look(tmp_path: Path) -> None:
    world = prepared(tmp_path)
    [pull] = world.pulls()
    request = world.ask("pilot", "close", reason="cap reached")
    world.tick("2026-03-10T09:00")
    assert "state: closed" in world.text("pilot")
    assert f"closes: {OPEN['closes']}\n" in world.text("pilot")
    assert [(found.number, found.status) for found in world.pulls(None)] == [(pull.number, PullStatus.MERGED)]
    assert world.answer(request) == (True, f"Pull request #{pull.number} is merged.")
    assert world.said() == ["Pilot: closed early"]
    assert "Reason:         cap reached" in world.read("Pilot: closed early")


def test_an_approval_given_long_before_counts_for_who_closes_early(tmp_path: Path) -> None:
    world = prepared(tmp_path, "when-due", TWO)
    world.approve(1, "bo")
    world.tick("2026-03-05T09:00")
    world.ask("pilot", "close", by="ann", reason="filled")
    world.tick("2026-03-10T09:00")
    assert world.said() == ["Pilot: closed early"]


def test_who_closes_early_needs_somebody_else_and_the_pull_request_says_who_waits(tmp_path: Path) -> None:
    world = prepared(tmp_path, "when-due", TWO)
    world.approve(1, "bo")
    world.tick()
    assert world.pulls()[0].standing.verdict == "Approved by bo."
    request = world.ask("pilot", "close", by="bo", reason="filled")
    for _ in range(2):
        world.tick("2026-03-10T09:00")
    [pull] = world.pulls()
    assert pull.standing.verdict == "Waits for somebody other than bo."
    assert world.beside(1)[0] == "bo asked for it on Monday, March 2, 2026, 9:00 am EST: filled."
    assert world.answer(request) is None
    world.approve(1, "ann")
    world.advance(minutes=5)
    assert world.answer(request) == (True, "Pull request #1 is merged.")
    assert world.said() == ["Pilot: closed early"]


def test_a_host_whose_clock_knows_whole_seconds_takes_no_request_for_older_than_it_is(tmp_path: Path) -> None:
    world = prepared(tmp_path)
    world.now += timedelta(microseconds=700_000)
    early = world.ask("pilot", "close", reason="cap reached")
    world.tick()
    assert world.answer(early) == (True, "Pull request #1 is merged.")
    world.write("baker", state="open", **MARCH)
    world.tick()
    world.ask("baker", "extend", closes=LATER)
    world.tick()
    assert [words for words in world.asked() if "Waiting" in words] == []


def test_a_closing_that_was_asked_for_and_taken_back_waits_for_its_date_again(tmp_path: Path) -> None:
    world = prepared(tmp_path, "when-due")
    world.advance(hours=1)
    request = world.ask("pilot", "close", reason="filled")
    world.tick()
    world.bot.ledger.answer(request, done=False, words="robin took it back.", messages=[], told=[], at=world.now)
    world.advance(minutes=5)
    assert [pull.number for pull in world.pulls()] == [1]
    world.tick("2026-03-20T23:58")
    assert len(world.asked()) == 1
    world.tick("2026-03-20T23:59")
    assert world.asked() == ["Pilot: pull request #1 waits for a person"] * 2
    world.approve(1)
    world.advance(minutes=1)
    assert world.said() == ["Pilot: closed"]


def test_a_prepared_closing_does_nothing_while_a_request_has_its_turn(tmp_path: Path) -> None:
    world = prepared(tmp_path)
    world.ask("pilot", "postpone", opens="2026-04-01", closes="2026-04-10")
    world.tick()
    world.tick("2026-03-21T09:00")
    assert "state: open" in world.text("pilot")
    assert [pull.title for pull in world.pulls()] == ["Close: Pilot", "Postpone: Pilot"]
    assert world.beside(1) == []
    assert world.asked() == ["Pilot: pull request #2 waits for a person"]


def test_what_a_person_has_changed_or_refused_is_not_used(tmp_path: Path) -> None:
    for change in (lambda world: world.touch(1, "pilot", "By hand.\n"), lambda world: world.reject(1)):
        world = prepared(tmp_path / str(len(list(tmp_path.iterdir()))))
        change(world)
        world.ask("pilot", "close", reason="filled")
        world.tick("2026-03-10T09:00")
        assert [pull.number for pull in world.pulls(PullStatus.MERGED)] == [2]
        assert world.said() == ["Pilot: closed early"]


def test_an_extension_takes_the_old_closing_back_and_prepares_the_new_one_in_the_same_look(tmp_path: Path) -> None:
    world = prepared(tmp_path)
    world.ask("pilot", "extend", closes=LATER)
    world.tick()
    assert [pull.title for pull in world.pulls()] == ["Close: Pilot", "Extend: Pilot"]
    world.merge(2)
    world.advance(minutes=5)
    assert [(pull.number, pull.title) for pull in world.pulls()] == [(3, "Close: Pilot")]
    [old] = world.pulls(PullStatus.WITHDRAWN)
    assert (old.number, old.reason) == (
        1,
        f"The closing date has moved from {DUE} to Friday, March 27, 2026, 11:59 pm EDT.",
    )
    world.tick("2026-03-27T23:59")
    assert world.said() == ["Pilot: more time to apply", "Pilot: closed"]


def test_a_prepared_closing_stays_while_a_person_thinks_about_a_request_and_after_their_no(tmp_path: Path) -> None:
    world = prepared(tmp_path)
    world.approve(1)
    world.ask("pilot", "extend", closes=LATER)
    world.tick()
    world.reject(2)
    world.advance(minutes=5)
    assert [(pull.number, pull.approved_by) for pull in world.pulls()] == [(1, ("robin",))]
    assert world.pulls(PullStatus.WITHDRAWN) == []


HUGO = """\
---
title: Pilot
publishDate: 2026-03-01T08:00:00-05:00
expiryDate: 2026-03-20T23:59:00-04:00
# 0 -- hidden
# 1 -- visible
weight: 1
---
Join us.
"""


def test_where_closing_early_is_another_edit_it_has_its_own_pull_request_and_the_prepared_one_is_taken_back_after(
    tmp_path: Path,
) -> None:
    config = CONFIG.replace("lead: 2 days, merge: auto", "lead: from opening, merge: review")
    world = World(tmp_path, config=config, profile="hugo", postings="content")
    world.write("pilot", HUGO)
    world.tick()
    world.ask("pilot", "close", reason="filled")
    world.tick()
    assert [pull.number for pull in world.pulls()] == [1, 2]
    world.merge(2)
    world.advance(minutes=5)
    assert world.pulls() == []
    [old] = world.pulls(PullStatus.WITHDRAWN)
    assert old.reason == "Seen on Monday, March 2, 2026, 9:05 am EST: the posting is closed already."
    assert world.said() == ["Pilot: closed early"]


def test_any_number_may_be_prepared_and_only_so_many_may_close_at_once(tmp_path: Path) -> None:
    config = CONFIG.replace("lead: 2 days, merge: auto", "lead: from opening, merge: auto")
    world = World(tmp_path, config=config)
    for number in range(8):
        world.write(f"job-{number}", **OPEN)
    assert world.tick().plan.held is None
    assert len(world.pulls()) == 8
    held = world.tick("2026-03-20T23:59").plan.held
    assert held is not None
    assert len(held.moves) == 8
    world.bot.ledger.release(held.digest, "robin", world.now)
    world.advance(minutes=5)
    assert len(world.said()) == 8


def test_a_forecast_of_a_site_that_prepares_its_closings_comes_true(tmp_path: Path) -> None:
    world = prepared(tmp_path)
    world.write("baker", **(MARCH | {"opens": "March 5, 2026, 8:00 am EST"}))
    world.ask("pilot", "extend", closes=LATER)
    foreseen, _ = world.bot.forecast(world.now, datetime.fromisoformat("2026-04-15T00:00Z"))
    proposed = [step.step.change.branch for step in foreseen if isinstance(step.step, Propose)]
    happened: list[str] = []
    for when in sorted({step.at for step in foreseen}):
        while done := world.tick(when).done:
            happened += [step.change.branch for step in done if isinstance(step, Propose)]
            for pull in world.pulls():
                if not pull.title.startswith("Close") and not pull.approved_by:
                    world.approve(pull.number)
                if pull.title.startswith("Extend"):
                    world.merge(pull.number)
    assert happened == proposed


# Why one is taken back


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda world: world.change("pilot", "March 20, 2026", "March 27, 2026"),
            f"The closing date has moved from {DUE} to Friday, March 27, 2026, 11:59 pm EDT.",
        ),
        (
            lambda world: world.change("pilot", OPEN["closes"], "TBD"),
            f"The closing date is not known any more; it was {DUE}.",
        ),
        (lambda world: world.remove("pilot"), "positions/pilot.md is not on the site any more."),
        (
            lambda world: world.write("pilot", **(OPEN | {"state": "closed", "title": "The Pilot"})),
            "Seen on Thursday, March 19, 2026, 10:00 am EDT: the posting is closed already.",
        ),
        (
            lambda world: world.change("pilot", "title: Pilot", "title: 'Pilot"),
            "positions/pilot.md cannot be read any more: ",
        ),
        (
            lambda world: world.ask("pilot", "extend", closes=LATER),
            "On Thursday, March 19, 2026, 9:00 am EDT robin asked to extend it; that takes the place of this.",
        ),
        (
            lambda world: world.change("pilot", "state: open", "state: draft"),
            (
                "Seen on Thursday, March 19, 2026, 10:00 am EDT: nothing asks for this any more. "
                "The posting has changed, or the request was taken back."
            ),
        ),
    ],
    ids=["a later date", "no date", "no posting", "closed by hand", "broken", "a request", "a draft"],
)
def test_what_nothing_asks_for_is_taken_back_and_says_which_of_the_reasons_it_is(
    tmp_path: Path, change: object, reason: str
) -> None:
    world = begun(tmp_path)
    world.write("baker")
    world.tick("2026-03-19T09:00")
    assert callable(change)
    change(world)
    world.tick("2026-03-19T10:00")
    [old] = world.pulls(PullStatus.WITHDRAWN)
    assert (old.reason or "").startswith(reason)


# Drafts


def test_an_opening_that_lacks_something_is_a_draft_until_it_is_filled_in(tmp_path: Path) -> None:
    world = World(tmp_path, config=merging("auto"))
    world.write("pilot", lacking())
    world.tick("2026-03-06T06:59")
    assert world.pulls() == []
    world.tick("2026-03-06T07:00")
    [pull] = world.pulls()
    assert (pull.draft, b"state: open" in (pull.files[world.path("pilot")] or b"")) == (True, True)
    world.approve(pull.number)
    world.tick("2026-03-09T08:00")
    assert "state: upcoming" in world.text("pilot")
    assert world.asked() == ["Pilot: not ready to open", "Pilot: cannot open"]
    assert world.beside(1) == [
        (
            "This was due on Monday, March 9, 2026, 8:00 am EDT and is not merged. "
            "It is a draft: `apply_url` is commented out, waiting for APPLICATION URL."
        ),
        "Until it is merged, the public sees Pilot as upcoming.",
        "What is missing was asked of hr@agency.example.",
    ]
    world.change("pilot", "# apply_url: APPLICATION URL\n# https", "apply_url: https")
    world.tick("2026-03-09T09:00")
    assert world.said() == ["Pilot: now open"]
    assert [(found.number, found.draft) for found in world.pulls(None)] == [(pull.number, False)]


def test_a_draft_that_a_person_makes_of_a_ready_one_is_neither_merged_nor_undone(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.tick("2026-03-19T09:00")

    class Drafted(Ruled):
        def look(self, previous: Snapshot | None = None) -> Snapshot:
            seen = super().look(previous)
            return replace(seen, pulls=tuple(replace(pull, draft=True) for pull in seen.pulls))

    world.bot.host = Drafted(world.bot.host, None)
    world.tick("2026-03-20T23:59")
    assert "state: open" in world.text("pilot")
    assert "It is a draft, and only a person can make it ready." in world.beside(1)[0]
    assert world.asked() == ["Pilot: pull request #1 waits for a person"]


def test_many_half_filled_postings_hold_nothing(tmp_path: Path) -> None:
    world = World(tmp_path, config=CONFIG.replace("lead: 3 days", "lead: 7 days"))
    for number in range(8):
        world.write(f"job-{number}", lacking(f"job-{number}"))
    assert world.tick().plan.held is None
    assert [pull.draft for pull in world.pulls()] == [True] * 8


def test_an_extension_does_not_wait_for_an_opening_that_is_still_a_draft(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", lacking())
    world.tick("2026-03-07T09:00")
    world.ask("pilot", "extend", closes=LATER)
    world.tick()
    assert [pull.title for pull in world.pulls()] == ["Extend: Pilot"]


def test_a_draft_is_not_merged_by_postbot_whatever_the_plan_says(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", lacking())
    world.tick("2026-03-07T09:00")
    [pull] = world.pulls()
    assert isinstance(pull, Pull)
    with pytest.raises(Refused, match="is a draft"):
        world.host.merge(pull, world.now)
