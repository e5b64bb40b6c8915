"""The far ends of a service's sites, started once for a module, as they are at first for each test."""

from collections.abc import Iterator

import pytest

from tests.contract.test_hosts import make_bare
from tests.twins.github.client import Twin
from tests.twins.smtp.client import SmtpTwin


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    repo = tmp_path_factory.mktemp("github") / "nothing.git"
    make_bare(repo)
    with Twin.start(repo) as twin:
        yield twin


@pytest.fixture
def on_github(github: Twin, monkeypatch: pytest.MonkeyPatch) -> Iterator[Twin]:
    """A GitHub that postbot may use."""
    github.heal()
    monkeypatch.setenv("POSTBOT_GITHUB_TOKEN", github.token)
    yield github
    github.release()


@pytest.fixture(scope="module")
def mail_server() -> Iterator[SmtpTwin]:
    with SmtpTwin.start() as twin:
        yield twin


@pytest.fixture
def post(mail_server: SmtpTwin) -> SmtpTwin:
    mail_server.forget()
    return mail_server
