"""`postbot doctor` before the door in Slack: what it says of the app, of its way in, and of whom the roles name."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from postbot.channels.slack import _NEEDED as SPOKEN_WITH
from postbot.doors.slack.doctor import LOST
from tests.doors.command import Done, footprint, postbot
from tests.doors.slack.kit import ADA, ALL, BEN, CAL, ENVIRONMENT, WORKSPACE, site
from tests.examples import ROOT
from tests.service.kit import configure
from tests.twins.slack.client import APP_TOKEN, SECRET, TOKEN, SlackTwin
from tests.twins.slack.world import SCOPES

ROLES = f"roles:\n  - {{who: [S0HRTEAM, {ADA}], may: everything}}\n  - {{who: everybody, may: see}}\n"
WAYS = {
    "http": "There is a signing secret; whether it is the right one shows when Slack calls.",
    "socket": "Socket Mode can be opened.",
}
READS = {"auth.test", "usergroups.users.list", "users.info", "apps.connections.open"}

Doctor = Callable[..., Done]


@pytest.fixture
def doctor(tmp_path: Path, twin: SlackTwin, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """A site of a service, in a workspace with everybody whom `ROLES` name, and how to ask the doctor about it."""
    for name, text in ENVIRONMENT.items():
        monkeypatch.setenv(name, text)
    twin.user(ADA)
    twin.group("S0HRTEAM", CAL)
    agency = site(tmp_path, twin)
    agency.write("baker")

    def ask(*args: str, roles: str = ROLES, by: str = "http", workspace: str = WORKSPACE, door: bool = True) -> Done:
        agency.configure(more=f"slack: {{server: '{twin.url}'}}\n{roles}")
        slack = {"slack": f"{{by: {by}, workspace: {workspace}, server: '{twin.url}'}}"} if door else {}
        configure(tmp_path, agency, **slack)
        return postbot("doctor", *(args or ("--json",)), cwd=tmp_path)

    return ask


def says(done: Done, *levels: str) -> list[tuple[str, str]]:
    return [(each["subject"], each["says"]) for each in done.json() if each["level"] in levels]


def wrong(done: Done) -> list[tuple[str, str, str]]:
    return [(each["level"], each["subject"], each["says"]) for each in done.json() if each["level"] != "fine"]


@pytest.mark.parametrize(("by", "way"), WAYS.items())
def test_a_door_where_all_is_well_is_fine_and_nothing_is_changed_in_slack(
    doctor: Doctor, twin: SlackTwin, tmp_path: Path, by: str, way: str
):
    done = doctor(by=by)
    assert (done.code, done.err, wrong(done)) == (0, "", [])
    assert [row for row in says(done, "fine") if row[0] in ("Slack door", "roles")] == [
        ("Slack door", "Slack takes the token, and the app has every scope that it needs."),
        ("Slack door", f"The token is of the workspace {WORKSPACE}."),
        ("Slack door", way),
        ("roles", "Slack knows everybody whom `roles` name: 1 user group and 1 person."),
    ]
    before = footprint(tmp_path)
    assert "Nothing is wrong." in postbot("doctor", cwd=tmp_path).out
    assert footprint(tmp_path) == before
    assert set(twin.requests()) <= READS
    assert twin.effects() == []


def test_no_secret_is_in_what_it_says(doctor: Doctor, twin: SlackTwin):
    done = [doctor(by=by) for by in WAYS]
    twin.scopes("chat:write")
    done += [doctor("-c", "postbot.yaml", by=by) for by in WAYS]
    twin.revoke()
    done += [doctor(by=by) for by in WAYS]
    said = "".join(f"{each.out}{each.err}" for each in done)
    assert "token_revoked" in said
    assert [secret for secret in (TOKEN, APP_TOKEN, SECRET, "ticket=") if secret in said] == []


def test_roles_without_a_door_are_noted(doctor: Doctor, tmp_path: Path):
    done = doctor(door=False)
    said = "Nobody can ask from Slack, whatever `roles` say: service.yaml has no `slack`."
    assert (done.code, wrong(done)) == (0, [("note", "Slack door", said)])
    (tmp_path / "service.yaml").unlink()
    alone = postbot("doctor", "--json", cwd=tmp_path)
    assert wrong(alone) == [
        ("note", "Slack door", said.replace("service.yaml has no `slack`", "there is no service.yaml"))
    ]


def test_a_door_to_a_site_without_roles_is_noted(doctor: Doctor):
    done = doctor(roles="")
    assert (done.code, wrong(done)) == (0, [("note", "roles", "Nobody may ask for anything from Slack.")])


def test_a_site_that_has_neither_hears_nothing_of_slack(doctor: Doctor, twin: SlackTwin):
    done = doctor(roles="", door=False)
    assert (done.code, wrong(done)) == (0, [])
    assert not any("Slack" in sentence for _, sentence in says(done, "fine"))
    assert twin.requests() == []


def test_a_service_that_lies_elsewhere_can_be_named_and_one_that_leads_elsewhere_is_noted(
    doctor: Doctor, tmp_path: Path
):
    doctor()
    away = tmp_path / "away"
    away.mkdir()
    text = (tmp_path / "service.yaml").read_text()
    (tmp_path / "service.yaml").unlink()
    (away / "postbot.yaml").write_text("")
    (away / "service.yaml").write_text(text)
    done = postbot("doctor", "--json", "--service", "away/service.yaml", cwd=tmp_path)
    assert wrong(done) == [("note", "Slack door", "away/service.yaml does not lead to postbot.yaml.")]
    (away / "service.yaml").write_text(text.replace("- postbot.yaml", "- ../postbot.yaml"))
    assert wrong(postbot("doctor", "--json", "--service", "away/service.yaml", cwd=tmp_path)) == []


@pytest.mark.parametrize(
    ("by", "name"),
    [
        ("http", "POSTBOT_SLACK_SIGNING_SECRET"),
        ("socket", "POSTBOT_SLACK_APP_TOKEN"),
        ("http", "POSTBOT_SLACK_TOKEN"),
    ],
)
def test_a_secret_that_the_door_needs_and_that_is_not_there_is_one_fault(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, by: str, name: str
):
    monkeypatch.delenv(name)
    done = doctor(by=by)
    [(subject, sentence)] = says(done, "fault", "warning")
    assert (done.code, subject) == (1, "service")
    assert sentence.startswith(f"There is no {name}. Set it")


@pytest.mark.parametrize("by", WAYS)
def test_a_token_that_slack_does_not_take_is_one_fault(doctor: Doctor, twin: SlackTwin, by: str):
    twin.revoke()
    done = doctor(by=by)
    assert done.code == 1
    [(subject, sentence)] = says(done, "fault", "warning")
    assert (subject, "it does not accept the token (token_revoked)" in sentence) == ("Slack door", True)


@pytest.mark.parametrize("kind", ["500", "drop", "html"])
def test_a_slack_that_gives_no_answer_is_one_fault_and_the_rest_is_told(doctor: Doctor, twin: SlackTwin, kind: str):
    twin.fault(kind, None, times=100)
    done = doctor()
    assert done.code == 1
    assert [subject for subject, _ in says(done, "fault", "warning")] == ["Slack door"]
    assert ("folder", "jobs is there.") in says(done, "fine")


def test_a_token_of_another_workspace_is_a_fault(doctor: Doctor):
    done = doctor(workspace="T0OTHER")
    assert (done.code, says(done, "fault")) == (
        1,
        [("Slack door", f"The token is of the workspace {WORKSPACE}, and `slack.workspace` names T0OTHER.")],
    )


@pytest.mark.parametrize("scope", SCOPES)
def test_each_scope_that_is_missing_is_one_fault(doctor: Doctor, twin: SlackTwin, scope: str):
    twin.scopes(*(each for each in SCOPES if each != scope))
    done = doctor()
    assert done.code == 1
    [(subject, sentence)] = says(done, "fault", "warning")
    assert subject == "Slack door"
    assert f"the app lacks the scope {scope}, so " in sentence


def test_the_scopes_that_are_looked_for_are_those_of_the_manifest():
    manifest = yaml.safe_load((ROOT / "config" / "slack-app.yaml").read_text(encoding="utf-8"))
    assert sorted([*SPOKEN_WITH, *LOST]) == sorted(manifest["oauth_config"]["scopes"]["bot"])


class Terse(BaseHTTPRequestHandler):
    """A Slack behind something that takes its headers away: it says yes, in which workspace, and nothing besides."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        data = json.dumps({"ok": True, "team_id": WORKSPACE}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing is written to the screen."""


@pytest.fixture
def terse() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Terse) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/api/"
        server.shutdown()


def test_scopes_that_slack_does_not_tell_are_warned_of_once(
    doctor: Doctor, twin: SlackTwin, tmp_path: Path, terse: str
):
    doctor(roles=ALL)
    for name in ("postbot.yaml", "service.yaml"):
        (tmp_path / name).write_text((tmp_path / name).read_text().replace(twin.url, terse))
    done = postbot("doctor", "--json", cwd=tmp_path)
    said = "Slack: it does not say which scopes the app has; compare them with the documentation."
    assert (done.code, wrong(done)) == (0, [("warning", "Slack door", said)])


def test_socket_mode_that_cannot_be_opened_is_a_fault(doctor: Doctor, twin: SlackTwin, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("POSTBOT_SLACK_APP_TOKEN", "xapp-of-another-app")
    done = doctor(by="socket")
    [(subject, sentence)] = says(done, "fault", "warning")
    assert (done.code, subject) == (1, "Slack door")
    assert sentence == "Socket Mode cannot be opened. Slack says invalid_auth."
    assert "xapp" not in done.out
    assert wrong(doctor(by="http")) == []
    assert twin.connections() == 0


def test_a_user_group_that_is_not_there_or_disabled_is_a_fault(doctor: Doctor, twin: SlackTwin):
    twin.group("S0HRTEAM", CAL, disabled=True)
    done = doctor(roles=ROLES.replace("S0HRTEAM", "S0HRTEAM, S0NOGROUP"))
    assert done.code == 1
    unknown = "so what `roles` grant it nobody may. Slack says no_such_subteam."
    assert [(each["subject"], each["says"], each["do"]) for each in done.json() if each["level"] == "fault"] == [
        ("roles", f"There is no user group {group}, {unknown}", f"Enable {group} in Slack, or take it out of `roles`.")
        for group in ("S0HRTEAM", "S0NOGROUP")
    ]


def test_a_right_of_somebody_who_is_no_full_member_is_warned_of(doctor: Doctor, twin: SlackTwin):
    twin.user("U0GUSTAVO", guest=True)
    twin.user("U0BOBTHEBOT", bot=True)
    twin.user("U0EVERETT", disabled=True)
    twin.user("U0SAMSTRANGE", stranger=True, team="T0OTHER")
    twin.user(BEN)
    done = doctor(roles=ROLES.replace(ADA, f"{ADA}, {BEN}, U0GUSTAVO, U0BOBTHEBOT, U0EVERETT, U0SAMSTRANGE, U0NOBODY"))
    assert done.code == 0
    told = "may do nothing, whatever `roles` say; postbot would answer:"
    assert says(done, "fault", "warning") == [
        ("roles", f"U0BOBTHEBOT {told} postbot takes nothing from bots."),
        ("roles", f"U0EVERETT {told} This account is deactivated."),
        ("roles", f"U0GUSTAVO {told} postbot takes nothing from guests."),
        ("roles", f"U0NOBODY {told} There is nobody like you in this workspace."),
        ("roles", f"U0SAMSTRANGE {told} postbot takes nothing from people of other workspaces."),
    ]


def test_people_are_looked_up_with_the_token_of_the_site(
    doctor: Doctor, twin: SlackTwin, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("POSTBOT_AGENCY_SLACK_TOKEN", "xoxb-of-another-app")
    done = doctor(roles=f"{ROLES}secrets: agency\n")
    assert (done.code, [row[:2] for row in wrong(done)]) == (
        1,
        [("fault", "roles"), ("warning", "roles"), ("warning", "slack")],
    )
    assert says(done, "fault")[0][1].endswith("nobody may do anything from Slack. Slack says invalid_auth.")
    assert "xoxb" not in done.out


def test_a_slack_that_does_not_say_who_somebody_is_is_warned_of_once(doctor: Doctor, twin: SlackTwin):
    twin.user(BEN)
    twin.fault("500", "users.info", times=10)
    done = doctor(roles=ROLES.replace(ADA, f"{ADA}, {BEN}"))
    assert (done.code, says(done, "fault", "warning")) == (
        0,
        [("roles", f"Slack does not say who {ADA} is at the moment.")],
    )


def test_people_are_not_looked_up_while_the_door_has_a_fault_and_that_is_said(doctor: Doctor, twin: SlackTwin):
    done = doctor(workspace="T0OTHER")
    assert ("roles", "Whom `roles` name is not looked up in Slack while the door has a fault.") in says(done, "note")
    assert "users.info" not in twin.requests()
