"""A workspace, started once for a module, empty and well for each test."""

from collections.abc import Iterator

import pytest

from tests.twins.slack.client import SlackTwin


@pytest.fixture(scope="module")
def workspace() -> Iterator[SlackTwin]:
    with SlackTwin.start() as twin:
        yield twin


@pytest.fixture
def twin(workspace: SlackTwin) -> SlackTwin:
    workspace.forget()
    return workspace
