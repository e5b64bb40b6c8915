"""The app's manifest: what it asks Slack for is what the code uses, neither less nor more."""

import re
from typing import Any

import pytest
import yaml

from postbot.channels.slack import _NEEDED as SPOKEN_WITH
from postbot.doors.slack import app
from tests.examples import ROOT

TEXT = (ROOT / "config" / "slack-app.yaml").read_text(encoding="utf-8")
OVER_HTTP = re.sub(r"# (url|request_url):", r"\1:", TEXT).replace(
    "socket_mode_enabled: true", "socket_mode_enabled: false"
)
WAYS = {"socket": TEXT, "http": OVER_HTTP}


@pytest.fixture(params=WAYS)
def manifest(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(WAYS[request.param])
    return found


def test_it_asks_for_the_scopes_that_are_used_and_for_no_other(manifest: dict[str, Any]):
    asked_about_people = {"users:read", "users:read.email", "usergroups:read"}
    scopes = manifest["oauth_config"]["scopes"]
    assert set(scopes) == {"bot"}
    assert sorted(scopes["bot"]) == sorted({"commands", *SPOKEN_WITH, *asked_about_people})


def test_it_has_the_command_the_shortcuts_and_the_events_that_are_handled(manifest: dict[str, Any]):
    features, settings = manifest["features"], manifest["settings"]
    assert [each["command"] for each in features["slash_commands"]] == [app.COMMAND]
    assert {(each["type"], each["callback_id"]) for each in features["shortcuts"]} == {
        ("global", app.SHORTCUT),
        ("message", app.SHORTCUT),
    }
    assert settings["event_subscriptions"]["bot_events"] == ["app_home_opened"]
    assert settings["interactivity"]["is_enabled"]
    assert features["app_home"]["home_tab_enabled"]


def test_over_http_every_address_is_the_one_that_is_served():
    manifest = yaml.safe_load(OVER_HTTP)
    addresses = {
        manifest["features"]["slash_commands"][0]["url"],
        manifest["settings"]["interactivity"]["request_url"],
        manifest["settings"]["event_subscriptions"]["request_url"],
    }
    assert addresses == {f"https://postbot.agency.example{app.PATH}"}
    assert not manifest["settings"]["socket_mode_enabled"]
    assert "url" not in str(yaml.safe_load(TEXT))


def test_what_people_read_there_fits(manifest: dict[str, Any]):
    """docs.slack.dev, reference/app-manifest."""
    assert len(manifest["display_information"]["name"]) <= 35
    assert len(manifest["display_information"]["description"]) <= 140
    assert all(len(each["name"]) <= 24 for each in manifest["features"]["shortcuts"])
    assert all(len(each["description"]) <= 2000 for each in manifest["features"]["slash_commands"])
