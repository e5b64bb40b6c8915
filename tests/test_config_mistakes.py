"""Every mistake in a configuration is told with its place, in a sentence, whatever it is: never as a traceback."""

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from postbot.config import SETTINGS, ConfigError, load, read_profile, with_settings
from postbot.serviceconfig import load_service
from tests.examples import ROOT, configuration, routes

LIBRARY = re.compile(r"[Ii]nput should|validat|pydantic|dict\b|dictionary|tuple|instance|NoneType|Traceback|object at")
"""Words of a library, which a person who writes settings has no use for."""

SETTINGS_FILE = "main:.github/postbot.yaml"


def settings() -> str:
    """A file of settings for the base branch with everything that it may hold, as the example has it."""
    given = yaml.safe_load(configuration())
    kept = {key: given[key] for key in SETTINGS} | {"routes": [{"to": "console:me", "hear": ["held", "staff"]}]}
    return yaml.safe_dump(kept, sort_keys=False)


EXAMPLES = {
    "postbot.yaml": configuration().replace("apprise: []", "apprise: [teams]"),
    "routes.yaml": routes(),
    "service.yaml": (ROOT / "config" / "service.yaml").read_text(),
    SETTINGS_FILE: settings(),
    "profile.yaml": (ROOT / "config" / "profiles" / "jekyll-state.yaml").read_text(),
}
FREE = {"people", "where", "lists"}
"""Settings below which people choose the names, so that no misspelling shows."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mistakes")


def reading(folder: Path, name: str, text: str) -> list[str]:
    """Read the examples with one of them changed; the lines of the changed one, or what is raised."""
    for each, example in EXAMPLES.items():
        if each != SETTINGS_FILE:
            (folder / each).write_text(text if each == name else example)
    if name == "service.yaml":
        load_service(folder / name)
    elif name == "profile.yaml":
        read_profile(folder / name)
    elif name == SETTINGS_FILE:
        (folder / "bare.yaml").write_text("site: {profile: jekyll-state, timezone: UTC}\n")
        with_settings(load(folder / "bare.yaml"), text.encode(), name)
    else:
        load(folder / "postbot.yaml")
    return text.splitlines()


def refusal(folder: Path, name: str, text: str) -> ConfigError | None:
    try:
        reading(folder, name, text)
    except ConfigError as error:
        return error
    return None


# One key changed -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Key:
    """One key of one example, by the way to it."""

    file: str
    where: tuple[str | int, ...]

    @property
    def is_free(self) -> bool:
        return len(self.where) > 1 and self.where[-2] in FREE


def keys_of(file: str, node: yaml.Node, above: tuple[str | int, ...] = ()) -> Iterator[Key]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield Key(file, (*above, key.value))
            yield from keys_of(file, value, (*above, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for at, item in enumerate(node.value):
            yield from keys_of(file, item, (*above, at))


FEW = hypothesis.settings(max_examples=120)
"""There are some two hundred keys, and each example is read anew; more would tell no more."""

ROOTS = {name: yaml.compose(text) for name, text in EXAMPLES.items()}
KEYS = [key for name, node in ROOTS.items() for key in keys_of(name, node)]


def changed(key: Key, change: Callable[[list[tuple[yaml.Node, yaml.Node]], int], None]) -> str:
    """The text of the example, written anew, with the pairs around one key changed."""
    root = copy.deepcopy(ROOTS[key.file])
    node = root
    for part in key.where[:-1]:
        if isinstance(node, yaml.MappingNode):
            node = next(value for name, value in node.value if name.value == part)
        else:
            node = node.value[part]
    at = next(at for at, (name, _) in enumerate(node.value) if name.value == key.where[-1])
    change(node.value, at)
    return str(yaml.serialize(root, width=1 << 20))


def demand_told(error: ConfigError, file: str, lines: list[str]) -> None:
    """Each problem has a place in a file, and a sentence in a person's words."""
    assert error.problems
    for problem in error.problems:
        assert Path(problem.path).name == Path(file).name, problem
        assert 1 <= problem.line <= max(1, len(lines)), problem
        assert problem.message.endswith("."), problem
        assert not LIBRARY.search(problem.message), problem


def named(key: Key) -> str:
    return str(key.where[-1])


@FEW
@given(st.sampled_from(KEYS))
def test_a_key_that_stands_there_twice_is_told_where_it_does(folder: Path, key: Key):
    text = changed(key, lambda pairs, at: pairs.append(copy.deepcopy(pairs[at])))
    with pytest.raises(ConfigError) as caught:
        reading(folder, key.file, text)
    lines = text.splitlines()
    demand_told(caught.value, key.file, lines)
    [problem] = [each for each in caught.value.problems if each.code == "config-doubled-key"]
    assert named(key) in lines[problem.line - 1]
    assert "second time" in problem.message


@FEW
@given(st.sampled_from([key for key in KEYS if not key.is_free and key.file != "profile.yaml"]), st.data())
def test_a_key_with_one_letter_wrong_is_told_where_it_stands(folder: Path, key: Key, data: st.DataObject):
    at = data.draw(st.integers(0, len(named(key)) - 1))
    wrong = named(key)[:at] + data.draw(st.sampled_from("xqz")) + named(key)[at + 1 :]
    if wrong == named(key):
        return
    text = changed(key, lambda pairs, at: setattr(pairs[at][0], "value", wrong))
    with pytest.raises(ConfigError) as caught:
        reading(folder, key.file, text)
    lines = text.splitlines()
    demand_told(caught.value, key.file, lines)
    unknown = next(each for each in caught.value.problems if each.code == "config-unknown-key")
    assert wrong in lines[unknown.line - 1]
    assert f"{wrong}` is not a setting." in unknown.message


@FEW
@given(st.sampled_from(KEYS))
def test_settings_in_place_of_a_value_and_text_in_place_of_settings_are_told_at_their_key(folder: Path, key: Key):
    def other(pairs: list[tuple[yaml.Node, yaml.Node]], at: int) -> None:
        name, value = pairs[at]
        pairs[at] = name, yaml.compose("some text" if isinstance(value, yaml.MappingNode) else "{zzz: {zzz: [1]}}")

    text = changed(key, other)
    with pytest.raises(ConfigError) as caught:
        reading(folder, key.file, text)
    lines = text.splitlines()
    demand_told(caught.value, key.file, lines)
    start = next(n for n, line in enumerate(lines, 1) if "zzz" in line or "some text" in line)
    assert any(start - 1 <= problem.line <= start + 2 for problem in caught.value.problems)


@FEW
@given(st.sampled_from(KEYS))
def test_without_a_key_it_is_read_or_what_is_missing_is_told(folder: Path, key: Key):
    text = changed(key, lambda pairs, at: pairs.pop(at))
    error = refusal(folder, key.file, text)
    # Without `email` the routes of another file lead nowhere, and are told there.
    if error is not None and key.file not in ("postbot.yaml", "routes.yaml"):
        demand_told(error, key.file, text.splitlines())


ODD = [
    "null", "0", "-1", "1.5", ".inf", ".nan", "1e400", "9" * 5000, "true", "''", "' '", "a", "2026-03-09", "2026-13-45",
    "2026-03-09T10:00:00Z", "1:30", "0x", "[]", "{}", "[[]]", "[null]", "[1]", "[a, [b]]", "{1: 2}", "{null: null}",
    "{a: null}", "!!binary aGk=", '"\\ud800"', '"\\0"', "!!set {a}", "[{}]", "- 5 days", "*x", "&x [*x]", "!!int a",
    "!!timestamp x", "!!bool maybe", "!!python/name:os.system", "? [a]", "99999999999999 weeks", "http://[x",
    "'email:a@x.example, b'", "../../etc/passwd", "postgresql://a:b@c/d",
]  # fmt: skip


@FEW
@given(st.sampled_from(KEYS), st.sampled_from(ODD))
def test_whatever_stands_at_a_key_it_is_read_or_told(folder: Path, key: Key, value: str):
    text = changed(key, lambda pairs, at: pairs.__setitem__(at, (pairs[at][0], yaml.ScalarNode("!odd", "odd"))))
    text = re.sub(r"!odd '?odd'?", lambda _: value, text)
    error = refusal(folder, key.file, text)
    for problem in error.problems if error else ():
        assert problem.line >= 1
        assert problem.message.endswith(".")
        assert problem.code == "config-yaml" or not LIBRARY.search(problem.message), problem
        problem.message.encode()


# What no key is to blame for -----------------------------------------------------------------------------------------

BOMB = "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
"""Some hundred bytes that stand for a hundred thousand million values."""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 5000, "it is nested far too deeply"),
        ("a: &a [*a]\n", "far too large"),
        (BOMB, "far too large"),
        ("site: {}\n---\nsite: {}\n", "another document"),
        ("a: 1\nb: \x07\n", "there is a character that no text holds"),
        ("a: !!timestamp soon\n", "no value of its kind"),
        ('a: "x\\0.db"\n', "no value of its kind"),
        (f"a: !!int {'1:' * 20_000}1\n", "no value of its kind"),
        (f"a: !!float {'1:' * 20_000}1.5\n", "no value of its kind"),
        ("? [a]\n: b\n", "unhashable"),
    ],
    ids=["deep", "in itself", "aliases", "two documents", "a bell", "a tag", "a NUL", "base 60", "base 60 too", "a list for a key"],
)  # fmt: skip
def test_a_file_that_no_configuration_can_be_is_told_as_such(folder: Path, text: str, says: str):
    (folder / "odd.yaml").write_text(text)
    with pytest.raises(ConfigError, match=says) as caught:
        load(folder / "odd.yaml")
    [problem] = caught.value.problems
    assert problem.code == "config-yaml"


HALF = '"' + r"\ud800" + '"'


@pytest.mark.parametrize("where", ["public: {name: VALUE}", "routes: [{to: console:me, hear: VALUE}]", "words: VALUE"])
def test_half_of_a_character_is_no_text(folder: Path, where: str):
    (folder / "odd.yaml").write_text(f"site: {{profile: x, timezone: UTC}}\n{where.replace('VALUE', HALF)}\n")
    with pytest.raises(ConfigError, match=r"odd\.yaml:2:\d+: error: .* no value of its kind"):
        load(folder / "odd.yaml")


def test_a_date_is_the_text_that_it_is(folder: Path):
    (folder / "dated.yaml").write_text(
        "site: {profile: x, timezone: UTC}\npublic: {name: 2026-03-09, shows: {open: 2026-13-45}}\n"
    )
    public = load(folder / "dated.yaml").public
    assert (public.name, public.shows["open"]) == ("2026-03-09", "2026-13-45")


def test_a_file_longer_than_any_configuration_is_not_read(folder: Path):
    (folder / "long.yaml").write_text("site: {profile: x, timezone: UTC}\n" + "#" * (64 << 10))
    with pytest.raises(ConfigError, match=r"long\.yaml is too long: a file of settings has 64 KiB at most"):
        load(folder / "long.yaml")


def test_times_of_the_day_and_numbers_with_leading_noughts_are_the_text_that_they_are(folder: Path):
    (folder / "dated.yaml").write_text(
        "site: {profile: x, timezone: UTC}\npublic: {name: 12:30, shows: {open: 12:30:40.5, closed: 007}}\n"
    )
    public = load(folder / "dated.yaml").public
    assert (public.name, public.shows["open"], public.shows["closed"]) == ("12:30", "12:30:40.5", "007")
