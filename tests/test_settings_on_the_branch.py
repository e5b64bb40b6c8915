"""Settings on the base branch: what may stand there counts once it is merged, and nothing else ever does."""

from datetime import timedelta
from pathlib import Path

import pytest

from postbot.app import build, configured
from postbot.config import SETTINGS, Config, ConfigError, load, with_settings
from postbot.core.lifecycle import Transition
from postbot.core.plan.steps import MergeWhen
from postbot.hosts import HostError
from tests.contract.test_hosts import GitForge, make_bare

FILE = ".github/postbot.yaml"
LOCAL = f"""\
site: {{repo: site.git, folders: [jobs], profile: jekyll-state, timezone: UTC, settings: {FILE}}}
public: {{url: "https://jobs.example", shows: {{upcoming: soon, open: now, closed: over}}}}
apprise: [teams]
"""


@pytest.fixture
def forge(tmp_path: Path) -> GitForge:
    (tmp_path / "postbot.yaml").write_text(LOCAL)
    return make_bare(tmp_path / "site.git")


def settled(forge: GitForge) -> Config:
    return configured(forge.repo.parent / "postbot.yaml")


def problems(forge: GitForge, text: str | bytes) -> list[tuple[str, int, str]]:
    forge.commit({FILE: text if isinstance(text, bytes) else text.encode()})
    with pytest.raises(ConfigError) as caught:
        settled(forge)
    return [(each.path, each.line, each.message) for each in caught.value.problems]


def test_settings_on_the_base_branch_are_in_force(forge: GitForge):
    forge.commit(
        {
            FILE: b"transitions:\n  close: {merge: auto, lead: 2 days}\nask: [3 days]\nannounce: live\n"
            b"approval: {two_people: true}\nroutes:\n- to: console:me\n  hear: staff\n"
        }
    )
    config = settled(forge)
    assert config.policy.handling[Transition.CLOSE].merge is MergeWhen.AUTO
    assert (config.ask, config.announce, config.approval.two_people) == ((timedelta(days=3),), "live", True)
    assert config.policy.staff == ("me",)
    [route] = config.heard
    assert route.place == f"main:{FILE} line 7"
    assert str(config.places["ask",]) == f"main:{FILE}:3"
    assert str(config.places["apprise",]) == f"{forge.repo.parent}/postbot.yaml:3"
    with build(config).ledger.working():
        pass


def test_what_a_pull_request_would_set_does_not_count_before_it_is_merged(forge: GitForge):
    forge.commit({FILE: b"ask: [3 days]\n"})
    forge.commit({FILE: b"ask: [4 days]\nroutes: [{to: 'folder:theirs', hear: everything}]\n"}, "theirs")
    assert (settled(forge).ask, settled(forge).heard) == ((timedelta(days=3),), ())
    forge.merge("theirs")
    assert settled(forge).ask == (timedelta(days=4),)
    assert [route.recipient for route in settled(forge).heard] == ["theirs"]


@pytest.mark.parametrize("text", [b"", b"# nothing yet\n", b"{}\n"])
def test_an_empty_file_of_settings_sets_nothing(forge: GitForge, text: bytes):
    forge.commit({FILE: text})
    assert settled(forge) == load(forge.repo.parent / "postbot.yaml")


def test_a_file_that_is_not_on_the_branch_is_a_problem_of_who_names_it(forge: GitForge):
    forge.commit({FILE: b"ask: [4 days]\n"}, "theirs")
    with pytest.raises(
        ConfigError, match=f"There is no {FILE} on the branch main, and `site.settings` names it"
    ) as told:
        settled(forge)
    [problem] = told.value.problems
    assert (problem.path, problem.line) == (str(forge.repo.parent / "postbot.yaml"), 1)


def test_a_site_that_cannot_be_read_is_told_as_any_host_tells_it(forge: GitForge):
    forge.delete("main")
    with pytest.raises(HostError, match="has no branch 'main'"):
        settled(forge)


@pytest.mark.parametrize("key", sorted(set(Config.model_fields) - set(SETTINGS)))
def test_what_decides_where_secrets_go_is_set_in_the_local_file_only(forge: GitForge, key: str):
    """Whoever can push to the branch could else have the sign-in or the mail sent to a server of theirs."""
    [(path, line, message)] = problems(forge, f"ask: [1 day]\n{key}: null\n")
    assert (path, line) == (f"main:{FILE}", 2)
    assert message.startswith(f"`{key}` can be set in {forge.repo.parent}/postbot.yaml only: whoever can push here")


def test_every_problem_of_the_file_is_told_at_once_in_its_order(forge: GitForge):
    text = (
        "aks: [1 day]\nremind: [soon]\nroutes: routes.yaml\nwords: theirs\nannounce: later\nsafety: {most_moves: 0}\n"
    )
    found = problems(forge, text)
    assert [line for _, line, _ in found] == [1, 2, 3, 4, 5, 6]
    assert {path for path, _, _ in found} == {f"main:{FILE}"}
    assert found[0][2] == "`aks` is not a setting."
    assert "write the routes themselves here" in found[2][2]


def test_a_setting_that_both_files_have_is_a_problem_and_not_a_choice(forge: GitForge):
    with (forge.repo.parent / "postbot.yaml").open("a") as file:
        file.write("ask: [9 days]\n")
    [(path, line, message)] = problems(forge, "remind: [1 day]\nask: [1 day]\n")
    assert (path, line) == (f"main:{FILE}", 2)
    assert message == f"`ask` is set here and in {forge.repo.parent}/postbot.yaml:4; keep one of the two."


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("routes:\n- {to: console:me, hear: staff}\n- {to: 'email:a@x.example', hear: staff}\n", 3, "no `email`"),
        ("routes:\n- to: apprise:teams\n  hear: staff\n- hear: staff\n  to: apprise:other\n", 5, "apprise:other"),
        ("transitions:\n  open:\n    lead: from opening\n", 3, "for close only"),
        ("transitions: [\n", 2, "not valid YAML"),
        ("- ask\n", 1, "write settings below it"),
        ("soon\n", 1, "write settings below it"),
        (b"ask: \xff\n", 1, "not UTF-8 text"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_told_in_that_file(forge: GitForge, text: str | bytes, line: int, says: str):
    [(path, at, message)] = problems(forge, text)
    assert (path, at, says in message) == (f"main:{FILE}", line, True), message


def test_the_news_can_wait_for_the_page_only_where_the_local_file_says_where_it_is(tmp_path: Path):
    (tmp_path / "postbot.yaml").write_text("site: {profile: jekyll-state, timezone: UTC}\n")
    with pytest.raises(ConfigError, match=r"main:s\.yaml:2:1: .*no `public.url`"):
        with_settings(load(tmp_path / "postbot.yaml"), b"ask: [1 day]\nannounce: live\n", "main:s.yaml")


@pytest.mark.parametrize("path", ["/etc/passwd", "../x.yaml", ".git/config", "", "a//b", "a/./b", "7"])
def test_settings_are_a_file_of_the_repository(tmp_path: Path, path: str):
    quoted = path if path == "7" else f"'{path}'"
    (tmp_path / "postbot.yaml").write_text(f"site:\n  profile: x\n  timezone: UTC\n  settings: {quoted}\n")
    with pytest.raises(ConfigError, match=r"postbot.yaml:4:1: .*write the path of a file as the repository spells it"):
        load(tmp_path / "postbot.yaml")
