"""The doctor of sites on GitHub, over real HTTP: the world is made so and so, and the finding says it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from postbot.config import load
from postbot.hosts.doctor import Finding, Level
from postbot.hosts.github import Api, App, SignIn, Token
from postbot.hosts.github.doctor import examine
from tests.contract.test_hosts import make_bare
from tests.twins.github.client import Twin

FINE, NOTE, WARNING, FAULT = Level
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
AS_APP = App("31", 47, PEM)

NEEDED = {"contents": "write", "pull_requests": "write", "metadata": "read", "checks": "read"}
TWO_PEOPLE = NEEDED | {"statuses": "write"}

CONFIG = """\
site: {{profile: jekyll-state, timezone: UTC, base: {base}, folders: [{folder}]}}
github: {{repository: agency/site, server: "{server}", pace: 0 seconds, {github}}}
transitions: {{close: {{merge: {merge}}}}}
approval: {{two_people: {two_people}}}
"""


@dataclass
class Site:
    """A repository on GitHub, a configuration for it, and a sign-in."""

    twin: Twin
    folder: Path
    sign_in: SignIn = AS_APP

    def examine(
        self,
        *,
        base: str = "main",
        folder: str = "jobs",
        merge: str = "review",
        two_people: bool = False,
        github: str = "",
    ) -> tuple[Finding, ...]:
        path = self.folder / "postbot.yaml"
        given = {"base": base, "folder": folder, "merge": merge, "github": github}
        path.write_text(CONFIG.format(server=self.twin.url, two_people=str(two_people).lower(), **given))
        config = load(path)
        return examine(Api("agency/site", self.sign_in, self.twin.url, timedelta(0)), config)

    def token(self, *, login: str = "ann", **told: object) -> None:
        """Sign in with a token instead."""
        self.sign_in = Token(self.twin.new_token("token-of-a-person", login=login, **told))


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    repo = tmp_path_factory.mktemp("twin") / "first.git"
    make_bare(repo)
    with Twin.start(repo) as twin:
        yield twin


@pytest.fixture
def site(process: Twin, tmp_path: Path) -> Site:
    make_bare(tmp_path / "site.git")
    process.reset(tmp_path / "site.git")
    process.app(key=PUBLIC, permissions=NEEDED)
    return Site(process, tmp_path)


def told(found: tuple[Finding, ...], *levels: Level) -> list[tuple[str, str, str | None]]:
    return [(each.subject, each.says, each.do) for each in found if each.level in levels]


def test_a_site_where_all_is_well_has_only_fine_findings_and_notes(site: Site):
    site.twin.make_label("postbot")
    found = site.examine()
    assert told(found, WARNING, FAULT) == []
    assert [row[0] for row in told(found, NOTE)] == ["webhooks"]
    assert any(each.says.startswith("main is at ") for each in found)
    assert [(each.subject, each.says) for each in found if each.subject not in ("requests", "base branch")] == [
        ("sign-in", "This is the GitHub App postbot, installed by agency."),
        (
            "rights",
            "The App may do all that is needed: checks: read, contents: write, metadata: read, pull requests: write.",
        ),
        ("repository", "agency/site is there."),
        ("merge method", "The repository allows squash."),
        ("merged branches", "postbot deletes them."),
        ("folder", "jobs is there."),
        ("branch rules", "No rule of main is seen."),
        ("postbot/**", "No rule stands in the way of our own branches."),
        ("label", "postbot is there."),
        ("webhooks", "They cannot be seen with these rights; postbot needs none."),
        ("clock", "This machine's clock agrees with GitHub's."),
    ]


def test_it_only_reads(site: Site):
    site.twin.make_label("postbot")
    before = site.twin.effects()
    site.twin.reset_requests()
    site.examine(github="reviewers: [bo, agency/hr]")
    assert [row["kind"] for row in site.twin.effects()[len(before) :]] == ["token-granted"]
    asked = {(method, route) for method, route, _ in site.twin.requests() if method != "GET"}
    assert asked == {
        ("POST", "POST access_tokens"),
        ("POST", "POST graphql Overview"),
        ("POST", "POST graphql Classic"),
    }


# Who we are and what we may ------------------------------------------------------------------------------------------

MISSING = [
    ({"contents": "read"}, "contents: write"),
    ({"pull_requests": "read"}, "pull requests: write"),
    ({"checks": None}, "checks: read"),
    ({"statuses": "read"}, "commit statuses: write"),
    ({"statuses": None, "checks": None}, "checks: read, commit statuses: write"),
]


@pytest.mark.parametrize(("changed", "named"), MISSING, ids=[named for _, named in MISSING])
def test_a_right_that_an_app_lacks_is_a_fault_that_says_where_to_grant_it(
    site: Site, changed: dict[str, str | None], named: str
):
    site.twin.app(permissions={key: level for key, level in (TWO_PEOPLE | changed).items() if level})
    first = told(site.examine(two_people=True), FAULT)[0]
    assert first[:2] == ("rights", f"The App lacks {named}.")
    assert first[2].startswith("Grant it in the App's settings")
    assert first[2].endswith("/organizations/agency/settings/installations/47.")


def test_statuses_are_asked_for_only_where_the_two_person_rule_is_on(site: Site):
    assert told(site.examine(), FAULT) == []
    assert ("rights", "The App lacks commit statuses: write.") in [
        row[:2] for row in told(site.examine(two_people=True), FAULT)
    ]
    site.twin.app(permissions=TWO_PEOPLE)
    (row,) = told(site.examine(), WARNING)
    assert row[:2] == ("rights", "The App may do more than postbot ever does: commit statuses: write.")


def test_a_right_that_the_owner_has_not_accepted_yet_is_told_as_that(site: Site):
    site.twin.app(permissions=NEEDED | {"contents": "read"}, asked=NEEDED)
    row = told(site.examine(), FAULT)[0]
    assert row[1] == "The App asks for contents: write and was not granted it yet."
    assert row[2].startswith("An owner of agency accepts the new permissions at http")


def test_too_many_rights_are_a_warning(site: Site):
    more = {"administration": "read", "workflows": "write", "organization_administration": "write", "members": "read"}
    site.twin.app(permissions=NEEDED | more | {"checks": "write"}, selection="all")
    assert [row[:2] for row in told(site.examine(), WARNING)] == [
        (
            "rights",
            (
                "The App may do more than postbot ever does: administration: read, members: read, "
                "organization administration: write, workflows: write."
            ),
        ),
        ("rights", "The App has checks: write where checks: read is enough."),
        ("rights", "The App is installed for every repository of agency."),
    ]


def test_a_sign_in_that_is_not_accepted_is_one_fault_without_the_secret(site: Site):
    site.sign_in = Token("token-that-nobody-knows")
    found = site.examine()
    assert told(found, NOTE, WARNING) == []
    ((_, says, _),) = told(found, FAULT)
    assert says == "GitHub does not accept the sign-in. Check the token, or the App's id, installation and key."
    assert "token-that-nobody-knows" not in str(found)


ENDS = {
    "a wrong app": (App("32", 47, PEM), {}, "GitHub does not accept the sign-in."),
    "a wrong installation": (App("31", 48, PEM), {}, "The GitHub App postbot has no such installation."),
    "no key at all": (App("31", 47, "-----BEGIN nonsense"), {}, "the App's private key cannot be read"),
    "suspended": (AS_APP, {"suspended": True}, "The installation of the GitHub App postbot by agency is suspended."),
}


@pytest.mark.parametrize(("sign_in", "app", "says"), ENDS.values(), ids=ENDS)
def test_an_app_that_cannot_sign_in_is_one_fault(site: Site, sign_in: App, app: dict[str, bool], says: str):
    site.sign_in = sign_in
    site.twin.app(**app)
    found = site.examine()
    (row,) = told(found, FAULT)
    assert says in row[1]
    assert "rights" not in [each.subject for each in found]
    assert "PRIVATE KEY" not in str(found)


def test_github_out_of_reach_is_one_fault(site: Site):
    config = site.folder / "postbot.yaml"
    site.examine()
    found = examine(Api("agency/site", AS_APP, "http://127.0.0.1:9/api/v3", timedelta(0)), load(config))
    assert found == (Finding(FAULT, "GitHub", "GitHub could not be reached, or dropped the connection."),)


def test_a_limit_that_is_reached_on_the_way_is_a_fault_after_what_was_seen(site: Site):
    site.twin.fault("403-secondary", "GET rules")
    found = site.examine()
    assert [row[0] for row in told(found, FAULT)] == ["GitHub"]
    assert "GitHub takes no more requests for now" in told(found, FAULT)[0][1]
    assert "folder" in [each.subject for each in found]


TOKENS: dict[str, tuple[dict[str, object], list[tuple[Level, str]]]] = {
    "a person's, fine-grained": (
        {"kind": "fine-grained"},
        [
            (FINE, "This is ann, by a token."),
            (NOTE, "GitHub does not list what such a token may do, so rights to write show only when they are used."),
            (NOTE, "Pull requests are ann's own, and GitHub lets nobody approve their own."),
        ],
    ),
    "fine-grained that may not see checks": (
        {"kind": "fine-grained", "permissions": {**NEEDED, "checks": "none"}},
        [(NOTE, "This cannot be seen with these rights.")],
    ),
    "fine-grained that may not write": (
        {"kind": "fine-grained", "permissions": {**NEEDED, "contents": "read"}},
        [(FAULT, "ann may not write to the repository.")],
    ),
    "fine-grained that may not see pull requests": (
        {"kind": "fine-grained", "permissions": {"contents": "write", "metadata": "read"}},
        [(FAULT, "What every tick reads is not shown.")],
    ),
    "a classic one": (
        {"kind": "classic", "scopes": ["repo"]},
        [(WARNING, "The token is a classic one with the scopes repo: it reaches every repository")],
    ),
    "a classic one with more": (
        {"kind": "classic", "scopes": ["repo", "workflow", "admin:org", "delete_repo"]},
        [(WARNING, "The token may do more than postbot ever does: admin:org, delete_repo, workflow.")],
    ),
    "a classic one with too little": (
        {"kind": "classic", "scopes": ["public_repo"]},
        [(FAULT, "The token has no scope repo, so it cannot write to the repository.")],
    ),
    "an administrator's": (
        {"kind": "fine-grained", "permissions": {**NEEDED, "administration": "write"}},
        [(WARNING, "ann may administer the repository, which postbot never does.")],
    ),
    "of an Action": (
        {"login": "github-actions[bot]"},
        [
            (FINE, "This is github-actions[bot], by a token."),
            (WARNING, "Pull requests made with the GITHUB_TOKEN of an Action start no workflows"),
            (WARNING, "Every workflow of the repository is github-actions[bot], too"),
        ],
    ),
}


@pytest.mark.parametrize(("token", "findings"), TOKENS.values(), ids=TOKENS)
def test_what_is_known_of_a_token_is_told(site: Site, token: dict[str, object], findings: list[tuple[Level, str]]):
    site.token(**token)
    found = site.examine()
    for level, says in findings:
        assert [each for each in found if each.level is level and each.says.startswith(says)], (says, found)
    assert "token-of-a-person" not in str(found)


def test_a_token_that_can_do_no_harm_is_not_warned_of(site: Site):
    site.token(kind="fine-grained", permissions=NEEDED)
    assert told(site.examine(), WARNING, FAULT) == []
    site.token(login="other[bot]")
    found = site.examine()
    assert told(found, WARNING, FAULT) == []
    assert "identity" not in [each.subject for each in found]


# The site ------------------------------------------------------------------------------------------------------------


def test_a_repository_that_is_not_shown_ends_the_visit(site: Site):
    site.twin.repository(hidden=True)
    found = site.examine()
    assert told(found, FAULT) == [
        (
            "repository",
            "GitHub does not show agency/site to this sign-in.",
            "Check `repository`, and that this sign-in was given access to it.",
        )
    ]
    assert "folder" not in [each.subject for each in found]


WORLDS: dict[str, tuple[Callable[[Twin], None], dict[str, object], tuple[Level, str, str]]] = {
    "archived": (
        lambda twin: twin.repository(archived=True),
        {},
        (FAULT, "repository", "agency/site is archived: nothing can be changed in it."),
    ),
    "renamed": (
        lambda twin: twin.repository(name="jobs"),
        {},
        (FAULT, "repository", "agency/site is now agency/jobs."),
    ),
    "another default branch": (
        lambda twin: twin.push("live", {"jobs/new.md": "x"}) and None,
        {"base": "live"},
        (NOTE, "base branch", "postbot takes live for the published branch; GitHub's default is main."),
    ),
    "no such branch": (
        lambda twin: None,
        {"base": "gone"},
        (FAULT, "base branch", "There is no branch gone."),
    ),
    "no such folder": (
        lambda twin: None,
        {"folder": "pages/jobs"},
        (FAULT, "folder", "There is no pages/jobs on main."),
    ),
    "no folder named": (
        lambda twin: None,
        {"folder": ""},
        (NOTE, "folder", "No folder is named, so postings are looked for everywhere."),
    ),
    "squash not allowed": (
        lambda twin: twin.repository(methods=["merge", "rebase"]),
        {},
        (FAULT, "merge method", "The repository does not allow squash."),
    ),
    "merge not allowed": (
        lambda twin: twin.repository(methods=["squash"]),
        {"github": "merge_method: merge"},
        (FAULT, "merge method", "The repository does not allow merge."),
    ),
    "GitHub deletes merged branches": (
        lambda twin: twin.repository(delete_branch_on_merge=True),
        {},
        (FINE, "merged branches", "GitHub deletes them."),
    ),
    "no label yet": (
        lambda twin: None,
        {"github": "labels: [hr/jobs]"},
        (NOTE, "label", "There is no label hr/jobs; GitHub makes it at its first use."),
    ),
    "a label": (
        lambda twin: twin.make_label("hr/jobs"),
        {"github": "labels: [hr/jobs]"},
        (FINE, "label", "hr/jobs is there."),
    ),
    "a reviewer": (
        lambda twin: None,
        {"github": "reviewers: [ann]"},
        (FINE, "reviewer", "ann is a collaborator."),
    ),
    "a stranger as reviewer": (
        lambda twin: None,
        {"github": "reviewers: [zoe]"},
        (WARNING, "reviewer", "zoe is no collaborator of the repository"),
    ),
    "a stranger as assignee": (
        lambda twin: None,
        {"github": "assignees: [zoe]"},
        (WARNING, "reviewer", "zoe is no collaborator of the repository"),
    ),
    "a team": (
        lambda twin: None,
        {"github": "reviewers: [agency/hr]"},
        (NOTE, "reviewer", "Whether the team agency/hr may review is not shown"),
    ),
    "few requests left": (
        lambda twin: twin.rate(core=300),
        {},
        (WARNING, "requests", " of 5000 requests are left until"),
    ),
    "a clock that is behind": (
        lambda twin: twin.set_clock(datetime.now(UTC) + timedelta(seconds=150)),
        {},
        (WARNING, "clock", "seconds behind GitHub's."),
    ),
}


@pytest.mark.parametrize(("arrange", "config", "finding"), WORLDS.values(), ids=WORLDS)
def test_what_the_world_is_like_is_told(
    site: Site, arrange: Callable[[Twin], None], config: dict[str, object], finding: tuple[Level, str, str]
):
    plain = set(site.examine())
    arrange(site.twin)
    level, subject, says = finding
    found = site.examine(**config)
    hits = [each for each in found if (each.level, each.subject) == (level, subject) and says in each.says]
    assert len(hits) == 1, found
    assert hits[0] not in plain, "it is told of every world"
    assert hits[0].do or level in (FINE, NOTE)


def test_a_clock_that_is_far_off_is_told_although_the_sign_in_fails_for_it(site: Site):
    site.twin.set_clock(datetime.now(UTC) + timedelta(hours=1))
    found = site.examine()
    assert [row[0] for row in told(found, FAULT, WARNING)] == ["GitHub", "clock"]


def test_hooks_are_told_by_their_hosts_for_the_rest_is_often_a_secret(site: Site):
    site.twin.app(permissions=NEEDED | {"repository_hooks": "read"})
    assert "There is none; postbot needs none." in [each.says for each in site.examine()]
    site.twin.repository(hooks=["https://user:geheim@hooks.example/T0/s3cret", "https://ci.example/?token=s3cret"])
    found = site.examine()
    assert "There are some, to ci.example, hooks.example; postbot needs none." in [each.says for each in found]
    assert "s3cret" not in str(found)
    assert "geheim" not in str(found)


# The rules of branches -----------------------------------------------------------------------------------------------

ON_BASE: dict[str, tuple[dict[str, object], dict[str, object], tuple[Level, str, str] | None]] = {
    "one approval": (
        {"approvals": 1},
        {},
        (NOTE, "required reviews", "main asks for one approval."),
    ),
    "approvals for what merges by itself": (
        {"approvals": 2},
        {"merge": "auto"},
        (NOTE, "required reviews", "main asks for 2 approvals; what postbot merges by itself waits for that, too."),
    ),
    "checks": (
        {"statuses": ["build", "lint"]},
        {},
        (FINE, "required checks", "main asks for build and lint; postbot merges nothing before that is green."),
    ),
    "up to date": (
        {"statuses": ["build"], "strict": True},
        {},
        (FINE, "required checks", "Pull requests must be up to date with main; postbot sees to that for its own."),
    ),
    "the verdict, and the rule is off": (
        {"statuses": ["postbot/approval"]},
        {},
        (FAULT, "two-person rule", "which is never set while the two-person rule is off: nothing can be merged."),
    ),
    "the rule, and no verdict": (
        {"statuses": ["build"]},
        {"two_people": True},
        (FAULT, "two-person rule", "people can merge what they have asked for themselves."),
    ),
    "the rule and the verdict": (
        {"statuses": ["postbot/approval"], "source": 31},
        {"two_people": True},
        (FINE, "two-person rule", "main requires postbot/approval."),
    ),
    "the verdict of another app": (
        {"statuses": ["postbot/approval"], "source": 5},
        {"two_people": True},
        (FAULT, "two-person rule", "main takes postbot/approval from the App 5 only, which is another one."),
    ),
    "a method that the rules refuse": (
        {"approvals": 1, "methods": ["rebase", "merge"]},
        {},
        (FAULT, "merge method", "A rule of main says no, so `merge_method: squash` is not allowed there."),
    ),
    "a linear history": (
        {"also": ["required_linear_history"]},
        {"github": "merge_method: merge"},
        (FAULT, "merge method", "main wants a linear history, so `merge_method: merge` is not allowed there."),
    ),
    "signed commits": (
        {"also": ["required_signatures"]},
        {},
        (FINE, "signed commits", "main wants signed commits; GitHub signs ours."),
    ),
    "signed commits that are rebased": (
        {"also": ["required_signatures"]},
        {"github": "merge_method: rebase"},
        (FAULT, "signed commits", "GitHub does not sign what it rebases."),
    ),
    "a merge queue": (
        {"also": ["merge_queue"]},
        {"merge": "when-due"},
        (FAULT, "merge queue", "main has a merge queue, and postbot merges without one: GitHub will decline."),
    ),
    "a merge queue where people merge": (
        {"also": ["merge_queue"]},
        {},
        (WARNING, "merge queue", "main has a merge queue"),
    ),
    "a branch that few may change": (
        {"also": ["update"]},
        {},
        (WARNING, "branch rules", "Only those whom the rules of main exempt can change it"),
    ),
    "a rule that is not known": (
        {"also": ["commit_message_pattern", "deletion"]},
        {},
        (NOTE, "branch rules", "main also asks for commit_message_pattern; postbot does not judge that."),
    ),
}
CLASSIC = ("one approval", "checks", "the verdict, and the rule is off", "a linear history", "signed commits")
CASES = [(name, False) for name in ON_BASE] + [(name, True) for name in CLASSIC]


@pytest.mark.parametrize(("name", "classic"), CASES, ids=[f"{name}{', classic' * classic}" for name, classic in CASES])
def test_what_the_rules_of_the_branch_mean_is_told(site: Site, name: str, classic: bool):
    rules, config, finding = ON_BASE[name]
    site.twin.app(permissions=TWO_PEOPLE)
    plain = site.examine(**config)
    site.twin.rules(**rules, classic=classic)
    found = site.examine(**config)
    level, subject, says = finding
    hits = [each for each in found if (each.level, each.subject) == (level, subject) and says in each.says]
    assert len(hits) == 1, found
    assert hits[0].do or level in (FINE, NOTE)
    assert ("branch rules", "No rule of main is seen.") in [(each.subject, each.says) for each in plain]
    assert "No rule of main is seen." not in [each.says for each in found]


def test_what_a_person_commits_is_not_signed(site: Site):
    site.token(kind="fine-grained")
    site.twin.rules(also=["required_signatures"])
    site.twin.rules("postbot/open/example", also=["required_signatures"])
    assert [row[:2] for row in told(site.examine(), FAULT)] == [
        ("signed commits", "main wants signed commits, and what is committed with a person's token is not signed."),
        ("postbot/**", "A rule wants signed commits there, and a person's token does not sign."),
    ]


ON_OURS = {
    "creation": (FAULT, "A rule forbids to make or change such branches: no pull request can be made."),
    "update": (FAULT, "A rule forbids to make or change such branches: no pull request can be made."),
    "non_fast_forward": (FAULT, "A rule forbids force pushes there: no pull request can be brought up to date."),
    "deletion": (WARNING, "A rule forbids to delete such branches: they stay behind after every merge."),
    "required_signatures": None,
}


@pytest.mark.parametrize("kind", ON_OURS)
def test_a_rule_on_our_own_branches_that_stands_in_the_way_is_told(site: Site, kind: str):
    site.twin.rules("postbot/open/example", also=[kind])
    rows = [(each.level, each.says) for each in site.examine() if each.subject == "postbot/**"]
    assert rows == ([ON_OURS[kind]] if ON_OURS[kind] else [])


def test_a_rule_against_pushes_to_our_own_branches_is_told(site: Site):
    site.twin.rules("postbot/open/example", pull_requests_only=True)
    (row,) = told(site.examine(), FAULT)
    assert row[:2] == ("postbot/**", "A rule forbids pushes there: no pull request can be brought up to date.")


@pytest.mark.parametrize(
    ("door", "subject"),
    [
        ("GET rules", "rulesets"),
        ("POST graphql Classic", "protection"),
        ("GET label", "label"),
        ("GET collaborator", "reviewer"),
        ("GET hooks", "webhooks"),
    ],
)
def test_what_github_forbids_to_see_is_said_and_the_visit_goes_on(site: Site, door: str, subject: str):
    site.twin.fault("403-forbidden", door, times=9)
    found = site.examine(github="reviewers: [ann]")
    hits = [each for each in found if each.subject == subject]
    assert "cannot be seen with these rights" in hits[0].says
    assert found[-1].subject == "clock"
    assert told(found, FAULT) == []
