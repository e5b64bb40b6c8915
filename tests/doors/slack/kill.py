"""Kill the service the moment that somebody's confirmation is acknowledged, and see what becomes of it.

`python -m tests.doors.slack.kill --times 200` prints how many of so many were carried out after the next start, and
told to whoever had asked by a direct message, once each. A service that acknowledges before it has written down fails here.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.doors.slack.kit import ADA, Office, office, site, words
from tests.twins.slack.client import SlackTwin


def killed(folder: Path, twin: SlackTwin, times: int) -> Iterator[str]:
    """What went wrong in each of so many kills; empty where nothing did. Each start finds what the last one left."""
    jobs = site(folder / "agency", twin)
    slugs = [f"baker-{number:03}" for number in range(times)]
    jobs.write(*slugs, state="open")
    for left, slug in zip([*slugs, ""], ["", *slugs], strict=True):
        with office(folder, twin, jobs, seen=not slug) as there:
            if slug:
                yield _found(there, slug)
            if left:
                _acknowledged(there, left)
                there.service.process.kill()


def _acknowledged(there: Office, slug: str) -> None:
    ada = there.person(ADA)
    there.service.wait_for(lambda: ada.command("/posting", f"close {slug}").body == "")
    answer = there.confirm(ada, {"reason": {"value": "0"}})
    if answer.status != _FINE or "Filed." not in words(answer.json()):
        raise RuntimeError(f"It was not acknowledged: {answer}")


def _found(there: Office, slug: str) -> str:
    """What is wrong with what the service that was killed has left behind, once its successor has had its turn."""
    [jobs] = there.sites
    there.service.wait_for(lambda: jobs.state(slug) == "closed")
    there.service.wait_for(lambda: not there.requests())
    there.service.wait_for(lambda: _told(there, slug))
    asked = [row for row in there.filed() if row["path"] == f"jobs/{slug}.md"]
    counts = {"asked": len(asked), "told": len(_told(there, slug))}
    return "".join(f"{slug}: {what} {count} times. " for what, count in counts.items() if count != 1)


def _told(there: Office, slug: str) -> list[str]:
    """What whoever asked was told of it in private: their direct messages, without what only the screen shows."""
    messages = map(words, there.twin.messages(f"D{ADA[1:]}"))
    return [text for text in messages if slug.title() in text and "You asked to close" in text]


_FINE = 200


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--times", type=int, default=200)
    times = given.parse_args().times
    with tempfile.TemporaryDirectory() as folder, SlackTwin.start() as twin:
        wrong = [each for each in killed(Path(folder), twin, times) if each]
    sys.stdout.write("".join(f"{each}\n" for each in wrong) + f"{times - len(wrong)} of {times}\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
