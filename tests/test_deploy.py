"""What `config/deploy` ships: the image is built and run; the compose file and the unit are read by their own rules."""

import os
import pickle
import re
import shutil
import stat
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

from postbot.config import load
from postbot.serviceconfig import load_service
from tests.examples import ROOT
from tests.image import Container, Image, Instruction, build, context, obstacle, read, run
from tests.world import READY, git

DEPLOY = ROOT / "config" / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
UNIT = (DEPLOY / "postbot.service").read_text(encoding="utf-8")
LOCK = (DEPLOY / "requirements.lock").read_text(encoding="utf-8")
CODE = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "postbot").rglob("*.py")))
STOPPING_SECONDS = 10  # what the README promises

STEPS = list(read(DOCKERFILE))
HIDDEN = re.compile(
    r"^( *)# (- \w+|\w+: \{file: .*|POSTBOT_\w+: .*|ports: .*|LoadCredential=.*|Environment=.*)$", re.MULTILINE
)
"""Settings that are shipped with a hash before them, for those who need them."""


def both(text: str) -> list[str]:
    """A file as it is shipped, and with the hashes taken off every setting that has one."""
    shown = HIDDEN.sub(r"\1\2", text)
    assert shown != text
    return [text, shown]


def until(what: Callable[[], bool], seconds: float = 180) -> bool:
    """Whether something comes to be, at once or while one waits so long."""
    ends = time.monotonic() + seconds
    while not (came := what()) and time.monotonic() < ends:
        time.sleep(0.1)
    return came


# The locks -----------------------------------------------------------------------------------------------------------


def pins(text: str) -> dict[str, frozenset[str]]:
    """The hashes of each package that a lock names, by name and version."""
    found = re.findall(r"^(\S+==[^\s;]+)[^\n]*\n((?:    --hash=\S+[ \\\n]*)+)", text, re.MULTILINE)
    return {name: frozenset(re.findall(r"sha256:\w+", hashes)) for name, hashes in found}


@pytest.mark.parametrize("name", ["requirements.lock", "build.lock"])
def test_what_is_deployed_is_what_was_tested_to_the_byte(name: str):
    tested, deployed = (pins(path.read_text()) for path in (ROOT / "requirements.lock", DEPLOY / name))
    assert deployed.items() <= tested.items(), "make lock"
    assert len(deployed) == (DEPLOY / name).read_text().count("==") - (DEPLOY / name).read_text().count(" == ")


def test_the_lock_of_the_service_holds_its_packages_and_none_of_the_desk():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["postgres"]]
    names = {pin.partition("==")[0] for pin in pins(LOCK)}
    assert {re.split(r"[\[<>=]", each)[0].lower().replace(".", "-") for each in wanted} <= names
    assert names.isdisjoint({"pytest", "mypy", "ruff", "uv", "hatchling", "pip"})


# The Dockerfile ------------------------------------------------------------------------------------------------------


def steps(name: str) -> list[Instruction]:
    return [each for each in STEPS if each.name == name]


def test_every_stage_has_the_one_base_that_can_be_pinned():
    [base] = steps("ARG")
    assert re.fullmatch(r"PYTHON=python:3\.\d+-slim-\w+", base.rest)
    assert [each.rest for each in steps("FROM")] == ["${PYTHON} AS build", "${PYTHON}"]
    assert f"{base.rest}@sha256:DIGEST" in DOCKERFILE, "how to pin it stands there"


def test_only_wheels_whose_hashes_are_locked_are_installed():
    installs = re.findall(r"pip (?:--python \S+ )?install [^&]*", " & ".join(each.rest for each in steps("RUN")))
    assert len(installs) == 3
    for each in installs:
        locked = "--require-hashes" in each and "--only-binary :all:" in each
        assert locked or each.split()[-3:] == ["--no-deps", "--no-index", "wheels/*.whl"], each
        assert "--no-deps" in each


def test_the_image_is_nobodys_root_and_starts_without_a_shell():
    last = [each.name for each in STEPS]
    [user] = steps("USER")
    assert re.fullmatch(r"([1-9]\d{4,}):\1", user.rest), "a number, which Kubernetes can see is not root"
    assert last.index("USER") > max(number for number, name in enumerate(last) if name in ("RUN", "COPY", "WORKDIR"))
    assert [each.rest[0] for each in (*steps("ENTRYPOINT"), *steps("CMD"))] == ["[", "["]
    assert steps("HEALTHCHECK")[0].rest.startswith('CMD ["python", ')
    assert [each.rest for each in steps("STOPSIGNAL")] == ["SIGTERM"]


def test_nothing_that_looks_like_a_secret_goes_into_a_layer():
    given = " ".join(each.rest for name in ("ARG", "ENV", "COPY", "ADD") for each in steps(name))
    assert not re.search("key|token|secret|password|credential", given, re.IGNORECASE)
    sources = {word for each in steps("COPY") if "from" not in each.flags for word in each.words[:-1]}
    assert all((ROOT / source).exists() for source in sources)
    assert {source.split("/")[0] for source in sources} == {"pyproject.toml", "README.md", "postbot", "config"}


def test_the_healthcheck_asks_where_the_example_of_the_configuration_listens():
    host, port = load_service(ROOT / "config" / "service.yaml").listen or ("", 0)
    assert f"HTTPConnection('{host}', {port}, " in steps("HEALTHCHECK")[0].rest
    assert '"/healthz"' in CODE


# The image -----------------------------------------------------------------------------------------------------------

CONFIG = """\
site: {repo: /data/site.git, folders: [positions], profile: jekyll-state, timezone: UTC}
ledger: /data/ledger.db
folder: {path: /data/announcements}
transitions: {open: {merge: auto}}
soon: {closing: []}
routes: [{to: "folder:openings", hear: public}, {to: "folder:staff", hear: staff}]
"""


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Image]]:
    """Every stage of the Dockerfile, carried out on this checkout: once for all workers, and gone after the last."""
    if not os.environ.get("CI"):
        pytest.skip("Building the image takes a minute or two, so only CI does it: CI=true pytest tests/test_deploy.py")
    if why := obstacle():
        pytest.skip(why)
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "image"
    with FileLock(f"{folder}.lock"):
        made, users = folder / "stages", folder / "users"
        if not made.exists():
            sent = context(ROOT, (ROOT / ".dockerignore").read_text(), folder / "context")
            given = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
            made.write_bytes(pickle.dumps(build(DOCKERFILE, sent, folder, given)))
            users.mkdir()
        (users / str(os.getpid())).touch()
    yield pickle.loads(made.read_bytes())  # noqa: S301 - what was written above
    with FileLock(f"{folder}.lock"):
        (users / str(os.getpid())).unlink()
        if not list(users.iterdir()):
            shutil.rmtree(folder)


@pytest.fixture
def image(stages: Mapping[str, Image]) -> Image:
    """The image that is shipped: the last stage."""
    return stages[""]


@dataclass
class Mounted:
    """The two folders that a container is given: its configuration, and its data with the repository of a site."""

    folder: Path

    def __post_init__(self) -> None:
        site, self.config, self.data = (self.folder / name for name in ("site", "config", "data"))
        (site / "positions").mkdir(parents=True)
        git(site, "init", "-q", "-b", "main")
        text = READY.format(title="Pilot", slug="pilot", state="upcoming", opens="2026-01-02", closes="2096-01-02")
        (site / "positions" / "pilot.md").write_text(text)
        git(site, "add", ".")
        git(site, "commit", "-q", "-m", "A position whose day has come")
        self.config.mkdir()
        (self.config / "postbot.yaml").write_text(CONFIG)
        (self.config / "service.yaml").write_text("sites: [postbot.yaml]\nheartbeat: 1 second\n")
        self.data.mkdir()
        subprocess.run(["git", "clone", "-q", "--bare", site, self.data / "site.git"], check=True)

    def container(self, image: Image) -> Container:
        """Start the image with them; the data is the image's user's."""
        subprocess.run(["chown", "-R", image.user, self.data], check=True)
        return Container(image, {"/data": self.data, "/config": self.config}, self.folder / "log")

    def published(self) -> str:
        """What the site says on its base branch."""
        return git(self.data / "site.git", "-c", "safe.directory=*", "show", "main:positions/pilot.md")

    def log(self) -> str:
        return (self.folder / "log").read_text()


def test_the_image_keeps_a_site_as_nobody_with_nothing_but_its_data_writable(image: Image, tmp_path: Path):
    mounted = Mounted(tmp_path)
    with mounted.container(image) as running:
        assert until(lambda: "state: open" in mounted.published() or not running.first), mounted.log()
        assert "state: open" in mounted.published(), mounted.log()
        assert until(lambda: running.execute(image.healthcheck).returncode == 0), mounted.log()
        status = running.execute(["cat", "/proc/1/status"]).stdout
        tried = running.execute(["touch", "/x", "/config/x", "/opt/postbot/x", "/usr/local/x"])
        code = running.stop(180)
    assert (code, "Traceback" in mounted.log()) == (0, False), mounted.log()
    assert re.findall(r"^(Uid|CapEff|CapBnd|NoNewPrivs):\s+(\w+)", status, re.MULTILINE) == [
        ("Uid", image.user.split(":")[0]), ("CapEff", "0" * 16), ("CapBnd", "0" * 16), ("NoNewPrivs", "1"),
    ]  # fmt: skip
    assert tried.stderr.count("Read-only file system") == 4
    assert {path.name for path in mounted.data.iterdir()} >= {"ledger.db", "announcements", "site.git"}


def test_people_can_act_within_a_container_that_runs(image: Image, tmp_path: Path):
    with Mounted(tmp_path).container(image) as running:
        assert until(lambda: running.execute(image.healthcheck).returncode == 0)
        paused = running.execute(["postbot", "pause", "--reason", "the budget is not approved"])
        again = running.execute(["postbot", "resume"])
        listed = running.execute(["postbot", "list"])
    assert [each.returncode for each in (paused, again, listed)] == [0, 0, 0], paused.stderr + again.stderr
    assert "pilot    open" in listed.stdout


def test_a_container_that_does_not_serve_is_not_healthy(image: Image, tmp_path: Path):
    mounted = Mounted(tmp_path)
    (mounted.config / "service.yaml").write_text("sites: [postbot.yaml]\nlisten: null\n")
    with mounted.container(image) as running:
        assert until(lambda: "state: open" in mounted.published())
        assert running.execute(image.healthcheck).returncode != 0


def test_the_image_holds_the_lock_and_this_postbot_and_no_tool_to_build_with(stages: Mapping[str, Image]):
    image = stages[""]
    listed = "from importlib.metadata import distributions as d; print(*(f'{e.name}=={e.version}' for e in d()))"
    held = {
        each.lower().replace("_", "-").replace(".", "-") for each in run(image, f'python -c "{listed}"', {}).split()
    }
    here = re.findall(r"^(\S+==\S+) ?(?:; (?!sys_platform).*)?\\$", LOCK, re.MULTILINE)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert held == {each.replace(".", "-") for each in (*here, f"postbot=={version}")}
    assert "no pip" in run(image, "/usr/local/bin/python -c 'import pip' 2>/dev/null || echo no pip", {})
    sent = {path.name for path in (stages["build"].added / "src").iterdir()}
    assert sent == {"README.md", "config", "locks", "postbot", "pyproject.toml", "wheels"}


def test_the_zones_are_those_of_the_lock(image: Image):
    assert run(image, "python -c 'import zoneinfo; print(zoneinfo.TZPATH, zoneinfo.ZoneInfo(\"Asia/Tokyo\"))'", {}) == (
        "() Asia/Tokyo\n"
    )


def test_nothing_in_the_image_can_be_changed_by_its_user_but_the_data(image: Image):
    uid = int(image.user.split(":")[0])
    found = {"/" + str(path.relative_to(image.added)): path.lstat() for path in image.added.rglob("*")}
    files = {name: each for name, each in found.items() if not stat.S_ISLNK(each.st_mode)}
    loose = {name for name, each in files.items() if each.st_uid == uid or each.st_mode & 0o6022}
    assert loose - {"/tmp"} == set(image.volumes) == {"/data"}  # noqa: S108 - which is another in a container


# The compose file ----------------------------------------------------------------------------------------------------


@pytest.fixture(params=both(COMPOSE), ids=["as-shipped", "with-everything"])
def compose(request: pytest.FixtureRequest) -> dict[str, Any]:
    return yaml.safe_load(request.param)


def test_the_compose_file_is_one_by_the_specifications_own_schema(compose: dict[str, Any], tmp_path: Path):
    pytest.importorskip("check_jsonschema", reason="The schema comes with check-jsonschema, which is not installed.")
    (tmp_path / "compose.yaml").write_text(yaml.safe_dump(compose))
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_docker_itself_takes_the_compose_file(tmp_path: Path):
    if (
        not shutil.which("docker")
        or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("There is no `docker compose` on this machine.")
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    words = ["docker", "compose", "config", "--quiet"]
    assert subprocess.run(words, cwd=tmp_path, capture_output=True, check=False).stderr == b""


def test_no_container_has_rights_that_it_does_not_need(compose: dict[str, Any]):
    assert set(compose["services"]) == {"postbot", "database"}
    for service in compose["services"].values():
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode"} & set(service)
        assert service.get("user", "postgres") == "postgres", "postbot's is that of its image"
    ours = compose["services"]["postbot"]
    assert (ours["read_only"], ours["init"], ours["tmpfs"]) == (True, True, ["/tmp"])  # noqa: S108 - the container's
    assert set(ours["volumes"]) == {"./config:/config:ro", "data:/data"}
    assert {each.rest for each in (*steps("VOLUME"), *steps("WORKDIR")[1:])} == {"/data", "/config"}


def test_secrets_come_as_files_and_each_is_declared_given_and_known_to_the_code(compose: dict[str, Any]):
    given = {name for service in compose["services"].values() for name in service["secrets"]}
    assert given == set(compose["secrets"])
    assert compose["secrets"] == {name: {"file": f"./secrets/{name}"} for name in given}
    ours = compose["services"]["postbot"]
    read_by_us = {f"POSTBOT_{name.upper()}_FILE": f"/run/secrets/{name}" for name in ours["secrets"]}
    assert ours["environment"] == read_by_us
    assert all(f'"{name.removesuffix("_FILE")}"' in CODE for name in read_by_us)
    theirs = compose["services"]["database"]
    assert theirs["environment"]["POSTGRES_PASSWORD_FILE"] == ours["environment"]["POSTBOT_LEDGER_PASSWORD_FILE"]


def test_postbot_waits_for_its_database_and_has_the_time_to_end(compose: dict[str, Any]):
    ours, theirs = compose["services"]["postbot"], compose["services"]["database"]
    assert ours["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert "--host=127.0.0.1" in theirs["healthcheck"]["test"]
    assert theirs["volumes"] == ["ledger:/var/lib/postgresql/data"]
    assert int(ours["stop_grace_period"].removesuffix("s")) > STOPPING_SECONDS
    assert {service["restart"] for service in (ours, theirs)} == {"unless-stopped"}


def test_nobody_but_postbot_reaches_the_database_and_nothing_is_open_to_other_machines(compose: dict[str, Any]):
    ours, theirs = compose["services"]["postbot"], compose["services"]["database"]
    assert [compose["networks"][name] for name in theirs["networks"]] == [{"internal": True}]
    assert set(theirs["networks"]) < set(ours["networks"])
    assert "ports" not in theirs
    assert all(each.startswith("127.0.0.1:") for each in ours.get("ports", []))
    assert ours["pull_policy"] == "never"


def test_the_settings_that_the_compose_file_and_the_unit_name_load(tmp_path: Path):
    for text in (COMPOSE, UNIT):
        told = re.search(r"sites/agency/postbot\.yaml +(ledger: \S+)\n# +and, in `github`, (cache: \S+)", text)
        assert told
        site = "site: {profile: hugo, timezone: UTC}\n"
        github = f"github: {{repository: agency/site, {told[2]}}}\n"
        (tmp_path / "postbot.yaml").write_text(site + github + told[1] + "\n")
        load(tmp_path / "postbot.yaml")
    database = yaml.safe_load(COMPOSE)["services"]["database"]["environment"]
    assert f"postgresql://{database['POSTGRES_USER']}@database/{database['POSTGRES_DB']}?schema=" in COMPOSE


# The unit ------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=both(UNIT), ids=["as-shipped", "with-everything"])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    (tmp_path / "postbot.service").write_text(request.param)
    return tmp_path / "postbot.service"


def said(unit: Path, key: str) -> list[str]:
    """What a unit says of one key, as often as it does."""
    return re.findall(rf"^{key}=(.*)$", unit.read_text(), re.MULTILINE)


def analysed(*words: str | Path) -> subprocess.CompletedProcess[str]:
    if not shutil.which("systemd-analyze"):
        pytest.skip("There is no `systemd-analyze` on this machine.")
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)


def test_systemd_understands_every_line_of_the_unit(unit: Path):
    program = said(unit, "ExecStart")[0].split()[0]
    wrong = analysed("verify", "--man=no", unit).stderr.splitlines()
    absent = f"postbot.service: Command {program} is not executable: No such file or directory"
    assert [line for line in wrong if line != absent] == []


def test_systemd_finds_the_service_well_confined(unit: Path):
    done = analysed("security", "--offline=true", "--no-pager", "--threshold=15", unit)
    assert done.returncode == 0, done.stdout[-200:]


def test_the_unit_writes_nowhere_but_to_its_state_and_gains_no_rights(unit: Path):
    facts = {key: said(unit, key) for key in ("User", "ProtectSystem", "NoNewPrivileges", "CapabilityBoundingSet")}
    assert list(facts.values()) == [["postbot"], ["strict"], ["yes"], [""]]
    assert (said(unit, "StateDirectory"), said(unit, "ReadWritePaths")) == (["postbot"], [])
    assert "/var/lib/postbot/agency/ledger.db" in UNIT


def test_systemd_is_told_when_postbot_is_ready_and_lives_and_how_it_ends(unit: Path):
    assert said(unit, "Type") == ["notify"]
    assert int(said(unit, "WatchdogSec")[0]) > 0
    assert int(said(unit, "TimeoutStopSec")[0]) > STOPPING_SECONDS
    assert said(unit, "ExecReload") == ["/bin/kill --signal HUP $MAINPID"]
    assert said(unit, "ExecStart") == ["/opt/postbot/bin/postbot run"]
    assert all(name in CODE for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "READY=1", "SIGHUP"))


def test_systemd_hands_each_secret_over_as_a_file_and_none_stands_in_the_unit(unit: Path):
    handed = dict(each.split(":") for each in said(unit, "LoadCredential"))
    assert handed == {name: f"/etc/postbot/secrets/{name}" for name in handed}
    ours = dict(each.split("=") for each in said(unit, "Environment") if each.startswith("POSTBOT_"))
    assert ours == {f"POSTBOT_{name.upper()}_FILE": f"%d/{name}" for name in handed}
    assert all(f'"{name.removesuffix("_FILE")}"' in CODE for name in ours)


def test_the_unit_has_room_for_every_secret_that_the_compose_file_has():
    told = re.findall(r"^(?:# )?LoadCredential=(\w+):", UNIT, re.MULTILINE)
    assert set(told) == set(yaml.safe_load(both(COMPOSE)[1])["secrets"])


# What the documents show ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["README.md", "docs/deploy.md"])
def test_what_the_documents_show_of_these_files_stands_in_them_word_for_word(name: str):
    text = (ROOT / name).read_text(encoding="utf-8")
    shown = [
        (kind, block)
        for kind, block in re.findall(r"```(dockerfile|yaml|ini)\n(.*?)```", text, re.DOTALL)
        if kind != "yaml" or re.search(r"^ *(services|image|read_only|secrets):", block, re.MULTILINE)
    ]
    files = {"dockerfile": DOCKERFILE, "yaml": COMPOSE, "ini": UNIT}
    assert {kind for kind, _ in shown} == {"yaml", "ini"}
    assert [block for kind, block in shown if f"\n{block}" not in files[kind]] == []


def test_the_steps_that_the_documents_tell_are_those_of_the_files():
    for name in ("README.md", "docs/deploy.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        told = {line.removeprefix("$ ") for line in re.findall(r"^\$ (?:docker|systemctl).*", text, re.MULTILINE)}
        commands = {re.split(r" +# ", line)[0] for line in told}
        assert commands
        assert [each for each in commands if each not in DOCKERFILE + COMPOSE + UNIT] == []
