"""A canary in every slot that holds a secret, far ends that fail in every way and repeat what they hear: nobody sings.

Everything is searched that leaves the process or is kept: logs at their loudest, both outputs, pull requests and what
the twin noted of them, mails, Slack, HTTP answers, the ledger's very bytes; as it stands and, where it looks like
base64, as that says.
"""

import base64
import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from postbot.app import build
from postbot.config import load
from postbot.core.problem import PostbotError
from postbot.doors.service import logs
from tests.contract.test_github_signing_in import PEM
from tests.contract.test_hosts import make_bare
from tests.doors.command import really
from tests.doors.slack.kit import ADA, office, site
from tests.service.served import Site, headers, payload, served
from tests.service.test_logs import Told
from tests.service.test_logs import told as told  # noqa: PLC0414 - a fixture
from tests.stories.test_announcements import AUTO
from tests.twins.github.client import KINDS, Twin
from tests.twins.slack.client import SlackTwin
from tests.twins.slack.faults import ANSWERS
from tests.twins.smtp.client import SmtpTwin
from tests.world import Clone, World

CANARIES = {
    "POSTBOT_GITHUB_TOKEN": "canary.github.token.0123456789",
    "POSTBOT_SMTP_PASSWORD": "canary-Smtp-Pässword-0123456789",
    "POSTBOT_SLACK_TOKEN": "xoxb-canary-slack-0123456789",
    "POSTBOT_SLACK_SIGNING_SECRET": "canary-signing-0123456789",
    "POSTBOT_SLACK_APP_TOKEN": "xapp-canary-app-0123456789",
    "POSTBOT_APPROVED_OPENINGS": "canary-approved-0123456789",
    "POSTBOT_APPRISE_TEAMS": "json://user:canary-apprise-0123456789@127.0.0.1:{port}/canary-path",
    "POSTBOT_WEBHOOK_SECRET": "canary-webhook-0123456789",
    "POSTBOT_SERVICE_TOKEN": "canary-service-0123456789",
    "POSTBOT_LEDGER_PASSWORD": "canary-ledger-0123456789",
}
GIVEN_OUT = "ghs_canaryinstallation0123456789abcd"
LIST, USER = "openings@lists.example.org", "postbot"
KEY_LINES = [line for line in PEM.splitlines() if len(line) > 40]
PARTS = ("canary", "xoxb-", "xapp-", *(line[8:40] for line in KEY_LINES))
"""What must be nowhere: half a secret is one, too."""


def sings(data: bytes | str) -> list[str]:
    """The canaries in what came out, in plain words and in whatever looks like base64."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    text = text.replace("\\/", "/")
    found = [part for part in PARTS if part in text]
    for run in re.findall(r"[A-Za-z0-9+/_-]{12,}={0,2}", text):
        for start in range(4):
            letters = run[start:].rstrip("=").translate(str.maketrans("-_", "+/"))
            said = base64.b64decode(letters[: len(letters) // 4 * 4])
            found += [part for part in PARTS if part.encode() in said]
    return found


def test_the_search_itself_hears_a_canary_in_plain_words_and_in_any_place_of_a_base64_text() -> None:
    secret = CANARIES["POSTBOT_SMTP_PASSWORD"].encode()
    assert sings(secret)
    for before in range(4):
        assert sings(base64.b64encode(b"x" * before + secret))
        assert sings(base64.urlsafe_b64encode(b"\xff" * before + secret))
    assert not sings("A position is open: postbot/open/data-engineer-1f0c9a77d2")


@contextmanager
def echo(status: int, kind: str) -> Iterator[str]:
    """A far end that answers every request with all that it heard, as JSON that GitHub and Slack might send, or a page.

    `torn`: the sign-in stands where we cut what is long.
    """

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0") or 0)).decode("utf-8", "replace")
            begins = f"{'.' * 280}{self.headers['Authorization']} " if kind == "torn" else ""
            heard = f"{begins}{self.requestline} {' '.join(f'{n}: {v}' for n, v in self.headers.items())} {body}"
            told = {"message": heard, "error": heard, "ok": False, "errors": [{"message": heard, "type": "FORBIDDEN"}]}
            if self.path.endswith("/access_tokens"):
                told, code = {"token": GIVEN_OUT, "expires_at": "2099-01-01T00:00:00Z"}, 201
            else:
                code = status
            data = json.dumps(told).encode() if kind != "html" else f"<h1>{heard}</h1>".encode()
            self.send_response(code, heard.encode("ascii", "replace").decode()[:200])
            for name, value in (("Content-Type", f"application/{kind}"), ("Content-Length", str(len(data)))):
                self.send_header(name, value)
            self.send_header("X-Heard", heard.encode("ascii", "replace").decode().replace("\n", " ")[:1000])
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815 - as the library has it

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """All slots are full."""
    for name, canary in CANARIES.items():
        monkeypatch.setenv(name, canary.format(port=9))


def loud() -> None:
    logging.getLogger().setLevel(logging.DEBUG)


def tick(world: World) -> None:
    """As the service does: a failure is a line, an unexpected one with its traceback."""
    try:
        logs.told("agency", world.bot.tick(world.now), is_paused=False)
    except PostbotError as error:
        logs.line("error", "agency", "tick failed", why=str(error))
    except Exception:  # noqa: BLE001 - whatever it is, it is written
        logs.fault("agency", "tick failed")


def kept(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """All that postbot keeps."""
    for file in (folder / ".postbot").rglob("*"):
        if file.is_file():
            yield file, file.read_bytes()


# Twins that fail ------------------------------------------------------------------------------------------------------

HEARD = [
    f"{code} {{heard}}"
    for code in ("421 4.3.2", "450 4.2.0", "451 4.3.0", "454 4.7.0", "501 5.5.2", "535 5.7.8", "550 5.7.1", "554 5.0.0")
]
STEPS = ("ehlo", "auth", "mail", "rcpt", "data", "dot", "auth", "rcpt")
ENDS = """\
routes:
  - {{{{to: ["email:{list}", "slack:C0JOBS", "apprise:teams"], hear: public}}}}
  - {{{{to: "folder:hr@agency.example", hear: staff}}}}
apprise: [teams]
email:
  server: 127.0.0.1
  port: {port}
  security: tls
  username: {user}
  sender: Agency jobs <jobs@agency.example>
  timeout: 1 second
  lists: {{{{"{list}": {{{{approved: OPENINGS, list_id: openings.lists.example.org}}}}}}}}
slack: {{{{server: '{slack}'}}}}
"""


def test_twins_that_fail_in_every_way_bring_no_secret_out(
    tmp_path: Path, secrets: None, told: Told, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    make_bare(tmp_path / "nothing.git")
    login = USER, CANARIES["POSTBOT_SMTP_PASSWORD"]
    with ExitStack() as stack:
        github = stack.enter_context(Twin.start(tmp_path / "nothing.git"))
        slack = stack.enter_context(SlackTwin.start(token=CANARIES["POSTBOT_SLACK_TOKEN"]))
        post = stack.enter_context(SmtpTwin.start(security="tls", login=login))
        monkeypatch.setenv("SSL_CERT_FILE", str(post.authority))
        monkeypatch.setattr(Clone, "twin", github, raising=False)
        monkeypatch.setattr(World, "kept", Clone)
        slack.channel("C0JOBS")
        real_reset = github.reset

        def reset(*args: object, **told: object) -> None:
            real_reset(*args, **told)  # type: ignore[arg-type]
            github.new_token(CANARIES["POSTBOT_GITHUB_TOKEN"])

        monkeypatch.setattr(github, "reset", reset)
        ends = ENDS.format(list=LIST, port=post.port, user=USER, slack=slack.url)
        world = World(tmp_path / "world", config=re.sub(r"routes:\n(  - .*\n)+", ends, AUTO))
        loud()
        for number in range(len(KINDS)):
            world.write(f"pilot-{number}", opens=f"March {9 + number}, 2026, 8:00 am EDT", closes="April 20, 2026")
        tick(world)
        answers = list(ANSWERS)
        for number, kind in enumerate(KINDS):
            world.now = world.now.replace(day=9 + number, hour=12)
            world.people.set_clock()
            github.heal()
            github.fault(kind, when="after" if number % 2 else "before", seconds=0.1)
            tick(world)
            github.fault(kind, nth=3, when="before" if number % 2 else "after", seconds=0.1)
            post.fault(STEPS[number % len(STEPS)], HEARD[number % len(HEARD)])
            for each in answers[number :: len(KINDS)]:
                slack.fault(each)
            tick(world)
        for twin in (github, post, slack):
            twin.heal()  # type: ignore[attr-defined]
        for day in (23, 24):
            world.now = world.now.replace(day=day)
            world.people.set_clock()
            tick(world)
        came = {
            "pull requests": json.dumps(github.pulls()),
            "the twin's notes": Path(tmp_path / "world" / "site.git.effects.jsonl").read_text(),
            "Slack": json.dumps(slack.messages("C0JOBS")) + "".join(slack.traffic()),
            "mails": b"".join(_without_pass(taken.data) for taken in post.accepted()),
            "logs": told.text(),
            "outputs": "".join(capfd.readouterr()),
        }
        assert {each.split()[0] for each in github.fired()} == set(KINDS)
        assert len(post.fired()) >= len(HEARD) - 3
        assert slack.fired()
        assert post.accepted()
        assert slack.messages("C0JOBS")
    assert '"tick failed"' in str(came["logs"])
    assert "not-sent" in str(came["logs"])
    assert {name: found for name, data in came.items() if (found := sings(data))} == {}
    assert {str(file): found for file, data in kept(tmp_path / "world") if (found := sings(data))} == {}


def _without_pass(mail: bytes) -> bytes:
    """A mail to the list carries the moderator's password in its head, once: it is what lets it through."""
    canary = CANARIES["POSTBOT_APPROVED_OPENINGS"].encode()
    assert mail.count(canary) <= 1
    return re.sub(rb"(?m)^Approved: " + canary + rb"\r?$", b"", mail)


# Far ends that repeat what they hear ---------------------------------------------------------------------------------


@pytest.mark.parametrize("app", [False, True], ids=["a token", "an App"])
@pytest.mark.parametrize(
    ("status", "kind"), [(200, "json"), (403, "json"), (422, "json"), (422, "torn"), (500, "html")]
)
def test_a_far_end_that_repeats_everything_brings_no_secret_out(
    tmp_path: Path,
    secrets: None,
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    status: int,
    kind: str,
    app: bool,
) -> None:
    monkeypatch.setenv("POSTBOT_GITHUB_KEY", PEM)
    with echo(status, kind) as there:
        world = World(tmp_path)
        world.write("pilot", opens="March 9, 2026, 8:00 am EDT")
        port = there.rpartition(":")[2]
        monkeypatch.setenv("POSTBOT_APPRISE_TEAMS", CANARIES["POSTBOT_APPRISE_TEAMS"].format(port=port))
        config = re.sub(
            r"routes:\n(  - .*\n)+",
            'routes:\n  - {to: ["slack:C0JOBS", "apprise:teams"], hear: everything}\n'
            f"apprise: [teams]\nslack: {{server: '{there}/api/'}}\n",
            (tmp_path / "postbot.yaml").read_text(),
        )
        (tmp_path / "postbot.yaml").write_text(config)
        world.restart()
        loud()
        for day in (2, 6, 9):
            world.now = world.now.replace(day=day, hour=14)
            tick(world)
        sign_in = ", app: {id: 31, installation: 47}" if app else ""
        on_github = f"{config}github: {{repository: agency/site, server: '{there}/api/v3', pace: 0 seconds{sign_in}}}\n"
        (tmp_path / "postbot.yaml").write_text(on_github)
        world.restart()
        tick(world)
        done = really("doctor" if app else "tick", cwd=tmp_path)
        assert (sings(done.out), sings(done.err)) == ([], [])
        assert "Traceback" not in done.err
    text = told.text()
    assert '"tick failed"' in text
    assert (sings(text), sings("".join(capfd.readouterr()))) == ([], [])
    assert {str(file): found for file, data in kept(tmp_path) if (found := sings(data))} == {}


# What comes in by HTTP, and a ledger far away -------------------------------------------------------------------------


def test_what_the_server_answers_and_writes_holds_no_secret_of_its_own(
    secrets: None, told: Told, capfd: pytest.CaptureFixture[str]
) -> None:
    token, secret = CANARIES["POSTBOT_SERVICE_TOKEN"], CANARIES["POSTBOT_WEBHOOK_SECRET"]
    loud()
    body = payload(**{token: secret})
    asked = [(given, path) for given in (token, secret) for path in ("/readyz", "/metrics", f"/{token}", f"/?{secret}")]
    with served(Site(), token=token, secret=secret) as server:
        answers = [server.ask(path, headers={"Authorization": f"Bearer {given}"}) for given, path in asked]
        answers += [server.deliver(body, headers(body, X_Hub_Signature_256=each)) for each in (secret, token, None)]
    came = [f"{answer.headers} {answer.text}" for answer in answers]
    assert sings("".join([*came, told.text(), *capfd.readouterr()])) == []


@pytest.mark.parametrize("by", ["http", "socket"])
def test_what_people_do_in_slack_brings_no_secret_of_the_door_out(tmp_path: Path, by: str) -> None:
    """The door's secrets lie in files; Slack fails, and repeats what it hears, before it does as it is asked."""
    names = ("POSTBOT_SLACK_TOKEN", "POSTBOT_SLACK_SIGNING_SECRET", "POSTBOT_SLACK_APP_TOKEN")
    files = {name: tmp_path / name.lower() for name in names}
    for name, file in files.items():
        file.write_text(CANARIES[name])
    env = dict.fromkeys(names, "") | {f"{name}_FILE": str(file) for name, file in files.items()}
    token, signing, app_token = (CANARIES[name] for name in names)
    with SlackTwin.start(token=token, app_token=app_token) as slack:
        jobs = site(tmp_path / "agency", slack)
        jobs.write("baker", state="open")
        with office(tmp_path, slack, jobs, by=by, env=env) as there:
            if by == "http":
                slack.app(there.url, signing)
            ada = there.person(ADA) if by == "http" else slack.person(ADA, by="socket", real_name="Ada")
            slack.fault("500", "views.open")
            ada.command("/posting", "close baker")
            there.service.wait_for(ada.heard)
            slack.heal()
            ada.command("/posting", f"show {signing}")
            ada.command("/posting", "close baker")
            there.confirm(ada, {"reason": {"value": "0"}})
            there.service.wait_for(lambda: jobs.state("baker") == "closed")
            shown = json.dumps([ada.views(), ada.home(), slack.effects()]) + "".join(slack.traffic())
            came = there.service.written() + "".join(there.service.get(each)[1] for each in ("/metrics", "/readyz"))
    assert "baker" in came
    assert (sings(came), sings(shown)) == ([], [])
    assert {str(file): found for file, data in kept(tmp_path / "agency") if (found := sings(data))} == {}


def test_a_ledger_that_is_not_there_is_told_without_its_password(
    tmp_path: Path, secrets: None, told: Told, capfd: pytest.CaptureFixture[str]
) -> None:
    loud()
    World(tmp_path)
    with (tmp_path / "postbot.yaml").open("a") as file:
        file.write("ledger: postgresql://postbot@127.0.0.1:9/postbot\n")
    with pytest.raises(PostbotError) as error, suppress(KeyError):
        build(load(tmp_path / "postbot.yaml"))
    logs.fault("agency", "tick failed", error.value)
    logs.line("error", "agency", "tick failed", why=str(error.value), what=repr(load(tmp_path / "postbot.yaml")))
    done = really("tick", cwd=tmp_path)
    assert "127.0.0.1" in done.err
    assert sings("".join([str(error.value), told.text(), done.out, done.err, *capfd.readouterr()])) == []


# What nobody expected -------------------------------------------------------------------------------------------------


def test_a_command_that_fails_as_nobody_expected_tells_no_secret(tmp_path: Path) -> None:
    program = """
import logging, sys, threading
from postbot import secrets
from postbot.doors import cli
from postbot.doors.terminal import mention

@cli.app.command()
def fall() -> None:
    secret = secrets.secret("POSTBOT_GITHUB_TOKEN")
    mention(f"said {secret}")
    logging.getLogger("urllib3").warning("heard %s", secret)
    def fail() -> None:
        raise RuntimeError(secret)
    thread = threading.Thread(target=fail, name=secret)
    thread.start()
    thread.join()
    fail()

sys.argv = ["postbot", "fall"]
cli.main()
"""
    environment = os.environ | {"POSTBOT_GITHUB_TOKEN": CANARIES["POSTBOT_GITHUB_TOKEN"]}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("RuntimeError: ***") == 2
    assert "said ***" in done.stderr
    assert "heard ***" in done.stderr
    assert sings(done.stderr) == []
