"""What people type is understood as they mean it, and can do nothing but name a verb and a posting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbot.core.profile import CloseReason
from postbot.core.text.scalar import unprintable
from postbot.doors.slack.views import Sight, Verb
from postbot.doors.slack.words import Command, find, meant_by, parse, simple
from tests.doors.slack.scenes import BLIND, SIGHT, STATE, many, scene, titled

SITE = scene(
    {
        "jobs/harbour-pilot.md": titled(STATE, "Harbour Pilot"),
        "jobs/harbour-master.md": titled(STATE, "Harbour Master"),
        "jobs/product-manager-2030.md": titled(STATE, "Senior Product Manager: D\u00e9partement (2030)"),
        "jobs/product.md": titled(STATE, "Product"),
    }
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", Command(Verb.BOARD)),
        ("   \u00a0 ", Command(Verb.BOARD)),
        ("help", Command(Verb.HELP)),
        ("?", Command(Verb.HELP)),
        ("list", Command(Verb.BOARD)),
        ("close baker", Command(Verb.CLOSE, "baker")),
        ("CLOSE Baker", Command(Verb.CLOSE, "Baker")),
        ("closing: baker", Command(Verb.CLOSE, "baker")),
        ("re-open baker", Command(Verb.REOPEN, "baker")),
        ("re open baker", Command(Verb.REOPEN, "baker")),
        ("re\u2011open baker", Command(Verb.REOPEN, "baker")),
        ("open \u201cHarbour Pilot\u201d", Command(Verb.OPEN, "Harbour Pilot")),
        ("open *Harbour Pilot*", Command(Verb.OPEN, "Harbour Pilot")),
        ("show data_engineer", Command(Verb.SHOW, "data_engineer")),
        ("open <@U1|ana>", Command(Verb.OPEN, "ana")),
        ("open <http://harbour.example|harbour.example>", Command(Verb.OPEN, "harbour.example")),
        ("open <!channel>", Command(Verb.OPEN, "channel")),
        ("open pilots &amp; lights", Command(Verb.OPEN, "pilots & lights")),
        ("extend baker 2030-04-03", Command(Verb.EXTEND, "baker", day="2030-04-03")),
        ("extend baker to 2030-04-03", Command(Verb.EXTEND, "baker", day="2030-04-03")),
        ("extend baker 2030-02-30", Command(Verb.EXTEND, "baker 2030-02-30")),
        ("extend 2030-04-03", Command(Verb.EXTEND, "2030-04-03")),
        ("close baker cap reached", Command(Verb.CLOSE, "baker", reason=CloseReason.CAP_REACHED)),
        ("close baker \u2014 Filled", Command(Verb.CLOSE, "baker", reason=CloseReason.FILLED)),
        ("close baker because cancelled", Command(Verb.CLOSE, "baker", reason=CloseReason.CANCELLED)),
        ("close filled", Command(Verb.CLOSE, "filled")),
        ("baker", Command(Verb.SHOW, "baker")),
        ("all the jobs", Command(Verb.SHOW, "all the jobs")),
        ("clsoe baker", Command(None, "baker", offers=(Verb.CLOSE,))),
    ],
)
def test_what_is_typed_is_what_is_meant(typed, meant):
    assert parse(typed) == meant


def test_a_word_that_is_nearly_a_verb_is_offered_and_never_taken():
    for verb in (Verb.OPEN, Verb.CLOSE, Verb.EXTEND, Verb.POSTPONE, Verb.WITHDRAW, Verb.HISTORY):
        command = parse(f"{verb[:-1]}x baker")
        assert command.verb is None
        assert verb in command.offers


@given(st.text(max_size=400))
def test_whatever_is_typed_becomes_one_line_that_hides_nothing(typed):
    command = parse(typed)
    assert unprintable(command.name) is None
    assert len(command.name) <= 300
    find(command.name, [SITE], SIGHT)


@given(st.sampled_from(list(Verb)), st.text(alphabet="abc \u201c\u201d\u2019\u2013<>|*_~`@#!&;:/.", max_size=40))
def test_a_verb_stays_the_verb_whatever_stands_behind_it(verb, rest):
    command = parse(f"{verb} {rest}")
    assert command.verb in (verb, Verb.SHOW)
    assert command.verb is verb or verb in (Verb.BOARD, Verb.HELP)


@pytest.mark.parametrize(
    ("name", "slugs"),
    [
        ("harbour-pilot", ["harbour-pilot"]),
        ("Harbour Pilot", ["harbour-pilot"]),
        ("HARBOUR_PILOT", ["harbour-pilot"]),
        ("pilot", ["harbour-pilot"]),
        ("harb", ["harbour-master", "harbour-pilot"]),
        ("departement", ["product-manager-2030"]),
        ("d\u00e9partement 2030", ["product-manager-2030"]),
        ("product", ["product"]),
        ("prod man", ["product-manager-2030"]),
        ("product-manager-2030", ["product-manager-2030"]),
    ],
)
def test_a_name_is_found_by_its_file_or_any_part_of_its_title(name, slugs):
    found = find(name, [SITE], SIGHT)
    assert [each.posting.slug for each in found.fit] == slugs
    assert found.near == ()
    assert (found.only is not None) == (len(slugs) == 1)


@pytest.mark.parametrize(
    ("name", "slug"),
    [("harbuor pilot", "harbour-pilot"), ("harborpilot", "harbour-pilot"), ("prodct manger", "product-manager-2030")],
)
def test_a_typo_finds_the_nearest_and_leaves_the_choice_to_the_person(name, slug):
    found = find(name, [SITE], SIGHT)
    assert found.only is None
    assert found.fit == ()
    assert found.near[0].posting.slug == slug


@pytest.mark.parametrize("name", ["", "  ", "zzzzzz", "../../etc/passwd", "*", "%", "<!channel>", "***"])
def test_a_name_that_is_none_finds_nothing(name):
    assert find(name, [SITE], SIGHT).only is None
    assert find(name, [SITE], SIGHT).fit == ()


def test_nobody_finds_what_they_may_not_see():
    mine = Sight(lambda _action, posting: posting.slug == "harbour-master")
    assert [each.posting.slug for each in find("harb", [SITE], mine).fit] == ["harbour-master"]
    assert find("harbour-pilot", [SITE], mine).only is None
    assert find("harbour-pilot", [SITE], BLIND).near == ()


def test_a_name_is_looked_for_among_four_hundred_postings_with_endless_titles():
    site = many(400, "z" * 4000)
    assert [each.posting.slug for each in find("pilot-399", [site], SIGHT).fit] == ["pilot-399"]
    assert find("pilto-399", [site], SIGHT).near


def test_a_posting_that_is_called_like_all_that_was_typed_comes_before_a_verb_that_is_guessed():
    site = scene({"jobs/pastry-chef.md": titled(STATE, "Pastry Chef"), "jobs/chef.md": titled(STATE, "Chef")})
    assert parse("pastry chef").verb is None
    for typed in ("pastry chef", "Pastry  Chef", "“pastry chef”", "past chef"):
        meant, search = meant_by(typed, [site], SIGHT)
        assert meant.verb in (Verb.SHOW, Verb.HISTORY)
        assert search.only is not None
    meant, search = meant_by("pastry chef", [site], SIGHT)
    assert (meant.verb, search.only and search.only.posting.slug) == (Verb.SHOW, "pastry-chef")
    meant, search = meant_by("clsoe chef", [site], SIGHT)
    assert (meant.verb, meant.offers, search.only and search.only.posting.slug) == (None, (Verb.CLOSE,), "chef")
    assert meant_by("pastry chef", [site], BLIND)[0].verb is None


@pytest.mark.parametrize("typed", ["harbuor pilto norht " * 15, "x" * 300, " ".join(f"w{at}rd" for at in range(60))])
def test_an_endless_name_is_looked_for_among_twenty_thousand_postings(typed: str):
    """Each comparison that a longer text could cost is made 40,000 times here: without a bound this takes a minute."""
    crowd = [many(100, "Harbour Pilot of the North")] * 200
    assert find(typed, crowd, SIGHT).fit == ()


def test_two_sites_are_searched_alike():
    other = scene({"jobs/harbour-pilot.md": STATE}, name="second")
    assert [each.scene.name for each in find("harbour pilot", [SITE, other], SIGHT).fit] == ["", "second"]


def test_case_accents_and_punctuation_do_not_count():
    assert simple("\u00c9t\u00e9: Stra\u00dfe_2 \u2014 (x)") == "ete strasse 2 x"
