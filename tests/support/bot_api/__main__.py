"""``python -m tests.support.bot_api --port 8081``: the server as a process of its own."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path

from tests.support.bot_api.server import TOKEN, BotApi


def main() -> None:
    """Serves until interrupted; with ``--state`` goes on where it was stopped."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.bot_api", description=__doc__)
    parser.add_argument("--port", type=int, default=8081, help="port on 127.0.0.1")
    parser.add_argument("--token", default=TOKEN, help="token of the first bot")
    parser.add_argument("--state", type=Path, help="file to keep the state in")
    options = parser.parse_args()
    api = BotApi(port=options.port, token=options.token)
    if options.state and options.state.exists():
        api.load(options.state)
    # Being terminated is an orderly end too: the state is saved.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        api.serve()
    except KeyboardInterrupt:
        pass
    finally:
        if options.state:
            api.save(options.state)


if __name__ == "__main__":
    main()
