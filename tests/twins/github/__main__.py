"""Run the twin: `python -m tests.twins.github --repo site.git --log effects.jsonl --owner o --name r`."""

import argparse
import json
import sys
from pathlib import Path
from threading import Thread

from tests.twins.github.server import Server
from tests.twins.github.service import Service


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--repo", type=Path, required=True)
    words.add_argument("--log", type=Path, required=True)
    words.add_argument("--owner", required=True)
    words.add_argument("--name", required=True)
    words.add_argument("--port", type=int, default=0)
    words.add_argument("--with-parent", action="store_true", help="end when standard input does")
    given = words.parse_args()
    server = Server(given.port, Service(given.repo, given.log, given.owner, given.name))
    sys.stdout.write(json.dumps({"port": server.server_address[1]}) + "\n")
    sys.stdout.flush()
    if given.with_parent:
        Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
    else:
        server.serve_forever()


if __name__ == "__main__":
    main()
