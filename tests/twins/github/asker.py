"""A plain client for the twin's own tests: it sends what it is told and shows what comes back, and retries nothing."""

from dataclasses import dataclass
from typing import Any

import requests

from tests.twins.github.client import Twin
from tests.twins.github.store import ZERO

TIMEOUT = 10


@dataclass
class Asker:
    """Asks a twin with one token."""

    twin: Twin
    token: str = Twin.token

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """`path` is below the repository, or below the API with a leading `/api`."""
        base = self.twin.origin if path.startswith("/") else f"{self.twin.url}/repos/{self.twin.repo}/"
        url = (base + path).rstrip("/")
        given = {
            "Authorization": f"token {self.token}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return requests.request(method, url, json=body, headers=given, timeout=TIMEOUT, allow_redirects=False)

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.ask("GET", path, **headers)

    def post(self, path: str, **body: Any) -> requests.Response:
        return self.ask("POST", path, body)

    def amend(self, path: str, **body: Any) -> requests.Response:
        return self.ask("PATCH", path, body)

    def put(self, path: str, **body: Any) -> requests.Response:
        return self.ask("PUT", path, body)

    def graphql(self, question: str, **variables: Any) -> dict[str, Any]:
        told: dict[str, Any] = self.ask("POST", "/api/graphql", {"query": question, "variables": variables}).json()
        return told

    def repository(self, fields: str) -> Any:
        """Fields of the repository by GraphQL."""
        told = self.graphql(
            f'query Q {{ repository(owner: "{self.twin.owner}", name: "{self.twin.name}") {{ {fields} }} }}'
        )
        assert "errors" not in told, told
        return told["data"]["repository"]

    # What the bot does, step by step

    def commit(self, files: dict[str, str | None], parent: str | None = None) -> str:
        """A commit by the git data API, on no branch yet."""
        parent = parent or self.get("git/ref/heads/main").json()["object"]["sha"]
        base = self.get(f"git/commits/{parent}").json()["tree"]["sha"]
        put = [
            {"path": path, "mode": "100644", "type": "blob", **({"sha": None} if text is None else {"content": text})}
            for path, text in files.items()
        ]
        tree = self.post("git/trees", base_tree=base, tree=put).json()["sha"]
        return str(self.post("git/commits", message="Change", tree=tree, parents=[parent]).json()["sha"])

    def move(self, *moves: tuple[str, str | None, str], force: bool = False) -> dict[str, Any]:
        """updateRefs; each is branch, where it must be (None: anywhere), where it shall be."""
        updates = [
            {"name": f"refs/heads/{branch}", "beforeOid": old, "afterOid": new, "force": force}
            for branch, old, new in moves
        ]
        told = {"repositoryId": "R_77001", "refUpdates": updates}
        return self.graphql(
            "mutation UpdateRefs($i: UpdateRefsInput!) { updateRefs(input: $i) { clientMutationId } }", i=told
        )

    def propose(self, branch: str = "postbot/x", files: dict[str, str | None] | None = None, **told: Any) -> int:
        """A branch with one commit, and its pull request."""
        sha = self.commit(files or {"jobs/a.md": "closed\n"})
        assert "errors" not in self.move((branch, ZERO, sha))
        made = self.post("pulls", title="Close A", body="Why", head=branch, base="main", **told)
        assert made.status_code == 201, made.text
        return int(made.json()["number"])
