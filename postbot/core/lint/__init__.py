"""Everything that `postbot check` says about postings: what a careful editor would want to hear, each at its place.

Pure, and never raises: whatever cannot be judged is left alone. Findings that need a person's answer carry a `fix`
in words; only where one value is right beyond doubt does a finding carry a `repair`. What applicants meet weighs
most: the same slip is an error in an open posting, a warning in an upcoming one, and a note in a closed one.
Templates and pages outside the life cycle are judged by their spelling only, as their placeholders are meant.
"""

from postbot.core.lint.checks import check_file, check_posting, check_site
from postbot.core.lint.codes import CODES
from postbot.core.lint.legends import legend_of

__all__ = ["CODES", "check_file", "check_posting", "check_site", "legend_of"]
