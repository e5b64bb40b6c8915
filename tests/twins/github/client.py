"""The tests' handle on a twin: it starts the process, plays people, sets faults, reads what happened, ends it."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[3]

KINDS: Sequence[str] = (
    "drop",
    "reset",
    "hang",
    "drip",
    "tls",
    "500",
    "502",
    "503",
    "403-secondary",
    "403-primary",
    "429",
    "401",
    "truncated",
    "wrong-type",
)
"""The fourteen faults. GraphQL has two of its own beside them: `graphql-partial` and `RATE_LIMITED`."""


class TwinRefused(Exception):  # noqa: N818 - GitHub's no, which a test may want
    """GitHub would not have let a person do that."""


class Twin:
    """A running twin. `token` is one of the bot's, with the rights that postbot asks for; it does not expire."""

    token = "ghs_postbot"  # noqa: S105 - it opens nothing real

    def __init__(self, port: int, log: Path, owner: str, name: str) -> None:
        self.port, self._log, self.owner, self.name = port, log, owner, name

    @classmethod
    @contextmanager
    def start(cls, repo: Path, *, owner: str = "agency", name: str = "site", log: Path | None = None) -> Iterator[Self]:
        """Run a twin over a bare repository until the block ends."""
        log = log or repo.with_name(f"{repo.name}.effects.jsonl")
        words = ["--repo", str(repo), "--log", str(log), "--owner", owner, "--name", name, "--with-parent"]
        command = [sys.executable, "-m", "tests.twins.github", *words]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert ready, "The twin did not start; what it printed says why."
            try:
                yield cls(json.loads(ready)["port"], log, owner, name)
            finally:
                process.terminate()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The base of REST, as PyGithub's `base_url` and postbot's configuration take it."""
        return f"{self.origin}/api/v3"

    @property
    def graphql(self) -> str:
        return f"{self.origin}/api/graphql"

    @property
    def repo(self) -> str:
        return f"{self.owner}/{self.name}"

    def act(self, name: str, /, **told: Any) -> Any:
        """Do one of the verbs of `control`."""
        line = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            line.request("POST", f"/_twin/{name}", json.dumps(told))
            reply = line.getresponse()
            body = json.loads(reply.read())
        finally:
            line.close()
        if reply.status == 409:
            raise TwinRefused(f"{body['refused']} {body['errors'] or ''}".strip())
        if reply.status != 200:
            raise ValueError(body["error"])
        return body["result"]

    def reset(self, repo: Path, *, owner: str = "agency", name: str = "site", log: Path | None = None) -> None:
        """Serve another repository from now on, everything else forgotten: cheaper than a new process."""
        self._log = log or repo.with_name(f"{repo.name}.effects.jsonl")
        self.owner, self.name = owner, name
        self.act("reset", repo=str(repo), log=str(self._log), owner=owner, name=name)

    # What happened

    def effects(self, *kinds: str) -> list[dict[str, Any]]:
        """What has happened to the world, oldest first; of some kinds only where kinds are named."""
        self.act("now")  # notices what git outside has done
        rows = [json.loads(line) for line in self._log.read_text(encoding="utf-8").splitlines()]
        return [row for row in rows if not kinds or row["kind"] in kinds]

    def requests(self) -> list[tuple[str, str, int]]:
        """What was asked since the last `reset_requests`: method, route, status (0: the reply never came)."""
        return [(method, route, status) for method, route, status in self.act("requests")]

    def routes(self) -> Counter[str]:
        """How often each route was asked."""
        return Counter(route for _, route, _ in self.requests())

    def reset_requests(self) -> None:
        self.act("reset_requests")

    # Time

    def set_clock(self, at: datetime | None) -> None:
        """Stop the clock at an instant; None: real time again."""
        self.act("set_clock", at=None if at is None else at.astimezone(UTC).isoformat())

    def advance(self, seconds: float) -> None:
        self.act("advance", seconds=seconds)

    def now(self) -> datetime:
        return datetime.fromisoformat(self.act("now"))

    def settings(self, **limits: int | bool) -> None:
        """`tree_limit`, `blob_limit`, `text_limit`, `unknown_first`; `distinct_seconds`: no two changes share a second."""
        self.act("settings", **limits)

    # Who may what

    def new_token(self, text: str, *, login: str = "postbot[bot]", kind: str = "app", **told: Any) -> str:
        """A token; `permissions` {right: read|write}, `scopes` [..] (classic), `expires_at`, `sees` (False: 404)."""
        if told.get("expires_at") is not None:
            told["expires_at"] = told["expires_at"].isoformat()
        self.act("token", text=text, login=login, kind=kind, **told)
        return text

    def revoke(self, text: str) -> None:
        self.act("revoke", text=text)

    def app(self, **told: Any) -> None:
        """Set `key` (PEM of the public key), `app_id`, `client_id`, `installation`, `permissions`, `suspended`.

        `asked` are the permissions that the App asks for, where they are not those it was granted; `selection` is
        `all` or `selected` repositories.
        """
        self.act("app", **told)

    def people(self, *logins: str, collaborator: bool = True) -> None:
        self.act("people", logins=list(logins), collaborator=collaborator)

    def teams(self, *slugs: str) -> None:
        self.act("teams", slugs=list(slugs))

    def rules(self, branch: str = "main", **told: Any) -> None:
        """`approvals`, `statuses`, `strict`, `dismiss_stale`, `pull_requests_only`, `methods`, `classic`, `source`, `also`."""
        self.act("rules", branch=branch, **told)

    def repository(self, **told: Any) -> None:
        """`archived`, `hidden`, `private`, `methods`, `delete_branch_on_merge`, `drafts`, `hooks`; `name` or `owner` renames."""
        self.act("repository", **told)

    def rate(self, *, core: int | None = None, graphql: int | None = None) -> None:
        """How much of this hour's limit is left."""
        self.act("rate", core=core, graphql=graphql)

    # Faults

    def fault(
        self,
        kind: str,
        endpoint: str | None = None,
        *,
        nth: int = 1,
        when: str = "before",
        times: int = 1,
        seconds: float = 1.5,
    ) -> None:
        """Fail the nth request of a route (None: any), counted from now, before or after its effect."""
        self.act("fault", kind=kind, endpoint=endpoint, nth=nth, when=when, times=times, seconds=seconds)

    def fired(self) -> list[str]:
        """The faults that have happened: `kind when route`."""
        return list(self.act("fired"))

    def heal(self) -> None:
        self.act("heal")

    def lag(self, seconds: float) -> None:
        """Show what happens from now on only so many of the twin's seconds later."""
        self.act("lag", seconds=seconds)

    def empty_lists(self, *, on: bool = True) -> None:
        self.act("empty_lists", on=on)

    # What happens in the gaps

    def interject(self, endpoint: str | None, act: str, *, nth: int = 1, when: str = "before", **told: Any) -> None:
        """Have a person do a verb of `control` at the nth request of a route (None: any), counted from now.

        Before it is handled, or after its effect and before its reply. What cannot be done then is not done.
        """
        self.act("interject", endpoint=endpoint, act=act, nth=nth, when=when, told=told)

    def interjected(self) -> list[str]:
        """What came of each: `done: RESULT`, `refused: WORDS`, or nothing while its request has not come."""
        return list(self.act("interjected"))

    def hold(self, endpoint: str | None = None, *, nth: int = 1, when: str = "before") -> None:
        """Keep the asker of that request waiting until `release`; everybody else is served meanwhile."""
        self.act("hold", endpoint=endpoint, nth=nth, when=when)

    def held(self, seconds: float = 10) -> bool:
        """Wait until a request is held; False if none comes."""
        return bool(self.act("held", seconds=seconds))

    def release(self) -> None:
        self.act("release")

    # People

    def review(self, number: int, verdict: str = "approve", body: str = "", *, by: str = "ann") -> None:
        """`approve`, `request_changes` or `comment`."""
        self.act("review", number=number, verdict=verdict, body=body, by=by)

    def dismiss(self, number: int, author: str, *, by: str = "bo") -> None:
        self.act("dismiss", number=number, author=author, by=by)

    def close(self, number: int, comment: str | None = None, *, by: str = "ann") -> None:
        self.act("close", number=number, comment=comment, by=by)

    def reopen(self, number: int, *, by: str = "ann") -> None:
        self.act("reopen", number=number, by=by)

    def merge(self, number: int, method: str = "merge", *, by: str = "ann") -> str:
        return str(self.act("merge", number=number, method=method, by=by))

    def comment(self, number: int, body: str, *, by: str = "ann") -> int:
        return int(self.act("comment", number=number, body=body, by=by))

    def edit_comment(self, ident: int, body: str, *, by: str = "ann") -> None:
        self.act("edit_comment", id=ident, body=body, by=by)

    def delete_comment(self, ident: int, *, by: str = "ann") -> None:
        self.act("delete_comment", id=ident, by=by)

    def edit(self, number: int, *, title: str | None = None, body: str | None = None, by: str = "ann") -> None:
        self.act("edit", number=number, title=title, body=body, by=by)

    def draft(self, number: int, *, by: str = "ann") -> None:
        self.act("draft", number=number, on=True, by=by)

    def mark_ready(self, number: int, *, by: str = "ann") -> None:
        self.act("draft", number=number, on=False, by=by)

    def label(self, number: int, *names: str, by: str = "ann") -> None:
        """These are the labels now."""
        self.act("label", number=number, names=list(names), by=by)

    def make_label(self, name: str) -> None:
        self.act("make_label", name=name)

    def status(self, sha: str, context: str, state: str, description: str | None = None, *, by: str = "ann") -> None:
        self.act("status", sha=sha, context=context, state=state, description=description, by=by)

    def check(self, sha: str, name: str, conclusion: str | None = None, *, by: str = "ann") -> None:
        """A check run; without a conclusion it is still running."""
        self.act("check", sha=sha, name=name, conclusion=conclusion, by=by)

    def push(
        self,
        branch: str,
        files: Mapping[str, bytes | str | None],
        *,
        by: str = "ann",
        message: str = "work",
        force_from: str | None = None,
    ) -> str:
        """One commit with these files (None: removed) on a branch; with `force_from`, on that commit instead."""
        told = {
            path: data.decode("utf-8", "surrogateescape") if isinstance(data, bytes) else data
            for path, data in files.items()
        }
        return str(self.act("push", branch=branch, files=told, by=by, message=message, force_from=force_from))

    def amend(self, branch: str, files: Mapping[str, str | None], *, by: str = "ann") -> str:
        """Put these files into the newest commit of a branch, its message as it was, by force."""
        return str(self.act("amend", branch=branch, files=dict(files), by=by))

    def chatter(self, number: int, many: int, *, by: str = "ann") -> None:
        self.act("chatter", number=number, many=many, by=by)

    def delete_branch(self, branch: str, *, by: str = "ann") -> None:
        self.act("delete_branch", branch=branch, by=by)

    def open_pull(
        self, head: str, title: str = "A change", body: str = "", *, base: str = "main", by: str = "ann"
    ) -> int:
        return int(self.act("open_pull", head=head, title=title, body=body, base=base, by=by))

    def fork_pull(
        self, head: str, files: Mapping[str, str | None], title: str = "A change", body: str = "", *, by: str = "eve"
    ) -> int:
        """A pull request from a fork, out of a branch of that name there."""
        return int(self.act("fork_pull", head=head, files=dict(files), title=title, body=body, by=by))

    def pull(self, number: int) -> dict[str, Any]:
        """The pull request as the twin has it: state, sha, labels, comments [{id, by, body}] and so on."""
        return dict(self.act("pull", number=number))

    def pulls(self) -> list[dict[str, Any]]:
        return [self.pull(number) for number in self.act("pull_numbers")]
