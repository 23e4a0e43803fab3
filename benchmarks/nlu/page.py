"""Writes the summaries of an evaluation as one HTML page with pictures and no outside parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --first: #0b6e99; --second: #d9822b; --line: #8884; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .15rem .8rem .15rem 0; text-align: left; border-bottom: 1px solid var(--line); }
svg { width: 100%; height: auto; } svg text { font: 12px system-ui; fill: currentColor; }
.first { fill: var(--first); stroke: var(--first); } .second { fill: var(--second); }
.second, .line-second { stroke: var(--second); } .line-first { stroke: var(--first); }
.line-first, .line-second { fill: none; stroke-width: 2; } .grid { stroke: var(--line); }
.wide { overflow-x: auto; } figure { margin: 1rem 0; }
"""
_WIDTH, _HEIGHT, _LEFT, _TOP = 760, 260, 40, 12


def write_page(report: dict[str, Any]) -> str:
    """Return the page for `report`, whose ``parts`` map names to `evaluation.summary`'s results."""
    parts = report["parts"]
    sections = "".join(_section(name, part) for name, part in parts.items())
    facts = f"{report['messages']} training messages, {report['intents']} intents, "
    facts += f"{report['languages']} languages, vectors of {report['encoder']}, {report['made']}"
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>How well messages are understood</title><style>{_STYLE}</style>"
        f"<h1>How well messages are understood</h1><p>{escape(facts)}</p>"
        f"{_overview(parts)}{_languages(parts)}{sections}</html>\n"
    )


def _overview(parts: dict[str, Any]) -> str:
    rows = [
        (
            name,
            part["messages"],
            *map(_percent, (part["all"], part["core"], part["emergency_recall"])),
            _percent(part["false_alarms"]),
        )
        for name, part in parts.items()
    ]
    heads = ("", "messages", "all right", "core right", "emergencies found", "false alarms")
    note = "Core: the eleven topics, booking, a person, emergencies."
    return f"<h2>Overview</h2>{_table(heads, rows)}<p>{note}</p>"


def _languages(parts: dict[str, Any]) -> str:
    """One picture with two bars a language where both evaluations of the training data ran."""
    names = list(parts)[:2]
    first = parts[names[0]]["languages"]
    rows = [
        (language, [parts[name]["languages"].get(language, {}).get("core") for name in names])
        for language in first
    ]
    return f"<h2>Core intents by language</h2>{_bars(rows, names)}"


def _section(name: str, part: dict[str, Any]) -> str:
    languages = [
        (
            language,
            own["messages"],
            *(_percent(own[kind]) for kind in ("all", "core", "emergencies")),
        )
        for language, own in part["languages"].items()
    ]
    confusions = [(row["intent"], row["taken_for"], row["messages"]) for row in part["confusions"]]
    weakest = sorted(part["intents"].items(), key=lambda item: item[1])
    bins = [
        (f"{row['from']:.1f}", [row["messages"] / max(part["messages"], 1), row["right"]])
        for row in part["confidence"]
    ]
    curve = part["thresholds"]
    series = [
        ("in scope and right", [(row["threshold"], row["in_scope_right"]) for row in curve]),
        ("out of scope found", [(row["threshold"], row["out_of_scope_found"]) for row in curve]),
    ]
    heads = ("language", "messages", "all", "core", "emergencies found")
    return (
        f"<h2>{escape(name[:1].upper() + name[1:])}</h2>{_table(heads, languages)}"
        f"<h3>Confidence</h3>{_bars(bins, ('share of messages', 'of these right'))}"
        f"<h3>Refusing answers below a confidence</h3>{_lines(series)}"
        f"<h3>Confused</h3>{_table(('intent', 'taken for', 'messages'), confusions)}"
        "<h3>Intents, weakest first</h3>"
        f"{_table(('intent', 'right'), [(intent, _percent(right)) for intent, right in weakest])}"
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _frame(drawn: str, names: Sequence[str], ticks: str) -> str:
    grid = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH}" y1="{_y(share)}" y2="{_y(share)}"/>'
        f'<text x="0" y="{_y(share) + 4}">{share:.0%}</text>'
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    keys = "".join(
        f'<rect class="{mark}" x="{_LEFT + 220 * place}" y="{_HEIGHT + 32}" width="12" '
        f'height="12"/>'
        f'<text x="{_LEFT + 18 + 220 * place}" y="{_HEIGHT + 43}">{escape(name)}</text>'
        for place, (name, mark) in enumerate(zip(names, ("first", "second"), strict=False))
    )
    label = escape(" and ".join(names))
    return (
        f'<figure><svg role="img" aria-label="{label}" viewBox="0 0 {_WIDTH} {_HEIGHT + 50}">'
        f"{grid}{drawn}{ticks}{keys}</svg></figure>"
    )


def _y(share: float) -> float:
    return round(_HEIGHT - share * (_HEIGHT - _TOP), 1)


def _bars(rows: Sequence[tuple[str, Sequence[float | None]]], names: Sequence[str]) -> str:
    step = (_WIDTH - _LEFT) / max(len(rows), 1)
    thick = step * 0.7 / len(names)
    drawn = ticks = ""
    for place, (label, shares) in enumerate(rows):
        left = _LEFT + place * step + step * 0.15
        for turn, (share, mark) in enumerate(zip(shares, ("first", "second"), strict=False)):
            if share is not None:
                x, y = round(left + turn * thick, 1), _y(share)
                drawn += (
                    f'<rect class="{mark}" x="{x}" y="{y}" width="{thick:.1f}" '
                    f'height="{_HEIGHT - y:.1f}"><title>{escape(label)}: {share:.1%}</title></rect>'
                )
        ticks += f'<text x="{left:.1f}" y="{_HEIGHT + 18}">{escape(label)}</text>'
    return _frame(drawn, names, ticks)


def _lines(series: Sequence[tuple[str, Sequence[tuple[float, float | None]]]]) -> str:
    def x(value: float) -> float:
        return round(_LEFT + value * (_WIDTH - _LEFT), 1)

    drawn = ""
    for (_, points), mark in zip(series, ("first", "second"), strict=True):
        path = " ".join(f"{x(at)},{_y(share)}" for at, share in points if share is not None)
        drawn += f'<polyline class="line-{mark}" points="{path}"/>'
    ticks = "".join(
        f'<text x="{x(tenth / 10)}" y="{_HEIGHT + 18}">{tenth / 10:.1f}</text>'
        for tenth in range(10)
    )
    return _frame(drawn, [name for name, _ in series], ticks)
