"""What the twin promises: it allows what GitHub allows, refuses what GitHub refuses, and fails as told."""

import io
import socket
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.twins.github.asker import Asker
from tests.twins.github.client import KINDS, Twin, TwinRefused
from tests.twins.github.store import ZERO

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BRANCH = "postbot/x"


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    with Twin.start(bare(tmp_path_factory.mktemp("first") / "site.git")) as twin:
        yield twin


@pytest.fixture
def twin(process: Twin, tmp_path: Path) -> Twin:
    process.reset(bare(tmp_path / "site.git"))
    process.push("main", {"jobs/a.md": "open\n", "jobs/b.md": "b\n", "README": "A site.\n"})
    return process


@pytest.fixture
def bot(twin: Twin) -> Asker:
    return Asker(twin)


def bare(folder: Path) -> Path:
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", folder], check=True)
    return folder


def git(tmp_path: Path, *args: str) -> str:
    done = subprocess.run(["git", "-C", tmp_path / "site.git", *args], capture_output=True, check=True, text=True)
    return done.stdout.strip()


def said(reply: requests.Response) -> tuple[int, str]:
    """The status with the most telling sentence of a refusal."""
    body = reply.json()
    errors = body.get("errors") or [{}]
    told = errors[0].get("message") if isinstance(errors[0], dict) else errors[0]
    return reply.status_code, told or body["message"]


def refused(told: dict[str, Any]) -> str:
    return str(told["errors"][0]["message"])


def tip(bot: Asker, branch: str = "main") -> str:
    return str(bot.get(f"git/ref/heads/{branch}").json()["object"]["sha"])


def kinds(twin: Twin) -> list[str]:
    return [row["kind"] for row in twin.effects()]


# The life of a pull request


def test_a_request_whose_asker_dies_before_its_body_is_whole_was_never_made(twin: Twin):
    twin.reset_requests()
    at = urlsplit(twin.url)
    with socket.create_connection((at.hostname, at.port)) as line:
        line.sendall(b'PUT /repos/agency/site/pulls/1/merge HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n{"sha":')
        line.shutdown(socket.SHUT_WR)
        assert line.recv(100) == b""
    assert twin.requests() == []


def test_a_change_goes_from_a_branch_to_the_base(twin: Twin, bot: Asker, tmp_path: Path):
    number = bot.propose()
    seen = bot.get(f"pulls/{number}").json()
    assert (seen["mergeable"], seen["mergeable_state"], seen["changed_files"], seen["commits"]) == (True, "clean", 1, 1)
    done = bot.put(
        f"pulls/{number}/merge", sha=seen["head"]["sha"], merge_method="merge", commit_title="T", commit_message="M"
    )
    assert done.json()["sha"] == tip(bot) == git(tmp_path, "rev-parse", "main")
    assert git(tmp_path, "show", "main:jobs/a.md") == "closed"
    assert git(tmp_path, "log", "-1", "--format=%an|%cn|%P|%B", "main").strip().split("|")[0::3] == [
        "postbot[bot]",
        "T\n\nM",
    ]
    assert kinds(twin)[-2:] == ["ref-moved", "merged"]
    assert bot.get(f"pulls/{number}").json()["merged_by"]["login"] == "postbot[bot]"


@pytest.mark.parametrize(("method", "parents"), [("merge", 2), ("squash", 1), ("rebase", 1)])
def test_each_way_to_merge_keeps_what_others_did_meanwhile(
    twin: Twin, bot: Asker, tmp_path: Path, method: str, parents: int
):
    number = bot.propose()
    twin.push("main", {"jobs/b.md": "theirs\n"})
    assert bot.put(f"pulls/{number}/merge", merge_method=method).status_code == 200
    assert (git(tmp_path, "show", "main:jobs/a.md"), git(tmp_path, "show", "main:jobs/b.md")) == ("closed", "theirs")
    assert len(git(tmp_path, "log", "-1", "--format=%P", "main").split()) == parents


def test_both_sides_of_one_file_are_merged_line_by_line_or_conflict(twin: Twin, bot: Asker, tmp_path: Path):
    twin.push("main", {"long": "".join(f"{line}\n" for line in range(20))})
    text = git(tmp_path, "show", "main:long") + "\n"
    clean = bot.propose("postbot/clean", {"long": text.replace("18\n", "eighteen\n")})
    dirty = bot.propose("postbot/dirty", {"long": text.replace("1\n", "one\n", 1)})
    twin.push("main", {"long": text.replace("1\n", "ONE\n", 1)})
    states = {number: bot.get(f"pulls/{number}").json()["mergeable_state"] for number in (clean, dirty)}
    assert states == {clean: "clean", dirty: "dirty"}
    assert said(bot.put(f"pulls/{dirty}/merge")) == (405, "Pull Request is not mergeable")
    assert bot.put(f"pulls/{clean}/merge").status_code == 200


REFUSED_PULLS: dict[str, tuple[dict[str, Any], str]] = {
    "a second for one head": ({}, "A pull request already exists for agency:postbot/x."),
    "nothing between": ({"head": "same"}, "No commits between main and same"),
    "no such branch": ({"head": "nowhere"}, "Validation Failed"),
    "no such base": ({"base": "nowhere"}, "Validation Failed"),
    "a long title": ({"title": "x" * 257}, "title is too long (maximum is 256 characters)"),
    "a long body": ({"body": "x" * 65_537}, "body is too long (maximum is 65536 characters)"),
    "no title": ({"title": " "}, "Validation Failed"),
}


@pytest.mark.parametrize(("told", "sentence"), REFUSED_PULLS.values(), ids=REFUSED_PULLS)
def test_a_pull_request_is_refused(twin: Twin, bot: Asker, told: dict[str, Any], sentence: str):
    bot.propose()
    bot.move(("same", ZERO, tip(bot)))
    reply = bot.post("pulls", **({"title": "T", "body": "B", "head": BRANCH, "base": "main"} | told))
    assert said(reply) == (422, sentence)
    assert len(twin.pulls()) == 1


def test_a_head_without_an_owner_is_no_filter(bot: Asker):
    bot.propose()
    bot.propose("postbot/y", {"jobs/b.md": "x"})
    assert [len(bot.get(f"pulls?head={head}").json()) for head in (BRANCH, f"agency:{BRANCH}", "agency:no")] == [
        2,
        1,
        0,
    ]


def test_merging_is_refused_for_each_reason(twin: Twin, bot: Asker):
    number = bot.propose()
    assert said(bot.put(f"pulls/{number}/merge", sha=tip(bot)))[0] == 409
    twin.draft(number)
    assert said(bot.put(f"pulls/{number}/merge")) == (405, "Pull Request is still a draft")
    twin.mark_ready(number)
    twin.repository(methods=["squash"])
    assert said(bot.put(f"pulls/{number}/merge")) == (405, "Merge merges are not allowed on this repository.")
    twin.close(number)
    assert said(bot.put(f"pulls/{number}/merge", merge_method="squash")) == (405, "Pull Request is not mergeable")


def test_rules_block_until_they_are_met(twin: Twin, bot: Asker):
    number = bot.propose()
    sha = bot.get(f"pulls/{number}").json()["head"]["sha"]
    twin.rules(approvals=1, statuses=["postbot/approval", "build"])

    def state() -> str:
        return str(
            bot.repository(f"pullRequest(number: {number}) {{ mergeStateStatus }}")["pullRequest"]["mergeStateStatus"]
        )

    assert state() == "BLOCKED"
    assert said(bot.put(f"pulls/{number}/merge"))[1].startswith("At least 1 approving review")
    twin.people("eve", collaborator=False)
    twin.review(number, by="eve")
    assert said(bot.put(f"pulls/{number}/merge"))[1].startswith("At least 1 approving review")
    twin.review(number)
    assert said(bot.put(f"pulls/{number}/merge")) == (405, 'Required status check "postbot/approval" is expected.')
    assert bot.post(f"statuses/{sha}", state="success", context="postbot/approval").status_code == 201
    twin.check(sha, "build")
    assert state() == "BLOCKED"
    twin.check(sha, "build", "success")
    assert state() == "CLEAN"
    twin.status(sha, "lint", "failure")
    assert state() == "UNSTABLE"
    twin.rules(strict=True)
    twin.push("main", {"jobs/b.md": "moved on"})
    assert state() == "BEHIND"
    twin.draft(number)
    assert state() == "DRAFT"


def test_whether_it_can_be_merged_is_not_known_at_once(twin: Twin, bot: Asker):
    number = bot.propose()
    twin.settings(unknown_first=1)
    twin.push(BRANCH, {"jobs/a.md": "again"})
    seen = [bot.get(f"pulls/{number}").json()["mergeable"] for _ in range(2)]
    assert seen == [None, True]


def test_a_push_to_the_branch_is_seen_and_keeps_reviews_with_their_commit(twin: Twin, bot: Asker, tmp_path: Path):
    twin.set_clock(NOON)
    number = bot.propose()
    old = git(tmp_path, "rev-parse", BRANCH)
    twin.review(number)
    twin.advance(60)
    outside(tmp_path, BRANCH, "jobs/b.md", "theirs")
    pull = bot.repository(
        f"pullRequest(number: {number}) {{ headRefOid updatedAt files(first: 9) {{ totalCount }} "
        "latestOpinionatedReviews(first: 9) { nodes { state author { login } commit { oid } } } }"
    )["pullRequest"]
    assert (pull["headRefOid"], pull["updatedAt"]) == (git(tmp_path, "rev-parse", BRANCH), "2026-03-02T12:01:00Z")
    assert pull["files"] == {"totalCount": 2}
    (review,) = pull["latestOpinionatedReviews"]["nodes"]
    assert review == {"state": "APPROVED", "author": {"login": "ann"}, "commit": {"oid": old}}
    assert twin.effects("ref-moved")[-1]["by"] == "ann"


def outside(tmp_path: Path, branch: str, path: str, text: str, message: str = "work") -> str:
    """Commit as a person with git at hand would."""
    stream = f"commit refs/heads/{branch}\ncommitter Ann <ann@example.org> 1700000000 +0000\ndata {len(message)}\n{message}\n"
    stream += f"from refs/heads/{branch}^0\nM 644 inline {path}\ndata {len(text)}\n{text}\n"
    where = tmp_path / "site.git"
    subprocess.run(["git", "-C", where, "fast-import", "--quiet"], input=stream.encode(), check=True)
    return git(tmp_path, "rev-parse", branch)


def test_a_merge_by_hand_marks_the_pull_request_merged(twin: Twin, bot: Asker, tmp_path: Path):
    number = bot.propose()
    git(tmp_path, "update-ref", "refs/heads/main", BRANCH)
    git(tmp_path, "update-ref", "-d", f"refs/heads/{BRANCH}")
    seen = bot.get(f"pulls/{number}").json()
    assert (seen["merged"], seen["merged_by"]["login"], seen["changed_files"]) == (True, "ann", 1)


def test_a_deleted_branch_closes_its_pull_request_and_names_who_did_it(twin: Twin, bot: Asker, tmp_path: Path):
    numbers = [
        bot.propose(),
        bot.propose("postbot/y", {"jobs/b.md": "x"}),
        bot.propose("postbot/z", {"jobs/c.md": "x"}),
    ]
    bot.move((BRANCH, None, ZERO))
    twin.delete_branch("postbot/y", by="bo")
    git(tmp_path, "update-ref", "-d", "refs/heads/postbot/z")
    events = "timelineItems(last: 5, itemTypes: [CLOSED_EVENT]) { nodes { ... on ClosedEvent { actor { __typename login } } } }"
    actors = [
        bot.repository(f"pullRequest(number: {n}) {{ {events} }}")["pullRequest"]["timelineItems"]["nodes"]
        for n in numbers
    ]
    named = [nodes[0]["actor"] for nodes in actors]
    assert named == [
        {"__typename": "Bot", "login": "postbot"},
        {"__typename": "User", "login": "bo"},
        {"__typename": "User", "login": "ann"},
    ]


def test_a_pull_request_is_reopened_only_onto_what_it_was(twin: Twin, bot: Asker, tmp_path: Path):
    number = bot.propose()
    head = tip(bot, BRANCH)
    bot.move((BRANCH, head, ZERO))
    assert said(bot.amend(f"pulls/{number}", state="open")) == (
        422,
        f"state cannot be changed. The {BRANCH} branch has been deleted.",
    )
    other = bot.commit({"jobs/a.md": "other"})
    bot.move((BRANCH, ZERO, other))
    assert said(bot.amend(f"pulls/{number}", state="open")) == (
        422,
        f"state cannot be changed. The {BRANCH} branch was force-pushed or recreated.",
    )
    bot.move((BRANCH, other, head), force=True)
    assert bot.amend(f"pulls/{number}", state="open").json()["state"] == "open"
    assert kinds(twin)[-1] == "pull-reopened"


def test_a_head_pushed_back_to_base_closes_the_pull_request(bot: Asker):
    number = bot.propose()
    bot.move((BRANCH, None, tip(bot)), force=True)
    seen = bot.get(f"pulls/{number}").json()
    assert (seen["state"], seen["merged"]) == ("closed", False)


def test_a_pull_request_from_a_fork_says_so(twin: Twin, bot: Asker):
    number = twin.fork_pull(BRANCH, {"jobs/a.md": "evil"})
    pull = bot.repository(
        f"id pullRequest(number: {number}) {{ isCrossRepository headRefName headRepository {{ databaseId }} author {{ login }} }}"
    )
    assert pull["pullRequest"]["isCrossRepository"]
    assert (pull["pullRequest"]["headRefName"], pull["pullRequest"]["author"]["login"]) == (BRANCH, "eve")
    assert pull["pullRequest"]["headRepository"]["databaseId"] != bot.get("").json()["id"]
    assert [len(bot.get(f"pulls?head={owner}:{BRANCH}").json()) for owner in ("agency", "eve")] == [0, 1]
    bot.propose()


def test_drafts_are_made_and_unmade_by_graphql(bot: Asker):
    number = bot.propose(draft=True)
    ask = "mutation M($i: {0}Input!) {{ {1}(input: $i) {{ pullRequest {{ isDraft }} }} }}"
    ready = ask.format("MarkPullRequestReadyForReview", "markPullRequestReadyForReview")
    told = bot.graphql(ready, i={"pullRequestId": f"PR_{number}"})
    assert told["data"]["markPullRequestReadyForReview"]["pullRequest"] == {"isDraft": False}
    back = ask.format("ConvertPullRequestToDraft", "convertPullRequestToDraft")
    assert bot.graphql(back, i={"pullRequestId": f"PR_{number}"})["data"]["convertPullRequestToDraft"]["pullRequest"][
        "isDraft"
    ]


def test_labels_are_made_when_missing_and_reviewers_must_belong(twin: Twin, bot: Asker):
    number = bot.propose()
    assert bot.get("labels/postbot").status_code == 404
    assert bot.amend(f"issues/{number}", labels=["postbot", "Postbot"], assignees=["ann"]).status_code == 200
    assert bot.get("labels/POSTBOT").json()["name"] == "postbot"
    assert twin.pull(number)["labels"] == ["postbot"]
    ask = f"pulls/{number}/requested_reviewers"
    assert said(bot.post(ask, reviewers=["eve"]))[1].startswith("Reviews may only be requested from collaborators.")
    assert said(bot.post(ask, reviewers=["postbot[bot]"]))[1] == "Review cannot be requested from pull request author."
    twin.teams("hr")
    assert bot.post(ask, reviewers=["ann"], team_reviewers=["hr"]).status_code == 201
    assert bot.amend(f"issues/{number}", assignees=["nobody"]).status_code == 422


def test_comments_are_written_once_and_rewritten(twin: Twin, bot: Asker):
    number = bot.propose()
    ident = bot.post(f"issues/{number}/comments", body="One").json()["id"]
    theirs = twin.comment(number, "Two")
    assert bot.amend(f"issues/comments/{ident}", body="Changed").json()["body"] == "Changed"
    assert bot.amend(f"issues/comments/{theirs}", body="Mine").status_code == 403
    told = bot.repository(
        f"pullRequest(number: {number}) {{ comments(last: 9) {{ nodes {{ body viewerDidAuthor author {{ login }} }} }} }}"
    )
    assert [
        (one["body"], one["viewerDidAuthor"], one["author"]["login"])
        for one in told["pullRequest"]["comments"]["nodes"]
    ] == [
        ("Changed", True, "postbot"),
        ("Two", False, "ann"),
    ]
    assert [row["kind"] for row in twin.effects() if "comment" in row["kind"]] == [
        "comment",
        "comment",
        "comment-edited",
    ]


# Refs and objects


def test_refs_move_all_or_none_and_only_from_where_they_must_be(bot: Asker):
    main, new = tip(bot), bot.commit({"jobs/a.md": "x"})
    newer = bot.commit({"jobs/a.md": "y"}, new)
    assert "errors" not in bot.move(("a", ZERO, new))
    for moves in (
        [("b", ZERO, new), ("a", ZERO, newer)],
        [("b", ZERO, new), ("a", main, new)],
        [("b", ZERO, new), ("a", new, main)],
        [("b", ZERO, new), ("a/below", ZERO, main)],
        [("b", ZERO, new), ("bad..name", ZERO, main)],
        [("b", ZERO, new), ("c", ZERO, "1" * 40)],
        [("b", ZERO, new), ("main", None, ZERO)],
    ):
        told = bot.move(*moves)
        assert told["data"] == {"updateRefs": None}, moves
        assert refused(told)
    assert bot.get("git/ref/heads/b").status_code == 404
    assert "errors" not in bot.move(("a", new, main), force=True)


REFUSED_TREES: dict[str, tuple[dict[str, Any], str]] = {
    "both": ({"content": "x", "sha": None}, "Must supply either tree.sha or tree.content, and not both"),
    "neither": ({}, "Must supply either tree.sha or tree.content, and not both"),
    "no such file to remove": ({"path": "nowhere", "sha": None}, "GitRPC::BadObjectState"),
    "no such blob": ({"sha": "1" * 40}, f"tree.sha {'1' * 40} is not a valid blob"),
    "content is a number": ({"content": 1}, "tree.content must be a UTF-8 string"),
    "up and out": ({"path": "../x", "content": "x"}, "tree.path contains a malformed path component"),
    "inside .git": ({"path": ".GIT/config", "content": "x"}, "tree.path contains a malformed path component"),
    "odd mode": ({"mode": "100666", "content": "x"}, "tree.mode 100666 is not a valid mode for blob"),
}


@pytest.mark.parametrize(("entry", "sentence"), REFUSED_TREES.values(), ids=REFUSED_TREES)
def test_a_tree_is_refused(bot: Asker, tmp_path: Path, entry: dict[str, Any], sentence: str):
    base = git(tmp_path, "rev-parse", "main^{tree}")
    whole = {"path": "jobs/a.md", "mode": "100644", "type": "blob"} | entry
    assert said(bot.post("git/trees", base_tree=base, tree=[whole])) == (422, sentence)


def test_text_that_is_not_unicode_is_no_json(bot: Asker):
    assert said(bot.post("git/blobs", content="\ud800")) == (400, "Problems parsing JSON")


@pytest.mark.parametrize("path", ["jobs", "jobs/nope", "", "a\0b", "../x", "jobs//a.md", "jobs/a.md/x"])
def test_a_path_leads_to_a_file_or_nowhere(bot: Asker, path: str):
    told = bot.graphql(
        'query Q($e: String!) { repository(owner: "agency", name: "site") { object(expression: $e) { __typename } } }',
        e=f"main:{path}",
    )
    found = {"jobs": {"__typename": "Tree"}, "": {"__typename": "Tree"}}.get(path)
    assert told == {"data": {"repository": {"object": found}}}


def test_a_tree_is_the_base_with_its_changes_and_no_empty_folder(bot: Asker, tmp_path: Path):
    sha = bot.commit({"jobs/a.md": None, "jobs/b.md": None, "deep/er/c.md": "é\n"})
    assert git(tmp_path, "ls-tree", "-r", "--name-only", sha).split() == ["README", "deep/er/c.md"]
    assert git(tmp_path, "show", "-s", "--format=%an <%ae>", sha).startswith("postbot[bot] <")
    assert git(tmp_path, "fsck", "--strict", "--no-dangling", sha) == ""


def test_bytes_that_are_no_text_go_by_way_of_a_blob(bot: Asker, tmp_path: Path):
    oid = bot.post("git/blobs", content="/w==", encoding="base64").json()["sha"]
    told = bot.get(f"git/blobs/{oid}").json()
    assert (told["content"].strip(), told["encoding"], told["size"]) == ("/w==", "base64", 1)
    assert said(bot.post("git/blobs", content="?", encoding="base64"))[0] == 422


def test_a_long_tree_is_truncated_and_says_so(twin: Twin, bot: Asker):
    whole = bot.get("git/trees/main?recursive=1").json()
    assert (len(whole["tree"]), whole["truncated"]) == (4, False)
    twin.settings(tree_limit=2)
    cut = bot.get("git/trees/main?recursive=1").json()
    assert (len(cut["tree"]), cut["truncated"]) == (2, True)
    assert not bot.get("git/trees/main").json()["truncated"]


def test_an_archive_is_elsewhere_and_leaves_out_what_it_is_told_to(twin: Twin, bot: Asker):
    sha = twin.push(
        "main", {".gitattributes": "README export-ignore\njobs/b.md export-subst\n", "jobs/b.md": "$Format:%H$\n"}
    )
    reply = bot.get(f"tarball/{sha}")
    assert (reply.status_code, reply.headers["Location"].startswith(f"{twin.origin}/_codeload/")) == (302, True)
    data = requests.get(reply.headers["Location"], timeout=10).content
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        assert {name.partition("/")[0] for name in archive.getnames()} == {f"agency-site-{sha[:7]}"}
        member = archive.extractfile(f"agency-site-{sha[:7]}/jobs/b.md")
        assert member is not None
        assert member.read().decode().strip() == sha
    assert "README" not in names
    twin.set_clock(datetime.now(UTC) + timedelta(minutes=6))
    assert requests.get(reply.headers["Location"], timeout=10).status_code == 404


def test_graphql_tells_text_only_of_what_is_text_and_only_so_much(twin: Twin, bot: Asker):
    twin.push("main", {"bin": "a\0b", "latin": b"caf\xe9", "long": "x" * 20})
    twin.settings(text_limit=10)
    files = "... on Blob { text isBinary isTruncated byteSize }"
    seen = bot.repository(
        "".join(f'{name}: object(expression: "main:{name}") {{ {files} }} ' for name in ("bin", "latin", "long"))
    )
    assert seen["bin"] == {"text": None, "isBinary": True, "isTruncated": False, "byteSize": 3}
    assert seen["latin"]["text"] == "caf\ufffd"
    assert (seen["long"]["text"], seen["long"]["isTruncated"], seen["long"]["byteSize"]) == ("x" * 10, True, 20)


def test_the_history_of_a_path_names_the_commits_that_changed_it(twin: Twin, bot: Asker):
    first = tip(bot)
    twin.push("main", {"jobs/b.md": "x"})
    last = twin.push("main", {"jobs/a.md": "y"})
    told = bot.repository(
        f'object(oid: "{last}") {{ ... on Commit {{ history(path: "jobs/a.md", first: 9) {{ nodes {{ oid file(path: "jobs/a.md") {{ oid }} }} }} }} }}'
    )
    assert [one["oid"] for one in told["object"]["history"]["nodes"]] == [last, first]


# Asking and being told


def test_an_unchanged_list_is_304_and_costs_nothing(twin: Twin, bot: Asker):
    twin.settings(distinct_seconds=True)
    bot.propose()
    bell = "pulls?state=all&sort=updated&direction=desc&per_page=1"
    first = bot.get(bell)
    for again in (bot.get(bell, If_None_Match=first.headers["ETag"]) for _ in range(2)):
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["X-RateLimit-Used"] == first.headers["X-RateLimit-Used"]
    twin.push("main", {"jobs/b.md": "x"})
    rung = bot.get(bell, If_None_Match=first.headers["ETag"])
    assert rung.status_code == 200
    assert rung.json()[0]["base"]["repo"]["pushed_at"] > first.json()[0]["base"]["repo"]["pushed_at"]
    assert rung.json()[0]["updated_at"] == first.json()[0]["updated_at"]


def test_lists_come_in_pages_with_links(bot: Asker):
    number = bot.propose()
    for index in range(35):
        bot.post(f"issues/{number}/comments", body=str(index))
    first = bot.get(f"issues/{number}/comments")
    assert len(first.json()) == 30
    second = bot.get(first.links["next"]["url"].removeprefix(bot.twin.origin))
    assert ([one["body"] for one in second.json()], "next" in second.links) == (["30", "31", "32", "33", "34"], False)
    assert len(bot.get(f"issues/{number}/comments?per_page=500").json()) == 35


def test_graphql_pages_are_whole_and_bounded(twin: Twin, bot: Asker):
    for index in range(5):
        twin.push(f"p/{index}", {"jobs/a.md": str(index)})
        twin.open_pull(f"p/{index}")
    seen: list[int] = []
    after = ""
    while True:
        page = bot.repository(
            f"pullRequests(first: 2{after}) {{ nodes {{ number }} pageInfo {{ hasNextPage endCursor }} }}"
        )["pullRequests"]
        seen += [one["number"] for one in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = f', after: "{page["pageInfo"]["endCursor"]}"'
    assert seen == [1, 2, 3, 4, 5]
    ask = 'query Q {{ repository(owner: "agency", name: "site") {{ pullRequests{0} {{ nodes {{ {1} }} }} }} }}'
    kinds_of_no = [
        bot.graphql(ask.format(args, below))["errors"][0]["type"]
        for args, below in [
            ("", "number"),
            ("(first: 101)", "number"),
            (
                "(first: 100)",
                "commits(first: 100) { nodes { commit { history(first: 100) { nodes { oid } } } } }",
            ),
        ]
    ]
    assert kinds_of_no == ["MISSING_PAGINATION_BOUNDARIES", "EXCESSIVE_PAGINATION", "MAX_NODE_LIMIT_EXCEEDED"]


def test_unknown_fields_are_errors(bot: Asker):
    told = bot.graphql('query Q { repository(owner: "agency", name: "site") { noSuchField } }')
    assert ("data" in told, "noSuchField" in refused(told)) == (False, True)


def test_the_bot_has_its_suffix_where_github_gives_it_one(bot: Asker):
    number = bot.propose()
    user = bot.get(f"pulls/{number}").json()["user"]
    assert (user["login"], user["type"]) == ("postbot[bot]", "Bot")
    told = bot.graphql(
        'query Q { viewer { login } repository(owner: "agency", name: "site") { pullRequest(number: 1) { viewerDidAuthor author { login } } } }'
    )
    assert told["data"] == {
        "viewer": {"login": "postbot[bot]"},
        "repository": {"pullRequest": {"viewerDidAuthor": True, "author": {"login": "postbot"}}},
    }


def test_an_empty_repository_says_so(process: Twin, tmp_path: Path):
    process.reset(bare(tmp_path / "empty.git"))
    assert said(Asker(process).get("git/ref/heads/main")) == (409, "Git Repository is empty.")
    assert Asker(process).repository('ref(qualifiedName: "refs/heads/main") { name }') == {"ref": None}


# Who may what


def test_who_is_unknown_is_told_so(twin: Twin, bot: Asker):
    twin.set_clock(NOON)
    twin.new_token("ghs_short", expires_at=NOON + timedelta(hours=1))
    twin.new_token("ghs_blind", sees=False)
    assert Asker(twin, "ghs_short").get("").status_code == 200
    twin.advance(3600)
    for token, status in (("ghs_short", 401), ("ghs_none", 401), ("ghs_blind", 404)):
        assert Asker(twin, token).get("").status_code == status
    blind = Asker(twin, "ghs_blind").graphql('query Q { repository(owner: "agency", name: "site") { id } }')
    assert (blind["data"], blind["errors"][0]["type"]) == ({"repository": None}, "NOT_FOUND")
    assert Asker(twin, "ghs_none").ask("POST", "/api/graphql", {"query": "{viewer{login}}"}).status_code == 401


def test_a_missing_right_is_named(twin: Twin):
    twin.new_token("ghs_reader", permissions={"metadata": "read", "contents": "read"})
    reader = Asker(twin, "ghs_reader")
    assert reader.get("git/trees/main").status_code == 200
    for reply in (
        reader.get("pulls"),
        reader.post("git/trees", tree=[]),
        reader.get("hooks"),
        reader.get("branches/main/protection"),
    ):
        assert said(reply) == (403, "Resource not accessible by integration")
    told = reader.graphql('query Q { repository(owner: "agency", name: "site") { pullRequest(number: 1) { number } } }')
    assert (told["data"], told["errors"][0]["type"]) == ({"repository": {"pullRequest": None}}, "FORBIDDEN")
    told = reader.move(("x", ZERO, tip(reader)))
    assert (told["data"], told["errors"][0]["type"]) == ({"updateRefs": None}, "FORBIDDEN")


def test_workflow_files_take_a_right_of_their_own(twin: Twin, bot: Asker):
    sha = bot.commit({".github/workflows/x.yml": "on: push\n"})
    assert "without `workflows` permission" in refused(bot.move((BRANCH, ZERO, sha)))
    twin.new_token("ghs_more", permissions={"contents": "write", "workflows": "write"})
    assert "errors" not in Asker(twin, "ghs_more").move((BRANCH, ZERO, sha))


def test_a_classic_token_shows_its_scopes_and_is_told_404_of_hooks(twin: Twin):
    twin.new_token("ghp_old", login="ann", kind="classic", scopes=["repo"])
    old = Asker(twin, "ghp_old")
    assert old.get("").headers["X-OAuth-Scopes"] == "repo"
    assert old.get("hooks").status_code == 404


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def claim(key: rsa.RSAPrivateKey, now: datetime, *, issued: int = -60, over: int = 540, app: int = 31) -> str:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    seconds = int(now.timestamp())
    return jwt.encode({"iat": seconds + issued, "exp": seconds + over, "iss": str(app)}, pem, algorithm="RS256")


def public(key: rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_the_app_signs_in_and_its_token_lasts_an_hour(twin: Twin, key: rsa.RSAPrivateKey):
    twin.set_clock(NOON)
    twin.app(key=public(key), permissions={"contents": "read", "metadata": "read"})
    app = Asker(twin, claim(key, NOON))
    assert app.get("/api/v3/app").json()["slug"] == "postbot"
    told = app.post("/api/v3/app/installations/47/access_tokens")
    assert (told.status_code, told.json()["expires_at"]) == (201, "2026-03-02T13:00:00Z")
    assert told.json()["permissions"] == {"contents": "read", "metadata": "read"}
    granted = Asker(twin, told.json()["token"])
    assert (granted.get("git/trees/main").status_code, granted.get("pulls").status_code) == (200, 403)
    twin.advance(3600)
    assert granted.get("git/trees/main").status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [{"over": 601}, {"over": 0}, {"issued": 120}, {"app": 32}, {"strange key": True}],
    ids=["too long", "over", "from the future", "another app", "another key"],
)
def test_a_claim_that_is_not_right_is_401(twin: Twin, key: rsa.RSAPrivateKey, wrong: dict[str, Any]):
    twin.set_clock(NOON)
    twin.app(key=public(key))
    other = wrong.pop("strange key", None)
    signer = rsa.generate_private_key(public_exponent=65537, key_size=2048) if other else key
    asked = Asker(twin, claim(signer, NOON, **wrong)).post("/api/v3/app/installations/47/access_tokens")
    assert asked.status_code == 401


def test_a_suspended_app_gets_nothing(twin: Twin, bot: Asker, key: rsa.RSAPrivateKey):
    twin.app(key=public(key), suspended=True)
    app = Asker(twin, claim(key, twin.now()))
    for reply in (bot.get(""), app.post("/api/v3/app/installations/47/access_tokens")):
        assert said(reply) == (403, "This installation has been suspended")


def test_a_repository_archived_renamed_or_hidden(twin: Twin, bot: Asker):
    number = bot.propose()
    twin.repository(archived=True)
    assert said(bot.post(f"issues/{number}/comments", body="x")) == (403, "Repository was archived so is read-only.")
    assert "archived" in refused(bot.move(("x", ZERO, tip(bot))))
    twin.repository(archived=False, name="pages")
    moved = bot.get("pulls?state=all")
    assert (moved.status_code, moved.headers["Location"]) == (301, f"{twin.url}/repositories/77001/pulls?state=all")
    assert bot.get(moved.headers["Location"].removeprefix(twin.origin)).status_code == 200
    assert bot.post("pulls").status_code == 307
    assert bot.repository("nameWithOwner") == {"nameWithOwner": "agency/pages"}
    twin.repository(hidden=True)
    assert bot.get("").status_code == 404


def test_what_the_doctor_asks(twin: Twin, bot: Asker):
    number = bot.propose()
    sha = bot.get(f"pulls/{number}").json()["head"]["sha"]
    assert bot.get("rules/branches/main").json() == []
    twin.new_token(
        "ghp_admin",
        login="ann",
        kind="classic",
        permissions={"metadata": "read", "administration": "read", "repository_hooks": "read"},
    )
    admin = Asker(twin, "ghp_admin")
    assert said(admin.get("branches/main/protection")) == (404, "Branch not protected")
    twin.rules(approvals=2, statuses=["build"])
    assert [rule["type"] for rule in bot.get("rules/branches/main").json()] == [
        "pull_request",
        "required_status_checks",
    ]
    twin.rules(approvals=2, classic=True)
    assert (
        admin.get("branches/main/protection").json()["required_pull_request_reviews"]["required_approving_review_count"]
        == 2
    )
    twin.repository(hooks=["https://bot.example/hook"], delete_branch_on_merge=True)
    assert [hook["config"]["url"] for hook in admin.get("hooks").json()] == ["https://bot.example/hook"]
    twin.check(sha, "build", "success")
    assert bot.get(f"commits/{sha}/check-runs").json()["total_count"] == 1
    repo = bot.get("").json()
    assert (repo["permissions"]["push"], repo["permissions"]["admin"], repo["delete_branch_on_merge"]) == (
        True,
        False,
        True,
    )
    assert bot.put(f"pulls/{number}/merge").status_code == 405
    twin.rules()
    assert bot.put(f"pulls/{number}/merge").status_code == 200
    assert bot.get(f"git/ref/heads/{BRANCH}").status_code == 404


def test_a_person_is_refused_what_github_refuses_people(twin: Twin, bot: Asker):
    twin.push("work", {"jobs/a.md": "x"})
    number = twin.open_pull("work")
    with pytest.raises(TwinRefused, match="approve your own"):
        twin.review(number)


# What goes wrong


def outcome(ask: Callable[[], requests.Response]) -> Any:
    try:
        reply = ask()
        return reply.status_code, reply.json()
    except requests.exceptions.JSONDecodeError:
        return "no json"
    except requests.RequestException as error:
        return type(error).__name__


COMMENT: dict[str, Any] = {
    "drop": "ConnectionError",
    "reset": "ConnectionError",
    "hang": "ConnectionError",
    "tls": "ConnectionError",
    "500": 500,
    "502": 502,
    "503": "no json",
    "403-secondary": 403,
    "403-primary": 403,
    "429": 429,
    "401": 401,
    "truncated": "no json",
    "wrong-type": [],
    "drip": "slow",
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_fault_comes_before_or_after_the_effect(twin: Twin, bot: Asker, kind: str, when: str):
    number = bot.propose()
    twin.fault(kind, "POST comments", when=when, seconds=0.3)
    started = time.monotonic()
    got = outcome(lambda: bot.post(f"issues/{number}/comments", body="x"))
    wanted = COMMENT[kind]
    if wanted == "slow":
        assert time.monotonic() - started > 0.2
    else:
        assert wanted == got or wanted in got
    assert len(twin.effects("comment")) == (when == "after")
    assert twin.fired() == [f"{kind} {when} POST comments"]
    twin.heal()
    assert bot.post(f"issues/{number}/comments", body="y").status_code == 201


def test_a_fault_strikes_the_nth_of_its_route_and_as_often_as_told(twin: Twin, bot: Asker):
    twin.fault("500", "GET pulls", nth=2, times=2)
    assert [bot.get("pulls").status_code for _ in range(4)] == [200, 500, 500, 200]
    twin.fault("502")
    assert bot.get("").status_code == 502


def test_the_primary_limit_holds_for_the_hour(twin: Twin, bot: Asker):
    twin.set_clock(NOON)
    twin.fault("403-primary", "GET pulls")
    first = bot.get("pulls")
    assert (first.status_code, first.headers["X-RateLimit-Remaining"]) == (403, "0")
    assert int(first.headers["X-RateLimit-Reset"]) == int((NOON + timedelta(hours=1)).timestamp())
    assert bot.get("").status_code == 403
    assert bot.graphql("{ viewer { login } }")["errors"][0]["type"] == "RATE_LIMITED"
    twin.advance(3600)
    assert bot.get("").status_code == 200


def test_limits_run_out_and_304_is_free(twin: Twin, bot: Asker):
    tag = bot.get("pulls").headers["ETag"]
    twin.rate(core=2)
    assert [bot.get("pulls", If_None_Match=tag).status_code for _ in range(4)] == [304] * 4
    assert [bot.get("").status_code for _ in range(3)] == [200, 200, 403]
    twin.rate(core=100, graphql=1)
    assert bot.graphql("{ rateLimit { remaining } }")["data"] == {"rateLimit": {"remaining": 1}}
    assert bot.graphql("{ viewer { login } }")["errors"][0]["type"] == "RATE_LIMITED"


@pytest.mark.parametrize("kind", ["graphql-partial", "RATE_LIMITED"])
def test_graphql_fails_with_status_200(twin: Twin, bot: Asker, kind: str):
    twin.fault(kind, "POST graphql Q")
    told = bot.graphql("query Q { viewer { login } }")
    assert (told.get("data"), len(told["errors"])) == (None, 1)


def test_lag_shows_the_world_as_it_was(twin: Twin, bot: Asker):
    twin.set_clock(NOON)
    before = tip(bot)
    twin.lag(10)
    number = bot.propose()
    ask = 'pullRequests(first: 9) { totalCount } refs(refPrefix: "refs/heads/", first: 9) { totalCount }'
    assert bot.repository(ask) == {"pullRequests": {"totalCount": 0}, "refs": {"totalCount": 1}}
    assert (bot.get("pulls").json(), bot.get(f"pulls/{number}").status_code) == ([], 404)
    sha = twin.pull(number)["sha"]
    assert bot.get(f"git/commits/{sha}").status_code == 404
    twin.push("main", {"jobs/b.md": "x"})
    assert tip(bot) == before
    twin.advance(10)
    assert bot.repository(ask) == {"pullRequests": {"totalCount": 1}, "refs": {"totalCount": 2}}
    assert (bot.get(f"git/commits/{sha}").status_code, tip(bot) == before) == (200, False)


def test_lists_can_come_back_empty_though_they_are_not(twin: Twin, bot: Asker):
    number = bot.propose()
    twin.empty_lists()
    assert bot.get("pulls").json() == []
    assert bot.repository("pullRequests(first: 9) { totalCount nodes { number } }")["pullRequests"] == {
        "totalCount": 0,
        "nodes": [],
    }
    assert bot.get(f"pulls/{number}").status_code == 200


def test_requests_are_counted_by_route(twin: Twin, bot: Asker):
    bot.propose()
    twin.reset_requests()
    twin.fault("drop", "GET pull")
    outcome(lambda: bot.get("pulls/1"))
    bot.repository("id")
    assert twin.requests() == [("GET", "GET pull", 0), ("POST", "POST graphql Q", 200)]


def test_350_pull_requests_are_told_whole(twin: Twin, bot: Asker):
    for index in range(350):
        twin.push(f"p/{index}", {f"jobs/{index}.md": "x"})
        twin.open_pull(f"p/{index}")
    fields = "number mergeStateStatus files(first: 20) { nodes { path } }"
    seen, after = {}, ""
    while True:
        ask = f"pullRequests(first: 100{after}) {{ nodes {{ {fields} }} pageInfo {{ hasNextPage endCursor }} }}"
        page = bot.repository(ask)["pullRequests"]
        seen |= {one["number"]: (one["mergeStateStatus"], one["files"]["nodes"][0]["path"]) for one in page["nodes"]}
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = f', after: "{page["pageInfo"]["endCursor"]}"'
    assert seen == {index + 1: ("CLEAN", f"jobs/{index}.md") for index in range(350)}
