"""`postbot run` as people have it: a process that is started, left alone, told to read again, ended, killed."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from postbot.doors.service.runner import is_stuck
from postbot.doors.service.timetable import WORKERS
from tests.service.kit import RARELY, SECONDS, Service, Site, ahead, configure
from tests.twins.github.client import Twin
from tests.world import git

# On time -------------------------------------------------------------------------------------------------------------


def test_a_position_opens_and_closes_at_its_instant_without_waiting_for_a_heartbeat(tmp_path: Path) -> None:
    site = Site(tmp_path / "agency")
    configure(tmp_path, site, heartbeat=RARELY)
    with Service.start(tmp_path) as service:
        service.ticked("agency")
        site.write("pilot", opens=ahead(4), closes=ahead(3600))
        service.signal(signal.SIGHUP)
        service.wait_for(lambda: site.said() == ["Pilot: now open"])
        site.write("pilot", state="open", opens=ahead(-60), closes=ahead(4))
        service.signal(signal.SIGHUP)
        service.wait_for(lambda: site.said()[-1] == "Pilot: closed")
        assert site.state("pilot") == "closed"


def test_a_position_on_github_opens_at_its_instant(tmp_path: Path, on_github: Twin) -> None:
    site = Site(tmp_path / "agency", on_github)
    site.write("pilot", opens=ahead(8), closes=ahead(3600))
    configure(tmp_path, site, heartbeat=RARELY)
    with Service.start(tmp_path) as service:
        service.wait_for(lambda: site.said() == ["Pilot: now open"])
    assert len(on_github.effects("merged")) == 1


def test_what_happens_during_a_tick_and_is_told_by_a_poke_has_a_tick_of_its_own_after_it(
    tmp_path: Path, on_github: Twin
) -> None:
    site = Site(tmp_path / "agency", on_github)
    site.write("baker")
    configure(tmp_path, site, heartbeat=RARELY)
    with Service.start(tmp_path) as service:
        service.wait_for(lambda: service.site("agency")["outcome"] == "fine")
        on_github.hold(when="after")  # what it is about to see is the site as it was
        service.signal(signal.SIGHUP)
        assert on_github.held(SECONDS)
        site.write("pilot", opens=ahead(-60), closes=ahead(3600))
        service.signal(signal.SIGHUP)
        service.wait_for(lambda: service.site("agency")["running_for"] is not None)
        on_github.release()
        service.wait_for(lambda: site.said() == ["Pilot: now open"])


def test_what_came_to_be_due_while_nothing_ran_is_done_at_once(tmp_path: Path) -> None:
    site = Site(tmp_path / "agency")
    site.write("pilot", opens=ahead(3600), closes=ahead(7200))
    configure(tmp_path, site, heartbeat=RARELY)
    with Service.start(tmp_path) as service:
        service.wait_for(lambda: service.ticks("agency") >= 1)
    site.write("pilot", opens=ahead(-60), closes=ahead(7200))
    with Service.start(tmp_path) as service:
        service.wait_for(lambda: site.said() == ["Pilot: now open"])


def test_the_heartbeat_finds_what_nobody_has_told(tmp_path: Path) -> None:
    site = Site(tmp_path / "agency")
    configure(tmp_path, site)
    with Service.start(tmp_path) as service:
        service.ticked("agency")
        site.write("pilot", opens=ahead(2), closes=ahead(3600))
        service.wait_for(lambda: site.said() == ["Pilot: now open"])


def test_an_empty_site_is_as_good_as_any_and_an_idle_tick_writes_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path / "agency")
    configure(tmp_path, site)
    with Service.start(tmp_path) as service:
        service.wait_for(lambda: service.get("/readyz")[0] == 200)
        service.ticked("agency", 2)
        assert service.site("agency")["outcome"] == "fine"
        assert [line["event"] for line in service.lines()] == ["listening"]


def test_without_any_service_yaml_one_site_runs_by_its_own_configuration(tmp_path: Path) -> None:
    site = Site(tmp_path / "agency")
    site.write("pilot", opens=ahead(-60), closes=ahead(3600))
    with Service.start(site.folder) as service:
        service.wait_for(lambda: site.state("pilot") == "open" or service.process.poll() is not None)


# Many sites ----------------------------------------------------------------------------------------------------------


def test_three_sites_each_do_their_own(tmp_path: Path) -> None:
    sites = [Site(tmp_path / name) for name in ("harbour", "museum", "school")]
    for site in sites:
        site.write("pilot", opens=ahead(3), closes=ahead(3600))
    configure(tmp_path, *sites, heartbeat=RARELY)
    with Service.start(tmp_path) as service:
        for site in sites:
            service.wait_for(lambda site=site: site.said() == ["Pilot: now open"])
        service.wait_for(lambda: {line["site"] for line in service.lines("merged")} == {"harbour", "museum", "school"})


def test_a_site_whose_github_hangs_keeps_no_other_from_its_instant_and_is_told_to_hang(
    tmp_path: Path, on_github: Twin
) -> None:
    slow, quick = Site(tmp_path / "slow", on_github), Site(tmp_path / "quick")
    slow.write("pilot", opens=ahead(3600), closes=ahead(7200))
    on_github.hold()
    quick.write("pilot", opens=ahead(3), closes=ahead(3600))
    configure(tmp_path, slow, quick, patience="1 second")
    with Service.start(tmp_path) as service:
        assert on_github.held(SECONDS)
        service.wait_for(lambda: quick.said() == ["Pilot: now open"])
        told = service.line("tick hangs", "slow")
        assert told["step"] == "look at the site"
        assert "bot.tick(" in told["stack"]
        service.wait_for(lambda: service.get("/healthz")[0] == 200)
        assert service.get("/readyz")[0] == 503
        service.wait_for(lambda: (service.site("slow")["hangs"], service.site("quick")["hangs"]) == (True, False))
        service.ticked("quick", 3)
        assert len(service.lines("tick hangs", "slow")) == 1, "it is told once, not at every beat"
        on_github.release()
        service.line("the turn that hung has ended", "slow")
        service.wait_for(lambda: service.get("/readyz")[0] == 200)


def test_a_site_that_fails_says_why_and_others_go_on_and_so_does_it_once_that_is_mended(tmp_path: Path) -> None:
    broken, well = Site(tmp_path / "broken"), Site(tmp_path / "well")
    configure(tmp_path, broken, well)
    with Service.start(tmp_path) as service:
        service.ticked("broken")
        tip = git(broken.repo, "rev-parse", "main")
        git(broken.repo, "update-ref", "-d", "refs/heads/main")
        why = service.line("tick failed", "broken")["why"]
        assert "main" in why
        assert service.site("broken")["detail"] == why
        service.ticked("well", 3)
        git(broken.repo, "update-ref", "refs/heads/main", tip)
        service.wait_for(lambda: service.site("broken")["outcome"] == "fine")


def test_without_a_network_it_goes_on_trying_and_once_there_is_one_all_is_done(tmp_path: Path, on_github: Twin) -> None:
    site = Site(tmp_path / "agency", on_github)
    site.write("pilot", opens=ahead(2), closes=ahead(3600))
    on_github.fault("reset", times=8)
    configure(tmp_path, site)
    with Service.start(tmp_path) as service:
        service.line("tick failed", "agency")
        on_github.heal()
        service.wait_for(lambda: site.said() == ["Pilot: now open"])


# Its configuration, read again ---------------------------------------------------------------------------------------


def test_at_sighup_a_good_configuration_is_taken_and_a_bad_one_is_rejected_while_the_old_goes_on(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path / "agency")
    configure(tmp_path, site)
    with Service.start(tmp_path) as service:
        service.ticked("agency")
        site.configure(more="legder: elsewhere.db\n")
        service.signal(signal.SIGHUP)
        why = service.line("configuration rejected", "agency")["why"]
        assert "legder" in why
        assert service.site("agency")["rejected"] == why

        site.write("pilot", opens=ahead(-60), closes=ahead(3600))
        service.wait_for(lambda: site.said() == ["Pilot: now open"])

        site.configure(more="", routes='  - {to: "folder:others@list.example", hear: public}\n')
        service.signal(signal.SIGHUP)
        service.line("configuration taken", "agency")
        service.wait_for(lambda: service.site("agency")["rejected"] == "")
        site.write("baker", opens=ahead(-60), closes=ahead(3600))
        service.wait_for(lambda: site.said("others@list.example") == ["Baker: now open"])
        assert site.said() == ["Pilot: now open"]


def test_at_sighup_sites_are_added_and_taken_away_and_may_come_back(tmp_path: Path) -> None:
    first, second = Site(tmp_path / "first"), Site(tmp_path / "second")
    configure(tmp_path, first)
    with Service.start(tmp_path) as service:
        service.ticked("first")
        for sites in ([first, second], [second], [first]):
            configure(tmp_path, *sites)
            service.signal(signal.SIGHUP)
            wanted = [site.folder.name for site in sites]
            service.wait_for(lambda wanted=wanted: served(service) == wanted)
            for name in wanted:
                service.wait_for(lambda name=name: service.site(name)["outcome"] == "fine")


def test_a_site_that_is_taken_away_in_mid_turn_and_comes_back_waits_for_that_turn_and_leaves_no_figures(
    tmp_path: Path, on_github: Twin
) -> None:
    slow, quick = Site(tmp_path / "slow", on_github), Site(tmp_path / "quick")
    slow.write("pilot")
    configure(tmp_path, slow, quick)
    with Service.start(tmp_path) as service:
        service.ticked("slow")
        on_github.hold()
        assert on_github.held(SECONDS)
        configure(tmp_path, quick)
        service.signal(signal.SIGHUP)
        service.wait_for(lambda: served(service) == ["quick"])
        configure(tmp_path, slow, quick)
        service.signal(signal.SIGHUP)
        service.ticked("quick", 3)
        assert served(service) == ["quick"]
        on_github.release()
        service.wait_for(lambda: served(service) == ["quick", "slow"] and service.site("slow")["outcome"] == "fine")
        configure(tmp_path, quick)
        service.signal(signal.SIGHUP)
        service.wait_for(lambda: 'site="slow"' not in service.get("/metrics")[1])
        service.ticked("quick", 2)
        assert 'site="slow"' not in service.get("/metrics")[1]


def test_a_site_that_comes_back_late_shows_the_bad_service_yaml_that_came_meanwhile(
    tmp_path: Path, on_github: Twin
) -> None:
    slow, quick = Site(tmp_path / "slow", on_github), Site(tmp_path / "quick")
    slow.write("pilot")
    path = configure(tmp_path, slow, quick)
    with Service.start(tmp_path) as service:
        service.ticked("slow")
        on_github.hold()
        assert on_github.held(SECONDS)
        for sites in ([quick], [slow, quick]):
            configure(tmp_path, *sites)
            service.signal(signal.SIGHUP)
            service.wait_for(lambda: served(service) == ["quick"])
            service.ticked("quick", 2)
        path.write_text(path.read_text() + "hartbeat: 1 second\n")
        service.signal(signal.SIGHUP)
        service.line("configuration rejected", "")
        on_github.release()
        service.wait_for(lambda: served(service) == ["quick", "slow"])
        assert "hartbeat" in service.site("slow")["rejected"]


def served(service: Service) -> list[str]:
    return sorted(site["name"] for site in json.loads(service.get("/readyz")[1])["sites"])


def test_at_sighup_a_bad_service_yaml_changes_nothing_and_every_site_says_so(tmp_path: Path) -> None:
    site = Site(tmp_path / "agency")
    path = configure(tmp_path, site)
    with Service.start(tmp_path) as service:
        service.ticked("agency")
        path.write_text(path.read_text() + "hartbeat: 1 second\n")
        service.signal(signal.SIGHUP)
        assert "hartbeat" in service.line("configuration rejected", "")["why"]
        service.wait_for(lambda: "hartbeat" in service.site("agency")["rejected"])
        service.ticked("agency")


def test_a_bad_service_yaml_is_shown_until_it_is_mended_whatever_a_site_reads_of_its_own_meanwhile(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path / "agency", settings="postbot-settings.yaml")
    site.commit(**{"postbot-settings.yaml": "ask: [3 days]\n"})
    path = configure(tmp_path, site)
    good = path.read_text()
    with Service.start(tmp_path) as service:
        service.ticked("agency", 2)
        path.write_text(good + "hartbeat: 1 second\n")
        service.signal(signal.SIGHUP)
        service.wait_for(lambda: "hartbeat" in service.site("agency")["rejected"])
        site.commit(**{"postbot-settings.yaml": "ask: [2 days]\n"})
        service.line("configuration taken", "agency")
        service.ticked("agency")
        assert "hartbeat" in service.site("agency")["rejected"]
        path.write_text(good)
        service.signal(signal.SIGHUP)
        service.wait_for(lambda: service.site("agency")["rejected"] == "")


def test_at_sighup_a_site_that_cannot_be_looked_at_ends_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path / "agency")
    path = configure(tmp_path, site)
    with Service.start(tmp_path) as service:
        service.ticked("agency")
        (tmp_path / "long").symlink_to("x" * 300)
        path.write_text(path.read_text().replace("sites:\n", "sites:\n  - lon*\n"))
        service.signal(signal.SIGHUP)
        assert "File name too long" in service.line("configuration rejected", "")["why"]
        service.ticked("agency")


def test_at_sighup_a_new_ledger_whose_link_leads_to_itself_is_refused_and_the_old_one_goes_on(tmp_path: Path) -> None:
    site = Site(tmp_path / "agency")
    configure(tmp_path, site)
    with Service.start(tmp_path) as service:
        service.ticked("agency")
        (site.folder / "circle.db").symlink_to("circle.db")
        site.configure(more="ledger: circle.db\n")
        service.signal(signal.SIGHUP)
        service.line("configuration rejected")
        service.ticked("agency", 2)
        assert service.site("agency")["rejected"]


def test_settings_on_the_base_branch_count_from_the_commit_that_brings_them(tmp_path: Path) -> None:
    site = Site(tmp_path / "agency", settings="postbot-settings.yaml")
    site.commit(**{"postbot-settings.yaml": "ask: [3 days]\n"})
    site.write("pilot", opens=ahead(3600), closes=ahead(7200))
    configure(tmp_path, site)
    with Service.start(tmp_path) as service:
        service.ticked("agency", 2)
        assert service.lines("configuration taken") == [], "what is the same is not taken again"
        site.commit(**{"postbot-settings.yaml": "ask: [2 days]\n"})
        service.line("configuration taken", "agency")
        site.commit(**{"postbot-settings.yaml": "ledger: mine.db\n"})
        assert "postbot-settings.yaml" in service.line("configuration rejected", "agency")["why"]
        service.ticked("agency")
        site.commit(**{"postbot-settings.yaml": "ask: [1 day]\n"})
        service.wait_for(lambda: len(service.lines("configuration taken", "agency")) == 2)
        assert service.site("agency")["rejected"] == ""


def test_settings_that_cannot_be_read_for_a_moment_count_as_soon_as_they_can(tmp_path: Path, on_github: Twin) -> None:
    site = Site(tmp_path / "agency", on_github, settings="postbot-settings.yaml")
    site.commit(**{"postbot-settings.yaml": "ask: [3 days]\n"})
    on_github.fault("502", times=10_000)
    configure(tmp_path, site)
    with Service.start(tmp_path) as service:
        service.line("configuration rejected", "agency")
        assert service.get("/readyz")[0] == 503
        on_github.heal()
        service.wait_for(lambda: service.get("/readyz")[0] == 200)
        assert service.site("agency")["rejected"] == ""


def test_settings_are_mended_by_a_commit_though_every_tick_fails(tmp_path: Path, on_github: Twin) -> None:
    site = Site(tmp_path / "agency", on_github, settings="postbot-settings.yaml")
    site.commit(**{"postbot-settings.yaml": "ask: [3 days]\n"})
    configure(tmp_path, site)
    with Service.start(tmp_path) as service:
        service.ticked("agency", 2)
        on_github.fault("401", "PUT merge", times=10_000)
        site.write("pilot", opens=ahead(-60), closes=ahead(3600))
        service.line("tick failed", "agency")
        site.commit(**{"postbot-settings.yaml": "ask: [2 days]\n"})
        service.line("configuration taken", "agency")
        assert site.said() == []


def test_a_ledger_that_is_away_at_the_start_is_waited_for(tmp_path: Path) -> None:
    site = Site(tmp_path / "agency", released=False)
    (site.folder / ".postbot").write_text("in the way of the folder")
    configure(tmp_path, site)
    with Service.start(tmp_path) as service:
        service.line("configuration rejected", "agency")
        assert service.get("/readyz")[0] == 503
        (site.folder / ".postbot").unlink()
        service.wait_for(lambda: service.get("/readyz")[0] == 200)
        assert len(service.lines("configuration rejected")) == 1, "it is told once, not at every heartbeat"


def test_of_several_sites_a_bad_one_is_told_and_taken_up_at_sighup_and_the_others_run(tmp_path: Path) -> None:
    good, bad = Site(tmp_path / "good"), Site(tmp_path / "bad")
    bad.configure(more="nonsense: 1\n")
    configure(tmp_path, good, bad)
    with Service.start(tmp_path) as service:
        service.ticked("good")
        assert "nonsense" in service.line("configuration rejected", "bad")["why"]
        assert service.site("bad")["outcome"] == "failed"
        assert "nonsense" in service.site("bad")["rejected"]
        assert service.get("/readyz")[0] == 503
        bad.configure(more="")
        service.signal(signal.SIGHUP)
        service.wait_for(lambda: service.get("/readyz")[0] == 200)


def test_where_no_site_can_run_it_ends_and_says_every_reason(tmp_path: Path) -> None:
    sites = [Site(tmp_path / name) for name in ("one", "two")]
    for number, site in enumerate(sites):
        site.configure(more=f"nonsense{number}: 1\n")
    configure(tmp_path, *sites)
    with Service.start(tmp_path) as service:
        assert service.ended() == 1
        last = service.written().splitlines()[-2:]
        assert ["nonsense0" in last[0], "nonsense1" in last[1]] == [True, True]
        assert "Traceback" not in service.written()


def test_two_sites_with_one_ledger_are_refused(tmp_path: Path) -> None:
    sites = [Site(tmp_path / name) for name in ("one", "two")]
    for site in sites:
        site.configure(more="ledger: ../shared.db\n")
    configure(tmp_path, *sites)
    with Service.start(tmp_path) as service:
        assert service.ended() == 1
        assert "every site needs one of its own" in service.written()


def test_a_folder_without_any_configuration_says_how_to_begin(tmp_path: Path) -> None:
    with Service.start(tmp_path) as service:
        assert service.ended() == 1
        assert "postbot init" in service.written().splitlines()[-1]


# Two of them ---------------------------------------------------------------------------------------------------------


def test_a_second_service_on_the_same_ledger_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    site = Site(tmp_path / "agency")
    configure(tmp_path, site)
    with Service.start(tmp_path) as first, Service.start(tmp_path) as second:
        first.wait_for(lambda: None not in (first.process.poll(), second.process.poll()) or one_ended(first, second))
        refused, running = (first, second) if first.process.poll() is not None else (second, first)
        assert refused.ended() == 1
        assert "Another postbot service runs on" in refused.written().splitlines()[-1]
        running.ticked("agency")


def test_who_starts_it_twice_hears_of_the_ledger_and_not_of_the_port(tmp_path: Path) -> None:
    """Who heard of the port would say another one, only to be refused again."""
    site = Site(tmp_path / "agency")
    configure(tmp_path, site)
    with Service.start(tmp_path) as first:
        first.ticked("agency")
        configure(tmp_path, site, listen=f"127.0.0.1:{first.line('listening')['port']}")
        with Service.start(tmp_path) as second:
            assert second.ended() == 1
            [last] = second.written().splitlines()
            assert "Another postbot service runs on" in last
        first.ticked("agency")


def test_a_ledger_that_a_command_is_at_is_waited_for_while_the_other_sites_run(tmp_path: Path) -> None:
    put_back, other = Site(tmp_path / "put-back"), Site(tmp_path / "other")
    configure(tmp_path, put_back, other)
    with put_back.ledger() as ledger, ExitStack() as command:
        for held in (ledger.serving(), ledger.working()):  # as `postbot ledger restore` has it
            command.enter_context(held)
        with Service.start(tmp_path) as service:
            service.ticked("other")
            assert "Another postbot is at work on" in service.line("configuration rejected", "put-back")["why"]
            service.signal(signal.SIGHUP)
            service.ticked("other")
            assert service.process.poll() is None
            command.close()
            service.wait_for(lambda: service.site("put-back")["outcome"] == "fine")


def test_a_service_that_is_in_the_middle_of_a_turn_is_seen_to_be_one_once_that_ends(
    tmp_path: Path, on_github: Twin
) -> None:
    site = Site(tmp_path / "agency", on_github)
    site.write("pilot")
    configure(tmp_path, site, heartbeat=RARELY)
    on_github.hold()
    with Service.start(tmp_path) as first:
        assert on_github.held(SECONDS)
        with Service.start(tmp_path) as second:
            assert "Another postbot is at work on" in second.line("configuration rejected", "agency")["why"]
            on_github.release()
            assert second.ended() == 1
            assert "Another postbot service runs on" in second.written().splitlines()[-1]
        first.wait_for(lambda: first.site("agency")["outcome"] == "fine")


def test_what_hangs_does_not_keep_a_service_alive_that_cannot_run(tmp_path: Path) -> None:
    taken, slow = Site(tmp_path / "taken"), Site(tmp_path / "slow", released=False)
    slow.config.write_text(slow.config.read_text().replace("jekyll-state", "profile.yaml"))
    os.mkfifo(slow.folder / "profile.yaml")  # who reads it waits for ever
    configure(tmp_path, taken)
    with Service.start(tmp_path) as first:
        first.ticked("taken")
        configure(tmp_path, slow, taken)
        with Service.start(tmp_path) as second:
            assert second.ended() == 1
            assert second.line("left behind", "slow")
            assert "Another postbot service runs on" in second.written().splitlines()[-1]


def one_ended(*services: Service) -> bool:
    return any(service.process.poll() is not None for service in services)


def test_a_port_that_is_taken_is_told_in_a_sentence(tmp_path: Path) -> None:
    sites = [Site(tmp_path / name / "agency") for name in ("one", "two")]
    configure(tmp_path / "one", sites[0])
    with Service.start(tmp_path / "one") as first:
        configure(tmp_path / "two", sites[1], listen=f"127.0.0.1:{first.line('listening')['port']}")
        with Service.start(tmp_path / "two") as second:
            assert second.ended() == 1
            assert "cannot listen on 127.0.0.1" in second.written().splitlines()[-1]


# systemd -------------------------------------------------------------------------------------------------------------


class Systemd:
    """What systemd would hear, and what it says to whom it starts."""

    def __init__(self, folder: Path) -> None:
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._line.bind(str(folder / "notify"))
        self._line.setblocking(False)  # noqa: FBT003 - its own name
        self._heard: list[str] = []
        self.says = {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "200000"}

    def heard(self) -> list[str]:
        with suppress(BlockingIOError):
            while True:
                self._heard.append(self._line.recv(100).decode())
        return self._heard

    def close(self) -> None:
        self._line.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    with closing(Systemd(tmp_path)) as listening:
        yield listening


def test_systemd_hears_that_it_is_ready_lives_and_stops(tmp_path: Path, systemd: Systemd) -> None:
    site = Site(tmp_path / "agency")
    configure(tmp_path, site)
    with Service.start(tmp_path, env=systemd.says) as service:
        service.wait_for(lambda: systemd.heard().count("WATCHDOG=1") > 3)
        service.signal(signal.SIGTERM)
        assert service.ended() == 0
    assert systemd.heard().count("READY=1") == 1
    assert systemd.heard()[-1] == "STOPPING=1"


def test_systemd_hears_no_more_of_a_service_whose_every_site_hangs(
    tmp_path: Path, on_github: Twin, systemd: Systemd
) -> None:
    slow = Site(tmp_path / "slow", on_github)
    slow.write("pilot")
    on_github.hold()
    configure(tmp_path, slow, patience="1 second")
    with Service.start(tmp_path, env=systemd.says) as service:
        service.line("tick hangs", "slow")
        assert service.get("/healthz")[0] == 503
        alive = systemd.heard().count("WATCHDOG=1")
        on_github.release()
        service.wait_for(lambda: systemd.heard().count("WATCHDOG=1") > alive + 1)
        assert service.get("/healthz")[0] == 200


def test_it_is_stuck_where_every_site_hangs_or_so_many_that_no_thread_is_left() -> None:
    assert not is_stuck([], [])
    assert not is_stuck([True, False], [True])
    assert is_stuck([True, True], [False])
    assert not is_stuck([True] * (WORKERS - 1) + [False] * 50, [])
    assert is_stuck([True] * WORKERS + [False] * 50, [])
    assert is_stuck([True] * (WORKERS - 1) + [False] * 50, [True])


def test_systemd_goes_on_hearing_of_a_service_with_one_site_that_hangs_while_another_works(
    tmp_path: Path, on_github: Twin, systemd: Systemd
) -> None:
    slow, quick = Site(tmp_path / "slow", on_github), Site(tmp_path / "quick")
    slow.write("pilot")
    on_github.hold()
    configure(tmp_path, slow, quick, patience="1 second")
    with Service.start(tmp_path, env=systemd.says) as service:
        service.line("tick hangs", "slow")
        alive = systemd.heard().count("WATCHDOG=1")
        service.wait_for(lambda: systemd.heard().count("WATCHDOG=1") > alive + 3)
        assert service.site("slow")["hangs"]
        on_github.release()


def test_systemd_hears_that_it_is_ready_only_once_a_site_runs(tmp_path: Path, systemd: Systemd) -> None:
    site = Site(tmp_path / "agency")
    site.configure(more="nonsense: 1\n")
    configure(tmp_path, site)
    with Service.start(tmp_path, env=systemd.says) as service:
        assert service.ended() == 1
    assert "READY=1" not in systemd.heard()
    assert systemd.heard()[-1] == "STOPPING=1"
