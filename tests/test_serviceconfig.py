"""`service.yaml`: which sites one process keeps, how it may be reached, and every mistake told at once."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from postbot.config import Config, ConfigError, clashes, load
from postbot.ledger import Ledger, LedgerError
from postbot.schema import uncommented
from postbot.serviceconfig import ServiceConfig, SlackDoor, default_service, load_service
from postbot.settings import LEDGER_SCHEMA
from tests.examples import ROOT

SITE = "site: {profile: jekyll-state, timezone: UTC}\n"
LONG = "canary-0123456789"
NOBODY = 65534


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for kind in ("SERVICE_TOKEN", "WEBHOOK_SECRET", "LEDGER_PASSWORD", "SLACK_TOKEN", "SLACK_SIGNING_SECRET"):
        name = f"POSTBOT_{kind}"
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    return monkeypatch


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b", "a", "c"):
        (tmp_path / "sites" / name).mkdir(parents=True)
        (tmp_path / "sites" / name / "postbot.yaml").write_text(SITE)
    return tmp_path


def read(folder: Path, text: str) -> ServiceConfig:
    (folder / "service.yaml").write_text(text)
    return load_service(folder / "service.yaml")


def problems(folder: Path, text: str) -> list[tuple[int, str]]:
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    assert "canary" not in str(caught.value)
    return [(problem.line, problem.message) for problem in caught.value.problems]


def test_the_example_loads_names_every_setting_and_says_what_holds_without_it():
    given = yaml.safe_load(uncommented((ROOT / "config" / "service.yaml").read_text()))
    assert set(given) == set(ServiceConfig.model_fields)
    assert set(given["slack"]) == set(SlackDoor.model_fields)
    loaded = load_service(ROOT / "config" / "service.yaml")
    assert loaded == default_service(ROOT / "config" / "postbot.yaml")


def test_sites_are_found_by_path_and_by_pattern_in_order_and_each_once(folder: Path):
    found = read(folder, "sites: [sites/c/postbot.yaml, sites/*/postbot.yaml, ./sites/../sites/a/postbot.yaml]\n").sites
    assert [path.parent.name for path in found] == ["c", "a", "b"]
    assert all(load(path).site.profile == "jekyll-state" for path in found)
    assert [path.parent.name for path in read(folder, f"sites: ['{folder}/**/postbot.yaml']\n").sites] == [
        "a",
        "b",
        "c",
    ]


def test_a_pattern_that_names_nothing_is_told_beside_every_other_mistake(folder: Path):
    text = "sites:\n- sites/*/postbot.yml\n- sites/a/postbot.yaml\n- sites/d/postbot.yaml\n- sites\n"
    assert problems(folder, text) == [
        (2, "`sites`: sites/*/postbot.yml: nothing is called like that."),
        (4, "`sites`: sites/d/postbot.yaml: there is no such file."),
        (5, "`sites`: sites: there is no such file."),
    ]


@pytest.fixture
def anybodys() -> Iterator[Path]:
    """A folder into which every user can look, and permissions count, for root may enter anything."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_what_a_pattern_names_and_cannot_be_looked_at_is_told_with_its_place(anybodys: Path):
    shut = anybodys / "shut"
    for folder in (shut, anybodys / "sites" / "a", anybodys / "sites" / "c"):
        folder.mkdir(parents=True)
    for folder in (shut, anybodys / "sites" / "a"):
        (folder / "postbot.yaml").write_text(SITE)
    (anybodys / "sites" / "c" / "postbot.yaml").symlink_to(shut / "postbot.yaml")
    shut.chmod(0)
    (anybodys / "service.yaml").write_text("sites:\n- sites/a/postbot.yaml\n- sites/*/postbot.yaml\n")
    try:
        if os.geteuid() == 0:
            os.seteuid(NOBODY)
        with pytest.raises(ConfigError) as caught:
            load_service(anybodys / "service.yaml")
    finally:
        os.seteuid(os.getuid())
        shut.chmod(0o755)
    [problem] = caught.value.problems
    assert (problem.line, problem.message) == (
        3,
        "`sites`: sites/*/postbot.yaml: sites/c/postbot.yaml cannot be looked at: Permission denied.",
    )


def test_links_that_lead_nowhere_or_round_in_circles_and_names_that_are_too_long_are_problems_and_no_crash(
    folder: Path,
):
    (folder / "nowhere").symlink_to("gone/postbot.yaml")
    (folder / "circle").symlink_to("circle")
    (folder / "long").symlink_to("x" * 300)
    text = f"sites:\n- nowhere\n- circl*\n- lon*\n- {'y' * 300}\n- sites/a/postbot.yaml/x\n"
    assert problems(folder, text) == [
        (2, "`sites`: nowhere: there is no such file."),
        (3, "`sites`: circl*: nothing is called like that."),
        (4, "`sites`: lon*: long cannot be looked at: File name too long."),
        (5, f"`sites`: {'y' * 300}: there is no such file."),
        (6, "`sites`: sites/a/postbot.yaml/x: there is no such file."),
    ]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "`sites` is needed"),
        ("sites: []\n", 1, "name at least one"),
        ("sites: [sites/a/postbot.yaml]\nheartbeat: 0 seconds\n", 2, "write a span of a second or more"),
        ("sites: [sites/a/postbot.yaml]\npatience: soon\n", 2, "write a span such as"),
        ("sites: [sites/a/postbot.yaml]\nlisten: 8087\n", 2, "write HOST:PORT"),
        ("sites: [sites/a/postbot.yaml]\nlisten: localhost:65536\n", 2, "write HOST:PORT"),
        ("sites: [sites/a/postbot.yaml]\nlisten: http://localhost:80\n", 2, "write HOST:PORT"),
        ("sites: [sites/a/postbot.yaml]\nnames: ['https://x.example']\n", 2, "write the name of a host"),
        ("sites: [sites/a/postbot.yaml]\nlogs: xml\n", 2, "write 'json' or 'text'"),
        ("sites: [sites/a/postbot.yaml]\nheartbaet: 1 minute\n", 2, "`heartbaet` is not a setting."),
        ("sites: [sites/a/postbot.yaml]\nslack: {by: socket}\n", 2, "`slack.workspace` is needed"),
        ("sites: [sites/a/postbot.yaml]\nslack:\n  by: mail\n  workspace: T0TEAM\n", 3, "write 'http' or 'socket'"),
        (
            "sites: [sites/a/postbot.yaml]\nslack:\n  by: http\n  workspace: agency\n",
            4,
            "write the id of the workspace",
        ),
        (
            "sites: [sites/a/postbot.yaml]\nslack: {by: http, workspace: T0TEAM, server: 'http://x.example/'}\n",
            2,
            "https",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(folder: Path, text: str, line: int, says: str):
    [(at, message)] = problems(folder, text)
    assert (at, says in message) == (line, True), message


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("null", None),
        ("127.0.0.1:8087", ("127.0.0.1", 8087)),
        ("localhost:0", ("localhost", 0)),
        ("'[::1]:80'", ("::1", 80)),
    ],
)
def test_a_server_that_only_this_machine_reaches_needs_no_token(
    folder: Path, written: str, meant: tuple[str, int] | None
):
    assert read(folder, f"sites: [sites/a/postbot.yaml]\nlisten: {written}\n").listen == meant


@pytest.mark.parametrize("address", ["0.0.0.0:80", "'[::]:80'", "192.168.1.7:80", "postbot.agency.example:80"])
def test_a_server_that_others_reach_is_refused_without_a_token(
    folder: Path, environment: pytest.MonkeyPatch, address: str
):
    text = f"sites: [sites/a/postbot.yaml]\nlisten: {address}\nnames: [Postbot.Agency.example]\n"
    [(line, message)] = problems(folder, text)
    assert (line, "Set POSTBOT_SERVICE_TOKEN, 16 characters or more" in message) == (2, True)
    environment.setenv("POSTBOT_SERVICE_TOKEN", "canary-01234567")
    [(_, message)] = problems(folder, text)
    assert message == "POSTBOT_SERVICE_TOKEN is too short to be safe; make one of 16 characters or more."
    (folder / "token").write_text(f"{LONG}\n")
    environment.delenv("POSTBOT_SERVICE_TOKEN")
    environment.setenv("POSTBOT_SERVICE_TOKEN_FILE", str(folder / "token"))
    loaded = read(folder, text)
    assert (loaded.token, loaded.names) == (LONG, ("postbot.agency.example",))
    assert "canary" not in repr(loaded)


@pytest.mark.parametrize("name", ["POSTBOT_SERVICE_TOKEN", "POSTBOT_WEBHOOK_SECRET"])
@pytest.mark.parametrize("text", ["", "  \n"])
def test_a_secret_that_is_set_and_blank_is_refused_and_one_that_is_not_set_is_none(
    folder: Path, environment: pytest.MonkeyPatch, name: str, text: str
):
    """What is signed with an empty secret can be signed by anybody."""
    loaded = read(folder, "sites: [sites/a/postbot.yaml]\n")
    assert (loaded.token, loaded.webhook_secret) == ("", "")
    environment.setenv(name, text)
    with pytest.raises(ConfigError, match=f"There is no {name}"):
        default_service(folder / "postbot.yaml")
    with pytest.raises(ConfigError, match=f"There is no {name}"):
        read(folder, "sites: [sites/a/postbot.yaml]\n")
    environment.delenv(name)
    (folder / "secret").write_text(text)
    environment.setenv(f"{name}_FILE", str(folder / "secret"))
    with pytest.raises(ConfigError, match=f"There is no {name}"):
        default_service(folder / "postbot.yaml")


def test_what_is_wrong_with_secrets_is_told_beside_the_rest(folder: Path, environment: pytest.MonkeyPatch):
    environment.setenv("POSTBOT_WEBHOOK_SECRET", "")
    assert len(problems(folder, "sites: [nowhere]\nhearbeat: 1 minute\n")) == 2
    assert len(problems(folder, "sites: [nowhere]\n")) == 2
    words = "it may hold blanks"
    environment.setenv("POSTBOT_WEBHOOK_SECRET", words)
    assert default_service(Path("postbot.yaml")).webhook_secret == words
    assert default_service(Path("postbot.yaml")).heartbeat == timedelta(minutes=1)


# Two sites of one ledger ---------------------------------------------------------------------------------------------


def with_ledgers(folder: Path, *ledgers: str) -> list[Config]:
    configs = []
    for name, ledger in zip("abc", ledgers, strict=False):
        (folder / "sites" / name / "postbot.yaml").write_text(f"{SITE}ledger: {ledger}\n")
        configs.append(load(folder / "sites" / name / "postbot.yaml"))
    return configs


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("../memory.db", "../memory.db"),
        ("../b/memory.db", "memory.db"),
        ("../link.db", "../memory.db"),
        ("postgresql://one@db/jobs?schema=x", "postgresql://two@DB:5432/jobs?sslmode=require&schema=x"),
        ("postgresql:///jobs?host=/run/pg", "postgresql://postbot@/jobs?host=/run/pg"),
        ("postgresql://u@db/jobs", "postgresql://u@db/jobs?schema=postbot"),
        ("postgresql://u@db/jobs", "postgresql://u@db/jo%62s?sslmode=require"),
    ],
)
def test_two_sites_of_one_ledger_are_told(folder: Path, one: str, other: str):
    (folder / "sites" / "link.db").symlink_to("memory.db")
    [problem] = clashes(with_ledgers(folder, one, other, "elsewhere.db"))
    assert (problem.path, problem.line) == (str(folder / "sites" / "b" / "postbot.yaml"), 2)
    assert problem.message == (
        f"This is the ledger of {folder / 'sites' / 'a' / 'postbot.yaml'}, too; every site needs one of its own."
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("memory.db", "memory.db"),
        ("postgresql://one@db/jobs?schema=x", "postgresql://one@db/jobs?schema=y"),
        ("postgresql://one@db/jobs?schema=x", "postgresql://one@db/other?schema=x"),
        ("postgresql://one@db/jobs?schema=x", "postgresql://one@db:5433/jobs?schema=x"),
    ],
)
def test_two_sites_of_two_ledgers_are_fine(folder: Path, one: str, other: str):
    assert clashes(with_ledgers(folder, one, other)) == []


def test_an_address_that_names_no_schema_means_the_one_that_sites_are_told_of():
    pytest.importorskip("psycopg")
    with pytest.raises(LedgerError, match=rf"schema={LEDGER_SCHEMA}\b"):  # nobody listens there
        Ledger.open("postgresql://u@127.0.0.1:1/jobs", migrate=False)


SLACK = "sites: [sites/a/postbot.yaml]\nslack:\n  by: {by}\n  workspace: T0TEAM\n"


@pytest.mark.parametrize(
    ("by", "needs"),
    [
        ("http", ["POSTBOT_SLACK_TOKEN", "POSTBOT_SLACK_SIGNING_SECRET"]),
        ("socket", ["POSTBOT_SLACK_TOKEN", "POSTBOT_SLACK_APP_TOKEN"]),
    ],
)
def test_a_door_to_slack_needs_its_secrets_and_none_may_be_blank(
    folder: Path, environment: pytest.MonkeyPatch, by: str, needs: list[str]
):
    for missing in needs:
        for blank in (None, "", "  ", "\n"):
            for name in needs:
                environment.setenv(name, "canary-0123456789")
            environment.delenv(missing) if blank is None else environment.setenv(missing, blank)
            [(_, message)] = problems(folder, SLACK.format(by=by))
            assert message.startswith(f"There is no {missing}.")
    environment.delenv(needs[1])
    (folder / "secret").write_text("canary-of-a-file\n")
    environment.setenv(f"{needs[1]}_FILE", str(folder / "secret"))
    door = read(folder, SLACK.format(by=by)).slack
    assert door is not None
    secrets = (door.token, door.signing_secret or door.app_token)
    assert secrets == ("canary-0123456789", "canary-of-a-file")
    assert "canary" not in repr(door)


def test_slack_cannot_call_a_server_that_is_not_there(folder: Path, environment: pytest.MonkeyPatch):
    for name in ("POSTBOT_SLACK_TOKEN", "POSTBOT_SLACK_SIGNING_SECRET", "POSTBOT_SLACK_APP_TOKEN"):
        environment.setenv(name, "canary-0123456789")
    [(line, message)] = problems(folder, f"listen: null\n{SLACK.format(by='http')}")
    assert (line, "`slack.by`: over http Slack calls the HTTP server" in message) == (4, True)
    assert read(folder, f"listen: null\n{SLACK.format(by='socket')}").listen is None
