"""Text that people wrote stands there and does nothing, wherever GitHub reads it."""

import re
from collections.abc import Callable
from html import unescape

import cmarkgfm
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbot.core.inert import BREAK, bare, block, cell, code, prose, shown
from tests.payloads import PAYLOADS, PIECES, hides, read

SLOTS: dict[str, Callable[[str], str]] = {
    "a code span": lambda text: f"Before {code(text)} and *after*.\n\n- {code(text)}",
    "a table cell": lambda text: f"| A | B |\n| --- | --- |\n| {cell(text)} | {cell(text)} |\n\nAfter.",
    "a block": lambda text: f"Before.\n\n{block(text, 'diff')}\n\nAfter.",
    "a sentence": lambda text: f"{prose(f'w{text}')}\n\n- {prose(f'`w` w{text}w')}\n\nAfter.",
    "a sentence of nothing else": lambda text: f"- {prose(text)}\n\nAfter.",
    "a title": lambda text: f"Open: {bare(text)}",
}
ANYTHING = st.text(st.characters(exclude_categories=()))
TRICKS = st.lists(st.sampled_from(PIECES)).map("".join)


def test_there_are_hundreds_of_payloads() -> None:
    assert len(set(PAYLOADS)) > 200


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
@pytest.mark.parametrize("slot", SLOTS)
def test_a_payload_makes_no_element_and_no_reaction(slot: str, payload: str) -> None:
    assert_inert(slot, payload)


@given(slot=st.sampled_from(sorted(SLOTS)), text=ANYTHING | TRICKS)
def test_no_text_makes_an_element_or_a_reaction(slot: str, text: str) -> None:
    assert_inert(slot, text)


def assert_inert(slot: str, text: str) -> None:
    """Its elements are those of plain words, but for the words that our own sentences put in code."""
    markdown = SLOTS[slot](text)
    elements, found = read(markdown)
    plain = read(SLOTS[slot]("word" if shown(text) else ""))[0]
    marks = ("code", "/code") if "sentence" in slot or "title" in slot else ()
    if "title" in slot:
        marks += ("em", "/em", "strong", "/strong", "del", "/del")  # a title shows these as they are
    assert [each for each in elements if each not in marks] == [each for each in plain if each not in marks]
    assert found == []
    assert not [letter for letter in markdown if hides(letter)]


@given(ANYTHING | TRICKS)
def test_a_code_span_shows_its_text_to_the_letter(text: str) -> None:
    line = shown(text)
    if line and len(line) <= 300:
        assert in_code(f"x {code(text)} x") == line
        assert in_code(f"| a |\n| - |\n| {cell(text)} |") == line


@given(ANYTHING | TRICKS)
def test_a_block_shows_its_lines_to_the_letter(text: str) -> None:
    if not any(map(hides, text)) and shown(text) == " ".join(text.split()):
        assert in_code(block(text)) == f"{text}\n"


def in_code(markdown: str) -> str:
    [found] = re.findall(r"<code>(.*?)</code>", cmarkgfm.github_flavored_markdown_to_html(markdown), re.DOTALL)
    return unescape(found)


@given(ANYTHING | TRICKS)
def test_a_bare_line_is_the_text_but_for_breaks(text: str) -> None:
    assert bare(text).replace(BREAK, "") == shown(text)
    assert len(bare(text).splitlines()) <= 1


@pytest.mark.parametrize(
    "text",
    [
        "Senior C# developer",
        "Analyst @ the agency",
        "IT Specialist (INFOSEC), GS-14",
        "R&D: 50/50 *remote*",
        "Añil 中文 ❤️ 👨‍👩‍👧",
    ],
)
def test_an_ordinary_title_stays_as_it_is(text: str) -> None:
    assert bare(text) == shown(text) == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("op\u200ben", "op⟨U+200B⟩en"),
        ("\u202egpj.exe", "⟨U+202E⟩gpj.exe"),
        ("a\x00b", "a⟨U+0000⟩b"),
        ("a\r\n b\tc ", "a b c"),
        ("op\ufe0fen", "op⟨U+FE0F⟩en"),
        ("\U000e0041", "⟨U+E0041⟩"),
    ],
)
def test_what_hides_is_shown_by_its_number(text: str, seen: str) -> None:
    assert shown(text) == seen
    assert code(text) == f"`{seen}`"


def test_what_a_sentence_marks_becomes_code_and_the_rest_is_escaped() -> None:
    assert prose("`closes` is set to 2026-03-11 (*really*), see @robin.") == (
        f"`closes` is set to 2026-03-11 (\\*really\\*), see @{BREAK}robin."
    )


def test_a_long_text_is_shortened_in_code_and_says_so() -> None:
    assert code("x" * 1500) == f"`{'x' * 300}… (1,200 more characters)`"
