"""What the recipe promises exists, and nothing exists that it does not tell."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bot.config import PROJECT
from bot.db.session import Database
from bot.observability import labels
from bot.observability.counters import Counters
from bot.observability.health import Health
from bot.observability.metrics import Metrics
from bot.pulse import Pulse
from tests.conftest import Clock
from tests.support.fakes import FakeEngine

RECIPE = (PROJECT / "docs" / "recipes" / "watch-with-prometheus.md").read_text("utf-8")
ROW = re.compile(r"^\| `(lotse_\w+)` \|([^|]*)\|", re.MULTILINE)
SELECTOR = re.compile(r"(lotse_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)="([^"]*)"')


@pytest.fixture
async def series(sqlite: Database, clock: Clock) -> dict[str, dict[str, set[str]]]:
    """Every metric of ours by the name that the table gives it, with its labels' values."""
    counters = Counters(channels=("web",), intents=labels.intents())
    health = Health(database=sqlite, engine=FakeEngine(), pulses={"inbox": Pulse()})
    metrics = Metrics(counters=counters, health=health, database=sqlite, clock=clock)
    found: dict[str, dict[str, set[str]]] = {}
    for family in text_string_to_metric_families((await metrics.text()).decode()):
        for sample in family.samples:
            name = family.name if family.type == "histogram" else sample.name
            if name.startswith("lotse_"):
                values = found.setdefault(name, {})
                for label, value in sample.labels.items():
                    if label != "le":
                        values.setdefault(label, set()).add(value)
    return found


def test_the_table_lists_every_metric_with_its_labels(
    series: dict[str, dict[str, set[str]]],
) -> None:
    told = {name: set(re.findall(r"`(\w+)`", named)) for name, named in ROW.findall(RECIPE)}
    assert told == {name: set(values) for name, values in series.items()}


def expressions() -> Iterator[str]:
    """The rules of the alerts, and the examples of queries."""
    for block in re.findall(r"```yaml\n(groups:.*?)```", RECIPE, re.DOTALL):
        for group in yaml.safe_load(block)["groups"]:
            yield from (rule["expr"] for rule in group["rules"])
    yield from re.findall(r"^    (sum.*)$", RECIPE, re.MULTILINE)


@pytest.mark.parametrize("expression", list(expressions()))
def test_what_alerts_and_queries_ask_for_exists(
    expression: str, series: dict[str, dict[str, set[str]]]
) -> None:
    selected = SELECTOR.findall(expression)
    assert selected
    for name, matchers in selected:
        assert name in series
        for label, value in MATCHER.findall(matchers):
            assert value in series[name][label]


def test_there_are_four_alerts_as_valid_as_a_rule_file_must_be() -> None:
    [block] = re.findall(r"```yaml\n(groups:.*?)```", RECIPE, re.DOTALL)
    rules = [rule for group in yaml.safe_load(block)["groups"] for rule in group["rules"]]
    assert len(rules) == 4
    for rule in rules:
        assert set(rule) - {"for"} == {"alert", "expr", "labels", "annotations"}


def test_values_that_the_table_names_exist(series: dict[str, dict[str, set[str]]]) -> None:
    results = {"found", "relaxed", "nothing"}
    assert series["lotse_searches_total"]["result"] == results
    for metric, label in (
        ("lotse_understanding_total", "result"),
        ("lotse_deliveries_total", "result"),
        ("lotse_handover_moves_total", "move"),
    ):
        [row] = re.findall(rf"^\| `{metric}`.*$", RECIPE, re.MULTILINE)
        assert all(f"`{value}`" in row for value in series[metric][label])
