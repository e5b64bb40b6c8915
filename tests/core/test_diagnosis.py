"""Front matter that does not load is explained at the line a person must edit."""

import difflib
import random
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from postbot.core.text.diagnosis import explain

VERSIONS = Path(__file__).resolve().parents[2] / "../shared/corpus/versions"

POSTING = """\
# NOTE: keep the order of these fields
title: Harbour Pilot Trainer
permalink: /jobs/harbour-pilot-trainer/
state: upcoming
opens: 'Monday, March 4th'
closes: "Friday, March 8th"
location: 'Porto, or remote'

# INSTRUCTIONS OPEN: These fields are required for open
series: '2210'
supervisory_status: 'NO'
promotion_potential: '15'
key objectives:
  - Guide trainees through the harbour
    - Explain the charts, and the team's own notes
    over several lines of text
  - Keep the logbook
info sessions:
  - link: https://example.org/session?a=1&b=2
    date: 2024-02-13
    time: 1:30-2:30pm ET (10:30am PT)
  - link: https://example.org/again
    date: 2024-02-20
contact: pilot@example.org
"""

FAULTS = {
    "no space after the colon": ("title: Pilot\nstatus:'NO'\n", 2, 8, "yaml-missing-space"),
    "two lines without a space": ("a: 1\nlevel:'15'\nstatus:'NO'\nb: 2\n", 2, 7, "yaml-missing-space"),
    "no space in a list's first field": (
        "links:\n  - name:Pilot - Two\n    url: /x/\n",
        2,
        10,
        "yaml-missing-space",
    ),
    "no space in the first line": ("title:Pilot\nstate: open\n", 1, 7, "yaml-missing-space"),
    "no space in the only line": ("title:Pilot\n", 1, 7, "yaml-missing-space"),
    "no space after the dash": ("a:\n  - b: 1\n  -b: 2\n    c: 3\n", 3, 4, "yaml-missing-space"),
    "quote closed on the next line only": ("opens: 'TBD\ncloses: 'TBD'\n", 1, 8, "yaml-unclosed-quote"),
    "quote open to the end": ('a: 1\ntitle: "Pilot\nstate: open\n', 2, 8, "yaml-unclosed-quote"),
    "quotes that do not match": (
        "opens: 'Monday, March 4th\"\ncloses: 'Friday'\n",
        1,
        8,
        "yaml-unclosed-quote",
    ),
    "quote ended by an apostrophe far below": (
        "level: '15\nstate: open\n\n# don't delete\nteam: x\n",
        1,
        8,
        "yaml-unclosed-quote",
    ),
    "quote open in a list": ("a:\n  - 'one\n  - 'two'\n", 2, 5, "yaml-unclosed-quote"),
    "two faults, the first is told": (
        "a: 'x\nfallen text\nb: 'y'\nc: 'z'\n",
        1,
        4,
        "yaml-unclosed-quote",
    ),
    "hint left behind": ("series: '2210' ENTER SERIES IF DIFFERENT\n", 1, 16, "yaml-text-after-quote"),
    "hint, then a missing space": (
        "level: '15' (13, 14, 15, etc.)\nstatus:'NO'\n\n",
        1,
        13,
        "yaml-text-after-quote",
    ),
    "hint with a colon": ("a: '1' note: see below\nb: 2\n", 1, 8, "yaml-text-after-quote"),
    "apostrophe in single quotes": ("a: 'the team's page'\n", 1, 13, "yaml-text-after-quote"),
    "quotes in double quotes": ('a: "say "hi" now"\n', 1, 9, "yaml-text-after-quote"),
    "text after a wrapped quote": ("a: 'x\n  y'\nb: 'z' more\n", 3, 8, "yaml-text-after-quote"),
    "quoted item with bullets below": (
        'a:\n  - "Lead: all"\n    - one\n    - two\n  - b\n',
        2,
        5,
        "yaml-text-after-quote",
    ),
    "tab as indentation": ("a:\n  b: 1\n\tc: 2\n", 3, 1, "yaml-tab"),
    "tab after the colon": ("a: 1\nb:\tc\n", 2, 3, "yaml-tab"),
    "bold list item": ("a:\n  - one\n  - **Bold** text\n", 3, 5, "yaml-alias"),
    "bold phrase": ("a:\n- **Objective 1: lead**\n", 2, 3, "yaml-alias"),
    "alias": ("a: 1\nb: *a\n", 2, 4, "yaml-alias"),
    "anchor": ("a: &x 1\n", 1, 4, "yaml-alias"),
    "key twice": ("state: open\na: 1\nstate: closed\n", 3, 1, "yaml-duplicate-key"),
    "key twice, deep inside": ("a:\n  - b: 1\n    c: 2\n    b: 3\n", 4, 5, "yaml-duplicate-key"),
    "colon in a title": ("title: Lead: Platform\nb: 1\n", 1, 12, "yaml-colon-in-text"),
    "colon in a wrapped item": (
        "a:\n  - one\n    - wages & leave: Develop them\n    - two\n",
        3,
        20,
        "yaml-colon-in-text",
    ),
    "colon at a line's end": ("a:\n  - one\n    - use it to: \n    - two\n", 3, 16, "yaml-colon-in-text"),
    "field too deep": ("title: Pilot\n permalink: /x/\nstate: open\n", 2, 2, "yaml-indent"),
    "many fields too deep": ("title: Pilot\n permalink: /x/\n state: open\n", 2, 2, "yaml-indent"),
    "first field too deep": (" a: 1\nb: 2\nc: 3\n", 1, 2, "yaml-indent"),
    "field of an item too deep": ("a:\n  - b: 1\n     c: 2\n    d: 3\n", 3, 6, "yaml-indent"),
    "first field of an item too deep": (
        "a:\n   - b: 1\n    c: 2\n    d: 3\n  - b: 1\n",
        2,
        4,
        "yaml-indent",
    ),
    "item too shallow": ("a:\n  - one\n  - two\n - three\nb: 1\n", 4, 2, "yaml-indent"),
    "item at the edge": ("a:\n  - one\n    - two\n- three\nb: 1\n", 4, 1, "yaml-indent"),
    "lone dash": ("a:\n  - one\n- \n\nb: 1\n", 3, 1, "yaml-not-a-field"),
    "value at the edge": ("key objectives:\nTBD\n\n# more\nb: 1\n", 2, 1, "yaml-not-a-field"),
    "wrapped text at the edge": ("a: some text\nthat wraps\nb: 1\n", 2, 1, "yaml-not-a-field"),
    "text below a quoted value": ("a: 'x'\n  more\nb: 1\n", 2, 3, "yaml-not-a-field"),
    "text above the first field": ("some text\na: 1\n", 1, 1, "yaml-not-a-field"),
    "comma": ("opens: May 1\ncloses: , 2019\n", 2, 9, "yaml-comma-start"),
    "at sign": ("a: @lead\n", 1, 4, "yaml-special-start"),
    "backtick": ("a: `code`\nb: 1\n", 1, 4, "yaml-special-start"),
    "percent": ("a: %d\nb: 1\n", 1, 4, "yaml-special-start"),
    "greater than": ("a: >quoted text\nb: 1\n", 1, 4, "yaml-special-start"),
    "dash as a value": ("a: - one\nb: 1\n", 1, 4, "yaml-special-start"),
    "NUL": ("a: x\nb: y\0z\n", 2, 5, "yaml-control-character"),
    "lone surrogate": ("a: \ud800\n", 1, 4, "yaml-control-character"),
    "next line sign": ("# x\x85y\na: 1\n", 1, 4, "yaml-control-character"),
    "line separator that hides no other fault": (
        "a: 'x\u2028y'\nb:c\nd: 1\n",
        2,
        3,
        "yaml-missing-space",
    ),
    "no-break space after the only colon": ("a:\xa01\n", 1, 3, "yaml-nbsp"),
    "no-break space after a colon": ("a: 1\nb:\xa02\nc: 3\n", 2, 3, "yaml-nbsp"),
    "no-break space as indentation": ("a:\n  - b: 1\n  \xa0 c: 2\nd: 1\n", 3, 3, "yaml-nbsp"),
    "list open": ("a: [b, c\nd: 1\n", 1, 4, "yaml-flow"),
    "text after a bracket": ("title: [Draft] Pilot\nb: 1\n", 1, 8, "yaml-flow"),
    "Liquid tag": ("a: {% include x %}\n", 1, 4, "yaml-flow"),
    "directive": ("%YAML 1.1\n---\na: no\n", 1, 1, "yaml-directive"),
    "document end": ("a: 1\n...\nb: 2\n", 2, 1, "yaml-document"),
    "one text": ("hello\n", 1, 1, "yaml-not-a-mapping"),
    "one list": ("- a\n- b\n", 1, 1, "yaml-not-a-mapping"),
    "list as a key": ("a: 1\n? [b]\n: c\n", 2, 3, "yaml-complex-key"),
    "Liquid value": ("a: {{ page.title }}\n", 1, 5, "yaml-complex-key"),
    "tag": ("a: !!python/object:os.x y\n", 1, 4, "yaml-tag"),
    "backslash": ('a: "C:\\Users"\n', 1, 7, "yaml-escape"),
    "number sign": ("a:\n  - Goal #1: do it\n    - how\n", 2, 10, "yaml-hash-in-text"),
    "nested too deep": ("a: " + "[" * 3000, 1, 104, "yaml-invalid"),
    "Windows newlines": ("a: 1\r\nb:2\r\nc: 3\r\n", 2, 3, "yaml-missing-space"),
    "old Mac newlines": ("a: 1\rb:2\rc: 3\r", 2, 3, "yaml-missing-space"),
}

LOADS = {
    "nothing": "",
    "comments only": "# a\n\n## b: c\n",
    "a whole posting": POSTING,
    "wrapped plain text": "a: one\n  two, three's\n  four - five\nb: 1\n",
    "wrapped quoted text": "a: 'one: two\n  three'\nb: \"x\n\n  y: z\"\n",
    "apostrophes": "a: the team's and the teams' pages\nb: 'it''s'\n",
    "colons without a space": "a: https://example.org:80/x?y=1:2\nb: 10:30am\n",
    "emoji": "#🔻🔻\na: 🔻 x\n",
    "Liquid in text": "a: see {% link x.md %} and {{ y }}\n",
    "block scalars": "a: |\n  - b: c: 'd\n  * e\nf: >-\n  g:h\n\n  'i\n",
    "keys with spaces": "key objectives:\n  - a\nmax applications : 3\n",
    "comments after values": "a: 'x' # it's 'y'\nb: z # : - [\n",
    "inner lists and maps": "a: [b, 'c']\nd: {e: 1}\n",
    "byte order mark": "\ufeffa: 1\n",
    "no-break space in text": "a: b\xa0c\n",
    "tab in quotes": "a: 'b\tc'\n",
    "same key in two items": "a:\n  - b: 1\n  - b: 2\nc: {b: 3}\n",
    "repeated item": "a:\n  - b\n  - b\n",
}


@pytest.mark.parametrize(("front", "line", "column", "code"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_where_a_person_must_edit(front, line, column, code):
    fault = explain(front)
    assert fault
    assert (fault.line, fault.column, fault.code) == (line, column, code)
    assert "\n" not in fault.message


@pytest.mark.parametrize("front", LOADS.values(), ids=LOADS)
def test_what_loads_has_no_fault(front):
    assert explain(front) is None


def test_a_duplicate_names_both_places():
    fault = explain("state: open\na: 1\nstate: closed\n")
    assert fault
    assert fault.message == "'state' is set twice, on line 1 and again on line 3."


def test_a_mismatched_pair_says_which_quote_to_write():
    fault = explain("opens: 'Monday\"\ncloses: 'Friday'\n")
    assert fault
    assert fault.message == "The text opens with ' but ends with \"."
    assert fault.fix == "End it with ', too."


def test_what_no_rule_knows_is_told_in_the_parsers_words_at_its_place():
    fault = explain('a: 1\nb: "\\xZZ\n')
    assert fault
    assert fault.line == 2


# Against the parsers themselves.

FRAGMENTS = st.sampled_from(
    [
        *"ab'\"#-[]{},\n\n ",
        ": ",
        "- ",
        "  ",
        "\n  ",
        "a: ",
        "\nb: ",
        "\n- ",
        "*x",
        "&x ",
        "!t ",
        "\t",
        "\xa0",
        "|\n",
        "\x85",
    ]
)
REFUSED_TOKENS = {"AliasToken", "AnchorToken", "TagToken", "DirectiveToken"}


def loads(front):
    try:
        nodes = [
            yaml.compose(front, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)),
            YAML(typ="rt", pure=True).compose(front),
        ]
    except Exception:  # noqa: BLE001 - whatever a parser raises, it does not load
        return False
    if REFUSED_TOKENS & {type(token).__name__ for token in yaml.scan(front)}:
        return False
    return is_nothing(nodes[0]) or (isinstance(nodes[0], yaml.MappingNode) and has_plain_keys(nodes[0]))


def is_nothing(node):
    return node is None or (isinstance(node, yaml.ScalarNode) and not node.value and not node.style)


def has_plain_keys(node):
    if isinstance(node, yaml.SequenceNode):
        return all(map(has_plain_keys, node.value))
    if not isinstance(node, yaml.MappingNode):
        return True
    keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    return len(keys) == len(set(keys)) == len(node.value) and all(has_plain_keys(v) for _, v in node.value)


@given(st.lists(FRAGMENTS, max_size=25).map("".join))
def test_a_fault_is_told_exactly_when_the_text_does_not_load(front):
    # Such a line is one of its own to the parsers, and none to anybody who frames a file.
    assume(not re.search(r"[\x85\u2028\u2029](---|\.\.\.)", front))
    assert (explain(front) is None) == loads(front)


@given(st.text(max_size=80) | st.text("ab:-'\"#[]{}|>*&!%@`,?\\ \t\n\r\x85\u2028\ufeff", max_size=60))
def test_no_text_raises_and_every_place_is_in_the_text(front):
    fault = explain(front)
    if fault:
        lines = re.split("\r\n|\r|\n", front)
        assert 1 <= fault.line <= len(lines)
        assert 1 <= fault.column <= len(lines[fault.line - 1]) + 1


# Faults put into a good posting at a random place.

FIELD = r"^( *(?:- )?[A-Za-z_][\w ]*: )(?=\S)"
QUOTED = r"^[a-z_]+: (['\"]).*\1$"


def replace_in(line, pattern, new):
    return re.sub(pattern, new, line, count=1)


# What each does to a line (or puts above it), the lines it may befall, and the code that must name it.
MUTATIONS = {
    "a closing quote goes": (lambda line: [line[:-1]], QUOTED, "yaml-unclosed-quote"),
    "a closing quote changes": (
        lambda line: [line[:-1] + ("'" if line[-1] == '"' else '"')],
        QUOTED,
        "yaml-unclosed-quote",
    ),
    "a hint stays": (lambda line: [f"{line} (13, 14, etc.)"], QUOTED, "yaml-text-after-quote"),
    "an apostrophe comes": (
        lambda line: [replace_in(line, "'", "'the team's ")],
        r"^[a-z_]+: '.*'$",
        "yaml-text-after-quote",
    ),
    "a space goes": (lambda line: [replace_in(line, ": ", ":")], FIELD, "yaml-missing-space"),
    "a no-break space comes": (lambda line: [replace_in(line, ": ", ":\xa0")], FIELD, "yaml-nbsp"),
    "a tab comes": (lambda line: [f"\t{line.lstrip()}"], r"^ +(?:- )?[a-z]+: ", "yaml-tab"),
    "bold text comes": (lambda line: ["  - **Bold** text", line], r"^  - ", "yaml-alias"),
    "a colon comes": (
        lambda line: [replace_in(line, r"(: \w+) ", r"\1: ")],
        r"^\w+: \w+ \w",
        "yaml-colon-in-text",
    ),
    "a field moves right": (lambda line: [f" {line}"], r"^[a-z][a-z_ ]*: |^    [a-z]+: ", "yaml-indent"),
    "a field moves left": (lambda line: [line[1:]], r"^    [a-z]+: ", "yaml-indent"),
    "text falls out": (lambda line: ["text that fell out", line], r"^[a-z][a-z_ ]*:", "yaml-not-a-field"),
    "a sign comes first": (
        lambda line: [replace_in(line, ": ", ": @")],
        r"^[a-z]+: \w",
        "yaml-special-start",
    ),
}


@pytest.mark.parametrize(("mutate", "where", "code"), MUTATIONS.values(), ids=MUTATIONS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["unix", "windows"])
def test_a_fault_put_in_at_random_is_found_at_its_line(mutate, where, code, newline):
    rng = random.Random(code)  # noqa: S311 - seeded on purpose
    lines = POSTING.split("\n")
    places = [row for row, line in enumerate(lines) if re.search(where, line)]
    for row in rng.sample(places, min(5, len(places))):
        fault = explain(newline.join([*lines[:row], *mutate(lines[row]), *lines[row + 1 :]]))
        if fault is None:
            # Only a run of text that swallows the line may hide it.
            assert code == "yaml-missing-space", lines[row]
            continue
        assert (fault.line, fault.code) == (row + 1, code), lines[row]


def test_a_second_copy_of_any_field_is_found_at_the_copy():
    lines = POSTING.split("\n")
    for row, line in enumerate(lines):
        if re.match(r"[a-z]\w*: ", line):
            fault = explain("\n".join([*lines, line]))
            assert fault
            assert (fault.line, fault.code) == (len(lines) + 1, "yaml-duplicate-key"), line
            assert f"line {row + 1}" in fault.message


# Real postings.


def front_of(path):
    text = path.read_bytes().decode()
    found = re.match(r"\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", text, re.DOTALL | re.MULTILINE)
    return found[1] if found else None


def posting_histories():
    if not VERSIONS.is_dir():
        pytest.skip("The real postings (shared/corpus beside the repository) are not here.")
    for folder in sorted(VERSIONS.iterdir()):
        yield [front for path in sorted(folder.glob("*.md")) if (front := front_of(path)) is not None]


def broken_with_the_next_good(fronts):
    following = None
    for front in reversed(fronts):
        if loads(front):
            following = front
        else:
            yield front, following


@pytest.fixture(scope="module")
def broken():
    """Each version that does not load, with the first later version of the same posting that does."""
    found = [pair for fronts in posting_histories() for pair in broken_with_the_next_good(fronts)]
    assert found
    return found


def lines_changed(before, after):
    matcher = difflib.SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False)
    changes = (op for op in matcher.get_opcodes() if op[0] != "equal")
    return {row + 1 for _, start, end, _, _ in changes for row in range(start, max(end, start + 1))}


def test_every_real_version_that_does_not_load_is_explained(broken):
    for front, _ in broken:
        fault = explain(front)
        assert fault
        assert fault.code != "yaml-invalid", fault
        assert fault.fix


def test_the_line_told_is_a_line_that_people_then_changed(broken):
    known = [(front, following) for front, following in broken if following]
    assert known
    for front, following in known:
        fault = explain(front)
        assert fault
        assert fault.line in lines_changed(front, following), fault


def test_without_the_line_told_a_real_version_reads_further(broken):
    for front, _ in broken:
        fault, lines = explain(front), front.splitlines()
        assert fault
        later = explain("\n".join([*lines[: fault.line - 1], "", *lines[fault.line :]]))
        assert later is None or later.line > fault.line, fault


def test_real_versions_that_load_have_no_fault():
    for fronts in posting_histories():
        good = next(filter(loads, fronts), "")
        assert explain(good) is None
