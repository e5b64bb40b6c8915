"""What a doctor finds of the door in Slack: whether the app may come in, and whom a site's roles name there.

It reads and never writes: Slack is asked what changes nothing there. Whatever it does not answer is a finding, too, not
an error. No finding holds a token, or the address of a connection.

Methods: docs.slack.dev, reference/methods: auth.test, apps.connections.open, usergroups.users.list.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from postbot.channels.slack import Slack, client
from postbot.config import Config
from postbot.core.plan.rights import EVERYBODY, groups_of
from postbot.doors.checking import several
from postbot.doors.slack.payload import text
from postbot.hosts.doctor import Finding, fault, fine, warning
from postbot.roster import NO_GROUP, Refused, Roster, Workspace
from postbot.secrets import secret
from postbot.serviceconfig import SLACK_APP, SLACK_TOKEN, SlackDoor

DOOR: Final = "Slack door"
ROLES: Final = "roles"

LOST: Final[Mapping[str, str]] = {
    "commands": "nobody can ask for anything",
    "usergroups:read": "nobody may do anything where `roles` name a user group",
}
"""The scopes that only the door needs, and what does not work without each; the others the channel knows."""

_PATIENCE: Final = timedelta(seconds=10)
_LOOK_AGAIN: Final = "Look again in a minute; if it stays so, docs.slack.dev says what that means."


def examine(door: SlackDoor) -> Iterator[Finding]:
    """Look at the app and its way in. Of a token that Slack does not take there is one fault and nothing more.

    What the token lacks is said in the sentences of the channel, which looks at the token of a site. The secrets must
    be there.
    """
    web = client(door.token, door.server, _PATIENCE)
    said = Slack(door.token, server=door.server, timeout=_PATIENCE).check()
    try:
        answer = web.auth_test()
    except Exception as error:  # noqa: BLE001 - whatever it is, it becomes a finding, and the rest is looked at
        yield fault(DOOR, said[0] if said else _why(error))
        return
    yield from _scopes(answer, said)
    yield _workspace(text(_data(answer), "team_id"), door.workspace)
    yield (
        _socket(door, web)
        if door.by == "socket"
        else fine(DOOR, "There is a signing secret; whether it is the right one shows when Slack calls.")
    )


def _scopes(answer: SlackResponse, said: Sequence[str]) -> Iterator[Finding]:
    granted = next((str(value) for name, value in answer.headers.items() if name.lower() == "x-oauth-scopes"), None)
    if granted is None:
        yield from (warning(DOOR, sentence) for sentence in said)
        return
    scopes = {scope.strip() for scope in granted.split(",")}
    lacks = [
        f"Slack: the app lacks the scope {scope}, so {lost}; add it and install the app again."
        for scope, lost in LOST.items()
        if scope not in scopes
    ]
    yield from (fault(DOOR, sentence) for sentence in (*said, *lacks))
    if not said and not lacks:
        yield fine(DOOR, "Slack takes the token, and the app has every scope that it needs.")


def _workspace(team: str, wanted: str) -> Finding:
    if team == wanted:
        return fine(DOOR, f"The token is of the workspace {team}.")
    return fault(
        DOOR,
        f"The token is of the workspace {team or 'that Slack does not name'}, and `slack.workspace` names {wanted}.",
        f"Mend `slack.workspace`, or install the app in {wanted} and set the token that it has there.",
    )


def _socket(door: SlackDoor, web: WebClient) -> Finding:
    """Whether Socket Mode can be opened. The address that Slack makes for it is not used, and runs out by itself."""
    try:
        web.apps_connections_open(app_token=door.app_token)
    except Exception as error:  # noqa: BLE001 - whatever it is, it becomes a finding, and the rest is looked at
        return fault(
            DOOR,
            f"Socket Mode cannot be opened. {_why(error)}",
            f"Turn Socket Mode on for the app, and set an app-level token with connections:write as {SLACK_APP}.",
        )
    return fine(DOOR, "Socket Mode can be opened.")


def named(config: Config) -> Iterator[Finding]:
    """Look whether everybody is somebody in Slack whom the roles of a site name, as that site asks about them.

    Raises `ConfigError` for a missing secret.
    """
    web = client(secret(SLACK_TOKEN, site=config.secrets), config.slack.server, _PATIENCE)
    groups = groups_of(config.rights)
    people = {who for role in config.rights for who in role.who} - groups - {EVERYBODY}
    found = [*_groups(web, sorted(groups)), *_people(web, sorted(people))]
    yield from found
    if not found:
        known = (
            f"{several(len(groups), 'user group')} and {'1 person' if len(people) == 1 else f'{len(people)} people'}"
        )
        yield fine(ROLES, f"Slack knows everybody whom `roles` name: {known}.")


def _groups(web: WebClient, groups: Sequence[str]) -> Iterator[Finding]:
    """A group that is not there has no members; while Slack is silent about one, nobody's groups are known."""
    for group in groups:
        try:
            web.usergroups_users_list(usergroup=group)
        except Exception as error:  # noqa: BLE001 - whatever it is, it becomes a finding, and the rest is looked at
            if _code(error) in NO_GROUP:
                said = f"There is no user group {group}, so what `roles` grant it nobody may. {_why(error)}"
                yield fault(ROLES, said, f"Enable {group} in Slack, or take it out of `roles`.")
            else:
                said = f"Who is in the user group {group} is not known, so nobody may do anything from Slack."
                yield fault(ROLES, f"{said} {_why(error)}", _LOOK_AGAIN)


def _people(web: WebClient, people: Sequence[str]) -> Iterator[Finding]:
    roster = Roster(Workspace(web), ())
    for member in people:
        found = roster.person(member)
        if isinstance(found, Refused) and not found.final:
            yield warning(ROLES, f"Slack does not say who {member} is at the moment.", _LOOK_AGAIN)
            return  # the others would only wait for it, too
        if isinstance(found, Refused):
            yield warning(
                ROLES,
                f"{member} may do nothing, whatever `roles` say; postbot would answer: {found.words}",
                f"Take {member} out of `roles`.",
            )


def _why(error: Exception) -> str:
    """What came in place of an answer, in a sentence. Of an exception only its kind: its words may hold a token."""
    code = _code(error)
    return f"Slack says {code}." if code else f"Slack gives no answer that can be read ({type(error).__name__})."


def _code(error: Exception) -> str:
    """Slack's own name for why it refuses; empty where it says nothing that can be read."""
    return text(_data(error.response), "error") if isinstance(error, SlackApiError) else ""


def _data(answer: SlackResponse) -> Mapping[str, object]:
    return answer.data if isinstance(answer.data, dict) else {}
