"""Which guess is believed: the surest rule whose repair lets the parser that stopped read further.

Owns the order of the rules. Where no repair helps, it says the likeliest guess on the spot, or the parser's own words.
"""

import re
from collections.abc import Iterator
from itertools import islice

from postbot.core.text.diagnosis.layout import misplaced, missing_space, no_break_space, prose, separator, tab
from postbot.core.text.diagnosis.lines import Guess, Rule, depth_of, is_field
from postbot.core.text.diagnosis.stops import Fault, Stop, first_stop
from postbot.core.text.diagnosis.values import (
    broken_quote,
    colon_in_text,
    cut_by_hash,
    quoted_parent,
    special_start,
    unknown_escape,
)

_TRIES = 24  # repairs tried per rule
_NEWLINE = re.compile(r"\r\n|\r|\n")
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_RULES: tuple[Rule, ...] = (
    no_break_space,
    separator,
    broken_quote,
    missing_space,
    special_start,
    tab,
    unknown_escape,
    cut_by_hash,
    quoted_parent,
    misplaced,
    colon_in_text,
    prose,
)
"""The surest first."""


def explain(front: str) -> Fault | None:
    """Say why the text between the two `---` lines does not load; None when it does.

    It loads when both parsers read it as one mapping (or nothing) without a repeated key, alias, anchor,
    explicit tag, directive or key that is no text. Any newline style; the size is the caller's to cap. Raises
    nothing.
    """
    lines = _NEWLINE.split(front)
    if first_stop(lines) is None:
        return None
    # The parsers do not agree which control characters end a line; without them their line numbers are ours.
    clean = [_UNPRINTABLE.sub(" ", line) for line in lines]
    stop = first_stop(clean)
    return _diagnose(clean, stop) if stop else _control_character(lines)


def _control_character(lines: list[str]) -> Fault:
    places = ((row, found) for row, line in enumerate(lines) for found in _UNPRINTABLE.finditer(line))
    row, found = next(places)
    message = f"An invisible control character (U+{ord(found[0]):04X}) stands here."
    fix = "Delete it, or put a space instead."
    return Fault(row + 1, found.start() + 1, "yaml-control-character", message, fix)


def _diagnose(lines: list[str], stop: Stop) -> Fault:
    if stop.fault and stop.fault.code != "yaml-not-a-mapping":
        return stop.fault
    return next(_believed(lines, stop), None) or stop.fault or _unverified(lines, stop)


def _believed(lines: list[str], stop: Stop) -> Iterator[Fault]:
    """Yield the faults whose repair lets the parser read further, one per rule, the surest rule first."""
    for rule in _RULES:
        best, reach = None, (stop.line, stop.column)
        for guess in islice(rule(lines, stop), _TRIES):
            got = _reach(lines, stop, guess)
            if got > reach:
                best, reach = guess.fault, got
        if best:
            yield best


_END = (1 << 30, 0)


def _reach(lines: list[str], stop: Stop, guess: Guess) -> tuple[int, int]:
    """How far the parser reads after the repair, in the columns of the text before it."""
    row = guess.fault.line - 1
    after = stop.reader([*lines[:row], guess.repaired, *lines[row + 1 :]])
    if after is None:
        return _END
    grown = len(guess.repaired) - len(lines[row]) if after.line == row else 0
    return after.line, after.column - max(0, grown)


def _unverified(lines: list[str], stop: Stop) -> Fault:
    """Where two mistakes meet, no single repair helps: take the surest guess on the spot."""
    guesses = (guess.fault for rule in _RULES for guess in islice(rule(lines, stop), _TRIES))
    spot = {stop.line + 1, stop.at + 1}
    likely = (fault for fault in guesses if fault.line in spot or _swallows_a_field(lines, fault))
    return next(likely, None) or _parsers_words(stop)


def _swallows_a_field(lines: list[str], fault: Fault) -> bool:
    """Tell an open quote that runs into the next field from one that wraps, which any mistake may follow."""
    if fault.code != "yaml-unclosed-quote":
        return False
    opening = lines[fault.line - 1]
    for line in lines[fault.line :]:
        if is_field(line) and depth_of(line) <= depth_of(opening):
            return True
        if opening[fault.column - 1] in line:
            return False
    return False


def _parsers_words(stop: Stop) -> Fault:
    words = " ".join(stop.problem.split())[:120]
    return Fault(stop.line + 1, stop.column + 1, "yaml-invalid", f"YAML cannot be read here: {words}.", None)
