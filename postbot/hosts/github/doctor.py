"""The doctor of sites on GitHub: what will keep postbot from its work there, before it does, and what is too much.

It reads and never writes. What this sign-in may not see is a note and no error, for the rights that postbot asks for
do not show everything. No token, key or whole address of a hook is ever in a finding.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict

from postbot.config import Config, GitHubConfig
from postbot.core.plan.steps import MergeWhen
from postbot.hosts import HostError
from postbot.hosts.doctor import Finding, fault, fine, folders_found, note, warning
from postbot.hosts.github import queries, rights
from postbot.hosts.github.api import Api, App, Denied, NotFound, Reply, read_as
from postbot.hosts.github.queries import Overview
from postbot.hosts.github.rights import AppItself, Bearer, Installation, Owner, Permissions
from postbot.hosts.github.rules import CLASSIC, Classic, Rule, Rules, Ways, on_base, on_ours, together
from postbot.hosts.tree import PREFIX

_Seen = TypeVar("_Seen")

_DRIFT: Final = timedelta(minutes=1)
"""So far may clocks be apart before times look wrong; at a few minutes GitHub refuses an App's sign-in."""
_FEW: Final = 0.1
"""The share of the hour's requests below which little is left."""
_POINTER: Final = " See: postbot doctor"
"""How other commands' sentences lead here."""
_VIEWER: Final = "query Viewer { viewer { login } }"


class _Repository(BaseModel):
    """The repository; its ways to merge are shown only to those who may push."""

    model_config = ConfigDict(frozen=True)
    full_name: str
    default_branch: str
    private: bool
    archived: bool
    permissions: Permissions = Permissions()
    allow_merge_commit: bool | None = None
    allow_squash_merge: bool | None = None
    allow_rebase_merge: bool | None = None
    delete_branch_on_merge: bool | None = None


class _Viewer(BaseModel):
    viewer: Owner


class _Target(BaseModel):
    url: str = ""


class _Hook(BaseModel):
    config: _Target


def examine(api: Api, config: Config) -> tuple[Finding, ...]:
    """Look at everything on GitHub that postbot needs, in the order in which it needs it.

    Without a sign-in that is accepted, or a repository to be seen, there is one fault and nothing more. Never raises
    `HostError`.
    """
    found: list[Finding] = []
    try:
        found.extend(_findings(api, config))  # what came before a failure is kept
    except HostError as error:
        found.append(fault("GitHub", str(error).removesuffix(_POINTER)))
    return (*found, *_clock(api.clock()))


def _findings(api: Api, config: Config) -> Iterator[Finding]:
    github = _github(config)
    app = read_as(AppItself, api.get_app().data) if isinstance(api.sign_in, App) else None
    if app and isinstance(api.sign_in, App):
        installed = _installation(api, api.sign_in.installation)
        yield from _of_app(app, installed, config)
        if installed is None or installed.suspended_at:
            return
    login = f"{app.slug}[bot]" if app else api.query(_VIEWER, _Viewer)[0].viewer.login
    if app is None:
        yield fine("sign-in", f"This is {login}, by a token.")
    reply = _reply(api)
    if reply is None:
        says = f"GitHub does not show {github.repository} to this sign-in."
        yield fault("repository", says, "Check `repository`, and that this sign-in was given access to it.")
        return
    repository = read_as(_Repository, reply.data)
    if app is None:
        yield from _of_bearer(api, login, reply, repository)
    yield from _of_repository(repository, config)
    yield from _look(api, config)
    yield from _of_rules(api, config, _ways(config, app, login))
    yield from _labels(api, github)
    yield from _people(api, github)
    yield from _hooks(api)
    yield from _budget(reply)


def _github(config: Config) -> GitHubConfig:
    assert config.github is not None  # whoever has an Api has read it from there
    return config.github


# Who we are ----------------------------------------------------------------------------------------------------------


def _installation(api: Api, number: int) -> Installation | None:
    try:
        return read_as(Installation, api.get_app(f"/installations/{number}").data)
    except NotFound:
        return None


def _reply(api: Api) -> Reply | None:
    try:
        return api.get("")
    except NotFound:
        return None


def _of_app(app: AppItself, installed: Installation | None, config: Config) -> Iterator[Finding]:
    if installed is None:
        says = f"The GitHub App {app.slug} has no such installation."
        yield fault("sign-in", says, "Set `app: {installation: ...}` to the number in the installation's address.")
    elif installed.suspended_at:
        says = f"The installation of the GitHub App {app.slug} by {installed.account.login} is suspended."
        yield fault("sign-in", says, f"An owner lifts that at {installed.html_url}.")
    else:
        yield fine("sign-in", f"This is the GitHub App {app.slug}, installed by {installed.account.login}.")
        yield from rights.of_app(app, installed, two_people=config.approval.two_people)


def _of_bearer(api: Api, login: str, reply: Reply, repository: _Repository) -> Iterator[Finding]:
    header = reply.headers.get("x-oauth-scopes")
    scopes = None if header is None else tuple(filter(None, map(str.strip, header.split(","))))
    yield from rights.of_token(Bearer(login, scopes, repository.permissions, repository.private))
    runs = f"/commits/{quote(repository.default_branch, safe='')}/check-runs"
    seen = _seen("checks", lambda: api.get(runs, {"per_page": "1"}))
    if isinstance(seen, Finding):
        yield seen


def _seen(subject: str, read: Callable[[], _Seen]) -> _Seen | Finding:
    """What is read, or the note that it may not be."""
    try:
        return read()
    except (Denied, NotFound):
        return note(subject, "This cannot be seen with these rights.")


# The site ------------------------------------------------------------------------------------------------------------


def _of_repository(repository: _Repository, config: Config) -> Iterator[Finding]:
    named, base = _github(config).repository, config.site.base
    if repository.full_name.casefold() != named.casefold():
        yield fault("repository", f"{named} is now {repository.full_name}.", "Write that into the configuration.")
    elif repository.archived:
        yield fault("repository", f"{named} is archived: nothing can be changed in it.", "Unarchive it on GitHub.")
    else:
        yield fine("repository", f"{named} is there.")
    if repository.default_branch != base:
        says = f"postbot takes {base} for the published branch; GitHub's default is {repository.default_branch}."
        yield note("base branch", says, "If the site is published from that one, name it with `base`.")
    yield _merge_method(repository, _github(config).merge_method)
    if repository.delete_branch_on_merge is not None:
        by = "GitHub" if repository.delete_branch_on_merge else "postbot"
        yield fine("merged branches", f"{by} deletes them.")


def _merge_method(repository: _Repository, method: str) -> Finding:
    ways = {
        "merge": repository.allow_merge_commit,
        "squash": repository.allow_squash_merge,
        "rebase": repository.allow_rebase_merge,
    }
    match ways[method]:
        case True:
            return fine("merge method", f"The repository allows {method}.")
        case False:
            allowed = " or ".join(sorted(way for way, is_allowed in ways.items() if is_allowed))
            return fault("merge method", f"The repository does not allow {method}.", f"Set `merge_method: {allowed}`.")
    return note("merge method", "Which are allowed cannot be seen with these rights.")


def _look(api: Api, config: Config) -> Iterator[Finding]:
    """Ask what every tick asks, and see whether the answer holds the site."""
    base, folders = config.site.base, tuple(name.strip("/") for name in config.site.folders)
    owner, _, name = api.repository.partition("/")
    asked = queries.overview(folders, verdicts=config.approval.two_people)
    try:
        seen, _ = api.query(asked, Overview, owner=owner, name=name, base=f"refs/heads/{base}", after=None)
    except (Denied, NotFound) as error:
        says = f"What every tick reads is not shown. {error}".removesuffix(_POINTER)
        yield fault("base branch", says, "Grant contents: write and pull requests: write.")
        return
    ref = seen.repository.ref
    if ref is None:
        yield fault("base branch", f"There is no branch {base}.", "Name the published one with `base`.")
        return
    yield fine("base branch", f"{base} is at {ref.target.oid[:7]}.")
    there = {path for path, leaf in queries.entries(folders, ref.target).items() if leaf is not None}
    yield from folders_found(folders, there, base)


# The rules of branches -----------------------------------------------------------------------------------------------


def _ways(config: Config, app: AppItself | None, login: str) -> Ways:
    return Ways(
        merge_method=_github(config).merge_method,
        two_people=config.approval.two_people,
        merges=any(each.merge is not MergeWhen.REVIEW for each in config.policy.handling.values()),
        signed=login.endswith(
            "[bot]"
        ),  # https://docs.github.com/en/authentication/managing-commit-signature-verification
        app=app.id if app else None,
    )


def _of_rules(api: Api, config: Config, ways: Ways) -> Iterator[Finding]:
    base = config.site.base
    known = []
    for found in (_seen("rulesets", lambda: _rulesets(api, base)), _seen("protection", lambda: _classic(api, base))):
        if isinstance(found, Finding):
            yield found
        else:
            known.append(found)
    if known:
        yield from on_base(together(known), ways, base)
    ours = _seen(f"{PREFIX}**", lambda: _rulesets(api, f"{PREFIX}open/example"))
    yield from [ours] if isinstance(ours, Finding) else on_ours(ours, ways)


def _rulesets(api: Api, branch: str) -> Rules:
    listed = api.pages(f"/rules/branches/{quote(branch, safe='')}")
    return together(read_as(Rule, each).rules for each in listed)


def _classic(api: Api, base: str) -> Rules:
    owner, _, name = api.repository.partition("/")
    return api.query(CLASSIC, Classic, owner=owner, name=name, base=f"refs/heads/{base}")[0].rules


# What goes with pull requests ----------------------------------------------------------------------------------------


def _labels(api: Api, github: GitHubConfig) -> Iterator[Finding]:
    for name in ("postbot", *github.labels):
        try:
            api.get(f"/labels/{quote(name, safe='')}")
        except NotFound:
            yield note("label", f"There is no label {name}; GitHub makes it at its first use.")
        except Denied:
            yield note("label", "Labels cannot be seen with these rights.")
        else:
            yield fine("label", f"{name} is there.")


def _people(api: Api, github: GitHubConfig) -> Iterator[Finding]:
    for name in dict.fromkeys((*github.reviewers, *github.assignees)):
        if "/" in name:
            yield note(
                "reviewer", f"Whether the team {name} may review is not shown without rights in its organisation."
            )
            continue
        try:
            api.get(f"/collaborators/{quote(name, safe='')}")
        except NotFound:
            says = f"{name} is no collaborator of the repository, so a review or an assignment is not possible."
            yield warning("reviewer", says, "Correct the name in `reviewers` or `assignees`, or invite them.")
        except Denied:
            yield note("reviewer", f"Whether {name} is a collaborator cannot be seen with these rights.")
        else:
            yield fine("reviewer", f"{name} is a collaborator.")


def _hooks(api: Api) -> Iterator[Finding]:
    listed = _seen("webhooks", lambda: api.pages("/hooks"))
    if isinstance(listed, Finding):
        yield note("webhooks", "They cannot be seen with these rights; postbot needs none.")
        return
    # Only the host: the rest of such an address is often what opens the door behind it.
    hosts = sorted({urlsplit(read_as(_Hook, each).config.url).hostname or "?" for each in listed})
    there = f"There are some, to {', '.join(hosts)}" if hosts else "There is none"
    yield fine("webhooks", f"{there}; postbot needs none.")


# What is left, and what time it is -----------------------------------------------------------------------------------


def _budget(reply: Reply) -> Iterator[Finding]:
    """https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api."""
    try:
        left, limit = (int(reply.headers[f"x-ratelimit-{word}"]) for word in ("remaining", "limit"))
        until = datetime.fromtimestamp(int(reply.headers["x-ratelimit-reset"]), UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        return
    says = f"{left} of {limit} requests are left until {until:%H:%M} UTC."
    few = left < limit * _FEW
    yield warning("requests", says, "Find out who else uses this sign-in.") if few else fine("requests", says)


def _clock(theirs: datetime | None) -> Iterator[Finding]:
    if theirs is None:
        return
    ahead = theirs - datetime.now(UTC)
    if abs(ahead) <= _DRIFT:
        yield fine("clock", "This machine's clock agrees with GitHub's.")
        return
    seconds = round(abs(ahead).total_seconds())
    says = f"This machine's clock is {seconds} seconds {'behind' if ahead > timedelta(0) else 'ahead of'} GitHub's."
    yield warning("clock", says, "Set it by NTP: dates are due by this clock, and sign-ins fail with a wrong one.")
