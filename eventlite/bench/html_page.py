"""Results as one page for a browser: plots, figures and where they come from; it loads nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape

from eventlite.bench import table
from eventlite.bench.plots import curve_plots, throughput_plots
from eventlite.bench.results import Contestant, Results

#: What the page of `eventlite bench` is called, and known by.
TITLE = "EventLite benchmark"

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6470; --paper: #ffffff; --grid: #e2e6ea; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #a3acb6; --paper: #16191d; --grid: #333a42; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { line-height: 1.2; } h2 { margin-top: 3rem; } h3 { margin: 1.6rem 0 .2rem; font-size: 1rem; }
p, li, .soft { color: var(--soft); }
h3 span { font-weight: normal; color: var(--soft); }
svg { width: 100%; max-width: 45rem; height: auto; font-size: 13px; }
svg text { fill: var(--ink); } svg .name { font-weight: 600; }
svg .tick, svg .axis { fill: var(--soft); font-size: 12px; }
svg .grid { stroke: var(--grid); } svg .axis-line { stroke: var(--soft); }
svg .whisker { stroke: var(--ink); stroke-width: 1.5; opacity: .65; }
@media (prefers-color-scheme: dark) { svg { filter: brightness(1.3); } }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .9rem .3rem 0; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap; }
th:first-child, td:first-child, th:last-child, td:last-child, .words :is(th, td) { text-align: left; }
.words td { white-space: normal; vertical-align: top; }
"""


def page(results: Results, summaries: Mapping[str, str], title: str = TITLE) -> str:
    """The page. `summaries` says in a line what a workload is."""
    sections = [*_throughput(results, summaries), *_curves(results), *_table(results)]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n"
        f"<h1>{escape(title)}</h1>\n{_about(results)}\n" + "\n".join(sections) + "\n</body></html>\n"
    )


def _about(results: Results) -> str:
    lines = "".join(f"<li>{escape(line)}</li>" for line in table.about(results))
    when = results.when[:16].replace("T", " ")
    return f"<p>{escape(when)} UTC</p><ul>{lines}</ul>{_contestants(results.contestants)}"


def _contestants(contestants: Iterable[Contestant]) -> str:
    rows = "".join(
        f"<tr><td><b>{escape(one.name)}</b></td><td>{escape(one.durability)}</td>"
        f"<td>{escape(', '.join(one.indexes) or 'no indexes')}</td>"
        f"<td>{escape(', '.join(f'{name} {value}' for name, value in one.facts.items()))}</td></tr>"
        for one in contestants
    )
    head = "<tr><th>contestant</th><th>durability</th><th>indexes</th><th>store</th></tr>"
    return f'<div class="scroll"><table class="words">{head}{rows}</table></div>'


def _throughput(results: Results, summaries: Mapping[str, str]) -> Iterator[str]:
    """A plot for each workload; each has its own scale."""
    if results.figures:
        yield (
            "<h2>Throughput</h2><p>Per second; longer is better, and each plot has its own scale. "
            "The thin line joins the quartiles.</p>"
        )
    for workload, plot in throughput_plots(results).items():
        said = ", ".join(filter(None, (summaries.get(workload), f"{_unit(results, workload)} per second")))
        yield f"<h3>{escape(workload)} <span>{escape(said)}</span></h3>{plot}"


def _unit(results: Results, workload: str) -> str:
    return next(figure.unit for figure in results.figures if figure.workload == workload)


def _curves(results: Results) -> Iterator[str]:
    if results.curves:
        yield "<h2>Curves</h2><p>Per second; higher is better. The upright lines join the quartiles.</p>"
    titles = {curve.name: curve.title for curve in results.curves}
    for name, plot in curve_plots(results).items():
        yield f"<h3>{escape(titles[name])}</h3>{plot}"


def _table(results: Results) -> Iterator[str]:
    if not results.figures:
        return
    head = "".join(f"<th>{escape(name)}</th>" for name in table.headings(results))
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows(results))
    yield f'<h2>Figures</h2><div class="scroll"><table><tr>{head}</tr>{body}</table></div>'
    if results.left_out:
        said = "".join(
            f"<li>{escape(one.workload)}, {escape(one.contestant)}: {escape(one.reason)}</li>"
            for one in results.left_out
        )
        yield f"<p>Left out:</p><ul>{said}</ul>"
