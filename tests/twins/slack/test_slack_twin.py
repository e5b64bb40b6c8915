"""The twin is as strict as it says, and draws its limits where Slack's own library draws them."""

from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import ActionsBlock, ButtonElement, ContextBlock, HeaderBlock, SectionBlock

from tests.twins.slack.blocks import flaws
from tests.twins.slack.client import TOKEN, SlackTwin
from tests.twins.slack.mrkdwn import tokens

JOBS = "C0JOBS"


@pytest.fixture(scope="module")
def twin() -> Iterator[SlackTwin]:
    with SlackTwin.start() as twin:
        twin.channel(JOBS)
        yield twin


@pytest.fixture
def client(twin: SlackTwin) -> WebClient:
    return WebClient(TOKEN, base_url=twin.url, retry_handlers=[])


def refused(call: Any, **told: Any) -> str:
    with pytest.raises(SlackApiError) as raised:
        call(**told)
    return str(raised.value.response["error"])


def plain(length: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": "x" * length}


def button(text: int = 1, url: str = "https://example.org") -> dict[str, Any]:
    return {"type": "button", "text": plain(text), "url": url}


LIMITS = {
    "header": (lambda n: {"type": "header", "text": plain(n)}, HeaderBlock.text_max_length),
    "section": (lambda n: {"type": "section", "text": plain(n)}, 3000),
    "field": (lambda n: {"type": "section", "fields": [plain(n)]}, 2000),
    "fields": (lambda n: {"type": "section", "fields": [plain(1)] * n}, SectionBlock.fields_max_length),
    "context": (lambda n: {"type": "context", "elements": [plain(1)] * n}, ContextBlock.elements_max_length),
    "actions": (lambda n: {"type": "actions", "elements": [button()] * n}, ActionsBlock.elements_max_length),
    "button": (lambda n: {"type": "actions", "elements": [button(n)]}, ButtonElement.text_max_length),
    "url": (lambda n: {"type": "actions", "elements": [button(url="https://e.org/".ljust(n, "x"))]}, 3000),
}


@pytest.mark.parametrize("what", LIMITS)
def test_a_limit_is_where_slack_draws_it(what: str):
    make, most = LIMITS[what]
    assert flaws([make(most)]) == []
    assert flaws([make(most + 1)]) != []
    if what != "url":
        assert flaws([make(0)]) != []


def test_fifty_blocks_are_the_most():
    assert flaws([{"type": "divider"}] * 50) == []
    assert flaws([{"type": "divider"}] * 51) != []


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image"},
        {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
        {"type": "section"},
        {"type": "section", "text": {"type": "plain_text", "text": " "}},
        {"type": "section", "text": {"type": "plain_text", "text": "x", "verbatim": True}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": False}},
        {"type": "divider", "text": "x"},
        {"type": "actions", "elements": [button(url="javascript:alert(1)")]},
        {"type": "actions", "elements": [button(url="https://example.org/a b")]},
        "divider",
    ],
    ids=str,
)
def test_a_block_that_slack_does_not_take_is_refused(block: Any):
    assert flaws([block]) != []


def test_metadata_is_shown_only_to_who_asks(twin: SlackTwin, client: WebClient):
    metadata = {"event_type": "x", "event_payload": {"key": "1"}}
    ts = client.chat_postMessage(channel=JOBS, text="x", metadata=metadata)["ts"]
    shown = client.conversations_history(channel=JOBS, oldest=ts, inclusive=True)["messages"][0]
    asked = client.conversations_history(channel=JOBS, oldest=ts, inclusive=True, include_all_metadata=True)
    assert ("metadata" in shown, asked["messages"][0]["metadata"]) == (False, metadata)


def test_an_update_keeps_metadata_unless_it_says_otherwise_and_takes_blocks_away(twin: SlackTwin, client: WebClient):
    metadata = {"event_type": "x", "event_payload": {}}
    ts = client.chat_postMessage(channel=JOBS, text="x", blocks=[{"type": "divider"}], metadata=metadata)["ts"]
    client.chat_update(channel=JOBS, ts=ts, text="y")
    assert (twin.messages(JOBS)[-1]["metadata"], "blocks" in twin.messages(JOBS)[-1]) == (metadata, False)
    client.chat_update(channel=JOBS, ts=ts, text="y", metadata={})
    assert twin.messages(JOBS)[-1]["metadata"] is None


def test_who_asks_wrongly_is_refused(twin: SlackTwin, client: WebClient):
    assert refused(client.chat_postMessage, channel="C0ELSE", text="x") == "channel_not_found"
    assert refused(client.api_call, api_method="chat.postMessage", json={"channel": JOBS}) == "no_text"
    assert refused(client.chat_postMessage, channel=JOBS, text="x", icon_emoji=":x:") == "invalid_arguments"
    assert refused(client.chat_postMessage, channel=JOBS, text="x", metadata={"a": 1}) == "invalid_metadata_format"
    assert refused(client.chat_update, channel=JOBS, ts="1.0", text="x") == "message_not_found"
    assert refused(client.conversations_replies, channel=JOBS, ts="1.0") == "thread_not_found"
    assert refused(client.reactions_add, channel=JOBS, name="x", timestamp="1.0") == "unknown_method"
    assert refused(WebClient("xoxb-other", base_url=twin.url).auth_test) == "invalid_auth"
    assert refused(WebClient(None, base_url=twin.url).auth_test) == "not_authed"
    assert refused(client.api_call, api_method="auth.test", data={"token": TOKEN}) == "invalid_auth"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plain words, 10:30 a.m. &amp; &lt;more&gt;", []),
        ("<!channel> <@U1> <#C1|x> <https://e.org|e>", ["<!channel>", "<@U1>", "<#C1>", "<https://e.org>"]),
        ("a < b", ["<"]),
        ("*b* _i_", ["*", "*", "_", "_"]),
        ("x\n&gt; y", ["quote"]),
        ("see www.e.org or @here #x", ["auto www.", "auto @here", "auto #x"]),
        (":tada:", ["emoji :tada:"]),
    ],
)
def test_what_a_text_does_is_seen(text: str, found: list[str]):
    assert tokens(text) == found
