"""Where postings live. Each host shows the site as a `Snapshot` and carries out what the loop has decided.

A host decides nothing and knows nothing of postings: it deals in bytes, commits and pull requests. Whatever
goes wrong in one leaves it as one of the two errors below, each a sentence for the person who must act.
"""

from postbot.core.problem import PostbotError


class HostError(PostbotError):
    """The host could not be read or written at all; what happened is in the sentence."""


class Refused(HostError):  # noqa: N818 - a refusal is an answer of the world, not a fault
    """The act was declined, or nobody can tell whether it happened. Look again: that tells, and goes on from there."""


class Unavailable(HostError):  # noqa: N818 - a state of the host
    """The host as a whole cannot be used for now: nothing else that is asked of it would fare better."""
