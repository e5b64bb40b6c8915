"""How a service ends: asked to, asked twice, killed; in the middle of things, and with things that hang."""

import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from postbot.doors.service.site import OUR_FAULT
from tests.service.kit import RARELY, SECONDS, Service, Site, ahead, configure
from tests.twins.github.client import Twin
from tests.twins.smtp.client import SmtpTwin

LISTS = [f"list-{number}@list.example" for number in range(3)]
MAIL = f"""\
  - {{to: [{", ".join(f"email:{name}" for name in LISTS)}], hear: public}}
  - {{to: "folder:hr@agency.example", hear: staff}}
"""
END = (signal.SIGTERM, signal.SIGINT)


def mailing(folder: Path, post: SmtpTwin) -> Site:
    """A site whose lists are reached by mail, with a position that is about to open."""
    more = (
        f"email: {{server: 127.0.0.1, port: {post.port}, security: none, sender: Jobs <jobs@agency.example>, "
        "timeout: 60 seconds}\n"
    )
    site = Site(folder, routes=MAIL, more=more)
    site.write("pilot", opens=ahead(3), closes=ahead(3600))
    return site


def reached(post: SmtpTwin) -> list[str]:
    """Who has got the one mail that there is, in order."""
    assert {str(taken.mail["Subject"]) for taken in post.accepted()} <= {"Pilot: now open"}
    return [to for taken in post.accepted() for to in taken.recipients]


def statuses(site: Site) -> Counter[str]:
    with site.ledger() as ledger:
        return Counter(str(each.status) for each in ledger.deliveries() if each.message.channel == "email")


@pytest.mark.parametrize("number", END, ids=["SIGTERM", "SIGINT"])
def test_asked_to_end_it_ends_well(tmp_path: Path, number: signal.Signals) -> None:
    site = Site(tmp_path / "agency")
    configure(tmp_path, site)
    with Service.start(tmp_path) as service:
        service.ticked("agency")
        service.signal(number)
        assert service.ended() == 0
        assert "Traceback" not in service.written()


def test_asked_to_end_while_a_mail_is_on_its_way_it_sends_that_and_no_other_and_the_next_start_sends_the_rest(
    tmp_path: Path, post: SmtpTwin
) -> None:
    site = mailing(tmp_path / "agency", post)
    post.fault("dot", "late", seconds=3)
    configure(tmp_path, site, heartbeat=RARELY)
    with Service.start(tmp_path) as service:
        service.wait_for(lambda: post.fired() == ["late at dot"])
        service.signal(signal.SIGTERM)
        assert service.ended() == 0
        assert service.lines("left behind") == []
    assert (reached(post), statuses(site)) == (LISTS[:1], Counter(sent=1, due=2))
    with Service.start(tmp_path) as service:
        service.wait_for(lambda: statuses(site) == Counter(sent=3))
    assert sorted(reached(post)) == LISTS


def test_asked_to_end_while_a_mail_server_hangs_it_ends_well_and_the_next_start_settles_what_came_of_it(
    tmp_path: Path, post: SmtpTwin
) -> None:
    site = mailing(tmp_path / "agency", post)
    post.fault("dot", "hang-kept")
    configure(tmp_path, site, heartbeat=RARELY)
    with Service.start(tmp_path) as service:
        service.wait_for(lambda: post.fired() == ["hang-kept at dot"])
        service.signal(signal.SIGTERM)
        assert service.ended() == 0
        assert service.line("left behind", "agency")["step"] == "end the text"
    post.heal()
    with Service.start(tmp_path) as service:
        service.wait_for(lambda: any("held for a person" in subject for subject in site.said("hr@agency.example")))
        service.wait_for(lambda: statuses(site) == Counter(sent=2, held=1))
    assert sorted(reached(post)) == LISTS, "the first was taken, and nobody can know that: a person decides"


def test_asked_twice_it_ends_at_once(tmp_path: Path, on_github: Twin) -> None:
    site = Site(tmp_path / "agency", on_github)
    site.write("pilot")
    on_github.hold()
    configure(tmp_path, site)
    with Service.start(tmp_path) as service:
        assert on_github.held(SECONDS)
        service.signal(signal.SIGTERM)
        service.signal(signal.SIGINT)
        assert service.ended() == 0
        service.line("left behind", "agency")
    on_github.release()


def test_killed_and_started_again_it_goes_on_where_it_was(tmp_path: Path, post: SmtpTwin) -> None:
    site = mailing(tmp_path / "agency", post)
    post.fault("mail", "hang")
    configure(tmp_path, site)
    with Service.start(tmp_path) as service:
        service.wait_for(lambda: post.fired() == ["hang at mail"])
        service.signal(signal.SIGKILL)
        assert service.ended() == -signal.SIGKILL
    post.heal()
    assert (site.state("pilot"), reached(post)) == ("open", [])
    with Service.start(tmp_path) as service:
        service.wait_for(lambda: statuses(site) == Counter(sent=2, held=1))
    assert reached(post) == LISTS[1:], "the first was claimed: nobody can tell whether it went out"


UNFORESEEN = """
from itertools import count
from pathlib import Path
from postbot.doors.service.runner import Service
from postbot.doors.service.signals import signals
from postbot.serviceconfig import load_service

times = count()

def read():
    if next(times) == 1:
        raise RuntimeError("a fault that nobody has foreseen")
    return load_service(Path("service.yaml"))

service = Service(read, print)
with signals() as heard:
    service.run(heard)
"""


def test_a_fault_of_ours_in_reading_the_configuration_again_ends_nothing_and_is_told(tmp_path: Path) -> None:
    site = Site(tmp_path / "agency")
    configure(tmp_path, site)
    with Service.start(tmp_path, command=(sys.executable, "-c", UNFORESEEN)) as service:
        service.ticked("agency")
        service.signal(signal.SIGHUP)
        service.wait_for(lambda: service.site("agency")["rejected"] == OUR_FAULT)
        assert "a fault that nobody has foreseen" in service.line("configuration rejected", "")["exception"]
        service.ticked("agency")
        service.signal(signal.SIGHUP)
        service.wait_for(lambda: service.site("agency")["rejected"] == "")
