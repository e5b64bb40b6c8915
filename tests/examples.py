"""Postings of our own writing in the formats that people really use, and the shipped profiles to read them with."""

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml
from pydantic import TypeAdapter

from postbot.core.posting import Posting, read_posting
from postbot.core.profile import Profile
from postbot.core.site import Path as SitePath
from postbot.core.text.document import Document, read

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT / "../shared"
EASTERN = ZoneInfo("America/New_York")
SLUG = SitePath("jobs/harbour-pilot.md")


def configuration() -> str:
    """The configuration that we ship as an example, with the hashes taken off the sections that few sites need."""
    text = (ROOT / "config" / "postbot.yaml").read_text(encoding="utf-8")
    for section in ("github", "email"):
        text = uncommented(text, rf"^# {section}:\n(?:#   .*\n)+")
    return text


def routes() -> str:
    """The routes that we ship as an example, with the hashes taken off those that need a mail server or Slack."""
    text = (ROOT / "config" / "routes.yaml").read_text(encoding="utf-8")
    return uncommented(text, r"^# - to: (?:.*\n)+")


def uncommented(text: str, shown: str) -> str:
    """A text with the hashes taken off the one part that a pattern finds."""
    [part] = re.findall(shown, text, re.MULTILINE)
    return text.replace(part, re.sub("^# ", "", part, flags=re.MULTILINE))


def profile(name: str, **changes: object) -> Profile:
    """One of the profiles that we ship, with some of its settings changed."""
    declared = yaml.safe_load((ROOT / f"config/profiles/{name}.yaml").read_text(encoding="utf-8"))
    return TypeAdapter(Profile).validate_python(declared | changes)


def posting(text: str, kind: str, **changes: object) -> Posting:
    """Read a text as a posting of one kind of site on the East Coast."""
    found = read_posting(SLUG, text.encode(), profile(kind, **changes), EASTERN)
    assert isinstance(found, Posting), found
    return found


def document(front: str, body: str = "") -> Document:
    """Read a front matter, given without its fences."""
    found = read(SLUG, f"---\n{front}---\n{body}".encode())
    assert isinstance(found, Document), found
    return found


STATE = """\
---
title: Harbour Pilot
permalink: join/harbour-pilot/
redirect_from:
  - join/upcoming-harbour-pilot/
state: upcoming
job_post_type: port

# INSTRUCTIONS UPCOMING: These fields are required for upcoming

opens: tbd
# closes: MONTH DAY, YEAR, TIME EDT
# location: 'Lisbon, PT'
# gs_level: 14
# salary_min: '105,123'
# org: 'Pilots and Lights'
contact_name: 'Ana Reis'
contact_email: 'ana@example.org'

# INSTRUCTIONS OPEN: These fields are required for open
# NOTE: be sure to remove the hash

# job_announcement_number: 'ENTER JOB ANNOUNCEMENT NUMBER'
# pd_job_title: 'Pilot' (ENTER TITLE IF DIFFERENT)
# series: '0301' ENTER SERIES IF DIFFERENT
# apply_url: APPLICATION URL
# ohrm_comtact_email: 'ENTER OHRM CONTACT EMAIL'
# promotion_potential: 'ENTER THE GS LEVEL' (13, 14, 15, etc.)
# supervisory_status: 'YES' or 'NO'
---

{% if page.state == 'upcoming' %}
The pay is ${{ page.salary_min }}; *no* `state: open` here.
---
{% endif %}
"""
"""State era: INSTRUCTIONS sections, commented fields with hints, Liquid in the body."""

OPEN_STATE = (
    STATE.replace("state: upcoming", "state: open")
    .replace("opens: tbd", "opens: March 4, 2030, 9:00 am EST")
    .replace("# closes: MONTH DAY, YEAR, TIME EDT", "closes: March 15, 2030, 11:59 pm EDT")
    .replace("# apply_url: APPLICATION URL", "apply_url: https://example.gov/apply/1")
    .replace("# job_announcement_number: 'ENTER JOB ANNOUNCEMENT NUMBER'", "job_announcement_number: '30PORT7'  # ours")
)

DATES = """\
---
################################################################################
#                                                                              #
# INSTRUCTIONS: PORT JOB TEMPLATE                                              #
#                                                                              #
# For example, you might choose names like:                                    #
#                                                                              #
#    harbour-pilot-2030.md                                                     #
#                                                                              #
################################################################################

# NOTE: Be sure to leave the "title: " part at the beginning!
#🔻🔻🔻🔻🔻
title: "Port: Harbour Pilot"

# The opening and closing dates, as YYYY-MM-DD and without quotes. For example:
# opens: 2030-01-31
#🔻🔻🔻🔻🔻
opens: 2030-03-04
closes: 2030-03-15

# Cap on applications, if there is one.
max applications: 200

gs: 14

key objectives:
  - Guide ships - in any weather - up the river,
    and down again
  - Keep the log, every tide,
    every ship

# The info sessions, one item each.
# info sessions:
#   - link: https://example.org/session
#     text: Tuesday, 3 pm
info sessions:
  - link: https://example.org/one  # in English
    text: 'Monday: 1:30 pm ET'

application link: https://example.gov/apply/1
---

{% comment ------------------------------- %}
Nothing to see.
{% endcomment ---------------------------- %}
"""
"""Date era: a long boxed comment, keys of several words, nested lists, nobody writes the state down."""

HUGO = """\
---
slug: harbour-pilot
date: 2030-03-04 09:00:00 -0500
title: Harbour Pilot
expirydate: 2030-03-15
authors:
  - ana-reis

# Page weight: controls how this page appears across the site
# 0 -- hidden
# 1 -- visible
# 2 -- highlighted
weight: 1

---

Ships & tides.
"""
"""A Hugo page: dates in a machine's form, `expirydate` in lower case, a legend for the weight in comments."""
