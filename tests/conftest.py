"""How thorough the property tests are: 150 examples, and 10,000 where `SOAK` is set."""

import pytest
from hypothesis import HealthCheck, settings

from tests import depth
from tests.golden import Golden
from tests.ledgers import ledger, path, place, url  # noqa: F401 - fixtures of every test
from tests.postgres import postgres  # noqa: F401 - the same

settings.register_profile(
    "sample", max_examples=150, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("soak", settings.get_profile("sample"), max_examples=10_000)
settings.load_profile(depth.at("sample", soak="soak"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the agreed texts anew; then read their diff")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with the one agreed upon."""
    return Golden(update=request.config.getoption("--update-golden"))
