"""`postbot doctor` at the command line, on a plain git site and on GitHub."""

import os
import shutil
from pathlib import Path

import pytest

from postbot.hosts.doctor import Level
from tests.doors.command import Done, as_anybody, footprint, postbot, really
from tests.twins.github.client import Twin
from tests.twins.slack.client import SlackTwin
from tests.twins.smtp.client import SmtpTwin
from tests.world import World, git

PLAIN = (
    "site: {repo: site, folders: [positions], profile: jekyll-state, timezone: UTC}\n"
    "routes: [{to: console:all, hear: everything}]\n"
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.write("designer")
    world.bot.ledger.close()
    return world


def says(done: Done, level: str) -> list[tuple[str, str, str | None]]:
    return [(each["subject"], each["says"], each["do"]) for each in done.json() if each["level"] == level]


def test_a_plain_site_where_all_is_well(world: World):
    done = postbot("doctor", cwd=world.folder)
    lines = [line.split("  ", 1) for line in done.out.splitlines()]
    assert [(word, *rest[0].strip().split("  ", 1)[:1]) for word, *rest in lines[:-1]] == [
        ("fine", "profile"),
        ("fine", "ledger"),
        ("fine", "git"),
        ("fine", "repository"),
        ("fine", "base branch"),
        ("fine", "folder"),
    ]
    assert (done.code, done.err, lines[-1]) == (0, "", ["Nothing is wrong."])


def test_a_fault_is_marked_by_a_word_with_what_to_do_below_and_ends_with_1(world: World):
    (world.folder / "postbot.yaml").write_text(PLAIN.replace("positions", "jobs"))
    done = postbot("doctor", cwd=world.folder)
    assert done.code == 1
    assert [" ".join(line.split()) for line in done.out.splitlines()[-3:]] == [
        "fault folder There is no jobs on main.",
        "> Name the folders of postings with `folders`.",
        "1 fault.",
    ]


def test_it_makes_no_ledger_and_touches_nothing(world: World):
    shutil.rmtree(world.folder / ".postbot")
    before = footprint(world.folder)
    done = postbot("doctor", "--json", cwd=world.folder)
    assert footprint(world.folder) == before
    assert [row[0] for row in says(done, "note")] == ["ledger"]
    assert "the first tick adopts the site as it stands" in says(done, "note")[0][1]
    assert done.code == 0


def test_json_has_the_same_findings(world: World):
    done = postbot("doctor", "--json", cwd=world.folder)
    text = postbot("doctor", cwd=world.folder).out
    assert all(set(each) == {"level", "subject", "says", "do"} for each in done.json())
    assert {each["level"] for each in done.json()} <= set(Level)
    assert [each["says"] in line for each, line in zip(done.json(), text.splitlines(), strict=False)] == [True] * 6


FAULTS = {
    "no such folder": (("site: {repo: site", "site: {repo: nosuch"), "repository", "There is no folder nosuch."),
    "no repository": (("site: {repo: site", "site: {repo: plain"), "repository", "plain is not a git repository."),
    "no branch": (("{repo: site,", "{repo: site, base: live,"), "base branch", "There is no branch live."),
    "outside": (("[positions]", "[../up]"), "site", "'../up' is no folder inside the repository."),
    "no profile": (
        ("jekyll-state", "nosuch"),
        "profile",
        "`profile`: nosuch is no profile that comes with postbot (hugo, jekyll-dates, jekyll-state), and no file.",
    ),
    "text for a ledger": (("site:", "ledger: plain/note.txt\nsite:"), "ledger", "note.txt"),
    "a folder for a ledger": (("site:", "ledger: plain\nsite:"), "ledger", "plain"),
    "a ledger below a file": (("site:", "ledger: plain/note.txt/x.db\nsite:"), "ledger", "note.txt is a file, so"),
}


@pytest.mark.parametrize(("change", "subject", "sentence"), FAULTS.values(), ids=FAULTS)
def test_what_keeps_a_plain_site_from_working_is_one_fault(
    world: World, change: tuple[str, str], subject: str, sentence: str
):
    (world.folder / "plain").mkdir()
    (world.folder / "plain" / "note.txt").write_text("This is no ledger.\n" * 100)
    (world.folder / "postbot.yaml").write_text(PLAIN.replace(*change))
    done = postbot("doctor", "--json", cwd=world.folder)
    assert done.code == 1
    (row,) = says(done, "fault")
    assert row[0] == subject
    assert sentence in row[1]


def test_everywhere_is_said_where_no_folder_is_named(world: World):
    (world.folder / "postbot.yaml").write_text(PLAIN.replace("[positions]", "[]"))
    done = postbot("doctor", "--json", cwd=world.folder)
    assert says(done, "note") == [
        ("folder", "No folder is named, so postings are looked for everywhere.", None),
    ]


@pytest.mark.parametrize(
    ("place", "subject"),
    [(".postbot", "ledger"), (".postbot/ledger.db", "ledger"), ("site/.git/objects", "repository")],
)
def test_what_cannot_be_written_is_a_fault(world: World, place: str, subject: str):
    (world.folder / place).chmod(0o555)
    done = really("doctor", "--json", cwd=world.folder, before=as_anybody)
    (world.folder / place).chmod(0o755)
    assert done.code == 1, done.err
    ((told, sentence, _),) = says(done, "fault")
    assert (told, sentence) == (subject, f"{place} cannot be written to.")


def test_a_git_that_is_too_old_is_a_fault(world: World):
    real = shutil.which("git")
    tools = world.folder / "tools"
    tools.mkdir()
    (tools / "git").write_text(
        f'#!/bin/sh\nfor word; do [ "$word" = version ] && echo git version 2.29.3 && exit; done\nexec {real} "$@"\n'
    )
    (tools / "git").chmod(0o755)
    done = really("doctor", "--json", cwd=world.folder, env={"PATH": f"{tools}:{os.environ['PATH']}"})
    assert says(done, "fault") == [
        ("git", "This is git version 2.29.3; postbot needs 2.30 or newer.", "Install a newer git.")
    ]


def test_without_a_configuration_it_is_wrong_use(tmp_path: Path):
    done = postbot("doctor", cwd=tmp_path)
    assert (done.code, done.err) == (2, "There is no postbot.yaml. Make one with: postbot init\n")


# GitHub --------------------------------------------------------------------------------------------------------------


def on_github(world: World, server: str) -> None:
    (world.folder / "postbot.yaml").write_text(
        f'{PLAIN}github: {{repository: agency/site, server: "{server}", pace: 0 seconds}}\n'
    )


def test_a_site_on_github_is_looked_at_through_github(world: World):
    bare = world.folder / "site.git"
    git(world.folder, "clone", "-q", "--bare", "site", str(bare))
    with Twin.start(bare) as twin:
        on_github(world, twin.url)
        done = really("doctor", cwd=world.folder, env={"POSTBOT_GITHUB_TOKEN": Twin.token})
        twin.repository(archived=True)
        archived = really("doctor", "--json", cwd=world.folder, env={"POSTBOT_GITHUB_TOKEN": Twin.token})
    assert (done.code, done.err) == (0, "")
    assert "fine  sign-in" in done.out
    assert Twin.token not in done.out + archived.out
    assert archived.code == 1
    assert [row[:2] for row in says(archived, "fault")] == [
        ("repository", "agency/site is archived: nothing can be changed in it.")
    ]


def test_a_sign_in_that_is_not_there_is_a_fault(world: World):
    on_github(world, "http://127.0.0.1:9/api/v3")
    done = really("doctor", "--json", cwd=world.folder, env={"POSTBOT_GITHUB_TOKEN": None})
    assert done.code == 1
    assert says(done, "fault") == [
        (
            "sign-in",
            "There is no POSTBOT_GITHUB_TOKEN. Set it, or name a file that holds it with POSTBOT_GITHUB_TOKEN_FILE.",
            None,
        )
    ]


def test_github_out_of_reach_is_one_fault_and_the_rest_is_told(world: World):
    on_github(world, "http://127.0.0.1:9/api/v3")
    done = really("doctor", "--json", cwd=world.folder, env={"POSTBOT_GITHUB_TOKEN": "t"})
    assert done.code == 1
    assert says(done, "fault") == [("GitHub", "GitHub could not be reached, or dropped the connection.", None)]
    assert [row[0] for row in says(done, "fine")] == ["profile", "ledger"]


# Who hears, and by which channel -------------------------------------------------------------------------------------

ENDS = "email: {{server: 127.0.0.1, port: {port}, security: none, sender: jobs@agency.example}}\n"
ROUTED = PLAIN.replace("console:all", "[email:hr@agency.example, console:all]")


def test_a_site_on_which_nobody_hears_what_needs_a_hand_is_warned_of(world: World):
    (world.folder / "postbot.yaml").write_text(PLAIN.replace("everything", "public"))
    done = postbot("doctor", "--json", cwd=world.folder)
    assert says(done, "warning") == [
        ("routes", "No route leads to anybody who hears what is for staff.", "Add one to `routes`."),
    ]


def test_that_only_the_team_is_spoken_to_is_noted_until_somebody_releases_it(tmp_path: Path):
    world = World(tmp_path, released=False)
    world.write("designer")
    world.bot.ledger.close()
    [row] = says(postbot("doctor", "--json", cwd=world.folder), "note")
    assert row == ("speaking", "postbot speaks to the team only.", "When it may speak: postbot release public")
    text = (world.folder / "postbot.yaml").read_text()
    (world.folder / "postbot.yaml").write_text(text.replace("hear: staff", "hear: waiting"))
    [team] = says(postbot("doctor", "--json", cwd=world.folder), "warning")
    assert team[1].startswith("No route leads to a team: until `postbot release public`, nobody hears")
    (world.folder / "postbot.yaml").write_text(text)
    assert postbot("release", "public", cwd=world.folder).code == 0
    assert says(postbot("doctor", "--json", cwd=world.folder), "note") == []


def test_a_mail_server_that_is_not_there_is_warned_of_and_one_that_is_is_not(world: World):
    with SmtpTwin.start() as post:
        (world.folder / "postbot.yaml").write_text(ROUTED + ENDS.format(port=post.port))
        assert says(postbot("doctor", "--json", cwd=world.folder), "warning") == []
        post.fault("connect", "554 5.3.2 No mail here")
        [row] = says(postbot("doctor", "--json", cwd=world.folder), "warning")
        assert (row[0], "554" in row[1]) == ("email", True)
        assert post.accepted() == []


def test_a_missing_secret_of_a_channel_is_a_fault(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("POSTBOT_SLACK_TOKEN", raising=False)
    (world.folder / "postbot.yaml").write_text(PLAIN.replace("console:all", "slack:C0JOBS"))
    done = postbot("doctor", "--json", cwd=world.folder)
    assert done.code == 1
    assert ["POSTBOT_SLACK_TOKEN" in row[1] for row in says(done, "fault")] == [True]


def test_what_slack_does_not_allow_is_warned_of(world: World, monkeypatch: pytest.MonkeyPatch):
    with SlackTwin.start() as slack:
        monkeypatch.setenv("POSTBOT_SLACK_TOKEN", slack.token)
        text = PLAIN.replace("console:all", "slack:C0JOBS") + f"slack: {{server: '{slack.url}'}}\n"
        (world.folder / "postbot.yaml").write_text(text)
        assert says(postbot("doctor", "--json", cwd=world.folder), "warning") == []
        slack.scopes("channels:history")
        assert any("chat:write" in row[1] for row in says(postbot("doctor", "--json", cwd=world.folder), "warning"))
        assert slack.effects("posted") == []
