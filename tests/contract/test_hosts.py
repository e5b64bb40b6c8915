"""The plain git host: the stories of every host, and what only a local repository can show."""

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path as Folder

import pytest

from postbot.core.problem import Severity
from postbot.core.site import Path, Pull, PullStatus
from postbot.hosts.local import HostError, LocalHost, Refused
from tests.contract.hosts import BAKER, BRANCH, CLOSED, LATER, MILLER, NOON, OPEN, HostStories, Site

GIT = shutil.which("git") or "git"
PERSON = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.org", "GIT_COMMITTER_NAME": "Ann"}
PERSON |= {"GIT_COMMITTER_EMAIL": "ann@example.org", "GIT_CONFIG_GLOBAL": "/dev/null"}


class GitForge:
    """People with git at hand. It writes history as a push would, so a checkout's files stay as they were."""

    def __init__(self, repo: Folder) -> None:
        self.repo = repo

    def git(self, *args: str | bytes, stdin: bytes = b"") -> bytes:
        own = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        done = subprocess.run(
            [GIT, "-C", self.repo, *args], input=stdin, capture_output=True, env=own | PERSON, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def commit(self, files: Mapping[str, bytes | None], branch: str = "main") -> str:
        return self.commit_raw({path.encode(): data for path, data in files.items()}, branch)

    def commit_raw(self, files: Mapping[bytes, bytes | None], branch: str = "main", mode: bytes = b"100644") -> str:
        parent = f"refs/heads/{branch}"
        if branch not in self.branches():
            parent = "refs/heads/main"
        has_parent = "main" in self.branches()
        stream = (
            b"commit refs/heads/%b\ncommitter Ann <ann@example.org> 1700000000 +0000\ndata 4\nwork\n" % branch.encode()
        )
        stream += b"from %b^0\n" % parent.encode() if has_parent else b""
        for path, data in files.items():
            name = b'"%b"' % path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
            stream += b"D %b\n" % name if data is None else _put(mode, name, data)
        self.git("fast-import", "--quiet", "--force", stdin=stream + b"done\n")
        return self.git("rev-parse", f"refs/heads/{branch}").decode().strip()

    def read(self, path: str, ref: str = "main") -> bytes:
        return self.git("cat-file", "blob", f"refs/heads/{ref}:{path}")

    def merge(self, branch: str) -> None:
        tree = self.git("rev-parse", f"{branch}^{{tree}}").decode().strip()
        commit = self.git("commit-tree", tree, "-p", "main", "-p", branch, "-m", "merge").decode().strip()
        self.git("update-ref", "refs/heads/main", commit)

    def reject(self, pull: Pull) -> None:
        LocalHost(self.repo).reject(pull.number, "ann", "not yet", LATER)

    def delete(self, branch: str) -> None:
        self.git("update-ref", "-d", f"refs/heads/{branch}")

    def branches(self) -> set[str]:
        return set(self.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/").decode().split("\n")) - {""}


def _put(mode: bytes, name: bytes, data: bytes) -> bytes:
    if mode == b"160000":
        return b"M 160000 %b %b\n" % (data, name)
    return b"M %b inline %b\ndata %d\n%b\n" % (mode, name, len(data), data)


def make_bare(repo: Folder, *, bare: bool = True) -> GitForge:
    subprocess.run([GIT, "init", "-q", *(["--bare"] if bare else []), repo], check=True, env=os.environ | PERSON)
    forge = GitForge(repo)
    forge.git("symbolic-ref", "HEAD", "refs/heads/main")
    forge.commit({BAKER: OPEN, MILLER: b"---\r\n---\r\nFlour", "README.txt": b"A site.\n"})
    return forge


def make_site(repo: Folder, *, bare: bool) -> Site:
    forge = make_bare(repo, bare=bare)
    if not bare:
        forge.git("reset", "-q", "--hard")
    return Site(LocalHost(repo, folders=("jobs",)), forge)


@pytest.fixture(params=["bare", "checkout"])
def site(request: pytest.FixtureRequest, tmp_path: Folder) -> Site:
    return make_site(tmp_path / "site", bare=request.param == "bare")


@pytest.fixture
def bare(tmp_path: Folder) -> Site:
    return make_site(tmp_path / "site", bare=True)


@pytest.fixture
def checkout(tmp_path: Folder) -> Site:
    return make_site(tmp_path / "site", bare=False)


class TestLocalHost(HostStories):
    """Every story, on a bare repository and on a checkout."""


# What is read


@pytest.mark.parametrize(
    ("mode", "data", "code"),
    [
        (b"120000", b"/etc/passwd", "file-symlink"),
        (b"160000", b"1" * 40, "file-submodule"),
        (
            b"100644",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
            "file-lfs-pointer",
        ),
        (b"100644", b"x" * ((1 << 20) + 1), "file-too-large"),
    ],
)
def test_what_is_no_plain_file_is_a_problem_and_stops_no_other(bare: Site, mode: bytes, data: bytes, code: str):
    bare.forge.commit_raw({b"jobs/odd.md": data}, mode=mode)
    seen = bare.host.look()
    (problem,) = seen.problems
    assert (problem.path, problem.line, problem.column, problem.code) == ("jobs/odd.md", 1, 1, code)
    assert problem.severity is Severity.ERROR
    assert set(seen.files) == {BAKER, MILLER}


def test_a_file_of_exactly_one_mebibyte_is_read(bare: Site):
    bare.forge.commit({"jobs/long.md": b"x" * (1 << 20)})
    assert len(bare.host.look().files[Path("jobs/long.md")].data) == 1 << 20


def test_a_linked_folder_is_noted_since_it_may_hide_postings(bare: Site):
    bare.forge.commit_raw({b"jobs/old": b"../archive"}, mode=b"120000")
    assert [(problem.code, problem.severity) for problem in bare.host.look().problems] == [
        ("file-symlink", Severity.NOTE)
    ]


def test_a_name_that_is_not_utf8_is_a_problem(bare: Site):
    bare.forge.commit_raw({b"jobs/caf\xe9.md": OPEN})
    assert [(problem.path, problem.code) for problem in bare.host.look().problems] == [
        ("jobs/caf\\xe9.md", "file-name-not-utf8")
    ]


@pytest.mark.parametrize("twin", ["jobs/Baker.md", "jobs/BAKER.MD"])
def test_names_that_differ_only_by_case_clash(bare: Site, twin: str):
    bare.forge.commit({twin: OPEN})
    (problem,) = bare.host.look().problems
    assert (problem.code, problem.severity) == ("file-name-clash", Severity.WARNING)
    assert set(bare.host.look().files) == {BAKER, MILLER, twin}


def test_names_that_differ_only_by_normal_form_clash(bare: Site):
    bare.forge.commit({"jobs/caf\u00e9.md": OPEN, "jobs/cafe\u0301.md": OPEN})
    assert [problem.code for problem in bare.host.look().problems] == ["file-name-clash"]


def test_only_markdown_in_the_named_folders_is_read(bare: Site):
    bare.forge.commit({"jobs/deep/a.markdown": OPEN, "jobs/a.html": OPEN, "jobsite/b.md": OPEN, "c.md": OPEN})
    assert set(bare.host.look().files) == {BAKER, MILLER, "jobs/deep/a.markdown"}
    assert "c.md" in LocalHost(bare.forge.repo).look().files
    assert "c.md" in LocalHost(bare.forge.repo, folders=("",)).look().files


def test_an_unchanged_look_runs_one_git_process_and_reads_nothing(bare: Site, counted: "Counted"):
    bare.host.propose(bare.closing(), NOON)
    seen = bare.host.look()
    calls = counted.calls()
    assert bare.host.look(seen) is seen
    assert counted.calls() == calls + 1


def test_a_look_reads_only_blobs_that_are_new(bare: Site, counted: "Counted"):
    seen = bare.host.look()
    bare.forge.commit({f"jobs/{number}.md": b"%d" % number for number in range(30)})
    calls = counted.calls()
    bare.host.look(seen)
    assert counted.calls() == calls + 3  # refs, names, bytes


# What is written


@pytest.mark.parametrize("mode", [b"100755", b"100644"])
def test_the_mode_of_a_file_is_kept(bare: Site, mode: bytes):
    bare.forge.commit_raw({b"jobs/run.md": OPEN}, mode=mode)
    bare.host.merge(bare.host.propose(bare.closing("jobs/run.md"), NOON), LATER)
    assert bare.forge.git("ls-tree", "main", "jobs/run.md").split()[0] == mode


def test_a_link_is_never_replaced_by_a_file(bare: Site):
    bare.forge.commit_raw({b"jobs/link.md": b"baker.md"}, mode=b"120000")
    with pytest.raises(Refused):
        bare.host.propose(bare.closing("jobs/link.md", before=b"baker.md"), NOON)


def test_the_commit_is_one_on_top_of_base_with_the_given_message(bare: Site):
    change = bare.closing()
    bare.forge.commit({"README.txt": b"moved on"})
    pull = bare.host.propose(change, NOON)
    base = bare.host.look().commit
    shown = bare.forge.git("show", "-s", "--format=%P|%an|%ae|%at|%B", pull.head).decode()
    assert shown.strip() == f"{base}|postbot|postbot@localhost|{int(NOON.timestamp())}|{change.message}".strip()
    assert bare.forge.git("diff", "--name-only", base, pull.head).decode().split() == [BAKER]


def test_the_merge_commit_names_the_pull_and_who_approved(bare: Site):
    pull = bare.host.propose(replace(bare.closing(), title="Close\nEvil: trailer"), NOON)
    bare.host.approve(pull.number, "ann", NOON)
    bare.host.approve(pull.number, "ann", NOON)
    assert bare.pull().approved_by == ("ann",)
    bare.host.merge_by_hand(pull.number, "bo", LATER)
    shown = bare.forge.git("show", "-s", "--format=%P|%B", "main").decode()
    trailers = "Postbot-Pull: 1\nMerged-By: bo\nApproved-By: ann"
    assert shown.split("|")[1].strip() == f"Merge pull request #1: Close Evil: trailer\n\n{trailers}"
    assert shown.split("|")[0].split()[1] == pull.head


def test_an_approval_is_for_the_bytes_it_was_given_for(bare: Site):
    pull = bare.host.propose(bare.closing(), NOON)
    bare.host.approve(pull.number, "ann", NOON)
    assert bare.host.propose(replace(bare.closing(), body="words"), NOON).approved_by == ("ann",)
    assert bare.host.propose(bare.closing(after=b"other"), NOON).approved_by == ()


def test_a_person_may_merge_a_pull_that_people_have_added_to(bare: Site):
    pull = bare.host.propose(bare.closing(), NOON)
    bare.forge.commit({BAKER: b"better", MILLER: None, "jobs/new.md": b"new"}, BRANCH)
    bare.forge.commit({"README.txt": b"beside"})
    bare.host.merge_by_hand(pull.number, "ann", LATER)
    files = {path: file.data for path, file in bare.host.look().files.items()}
    assert files == {BAKER: b"better", "jobs/new.md": b"new"}
    assert bare.forge.read("README.txt") == b"beside"
    assert bare.pull().closed_by == "ann"


def test_the_record_is_a_history_that_git_can_show(bare: Site):
    pull = bare.host.propose(bare.closing(), NOON)
    bare.host.approve(pull.number, "ann", NOON)
    bare.host.reject(pull.number, "bo", "no", LATER)
    log = bare.forge.git("log", "--format=%s", "refs/postbot/pulls/1").decode().splitlines()
    assert log == ["Rejected by bo", "Approved by ann", "Opened"]
    record = json.loads(bare.forge.git("show", "refs/postbot/pulls/1:pull.json"))
    assert (record["status"], record["closed_by"], record["reason"]) == ("rejected", "bo", "no")


@pytest.mark.parametrize("act", ["propose", "merge", "withdraw", "reject", "approve", "look"])
def test_no_verb_touches_working_tree_index_head_or_config(
    checkout: Site, act: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Folder
):
    repo = checkout.forge.repo
    (repo / BAKER).write_bytes(b"half-written")
    (repo / "staged.md").write_bytes(b"staged")
    checkout.forge.git("add", "staged.md")
    hook = repo / ".git/hooks/reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    hook.chmod(0o755)
    monkeypatch.setenv("GIT_INDEX_FILE", str(repo / ".git/index"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    if act != "propose":
        pull = checkout.host.propose(checkout.closing(), NOON)
    acts: dict[str, Callable[[], object]] = {
        "propose": lambda: checkout.host.propose(checkout.closing(), NOON),
        "merge": lambda: checkout.host.merge(pull, LATER),
        "withdraw": lambda: checkout.host.withdraw(pull, "why", LATER),
        "reject": lambda: checkout.host.reject(pull.number, "ann", "why", LATER),
        "approve": lambda: checkout.host.approve(pull.number, "ann", LATER),
        "look": checkout.host.look,
    }
    before = fingerprint(repo)
    acts[act]()
    assert fingerprint(repo) == before
    assert not (tmp_path / "hooked").exists()


def fingerprint(repo: Folder) -> dict[str, str]:
    """Hash every file of the working tree and what of `.git` belongs to the user."""
    inside = [repo / ".git" / name for name in ("index", "HEAD", "config")]
    outside = [path for path in repo.rglob("*") if ".git" not in path.parts and path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in [*inside, *outside]}


def test_a_checkout_behind_our_merges_catches_up_with_local_work_kept(checkout: Site):
    repo = checkout.forge.repo
    assert checkout.host.behind_checkout() is None
    checkout.host.merge(checkout.host.propose(checkout.closing(), NOON), NOON)
    other = checkout.closing(MILLER, b"---\r\n---\r\nFlour", b"new flour", "postbot/close/miller-1")
    checkout.host.merge(checkout.host.propose(other, LATER), LATER)
    (repo / "README.txt").write_bytes(b"mine")
    (repo / "staged.md").write_bytes(b"staged")
    checkout.forge.git("add", "staged.md")
    sentence = checkout.host.behind_checkout()
    assert sentence is not None
    assert (repo / BAKER).read_bytes() == OPEN
    subprocess.run(sentence.rpartition("run: ")[2], shell=True, check=True)  # noqa: S602 - as a person would paste it
    assert ((repo / BAKER).read_bytes(), (repo / MILLER).read_bytes()) == (CLOSED, b"new flour")
    assert checkout.forge.git("status", "--porcelain").decode().splitlines() == [
        " M README.txt",
        "A  staged.md",
    ]
    assert checkout.host.behind_checkout() is None


def test_only_the_merge_not_yet_caught_up_with_is_named(checkout: Site):
    checkout.host.merge(checkout.host.propose(checkout.closing(), NOON), NOON)
    checkout.forge.git("reset", "-q", "--hard")
    middle = checkout.host.look().commit
    other = checkout.closing(MILLER, b"---\r\n---\r\nFlour", b"new flour", "postbot/close/miller-1")
    checkout.host.merge(checkout.host.propose(other, LATER), LATER)
    assert f"-u {middle} HEAD" in (checkout.host.behind_checkout() or "")


def test_a_bare_repository_is_never_behind(bare: Site):
    bare.host.merge(bare.host.propose(bare.closing(), NOON), NOON)
    assert bare.host.behind_checkout() is None


def test_a_branch_of_ours_that_somebody_has_checked_out_is_left_under_their_feet(checkout: Site):
    pull = checkout.host.propose(checkout.closing(), NOON)
    checkout.forge.git("checkout", "-q", BRANCH)
    with pytest.raises(Refused, match="is checked out in"):
        checkout.host.propose(checkout.closing(after=b"other"), LATER)
    checkout.host.merge(pull, LATER)
    assert checkout.pull().status is PullStatus.MERGED
    assert checkout.forge.git("rev-parse", "HEAD").decode().strip() == pull.head


# What goes wrong


def test_errors_are_sentences(bare: Site, tmp_path: Folder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    (tmp_path / "plain").mkdir()
    with pytest.raises(HostError, match="is not a git repository"):
        LocalHost(tmp_path / "plain").look()
    with pytest.raises(HostError, match="There is no folder "):
        LocalHost(tmp_path / "nowhere").look()
    with pytest.raises(HostError, match="has no branch 'trunk'"):
        LocalHost(bare.forge.repo, base="trunk").look()
    with pytest.raises(HostError, match="no folder inside"):
        LocalHost(bare.forge.repo, folders=("../up",))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(HostError, match="git is not installed"):
        bare.host.look()


def test_a_lost_object_is_an_error_and_never_an_empty_site(bare: Site):
    blob = bare.host.look().files[BAKER].blob
    for pack in (bare.forge.repo / "objects/pack").glob("*"):
        pack.unlink()
    loose = bare.forge.repo / "objects" / blob[:2] / blob[2:]
    loose.unlink(missing_ok=True)
    with pytest.raises(HostError):
        LocalHost(bare.forge.repo).look()


def test_a_foreign_record_is_an_error_that_names_its_ref(bare: Site):
    blob = bare.forge.git("hash-object", "-w", "--stdin", stdin=b"{}").decode().strip()
    tree = bare.forge.git("mktree", stdin=f"100644 blob {blob}\tpull.json\n".encode()).decode().strip()
    commit = bare.forge.git("commit-tree", tree, "-m", "x").decode().strip()
    bare.forge.git("update-ref", "refs/postbot/pulls/7", commit)
    with pytest.raises(HostError, match="refs/postbot/pulls/7 does not hold"):
        bare.host.look()


def test_text_that_is_not_unicode_is_an_error(bare: Site):
    with pytest.raises(HostError, match="not Unicode"):
        bare.host.propose(replace(bare.closing(), body="\udc80"), NOON)
    assert bare.forge.branches() == {"main"}


# Kills and crowds


class Counted:
    """A `git` on the PATH that counts its calls and, at the chosen one, kills who called it."""

    def __init__(self, folder: Folder) -> None:
        self._log = folder / "calls"
        self._log.touch()
        self.deadly = folder / "deadly"
        script = folder / "git"
        script.write_text(
            f"#!/bin/sh\necho x >> '{self._log}'\n"
            f"if [ -e '{self.deadly}' ] && [ $(wc -l < '{self._log}') -gt $(cat '{self.deadly}') ]; then kill -9 $PPID; exit 1; fi\n"
            f"exec '{GIT}' \"$@\"\n"
        )
        script.chmod(0o755)

    def calls(self) -> int:
        return len(self._log.read_text().splitlines())

    def kill_after(self, calls: int) -> None:
        self._log.write_text("")
        self.deadly.write_text(str(calls))


@pytest.fixture
def counted(tmp_path: Folder, monkeypatch: pytest.MonkeyPatch) -> Counted:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return Counted(folder)


def in_a_process(act: Callable[[], object]) -> multiprocessing.process.BaseProcess:
    def quietly() -> None:
        try:
            act()
        except Refused:
            os._exit(3)

    process = multiprocessing.get_context("fork").Process(target=quietly)
    process.start()
    return process


def killed_at_every_call(act: Callable[[], object], counted: Counted, after_each: Callable[[], None]) -> int:
    """Run `act` again and again, killed one git call later each time, until it gets through; return the kills."""
    for kills in range(60):
        counted.kill_after(kills)
        process = in_a_process(act)
        process.join()
        counted.deadly.unlink()
        after_each()
        if process.exitcode == 0:
            return kills
        assert process.exitcode == -signal.SIGKILL
    raise AssertionError("it never got through")


def test_a_proposal_killed_at_any_git_call_converges(bare: Site, counted: Counted):
    change = bare.closing()

    def one_or_none():
        assert len(bare.host.look().pulls) == len(bare.forge.branches()) - 1 <= 1

    kills = killed_at_every_call(lambda: LocalHost(bare.forge.repo).propose(change, NOON), counted, one_or_none)
    assert kills > 5
    assert bare.pull().files == {BAKER: CLOSED}
    assert bare.host.propose(change, LATER) == bare.pull()


def test_a_merge_killed_at_any_git_call_converges(bare: Site, counted: Counted):
    pull = bare.host.propose(bare.closing(), NOON)

    def all_or_nothing():
        merged = bare.pull().status is PullStatus.MERGED
        assert bare.forge.read(BAKER) == (CLOSED if merged else OPEN)
        assert (BRANCH in bare.forge.branches()) is not merged

    killed_at_every_call(lambda: LocalHost(bare.forge.repo).merge(pull, LATER), counted, all_or_nothing)
    assert bare.pull().status is PullStatus.MERGED


def test_a_branch_whose_record_was_lost_is_adopted(bare: Site):
    first = bare.host.propose(bare.closing(), NOON)
    bare.forge.git("update-ref", "-d", "refs/postbot/pulls/1")
    bare.forge.commit({"README.txt": b"moved on"})
    again = bare.host.propose(bare.closing(), LATER)
    assert (again.head, again.number, bare.pull()) == (first.head, 1, again)


def test_a_branch_whose_record_was_lost_is_not_taken_for_another_change(bare: Site):
    bare.host.propose(bare.closing(), NOON)
    bare.forge.git("update-ref", "-d", "refs/postbot/pulls/1")
    with pytest.raises(Refused, match="somebody else"):
        bare.host.propose(bare.closing(after=b"other"), LATER)


def test_a_refresh_whose_record_was_lost_is_adopted(bare: Site):
    bare.host.propose(bare.closing(), NOON)
    record = bare.forge.git("rev-parse", "refs/postbot/pulls/1").decode().strip()
    second = bare.host.propose(bare.closing(after=b"other"), NOON)
    bare.forge.git("update-ref", "refs/postbot/pulls/1", record)
    assert not bare.pull().untouched
    assert bare.host.propose(bare.closing(after=b"other"), LATER).head == second.head
    assert bare.pull().untouched


def test_twenty_proposals_at_once_make_one_pull(bare: Site):
    change = bare.closing()
    crowd = [in_a_process(lambda: LocalHost(bare.forge.repo).propose(change, NOON)) for _ in range(20)]
    for process in crowd:
        process.join()
    assert [process.exitcode for process in crowd] == [0] * 20
    assert bare.pull().number == 1
    assert bare.forge.branches() == {"main", BRANCH}


def test_proposals_of_several_branches_at_once_get_a_number_each(bare: Site):
    changes = [bare.closing(branch=f"postbot/{number}") for number in range(8)]
    crowd = [in_a_process(lambda c=change: LocalHost(bare.forge.repo).propose(c, NOON)) for change in changes]
    for process in crowd:
        process.join()
    assert [pull.number for pull in bare.host.look().pulls] == list(range(1, 9))


def test_merges_at_once_all_land_whole_or_are_refused(bare: Site):
    postings = {f"jobs/{number}.md": OPEN for number in range(8)}
    bare.forge.commit(postings)
    pulls = [bare.host.propose(bare.closing(path, branch=f"postbot/{path[5:6]}"), NOON) for path in postings]
    crowd = [in_a_process(lambda p=pull: LocalHost(bare.forge.repo).merge(p, LATER)) for pull in pulls]
    for process in crowd:
        process.join()
    seen = bare.host.look()
    for path, process, pull in zip(postings, crowd, seen.pulls, strict=True):
        assert (process.exitcode == 0) is (pull.status is PullStatus.MERGED)
        assert (pull.status is PullStatus.MERGED) is (seen.files[Path(path)].data == CLOSED)
    assert any(process.exitcode == 0 for process in crowd)


def test_a_repository_with_sha256_ids_works_alike(tmp_path: Folder):
    subprocess.run([GIT, "init", "-q", "--bare", "--object-format=sha256", tmp_path / "site"], check=True)
    forge = GitForge(tmp_path / "site")
    forge.git("symbolic-ref", "HEAD", "refs/heads/main")
    forge.commit({BAKER: OPEN})
    site = Site(LocalHost(forge.repo), forge)
    site.host.merge(site.host.propose(site.closing(), NOON), LATER)
    assert (site.pull().status, forge.read(BAKER)) == (PullStatus.MERGED, CLOSED)
