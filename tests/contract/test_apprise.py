"""The channel over Apprise, to a real server on loopback: what arrives, what is answered, and what nobody sees."""

import json
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from postbot.channels.apprise import Apprise, AppriseMissingError
from postbot.core.announce import Event, Message, Outcome
from postbot.core.problem import PostbotError

# Apprise loads all its plug-ins at once, and what one of them stands on is old.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CANARY = "c4n4ry"
OPENED = Message(
    key="jobs/baker.md|1|opened|apprise|team",
    event=Event.OPENED,
    slug="baker",
    channel="apprise",
    recipient="team",
    subject="Baker (GS-13): open until Friday",
    body="The position Bäcker is open.\n\nAsk jobs@agency.example.\n",
    html="<p>not sent</p>\n",
)


@dataclass
class Service:
    """A service that takes JSON by HTTP, and answers as it is told to."""

    status: int | None = 200
    heard: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"json://{CANARY}:{CANARY}@127.0.0.1:{self.port}/{CANARY}/?+X-Token={CANARY}"


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert CANARY in self.path
            made.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if made.status is None:
                self.connection.shutdown(socket.SHUT_RDWR)  # kept, and no word of it
                return
            self.send_response(made.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """The twin's log is `heard`."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        made.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        server.shutdown()
        thread.join()


def test_subject_and_text_arrive(service: Service):
    receipt = Apprise({"team": service.url}).send(OPENED, None)
    assert receipt.outcome is Outcome.SENT
    (heard,) = service.heard
    assert heard["title"] == OPENED.subject
    assert heard["message"].strip() == OPENED.body.strip()


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503, None])
def test_whatever_is_not_a_yes_is_unknown_and_sent_once(service: Service, status: int | None):
    service.status = status
    receipt = Apprise({"team": f"{service.url}&retry=3&wait=0"}).send(OPENED, None)
    assert (receipt.outcome, len(service.heard)) == (Outcome.UNKNOWN, 1)
    assert "team" in receipt.detail


def test_a_service_that_is_not_there_is_unknown_for_apprise_does_not_tell():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and listens not: nobody is there, and nobody else can come
        receipt = Apprise({"team": f"json://127.0.0.1:{bound.getsockname()[1]}"}).send(OPENED, None)
    assert receipt.outcome is Outcome.UNKNOWN


def test_a_plug_in_that_fails_by_its_own_fault_is_unknown(service: Service):
    url = service.url.replace("json:", "xml:")
    receipt = Apprise({"team": url}).send(replace(OPENED, body="half a character: \ud800"), None)
    assert (receipt.outcome, service.heard) == (Outcome.UNKNOWN, [])


def test_an_unknown_name_is_final(service: Service):
    receipt = Apprise({"team": service.url}).send(replace(OPENED, recipient="nobody"), None)
    assert (receipt.outcome, receipt.final, service.heard) == (Outcome.NOT_SENT, True, [])
    assert "nobody" in receipt.detail


@pytest.mark.parametrize("url", ["", "nonsense", f"gopher://{CANARY}@x", f"json://{CANARY}@:x", f"slack://{CANARY}"])
def test_an_address_that_apprise_does_not_know_is_final(url: str):
    receipt = Apprise({"team": url}).send(OPENED, None)
    assert (receipt.outcome, receipt.final) == (Outcome.NOT_SENT, True)
    assert "team" in receipt.detail


def test_an_address_stands_for_one_service_only(service: Service):
    Apprise({"team": f"{service.url},{service.url}"}).send(OPENED, None)
    assert len(service.heard) <= 1


def test_nobody_can_be_asked_whether_a_message_went_out(service: Service):
    channel = Apprise({"team": service.url})
    channel.send(OPENED, None)
    channel.rest()
    assert channel.look(OPENED, None, NOON).outcome is Outcome.UNKNOWN
    assert channel.settles == timedelta(0)


CALLING = [
    ("@everyone hear", "@everyone"),
    ("x@everyone", "@everyone"),
    ("(@here)", "@here"),
    ("ask @robin", "@robin"),
    ("<!channel>", "<!"),
    ("<@U123>", "<@"),
    ("<#C123>", "<#"),
    ("[apply](https://evil.example)", "]("),
    ("@room.", "@room"),
]


@pytest.mark.parametrize(("text", "call"), CALLING)
def test_no_text_calls_people_or_hides_a_link(service: Service, text: str, call: str):
    Apprise({"team": service.url}).send(replace(OPENED, subject=text, body=f"{text}\n"), None)
    (heard,) = service.heard
    for part in ("title", "message"):
        assert call not in heard[part]
        assert heard[part].replace("\u200b", "").strip() == text


def test_no_subject_has_a_second_line(service: Service):
    Apprise({"team": service.url}).send(replace(OPENED, subject="a\r\nX-Evil: b\u202ec"), None)
    assert service.heard[0]["title"] == "a X-Evil: b c"


@pytest.mark.parametrize("case", ["yes", "no", "no word", "late", "crash", "unknown address", "unknown name"])
def test_the_address_is_seen_nowhere(service: Service, caplog: pytest.LogCaptureFixture, capfd: Any, case: str):
    caplog.set_level(1)
    for name in ("apprise", "urllib3", "urllib3.connectionpool", "urllib3.util.retry"):
        caplog.set_level(1, logger=name)
    service.status = {"no": 500, "no word": None}.get(case, 200)
    url = {
        "unknown address": f"gopher://{CANARY}@x/{CANARY}",
        "late": f"{service.url}&timeout=5",
        "crash": service.url.replace("json:", "xml:"),
    }.get(case, service.url)
    channel = Apprise({"team": url})
    message = replace(OPENED, recipient="nobody" if case == "unknown name" else "team")
    receipt = channel.send(replace(message, body="\ud800") if case == "crash" else message, None)
    logging.getLogger("test").info("heard again")
    seen = "".join((repr(channel), str(receipt), caplog.text, *capfd.readouterr()))
    assert CANARY not in seen
    assert str(service.port) not in seen
    assert "heard again" in caplog.text
    assert case.startswith("unknown") or case == "crash" or service.heard


def test_without_the_library_the_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(AppriseMissingError, match=r"pip install 'postbot\[apprise\]'") as missing:
        Apprise({})
    assert isinstance(missing.value, PostbotError)


def test_the_library_is_loaded_only_to_speak():
    code = "import sys; from postbot.channels.apprise import Apprise; Apprise({}); sys.exit('apprise' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0
