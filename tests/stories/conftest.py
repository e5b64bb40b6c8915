"""Every story is told twice: of a plain git site, and of one on GitHub, unless its module names one of them as `KEPT`."""

from collections.abc import Iterator

import pytest

from tests.contract.test_hosts import make_bare
from tests.twins.github.client import Twin
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
