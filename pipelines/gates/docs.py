"""Data Docs: one static page per validation, and an index of what the build's gates said.

Pages are rendered by Great Expectations when a suite is validated and kept with the logs of the build;
publishing them puts them beside the published file. Its own page frame loads style sheets and scripts
from six public servers, so that behind a firewall nothing would be laid out: ours needs no network and
no script. No verdict is made here.
"""

import html
import logging
import re
import shutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from pipelines.contracts.states import GATE_PRECEDENCE, GateStatus
from pipelines.gates.verdicts import GATE_DELIVERIES, GATE_MARTS
from pipelines.settings import Settings

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult

log = logging.getLogger(__name__)

FOLDER = "data_docs"
INDEX = "index.html"
SUBJECTS_SHOWN = 50
_ROWS_SHOWN = 20

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 1200px; padding: 1rem 2rem; }
nav, footer { color: #767676; margin: .5rem 0 1.5rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; width: 100%; }
th, td { border: 1px solid #8886; padding: .3rem .55rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
h1, h2, h3, h4, h5, h6 { line-height: 1.2; margin: 1.2rem 0 .4rem; }
.alert { border-left: 4px solid #8888; padding: .1rem .8rem; margin-top: 1.5rem; }
.badge, code { background: #8882; border-radius: 3px; padding: 0 .3em; }
.popover, .cooltip .top { display: none; }
.fa-check-circle::before { content: "\\2714"; color: #1a7f37; font-style: normal; }
.fa-times::before { content: "\\2718"; color: #cf222e; font-style: normal; }
.fa-exclamation-triangle::before { content: "\\26a0"; color: #9a6700; font-style: normal; }
.pass { color: #1a7f37; } .fail, .error { color: #cf222e; font-weight: 600; } .warn { color: #9a6700; font-weight: 600; }
.not_evaluated, .carried { color: #767676; }
"""

_FRAME = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>%(title)s</title><style>%(style)s</style></head>
<body>%(body)s</body>
</html>
"""

# What replaces the frame's templates. Sections, tables and texts remain those of Great Expectations.
_TEMPLATES = {
    "page.j2": (
        "<nav><a href='index.html'>All gates</a> · There stands what was decided; a tick here may stand for nothing to look at.</nav>\n"
        "{% for section in sections %}{% set section_loop = loop -%}{% include 'section.j2' %}{% endfor %}\n"
        "<footer>Rendered by Great Expectations {{ ge_version }}.</footer>"
    ),
    "js_script_imports.j2": "",
}


def _pages(settings: Settings, build_id: str) -> Path:
    return settings.logs / "gates" / build_id


def keep_page(settings: Settings, build_id: str, gate: str, table: str, result: "ExpectationSuiteValidationResult") -> Path | None:
    """Render one validation, cutting its lists of broken rows, and keep it for the build. A page that cannot be rendered costs no verdict."""
    folder = _pages(settings, build_id)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = len(list(folder.glob("*.html"))) + 1
        path = folder / f"{number:03d}_{gate}_{table}.html"
        path.write_text(_FRAME % {"title": f"{table}, build {build_id}", "style": _STYLE, "body": _render(result)}, encoding="utf-8")
    except Exception:
        log.warning("the Data Docs page of %s could not be written", table, exc_info=True)
        return None
    return path


@cache
def _view() -> Any:
    from great_expectations.render.view import DefaultJinjaPageView
    from jinja2 import ChoiceLoader, DictLoader

    view = DefaultJinjaPageView()
    view.env.loader = ChoiceLoader([DictLoader(_TEMPLATES), view.env.loader])
    return view


def _render(result: "ExpectationSuiteValidationResult") -> str:
    from great_expectations.render.renderer import ValidationResultsPageRenderer

    for single in result.results:
        for name, value in single.result.items():
            if isinstance(value, list):  # named broken rows: of ten thousand, a page needs a few
                single.result[name] = value[:_ROWS_SHOWN]

    body = _view().render(ValidationResultsPageRenderer(run_info_at_end=True).render(result))
    # Links to suite pages, which are not made: the suite files are the reviewed form. Scripts, which need jQuery.
    body = re.sub(r'<a href="[^"]*expectations/[^"]*"[^>]*>(.*?)</a>', r"\1", body, flags=re.DOTALL)
    return re.sub(r"<script\b.*?</script>", "", body, flags=re.DOTALL)


def write_data_docs(con: duckdb.DuckDBPyConnection, settings: Settings, build_id: str) -> Path:
    """Publish the build's pages with an index of all its verdicts, in place of the last build's; returns the index.

    The index reads `audit.gate_results`, so that rules which never ran, were carried or could not be
    judged stand in it beside those that Great Expectations has a page for.
    """
    target = settings.published / FOLDER
    fresh, old = (settings.published / f".{FOLDER}.{suffix}" for suffix in ("new", "old"))
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    fresh.mkdir(parents=True)
    pages = sorted(_pages(settings, build_id).glob("*.html"))
    for page in pages:
        shutil.copyfile(page, fresh / page.name)
    body = _index(con, build_id, [page.name for page in pages])
    (fresh / INDEX).write_text(_FRAME % {"title": f"Quality gates, build {build_id}", "style": _STYLE, "body": body}, encoding="utf-8")
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    _prune(settings, build_id)
    return target / INDEX


def _prune(settings: Settings, build_id: str) -> None:
    """Keep the pages of as many builds as there are dated publications."""
    folders = sorted((settings.logs / "gates").glob("*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in [folder for folder in folders if folder.name != build_id][settings.keep_published - 1 :]:
        shutil.rmtree(folder, ignore_errors=True)


_RULES = """
select
    suite, expectation, any_value(column_name) as column_name, any_value(severity) as severity, any_value(why) as why,
    any_value(scope) as scope, count(*) as subjects,
    max_by(observed, list_position(?, status) * -1) as observed,
    {counts},
    list_slice(list(subject order by subject) filter (status not in ('pass', 'carried', 'not_evaluated')), 1, ?) as against,
from audit.gate_results
where build_id = ? and gate = ?
group by suite, rule_id, expectation
order by suite, min(list_position(?, status)), expectation, column_name
"""


def _index(con: duckdb.DuckDBPyConnection, build_id: str, pages: list[str]) -> str:
    counts = ", ".join(f"count(*) filter (status = '{status.value}') as n_{status.value}" for status in GATE_PRECEDENCE)
    precedence = [status.value for status in GATE_PRECEDENCE]
    parts = [f"<h1>Quality gates of build {html.escape(build_id)}</h1>"]
    for gate, title in ((GATE_MARTS, "Marts"), (GATE_DELIVERIES, "Deliveries")):
        cursor = con.execute(_RULES.format(counts=counts), [precedence, SUBJECTS_SHOWN, build_id, gate, precedence])
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        parts.append(f"<h2>{title}</h2>")
        parts.append(_rules_table(rows, gate) if rows else "<p>This build's gate judged none.</p>")
    if pages:
        links = "".join(f"<li><a href='{html.escape(page)}'>{html.escape(page.removesuffix('.html'))}</a></li>" for page in pages)
        parts.append(f"<h2>Validations by Great Expectations</h2><ul>{links}</ul>")
    return "\n".join(parts)


def _rules_table(rows: list[dict[str, Any]], gate: str) -> str:
    heads = ("suite", "rule", "status", "observed", "severity", "looked at", "why")
    lines = ["<table><thead><tr>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr></thead><tbody>"]
    for row in rows:
        found = {status: row[f"n_{status.value}"] for status in GATE_PRECEDENCE if row[f"n_{status.value}"]}
        status = "<br>".join(
            f"<span class='{name}'>{name}{f' × {count}' if gate == GATE_DELIVERIES else ''}</span>" for name, count in found.items()
        )
        observed = html.escape(row["observed"] or "")
        if gate == GATE_DELIVERIES and row["against"]:
            more = row["subjects"] - sum(row[f"n_{s.value}"] for s in (GateStatus.PASS, GateStatus.CARRIED, GateStatus.NOT_EVALUATED))
            listed = ", ".join(map(html.escape, row["against"])) + (
                f" and {more - len(row['against'])} more" if more > len(row["against"]) else ""
            )
            observed += f"<br>{listed}"
        rule = html.escape(row["expectation"]) + (f"<br><code>{html.escape(row['column_name'])}</code>" if row["column_name"] else "")
        cells = (html.escape(row["suite"]), rule, status, observed, row["severity"], html.escape(row["scope"]), html.escape(row["why"]))
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    return "".join(lines) + "</tbody></table>"
