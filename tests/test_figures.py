"""The figures that are counts hold, on postings of our own and, where they lie beside the repository, on real ones."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tests.bench import counts, requests
from tests.bench.counts import Count
from tests.bench.material import CORPUS, HUGO, Material, generated, real


@pytest.fixture(scope="module", params=["own", "real"])
def material(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Material:
    if request.param == "own":
        return generated(tmp_path_factory.mktemp("postings"))
    if not (CORPUS.is_dir() and HUGO.is_dir()):
        pytest.skip("The real postings are not here: they lie in `shared`, beside the repository.")
    return real()


def test_closing_a_posting_changes_only_its_state_line(material: Material):
    assert_met(counts.closing(material, peers=()))


def test_openings_made_by_hand_are_made_again_with_the_same_values(material: Material):
    assert_met(counts.replay(material))


@pytest.mark.parametrize(("key", "value"), [("weight", 2), ("expirydate", date(2031, 1, 5))])
def test_one_value_set_on_a_hugo_page_changes_only_its_line(material: Material, key: str, value: int | date):
    assert_met(counts.setting(material, key, value, peers=()))


@pytest.mark.parametrize("figure", [counts.answered, counts.explained, counts.dates])
def test_every_file_and_every_date_is_answered(material: Material, figure: Callable[[Material], Count]):
    assert_met(figure(material))


@pytest.mark.parametrize(
    ("after", "seen"),
    [
        (b"a: 1\r\nstate: closed\r\n", [b"state: open\r\n", b"state: closed\r\n"]),
        (b"a: 1\nstate: open\r\n", [b"a: 1\r\n", b"a: 1\n"]),
        (b"a: 1\r\nstate: open", [b"state: open\r\n", b"state: open"]),
        (b"a: 1\r\nb: 2\r\nstate: open\r\n", [b"b: 2\r\n"]),
    ],
    ids=["value", "line break", "end of file", "insertion"],
)
def test_the_judge_of_edits_sees_every_line_that_changed(after: bytes, seen: list[bytes]):
    assert list(counts.touched(b"a: 1\r\nstate: open\r\n", after)) == seen


@pytest.mark.parametrize(
    ("text", "closes", "meant"),
    [
        ("Friday, March 15th, 2030 11:59PM EDT", True, "2030-03-16 03:59:00+00:00"),
        ("2030-03-15", True, "2030-03-16 04:00:00+00:00"),
        ("2030-03-15", False, "2030-03-15 04:00:00+00:00"),
        ("Monday, March 15th, 2030 11:59PM EDT", True, "None"),
        ("tbd", False, "None"),
    ],
)
def test_the_judge_of_dates_knows_the_known_shapes(text: str, closes: bool, meant: str):
    assert str(counts.plainly(text, closes=closes)) == meant


def test_nothing_on_github_costs_more_requests_than_it_may(tmp_path: Path):
    costs = list(requests.costs(tmp_path))
    assert [(cost.what, cost.fault, cost.asked) for cost in costs if not cost.met] == []
    assert len(costs) == 13


def assert_met(count: Count) -> None:
    assert count.met, "\n".join([f"{count.what}: {count.good} of {count.whole}", *count.faults])
