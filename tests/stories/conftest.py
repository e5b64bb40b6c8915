"""Every story is told twice: of a plain git site, and of one on GitHub, unless its module names one of them as `KEPT`."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.contract.test_email import PASSWORD, USER
from tests.contract.test_hosts import make_bare
from tests.twins.github.client import Twin
from tests.twins.slack.client import SlackTwin
from tests.twins.smtp.client import SmtpTwin
from tests.world import Checkout, Clone, World

PLACES = ("plain git", "GitHub")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kept" in metafunc.fixturenames:
        metafunc.parametrize("kept", getattr(metafunc.module, "KEPT", PLACES), indirect=True)


@pytest.fixture(scope="session")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    repo = tmp_path_factory.mktemp("github") / "nothing.git"
    make_bare(repo)
    with Twin.start(repo) as twin:
        yield twin


@pytest.fixture(autouse=True)
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the story's site is kept."""
    where = getattr(request, "param", "plain git")  # a state machine of Hypothesis is not parametrized
    if where == "GitHub":
        twin: Twin = request.getfixturevalue("github")
        monkeypatch.setattr(Clone, "twin", twin, raising=False)
        monkeypatch.setenv("POSTBOT_GITHUB_TOKEN", twin.token)
    monkeypatch.setattr(World, "kept", Clone if where == "GitHub" else Checkout)


# Mail and Slack


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, SmtpTwin]]:
    """A mail server for each kind of line."""
    with ExitStack() as stack:
        yield {
            security: stack.enter_context(SmtpTwin.start(security=security, login=(USER, PASSWORD)))
            for security in ("none", "starttls", "tls")
        }


@pytest.fixture(scope="module")
def workspace() -> Iterator[SlackTwin]:
    with SlackTwin.start() as twin:
        yield twin


@pytest.fixture
def slack(workspace: SlackTwin, monkeypatch: pytest.MonkeyPatch) -> SlackTwin:
    workspace.forget()
    workspace.channel("C0JOBS")
    monkeypatch.setenv("POSTBOT_SLACK_TOKEN", workspace.token)
    return workspace


@pytest.fixture
def post(servers: dict[str, SmtpTwin], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> SmtpTwin:
    twin = servers[getattr(request, "param", "none")]
    twin.forget()
    monkeypatch.setenv("POSTBOT_SMTP_PASSWORD", PASSWORD)
    monkeypatch.setenv("SSL_CERT_FILE", str(twin.authority))
    return twin
