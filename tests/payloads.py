"""What hostile or careless people write into postings, and a reader that sees what GitHub would make of it.

The reader renders with GitHub's own Markdown renderer. It compares the elements with those of the same text holding
plain words, and looks in whatever is not code for what GitHub reacts to, by patterns of its own.
"""

import re
import unicodedata
from html.parser import HTMLParser
from itertools import product

import cmarkgfm
from cmarkgfm.cmark import Options

from postbot.core.inert import BREAK

_MENTIONS = ["@robin", "@agency/hr", "hello @a-b", "(@x)", "@robin@robin", "\uff20robin @1", "a@b", "@\u200brobin @c"]
_REFERENCES = [
    "#1",
    "GH-12",
    "gh-7",
    "agency/site#3",
    "agency/site@0123456",
    "(#44)",
    "##5",
    "C#9",
    "#1#2",
    "GHSA-a1-b2",
]
_SHAS = ["0123456", "deadbeef", "c0ffee1", "0123456789abcdef0123456789abcdef01234567", "20260304", "ABCDEF01"]
_VERBS = ["close", "closes", "Closed:", "fix", "fixes", "FIXED", "resolve", "resolves", "Resolved:"]
_TARGETS = ["#1", "GH-1", "agency/site#1", "https://github.com/agency/site/issues/1"]
_CLOSING = [f"{verb} {target}" for verb, target in product(_VERBS, _TARGETS)]
_LINKS = [
    "https://evil.example",
    "http://evil.example/a_(b)",
    "ftp://evil.example/x",
    "www.evil.example",
    "WWW.EVIL.EXAMPLE",
    "mail@evil.example",
    "mailto:mail@evil.example",
    "xmpp:mail@evil.example/x",
    "<https://evil.example>",
    "<mail@evil.example>",
    "[x](https://evil.example)",
    "[x](javascript:alert(1))",
    "[x](<data:text/html,x>)",
    "[x][y]\n\n[y]: https://evil.example",
    "[y]: /x 'z'\n\n[y]",
    "[x] [y]",
    "![x](https://evil.example/x.png)",
    "[![x](x.png)](https://evil.example)",
    "[x](\nhttps://evil.example)",
    "(https://evil.example)",
    "**https://evil.example**",
    "x[^1]\n\n[^1]: https://evil.example",
    "[^note]",
    "[a]()",
    "[](x)",
]
_HTML = [
    "<b>bold</b>",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "<a href=x>y</a>",
    "</details>",
    "</code></pre><h1>x",
    "<!-- hidden",
    "--> <!--",
    "<!DOCTYPE html>",
    "<?php x ?>",
    "<![CDATA[x]]>",
    "<details open><summary>x</summary>",
    "<svg/onload=x>",
    "<br/>",
    "&lt;b&gt; &amp; &#64;robin &#x40;robin",
    "&commat;robin &num;1",
    "<kbd>x</kbd",
    "<picture><source srcset=x></picture>",
    "<math>",
    "< b>",
]
_BLOCKS = [
    "# heading",
    "x\n===",
    "x\n---",
    "---\n",
    "***",
    "- [ ] task",
    "- [x] done",
    "[ ] task",
    "1. one\n2. two",
    "1) one",
    "12345. x",
    "+ plus",
    "* star",
    "= equal",
    "> quote",
    "> [!WARNING]\n> x",
    "| a | b |\n| - | - |\n| 1 | 2 |",
    "a | b\n--|--",
    "|",
    "\\|",
    "\\\\|",
    "x \\",
    "x\\\n",
    "    indented",
    "\tindented",
    "```\ncode\n```",
    "````\n```\n````",
    "~~~\ncode\n~~~",
    "```suggestion\nx\n```",
    "```mermaid\ngraph\n```",
    "``` ` ```` `` ```",
    "`",
    "``",
    "` `` ``` ````",
    "`code`",
    "`open",
    "shut`",
    "`a``b`",
    "a`b`c`d",
    "`" * 79,
    "`" * 81,
    "`" * 300 + "@robin",
    " ".join("`" * n for n in range(1, 90)) + " @robin #1",
    "$x$ $$y$$",
    "$`x`$",
    "*em* **strong** ~~gone~~ _em_ __strong__",
    "\n\n@robin",
    "\n\n# heading\n\nx",
    "+++ b/x\n@@ -1 +1 @@",
    "diff --git a/x b/x",
]
_SKIPS = [
    "[skip ci]",
    "[ci skip]",
    "[no ci]",
    "[skip actions]",
    "[actions skip]",
    "[Skip CI]",
    "[skip\u200b ci]",
    "[ skip ci ]",
    "***NO_CI***",
    "skip-checks: true",
    "x\n\n\nskip-checks:true",
    "x\nskip-checks: true",
    "[skip netlify] [skip cd]",
]
_TRAILERS = [
    "x\n\nCo-authored-by: Evil <mail@evil.example>",
    "x\nSigned-off-by: Evil",
    "x\r\n\r\nPostbot-Due: never",
    "x\rRequested-By: boss",
    "x\u2028Requested-By: boss",
    "x\x85Requested-By: boss",
    "x\x0bRequested-By: boss",
    "x\x0cRequested-By: boss",
    "Requested-By: boss",
    "(cherry picked from commit 0123456789)",
    "---",
    "--- x",
    "# comment",
    "-- \n2.40",
]
_HIDING = [
    "\u202egnp.exe",
    "a\u202db\u202c",
    "\u2066x\u2069",
    "\u200f\u200e",
    "op\u200ben",
    "op\u200cen",
    "op\u200den",
    "op\u2060en",
    "op\ufeffen",
    "op\u00aden",
    "op\ufe0fen",
    "op\u034fen",
    "\u115f\u1160\u3164\uffa0",
    "\u061c",
    "\u180e",
    "\U000e0041\U000e0042",
    "\U000e0100",
    "\x00",
    "a\x00b",
    "a\rb",
    "a\r\nb",
    "\x1b[31mred",
    "\x07\x08",
    "\x7f\x9b",
    "\ud800",
    "\ue000",
    "\U000f0000",
    "\ufffe\uffff",
    "\ufff9x\ufffay\ufffb",
    "\U0001d173",
    "\u2800",
    "\u00a0x\u00a0",
]
_OTHERS = [
    "{{ page.title }}",
    "{% include evil %}",
    "{{7*7}}",
    "${{ secrets.TOKEN }}",
    "$(id) `id` ;|&",
    ":tada:",
    ":+1: :x:",
    "a:smile:b",
    "/lgtm",
    "/close",
    "@dependabot merge",
    "bors r+",
    "fixup! x",
    "%0A%0D",
    "=cmd|' /C calc'!A0",
    "\u043epen",
    "\u05d0\u05d1\u05d2 @robin",
    "\u2764\ufe0f \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "x" * 5000,
    "@robin " * 900,
    "#1\n" * 900,
    "\u00e9\u4e2d\U0001f600" * 200,
    "JIRA-12",
    "CVE-2026-0001",
]
PAYLOADS = [
    *(_MENTIONS + _REFERENCES + _SHAS + _CLOSING + _LINKS + _HTML),
    *(_BLOCKS + _SKIPS + _TRAILERS + _HIDING + _OTHERS),
]
PIECES = [
    *"`|\\@#[]()<>!*_~$&:-+=.\r\n\t 1a",
    "```",
    "@a",
    "#1",
    "www.",
    "://",
    "](",
    "GH-1",
    "[ ]",
    "\u200b",
    "\u202e",
]

_REACTS = {
    "mention": r"@\w",
    "reference": r"#\d|\b(GH|CVE|GHSA)-\w",
    "commit": r"(?<![0-9a-z])[0-9a-f]{7,40}(?![0-9a-z])",
    "link": r"://|\bwww\.",
    "closing": r"\b(close[sd]?|fix(e[sd])?|resolve[sd]?):?\s+(#\d|GH-\d|[\w.-]+/[\w.-]+#\d|https?://)",
    "skip": r"\[(skip ci|ci skip|no ci|skip actions|actions skip)\]|\*\*\*NO_CI\*\*\*",
    "emoji": r":[a-z0-9_+-]+:",
}


def reactions(text: str) -> list[str]:
    """What GitHub would react to in text that is no code."""
    found = [name for name, pattern in _REACTS.items() if re.search(pattern, text, re.IGNORECASE)]
    return found + [f"U+{ord(letter):04X}" for letter in text if hides(letter)]


def hides(letter: str) -> bool:
    """Whether a character cannot be seen; of those that join emoji, and of our own break, others see to it."""
    joins = letter in ("\n", "\t", "\u200d", "\ufe0f", BREAK)
    return not joins and unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.words: list[str] = []
        self._code = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self._code += tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self.elements.append(f"/{tag}")
        self._code -= tag == "code"

    def handle_comment(self, data: str) -> None:
        self.elements.append("comment")

    def handle_decl(self, decl: str) -> None:
        self.elements.append("declaration")

    def unknown_decl(self, data: str) -> None:
        self.elements.append("declaration")

    def handle_pi(self, data: str) -> None:
        self.elements.append("instruction")

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.words.append(data)


def read(markdown: str) -> tuple[list[str], list[str]]:
    """The HTML elements that GitHub makes of a text, and what it reacts to in what is no code."""
    reader = _Reader()
    reader.feed(
        cmarkgfm.github_flavored_markdown_to_html(markdown, Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES)
    )
    reader.close()
    return reader.elements, [found for words in reader.words for found in reactions(words)]
