"""Measures this product beside a stock Rasa assistant, on this machine, in one run.

The result is a Markdown table on standard output; progress goes to standard error.
"""

from __future__ import annotations

import argparse
import os
import platform as host
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import encoder
from benchmarks import latency, whole_way
from benchmarks.lotse import Lotse, cores
from benchmarks.processes import ENGINE_PYTHON, BenchmarkError
from benchmarks.questions import Kind, questions
from benchmarks.report import Figure, Report, Side, machine, megabytes, seconds
from benchmarks.stock import Stock
from tests.support.bot_api import BotApi

_USERS = 20
_PARSE_CLIENTS = 4
_THREAD_SETTINGS = ("1", "2", None)
_BEGAN = time.monotonic()

_EXAMPLES = """\
examples:
  python -m benchmarks                     everything; ten to fifteen minutes on two cores
  python -m benchmarks --quick             the same rows from few requests, to see that it works
  python -m benchmarks --only one-user     latencies of one user alone
  python -m benchmarks --keep /tmp/bench   keep logs and the stock model; a second run with
                                           --only and the same directory need not train it

Nothing else should run meanwhile: `make bench > bench.md`
"""


class Part(StrEnum):
    """What ``--only`` chooses from."""

    TRAINING = "training"
    START = "start"
    ONE_USER = "one-user"
    MANY_USERS = "many-users"
    THREADS = "threads"


@dataclass(frozen=True)
class Plan:
    """What is measured, and how often."""

    parts: frozenset[Part]
    #: Requests of one user, of all users together, and of all clients of the thread test.
    requests: int
    requests_of_many: int
    #: Messages of one user on the whole way; rounds in which everybody writes at once.
    messages: int
    rounds: int

    def has(self, *parts: Part) -> bool:
        """Whether any of these parts is measured."""
        return not self.parts.isdisjoint(parts)


def main() -> None:
    """Runs the measurements asked for; exits with 1 and the reason when one is impossible."""
    arguments = _parser().parse_args()
    # Being terminated stops the processes, as Ctrl+C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    report = Report(_environment())
    try:
        with _directory(arguments.keep) as directory:
            _measure(_plan(arguments), directory, report)
    except BenchmarkError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    print(report.markdown())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="few requests; no thread settings")
    parser.add_argument(
        "--only",
        action="append",
        choices=[part.value for part in Part],
        metavar="NAME",
        help=f"only this part, may be repeated: {', '.join(Part)}",
    )
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="work in DIR and leave everything there"
    )
    return parser


def _plan(arguments: argparse.Namespace) -> Plan:
    chosen = {Part(name) for name in arguments.only or Part}
    if arguments.quick and not arguments.only:
        chosen.remove(Part.THREADS)
    if arguments.quick:
        return Plan(frozenset(chosen), requests=10, requests_of_many=40, messages=6, rounds=1)
    return Plan(frozenset(chosen), requests=200, requests_of_many=400, messages=100, rounds=8)


@contextmanager
def _directory(kept: Path | None) -> Iterator[Path]:
    if kept:
        yield kept.resolve()
    else:
        with tempfile.TemporaryDirectory(prefix="lotse-benchmark-") as directory:
            yield Path(directory)


def _environment() -> str:
    command = "import importlib.metadata as m; print(m.version('rasa'))"
    found = subprocess.run(
        [str(ENGINE_PYTHON), "-c", command], capture_output=True, text=True, check=False
    )
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    values = {
        "Cores": f"{cores()} ({host.machine()})",
        "load before the run": load,
        "Rasa": found.stdout.strip() or "unknown",
        # Where the fast encoder was not built, the product uses a slower one.
        "encoder": encoder.load().name,
        "Python": host.python_version(),
    }
    return machine(values)


def _measure(plan: Plan, directory: Path, report: Report) -> None:
    lotse, stock = Lotse(directory / "lotse"), Stock(directory / "stock")
    if plan.has(Part.TRAINING):
        _progress("training the product's model")
        report.add(Figure.TRAINING, Side.LOTSE, seconds(lotse.train()))
    lotse.require_model()
    if plan.has(Part.START, Part.ONE_USER, Part.MANY_USERS):
        _measure_lotse(plan, lotse, report)
    if plan.has(Part.THREADS):
        _measure_threads(plan, lotse, report)
    if plan.has(Part.TRAINING, Part.START, Part.ONE_USER, Part.MANY_USERS):
        _measure_stock(plan, stock, report)


def _measure_lotse(plan: Plan, lotse: Lotse, report: Report) -> None:
    with BotApi() as platform:
        if plan.has(Part.START):
            _progress("starting the product on an empty database")
            with lotse.running(platform) as product:
                report.add(Figure.FIRST_START, Side.LOTSE, seconds(product.wait_for_answer()))
                _progress("waiting until the offers are read for their meaning")
                product.wait_for_meanings()
        _progress("starting the product")
        with lotse.running(platform) as product:
            started = product.wait_for_answer()
            answered = product.wait_for_reply(platform)
            if plan.has(Part.START):
                report.add(Figure.START, Side.LOTSE, seconds(started))
                report.add(Figure.START_PERSON, Side.LOTSE, seconds(answered))
            product.wait_for_meanings()
            _measure_server(plan, product.server, Side.LOTSE, report)
            _measure_whole_way(plan, platform, report)
            if plan.has(Part.START):
                _report_memory(report, Side.LOTSE, product.memory())
        for violation in sorted(set(platform.violations)):
            report.note(f"The platform objected: {violation}.")


def _measure_stock(plan: Plan, stock: Stock, report: Report) -> None:
    _progress("creating the stock assistant")
    stock.create()
    if plan.has(Part.TRAINING) or not stock.is_trained():
        _progress("training the stock assistant; this takes minutes")
        report.add(Figure.TRAINING, Side.STOCK, seconds(stock.train()))
    if not plan.has(Part.START, Part.ONE_USER, Part.MANY_USERS):
        return
    _progress("starting the stock assistant")
    with stock.running() as assistant:
        started = assistant.wait_for_answer()
        if plan.has(Part.START):
            report.add(Figure.START, Side.STOCK, seconds(started))
        _measure_server(plan, assistant.server, Side.STOCK, report)
        if plan.has(Part.START):
            _report_memory(report, Side.STOCK, assistant.memory())


def _report_memory(report: Report, side: Side, measured: tuple[float | None, float | None]) -> None:
    engine, application = measured
    report.add(Figure.ENGINE_MEMORY, side, megabytes(engine))
    report.add(Figure.APPLICATION_MEMORY, side, megabytes(application))


def _measure_server(plan: Plan, server: latency.Server, side: Side, report: Report) -> None:
    texts = {kind: questions(kind) for kind in Kind}

    def measure(figure: Figure, kind: Kind, request: latency.Request, *, users: int) -> None:
        _progress(f"{side.value}: {figure.value}")
        count = plan.requests if users == 1 else plan.requests_of_many
        found = latency.measure(server, request, texts[kind], users=users, requests=count)
        report.add(figure, side, found)

    fixed, action = (latency.replying(server, kind) for kind in Kind)
    if plan.has(Part.ONE_USER):
        measure(Figure.PARSE, Kind.ACTION, latency.parsing(server), users=1)
        measure(Figure.REST_FIXED, Kind.FIXED, fixed, users=1)
        measure(Figure.REST_ACTION, Kind.ACTION, action, users=1)
    if plan.has(Part.MANY_USERS):
        measure(Figure.MANY_REST_FIXED, Kind.FIXED, fixed, users=_USERS)
        measure(Figure.MANY_REST_ACTION, Kind.ACTION, action, users=_USERS)


def _measure_whole_way(plan: Plan, platform: BotApi, report: Report) -> None:
    one = {Kind.FIXED: Figure.WHOLE_FIXED, Kind.ACTION: Figure.WHOLE_ACTION}
    many = {Kind.FIXED: Figure.MANY_WHOLE_FIXED, Kind.ACTION: Figure.MANY_WHOLE_ACTION}
    for kind in Kind:
        texts = questions(kind)
        if plan.has(Part.ONE_USER):
            _progress(f"{Side.LOTSE.value}: {one[kind].value}")
            found = whole_way.one_user(platform, texts, messages=plan.messages)
            report.add(one[kind], Side.LOTSE, found)
        if plan.has(Part.MANY_USERS):
            _progress(f"{Side.LOTSE.value}: {many[kind].value}")
            found = whole_way.many_users(platform, texts, users=_USERS, rounds=plan.rounds)
            report.add(many[kind], Side.LOTSE, found)


def _measure_threads(plan: Plan, lotse: Lotse, report: Report) -> None:
    for threads in _THREAD_SETTINGS:
        name = threads or f"not set ({cores()} cores)"
        _progress(f"the engine's parse with OMP_NUM_THREADS {name}")
        with lotse.engine_alone(threads=threads) as server:
            found = latency.measure(
                server,
                latency.parsing(server),
                questions(Kind.ACTION),
                users=_PARSE_CLIENTS,
                requests=plan.requests_of_many,
            )
        report.add_threads(name, found)


def _progress(text: str) -> None:
    print(f"[{time.monotonic() - _BEGAN:4.0f} s] {text} …", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
