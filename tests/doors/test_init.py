"""`postbot init` on small sites in real git repositories: what it writes, what it says, what it leaves alone."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path as Folder
from zoneinfo import ZoneInfo

import pytest
import yaml

from postbot.config import CONFIG_NAME, ROUTES_NAME, Config, ConfigError, load, load_profile, shipped
from postbot.core.lifecycle import Transition
from postbot.core.posting import Posting, read_posting
from postbot.core.profile import EarlyClose, State
from postbot.doors.init import run
from postbot.hosts import HostError
from postbot.hosts.local import LocalHost
from tests.examples import configuration

CORPUS = Folder(__file__).resolve().parents[2] / ".." / "shared" / "corpus"

JOB = "---\ntitle: {name}\nstate: {state}\nopens: May 1, 2026, 9:00 am EDT\ncloses: TBD\n---\nText.\n"
DATED = "---\ntitle: {name}\nopens: 2026-05-01\ncloses: 2026-05-09\n---\nText.\n"
PAGE = "---\ntitle: {name}\nexpiryDate: 2026-05-09T12:00:00Z\ndraft: false\n---\nText.\n"
STATE_SITE = {
    "README.md": "# Our site\n",
    "pages/about.md": "---\ntitle: About\n---\n",
    "pages/positions/baker.md": JOB.format(name="Baker", state="open"),
    "pages/positions/miller.md": JOB.format(name="Miller", state="upcoming"),
    "pages/positions/_template.md": JOB.format(name="NAME", state="upcoming"),
}
DATE_SITE = {
    "positions/baker.md": DATED.format(name="Baker"),
    "positions/miller.md": DATED.format(name="Miller"),
    "_layouts/job.html": "{{ page.closes }}",
}
HUGO_SITE = {
    "content/jobs/baker/index.md": PAGE.format(name="Baker"),
    "content/jobs/miller.md": PAGE.format(name="Miller"),
    "content/blog/news.md": "---\ntitle: News\ndate: 2026-05-01\ndraft: false\n---\n",
}


def git(repo: Folder, *args: str | Folder, stdin: bytes = b"") -> None:
    own = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} | {
        "GIT_CONFIG_GLOBAL": os.devnull
    }
    subprocess.run(["git", "-C", repo, *args], input=stdin, capture_output=True, env=own, check=True)


def make(repo: Folder, files: Mapping[str, str | bytes], branch: str = "main", *, bare: bool = False) -> Folder:
    """A repository with one commit of these files on a branch, checked out unless it is bare."""
    repo.mkdir(parents=True, exist_ok=True)
    git(repo, "init", "--quiet", "--initial-branch", branch, *(["--bare"] if bare else []))
    commit(repo, files, branch)
    if not bare:
        git(repo, "reset", "--quiet", "--hard")
    return repo


def commit(repo: Folder, files: Mapping[str, str | bytes], branch: str) -> None:
    stream = f"commit refs/heads/{branch}\ncommitter Ann <ann@example.org> 1700000000 +0000\ndata 4\nwork\n".encode()
    for path, text in files.items():
        data = text.encode() if isinstance(text, str) else text
        stream += f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n"
    git(repo, "fast-import", "--quiet", "--force", stdin=stream)


def start(repo: Folder, target: Folder | None = None, *, force: bool = False) -> tuple[Config | None, str]:
    """What init wrote, read as every command reads it, and what it said."""
    said: list[str] = []
    target = target or repo.parent / CONFIG_NAME
    done = run(repo, target, force=force, say=said.append)
    return (load(target) if done else None), "\n".join(said)


def written(repo: Folder) -> tuple[Config, str]:
    config, said = start(repo)
    assert config is not None
    return config, said


def postings(config: Config) -> dict[str, Posting]:
    """The postings that the written configuration leads to."""
    host = LocalHost(config.at(config.site.repo), config.site.base, config.site.folders)
    profile = load_profile(config)
    read = [read_posting(path, file.data, profile, config.site.timezone) for path, file in host.look().files.items()]
    return {posting.slug: posting for posting in read if isinstance(posting, Posting) and not posting.outside}


@pytest.mark.parametrize("bare", [False, True], ids=["a checkout", "a bare repository"])
def test_a_site_with_states_is_written_down_and_leads_to_its_postings(tmp_path: Folder, bare: bool):
    config, said = written(make(tmp_path / "site", STATE_SITE, bare=bare))
    assert (config.site.profile, config.site.folders, config.site.base) == (
        "jekyll-state",
        ("pages/positions",),
        "main",
    )
    assert config.site.timezone == ZoneInfo("America/New_York")
    assert {slug: found.stated for slug, found in postings(config).items()} == {
        "baker": State.OPEN,
        "miller": State.UPCOMING,
    }
    assert config.site.early_close is None
    assert "2 postings in pages/positions, of the kind jekyll-state: recognised by `state`, `opens`, `closes`." in said
    assert "States: 1 open, 1 upcoming." in said
    assert "Dates: Month D, YYYY, H:MM am ZONE (2); TBD (2)." in said
    assert "Time zone America/New_York: most of the dates that name a time zone (2) mean this one." in said
    assert "Templates, left out: pages/positions/_template.md." in said
    assert "postbot check" in said


def test_everything_but_the_site_is_as_in_the_example(tmp_path: Folder):
    config, _ = written(make(tmp_path / "site", STATE_SITE))
    example = load(shipped() / CONFIG_NAME)
    assert config.model_copy(update={"site": example.site}).model_dump() == example.model_dump()
    assert config.heard == example.heard


def test_a_date_site_without_the_field_closes_early_by_back_dating_and_is_told_why(tmp_path: Folder):
    config, said = written(make(tmp_path / "site", DATE_SITE))
    assert (config.site.profile, config.site.folders) == ("jekyll-dates", ("positions",))
    assert load_profile(config).early_close is EarlyClose.BACK_DATE
    assert "no template of this site reads `closed_on`" in said
    text = (tmp_path / CONFIG_NAME).read_text()
    assert "Closing early on a site that goes by dates" in " ".join(text.replace("#", "").split())
    assert set(postings(config)) == {"baker", "miller"}


@pytest.mark.parametrize(
    "path", ["_layouts/job.html", "_plugins/status.rb", "_includes/list.liquid", "themes/ours/layouts/job.html"]
)
def test_a_date_site_whose_templates_read_the_field_keeps_it(tmp_path: Folder, path: str):
    config, said = written(make(tmp_path / "site", {**DATE_SITE, path: "{% if page.closed_on %}closed{% endif %}"}))
    assert load_profile(config).early_close is EarlyClose.FIELD
    assert f"`closed_on` is read in {path}." in said


@pytest.mark.parametrize("path", ["_site/job.html", "node_modules/x/y.js", "README.md", "notes.txt"])
def test_a_mention_elsewhere_is_no_template(tmp_path: Folder, path: str):
    config, _ = written(make(tmp_path / "site", {**DATE_SITE, path: "closed_on"}))
    assert load_profile(config).early_close is EarlyClose.BACK_DATE


def test_a_hugo_site_is_found_among_its_other_pages(tmp_path: Folder):
    config, said = written(make(tmp_path / "site", HUGO_SITE))
    assert (config.site.profile, config.site.folders) == ("hugo", ("content/jobs",))
    assert config.site.timezone == ZoneInfo("UTC")
    assert load_profile(config).early_close is EarlyClose.NOW
    assert set(postings(config)) == {"baker", "miller"}
    assert "`expiryDate`" in said


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("_config.yml", "title: Jobs\ntimezone: America/Denver\n"),
        ("hugo.toml", "title = 'Jobs'\ntimeZone = 'America/Denver'\n"),
    ],
)
def test_the_zone_that_the_site_itself_is_told_goes_before_what_its_dates_name(tmp_path: Folder, path: str, text: str):
    config, said = written(make(tmp_path / "site", STATE_SITE | {path: text}))
    assert str(config.site.timezone) == "America/Denver"
    assert f"Time zone America/Denver: {path} says so." in said


def test_without_a_zone_it_is_utc_and_a_line_says_to_check(tmp_path: Folder):
    config, said = written(make(tmp_path / "site", DATE_SITE))
    assert config.site.timezone == ZoneInfo("UTC")
    assert "Time zone UTC: no date names a time zone, so UTC stands in. Check it" in said
    assert "# Here: no date names a time zone" in (tmp_path / CONFIG_NAME).read_text()


def test_zones_that_contradict_each_other_are_said_to(tmp_path: Folder):
    other = JOB.replace("EDT", "PDT").format(name="Cook", state="open")
    site = {"jobs/a.md": JOB.format(name="Baker", state="open"), "jobs/b.md": other}
    assert "the dates that name a time zone (2) do not agree on one" in written(make(tmp_path / "site", site))[1]


def test_files_that_do_not_load_are_named_with_their_place_and_stop_nothing(tmp_path: Folder):
    broken = {f"pages/positions/bad{n}.md": "---\ntitle: 'x\n---\n" for n in range(5)}
    config, said = written(make(tmp_path / "site", {**STATE_SITE, **broken}))
    assert set(postings(config)) == {"baker", "miller"}
    assert "5 files there cannot be read:\n  pages/positions/bad0.md:2:" in said
    assert "and 2 more; postbot check names them all." in said


def test_what_git_cannot_give_as_a_file_is_named_too(tmp_path: Folder):
    big = {"pages/positions/big.md": b"---\ntitle: Big\n---\n" + b"x" * (1 << 20), "big.md": b"x" * (2 << 20)}
    _, said = written(make(tmp_path / "site", {**STATE_SITE, **big}))
    assert "1 file there cannot be read:\n  pages/positions/big.md:1:1:" in said


def test_pages_of_another_kind_and_strays_are_named(tmp_path: Folder):
    more = {f"pages/positions/{n}.md": JOB.format(name=n, state="open") for n in range(12)}
    odd = {
        "pages/positions/dated.md": DATED.format(name="Dated"),
        "pages/lost.md": JOB.format(name="Lost", state="open"),
    }
    _, said = written(make(tmp_path / "site", {**STATE_SITE, **more, **odd}))
    assert "1 other page there, 1 of them of the kind jekyll-dates: pages/positions/dated.md." in said
    assert "1 page elsewhere with these fields, left out: pages/lost.md." in said


def test_an_existing_configuration_is_left_alone(tmp_path: Folder):
    repo = make(tmp_path / "site", STATE_SITE)
    (tmp_path / CONFIG_NAME).write_text("mine")
    config, said = start(repo)
    assert config is None
    assert (tmp_path / CONFIG_NAME).read_text() == "mine"
    assert "exists already" in said


def test_a_link_that_leads_nowhere_is_left_alone_too(tmp_path: Folder):
    repo = make(tmp_path / "site", STATE_SITE)
    (tmp_path / CONFIG_NAME).symlink_to(tmp_path / "elsewhere")
    assert start(repo)[0] is None
    assert not (tmp_path / "elsewhere").exists()


def test_force_replaces_it_and_says_so(tmp_path: Folder):
    repo = make(tmp_path / "site", STATE_SITE)
    (tmp_path / CONFIG_NAME).write_text("mine")
    config, said = start(repo, force=True)
    assert config is not None
    assert f"Replaced {tmp_path / CONFIG_NAME}" in said


def test_in_a_folder_of_a_checkout_that_has_one_it_makes_no_second_site_by_accident(tmp_path: Folder):
    start(make(tmp_path / "site", STATE_SITE), tmp_path / "site" / CONFIG_NAME)
    below = tmp_path / "site/pages/positions"
    config, said = start(below, below / CONFIG_NAME)
    assert config is None
    assert f"{tmp_path / 'site' / CONFIG_NAME} is there already" in said
    assert not (below / CONFIG_NAME).exists()
    assert start(below, below / CONFIG_NAME, force=True)[0] is not None
    inner = make(tmp_path / "site/vendor/theirs", STATE_SITE)  # another checkout, within this one
    assert start(inner, inner / CONFIG_NAME)[0] is not None
    (tmp_path / "site/others").mkdir()
    assert start(make(tmp_path / "other", STATE_SITE), tmp_path / "site/others" / CONFIG_NAME)[0] is not None


def test_a_site_without_postings_gets_nothing(tmp_path: Folder):
    config, said = start(make(tmp_path / "site", {"blog/news.md": "---\ntitle: News\ndate: 2026-05-01\n---\n"}))
    assert config is None
    assert "None of them looks like a posting" in said
    assert not (tmp_path / CONFIG_NAME).exists()


def test_an_empty_repository_is_an_error_in_a_sentence(tmp_path: Folder):
    git(tmp_path, "init", "--quiet", "site")
    with pytest.raises(HostError, match="has no commits on any branch yet"):
        start(tmp_path / "site")


def test_a_folder_that_is_no_repository_is_an_error_in_a_sentence(tmp_path: Folder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site").mkdir()
    with pytest.raises(HostError, match="is not a git repository"):
        start(tmp_path / "site")


def test_a_place_that_cannot_be_written_is_an_error_in_a_sentence(tmp_path: Folder):
    repo = make(tmp_path / "site", STATE_SITE)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        start(repo, tmp_path / "file" / CONFIG_NAME)


def _trunk(repo: Folder) -> None:
    make(repo, STATE_SITE, "trunk")


def _feature_beside_main(repo: Folder) -> None:
    make(repo, STATE_SITE)
    git(repo, "branch", "feature")


def _ahead_of_main(repo: Folder) -> None:
    make(repo, {"a.md": "x"})
    commit(repo, STATE_SITE, "live")
    git(repo, "symbolic-ref", "HEAD", "refs/heads/live")


def _detached(repo: Folder) -> None:
    make(repo, STATE_SITE, "master")
    git(repo, "checkout", "--quiet", "--detach")
    git(repo, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "--allow-empty", "-m", "x")


def _head_names_nothing(repo: Folder) -> None:
    make(repo, STATE_SITE, bare=True)
    git(repo, "symbolic-ref", "HEAD", "refs/heads/gone")


def _ours_checked_out(repo: Folder) -> None:
    make(repo, STATE_SITE)
    git(repo, "checkout", "--quiet", "-b", "postbot/open/baker-0123456789")


def _two_alike(repo: Folder) -> None:
    make(repo, STATE_SITE, "live")
    git(repo, "branch", "before")


@pytest.mark.parametrize(
    ("prepare", "base"),
    [
        pytest.param(_trunk, "trunk", id="the only branch"),
        pytest.param(_feature_beside_main, "main", id="two branches at one commit"),
        pytest.param(_ahead_of_main, "live", id="the branch that is checked out"),
        pytest.param(_two_alike, "live", id="the checked out one of two at one commit"),
        pytest.param(_detached, "master", id="no branch checked out"),
        pytest.param(_head_names_nothing, "main", id="a bare repository whose HEAD names no branch"),
        pytest.param(_ours_checked_out, "main", id="a branch of ours is checked out"),
    ],
)
def test_the_published_branch_is_found(tmp_path: Folder, prepare: Callable[[Folder], None], base: str):
    prepare(tmp_path / "site")
    assert written(tmp_path / "site")[0].site.base == base


def test_when_the_published_branch_is_unclear_it_asks_to_check_it_out(tmp_path: Folder):
    repo = make(tmp_path / "site", STATE_SITE, "live", bare=True)
    git(repo, "branch", "next")
    git(repo, "symbolic-ref", "HEAD", "refs/heads/gone")
    with pytest.raises(HostError, match=r"unclear which branch of .* is published \(live, next\)"):
        start(repo)


def test_paths_are_relative_and_odd_names_survive(tmp_path: Folder):
    site = {f"my jobs, {name}: #1/on.md": JOB.format(name=name, state="open") for name in ("é", "b")}
    repo = make(tmp_path / "site", site, "1.0")
    target = tmp_path / "etc" / "bot" / CONFIG_NAME
    config, _ = start(repo, target)
    assert config is not None
    assert config.site.repo == Folder("../../site")
    assert config.site.base == "1.0"
    assert config.site.folders == ("my jobs, b: #1", "my jobs, é: #1")
    assert len(LocalHost(config.at(config.site.repo), config.site.base, config.site.folders).look().files) == 2


def test_the_repository_is_left_as_it_was(tmp_path: Folder):
    repo = make(tmp_path / "site", STATE_SITE)
    before = {path: path.read_bytes() for path in sorted(repo.rglob("*")) if path.is_file()}
    written(repo)
    assert {path: path.read_bytes() for path in sorted(repo.rglob("*")) if path.is_file()} == before


def test_the_example_loads_and_sets_every_setting():
    config = load(shipped() / CONFIG_NAME)
    assert (config.site.profile, config.site.folders) == ("jekyll-state", ("pages/positions",))
    data = yaml.safe_load(configuration())
    for model, section in ((config, data), (config.site, data["site"]), (config.safety, data["safety"])):
        assert set(section) == set(type(model).model_fields) - {"root", "heard"}
    assert set(data["transitions"]) == set(Transition)


def test_every_setting_of_the_example_is_explained():
    lines = (shipped() / CONFIG_NAME).read_text(encoding="utf-8").splitlines()
    unexplained = [
        line
        for above, line in zip(["", *lines], lines, strict=False)
        if ":" in line and not line.lstrip().startswith("#") and not above.lstrip().startswith("#")
    ]
    assert {line.split(":")[0].strip() for line in unexplained} <= {"site", "path", "postpone", "reopen", "withdraw"}


def test_a_real_site_is_understood(tmp_path: Folder):
    if not CORPUS.is_dir():
        pytest.skip("The corpus of real postings is not here.")
    rows = [json.loads(row) for row in (CORPUS / "transitions.jsonl").read_text().splitlines()]
    places = {row["after"].split("/")[1]: row["path"] for row in rows}
    site = {
        places.get(folder.name, f"pages/positions/{folder.name}.md"): max(folder.glob("*.md")).read_bytes()
        for folder in (CORPUS / "versions").iterdir()
    }
    config, said = written(make(tmp_path / "site", site))
    assert (config.site.profile, config.site.folders) == ("jekyll-state", ("pages/positions",))
    assert config.site.timezone == ZoneInfo("America/New_York")
    stated = [found for found in postings(config).values() if found.stated]
    assert len(stated) >= 24
    assert {found.profile.name for found in stated} == {"jekyll-state"}
    assert "files there cannot be read:" in said
    assert "of them of the kind jekyll-dates" in said


def test_the_routes_are_written_beside_it_and_never_over_others(tmp_path: Folder):
    config, said = written(make(tmp_path / "site", STATE_SITE))
    routes = config.root / ROUTES_NAME
    assert routes.read_text() == (shipped() / ROUTES_NAME).read_text()
    assert f"Wrote {routes}; it says who hears what." in said
    assert {route.channel for route in config.heard} == {"folder", "console"}
    routes.write_text("- {to: console:me, hear: everything}\n")
    (config.root / CONFIG_NAME).unlink()
    _, said = written(config.root / config.site.repo)
    assert f"Left {routes} as it is; it says who hears what." in said
    assert routes.read_text() == "- {to: console:me, hear: everything}\n"
