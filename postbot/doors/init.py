"""`postbot init`: look at a site, write its configuration, say what was seen and what it rests on.

It reads the published branch through git alone and writes one file, the configuration, never over another unless
told to. It asks nothing: what cannot be seen gets a safe value and a line that says to check it.
"""

import os
import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path as Folder
from zoneinfo import available_timezones

import yaml

from postbot.config import CONFIG_NAME, ROUTES_NAME, ConfigError, shipped, shipped_profiles
from postbot.core.announce import one_line
from postbot.core.infer import Sighting, is_within, readers_of, sight
from postbot.core.problem import Problem
from postbot.core.profile import EarlyClose, Profile
from postbot.core.site import LARGEST, Path, Snapshot
from postbot.hosts import HostError
from postbot.hosts.git import Git
from postbot.hosts.local import LocalHost
from postbot.hosts.tree import PREFIX, REGULAR, Entry

_HEADS = "refs/heads/"
_CODE = (
    ".html", ".htm", ".xml", ".liquid", ".njk", ".hbs", ".ejs", ".erb", ".haml", ".slim", ".pug", ".tmpl",
    ".rb", ".js", ".mjs", ".cjs", ".ts",
)  # fmt: skip
_NOT_THEIRS = frozenset({"_site", "node_modules", "vendor"})
"""Folders of what is built or other people's: a word in there says nothing about the site's own templates."""
_FIRST = 3
"""So many names are told of a long list."""
# Where Jekyll (`timezone`) and Hugo (`timeZone`) are told the site's own clock.
_SETTINGS = ("_config.yml", "_config.yaml", *(f"{n}.{e}" for n in ("hugo", "config") for e in ("toml", "yaml", "yml")))
_ZONE_SETTING = re.compile(r"(?mi)^timezone\s*[:=]\s*[\"']?(?P<zone>[A-Za-z][\w+/-]*)")
_CHECK_ZONE = "Check it: a date that names no zone is read by it, so a wrong one opens and closes hours off."
_HEADER = """\
# postbot's settings for this site, written by `postbot init` from what it saw. Change what is not right.
# Paths are relative to the folder that this file is in. An unknown setting is an error, so no misspelling goes unseen.
"""


def run(repo: Folder, target: Folder, *, force: bool, say: Callable[[str], None]) -> bool:
    """Write the configuration of the site in `repo` to `target`, and say in plain lines what was seen.

    False, and nothing written: there is a file already, here or above it in the same checkout, and no `force`, or
    nothing looks like a posting. Raises `HostError` when the repository cannot be read and `ConfigError` when the file
    cannot be written.
    """
    existing = os.path.lexists(target)
    if existing and not force:
        say(f"{target} exists already and was left as it is. To replace it, run: postbot init --force")
        return False
    if (above := _above(target, repo)) and not force:
        say(
            f"{above} is there already, and two for the same postings would say everything twice. Run postbot in its "
            "folder. For a second site in this repository, run: postbot init --force"
        )
        return False
    git = Git(repo, "postbot", "postbot@localhost")
    base = _base(git)
    seen = LocalHost(repo, base).look()
    profiles = shipped_profiles()
    sighting = sight({path: file.data for path, file in seen.files.items()}, tuple(profiles.values()))
    say(f"Looked at the branch {base} of {repo}: {_count(len(seen.files), 'Markdown file')}.")
    if sighting is None:
        say(f"None of them looks like a posting that postbot knows. {_how_to_go_on(profiles)} Nothing was written.")
        return False
    sighting = _completed(sighting, seen, git)
    _write(target, _configuration(sighting, _relative(repo, target), base), force=force)
    routes = _write_routes(target)
    for line in _told(sighting):
        say(line)
    say(f"{'Replaced' if existing else 'Wrote'} {target}; every setting is explained in it.")
    say(f"{routes}; it says who hears what.")
    say("Next, and neither changes anything: postbot check (what is wrong), postbot plan (what would come).")
    return True


def _above(target: Folder, repo: Folder) -> Folder | None:
    """A configuration in a folder above this one, within the checkout that the site is kept in."""
    folders = [target.resolve().parent, *target.resolve().parent.parents]
    top = next((number for number, folder in enumerate(folders) if os.path.lexists(folder / ".git")), 0)
    if not repo.resolve().is_relative_to(folders[top]):
        return None
    return next((found for folder in folders[1 : top + 1] if os.path.lexists(found := folder / CONFIG_NAME)), None)


def _how_to_go_on(profiles: Mapping[str, Profile]) -> str:
    known = ", ".join(sorted(profiles))
    return f"It knows {known}; for another kind of site copy config/profiles/jekyll-state.yaml and change the names."


# Looking ------------------------------------------------------------------------------------------------------------


def _base(git: Git) -> str:
    """The branch that HEAD names, else main or master, else the only one there is."""
    heads = _branches(git)
    if not heads:
        raise HostError(f"{git.repo} has no commits on any branch yet; there is nothing to look at.")
    current: list[str] = []
    with suppress(HostError):  # HEAD may name a branch that is not there, as in a bare repository filled by a push
        current = _branches(git, "--points-at=HEAD")
    if len(current) > 1:
        current = [name for name in current if git.checkout_of(_HEADS + name)] or current
    choices = current or heads
    usual = [name for name in ("main", "master") if name in choices]
    if not usual and not current and len(heads) > 1:
        said = f"It is unclear which branch of {git.repo} is published ({_some(heads)}); check that one out there."
        raise HostError(said)
    return [*usual, *choices][0]


def _branches(git: Git, *options: str) -> list[str]:
    names = [ref.removeprefix(_HEADS) for ref in git.refs(*options, _HEADS)]
    return [name for name in names if not name.startswith(PREFIX)]


def _completed(sighting: Sighting, seen: Snapshot, git: Git) -> Sighting:
    """Add what the Markdown files cannot tell: files that are none to git, and templates that close early."""
    unread = [problem for problem in seen.problems if is_within(problem.path, sighting.folders)]
    sighting = replace(_zoned(sighting, seen, git), problems=(*sighting.problems, *unread))
    name = sighting.profile.closed_on
    if not name:
        return sighting
    leaves = [leaf for leaf in git.leaves(seen.commit, [b""]).values() if _is_code(leaf)]
    data = git.read(leaf.blob for leaf in leaves)
    files = {Path(leaf.path.decode(errors="replace")): data[leaf.blob] for leaf in leaves}
    return replace(sighting, closed_on_in=readers_of(name, files))


def _zoned(sighting: Sighting, seen: Snapshot, git: Git) -> Sighting:
    """Prefer the zone that the site generator itself is told, in its own configuration at the root."""
    leaves = git.leaves(seen.commit, [name.encode() for name in _SETTINGS])
    for leaf in leaves.values():
        told = _ZONE_SETTING.search(git.read([leaf.blob])[leaf.blob].decode(errors="replace"))
        if told and told["zone"] in available_timezones():
            return replace(sighting, zone=told["zone"], zone_in=Path(leaf.path.decode()))
    return sighting


def _is_code(leaf: Entry) -> bool:
    path = leaf.path.decode(errors="replace")
    theirs = _NOT_THEIRS.isdisjoint(path.split("/"))
    return leaf.mode in REGULAR and leaf.size <= LARGEST and path.lower().endswith(_CODE) and theirs


# Writing ------------------------------------------------------------------------------------------------------------


def _configuration(sighting: Sighting, repo: str, base: str) -> str:
    """The shipped example with this site's own values, so that example and result explain the same settings."""
    text = (shipped() / CONFIG_NAME).read_text(encoding="utf-8")
    early, why = _early_close(sighting)
    settings = (
        ("repo", _yaml(repo), ""),
        ("base", _yaml(base), ""),
        ("folders", f"[{', '.join(map(_yaml, sighting.folders))}]", ""),
        ("profile", _yaml(sighting.profile.name), ""),
        ("timezone", _yaml(sighting.zone or "UTC"), _zone_words(sighting)),
        ("early_close", early, why),
    )
    for key, value, remark in settings:
        text = _set(text, key, value, remark)
    return re.sub(r"\A(#.*\n)+", lambda _: _HEADER, text)


def _set(text: str, key: str, value: str, remark: str) -> str:
    """Put this site's value, and a remark on it, where the example has its own; an empty value leaves the line out."""
    said = textwrap.fill(remark, 118, initial_indent="  # Here: ", subsequent_indent="  # ", break_on_hyphens=False)
    lines = [said] * bool(remark) + [f"  {key}: {value}"] * bool(value)
    new, count = re.subn(rf"(?m)^(  # Here: .*\n)?  {key}: .*$", lambda _: "\n".join(lines), text, count=1)
    assert count == 1, f"the shipped {CONFIG_NAME} sets `{key}`"
    return new


def _yaml(text: str) -> str:
    """One text as a YAML value that may stand anywhere on a line."""
    return str(yaml.safe_dump([text], default_flow_style=True, width=1 << 20, allow_unicode=True)).strip()[1:-1]


def _relative(repo: Folder, target: Folder) -> str:
    return Folder(os.path.relpath(repo.resolve(), target.parent.resolve())).as_posix()


def _write(target: Folder, text: str, *, force: bool) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("w" if force else "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        said = f"{target} cannot be written: {error.strerror or error}."
        raise ConfigError([Problem(str(target), 1, 1, "config-unwritable", said)]) from None


def _write_routes(target: Folder) -> str:
    """Put the shipped routes beside the configuration, never over others; what was done, as the begin of a sentence."""
    routes = target.parent / ROUTES_NAME
    if os.path.lexists(routes):
        return f"Left {routes} as it is"
    _write(routes, (shipped() / ROUTES_NAME).read_text(encoding="utf-8"), force=False)
    return f"Wrote {routes}"


def _early_close(sighting: Sighting) -> tuple[str, str]:
    """How this site writes an early closing, and why; no value where its state is written down."""
    profile = sighting.profile
    if profile.early_close is None:
        return "", "this site writes its state down, so there is nothing to set."
    if sighting.honours_closed_on is False and profile.early_close is EarlyClose.FIELD:
        return EarlyClose.BACK_DATE, (
            f"no template of this site reads `{profile.closed_on}`, so only yesterday's date closes one today and "
            'the announced date is lost. The README has the few lines for the template that save it, under "Closing '
            'early on a site that goes by dates"; with them in place write `field` here.'
        )
    if sighting.honours_closed_on:
        return profile.early_close, f"the site's templates read `{profile.closed_on}`."
    return profile.early_close, ""


# Words --------------------------------------------------------------------------------------------------------------


def _told(sighting: Sighting) -> Iterator[str]:
    profile = sighting.profile
    where = f"in {_some(sighting.folders, len(sighting.folders))}" if sighting.folders else "at the root"
    yield f"{_count(sighting.postings, 'posting')} {where}, of the kind {profile.name}: {_recognised(profile)}."
    if sighting.states:
        yield f"States: {', '.join(f'{count} {name}' for name, count in sighting.states.items())}."
    if sighting.shapes:
        yield f"Dates: {'; '.join(f'{shape} ({count})' for shape, count in sighting.shapes.items())}."
    yield f"Time zone {sighting.zone or 'UTC'}: {_zone_words(sighting)}"
    yield from _early_close_words(sighting)
    if sighting.templates:
        yield f"Templates, left out: {_some(sighting.templates)}."
    yield from _odd_pages(sighting)
    yield from _broken(sighting.problems)


def _recognised(profile: Profile) -> str:
    names = [*([profile.state.name] if profile.state else []), *profile.opens[:1], *profile.closes]
    names += [*filter(None, [profile.draft]), *profile.per_state]
    return f"recognised by {', '.join(f'`{name}`' for name in names)}"


def _zone_words(sighting: Sighting) -> str:
    if sighting.zone_in:
        return f"{sighting.zone_in} says so."
    if sighting.zone:
        return f"most of the dates that name a time zone ({sighting.zoned}) mean this one."
    if sighting.zoned:
        return (
            f"the dates that name a time zone ({sighting.zoned}) do not agree on one, so UTC stands in. {_CHECK_ZONE}"
        )
    return f"no date names a time zone, so UTC stands in. {_CHECK_ZONE}"


def _early_close_words(sighting: Sighting) -> Iterator[str]:
    value, why = _early_close(sighting)
    if sighting.closed_on_in:
        yield f"Early closing, `{value}`: `{sighting.profile.closed_on}` is read in {_some(sighting.closed_on_in)}."
    elif value and why:
        yield f"Early closing, `{value}`: {why}"


def _odd_pages(sighting: Sighting) -> Iterator[str]:
    kinds = Counter(sighting.strangers.values())
    if kinds:
        like = "".join(f", {count} of them of the kind {name}" for name, count in sorted(kinds.items()) if name)
        pages = _count(kinds.total(), "other page")
        yield f"{pages} there{like}: {_some(sighting.strangers)}."
    if sighting.outside:
        pages = _count(len(sighting.outside), "page")
        yield f"{pages} elsewhere with these fields, left out: {_some(sighting.outside)}."


def _broken(problems: Sequence[Problem]) -> Iterator[str]:
    if problems:
        yield f"{_count(len(problems), 'file')} there cannot be read:"
    yield from (f"  {one_line(str(problem))}" for problem in problems[:_FIRST])
    if len(problems) > _FIRST:
        yield f"  and {len(problems) - _FIRST} more; postbot check names them all."


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _some(names: Iterable[str], most: int = _FIRST) -> str:
    """The first few names, and how many more there are."""
    told = [one_line(name) for name in names]
    more = f" and {len(told) - most} more" if len(told) > most else ""
    return ", ".join(told[:most]) + more
