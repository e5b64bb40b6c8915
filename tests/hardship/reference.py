"""What must become of a posting, by its dates, the clock and what people do: a model that knows nothing of postbot.

Written from the README alone. The clock moves a posting on and never back; it closes by itself and opens once a person
approves; a no to what is due stands until its date changes. What readers of the site can see is what they are told.
"""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Act:
    """What a person does to a posting at some time; `value` is a state or a date, where the act needs one."""

    at: datetime
    what: str
    value: str | datetime = ""


@dataclass(frozen=True)
class Life:
    """A posting as it is at first, and what people do with it, in order."""

    state: str
    opens: datetime
    closes: datetime
    acts: tuple[Act, ...] = ()


@dataclass
class _Posting:
    """A posting on its way: as it stands, what it was told of, and the answers that people have given."""

    state: str
    opens: datetime
    closes: datetime
    opened: int
    approved: bool = False
    noes: set[tuple[str, datetime]] = field(default_factory=set)
    told: list[str] = field(default_factory=list)

    def coming(self, now: datetime) -> tuple[str, datetime]:
        """What the clock asks for next, and when."""
        is_to_open = self.state == "upcoming" and self.closes > now
        return ("open", self.opens) if is_to_open else ("closed", self.closes)

    def pass_by(self, now: datetime) -> bool:
        """Let the clock move it, if it may; whether it did."""
        target, at = self.coming(now)
        may = self.approved or target == "closed"
        if at > now or self.state == "closed" or (target, at) in self.noes or not may:
            return False
        self.move(target, now)
        return True

    def move(self, target: str, now: datetime) -> None:
        """Stand in another state, and be told of where readers see something else by that."""
        if target == "open":
            self.told.append("reopened" if self.opened else "opened")
            self.opened += 1
        elif self.state == "open":
            self.told.append("closed" if self.closes <= now else "closed-early")
        self.state = target

    def undergo(self, act: Act, now: datetime) -> None:
        """Take what a person does."""
        match act:
            case Act(what="approve"):
                self.approved = True
            case Act(what="reject"):
                self.noes.add(self.coming(now))
            case Act(what="merge"):
                self.move(self.coming(now)[0], now)
            case Act(what="edit state" | "ask to close", value=value):
                self.move(str(value) or "closed", now)
            case Act(what="edit opens", value=datetime() as at):
                self.opens = at
            case Act(what="edit closes" | "ask to extend", value=datetime() as at):
                self.told += ["extended" if at > self.closes else "corrected"] if self.state == "open" else []
                self.closes = at


def reference(life: Life, end: datetime) -> tuple[str, list[str]]:
    """The state at the end, and every event that the public is to hear once, in order."""
    posting, acts = _Posting(life.state, life.opens, life.closes, int(life.state == "open")), list(life.acts)
    now = datetime.min.replace(tzinfo=end.tzinfo)
    while ahead := [at for at in (posting.opens, posting.closes, *(act.at for act in acts)) if now < at <= end]:
        now = min(ahead)
        while posting.pass_by(now) or (acts and acts[0].at <= now):
            if acts and acts[0].at <= now:
                posting.undergo(acts.pop(0), now)
    return posting.state, posting.told
