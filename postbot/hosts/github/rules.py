"""What the rules of branches mean for postbot's pull requests, whether a ruleset or a classic protection says them.

Pure: what GitHub answered in, findings out. A rule that is not known here is named and not judged.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from postbot.hosts.doctor import Finding, fault, fine, note, warning
from postbot.hosts.github.queries import VERDICT
from postbot.hosts.tree import PREFIX

METHODS: Final = frozenset({"merge", "squash", "rebase"})

CLASSIC: Final = """
query Classic($owner: String!, $name: String!, $base: String!) {
  repository(owner: $owner, name: $name) { ref(qualifiedName: $base) { refUpdateRule {
    requiredApprovingReviewCount requiredStatusCheckContexts requiresLinearHistory requiresSignatures } } }
}
"""
"""What a classic protection asks, as far as it is shown to those who may not administer the repository.

https://docs.github.com/en/graphql/reference/objects#refupdaterule
"""

_SILENT: Final = frozenset({"pull_request", "required_status_checks", "deletion", "non_fast_forward", "creation"})
"""Rules of the base branch that are judged by what they hold, or that forbid nothing that postbot does there."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked of a branch: `kinds` by the names that rulesets use, `statuses` with the App that must set each."""

    approvals: int = 0
    statuses: Mapping[str, int | None] = field(default_factory=dict)
    methods: frozenset[str] = METHODS
    kinds: frozenset[str] = frozenset()
    strict: bool = False

    def __or__(self, other: "Rules") -> "Rules":
        """Both at once; the stricter one counts."""
        return Rules(
            max(self.approvals, other.approvals),
            {**other.statuses, **self.statuses},
            self.methods & other.methods,
            self.kinds | other.kinds,
            self.strict or other.strict,
        )


@dataclass(frozen=True, slots=True)
class Ways:
    """How postbot works here: does it merge at all (`merges`), is what it commits signed, and by which App (its id)."""

    merge_method: str
    two_people: bool
    merges: bool
    signed: bool
    app: int | None


class _Check(BaseModel):
    context: str
    integration_id: int | None = None


class _Parameters(BaseModel):
    required_approving_review_count: int = 0
    allowed_merge_methods: frozenset[str] = METHODS
    required_status_checks: tuple[_Check, ...] = ()
    strict_required_status_checks_policy: bool = False


class Rule(BaseModel):
    """One rule of a ruleset. https://docs.github.com/en/rest/repos/rules#get-rules-for-a-branch."""

    type: str
    parameters: _Parameters = _Parameters()

    @property
    def rules(self) -> Rules:
        """What it asks."""
        given = self.parameters
        return Rules(
            given.required_approving_review_count,
            {each.context: each.integration_id for each in given.required_status_checks},
            given.allowed_merge_methods,
            frozenset({self.type}),
            given.strict_required_status_checks_policy,
        )


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class _UpdateRule(_Shape):
    required_approving_review_count: int | None
    required_status_check_contexts: tuple[str | None, ...] | None
    requires_linear_history: bool
    requires_signatures: bool


class _Ref(_Shape):
    ref_update_rule: _UpdateRule | None


class _Repository(_Shape):
    ref: _Ref | None


class Classic(_Shape):
    """The answer to `CLASSIC`."""

    repository: _Repository

    @property
    def rules(self) -> Rules:
        """What it asks; nothing where there is none."""
        rule = self.repository.ref.ref_update_rule if self.repository.ref else None
        if rule is None:
            return Rules()
        named = {
            "required_linear_history": rule.requires_linear_history,
            "required_signatures": rule.requires_signatures,
        }
        contexts = rule.required_status_check_contexts or ()
        return Rules(
            rule.required_approving_review_count or 0,
            {context: None for context in contexts if context},
            kinds=frozenset(kind for kind, asked in named.items() if asked),
        )


def together(found: Iterable[Rules]) -> Rules:
    """All of them at once."""
    whole = Rules()
    for each in found:
        whole |= each
    return whole


def on_base(rules: Rules, ways: Ways, base: str) -> Iterator[Finding]:
    """What the rules of the published branch mean for merging."""
    yield from _reviews(rules, ways, base)
    yield from _statuses(rules, ways, base)
    yield from _history(rules, ways, base)
    yield from _signatures(rules, ways, base)
    yield from _barriers(rules, ways, base)
    known = _SILENT | {"required_linear_history", "required_signatures", "merge_queue", "update"}
    if others := rules.kinds - known:
        yield note("branch rules", f"{base} also asks for {_listed(others)}; postbot does not judge that.")
    if rules == Rules():
        yield fine("branch rules", f"No rule of {base} is seen.")


def _reviews(rules: Rules, ways: Ways, base: str) -> Iterator[Finding]:
    if rules.approvals:
        people = "one approval" if rules.approvals == 1 else f"{rules.approvals} approvals"
        waits = "; what postbot merges by itself waits for that, too" if ways.merges else ""
        yield note("required reviews", f"{base} asks for {people}{waits}.")


def _statuses(rules: Rules, ways: Ways, base: str) -> Iterator[Finding]:
    others = set(rules.statuses) - {VERDICT}
    if others:
        yield fine(
            "required checks", f"{base} asks for {_listed(others)}; postbot merges nothing before that is green."
        )
    if rules.strict:
        yield fine(
            "required checks", f"Pull requests must be up to date with {base}; postbot sees to that for its own."
        )
    required = VERDICT in rules.statuses
    if required and not ways.two_people:
        says = f"{base} requires {VERDICT}, which is never set while the two-person rule is off: nothing can be merged."
        yield fault("two-person rule", says, "Take it out of the rule, or set `approval: {two_people: true}`.")
    elif ways.two_people and not required:
        says = f"{base} does not require {VERDICT}: on GitHub, people can merge what they have asked for themselves."
        yield fault("two-person rule", says, f"Require the status {VERDICT} in the rules of {base}.")
    elif required:
        yield _verdict(rules.statuses[VERDICT], ways, base)


def _verdict(source: int | None, ways: Ways, base: str) -> Finding:
    if source is not None and source != ways.app:
        says = f"{base} takes {VERDICT} from the App {source} only, which is another one."
        return fault("two-person rule", says, "Choose this App as the source of that status.")
    if source is None:
        says = f"{base} takes {VERDICT} from anybody who may write, so who may write can set it for themselves."
        return warning("two-person rule", says, "In a ruleset, choose postbot's App as the source of that status.")
    return fine("two-person rule", f"{base} requires {VERDICT}.")


def _history(rules: Rules, ways: Ways, base: str) -> Iterator[Finding]:
    linear = "required_linear_history" in rules.kinds
    allowed = rules.methods - {"merge"} if linear else rules.methods
    if ways.merge_method not in allowed:
        ruled = (
            f"{base} wants a linear history" if linear and ways.merge_method == "merge" else f"A rule of {base} says no"
        )
        yield fault(
            "merge method",
            f"{ruled}, so `merge_method: {ways.merge_method}` is not allowed there.",
            f"Set it to {_listed(allowed, 'or')}." if allowed else "Allow a merge method in the rules.",
        )


def _signatures(rules: Rules, ways: Ways, base: str) -> Iterator[Finding]:
    if "required_signatures" not in rules.kinds:
        return
    if not ways.signed:
        says = f"{base} wants signed commits, and what is committed with a person's token is not signed."
        yield fault("signed commits", says, "Sign in as a GitHub App: GitHub signs what an App commits.")
    elif ways.merge_method == "rebase":
        says = f"{base} wants signed commits, and GitHub does not sign what it rebases."
        yield fault("signed commits", says, "Set `merge_method: squash`.")
    else:
        yield fine("signed commits", f"{base} wants signed commits; GitHub signs ours.")


def _barriers(rules: Rules, ways: Ways, base: str) -> Iterator[Finding]:
    worst = fault if ways.merges else warning
    if "merge_queue" in rules.kinds:
        says = f"{base} has a merge queue, and postbot merges without one: GitHub will decline."
        yield worst("merge queue", says, "Have people merge (`merge: review`), or take the queue away.")
    if "update" in rules.kinds:
        says = f"Only those whom the rules of {base} exempt can change it; whether postbot is one of them is not seen."
        yield warning("branch rules", says, "Let the App bypass that rule for pull requests.")


def on_ours(rules: Rules, ways: Ways) -> Iterator[Finding]:
    """What the rules of our own branches forbid that postbot does with them."""
    subject, do = f"{PREFIX}**", f"Exclude {PREFIX}** from the ruleset, or let the App bypass it."
    if rules.kinds & {"creation", "update"}:
        yield fault(subject, "A rule forbids to make or change such branches: no pull request can be made.", do)
    if "required_signatures" in rules.kinds and not ways.signed:
        yield fault(subject, "A rule wants signed commits there, and a person's token does not sign.", do)
    if "non_fast_forward" in rules.kinds:
        yield fault(subject, "A rule forbids force pushes there: no pull request can be brought up to date.", do)
    if "deletion" in rules.kinds:
        yield warning(subject, "A rule forbids to delete such branches: they stay behind after every merge.", do)
    if rules.kinds & {"pull_request", "required_status_checks"}:
        yield fault(subject, "A rule forbids pushes there: no pull request can be brought up to date.", do)
    if not rules.kinds:
        yield fine(subject, "No rule stands in the way of our own branches.")


def _listed(names: Iterable[str], last: str = "and") -> str:
    *first, end = sorted(names)
    return f"{', '.join(first)} {last} {end}" if first else end
