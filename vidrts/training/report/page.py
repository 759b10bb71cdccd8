"""A report of training runs: one HTML page that needs nothing else, the same in Markdown, and the figures as PNG.

vidrts report RUN... --out REPORT
"""

from collections.abc import Sequence
from pathlib import Path

from vidrts import pages
from vidrts.errors import OutputError
from vidrts.files import atomic_write
from vidrts.training.report.figures import draw
from vidrts.training.report.runs import Run, described, read_run, tables, verdict


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
    return pages.render(
        "training_report.html",
        title=_title(runs),
        runs=[(run.name, described(run), verdict(run), tables(run) if run.stages else ()) for run in runs],
        figures=[(caption, file.read_bytes()) for caption, file in figures],
    )


def _title(runs: Sequence[Run]) -> str:
    return f"Training report: {', '.join(run.name for run in runs)}"


def _replace(file: Path, text: str) -> None:
    with atomic_write(file) as part:
        part.write_text(text, encoding="utf-8")
