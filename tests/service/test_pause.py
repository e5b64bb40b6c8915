"""The kill switch: `postbot pause` and `postbot resume`, while a service runs and without one."""

import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.doors.command import Done, footprint, postbot
from tests.ledgers import Place
from tests.postgres import PASSWORD
from tests.service.kit import Service, Site, ahead, configure
from tests.twins.smtp.client import SmtpTwin
from tests.world import git

MANY = 20
FIRST = 5
"""The message in whose middle it is paused."""


@pytest.fixture(autouse=True)
def _robin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTBOT_BY", "robin")


def command(site: Site, *words: str) -> Done:
    return postbot(*words, cwd=site.folder)


def audit(site: Site) -> list[str]:
    with site.ledger() as ledger:
        return [row.what for row in ledger.audit()]


def test_paused_in_the_middle_of_twenty_messages_no_further_one_goes_out_and_resumed_each_goes_once(
    tmp_path: Path, post: SmtpTwin
) -> None:
    lists = "".join(f'  - {{to: "email:list-{number}@list.example", hear: public}}\n' for number in range(MANY))
    more = f"email: {{server: 127.0.0.1, port: {post.port}, security: none, sender: Jobs <jobs@agency.example>}}\n"
    site = Site(tmp_path / "agency", routes=lists, more=more)
    site.write("pilot", opens=ahead(3), closes=ahead(3600))
    post.fault("dot", "late", nth=FIRST, seconds=5)
    configure(tmp_path, site)
    with Service.start(tmp_path) as service:
        service.wait_for(lambda: post.fired() == ["late at dot"])
        with site.ledger() as ledger:  # what the command does, and sooner than it starts
            ledger.pause("robin", "wrong salary", datetime.now(UTC))
        service.wait_for(lambda: service.site("agency")["outcome"] == "paused")
        assert "robin has paused it: wrong salary" in service.site("agency")["detail"]
        assert "robin has paused it: wrong salary" in service.line("halted", "agency")["why"]
        service.ticked("agency", 2)
        assert len(post.accepted()) == FIRST, "what was begun is finished, and nothing else is begun"

        assert command(site, "resume").code == 0
        service.wait_for(lambda: len(post.accepted()) == MANY)
        service.ticked("agency", 2)
        assert Counter(to for mail in post.accepted() for to in mail.recipients) == Counter(
            f"list-{number}@list.example" for number in range(MANY)
        )
        assert service.site("agency")["outcome"] == "fine"
        assert service.line("no longer halted", "agency")["was"] == "robin has paused it: wrong salary"
    assert [what for what in audit(site) if what in ("paused", "resumed")] == ["paused", "resumed"]


def test_a_paused_site_is_looked_at_and_remembered_and_nothing_is_done_to_it_until_it_is_resumed(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path / "agency")
    site.write("pilot", opens=ahead(3600), closes=ahead(7200))
    assert command(site, "tick").code == 0
    assert command(site, "pause", "--reason", "audit").code == 0
    site.write("baker", opens=ahead(-60), closes=ahead(3600))

    done = command(site, "tick")
    assert done.code == 1, "what is due was not done, and whoever watches the exit code must know"
    assert "PAUSED by robin since" in done.out
    assert ": audit. Nothing is done or said until: postbot resume" in done.out
    assert "remembered 1 posting" in done.out
    assert (site.state("baker"), site.said(), site.said("hr@agency.example")) == ("upcoming", [], [])
    assert git(site.repo, "for-each-ref", "--format=%(refname:short)", "refs/heads") == "main"

    planned = command(site, "plan")
    assert planned.out.startswith("PAUSED by robin since")
    assert "baker" in planned.out

    resumed = "Resumed in the ledger .postbot/ledger.db.\nThe next tick there goes on.\n"
    assert command(site, "resume").out == resumed
    assert command(site, "tick").code == 0
    assert (site.state("baker"), site.said()) == ("open", ["Baker: now open"])
    command(site, "tick")
    assert site.said() == ["Baker: now open"]


def test_a_pause_with_nothing_due_is_no_failure(tmp_path: Path) -> None:
    site = Site(tmp_path / "agency")
    command(site, "pause")
    done = command(site, "tick")
    assert (done.code, done.out.startswith("PAUSED by robin since")) == (0, True)


def test_a_request_while_paused_is_filed_and_says_what_it_waits_for(tmp_path: Path) -> None:
    site = Site(tmp_path / "agency")
    site.write("pilot", state="open", opens=ahead(-3600), closes=ahead(7200))
    command(site, "tick")
    command(site, "pause")
    done = command(site, "close", "pilot", "--reason", "filled")
    assert done.code == 1
    assert "Request 1 is filed and waits until somebody lets postbot go on: postbot resume" in done.out
    command(site, "resume")
    command(site, "tick")
    assert site.state("pilot") == "closed"


def test_json_and_markdown_tell_of_a_pause_too_and_what_people_wrote_does_nothing_there(tmp_path: Path) -> None:
    site = Site(tmp_path / "agency")
    command(site, "pause", "--reason", "ask @everyone\n# now")
    for words in (("tick", "--json"), ("plan", "--json")):
        told = command(site, *words).json()["paused"]
        assert (told["by"], told["reason"]) == ("robin", "ask @everyone # now")
    first = command(site, "plan", "--format", "markdown").out.splitlines()[0]
    assert (first[0], first[-1]) == ("`", "`")
    command(site, "resume")
    assert command(site, "tick", "--json").json()["paused"] is None


def test_whoever_must_stop_it_can_whatever_else_does_not_work(tmp_path: Path) -> None:
    github = "github: {repository: agency/site, server: 'http://127.0.0.1:9/api/v3'}\n"
    site = Site(tmp_path / "agency", more=github)
    assert command(site, "pause").code == 0
    with site.ledger() as ledger:
        pause = ledger.paused()
    assert pause is not None
    assert (pause.by, pause.why, pause.at.utcoffset()) == ("robin", "", timedelta(0))


def test_paused_before_the_first_tick_of_all_it_stays_paused(tmp_path: Path) -> None:
    site = Site(tmp_path / "agency", released=False)
    assert not (site.folder / ".postbot").exists()
    refused = command(site, "pause")
    assert (refused.code, refused.out) == (1, "")
    assert "Not paused: There is no ledger in .postbot/ledger.db yet." in refused.err
    assert not (site.folder / ".postbot").exists()
    command(site, "ledger", "migrate")
    assert command(site, "pause").code == 0
    site.write("pilot", opens=ahead(-60), closes=ahead(3600))
    command(site, "tick")
    assert site.state("pilot") == "upcoming"


def test_resuming_what_nobody_has_paused_says_so(tmp_path: Path) -> None:
    done = command(Site(tmp_path / "agency"), "resume")
    assert (done.code, done.out) == (1, "It was not paused in the ledger .postbot/ledger.db.\n")


# A configuration on disk that is not the one that runs

BROKEN = {
    "a setting that is none": lambda text: text + "legder: elsewhere.db\n",
    "a value that is none": lambda text: text.replace("America/New_York", "Amerika"),
    "no YAML": lambda text: text + "routes: [{\n",
    "no YAML, and the ledger by its name": lambda text: "ledger: .postbot/ledger.db\n" + text + "<<<<<<< HEAD\n",
}


def broken(site: Site, how: str) -> None:
    site.config.write_text(BROKEN[how](site.config.read_text()))


@pytest.mark.parametrize("how", BROKEN)
def test_a_service_that_goes_on_by_an_older_configuration_is_paused_and_resumed(tmp_path: Path, how: str) -> None:
    site = Site(tmp_path / "agency")
    configure(tmp_path, site)
    with Service.start(tmp_path) as service:
        service.ticked("agency")
        broken(site, how)
        service.signal(signal.SIGHUP)
        service.line("configuration rejected", "agency")

        done = command(site, "pause")
        assert done.code == 1, "it is to be looked at whether that is the service's ledger"
        assert done.out == (
            "Paused in the ledger .postbot/ledger.db.\nWhoever works there does and says nothing until: postbot resume\n"
        )
        assert "postbot.yaml cannot be used as it stands" in done.err
        site.write("pilot", opens=ahead(-60), closes=ahead(3600))
        service.wait_for(lambda: service.site("agency")["outcome"] == "paused")
        assert (site.state("pilot"), site.said()) == ("upcoming", [])
        assert "Resumed in the ledger" in command(site, "resume").out
        service.wait_for(lambda: site.said() == ["Pilot: now open"])


@pytest.mark.parametrize("line", ["'ledger': new.db", "{ledger: new.db}", "ledger : new.db"])
def test_a_broken_file_that_names_its_ledger_in_a_way_that_cannot_be_told_pauses_no_other(
    tmp_path: Path, line: str
) -> None:
    site = Site(tmp_path / "agency")
    site.config.write_text(f"{site.config.read_text()}{line}\nsoon: [\n")
    before = footprint(tmp_path)
    done = command(site, "pause")
    assert (done.code, done.out) == (1, "")
    assert footprint(tmp_path) == before


def test_a_ledger_that_is_only_named_and_not_there_is_not_made_and_nothing_is_called_paused(tmp_path: Path) -> None:
    site = Site(tmp_path / "agency")
    configure(tmp_path, site)
    with Service.start(tmp_path) as service:
        service.ticked("agency")
        site.configure(more="ledger: elsewhere/new.db\n")
        for what in ("pause", "resume"):
            done = command(site, what)
            assert (done.code, done.out) == (1, "")
            assert f"Not {what}d: There is no ledger in elsewhere/new.db yet." in done.err
            assert "write its place under `ledger`" in done.err
        assert not (site.folder / "elsewhere").exists()


def test_two_ledgers_named_at_once_are_a_reason_to_pause_neither(tmp_path: Path) -> None:
    site = Site(tmp_path / "agency")
    site.config.write_text(site.config.read_text() + "<<<<<<<\nledger: a.db\n=======\nledger: b.db\n>>>>>>>\n")
    before = footprint(tmp_path)
    done = command(site, "pause")
    assert (done.code, done.out) == (1, "")
    assert "`ledger` stands here a second time" in done.err
    assert footprint(tmp_path) == before


@pytest.mark.parametrize("place", ["PostgreSQL"], indirect=True)
def test_a_service_that_still_runs_on_the_ledger_that_was_moved_away_says_nothing_a_second_time(
    tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTBOT_LEDGER_PASSWORD", PASSWORD)
    shared = str(place).replace(f":{quote(PASSWORD, safe='')}@", "@")
    site = Site(tmp_path / "agency", more=f"ledger: {shared}\n")
    site.write("pilot", opens=ahead(3600), closes=ahead(7200))
    configure(tmp_path, site)
    with Service.start(tmp_path) as service:
        service.wait_for(lambda: service.site("agency")["outcome"] == "fine")
        service.wait_for(lambda: command(site, "ledger", "move", "moved.db").code == 0)
        site.configure(more="ledger: moved.db\n")
        site.write("pilot", opens=ahead(-60), closes=ahead(7200))
        service.wait_for(lambda: service.site("agency")["outcome"] == "paused")
        assert "robin has paused it: the ledger was moved to moved.db" in service.site("agency")["detail"]
        assert (site.state("pilot"), site.said()) == ("upcoming", [])

        assert command(site, "tick").code == 0
        assert site.said() == ["Pilot: now open"]
        service.ticked("agency", 2)
        assert site.said() == ["Pilot: now open"]

        service.signal(signal.SIGHUP)  # it goes on in the new place
        service.wait_for(lambda: service.site("agency")["outcome"] == "fine")
        assert site.said() == ["Pilot: now open"]


# Every site of a service


def test_every_site_of_a_service_is_stopped_at_once_and_those_that_cannot_be_are_named(tmp_path: Path) -> None:
    fine, wrong, astray = (Site(tmp_path / name) for name in ("fine", "wrong", "astray"))
    configure(tmp_path, fine, wrong, astray)
    with Service.start(tmp_path) as service:
        for name in ("fine", "wrong", "astray"):
            service.ticked(name)
        broken(wrong, "no YAML")
        astray.configure(more="ledger: elsewhere/new.db\n")
        done = postbot("pause", "--service", "service.yaml", "--reason", "wrong week", cwd=tmp_path)
        assert done.code == 1
        assert done.out == (
            "fine/postbot.yaml: Paused in the ledger fine/.postbot/ledger.db.\n"
            "wrong/postbot.yaml: Paused in the ledger wrong/.postbot/ledger.db.\n"
            "Whoever works there does and says nothing until: postbot resume --service service.yaml\n"
        )
        assert "wrong/postbot.yaml cannot be used as it stands" in done.err
        last = done.err.splitlines()[-1]
        assert last.startswith("astray/postbot.yaml: Not paused: There is no ledger in astray/elsewhere/new.db yet.")

        for site in (fine, wrong):
            site.write("pilot", opens=ahead(-60), closes=ahead(3600))
        for name in ("fine", "wrong"):
            service.wait_for(lambda name=name: service.site(name)["outcome"] == "paused")
            assert "robin has paused it: wrong week" in service.site(name)["detail"]
        assert [site.state("pilot") for site in (fine, wrong)] == ["upcoming", "upcoming"]

        astray.configure(more="")
        resumed = postbot("resume", "--service", "service.yaml", cwd=tmp_path)
        assert (resumed.code, resumed.out.splitlines()[2]) == (
            1,  # one of the configurations is still to be looked at
            "astray/postbot.yaml: It was not paused in the ledger astray/.postbot/ledger.db.",
        )
        for site in (fine, wrong):
            service.wait_for(lambda site=site: site.state("pilot") == "open")


def test_whatever_else_is_wrong_with_the_services_configuration_its_sites_are_paused(tmp_path: Path) -> None:
    site = Site(tmp_path / "agency")
    slack = "{by: socket, workspace: T0TEAM}"  # whose tokens whoever pauses need not have
    path = configure(tmp_path, site, heartbeat="often", listen="0.0.0.0:8087", slack=slack)
    path.write_text(path.read_text().replace("sites:\n", "sites:\n  - gone/postbot.yaml\n") + "lisen: null\n")
    done = postbot("pause", "--service", "service.yaml", cwd=tmp_path)
    assert (done.code, "agency/postbot.yaml: Paused in the ledger agency/.postbot/ledger.db." in done.out) == (1, True)
    assert "gone/postbot.yaml: there is no such file" in done.err.splitlines()[-1]


def test_where_only_a_service_is_configured_it_is_said_how_to_pause_that(tmp_path: Path) -> None:
    configure(tmp_path, Site(tmp_path / "agency"))
    done = postbot("pause", cwd=tmp_path)
    assert (done.code, "--service service.yaml" in done.err) == (2, True)
    both = postbot("pause", "--service", "service.yaml", "--config", "agency/postbot.yaml", cwd=tmp_path)
    assert (both.code, "not both" in both.err) == (2, True)
