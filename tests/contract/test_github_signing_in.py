"""Signing in to GitHub, and all that it says no to: a sentence each time, few requests, and no secret anywhere."""

import base64
import logging
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path as Folder

import pytest
import requests
import urllib3
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from postbot import app
from postbot.config import load
from postbot.core.site import ChangeSet, Pull, PullStatus, Standing
from postbot.hosts import HostError
from postbot.hosts.github import Api, App, GitHubHost, Habits, SignIn, Token
from postbot.hosts.github.api import RateLimited
from postbot.ledger import LedgerError
from tests.bench.requests import OnGitHub
from tests.contract.hosts import BAKER, BRANCH, CLOSED, NOON, OPEN
from tests.contract.test_hosts import GitForge, make_bare
from tests.twins.github.client import KINDS, Twin
from tests.world import Clone

KEY, OTHER = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
PUBLIC, STRANGE = (
    key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode() for key in (KEY, OTHER)
)
AS_APP = App("31", 47, PEM)
RIGHTS = {"contents": "write", "pull_requests": "write", "metadata": "read", "checks": "read", "statuses": "write"}
CONFIG = """\
site: {{profile: jekyll-state, timezone: UTC, folders: [jobs]}}
github: {{repository: agency/site, server: "{server}", pace: 0 seconds{app}}}
"""
CHANGE = ChangeSet(
    branch=BRANCH,
    base="",
    title="Close Baker",
    body="Its closing date has come.",
    message="Close Baker\n",
    before={BAKER: OPEN},
    after={BAKER: CLOSED},
    labels=("postbot",),
)
SECRETS = re.compile(
    r"ghs_[0-9a-f]{36}|ghs_postbot|canary|eyJ[\w-]{20}|legacy\.tar\.gz/\w+\?token=\w|"
    + "|".join(re.escape(line) for line in PEM.splitlines()[1:-1])
)
SENTENCE = re.compile(r"[A-Z][^\n<>{}]{15,300}(\.|See: postbot doctor)")


@dataclass
class Site:
    """A repository on GitHub, and the App that is installed there."""

    twin: Twin
    forge: GitForge
    folder: Folder

    def host(
        self, sign_in: SignIn = AS_APP, *, patience: float = 25, server: str | None = None, cache: bool = False
    ) -> GitHubHost:
        where = server or self.twin.url
        api = Api(self.twin.repo, sign_in, where, timedelta(0), timedelta(seconds=patience))
        habits = Habits(verdicts=True, reviewers=("ann",))
        return GitHubHost(api, folders=("jobs",), habits=habits, cache=self.folder / "cache" if cache else None)

    def configured(self, app_section: str = "") -> GitHubHost:
        path = self.folder / "postbot.yaml"
        path.write_text(CONFIG.format(server=self.twin.url, app=app_section))
        host = app.host(load(path))
        assert isinstance(host, GitHubHost)
        return host

    def count(self, act: Callable[[], object]) -> int:
        """How many requests an act sends before it fails."""
        self.twin.reset_requests()
        with pytest.raises(HostError):
            act()
        return len(self.twin.requests())


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    repo = tmp_path_factory.mktemp("twin") / "first.git"
    make_bare(repo)
    with Twin.start(repo) as twin:
        yield twin


@pytest.fixture
def site(process: Twin, tmp_path: Folder, monkeypatch: pytest.MonkeyPatch) -> Site:
    for name in ("TOKEN", "TOKEN_FILE", "KEY", "KEY_FILE"):
        monkeypatch.delenv(f"POSTBOT_GITHUB_{name}", raising=False)
    forge = make_bare(tmp_path / "site.git")
    process.reset(tmp_path / "site.git")
    process.app(key=PUBLIC, permissions=RIGHTS)
    return Site(process, forge, tmp_path)


# Signing in ----------------------------------------------------------------------------------------------------------

PKCS8 = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
FORMS = {
    "as GitHub gives it": PEM,
    "no last line break": PEM.rstrip("\n"),
    "blank lines around": f"\n{PEM}\n\n",
    "line breaks of Windows": PEM.replace("\n", "\r\n"),
    "pkcs8": PKCS8,
}


@pytest.mark.parametrize("kept", ["variable", "file"])
@pytest.mark.parametrize("pem", FORMS.values(), ids=FORMS.keys())
def test_an_app_signs_in_with_its_key(site: Site, monkeypatch: pytest.MonkeyPatch, kept: str, pem: str):
    (site.folder / "key.pem").write_text(pem, newline="")
    name, value = ("KEY", pem) if kept == "variable" else ("KEY_FILE", str(site.folder / "key.pem"))
    monkeypatch.setenv(f"POSTBOT_GITHUB_{name}", value)
    host = site.configured(", app: {id: 31, installation: 47}")
    assert host.look().files[BAKER].data == OPEN
    assert site.twin.routes()["POST access_tokens"] == 1


@pytest.mark.parametrize("kept", ["variable", "file"])
def test_a_token_signs_in(site: Site, monkeypatch: pytest.MonkeyPatch, kept: str):
    site.twin.new_token("ghp_canary", login="ann", kind="classic")
    (site.folder / "token").write_text("ghp_canary\n")
    name, value = ("TOKEN", "ghp_canary") if kept == "variable" else ("TOKEN_FILE", str(site.folder / "token"))
    monkeypatch.setenv(f"POSTBOT_GITHUB_{name}", value)
    assert site.configured().look().files[BAKER].data == OPEN


def test_an_address_with_a_slash_at_its_end_is_the_same(site: Site):
    assert site.host(server=f"{site.twin.url}/").look().files[BAKER].data == OPEN


@pytest.mark.parametrize("server", ["github.agency.example", "ftp://github.agency.example", "https://", "", "/api/v3"])
def test_an_address_that_is_none_is_told(server: str):
    with pytest.raises(HostError, match="is no address of GitHub; write `server` as https://HOST/api/v3"):
        Api("agency/site", Token("x"), server)


@pytest.mark.parametrize("nth", range(1, 8))
def test_a_token_that_expires_amid_an_act_is_renewed_once_and_nothing_is_done_twice(site: Site, nth: int):
    host = site.host()
    host.look()
    site.twin.fault("401", nth=nth)
    site.twin.reset_requests()
    host.propose(CHANGE, NOON)
    assert len(site.twin.fired()) == 1
    assert site.twin.routes()["POST access_tokens"] == 1
    kinds = [row["kind"] for row in site.twin.effects()]
    assert [kinds.count(kind) for kind in ("commit", "ref-created", "pull-opened")] == [1, 1, 1]
    assert [pull.number for pull in host.look().pulls] == [1]


@pytest.mark.parametrize("nth", range(8))
def test_whoever_had_to_sign_in_sees_after_that_whether_it_may_write(site: Site, nth: int):
    """To sign in is a request of its own, and whoever is stopped in the midst of it may have lost its turn."""
    host = site.host()
    if nth:
        host.look()
        site.twin.fault("401", nth=nth)
    site.twin.reset_requests()

    def demand() -> None:
        if "POST access_tokens" in site.twin.routes():
            raise LedgerError("Another postbot may have taken over.")

    host.guard(demand)
    with pytest.raises(LedgerError):
        host.propose(CHANGE, NOON) if nth else host.api.write("POST", "/labels", {"name": "postbot", "color": "ededed"})
    assert site.twin.requests()[-1][1] == "POST access_tokens"


def expire(site: Site, host: GitHubHost) -> None:
    """The hour of an App's token is over."""
    auth = host.api._github.requester.auth
    assert auth is not None
    site.twin.revoke(auth.token)


def test_a_token_that_has_expired_is_renewed_with_the_next_request(site: Site):
    host = site.host()
    seen = host.look()
    expire(site, host)
    site.twin.reset_requests()
    assert host.look(seen) is seen
    assert site.twin.routes()["POST access_tokens"] == 1


NO_SIGN_IN: dict[str, tuple[Callable[[Twin], None], Callable[[Twin], None], str]] = {
    "key rotated": (
        lambda twin: twin.app(key=STRANGE),
        lambda twin: twin.app(key=PUBLIC),
        "does not accept the sign-in",
    ),
    "suspended": (
        lambda twin: twin.app(suspended=True),
        lambda twin: twin.app(suspended=False),
        "This installation has been suspended",
    ),
    "uninstalled": (
        lambda twin: twin.app(installation=48),
        lambda twin: twin.app(installation=47),
        "knows no such installation of the App",
    ),
}


@pytest.mark.parametrize(("fails", "mended", "says"), NO_SIGN_IN.values(), ids=NO_SIGN_IN.keys())
@pytest.mark.parametrize("warm", [True, False], ids=["running", "started then"])
def test_a_sign_in_that_is_no_longer_accepted_is_told_with_few_requests_and_taken_up_again(
    site: Site, warm: bool, fails: Callable[[Twin], None], mended: Callable[[Twin], None], says: str
):
    host = site.host()
    seen = host.look() if warm else None
    fails(site.twin)
    expire(site, host) if warm and says[:4] != "This" else None
    for _ in range(3):
        with pytest.raises(HostError, match=says):
            host.look(seen)
        assert site.count(lambda: host.look(seen)) <= 3
    mended(site.twin)
    assert host.look(seen).files[BAKER].data == OPEN


def test_a_token_that_was_revoked_is_told_after_one_request(site: Site):
    host = site.host(Token(site.twin.new_token("ghp_canary")))
    seen = host.look()
    site.twin.revoke("ghp_canary")
    with pytest.raises(HostError, match="does not accept the sign-in"):
        host.look(seen)
    assert site.count(lambda: host.look(seen)) == 1


@pytest.mark.parametrize(
    "key",
    [
        "-----BEGIN RSA PRIVATE KEY-----\ncanary\n-----END RSA PRIVATE KEY-----",
        PUBLIC,
        PEM.replace("RSA PRIVATE", "EC PRIVATE"),
        PEM[:400],
        "canary",
    ],
    ids=["nonsense", "the public one", "another kind", "cut short", "no key"],
)
def test_a_key_that_cannot_be_read_is_told_without_a_request(site: Site, key: str):
    host = site.host(App("31", 47, key))
    with pytest.raises(HostError, match="the App's private key cannot be read") as caught:
        host.look()
    assert site.count(host.look) == 0
    assert not leaks(caught.value)


def test_an_app_that_is_another_one_is_told(site: Site):
    with pytest.raises(HostError, match="Check the token, or the App's id, installation and key"):
        site.host(App("32", 47, PEM)).look()


# What GitHub does not let us see or do -------------------------------------------------------------------------------

GONE = {
    "renamed": ({"name": "elsewhere"}, "is now agency/elsewhere|has moved"),
    "given away": ({"owner": "others"}, "is now others/site|has moved"),
    "archived": ({"archived": True}, "is archived: nothing can be changed|was archived so is read-only"),
    "hidden": ({"hidden": True}, "knows nothing of|does not show it"),
}


@pytest.mark.parametrize(("told", "says"), GONE.values(), ids=GONE.keys())
@pytest.mark.parametrize("warm", [True, False], ids=["running", "started then"])
def test_a_repository_that_has_gone_is_told_with_few_requests(
    site: Site, warm: bool, told: dict[str, object], says: str
):
    host = site.host()
    seen = host.look() if warm else None
    site.twin.repository(**told)
    site.twin.advance(660) if warm else None  # a quiet site is believed to be so for ten minutes
    with pytest.raises(HostError, match=says):
        host.look(seen)
    assert site.count(lambda: host.look(seen)) <= 3


def proposed(site: Site) -> tuple[GitHubHost, Pull]:
    host = site.host()
    pull = host.propose(CHANGE, NOON)
    return host, host.look().pulls[0] if host.look().pulls else pull


ACTS: dict[str, Callable[[GitHubHost, Pull], object]] = {
    "refresh": lambda host, _: host.propose(replace(CHANGE, after={BAKER: b"better"}), NOON),
    "reword": lambda host, _: host.propose(replace(CHANGE, title="Baker closes"), NOON),
    "merge": lambda host, pull: host.merge(pull, NOON),
    "withdraw": lambda host, pull: host.withdraw(pull, "extended", NOON),
    "note": lambda host, pull: host.note(pull, Standing("It waits."), NOON),
    "verdict": lambda host, pull: host.note(pull, Standing(approved=False, verdict="It waits."), NOON),
    "propose": lambda host, _: host.propose(replace(CHANGE, branch=f"{BRANCH}a", after={BAKER: b"other"}), NOON),
}


@pytest.mark.parametrize(("told", "says"), GONE.values(), ids=GONE.keys())
@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_an_act_in_a_repository_that_has_gone_is_no_success(
    site: Site, act: Callable[[GitHubHost, Pull], object], told: dict[str, object], says: str
):
    host, pull = proposed(site)
    before = len(site.twin.effects())
    site.twin.repository(**told)
    with pytest.raises(HostError, match=says):
        act(host, pull)
    assert len(site.twin.effects()) == before


MISSING = {
    "propose": ("contents", "read"),
    "refresh": ("contents", "read"),
    "reword": ("pull_requests", "read"),
    "merge": ("contents", "read"),
    "withdraw": ("pull_requests", "read"),
    "note": ("pull_requests", "read"),
    "verdict": ("statuses", "read"),
}


@pytest.mark.parametrize("name", ACTS)
def test_an_act_without_its_right_names_the_doctor_and_does_nothing(site: Site, name: str):
    host, pull = proposed(site)
    right, level = MISSING[name]
    site.twin.app(permissions=RIGHTS | {right: level})
    expire(site, host)
    before = len(site.twin.effects("commit", "ref-created", "pull-opened", "merged", "pull-closed", "commented"))
    for _ in range(2):
        with pytest.raises(HostError, match=r"Resource not accessible by integration\. See: postbot doctor"):
            ACTS[name](host, pull)
    assert (
        len(site.twin.effects("commit", "ref-created", "pull-opened", "merged", "pull-closed", "commented")) == before
    )


def test_without_the_right_to_pull_requests_one_branch_waits_and_no_second_is_made(site: Site):
    site.twin.app(permissions=RIGHTS | {"pull_requests": "read"})
    host = site.host()
    for _ in range(3):
        with pytest.raises(HostError, match="Resource not accessible"):
            host.propose(CHANGE, NOON)
    assert [row["kind"] for row in site.twin.effects("commit", "ref-created", "ref-moved")] == ["commit", "ref-created"]
    site.twin.app(permissions=RIGHTS)
    expire(site, host)
    assert host.propose(CHANGE, NOON).status is PullStatus.OPEN
    assert len(site.twin.effects("commit")) == 1


@pytest.mark.parametrize("right", ["contents", "pull_requests"])
def test_a_look_without_the_right_to_it_is_an_error_and_no_empty_site(site: Site, right: str):
    site.twin.app(permissions={name: level for name, level in RIGHTS.items() if name != right})
    with pytest.raises(HostError, match=r"GitHub (forbids|knows nothing of)"):
        site.host().look()


# Errors and secrets --------------------------------------------------------------------------------------------------


def leaks(error: BaseException) -> list[str]:
    """Secrets in an error, or in any that it came from."""
    chain: list[BaseException] = []
    while error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__ or error
    return [
        found[0]
        for each in chain
        for text in (str(each), repr(each), repr(each.args))
        if (found := SECRETS.search(text))
    ]


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[str]]]:
    """All that was logged, with every logger there is at its most talkative."""
    names = [None, *logging.root.manager.loggerDict]
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield lambda: [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def failure(act: Callable[[], object]) -> HostError | None:
    try:
        act()
    except HostError as error:
        return error
    return None


DOORS = ("POST access_tokens", "POST graphql Overview", "GET git/trees", "GET tarball", "GET codeload")


@pytest.mark.parametrize("kind", [*KINDS, "403-forbidden", "graphql-partial", "RATE_LIMITED"])
def test_every_failure_is_one_sentence_and_tells_no_secret(site: Site, records: Callable[[], list[str]], kind: str):
    site.forge.commit({f"jobs/filler-{at}.md": b"%d" % at for at in range(25)})
    for door in DOORS:
        site.twin.heal()
        site.twin.fault(kind, door, times=9, seconds=0.02)
        error = failure(site.host(cache=True).look)
        assert error is None or SENTENCE.fullmatch(str(error)), str(error)
        assert error is None or not leaks(error)
    assert site.twin.fired()
    assert [text for text in records() if SECRETS.search(text)] == []
    assert [text for text in records() if "/access_tokens" in text] != []
    files = (path for path in site.folder.rglob("*") if path.is_file())
    assert [path for path in files if SECRETS.search(path.read_bytes().decode("latin-1"))] == []


@pytest.mark.parametrize(
    "fault",
    [
        requests.ConnectionError,
        lambda address: urllib3.exceptions.ReadTimeoutError(None, address, f"Read timed out: {address}"),
        OSError,
        ValueError,
    ],
    ids=["requests", "urllib3", "system", "value"],
)
def test_what_a_library_says_of_an_archives_address_is_not_passed_on(site: Site, fault: Callable[[str], Exception]):
    host = site.host()
    tip = host.look().commit

    def take(response: requests.Response) -> None:
        assert SECRETS.search(response.url)
        raise fault(response.url)

    with pytest.raises(HostError) as caught:
        host.api.download(f"/tarball/{tip}", take, 10)
    assert SENTENCE.fullmatch(str(caught.value))
    assert not leaks(caught.value)


def test_the_key_of_an_archive_is_hidden_where_a_library_logs_it(site: Site, records: Callable[[], list[str]]):
    site.forge.commit({f"jobs/filler-{at}.md": b"%d" % at for at in range(25)})
    site.host().look()
    [told] = [text for text in records() if "legacy.tar.gz" in text]
    assert "?..." in told
    assert not SECRETS.search(told)


def test_nothing_shows_a_secret_when_it_is_shown_itself(site: Site):
    host = site.host()
    host.look()
    shown = [AS_APP, Token("canary"), host.api, host, [AS_APP], {"a": Token("canary")}]
    assert not SECRETS.search(f"{shown} {[str(each) for each in shown]} {AS_APP:}")


def test_nothing_that_is_written_holds_a_secret(site: Site):
    host, pull = proposed(site)
    host.note(pull, Standing("It waits.", approved=False, verdict="It waits."), NOON)
    host.withdraw(host.look().pulls[0], "extended", NOON)
    written = f"{site.twin.effects()} {site.twin.pulls()} {site.forge.git('log', '--all', '--format=raw').decode()}"
    assert not SECRETS.search(written)


# Patience and limits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["drip", "hang"])
@pytest.mark.parametrize("door", ["POST access_tokens", "POST graphql Overview", "GET git/trees"])
def test_an_answer_that_never_ends_is_given_up(site: Site, kind: str, door: str):
    site.twin.fault(kind, door, times=9, seconds=60)
    with pytest.raises(HostError, match="GitHub took too long to answer"):
        site.host(patience=0.4).look()


def test_an_archive_that_never_ends_is_given_up(site: Site):
    host = site.host()
    tip = host.look().commit
    site.twin.fault("drip", "GET codeload", times=9, seconds=60)
    with pytest.raises(HostError, match="GitHub took too long to answer"):
        host.api.download(f"/tarball/{tip}", lambda response: response.raw.read(), 0.4)


def test_a_write_whose_answer_never_ends_is_given_up_and_seen_by_the_next_look(site: Site):
    host, pull = proposed(site)
    patient = site.host(patience=1)
    patient.look()
    site.twin.fault("drip", "PUT merge", when="after", seconds=60)
    with pytest.raises(HostError, match="GitHub took too long to answer"):
        patient.merge(pull, NOON)
    assert [each.status for each in host.look().pulls] == [PullStatus.MERGED]
    assert len(site.twin.effects("merged")) == 1


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how long anybody in this process has slept."""
    spans: list[float] = []
    monkeypatch.setattr(time, "sleep", spans.append)
    return spans


LIMITED = [
    (kind, door)
    for door in ("POST graphql Overview", "POST graphql Scene", "POST git/trees", "POST pulls")
    for kind in ("403-primary", "403-secondary", "429", "RATE_LIMITED")
    if kind != "RATE_LIMITED" or "graphql" in door  # REST has no such answer
]


@pytest.mark.parametrize(("kind", "door"), LIMITED)
def test_at_a_limit_a_tick_ends_at_once_says_what_was_witnessed_and_is_taken_up_later(
    site: Site, slept: list[float], monkeypatch: pytest.MonkeyPatch, kind: str, door: str
):
    monkeypatch.setattr(Clone, "twin", site.twin, raising=False)
    monkeypatch.setenv("POSTBOT_GITHUB_TOKEN", site.twin.token)
    world = OnGitHub(site.folder / "world")
    world.write("baker", opens="2026-03-01", closes="2026-03-30")
    world.tick("2026-03-02T09:00")
    world.write("cook", opens="2026-03-05", closes="2026-03-30")
    world.change("baker", "state: upcoming", "state: open")
    site.twin.fault(kind, door, nth=2 if door == "POST graphql Overview" else 1)
    site.twin.reset_requests()
    with pytest.raises(RateLimited, match="GitHub takes no more requests for now, "):
        world.tick("2026-03-02T10:00")
    limited = [status for _, _, status in site.twin.requests()]
    assert sum(slept) == 0
    assert len(site.twin.fired()) == 1
    assert limited[-1] in {200, 403, 429}
    assert world.said() == ["Baker: now open"]
    world.tick("2026-03-02T11:05")
    assert [pull.title for pull in world.pulls()] == ["Open: Cook"]
    assert world.said() == ["Baker: now open"]
    world.bot.ledger.close()


# The way there -------------------------------------------------------------------------------------------------------


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


def test_a_proxy_of_the_environment_is_used(site: Site, ways: pytest.MonkeyPatch):
    ways.setenv("http_proxy", site.twin.origin)
    assert site.host(server="http://github.invalid/api/v3").look().files[BAKER].data == OPEN


def test_a_proxy_that_is_not_there_is_told_without_its_password(site: Site, ways: pytest.MonkeyPatch):
    ways.setenv("http_proxy", "http://ann:canary@127.0.0.1:1")
    with pytest.raises(HostError, match="GitHub could not be reached") as caught:
        site.host().look()
    assert not leaks(caught.value)
    ways.setenv("no_proxy", "127.0.0.1")
    assert site.host().look().files[BAKER].data == OPEN


def test_certificates_of_the_environment_are_used(site: Site, ways: pytest.MonkeyPatch):
    ways.setenv("REQUESTS_CA_BUNDLE", str(site.folder / "nowhere.pem"))
    assert site.host().look().files[BAKER].data == OPEN  # no https, no certificate
    with pytest.raises(HostError, match="REQUESTS_CA_BUNDLE"):
        site.host(server=site.twin.url.replace("http:", "https:")).look()


def test_an_encrypted_address_that_is_not_encrypted_is_told(site: Site, ways: pytest.MonkeyPatch):
    with pytest.raises(HostError, match="The encrypted connection to GitHub failed"):
        site.host(server=site.twin.url.replace("http:", "https:")).look()


def test_a_login_that_somebody_keeps_for_other_hosts_is_not_sent_along(site: Site, ways: pytest.MonkeyPatch):
    (site.folder / "netrc").write_text("default login ann password canary\n")
    ways.setenv("NETRC", str(site.folder / "netrc"))
    sent: list[str] = []
    host = site.host()
    take = lambda response: sent.append(response.request.headers.get("Authorization", ""))  # noqa: E731 - one line says it
    host.api.download(f"/tarball/{host.look().commit}", take, 10)
    assert sent == [""]
    assert base64.b64encode(b"ann:canary").decode() in str(
        requests.Request("GET", site.twin.url, auth=("ann", "canary")).prepare().headers
    )
