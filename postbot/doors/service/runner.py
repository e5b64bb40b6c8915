"""The service: sites in the rhythm of a timetable, signals, an HTTP server, a watchdog. It decides nothing.

    1. begin      every site has its first turn at once, each in a thread of its own
    2. serve      signals, the clock and turns that hang are looked after twice a second, in the main thread
    3. leave      no turn begins any more, those under way end before their next act; what still hangs is left behind

What is under way when the process ends, gently or not, is found again by the next start: a tick may be killed anywhere.
"""

import itertools
import re
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry

from postbot.censor import censored
from postbot.config import CONFIG_NAME, ConfigError, clashes, load
from postbot.core.problem import PostbotError
from postbot.doors.service import http, logs, systemd
from postbot.doors.service.clock import WallClock
from postbot.doors.service.metrics import Metrics
from postbot.doors.service.signals import END, Signals
from postbot.doors.service.site import OUR_FAULT, Rhythm, Site, stack_of
from postbot.doors.service.timetable import WORKERS, Timetable
from postbot.ledger import Ledger, LedgerBusy
from postbot.serviceconfig import ServiceConfig

if TYPE_CHECKING:
    from postbot.doors.slack.app import Door

_ROUND: Final = 0.5
"""Seconds between two looks at the clock and at the turns."""

_LEAVE: Final = 8.0
"""Seconds that what was begun has to end in."""

_SET: Final = 2.0
"""By how many seconds a clock must have been set for somebody to have set it: it is corrected by less all the time."""

_STUCK: Final = 60.0
"""Seconds between two looks from which on the main thread does not live any more. To read many sites takes a few."""

_GOLDEN: Final = (5**0.5 - 1) / 2
"""Multiples of it, without their whole part, are evenly spread however many of them there are."""


class CannotRunError(PostbotError):
    """The service cannot run. The sentence says why and what to do."""


class Service:
    """All sites of one process.

    `read` reads the service's configuration, now and at each SIGHUP; `speak` is where the console channels speak.
    Raises `ConfigError`.
    """

    def __init__(self, read: Callable[[], ServiceConfig], speak: Callable[[str], None]) -> None:
        self._read = read
        self._speak = speak
        self._settings = read()
        self._clock = WallClock()
        self._timetable = Timetable()
        self._registry = CollectorRegistry()
        self._metrics = Metrics(self._registry)
        self._sites: dict[Path, Site] = {}
        self._gone: dict[Path, Site] = {}  # those that were taken away and have not come to rest
        self._looked_at = time.monotonic()
        self._count = itertools.count(1)
        self._undecided: Sequence[Site] = ()  # those of the start of which nobody knows yet whether they can run
        self._rejected = ""  # why the service's own configuration, as it now stands, was not taken
        self._slack = self._door()

    def _door(self) -> "Door | None":
        if self._settings.slack is None:
            return None
        from postbot.doors.slack.app import Door  # noqa: PLC0415 - slow to import, and few have it

        return Door(self._settings.slack, lambda: self.sites, self._registry)

    @property
    def sites(self) -> Sequence[Site]:
        """The sites as they are now."""
        return tuple(self._sites.values())

    def run(self, signals: Signals) -> None:
        """Run until a signal asks to end, and whatever hangs end within ten seconds of it.

        Raises `CannotRunError` where no site can run, or one runs elsewhere; `ConfigError` where sites share a ledger;
        `HttpError` where the server cannot listen, and no site runs elsewhere.
        """
        _demand_no_clashes(self._settings.sites)
        logs.set_up(self._settings.logs)
        server = self._http()
        try:
            self._timetable.start()
            self._mind_sites()
            self._undecided = self.sites
            if self._slack is not None:
                self._slack.open()
            self._serve(signals)
        finally:
            systemd.tell(systemd.STOPPING)
            stopping = threading.Thread(target=self._close, args=(server,), daemon=True)
            stopping.start()  # beside the turns that end, for each may take a few seconds
            self._leave(signals)
            stopping.join(_LEAVE / 2)

    def _close(self, server: http.Server | None) -> None:
        """Hear nothing more from outside."""
        if self._slack is not None:
            self._slack.close()
        if server is not None:
            server.stop()

    def _http(self) -> http.Server | None:
        if self._settings.listen is None:
            return None
        host, port = self._settings.listen
        more = self._slack.routes if self._slack is not None else ()
        app = http.application(lambda: self.sites, self._settings, self._registry, works=self._works, more=more)
        try:
            server = http.serve(app, host, port)
        except http.HttpError:
            _demand_none_elsewhere(self._settings.sites)
            raise
        logs.line("info", "", "listening", host=host, port=server.port)
        return server

    def _serve(self, signals: Signals) -> None:
        off, spoke_at, rhythm = 0.0, 0.0, systemd.rhythm()
        is_ready = False
        while not END & (come := signals.wait(_ROUND)):
            self._looked_at = time.monotonic()
            if signal.SIGHUP in come:
                self._reload()
            self._mind_sites()
            self._decide()
            if not is_ready and any(site.runs for site in self.sites):
                is_ready = True
                systemd.tell(systemd.READY)
            off = self._mind_the_clock(off)
            self._tell_of_hangs()
            if rhythm is not None and time.monotonic() - spoke_at >= rhythm and self._works():
                spoke_at = time.monotonic()
                systemd.tell(systemd.ALIVE)

    # Its sites

    def _mind_sites(self) -> None:
        """Begin each site that is wanted and not there; one that comes back waits for the turn that it left behind."""
        for path, site in list(self._gone.items()):
            if site.gone:
                del self._gone[path]
                self._metrics.forget(site.name)
                logs.forget(site.name)
        if missing := [path for path in self._settings.sites if path not in self._sites | self._gone]:
            self._add(missing)

    def _add(self, paths: Sequence[Path]) -> None:
        names = _names(paths, self._settings.sites, {site.name for site in self._all})
        rhythm = Rhythm(self._settings.heartbeat, self._settings.patience)
        for path in paths:
            told, speak, shown = self._metrics.ticked, self._speak, self._slack is not None
            self._sites[path] = Site(
                names[path], path, rhythm, self._timetable, self._clock, told=told, speak=speak, shown=shown
            )
            self._sites[path].reject(self._rejected)
        for path in paths:
            self._sites[path].begin(next(self._count) * _GOLDEN % 1)

    @property
    def _all(self) -> Sequence[Site]:
        """The sites as they are now, and those that have not left yet."""
        return (*self._sites.values(), *self._gone.values())

    def _decide(self) -> None:
        """See of the sites of the start which can run, until each was tried; one whose ledger a command has, is later.

        Raises `CannotRunError` where none can run as things stand, or one runs elsewhere.
        """
        sites = [site for site in self._undecided if site in self.sites]
        self._undecided = [site for site in sites if not site.tried]  # first, for they go on meanwhile
        if refused := [site.busy_elsewhere for site in sites if site.busy_elsewhere]:
            raise CannotRunError("\n".join(refused))
        if sites and all(site.runs is False for site in self.sites):
            raise CannotRunError("\n".join(dict.fromkeys(site.health().rejected for site in self.sites)))

    def _reload(self) -> None:
        """Read the service's configuration again: which sites there are, and every site's own."""
        settings = self._read_again()
        for site in self.sites:
            site.reject(self._rejected)
        if settings is None:
            return
        others = settings.model_copy(update={"sites": self._settings.sites})
        if others != self._settings:
            logs.line("warning", "", "restart needed", why="Besides `sites`, service.yaml is read at the start only.")
        self._settings = self._settings.model_copy(update={"sites": settings.sites})
        for path in [path for path in self._sites if path not in settings.sites]:
            site = self._gone[path] = self._sites.pop(path)
            site.leave()
        for site in self.sites:
            site.reload()

    def _read_again(self) -> ServiceConfig | None:
        """The service's configuration as it now stands; None, and told why, where it cannot be used."""
        self._rejected = ""
        try:
            settings = self._read()
            _demand_no_clashes(settings.sites)
        except PostbotError as error:
            self._rejected = censored(str(error))
            logs.line("error", "", "configuration rejected", why=self._rejected)
        except Exception:  # noqa: BLE001 - whatever it is, the sites that there are go on
            self._rejected = OUR_FAULT
            logs.fault("", "configuration rejected")
        return None if self._rejected else settings

    # What is looked after

    def _mind_the_clock(self, before: float) -> float:
        off = self._clock.off().total_seconds()
        self._timetable.look_again()
        if abs(off - before) < _SET:
            return before
        logs.line("warning", "", "the clock was set", seconds=round(off - before))
        self._timetable.renew()
        for site in self.sites:
            site.poke()
        return off

    def _tell_of_hangs(self) -> None:
        for site in self._all:
            if hang := site.hang():
                stack = stack_of(hang.thread)
                logs.line("error", site.name, "tick hangs", step=hang.at, seconds=round(hang.seconds), stack=stack)

    def _works(self) -> bool:
        """Whether the process works: one site that hangs is no reason to end the turns of all others."""
        served, gone = ([site.health().hangs for site in sites] for sites in (self.sites, list(self._gone.values())))
        is_alive = self._timetable.alive and time.monotonic() - self._looked_at < _STUCK
        return is_alive and not is_stuck(served, gone)

    def _leave(self, signals: Signals) -> None:
        self._timetable.stop()
        for site in self._all:
            site.leave()
        until = time.monotonic() + _LEAVE
        while any(not site.rests for site in self._all) and (left := until - time.monotonic()) > 0:
            if END & signals.wait(min(left, _ROUND / 5)):
                break  # asked a second time: at once
        for site in self._all:
            if not site.rests:
                found = "The next start finds out what came of it."
                logs.line("warning", site.name, "left behind", step=site.health().at, why=found)


def is_stuck(served: Sequence[bool], gone: Sequence[bool]) -> bool:
    """Whether no site can have a turn, given which of them hang: those that are served, and those taken away.

    Where so many do that they have every thread, the others wait for ever.
    """
    return bool(served) and (all(served) or sum(served) + sum(gone) >= WORKERS)


def _demand_no_clashes(paths: Sequence[Path]) -> None:
    """Raise `ConfigError` where sites share a ledger. What else is wrong with one is told when that one is read."""
    configs = []
    for path in paths:
        try:
            configs.append(load(path))
        except ConfigError:
            continue
    if problems := clashes(configs):
        raise ConfigError(problems)


def _demand_none_elsewhere(paths: Sequence[Path]) -> None:
    """Raise `CannotRunError` where another service keeps the ledger of a site. Changes nothing, and keeps none."""
    for path in paths:
        try:
            where = load(path).ledger_at
            if isinstance(where, Path):
                with closing(Ledger.open(where, migrate=False)) as ledger, ledger.serving():
                    pass
        except LedgerBusy as busy:
            raise CannotRunError(str(busy)) from None
        except PostbotError:  # what is wrong with it is for its first turn to tell
            continue


def _names(paths: Sequence[Path], beside: Sequence[Path], taken: set[str]) -> Mapping[Path, str]:
    """What sites are called: by the folders that their configurations are in, as far as all those `beside` differ."""
    shared = set.intersection(*(set(path.resolve().parent.parents) for path in beside)) if beside else set()
    above = max(shared, key=lambda path: len(path.parts), default=Path("/"))
    found: dict[Path, str] = {}
    for path in paths:
        whole = path.resolve()
        own = (whole.parent if whole.name == CONFIG_NAME else whole.with_suffix("")).relative_to(above)
        name = re.sub(r"[^A-Za-z0-9._/-]", "-", own.as_posix()) if own.parts else "site"
        others = taken | set(found.values())
        found[path] = next(each for each in (name, *(f"{name}-{n}" for n in range(2, 1000))) if each not in others)
    return found
