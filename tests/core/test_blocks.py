"""Slack's blocks: nothing of a value does anything, nothing is too long, and only known hosts are led to."""

import json
from collections import Counter
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbot.core.announce import Event, one_line
from postbot.core.announce.blocks import BlocksError, finished, marked, of_text, shortened, without_format
from postbot.core.announce.words import BLOCKS, Words
from tests.payloads import PAYLOADS, PIECES
from tests.twins.slack.blocks import flaws
from tests.twins.slack.mrkdwn import of_blocks, parts, shown, tokens

HOSTS = ("jobs.example.gov", "github.com")

SLACKS = ["<!channel>", "<!here>", "<!everyone|x>", "<@U0ANN>", "<@U0ANN|ann>", "<#C0JOBS>", "<!subteam^S0|@hr>"]
SLACKS += [
    "<http://evil.example|agency.gov>",
    "<https://evil.example>",
    "<mailto:a@evil.example|x>",
    "<!date^0^{date}|x>",
]
SLACKS += [
    "*bold*",
    "_em_",
    "~gone~",
    "`code`",
    "```code```",
    "*",
    "_",
    "a_b_c",
    "*\u200bx\u200b*",
    "> quote",
    "\uff1equote",
]
SLACKS += [
    ">>> all of it",
    "&gt; quote",
    "&lt;!channel&gt;",
    "&amp;lt;!channel&amp;gt;",
    "x\n> y",
    "x\n*y*",
    ":tada:",
    "::",
]
SLACKS += [
    ":tada::x:",
    "a:+1:b",
    "@channel",
    "@here",
    "@everyone",
    "#general",
    "https://evil.example",
    "www.evil.example",
]
SLACKS += [
    "jobs.example.gov|x",
    "|",
    ">",
    "<",
    "><",
    "x> <!channel",
    "|<!channel>",
    "x|y>",
    "https://jobs.example.gov/|<!here>",
]
SLACKS += [
    "\ue000<!channel>\ue001",
    "\ue002",
    "\ue001<!channel>\ue000",
    '"}, {"type": "divider"}, {"',
    "\\u003c!channel\\u003e",
]
SLACKS += ["\\", '"', "{{ x }}", "https://[bad", "https://jobs.example.gov\\@evil.example/", "• x", "- x", "1. x"]
VALUES = [*PAYLOADS, *SLACKS]

SLOTS = """[
  {"type": "header", "text": {"type": "plain_text", "text": "{{ value }}"}},
  {"type": "section", "text": {"type": "plain_text", "text": "It says:\\n{{ value }}"}},
  {"type": "section", "text": {"type": "mrkdwn", "text": "*Posting* <https://jobs.example.gov/a_b|here>\\n{{ value }}"}},
  {"type": "section", "text": {"type": "mrkdwn", "text": "*It says* <{{ page }}|{{ value }}>"}},
  {"type": "section", "text": {"type": "mrkdwn", "text": "Read <{{ value }}|it> or *<{{ value }}>* and {{ value }}{{ value }}"}},
  {"type": "section", "fields": [
    {"type": "mrkdwn", "text": "*Place*\\n{{ value }}"},
    {"type": "mrkdwn", "text": "{{ value }}"},
    {"type": "plain_text", "text": "{{ value }}"}
  ]},
  {"type": "context", "elements": [
    {"type": "mrkdwn", "text": "{{ value }}"},
    {"type": "plain_text", "text": "{{ value }}"}
  ]},
  {"type": "actions", "elements": [
    {"type": "button", "text": {"type": "plain_text", "text": "{{ value }}"}, "url": "{{ page }}"},
    {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "url": "{{ value }}"},
    {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "url": "https://evil.example/{{ value }}"}
  ]}
]"""
PAGE = "https://jobs.example.gov/it_specialist?a=1&b=2"


def blocks(template: str, note: str = "", **facts: object) -> list[dict]:
    return json.loads(finished(words(template).render(Event.OPENED, BLOCKS, facts), HOSTS, note))


@cache
def words(template: str) -> Words:
    return Words({f"{Event.OPENED}/{BLOCKS}": template})


def text_of(template: str, kind: str = "mrkdwn", **facts: object) -> str:
    """One text with facts in it, made."""
    (made,) = blocks(f'[{{"type": "section", "text": {{"type": "{kind}", "text": "{template}"}}}}]', **facts)
    return made["text"]["text"]


PLAIN = Counter(of_blocks(blocks(SLOTS, value="words", page=PAGE)))


def test_the_template_itself_does_what_it_says():
    link, other = "<https://jobs.example.gov/a_b>", "<https://jobs.example.gov/it_specialist?a=1&amp;b=2>"
    assert {"*": 8, link: 1, other: 1, f"button {PAGE}": 1} == PLAIN


# Values


@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value)[:60])
def test_a_value_does_nothing_wherever_it_stands(value: str):
    assert_harmless(value)


@given(st.lists(st.sampled_from(PIECES + SLACKS), max_size=12).map("".join) | st.text(max_size=200))
def test_no_text_does_anything(value: str):
    assert_harmless(value)


def assert_harmless(value: str) -> None:
    made = blocks(SLOTS, note=value, value=value, page=PAGE)
    assert flaws(made) == []
    assert Counter(of_blocks(made)) - PLAIN == Counter()


SHORT = [value for value in VALUES if len(value) < 500 and not {"\ue000", "\ue001"} & set(value)]


@pytest.mark.parametrize("value", SHORT, ids=lambda value: ascii(value)[:60])
def test_a_plain_text_shows_a_value_as_it_is(value: str):
    assert shown(text_of("It says: {{ value }}.", "plain_text", value=value)) == f"It says: {one_line(value)}."


@pytest.mark.parametrize(
    "value", ["IT Specialist (GS-13)", "10:30 a.m. EST", "R&D, 50 % <here>", "Bäcker, Müller/in", "5' 3\""]
)
def test_mrkdwn_shows_ordinary_words_as_they_are(value: str):
    assert shown(text_of("*Title*: {{ value }}", value=value)) == f"*Title*: {value}"


@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value)[:60])
def test_a_text_without_format_means_nothing_at_all(value: str):
    assert tokens(without_format(value), auto=False) == []
    assert "\n" not in without_format(value)


def test_a_value_that_is_a_list_is_harmless_too():
    assert text_of("{{ lines|join(', ') }} {{ lines }}", lines=("<!here>", "*x*")).count("<") == 0


def test_no_letter_of_a_template_passes_for_a_value():
    assert text_of("\ue002\ue000\ue001{{ x }}\ue002", x="*y*") == "\u2217y\u2217"


@pytest.mark.parametrize("value", ['"', "\\", '", "type": "mrkdwn', "\x00", "\u2028", "'"])
def test_a_value_stays_in_its_string(value: str):
    assert json.loads(f'["{marked(value)}"]')


# Links and buttons

KNOWN = ["https://jobs.example.gov", "https://jobs.example.gov/a_b*c~d", "https://JOBS.example.gov/", PAGE]
KNOWN += ["https://github.com/agency/site/pull/7", "https://jobs.example.gov:8443/x", "https://jobs.example.gov/#x"]
UNKNOWN = ["", "/jobs/baker", "http://jobs.example.gov/", "https://evil.example/", "javascript:alert(1)", "https:evil"]
UNKNOWN += [
    "https://jobs.example.gov@evil.example/",
    "https://a:b@jobs.example.gov/",
    "https://jobs.example.gov.evil.example",
]
UNKNOWN += ["https://jobs.example.gov\\@evil.example", "https://evil.example\\@jobs.example.gov", "//jobs.example.gov/"]
UNKNOWN += [
    "https://jobs.example.gov/a b",
    "https://jobs.example.gov/a\nb",
    "https://jobs.example.gov/\u202e",
    "https://[bad",
]
UNKNOWN += [
    "https://jobs.example.gov/|x",
    "https://jobs.example.gov/>",
    "https://jobs.example.gov/<",
    "https://jobs.ex\u00e4mple.gov",
]
UNKNOWN += [
    f"https://jobs.example.gov/{'x' * 3000}",
    "https://evil.example/https://jobs.example.gov",
    "mailto:a@jobs.example.gov",
]


@pytest.mark.parametrize("url", KNOWN)
def test_a_button_and_a_link_lead_to_a_known_host(url: str):
    assert of_blocks(blocks(BUTTON, url=url)) == [f"button {url}"]
    assert shown(text_of("<{{ url }}|Read it>", url=url)) == f"<{url}|Read it>"
    assert shown(text_of("<{{ url }}>", url=url)) == f"<{url}>"


@pytest.mark.parametrize("url", UNKNOWN, ids=lambda url: ascii(url)[:60])
def test_any_other_button_is_left_out_and_any_other_link_is_its_words(url: str):
    assert blocks(BUTTON, url=url) == []
    assert text_of("<{{ url }}|Read it>", url=url) == "Read it"


BUTTON = """[{"type": "actions", "elements": [
  {"type": "button", "text": {"type": "plain_text", "text": "Read"}, "url": "{{ url }}"}
]}]"""


def test_a_button_without_words_is_left_out():
    assert blocks(BUTTON.replace("Read", "{{ word }}"), url=PAGE, word="") == []


@pytest.mark.parametrize(
    "template", ["<https://x.example/{{ x }}>", "<mailto:{{ x }}|write>", "<@{{ x }}>", "<!{{ x }}>", "<{{ x }}y>"]
)
def test_a_value_within_an_address_is_a_mistake_of_the_template(template: str):
    with pytest.raises(BlocksError, match="must be all of it"):
        text_of(template, x="U0ANN")


def test_a_link_of_the_template_s_own_stays():
    assert text_of("<https://www.opm.gov/a_b|{{ x }}> & *<mailto:hr@example.org|us>*", x="a*b") == (
        "<https://www.opm.gov/a_b|a\u2217b> & *<mailto:hr@example.org|us>*"
    )


# Lengths


def test_everything_is_as_long_as_slack_takes_and_says_where_it_was_cut():
    for unit in ("x", "&", "<", "é\U0001f600", "*", "x "):
        made = blocks(SLOTS, note=unit * 9000, value=unit * 9000, page=PAGE)
        assert flaws(made) == []
        header = made[1]["text"]["text"]
        assert header.endswith("…")
        assert 140 < len(header) <= 150
        assert Counter(of_blocks(made)) - PLAIN == Counter()


@given(st.text(alphabet="&<>x;lt", max_size=60), st.integers(min_value=2, max_value=70))
def test_a_cut_tears_no_entity(text: str, most: int):
    whole = without_format(text)
    cut = shortened(whole, most)
    assert len(cut) <= most
    assert cut == whole or (cut.endswith("…") and whole.startswith(cut[:-1]))
    assert shown(whole).startswith(shown(cut).removesuffix("…"))


def test_a_cut_tears_no_link():
    text = f"{'x' * 2980} <https://www.opm.gov/a/long/address|words>"
    assert text_of(text) == "x" * 2980 + " …"


def test_there_are_never_too_many():
    texts = ", ".join(['{"type": "mrkdwn", "text": "x"}'] * 60)
    many = ", ".join(['{"type": "divider"}'] * 60)
    section, context = blocks(
        f'[{{"type": "section", "fields": [{texts}]}}, {{"type": "context", "elements": [{texts}]}}]'
    )
    assert (len(section["fields"]), len(context["elements"])) == (10, 10)
    assert len(blocks(f"[{many}]", note="first")) == 50
    buttons = ", ".join([json.dumps(json.loads(BUTTON)[0]["elements"][0])] * 60)
    (actions,) = blocks(f'[{{"type": "actions", "elements": [{buttons}]}}]', url=PAGE)
    assert len(actions["elements"]) == 25


def test_what_is_empty_is_left_out():
    template = """[
      {"type": "header", "text": {"type": "plain_text", "text": "{{ x }} "}},
      {"type": "section", "text": {"type": "mrkdwn", "text": "{{ x }}"}, "fields": [{"type": "mrkdwn", "text": ""}]},
      {"type": "context", "elements": [{"type": "plain_text", "text": "\\n"}]},
      {"type": "actions", "elements": []},
      {"type": "divider"}
    ]"""
    assert blocks(template, x="") == [{"type": "divider"}]


def test_a_note_comes_first_and_is_plain():
    first, _ = blocks('[{"type": "divider"}]', note="Only <the team> hears *this*.")
    assert first["type"] == "context"
    assert [shown(part["text"]) for part in parts(first)] == ["Only <the team> hears *this*."]
    assert of_blocks([first]) == []


@pytest.mark.parametrize("text", ["", "x", "<!channel> *x*\n\n> y\n" * 900, "&" * 2000, "\n" * 50])
def test_a_text_becomes_plain_blocks(text: str):
    made = json.loads(of_text(text))
    assert flaws(made) == []
    assert of_blocks(made) == []
    assert "".join("".join(shown(part["text"]) for part in parts(made)).split()) == "".join(text.split())


# Mistakes of a template

TEXT = '{"type": "plain_text", "text": "x"}'
MISTAKES = {
    "{": "it is not JSON",
    '[{"type": "divider"},]': "it is not JSON",
    '{"type": "divider"}': "it is not a list of blocks",
    '["divider"]': "it is not a list of blocks",
    "null": "it is not a list of blocks",
    '[{"type": "image", "image_url": "https://x.example"}]': "there is no block 'image' here; there are header, section",
    '[{"type": "rich_text", "elements": []}]': "there is no block 'rich_text'",
    "[{}]": "there is no block 'None'",
    '[{"type": "{{ x }}"}]': "there is no block 'words'",
    '[{"type": "header"}]': "a text is an object",
    '[{"type": "header", "text": "x"}]': "a text is an object",
    '[{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]': "this text must be plain_text",
    '[{"type": "header", "text": {"type": "{{ x }}", "text": "x"}}]': "a text is an object",
    f'[{{"type": "header", "text": {TEXT}, "level": 2}}]': "a header block has no 'level' here; it has text",
    '[{"type": "section", "accessory": {}}]': "a section block has no 'accessory' here; it has text, fields",
    '[{"type": "section", "fields": 5}]': "the fields of a section are a list of texts",
    '[{"type": "section", "fields": null}]': "the fields of a section are a list of texts",
    '[{"type": "section", "fields": ["x"]}]': "the fields of a section are a list of texts",
    '[{"type": "section", "text": null}]': "a text is an object",
    '[{"type": "section", "text": {"type": "mrkdwn", "text": "x", "verbatim": false}}]': "a text has no 'verbatim' here",
    '[{"type": "context"}]': "the elements of a context are a list of texts",
    '[{"type": "context", "elements": [{"type": "image"}]}]': "a text is an object",
    '[{"type": "actions", "elements": {}}]': "the elements of an actions block are a list of buttons",
    '[{"type": "actions", "elements": [{"type": "datepicker"}]}]': "an actions block holds buttons only",
    f'[{{"type": "actions", "elements": [{{"type": "button", "text": {TEXT}, "value": "x"}}]}}]': "a button has no 'value'",
    '[{"type": "divider", "text": {}}]': "a divider block has no 'text' here; it has nothing",
    '[{"type": "divider", "{{ x }}": {}}]': "a divider block has no 'words'",
}


@pytest.mark.parametrize("template", MISTAKES)
def test_a_template_that_cannot_be_used_says_why(template: str):
    with pytest.raises(BlocksError) as raised:
        blocks(template, x="words")
    assert MISTAKES[template] in str(raised.value)
    assert str(raised.value).isprintable()


# Buttons that ask for something --------------------------------------------------------------------------------------

ACT = """[{{"type": "actions", "elements": [
  {{"type": "button", "text": {{"type": "plain_text", "text": "Go"}}, {0}}},
  {{"type": "button", "text": {{"type": "plain_text", "text": "Read"}}, "url": "{{{{ page }}}}"}}
]}}]"""


def act(words: str, **facts: object) -> list[dict]:
    """The buttons of a message with one that asks for something."""
    [actions] = blocks(ACT.format(words), page=PAGE, **facts)
    return actions["elements"]


@pytest.mark.parametrize("value", [value[:1900] for value in VALUES])
def test_whatever_a_value_holds_the_button_asks_for_the_same_and_brings_it_back_as_one_line(value: str):
    words = '"action_id": "do:approve", "value": "{{ value }}x", "style": "primary"'
    made, _ = act(words, value=value)
    assert made["action_id"] == "do:approve"
    assert made["value"] == f"{one_line(value.translate({ord(mark): None for mark in MARKS}))}x"
    assert flaws(blocks(ACT.format(words), page=PAGE, value=value)) == []


MARKS = "\ue000\ue001"


@pytest.mark.parametrize("value", ["", " ", "y" * 2001])
def test_a_button_without_a_value_that_can_come_back_is_left_out(value: str):
    [left] = act('"action_id": "do:open", "value": "{{ value }}"', value=value)
    assert left["url"] == PAGE


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ('"action_id": "do:merge", "value": "1"', "there is no action 'do:merge'; there are do:approve"),
        ('"action_id": "{{ value }}", "value": "1"', "there is no action 'do:approve'"),
        ('"action_id": "do:approve", "value": "1", "url": "https://jobs.example.gov"', "has no 'url' here"),
        ('"action_id": "do:approve", "value": "1", "style": "red"', "there is no style 'red'"),
        ('"action_id": "do:approve", "value": "1", "confirm": {}', "has no 'confirm' here"),
        ('"url": "https://jobs.example.gov", "value": "1"', "has no 'value' here"),
    ],
)
def test_a_button_asks_for_nothing_that_postbot_does_not_know(words: str, wrong: str):
    with pytest.raises(BlocksError, match=wrong):
        act(words, value="do:approve")
