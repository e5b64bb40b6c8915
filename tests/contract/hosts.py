"""The stories every host must tell the same way.

A host's test module makes a fixture `site` and inherits `HostStories`. The stories use the port's verbs and a
`Forge`: what people do to the repository behind the host's back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from postbot.core.site import ChangeSet, Path, Pull, PullStatus, Snapshot, Standing
from postbot.hosts import HostError, Refused

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)

BAKER = Path("jobs/baker.md")
MILLER = Path("jobs/miller.md")
OPEN = b"---\ntitle: Baker\nstate: open\n---\nBread.\n"
CLOSED = b"---\ntitle: Baker\nstate: closed\n---\nBread.\n"
ARCHIVED = Path("jobs/archive/baker.md")
BRANCH = "postbot/close/baker-0123456789"
STANDINGS = (
    Standing('This is late. It waits for `build`.\n\nTwo paragraphs, <b>and</b> a @name: "é".'),
    Standing("", approved=True, verdict="Approved by bo, who is not ann."),
    Standing("Words, too.", approved=False, verdict="Waits for somebody other than ann."),
    Standing(),
)


class Host(Protocol):
    def guard(self, demand: Callable[[], None]) -> None: ...
    def look(self, previous: Snapshot | None = None) -> Snapshot: ...
    def read(self, path: Path) -> bytes | None: ...
    def propose(self, change: ChangeSet, now: datetime) -> Pull: ...
    def merge(self, pull: Pull, now: datetime) -> None: ...
    def withdraw(self, pull: Pull, reason: str, now: datetime) -> None: ...
    def tidy(self, pull: Pull, now: datetime) -> None: ...
    def note(self, pull: Pull, standing: Standing, now: datetime) -> None: ...


class Forge(Protocol):
    """People at work: they commit, push, merge, close and delete without asking the bot."""

    def commit(self, files: Mapping[str, bytes | None], branch: str = "main") -> str: ...
    def commit_raw(self, files: Mapping[bytes, bytes | None], branch: str = "main", mode: bytes = b"100644") -> str: ...
    def read(self, path: str, ref: str = "main") -> bytes: ...
    def merge(self, branch: str) -> None: ...
    def reject(self, pull: Pull) -> None: ...
    def delete(self, branch: str) -> None: ...
    def branches(self) -> set[str]: ...


@dataclass
class Site:
    host: Host
    forge: Forge

    def closing(
        self, path: str = BAKER, before: bytes = OPEN, after: bytes = CLOSED, branch: str = BRANCH
    ) -> ChangeSet:
        return ChangeSet(
            branch=branch,
            base=self.host.look().commit,
            title="Close Baker",
            body="Its closing date has come.",
            message="Close Baker\n\nPostbot-Key: 0123456789\n",
            before={Path(path): before},
            after={Path(path): after},
            labels=("postbot",),
        )

    def archiving(self, after: bytes = OPEN) -> ChangeSet:
        return replace(self.closing(), after={BAKER: None, ARCHIVED: after})

    def pull(self) -> Pull:
        (pull,) = self.host.look().pulls
        return pull


class HostStories:
    def test_a_pull_request_names_the_paths_it_changes_also_once_it_has_ended(self, site: Site):
        site.host.propose(site.closing(), NOON)
        assert site.pull().paths == (BAKER,)
        site.host.withdraw(site.pull(), "not needed", NOON)
        assert (site.pull().files, site.pull().paths) == ({}, (BAKER,))

    def test_a_look_shows_each_posting_with_its_exact_bytes(self, site: Site):
        seen = site.host.look()
        assert {path: file.data for path, file in seen.files.items()} == {
            BAKER: OPEN,
            MILLER: b"---\r\n---\r\nFlour",
        }
        assert (seen.problems, seen.pulls) == ((), ())

    def test_an_unchanged_world_is_the_same_snapshot(self, site: Site):
        site.host.propose(site.closing(), NOON)
        seen = site.host.look()
        assert site.host.look(seen) is seen

    def test_a_commit_is_seen_and_untouched_files_are_kept_as_they_are(self, site: Site):
        before = site.host.look()
        site.forge.commit({MILLER: b"new"})
        after = site.host.look(before)
        assert after.files[MILLER].data == b"new"
        assert after.files[BAKER] is before.files[BAKER]

    def test_a_proposal_shows_what_a_merge_would_give(self, site: Site):
        made = site.host.propose(site.closing(), NOON)
        assert made == site.pull()
        assert (made.status, made.untouched, made.opened_at) == (PullStatus.OPEN, True, NOON)
        assert (made.title, made.body, made.labels) == (
            "Close Baker",
            "Its closing date has come.",
            ("postbot",),
        )
        assert made.files == {BAKER: CLOSED}
        assert site.forge.read(BAKER) == OPEN

    def test_proposing_twice_makes_one_pull_and_no_second_commit(self, site: Site):
        change = site.closing()
        first = site.host.propose(change, NOON)
        seen = site.host.look()
        assert site.host.propose(change, LATER) == first
        assert site.host.look(seen) is seen

    def test_a_better_proposal_refreshes_the_same_pull(self, site: Site):
        first = site.host.propose(site.closing(), NOON)
        better = replace(site.closing(after=CLOSED + b"Sold out.\n"), body="Better words.")
        second = site.host.propose(better, LATER)
        assert (second.number, second.opened_at) == (first.number, NOON)
        assert second.head != first.head
        assert site.pull() == second
        assert (second.body, second.files) == ("Better words.", {BAKER: CLOSED + b"Sold out.\n"})

    def test_new_words_alone_leave_the_commit(self, site: Site):
        first = site.host.propose(site.closing(), NOON)
        second = site.host.propose(replace(site.closing(), title="Baker closes"), LATER)
        assert (second.head, second.title) == (first.head, "Baker closes")

    def test_numbers_count_up(self, site: Site):
        first = site.host.propose(site.closing(), NOON)
        other = site.closing(MILLER, b"---\r\n---\r\nFlour", b"x", "postbot/close/miller-1111111111")
        assert site.host.propose(other, NOON).number == first.number + 1

    def test_a_new_file_may_be_proposed_but_not_over_one_that_is_there(self, site: Site):
        new = replace(site.closing("jobs/new.md"), before={})
        assert site.host.propose(new, NOON).files == {"jobs/new.md": CLOSED}
        with pytest.raises(Refused):
            site.host.propose(replace(site.closing(branch="postbot/x"), before={}), NOON)

    def test_a_merge_lands_exactly_the_proposed_bytes(self, site: Site):
        site.host.merge(site.host.propose(site.closing(), NOON), LATER)
        assert site.forge.read(BAKER) == CLOSED
        assert site.forge.read(MILLER) == b"---\r\n---\r\nFlour"
        pull = site.pull()
        assert (pull.status, pull.closed_at, pull.head, pull.files) == (PullStatus.MERGED, LATER, "", {})
        assert site.forge.branches() == {"main"}

    def test_a_merge_beside_other_peoples_work_keeps_both(self, site: Site):
        pull = site.host.propose(site.closing(), NOON)
        site.forge.commit({MILLER: b"theirs"})
        site.host.merge(pull, LATER)
        assert (site.forge.read(BAKER), site.forge.read(MILLER)) == (CLOSED, b"theirs")

    def test_a_second_merge_is_refused(self, site: Site):
        pull = site.host.propose(site.closing(), NOON)
        site.host.merge(pull, LATER)
        with pytest.raises(Refused, match="already merged"):
            site.host.merge(pull, LATER)

    def test_a_merge_is_of_what_was_looked_at_and_nothing_newer(self, site: Site):
        old = site.host.propose(site.closing(), NOON)
        site.host.propose(site.closing(after=b"newer"), NOON)
        with pytest.raises(Refused):
            site.host.merge(old, LATER)
        assert site.forge.read(BAKER) == OPEN

    def test_base_moved_on_the_same_file_stops_a_proposal_and_keeps_the_persons_bytes(self, site: Site):
        change = site.closing()
        site.forge.commit({BAKER: b"theirs"})
        with pytest.raises(Refused, match=r"jobs/baker\.md has changed"):
            site.host.propose(change, NOON)
        assert site.forge.read(BAKER) == b"theirs"
        assert site.forge.branches() == {"main"}

    @pytest.mark.parametrize("theirs", [b"theirs", None], ids=["edited", "deleted"])
    def test_base_moved_on_the_same_file_stops_a_merge(self, site: Site, theirs: bytes | None):
        pull = site.host.propose(site.closing(), NOON)
        tip = site.forge.commit({BAKER: theirs})
        with pytest.raises(Refused, match=r"jobs/baker\.md has changed"):
            site.host.merge(pull, LATER)
        assert site.host.look().commit == tip
        assert site.pull().status is PullStatus.OPEN

    def test_base_moved_on_our_own_line_makes_a_pull_stale_until_it_is_made_anew_and_merged(self, site: Site):
        first = site.host.propose(site.closing(), NOON)
        assert not site.pull().stale
        theirs = OPEN.replace(b"open", b"paused")
        site.forge.commit({BAKER: theirs})
        assert (site.pull().stale, site.pull().untouched) == (True, True)
        again = site.host.propose(site.closing(before=theirs), LATER)
        assert (again.number, again.stale, site.pull()) == (first.number, False, again)
        site.host.merge(again, LATER)
        assert site.forge.read(BAKER) == CLOSED

    def test_base_moved_on_another_file_makes_no_pull_stale(self, site: Site):
        site.host.propose(site.closing(), NOON)
        site.forge.commit({MILLER: b"theirs"})
        assert not site.pull().stale

    def test_base_moved_elsewhere_leaves_the_pull_as_it_is(self, site: Site):
        change = site.closing()
        first = site.host.propose(change, NOON)
        site.forge.commit({MILLER: b"theirs"})
        assert site.host.propose(change, LATER) == first

    def test_a_persons_commit_on_our_branch_makes_us_stop(self, site: Site):
        pull = site.host.propose(site.closing(), NOON)
        theirs = site.forge.commit({BAKER: b"better"}, BRANCH)
        seen = site.pull()
        assert (seen.head, seen.untouched, seen.files) == (theirs, False, {BAKER: b"better"})
        for act in (
            lambda: site.host.propose(site.closing(after=b"again"), LATER),
            lambda: site.host.merge(pull, LATER),
            lambda: site.host.merge(seen, LATER),
        ):
            with pytest.raises(Refused):
                act()
        assert (site.pull(), site.forge.read(BAKER)) == (seen, OPEN)

    def test_a_branch_of_the_same_name_by_a_person_is_left_alone(self, site: Site):
        theirs = site.forge.commit({BAKER: b"mine"}, BRANCH)
        with pytest.raises(Refused):
            site.host.propose(site.closing(), NOON)
        assert site.forge.commit({BAKER: b"mine too"}, BRANCH) != theirs
        assert site.host.look().pulls == ()

    def test_a_persons_no_stands(self, site: Site):
        site.forge.reject(site.host.propose(site.closing(), NOON))
        assert site.pull().status is PullStatus.REJECTED
        with pytest.raises(Refused, match="already rejected"):
            site.host.propose(site.closing(), LATER)

    def test_a_deleted_branch_is_a_no(self, site: Site):
        site.host.propose(site.closing(), NOON)
        site.forge.delete(BRANCH)
        pull = site.pull()
        assert (pull.status, pull.reason) == (PullStatus.REJECTED, "the branch was deleted")
        assert pull.closed_by in {"someone", "ann"}  # plain git does not tell who deletes a branch
        with pytest.raises(Refused, match="already rejected"):
            site.host.propose(site.closing(), LATER)

    @pytest.mark.parametrize("deleted", [True, False], ids=["branch deleted", "branch left"])
    @pytest.mark.parametrize("edited", [True, False], ids=["edited since", "as merged"])
    def test_a_squash_by_hand_is_a_merge(self, site: Site, deleted: bool, edited: bool):
        site.host.propose(site.closing(), NOON)
        site.forge.commit({BAKER: CLOSED, MILLER: b"theirs"})
        if edited:
            site.forge.commit({BAKER: b"edited later"})
        if deleted:
            site.forge.delete(BRANCH)
        assert site.pull().status is PullStatus.MERGED
        with pytest.raises(Refused):
            site.host.propose(site.closing(before=site.forge.read(BAKER), after=b"again"), LATER)

    @pytest.mark.parametrize("path", [Path(":(exclude)x.md"), Path("jobs/[a-z]*.md"), Path("jobs/two\nlines.md")])
    def test_a_squash_is_seen_under_any_name(self, site: Site, path: Path):
        site.forge.commit({path: OPEN})
        site.host.propose(site.closing(path), NOON)
        site.forge.commit({MILLER: CLOSED})
        assert site.pull().status is PullStatus.OPEN
        site.forge.commit({path: CLOSED})
        site.forge.commit({path: b"edited later"})
        assert site.pull().status is PullStatus.MERGED

    @pytest.mark.parametrize("deleted", [True, False], ids=["branch deleted", "branch left"])
    def test_a_merge_by_hand_of_our_branch_with_a_persons_commit_is_a_merge(self, site: Site, deleted: bool):
        site.host.propose(site.closing(), NOON)
        site.forge.commit({BAKER: b"better"}, BRANCH)
        site.forge.merge(BRANCH)
        if deleted:
            site.forge.delete(BRANCH)
        assert site.pull().status is PullStatus.MERGED

    def test_a_merged_pull_stays_merged_when_people_go_on_with_its_branch(self, site: Site):
        site.host.propose(site.closing(), NOON)
        site.forge.merge(BRANCH)
        site.forge.commit({BAKER: b"more"}, BRANCH)
        assert site.pull().status is PullStatus.MERGED

    def test_a_persons_branch_is_left_alone_even_when_it_makes_the_same_change(self, site: Site):
        site.forge.commit({BAKER: CLOSED}, BRANCH)
        with pytest.raises(Refused, match="somebody else"):
            site.host.propose(site.closing(), NOON)

    def test_the_same_bytes_in_another_file_are_no_merge(self, site: Site):
        site.host.propose(site.closing(), NOON)
        site.forge.commit({MILLER: CLOSED})
        assert site.pull().status is PullStatus.OPEN

    def test_a_merge_by_hand_is_a_merge_even_when_reverted_since(self, site: Site):
        site.host.propose(site.closing(), NOON)
        site.forge.merge(BRANCH)
        site.forge.commit({BAKER: OPEN})
        assert site.pull().status is PullStatus.MERGED

    def test_a_withdrawn_pull_may_be_opened_anew_under_its_number(self, site: Site):
        first = site.host.propose(site.closing(), NOON)
        site.host.withdraw(first, "it was extended", NOON)
        gone = site.pull()
        assert (gone.status, gone.reason, gone.closed_at) == (PullStatus.WITHDRAWN, "it was extended", NOON)
        assert site.forge.branches() == {"main"}
        again = site.host.propose(site.closing(), LATER)
        assert (again.number, again.status, again.opened_at) == (first.number, PullStatus.OPEN, LATER)
        assert (again.closed_at, again.reason) == (None, None)

    def test_withdrawing_leaves_a_branch_that_people_have_added_to(self, site: Site):
        pull = site.host.propose(site.closing(), NOON)
        site.forge.commit({BAKER: b"better"}, BRANCH)
        site.host.withdraw(pull, "no longer due", LATER)
        assert site.pull().status is PullStatus.WITHDRAWN
        assert site.forge.read(BAKER, BRANCH) == b"better"
        with pytest.raises(Refused):
            site.host.propose(site.closing(), LATER)

    @pytest.mark.parametrize("standing", STANDINGS, ids=["words", "a yes", "a no", "nothing"])
    def test_what_is_said_beside_a_pull_replaces_what_was_said_before(self, site: Site, standing: Standing):
        pull = site.host.propose(site.closing(), NOON)
        assert pull.standing == Standing()
        before = (None, "") if standing.approved is None else (not standing.approved, "Otherwise.")
        site.host.note(pull, Standing("Said before.", *before), NOON)
        site.host.note(site.pull(), standing, LATER)
        assert site.pull().standing == standing
        assert (site.pull().head, site.pull().body, site.pull().approved_by) == (pull.head, pull.body, ())

    def test_saying_the_same_again_changes_nothing(self, site: Site):
        pull = site.host.propose(site.closing(), NOON)
        site.host.note(pull, STANDINGS[0], NOON)
        seen = site.host.look()
        site.host.note(seen.pulls[0], STANDINGS[0], LATER)
        assert site.host.look(seen) is seen

    def test_what_is_said_outlives_new_words_of_the_pull(self, site: Site):
        site.host.note(site.host.propose(site.closing(), NOON), STANDINGS[0], NOON)
        site.host.propose(replace(site.closing(), title="Baker closes"), LATER)
        assert site.pull().standing == STANDINGS[0]

    def test_something_is_said_beside_a_branch_that_people_have_added_to_and_the_branch_is_left_alone(self, site: Site):
        pull = site.host.propose(site.closing(), NOON)
        theirs = site.forge.commit({BAKER: b"better"}, BRANCH)
        site.host.note(site.pull(), STANDINGS[0], LATER)
        assert (site.pull().standing.words, site.pull().head, pull.head != theirs) == (STANDINGS[0].words, theirs, True)

    def test_nothing_is_said_beside_a_pull_that_has_ended(self, site: Site):
        pull = site.host.propose(site.closing(), NOON)
        site.forge.reject(pull)
        with pytest.raises(Refused, match="already rejected"):
            site.host.note(pull, STANDINGS[0], LATER)

    def test_a_draft_is_shown_as_one_and_is_not_merged(self, site: Site):
        pull = site.host.propose(replace(site.closing(), draft=True), NOON)
        assert (pull.draft, site.pull()) == (True, pull)
        with pytest.raises(Refused, match="draft"):
            site.host.merge(pull, LATER)
        assert site.forge.read(BAKER) == OPEN

    @pytest.mark.parametrize("draft", [True, False], ids=["to a draft", "from a draft"])
    def test_a_refresh_makes_a_draft_ready_and_back(self, site: Site, draft: bool):
        first = site.host.propose(replace(site.closing(), draft=not draft), NOON)
        second = site.host.propose(replace(site.closing(after=CLOSED + b"Sold out.\n"), draft=draft), LATER)
        assert (second.number, second.draft, site.pull().draft) == (first.number, draft, draft)

    def test_a_persons_no_ends_where_they_asked_to_be_asked_again(self, site: Site):
        first = site.host.propose(site.closing(), NOON)
        site.forge.reject(first)
        again = site.host.propose(replace(site.closing(), again=True), LATER)
        assert (again.number, again.status, again.opened_at) == (first.number, PullStatus.OPEN, LATER)
        assert (site.pull().closed_at, site.pull().closed_by, site.pull().reason) == (None, None, None)
        site.host.merge(site.pull(), LATER)
        assert site.forge.read(BAKER) == CLOSED

    @pytest.mark.parametrize(
        "name", ["a b.md", "R&D.md", "\"q\" 'q'.md", "two\nlines.md", "é\\t$(x).md", "-rf.md", ":(top)*.md"]
    )
    def test_any_name_works_from_end_to_end(self, site: Site, name: str):
        path = Path(f"jobs/{name}")
        site.forge.commit({path: OPEN})
        site.host.merge(site.host.propose(site.closing(path), NOON), LATER)
        assert site.host.look().files[path].data == site.forge.read(path) == CLOSED
        assert site.forge.read(BAKER) == OPEN

    @pytest.mark.parametrize(
        "path", ["../x.md", "/etc/x.md", "jobs//x.md", "jobs/./x.md", ".GIT/config", "", "a\0b", "a\udc80"]
    )
    def test_a_path_cannot_leave_the_repository(self, site: Site, path: str):
        with pytest.raises(HostError, match="no path inside"):
            site.host.propose(replace(site.closing(path), before={}), NOON)

    @pytest.mark.parametrize(
        "branch", ["main", "postbot/", "postbot/a b", "postbot/a..b", "postbot/x.lock", "postbot/a\nb"]
    )
    def test_a_branch_must_be_one_of_ours(self, site: Site, branch: str):
        with pytest.raises(HostError, match="no name for a branch of ours"):
            site.host.propose(site.closing(branch=branch), NOON)

    def test_a_change_that_changes_nothing_is_an_error(self, site: Site):
        with pytest.raises(HostError, match="change nothing"):
            site.host.propose(site.closing(after=OPEN), NOON)

    def test_a_file_is_never_put_where_a_folder_stands(self, site: Site):
        with pytest.raises(Refused):
            site.host.propose(replace(site.closing("jobs"), before={}), NOON)
        assert site.forge.read(BAKER) == OPEN

    @pytest.mark.parametrize("data", [OPEN, CLOSED], ids=["as it was", "edited on the way"])
    def test_a_file_is_moved_whole_and_nothing_else_is_touched(self, site: Site, data: bytes):
        made = site.host.propose(site.archiving(data), NOON)
        assert made == site.pull()
        assert made.files == {BAKER: None, ARCHIVED: data}
        assert set(made.paths) == {BAKER, ARCHIVED}
        assert site.forge.read(BAKER) == OPEN
        assert site.host.propose(site.archiving(data), LATER) == made
        site.host.merge(made, LATER)
        assert {path: file.data for path, file in site.host.look().files.items()} == {
            ARCHIVED: data, MILLER: b"---\r\n---\r\nFlour",
        }  # fmt: skip
        assert (site.pull().status, set(site.pull().paths)) == (PullStatus.MERGED, {BAKER, ARCHIVED})

    def test_a_file_is_removed_alone(self, site: Site):
        pull = site.host.propose(replace(site.closing(), after={BAKER: None}), NOON)
        assert (pull, pull.files) == (site.pull(), {BAKER: None})
        site.host.merge(pull, LATER)
        assert set(site.host.look().files) == {MILLER}

    def test_only_the_bytes_that_were_read_are_removed(self, site: Site):
        change = site.archiving()
        site.forge.commit({BAKER: b"theirs"})
        with pytest.raises(Refused, match=r"jobs/baker\.md has changed"):
            site.host.propose(change, NOON)
        assert site.forge.read(BAKER) == b"theirs"

    def test_bytes_that_came_since_are_not_removed_by_a_merge(self, site: Site):
        pull = site.host.propose(site.archiving(), NOON)
        site.forge.commit({BAKER: b"theirs"})
        with pytest.raises(Refused, match=r"jobs/baker\.md has changed"):
            site.host.merge(pull, LATER)
        assert site.forge.read(BAKER) == b"theirs"

    def test_a_file_is_not_moved_over_another(self, site: Site):
        site.forge.commit({ARCHIVED: b"theirs"})
        with pytest.raises(Refused, match=r"jobs/archive/baker\.md has changed"):
            site.host.propose(site.archiving(), NOON)
        assert (site.forge.read(BAKER), site.forge.read(ARCHIVED)) == (OPEN, b"theirs")

    @pytest.mark.parametrize("deleted", [True, False], ids=["branch deleted", "branch left"])
    def test_a_move_squashed_by_hand_is_a_merge(self, site: Site, deleted: bool):
        site.host.propose(site.archiving(), NOON)
        site.forge.commit({BAKER: None})
        assert site.pull().status is PullStatus.OPEN
        site.forge.commit({BAKER: OPEN})
        site.forge.commit({BAKER: None, ARCHIVED: OPEN})
        if deleted:
            site.forge.delete(BRANCH)
        assert site.pull().status is PullStatus.MERGED

    def test_a_person_may_remove_a_file_on_our_branch(self, site: Site):
        site.host.propose(site.closing(), NOON)
        site.forge.commit({BAKER: None}, BRANCH)
        assert (site.pull().files, site.pull().untouched) == ({BAKER: None}, False)

    def test_the_branch_of_what_people_have_merged_is_tidied_away(self, site: Site):
        site.host.propose(site.closing(), NOON)
        site.forge.merge(BRANCH)
        pull = site.pull()
        assert (pull.status, bool(pull.head), pull.untouched) == (PullStatus.MERGED, True, True)
        site.host.tidy(pull, LATER)
        assert (site.pull().head, site.forge.branches()) == ("", {"main"})

    def test_a_merged_branch_that_people_go_on_with_is_theirs(self, site: Site):
        site.host.propose(site.closing(), NOON)
        site.forge.merge(BRANCH)
        pull = site.pull()
        site.forge.commit({BAKER: b"more"}, BRANCH)
        with pytest.raises(Refused):
            site.host.tidy(pull, LATER)
        assert (site.pull().untouched, site.forge.read(BAKER, BRANCH)) == (False, b"more")

    def test_an_empty_site_is_no_error(self, site: Site):
        site.forge.commit({BAKER: None, MILLER: None})
        assert site.host.look().files == {}

    @pytest.mark.parametrize("data", [b"ask: [2 days]\n", b"", b"\xff\0\r\n", b"x" * (1 << 20)])
    def test_a_file_is_read_as_the_tip_of_the_base_branch_has_it(self, site: Site, data: bytes):
        path = Path(".github/post bot.yaml")
        assert site.host.read(path) is None
        site.forge.commit({path: b"before"})
        assert site.host.read(path) == b"before"
        site.forge.commit({path: data})
        assert site.host.read(path) == data
        site.forge.commit({path: b"of a pull request"}, "theirs")
        assert site.host.read(path) == data
        site.forge.commit({path: None})
        assert site.host.read(path) is None

    def test_reading_a_file_leaves_the_next_look_as_it_would_be(self, site: Site):
        seen = site.host.look()
        assert site.host.read(BAKER) == OPEN
        assert site.host.look(seen) is seen

    @pytest.mark.parametrize("path", ["jobs", "jobs/none.md", "jobs/baker.md/x", "readme.txt"])
    def test_what_is_no_file_is_not_there(self, site: Site, path: str):
        assert site.host.read(Path(path)) is None

    @pytest.mark.parametrize("path", ["", "../x", "/etc/passwd", ".git/config", "a\0b"])
    def test_a_path_that_leaves_the_repository_is_not_read(self, site: Site, path: str):
        with pytest.raises(HostError, match="no path inside"):
            site.host.read(Path(path))

    def test_a_file_that_is_too_large_is_an_error_and_not_cut_short(self, site: Site):
        site.forge.commit({"large.yaml": b"x" * ((1 << 20) + 1)})
        with pytest.raises(HostError, match=r"large\.yaml on main is no plain file of at most 1 MiB"):
            site.host.read(Path("large.yaml"))

    def test_a_link_is_not_followed(self, site: Site):
        site.forge.commit_raw({b"link.yaml": b"README.txt"}, mode=b"120000")
        with pytest.raises(HostError, match=r"link\.yaml on main is no plain file"):
            site.host.read(Path("link.yaml"))
