"""Twins, and what is lived without harm, once for each process of the tests."""

from collections.abc import Iterator

import pytest

from tests.crashes.matrix import Matrix, matrix
from tests.crashes.schedules import Lives, lives


@pytest.fixture(scope="session")
def kills() -> Iterator[Matrix]:
    with matrix() as made:
        yield made


@pytest.fixture(scope="session")
def crashes() -> Iterator[Lives]:
    with lives() as made:
        yield made
