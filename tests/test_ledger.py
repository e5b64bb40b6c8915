"""The ledger, in a real file and in a real PostgreSQL: what is remembered, what is on its way, what came in once."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path as FilePath
from typing import ClassVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from postbot import ledger as module
from postbot.core.announce import Audience, Event, Outcome, Receipt
from postbot.core.plan.memory import Change, Memory, Opinion, Request, Said, Spoken
from postbot.core.profile import State
from postbot.core.site import Path
from postbot.ledger import ATTEMPTS, AskedBefore, DeliveryStatus, Ledger, LedgerError
from postbot.ledger.copying import mark
from postbot.ledger.memory import remembered
from postbot.ledger.values import LONGEST_WAIT
from tests.ledgers import (
    BAKER,
    CLOSED,
    DONE,
    LATER,
    MILLER,
    NOON,
    NOT_SENT,
    OF_BAKER,
    OPEN,
    OPENED,
    REFUSED,
    SENT,
    SHUT,
    UNKNOWN,
    WISH,
    Place,
    await_word,
    finish,
    go_on,
    python,
)
from tests.postgres import Postgres

# What is remembered


def test_a_new_ledger_remembers_nothing(ledger: Ledger):
    assert ledger.memory() == Memory()


def test_everything_is_remembered_by_the_next_process(ledger: Ledger, place: Place):
    ledger.record(OPEN, None, [OPENED], ["baker|1|opened"], NOON)
    request = ledger.file(BAKER, WISH, "ann", NOON)
    ledger.release("d1935", "ben", NOON)
    ledger.ticked(NOON)
    ledger.close()
    again = Ledger.open(place)
    told, free = frozenset({"baker|1|opened"}), frozenset({"d1935"})
    spoken = Spoken(BAKER, Event.OPENED, "baker|1|opened|ann", "console", "ann", "due", NOON)
    assert again.memory() == Memory({BAKER: OPEN}, (request,), told, free, NOON, spoken=(spoken,))
    assert request == Request(1, BAKER, WISH, "ann", NOON)
    assert [delivery.message for delivery in again.due(NOON)] == [OF_BAKER]
    again.close()


def test_what_comes_in_again_with_the_same_key_is_filed_once(ledger: Ledger):
    first = ledger.file(BAKER, WISH, "ann", NOON, asker="slack:U0ANN", key="view 17")
    assert first.asker == "slack:U0ANN"
    assert ledger.file(BAKER, WISH, "ann", LATER, asker="slack:U0ANN", key="view 17") == first
    ledger.answer(first, DONE, "Extended.", [], [], LATER)
    assert ledger.file(BAKER, WISH, "ann", LATER, key="view 17") == first
    assert ledger.memory().requests == ()
    assert [row.what for row in ledger.audit()] == ["asked", "answered"]
    assert ledger.file(BAKER, WISH, "ann", LATER, key="view 18").number == 2


def test_who_asks_second_hears_of_the_first_and_is_filed_once_they_have_heard(ledger: Ledger):
    first = ledger.file(BAKER, WISH, "Ann (U0ANN)", NOON, asker="slack:U0ANN", heard_of=0)
    with pytest.raises(AskedBefore) as told:
        ledger.file(BAKER, WISH, "Ben (U0BEN)", NOON, asker="slack:U0BEN", key="view 1", heard_of=0)
    assert told.value.request == first
    assert ledger.filed("view 1") is None
    second = ledger.file(BAKER, WISH, "Ben (U0BEN)", NOON, asker="slack:U0BEN", key="view 2", heard_of=first.number)
    assert ledger.memory().requests == (first, second)
    assert ledger.filed("view 2") == second
    with pytest.raises(AskedBefore) as told:
        ledger.file(BAKER, WISH, "Cal (U0CAL)", NOON, asker="slack:U0CAL", heard_of=first.number)
    assert told.value.request == second


def test_nobody_is_kept_from_asking_by_what_is_theirs_or_elsewhere_or_answered(ledger: Ledger):
    mine = ledger.file(BAKER, WISH, "Ann (U0ANN)", NOON, asker="slack:U0ANN", key="view 1", heard_of=0)
    assert ledger.file(BAKER, WISH, "Ann (U0ANN)", NOON, asker="slack:U0ANN", key="view 1", heard_of=0) == mine
    assert ledger.file(BAKER, WISH, "ann-gov", NOON, asker="slack:U0ANN", heard_of=0).number == 2
    assert ledger.file(MILLER, WISH, "Ben (U0BEN)", NOON, asker="slack:U0BEN", heard_of=0).number == 3
    for request in ledger.memory().requests:
        ledger.answer(request, DONE, "Extended.", [], [], LATER)
    assert ledger.file(BAKER, WISH, "Ben (U0BEN)", LATER, asker="slack:U0BEN", heard_of=0).number == 4


def test_what_people_say_of_a_pull_request_is_remembered_in_order_and_once_for_each_key(ledger: Ledger):
    yes = Opinion("postbot/open/baker-0", "a1", Said.APPROVE, "ann", NOON)
    later = Opinion("postbot/open/baker-0", "a1", Said.SNOOZE, "ben", NOON, "not yet", LATER)
    assert ledger.opine(yes, BAKER, key="click 1")
    assert not ledger.opine(yes, BAKER, key="click 1")
    assert ledger.opine(later, BAKER)
    assert ledger.memory().opinions == (yes, later)
    said = [(row.by, row.detail) for row in ledger.audit() if row.what == "said"]
    assert said == [
        ("ann", "ann says approve."),
        ("ben", f"ben says snooze until {LATER:%Y-%m-%dT%H:%M}+00:00: not yet"),
    ]


def test_what_a_pull_request_makes_of_its_posting_is_kept_to_the_byte_and_as_it_was_proposed_last(ledger: Ledger):
    first = Change("postbot/open/baker-1", BAKER, b"\xef\xbb\xbfstate: upcoming\r\n\0", b"state: open", NOON)
    ledger.acted("proposing", at=NOON, key=first.branch, change=first)
    last = replace(first, after=b"state: open\n", at=LATER)
    ledger.acted("refreshing", at=LATER, key=last.branch, change=last)
    assert ledger.changes([last.branch, "postbot/open/miller-2"]) == {last.branch: last}
    year = replace(last, branch="postbot/close/baker-3", at=LATER + timedelta(days=366))
    ledger.acted("proposing", at=year.at, key=year.branch, change=year)
    assert ledger.changes([last.branch, year.branch]) == {year.branch: year}


def test_what_is_taken_back_ends_whatever_was_still_to_be_said_of_it(ledger: Ledger):
    ledger.record(OPEN, None, [OF_BAKER], [], NOON)
    ledger.record(CLOSED, None, [], [], LATER, takes_back=True)
    assert ledger.due(LATER) == []
    assert [each.status for each in ledger.deliveries()] == [DeliveryStatus.EXPIRED]


def test_instants_of_any_zone_come_back_as_the_same_instant_in_utc(ledger: Ledger):
    there = datetime(2026, 3, 2, 23, 59, tzinfo=ZoneInfo("America/New_York"))
    ledger.record(replace(OPEN, opens=None, closes=there), None, [], [], NOON)
    closes = ledger.memory().witnesses[BAKER].closes
    assert (closes, closes and closes.tzinfo) == (there, UTC)


def test_an_instant_without_a_zone_is_a_bug(ledger: Ledger):
    with pytest.raises(Exception, match="no time zone"):
        ledger.ticked(datetime(2026, 3, 2))  # noqa: DTZ001 - that is the bug


def test_a_renamed_posting_takes_along_what_is_open(ledger: Ledger):
    ledger.record(OPEN, None, [OPENED], [], NOON)
    asked = ledger.file(BAKER, WISH, "ann", NOON)
    answered = ledger.file(BAKER, WISH, "ben", NOON)
    ledger.answer(answered, REFUSED, "No.", [], [], NOON)
    ledger.record(replace(OPEN, path=MILLER), BAKER, [], [], LATER)
    memory = ledger.memory()
    assert memory.witnesses == {MILLER: replace(OPEN, path=MILLER)}
    assert memory.requests == (replace(asked, path=MILLER),)


def test_a_posting_that_is_gone_is_forgotten_with_words(ledger: Ledger):
    ledger.record(OPEN, None, [], [], NOON)
    ledger.forget(BAKER, [OPENED], ["gone"], LATER)
    assert replace(ledger.memory(), spoken=()) == Memory(told=frozenset({"gone"}), gone={BAKER: replace(OPEN, news=1)})
    assert [delivery.message for delivery in ledger.due(LATER)] == [OF_BAKER]


def test_an_answer_closes_a_request_once(ledger: Ledger):
    request = ledger.file(BAKER, WISH, "ann", NOON)
    assert ledger.answered(request.number) is None
    ledger.answer(request, DONE, "Extended.", [OPENED], ["told"], LATER)
    ledger.answer(request, REFUSED, "Refused.", [SHUT], ["too late"], LATER)
    assert ledger.answered(request.number) == (DONE, "Extended.")
    assert replace(ledger.memory(), spoken=()) == Memory(told=frozenset({"told"}))
    assert [delivery.message for delivery in ledger.deliveries()] == [OF_BAKER]


def test_nobody_has_answered_a_request_that_never_was(ledger: Ledger):
    assert ledger.answered(7) is None


def test_the_last_tick_may_go_back(ledger: Ledger):
    ledger.ticked(LATER)
    ledger.ticked(NOON)
    assert ledger.memory().last_tick == NOON


def test_a_history_is_told_in_order_across_a_renaming(ledger: Ledger):
    ledger.record(replace(OPEN, path=MILLER), None, [], [], NOON)  # was there before, and moves away
    ledger.record(replace(OPEN, path=Path("jobs/old.md")), MILLER, [], [], NOON)
    ledger.record(OPEN, None, [OPENED], [], NOON)
    ledger.record(replace(CLOSED, path=MILLER), BAKER, [], [], LATER)
    request = ledger.file(MILLER, WISH, "ann", LATER)
    ledger.answer(request, REFUSED, "It is closed.", [], [], LATER)
    (delivery,) = ledger.due(LATER)
    ledger.claim(delivery, LATER)
    ledger.settle(delivery, SENT, LATER)
    told = [(entry.path, entry.what) for entry in ledger.history(MILLER)]
    assert told == [(BAKER, "seen")] + [(MILLER, what) for what in ("renamed", "seen", "asked", "refused", "sent")]
    assert ledger.history(MILLER)[3].detail == ("ann asked to extend with closes=2026-04-01, because: few applicants.")


def test_a_reader_sees_one_moment_whatever_is_written_meanwhile(ledger: Ledger, place: Place):
    other = Ledger.open(place)
    with ledger._store.reading() as connection:
        before = remembered(connection)
        other.record(OPEN, None, [], ["told"], NOON)
        assert remembered(connection) == before == Memory()
    assert ledger.memory() == other.memory() != before
    other.close()


STRANGE = "a\0b \ud800 \ufdd0 \ufdd00000 \U0001f9c1"


def test_a_text_that_no_database_keeps_comes_back_as_it_was(ledger: Ledger):
    """A file of a site may hold a NUL in its title; it must not keep the other ones from their tick."""
    strange = replace(OPEN, title=STRANGE, path=Path(f"jobs/{STRANGE}.md"))
    ledger.record(strange, None, [replace(OPENED, key=STRANGE, body=STRANGE)], [STRANGE], NOON)
    request = ledger.file(strange.path, replace(WISH, values={STRANGE: STRANGE}), STRANGE, NOON)
    memory = Memory({strange.path: strange}, (request,), frozenset({STRANGE}))
    assert replace(ledger.memory(), spoken=()) == memory
    assert [(each.message.key, each.message.body) for each in ledger.due(NOON)] == [(STRANGE, STRANGE)]
    assert [row.path for row in ledger.audit()] == [strange.path] * 2
    assert ledger.verify().whole


def test_what_came_in_from_outside_counts_once_for_all_callers_together(ledger: Ledger):
    ready, first = threading.Barrier(8), []

    def hear() -> None:
        ready.wait()
        first.append(ledger.once("72d3162e-cc78-11e3", NOON, timedelta(hours=1)))

    threads = [threading.Thread(target=hear) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(first) == [False] * 7 + [True]
    assert ledger.revision() == 0


def test_what_came_in_long_ago_is_forgotten(ledger: Ledger):
    day = timedelta(days=1)
    assert ledger.once("a", NOON, day)
    assert not ledger.once("a", NOON + day - timedelta(seconds=1), day)
    assert ledger.once("b", NOON + day, day)
    assert ledger.once("a", NOON + day, day)


# Revision


class Remembering(RuleBasedStateMachine):
    """Random writes: the revision moves exactly when the memory does, but for a tick that moves on."""

    paths = st.sampled_from([BAKER, MILLER, Path("jobs/cook.md")])
    keys = st.lists(st.sampled_from(["a", "b", "c"]), max_size=2)
    instants = st.integers(0, 3).map(lambda hours: NOON + timedelta(hours=hours))

    fresh: ClassVar[Iterator[Place]]

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger.open(next(self.fresh))
        self.before = (self.ledger.revision(), self.ledger.memory())

    def teardown(self) -> None:
        self.ledger.close()

    @rule(path=paths, was=st.none() | paths, state=st.sampled_from(State), told=keys)
    def record(self, path: Path, was: Path | None, state: State, told: list[str]) -> None:
        self.ledger.record(replace(OPEN, path=path, state=state), was, [OPENED], told, NOON)

    @rule(path=paths, told=keys)
    def forget(self, path: Path, told: list[str]) -> None:
        self.ledger.forget(path, [], told, NOON)

    @rule(told=keys)
    def tell(self, told: list[str]) -> None:
        self.ledger.tell([SHUT], told, NOON)

    @rule(path=paths)
    def file(self, path: Path) -> None:
        self.ledger.file(path, WISH, "ann", NOON)

    @rule(number=st.integers(1, 3), told=keys)
    def answer(self, number: int, told: list[str]) -> None:
        self.ledger.answer(Request(number, BAKER, WISH, "ann", NOON), DONE, "Done.", [], told, NOON)

    @rule(digest=st.sampled_from(["d1", "d2"]))
    def release(self, digest: str) -> None:
        self.ledger.release(digest, "ann", NOON)

    @rule(at=instants)
    def ticked(self, at: datetime) -> None:
        self.ledger.ticked(at)

    @rule(receipt=st.sampled_from([SENT, NOT_SENT, UNKNOWN]))
    def send(self, receipt: Receipt) -> None:
        for delivery in self.ledger.due(LATER):
            assert self.ledger.claim(delivery, NOON)
            self.ledger.settle(delivery, receipt, NOON)

    @rule(number=st.integers(1, 2), what=st.sampled_from(["hold", "resend", "drop"]))
    def decide(self, number: int, what: str) -> None:
        if what == "hold":
            for delivery in self.ledger.due(LATER)[:number]:
                self.ledger.hold(delivery, "Its page shows nothing of it.", NOON)
        else:
            with suppress(LedgerError):
                getattr(self.ledger, what)(number, "ann", NOON)

    @rule()
    def put_back(self) -> None:
        with self.ledger._store.writing() as writer:
            mark(writer)

    @rule()
    def come_back(self) -> None:
        self.ledger.come_back(NOON)

    @rule()
    def catch_up(self) -> None:
        if self.ledger.memory().copied:
            self.ledger.caught_up(NOON)

    @rule(key=st.sampled_from(["a", "b"]))
    def hear(self, key: str) -> None:
        self.ledger.once(key, NOON, timedelta(hours=1))

    @invariant()
    def the_revision_moves_with_the_memory(self) -> None:
        revision, memory = self.ledger.revision(), self.ledger.memory()
        was_revision, was = self.before
        moved_on = was.last_tick is not None and memory.last_tick is not None and memory.last_tick >= was.last_tick
        same = memory == (replace(was, last_tick=memory.last_tick) if moved_on else was)
        assert (revision == was_revision) == same
        assert revision >= was_revision
        self.before = (revision, memory)


def test_the_revision_changes_exactly_when_the_memory_does_in_a_file(tmp_path: FilePath):
    Remembering.fresh = (tmp_path / f"{number}.db" for number in count())
    run_state_machine_as_test(Remembering, settings=settings(max_examples=25, stateful_step_count=25, deadline=None))


def test_the_revision_changes_exactly_when_the_memory_does_in_postgresql(postgres: Postgres):
    Remembering.fresh = (postgres.url() for _ in count())
    run_state_machine_as_test(Remembering, settings=settings(max_examples=5, stateful_step_count=15, deadline=None))


# On its way


def queued(ledger: Ledger) -> module.Delivery:
    ledger.tell([OPENED], [], NOON)
    (delivery,) = ledger.due(NOON)
    return delivery


def test_a_message_key_is_queued_once_for_all_time(ledger: Ledger):
    ledger.record(OPEN, None, [OPENED, OPENED], [], NOON)
    ledger.tell([replace(OPENED, body="Other words.\n")], [], LATER)
    assert [delivery.message for delivery in ledger.deliveries()] == [OF_BAKER]


def test_a_sent_message_is_not_due_again(ledger: Ledger):
    delivery = queued(ledger)
    ledger.claim(delivery, NOON)
    assert ledger.due(LATER) == []
    ledger.settle(delivery, SENT, NOON)
    assert ledger.due(LATER) == ledger.in_doubt() == []
    assert ledger.deliveries() == [
        replace(delivery, status=DeliveryStatus.SENT, attempts=1, detail="printed", claimed_at=NOON)
    ]


def test_what_may_have_gone_out_is_held_for_a_person(ledger: Ledger):
    delivery = queued(ledger)
    ledger.claim(delivery, NOON)
    ledger.settle(delivery, UNKNOWN, NOON)
    ledger.tell([SHUT], [], NOON)
    (held,) = ledger.deliveries(held_only=True)
    assert (held.message, held.status, held.detail) == (OPENED, DeliveryStatus.HELD, UNKNOWN.detail)
    assert ledger.held_count() == 1 < len(ledger.deliveries())


def test_what_was_not_sent_is_tried_twelve_times_with_growing_patience(ledger: Ledger):
    queued(ledger)
    at, waits = NOON, []
    while due := ledger.due(at):
        ledger.claim(due[0], at)
        ledger.settle(due[0], NOT_SENT, at)
        (now,) = ledger.deliveries()
        if now.next_at is None:
            break
        waits.append(int((now.next_at - at) / timedelta(minutes=1)))
        assert ledger.due(now.next_at - timedelta(seconds=1)) == []
        at = now.next_at
    assert waits == [1, 5, 15, 60, 180, 360, 360, 360, 360, 360, 360]
    (held,) = ledger.deliveries()
    assert (held.status, held.attempts, held.detail) == (DeliveryStatus.HELD, ATTEMPTS, NOT_SENT.detail)


def test_a_clock_years_ahead_ends_no_news_of_those_who_are_not_spoken_to(ledger: Ledger):
    old, ahead = LATER + timedelta(days=9), NOON + timedelta(days=3650)
    held = replace(OPENED, key="held", event=Event.HELD, expires=old)
    ledger.tell([replace(OPENED, expires=old), held], [], NOON)
    assert ledger.due(ahead, audiences=[Audience.STAFF]) == []
    assert [each.message.key for each in ledger.due(NOON)] == [OPENED.key]
    assert ledger.due(ahead) == []


def test_what_a_clock_years_ahead_has_put_off_has_its_turn_once_the_clock_is_right(ledger: Ledger):
    ahead = NOON + timedelta(days=3650)
    queued(ledger)
    first = ledger.claim(ledger.due(ahead)[0], ahead)
    assert first is not None
    ledger.settle(first, NOT_SENT, ahead)
    assert ledger.next_due(NOON) == NOON
    (again,) = ledger.due(NOON)
    assert ledger.claim(again, NOON) is not None
    ledger.settle(again, Receipt(Outcome.NOT_SENT, "Come back.", wait=timedelta(days=9)), NOON)
    assert ledger.next_due(NOON) == NOON + LONGEST_WAIT  # the longest wait that there is stays one
    assert ledger.due(NOON) == []


def test_an_old_claim_takes_nothing(ledger: Ledger):
    first = queued(ledger)
    ledger.claim(first, NOON)
    ledger.settle(first, NOT_SENT, NOON)
    assert ledger.claim(first, LATER) is None
    (second,) = ledger.due(LATER)
    ledger.claim(second, LATER)
    ledger.settle(first, SENT, LATER)
    assert [delivery.status for delivery in ledger.deliveries()] == [DeliveryStatus.CLAIMED]


def test_a_settlement_without_a_claim_changes_nothing(ledger: Ledger):
    delivery = queued(ledger)
    ledger.settle(delivery, SENT, NOON)
    assert ledger.due(NOON) == [delivery]


def test_deliveries_are_listed_newest_first_and_due_ones_oldest_first(ledger: Ledger):
    ledger.tell([OPENED, SHUT], [], NOON)
    assert [delivery.message for delivery in ledger.due(NOON)] == [OPENED, SHUT]
    assert [delivery.message for delivery in ledger.deliveries(limit=1)] == [SHUT]


def test_one_of_many_threads_wins_a_claim(ledger: Ledger):
    delivery, ready, won = queued(ledger), threading.Barrier(8), []

    def claim() -> None:
        ready.wait()
        won.append(ledger.claim(delivery, NOON) is not None)

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]


def test_one_of_two_processes_wins_each_claim(ledger: Ledger, place: Place):
    ledger.tell([replace(OPENED, key=str(number)) for number in range(40)], [], NOON)
    code = """
        ledger = module.Ledger.open(sys.argv[1])
        due = ledger.due(kit.NOON)
        print("ready", flush=True), sys.stdin.readline()
        print(*[delivery.number for delivery in due if ledger.claim(delivery, kit.NOON)])
    """
    racers = [python(code, place) for _ in range(2)]
    for racer in racers:
        await_word(racer, "ready")
    for racer in racers:
        go_on(racer)
    won = [int(number) for racer in racers for number in finish(racer)[1].split()]
    assert sorted(won) == [delivery.number for delivery in ledger.in_doubt()]
    assert len(won) == 40
