"""Slack by a strict twin over real HTTP. What went out is judged by the twin's log, and by nothing of ours."""

import json
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postbot.channels.slack import Slack
from postbot.core.announce import Event, Message, Outcome, Receipt, Root
from tests.payloads import PAYLOADS
from tests.twins.slack.client import TOKEN, SlackTwin
from tests.twins.slack.mrkdwn import shown

JOBS, STAFF = "C0JOBS", "G0STAFF"
ANN, ANN_MAIL, ANN_DM = "U0ANN", "ann@example.org", "D0ANN"
CANARY = "xoxb-canary-0123456789"

OPENED = Message(
    key="jobs/baker.md|1|opened|slack|C0JOBS",
    event=Event.OPENED,
    slug="baker",
    channel="slack",
    recipient=JOBS,
    subject="Baker (GS-13) & more: open until Friday",
    body="The position Bäcker is open.\n\nApply by Friday.\n",
    blocks=json.dumps([{"type": "section", "text": {"type": "plain_text", "text": "Open", "emoji": False}}]),
    thread="public:0123",
)
EXTENDED = replace(
    OPENED,
    key="jobs/baker.md|1|extended|slack|C0JOBS",
    event=Event.EXTENDED,
    subject="Baker: open one week longer",
    blocks=json.dumps([{"type": "section", "text": {"type": "plain_text", "text": "Longer", "emoji": False}}]),
)

REFUSED = ["429", "429-html", "ratelimited", "403"]
BEFORE = [*REFUSED, "500", "500-odd", "502", "503", "internal_error", "fatal_error", "html", "truncated"]
BEFORE += ["not-json", "wrong-type", "nothing", "bad-charset", "bare-ok", "redirect"]
BEFORE += ["drop", "reset", "hang", "cut", "garbage"]
AFTER = [kind for kind in BEFORE if kind not in REFUSED]
FAULTS = [(kind, "before") for kind in BEFORE] + [(kind, "after") for kind in AFTER]


@pytest.fixture(scope="module")
def process() -> Iterator[SlackTwin]:
    with SlackTwin.start() as twin:
        yield twin


@pytest.fixture
def twin(process: SlackTwin) -> SlackTwin:
    process.forget()
    process.channel(JOBS)
    process.channel(STAFF, kind="private")
    process.user(ANN, ANN_MAIL)
    return process


@pytest.fixture
def slack(twin: SlackTwin) -> Slack:
    return speaker(twin)


def speaker(twin: SlackTwin, token: str = TOKEN, seconds: float = 10) -> Slack:
    return Slack(token, server=twin.url, timeout=timedelta(seconds=seconds))


def hasty(twin: SlackTwin, kind: str) -> Slack:
    """One that does not wait for an answer that a fault holds back."""
    return speaker(twin, seconds=0.25 if kind == "hang" else 10)


def now() -> datetime:
    return datetime.now(UTC)


def settled(slack: Slack, message: Message, root: Root | None = None, tries: int = 5) -> Receipt:
    """What the loop does with a channel: send again what was not sent, look for what may have been."""
    since = now()
    receipt = slack.send(message, root)
    for _ in range(tries):
        slack.rest()
        if receipt.outcome is Outcome.NOT_SENT and not receipt.final:
            receipt = slack.send(message, root)
        elif receipt.outcome is Outcome.UNKNOWN:
            receipt = slack.look(message, root, since)
    return receipt


def sent(slack: Slack, message: Message = OPENED, root: Root | None = None) -> Receipt:
    receipt = slack.send(message, root)
    assert receipt.outcome is Outcome.SENT, receipt
    return receipt


def root_of(slack: Slack, message: Message = OPENED) -> Root:
    return Root(message.key, sent(slack, message).place)


def texts(twin: SlackTwin, channel: str = JOBS) -> list[str]:
    return [shown(each["text"]) for each in twin.messages(channel)]


# A message


def test_a_message_stands_in_its_channel_in_its_own_words(twin: SlackTwin, slack: Slack):
    receipt = sent(slack)
    (message,) = twin.messages(JOBS)
    assert receipt.place == f"{JOBS}/{message['ts']}"
    assert (shown(message["text"]), message["blocks"]) == (OPENED.subject, json.loads(OPENED.blocks))
    assert message["tokens"] == []


def test_a_message_without_blocks_shows_its_text_as_it_is(twin: SlackTwin, slack: Slack):
    body = "Apply *now* at <https://example.org> & ask @ann :tada:\n" * 400
    for blocks in ("", "[]"):
        sent(slack, replace(OPENED, key=f"key {blocks}", blocks=blocks, body=body))
        message = twin.messages(JOBS)[-1]
        whole = "".join(block["text"]["text"] for block in message["blocks"])
        assert "".join(shown(whole).split()) == "".join(body.split())
        assert message["tokens"] == []


def test_nothing_of_a_subject_does_anything(twin: SlackTwin, slack: Slack):
    for number, payload in enumerate(SUBJECTS):
        message = replace(OPENED, key=f"key {number}", subject=payload)
        root = Root(message.key, sent(slack, message).place)
        if number % 20 == 0:  # an update is read otherwise than a post
            sent(slack, replace(message, key=f"reply {number}"), root)
    assert [found for each in twin.messages(JOBS) if (found := each["tokens"])] == []
    assert sum(each["updates"] for each in twin.messages(JOBS)) > 10


SUBJECTS = [*PAYLOADS, "<!channel>", "<!here|x>", "<@U0ANN>", "<#C0JOBS>", "<http://evil.example|agency.gov>", "@here"]
SUBJECTS += ["@channel #general", "<!subteam^S0>", "<!date^0^{date}^https://evil.example|x>", "&lt;!channel&gt;", ""]


def test_what_is_posted_asks_for_no_unfolding_and_no_names(twin: SlackTwin, slack: Slack):
    sent(slack)
    (row,) = twin.effects("posted")
    ways = {name: row["told"].get(name) for name in ("unfurl_links", "unfurl_media", "parse", "link_names", "mrkdwn")}
    never = {"unfurl_links": False, "unfurl_media": False, "mrkdwn": False}
    assert ways == {**never, "parse": "none", "link_names": None}


def test_the_key_that_goes_out_tells_nothing_of_the_posting(twin: SlackTwin, slack: Slack):
    sent(slack)
    (message,) = twin.messages(JOBS)
    assert message["metadata"]["event_type"] == "postbot_message"
    key = message["metadata"]["event_payload"]["key"]
    assert len(key) == 32
    assert int(key, 16)


# Faults


@pytest.mark.parametrize(("kind", "when"), FAULTS, ids=lambda word: word)
def test_a_fault_of_the_post_leaves_one_message(twin: SlackTwin, kind: str, when: str):
    twin.fault(kind, when=when, seconds=0.4)
    receipt = settled(hasty(twin, kind), OPENED)
    assert receipt.outcome is Outcome.SENT, receipt
    assert len(twin.effects("posted")) == 1
    assert receipt.place == f"{JOBS}/{twin.messages(JOBS)[0]['ts']}"
    assert twin.fired() == [f"{kind} {when} chat.postMessage"]


@pytest.mark.parametrize(("kind", "waits"), [("429", timedelta(seconds=30)), ("hang", None), ("502", None)])
def test_a_slack_in_trouble_is_left_alone_until_the_next_burst(twin: SlackTwin, kind: str, waits: timedelta | None):
    slack = hasty(twin, kind)
    twin.fault(kind, seconds=0.4)
    receipts = [slack.send(replace(OPENED, key=str(number)), None) for number in range(20)]
    assert twin.requests().count("chat.postMessage") == 1
    assert [(each.outcome, each.wait) for each in receipts[1:]] == [(Outcome.NOT_SENT, waits)] * 19
    slack.rest()
    assert slack.send(replace(OPENED, key="later"), None).outcome is Outcome.SENT


@pytest.mark.parametrize("kind", AFTER)
def test_what_may_have_gone_out_is_not_sent_again_while_nobody_can_tell(twin: SlackTwin, kind: str):
    twin.scopes("chat:write")
    twin.fault(kind, when="after", seconds=0.4)
    receipt = settled(hasty(twin, kind), OPENED)
    assert receipt.outcome is Outcome.UNKNOWN
    assert len(twin.effects("posted")) == 1
    assert twin.requests().count("chat.postMessage") == 1


@pytest.mark.parametrize("kind", BEFORE)
@pytest.mark.parametrize(
    "method", ["users.lookupByEmail", "conversations.open", "chat.update", "conversations.history", "auth.test"]
)
def test_a_fault_of_what_surrounds_the_post_loses_and_doubles_nothing(
    twin: SlackTwin, slack: Slack, method: str, kind: str
):
    root = root_of(slack, replace(OPENED, recipient=ANN_MAIL))
    twin.fault(kind, method, seconds=0.4)
    if method in ("conversations.history", "auth.test"):
        twin.fault("drop", when="after")
    to_thread = root if method == "chat.update" else None
    receipt = settled(hasty(twin, kind), replace(EXTENDED, recipient=ANN_MAIL), to_thread)
    assert receipt.outcome is Outcome.SENT, receipt
    assert f"{kind} before {method}" in twin.fired()
    assert len(twin.effects("posted")) == 2


@pytest.mark.parametrize("kind", AFTER)
def test_a_reply_that_was_lost_is_found_in_its_thread(twin: SlackTwin, slack: Slack, kind: str):
    root = root_of(slack)
    twin.fault(kind, when="after", seconds=0.4)
    assert settled(hasty(twin, kind), EXTENDED, root).outcome is Outcome.SENT
    assert [each.get("thread_ts") for each in twin.messages(JOBS)] == [None, root.place.split("/")[1]]


@pytest.mark.parametrize("kind", REFUSED)
def test_what_was_turned_away_at_the_door_may_be_sent_again(twin: SlackTwin, slack: Slack, kind: str):
    twin.fault(kind)
    receipt = slack.send(OPENED, None)
    assert (receipt.outcome, receipt.final) == (Outcome.NOT_SENT, False)


def test_two_faults_in_a_row_leave_one_message(twin: SlackTwin):
    slack = hasty(twin, "hang")
    twin.fault("502", when="before")
    twin.fault("hang", when="after", nth=2, seconds=0.4)
    twin.fault("500", "conversations.history")
    assert settled(slack, OPENED, tries=8).outcome is Outcome.SENT
    assert len(twin.effects("posted")) == 1


def test_slack_says_how_long_to_wait(twin: SlackTwin, slack: Slack):
    for kind in ("429", "429-html", "ratelimited"):
        twin.fault(kind, retry_after="17")
        receipt = slack.send(OPENED, None)
        assert (receipt.outcome, receipt.final, receipt.wait) == (Outcome.NOT_SENT, False, timedelta(seconds=17))
        assert receipt.detail == "Slack: it asks for fewer messages; this one waits."
        twin.heal()
    twin.fault("429", "conversations.history", retry_after="9")
    assert slack.look(OPENED, None, now()).wait == timedelta(seconds=9)


@pytest.mark.parametrize("odd", [None, "soon", "-5", "1e9", "99999999999999999999", "٣"], ids=ascii)
def test_an_odd_wait_is_none(twin: SlackTwin, slack: Slack, odd: str | None):
    twin.fault("429", retry_after="x" if odd == "٣" else odd)
    receipt = slack.send(OPENED, None)
    assert (receipt.outcome, receipt.wait) == (Outcome.NOT_SENT, None)


def test_a_call_is_tried_once(twin: SlackTwin, slack: Slack):
    twin.fault("drop", when="after")
    slack.send(OPENED, None)
    assert twin.requests() == ["chat.postMessage"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_redirect_is_not_followed(twin: SlackTwin, slack: Slack, when: str):
    twin.fault("redirect", when=when)
    assert slack.send(OPENED, None).outcome is Outcome.UNKNOWN
    assert twin.requests() == ["chat.postMessage"]


def test_a_server_that_is_not_there_was_sent_nothing():
    with closing(socket.socket()) as idle:
        idle.bind(("127.0.0.1", 0))
        port = idle.getsockname()[1]
    for server in (f"http://127.0.0.1:{port}/api/", "http://no-such-host.invalid/api/"):
        receipt = Slack(TOKEN, server=server, timeout=timedelta(seconds=1)).send(OPENED, None)
        assert (receipt.outcome, receipt.final) == (Outcome.NOT_SENT, False)
        assert receipt.detail.startswith("Slack: cannot be reached")


def test_a_server_without_tls_was_sent_nothing(twin: SlackTwin):
    receipt = Slack(TOKEN, server=twin.url.replace("http:", "https:"), timeout=timedelta(seconds=2)).send(OPENED, None)
    assert receipt.outcome is Outcome.NOT_SENT
    assert twin.requests() == []


def test_a_process_killed_in_mid_send_leaves_what_a_look_finds(twin: SlackTwin, slack: Slack):
    since = now()
    twin.fault("hang", when="after", seconds=30)
    code = (
        "import sys, tests.contract.test_slack as kit\n"
        "kit.Slack(kit.TOKEN, server=sys.argv[1]).send(kit.OPENED, None)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, twin.url], cwd=Path(__file__).parents[2]) as sender:
        while not twin.effects("posted"):
            time.sleep(0.02)
        sender.kill()
    assert slack.look(OPENED, None, since).outcome is Outcome.SENT
    assert len(twin.messages(JOBS)) == 1


# Looking


def test_a_look_tells_before_and_after(twin: SlackTwin, slack: Slack):
    since = now()
    assert slack.look(OPENED, None, since).outcome is Outcome.NOT_SENT
    place = sent(slack).place
    looked = slack.look(OPENED, None, since)
    assert (looked.outcome, looked.place) == (Outcome.SENT, place)
    assert slack.look(EXTENDED, None, since).outcome is Outcome.NOT_SENT


def test_a_look_reads_every_page(twin: SlackTwin, slack: Slack):
    twin.page(3)
    place = sent(slack).place
    for _ in range(10):
        twin.say(JOBS)
    assert slack.look(OPENED, None, now()).place == place
    assert twin.requests().count("conversations.history") == 4


def test_a_look_that_breaks_off_in_the_middle_tells_nothing(twin: SlackTwin, slack: Slack):
    twin.page(3)
    for _ in range(10):
        twin.say(JOBS)
    twin.fault("502", "conversations.history", nth=2)
    assert slack.look(OPENED, None, now()).outcome is Outcome.UNKNOWN


def test_a_list_that_is_not_shown_whole_tells_nothing(twin: SlackTwin, slack: Slack):
    twin.page(1)
    sent(slack)
    twin.say(JOBS)
    twin.fault("no-cursor", "conversations.history", when="after")
    assert slack.look(OPENED, None, now()).outcome is Outcome.UNKNOWN


def test_a_list_that_does_not_end_is_given_up(twin: SlackTwin, slack: Slack):
    twin.page(0)
    twin.say(JOBS)
    assert slack.look(OPENED, None, now()).outcome is Outcome.UNKNOWN
    assert twin.requests() == ["conversations.history"] * 100


def test_what_went_out_long_before_is_not_meant(twin: SlackTwin, slack: Slack):
    sent(slack)
    assert slack.look(OPENED, None, now() + timedelta(minutes=10)).outcome is Outcome.NOT_SENT


def test_a_clock_that_is_four_minutes_off_hides_nothing(twin: SlackTwin, slack: Slack):
    sent(slack)
    assert slack.look(OPENED, None, now() + timedelta(minutes=4)).outcome is Outcome.SENT


def test_a_key_that_somebody_copied_does_not_count(twin: SlackTwin, slack: Slack):
    sent(slack)
    (ours,) = twin.messages(JOBS)
    twin.delete(JOBS, ours["ts"])
    twin.say(JOBS, metadata=ours["metadata"])
    assert slack.look(OPENED, None, now()).outcome is Outcome.NOT_SENT


@pytest.mark.parametrize("scope", ["channels:history", "groups:history", "im:history"])
def test_a_conversation_that_may_not_be_read_is_unknown(twin: SlackTwin, slack: Slack, scope: str):
    to = {"channels:history": JOBS, "groups:history": STAFF, "im:history": ANN}[scope]
    sent(slack, replace(OPENED, recipient=to))
    twin.scopes("chat:write", "im:write", *{"channels:history", "groups:history", "im:history"} - {scope})
    receipt = slack.look(replace(OPENED, recipient=to), None, now())
    assert receipt.outcome is Outcome.UNKNOWN
    assert scope in receipt.detail


# Threads and cards


def test_a_later_event_replies_and_the_card_shows_what_is_so_now(twin: SlackTwin, slack: Slack):
    root = root_of(slack)
    receipt = sent(slack, EXTENDED, root)
    card, reply = twin.messages(JOBS)
    assert reply["thread_ts"] == card["ts"]
    assert receipt.place == f"{JOBS}/{reply['ts']}"
    assert card["blocks"] == reply["blocks"] == json.loads(EXTENDED.blocks)
    assert (shown(card["text"]), card["updates"]) == (EXTENDED.subject, 1)
    assert [row["kind"] for row in twin.effects()] == ["posted", "updated", "posted"]


def test_a_card_keeps_its_own_key(twin: SlackTwin, slack: Slack):
    root = root_of(slack)
    sent(slack, EXTENDED, root)
    assert slack.look(OPENED, None, now()).place == root.place
    assert slack.look(EXTENDED, root, now()).place != root.place


def test_a_card_that_cannot_be_reached_now_is_not_passed_over(twin: SlackTwin, slack: Slack):
    root = root_of(slack)
    twin.fault("503", "chat.update")
    receipt = slack.send(EXTENDED, root)
    assert (receipt.outcome, receipt.final) == (Outcome.NOT_SENT, False)
    assert len(twin.messages(JOBS)) == 1


@pytest.mark.parametrize("error", ["edit_window_closed", "cant_update_message", "as_user_not_supported"])
def test_a_card_that_may_not_be_changed_keeps_no_reply_from_going_out(twin: SlackTwin, slack: Slack, error: str):
    root = root_of(slack)
    twin.channel(JOBS, edits=error)
    receipt = sent(slack, EXTENDED, root)
    assert error in receipt.detail
    card, reply = twin.messages(JOBS)
    assert (reply["thread_ts"], card["updates"]) == (card["ts"], 0)


@pytest.mark.parametrize("threads", ["unthread", "refuse"])
def test_where_the_thread_is_gone_the_reply_stands_by_itself(twin: SlackTwin, slack: Slack, threads: str):
    root = root_of(slack)
    twin.channel(JOBS, threads=threads)
    twin.delete(JOBS, root.place.split("/")[1])
    receipt = sent(slack, EXTENDED, root)
    (message,) = twin.messages(JOBS)
    assert "thread_ts" not in message
    assert receipt.place == f"{JOBS}/{message['ts']}"


@pytest.mark.parametrize("threads", ["unthread", "refuse"])
def test_a_lost_reply_whose_thread_is_gone_is_found_all_the_same(twin: SlackTwin, slack: Slack, threads: str):
    root = root_of(slack)
    twin.channel(JOBS, threads=threads)
    twin.delete(JOBS, root.place.split("/")[1])
    twin.fault("drop", when="after", nth=2 if threads == "refuse" else 1)
    receipt = settled(slack, EXTENDED, root)
    assert receipt.outcome is Outcome.SENT
    assert len(twin.messages(JOBS)) == 1


@pytest.mark.parametrize("place", ["", "nonsense", "C0JOBS", "C0JOBS/", "/1.2", "C0JOBS/1.2/3", "c0jobs/1.2"])
def test_a_place_that_is_none_begins_a_thread(twin: SlackTwin, slack: Slack, place: str):
    sent(slack, OPENED, Root("key", place))
    assert [each.get("thread_ts") for each in twin.messages(JOBS)] == [None]


# People


@pytest.mark.parametrize("recipient", [ANN, ANN_MAIL, ANN_MAIL.upper(), ANN_DM])
def test_a_person_is_written_to_by_id_by_address_or_by_conversation(twin: SlackTwin, slack: Slack, recipient: str):
    twin.channel(ANN_DM, kind="im")
    receipt = sent(slack, replace(OPENED, recipient=recipient))
    assert receipt.place.startswith(f"{ANN_DM}/")
    assert texts(twin, ANN_DM) == [OPENED.subject]


def test_a_person_is_looked_up_once_until_the_next_rest(twin: SlackTwin, slack: Slack):
    for number in range(3):
        sent(slack, replace(OPENED, key=f"key {number}", recipient=ANN_MAIL))
    assert twin.requests().count("users.lookupByEmail") == 1
    slack.rest()
    sent(slack, replace(OPENED, recipient=ANN_MAIL))
    assert twin.requests().count("users.lookupByEmail") == 2


NO_RECIPIENTS = ["", "general", "#general", "@ann", "C0JOBS,C0OTHER", "C0JOBS\n", "c0jobs", "T0TEAM", "<!channel>"]
NO_RECIPIENTS += ["ann@example.org,bo@example.org", "Ann <ann@example.org>", "ann@example", "C0JOBS/1.2", "\ud800"]
NO_RECIPIENTS += ["C" + "0" * 99]


@pytest.mark.parametrize("recipient", NO_RECIPIENTS, ids=ascii)
def test_what_is_no_recipient_is_refused_before_anybody_is_asked(twin: SlackTwin, slack: Slack, recipient: str):
    receipt = slack.send(replace(OPENED, recipient=recipient), None)
    assert (receipt.outcome, receipt.final) == (Outcome.NOT_SENT, True)
    assert "routes" in receipt.detail
    assert receipt.detail.isascii()
    assert twin.requests() == []


# What only a person can mend


MENDED_BY_PEOPLE = {
    "archived": (lambda twin: twin.channel(JOBS, archived=True), f"channel {JOBS} is archived; name another one"),
    "left": (lambda twin: twin.channel(JOBS, joined=False), f"not in the channel {JOBS}; invite the app"),
    "hidden": (lambda twin: twin.channel(JOBS, joined=False, kind="private"), f"sees no channel {JOBS}; check its id"),
    "revoked": (lambda twin: twin.revoke("token_revoked"), "does not accept the token (token_revoked)"),
    "gone": (lambda twin: twin.revoke("account_inactive"), "does not accept the token (account_inactive)"),
    "narrowed": (lambda twin: twin.scopes("channels:history"), "lacks the scope chat:write"),
    "forbidden": (lambda twin: twin.fault("no_permission", times=99), "it says no_permission"),
}


@pytest.mark.parametrize("what", MENDED_BY_PEOPLE)
def test_what_only_a_person_can_mend_is_final_and_says_how(twin: SlackTwin, slack: Slack, what: str):
    spoil, said = MENDED_BY_PEOPLE[what]
    spoil(twin)
    receipt = settled(slack, OPENED)
    assert (receipt.outcome, receipt.final) == (Outcome.NOT_SENT, True)
    assert said in receipt.detail
    assert (receipt.detail[:7], receipt.detail[-1]) == ("Slack: ", ".")
    assert twin.requests().count("chat.postMessage") == 1


@pytest.mark.parametrize("what", ["archived", "left", "hidden"])
def test_other_channels_are_still_served(twin: SlackTwin, slack: Slack, what: str):
    MENDED_BY_PEOPLE[what][0](twin)
    slack.send(OPENED, None)
    sent(slack, replace(OPENED, key="other", recipient=STAFF))


def test_a_reply_into_an_archived_channel_says_so(twin: SlackTwin, slack: Slack):
    root = root_of(slack)
    twin.channel(JOBS, archived=True)
    receipt = slack.send(EXTENDED, root)
    assert (receipt.outcome, receipt.final) == (Outcome.NOT_SENT, True)
    assert "archived" in receipt.detail


@pytest.mark.parametrize(
    ("person", "said"),
    [
        ("bo@example.org", "nobody in the workspace has the address bo@example.org"),
        ("U0NOBODY", "there is nobody behind U0NOBODY"),
        ("U0GONE", "there is nobody behind U0GONE to write to (user_disabled)"),
        ("U0BOT", "there is nobody behind U0BOT to write to (cannot_dm_bot)"),
    ],
)
def test_nobody_behind_a_name_is_final(twin: SlackTwin, slack: Slack, person: str, said: str):
    twin.user("U0GONE", disabled=True)
    twin.user("U0BOT", bot=True)
    receipt = slack.send(replace(OPENED, recipient=person), None)
    assert (receipt.outcome, receipt.final) == (Outcome.NOT_SENT, True)
    assert said in receipt.detail


@pytest.mark.parametrize("blocks", ["{", '[{"type": "header"}]', '[{"type": "rich_text"}]', "{}", '"x"', "[1]"])
def test_blocks_that_slack_does_not_take_are_final(twin: SlackTwin, slack: Slack, blocks: str):
    receipt = slack.send(replace(OPENED, blocks=blocks), None)
    if blocks != "{}":  # nothing at all, so that the text is shown
        assert (receipt.outcome, receipt.final) == (Outcome.NOT_SENT, True)
        assert "blocks" in receipt.detail


# Secrets


def test_the_token_is_nowhere_but_in_its_header(
    twin: SlackTwin, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("slack_sdk").setLevel(logging.DEBUG)
    with SlackTwin.start(token=CANARY) as guarded:
        guarded.channel(JOBS)
        slack = speaker(guarded, CANARY, seconds=0.2)
        receipts = []
        for kind, when in FAULTS:
            guarded.fault(kind, None, when=when, seconds=0.3)
            message = replace(OPENED, key=f"{kind} {when}")
            receipts += [slack.send(message, None), slack.look(message, None, now())]
            guarded.heal()
        guarded.revoke()
        receipts.append(slack.send(OPENED, None))
        told = [*slack.check(), *(repr(each) for each in receipts), repr(slack), str(vars(slack).keys())]
        traffic = guarded.traffic()
    printed = capfd.readouterr()
    assert [receipt.outcome for receipt in receipts].count(Outcome.UNKNOWN) > 20
    assert [text for text in (*told, *traffic, caplog.text, printed.out, printed.err) if "canary" in text] == []
    assert caplog.text == ""


@pytest.mark.parametrize(
    "token", ["", " ", "xoxb-canary\nX-Evil: 1", "xoxb-canary\ud800", "xoxb-canäry", "a b"], ids=ascii
)
def test_a_token_that_fits_no_header_is_refused_unsaid(twin: SlackTwin, token: str):
    slack = speaker(twin, token)
    receipt = slack.send(OPENED, None)
    assert (receipt.outcome, receipt.final) == (Outcome.NOT_SENT, True)
    assert "token" in receipt.detail
    assert "can" not in "".join((receipt.detail, *slack.check())).replace("cannot", "")
    assert twin.requests() == []


def test_a_blank_after_the_token_does_no_harm(twin: SlackTwin):
    sent(speaker(twin, f"{TOKEN}\n"))


# The doctor


def test_the_check_finds_nothing_where_nothing_is_missing(twin: SlackTwin, slack: Slack):
    assert slack.check() == ()
    assert twin.effects() == []


def test_the_check_says_what_does_not_work_without_each_scope(twin: SlackTwin, slack: Slack):
    twin.scopes("chat:write", "users:read")
    found = slack.check()
    assert len(found) == 5
    assert [
        scope for scope in ("channels:", "groups:", "im:history", "im:write", "users:read.email") if scope in str(found)
    ]
    assert all(each.startswith("Slack: the app lacks the scope ") for each in found)
    assert "chat:write" not in str(found)


def test_the_check_says_that_the_token_is_no_use(twin: SlackTwin, slack: Slack):
    twin.revoke()
    (said,) = slack.check()
    assert "does not accept the token" in said


# Many


def test_many_senders_at_once_make_one_message_each(twin: SlackTwin):
    slack = speaker(twin)
    channels = [twin.channel(f"C0MANY{number}") for number in range(20)]
    receipts: list[Receipt] = []

    def send(channel: str) -> None:
        receipts.extend(
            slack.send(replace(OPENED, key=f"{channel} {number}", recipient=channel), None) for number in range(5)
        )

    threads = [threading.Thread(target=send, args=(channel,)) for channel in channels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [receipt.outcome for receipt in receipts] == [Outcome.SENT] * 100
    assert [len(twin.messages(channel)) for channel in channels] == [5] * 20
