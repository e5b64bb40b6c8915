"""The GitHub host over real HTTP: the stories of every host, and what only GitHub can show."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path as Folder

import pytest

from postbot.core.site import ChangeSet, Path, Pull, PullStatus, Snapshot, Standing
from postbot.hosts import HostError, Refused
from postbot.hosts.github.api import Api, Token
from postbot.hosts.github.host import GitHubHost, Habits
from postbot.ledger import LedgerError
from tests.contract.hosts import BAKER, BRANCH, CLOSED, LATER, NOON, OPEN, HostStories, Site
from tests.contract.test_hosts import GitForge, make_bare
from tests.twins.github.client import Twin


class GitHubForge(GitForge):
    """People who push with git and click on GitHub's pages."""

    def __init__(self, repo: Folder, twin: Twin) -> None:
        super().__init__(repo)
        self.twin = twin

    def reject(self, pull: Pull) -> None:
        self.twin.close(pull.number, comment="not yet", by="ann")


class Clocked:
    """The host, with GitHub's clock at the instant that the story gives to each act."""

    def __init__(self, host: GitHubHost, twin: Twin) -> None:
        self.host, self.twin = host, twin

    def guard(self, demand: Callable[[], None]) -> None:
        self.host.guard(demand)

    def look(self, previous: Snapshot | None = None) -> Snapshot:
        return self.host.look(previous)

    def read(self, path: Path) -> bytes | None:
        return self.host.read(path)

    def propose(self, change: ChangeSet, now: datetime) -> Pull:
        self.twin.set_clock(now)
        return self.host.propose(change, now)

    def merge(self, pull: Pull, now: datetime) -> None:
        self.twin.set_clock(now)
        self.host.merge(pull, now)

    def withdraw(self, pull: Pull, reason: str, now: datetime) -> None:
        self.twin.set_clock(now)
        self.host.withdraw(pull, reason, now)

    def tidy(self, pull: Pull, now: datetime) -> None:
        self.twin.set_clock(now)
        self.host.tidy(pull, now)

    def note(self, pull: Pull, standing: Standing, now: datetime) -> None:
        self.twin.set_clock(now)
        self.host.note(pull, standing, now)


@pytest.fixture(scope="module")
def twin_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    repo = tmp_path_factory.mktemp("twin") / "first.git"
    make_bare(repo)
    with Twin.start(repo) as twin:
        yield twin


@pytest.fixture
def twin(twin_process: Twin, tmp_path: Folder) -> Twin:
    make_bare(tmp_path / "site.git")
    twin_process.reset(tmp_path / "site.git")
    twin_process.set_clock(NOON - timedelta(days=1))
    return twin_process


def host_of(twin: Twin, **habits: object) -> GitHubHost:
    api = Api(twin.repo, Token(twin.token), twin.url, pace=timedelta(0))
    return GitHubHost(api, folders=("jobs",), habits=Habits(**habits))


@pytest.fixture
def site(twin: Twin, tmp_path: Folder) -> Site:
    return Site(Clocked(host_of(twin, verdicts=True), twin), GitHubForge(tmp_path / "site.git", twin))


class TestGitHubHost(HostStories):
    """Every story, over HTTP."""


@pytest.mark.parametrize("writes", range(4))
def test_whose_work_another_one_may_have_taken_over_sends_not_one_write_more(twin: Twin, site: Site, writes: int):
    """As a replica that was stopped between two requests, while another one opened, merged and tidied the very same."""
    left = iter(range(writes))

    def demand() -> None:
        if next(left, None) is None:
            raise LedgerError("Another postbot may have taken over.")

    site.host.guard(demand)
    begun = len(twin.effects())
    with pytest.raises(LedgerError):
        site.host.propose(site.closing(), NOON)
    assert len(twin.effects()) - begun == writes
    assert twin.effects("pull-opened") == []


def test_an_approval_by_somebody_who_may_not_write_counts_for_nothing(twin: Twin, site: Site):
    pull = site.host.propose(site.closing(), NOON)
    twin.people("mallory", collaborator=False)
    twin.review(pull.number, by="mallory")
    assert site.pull().approved_by == ()
    twin.review(pull.number, by="ann")
    assert site.pull().approved_by == ("ann",)


def test_where_there_are_no_drafts_a_pull_request_is_opened_all_the_same(twin: Twin, site: Site):
    twin.repository(drafts=False)
    made = site.host.propose(replace(site.closing(), draft=True), NOON)
    assert (made.draft, made) == (False, site.pull())
    assert len(twin.effects("pull-opened")) == 1


def test_a_branch_that_may_not_be_deleted_is_a_refusal_and_no_deed(twin: Twin, site: Site):
    pull = site.host.propose(site.closing(), NOON)
    site.forge.merge(BRANCH)
    merged = site.pull()
    twin.fault("403-forbidden", "POST graphql UpdateRefs")
    with pytest.raises(HostError):
        site.host.tidy(merged, LATER)
    assert site.pull().head == pull.head


def test_who_asks_for_changes_is_heard_whoever_else_approves(twin: Twin, site: Site):
    pull = site.host.propose(site.closing(), NOON)
    twin.review(pull.number, by="ann")
    twin.review(pull.number, "request_changes", "Not this week.", by="bo")
    assert site.pull().blocked == "bo has asked for changes."
    with pytest.raises(Refused, match="bo has asked for changes"):
        site.host.merge(site.pull(), LATER)
    twin.review(pull.number, by="bo")
    site.host.merge(site.pull(), LATER)
    assert site.forge.read(BAKER) == CLOSED


def test_a_file_that_has_not_moved_is_read_by_one_question_that_costs_nothing(twin: Twin, site: Site):
    site.forge.commit({"a.yaml": b"ask: [1 day]\n"})
    assert site.host.read(Path("a.yaml")) == b"ask: [1 day]\n"
    twin.reset_requests()
    assert site.host.read(Path("a.yaml")) == b"ask: [1 day]\n"
    assert twin.requests() == [("GET", "GET git/ref", 304)]


def test_a_comment_whose_answer_was_lost_is_not_written_a_second_time(twin: Twin, site: Site):
    pull = site.host.propose(site.closing(), NOON)
    twin.fault("drop", "POST comments", when="after")
    with suppress(HostError):
        site.host.note(pull, Standing("It waits."), LATER)
    assert len(twin.effects("comment")) == 1


def withdrawn(twin: Twin, site: Site) -> Pull:
    """A pull request that was taken back, and its branch with it; nothing has been asked of GitHub since."""
    first = site.host.propose(site.closing(), NOON)
    site.host.withdraw(site.pull(), "Put off.", NOON)
    assert site.pull().head == ""
    return first


def test_what_was_taken_back_is_opened_again_with_the_commit_that_it_had(twin: Twin, site: Site):
    first = withdrawn(twin, site)
    site.forge.commit({"jobs/miller.md": b"theirs"})
    change = site.closing()
    twin.reset_requests()
    again = site.host.propose(change, LATER)
    assert (again.number, again.head) == (first.number, first.head)
    assert not [route for route in twin.routes() if "git/commits" in route]
    assert (site.pull().status, site.pull().stale) == (PullStatus.OPEN, False)


def test_what_was_taken_back_and_whose_own_lines_have_changed_since_is_made_anew_at_the_next_look(
    twin: Twin, site: Site
):
    first = withdrawn(twin, site)
    theirs = OPEN.replace(b"open", b"paused")
    site.forge.commit({BAKER: theirs})
    change = site.closing(before=theirs)
    site.host.propose(change, LATER)
    assert (site.pull().number, site.pull().stale) == (first.number, True)
    site.host.propose(change, LATER)
    assert not site.pull().stale
    site.host.merge(site.pull(), LATER)
    assert site.forge.read(BAKER) == CLOSED


def test_what_people_have_added_to_is_theirs_and_not_stale(twin: Twin, site: Site):
    site.host.propose(site.closing(), NOON)
    twin.push(BRANCH, {str(BAKER): CLOSED.decode() + "More.\n"}, by="ann")
    site.forge.commit({BAKER: OPEN.replace(b"open", b"paused")})
    assert (site.pull().untouched, site.pull().stale) == (False, False)
