"""A posting is read byte for byte, or a named problem says at which place it cannot be."""

import pytest
import yaml

from postbot.core.problem import Problem
from postbot.core.text.document import MAX_DEPTH, MAX_FRONT_MATTER, Document, read
from postbot.core.text.scalar import Quoting
from tests.examples import DATES, HUGO, SLUG, STATE, document

P, S, D, E = Quoting.PLAIN, Quoting.SINGLE, Quoting.DOUBLE, Quoting.EMPTY


def refused(data: bytes) -> Problem:
    found = read(SLUG, data)
    assert isinstance(found, Problem)
    return found


# Framing -----------------------------------------------------------------------------------------------------------

READS = {
    "plain": (b"---\na: 1\n---\nbody\n", "a: 1\n", "---\nbody\n"),
    "a byte order mark": (b"\xef\xbb\xbf---\na: 1\n---\nbody\n", "a: 1\n", "---\nbody\n"),
    "a byte order mark behind the fence": (b"---\n\xef\xbb\xbfa: 1\n---\n", "a: 1\n", "---\n"),
    "CR LF": (b"---\r\na: 1\r\n---\r\nbody\r\n", "a: 1\r\n", "---\r\nbody\r\n"),
    "lone CR": (b"---\ra: 1\r---\rbody\r", "a: 1\r", "---\rbody\r"),
    "mixed line endings": (b"---\r\na: 1\n---\rbody", "a: 1\n", "---\rbody"),
    "no body": (b"---\na: 1\n---", "a: 1\n", "---"),
    "no final line break": (b"---\na: 1\n---\nbody", "a: 1\n", "---\nbody"),
    "blanks after the fences": (b"--- \t\na: 1\n---  \nbody", "a: 1\n", "---  \nbody"),
    "a rule in the body": (b"---\na: 1\n---\nbody\n---\nmore\n", "a: 1\n", "---\nbody\n---\nmore\n"),
    "a longer rule above the closing fence": (b"---\na: 1\n# x\n#----\n---\n", "a: 1\n# x\n#----\n", "---\n"),
    "dashes in a value": (b"---\na: x --- y\n---\n", "a: x --- y\n", "---\n"),
    "dashes in a block": (b"---\na: |\n  ---\n---\n", "a: |\n  ---\n", "---\n"),
    "nothing between the fences": (b"---\n---\nbody", "", "---\nbody"),
    "only comments": (b"---\n# a: 1\n---\n", "# a: 1\n", "---\n"),
    "an end of document": (b"---\na: 1\n...\n---\n", "a: 1\n...\n", "---\n"),
}


@pytest.mark.parametrize(("data", "front", "rest"), READS.values(), ids=READS)
def test_front_matter_and_body_are_found(data, front, rest):
    found = read(SLUG, data)

    assert isinstance(found, Document)
    assert found.text[found.front.start : found.front.end] == front
    assert found.text[found.front.end :] == rest
    assert found.data == data


REFUSED = {
    "an empty file": (b"", 1, 1, "front-matter-missing"),
    "no front matter": (b"# Harbour\n", 1, 1, "front-matter-missing"),
    "four dashes": (b"----\na: 1\n----\n", 1, 1, "front-matter-missing"),
    "only the opening fence": (b"---", 1, 1, "front-matter-not-first"),
    "only the opening line": (b"---\n", 1, 1, "front-matter-unclosed"),
    "never closed": (b"---\na: 1\n\nbody\n", 1, 1, "front-matter-unclosed"),
    "closed by four dashes": (b"---\na: 1\n----\nbody\n", 1, 1, "front-matter-unclosed"),
    "closed by an indented fence": (b"---\na: 1\n ---\nbody\n", 1, 1, "front-matter-unclosed"),
    "a blank line first": (b"\n---\na: 1\n---\n", 1, 1, "front-matter-not-first"),
    "a comment first": (b"# a\n\n---\na: 1\n---\n", 1, 1, "front-matter-not-first"),
    "TOML": (b'+++\na = "1"\n+++\n', 1, 1, "front-matter-toml"),
    "JSON": (b'{"a": 1}\n', 1, 1, "front-matter-json"),
    "UTF-16, low byte first": ("---\na: 1\n---\n".encode("utf-16"), 1, 1, "encoding"),
    "UTF-16, high byte first": (b"\xfe\xff\x00-", 1, 1, "encoding"),
    "Latin-1": ("---\na: 1\nb: é\n---\n".encode("latin-1"), 3, 4, "encoding"),
    "broken UTF-8 in the body": (b"---\r\na: 1\r\n---\r\n\xc3\xa9\xff", 4, 2, "encoding"),
    "a NUL": (b"---\na: 1\nb: x\x00y\n---\n", 3, 5, "yaml-control-character"),
    "a second document": (b"---\na: 1\n...\nb: 2\n---\n", 3, 1, "yaml-document"),
    "an order to the reader": (b"---\n%YAML 1.1\na: 1\n---\n", 2, 1, "yaml-directive"),
    "a list": (b"---\n- a\n---\n", 2, 1, "yaml-not-a-mapping"),
    "a text": (b"---\na\n---\n", 2, 1, "yaml-not-a-mapping"),
    "no space after the colon": (b"---\na: 1\nstate:open\n---\n", 3, 7, "yaml-missing-space"),
    "a key twice": (b"---\nstate: open\na: 1\nstate: closed\n---\n", 4, 1, "yaml-duplicate-key"),
    "a nested key twice": (b"---\na:\n  - b: 1\n    b: 2\n---\n", 4, 5, "yaml-duplicate-key"),
    "an anchor": (b"---\na: &x 1\n---\n", 2, 4, "yaml-alias"),
    "an alias to nothing": (b"---\na:\n  - **Bold** text\n---\n", 3, 5, "yaml-alias"),
    "an alias to itself": (b"---\na: &x [*x]\n---\n", 2, 4, "yaml-alias"),
    "an anchor glued to a colon": (b'---\na: {"b":&x [1], "c":*x}\n---\n', 2, 9, "yaml-alias"),
    "a tag": (b"---\na: !!python/object:os.system {}\n---\n", 2, 4, "yaml-tag"),
    "a list for a key": (b"---\n? [a, b]\n: 1\n---\n", 2, 3, "yaml-complex-key"),
}


@pytest.mark.parametrize(("data", "line", "column", "code"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_does_not_read_is_a_problem_with_its_place(data, line, column, code):
    problem = refused(data)

    assert (problem.line, problem.column, problem.code) == (line, column, code)
    assert problem.message.endswith((".", "one", ")"))


def test_a_problem_tells_lines_of_the_file_not_of_the_front_matter():
    assert "line 2 and again on line 4" in refused(b"---\nstate: open\na: 1\nstate: closed\n---\n").message


# Caps --------------------------------------------------------------------------------------------------------------

BOMB = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [*{old}, *{old}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
CAPPED = {
    "a text of 2 MB": (f"a: {'x' * 2_000_000}\n", "front-matter-too-large"),
    "100,000 keys": ("".join(f"k{n}: 1\n" for n in range(100_000)), "front-matter-too-large"),
    "many bytes in few characters": (f"a: {'🎉' * (MAX_FRONT_MATTER // 4)}\n", "front-matter-too-large"),
    "deep lists on one line": ("a: " + "[" * 500 + "]" * 500 + "\n", "front-matter-too-deep"),
    "deep maps on one line": ("a: " + "{b: " * 500 + "}" * 500 + "\n", "front-matter-too-deep"),
    "deep lists by dashes": ("a:\n  " + "- " * 500 + "x\n", "front-matter-too-deep"),
    "deep blocks by indentation": ("".join(" " * n + "a:\n" for n in range(300)), "front-matter-too-deep"),
    "deep lists by indentation": ("a:\n" + "".join(" " * n + "-\n" for n in range(300)), "front-matter-too-deep"),
    "deep keys": ("? " * 500 + "a\n", "front-matter-too-deep"),
    "deep and never closed": ("a: " + "[" * 5_000 + "\n", "front-matter-too-deep"),
    "an alias bomb": (BOMB, "yaml-alias"),
}


@pytest.mark.parametrize(("front", "code"), CAPPED.values(), ids=CAPPED)
def test_what_is_too_much_is_refused_before_it_is_built(front, code):
    assert refused(f"---\n{front}---\n".encode()).code == code


def test_what_is_just_not_too_much_reads():
    levels = MAX_DEPTH - 1
    assert document("a: " + "[" * levels + "]" * levels + "\n").fields["a"].quoting is Quoting.LIST
    assert refused(f"---\na: [{'[' * levels}{']' * levels}]\n---\n".encode()).code == "front-matter-too-deep"
    assert document("a: " + "x" * (MAX_FRONT_MATTER - 4) + "\n").fields["a"].quoting is P
    assert len(document("".join(f"k{n}: 1\n" for n in range(6_000))).fields) == 6_000


# Fields ------------------------------------------------------------------------------------------------------------

FIELDS = {
    "plain": ("state: open\n", "open", "open", P, None),
    "with a comment": ("state: open  # yes\n", "open", "open", P, "# yes"),
    "a hash that is no comment": ("state: C#sharp\n", "C#sharp", "C#sharp", P, None),
    "single quotes": ("state: 'it''s'\n", "'it''s'", "it's", S, None),
    "double quotes": ('state: "a\\tb # c" # d\n', '"a\\tb # c"', "a\tb # c", D, "# d"),
    "a comment right after a quote": ("state: 'open'# yes\n", "'open'", "open", S, "# yes"),
    "an empty text": ("state: ''\n", "''", "", S, None),
    "nothing": ("state:\n", "", "", E, None),
    "nothing, with a comment": ("state: # yet\n", "", "", E, "# yet"),
    "nothing, above comments": ("state:\n# other: 1\n  # more\n", "", "", E, None),
    "null spelt out": ("state: ~\n", "~", "~", P, None),
    "several lines": ("state: a\n  b # c\n", "a\n  b", "a b", P, "# c"),
    "on the next line": ("state:\n  a\n", "a", "a", P, None),
    "quotes over lines": ("state: 'a\n\n  b' # c\n", "'a\n\n  b'", "a\nb", S, "# c"),
    "a literal": ("state: |\n  a\n  # in it\n\n# not\n", "|\n  a\n  # in it", "a\n# in it\n", Quoting.LITERAL, None),
    "a folded text": ("state: >-\n  a\n  b\n", ">-\n  a\n  b", "a b", Quoting.FOLDED, None),
    "an empty literal": ("state: |\n", "|", "", Quoting.LITERAL, None),
    "a list": ("state:\n  - a # x\n\n  # end\n# end\n", "- a # x", None, Quoting.LIST, None),
    "a list that ends in a literal": (
        "state:\n  - |\n    a\n    # b\n",
        "- |\n    a\n    # b",
        None,
        Quoting.LIST,
        None,
    ),
    "a list that ends in nothing": ("state:\n  - a\n  -\n", "- a\n  -", None, Quoting.LIST, None),
    "a list on one line": ("state: [a,\n  b] # c\n", "[a,\n  b]", None, Quoting.LIST, "# c"),
    "a map": ("state:\n  a: 1\n  b: [2,\n    3]\n# c\n", "a: 1\n  b: [2,\n    3]", None, Quoting.MAP, None),
    "a key in quotes": ('"state": open\n', "open", "open", P, None),
    "a blank before the colon": ("state : open\n", "open", "open", P, None),
    "a tab after the colon": ("state:\topen\n", "open", "open", P, None),
    "an emoji before it": ("a: 🎉🎉 # 🎉\nstate: 'é'\n", "'é'", "é", S, None),
    "a line separator in quotes before it": ("a: 'x\u2028y'\nstate: open\n", "open", "open", P, None),
}


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize(("front", "value", "text", "quoting", "comment"), FIELDS.values(), ids=FIELDS)
def test_a_field_is_found_where_it_stands(front, value, text, quoting, comment, newline):
    found = document((front + "next: 1\n").replace("\n", newline))
    field = found.fields["state"]
    before = found.text[: field.value.start].replace(newline, "\n").split("\n")

    assert found.text[slice(*field.value)] == value.replace("\n", newline)
    assert (field.text, field.quoting, field.comment) == (text, quoting, comment)
    assert found.text[slice(*field.span)].strip("\"'").startswith("state")
    if quoting is not E:
        assert (field.value_line, field.value_column) == (len(before), len(before[-1]) + 1)
    assert found.line_of(field.span.start) == field.line
    assert found.column_of(field.span.start) == field.column
    assert found.line_of(found.fields["next"].span.start) == found.fields["next"].line


def test_keys_of_several_words_and_odd_keys_are_fields():
    found = document("key objectives: x\n1: a\nnull: b\na:b: c\n'it''s': d\n")

    assert list(found.fields) == ["key objectives", "1", "null", "a:b", "it's"]


def test_an_indented_front_matter_has_its_indent():
    found = document("  title: x\n  state: open\n")

    assert (found.indent, found.fields["state"].column) == ("  ", 3)


def test_a_field_has_its_yaml_type():
    tags = {
        key: field.tag.rpartition(":")[2]
        for key, field in document("a: 1\nb: x\nc: no\nd:\ne: '1'\nf: 2030-01-01\n").fields.items()
    }

    assert tags == {"a": "int", "b": "str", "c": "bool", "d": "null", "e": "str", "f": "timestamp"}


@pytest.mark.parametrize("text", [STATE, DATES, HUGO], ids=["state", "dates", "hugo"])
def test_a_whole_posting_reads_as_pyyaml_reads_it(text):
    found = read(SLUG, text.encode())
    assert isinstance(found, Document)
    loaded = yaml.load(text.split("---\n")[1], yaml.BaseLoader)  # noqa: S506 - builds texts only

    assert {key: field.text for key, field in found.fields.items() if field.text is not None} == {
        key: value for key, value in loaded.items() if isinstance(value, str)
    }


# Comments ----------------------------------------------------------------------------------------------------------


def commented(front: str) -> list[str]:
    return [found.key for found in document(front).commented]


COMMENTED = {
    "a field": ("# apply_url: APPLICATION URL\n", ["apply_url"]),
    "no blank": ("#closes: TBD\n", ["closes"]),
    "two hashes": ("## closes: TBD\n", ["closes"]),
    "nothing behind the colon": ("# closes:\n", ["closes"]),
    "two blanks": ("#  closes: TBD\n", ["closes"]),
    "indented": ("a: 1\n  # closes: TBD\n", ["closes"]),
    "twice": ("# a: 1\n# a: 2\n", ["a", "a"]),
    "several words that are a live field, too": ("# info sessions: x\ninfo sessions: y\n", ["info sessions"]),
    "camel case": ("# expiryDate: 2030-01-01\n", ["expiryDate"]),
}
NO_FIELDS = {
    "a heading": "# INSTRUCTIONS OPEN: These fields are required\n",
    "a note": "# NOTE: be sure to remove the hash\n",
    "a note in lower case": "# note: be sure\n",
    "an example": "# example: 2030-01-31\n",
    "a sentence": "# For the rest of the file: follow the directions\n",
    "a sentence in lower case": "# and leave these: they are needed\n",
    "a link": "# https://example.org/new\n",
    "a legend": "# 0 -- hidden\n",
    "a rule": "#--------\n",
    "inside a box": "#    closes: TBD\n",
    "the inside of a commented list": "# sessions:\n#   - link: x\n#     date: y\n",
    "behind a value": "a: 1 # closes: TBD\n",
    "inside a list": "a:\n  - b: 1\n    # closes: TBD\n    c: 2\n",
    "between two items": "a:\n  - b\n# closes: TBD\n  - c\n",
    "inside a literal": "a: |\n  # closes: TBD\n",
    "inside quotes": "a: 'x\n  # closes: TBD\n  y'\n",
}


@pytest.mark.parametrize(("front", "keys"), COMMENTED.values(), ids=COMMENTED)
def test_a_commented_field_is_found(front, keys):
    assert commented(front) == keys


@pytest.mark.parametrize("front", NO_FIELDS.values(), ids=NO_FIELDS)
def test_what_only_looks_like_a_commented_field_is_none(front):
    assert "closes" not in commented(front)
    assert set(commented(front)) <= {"sessions"}


def test_a_commented_field_has_its_place_and_its_hint():
    series = next(found for found in document(STATE.split("---\n")[1]).commented if found.key == "series")

    assert STATE.splitlines()[series.line - 1] == "# series: '0301' ENTER SERIES IF DIFFERENT"
    assert (series.column, series.lead, series.hint.default, series.section) == (1, "# ", "0301", "open")


def test_sections_say_which_fields_belong_to_which_state():
    found = document(STATE.split("---\n")[1])
    sections = {each.key: each.section for each in found.commented}

    assert [(section.state, section.line) for section in found.sections] == [("upcoming", 9), ("open", 20)]
    assert (sections["closes"], sections["apply_url"]) == ("upcoming", "open")
    assert found.section_at(found.fields["title"].span.start) is None


def test_every_comment_is_counted_and_no_hash_inside_a_value():
    found = document("# one\na: 'x # no' # two\nb: |\n  # no\n#three\nc:\n  # four\n  - d#no # five\n")

    assert found.comments == ("# one", "# two", "#three", "# four", "# five")


def test_the_boxed_comment_of_a_template_holds_no_fields():
    assert [found.key for found in document(DATES.split("---\n")[1]).commented] == ["opens", "info sessions"]


def test_the_body_has_one_hash_that_no_front_matter_changes():
    one, two = document("a: 1\n", "é\r\n"), document("a: 2\nb: 3\n", "é\r\n")

    assert one.body_sha256 == two.body_sha256 != document("a: 1\n", "é\n").body_sha256
