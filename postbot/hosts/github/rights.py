"""What the sign-in may do, against what postbot needs: too little is a fault, too much a risk.

Pure: what GitHub answered in, findings out. No token or key comes in here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel

from postbot.hosts.doctor import Finding, fault, fine, note, warning

NEEDED: Final = {"contents": "write", "pull_requests": "write", "metadata": "read", "checks": "read"}
"""The rights that postbot asks for, by GitHub's names. https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps."""

ACTION: Final = "github-actions[bot]"
"""Who acts by the GITHUB_TOKEN of a workflow."""

_LEVELS: Final = {"read": 1, "write": 2, "admin": 3}
_ENOUGH: Final = frozenset({"repo", "public_repo"})
_AS_APP: Final = "Sign in as a GitHub App with contents and pull requests only; see the README."


class Permissions(BaseModel):
    """What somebody may do in the repository. https://docs.github.com/en/rest/repos/repos#get-a-repository."""

    push: bool = False
    admin: bool = False


class Owner(BaseModel):
    """The account that something belongs to."""

    login: str


class AppItself(BaseModel):
    """A GitHub App. https://docs.github.com/en/rest/apps/apps#get-the-authenticated-app."""

    id: int
    slug: str
    permissions: dict[str, str]


class Installation(BaseModel):
    """An App in somebody's account. https://docs.github.com/en/rest/apps/apps#get-an-installation-for-the-authenticated-app."""

    id: int
    account: Owner
    permissions: dict[str, str]
    repository_selection: str
    html_url: str
    suspended_at: str | None = None


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who carries a token: the login, the scopes where it is a classic one, and what that account may do."""

    login: str
    scopes: tuple[str, ...] | None
    may: Permissions
    private: bool

    @property
    def is_bot(self) -> bool:
        """Whether GitHub signs its commits, and they are nobody's own."""
        return self.login.endswith("[bot]")


def of_app(app: AppItself, installed: Installation, *, two_people: bool) -> Iterator[Finding]:
    """What an installation of an App may do. GitHub tells it exactly."""
    needed = NEEDED | ({"statuses": "write"} if two_people else {})
    granted = installed.permissions
    missing = {name: level for name, level in needed.items() if _below(granted, name, level)}
    asked = {name: level for name, level in missing.items() if not _below(app.permissions, name, level)}
    if asked:
        do = f"An owner of {installed.account.login} accepts the new permissions at {installed.html_url}."
        yield fault("rights", f"The App asks for {_named(asked)} and was not granted it yet.", do)
    if unasked := {name: level for name, level in missing.items() if name not in asked}:
        do = f"Grant it in the App's settings (Permissions & events), then accept it at {installed.html_url}."
        yield fault("rights", f"The App lacks {_named(unasked)}.", do)
    if not missing:
        yield fine("rights", f"The App may do all that is needed: {_named(needed)}.")
    yield from _beyond(granted, needed)
    if installed.repository_selection == "all":
        says = f"The App is installed for every repository of {installed.account.login}."
        yield warning("rights", says, f"Select this repository only, at {installed.html_url}.")


def _below(granted: Mapping[str, str], name: str, level: str) -> bool:
    return _LEVELS.get(granted.get(name, ""), 0) < _LEVELS[level]


def _beyond(granted: Mapping[str, str], needed: Mapping[str, str]) -> Iterator[Finding]:
    more = {name: level for name, level in granted.items() if name not in needed}
    higher = {name: level for name, level in granted.items() if name in needed and _below(needed, name, level)}
    if more:
        says = f"The App may do more than postbot ever does: {_named(more)}."
        yield warning("rights", says, "Take it away in the App's settings (Permissions & events).")
    if higher:
        enough = _named({name: needed[name] for name in higher})
        says = f"The App has {_named(higher)} where {enough} is enough."
        yield warning("rights", says, "Lower it in the App's settings (Permissions & events).")


def of_token(bearer: Bearer) -> Iterator[Finding]:
    """What a token may do, as far as GitHub tells."""
    if not bearer.may.push:
        says = f"{bearer.login} may not write to the repository."
        yield fault("rights", says, "Grant contents: write and pull requests: write.")
    if bearer.login == ACTION:
        yield from _of_action()
    elif bearer.scopes is not None:
        yield from _of_classic(bearer.scopes, private=bearer.private)
    else:
        says = "GitHub does not list what such a token may do, so rights to write show only when they are used."
        yield note("rights", says, "Check that it has contents and pull requests: write, and nothing else.")
    if bearer.may.admin:
        yield warning("rights", f"{bearer.login} may administer the repository, which postbot never does.", _AS_APP)
    if not bearer.is_bot:
        says = f"Pull requests are {bearer.login}'s own, and GitHub lets nobody approve their own."
        yield note("identity", says, "Sign in as a GitHub App, so that everybody can approve.")


def _of_action() -> Iterator[Finding]:
    says = "Pull requests made with the GITHUB_TOKEN of an Action start no workflows, so no check ever runs on them."
    yield warning("identity", says, "Sign in as a GitHub App of postbot's own.")
    says = f"Every workflow of the repository is {ACTION}, too: what another one does counts as postbot's."
    yield warning("identity", says, "Sign in as a GitHub App of postbot's own.")


def _of_classic(scopes: Iterable[str], *, private: bool) -> Iterator[Finding]:
    """Classic tokens know no repositories. https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps."""
    given = set(scopes)
    wanted = {"repo"} if private else _ENOUGH
    if not given & wanted:
        says = f"The token has no scope {' or '.join(sorted(wanted))}, so it cannot write to the repository."
        yield fault("rights", says, _AS_APP)
    if given:
        listed = ", ".join(sorted(given))
        says = f"The token is a classic one with the scopes {listed}: it reaches every repository that its owner can."
        yield warning("rights", says, _AS_APP)
    if more := given - _ENOUGH:
        yield warning("rights", f"The token may do more than postbot ever does: {', '.join(sorted(more))}.", _AS_APP)


def _named(rights: Mapping[str, str]) -> str:
    """Rights as GitHub's pages spell them."""
    titles = {_TITLES.get(name, name.replace("_", " ")): level for name, level in rights.items()}
    return ", ".join(f"{title}: {level}" for title, level in sorted(titles.items()))


_TITLES: Final = {"statuses": "commit statuses", "repository_hooks": "webhooks"}
