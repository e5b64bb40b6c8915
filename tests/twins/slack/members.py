"""Who is in the workspace: members and groups of them, as Slack tells of them.

Shapes are from docs.slack.dev/reference/objects/user-object and usergroup-object.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests.twins.slack.faults import Refusal

if TYPE_CHECKING:
    from tests.twins.slack.world import World

TEAM = "T0TEAM"
Told = dict[str, Any]


@dataclass
class User:
    """Somebody. `guest`: of several channels; `single_channel`: a guest of one; `stranger`: of a shared channel."""

    id: str
    email: str = ""
    disabled: bool = False
    bot: bool = False
    name: str = ""
    real_name: str = ""
    confirmed: bool = True
    guest: bool = False
    single_channel: bool = False
    stranger: bool = False
    team: str = TEAM
    tz: str = "America/New_York"

    @property
    def handle(self) -> str:
        return self.name or self.id.lower()

    def shown(self, *, email: bool) -> Told:
        """The user as `users.info` tells it: of one who has left it tells less."""
        profile = {"real_name": self.real_name or self.handle, "display_name": self.handle, "team": self.team}
        if email and self.email and not self.bot:
            profile["email"] = self.email
        base = {"id": self.id, "team_id": self.team, "name": self.handle, "deleted": self.disabled, "profile": profile}
        base |= {"is_bot": self.bot, "is_app_user": False, "updated": 1_700_000_000}
        if self.disabled:
            return base
        offset = datetime.now(ZoneInfo(self.tz)).utcoffset()
        return {
            **base,
            "real_name": self.real_name or self.handle,
            "tz": self.tz,
            "tz_label": self.tz,
            "tz_offset": int(offset.total_seconds()) if offset else 0,
            **dict.fromkeys(("is_admin", "is_owner", "is_primary_owner"), False),
            "is_restricted": self.guest or self.single_channel,
            "is_ultra_restricted": self.single_channel,
            "is_email_confirmed": self.confirmed,
            **({"is_stranger": True} if self.stranger else {}),
        }


@dataclass
class Group:
    """A user group."""

    id: str
    members: list[str] = field(default_factory=list)
    handle: str = ""
    disabled: bool = False

    def shown(self, *, users: bool, count: bool) -> Told:
        handle = self.handle or self.id.lower()
        base = {"id": self.id, "team_id": TEAM, "is_usergroup": True, "is_subteam": True, "name": handle}
        base |= {"handle": handle, "date_delete": 1_700_000_000 if self.disabled else 0}
        base |= {"users": self.members} if users else {}
        return {**base, **({"user_count": len(self.members)} if count else {})}


def info(world: "World", told: Told) -> Told:
    """`users.info`."""
    world.need("users:read")
    user = world.users.get(str(told.get("user", "")))
    if user is None:
        raise Refusal("user_not_found")
    return {"user": user.shown(email="users:read.email" in world.scopes)}


def by_email(world: "World", told: Told) -> Told:
    """`users.lookupByEmail`."""
    world.need("users:read.email")
    world.need("users:read")
    wanted = str(told.get("email", "")).casefold()
    found = [user for user in world.users.values() if user.email and user.email.casefold() == wanted]
    if not found or found[0].disabled:
        raise Refusal("users_not_found")
    return {"user": found[0].shown(email=True)}


def groups(world: "World", told: Told) -> Told:
    """`usergroups.list`."""
    world.need("usergroups:read")
    found = [each for each in world.groups.values() if not each.disabled or yes(told, "include_disabled")]
    users, count = yes(told, "include_users"), yes(told, "include_count")
    return {"usergroups": [each.shown(users=users, count=count) for each in found]}


def group_members(world: "World", told: Told) -> Told:
    """`usergroups.users.list`."""
    world.need("usergroups:read")
    found = world.groups.get(str(told.get("usergroup", "")))
    if found is None or (found.disabled and not yes(told, "include_disabled")):
        raise Refusal("no_such_subteam")
    return {"users": list(found.members)}


def yes(told: Told, name: str) -> bool:
    """Whether an argument says yes, as a form or JSON says it."""
    return str(told.get(name, "")).lower() in ("1", "true")
