"""postbot is killed before and after every step that it takes, in every scenario: the world ends up the same.

Every step once over all scenarios, and the whole matrix with SOAK.
"""

from json import loads

import pytest

from postbot.progress import Edge, Step
from tests import depth
from tests.crashes.kit import LIST, path_of
from tests.crashes.matrix import Case, Matrix, sample
from tests.crashes.scenarios import BEYOND, SCENARIOS

CASES = sample(depth.at(len(SCENARIOS), soak=1))


EACH_SCENARIO = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in SCENARIOS]
)
ENDS = {
    "open": ("pilot", "state: open", 1, ["Pilot: now open"]),
    "close": ("pilot", "state: closed", 1, ["Pilot: closed"]),
    "extend": ("pilot", "closes: March 27, 2026", 1, ["Pilot: more time to apply"]),
    "reopen": ("pilot", "state: open", 2, ["Pilot: now open"]),
    "rename": ("captain", "state: open", 1, ["Pilot: now open"]),
    "hand merge": ("pilot", "state: closed", 1, ["Pilot: closed early"]),
    "request": ("pilot", "state: closed", 1, ["Pilot: closed early"]),
}
"""How each scenario ends: a posting and a line of it, the pull requests that were merged, and what the list has heard."""


@EACH_SCENARIO
def test_without_harm_a_scenario_ends_as_it_must(kills: Matrix, name: str) -> None:
    slug, line, merged, said = ENDS[name]
    end = kills.life(name).so_far[-1]
    assert f"\n{line}".encode() in end.files[path_of(slug)]
    assert [loads(pull)["state"] for pull in end.pulls.values()].count("merged") == merged
    assert [mail.subject for mail in end.mails if mail.to == LIST] == said
    assert (end.mails.total(), end.posts.total(), end.archive.total()) == (len(said) * (1 + (name != "extend")), 1, 1)
    assert (end.staff.total(), end.held.total(), end.left) == (0, 0, ())


@EACH_SCENARIO
def test_a_scenario_comes_to_every_step_but_those_that_it_is_said_not_to(kills: Matrix, name: str) -> None:
    passed = {point for trail in kills.life(name).trails for point in trail}
    points = {(step, edge) for step in Step for edge in Edge}
    assert points - passed == {(step, edge) for step in BEYOND.get(name, ()) for edge in Edge}


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=pytest.mark.xdist_group(case.scenario), id=str(case)) for case in CASES]
)
def test_killed_at_any_step_postbot_ends_where_it_would_have_ended(kills: Matrix, case: Case) -> None:
    outcome = kills.tried(case, last=depth.SOAK)
    assert outcome.kills
    assert not outcome.wrong, "\n".join(outcome.wrong)
