"""The whole way, once: HR asks in Slack, GitHub carries it, the public page shows it, the list and the thread hear of it.

The service is the real process; Slack, GitHub, the mail server and the public page are far ends on loopback. What came
of it is read from them alone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.contract.test_email import USER
from tests.doors.slack.kit import ADA, BEN, Office, office, site, words
from tests.service.kit import Site
from tests.stories.test_live import PAGE, serving
from tests.twins.github.client import Twin
from tests.twins.slack.client import SlackTwin
from tests.twins.slack.people import Person
from tests.twins.smtp.client import SmtpTwin
from tests.world import READY, git

KEPT = ("GitHub",)
TEAM, LIST = "C0TEAM", "openings@lists.example.org"
CLOSES = "2098-03-20T23:59:00Z"
SLUG, APPLY = "baker", "https://apply.example.gov/baker"
ROUTES = f"""\
  - {{to: "email:{LIST}", hear: public}}
  - {{to: "slack:{TEAM}", hear: progress}}
  - {{to: "folder:hr@agency.example", hear: staff}}
"""
MORE = """\
email: {{server: 127.0.0.1, port: {port}, security: none, username: {user}, sender: Agency jobs <jobs@agency.example>}}
approval: {{two_people: true, people: {{"U0ADALOVE": ada-l, "U0BENBAKER": ben-b}}}}
announce: live
public:
  url: {page}
  shows: {{upcoming: "upcoming {{closes}}", open: "open {{closes}}", closed: "closed {{closes}}"}}
"""


class Built(dict[str, str]):
    """The pages of the public site, built from the base branch whenever somebody asks."""

    def __init__(self, jobs: Site) -> None:
        self._jobs = jobs

    def get(self, path: str, other: str | None = None) -> str | None:  # type: ignore[override] # all that the server of pages asks of a dict
        """The one posting's page; any other is not there."""
        if path != f"/jobs/{SLUG}/":
            return other
        text = git(self._jobs.bare, "show", f"main:jobs/{SLUG}.md")
        return PAGE.format(**dict(re.findall(r"(?m)^(title|state|closes): (.*)$", text)))


@dataclass
class Ends:
    """A service and its far ends, and the two people who work by it."""

    there: Office
    slack: SlackTwin
    github: Twin
    post: SmtpTwin
    jobs: Site
    ada: Person
    ben: Person

    def asks(self, words_typed: str, given: dict[str, dict[str, str]]) -> None:
        """Ada types a command, fills in the form, and confirms."""
        assert self.ada.command("/posting", words_typed).body == ""
        assert "Filed." in words(self.there.confirm(self.ada, given).json())

    def approves(self, person: Person, number: int) -> str:
        """Somebody presses the button of the team's card for a pull request, and confirms; what they are told."""
        [card] = [each for each in self.cards() if f"pull request #{number}" in words(each)]
        person.click(card, "do:approve")
        return words(person.submit(self.there.view(person, "form")).json())

    def cards(self) -> list[dict[str, Any]]:
        """The team's cards, without what was said in their threads."""
        return [each for each in self.slack.messages(TEAM) if each.get("thread_ts", each["ts"]) == each["ts"]]

    def thread(self, card: dict[str, Any]) -> str:
        """What was said below a card."""
        said = [each for each in self.slack.messages(TEAM) if each.get("thread_ts") == card["ts"] != each["ts"]]
        return "\n".join(map(words, said))

    def told(self) -> list[str]:
        """What the list was told."""
        return [str(taken.mail["Subject"]) for taken in self.post.accepted() if taken.recipients == (LIST,)]

    def through(self, number: int) -> str:
        """Wait until a pull request has gone all the way; what was said in the thread of its card."""
        [card] = [each for each in self.cards() if f"pull request #{number}" in words(each)]
        self.there.service.wait_for(lambda: "Announced to" in self.thread(card))
        return self.thread(card)

    def seconded(self, number: int) -> None:
        """Ada's own approval changes nothing; Ben's lets it be merged."""
        self.there.service.wait_for(lambda: len(self.cards()) == number)
        before = self.jobs.state(SLUG)
        [card] = [each for each in self.cards() if f"pull request #{number}" in words(each)]
        self.ada.click(card, "do:approve")
        self.there.service.wait_for(
            lambda: any("You have asked for this yourself" in words(each) for each in self.ada.heard())
        )
        self.there.service.ticked("agency", 2)
        assert (self.jobs.state(SLUG), len(self.github.effects("merged"))) == (before, number - 1)
        assert "Your approval is noted." in self.approves(self.ben, number)


@pytest.fixture
def ends(tmp_path: Path, github: Twin, slack: SlackTwin, post: SmtpTwin) -> Iterator[Ends]:
    slack.channel(TEAM)
    text = READY.format(slug=SLUG, title="Baker", state="upcoming", opens="TBD", closes=CLOSES)
    with serving() as page:
        more = MORE.format(port=post.port, user=USER, page=page.url)
        jobs = site(tmp_path / "agency", slack, twin=github, routes=ROUTES, more=more)
        jobs.config.write_text(jobs.config.read_text().replace("merge: auto", "merge: when-due"))
        jobs.commit(**{f"jobs/{SLUG}.md": re.sub("(?m)^apply_url: .*$", "# apply_url: APPLICATION URL", text)})
        page.pages = Built(jobs)
        with office(tmp_path, slack, jobs, heartbeat="1 second") as there:
            ada, ben = there.person(ADA, real_name="Ada Lovelace"), there.person(BEN, real_name="Ben Baker")
            yield Ends(there, slack, github, post, jobs, ada, ben)


STEPS = ("Approved by ben-b.", "The public page shows it.", "Merged by postbot.", "Announced to")


def test_a_posting_goes_from_a_command_in_slack_to_the_list_and_back_to_closed(ends: Ends) -> None:
    ends.asks(f"open {SLUG}", {"field:apply_url": {"value": APPLY}})
    ends.seconded(1)
    opened = ends.through(1)
    assert [step for step in STEPS if step not in opened] == []
    assert ends.told() == ["Baker: now open"]
    text = git(ends.jobs.bare, "show", f"main:jobs/{SLUG}.md")
    assert {"state: open", "series: '0301'", f"apply_url: {APPLY}", f"closes: {CLOSES}"} <= set(text.splitlines())

    ends.asks(f"close {SLUG}", {"reason": {"value": "0"}})
    ends.seconded(2)
    closed = ends.through(2)
    assert [step for step in STEPS if step not in closed] == []
    assert ends.told() == ["Baker: now open", "Baker: closed early"]
    after = git(ends.jobs.bare, "show", f"main:jobs/{SLUG}.md")
    changed = set(text.splitlines()) ^ set(after.splitlines())
    assert {"state: open", "state: closed"} <= changed

    assert len(ends.github.effects("pull-opened")) == len(ends.github.effects("merged")) == len(ends.cards()) == 2
    answers = [words(each) for each in ends.slack.messages(f"D{ADA[1:]}")]
    assert ["to open: done" in answers[0], "to close: done" in answers[1], len(answers)] == [True, True, 2]
