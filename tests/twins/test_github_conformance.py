"""The twin against GitHub's own description: every REST body by models made from it, every GraphQL type by its schema."""

import os
import subprocess
from collections.abc import Iterator
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

import pytest
import requests
from githubkit_schemas.v2022_11_28 import models
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
)
from pydantic import BaseModel, TypeAdapter

from tests.twins.github import graphql, rest
from tests.twins.github.asker import Asker
from tests.twins.github.client import Twin
from tests.twins.github.store import ZERO
from tests.twins.test_github_twin import claim, key, public

__all__ = ["key"]
ADMIN = {
    "metadata": "read",
    "administration": "write",
    "repository_hooks": "read",
    "contents": "write",
    "pull_requests": "write",
}

# REST


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, key: Any) -> Iterator[dict[str, requests.Response]]:
    """One answer of each door, from a repository where there is something behind each."""
    repo = tmp_path_factory.mktemp("conformance") / "site.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", repo], check=True)
    with Twin.start(repo) as twin:
        twin.push("main", {"jobs/a.md": "open\n", "run": "x"})
        yield dict(ask_everything(twin, key))


def ask_everything(twin: Twin, key: Any) -> Iterator[tuple[str, requests.Response]]:
    twin.app(key=public(key))
    app, bot = Asker(twin, claim(key, twin.now())), Asker(twin)
    twin.new_token("ghp_admin", login="ann", kind="classic", scopes=["repo"], permissions=ADMIN)
    admin = Asker(twin, "ghp_admin")
    yield "GET app", app.get("/api/v3/app")
    yield "GET installation", app.get("/api/v3/app/installations/47")
    yield "POST access_tokens", app.post("/api/v3/app/installations/47/access_tokens")
    yield "GET repo", admin.get("")
    main = bot.get("git/ref/heads/main")
    sha = main.json()["object"]["sha"]
    yield "GET git/ref", main
    yield "GET git/trees", bot.get("git/trees/main?recursive=1")
    yield "POST git/blobs", bot.post("git/blobs", content="/w==", encoding="base64")
    entry = {"path": "jobs/a.md", "mode": "100644", "type": "blob", "content": "closed\n"}
    tree = bot.post("git/trees", base_tree=bot.get("git/trees/main").json()["sha"], tree=[entry])
    yield "POST git/trees", tree
    yield "GET git/blobs", bot.get(f"git/blobs/{bot.get('git/trees/main').json()['tree'][1]['sha']}")
    commit = bot.post("git/commits", message="M", tree=tree.json()["sha"], parents=[sha])
    yield "POST git/commits", commit
    yield "GET git/commits", bot.get(f"git/commits/{sha}")
    yield "GET tarball", bot.get("tarball/main")
    head = commit.json()["sha"]
    bot.move(("postbot/x", ZERO, head))
    yield from ask_of_a_pull(twin, bot, head)
    twin.rules(approvals=1, statuses=["build"])
    yield "GET rules", bot.get("rules/branches/main")
    twin.rules(approvals=1, statuses=["build"], classic=True)
    yield "GET protection", admin.get("branches/main/protection")
    twin.repository(hooks=["https://bot.example/hook"])
    yield "GET hooks", admin.get("hooks")
    twin.rules()
    yield "PUT merge", bot.put("pulls/1/merge")


def ask_of_a_pull(twin: Twin, bot: Asker, head: str) -> Iterator[tuple[str, requests.Response]]:
    yield "POST pulls", bot.post("pulls", title="T", body=None, head="postbot/x", base="main")
    yield "PATCH issue", bot.amend("issues/1", labels=["postbot"], assignees=["ann"])
    twin.teams("hr")
    yield "POST requested_reviewers", bot.post("pulls/1/requested_reviewers", reviewers=["bo"], team_reviewers=["hr"])
    yield "POST comments", bot.post("issues/1/comments", body="Hello")
    yield "PATCH comment", bot.amend(f"issues/comments/{twin.pull(1)['comments'][0]['id']}", body="Hi")
    yield "GET comments", bot.get("issues/1/comments")
    yield "POST statuses", bot.post(f"statuses/{head}", state="success", context="postbot/approval", description="ok")
    twin.check(head, "build", "success")
    yield "GET check-runs", bot.get(f"commits/{head}/check-runs")
    yield "GET label", bot.get("labels/postbot")
    yield "GET collaborator", bot.get("collaborators/ann")
    yield "PATCH pull", bot.amend("pulls/1", title="Other")
    yield "GET pull", bot.get("pulls/1")
    yield "GET pulls", bot.get("pulls?state=all")


RULE = reduce(or_, (getattr(models, name) for name in dir(models) if name.startswith("RepositoryRuleDetailedOneof")))
BODIES: dict[str, Any] = {
    "GET app": models.Integration,
    "GET installation": models.Installation,
    "POST access_tokens": models.InstallationToken,
    "GET repo": models.FullRepository,
    "GET rules": list[RULE],
    "GET protection": models.BranchProtection,
    "GET label": models.Label,
    "GET collaborator": None,
    "GET hooks": list[models.Hook],
    "GET check-runs": models.ReposOwnerRepoCommitsRefCheckRunsGetResponse200,
    "GET git/ref": models.GitRef,
    "GET git/trees": models.GitTree,
    "GET git/blobs": models.Blob,
    "GET git/commits": models.GitCommit,
    "GET tarball": None,
    "POST git/blobs": models.ShortBlob,
    "POST git/trees": models.GitTree,
    "POST git/commits": models.GitCommit,
    "GET pulls": list[models.PullRequestSimple],
    "GET pull": models.PullRequest,
    "POST pulls": models.PullRequest,
    "PATCH pull": models.PullRequest,
    "PUT merge": models.PullRequestMergeResult,
    "POST requested_reviewers": models.PullRequestSimple,
    "PATCH issue": models.Issue,
    "GET comments": list[models.IssueComment],
    "POST comments": models.IssueComment,
    "PATCH comment": models.IssueComment,
    "DELETE comment": None,
    "POST statuses": models.Status,
}


def test_every_door_is_held_against_the_description():
    assert BODIES.keys() == {route.name for route in rest.ROUTES}


@pytest.mark.parametrize("door", [door for door, body in BODIES.items() if body])
def test_a_body_has_every_field_that_must_be_there_and_none_of_another_type(
    told: dict[str, requests.Response], door: str
):
    reply = told[door]
    assert reply.status_code in {200, 201}, reply.text
    assert reply.json()
    TypeAdapter(BODIES[door]).validate_json(reply.content, strict=True)


@pytest.mark.parametrize("door", [door for door, body in BODIES.items() if isinstance(body, type)])
def test_a_body_has_no_field_that_github_does_not_describe(told: dict[str, requests.Response], door: str):
    model: type[BaseModel] = BODIES[door]
    described = {field.alias or name for name, field in model.model_fields.items()}
    assert told[door].json().keys() - described <= UNDESCRIBED.get(door, set())


UNDESCRIBED: dict[str, set[str]] = {}


def test_of_a_collaborator_there_is_only_a_yes(told: dict[str, requests.Response]):
    assert (told["GET collaborator"].status_code, told["GET collaborator"].content) == (204, b"")


def test_an_archive_is_found_elsewhere(told: dict[str, requests.Response]):
    reply = told["GET tarball"]
    assert (reply.status_code, reply.content, bool(reply.headers["Location"])) == (302, b"", True)


def test_a_refusal_has_the_shape_of_one(tmp_path: Path):
    repo = tmp_path / "site.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", repo], check=True)
    with Twin.start(repo) as twin:
        twin.push("main", {"a": "b"})
        bot = Asker(twin)
        for reply in (bot.get("pulls/7"), bot.get("hooks"), Asker(twin, "x").get("")):
            models.BasicError.model_validate_json(reply.content, strict=True)
            assert reply.json().keys() == {"message", "documentation_url", "status"}
        refused = bot.post("pulls", title="T", head="nowhere", base="main")
        assert refused.status_code == 422
        assert models.ValidationError.model_validate_json(refused.content, strict=True).errors


# GraphQL


def published() -> Path | None:
    own = Path(__file__).resolve().parents[1] / ".cache/github-schema.graphql"
    given = os.environ.get("POSTBOT_GITHUB_SCHEMA")
    return Path(given) if given else own if own.exists() else None


@pytest.fixture(scope="module")
def real() -> GraphQLSchema:
    where = published()
    if where is None:
        pytest.skip(
            "GitHub's published schema is not here: run `npm pack @octokit/graphql-schema`, unpack it, and put its "
            "schema.graphql at tests/.cache/github-schema.graphql or name it in POSTBOT_GITHUB_SCHEMA"
        )
    return build_schema(where.read_text(encoding="utf-8"), assume_valid=True)


OWN = {name: kind for name, kind in graphql.SCHEMA.type_map.items() if not name.startswith("__")}


def differences(own: GraphQLNamedType, real: GraphQLNamedType | None) -> list[str]:
    """What our type says otherwise than GitHub's. Ours may say less."""
    if real is None or type(own) is not type(real):
        return [f"{own.name} is {real and type(real).__name__}"]
    if isinstance(own, GraphQLEnumType) and isinstance(real, GraphQLEnumType):
        return [f"{own.name}.{value}" for value in own.values.keys() - real.values.keys()]
    if isinstance(own, GraphQLUnionType) and isinstance(real, GraphQLUnionType):
        return [f"{own.name} = {one.name}" for one in own.types if one.name not in {other.name for other in real.types}]
    if isinstance(own, GraphQLInputObjectType) and isinstance(real, GraphQLInputObjectType):
        return input_differences(own, real)
    if isinstance(own, GraphQLObjectType | GraphQLInterfaceType) and isinstance(
        real, GraphQLObjectType | GraphQLInterfaceType
    ):
        return field_differences(own, real)
    assert isinstance(own, GraphQLScalarType)
    return []


def input_differences(own: GraphQLInputObjectType, real: GraphQLInputObjectType) -> list[str]:
    odd = [
        name
        for name, field in own.fields.items()
        if name not in real.fields or str(field.type) != str(real.fields[name].type)
    ]
    needed = [name for name, field in real.fields.items() if str(field.type).endswith("!") and name not in own.fields]
    return [f"{own.name}.{name}" for name in odd + needed]


def field_differences(own: Any, real: Any) -> list[str]:
    found = [
        f"{own.name} implements {one.name}"
        for one in own.interfaces
        if one.name not in {other.name for other in real.interfaces}
    ]
    for name, field in own.fields.items():
        other = real.fields.get(name)
        if other is None or str(field.type) != str(other.type):
            found.append(f"{own.name}.{name}: {field.type}, not {other and other.type}")
            continue
        odd = [
            arg for arg, told in field.args.items() if arg not in other.args or shown(told) != shown(other.args[arg])
        ]
        needed = [arg for arg, told in other.args.items() if str(told.type).endswith("!") and arg not in field.args]
        found += [f"{own.name}.{name}({arg})" for arg in odd + needed]
    return found


def shown(argument: Any) -> tuple[str, str]:
    """An argument's type and what it is when not given."""
    return str(argument.type), str(argument.ast_node.default_value.value if argument.ast_node.default_value else None)


@pytest.mark.parametrize("name", sorted(OWN.keys() - {"String", "Int", "Boolean", "ID", "Float"}))
def test_a_type_is_as_github_publishes_it(real: GraphQLSchema, name: str):
    assert differences(OWN[name], real.type_map.get(name)) == []


def test_a_difference_would_be_found(real: GraphQLSchema):
    text = "type Query { viewer: User! } type User { login: String nothing: Int } enum OrderDirection { UP }"
    odd = build_schema(text)
    assert differences(odd.type_map["User"], real.type_map["User"]) == [
        "User.login: String, not String!",
        "User.nothing: Int, not None",
    ]
    assert differences(odd.type_map["OrderDirection"], real.type_map["OrderDirection"]) == ["OrderDirection.UP"]


def test_every_answer_of_ours_is_for_a_field_of_ours():
    for name, fields in graphql.FIELDS.items():
        kind = graphql.SCHEMA.type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        assert fields.keys() <= kind.fields.keys()
