"""People act on a real Bolt app through the twin, over HTTP and over the socket, and see what Slack would show them."""

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from threading import Event, Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.twins.slack.client import APP_TOKEN, SECRET, TOKEN, SlackTwin
from tests.twins.slack.people import Person, signed

JOBS = "C0JOBS"
Told = dict[str, Any]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128


def plain(text: str) -> Told:
    return {"type": "plain_text", "text": text}


def field(name: str, element: Told, **more: Any) -> Told:
    return {"type": "input", "block_id": name, "label": plain(name), "element": {**element, "action_id": "a"}, **more}


def button(text: str, action: str, **more: Any) -> Told:
    return {"type": "button", "text": plain(text), "action_id": action, **more}


def row(*elements: Told, name: str = "row") -> Told:
    return {"type": "actions", "block_id": name, "elements": list(elements)}


def option(value: str) -> Told:
    return {"text": plain(value.title()), "value": value}


REASON = {"type": "static_select", "options": [option("filled"), option("cap")]}


def form(day: str = "2026-03-09", **more: Any) -> Told:
    """A modal with a field of each kind that people fill in."""
    fields = [
        field("when", {"type": "datepicker", "initial_date": day}),
        field("at", {"type": "timepicker", "initial_time": "08:00"}),
        field("why", REASON, optional=True),
        field("who", {"type": "email_text_input"}, optional=True),
        field("page", {"type": "url_text_input"}, optional=True),
        field("note", {"type": "plain_text_input", "max_length": 5}, optional=True),
    ]
    menu = {"type": "overflow", "action_id": "menu", "options": [option("show")]}
    blocks = [*fields, row(button("More", "more"), menu, {**REASON, "action_id": "pick"})]
    base = {"type": "modal", "title": plain("Form"), "submit": plain("Go"), "callback_id": "form"}
    return {**base, "blocks": blocks, **more}


class Heard:
    """What the app got, and what it shall answer."""

    def __init__(self) -> None:
        self.bodies: list[Told] = []
        self.answer: Told = {}
        self.on_click = lambda client, body: None


def bolt(twin: SlackTwin, heard: Heard) -> App:
    client = WebClient(TOKEN, base_url=twin.url, retry_handlers=[])
    app = App(client=client, token=TOKEN, signing_secret=SECRET)

    def keep(body: Told) -> None:
        heard.bodies.append(body)

    def opened(ack: Any, body: Told, client: WebClient) -> None:
        keep(body)
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=form(notify_on_close=True))

    @app.command("/posting")
    def _command(ack: Any, body: Told, client: WebClient) -> None:
        if body["text"] == "open":
            opened(ack, body, client)
        else:
            keep(body)
            ack(**(heard.answer or {"text": f"You said {body['text']}"}))

    @app.action({"type": "block_actions", "action_id": re.compile(".*")})
    def _clicked(ack: Any, body: Told, client: WebClient) -> None:
        keep(body)
        ack()
        heard.on_click(client, body)

    @app.view("form")
    def _submitted(ack: Any, body: Told) -> None:
        keep(body)
        ack(**heard.answer)

    @app.view_closed("form")
    def _closed(ack: Any, body: Told) -> None:
        keep(body)
        ack()

    @app.event("app_home_opened")
    def _home(body: Told, event: Told, client: WebClient) -> None:
        keep(body)
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [row(button("Hi", "hi"))]})

    app.shortcut("board")(opened)
    app.shortcut("act-on")(opened)
    return app


@contextmanager
def served(app: App) -> Iterator[str]:
    with make_server("127.0.0.1", 0, SlackRequestHandler(app), Threaded, Quiet) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/slack/events"
        server.shutdown()


@pytest.fixture(scope="module")
def process() -> Iterator[SlackTwin]:
    with SlackTwin.start() as twin:
        yield twin


@pytest.fixture
def twin(process: SlackTwin) -> SlackTwin:
    process.forget()
    process.channel(JOBS)
    process.patience(trigger=30, answer=30)
    return process


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture(params=["http", "socket"])
def ada(request: pytest.FixtureRequest, twin: SlackTwin, heard: Heard) -> Iterator[Person]:
    """Ada, whom a Bolt app hears: once by HTTP and once by the socket."""
    app = bolt(twin, heard)
    if request.param == "http":
        with served(app) as url:
            twin.app(url)
            yield twin.person("U0ADA", "ada@agency.gov")
        return
    handler = SocketModeHandler(app, APP_TOKEN, ping_interval=1)
    handler.connect()
    twin.connected()
    yield twin.person("U0ADA", "ada@agency.gov", by="socket")
    handler.close()
    twin.connected(0)


def until(found: Any, seconds: float = 60) -> Any:
    """What is there in the end: an app may go on after it has answered."""
    ends = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < ends, "It never came."
        time.sleep(0.01)
    return value


def opened(ada: Person) -> Told:
    assert ada.command("/posting", "open").status == 200
    return dict(until(ada.view))


def test_what_a_command_is_answered_is_heard_by_that_person_only(ada: Person, twin: SlackTwin, heard: Heard):
    answer = ada.command("/posting", "help me")
    assert (answer.status, [each["text"] for each in ada.heard()]) == (200, ["You said help me"])
    assert twin.person("U0BEN").heard() == []
    assert {"user_id": "U0ADA", "team_id": "T0TEAM", "channel_id": "D0ADA"}.items() <= heard.bodies[0].items()
    (row,) = twin.effects("acknowledged")
    assert (row["user"], row["what"], row["status"], row["by"]) == ("U0ADA", "command", 200, ada.by)


def test_a_modal_is_filled_in_and_submitted(ada: Person, heard: Heard):
    view = opened(ada)
    given = {"when": {"a": "2026-03-10"}, "why": {"a": "cap"}, "who": {"a": "x@agency.gov"}}
    assert ada.submit(view, given).status == 200
    values = heard.bodies[-1]["view"]["state"]["values"]
    assert values["when"]["a"] == {"type": "datepicker", "selected_date": "2026-03-10"}
    assert values["at"]["a"] == {"type": "timepicker", "selected_time": "08:00"}
    assert values["why"]["a"]["selected_option"] == option("cap")
    assert (values["note"]["a"], ada.view()) == ({"type": "plain_text_input", "value": None}, None)


def test_errors_stand_at_the_field_and_what_was_entered_stays(ada: Person, heard: Heard):
    heard.answer = {"response_action": "errors", "errors": {"when": "That is a Sunday."}}
    view = opened(ada)
    ada.submit(view, {"when": {"a": "2026-03-08"}})
    assert ada.errors() == {"when": "That is a Sunday."}
    assert ada.view()["state"]["values"]["when"]["a"]["selected_date"] == "2026-03-08"
    heard.answer = {}
    ada.submit(view)
    assert (heard.bodies[-1]["view"]["state"]["values"]["when"]["a"]["selected_date"], ada.views()) == (
        "2026-03-08",
        [],
    )


def test_an_update_keeps_what_stands_in_a_field_whatever_its_new_initial_value(ada: Person, heard: Heard):
    heard.answer = {"response_action": "update", "view": form("2027-01-01", title=plain("Again"))}
    view = opened(ada)
    ada.submit(view, {"when": {"a": "2026-03-10"}})
    now = ada.view()
    assert (now["id"], now["title"]["text"]) == (view["id"], "Again")
    assert now["state"]["values"]["when"]["a"]["selected_date"] == "2026-03-10"


def test_three_views_are_one_on_the_other_and_no_fourth(ada: Person, heard: Heard):
    heard.answer = {"response_action": "push", "view": form()}
    first = opened(ada)
    ada.submit(first)
    ada.submit(ada.view())
    assert [each["root_view_id"] for each in ada.views()] == [first["id"]] * 3
    with pytest.raises(AssertionError, match="push_limit_reached"):
        ada.submit(ada.view())
    with pytest.raises(AssertionError, match="not on top"):
        ada.submit(first)
    ada.close(ada.view())
    heard.answer = {"response_action": "clear"}
    ada.submit(ada.view())
    assert ada.views() == []


def test_what_an_app_answers_must_be_what_slack_would_take(ada: Person, heard: Heard):
    heard.answer = {"response_action": "errors", "errors": {"nowhere": "x"}}
    view = opened(ada)
    with pytest.raises(AssertionError, match="Slack would not take"):
        ada.submit(view)


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {}},
        {"response_action": "errors", "errors": {"when": " "}},
        {"response_action": "update"},
        {"response_action": "push", "view": {"type": "modal", "title": plain("x" * 25), "blocks": [row()]}},
        {"response_action": "clear", "view": {}},
        {"response_action": "close"},
        {"ok": True},
        [],
    ],
    ids=str,
)
def test_an_answer_to_a_view_that_slack_would_not_take_is_refused(twin: SlackTwin, answer: Any):
    ada, client = twin.person("U0ADA"), WebClient(TOKEN, base_url=twin.url)
    client.views_open(trigger_id=twin.act("approach", user="U0ADA")["trigger_id"], view=form())
    with pytest.raises(ValueError, match=r"Slack takes|errors must|invalid_arguments"):
        twin.act("view_answer", user="U0ADA", view=ada.view()["id"], told=answer)
    assert len(ada.views()) == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"why": {"a": "never"}}, "none of the options"),
        ({"when": {"a": "9 March"}}, "a day like"),
        ({"when": {"a": "2026-02-30"}}, "a day like"),
        ({"when": {"a": None}}, "must be filled"),
        ({"at": {"a": "8 am"}}, "a time like"),
        ({"who": {"a": "ada"}}, "an e-mail address"),
        ({"page": {"a": "agency.gov"}}, "a URL"),
        ({"note": {"a": "x" * 6}}, "0 to 5 characters"),
        ({"note": {"a": "x\ny"}}, "one line"),
        ({"nowhere": {"a": "x"}}, "There is no nowhere/a"),
        ({"row": {"more": "x"}}, "Nothing can be put into"),
    ],
    ids=str,
)
def test_what_a_person_could_not_enter_is_refused(twin: SlackTwin, given: Told, says: str):
    ada = twin.person("U0ADA")
    client = WebClient(TOKEN, base_url=twin.url)
    client.views_open(trigger_id=twin.act("approach", user="U0ADA")["trigger_id"], view=form())
    with pytest.raises(AssertionError, match=says):
        ada.submit(ada.view(), given)


def test_a_closed_view_is_told_of_where_it_asked_for_that(ada: Person, heard: Heard):
    view = opened(ada)
    ada.close(view)
    assert (heard.bodies[-1]["type"], heard.bodies[-1]["view"]["id"], ada.view()) == ("view_closed", view["id"], None)


def test_buttons_menus_and_selects_of_a_view_are_heard_with_what_stands_in_the_form(ada: Person, heard: Heard):
    view = opened(ada)
    ada.click(view, "more")
    ada.choose(view, "row", "menu", "show")
    ada.choose(view, "row", "pick", "filled")
    more, menu, pick = [body["actions"][0] for body in heard.bodies[1:]]
    assert (more["type"], more["action_id"], more["block_id"]) == ("button", "more", "row")
    assert (menu["selected_option"], pick["selected_option"]) == (option("show"), option("filled"))
    assert heard.bodies[-1]["view"]["state"]["values"]["row"]["pick"]["selected_option"] == option("filled")
    assert ada.view()["state"]["values"]["row"]["pick"]["selected_option"] == option("filled")
    with pytest.raises(AssertionError, match="There is no"):
        ada.click(view, "nothing")
    with pytest.raises(AssertionError, match="does not hear"):
        ada.choose(view, "why", "a", "cap")


def test_a_button_in_a_modal_opens_another_on_top(ada: Person, heard: Heard):
    heard.on_click = lambda client, body: client.views_push(trigger_id=body["trigger_id"], view=form())
    ada.click(opened(ada), "more")
    assert until(lambda: len(ada.views()) == 2)


def test_a_message_is_clicked_answered_and_replaced(ada: Person, twin: SlackTwin, heard: Heard):
    client = WebClient(TOKEN, base_url=twin.url)
    cards = row(button("Yes", "say", value="1"), button("No", "deny"))
    client.chat_postMessage(channel=JOBS, text="card", blocks=[cards])
    message = twin.messages(JOBS)[-1]
    ada.click(message, "say", "1")
    body = heard.bodies[-1]
    assert (body["container"]["message_ts"], body["channel"]["id"]) == (message["ts"], JOBS)
    assert (body["actions"][0]["value"], body["message"]["text"]) == ("1", "card")
    assert respond(body["response_url"], text="only you") == (200, "ok")
    assert respond(body["response_url"], text="done", replace_original=True) == (200, "ok")
    (hidden,) = ada.heard()
    assert (hidden["text"], twin.messages(JOBS)[-1]["text"]) == ("only you", "done")
    assert [each["channel"] for each in twin.effects("responded")] == [JOBS] * 2


def test_a_shortcut_and_one_of_a_message_open_a_modal(ada: Person, twin: SlackTwin, heard: Heard):
    ada.shortcut("board")
    first = until(ada.view)
    ts = twin.say(JOBS, "See this")
    ada.message_shortcut("act-on", JOBS, ts)
    assert until(lambda: ada.view() and ada.view()["id"] != first["id"])
    assert (heard.bodies[-1]["type"], heard.bodies[-1]["message"]["text"]) == ("message_action", "See this")


def test_the_home_is_published_and_used(ada: Person, heard: Heard):
    assert ada.home() is None
    ada.opens_home()
    home = until(ada.home)
    ada.click(home, "hi")
    assert (heard.bodies[-1]["container"]["type"], heard.bodies[-1]["view"]["type"]) == ("view", "home")


def respond(url: str, **told: Any) -> tuple[int, str]:
    reply = WebhookClient(url, retry_handlers=[]).send_dict(told)
    return reply.status_code, reply.body


def test_a_response_url_is_good_for_five_answers(twin: SlackTwin):
    url = twin.act("approach", user=twin.user("U0ADA"), channel=JOBS)["response_url"]
    assert [respond(url, text="x")[0] for _ in range(6)] == [200] * 5 + [404]
    assert respond(url + "x", text="x")[0] == 404


def test_a_response_that_slack_would_not_take_is_refused(twin: SlackTwin):
    def url() -> str:
        return str(twin.act("approach", user=twin.user("U0ADA"), channel=JOBS)["response_url"])

    assert respond(url(), text="x", blocks=[{"type": "nothing"}])[0] == 400
    assert respond(url(), text="x", colour="red")[0] == 400
    assert respond(url(), text="x", response_type="loud")[0] == 400
    assert twin.effects("ephemeral", "responded") == []


def test_forged_stale_and_doubled_requests_can_be_made(twin: SlackTwin, heard: Heard):
    with served(bolt(twin, heard)) as url:
        twin.app(url)
        ada = twin.person("U0ADA")
        body = ada.form("/posting", "x")
        old = signed(body, SECRET, time.time() - 400)
        assert [ada.send(body, each).status for each in (signed(body, "other"), old, {})] == [401] * 3
        assert heard.bodies == []
        assert ada.verifies().status == 200
        first = ada.command("/posting", "x")
        with ThreadPoolExecutor(8) as pool:
            assert {each.status for each in pool.map(ada.again, [first] * 8)} == {200}
        assert len(heard.bodies) == 9
        again = ada.retry(first)
        assert (again.status, again.sent.headers["X-Slack-Retry-Num"]) == (200, "1")


def test_an_app_that_is_too_late_has_not_answered(twin: SlackTwin, heard: Heard):
    app, going_on = bolt(twin, heard), Event()
    app.command("/slow")(lambda ack: (going_on.wait(30), ack("late")))
    with served(app) as url:
        twin.app(url)
        twin.patience(answer=0.2)
        ada = twin.person("U0ADA")
        assert ada.command("/slow").status == 0
        going_on.set()
        assert (ada.heard(), twin.effects("acknowledged")[-1]["status"]) == ([], 0)


def test_a_trigger_is_good_once_and_not_for_long(twin: SlackTwin):
    client = WebClient(TOKEN, base_url=twin.url)
    twin.user("U0ADA")

    def refused(trigger: str, **view: Any) -> str:
        with pytest.raises(SlackApiError) as raised:
            client.views_open(trigger_id=trigger, view=form(**view))
        return str(raised.value.response["error"])

    trigger = twin.act("approach", user="U0ADA")["trigger_id"]
    assert refused(trigger, private_metadata="x" * 3001) == "invalid_arguments"
    client.views_open(trigger_id=trigger, view=form())
    assert refused(trigger) == "exchanged_trigger_id"
    assert refused("1.2.3") == "invalid_trigger_id"
    twin.patience(trigger=0)
    assert refused(twin.act("approach", user="U0ADA")["trigger_id"]) == "expired_trigger_id"


def test_a_view_is_updated_by_who_knows_what_it_was(twin: SlackTwin):
    client = WebClient(TOKEN, base_url=twin.url)
    trigger = twin.act("approach", user=twin.user("U0ADA"))["trigger_id"]
    view = client.views_open(trigger_id=trigger, view=form())["view"]
    client.views_update(view_id=view["id"], hash=view["hash"], view=form())
    for told, error in (
        ({"view_id": view["id"], "hash": view["hash"]}, "hash_conflict"),
        ({"view_id": "V0"}, "not_found"),
    ):
        with pytest.raises(SlackApiError, match=error):
            client.views_update(**told, view=form())
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        client.views_publish(user_id="U0ADA", view=form())
    with pytest.raises(SlackApiError, match="view_too_large"):
        client.views_update(view_id=view["id"], view=form(private_metadata="x" * 250_000))
    home = {"type": "home", "blocks": [{"type": "divider"}]}
    with pytest.raises(SlackApiError, match="user_not_found"):
        client.views_publish(user_id="U0NONE", view=home)


def test_an_acknowledgement_that_is_lost_has_the_envelope_delivered_again(twin: SlackTwin, heard: Heard):
    handler = SocketModeHandler(bolt(twin, heard), APP_TOKEN)
    handler.connect()
    twin.connected()
    try:
        ada = twin.person("U0ADA", by="socket")
        twin.lose_acks(1)
        assert ada.command("/posting", "x").status == 200
        assert len(heard.bodies) == 2
        said = ada.command("/posting", "y")
        assert ada.retry(said).status == 200
        with ThreadPoolExecutor(8) as pool:
            assert {each.status for each in pool.map(ada.again, [said] * 8)} == {200}
    finally:
        handler.close()


def test_connections_are_deaf_cut_told_to_go_and_refused(twin: SlackTwin, heard: Heard):
    client = WebClient(base_url=twin.url)

    def address() -> str:
        return str(client.apps_connections_open(app_token=APP_TOKEN)["url"])

    used = address()
    with connect(used) as line:
        assert json.loads(line.recv())["type"] == "hello"
        assert line.ping().wait(30)
        with pytest.raises(InvalidStatus):
            connect(used)
        twin.deaf()
        assert not line.ping().wait(0.3)
        twin.patience(answer=0.2)
        assert twin.person("U0ADA", by="socket").command("/posting").status == 0
        twin.deaf(deaf=False)
        assert line.ping().wait(30)
        twin.disconnect("warning")
        assert json.loads(line.recv(30))["reason"] == "warning"
        twin.cut()
        with pytest.raises(ConnectionClosed):
            line.recv(30)
    with connect(address()) as line:
        line.recv(30)
        twin.disconnect("refresh_requested")
        assert json.loads(line.recv(30))["reason"] == "refresh_requested"
        with pytest.raises(ConnectionClosed):
            line.recv(30)
    twin.refuse(1)
    with pytest.raises(InvalidStatus):
        connect(address())
    with connect(address()) as line:
        assert json.loads(line.recv(30))["type"] == "hello"


def test_who_is_who_is_told_as_slack_tells_it(twin: SlackTwin):
    client = WebClient(TOKEN, base_url=twin.url)
    twin.user("U0ADA", "ada@agency.gov", guest=True, confirmed=False, tz="America/New_York", real_name="Ada L.")
    twin.user("U0OLD", "old@agency.gov", disabled=True)
    twin.user("U0FAR", team="T0OTHER", stranger=True)
    twin.group("S0HR", "U0ADA", "U0OLD", handle="hr")
    twin.group("S0OFF", "U0ADA", disabled=True)
    ada, old, far = [client.users_info(user=each)["user"] for each in ("U0ADA", "U0OLD", "U0FAR")]
    assert (ada["is_restricted"], ada["is_email_confirmed"], ada["profile"]["email"]) == (True, False, "ada@agency.gov")
    assert (old["deleted"], "is_restricted" in old, far["is_stranger"], far["team_id"]) == (
        True,
        False,
        True,
        "T0OTHER",
    )
    assert client.usergroups_users_list(usergroup="S0HR")["users"] == ["U0ADA", "U0OLD"]
    assert [each["id"] for each in client.usergroups_list()["usergroups"]] == ["S0HR"]
    assert len(client.usergroups_list(include_disabled=True, include_users=True)["usergroups"]) == 2
    for call, told, error in (
        (client.users_info, {"user": "U0NONE"}, "user_not_found"),
        (client.usergroups_users_list, {"usergroup": "S0NONE"}, "no_such_subteam"),
        (client.usergroups_users_list, {"usergroup": "S0OFF"}, "no_such_subteam"),
        (client.chat_postEphemeral, {"channel": JOBS, "user": "U0NONE", "text": "x"}, "user_not_in_channel"),
        (client.apps_connections_open, {"app_token": TOKEN}, "not_allowed_token_type"),
        (client.api_call, {"api_method": "auth.test", "params": {"token": APP_TOKEN}}, "not_allowed_token_type"),
    ):
        with pytest.raises(SlackApiError, match=error):
            call(**told)
    client.chat_postEphemeral(channel=JOBS, user="U0ADA", text="psst")
    assert [each["text"] for each in twin.person("U0ADA").heard()] == ["psst"]
    twin.scopes("chat:write")
    with pytest.raises(AssertionError, match="the scope commands"):
        twin.person("U0ADA").command("/posting")
    for call, told in ((client.users_info, {"user": "U0ADA"}), (client.usergroups_list, {})):
        with pytest.raises(SlackApiError, match="missing_scope"):
            call(**told)
