"""The figures that Prometheus reads, named as its documentation asks: base units, `_total`, one label for one meaning.

A site is a label, and so are words of ours (outcomes, transitions, channels); a title, a path or a recipient never is.
What a site's health says is read when it is asked for, so that a tick that hangs is seen; the rest is counted when a
tick ends. Nothing here raises for a site that fares badly.
https://prometheus.io/docs/practices/naming/ https://prometheus.io/docs/practices/instrumentation/
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from importlib.metadata import version
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from postbot.core.announce import Event
from postbot.core.lifecycle import Transition
from postbot.core.plan.steps import Record, Step
from postbot.core.site import PullStatus
from postbot.doors.service.health import Health, Outcome, Watched
from postbot.hosts.github import Api, GitHubHost
from postbot.ledger import LedgerError
from postbot.reconcile import Bot, Report

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
LATE: Final = (1, 2, 5, 15, _MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 4 * _HOUR, 12 * _HOUR, _DAY, 3 * _DAY, 7 * _DAY)
"""Buckets of lateness, in seconds: from what nobody notices to what nobody forgives."""

TICK: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, _MINUTE, 5 * _MINUTE)
"""Buckets of how long a tick takes, in seconds. One at rest asks one question."""

_PROMISED: Final = {Event.OPENED: Transition.OPEN, Event.CLOSED: Transition.CLOSE}
"""The news that come at an instant that was promised. A closing that a person brought forward is other news."""


class Metrics:
    """What ticks have done, site by site."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._sent: dict[str, tuple[Api, int]] = {}  # the connection, and how much of it is counted
        Info("postbot_build", "The version that runs.", registry=registry).info({"version": version("postbot")})
        self._ticks = self._counter("ticks", "Ticks that have ended, by outcome.", "outcome")
        self._took = self._histogram("tick_duration_seconds", "How long ticks took.", TICK)
        about = "From the promised instant to the tick that saw the change on the base branch; none that came early."
        self._late = self._histogram("lateness_seconds", about, LATE, "transition")
        self._delivered = self._counter("deliveries", "Attempts to send a message.", "channel", "outcome")
        self._requests = self._counter("github_requests", "Requests sent to GitHub.")
        self._left = self._gauge("github_requests_remaining", "Requests that GitHub grants until its hour ends.")
        self._open = self._gauge("pull_requests_open", "Open pull requests of ours.")
        self._oldest = self._gauge(
            "pull_request_oldest_due_seconds", "How long the open pull request that was due first has been waiting."
        )
        self._held = self._gauge("deliveries_held", "Messages that wait for a person.")
        self._problems = self._gauge("problems", "What is wrong in the postings of the site.")
        counted = (self._ticks, self._took, self._late, self._delivered, self._requests)
        self._all = (*counted, self._left, self._open, self._oldest, self._held, self._problems)

    def ticked(self, site: str, bot: Bot, report: Report | None, health: Health, seconds: float) -> None:
        """Count a tick that has ended, and that took so many seconds. Without a report it failed."""
        for outcome in Outcome:
            if outcome is not Outcome.NONE:  # a series that is not there before its first event hides that one
                self._ticks.labels(site, outcome).inc(outcome is health.outcome)
        self._took.labels(site).observe(seconds)
        self._count_requests(site, bot)
        with suppress(LedgerError):
            self._held.labels(site).set(bot.ledger.held_count())
        if report is not None:
            self._count(site, bot, report)

    def forget(self, site: str) -> None:
        """Show nothing more of a site that is no longer served."""
        for each in self._all:
            each.remove_by_labels({"site": site})
        self._sent.pop(site, None)

    def _count(self, site: str, bot: Bot, report: Report) -> None:
        for transition, late in _lateness(report.done, report.at):
            self._late.labels(site, transition).observe(late)
        for sent in report.sent:
            self._delivered.labels(site, sent.delivery.message.channel, sent.receipt.outcome).inc()
        self._problems.labels(site).set(len(report.plan.problems))
        pulls = bot.snapshot.pulls if bot.snapshot else ()
        standing = {pull.branch for pull in pulls if pull.status is PullStatus.OPEN}
        waits = (report.at - want.due for want in report.plan.wanted if want.branch in standing)
        self._open.labels(site).set(len(standing))
        self._oldest.labels(site).set(max((0.0, *(each.total_seconds() for each in waits))))

    def _count_requests(self, site: str, bot: Bot) -> None:
        """GitHub's side. A site whose configuration was read again has a new connection, which counts from nought."""
        if not isinstance(bot.host, GitHubHost):
            return
        api = bot.host.api
        known, before = self._sent.get(site, (api, 0))
        sent = api.sent
        self._requests.labels(site).inc(sent - before if known is api else sent)
        self._sent[site] = api, sent
        if api.budget_left is not None:
            self._left.labels(site).set(api.budget_left)

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"postbot_{name}", about, ["site", *labels], registry=self._registry)

    def _gauge(self, name: str, about: str) -> Gauge:
        return Gauge(f"postbot_{name}", about, ["site"], registry=self._registry)

    def _histogram(self, name: str, about: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(f"postbot_{name}", about, ["site", *labels], buckets=buckets, registry=self._registry)


def _lateness(done: Iterable[Step], seen_at: datetime) -> Iterator[tuple[Transition, float]]:
    """Each opening and closing that came when, or after, it was promised, and how many seconds after."""
    for step in done:
        if isinstance(step, Record):
            promised = {Transition.OPEN: step.witness.opens, Transition.CLOSE: step.witness.closes}
            for transition in filter(None, (_PROMISED.get(said.event) for said in step.announcements)):
                at = promised[transition]
                if at and at <= seen_at:
                    yield transition, (seen_at - at).total_seconds()


class Standing(Collector):
    """How every site that is served fares at the moment of asking."""

    def __init__(self, sites: Callable[[], Sequence[Watched]]) -> None:
        self._sites = sites

    def collect(self) -> Iterator[Metric]:
        """The figures, newly read."""
        health = [site.health() for site in self._sites()]
        for name, about, figure in _FIGURES:
            family = GaugeMetricFamily(f"postbot_{name}", about, labels=["site"])
            for each in health:
                if (value := figure(each)) is not None:
                    family.add_metric([each.name], float(value))
            yield family


_FIGURES: Final[Sequence[tuple[str, str, Callable[[Health], float | None]]]] = (
    ("plan_held", "Whether the plan waits for a person.", lambda health: health.outcome is Outcome.HELD),
    ("paused", "Whether a person has paused the site.", lambda health: health.outcome is Outcome.PAUSED),
    ("tick_hangs", "Whether a tick is under way for too long.", lambda health: health.hangs),
    ("tick_overdue", "Whether no tick has ended well for too long.", lambda health: health.overdue),
    ("tick_running_seconds", "How long the tick that is under way has taken.", lambda health: health.running or 0.0),
    ("config_rejected", "Whether the configuration as it stands was not taken.", lambda health: bool(health.rejected)),
    (
        "last_tick_timestamp_seconds",
        "When a tick last ended well, in seconds since 1970.",
        lambda health: health.ended_at.timestamp() if health.ended_at else None,
    ),
)
