"""`postbot.yaml` and the profiles: what is read, and every mistake told with its place and the nearest word."""

import re
import traceback
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from postbot.app import sign_in
from postbot.censor import censored
from postbot.config import (
    AppConfig,
    Config,
    ConfigError,
    load,
    load_profile,
    password,
    read_profile,
    secret,
    shipped,
    shipped_profiles,
)
from postbot.core.announce import Event
from postbot.core.lifecycle import Transition
from postbot.core.plan.steps import MergeWhen
from postbot.core.profile import EarlyClose, Profile
from postbot.hosts.github import Token
from tests.examples import ROOT, configuration, routes

SITE = "site:\n  profile: jekyll-state\n  timezone: America/New_York\n"
PROFILES = sorted((ROOT / "config" / "profiles").glob("*.yaml"))


def read(folder: Path, text: str | bytes) -> Config:
    path = folder / "postbot.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(path)


def test_the_example_loads_and_names_every_setting(tmp_path: Path):
    assert load(ROOT / "config" / "postbot.yaml").github is None
    (tmp_path / "routes.yaml").write_text(routes())
    text = configuration().replace("apprise: []", "apprise: [teams]")
    config, given = read(tmp_path, text), yaml.safe_load(text)
    assert set(Config.model_fields) - {"root", "heard"} == set(given)
    for name in ("site", "github", "safety", "folder", "approval", "public", "soon", "email", "slack"):
        assert set(type(getattr(config, name)).model_fields) == set(given[name])
    assert set(AppConfig.model_fields) == set(given["github"]["app"])
    assert set(given["transitions"]) == set(Transition)
    for each in given["transitions"].values():
        assert set(each) == {"lead", "merge"}


def test_the_shipped_routes_lead_everywhere_and_say_where_they_are_written(tmp_path: Path):
    (tmp_path / "routes.yaml").write_text(routes())
    heard = read(tmp_path, configuration().replace("apprise: []", "apprise: [teams]")).heard
    assert {route.channel for route in heard} == {"folder", "console", "email", "slack", "apprise"}
    assert {Event.OPENED} < heard[0].hears < set(Event)
    [design] = [route for route in heard if "path" in route.where]
    assert design.where == {"job_post_type": ("design*", "research*"), "path": ("pages/positions/*",)}
    lines = routes().splitlines()
    assert all(lines[int(route.place.removeprefix("routes.yaml line ")) - 1].startswith("- to: ") for route in heard)


def test_a_mistake_in_the_file_of_routes_is_told_at_its_line(tmp_path: Path):
    (tmp_path / "routes.yaml").write_text("- to: console:me\n  hear: staff\n- to: console:me\n  hear: openings\n")
    with pytest.raises(ConfigError, match=r"routes.yaml:4:1: .*there is no event openings"):
        read(tmp_path, SITE + "routes: routes.yaml\n")


def test_a_file_of_routes_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"nowhere.yaml:1:1: error: There is no nowhere.yaml here."):
        read(tmp_path, SITE + "routes: nowhere.yaml\n")


def test_live_needs_to_know_what_the_page_shows_in_each_state(tmp_path: Path):
    live = SITE + "announce: live\npublic:\n  url: https://jobs.example/\n  shows: {open: Apply now, closed: Closed}\n"
    with pytest.raises(ConfigError, match="does not say what `upcoming` is"):
        read(tmp_path, live)
    assert read(tmp_path, live.replace("{open", "{upcoming: Soon, open")).public.url == "https://jobs.example"


def test_the_configuration_of_the_demo_loads():
    config = load(ROOT / "config" / "demo" / "postbot.yaml")
    assert load_profile(config).name == "jekyll-state"


def test_the_least_configuration_is_a_profile_and_a_zone(tmp_path: Path):
    config = read(tmp_path, SITE)
    assert config.transitions == {}
    assert config.heard == ()
    assert config.at(config.ledger) == tmp_path / ".postbot" / "ledger.db"
    assert config.policy.most_moves == 5


def test_spans_are_read_in_words(tmp_path: Path):
    config = read(tmp_path, SITE + "ask: [1 day, 2 DAYS, 90 minutes, 0 hours, 1 week]\n")
    assert config.ask == (
        timedelta(days=1), timedelta(days=2), timedelta(minutes=90), timedelta(0), timedelta(weeks=1),
    )  # fmt: skip


def test_handling_is_read_per_transition(tmp_path: Path):
    config = read(tmp_path, SITE + "transitions:\n  close: {merge: auto, lead: 1 day}\n")
    handling = config.policy.handling[Transition.CLOSE]
    assert (handling.lead, handling.merge) == (timedelta(days=1), MergeWhen.AUTO)


def test_a_closing_may_be_prepared_from_the_opening_on(tmp_path: Path):
    config = read(tmp_path, SITE + "transitions:\n  close: {lead: from opening, merge: auto}\n")
    handling = config.policy.handling[Transition.CLOSE]
    assert (handling.prestage, handling.merge) == (True, MergeWhen.AUTO)


def test_who_approves_and_who_hears_of_it_are_rules_of_the_plan(tmp_path: Path):
    text = (
        SITE
        + "approval: {two_people: true, people: {ANN: ann-gov}}\nroutes: [{to: ['folder:hr@x', console:me], hear: staff}]\n"
    )
    policy = read(tmp_path, text).policy
    assert (policy.two_people, policy.people, policy.staff) == (True, {"ANN": "ann-gov"}, ("hr@x", "me"))


def test_a_path_is_seen_from_the_folder_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    read(tmp_path, SITE + "ledger: memory/ledger.db\n")
    monkeypatch.chdir(tmp_path)
    config = load(Path("postbot.yaml"))
    assert config.at(config.ledger).resolve() == tmp_path / "memory" / "ledger.db"
    assert config.at(Path("/absolute")) == Path("/absolute")


MISTAKES = [
    ("nothing", "", "config-missing-key", 1, "`site` is needed", None),
    ("a list", "- a\n", "config-value", 1, "", None),
    ("a word", "hello\n", "config-value", 1, "", None),
    ("no YAML", "site: [\n", "config-yaml", 2, "This is not valid YAML", None),
    ("a tab", "site:\n\tprofile: x\n", "config-yaml", 2, "This is not valid YAML", None),
    ("no profile", "site:\n  timezone: UTC\n", "config-missing-key", 1, "`site.profile`", None),
    ("a misspelt section", SITE + "leger: x\n", "config-unknown-key", 4, "`leger`", "ledger"),
    ("a misspelt setting", SITE + "  foldres: [x]\n", "config-unknown-key", 4, "`site.foldres`", "folders"),
    ("a setting like nothing", SITE + "zzz: 1\n", "config-unknown-key", 4, "`zzz`", None),
    ("a misspelt transition", SITE + "transitions:\n  opne: {}\n", "config-unknown-key", 5, "`transitions.opne`", "open"),
    ("a misspelt handling", SITE + "transitions:\n  open:\n    merg: auto\n", "config-unknown-key", 6, "merg`", "merge"),
    ("a misspelt limit", SITE + "safety: {most_move: 1}\n", "config-unknown-key", 4, "`safety.most_move`", "most_moves"),
    ("a misspelt event", SITE + "routes:\n- {to: console:me, hear: publc}\n", "config-value", 5, "the nearest is public", None),
    ("a misspelt route", SITE + "routes:\n- {to: console:me, her: staff}\n", "config-unknown-key", 5, "`routes.0.her`", "hear"),
    ("no zone", SITE.replace("America/New_York", "EST5"), "config-value", 3, "there is no time zone EST5", None),
    ("a zone outside", SITE.replace("America/New_York", "../etc/passwd"), "config-value", 3, "no time zone", None),
    ("no span", SITE + "ask: [5 days, soon]\n", "config-value", 4, "write a span such as", None),
    ("a bare number", SITE + "remind: [5]\n", "config-value", 4, "write a span such as", None),
    ("a window that is too long", SITE + "undo: 15 days\n", "config-value", 4, "write 14 days at most", None),
    ("a huge span", SITE + "remind: [99999999999 weeks]\n", "config-value", 4, "ten years", None),
    ("a span that no date can be moved by", SITE + "remind: [999999999 days]\n", "config-value", 4, "ten years", None),
    ("a number to the base of 60", SITE + "safety: {most_moves: 1:30}\n", "config-value", 4, "write a whole number", None),
    ("a huge number", SITE + "safety: {most_moves: 1000000000000}\n", "config-value", 4, "twelve digits", None),
    ("a name in a server's address", SITE + "slack: {server: 'https://a:b@x.example'}\n", "config-value", 4, "without a name or password", None),
    ("a query in a server's address", SITE + "slack: {server: 'https://x.example?key=b'}\n", "config-value", 4, "without a name or password", None),
    ("no merge", SITE + "transitions: {open: {merge: always}}\n", "config-value", 4, "'review'", None),
    ("a negative limit", SITE + "safety: {most_moves: -1}\n", "config-value", 4, "write 1 or more", None),
    ("a share over all", SITE + "safety: {most_share: 1.5}\n", "config-value", 4, "write 1 or less", None),
    ("no number", SITE + "safety: {most_moves: many}\n", "config-value", 4, "write a whole number", None),
    ("no channel", SITE + "routes: [{to: Ada, hear: staff}]\n", "config-value", 4, "write CHANNEL:RECIPIENT", None),
    ("no recipient", SITE + "routes: [{to: 'folder:', hear: staff}]\n", "config-value", 4, "write CHANNEL:RECIPIENT", None),
    ("an unknown channel", SITE + "routes: [{to: 'fax:Ada', hear: staff}]\n", "config-value", 4, "there is no channel fax", None),
    ("two addresses", SITE + "routes: [{to: 'email:a@x.example, b@y.example', hear: staff}]\n", "config-value", 4, "one e-mail address", None),
    ("no mail server", SITE + "routes: [{to: 'email:a@x.example', hear: staff}]\n", "config-value", 4, "there is no `email`", None),
    ("nobody in Slack", SITE + "routes: [{to: 'slack:#general', hear: staff}]\n", "config-value", 4, "nobody in Slack", None),
    ("no such extra", SITE + "routes: [{to: 'apprise:teams', hear: staff}]\n", "config-value", 4, "`apprise` does not name it", None),
    ("live without an address", SITE + "announce: live\n", "config-value", 4, "no `public.url`", None),
    ("an address that is none", SITE + "public: {url: jobs.example}\n", "config-value", 4, "address of the published site", None),
    ("no sender", SITE + "email: {server: localhost, sender: Ada}\n", "config-value", 4, "write who mails are from", None),
    ("no lead", SITE + "transitions:\n  close: {lead: from closing}\n", "config-value", 5, "write a span such as", None),
    ("a lead of another", SITE + "transitions:\n  open:\n    merge: auto\n    lead: from opening\n", "config-value", 7, "for close only", None),
    ("a misspelt rule", SITE + "approval: {two_peple: true}\n", "config-unknown-key", 4, "two_peple", "two_people"),
    ("people who are none", SITE + "approval: {people: [Ann]}\n", "config-value", 4, "write settings below it", None),
    ("half a repository", SITE + "github:\n  repository: agency\n", "config-value", 5, "write OWNER/NAME", None),
    ("an address for a repository", SITE + "github: {repository: 'https://github.com/a/b'}\n", "config-value", 4, "OWNER/NAME", None),
    ("no repository", SITE + "github: {labels: []}\n", "config-missing-key", 4, "`github.repository` is needed", None),
    ("half an app", SITE + "github: {repository: a/b, app: {id: 1}}\n", "config-missing-key", 4, "`github.app.installation` is needed", None),
    ("a key in the file", SITE + "github: {repository: a/b, app: {id: 1, installation: 2, key: x}}\n", "config-unknown-key", 4, "key", None),
    ("a merge of no kind", SITE + "github: {repository: a/b, merge_method: ff}\n", "config-value", 4, "'squash'", None),
    ("a misspelt setting of github", SITE + "github: {repository: a/b, reviewer: []}\n", "config-unknown-key", 4, "reviewer", "reviewers"),
    ("a pace without a unit", SITE + "github: {repository: a/b, pace: 1}\n", "config-value", 4, "write a span such as", None),
    ("what a file has no say in", SITE + "heard: []\n", "config-unknown-key", 4, "`heard` is not a setting", None),
    ("a route for nothing", SITE + "routes:\n- to: console:me\n  hear: []\n", "config-value", 6, "name at least one", None),
    ("a route to nobody", SITE + "routes:\n- to: []\n  hear: staff\n", "config-value", 5, "name at least one", None),
    ("a route that nothing fits", SITE + "routes:\n- {to: console:me, hear: staff, where: {path: []}}\n", "config-value", 5, "name at least one", None),
    ("a yes in quotes", SITE + "approval: {two_people: 'true'}\n", "config-value", 4, "write true or false", None),
    ("a yes for a number", SITE + "safety: {most_moves: true}\n", "config-value", 4, "write a whole number", None),
    ("a number in quotes", SITE + "safety: {most_share: '0.2'}\n", "config-value", 4, "write a number such as 0.2", None),
    ("a text for a list", SITE + "ask: 5 days\n", "config-value", 4, "write a list such as", None),
    ("a number for text", SITE + "public: {name: 2030}\n", "config-value", 4, "needs quotes around it", None),
    ("nothing for settings", SITE + "safety:\n", "config-value", 4, "write settings below it", None),
    ("a number for a file", SITE + "words: 1\n", "config-value", 4, "write the path of a file", None),
    ("a mail server on no port", SITE + "email: {server: x, sender: a@x.example, port: 65536}\n", "config-value", 4, "write 65535 or less", None),
    ("an address with half a bracket", SITE + "slack: {server: 'https://[x'}\n", "config-value", 4, "write the address", None),
    ("a password in the ledger's address", SITE + "ledger: postgresql://a:canary@db/jobs\n", "config-value", 4, "put the password into POSTBOT_LEDGER_PASSWORD", None),
    ("an empty password there", SITE + "ledger: postgresql://a:@db/jobs\n", "config-value", 4, "put the password into POSTBOT_LEDGER_PASSWORD", None),
    ("another database", SITE + "ledger: mysql://a@db/jobs\n", "config-value", 4, "write the path of a file, or postgresql://", None),
    ("no database", SITE + "ledger: postgresql://a@db/?schema=x\n", "config-value", 4, "write the path of a file, or postgresql://", None),
    ("no server", SITE + "ledger: postgresql:///jobs\n", "config-value", 4, "names no host", None),
    ("a port that is none", SITE + "ledger: postgresql://a@db:99999/jobs\n", "config-value", 4, "port of the ledger's address", None),
    ("a parameter of no use", SITE + "ledger: postgresql://a@db/jobs?passfile=/x\n", "config-value", 4, "there is no parameter passfile", None),
    ("a schema in quotes", SITE + "ledger: postgresql://a@db/jobs?schema=a;drop\n", "config-value", 4, "cannot be the schema", None),
    ("two schemas", SITE + "ledger: postgresql://a@db/jobs?schema=a&schema=b\n", "config-value", 4, "stands there twice", None),
    ("an early close of no kind", SITE + "  early_close: never\n", "config-value", 4, "'field'", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "line", "says", "near"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])  # fmt: skip
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, code: str, line: int, says: str, near: str | None):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    problem = next(problem for problem in caught.value.problems if problem.code == code)
    assert (problem.path, problem.line) == (str(tmp_path / "postbot.yaml"), line)
    assert says in problem.message
    assert problem.message.endswith(".")
    assert "canary" not in str(caught.value)
    assert problem.fix == (f"Did you mean `{near}`?" if near else None)
    assert str(problem) in str(caught.value)
    assert near is None or f"Did you mean `{near}`?" in str(caught.value)


def test_a_route_that_leads_nowhere_is_told_at_its_own_line_of_its_own_file(tmp_path: Path):
    (tmp_path / "routes.yaml").write_text(
        "- to: console:me\n  hear: staff\n- hear: staff\n  to: [console:me, 'email:a@x.example']\n"
        "- {to: apprise:teams, hear: staff}\n"
    )
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, SITE + "routes: routes.yaml\n")
    assert [(Path(each.path).name, each.line) for each in caught.value.problems] == [
        ("routes.yaml", 4),
        ("routes.yaml", 5),
    ]


def test_mistakes_of_both_files_are_told_together(tmp_path: Path):
    (tmp_path / "routes.yaml").write_text("- to: console:me\n  hear: openings\n")
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, SITE + "routes: routes.yaml\nasks: []\n")
    assert [(Path(each.path).name, each.line) for each in caught.value.problems] == [
        ("postbot.yaml", 5),
        ("routes.yaml", 2),
    ]


def test_all_mistakes_are_told_at_once_in_the_files_order(tmp_path: Path):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, "safety: {most_share: 2}\nsite:\n  profil: x\n  timezone: Mars\nasks: []\n")
    assert [problem.line for problem in caught.value.problems] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"site: \xe9\n"], ids=["binary", "latin-1"])
def test_a_file_that_is_no_text_is_told(tmp_path: Path, data: bytes):
    with pytest.raises(ConfigError, match=r"postbot.yaml cannot be read: it is not UTF-8 text\. \[config-unreadable\]"):
        read(tmp_path, data)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"Make one with: postbot init \[config-missing\]"):
        load(tmp_path / "postbot.yaml")


# Secrets ------------------------------------------------------------------------------------------------------------

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("POSTBOT_X", "POSTBOT_X_FILE", "POSTBOT_ACME_X", "POSTBOT_ACME_X_FILE"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize("kept", ["variable", "file"])
@pytest.mark.parametrize(
    ("text", "meant"),
    [("ghp_1", "ghp_1"), ("ghp_1\n", "ghp_1"), (" ghp_1\r\n", "ghp_1"), (PEM, PEM), (f"\n{PEM}\n\n", PEM)],
    ids=["as it is", "line break", "blanks around", "key", "key with line breaks"],
)
def test_a_secret_is_read_without_what_surrounds_it(
    environment: pytest.MonkeyPatch, tmp_path: Path, kept: str, text: str, meant: str
):
    (tmp_path / "x").write_text(text, newline="")
    name, value = ("POSTBOT_X", text) if kept == "variable" else ("POSTBOT_X_FILE", str(tmp_path / "x"))
    environment.setenv(name, value)
    assert secret("POSTBOT_X") == meant


def test_a_password_may_hold_blanks_and_any_letters_and_a_token_may_not(environment: pytest.MonkeyPatch):
    environment.setenv("POSTBOT_X", "öpen sesame")
    assert password("POSTBOT_X") == "öpen sesame"
    with pytest.raises(ConfigError):
        secret("POSTBOT_X")
    environment.setenv("POSTBOT_X", "open\nsesame")
    with pytest.raises(ConfigError):
        password("POSTBOT_X")


def test_a_secret_of_the_environment_goes_before_that_of_a_file(environment: pytest.MonkeyPatch, tmp_path: Path):
    environment.setenv("POSTBOT_X", "one")
    environment.setenv("POSTBOT_X_FILE", str(tmp_path / "nowhere"))
    assert secret("POSTBOT_X") == "one"


@pytest.mark.parametrize(
    ("text", "data", "says"),
    [
        (None, None, "There is no POSTBOT_X. Set it, or name a file that holds it with POSTBOT_X_FILE."),
        ("", None, "There is no POSTBOT_X."),
        ("  \n", None, "There is no POSTBOT_X."),
        (None, b"", "There is no POSTBOT_X."),
        (None, b"\xff\xfecanary", "which cannot be read: it is not text."),
        ("canary canary", None, "POSTBOT_X holds blanks or characters that no such secret has; was it pasted whole?"),
        ("canary\nBcc: x", None, "was it pasted whole?"),
        ("canar\u00fd", None, "was it pasted whole?"),
        (None, b"canary\0x", "was it pasted whole?"),
    ],
    ids=["none", "empty", "blank", "empty file", "binary", "blanks", "lines", "letters", "nul"],
)
def test_a_secret_that_cannot_be_used_is_told_and_not_shown(
    environment: pytest.MonkeyPatch, tmp_path: Path, text: str | None, data: bytes | None, says: str
):
    if text is not None:
        environment.setenv("POSTBOT_X", text)
    if data is not None:
        (tmp_path / "x").write_bytes(data)
        environment.setenv("POSTBOT_X_FILE", str(tmp_path / "x"))
    with pytest.raises(ConfigError, match=re.escape(says)) as caught:
        secret("POSTBOT_X")
    assert "canar" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(("name", "says"), [("nowhere", "No such file"), (".", "Is a directory")])
def test_a_file_of_a_secret_that_cannot_be_read_is_named(
    environment: pytest.MonkeyPatch, tmp_path: Path, name: str, says: str
):
    environment.setenv("POSTBOT_X_FILE", str(tmp_path / name))
    with pytest.raises(ConfigError, match=f"POSTBOT_X_FILE names .*, which cannot be read: {says}"):
        secret("POSTBOT_X")


@pytest.mark.parametrize("kept", ["variable", "file"])
def test_a_sites_own_secret_goes_before_the_one_for_all(environment: pytest.MonkeyPatch, tmp_path: Path, kept: str):
    environment.setenv("POSTBOT_X", "for-all")
    assert secret("POSTBOT_X", site="acme") == "for-all"
    (tmp_path / "x").write_text("own\n")
    name, value = ("POSTBOT_ACME_X", "own") if kept == "variable" else ("POSTBOT_ACME_X_FILE", str(tmp_path / "x"))
    environment.setenv(name, value)
    assert (secret("POSTBOT_X", site="acme"), secret("POSTBOT_X"), secret("POSTBOT_X", site="other")) == (
        "own",
        "for-all",
        "for-all",
    )


def test_a_sites_own_secret_that_cannot_be_used_is_not_replaced_by_another(environment: pytest.MonkeyPatch):
    """The sign-in of another site would act in its name."""
    environment.setenv("POSTBOT_X", "for-all")
    environment.setenv("POSTBOT_ACME_X_FILE", "/nowhere")
    with pytest.raises(ConfigError, match="POSTBOT_ACME_X_FILE names /nowhere"):
        secret("POSTBOT_X", site="ACME")


def test_a_secret_that_no_site_has_is_told_by_both_its_names(environment: pytest.MonkeyPatch):
    with pytest.raises(ConfigError, match=r"There is no POSTBOT_ACME_X and no POSTBOT_X\. Set one"):
        secret("POSTBOT_X", site="ACME")


def test_a_bot_of_two_sites_signs_in_as_each_and_what_is_kept_is_censored(
    environment: pytest.MonkeyPatch, tmp_path: Path
):
    environment.setenv("POSTBOT_GITHUB_TOKEN", "ghp_canary_all")
    environment.setenv("POSTBOT_ACME_GITHUB_TOKEN", "ghp_canary_acme")
    on_github = "github: {repository: agency/site}\n"
    for text, token in ((SITE, "ghp_canary_all"), (SITE + "secrets: acme\n", "ghp_canary_acme")):
        config = read(tmp_path, text + on_github)
        assert config.github is not None
        assert sign_in(config.github, config.secrets) == Token(token)
        assert "canary" not in censored(f"{config!r} {token}")


# The ledger ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("postgresql://bot@db:5433/jobs?schema=site_1", "postgresql://bot:c%2F%40n%3Aary@db:5433/jobs?schema=site_1"),
        ("postgresql://bot@db/jobs?sslmode=verify-full", "postgresql://bot:c%2F%40n%3Aary@db/jobs?sslmode=verify-full"),
        ("postgresql://bot@/jobs?host=/run/pg", "postgresql://bot:c%2F%40n%3Aary@/jobs?host=/run/pg"),
    ],
)
def test_the_password_of_a_shared_ledger_comes_from_the_environment_and_is_never_shown(
    environment: pytest.MonkeyPatch, tmp_path: Path, written: str, meant: str
):
    for name in ("POSTBOT_LEDGER_PASSWORD", "POSTBOT_LEDGER_PASSWORD_FILE"):
        environment.delenv(name, raising=False)
    config = read(tmp_path, SITE + f"ledger: {written}\n")
    assert config.ledger_at == config.ledger == written
    environment.setenv("POSTBOT_LEDGER_PASSWORD", "c/@n:ary")
    assert config.ledger_at == meant
    assert "n:ary" not in f"{config!r} {config} {config.model_dump()}"
    assert "%3Aary" not in censored(str(config.ledger_at))


def test_a_ledger_of_ones_own_is_a_file_seen_from_the_folder_of_the_configuration(tmp_path: Path):
    assert read(tmp_path, SITE).ledger_at == tmp_path / ".postbot" / "ledger.db"
    assert read(tmp_path, SITE + "ledger: /var/lib/postbot/x.db\n").ledger_at == Path("/var/lib/postbot/x.db")


# Profiles -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PROFILES, ids=[path.stem for path in PROFILES])
def test_a_shipped_profile_loads_and_is_called_by_its_name(path: Path):
    profile = read_profile(path)
    assert isinstance(profile, Profile)
    assert profile.name == path.stem
    assert shipped_profiles()[path.stem] == profile
    assert re.search(r"^about: .{20,}\.$", path.read_text(encoding="utf-8"), re.MULTILINE)


def test_all_that_is_shipped_is_found():
    assert shipped() == ROOT / "config"
    assert set(shipped_profiles()) == {path.stem for path in PROFILES} >= {"jekyll-state", "jekyll-dates", "hugo"}


def test_a_profile_of_ones_own_is_named_by_its_path(tmp_path: Path):
    (tmp_path / "mine.yaml").write_text(
        (ROOT / "config/profiles/hugo.yaml").read_text().replace("name: hugo", "name: mine")
    )
    config = read(tmp_path, "site: {profile: mine.yaml, timezone: UTC, early_close: now}\n")
    assert load_profile(config).name == "mine"
    assert load_profile(config).early_close is EarlyClose.NOW


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("folder: content", "foldr: content", 16, "Did you mean `folder`?"),
        ("grain: minute", "grain: hour", 23, "'day' or 'minute'"),
        ("name: hugo", "names: hugo", 2, "`names` is not a setting."),
    ],
)
def test_a_mistake_in_a_profile_is_told_like_any_other(tmp_path: Path, old: str, new: str, line: int, says: str):
    text = (ROOT / "config/profiles/hugo.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(text.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        read_profile(tmp_path / "mine.yaml")
    assert says in str(caught.value)
    assert text.replace(old, new).splitlines().index(new) + 1 in {problem.line for problem in caught.value.problems}


ARCHIVE = "archive: {folder: pages/archive, after_days: 90, permalink: permalink, redirect: redirect_from}\n"


def with_archive(folder: Path, text: str) -> Profile:
    (folder / "mine.yaml").write_text((ROOT / "config/profiles/hugo.yaml").read_text() + text)
    return read_profile(folder / "mine.yaml")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("after_days: 90", "after_days: -1", "how many days after its closing"),
        ("after_days: 90", "after_days: soon", "`archive.after_days`"),
        ("after_days", "after_day", "Did you mean `after_days`?"),
        (", redirect: redirect_from", "", "`archive.redirect` is needed and not given."),
        ("pages/archive", "/pages", "/pages is no folder of the repository"),
        ("pages/archive", "pages/../x", "pages/../x is no folder of the repository"),
        ("pages/archive", "''", "name the folder of the archive"),
        ("90,", "90, addresses: {pages/: '/{name}/'},", "pages/ is no folder of the repository"),
        ("90,", "90, addresses: {pages: '/{title}/'},", "/{title}/ is no address"),
        ("90,", "90, addresses: {pages: '/jobs/'},", "/jobs/ is no address"),
    ],
)
def test_a_mistake_in_an_archive_is_told(tmp_path: Path, old: str, new: str, says: str):
    assert with_archive(tmp_path, ARCHIVE).archive
    with pytest.raises(ConfigError, match=re.escape(says)):
        with_archive(tmp_path, ARCHIVE.replace(old, new))


@pytest.mark.parametrize("name", ["jekyll-state", "hugo"])
def test_the_archive_that_a_profile_shows_is_one_once_its_hash_is_gone(tmp_path: Path, name: str):
    text = (ROOT / f"config/profiles/{name}.yaml").read_text()
    assert shipped_profiles()[name].archive is None
    shown = re.search(r"^# archive:\n(?:#   .*\n)+", text, re.MULTILINE)
    assert shown
    (tmp_path / "mine.yaml").write_text(text.replace(shown[0], re.sub("^# ", "", shown[0], flags=re.MULTILINE)))
    archive = read_profile(tmp_path / "mine.yaml").archive
    assert archive
    assert archive.after_days == 90
    assert archive.addresses


def test_a_profile_that_is_not_there_is_told_by_name(tmp_path: Path):
    config = read(tmp_path, "site: {profile: jekyl-state, timezone: UTC}\n")
    with pytest.raises(ConfigError, match="jekyl-state"):
        load_profile(config)
