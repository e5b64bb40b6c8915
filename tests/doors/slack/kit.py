"""The kit for the Slack door: the real `postbot run`, sites in plain git, and people who act through the twin.

Nothing of ours is called to act: a person types, presses and fills in at the twin, which signs it and sends it as
Slack does, or through the websocket. What came of it is read from the ledger, the repository and the twin.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from postbot.core.plan.memory import Request
from tests.service.kit import Service, Site, configure, wait_for
from tests.twins.slack.client import APP_TOKEN, SECRET, TOKEN, SlackTwin
from tests.twins.slack.people import Person

WORKSPACE = "T0TEAM"
ADA, BEN, CAL = "U0ADALOVE", "U0BENBAKER", "U0CALVINO"
ALL = "roles:\n  - {who: everybody, may: everything}\n"

ENVIRONMENT = {
    "POSTBOT_SLACK_TOKEN": TOKEN,
    "POSTBOT_SLACK_SIGNING_SECRET": SECRET,
    "POSTBOT_SLACK_APP_TOKEN": APP_TOKEN,
}


def site(folder: Path, workspace: SlackTwin, roles: str = ALL, **others: Any) -> Site:
    """A site with roles, whose Slack is the twin."""
    more = f"slack: {{server: '{workspace.url}'}}\n{roles}"
    return Site(folder, more=others.pop("more", "") + more, **others)


@dataclass
class Office:
    """A service with its door in Slack, one or more sites, and the workspace."""

    service: Service
    twin: SlackTwin
    sites: tuple[Site, ...]
    url: str = ""

    def person(self, member: str = ADA, **told: Any) -> Person:
        """A full member, unless told otherwise."""
        return self.twin.person(member, **{"real_name": member.title(), **told})

    def requests(self, number: int = 0) -> tuple[Request, ...]:
        """The open requests of a site."""
        with self.sites[number].ledger() as ledger:
            return ledger.memory().requests

    def filed(self, number: int = 0) -> list[Mapping[str, Any]]:
        """Everything that was ever asked of a site, by its audit."""
        return [row for row in self.audit(number) if row["what"] == "asked"]

    def asked(self, number: int = 0) -> list[Mapping[str, Any]]:
        """What people have brought about: what was asked for, said or refused."""
        return [row for row in self.audit(number) if row["what"] in ("asked", "said", "refused")]

    def audit(self, number: int = 0) -> list[Mapping[str, Any]]:
        """What is on record."""
        with self.sites[number].ledger() as ledger:
            return [{name: getattr(row, name) for name in ("what", "path", "by", "detail")} for row in ledger.audit()]

    def view(self, person: Person, callback: str = "") -> dict[str, Any]:
        """Wait for the modal that they have before them."""

        def there() -> dict[str, Any] | None:
            view = person.view()
            return view if view and callback in ("", view["callback_id"]) else None

        return self.service.wait_for(there)

    def confirm(self, person: Person, given: Mapping[str, Mapping[str, Any]] | None = None) -> Any:
        """Fill the form that they have before them, and confirm the summary."""
        answer = person.submit(self.view(person, "form"), {name: dict(each) for name, each in (given or {}).items()})
        if person.errors():
            return answer
        return person.submit(self.view(person, "summary"))


def words(found: Any) -> str:
    """All texts of a view or a message, in order."""
    match found:
        case dict():
            own = [text] if isinstance(text := found.get("text"), str) else []
            return "\n".join(filter(None, (*own, *(words(each) for each in found.values()))))
        case list():
            return "\n".join(filter(None, (words(each) for each in found)))
    return ""


@contextmanager
def office(
    folder: Path,
    twin: SlackTwin,
    *sites: Site,
    by: str = "http",
    heartbeat: str = "1 hour",
    env: Mapping[str, str] | None = None,
    seen: bool = True,
) -> Iterator[Office]:
    """Run a service before the workspace until the block ends. `seen`: every site has had a look first."""
    door = f"{{by: {by}, workspace: {WORKSPACE}, server: '{twin.url}'}}"
    configure(folder, *sites, heartbeat=heartbeat, slack=door)
    with Service.start(folder, env=ENVIRONMENT | dict(env or {})) as service:
        url = f"http://127.0.0.1:{service.line('listening')['port']}/slack/events"
        if by == "http":
            twin.app(url)
        else:
            twin.connected(1)
        if seen:
            service.wait_for(lambda: service.get("/readyz")[0] == 200)
        yield Office(service, twin, sites, url)


__all__ = ["ADA", "ALL", "BEN", "CAL", "ENVIRONMENT", "WORKSPACE", "Office", "office", "site", "wait_for", "words"]
