"""The report as one HTML page: no script, no request, pictures inside, for screen, narrow screen, dark screen and A4."""

from __future__ import annotations

from collections.abc import Iterator

from ..analysis.words import exact
from ..model.fact import State
from . import reportcharts as charts
from .reportcharts import esc
from .reportdata import Line, Report
from .reporttables import Table, tables
from .reporttext import EVIDENCE, header, signature_words, subject_words

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

_STYLE = """
:root{color-scheme:light dark;--back:#fff;--fore:#1b1f24;--dim:#57606a;--line:#c9d1d9;--soft:#f3f5f7;--link:#0550ae;--done:#1f6f50;--track:#dfe4e9}
@media (prefers-color-scheme:dark){:root{--back:#12161b;--fore:#e4e8ec;--dim:#a3adb8;--line:#3a434d;--soft:#1c2229;--link:#79b8ff;--done:#4cc38a;--track:#333c46}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem;max-width:84rem;background:var(--back);color:var(--fore);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
h1,h2,p,dd,li,.long{overflow-wrap:anywhere}
h1{margin:0 0 .25rem;font-size:1.7rem;line-height:1.25}
h2{margin:2.5rem 0 .5rem;font-size:1.2rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}
p{margin:.4rem 0}
a{color:var(--link)}
a:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.state{font-size:1.05rem}
.dim{color:var(--dim)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:1rem 0;font-size:.93rem}
dt{color:var(--dim)}
dd{margin:0}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin:.5rem 0;padding:0;list-style:none}
.wide,.picture{overflow-x:auto}
figure{margin:.6rem 0 1rem}
figcaption{color:var(--dim);font-size:.9rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}
table.few{width:auto;min-width:24rem}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
th,td{padding:.3rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;unicode-bidi:isolate;min-width:3.2rem}
thead th{background:var(--soft);border-bottom:2px solid var(--line)}
tbody th{font-weight:600}
thead th,td.whole{white-space:nowrap}
.text{min-width:9rem}
.long{min-width:10rem}
th.number,td.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tbody.item th{background:var(--soft);border-top:2px solid var(--line)}
tbody:target th,section:target>h2{outline:2px solid var(--link)}
.hash{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.85em;font-weight:400}
svg{display:block;max-width:none;margin:.3rem 0}
svg text{font-size:14px;fill:var(--fore)}
svg text.on{fill:#000;font-weight:600}
svg text.small{font-size:12px;fill:var(--dim)}
.k-remove{fill:#e0743a}.k-reduce{fill:#e8b33c}.k-ask{fill:#6cbcec}.k-exception{fill:#d493b8}.k-keep{fill:#3fb68b}.k-conflict{fill:#f0e442}.k-open{fill:#d5dae0}
[class^="k-"]{stroke:var(--back);stroke-width:1.5}
.texture{stroke:#000;stroke-opacity:.55;stroke-width:1.3;fill:none}
.track{fill:var(--track);stroke:var(--dim);stroke-width:.6}
.unsure{fill:none;stroke-dasharray:5 4}
.done{fill:var(--done)}
.axis{stroke:var(--line);fill:none}
.line{fill:none;stroke-width:2.5}
.l-items{stroke:var(--fore);fill:var(--fore)}.l-decided{stroke:var(--done);fill:var(--done);stroke-dasharray:9 4}.l-open{stroke:#d0743a;fill:#d0743a;stroke-dasharray:2 4}
path.line{fill:none}circle{stroke-dasharray:none!important}
@media (max-width:700px){body{padding:.8rem}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}table.few{min-width:0;width:100%}.wide table{min-width:54rem}.wide table.few{min-width:0}}
@page{size:A4 landscape;margin:12mm}
@media print{
:root{color-scheme:light;--back:#fff;--fore:#000;--dim:#333;--line:#999;--soft:#eee;--link:#000;--done:#1f6f50;--track:#e6e6e6}
body{max-width:none;padding:0;font-size:9pt}
nav{display:none}
.wide,.picture{overflow:visible}
thead{display:table-header-group}
tr,figure,dl{break-inside:avoid}
h2,thead{break-after:avoid}
table.few{break-inside:avoid}
tbody tr:first-child{break-before:avoid}
td,th{padding:.15rem .35rem;min-width:0}
td.text,.long{min-width:0}
a{text-decoration:none}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
"""


def html(report: Report) -> Iterator[str]:
    """The page, in pieces."""
    found = list(tables(report))
    title = f"Review {report.name}"
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{esc(POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        '<meta name="robots" content="noindex">\n'
        f"<title>{esc(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
    )
    yield from _header(report, title)
    yield '<nav aria-label="Contents"><ul>\n'
    yield from (f'<li><a href="#{table.id}">{esc(table.heading)}</a></li>\n' for table in found)
    yield '<li><a href="#evidence">Evidence</a></li>\n' if report.decided_on else ""
    yield "</ul></nav>\n<main>\n"
    for table in found:
        yield from _section(report, table)
    if report.decided_on:
        yield from _evidence(report)
    yield f'</main>\n<footer><p class="dim">{esc(report.tool)}. Nothing on this page is fetched, and nothing on it runs.</p></footer>\n</body>\n</html>\n'


def _header(report: Report, title: str) -> Iterator[str]:
    count = report.figures
    told = f"{count.decided:,} of {count.items:,} decided, {count.open:,} open, {count.conflicts:,} in conflict"
    state = f"Closed {exact(report.ending.at)}" if report.ending is not None else f"Open, as of {exact(report.as_of)}"
    yield f'<header>\n<h1>{esc(title)}</h1>\n<p class="state"><strong>{esc(state)}</strong>: {esc(told)}.</p>\n<dl>\n'
    told_all = [*header(report), *([("signature", signature_words(report))] if signature_words(report) else [])]
    yield from (f"<dt>{esc(what)}</dt><dd>{esc(words)}</dd>\n" for what, words in told_all)
    yield "</dl>\n</header>\n"


def _section(report: Report, table: Table) -> Iterator[str]:
    yield f'<section id="{table.id}" aria-labelledby="{table.id}-h">\n<h2 id="{table.id}-h">{esc(table.heading)}</h2>\n'
    if table.note:
        yield f"<p>{esc(table.note)}</p>\n"
    yield from _pictures(report, table.id)
    if not table.names:
        yield "<ul>\n"
        yield from (f"<li>{esc(cell)}</li>\n" for (cell,) in table.rows)
        yield "</ul>\n"
    elif table.rows:
        yield from _table(table)
    yield "</section>\n"


def _pictures(report: Report, ident: str) -> Iterator[str]:
    if ident == "summary":
        yield charts.decisions(report)
    elif ident == "lists":
        yield charts.progress(report)
    elif ident == "practices":
        yield charts.practices(report.practices)
    elif ident == "trend":
        yield charts.trend(report.trend)
        yield charts.practice_trend(report.trend)
        if len(report.trend) < 2:
            yield "<p>There is no earlier campaign to compare with.</p>\n"


def _table(table: Table) -> Iterator[str]:
    few = ' class="few"' if len(table.names) <= 3 and table.right else ""
    yield f'<div class="wide" tabindex="0" role="region" aria-label="{esc(table.title)}">\n<table{few}>\n<caption>{esc(table.title)}</caption>\n<thead><tr>'
    yield from (f'<th scope="col"{_NUMBER if place in table.right else ""}>{esc(name)}</th>' for place, name in enumerate(table.names))
    yield "</tr></thead>\n<tbody>\n"
    numbered = table.names[0] == "nr" and table.id != "practices"
    row_head = 1 if table.names[0] == "nr" else 0
    for row in table.rows:
        cells = []
        for place, cell in enumerate(row):
            shown = f'<a href="#e{esc(cell)}">{esc(cell)}</a>' if numbered and place == 0 else esc(cell)
            if place == row_head:
                cells.append(f'<th scope="row"{_kind(table, place, cell)}>{shown}</th>')
            else:
                cells.append(f"<td{_kind(table, place, cell)}>{shown}</td>")
        yield f"<tr>{''.join(cells)}</tr>\n"
    yield "</tbody>\n</table>\n</div>\n"


_NUMBER = ' class="number"'
_WHOLE = ("when", "begun", "closed", "state")


def _kind(table: Table, place: int, cell: str) -> str:
    """How a cell is set: numbers to the right, words that are too long for a column broken, dates whole."""
    if place in table.right:
        return _NUMBER
    if table.names[place] == "evidence":
        return ' class="hash long"'
    if table.names[place] in _WHOLE:
        return ' class="whole"'
    return _breaks(cell) or (' class="text"' if len(cell) > 30 else "")


def _breaks(cell: str) -> str:
    return ' class="long"' if any(len(word) > 28 for word in cell.split()) else ""


def _evidence(report: Report) -> Iterator[str]:
    yield f'<section id="evidence" aria-labelledby="evidence-h">\n<h2 id="evidence-h">Evidence ({len(report.decided_on):,})</h2>\n<p>{esc(EVIDENCE)}</p>\n'
    yield '<div class="wide" tabindex="0" role="region" aria-label="Evidence">\n<table>\n<caption>Evidence, item by item</caption>\n<thead><tr>'
    yield from (f'<th scope="col">{name}</th>' for name in ("fact", "value", "state", "weighs", "source", "as of"))
    yield "</tr></thead>\n"
    yield from map(_item, report.decided_on)
    yield "</table>\n</div>\n</section>\n"


def _item(line: Line) -> str:
    head = f'{line.place}. {esc(subject_words(line.subject))}: {esc(line.state)} <span class="hash">{esc(line.hash) or "no hash"}</span>'
    rows = [f'<tbody class="item" id="e{line.place}"><tr><th colspan="6" scope="rowgroup"{_breaks(line.subject.name)}>{head}</th></tr>']
    for clue in line.clues:
        state = "known" if clue.state is State.KNOWN else clue.state.value
        when = exact(clue.as_of) if clue.as_of else "not told"
        cells = (clue.value, state, "yes" if clue.weighs else "no", clue.source, when)
        rows.append(
            f'<tr><th scope="row"{_breaks(clue.name)}>{esc(clue.name)}</th>{"".join(f"<td{_breaks(cell)}>{esc(cell)}</td>" for cell in cells)}</tr>'
        )
    rows.append("</tbody>\n")
    return "\n".join(rows)
