"""Run the twin: `python -m tests.twins.slack --log effects.jsonl`. It ends when its standard input does."""

import argparse
import json
import sys
from pathlib import Path
from threading import Thread

from tests.twins.slack.server import Server


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--log", type=Path, required=True)
    words.add_argument("--token", required=True)
    words.add_argument("--app-token", required=True)
    given = words.parse_args()
    server = Server(given.log, given.token, given.app_token)
    sys.stdout.write(json.dumps({"port": server.server_address[1]}) + "\n")
    sys.stdout.flush()
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    server.link.cut()


if __name__ == "__main__":
    main()
