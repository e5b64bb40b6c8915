"""Let it storm and print what came of it: `python -m tests.replicas [--minutes 10] [--seed N]`. Ends with 1 if not all is right."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.replicas.storm import Weather, storm


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.replicas")
    parser.add_argument("--minutes", type=float, default=10, help="how long it storms")
    parser.add_argument("--every", type=float, default=5, help="seconds between two openings")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="storm-") as name:
        outcome = storm(Weather(60 * asked.minutes, asked.every, seed=asked.seed), Path(name))
    sys.stdout.write(f"{outcome}\n")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
