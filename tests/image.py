"""A Dockerfile carried out for real where no engine runs: root, Linux's own namespaces and overlays are enough.

The base of every stage is this machine, with a Python in /usr/local as the official image has it; what the Dockerfile
adds lies in a layer of the stage's own. So its RUN lines run, its paths are the real ones, and a container has its own
processes, mounts and loopback, a root that is read-only, and no rights. What the base image itself holds is not shown.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Self

SHELL = ("/bin/sh", "-e", "-c")
_OVERLAY = "cd {0} && mkdir up work root && mount -t overlay overlay -o lowerdir=/,upperdir=up,workdir=work root"
NAMESPACES = ("--mount", "--pid", "--net", "--ipc", "--uts")


@dataclass(frozen=True)
class Instruction:
    """One instruction: its name, its `--flags`, and the rest, as words where it is a list in JSON."""

    name: str
    flags: Mapping[str, str]
    rest: str

    @property
    def words(self) -> list[str]:
        return json.loads(self.rest) if self.rest.startswith("[") else shlex.split(self.rest)


def read(text: str) -> Iterator[Instruction]:
    """The instructions of a Dockerfile: comments are gone, lines that go on are one."""
    lines = "".join(line for line in text.splitlines(keepends=True) if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\n", " ", lines).splitlines():
        if not line.strip():
            continue
        name, rest = line.split(maxsplit=1)
        flags: dict[str, str] = {}
        while flag := re.match(r"--([\w-]+)=(\S+)\s+", rest):
            flags[flag[1]] = flag[2]
            rest = rest[flag.end() :]
        yield Instruction(name.upper(), flags, rest.strip())


@dataclass(frozen=True)
class Image:
    """What a stage came to: its layers, and how its containers are started."""

    layers: Path
    python: Path
    env: Mapping[str, str] = field(default_factory=lambda: {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"})
    folder: str = "/"
    user: str = "0:0"
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    healthcheck: Sequence[str] = ()
    stop_signal: str = "SIGTERM"
    volumes: Sequence[str] = ()

    @property
    def added(self) -> Path:
        """The files that the stage's steps have written, seen from its root; what went to /usr/local is not there."""
        return self.layers / "upper"

    @property
    def root(self) -> str:
        """Where the layers are put together, for the shell."""
        return shlex.quote(str(self.layers / "root"))

    def mounts(self, *, writable: bool) -> str:
        """The shell's lines that put the layers together; a root that is not writable several may have at a time."""
        at, root = shlex.quote(str(self.layers)), self.root
        above = f"mount -t overlay overlay -o {'rw' if writable else 'ro'},index=off"
        whole = f"lowerdir=/,upperdir={at}/upper,workdir={at}/work"
        local = f"lowerdir={self.python},upperdir={at}/local,workdir={at}/work2"
        return (
            f"{above},{whole} {root}\n{above},{local} {root}/usr/local\n"
            f"mount --rbind /dev {root}/dev\nmount -t proc proc {root}/proc\n"
        )

    def within(self, words: Sequence[str], env: Mapping[str, str], *, weak: bool) -> str:
        """The command by which one process of the image starts, in its root; `weak` takes every right from it."""
        uid, gid = self.user.split(":")
        rights = ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"] if weak else []
        given = [f"{name}={value}" for name, value in {**self.env, **env}.items()]
        user = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", *rights]
        return shlex.join([*user, "env", "--ignore-environment", f"--chdir={self.folder}", *given, *words])


def context(root: Path, ignore: str, folder: Path) -> Path:
    """What a builder is sent of `root` by a .dockerignore that leaves all out (`*`) but what it names after a `!`."""
    first, *others = (line for line in ignore.splitlines() if line and not line.startswith("#"))
    assert first == "*"
    folder.mkdir(parents=True)
    never = shutil.ignore_patterns(*(each.removeprefix("**/") for each in others if each.startswith("**/")))
    for name in (each.removeprefix("!") for each in others if each.startswith("!")):
        if (root / name).is_dir():
            shutil.copytree(root / name, folder / name, ignore=never, symlinks=True)
        else:
            shutil.copy2(root / name, folder / name)
    return folder


def base_python(version: str) -> Path:
    """The folder of a Python of this version beside the one that runs the tests, or of that one."""
    here = Path(sys.base_prefix).resolve()
    return next(iter(sorted(here.parent.glob(f"{version}.*"))), here)


def build(dockerfile: str, context: Path, folder: Path, env: Mapping[str, str]) -> dict[str, Image]:
    """Carry out every stage; the last is called "". `env` is given to each RUN, as a builder's proxy settings are.

    Raises `subprocess.CalledProcessError` where a step fails.
    """
    stages: dict[str, Image] = {}
    arguments: dict[str, str] = {}
    name, image = "", Image(folder, folder)
    for each in read(dockerfile):
        if each.name == "ARG":
            arguments.update([each.rest.split("=", 1)])
        elif each.name == "FROM":
            base, _, name = re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], each.rest).partition(" AS ")
            image = _stage(folder / (name or "last"), base)
        else:
            image = _step(image, each, context, stages, env)
        stages[name] = image
    return stages


def _stage(layers: Path, base: str) -> Image:
    for each in ("upper", "work", "local", "work2", "root"):
        (layers / each).mkdir(parents=True)
    image = Image(layers, base_python(re.fullmatch(r"python:([\d.]+)-slim-\w+(@sha256:\w+)?", base)[1]))  # type: ignore[index]
    run(image, "ldconfig", {}, writable=True)  # as the official image does, so that Python finds its own library
    return image


def _step(image: Image, step: Instruction, context: Path, stages: Mapping[str, Image], env: Mapping[str, str]) -> Image:
    match step.name:
        case "RUN":
            run(image, step.rest, env, writable=True)
        case "COPY":
            *sources, given = step.words
            origin = stages[step.flags["from"]].added if "from" in step.flags else context
            target = image.added / (PurePosixPath(image.folder) / given).relative_to("/")
            for source in sources:
                copy(origin / source.lstrip("/"), target, into=given.endswith("/"))
        case "ENV":
            given = dict(word.split("=", 1) for word in step.words)
            return replace(image, env={**image.env, **{k: _filled(v, image.env) for k, v in given.items()}})
        case "WORKDIR":
            (image.added / step.rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
            return replace(image, folder=step.rest)
        case "HEALTHCHECK":
            return replace(image, healthcheck=json.loads(step.rest.removeprefix("CMD ")))
        case "VOLUME":
            return replace(image, volumes=step.words)
        case "USER" | "STOPSIGNAL" | "ENTRYPOINT" | "CMD":
            names = {"USER": "user", "STOPSIGNAL": "stop_signal", "ENTRYPOINT": "entrypoint", "CMD": "command"}
            value = step.rest if step.name in ("USER", "STOPSIGNAL") else step.words
            return replace(image, **{names[step.name]: value})
        case other:
            raise AssertionError(f"{other} is not known here; teach tests/image.py what it does")
    return image


def _filled(text: str, env: Mapping[str, str]) -> str:
    return re.sub(r"\$(\w+)", lambda found: env[found[1]], text)


def copy(source: Path, target: Path, *, into: bool) -> None:
    """COPY: a folder's content goes into the target, a file `into` it or to that very path."""
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        return
    (target if into else target.parent).mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def run(image: Image, script: str, env: Mapping[str, str], *, writable: bool = False) -> str:
    """Run one script in the image's root, as its user. Returns what it printed.

    Raises `subprocess.CalledProcessError` where it fails.
    """
    inside = image.within([*SHELL, script], env, weak=False)
    whole = f"{image.mounts(writable=writable)}exec chroot {image.root} {inside}"
    words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", *SHELL, whole]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


class Container:
    """One running container: nothing is writable but an empty /tmp and its volumes, which are folders of this machine.

    It sees no network but a loopback of its own. `mounts` are folders by the paths at which they are seen; those that
    are no volume of the image are read-only.
    """

    def __init__(self, image: Image, mounts: Mapping[str, Path], log: Path) -> None:
        self.image = image
        lines = [
            image.mounts(writable=False),
            "ip link set lo up",
            f"mount -t tmpfs tmpfs {image.root}/tmp",  # noqa: S108 - the container's own
        ]
        for path, folder in mounts.items():
            lines.append(f"mount --bind {shlex.quote(str(folder))} {image.root}{path}")
            if path not in image.volumes:
                lines.append(f"mount -o remount,bind,ro {image.root}{path}")
        inside = image.within([*image.entrypoint, *image.command], {}, weak=True)
        script = "\n".join([*lines, f"exec chroot {image.root} {inside}"])
        with log.open("wb") as out:
            words = ["unshare", *NAMESPACES, "--fork", *SHELL, script]
            self._outside = subprocess.Popen(words, stdout=out, stderr=out)

    @property
    def first(self) -> int | None:
        """The number, as seen from here, of the process that is the first one within."""
        children = Path(f"/proc/{self._outside.pid}/task/{self._outside.pid}/children")
        numbers = children.read_text().split() if children.exists() else []
        return int(numbers[0]) if numbers else None

    def execute(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run one more command within, as the same user and with as few rights: `docker exec`."""
        inside = shlex.split(self.image.within(words, {}, weak=True))
        entered = ["nsenter", f"--target={self.first}", "--mount", "--pid", "--net", "--root", *inside]
        return subprocess.run(entered, capture_output=True, text=True, check=False)

    def stop(self, patience: float) -> int:
        """Send the image's signal to the first process, and wait so many seconds. Returns its exit code."""
        assert self.first, "it has ended by itself"
        os.kill(self.first, signal.Signals[self.image.stop_signal])
        return self._outside.wait(patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._outside.poll() is None:
            if self.first:
                os.kill(self.first, signal.SIGKILL)
            self._outside.wait()


def obstacle() -> str:
    """Why no image can be built on this machine, in a sentence; empty where it can."""
    tools = [each for each in ("unshare", "nsenter", "setpriv", "chroot", "ip") if not shutil.which(each)]
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "Only root on Linux can give a container its namespaces."
    if tools:
        return f"A container needs {', '.join(tools)} on this machine."
    if sys.base_prefix == "/usr":
        return "This Python lies in /usr, so it cannot be laid into an image's /usr/local."
    with TemporaryDirectory() as folder:
        if _fails("unshare", "--mount", *SHELL, _OVERLAY.format(folder)):
            return "This machine does not let root lay one folder over another."
        if _fails(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, "h11"):
            return "No package index can be reached, and the image is made of packages."
    return ""


def _fails(*words: str) -> bool:
    return subprocess.run(words, capture_output=True, check=False).returncode != 0
