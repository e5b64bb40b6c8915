"""The outbox, in a real file and in a real PostgreSQL: threads, ends, doubts, and what a person decides about a message that is held."""

from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

import pytest

from postbot.core.announce import Audience, Event, Message, Outcome, Page, Receipt, Root
from postbot.core.plan.memory import Undelivered
from postbot.core.profile import State
from postbot.core.site import Path
from postbot.ledger import ATTEMPTS, Delivery, DeliveryStatus, Ledger, LedgerError
from tests.ledgers import BAKER, LATER, NOON, NOT_SENT, OPEN, UNKNOWN, Place, change, released

PUT = Receipt(Outcome.SENT, "Sent.", place="C1:17")
WEEK = NOON + timedelta(weeks=1)
SOON = Message(
    key="baker|soon|list",
    event=Event.OPENING_SOON,
    slug="baker",
    channel="mail",
    recipient="list@sea.example",
    subject="Baker: opens soon",
    body="It opens soon.\n",
    html="<p>It opens soon.</p>\n",
    blocks='[{"type": "divider"}]',
    calendar="BEGIN:VCALENDAR\r\n",
    thread="public:1",
    why="route 1",
    page=Page("https://sea.example/baker", "Open"),
    expires=WEEK,
    path="jobs/baker.md",
)
OPENED = replace(SOON, key="baker|opened|list", event=Event.OPENED, subject="Baker: open")
CLOSING = replace(SOON, key="baker|closing|list", event=Event.CLOSING_SOON, subject="Baker: closes soon")
EXTENDED = replace(SOON, key="baker|extended|list", event=Event.EXTENDED, subject="Baker: more time")
CLOSED = replace(SOON, key="baker|closed|list", event=Event.CLOSED, subject="Baker: closed")
DUE, DOUBTFUL, SENT, HELD, DROPPED, EXPIRED = (
    DeliveryStatus.DUE,
    DeliveryStatus.DOUBTFUL,
    DeliveryStatus.SENT,
    DeliveryStatus.HELD,
    DeliveryStatus.DROPPED,
    DeliveryStatus.EXPIRED,
)


def tried(ledger: Ledger, receipt: Receipt, at: datetime = NOON) -> Delivery:
    """Take the oldest due message, and let this be what came of it."""
    taken = ledger.claim(ledger.due(at)[0], at)
    assert taken is not None
    ledger.settle(taken, receipt, at)
    return taken


def standing(ledger: Ledger) -> dict[str, DeliveryStatus]:
    return {delivery.message.key: delivery.status for delivery in ledger.deliveries()}


def refusal(ledger: Ledger, what: str, number: int, at: datetime = NOON) -> str:
    with pytest.raises(LedgerError) as refused:
        getattr(ledger, what)(number, "ann", at)
    return str(refused.value)


# What is kept


def test_a_message_comes_back_with_all_that_it_says(ledger: Ledger):
    plain = replace(CLOSING, html="", blocks="", calendar="", thread="", why="", page=None, expires=None, path="")
    ledger.tell([SOON, plain], [], NOON)
    first, second = ledger.due(NOON)
    assert (first.message, second.message) == (SOON, plain)
    assert (first.queued_at, first.changed_at, first.claimed_at, first.place) == (NOON, NOON, None, "")


def test_where_a_message_was_put_is_remembered(ledger: Ledger):
    ledger.tell([SOON], [], NOON)
    tried(ledger, PUT)
    (sent,) = ledger.deliveries()
    assert (sent.status, sent.place, sent.claimed_at) == (SENT, "C1:17", NOON)


def test_many_due_messages_are_listed_a_hundred_at_a_time(ledger: Ledger):
    ledger.tell([replace(SOON, key=str(number), thread="", path="") for number in range(120)], [], NOON)
    assert [delivery.number for delivery in ledger.due(NOON)] == list(range(1, 101))
    assert len(ledger.due(NOON, limit=1000)) == 120


# Threads


def test_a_later_message_goes_under_the_first_that_went_out_to_the_same_recipient(ledger: Ledger):
    others = [
        replace(OPENED, key="other recipient", recipient="hr@sea.example"),
        replace(OPENED, key="other channel", channel="slack"),
        replace(OPENED, key="other thread", thread="public:2", path="jobs/cook.md"),
        replace(OPENED, key="no thread", thread="", path="jobs/clerk.md"),
    ]
    for first in (replace(SOON, thread="", key="before"), SOON, CLOSING):
        ledger.tell([first], [], NOON)
        tried(ledger, PUT)
    ledger.tell([OPENED, *others], [], NOON)
    roots = {delivery.message.key: delivery.root for delivery in ledger.due(NOON)}
    assert roots == {OPENED.key: Root(SOON.key, "C1:17")} | dict.fromkeys([each.key for each in others])


def test_what_has_not_gone_out_begins_no_thread(ledger: Ledger):
    ledger.tell([SOON, CLOSING], [], NOON)
    tried(ledger, UNKNOWN)
    assert [delivery.root for delivery in ledger.due(NOON)] == [None]


def test_what_went_out_later_is_no_root_of_what_was_made_before(ledger: Ledger):
    ledger.tell([SOON, CLOSING], [], NOON)
    held = tried(ledger, replace(NOT_SENT, final=True))
    tried(ledger, PUT)
    ledger.resend(held.number, "ana", NOON)
    (late,) = ledger.due(LATER)
    assert (late.message.key, late.root) == (SOON.key, None)


@pytest.mark.parametrize("end", [PUT, replace(NOT_SENT, final=True), UNKNOWN], ids=["sent", "refused", "unknown"])
def test_a_message_has_its_turn_once_what_was_said_before_in_its_thread_has_come_to_an_end(
    ledger: Ledger, end: Receipt
):
    ledger.tell([SOON, CLOSING, replace(CLOSING, key="other", recipient="other@sea.example")], [], NOON)
    assert [each.message.key for each in ledger.due(NOON)] == [SOON.key, "other"]
    tried(ledger, NOT_SENT)
    assert [each.message.key for each in ledger.due(NOON)] == ["other"]
    tried(ledger, PUT)
    taken = ledger.claim(ledger.due(LATER)[0], LATER)
    assert taken is not None
    assert ledger.due(LATER) == []
    ledger.settle(taken, end, LATER)
    (following,) = ledger.due(LATER)
    assert following.message == CLOSING
    assert following.root == (Root(SOON.key, "C1:17") if end is PUT else None)


def test_a_message_in_doubt_is_looked_for_where_it_was_put(ledger: Ledger):
    ledger.tell([SOON, CLOSING], [], NOON)
    held = tried(ledger, replace(NOT_SENT, final=True))
    taken = ledger.claim(ledger.due(NOON)[0], NOON)
    assert taken is not None
    ledger.doubt(taken, UNKNOWN, NOON)
    ledger.resend(held.number, "ana", NOON)
    tried(ledger, PUT, LATER)  # what would be its root now has only gone out since
    (looked_for,) = ledger.in_doubt()
    assert (looked_for.message, looked_for.root) == (CLOSING, None)


# Ends


def test_what_is_no_news_any_more_is_not_sent(ledger: Ledger):
    ledger.tell([SOON], [], NOON)
    assert len(ledger.due(WEEK - timedelta(seconds=1))) == 1
    assert ledger.due(WEEK) == []
    assert standing(ledger) == {SOON.key: EXPIRED}
    (row,) = ledger.audit()
    assert (row.what, row.key, row.before, row.after) == ("expired", SOON.key, "due", "expired")


STATES = [Event.OPENED, Event.REOPENED, Event.CLOSED, Event.CLOSED_EARLY, Event.POSTPONED, Event.CALLED_OFF]


@pytest.mark.parametrize("event", STATES)
def test_a_new_state_overtakes_all_that_was_to_be_said_before_also_of_another_opening(ledger: Ledger, event: Event):
    before = [SOON, replace(OPENED, thread="public:0"), CLOSING, replace(CLOSED, key="closed before")]
    for each in before:
        ledger.tell([each], [], NOON)
    ledger.tell([replace(CLOSED, event=event)], [], LATER)
    assert [delivery.message.event for delivery in ledger.due(LATER)] == [event]
    assert standing(ledger) == {**dict.fromkeys((each.key for each in before), EXPIRED), CLOSED.key: DUE}


def test_only_what_the_same_recipient_would_hear_of_the_same_posting_is_overtaken(ledger: Ledger):
    others = [
        replace(OPENED, key="other recipient", recipient="hr@sea.example"),
        replace(OPENED, key="other channel", channel="slack"),
        replace(OPENED, key="other posting", path="positions/cook.md"),
        replace(OPENED, key="no posting", path=""),
    ]
    ledger.tell(others, [], NOON)
    ledger.tell([CLOSED, replace(CLOSED, key="closed, of no posting", path="")], [], LATER)
    assert EXPIRED not in standing(ledger).values()
    assert len(ledger.due(LATER)) == 6


def test_a_message_that_was_queued_before_overtakes_nothing_when_it_is_told_again(ledger: Ledger):
    ledger.tell([OPENED], [], NOON)
    ledger.tell([EXTENDED], [], NOON)
    ledger.tell([OPENED], [], LATER)
    assert [delivery.message for delivery in ledger.due(LATER)] == [OPENED]
    tried(ledger, PUT, LATER)
    assert [delivery.message for delivery in ledger.due(LATER)] == [EXTENDED]


@pytest.mark.parametrize(
    ("stale", "event"),
    [
        (Event.CLOSING_SOON, Event.EXTENDED),
        (Event.CLOSING_SOON, Event.CORRECTED),
        (Event.EXTENDED, Event.CORRECTED),
        (Event.CORRECTED, Event.EXTENDED),
        (Event.CLOSING_SOON, Event.CLOSING_SOON),
        (Event.WAITING, Event.WAITING),
        (Event.NOT_READY, Event.NOT_READY),
    ],
)
def test_a_word_is_overtaken_by_what_makes_it_untrue(ledger: Ledger, stale: Event, event: Event):
    kept = replace(SOON, key="kept", event=Event.OPENED if stale.audience is Audience.PUBLIC else Event.GONE)
    ledger.tell([kept, replace(SOON, key="stale", event=stale)], [], NOON)
    ledger.tell([replace(SOON, key="new", event=event)], [], LATER)
    ledger.due(LATER)
    assert standing(ledger) == {"kept": DUE, "stale": EXPIRED, "new": DUE}


@pytest.mark.parametrize("event", [Event.EXTENDED, Event.CORRECTED])
def test_an_opening_that_is_still_to_be_told_ends_with_the_new_date_and_waits_for_the_same_page(
    ledger: Ledger, event: Event
):
    ledger.tell([OPENED], [], NOON)
    shown = Page("https://sea.example/baker", "Open until later")
    ledger.tell([replace(EXTENDED, event=event, page=shown, expires=WEEK + timedelta(days=7))], [], NOON)
    (first,) = ledger.due(WEEK + timedelta(days=1))
    assert (first.message.event, first.message.page) == (Event.OPENED, shown)
    assert first.message.expires == WEEK + timedelta(days=7)


def test_an_opening_that_is_held_is_not_sent_with_its_old_date_once_a_new_one_is_told(ledger: Ledger):
    ledger.tell([OPENED], [], NOON)
    held = tried(ledger, UNKNOWN)
    ledger.tell([EXTENDED], [], NOON)
    with pytest.raises(LedgerError, match="that is no news any more"):
        ledger.resend(held.number, "ana", LATER)


def test_what_a_message_was_resent_for_is_refused_once_later_news_make_it_untrue(ledger: Ledger):
    ledger.tell([EXTENDED], [], NOON)
    held = tried(ledger, UNKNOWN)
    ledger.tell([replace(EXTENDED, key="corrected", event=Event.CORRECTED)], [], NOON)
    with pytest.raises(LedgerError, match="that is no news any more"):
        ledger.resend(held.number, "ana", LATER)


def test_of_a_posting_that_has_gone_nothing_more_is_told_to_the_public(ledger: Ledger):
    gone = replace(SOON, key="gone", event=Event.GONE, path="")
    ledger.record(OPEN, None, [OPENED], ["opened"], NOON)
    ledger.forget(BAKER, [gone], ["gone"], NOON)
    assert [delivery.message.key for delivery in ledger.due(NOON)] == ["gone"]
    assert standing(ledger)[OPENED.key] is EXPIRED


def test_what_the_staff_were_to_be_asked_is_settled_by_news(ledger: Ledger):
    asked = [replace(SOON, key=str(event), event=event, expires=None) for event in (Event.WAITING, Event.NOT_READY)]
    ledger.tell(asked, [], NOON)
    ledger.record(OPEN, None, [OPENED], ["opened"], NOON)
    assert [delivery.message.event for delivery in ledger.due(NOON)] == [Event.OPENED]


def test_while_a_plan_is_held_only_the_staff_are_listed(ledger: Ledger):
    ledger.tell([OPENED, replace(SOON, key="held", event=Event.HELD, path="")], [], NOON)
    assert [each.message.key for each in ledger.due(NOON, audiences=[Audience.STAFF])] == ["held"]


def test_what_turns_out_not_to_have_been_sent_is_not_sent_after_the_end(ledger: Ledger):
    ledger.tell([OPENED], [], NOON)
    taken = ledger.claim(ledger.due(NOON)[0], NOON)
    assert taken is not None
    ledger.doubt(taken, UNKNOWN, NOON)
    ledger.tell([CLOSED], [], NOON)
    ledger.settle(ledger.in_doubt()[0], NOT_SENT, NOON)
    assert [delivery.message for delivery in ledger.due(LATER)] == [CLOSED]


# What came of it


def test_what_is_put_off_is_due_again_later_and_counts_no_attempt(ledger: Ledger):
    ledger.tell([SOON], [], NOON)
    ledger.wait(ledger.due(NOON)[0], LATER, "The page does not show it yet.", NOON)
    assert ledger.due(LATER - timedelta(seconds=1)) == []
    (again,) = ledger.due(LATER)
    assert (again.attempts, again.next_at, again.detail) == (0, LATER, "The page does not show it yet.")


def test_the_far_end_is_given_the_time_it_asks_for_up_to_a_day(ledger: Ledger):
    waits = [timedelta(seconds=1), timedelta(hours=2), timedelta.max]
    ledger.tell([replace(SOON, key=str(number), thread="", path="") for number in range(3)], [], NOON)
    for wait in waits:
        tried(ledger, replace(NOT_SENT, wait=wait))
    given = [delivery.next_at - NOON for delivery in reversed(ledger.deliveries()) if delivery.next_at]
    assert given == [timedelta(minutes=1), timedelta(hours=2), timedelta(days=1)]


def test_what_cannot_be_sent_before_a_person_acts_is_held_at_once(ledger: Ledger):
    ledger.tell([SOON], [], NOON)
    tried(ledger, replace(NOT_SENT, final=True))
    assert standing(ledger) == {SOON.key: HELD}


def test_a_message_whose_answer_was_lost_is_looked_for_until_somebody_knows(ledger: Ledger):
    ledger.tell([SOON], [], NOON)
    taken = ledger.claim(ledger.due(NOON)[0], NOON)
    assert taken is not None
    ledger.doubt(taken, UNKNOWN, LATER)
    (doubted,) = ledger.in_doubt()
    assert (doubted.status, doubted.detail, doubted.attempts) == (DOUBTFUL, UNKNOWN.detail, 0)
    assert (doubted.claimed_at, doubted.changed_at) == (NOON, LATER)
    assert ledger.due(WEEK) == []
    ledger.settle(doubted, PUT, LATER)
    assert ledger.in_doubt() == []
    assert [row.after for row in ledger.audit()] == ["doubtful", "sent"]


def test_only_what_is_claimed_can_be_doubted(ledger: Ledger):
    ledger.tell([SOON], [], NOON)
    (delivery,) = ledger.due(NOON)
    ledger.doubt(delivery, UNKNOWN, NOON)
    assert ledger.due(NOON) == [delivery]


def test_only_what_is_due_can_be_put_off_or_held(ledger: Ledger):
    ledger.tell([SOON], [], NOON)
    (delivery,) = ledger.due(NOON)
    ledger.claim(delivery, NOON)
    ledger.wait(delivery, LATER, "Wait.", NOON)
    ledger.hold(delivery, "Hold.", NOON)
    assert standing(ledger) == {SOON.key: DeliveryStatus.CLAIMED}


# What a person decides


def test_what_is_held_is_remembered_for_the_plan_until_somebody_decides(ledger: Ledger):
    ledger.tell([SOON, CLOSING], [], NOON)
    before = ledger.revision()
    ledger.hold(ledger.due(NOON)[0], "Its page does not show it.", NOON)
    (held,) = ledger.memory().held
    assert held == Undelivered(
        1, 0, SOON.event, SOON.subject, SOON.channel, SOON.recipient, "Its page does not show it."
    )
    assert ledger.revision() == before + 1
    ledger.drop(1, "ann", NOON)
    assert (ledger.memory().held, ledger.revision()) == ((), before + 2)


def test_a_held_message_is_sent_at_once_when_a_person_says_so_whatever_its_page_shows(ledger: Ledger):
    ledger.tell([SOON], [], NOON)
    tried(ledger, UNKNOWN)
    freed = ledger.resend(1, "ann", NOON)
    assert ledger.due(NOON) == [freed]
    assert (freed.status, freed.attempts, freed.message) == (DUE, 1, replace(SOON, page=None))
    row = ledger.audit()[-1]
    assert (row.what, row.by, row.key, row.before, row.after) == ("resend", "ann", SOON.key, "held", "due")


def test_a_message_that_was_tried_too_often_gets_one_more_attempt_from_a_person(ledger: Ledger):
    ledger.tell([replace(SOON, expires=None)], [], NOON)
    for number in range(ATTEMPTS):
        tried(ledger, NOT_SENT, NOON + timedelta(days=number))
    ledger.resend(1, "ann", WEEK)
    tried(ledger, NOT_SENT, WEEK)
    assert standing(ledger) == {SOON.key: HELD}


def test_what_is_no_news_any_more_cannot_be_sent_again_only_dropped(ledger: Ledger):
    ledger.tell([OPENED], [], NOON)
    tried(ledger, UNKNOWN)
    ledger.tell([CLOSED], [], NOON)
    ledger.due(LATER)
    assert standing(ledger)[OPENED.key] is HELD
    sentence = refusal(ledger, "resend", 1)
    assert "that is no news any more" in sentence
    assert sentence.endswith("postbot deliveries drop 1")
    assert ledger.drop(1, "ann", NOON).status is DROPPED


def test_only_what_is_held_can_be_sent_again_and_only_what_is_unsent_dropped(ledger: Ledger):
    ledger.tell([SOON], [], NOON)
    assert "is due; only one that is held" in refusal(ledger, "resend", 1)
    tried(ledger, PUT)
    assert "is sent; only one that is held" in refusal(ledger, "resend", 1)
    assert "is sent; only one that is held or due" in refusal(ledger, "drop", 1)
    assert standing(ledger) == {SOON.key: SENT}


@pytest.mark.parametrize("what", ["resend", "drop"])
def test_a_delivery_that_is_not_there_is_a_sentence(ledger: Ledger, what: str):
    for number in (-1, 0, 7, 2**70):
        assert refusal(ledger, what, number) == f"There is no delivery {number}. All there are: postbot deliveries"


def test_a_due_message_can_be_dropped_and_is_never_sent(ledger: Ledger):
    ledger.tell([SOON], [], NOON)
    (delivery,) = ledger.due(NOON)
    ledger.drop(1, "ann", NOON)
    assert ledger.claim(delivery, NOON) is None
    assert ledger.due(WEEK) == []


def test_an_old_attempt_cannot_settle_what_a_person_has_freed(ledger: Ledger):
    ledger.tell([SOON], [], NOON)
    taken = tried(ledger, UNKNOWN)
    ledger.resend(1, "ann", NOON)
    ledger.settle(taken, PUT, NOON)
    assert standing(ledger) == {SOON.key: DUE}


# Ledgers from before there were threads


def older(place: Place, statement: str, **values: object) -> Ledger:
    released(place, "0001")
    change(place, statement, **values)
    return Ledger.open(place)


@pytest.mark.parametrize(
    ("state", "generation", "opening"),
    [(State.UPCOMING, 0, 1), (State.OPEN, 1, 1), (State.CLOSED, 1, 1), (State.UPCOMING, 1, 2)],
)
def test_a_posting_known_before_belongs_to_its_present_opening_or_to_the_one_it_waits_for(
    place: Place, state: State, generation: int, opening: int
):
    change = "UPDATE witnesses SET state = :state, generation = :generation"
    ledger = older(place, change, state=state.value, generation=generation)
    assert ledger.memory().witnesses[BAKER].thread == sha256(f"{BAKER}\n{opening}".encode()).hexdigest()[:16]
    ledger.close()


def test_a_site_that_speaks_already_goes_on_speaking_and_one_that_never_did_does_not_begin(place: Place):
    ledger = older(place, "UPDATE pulse SET last_tick = NULL")
    assert ledger.memory().released == frozenset()
    ledger.close()


def test_what_an_older_postbot_left_claimed_is_found_in_doubt(place: Place):
    ledger = older(place, "UPDATE outbox SET status = 'claimed'")
    (left,) = ledger.in_doubt()
    assert (left.claimed_at, left.message.thread, left.message.page) == (NOON, "public:8e96fd1403c47f1f", None)
    ledger.close()


def test_a_witness_keeps_its_thread(ledger: Ledger):
    ledger.record(replace(OPEN, thread="t1"), None, [], [], NOON)
    ledger.record(replace(OPEN, thread="t1", path=Path("jobs/cook.md")), BAKER, [], [], NOON)
    assert [witness.thread for witness in ledger.memory().witnesses.values()] == ["t1"]
