"""A value is spelt so that every reader of YAML reads the same text back."""

from io import StringIO

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from postbot.core.text.scalar import BOOL, STR, TIME, Quoting, differs, spell, unprintable

printable = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029\ufeff")).filter(
    lambda text: not unprintable(text)
)
yamlish = st.text(st.sampled_from(list("ab01_,.:-+#'\"\\ &*!|>%@`{}[]?~=yYnN<e")))


class _Texts(yaml.SafeLoader):
    """PyYAML without types: the text of every scalar."""


_Texts.yaml_implicit_resolvers = {}


@given(printable | yamlish, st.sampled_from([Quoting.PLAIN, Quoting.SINGLE, Quoting.DOUBLE]))
def test_every_spelling_reads_back_as_the_same_text(text, quoting):
    line = f"before: 1\nkey: {spell(text, quoting)}  # a comment\nafter: 2\n"

    assert yaml.load(line, _Texts) == {"before": "1", "key": text, "after": "2"}  # noqa: S506 - safe by base class
    node = YAML(pure=True).compose(StringIO(line))
    assert [(key.value, value.value) for key, value in node.value] == [("before", "1"), ("key", text), ("after", "2")]


@given(printable | yamlish)
def test_both_versions_of_yaml_read_the_same_value(text):
    line = f"key: {spell(text, Quoting.PLAIN)}\n"

    assert str(yaml.safe_load(line)["key"]) == str(YAML(typ="safe", pure=True).load(StringIO(line))["key"])


SPELT = {
    "plain words stay plain": ("open", Quoting.PLAIN, "open"),
    "a whole number stays plain": ("15", Quoting.PLAIN, "15"),
    "a day stays plain": ("2030-03-04", Quoting.PLAIN, "2030-03-04"),
    "a link stays plain": ("https://example.org/a?b=c#d", Quoting.PLAIN, "https://example.org/a?b=c#d"),
    "words for a date stay plain": ("March 4, 2030, 9:00 am EST", Quoting.PLAIN, "March 4, 2030, 9:00 am EST"),
    "single quotes are doubled": ("Pilot's Mate", Quoting.SINGLE, "'Pilot''s Mate'"),
    "double quotes and backslashes are escaped": ('a "b" \\n', Quoting.DOUBLE, '"a \\"b\\" \\\\n"'),
    "an empty text is quoted": ("", Quoting.PLAIN, "''"),
    "blanks at the ends are quoted": (" a ", Quoting.PLAIN, "' a '"),
    "a colon is quoted": ("C++: senior", Quoting.PLAIN, "'C++: senior'"),
    "a hash is quoted": ("C# dev #2", Quoting.PLAIN, "'C# dev #2'"),
    "a day that does not exist is quoted": ("2030-02-30", Quoting.PLAIN, "'2030-02-30'"),
    "grouped digits are quoted": ("105,123", Quoting.PLAIN, "'105,123'"),
    "a leading zero is quoted": ("0301", Quoting.PLAIN, "'0301'"),
    "a yes is quoted": ("yes", Quoting.PLAIN, "'yes'"),
    "a y is quoted": ("y", Quoting.PLAIN, "'y'"),
    "nothing spelt out is quoted": ("null", Quoting.PLAIN, "'null'"),
    "a true is quoted": ("true", Quoting.PLAIN, "'true'"),
    "minutes are quoted": ("1:30", Quoting.PLAIN, "'1:30'"),
    "bold is quoted": ("**bold**", Quoting.PLAIN, "'**bold**'"),
    "a block is written on one line": ("a", Quoting.LITERAL, "a"),
}


@pytest.mark.parametrize(("text", "quoting", "expected"), SPELT.values(), ids=SPELT)
def test_a_value_is_spelt(text, quoting, expected):
    assert spell(text, quoting) == expected


def test_only_what_was_true_or_false_becomes_a_bare_true():
    assert spell("false", Quoting.PLAIN, was=BOOL) == "false"
    assert spell("false", Quoting.PLAIN, was=STR) == "'false'"
    assert spell("no", Quoting.PLAIN, was=BOOL) == "'no'"


def test_only_what_was_a_time_becomes_a_bare_time():
    text = "2030-03-06T10:00:00-05:00"

    assert spell(text, Quoting.PLAIN, was=TIME) == text
    assert spell(text, Quoting.PLAIN, was=STR) == f"'{text}'"
    assert spell("2030-02-30 10:00:00", Quoting.PLAIN, was=TIME) == "'2030-02-30 10:00:00'"


DIFFERENT = ["yes", "no", "on", "Off", "y", "N", "0301", "010", "1_000", "105,123", "1:30", "08", "0o17", "1e3"]
SAME = ["open", "15", "-3", "1.5", "true", "null", "~", "", "2030-03-04", "11:59 pm", "1,5 hours", "0x1f", ".inf", "é"]


@pytest.mark.parametrize("text", DIFFERENT)
def test_the_versions_of_yaml_read_it_differently(text):
    assert text in (differs(text) or "")


@pytest.mark.parametrize("text", SAME)
def test_the_versions_of_yaml_agree(text):
    assert differs(text) is None


@pytest.mark.parametrize(
    "character", ["\n", "\r", "\t", "\x00", "\x7f", "\x85", "\u2028", "\u2029", "\ufeff", "\ud800"]
)
def test_a_line_cannot_hold(character):
    assert unprintable(f"é🎉 a{character}b") == character


def test_letters_blanks_and_emoji_are_printable():
    assert unprintable("é\u00a0🎉 \u043epen \u200d") is None
