"""Exactly the named lines change, or nothing does."""

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from postbot.core.problem import Problem
from postbot.core.text.document import Document, Span, read
from postbot.core.text.editing import (
    Append,
    CommentOut,
    Edit,
    Edited,
    Set,
    ValueChange,
    _compose_12,
    _Splice,
    _unlocated,
    _unproven,
    edit,
    is_misspelling,
)
from postbot.core.text.scalar import Quoting
from tests.examples import DATES, HUGO, SHARED, SLUG, STATE, document


def edited(front: str, *edits: Edit) -> str:
    found = edit(document(front, "body\n"), edits)
    assert isinstance(found, Edited), found
    text = found.document.text
    assert text.startswith("---\n")
    assert text.endswith("---\nbody\n")
    return text[len("---\n") : -len("---\nbody\n")]


def refused(front: str, *edits: Edit) -> Problem:
    found = edit(document(front), edits)
    assert isinstance(found, Problem), found
    return found


# Must change exactly so --------------------------------------------------------------------------------------------

CLOSED, APPENDED = Set("state", "closed"), Append("l", "/x/")
EXACTLY = {
    "set plain": ("state: open\n", CLOSED, "state: closed\n"),
    "set in its own quotes": ("state: 'open'  # c\n", CLOSED, "state: 'closed'  # c\n"),
    "set in double quotes": ('state: "open"\n', Set("state", 'a "b"'), 'state: "a \\"b\\""\n'),
    "set before a comment without a blank": ("state: 'open'# c\n", CLOSED, "state: 'closed'# c\n"),
    "set what needs quotes": ("state: open\n", Set("state", "a: b"), "state: 'a: b'\n"),
    "set in a style of its own": ("state: 'open'\n", Set("state", "x", quoting=Quoting.PLAIN), "state: x\n"),
    "set behind a strange colon": ("state :   open\n", CLOSED, "state :   closed\n"),
    "set under a quoted key": ('"state": open\n', CLOSED, '"state": closed\n'),
    "set with CR LF": ("state: open\r\nb: 1\r\n", CLOSED, "state: closed\r\nb: 1\r\n"),
    "set with CR": ("state: open\rb: 1\r", CLOSED, "state: closed\rb: 1\r"),
    "set what is several lines": ("state: a\n  b # c\nd: 1\n", CLOSED, "state: closed # c\nd: 1\n"),
    "set a literal": ("state: |\n  a\n  # in it\n\n# out\nb: 1\n", CLOSED, "state: closed\n\n# out\nb: 1\n"),
    "set a literal with a remark": ("state: |- # c\n  a\n", CLOSED, "state: closed # c\n"),
    "set on the next line": ("state:\n  open\n", CLOSED, "state:\n  closed\n"),
    "set an emoji's neighbour": ("a: 🎉\nstate: '🎉'  # 🎉\n", CLOSED, "a: 🎉\nstate: 'closed'  # 🎉\n"),
    "set below a byte order mark": ("\ufeffa: 1\nstate: open\n", CLOSED, "\ufeffa: 1\nstate: closed\n"),
    "set behind a byte order mark": ("\ufeffstate: open\n", CLOSED, "\ufeffstate: closed\n"),
    "set nothing": ("state:\nb: 1\n", CLOSED, "state: closed\nb: 1\n"),
    "set nothing with a remark": ("state: # yet\n", CLOSED, "state: closed # yet\n"),
    "set nothing above comments": ("state:\n  # a: b\n# c\nb: 1\n", CLOSED, "state: closed\n  # a: b\n# c\nb: 1\n"),
    "set to nothing": ("state: open\n", Set("state", ""), "state: ''\n"),
    "set what it is": ("state:   'open'   # c\n", Set("state", "open"), "state:   'open'   # c\n"),
    "set a true": ("draft: true\n", Set("draft", "false"), "draft: false\n"),
    "set beside a commented one": ("# state: a\nstate: b\n", CLOSED, "# state: a\nstate: closed\n"),
    "uncomment": ("# state: ENTER STATE HERE\nb: 1\n", CLOSED, "state: closed\nb: 1\n"),
    "uncomment without a blank": ("##state: 'YES' or 'NO'\n", CLOSED, "state: 'closed'\n"),
    "uncomment and drop the hint": (
        "# series:  '0301' (IF DIFFERENT) # x\n",
        Set("series", "2210"),
        "series:  '2210'\n",
    ),
    "uncomment what is indented": ("a: 1\n  # state: x\nb: 1\n", CLOSED, "a: 1\nstate: closed\nb: 1\n"),
    "uncomment in an indented file": ("  a: 1\n  # state: x\n", CLOSED, "  a: 1\n  state: closed\n"),
    "uncomment the first of two": ("# state: x\n# state: y\n", CLOSED, "state: closed\n# state: y\n"),
    "uncomment with CR LF": ("# state: x\r\nb: 1\r\n", CLOSED, "state: closed\r\nb: 1\r\n"),
    "uncomment what is empty": ("# state:\nb: 1\n", CLOSED, "state: closed\nb: 1\n"),
    "insert at the end": ("a: 1\n", CLOSED, "a: 1\nstate: closed\n"),
    "insert behind a field": ("a: 1 # x\nb: 2\n", Set("state", "x", ("z", "a")), "a: 1 # x\nstate: x\nb: 2\n"),
    "insert behind a commented field": ("# a: 1\nb: 2\n", Set("state", "x", ("a",)), "# a: 1\nstate: x\nb: 2\n"),
    "insert behind a literal": ("a: |\n  x\n\nb: 2\n", Set("state", "x", ("a",)), "a: |\n  x\nstate: x\n\nb: 2\n"),
    "insert behind a list": (
        "a:\n  - x: 1\n    y: 2 # c\n  # d\nb: 2\n",
        Set("state", "x", ("a",)),
        "a:\n  - x: 1\n    y: 2 # c\nstate: x\n  # d\nb: 2\n",
    ),
    "insert with CR LF": ("a: 1\r\nb: 2\r\n", Set("state", "x", ("a",)), "a: 1\r\nstate: x\r\nb: 2\r\n"),
    "insert among mixed line endings": ("a: 1\r\nb: 2\n", Set("state", "x", ("a",)), "a: 1\r\nstate: x\r\nb: 2\n"),
    "insert into nothing": ("", CLOSED, "state: closed\n"),
    "insert above comments only": ("# Remarks, no fields\n", CLOSED, "state: closed\n# Remarks, no fields\n"),
    "insert into an indented file": ("  a: 1\n", CLOSED, "  a: 1\n  state: closed\n"),
    "insert, not uncomment inside a list": (
        "a:\n  - x: 1\n    # state: y\n    z: 2\n",
        CLOSED,
        "a:\n  - x: 1\n    # state: y\n    z: 2\nstate: closed\n",
    ),
    "append to a list": ("l:\n  - a # c\n# d\n", APPENDED, "l:\n  - a # c\n  - /x/\n# d\n"),
    "append as the list is written": ("l:\n-   a\n-   b: 1\nc: 1\n", APPENDED, "l:\n-   a\n-   b: 1\n-   /x/\nc: 1\n"),
    "append with CR LF": ("l:\r\n  - a\r\n", APPENDED, "l:\r\n  - a\r\n  - /x/\r\n"),
    "append to no field among mixed line endings": (
        "a: 1\r\nb: 2\n",
        Append("l", "/x/", ("a",)),
        "a: 1\r\nl:\r\n  - /x/\r\nb: 2\n",
    ),
    "append below a literal": ("l:\n  - |\n    a\n\nb: 1\n", APPENDED, "l:\n  - |\n    a\n  - /x/\n\nb: 1\n"),
    "append in brackets": ("l: [a, 'b' ] # c\n", APPENDED, "l: [a, 'b', /x/ ] # c\n"),
    "append behind a comma": ("l: [a,]\n", APPENDED, "l: [a, /x/]\n"),
    "append in empty brackets": ("l: [ ]\n", APPENDED, "l: [/x/ ]\n"),
    "append what is there": ("l: [/x/, a]\n", APPENDED, "l: [/x/, a]\n"),
    "append what needs quotes": ("l:\n  - a\n", Append("l", "12:30"), "l:\n  - a\n  - '12:30'\n"),
    "append to an empty field": ("l: # c\na: 1\n", APPENDED, "l: # c\n  - /x/\na: 1\n"),
    "append to no field": ("a: 1\nb: 1\n", Append("l", "/x/", ("a",)), "a: 1\nl:\n  - /x/\nb: 1\n"),
    "append to no field in an indented file": ("  a: 1\n", APPENDED, "  a: 1\n  l:\n    - /x/\n"),
    "append beside a commented field": ("# l: a\nb: 1\n", APPENDED, "# l: a\nb: 1\nl:\n  - /x/\n"),
    "append into nothing": ("", APPENDED, "l:\n  - /x/\n"),
    "comment out": ("a: 1\nstate: open\n", CommentOut("state"), "a: 1\n# state: open\n"),
    "comment out with a remark": ("a: 1\nstate: open # c\n", CommentOut("state"), "a: 1\n# state: open # c\n"),
    "comment out with a placeholder": (
        "a: 1\nurl: 'x' # c\n",
        CommentOut("url", "THE URL"),
        "a: 1\n# url: 'THE URL'\n",
    ),
    "comment out a list": (
        "a: 1\nl:\n  - x: 1\n    # c\n\n    y: 2\n# d\n",
        CommentOut("l", "X"),
        "a: 1\n# l:\n#   - x: 1\n#     # c\n# \n#     y: 2\n# d\n",
    ),
    "comment out several lines": ("a: 1\ns: 'x\n\ny'\n", CommentOut("s"), "a: 1\n# s: 'x\n# \n# y'\n"),
    "comment out a literal": ("s: |\n  x\n  # y\na: 1\n", CommentOut("s"), "# s: |\n#   x\n#   # y\na: 1\n"),
    "comment out in an indented file": ("  a: 1\n  b: 2\n", CommentOut("b"), "  a: 1\n  # b: 2\n"),
    "comment out all there is": ("state: open\n", CommentOut("state"), "# state: open\n"),
}


@pytest.mark.parametrize(("front", "change", "expected"), EXACTLY.values(), ids=EXACTLY)
def test_an_edit_changes_exactly(front, change, expected):
    assert edited(front, change) == expected


@pytest.mark.parametrize(("front", "change", "expected"), EXACTLY.values(), ids=EXACTLY)
def test_the_same_edit_again_changes_nothing(front, change, expected):
    if not isinstance(change, CommentOut):
        assert edited(expected, change) == expected


def test_several_edits_are_made_at_once_whatever_their_order():
    edits = [Set("new", "1", ("b",)), Set("newer", "2", ("b",)), Set("b", "x"), CommentOut("c"), Set("d", "text")]
    front = "a: 0\nb:\nc: 3\n# d: THE TEXT\n"
    expected = "a: 0\nb: x\nnew: 1\nnewer: 2\n# c: 3\nd: text\n"

    assert edited(front, *edits) == expected
    assert edited(front, *edits[2:], *edits[:2]) == expected


@pytest.mark.parametrize("frame", ["{}---\na: 1\n---\n", "{}---\r\na: 1\r\n---", "{}--- \na: 1\n---  \nbody\n---\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["no mark", "byte order mark"])
def test_what_lies_around_the_front_matter_stays(frame, mark):
    data = frame.format(mark).encode()
    found = read(SLUG, data)
    assert isinstance(found, Document)
    after = edit(found, [Set("a", "2")])

    assert isinstance(after, Edited)
    assert after.document.data == data.replace(b"a: 1", b"a: 2")


# Must be refused ---------------------------------------------------------------------------------------------------

REFUSED = {
    "a front matter in braces": ("{state: open}\n", CLOSED, "edit-flow-mapping"),
    "commenting out in braces": ("{state: open}\n", CommentOut("state"), "edit-flow-mapping"),
    "a key behind a question mark": ("? state\n: open\n", CLOSED, "edit-complex-key"),
    "commenting out behind a question mark": ("? state\n: open\n", CommentOut("state"), "edit-complex-key"),
    "a list": ("state:\n  - a\n", CLOSED, "edit-not-a-text"),
    "a list on one line": ("state: [a]\n", CLOSED, "edit-not-a-text"),
    "a group of fields": ("state:\n  a: 1\n", CLOSED, "edit-not-a-text"),
    "one more for a single text": ("l: a\n", APPENDED, "edit-not-a-list"),
    "one more for a group of fields": ("l:\n  a: 1\n", APPENDED, "edit-not-a-list"),
    "one more that is two": ("l: [a]\n", Append("l", "b, c"), "edit-unproven"),
    "one more behind a remark in brackets": ("l: [a, # c\n  ]\n", APPENDED, "edit-unproven"),
    "one more below a text that takes what follows": ("l:\n  - |+\n    a\n\n\nb: 1\n", APPENDED, "edit-unproven"),
    "one more of two lines": ("l:\n  - a\n", Append("l", "a\nb"), "edit-not-one-line"),
    "a line break in the value": ("state: open\n", Set("state", "a\nb: c"), "edit-not-one-line"),
    "a line separator in the value": ("state: open\n", Set("state", "a\u2028b"), "edit-not-one-line"),
    "a control character in the value": ("state: open\n", Set("state", "a\x1bb"), "edit-not-one-line"),
    "a line break in a placeholder": ("state: open\n", CommentOut("state", "a\nb: c"), "edit-not-one-line"),
    "a field that is not there": ("state: open\n", CommentOut("title"), "edit-no-field"),
    "a field that is commented out already": ("a: 1\n# title: x\n", CommentOut("title"), "edit-no-field"),
    "what YAML 1.2 cannot read": ("a: 1\nstate:\topen\n", CLOSED, "edit-yaml-12"),
    "a new key that is two": ("a: 1\n", Set("b: 1\nc", "x"), "edit-no-key"),
    "a new key that is a comment": ("a: 1\n", Set("# b", "x"), "edit-no-key"),
    "a new key that is no text": ("a: 1\n", Set("yes", "x"), "edit-no-key"),
    "a new key that is empty": ("a: 1\n", Set("", "x"), "edit-no-key"),
    "an insertion that joins a text": ("a: |+\n  x\n\n\nb: 1\n", Set("c", "1", ("a",)), "edit-unproven"),
    "a value beside an end of document": ("a: 1\n...\n", CommentOut("a"), "edit-unproven"),
}


@pytest.mark.parametrize(("front", "change", "code"), REFUSED.values(), ids=REFUSED)
def test_an_edit_that_cannot_be_exact_is_refused(front, change, code):
    problem = refused(front, change)

    assert problem.code == code
    assert problem.message.endswith(".")


def test_a_field_is_not_changed_twice_in_one_edit_under_any_spelling():
    assert refused("apply_link: x\n", Set("apply_link", "1"), Set("apply link", "2")).code == "edit-twice"


def test_the_proof_of_one_more_tells_the_whole_list_before_and_after():
    found = edit(document("l:\n  - a\n  - b: 1\n  - c\n"), [APPENDED])
    assert isinstance(found, Edited)
    assert found.proof.values == (ValueChange("l", "a, c", "a, c, /x/"),)
    [line] = found.proof.lines
    assert (line.line, line.before, line.after) == (6, None, "  - /x/")


def test_a_refusal_tells_the_line_that_only_one_yaml_version_reads():
    assert refused("a: 1\nstate:\topen\n", CLOSED).line == 3


# The proof ---------------------------------------------------------------------------------------------------------


def test_the_proof_tells_lines_values_and_comments():
    found = edit(
        document(STATE.split("---\n")[1]), [Set("state", "open"), Set("series", "0301"), Set("new", "1", ("opens",))]
    )
    assert isinstance(found, Edited)
    proof = found.proof

    assert [(change.line, change.before, change.after) for change in proof.lines] == [
        (6, "state: upcoming", "state: open"),
        (12, None, "new: 1"),
        (26, "# series: '0301' ENTER SERIES IF DIFFERENT", "series: '0301'"),
    ]
    assert [(change.key, change.before, change.after) for change in proof.values] == [
        ("state", "upcoming", "open"),
        ("series", None, "0301"),
        ("new", None, "1"),
    ]
    assert (proof.comments_before, proof.comments_after) == (15, 14)
    assert proof.comments_named == ("# series: '0301' ENTER SERIES IF DIFFERENT",)
    assert proof.body_sha256 == found.document.body_sha256


SPELLINGS = [
    ("# info-sessions: X\n", "info_sessions", "info-sessions"),
    ("info sessions: x\n", "info_sessions", "info sessions"),
    ("expirydate: 2030-01-01\n", "expiryDate", "expirydate"),
]
OTHER_FIELDS = [
    ("address1: x\n", "address2"),
    ("location_a: Boston\n", "location_b"),
    ("location: Boston\n", "locations"),
    ("description_en: x\n", "description_es"),
    ("team_a_contact: x\n", "team_b_contact"),
    ("# ohrm_comtact_email: X\n", "ohrm_contact_email"),
    ("application_lnik: x\n", "application_link"),
    ("opens: x\n", "open"),
    ("salary_min: 1\n", "salary_max"),
    ("state: x\n", "stat"),
]


@pytest.mark.parametrize(("front", "asked", "own"), SPELLINGS)
def test_the_files_own_spelling_stays_and_is_reported(front, asked, own):
    found = edit(document(front), [Set(asked, "y")])

    assert isinstance(found, Edited)
    assert found.proof.spelling == ((asked, own),)
    assert found.document.fields[own].text == "y"
    assert list(found.document.fields) == [own]


def test_a_key_that_is_there_as_asked_is_taken_before_any_other_spelling():
    assert (
        edited("info sessions: x\ninfo_sessions: y\n", Set("info_sessions", "z"))
        == "info sessions: x\ninfo_sessions: z\n"
    )


@pytest.mark.parametrize(("front", "asked"), OTHER_FIELDS)
def test_a_key_of_its_own_is_no_misspelling(front, asked):
    found = edit(document(front), [Set(asked, "y")])

    assert isinstance(found, Edited)
    assert found.proof.spelling == ()
    assert asked in found.document.fields


MISSPELT = {
    "a wrong letter": ("ohrm_comtact_email", "ohrm_contact_email"),
    "two letters swapped": ("application_lnik", "application_link"),
    "a letter left out": ("aplication_link", "application_link"),
    "a letter too many": ("appplication_link", "application_link"),
    "other blanks": ("info sessions", "info_sessions"),
    "other case": ("Title", "title"),
}
SIBLINGS = {
    "a last letter": ("location_a", "location_b"),
    "a plural": ("location", "locations"),
    "a Roman numeral": ("grade_level_ii", "grade_level_iii"),
    "a language": ("description_en", "description_es"),
    "the last two letters swapped": ("description_en", "description_ne"),
    "a figure at the end": ("address_1", "address_2"),
    "a figure inside": ("phase1_opens", "phase2_opens"),
    "a figure more": ("phase_opens", "phase1_opens"),
    "figures swapped": ("phase12_opens", "phase21_opens"),
    "two letters": ("salary_min", "salary_max"),
    "a short name": ("opens", "open"),
    "the same": ("location", "location"),
}


@pytest.mark.parametrize(("one", "two"), MISSPELT.values(), ids=MISSPELT)
def test_a_slip_of_the_finger_is_a_misspelling(one, two):
    assert is_misspelling(one, two)
    assert is_misspelling(two, one)


@pytest.mark.parametrize(("one", "two"), SIBLINGS.values(), ids=SIBLINGS)
def test_two_fields_of_their_own_are_no_misspelling_of_each_other(one, two):
    assert not is_misspelling(one, two)
    assert not is_misspelling(two, one)


def test_the_name_that_was_asked_for_is_told_where_the_edit_knows_it():
    found = edit(document("aplication: x\n"), [Set("aplication", "y", asked="application")])

    assert isinstance(found, Edited)
    assert found.proof.spelling == (("application", "aplication"),)


# The guards of the proof -------------------------------------------------------------------------------------------

# No splice of ours brings these documents about; each guard must stop one that would.

FRONT = "a: 1\nb: no\nc: x # keep\n"
TO_TWO = _Splice("a", "2", Span(7, 8), "2")


def unproven(after: str, body: str = "body\n", old: str = FRONT, before: str = FRONT) -> str | None:
    """What the guards say of these two documents; `old` is what YAML 1.2 is to have read before the edit."""
    documents = document(before, "body\n"), document(after, body)
    fault = _unproven(documents[0], _compose_12(document(old)), documents[1], [TO_TWO])
    return fault.message if fault else None


AFTER = FRONT.replace("1", "2")
GUARDS = {
    "a change in the body": (lambda: unproven(AFTER, "Body\n"), "The edit would change the body."),
    "another value in YAML 1.1": (
        lambda: unproven(AFTER.replace("x", "y"), old=FRONT.replace("x", "y")),
        "The edit would not leave `c` as intended.",
    ),
    "another value in YAML 1.2": (
        lambda: unproven(AFTER, old=FRONT.replace("x", "y")),
        "The edit would not leave `c` as intended.",
    ),
    "another type of value": (
        lambda: unproven(AFTER.replace("no", "'no'")),
        "The edit would not leave `b` as intended.",
    ),
    "a value that is not the one asked for": (lambda: unproven(FRONT), "The edit would not leave `a` as intended."),
    "a field more": (lambda: unproven(AFTER + "d: 1\n"), "The edit would not leave `d` as intended."),
    "a comment lost": (lambda: unproven(AFTER.replace(" # keep", "")), "The edit would lose the comment `# keep`."),
    "a comment made": (lambda: unproven(AFTER + "# new\n"), "The edit would leave `# new` as a comment."),
}


@pytest.mark.parametrize(("guarded", "says"), GUARDS.values(), ids=GUARDS)
def test_the_proof_refuses(guarded, says):
    assert guarded() == says


def test_the_proof_refuses_what_only_yaml_12_cannot_read():
    assert unproven(AFTER.replace("c: x", "c:\tx")) is not None


def test_the_proof_lets_exactly_the_intended_change_pass():
    assert unproven(AFTER) is None


SEEN_ELSEWHERE = {
    "the field elsewhere": ("a:  1\n", " a: 1\n"),
    "its value elsewhere": ("a: 1\n", "a:  1\n"),
    "both elsewhere": ("a: 1\nb: 2\n", "b: 2\na: 1\n"),
    "no such field": ("a: 1\n", "b: 2\n"),
    "nothing": ("a: 1\n", ""),
}


@pytest.mark.parametrize(("front", "seen"), SEEN_ELSEWHERE.values(), ids=SEEN_ELSEWHERE)
def test_an_edit_is_refused_where_the_other_parser_sees(front, seen):
    fault = _unlocated(document(front), _compose_12(document(seen)), [TO_TWO])

    assert isinstance(fault, Problem)
    assert (fault.code, fault.line, fault.column) == ("edit-unlocated", 2, 1)
    assert fault.message == "The parsers disagree about where `a` stands."


def test_an_edit_passes_where_both_parsers_see_the_same_place():
    assert _unlocated(document(FRONT), _compose_12(document(FRONT)), [TO_TWO]) is None


# Only the named bytes change ---------------------------------------------------------------------------------------

KEYS = ["title", "state", "opens", "key objectives", "contact_name", "expiryDate", "n1"]
WORDS = st.sampled_from(
    ["open", "15", "Pilot's Mate", "a: b", "x # y", "🎉 é", "", "yes", "2030-01-01", "{{ a }}", "105,123"]
)
STYLES = {
    "plain": "{k}: Some text",
    "remark": "{k}: 'Some: text'  # note: keep",
    "double": '{k} : "Some # text"',
    "empty": "{k}:",
    "empty remark": "{k}: # yet",
    "lines": "{k}: Some\n  more\n\n  text",
    "quoted lines": "{k}: 'Some\n  # more\n  text' # end",
    "literal": "{k}: |\n  Some\n  # text",
    "folded": "{k}: >-\n  Some\n  text",
    "list": "{k}:\n  - a: 1\n    # in: side\n    b: 'x'\n  - c",
    "flat list": "{k}:\n- a # one\n- b",
    "flow": "{k}: [a, 'b # c']",
    "commented": "# {k}: PLACE HERE",
    "commented twice": "# {k}: 'x' (ENTER HERE)\n#{k}: y",
}
FILLERS = ["", "# A remark: with a colon", "# INSTRUCTIONS OPEN: fields", "#🔻🔻", "  ", " # indented remark"]
BODIES = ["", "body", "{% if page.state == 'x' %}\r\n---\nstate: open\n", "\ufeff# é 🎉\r"]
Block = tuple[str, str, str]  # key, style, text


@st.composite
def front_matters(draw: st.DrawFn) -> list[Block]:
    keys = draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=6))
    blocks: list[Block] = []
    for key in keys:
        blocks += [("", "", text) for text in draw(st.lists(st.sampled_from(FILLERS), max_size=2))]
        style = draw(st.sampled_from(sorted(STYLES)))
        blocks.append((key, style, STYLES[style].format(k=key)))
    return blocks


@st.composite
def wishes(draw: st.DrawFn) -> list[Edit]:
    keys = draw(st.lists(st.sampled_from([*KEYS, "brand_new"]), unique=True, min_size=1, max_size=3))
    after = st.lists(st.sampled_from(KEYS), max_size=2).map(tuple)
    made = [
        st.builds(Set, st.just(key), WORDS, after)
        | st.builds(CommentOut, st.just(key), st.none() | st.just("PLACE HERE"))
        for key in keys
    ]
    return [draw(each) for each in made]


class _Texts(yaml.SafeLoader):
    """PyYAML without types: the text of every scalar."""


_Texts.yaml_implicit_resolvers = {}


def values_11(front: str) -> dict[str, object]:
    return yaml.load(front, _Texts) or {}  # noqa: S506 - safe by base class


def values_12(front: str) -> dict[str, object]:
    def plain(node: object) -> object:
        value = getattr(node, "value", None)
        if not isinstance(value, list):
            return value
        if value and isinstance(value[0], tuple):
            return {key.value: plain(each) for key, each in value}
        return [plain(each) for each in value]

    node = YAML(typ="safe", pure=True).compose(front)
    return plain(node) if node else {}


def without(front: str, keys: set[str], inner: set[str]) -> list[str]:
    """The lines that belong to none of these fields, live or commented out."""
    named = "|".join(re.escape(key) for key in keys)
    kept = [
        line for line in re.findall(r"[^\r\n]*(?:\r\n|\n|\r)", front) if not re.match(rf"#?\s*(?:{named})\s*:", line)
    ]
    return [line for line in kept if line.strip("# \r\n") not in inner]


@given(front_matters(), wishes(), st.sampled_from(["\n", "\r\n"]), st.sampled_from(BODIES), st.booleans())
def test_only_the_named_bytes_change(blocks, edits, newline, body, mark):
    front = "".join(text + "\n" for _, _, text in blocks).replace("\n", newline)
    head, tail = f"---{newline}", f"---{newline}{body}"
    data = ("\ufeff" * mark + head + front + tail).encode()
    found = read(SLUG, data)
    assert isinstance(found, Document), found
    after = edit(found, edits)
    asked = {change.key: change for change in edits}
    live = {key: style for key, style, _ in blocks if key and "commented" not in style}
    if isinstance(after, Problem):
        assert any(
            live.get(key) in ("list", "flat list", "flow") if isinstance(change, Set) else key not in live
            for key, change in asked.items()
        ), after
        return

    text = after.document.data.decode("utf-8")
    new = text.removeprefix("\ufeff" * mark + head).removesuffix(tail)
    assert text == "\ufeff" * mark + head + new + tail
    expected = values_11(front)
    for key, change in asked.items():
        expected.pop(key, None)
        if isinstance(change, Set):
            expected[key] = change.value
    assert values_11(new) == values_12(new) == expected
    # Lines of the named fields go out of both sides; every other line must be the same bytes in the same order.
    inner = {line.strip("# ") for key, _, block in blocks if key in asked for line in block.split("\n")[1:]} - {""}
    blank_lines = any(live.get(key) == "lines" for key in asked)
    before_lines, after_lines = without(front, set(asked), inner), without(new, set(asked), inner)
    if blank_lines:
        before_lines, after_lines = ([x for x in part if x.strip("# \r\n")] for part in (before_lines, after_lines))
    assert before_lines == after_lines


@given(
    st.sampled_from(KEYS), WORDS.filter(bool), st.sampled_from(["{}", "'{}'", '"{}"']), st.sampled_from(["", " # c"])
)
def test_an_edit_and_its_inverse_give_the_original_bytes(key, word, quotes, remark):
    before = document(f"a: 1\n{key}: {quotes.format('Some text')}{remark}\nb: 2\n", "body")
    once = edit(before, [Set(key, word)])
    assert isinstance(once, Edited)
    back = edit(once.document, [Set(key, "Some text", quoting=before.fields[key].quoting)])

    assert isinstance(back, Edited)
    assert back.document.data == before.data


@pytest.mark.parametrize("text", [STATE, DATES, HUGO], ids=["state", "dates", "hugo"])
def test_every_field_of_a_posting_can_be_commented_out_without_touching_another(text):
    found = read(SLUG, text.encode())
    assert isinstance(found, Document)
    for key in found.fields:
        after = edit(found, [CommentOut(key)])
        assert isinstance(after, Edited)
        assert [re.sub("^# ", "", c.after or "") for c in after.proof.lines] == [c.before for c in after.proof.lines]


# The real corpus ---------------------------------------------------------------------------------------------------


def real(folder: str) -> list[Document]:
    if not SHARED.is_dir():
        pytest.skip("The real postings are not beside this repository.")
    found = [read(SLUG, path.read_bytes()) for path in sorted((SHARED / folder).rglob("*.md"))]
    return [each for each in found if isinstance(each, Document)]


def changed_lines(before: Document, after: Document) -> list[tuple[bytes, bytes]]:
    old, new = before.data.splitlines(keepends=True), after.data.splitlines(keepends=True)
    return [pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]]


def test_closing_any_real_posting_changes_its_state_line_only():
    postings = [found for found in real("corpus/versions") if "state" in found.fields]
    for found in postings:
        after = edit(found, [CLOSED])
        assert isinstance(after, Edited), after
        pairs = changed_lines(found, after.document)
        assert len(pairs) == (found.fields["state"].text != "closed")
        assert all(old.startswith(b"state:") and new.startswith(b"state:") for old, new in pairs)
    assert len(postings) > 300


@pytest.mark.parametrize(("key", "value"), [("weight", "2"), ("date", "2031-02-03 04:05:06 -0500")])
def test_setting_one_value_on_any_real_hugo_page_changes_that_line_only(key, value):
    pages = real("corpus-hugo/content")
    for found in pages:
        after = edit(found, [Set(key, value)])
        assert isinstance(after, Edited), after
        assert after.document.fields[key].text == value
        named = re.compile(rf"(?m)^(?:# )?{key}:.*$\n?")
        assert named.sub("", found.text) == named.sub("", after.document.text)
        assert len(after.proof.lines) <= 1
    assert len(pages) > 200
