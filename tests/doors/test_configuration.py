"""`postbot config`: whether the configuration is right, what is in force and why, and its schema for editors."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from postbot.app import build, configured
from postbot.config import Config, ConfigError, load
from postbot.schema import service_schema, site_schema, uncommented
from tests.contract.test_hosts import make_bare
from tests.doors.command import Done, footprint, postbot, really
from tests.examples import ROOT, configuration, routes

SITE = "site: {repo: site.git, folders: [jobs], profile: jekyll-state, timezone: UTC}\n"
SETTINGS = SITE.replace("UTC", "UTC, settings: .github/postbot.yaml")
ANY_KIND = "json://localhost/canary"
"""Something that every kind of secret may be, an address for Apprise, too."""
SCHEMAS = {"postbot": site_schema, "service": service_schema}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("GITHUB_TOKEN", "GITHUB_KEY", "SMTP_PASSWORD", "SLACK_TOKEN", "LEDGER_PASSWORD", "SERVICE_TOKEN"):
        monkeypatch.delenv(f"POSTBOT_{name}", raising=False)
        monkeypatch.delenv(f"POSTBOT_{name}_FILE", raising=False)
    return monkeypatch


def check(folder: Path, *args: str | Path) -> Done:
    return postbot("config", "check", *args, cwd=folder)


def written(folder: Path, text: str, name: str = "postbot.yaml") -> Path:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder


# Whether it is right -------------------------------------------------------------------------------------------------


def test_a_configuration_that_is_right_is_said_to_be_and_nothing_is_touched(tmp_path: Path):
    make_bare(tmp_path / "site.git").commit({".github/postbot.yaml": b"ask: [1 day]\n"})
    written(tmp_path, SETTINGS)
    before = footprint(tmp_path)
    done = check(tmp_path)
    assert (done.code, done.out, done.err) == (0, "Nothing is wrong.\n", "")
    assert check(tmp_path, "--json").json() == []
    assert footprint(tmp_path) == before


def test_what_is_wrong_in_every_file_is_told_at_once(tmp_path: Path):
    """The configuration, its routes, its profile, and the service's: each in its file, at its line."""
    written(tmp_path, "site:\n  profile: mine.yaml\n  timezone: UTC\nroutes: routes.yaml\nleger: x\n")
    written(tmp_path, "- to: console:me\n  her: staff\n", "routes.yaml")
    written(tmp_path, "name: mine\nabuot: x\n", "mine.yaml")
    written(tmp_path, "sites:\n- postbot.yaml\n- nowhere/*.yaml\n", "service.yaml")
    done = check(tmp_path)
    told = [line for line in done.out.splitlines() if not line.startswith("    ")]
    assert done.code == 1
    places = [line.split(": error:")[0] for line in told[:-1]]
    assert {"postbot.yaml:5:1", "routes.yaml:2:1", "mine.yaml:2:1", "service.yaml:3:1"} <= set(places)
    assert len(places) == len(set(told[:-1]))
    assert "Did you mean `ledger`?" in done.out
    assert told[-1] == f"{len(places)} problems."
    assert [each["line"] for each in check(tmp_path, "--json").json()] == [int(each.split(":")[1]) for each in places]


def test_settings_on_the_base_branch_are_checked_where_they_lie(tmp_path: Path):
    forge = make_bare(tmp_path / "site.git")
    forge.commit({".github/postbot.yaml": b"ask: [1 day]\nwords: theirs\n"})
    done = check(written(tmp_path, SETTINGS))
    assert (done.code, done.out.count("error:")) == (1, 1)
    assert done.out.startswith("main:.github/postbot.yaml:2:1: error: `words` can be set in postbot.yaml only")
    forge.commit({".github/postbot.yaml": None})
    assert check(tmp_path).out.startswith(
        "postbot.yaml:1:1: error: There is no .github/postbot.yaml on the branch main"
    )
    assert check(written(tmp_path, SETTINGS.replace("site.git", "gone.git"))).code == 1


def test_a_site_without_a_configuration_is_told_once_and_how_to_make_one(tmp_path: Path):
    done = check(tmp_path)
    assert (done.code, done.out.count("error:")) == (1, 1)
    assert "Make one with: postbot init" in done.out


def test_every_secret_that_is_missing_is_named_and_none_that_is_there(tmp_path: Path, environment: pytest.MonkeyPatch):
    text = SITE + (
        "secrets: acme\ngithub: {repository: agency/site}\nledger: postgresql://bot@db/jobs\n"
        "email: {server: localhost, sender: a@x.example, username: bot, lists: {l@x.example: {approved: LIST}}}\n"
        "apprise: [teams]\n"
        "routes: [{to: ['email:a@x.example', slack:C024BE91L, apprise:teams], hear: staff}]\n"
    )
    written(tmp_path, text)
    told = re.findall(r"There is no (\w+) and no (\w+)", check(tmp_path).out)
    assert [name for _, name in told] == [
        "POSTBOT_GITHUB_TOKEN", "POSTBOT_SMTP_PASSWORD", "POSTBOT_APPROVED_LIST", "POSTBOT_SLACK_TOKEN",
        "POSTBOT_APPRISE_TEAMS",
    ]  # fmt: skip
    assert all(own == name.replace("POSTBOT_", "POSTBOT_ACME_") for own, name in told)
    for _, name in told:
        with pytest.raises(ConfigError, match=name):
            build(load(tmp_path / "postbot.yaml"), ledger=tmp_path / "ledger.db")
        environment.setenv(name, ANY_KIND)
    build(load(tmp_path / "postbot.yaml"), ledger=tmp_path / "ledger.db").ledger.close()
    assert check(tmp_path).out == "Nothing is wrong.\n"
    for own, name in told:
        environment.delenv(name)
        environment.setenv(own, ANY_KIND)
        build(load(tmp_path / "postbot.yaml"), ledger=tmp_path / "ledger.db").ledger.close()
    assert check(tmp_path).out == "Nothing is wrong.\n"


def test_the_sites_of_a_service_are_checked_together(tmp_path: Path):
    for name in "ab":
        written(tmp_path, SITE + "ledger: ../ledger.db\n", f"{name}/postbot.yaml")
    written(tmp_path, "sites: ['../?/postbot.yaml']\n", "deploy/service.yaml")
    done = check(tmp_path, "--service", "deploy/service.yaml")
    said = "This is the ledger of deploy/../a/postbot.yaml, too; every site needs one of its own."
    assert done.out.splitlines() == [
        f"deploy/../b/postbot.yaml:2:1: error: {said} [config-value]",
        "1 problem.",
    ]


# What is in force ----------------------------------------------------------------------------------------------------


def shown(folder: Path) -> str:
    done = postbot("config", "show", cwd=folder)
    assert (done.code, done.err) == (0, "")
    return done.out


def test_what_is_shown_is_the_configuration_itself_with_every_default_filled_in(tmp_path: Path):
    """Written into a file, it is read as the same."""
    written(tmp_path, routes(), "routes.yaml")
    written(tmp_path, configuration().replace("apprise: []", "apprise: [teams]"))
    text = shown(tmp_path)
    (tmp_path / "again").mkdir()
    before, after = load(tmp_path / "postbot.yaml"), load(written(tmp_path / "again", text) / "postbot.yaml")
    assert before.model_dump() == after.model_dump()
    assert [(r.channel, r.recipient, r.hears, r.where) for r in before.heard] == [
        (r.channel, r.recipient, r.hears, r.where) for r in after.heard
    ]
    assert set(yaml.safe_load(text)) == set(Config.model_fields)


def test_the_least_configuration_shows_what_it_leaves_to_postbot(tmp_path: Path):
    lines = shown(written(tmp_path, "site:\n  profile: hugo\n  timezone: UTC\n")).splitlines()
    assert "  timezone: UTC  # postbot.yaml:3" in lines
    assert "  base: main  # default" in lines
    assert "  open: {lead: 0 days, merge: review}  # default" in lines
    assert "ask: [5 days, 2 days, 1 day, 0 days]  # default" in lines


def test_each_part_says_which_file_and_line_it_comes_from(tmp_path: Path):
    make_bare(tmp_path / "site.git").commit(
        {
            ".github/postbot.yaml": b"ask: [1 day]\n\nroutes:\n- {to: console:me, hear: staff}\nsafety:\n  most_moves: 2\n"
        }
    )
    text = shown(written(tmp_path, SETTINGS + "remind: [7 days]\n"))
    assert "ask: [1 day]  # main:.github/postbot.yaml:1\n" in text
    assert "  - {to: ['console:me'], hear: staff, where: {}}  # main:.github/postbot.yaml:4\n" in text
    assert "  most_moves: 2  # main:.github/postbot.yaml:6\n  most_share: 0.2  # default\n" in text
    assert "remind: [7 days]  # postbot.yaml:2\n" in text
    data = postbot("config", "show", "--json", cwd=tmp_path).json()
    assert (data["settings"]["ask"], data["places"]["ask"]) == (["1 day"], "main:.github/postbot.yaml:1")


def test_of_secrets_only_the_names_are_shown_and_whether_they_are_set(tmp_path: Path):
    text = SITE + (
        "secrets: ACME\ngithub: {repository: agency/site, app: {id: 1, installation: 2}}\n"
        "ledger: postgresql://bot@db/jobs?schema=x\nroutes: [{to: slack:C024BE91L, hear: staff}]\n"
    )
    written(tmp_path, text)
    env = {"POSTBOT_LEDGER_PASSWORD": "canary-ledger", "POSTBOT_ACME_GITHUB_KEY": "canary-key"}
    for args in ((), ("--json",)):
        done = really("config", "show", *args, cwd=tmp_path, env=env)
        assert (done.code, "canary" in done.out + done.err) == (0, False)
    assert done.json()["secrets"] == {
        "POSTBOT_GITHUB_KEY": "set",
        "POSTBOT_SLACK_TOKEN": "not set",
        "POSTBOT_LEDGER_PASSWORD": "set",
    }
    assert "postgresql://bot@db/jobs?schema=x" in done.out


def test_a_configuration_that_cannot_be_used_is_not_shown(tmp_path: Path):
    done = postbot("config", "show", cwd=written(tmp_path, SITE + "ask: [soon]\n"))
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("postbot.yaml:2:1: error: `ask.0`: write a span such as")


def test_every_command_that_makes_a_bot_goes_by_the_settings_of_the_branch(tmp_path: Path):
    make_bare(tmp_path / "site.git").commit({".github/postbot.yaml": b"routes: [{to: console:me, hear: everything}]\n"})
    written(tmp_path, SETTINGS)
    assert [route.recipient for route in configured(tmp_path / "postbot.yaml").heard] == ["me"]
    assert "To me" in postbot("announce", "baker", "opened", "--preview", cwd=tmp_path).out.replace("console:", "To ")


# For editors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schema_that_is_shipped_is_that_of_the_settings(name: str):
    """Renew it with `postbot config schema > config/postbot.schema.json`, or `schema service > config/service...`."""
    kept = json.loads((ROOT / "config" / f"{name}.schema.json").read_text(encoding="utf-8"))
    assert kept == SCHEMAS[name]()
    jsonschema.validators.validator_for(kept).check_schema(kept)
    printed = postbot("config", "schema", *(["service"] if name == "service" else []), cwd=ROOT)
    assert printed.json() == kept


def mistakes(name: str, data: Any) -> list[str]:
    schema = SCHEMAS[name]()
    return [error.message for error in jsonschema.validators.validator_for(schema)(schema).iter_errors(data)]


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_example_names_its_schema_and_fits_it(name: str):
    text = (ROOT / "config" / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith(f"# yaml-language-server: $schema={name}.schema.json\n")
    for each in (text, uncommented(text)):
        assert mistakes(name, yaml.safe_load(each)) == []
    if name == "postbot":
        assert uncommented(text) == configuration()
        assert mistakes(name, yaml.safe_load(text) | {"routes": yaml.safe_load(routes())}) == []


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("postbot", "ledger: ", "leger: "),
        ("postbot", "  timezone: ", "  timezon: "),
        ("postbot", "open: {lead", "opne: {lead"),
        ("postbot", "merge: auto}", "merg: auto}"),
        ("postbot", "  most_moves: 5", "  most_moves: five"),
        ("postbot", "  most_share: 0.2", "  most_share: 2"),
        ("postbot", "ask: [5 days", "ask: [5"),
        ("postbot", "announce: merged", "announce: later"),
        ("postbot", "routes: routes.yaml", "routes: [{to: Ada, hear: staff}]"),
        ("postbot", "routes: routes.yaml", "routes: [{to: console:me, hear: openings}]"),
        ("postbot", "installation: 7890123", "installation: x"),
        ("service", "sites:", "site:"),
        ("service", "heartbeat: 1 minute", "heartbeat: 60"),
        ("service", "listen: 127.0.0.1:8087", "listen: 8087"),
        ("service", "logs: json", "logs: xml"),
    ],
)
def test_a_misspelt_key_or_a_value_of_another_kind_does_not_fit(name: str, old: str, new: str):
    text = uncommented((ROOT / "config" / f"{name}.yaml").read_text(encoding="utf-8"))
    assert old in text
    assert mistakes(name, yaml.safe_load(text.replace(old, new)))


def settings_of(schema: dict[str, Any], shape: dict[str, Any], above: str = "") -> dict[str, dict[str, Any]]:
    found = {}
    refs = [shape.get("$ref"), *(each.get("$ref") for each in shape.get("anyOf", ()))]
    for ref in filter(None, refs):
        found |= settings_of(schema, schema["$defs"][ref.rpartition("/")[2]], above)
    for name, below in shape.get("properties", {}).items():
        found |= {f"{above}{name}": below} | settings_of(schema, below, f"{above}{name}.")
    return found


@pytest.mark.parametrize("name", SCHEMAS)
def test_an_editor_says_of_a_setting_what_the_example_says(name: str):
    schema = SCHEMAS[name]()
    found = settings_of(schema, schema)
    silent = {path for path, each in found.items() if "description" not in each and "$ref" not in each}
    told_above = {"email.port", "email.security", "github.reviewers", "github.assignees", "folder.path"}
    assert silent <= told_above
    assert not any("Here:" in each.get("description", "") for each in found.values())
    if name == "postbot":
        assert found["ask"]["default"] == ["5 days", "2 days", "1 day", "0 days"]
        assert found["site.profile"]["description"].startswith("The kind of site, which says what its fields")
        assert "\n  review    a person merges it, on its page;" in found["transitions"]["description"]
    else:
        assert found["listen"]["default"] == "127.0.0.1:8087"
