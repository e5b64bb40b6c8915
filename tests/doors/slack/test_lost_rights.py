"""A yes of somebody who may not decide any more: what is shown in Slack is what is done, so others can still say theirs."""

from pathlib import Path

from tests.doors.slack.kit import ADA, ALL, BEN, Office, office, site, words
from tests.service.kit import ahead
from tests.twins.slack.client import SlackTwin
from tests.twins.slack.people import Person

A_DAY = 86_400.0
PREPARED = "close: {merge: when-due, lead: 2 days}"


def is_offered(there: Office, person: Person) -> bool:
    """Whether the board offers somebody to approve; the last tick is over."""
    there.service.wait_for(lambda: there.service.site("agency")["running_for"] is None)
    return "do:approve" in str(person.command("/posting", "").json()["blocks"])


def test_once_the_right_is_gone_the_board_offers_others_to_approve(tmp_path: Path, twin: SlackTwin):
    jobs = site(tmp_path / "agency", twin)
    jobs.config.write_text(jobs.config.read_text().replace("close: {merge: auto}", PREPARED))
    jobs.write("baker", state="open", closes=ahead(A_DAY))
    with office(tmp_path, twin, jobs) as there:
        ada, ben = there.person(ADA), there.person(BEN, real_name="Ben Baker")
        assert is_offered(there, ada)
        ben.command("/posting", "approve baker")
        ben.submit(there.view(ben, "form"))
        there.service.wait_for(lambda: not is_offered(there, ada))
    only_ada = f"roles:\n  - {{who: {ADA}, may: everything}}\n"
    jobs.config.write_text(jobs.config.read_text().replace(ALL, only_ada))
    with office(tmp_path, twin, jobs) as there:
        ada = there.person(ADA)
        assert is_offered(there, ada)
        ada.command("/posting", "approve baker")
        assert "Your approval is noted." in words(ada.submit(there.view(ada, "form")).json())
        there.service.wait_for(lambda: not is_offered(there, ada))
