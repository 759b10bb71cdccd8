"""A report of training runs: one HTML page that needs nothing else, the same in Markdown, and the figures as PNG.

vidrts report RUN... --out REPORT
"""

import base64
from collections.abc import Sequence
from html import escape
from importlib.metadata import version
from pathlib import Path

from vidrts.errors import OutputError
from vidrts.files import whole
from vidrts.training.report.figures import draw
from vidrts.training.report.runs import Run, described, read_run, tables, verdict

_STYLE = """
:root { color-scheme: light dark; --paper: #f5f5f5; --ink: #1a1a1a; --muted: #5a5a5a; --hair: #d8d8d8; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #141414; --ink: #e9e9e9; --muted: #a6a6a6; --hair: #333; }
}
body { margin: 0 auto; max-width: 1200px; padding: 16px clamp(16px, 3vw, 40px) 48px; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif;
  font-variant-numeric: tabular-nums lining-nums; }
h1 { font-size: 26px; } h2 { font-size: 20px; margin-top: 36px; } h3 { font-size: 16px; margin: 24px 0 6px; }
p { max-width: 80ch; color: var(--muted); } p.verdict { color: var(--ink); font-weight: 600; }
.scroll { overflow-x: auto; } .scroll:focus-visible { outline: 2px solid #1458c4; }
table { border-collapse: collapse; font-size: 14px; }
th, td { padding: 3px 12px 3px 0; text-align: right; border-bottom: 1px solid var(--hair); white-space: nowrap; }
th:first-child { text-align: left; } thead th { white-space: normal; vertical-align: bottom; font-weight: 600; }
tbody th { font-weight: 400; }
figure { margin: 20px 0; } figure img { max-width: 100%; height: auto; background: #fff; }
figcaption { color: var(--muted); font-size: 14px; max-width: 80ch; }
"""


def save_report(folders: Sequence[Path], target: Path) -> tuple[Path, list[str]]:
    """Write report.html, report.md and the figures of the runs into `target`; (the page, a verdict for each run).

    Runs need not be finished. Raises `TrainingError` for a folder without a run, `OutputError` where `target` cannot be
    written, `VidrtsError` where matplotlib is missing.
    """
    runs = [read_run(folder) for folder in folders]
    try:
        target.mkdir(parents=True, exist_ok=True)
        figures = draw(runs, target)
        _replace(target / "report.md", _markdown(runs, figures))
        page = target / "report.html"
        _replace(page, _html(runs, figures))
    except OSError as error:
        raise OutputError(f"{target}: the report cannot be written ({error.strerror or error})") from None
    return page, [f"{run.name}: {verdict(run) or 'no stage is done yet'}" for run in runs]


def _markdown(runs: Sequence[Run], figures: Sequence[tuple[str, Path]]) -> str:
    parts = [f"# {_title(runs)}"]
    for run in runs:
        parts += [f"## {run.name}", described(run)]
        if run.stages:
            parts += [f"**{verdict(run)}**", *(table.markdown() for table in tables(run))]
    parts.append("## Figures")
    parts += [f"![{caption}]({file.name})\n\n{caption}" for caption, file in figures]
    return "\n\n".join(parts) + "\n"


def _html(runs: Sequence[Run], figures: Sequence[tuple[str, Path]]) -> str:
    parts = []
    for run in runs:
        parts.append(f"<h2>{escape(run.name)}</h2><p>{escape(described(run))}</p>")
        if run.stages:
            parts.append(f'<p class="verdict">{escape(verdict(run))}</p>')
            parts += [table.html() for table in tables(run)]
    parts.append("<h2>Figures</h2>")
    for caption, file in figures:
        data = base64.b64encode(file.read_bytes()).decode()
        text = escape(caption)
        parts.append(
            f'<figure><img src="data:image/png;base64,{data}" alt="{text}"><figcaption>{text}</figcaption></figure>'
        )
    title = escape(_title(runs))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="generator" content="vidrts {version("vidrts")}"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _title(runs: Sequence[Run]) -> str:
    return f"Training report: {', '.join(run.name for run in runs)}"


def _replace(file: Path, text: str) -> None:
    with whole(file) as part:
        part.write_text(text, encoding="utf-8")
