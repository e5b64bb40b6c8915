"""The door by Socket Mode: the same acts over a connection that we open, and nobody unheard for long."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.slack.kit import ADA, Office, office, site, words
from tests.twins.slack.client import SlackTwin


@pytest.fixture
def there(tmp_path: Path, twin: SlackTwin) -> Iterator[Office]:
    jobs = site(tmp_path / "agency", twin)
    jobs.write("baker", "miller", state="open")
    with office(tmp_path, twin, jobs, by="socket") as there:
        yield there


def close(there: Office, slug: str) -> str:
    """Have Ada close one; what she reads then."""
    ada = there.person(ADA, by="socket")
    ada.command("/posting", f"close {slug}")
    return words(there.confirm(ada, {"reason": {"value": "0"}}).json())


def test_a_posting_is_closed_without_any_address_of_ours(there: Office):
    assert there.service.get("/slack/events")[0] == 404
    assert "Filed." in close(there, "baker")
    there.service.wait_for(lambda: there.sites[0].state("baker") == "closed")
    assert len(there.filed()) == 1


def test_an_envelope_whose_acknowledgement_was_lost_comes_again_and_counts_once(there: Office):
    ada = there.person(ADA, by="socket")
    ada.command("/posting", "close baker")
    ada.submit(there.view(ada, "form"), {"reason": {"value": "0"}})
    there.twin.lose_acks(1)
    ada.submit(there.view(ada, "summary"))
    there.service.wait_for(lambda: there.sites[0].state("baker") == "closed")
    assert len(there.filed()) == 1


def test_a_line_that_is_dead_and_looks_alive_is_left_for_a_new_one(there: Office):
    """It is up, says nothing and answers nothing: no client would notice that by itself."""
    there.twin.deaf()
    assert "silent for too long" in there.service.line("slack disconnected")["why"]
    there.twin.deaf(deaf=False)
    there.service.wait_for(lambda: len(there.service.lines("slack connected")) >= 2)
    there.twin.connected(1)
    assert "Filed." in close(there, "baker")


def test_a_line_that_is_cut_is_opened_again_also_where_that_fails_at_first(there: Office):
    there.twin.refuse(2)
    there.twin.cut()
    there.service.wait_for(lambda: len(there.service.lines("slack connected")) >= 2)
    assert "Filed." in close(there, "baker")


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
def test_a_line_that_slack_wants_renewed_is_renewed_without_losing_anybody(there: Office, reason: str):
    there.twin.disconnect(reason)
    there.twin.connected(1)
    assert "Filed." in close(there, "baker")


def test_a_service_that_is_asked_to_end_ends_with_its_line_up_or_dead(there: Office):
    there.twin.deaf()
    there.service.signal(signal.SIGTERM)
    assert there.service.ended() == 0
