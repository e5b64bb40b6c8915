"""Text that people wrote, made to stand there and do nothing where GitHub reads it.

Pure. GitHub turns text into mentions, references, links, closing keywords, HTML and orders to skip the checks. Inside
code it does none of that, so foreign text stands in code (`code`, `cell`, `block`) wherever Markdown is read. Where
there is no code (titles, commit messages, our own sentences) an invisible break goes into whatever could start
something (`bare`, `prose`). What cannot be seen, or turns the text around it, is shown by its number: U+202E.
Nothing else may be changed: a reviewer has to see what the file will hold.
"""

import re

BREAK = "\u200b"
"""A zero-width space. Renovate and Dependabot break mentions with it too; no pattern of GitHub's reaches across it."""

_PICTURES = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u27ff\u2900-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
HIDDEN = re.compile(
    # Controls, line and paragraph separators, surrogates, private use, characters that are none ...
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\uf8ff\ufdd0-\ufdef\ufff0-\ufffb\ufffe\uffff\U000f0000-\U0010ffff]"
    # ... and Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt, but for what joins two pictures.
    "|[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164]"
    f"|[\ufe00-\ufe0e\ufeff\uffa0\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    f"|(?<![{_PICTURES}0-9#*])\ufe0f|(?<![{_PICTURES}\ufe0f])\u200d|\u200d(?![{_PICTURES}])"
)
_TRIGGERS = re.compile(
    r"""
      [@\#](?=\w)               # @name, owner/repo@commit, #1, owner/repo#1; without the latter no `closes` closes
    | GH(?=-\d) | (?:GHSA|CVE)(?=-\w)  # GH-1 is another #1; the others lead to advisories
    | [0-9a-f]{6}(?=[0-9a-f])   # seven hex digits name a commit
    | :(?=//) | www(?=\.)       # addresses; those of issues are references and can be closed
    | [\[\]<](?=\S)             # [skip ci] and all its kin, links, images, task boxes, footnotes, HTML
    | \*(?=\*)                  # ***NO_CI***
    | :(?=[\w+-]+:)             # :tada:
    | &(?=\#?\w+;)              # any of these, as an entity
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""What starts something outside of code, up to the place where it is broken.

docs.github.com: "Autolinked references and URLs", "Skipping workflow runs", "Linking a pull request to an issue"; and
the GitHub Flavored Markdown specification, 6.9.
"""
_MARKUP = re.compile(r"[\\`*_\[\]<>#!|~&$]|^[-+=]|^\d+[.)]")
"""What Markdown gives a meaning within one line, or at its start. CommonMark lets a backslash take that from each."""
_LONGEST = 300
"""No code span holds more: so its fence stays far below the 80 backticks that cmark takes at most."""


def shown(text: str) -> str:
    """Text on one line in which nothing hides: blanks are one space each, what cannot be seen stands as ⟨U+202E⟩."""
    return _numbered(" ".join(re.split("[ \t\r\n]+", text)).strip(" "))


def bare(text: str) -> str:
    """One line for a title or a commit message, where there is no code to put it in: every trigger is broken."""
    return _TRIGGERS.sub(lambda found: found[0] + BREAK, shown(text))


def prose(sentence: str) -> str:
    """One of our own sentences with other people's words in it, as Markdown: its `marked` parts become code."""
    parts = re.split("`([^`]*[^` ][^`]*)`", shown(sentence))
    return "".join(code(part) if at % 2 else _escaped(part) for at, part in enumerate(parts))


def code(text: str) -> str:
    """Text as a Markdown code span, shortened if it is very long."""
    line = shown(text)
    if len(line) > _LONGEST:
        line = f"{line[:_LONGEST]}… ({len(line) - _LONGEST:,} more characters)"
    runs = {len(run) for run in re.findall("`+", line)}
    fence = "`" * next(length for length in range(1, len(runs) + 2) if length not in runs)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}" if line else "*(empty)*"


def cell(text: str) -> str:
    """Text as a code span in a cell of a Markdown table, where a bar would end the cell even in code."""
    return code(text).replace("|", "\\|")


def block(text: str, language: str = "") -> str:
    """Lines of text as a Markdown code block, its fence longer than any run of backticks inside."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    lines = (_numbered(line) for line in text.split("\n"))
    return "\n".join((f"{fence}{language}", *lines, fence))


def _escaped(text: str) -> str:
    broken = _TRIGGERS.sub(lambda found: found[0] + BREAK, text)
    return _MARKUP.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", broken)


def _numbered(line: str) -> str:
    return HIDDEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", line)
