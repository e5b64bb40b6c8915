"""No secret stays in a text, however it is written there; what is none stays as it is."""

import base64
import html
import json
from itertools import product
from urllib.parse import quote, quote_plus

import pytest

from postbot.censor import HIDDEN, censored, keep

PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\n"
    + "\n".join(f"canaryKeyLine{n:02}" * 4 for n in range(6))
    + "\n-----END RSA-----"
)
WAYS = {
    "as it is": lambda secret: secret,
    "in base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "in base64 for addresses": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "as a login": lambda secret: base64.b64encode(b"\0postbot\0" + secret.encode()).decode(),
    "as a basic login": lambda secret: base64.b64encode(b"me:" + secret.encode()).decode(),
    "amid a text in base64": lambda secret: base64.b64encode(f"It is {secret}, she said.".encode()).decode(),
    "in hexadecimal": lambda secret: secret.encode().hex(),
    "in an address": lambda secret: quote(secret, safe=""),
    "in the path of an address": quote,
    "in a form": quote_plus,
    "in JSON": json.dumps,
    "in HTML": html.escape,
    "in a traceback": repr,
    "in an ASCII log": ascii,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "secret",
    [
        "canary-plain-1",
        "canary & <two> \"'/+?",
        "Kanarienvögel, drei",
        "canary\\four\\",
        "🐤canary-five",
        "\tcanary six\x7f",
    ],
)
def test_a_secret_is_taken_out_in_whatever_way_it_is_written(secret: str, way: str) -> None:
    keep(secret)
    written = WAYS[way](secret)
    told = censored(f"before {written} after")
    assert HIDDEN in told
    assert written not in told
    assert told.startswith("before ")
    assert told.endswith(" after")


@pytest.mark.parametrize("length", range(6, 15))
def test_amid_other_bytes_in_base64_no_letter_stays_that_is_a_secrets_own(length: int) -> None:
    secret = keep("canary-ünd-nöch-länger"[:length])
    for before, after in product(range(7), range(4)):
        written = base64.b64encode(b"x" * before + secret.encode() + b"y" * after).decode()
        told = censored(written)
        assert HIDDEN in told
        shared = 2 * 4  # at either end a group of letters may be shared with what stands there
        assert len(told.replace(HIDDEN, "")) <= (before + after) * 4 / 3 + shared


def test_a_key_is_taken_out_line_by_line() -> None:
    keep(PEM)
    told = censored(f"the key\n{PEM}\nand {PEM.splitlines()[2]}, {json.dumps(PEM)}")
    assert "canaryKeyLine" not in told


def test_of_two_secrets_the_one_that_holds_the_other_goes_whole() -> None:
    keep("canary-short")
    keep("canary-short-and-long")
    assert censored("canary-short-and-long") == HIDDEN


@pytest.mark.parametrize(
    "token",
    [
        "ghs_16C7e42F292c6912E7710c838347Ae178B4a",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz",
        "xoxb-not-a-real-one-0123456789",
        "xapp-1-A0123456789-0123456789012",
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxMjM0NTYifQ.c2lnbmF0dXJlLW9mLW5vYm9keQ",
    ],
)
def test_a_token_that_somebody_gave_out_meanwhile_is_known_by_its_form(token: str) -> None:
    assert censored(f"Authorization: token {token}\n") == f"Authorization: token {HIDDEN}\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Data engineer (GS-13): open until Friday",
        "postbot/open/data-engineer-1f0c9a77d2",
        "https://jobs.example.org/positions/xoxo/",
        "ghs_short, eyJ.eyJ.x and github_pat_",
        "b654bb1aa7f0d0c3e1f2a4958b6c7d8e9f0a1b2c",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert censored(text) == text


def test_what_is_too_short_to_be_a_secret_takes_no_words_out() -> None:
    keep("the")
    assert censored("the whole of the text") == "the whole of the text"
