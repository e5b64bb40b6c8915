"""REST bodies as GitHub shapes them. The conformance test holds them against models made from GitHub's description."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.twins.github import pulls
from tests.twins.github.clock import stamp
from tests.twins.github.model import Check, Comment, Label, Pull, State, Status, User
from tests.twins.github.signin import SignIn, Token
from tests.twins.github.store import Entry
from tests.twins.github.world import World

Body = dict[str, Any]

USER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
REPO_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}


@dataclass(frozen=True)
class Shapes:
    """Draws one state of the world for one asker."""

    world: World
    state: State
    origin: str
    token: Token

    @property
    def api(self) -> str:
        return f"{self.origin}/api/v3"

    @property
    def repo_api(self) -> str:
        return f"{self.api}/repos/{self.state.full_name}"

    @property
    def html(self) -> str:
        return f"{self.origin}/{self.state.full_name}"

    def user(self, login: str) -> Body:
        return self._user(self.world.user(login))

    def _user(self, user: User) -> Body:
        url = f"{self.api}/users/{user.login}"
        return {
            "login": user.login,
            "id": user.id,
            "node_id": f"U_{user.id}",
            "avatar_url": f"{self.origin}/avatars/{user.id}",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.origin}/{user.login}",
            **{name: url + path for name, path in USER_LINKS.items()},
            "type": user.kind,
            "user_view_type": "public",
            "site_admin": False,
        }

    # The repository

    def repo(self) -> Body:
        """The repository as it is embedded in other answers."""
        state = self.state
        waiting = sum(pull.open for pull in state.pulls.values())
        return {
            "id": self.world.id,
            "node_id": f"R_{self.world.id}",
            "name": state.name,
            "full_name": state.full_name,
            "private": state.private,
            "owner": self.user(state.owner),
            "html_url": self.html,
            "description": None,
            "fork": False,
            "url": self.repo_api,
            **{name: self.repo_api + path for name, path in REPO_LINKS.items()},
            "git_url": f"git://{self.html.partition('//')[2]}.git",
            "ssh_url": f"git@127.0.0.1:{state.full_name}.git",
            "clone_url": f"{self.html}.git",
            "svn_url": self.html,
            "mirror_url": None,
            "homepage": None,
            "language": None,
            "license": None,
            "forks_count": 0,
            "stargazers_count": 0,
            "watchers_count": 0,
            "size": 1,
            "default_branch": state.default_branch,
            "open_issues_count": waiting,
            "is_template": False,
            "topics": [],
            "has_issues": True,
            "has_projects": True,
            "has_wiki": True,
            "has_pages": False,
            "has_downloads": True,
            "has_discussions": False,
            "archived": state.archived,
            "disabled": False,
            "visibility": "private" if state.private else "public",
            "pushed_at": stamp(state.pushed_at),
            "created_at": stamp(state.created_at),
            "updated_at": stamp(state.updated_at),
            "allow_forking": True,
            "web_commit_signoff_required": False,
            "forks": 0,
            "open_issues": waiting,
            "watchers": 0,
        }

    def full_repo(self) -> Body:
        """The repository by itself: also what the asker may, and how it merges, where the asker may push."""
        may_push = self.token.may("contents:write")
        settings = {
            "allow_squash_merge": "squash" in self.state.methods,
            "allow_merge_commit": "merge" in self.state.methods,
            "allow_rebase_merge": "rebase" in self.state.methods,
            "allow_auto_merge": False,
            "allow_update_branch": False,
            "delete_branch_on_merge": self.state.delete_branch_on_merge,
            "use_squash_pr_title_as_default": False,
            "squash_merge_commit_message": "COMMIT_MESSAGES",
            "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
            "merge_commit_message": "PR_TITLE",
            "merge_commit_title": "MERGE_MESSAGE",
        }
        return {
            **self.repo(),
            "permissions": {
                "admin": self.token.may("administration:write"),
                "maintain": self.token.may("administration:write"),
                "push": may_push,
                "triage": self.token.may("pull_requests:write"),
                "pull": True,
            },
            **(settings if may_push else {}),
            "subscribers_count": 0,
            "network_count": 0,
        }

    def label(self, label: Label) -> Body:
        return {
            "id": label.id,
            "node_id": f"LA_{label.id}",
            "url": f"{self.repo_api}/labels/{label.name}",
            "name": label.name,
            "color": label.color,
            "default": False,
            "description": label.description,
            "archived_at": None,
            "archived_by": None,
        }

    # Pull requests

    def _end(self, owner: str, branch: str, sha: str) -> Body:
        return {"label": f"{owner}:{branch}", "ref": branch, "sha": sha, "user": self.user(owner), "repo": self.repo()}

    def pull(self, pull: Pull) -> Body:
        """A pull request as an entry of a list."""
        url, issue = f"{self.repo_api}/pulls/{pull.number}", f"{self.repo_api}/issues/{pull.number}"
        html = f"{self.html}/pull/{pull.number}"
        statuses = f"{self.repo_api}/statuses/{pull.head_sha}"
        links = {
            "self": url,
            "html": html,
            "issue": issue,
            "comments": f"{issue}/comments",
            "review_comments": f"{url}/comments",
            "review_comment": f"{self.repo_api}/pulls/comments{{/number}}",
            "commits": f"{url}/commits",
            "statuses": statuses,
        }
        head = self._end(pull.fork or self.state.owner, pull.head, pull.head_sha)
        if pull.fork:
            head["repo"] = {
                **head["repo"],
                "id": self.world.user(pull.fork).id,
                "full_name": f"{pull.fork}/{self.state.name}",
            }
        return {
            "url": url,
            "id": pull.id,
            "node_id": f"PR_{pull.number}",
            "html_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "issue_url": issue,
            "number": pull.number,
            "state": "open" if pull.open else "closed",
            "locked": False,
            "title": pull.title,
            "user": self.user(pull.author),
            "body": pull.body,
            "created_at": stamp(pull.created_at),
            "updated_at": stamp(pull.updated_at),
            "closed_at": stamp(pull.closed_at),
            "merged_at": stamp(pull.merge.at if pull.merge else None),
            "merge_commit_sha": pull.merge.sha if pull.merge else None,
            "assignee": self.user(pull.assignees[0]) if pull.assignees else None,
            "assignees": [self.user(login) for login in pull.assignees],
            "requested_reviewers": [self.user(login) for login in pull.reviewers],
            "requested_teams": [self.team(slug) for slug in pull.teams],
            "labels": [self.label(self.state.labels[name.lower()]) for name in pull.labels],
            "milestone": None,
            "draft": pull.draft,
            "commits_url": f"{url}/commits",
            "review_comments_url": f"{url}/comments",
            "review_comment_url": links["review_comment"],
            "comments_url": f"{issue}/comments",
            "statuses_url": statuses,
            "head": head,
            "base": self._end(self.state.owner, pull.base, self.world.base_of(pull, self.state)),
            "_links": {name: {"href": href} for name, href in links.items()},
            "author_association": "NONE" if pull.fork else "CONTRIBUTOR",
            "auto_merge": None,
            "active_lock_reason": None,
        }

    def full_pull(self, pull: Pull) -> Body:
        """A pull request by itself: also whether it can be merged, and how much it changes."""
        store, base = self.world.store, self.world.base_of(pull, self.state)
        standing = pulls.merge_state(self.world, self.state, pull)
        fork = store.merge_base(base, pull.head_sha)
        old, new = store.tree_of(fork or base), store.tree_of(pull.head_sha)
        added, removed = store.diff_size(old, new)
        return {
            **self.pull(pull),
            "merged": pull.merge is not None,
            "mergeable": None if standing == "UNKNOWN" else standing != "DIRTY",
            "rebaseable": None if standing == "UNKNOWN" else standing != "DIRTY",
            "mergeable_state": standing.lower(),
            "merged_by": self.user(pull.merge.by) if pull.merge else None,
            "comments": len(pull.comments),
            "review_comments": 0,
            "maintainer_can_modify": False,
            "commits": len(store.ahead(pull.head_sha, base)),
            "additions": added,
            "deletions": removed,
            "changed_files": len(store.changes(old, new)),
        }

    def issue(self, pull: Pull) -> Body:
        """A pull request seen as an issue."""
        short = self.pull(pull)
        shared = "id node_id number state locked title user body created_at updated_at closed_at assignee assignees labels milestone"
        return {
            **{name: short[name] for name in shared.split()},
            "url": short["issue_url"],
            "repository_url": self.repo_api,
            "labels_url": f"{short['issue_url']}/labels{{/name}}",
            "comments_url": f"{short['issue_url']}/comments",
            "events_url": f"{short['issue_url']}/events",
            "html_url": short["html_url"],
            "comments": len(pull.comments),
            "author_association": short["author_association"],
            "active_lock_reason": None,
            "draft": pull.draft,
            "pull_request": {
                **{name: short[name] for name in ("url", "html_url", "diff_url", "patch_url")},
                "merged_at": short["merged_at"],
            },
            "state_reason": None,
        }

    def team(self, slug: str) -> Body:
        url = f"{self.api}/orgs/{self.state.owner}/teams/{slug}"
        return {
            "id": 1 + sum(map(ord, slug)),
            "node_id": f"T_{slug}",
            "url": url,
            "members_url": f"{url}/members{{/member}}",
            "name": slug,
            "description": None,
            "permission": "push",
            "privacy": "closed",
            "notification_setting": "notifications_enabled",
            "html_url": f"{self.origin}/orgs/{self.state.owner}/teams/{slug}",
            "repositories_url": f"{url}/repos",
            "slug": slug,
            "parent": None,
            "type": "organization",
            "organization_id": self.world.user(self.state.owner).id,
        }

    def comment(self, comment: Comment) -> Body:
        return {
            "url": f"{self.repo_api}/issues/comments/{comment.id}",
            "html_url": f"{self.html}/pull/{comment.pull}#issuecomment-{comment.id}",
            "issue_url": f"{self.repo_api}/issues/{comment.pull}",
            "id": comment.id,
            "node_id": f"IC_{comment.id}",
            "user": self.user(comment.author),
            "created_at": stamp(comment.created_at),
            "updated_at": stamp(comment.updated_at),
            "body": comment.body,
            "author_association": "CONTRIBUTOR",
            "performed_via_github_app": None,
        }

    def status(self, status: Status, sha: str) -> Body:
        return {
            "url": f"{self.repo_api}/statuses/{sha}",
            "avatar_url": f"{self.origin}/avatars/{self.world.user(status.creator).id}",
            "id": status.id,
            "node_id": f"SC_{status.id}",
            "state": status.state,
            "description": status.description,
            "target_url": status.target_url,
            "context": status.context,
            "created_at": stamp(status.at),
            "updated_at": stamp(status.at),
            "creator": self.user(status.creator),
        }

    def check(self, check: Check) -> Body:
        url = f"{self.repo_api}/check-runs/{check.id}"
        return {
            "id": check.id,
            "head_sha": check.sha,
            "node_id": f"CR_{check.id}",
            "external_id": "",
            "url": url,
            "html_url": f"{self.html}/runs/{check.id}",
            "details_url": None,
            "status": check.status,
            "conclusion": check.conclusion,
            "started_at": stamp(check.at),
            "completed_at": stamp(check.at) if check.conclusion else None,
            "output": {
                "title": None,
                "summary": None,
                "text": None,
                "annotations_count": 0,
                "annotations_url": f"{url}/annotations",
            },
            "name": check.name,
            "check_suite": {"id": check.id},
            "app": None,
            "pull_requests": [],
        }

    # Git

    def ref(self, branch: str, oid: str) -> Body:
        return {
            "ref": f"refs/heads/{branch}",
            "node_id": f"REF_{branch}",
            "url": f"{self.repo_api}/git/refs/heads/{branch}",
            "object": {"sha": oid, "type": "commit", "url": f"{self.repo_api}/git/commits/{oid}"},
        }

    def tree(self, oid: str, entries: Iterable[Entry], *, truncated: bool) -> Body:
        return {
            "sha": oid,
            "url": f"{self.repo_api}/git/trees/{oid}",
            "tree": [self._entry(entry) for entry in entries],
            "truncated": truncated,
        }

    def _entry(self, entry: Entry) -> Body:
        body: Body = {"path": entry.path, "mode": f"{entry.mode:06o}", "type": entry.kind, "sha": entry.oid}
        if entry.kind == "blob":
            body["size"] = self.world.store.size(entry.oid)
        if entry.kind != "commit":
            body["url"] = f"{self.repo_api}/git/{entry.kind}s/{entry.oid}"
        return body

    def commit(self, oid: str) -> Body:
        commit = self.world.store.commit(oid)
        url = f"{self.repo_api}/git/commits/{oid}"
        tree = str(commit.tree.id)
        return {
            "sha": oid,
            "node_id": f"C_{oid}",
            "url": url,
            "html_url": f"{self.html}/commit/{oid}",
            "author": _signature(commit.author),
            "committer": _signature(commit.committer),
            "tree": {"sha": tree, "url": f"{self.repo_api}/git/trees/{tree}"},
            "message": commit.message,
            "parents": [
                {"sha": str(one), "url": f"{self.repo_api}/git/commits/{one}", "html_url": f"{self.html}/commit/{one}"}
                for one in commit.parent_ids
            ],
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        }

    # What the doctor reads

    def rules(self, branch: str) -> list[Body]:
        """The rules of rulesets that hold for a branch."""
        rules = self.state.rules.get(branch)
        if rules is None or rules.classic:
            return []
        whose = {"ruleset_source_type": "Repository", "ruleset_source": self.state.full_name, "ruleset_id": 11}
        found: list[Body] = [{"type": kind, **whose} for kind in rules.also]
        source = {} if rules.source is None else {"integration_id": rules.source}
        if rules.approvals or rules.pull_requests_only:
            parameters = {
                "required_approving_review_count": rules.approvals,
                "dismiss_stale_reviews_on_push": rules.dismiss_stale,
                "require_code_owner_review": False,
                "require_last_push_approval": False,
                "required_review_thread_resolution": False,
                "allowed_merge_methods": list(rules.methods),
            }
            found.append({"type": "pull_request", **whose, "parameters": parameters})
        if rules.statuses:
            parameters = {
                "required_status_checks": [{"context": context, **source} for context in rules.statuses],
                "strict_required_status_checks_policy": rules.strict,
                "do_not_enforce_on_create": False,
            }
            found.append({"type": "required_status_checks", **whose, "parameters": parameters})
        return found

    def protection(self, branch: str) -> Body | None:
        """The classic protection of a branch."""
        rules = self.state.rules.get(branch)
        if rules is None or not rules.classic:
            return None
        url = f"{self.repo_api}/branches/{branch}/protection"
        body: Body = {"url": url, "enforce_admins": {"url": f"{url}/enforce_admins", "enabled": True}}
        for name in ("required_linear_history", "allow_force_pushes", "allow_deletions", "block_creations"):
            body[name] = {"enabled": False}
        for name in ("required_conversation_resolution", "lock_branch", "allow_fork_syncing"):
            body[name] = {"enabled": False}
        if rules.statuses:
            body["required_status_checks"] = {
                "url": f"{url}/required_status_checks",
                "strict": rules.strict,
                "contexts": list(rules.statuses),
                "contexts_url": f"{url}/required_status_checks/contexts",
                "checks": [{"context": context, "app_id": None} for context in rules.statuses],
            }
        if rules.approvals:
            body["required_pull_request_reviews"] = {
                "url": f"{url}/required_pull_request_reviews",
                "dismiss_stale_reviews": rules.dismiss_stale,
                "require_code_owner_reviews": False,
                "require_last_push_approval": False,
                "required_approving_review_count": rules.approvals,
            }
        return body

    def hook(self, number: int, target: str) -> Body:
        url = f"{self.repo_api}/hooks/{number}"
        return {
            "type": "Repository",
            "id": number,
            "name": "web",
            "active": True,
            "events": ["push", "pull_request"],
            "config": {"url": target, "content_type": "json", "insecure_ssl": "0", "secret": "********"},
            "updated_at": stamp(self.state.created_at),
            "created_at": stamp(self.state.created_at),
            "url": url,
            "test_url": f"{url}/test",
            "ping_url": f"{url}/pings",
            "deliveries_url": f"{url}/deliveries",
            "last_response": {"code": 200, "status": "active", "message": "OK"},
        }

    def app(self, signin: SignIn) -> Body:
        return {
            "id": signin.app_id,
            "client_id": signin.client_id,
            "slug": "postbot",
            "node_id": f"A_{signin.app_id}",
            "owner": self.user(self.state.owner),
            "name": "postbot",
            "description": None,
            "external_url": self.origin,
            "html_url": f"{self.origin}/apps/postbot",
            "created_at": stamp(self.state.created_at),
            "updated_at": stamp(self.state.created_at),
            "permissions": signin.permissions if signin.asked is None else signin.asked,
            "events": [],
            "installations_count": 1,
        }

    def installation(self, signin: SignIn) -> Body:
        """The App in the owner's account, with what was granted to it there."""
        number, owner = signin.installation, self.user(self.state.owner)
        return {
            "id": number,
            "account": owner,
            "repository_selection": signin.selection,
            "access_tokens_url": f"{self.api}/app/installations/{number}/access_tokens",
            "repositories_url": f"{self.api}/installation/repositories",
            "html_url": f"{self.origin}/organizations/{self.state.owner}/settings/installations/{number}",
            "app_id": signin.app_id,
            "client_id": signin.client_id,
            "target_id": owner["id"],
            "target_type": "Organization",
            "permissions": signin.permissions,
            "events": [],
            "created_at": stamp(self.state.created_at),
            "updated_at": stamp(self.state.updated_at),
            "single_file_name": None,
            "app_slug": "postbot",
            "suspended_by": owner if signin.suspended else None,
            "suspended_at": stamp(self.state.updated_at) if signin.suspended else None,
        }


def _signature(signature: Any) -> Body:
    at = datetime.fromtimestamp(signature.time, UTC)
    return {"name": signature.name, "email": signature.email, "date": stamp(at)}
