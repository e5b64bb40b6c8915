"""The kill switch: `postbot pause` and `postbot resume`, while a service runs and without one."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.doors.command import Done, really
from tests.service.kit import Service, Site, ahead, configure
from tests.twins.smtp.client import SmtpTwin
from tests.world import git

MANY = 20
FIRST = 5
"""The message in whose middle it is paused."""


def command(site: Site, *words: str) -> Done:
    return really(*words, cwd=site.folder, env={"POSTBOT_BY": "robin"})


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

    assert command(site, "resume").out == "The next tick goes on.\n"
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
    command(site, "pause")
    site.write("pilot", opens=ahead(-60), closes=ahead(3600))
    command(site, "tick")
    assert site.state("pilot") == "upcoming"


def test_resuming_what_nobody_has_paused_says_so(tmp_path: Path) -> None:
    done = command(Site(tmp_path / "agency"), "resume")
    assert (done.code, done.out) == (1, "It was not paused.\n")
