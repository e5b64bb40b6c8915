"""The words of a pull request, for the person who reviews it: title, body, commit message.

Pure. It must not decide anything: what changes, and why, is known before it is called. Whatever a posting or a person
says goes through `inert` on its way in.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from shlex import quote

from postbot.core.announce import Announcement, Message, one_line
from postbot.core.dates import say
from postbot.core.inert import bare, block, cell, code, prose
from postbot.core.lifecycle import Moved, Transition, Wish, own_name
from postbot.core.plan.memory import Request
from postbot.core.plan.news import say_closing, standing_in_words
from postbot.core.posting import Gap, GapKind, Posting, as_posting, at_utc, live_field, readiness, required
from postbot.core.profile import State
from postbot.core.text.editing import LineChange, Proof

MOST_TITLE = 200
"""GitHub takes 256 characters, and adds the number when it squashes."""
MOST_BODY = 65_536
"""GitHub takes no more characters in a body."""
_ROOM = 20_000
"""What of that is kept for the announcements."""
_SHORT = 6
"""A list of more rows than that is folded away."""
_MISSING, _CHANGES, _READY = (f"### {words}\n\n" for words in ("Still missing", "What changes", "Ready to open?"))
_ANNOUNCED, _LAST = (f"### {words}\n\n" for words in ("What will be announced", "To change or stop this"))


# Title and commit message --------------------------------------------------------------------------------------------


def title_of(posting: Posting, wish: Wish) -> str:
    """The title of the pull request, which is also the first line of its commit message."""
    return _short(f"{wish.transition.capitalize()}: {bare(posting.title) or bare(posting.slug)}")


def commit_message(posting: Posting, wish: Wish, due: datetime, request: Request | None, title: str) -> str:
    """The title and our trailers; nobody's words can add a line of their own."""
    trailers = [
        f"Postbot-Transition: {wish.transition}",
        f"Postbot-Posting: {bare(posting.path)}",
        f"Postbot-Due: {at_utc(due)}",
    ]
    if request:
        trailers.append(f"Requested-By: {_short(bare(request.by)) or 'somebody'}")
    if wish.reason:
        trailers.append(f"Postbot-Reason: {_short(bare(wish.reason)) or 'not said'}")
    return f"{title}\n\n" + "\n".join(trailers) + "\n"


def _short(line: str) -> str:
    return line if len(line) <= MOST_TITLE else f"{line[: MOST_TITLE - 1]}…"


# Body ----------------------------------------------------------------------------------------------------------------


def body(
    posting: Posting,
    moved: Moved,
    wish: Wish,
    due: datetime,
    request: Request | None,
    diff: str,
    lacks: Sequence[str] = (),
) -> str:
    """Everything a reviewer needs but the announcements, as Markdown. `lacks` says why it is a draft, if it is one."""
    after = as_posting(moved.edited.document, posting.profile, posting.zone)
    opening = wish.transition is Transition.OPEN
    headline = f"{_when(posting, after, due, request)}, the public sees {code(posting.title)}"
    sections = [
        f"**{'Not ready yet. ' if lacks else ''}{headline} {_seen(posting, after, wish, due)}.**",
        _asked(posting, wish, due, request),
        *(f"> **Please note:** {prose(remark)}" for remark in moved.remarks),
        *([_draft(posting, lacks)] if lacks else []),
        f"{_CHANGES}{block(diff, 'diff')}",
        _folded("Proof", _proof(moved.edited.proof)),
        *([_READY + _table(posting, after, moved.edited.proof, wish)] if opening else []),
        _LAST + "\n".join(_ways(posting, after, wish, due, request)),
    ]
    return _fitted(sections, MOST_BODY - _ROOM) + "\n"


def _when(posting: Posting, after: Posting, due: datetime, request: Request | None) -> str:
    if request and due <= request.filed_at:
        return "As soon as this is merged"
    by_itself = _moves_by_itself(posting, after, due)
    return f"From {say(due, posting.zone)}, {'merged or not' if by_itself else 'once this is merged'}"


def _moves_by_itself(posting: Posting, after: Posting, due: datetime) -> bool:
    """Whether the public sees the same then without this: where the dates decide, it only brings other fields along."""
    return posting.profile.dates_decide and posting.state(due) is after.state(due)


def _seen(posting: Posting, after: Posting, wish: Wish, due: datetime) -> str:
    """How the public sees it, in words that follow `the public sees it`."""
    closes = say_closing(after.window.closes, after.zone) if after.window.closes else None
    announced = say_closing(posting.window.closes, posting.zone) if posting.window.closes else "not known"
    match wish.transition:
        case Transition.OPEN:
            return f"as open for applications, {f'until {closes}' if closes else 'with no closing date'}"
        case Transition.CLOSE:
            early = posting.window.closes is not None and posting.window.closes > due
            return f"as closed{f', before its announced closing date, {announced}' if early else ''}"
        case Transition.EXTEND:
            again = "open again, " if posting.state(due) is State.CLOSED else ""
            return f"{again}with {closes} as its closing date, instead of {announced}"
        case Transition.ARCHIVE:
            return "as closed, as before: only its file moves to the archive"
        case Transition.UNDO:
            return f"as {standing_in_words(after, due)}, as it was before"
        case Transition.POSTPONE | Transition.REOPEN | Transition.WITHDRAW:
            opens = after.window.opens
            return f"as upcoming, {f'to open on {say(opens, after.zone)}' if opens else 'with no opening date yet'}"


def _asked(posting: Posting, wish: Wish, due: datetime, request: Request | None) -> str:
    why = f" Reason: {code(wish.reason)}." if wish.reason else ""
    if request:
        return f"{code(request.by)} asked for this on {say(request.filed_at, posting.zone)}.{why}"
    if wish.transition is Transition.ARCHIVE:
        return f"The clock asks for this: the posting has been closed for long enough on {say(due, posting.zone)}."
    opening = wish.transition is Transition.OPEN
    field = live_field(posting.document, posting.profile.opens if opening else posting.profile.closes)
    said = f"{code(f'{field.key}: {field.text}')} in line {field.line}" if field else "a date"
    return f"The clock asks for this: the posting says {said}.{why}"


def _draft(posting: Posting, lacks: Sequence[str]) -> str:
    missing = "\n".join(f"- {prose(sentence)}" for sentence in lacks)
    where = f"Fill it in on the base branch, in {code(posting.path)}, and this pull request follows."
    return (
        f"{_MISSING}This is a draft until nothing is missing:\n\n{missing}\n\n"
        f"{where} Or commit on this branch, which is yours from then on."
    )


def _folded(summary: str, rows: Sequence[str]) -> str:
    listed = "\n".join(rows)
    if len(rows) <= _SHORT:
        return listed
    return f"<details><summary>{summary}: {len(rows)} points</summary>\n\n{listed}\n\n</details>"


def _proof(proof: Proof) -> list[str]:
    """Which values, how many lines, which comments, and that the text below is the same."""
    count = len(proof.lines)
    used = f", {len(proof.comments_named)} used up by this edit" if proof.comments_named else ""
    return [
        *(f"- {code(value.key)}: {_value(value.before)} becomes {_value(value.after)}" for value in proof.values),
        f"- {count} line{'s' if count != 1 else ''} changed; every other byte is the same",
        f"- Comments: {proof.comments_before} before, {proof.comments_after} after{used}",
        f"- The text below the front matter is unchanged, sha256 `{proof.body_sha256[:12]}`",
        *(f"- {code(own)} is this file's own spelling of {code(asked)}; it stays" for asked, own in proof.spelling),
    ]


def _value(text: str | None) -> str:
    return "*not set*" if text is None else code(text)


# Readiness -----------------------------------------------------------------------------------------------------------


def _table(posting: Posting, after: Posting, proof: Proof, wish: Wish) -> str:
    """What an open posting needs and what the edit writes: each field as it will be, and where that is from."""
    given = {own_name(posting, key).lower() for key in wish.values}
    offered = {gap.key: gap for gap in readiness(posting, State.OPEN)}
    missing = {gap.key: gap for gap in readiness(after, State.OPEN)}
    written = [value.key for value in proof.values]

    def origin(key: str) -> str:
        field = posting.document.fields.get(key)
        if key in missing:
            return f"**MISSING**{_place(missing[key])}"
        if key not in written:
            return f"line {field.line} of the file" if field else "the file"
        if key.lower() in given:
            return "the request"
        return "the file's own default" if key in offered and offered[key].default else "this change"

    rows = (
        f"| {cell(key)} | {_held(after, key)} | {origin(key)} |"
        for key in dict.fromkeys((*required(posting, State.OPEN), *written))
    )
    lack = f"{len(missing)} {'fields are' if len(missing) > 1 else 'field is'} missing"
    summary = f"Not yet: {lack}." if missing else "Everything that an open position needs is filled in."
    return "\n".join((summary, "", "| Field | Value | From |", "| --- | --- | --- |", *rows))


def _held(posting: Posting, key: str) -> str:
    field = posting.document.fields.get(key)
    return "" if field is None else "*a list*" if field.text is None else cell(field.text)


def _place(gap: Gap) -> str:
    return "" if gap.kind is GapKind.MISSING else f": {gap.kind}, line {gap.line}"


# What to do with it --------------------------------------------------------------------------------------------------


def _ways(posting: Posting, after: Posting, wish: Wish, due: datetime, request: Request | None) -> Iterator[str]:
    if request:
        yield "- **Stop it:** close this pull request. That ends the request, and the staff hear of it."
    else:
        yield (
            "- **Stop it:** close this pull request. That means no until the date in the posting changes. To be asked "
            "again before, write `ask me on YYYY-MM-DD` in the comment that closes it."
        )
    yield (
        "- **Change it:** edit the posting on the base branch, and this pull request follows. Or commit on this "
        "branch: it is yours from then on, and postbot leaves it alone."
    )
    yield f"- **Early or late:** {_timing(posting, after, wish, due, request)}"


def _timing(posting: Posting, after: Posting, wish: Wish, due: datetime, request: Request | None) -> str:
    if wish.transition is Transition.ARCHIVE:
        return "nothing hurries; the public sees no difference."
    if request and due <= request.filed_at:
        return "it takes effect when it is merged, and until then the public sees the page as it is."
    if _moves_by_itself(posting, after, due):
        return "this only brings other fields along with what the dates say."
    meanwhile = (
        f"merged later, the public sees it as {posting.state(due)} until then, and the announcement says how late it is"
    )
    if wish.transition is Transition.CLOSE:
        command = code(f"postbot close {quote(posting.slug)} --reason filled")
        return f"merged before its date, it is announced as closed early ({command} says why, too); {meanwhile}."
    return f"merged before its date, it takes effect and is announced at once; {meanwhile}."


# Announcements -------------------------------------------------------------------------------------------------------


def announced(
    text: str, foretold: Sequence[Announcement], messages: Sequence[Message], *, to_team: bool = False
) -> str:
    """The body with what its merge will announce, each text once with all who get it, before its last section.

    `to_team`: postbot speaks to the team only so far, and to these once somebody lets it.
    """
    head, last, ways = text.rpartition(_LAST)
    section = _ANNOUNCED + (_TO_TEAM if to_team and messages else "") + _messages(foretold, messages)
    if len(text) + len(section) + len("\n\n") > MOST_BODY:
        section = _left_out(section)
    return f"{head}{section}\n\n{last}{ways}"


_TO_TEAM = "Until somebody says `postbot release public`, only the team hears this.\n\n"


def _messages(foretold: Sequence[Announcement], messages: Sequence[Message]) -> str:
    if not foretold:
        return "Nothing: for those who follow the openings, this merge is no news."
    if not messages:
        return "Nothing: nobody is listed for this kind of news."
    told: dict[tuple[str, str], list[Message]] = {}
    for message in messages:
        told.setdefault((message.subject, message.body), []).append(message)
    texts = (
        f"**To** {_listed(to)}\\\n**Subject** {code(subject)}\n\n{block(words.rstrip(), 'text')}"
        for (subject, words), to in told.items()
    )
    return "\n\n".join((_after_merge(messages), *texts))


def _after_merge(messages: Sequence[Message]) -> str:
    waits = any(message.page for message in messages)
    return "Once this is merged, and the public page shows it:" if waits else "Once this is merged:"


def _listed(recipients: Sequence[Message]) -> str:
    """Who gets it and why; one reason that several share is said once."""
    why: dict[str, list[str]] = {}
    for message in recipients[:_MOST_NAMED]:
        why.setdefault(message.why, []).append(code(f"{message.channel}:{message.recipient}"))
    named = "; ".join(f"{', '.join(names)}{f' by {code(reason)}' if reason else ''}" for reason, names in why.items())
    more = len(recipients) - _MOST_NAMED
    return f"{named}; and {more} more" if more > 0 else named


_MOST_NAMED = 20


# Length --------------------------------------------------------------------------------------------------------------


def _fitted(sections: Sequence[str], most: int) -> str:
    """The sections as one text; while that is too long, the longest gives way to a sentence."""
    kept = list(sections)
    while len(text := "\n\n".join(kept)) > most:
        longest = max(range(len(kept)), key=lambda at: len(kept[at]))
        kept[longest] = _left_out(kept[longest])
    return text


def _left_out(section: str) -> str:
    heading = section.partition("\n\n")[0] + "\n\n" if section.startswith("###") else ""
    return f"{heading}*Left out: {len(section):,} characters, more than fit in here.*"


# The diff ------------------------------------------------------------------------------------------------------------


def diff_lines(path: str, changes: Sequence[LineChange]) -> list[str]:
    """The changed lines as a diff without context, each run of neighbours under its own place."""
    lines = [f"--- {one_line(path)}", f"+++ {one_line(path)}"]
    previous = None
    for group in _neighbours(changes):
        if previous != group[0].line:
            lines.append(f"@@ line {group[0].line} @@")
        lines += [f"-{change.before}" for change in group if change.before is not None]
        lines += [f"+{change.after}" for change in group if change.after is not None]
        previous = group[-1].line
    return lines


def _neighbours(changes: Sequence[LineChange]) -> list[list[LineChange]]:
    groups: list[list[LineChange]] = []
    for change in changes:
        if groups and change.line == groups[-1][-1].line + 1:
            groups[-1].append(change)
        else:
            groups.append([change])
    return groups
