"""What is on GitHub is read whole and to the byte, or not at all; and whatever moves there is seen."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path as Folder

import pytest

from postbot.core.site import LARGEST, ChangeSet, Path, Pull, PullStatus, Snapshot
from postbot.hosts import HostError
from postbot.hosts.github import Api, GitHubHost, Habits, Token
from postbot.hosts.github.api import Json, Reply
from tests.bench.requests import BOT, Large
from tests.contract.hosts import BAKER, BRANCH, CLOSED, MILLER, NOON, OPEN
from tests.contract.test_hosts import GitForge, make_bare
from tests.twins.github.client import ROOT, Twin

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
MANY = 25
"""So many files come in one archive."""
HASTE = timedelta(0)


@dataclass
class Site:
    """A repository on GitHub, and the people who work on it."""

    twin: Twin
    forge: GitForge
    folder: Folder

    def host(self, *folders: str, cache: Folder | None = None, kind: type[Api] = Api) -> GitHubHost:
        api = kind(self.twin.repo, Token(self.twin.token), self.twin.url, HASTE)
        return GitHubHost(api, folders=folders or ("jobs",), habits=Habits(), cache=cache)

    def fill(self, number: int = MANY) -> None:
        self.forge.commit({f"jobs/filler-{at}.md": b"%d\n" % at for at in range(number)})

    def closing(self, path: str = BAKER, before: bytes = OPEN, after: bytes = CLOSED) -> ChangeSet:
        return ChangeSet(
            branch=BRANCH,
            base="",
            title="Close it",
            body="Its closing date has come.",
            message="Close it\n",
            before={Path(path): before},
            after={Path(path): after},
            labels=("postbot",),
        )

    def asked(self, act: Callable[[], object]) -> list[str]:
        """The doors that an act knocks at."""
        self.twin.reset_requests()
        act()
        return [route for _, route, _ in self.twin.requests()]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    repo = tmp_path_factory.mktemp("twin") / "first.git"
    make_bare(repo)
    with Twin.start(repo) as twin:
        yield twin


@pytest.fixture
def site(process: Twin, tmp_path: Folder) -> Site:
    forge = make_bare(tmp_path / "site.git")
    process.reset(tmp_path / "site.git")
    process.set_clock(NOON - timedelta(days=1))
    return Site(process, forge, tmp_path)


def data(seen: Snapshot) -> dict[str, bytes]:
    return {str(path): file.data for path, file in seen.files.items()}


# Files ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "content", "code"),
    [
        (b"120000", b"/etc/passwd", "file-symlink"),
        (b"160000", b"1" * 40, "file-submodule"),
        (b"100644", POINTER, "file-lfs-pointer"),
        (b"100644", b"x" * (LARGEST + 1), "file-too-large"),
    ],
)
@pytest.mark.parametrize("number", [0, MANY], ids=["few", "many"])
def test_what_is_no_plain_file_is_a_problem_and_stops_no_other(
    site: Site, number: int, mode: bytes, content: bytes, code: str
):
    site.fill(number)
    site.forge.commit_raw({b"jobs/odd.md": content}, mode=mode)
    seen = site.host().look()
    assert [(problem.path, problem.code) for problem in seen.problems] == [("jobs/odd.md", code)]
    assert data(seen).keys() >= {BAKER, MILLER}
    assert len(seen.files) == 2 + number


EXACT = {
    "empty": b"",
    "a mebibyte": b"---\n" + b"x" * (LARGEST - 4),
    "no utf-8": b"---\ntitle: caf\xe9\n---\n",
    "nul": b"---\n\0\n---\n",
    "mark and crlf": b"\xef\xbb\xbf---\r\ntitle: x\r\n---\r",
    "no last line break": b"---\n---",
    "replacement": "---\ntitle: \ufffd\n---\n".encode(),
}


@pytest.mark.parametrize("number", [0, MANY], ids=["few", "many"])
def test_every_byte_is_read(site: Site, number: int):
    files = {f"jobs/{name}.md": content for name, content in EXACT.items()}
    site.fill(number)
    site.forge.commit(files)
    assert files.items() <= data(site.host().look()).items()


def test_what_is_no_utf8_is_edited_to_the_byte(site: Site):
    before, after = b"---\nstate: open\ntitle: caf\xe9\n---\n", b"---\nstate: closed\ntitle: caf\xe9\n---\n"
    site.forge.commit({BAKER: before})
    host = site.host()
    pull = host.propose(site.closing(BAKER, before, after), NOON)
    assert [row["kind"] for row in site.twin.effects("blob")] == ["blob"]
    assert site.forge.read(BAKER, BRANCH) == after
    assert host.look().pulls == (replace(pull, opened_at=host.look().pulls[0].opened_at),)
    host.merge(pull, NOON)
    assert site.forge.read(BAKER) == after


@pytest.mark.parametrize("mode", [b"100644", b"100755"])
def test_the_mode_of_a_file_is_kept(site: Site, mode: bytes):
    site.forge.commit_raw({BAKER.encode(): OPEN}, mode=mode)
    host = site.host()
    host.merge(host.propose(site.closing(), NOON), NOON)
    assert site.forge.git("ls-tree", "main", BAKER).startswith(mode)
    assert site.forge.read(BAKER) == CLOSED


NAMES = [
    "two\nlines", 'a "quote"', "caf\u00e9", "cafe\u0301", ":(top)x", "..x", "-x", "[a-z]*", "a\\b", "$(id)", "#x", "%2e", "x.lock",
    "\u202egpj", "q?x=1&y", "n" * 200,
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_posting_of_any_name_is_read_and_edited(site: Site, name: str):
    path = f"jobs/{name}.md"
    site.fill()
    site.forge.commit({path: OPEN})
    host = site.host()
    seen = host.look()
    assert (seen.problems, data(seen)[path]) == ((), OPEN)
    pull = host.propose(site.closing(path), NOON)
    assert (pull.files, host.look().pulls[0].files) == ({path: CLOSED}, {path: CLOSED})
    host.merge(pull, NOON)
    assert (site.forge.read(path), len(host.look().files)) == (CLOSED, 3 + MANY)
    assert host.look().pulls[0].status is PullStatus.MERGED


def test_a_name_that_is_not_utf8_is_a_problem_and_no_posting(site: Site):
    site.forge.commit_raw({b"jobs/caf\xe9.md": OPEN})
    seen = site.host().look()
    assert [problem.code for problem in seen.problems] == ["file-name-not-utf8"]
    assert set(seen.files) == {BAKER, MILLER}


def test_both_forms_of_one_name_clash(site: Site):
    site.forge.commit({"jobs/caf\u00e9.md": OPEN, "jobs/cafe\u0301.md": CLOSED})
    seen = site.host().look()
    assert [problem.code for problem in seen.problems] == ["file-name-clash"]
    assert len(seen.files) == 4


ATTRIBUTES = (
    b"jobs/ignored.md export-ignore\njobs/subst.md export-subst\njobs/crlf.md text eol=crlf\njobs/id.md ident\n"
)


def test_what_an_archive_leaves_out_or_alters_is_read_as_git_has_it(site: Site):
    site.fill()
    names = ("ignored", "subst", "crlf", "id")
    files = {f"jobs/{name}.md": f"---\n{name} $Id$ $Format:%H$\n---\n".encode() for name in names}
    site.forge.commit({".gitattributes": ATTRIBUTES, **files})
    host = site.host()
    asked = site.asked(host.look)
    assert files.items() <= data(host.look()).items()
    assert asked.count("GET codeload") == 1
    assert asked.count("GET git/blobs") == len(files)


def test_a_site_that_is_altered_in_every_archive_costs_no_request_for_each_file(site: Site):
    site.fill(120)
    site.forge.commit({".gitattributes": b"* text eol=crlf\n"})
    host = site.host()
    assert len(site.asked(host.look)) <= 7
    assert data(host.look())["jobs/filler-99.md"] == b"99\n"


# Folders -------------------------------------------------------------------------------------------------------------

TREE = {
    "jobs/a/b/c/deep.md": b"deep",
    "jobs/a/b/second.md": b"second",
    "jobs/a/third.md": b"third",
    "other/fourth.md": b"fourth",
    "root.md": b"root",
}


@pytest.mark.parametrize(
    ("folders", "found"),
    [
        (("jobs",), {BAKER, MILLER, *list(TREE)[:3]}),
        (("jobs/",), {BAKER, MILLER, *list(TREE)[:3]}),
        (("",), {BAKER, MILLER, *TREE}),
        (("other", "jobs/a/b"), {"other/fourth.md", *list(TREE)[:2]}),
        (("jobs", "jobs/a"), {BAKER, MILLER, *list(TREE)[:3]}),
        (("job",), set()),
        (("nowhere",), set()),
        (("nowhere", "other"), {"other/fourth.md"}),
        ((BAKER,), {BAKER}),
    ],
)
def test_the_named_folders_are_read_and_nothing_else(site: Site, folders: tuple[str, ...], found: set[str]):
    site.forge.commit(TREE)
    assert set(site.host(*folders).look().files) == found


def test_a_folder_within_a_folder_is_told_of_once(site: Site):
    site.forge.commit_raw({b"jobs/a/link.md": b"../x"}, mode=b"120000")
    assert len(site.host("jobs", "jobs/a").look().problems) == 1


def test_a_folder_that_is_a_link_is_not_followed(site: Site):
    site.forge.commit_raw({b"linked": b"jobs"}, mode=b"120000")
    seen = site.host("linked").look()
    assert ([problem.code for problem in seen.problems], seen.files) == (["file-symlink"], {})


@pytest.mark.parametrize("folder", ["../x", "jobs/../..", ".git/x", "a//b"])
def test_a_folder_outside_the_repository_is_an_error(site: Site, folder: str):
    with pytest.raises(HostError, match="is no folder inside the repository"):
        site.host(folder)


def test_the_last_posting_may_go_and_come_back(site: Site):
    host = site.host()
    host.look()
    site.forge.commit({BAKER: None, MILLER: None})
    assert host.look().files == {}
    site.forge.commit({BAKER: OPEN})
    assert data(host.look()) == {BAKER: OPEN}


def test_a_renamed_file_is_read_under_its_new_name_without_asking_for_it(site: Site):
    host = site.host()
    seen = host.look()
    site.forge.commit({BAKER: None, "jobs/cook.md": OPEN})
    asked = site.asked(lambda: host.look(seen))
    assert data(host.look()) == {"jobs/cook.md": OPEN, MILLER: data(seen)[MILLER]}
    assert "GET git/blobs" not in asked


# Listings that are cut short -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 3, 6])
def test_a_listing_that_is_cut_short_is_read_folder_by_folder(site: Site, limit: int):
    site.forge.commit(TREE)
    site.twin.settings(tree_limit=limit)
    assert set(site.host("").look().files) == {BAKER, MILLER, *TREE}


class Lossy(Api):
    """A GitHub whose listings of folders are all of one wrong kind."""

    wrong: Mapping[str, Json]

    def get(self, path: str, params: Mapping[str, str] | None = None, *, etag: str | None = None) -> Reply:
        reply = super().get(path, params, etag=etag)
        return replace(reply, data=reply.data | self.wrong) if path.startswith("/git/trees") else reply


class Cut(Lossy):
    wrong = {"truncated": True}  # noqa: RUF012 - read only


class Empty(Lossy):
    wrong = {"tree": []}  # noqa: RUF012 - read only


@pytest.mark.parametrize(("kind", "says"), [(Cut, "has more entries than GitHub lists"), (Empty, "as empty that is")])
def test_a_folder_that_is_not_listed_whole_is_an_error_and_no_smaller_site(site: Site, kind: type[Api], says: str):
    with pytest.raises(HostError, match=says):
        site.host(kind=kind).look()


class Interrupted(Api):
    """Lets somebody act right after each question, with the number of questions that were asked."""

    people: Callable[[int], object] = staticmethod(lambda _: None)
    asked = 0

    def query(self, *args: Json, **variables: Json) -> Json:
        answer = super().query(*args, **variables)
        self.asked += 1
        self.people(self.asked)
        return answer


def test_a_repository_renamed_while_it_is_read_is_an_error_and_no_smaller_site(site: Site):
    site.forge.commit(TREE)
    host = site.host(kind=Interrupted)
    assert isinstance(host.api, Interrupted)
    host.api.people = lambda _: site.twin.repository(name="elsewhere")
    with pytest.raises(HostError, match="has moved"):
        host.look()


def large(site: Site, number: int) -> Large:
    made = Large.made(site.folder / "large.git", number, number)
    site.twin.reset(made.repo)
    for at, branch in enumerate(made.heads):
        site.twin.open_pull(branch, by=BOT)
        site.twin.advance(1) if at % 7 == 0 else None
    return made


def test_a_pull_request_that_moves_while_pages_are_turned_is_not_missed(site: Site):
    made = large(site, 120)
    host = site.host(kind=Interrupted)
    assert isinstance(host.api, Interrupted)
    moving = iter([3, 4, 5])  # of the second page: what moves to the front of the first is on neither
    host.api.people = lambda asked: site.twin.comment(next(moving), "Why?") if asked in (1, 3) else None
    pulls = host.look().pulls
    assert [pull.number for pull in pulls] == list(range(1, 121))
    assert {pull.branch: next(iter(pull.files.items())) for pull in pulls} == made.heads


class Short(Api):
    """A GitHub that counts one pull request more than it ever lists."""

    def query(self, *args: Json, **variables: Json) -> Json:
        seen, reply = super().query(*args, **variables)
        listed = seen.repository.pull_requests
        more = listed.model_copy(update={"total_count": listed.total_count + 1})
        site = seen.repository.model_copy(update={"pull_requests": more})
        return seen.model_copy(update={"repository": site}), reply


def test_a_list_of_pull_requests_that_stays_cut_short_is_an_error(site: Site):
    site.twin.push("work", {BAKER: CLOSED})
    site.twin.open_pull("work")
    with pytest.raises(HostError, match="lists 1 of 2 pull requests, so its list is not believed"):
        site.host(kind=Short).look()


def test_pull_requests_that_are_not_listed_any_more_are_an_error(site: Site):
    host = site.host()
    host.propose(site.closing(), NOON)
    seen = host.look()
    site.twin.empty_lists()
    with pytest.raises(HostError, match="does not list pull request #1 any more"):
        host.look(seen)
    site.twin.heal()
    assert len(host.look(seen).pulls) == 1


def test_pull_requests_of_other_people_are_not_ours(site: Site):
    site.twin.push("postbot/close/x-0123456789", {BAKER: CLOSED})
    site.twin.open_pull("postbot/close/x-0123456789", by="ann")
    site.twin.fork_pull("postbot/close/y-0123456789", {BAKER: "closed"}, by="eve")
    assert site.host().look().pulls == ()


# The cache -----------------------------------------------------------------------------------------------------------


def _spoil(cache: Folder, content: bytes) -> None:
    for path in cache.rglob("*"):
        path.write_bytes(content) if path.is_file() else None


def _into_a_file(cache: Folder) -> None:
    shutil.rmtree(cache)
    cache.write_text("no folder")


def _into_folders(cache: Folder) -> None:
    for path in list(cache.rglob("*")):
        if path.is_file():
            path.unlink()
            path.mkdir()


SPOILT: dict[str, Callable[[Folder], None]] = {
    "deleted": shutil.rmtree,
    "empty files": lambda cache: _spoil(cache, b""),
    "other bytes": lambda cache: _spoil(cache, CLOSED),
    "no folder": _into_a_file,
    "folders for files": _into_folders,
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
@pytest.mark.parametrize("number", [0, MANY], ids=["few", "many"])
def test_a_spoilt_cache_is_never_believed_and_stops_nothing(site: Site, number: int, spoil: Callable[[Folder], None]):
    site.fill(number)
    cache = site.folder / "cache"
    host = site.host(cache=cache)
    seen = host.look()
    spoil(cache)
    assert data(site.host(cache=cache).look()) == data(seen)
    site.forge.commit({BAKER: CLOSED})
    assert data(host.look(seen)) == data(seen) | {BAKER: CLOSED}
    assert list(cache.rglob("tmp*")) == []


def test_a_cache_spares_the_files_and_leaves_nothing_half_written(site: Site):
    cache = site.folder / "cache"
    seen = site.host(cache=cache).look()
    assert not {"GET git/blobs", "GET tarball"} & set(site.asked(site.host(cache=cache).look))
    assert {path.parent.name + path.name for path in cache.rglob("*") if path.is_file()} == {
        file.blob for file in seen.files.values()
    }


LOOK = """
import sys
from pathlib import Path
from postbot.hosts.github import Api, GitHubHost, Token
repository, token, url, cache = sys.argv[1:]
seen = GitHubHost(Api(repository, Token(token), url), folders=("jobs",), cache=Path(cache)).look()
print(*sorted(f"{path} {file.data.hex()}" for path, file in seen.files.items()), sep="\\n")
"""


def test_two_processes_may_share_a_cache(site: Site):
    site.fill(100)
    words = [sys.executable, "-c", LOOK, site.twin.repo, site.twin.token, site.twin.url, str(site.folder / "cache")]
    both = [subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate()[0].split("\n")[:-1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert told == [sorted(f"{path} {content.hex()}" for path, content in data(site.host().look()).items())] * 2


# What moves is seen --------------------------------------------------------------------------------------------------


def test_pushes_of_one_and_the_same_second_are_all_seen(site: Site):
    host = site.host()
    host.propose(site.closing(), NOON)
    seen = host.look()
    for number in range(4):
        site.forge.commit({MILLER: b"%d" % number})
        seen = host.look(seen)
        assert data(seen)[MILLER] == b"%d" % number


def settled(site: Site, host: GitHubHost) -> Snapshot:
    """A look that has become so quiet that one conditional request tells so."""
    site.twin.advance(5)
    seen = host.look(host.look())
    assert host.look(seen) is seen
    assert site.asked(lambda: host.look(seen)) == ["GET pulls"]
    return seen


def only(seen: Snapshot) -> Pull:
    [pull] = seen.pulls
    return pull


def test_a_check_that_ends_without_a_push_is_seen(site: Site):
    host = site.host()
    pull = host.propose(site.closing(), NOON)
    seen = settled(site, host)
    site.twin.check(pull.head, "build", "failure")
    with pytest.raises(HostError, match="A check has not passed"):
        host.merge(pull, NOON)
    site.twin.advance(60)
    assert only(host.look(seen)).blocked == "A check has not passed."
    site.twin.check(pull.head, "build", "success")
    assert only(host.look(host.look())).blocked is None


def test_an_answer_that_nothing_moved_is_believed_for_ten_minutes(site: Site):
    host = site.host()
    pull = host.propose(site.closing(), NOON)
    seen = settled(site, host)
    site.twin.check(pull.head, "build", "failure")
    site.twin.advance(9 * 60)
    assert host.look(seen) is seen
    site.twin.advance(2 * 60)
    assert only(host.look(seen)).blocked == "A check has not passed."


def test_what_github_has_not_found_out_yet_is_asked_again(site: Site):
    host = site.host()
    pull = host.propose(site.closing(), NOON)
    site.twin.check(pull.head, "build", "failure")
    site.twin.advance(60)
    site.twin.settings(unknown_first=2)
    seen = host.look()
    assert only(seen).blocked is None
    for _ in range(2):
        seen = host.look(seen)
    assert only(seen).blocked == "A check has not passed."


@pytest.mark.parametrize("door", ["GET codeload", "GET tarball", "GET git/trees", "POST graphql Overview"])
def test_a_look_that_fails_shows_nothing_and_the_next_one_everything(site: Site, door: str):
    site.fill()
    host = site.host()
    site.twin.fault("drop", door, times=3)
    with pytest.raises(HostError):
        host.look()
    assert len(host.look().files) == 2 + MANY


def test_pull_requests_whose_branches_are_gone_cost_one_question_for_all(site: Site):
    made = large(site, 12)
    for branch in made.heads:
        site.twin.delete_branch(branch)
    made.change("jobs/other.md", b"new")
    host = site.host()
    assert site.asked(host.look).count("POST graphql Contents") == 1
    assert {pull.status for pull in host.look().pulls} == {PullStatus.REJECTED}
