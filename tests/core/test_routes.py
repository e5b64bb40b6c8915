"""Who hears what: each once, for a reason that can be read, and nobody whom only a posting's own text names."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbot.core.announce import FOLLOWED, Announcement, Audience, Event
from postbot.core.announce.routes import Route, events_of, field_of, heard, is_address, team
from tests.announcements import FACTS, NEWS, announced
from tests.payloads import PAYLOADS

PUBLIC, STAFF = events_of(Audience.PUBLIC), events_of(Audience.STAFF)
FIELDS = {
    "contact_email": "ana@agency.example",
    "Job Post Type": "Design, senior",
    "org": "Harbour Office",
    "state": "open",
}


def opened(event: Event = Event.OPENED, **fields: str) -> Announcement:
    """News of a posting that holds these fields besides some usual ones."""
    made = announced(event, NEWS)
    assert made.about
    return replace(made, about=replace(made.about, fields=FIELDS | fields))


def route(recipient: str = "openings", hears: frozenset[Event] = PUBLIC, channel: str = "email", **where: str) -> Route:
    return Route(channel, recipient, hears, {name: (pattern,) for name, pattern in where.items()}, "route 1")


def recipients(announcement: Announcement, *routes: Route) -> list[str]:
    return [each.recipient for each in heard(announcement, routes)]


@pytest.mark.parametrize("event", Event)
def test_who_hears_an_audiences_events_hears_those_and_no_others(event: Event):
    heard_by = [name for name, events in (("all", PUBLIC), ("hr", STAFF), ("team", FOLLOWED)) if event in events]
    assert len(heard_by) == (0 if event is Event.ANSWERED else 1)
    assert recipients(opened(event), route("all", PUBLIC), route("hr", STAFF), route("team", FOLLOWED)) == heard_by


@pytest.mark.parametrize("event", [Event.ANSWERED, Event.UNDONE, Event.OPENED])
def test_what_names_those_who_hear_it_is_for_them_and_nobody_else(event: Event):
    named = replace(opened(event), to=("slack:U0ADA1", "email:list@agency.example", "slack:U0ADA1"))
    found = heard(named, (route("all", frozenset(Event)),))
    assert [(each.channel, each.recipient) for each in found] == [("slack", "U0ADA1"), ("email", "list@agency.example")]
    assert all("whatever the routes say" in each.why for each in found)
    assert heard(replace(named, to=()), (route("all", frozenset(Event)),)) == ()
    assert recipients(opened(event), route(hears=frozenset({event}))) == ["openings"]
    assert recipients(opened(event), route(hears=frozenset(Event) - {event})) == []


@pytest.mark.parametrize(
    ("where", "hears"),
    [
        ({"org": "Harbour Office"}, True),
        ({"org": "harbour*"}, True),
        ({"ORG": "*OFFICE"}, True),
        ({"org": "Harbour"}, False),
        ({"org": ""}, False),
        ({"job_post_type": "design*"}, True),
        ({"job post-type": "*senior"}, True),
        ({"job_post_type": "engineering*"}, False),
        ({"path": "jobs/*"}, True),
        ({"Path": "jobs/harbour-*.md"}, True),
        ({"path": "other/*"}, False),
        ({"nowhere": "*"}, False),
        ({"org": "harbour*", "path": "jobs/*"}, True),
        ({"org": "harbour*", "path": "other/*"}, False),
    ],
)
def test_a_condition_is_about_any_field_in_any_case(where: dict[str, str], hears: bool):
    assert bool(recipients(opened(), route(**where))) is hears


def test_of_several_patterns_one_must_fit():
    one = Route("email", "x", PUBLIC, {"org": ("Lighthouse*", "Harbour*")})
    assert recipients(opened(), one) == ["x"]
    assert recipients(opened(org="Customs"), one) == []


def test_a_route_with_conditions_hears_only_of_postings():
    held = announced(*FACTS["held"])
    assert recipients(held, route("hr", STAFF)) == ["hr"]
    assert recipients(held, route("hr", STAFF, path="*")) == []
    assert recipients(held, route("{contact_email}", STAFF)) == []


def test_a_posting_names_its_own_contact():
    assert recipients(opened(), route("{contact_email}")) == ["ana@agency.example"]
    assert recipients(opened(), route("{ Contact-Email }")) == ["ana@agency.example"]
    assert recipients(opened(contact_email=" mailto:ben@agency.example "), route("{contact_email}")) == [
        "ben@agency.example"
    ]
    assert recipients(opened(), route("{hr_contact}")) == []


NO_ADDRESS = [
    "",
    " ",
    "ana",
    "@",
    "ana@",
    "@agency.example",
    "ana@agency",
    "ana@.example",
    "ana@-agency.example",
    "ana@agency.example, evil@evil.example",
    "ana@agency.example evil@evil.example",
    "ana@agency.example;evil@x.io",
    "Ana <ana@agency.example>",
    "<ana@agency.example>",
    '"ana"@agency.example',
    "ana@agency.example(x)",
    "ana@agency.example\nBcc: evil@evil.example",
    "\u202eana@agency.example",
    "ana@[127.0.0.1]",
    ".ana@agency.example",
    "ana.@agency.example",
    "a..na@agency.example",
    "ana@agency..example",
    "\xe4na@agency.example",
    "ana@agency.example\x00",
    "ana@\u0430gency.example",
    "ana@agency.example?bcc=x",
    "=?utf-8?q?ana=0D=0ABcc=3Aevil?=@agency.example",
    f"{'a' * 65}@agency.example",
    f"ana@{'a' * 64}.example",
    f"ana@{'.'.join(['agency'] * 40)}.example",
]
ADDRESSES = {"mail@evil.example", "mailto:mail@evil.example"}  # of which nobody can see that they are evil


@pytest.mark.parametrize("text", [*NO_ADDRESS, *(text for text in PAYLOADS if text not in ADDRESSES)])
def test_what_is_not_one_plain_address_names_nobody(text: str):
    assert recipients(opened(contact_email=text), route("{contact_email}")) == []


@pytest.mark.parametrize(
    "text", ["a@b.io", "ana.maria+jobs@mail.agency.example", "o'neil@agency.example", f"{'a' * 64}@agency.example"]
)
def test_what_is_one_plain_address_is_one(text: str):
    assert is_address(text)


@given(st.text(max_size=40), st.sampled_from(["@agency.example", ",@agency.example", "@", " <a@b.io>"]))
def test_whatever_is_an_address_is_one_for_everybody(local: str, rest: str):
    text = local + rest
    if is_address(text):
        assert text.isascii()
        assert text.isprintable()
        assert text.count("@") == 1
        assert not set(' ,;:<>()[]"\\') & set(text)


def test_who_is_named_by_several_routes_hears_once_and_is_told_why():
    by_name = Route("email", "Ana@agency.example", frozenset({Event.OPENED}), {"org": ("Harbour*",)}, "route 2")
    other = Route("slack", "ana@agency.example", PUBLIC, {}, "route 3")
    found = heard(opened(), [route("{contact_email}"), by_name, by_name, other])
    assert [(each.channel, each.recipient) for each in found] == [
        ("email", "ana@agency.example"),
        ("slack", "ana@agency.example"),
    ]
    assert found[0].why == (
        "route 1 (hears opened, contact_email names it); route 2 (hears opened, org is Harbour Office)"
    )


def test_names_that_are_no_addresses_are_the_channels_own_and_kept_apart():
    assert recipients(opened(), route("C024BE91L", channel="slack"), route("c024be91l", channel="slack")) == [
        "C024BE91L",
        "c024be91l",
    ]


@pytest.mark.parametrize("text", ["Harbour\nTo: evil", "Harbour\r\n\r\nx", "Harbour\u2028x", "Harbour \x1b[31m"])
def test_a_reason_is_one_line(text: str):
    [found] = heard(opened(org=text), [route(org="harbour*")])
    assert len(found.why.splitlines()) == 1
    assert found.why.isprintable()


def test_whom_only_the_posting_names_is_told_apart_from_whom_the_configuration_names():
    contact = opened(contact="ana@agency.example")
    assert [each.named_by_posting for each in heard(contact, [route("{contact}"), route("list")])] == [True, False]
    both = heard(contact, [route("{contact}"), route("ana@agency.example")])
    assert [each.named_by_posting for each in both] == [False]


def test_the_team_is_whoever_the_configuration_names_for_what_holds_postbot_up():
    held, failed = frozenset({Event.HELD}), frozenset({Event.FAILED})
    routes = [route("list"), route("hr", STAFF), route("list", failed), route("boss", held), route("{contact}", STAFF)]
    found = team(opened(contact="ana@agency.example"), [*routes, route("all", PUBLIC | STAFF)])
    assert [each.recipient for each in found] == ["hr", "boss", "all"]


def test_a_field_is_named_by_the_whole_recipient():
    assert field_of("{contact_email}") == "contact_email"
    assert field_of("to-{contact_email}") is None
    assert field_of("{}") is None
    assert field_of("{a}{b}") is None
