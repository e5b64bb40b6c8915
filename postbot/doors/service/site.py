"""One site of the service: its turns one after the other, its configuration read again, its bot replaced in between.

    heartbeat, poke ---> turn: read the configuration again where that is asked for
                               tick
                               be poked again when the plan says that there is something to do

The promise: one turn at a time, whoever asks for it; a poke that comes in the middle of one is answered by one more
turn; and whatever goes wrong is told, and ends neither the service nor the turns of other sites. A configuration that
cannot be used leaves the bot that there is at work; one that cannot be read for now is tried again at each heartbeat,
and so is any while there is no bot. It decides nothing about postings: that is the tick's business.
"""

import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from postbot.app import build, configured
from postbot.censor import censored
from postbot.config import Config
from postbot.core.announce import one_line
from postbot.core.lifecycle import Wish
from postbot.core.plan.decide import make_plan
from postbot.core.plan.memory import Opinion, Request
from postbot.core.plan.steps import Plan, Seen
from postbot.core.problem import PostbotError
from postbot.core.site import Path as SitePath
from postbot.doors.service import logs
from postbot.doors.service.clock import WallClock
from postbot.doors.service.desk import Glimpse
from postbot.doors.service.health import Health, Outcome
from postbot.doors.service.timetable import Timetable
from postbot.doors.service.vitals import Hang, Vitals
from postbot.hosts import HostError
from postbot.ledger import LEASE, RENEWAL, Entry, Lease, Ledger, LedgerBusy, LedgerError
from postbot.reconcile import Bot, Report

GATHERED: Final = timedelta(seconds=1)
"""How long pokes from outside are gathered, so that many of them are one turn."""

_BUSY: Final = timedelta(seconds=5)
"""How soon to look again where another postbot is at work and nobody knows for how long."""

WATCH: Final = timedelta(seconds=10)
"""How often a site that several replicas share sees whether another one has left something undone."""

_SILENT: Final = LEASE - 1.2 * RENEWAL
"""What is left of a lease whose holder has missed to renew it, and so may have died."""

OUR_FAULT: Final = "postbot itself is at fault; the log has the traceback."

_A_LITTLE: Final = timedelta(seconds=1)

_RECENT: Final = 0.9
"""The share of a heartbeat in which another replica's tick stands for our own."""

_REMEMBERED: Final = timedelta(days=7)
"""How long what came in from outside is known to have come. GitHub sends again what is at most three days old."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often a site has its turn, and how long one may take."""

    heartbeat: timedelta
    patience: timedelta


Told = Callable[[str, Bot, Report | None, Health, float], None]
"""Who hears of each tick: of which site and bot, what it did unless it failed, how the site fares, how many seconds."""


class Site:
    """One site. Its methods may be called by any thread. `speak` is where the console channel speaks.

    One that is `shown` to people looks also where another replica does the work: at each heartbeat, and within `WATCH`
    of each tick of the other one, so that what is shown here is hardly older than what is shown there.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        rhythm: Rhythm,
        timetable: Timetable,
        clock: WallClock,
        *,
        told: Told,
        speak: Callable[[str], None],
        shown: bool = False,
    ) -> None:
        self.name = name
        self.path = path
        self.busy_elsewhere = ""
        """Why this site may not be run here, because another service runs it; empty if it may."""
        self._rhythm = rhythm
        self._timetable = timetable
        self._clock = clock
        self._told = told
        self._speak = speak
        self._is_shown = shown
        self._looked: tuple[Bot, Seen, Plan] | None = None  # where another replica ticks
        self._epoch = 0  # of the lease, as of the last tick that what is shown here has seen the end of
        self._vitals = Vitals(name, rhythm.heartbeat, rhythm.patience)
        self._bot: Bot | None = None
        self._config: Config | None = None
        self._serving = ExitStack()
        self._is_busy = False  # its ledger, when it was last tried: another service may have it, or a command for now
        self._share = 1.0
        self._read_at = ""  # the commit of the base branch that was seen before its settings were read
        self._stale = True  # its configuration is to be read before the next tick
        self._refused = False
        self._rejection = ""  # why its configuration was not taken, as far as that has been told
        self._at_once = False  # its next turn is not to wait for what failed before
        self._again = threading.Event()
        self._leaving = threading.Event()
        self._closed = threading.Event()

    # What others may know

    @property
    def repository(self) -> str:
        """OWNER/NAME on GitHub, empty for a plain git site or one whose configuration was never usable."""
        return self._config.github.repository if self._config and self._config.github else ""

    @property
    def runs(self) -> bool | None:
        """Whether it has a bot; None while nobody can tell: its configuration was not read yet, or may be later."""
        if self._bot is not None:
            return True
        return False if self._refused else None

    @property
    def tried(self) -> bool:
        """Whether its configuration was read once, whatever came of that, but for a ledger that was busy for now."""
        was_read = self._vitals.health().outcome is not Outcome.NONE and not self._is_busy
        return self._bot is not None or was_read

    @property
    def rests(self) -> bool:
        """Whether no turn is under way."""
        return self._vitals.health().running is None

    @property
    def gone(self) -> bool:
        """Whether it was left, and its last turn has ended: it tells nothing any more, and its ledger is free."""
        return self._closed.is_set() and self.rests

    def health(self) -> Health:
        """How it fares now."""
        return self._vitals.health()

    def hang(self) -> Hang | None:
        """The turn that has come to hang; once for each."""
        return self._vitals.hang()

    def heard(self, key: str) -> bool:
        """Keep the key of something that came in; false where it was kept before. Raises `LedgerError`."""
        return self._ledger().once(key, self._clock.now(), _REMEMBERED)

    def _ledger(self) -> Ledger:
        bot = self._bot  # once, for it may go away meanwhile
        if bot is None:
            raise LedgerError(f"{self.name} has no ledger, for its configuration cannot be used, or it is leaving.")
        return bot.ledger

    # What people may ask (`desk.Desk`)

    def glimpse(self) -> Glimpse | None:
        """What is known of it, from memory and the ledger; None before its first look."""
        bot, config, looked = self._bot, self._config, self._looked
        if bot is None or config is None:
            return None
        shown = looked[1:] if looked is not None and looked[0] is bot else bot.shown
        if shown is None:
            return None
        seen, plan = shown
        memory = bot.ledger.memory()
        heard = tuple(each for each in memory.opinions if each not in seen.unheard)
        held = f"postbot holds its plan for a person to look at: {plan.held.reason}" if plan.held else ""
        return Glimpse(
            seen=replace(seen, memory=replace(memory, opinions=heard)),
            plan=plan,
            policy=bot.policy,
            voice=bot.voice,
            roster=bot.roster,
            holidays=config.site.holidays or "",
            obstacle=bot.halted() or held,
            now=self._clock.now(),
        )

    def file(self, path: SitePath, wish: Wish, by: str, *, asker: str, key: str, heard_of: int) -> Request:
        """File a wish and have it looked at soon; of several with one key, only the first counts.

        Raises `AskedBefore` where somebody else has asked for something of the posting since they last heard of one.
        """
        filed = self._ledger().file(path, wish, by, self._clock.now(), asker=asker, key=key, heard_of=heard_of)
        self.poke()
        return filed

    def filed(self, key: str) -> bool:
        """Whether a wish came in with this key."""
        return self._ledger().filed(key) is not None

    def opine(self, opinion: Opinion, path: SitePath, *, key: str) -> bool:
        """Keep what somebody says of a pull request; false where that came with this key before."""
        is_new = self._ledger().opine(opinion, path, key=key)
        self.poke()
        return is_new

    def refused(self, path: SitePath, what: str, by: str, why: str) -> None:
        """Have it on record, once an hour, that somebody asked for what they may not."""
        now = self._clock.now()
        if self.heard(f"refused {now:%Y-%m-%d %H} {path} {what} {by}"):
            said = f"{by} asked to {what}: {one_line(why)}"
            self._ledger().acted("refused", at=now, path=path, by=by, detail=said)

    def turned_away(self, who: str, why: str) -> None:
        """Have it on record, once an hour for each reason, that somebody came to whom postbot does not listen."""
        now = self._clock.now()
        if self.heard(f"turned away {now:%Y-%m-%d %H} {who} {why}"):
            self._ledger().acted("refused", at=now, by=who, detail=f"{who} was turned away: {one_line(why)}")

    def history(self, path: SitePath) -> Sequence[Entry]:
        """What has become of a posting, oldest first."""
        return self._ledger().history(path)

    # What others may ask

    def begin(self, share: float) -> None:
        """Have its first turn at once, and its heartbeat from then on, after a share of it."""
        self._share = share
        self._timetable.repeat(f"beat {self.name}", self._beat, self._rhythm.heartbeat, share=share)
        self._poke(self._clock.now())

    def poke(self) -> None:
        """Have it tick soon; several pokes within a second are one."""
        self._poke(self._clock.now() + GATHERED)

    def reload(self) -> None:
        """Read its configuration again before the next tick, which is at once."""
        self._rejection = ""
        self._stale = True
        self._prompt()

    def reject(self, reason: str) -> None:
        """Know that the service's own configuration, as it now stands, cannot be used; it can, where no reason is."""
        self._vitals.reject(reason, of_service=True)

    def leave(self) -> None:
        """Take no turn any more; one that is under way ends before its next act or message, and is told of."""
        self._leaving.set()
        self._forget()
        if (bot := self._bot) is not None:
            bot.leave()
        if self.rests:
            self._close()

    # Turns

    def _poke(self, at: datetime) -> None:
        if not self._leaving.is_set():
            self._timetable.once(f"poke {self.name}", self._poked, at)

    def _prompt(self) -> None:
        """Have a turn now, whatever failed before."""
        self._at_once = True
        self._poke(self._clock.now())

    def _poked(self) -> None:
        penalty = 0.0 if self._at_once else self._vitals.penalty()
        if penalty:
            self._poke(self._clock.now() + timedelta(seconds=penalty))
        elif not self._turn():
            self._again.set()
            if self.rests:  # it has ended in this very moment, and may not have seen that
                self._poke(self._clock.now())

    def _beat(self) -> None:
        self._turn(unless=self._followed)

    def _followed(self) -> bool:
        """Whether a tick stands for this heartbeat; then only what another replica works on is looked at here."""
        is_done, bot = self._done_of_late(), self._bot
        if is_done and bot is not None:
            lease = self._lease()  # before the look: what ends meanwhile is looked at again
            if lease is None or not lease.is_ours:
                self._look(bot)
                self._seen_to(lease)
                self._mind_settings(bot)
        return is_done

    def _seen_to(self, lease: Lease | None) -> None:
        """Know that what is shown here has seen the end of the last work on a shared ledger, if it has ended."""
        if lease is not None and lease.free:
            self._epoch = lease.epoch

    def _catch_up(self, lease: Lease) -> None:
        """Look again where another replica has ended a tick since the last look."""
        bot = self._bot
        if bot is not None and lease.free and lease.epoch != self._epoch:
            self._look(bot)
            self._seen_to(lease)
            self._mind_settings(bot)

    def _look(self, bot: Bot) -> None:
        """See what another replica works on, for those who ask here. What fails is for the ticks to tell."""
        if not self._is_shown or self._leaving.is_set():
            return
        with suppress(PostbotError):
            now = self._clock.now()
            seen = bot.observe(now)
            self._looked = bot, seen, make_plan(seen, now, bot.policy)

    def _turn(self, unless: Callable[[], bool] = lambda: False) -> bool:
        """Take a turn; false where one is under way. What it asks first may hang, and so is within it."""
        if not self._vitals.begin(self._clock.now()):
            return self._leaving.is_set()
        try:
            if not self._leaving.is_set() and not unless():
                self._again.clear()  # what comes from now on is not seen by this turn
                self._at_once = False
                self._renew()
                if self._keeps_up() and self._bot is not None and not self._leaving.is_set():
                    self._tick(self._bot)
        finally:
            self._rest()
        return True

    def _rest(self) -> None:
        if hung := self._vitals.rest():
            logs.line("warning", self.name, "the turn that hung has ended", seconds=round(hung.seconds))
        if self._leaving.is_set():
            self._close()
        elif self._again.is_set():
            self._poke(self._clock.now())
        elif self._vitals.may_pass:
            self._poke(self._clock.now() + timedelta(seconds=self._vitals.penalty()))

    def _tick(self, bot: Bot) -> None:
        report: Report | None = None
        try:
            report = bot.tick(self._clock.now(), self._clock.off())
            self._looked = None
            self._seen_to(self._lease())
            seconds = self._ended(*_outcome(bot, report), report.wakes_at)
        except LedgerBusy as busy:
            seconds = self._ended(Outcome.BUSY, str(busy))
            self._poke(self._clock.now() + (_BUSY if busy.left is None else busy.left + _A_LITTLE))
            self._look(bot)
        except PostbotError as error:
            seconds = self._ended(Outcome.FAILED, str(error), passes=isinstance(error, LedgerError))
            logs.line("error", self.name, "tick failed", why=str(error))
        except Exception:  # noqa: BLE001 - whatever it is, the service goes on
            seconds = self._ended(Outcome.FAILED, OUR_FAULT)
            logs.fault(self.name, "tick failed")
        if report is not None:
            self._wake(report)
        self._told(self.name, bot, report, self.health(), seconds)
        if report is not None:
            logs.told(self.name, report, is_paused=self.health().outcome is Outcome.PAUSED)
        self._mind_settings(bot)

    def _wake(self, report: Report) -> None:
        """Be poked when there is something to do.

        What was due at this very tick and is not done waits for the heartbeat, unless the tick spoke for as long as it
        may and has more to say: else a message that nobody takes would keep postbot busy for ever.
        """
        at = report.wakes_at
        if at is not None and (at > report.at or report.sent):
            self._poke(at)

    def _ended(self, outcome: Outcome, detail: str, wakes_at: datetime | None = None, *, passes: bool = False) -> float:
        """Tell how a tick has ended. A ledger that is away may soon be back; GitHub, which counts, is not pressed."""
        return self._vitals.end(outcome, censored(detail), self._clock.now(), wakes_at, passes=passes)

    # Its configuration

    def _mind_settings(self, bot: Bot) -> None:
        """Read the settings on the base branch again after a look that has shown another commit of it.

        After a tick that failed, too: what makes ticks fail may be such a setting, and be mended by that commit.
        """
        commit = bot.snapshot.commit if bot.snapshot else ""
        if self._config is None or self._config.site.settings is None or commit == self._read_at:
            return
        if self._leaving.is_set():
            return
        if self._adopt(always=False):
            self._read_at = commit
        if self._bot is not bot:
            self._prompt()

    def _renew(self) -> None:
        """Read the configuration where that is asked for, or was and could not be done; any while there is no bot."""
        if self._stale:
            self._stale = False  # before it is read: who asks meanwhile asks for one more reading
            if not self._adopt(always=True) or self._bot is None:
                self._stale = True

    def _keeps_up(self) -> bool:
        """Take the settings on the base branch as they are now, where another replica has worked since our last tick.

        What they were then, days ago perhaps, may be no more what the site wants. False where GitHub or the ledger is
        away, and they cannot be seen: nothing is done then, and what is to be said waits, too.
        """
        if self._bot is None or self._config is None or self._config.site.settings is None:
            return True
        lease = self._lease()
        if lease is None or lease.is_ours or self._adopt(always=False) or self._rejection == OUR_FAULT:
            return True
        self._ended(Outcome.FAILED, self._rejection)
        logs.line("error", self.name, "tick failed", why=self._rejection)
        return False

    def _adopt(self, *, always: bool) -> bool:
        """Read the configuration, and let a new bot take over; where it cannot be used, the old one goes on.

        False where that may be otherwise the next time although nobody changes anything: GitHub or the ledger is away.
        """
        reason, refused, passes = "", False, False
        fault: Exception | None = None
        try:
            config = configured(self.path)
            if always or config != self._config:
                self._replace(config)
        except PostbotError as error:
            reason, refused = str(error), not isinstance(error, HostError | LedgerError)
            passes = isinstance(error, LedgerError)
        except Exception as error:  # noqa: BLE001 - whatever it is, the bot that there is goes on
            reason, fault = OUR_FAULT, error
        self._reject(censored(reason), fault)
        self._refused = refused
        if self._bot is None:
            self._ended(Outcome.FAILED, reason, passes=passes)
        return refused or not reason

    def _reject(self, reason: str, fault: Exception | None) -> None:
        """Have it known why the configuration was not taken, if so; the log says it once, however often it is tried."""
        self._vitals.reject(reason)
        if reason and reason != self._rejection:
            if fault is None:
                logs.line("error", self.name, "configuration rejected", why=reason)
            else:
                logs.fault(self.name, "configuration rejected", fault)
        self._rejection = reason

    def _replace(self, config: Config) -> None:
        bot = build(config, write=self._speak)
        if self._config is None or config.ledger_at != self._config.ledger_at:
            self._serve(bot, shared=isinstance(config.ledger_at, str))
        old, self._bot, self._config = self._bot, bot, config
        self._vitals.fit()
        if self._leaving.is_set():
            bot.leave()
        if old is not None:
            old.ledger.close()
            logs.line("info", self.name, "configuration taken")

    def _serve(self, bot: Bot, *, shared: bool) -> None:
        """Keep other services from a ledger that only one can have, or watch what they leave in a shared one."""
        serving = ExitStack()
        try:
            serving.enter_context(bot.ledger.serving())
        except BaseException as error:
            with closing(bot.ledger):
                if isinstance(error, LedgerBusy) and self._bot is None:
                    self._is_busy = True
                    with bot.ledger.working():  # a command is at work for as long as it has it, and soon done
                        self.busy_elsewhere = str(error)
            raise
        self.busy_elsewhere, self._is_busy = "", False
        before, self._serving = self._serving, serving
        before.close()
        if shared:
            self._timetable.repeat(f"watch {self.name}", self._watch, WATCH, share=self._share)
        else:
            self._timetable.forget(f"watch {self.name}")

    def _close(self) -> None:
        bot, self._bot = self._bot, None
        if bot is not None:
            bot.ledger.close()
        self._serving.close()
        self._forget()  # what its last turn may have asked for
        self._closed.set()

    def _forget(self) -> None:
        self._timetable.forget(*(f"{what} {self.name}" for what in ("beat", "next", "watch", "end", "poke")))

    # Other replicas

    def _watch(self) -> None:
        if not self._vitals.penalty():
            self._turn(unless=self._nothing_left)

    def _nothing_left(self) -> bool:
        """Whether another replica has left nothing to take over: no lease that ran out, no instant that passed by."""
        lease = self._lease()
        if lease is None:
            return True
        if lease.free and (lease.holder or _is_due(lease)):
            return False
        self._mind_end(lease)
        self._catch_up(lease)
        return True

    def _mind_end(self, lease: Lease) -> None:
        """Watch again as soon as a lease has run out that should have been renewed by now."""
        if lease.until is None or lease.free or (left := lease.until - lease.now) > _SILENT:
            return
        if not self._leaving.is_set():
            self._timetable.once(f"end {self.name}", self._watch, self._clock.now() + left + _A_LITTLE)

    def _done_of_late(self) -> bool:
        """Whether a tick of any replica stands for this heartbeat; after one of our own the next is due in time."""
        lease = self._lease()
        if lease is None or lease.ticked_at is None or self._stale or _is_due(lease):
            return False
        ago = lease.now - lease.ticked_at
        if not timedelta(0) <= ago < _RECENT * self._rhythm.heartbeat:  # below 0: the database's clock was set back
            return False
        if not lease.is_ours:
            self._vitals.well_elsewhere(ago.total_seconds())
        elif not self._leaving.is_set():
            self._timetable.once(f"next {self.name}", self._beat, self._clock.now() + self._rhythm.heartbeat - ago)
        return True

    def _lease(self) -> Lease | None:
        """The lease of a shared ledger; what is wrong with the ledger is the next tick's to tell."""
        bot = self._bot  # once, for it may go away meanwhile
        try:
            return bot.ledger.lease() if bot is not None else None
        except LedgerError:
            return None


def _outcome(bot: Bot, report: Report) -> tuple[Outcome, str]:
    """How a tick that did not fail has ended, and why not better."""
    if bot.ledger.paused() is not None:
        return Outcome.PAUSED, bot.halted()
    if report.plan.held is not None:
        return Outcome.HELD, report.plan.held.reason
    return Outcome.FINE, ""


def _is_due(lease: Lease) -> bool:
    """Whether what the last tick left to wait for has come since."""
    return (
        lease.wakes_at is not None
        and lease.wakes_at <= lease.now
        and (lease.ticked_at is None or lease.ticked_at < lease.wakes_at)
    )


def stack_of(thread: int) -> str:
    """Where a thread stands, innermost last: files, lines and names, and nothing of what they hold."""
    frame = sys._current_frames().get(thread)  # noqa: SLF001 - documented, and there is no other way
    return censored("".join(traceback.format_stack(frame))) if frame is not None else ""
