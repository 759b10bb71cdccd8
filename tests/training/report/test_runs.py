"""The report of a run: the numbers that the run measured, the paper's beside them, and figures that show them."""

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vidrts.cli import run as command
from vidrts.messages import Code
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.recurrence_options import TrainOptions
from vidrts.training.report.runs import PAPER_CHANGE, PAPER_DELTA, PAPER_VIQET, read_run


def made_run(folder: Path, stages: int, *, scored: bool = True, photos: Path = Path("photos")) -> Path:
    """A run whose measures are the paper's."""
    folder.mkdir()
    options = TrainOptions(photos=photos, out=folder, stages=max(stages, 1), degradation=Degradation("clean"))
    (folder / "settings.json").write_text(json.dumps({**options.stored(), "data_hash": "0" * 64}))
    names = ("mos", "resolution_mp", "edge_acutance", "noise_signature_index", "texture_acutance", "saturation",
             "color_warmth", "illumination", "dynamic_range", "over_exposed_pct", "under_exposed_pct")  # fmt: skip
    rows = [{"stage": 0, "null_ratio": 0.61}]
    if scored:
        rows[0] |= dict(zip(names, PAPER_VIQET["HR0"], strict=True))
        rows[0] |= {f"lr_{k}": v for k, v in zip(names, PAPER_VIQET["LR"], strict=True)}
    for n in range(1, stages + 1):
        rows += [{"stage": n, "step": s, "loss": 0.01 / (n * s), "rate": 1e-3} for s in (500, 1000)]
        ratio = PAPER_CHANGE[n - 1]
        rows.append({
            "stage": n, "difference_ratio": ratio, "delta_scalar": PAPER_DELTA[n - 1], "step_ratio": ratio,
            "psnr_lr_to_hr0": 29.5, "alpha": 0.5, "alpha_sd": 0.01, "usm_difference_ratio": 0.95 * n,
            **(dict(zip(names, PAPER_VIQET[f"HR{n}"], strict=True)) if scored else {}),
            **{f"gain_{f:.3f}": 1 + f * n for f in (0.0125, 0.25, 0.4875)},
        })  # fmt: skip
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"stage": 9, "lo')
    return folder


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: list[list[str]] = []
        self.images: list[bytes] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.cells.append([])
        if tag == "img":
            self.images.append(base64.b64decode(str(dict(attrs)["src"]).partition("base64,")[2]))
        if tag not in ("meta", "img"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("td", "th"):
            self.cells[-1].append(data)


def test_a_run_like_the_papers_gives_the_papers_tables(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = made_run(tmp_path / "eight", 8)
    examples = run / "examples"
    examples.mkdir()
    for n, version in enumerate(("LR", "HR0", "HR1", "HR2")):
        Image.new("RGB", (20, 20), (10 * n, 0, 200)).save(examples / f"1-{version}.png")
    assert command(["report", str(run)]) == 0
    told = capfd.readouterr().err
    assert "eight: Highest score: stage 3 (4.057); smallest change: stage 4 (+0.01 points)" in told
    assert "stage 3 is the one to ship" in told
    page = Page((run / "report" / "report.html").read_text("utf-8"))
    rows = {row[0]: row for row in page.cells if row}
    first = [row for row in page.cells if row and row[0] == "HR4"]
    assert first[0][:6] == ["HR4", "1.48", "+0.01", "1.48", "1.48", "0.01"]  # Table 1, with the paper's beside it
    assert rows["paper, HR3"][1:] == first_of(page, "HR3", 12)[1:]  # Table 2: the same numbers
    assert len(page.images) == 5
    for data in page.images:
        assert data.startswith(b"\x89PNG")
    names = {p.name for p in (run / "report").iterdir()}
    assert names == {"report.html", "report.md", "figure-4.png", "figure-5.png", "figure-6.png", "gain.png", "loss.png"}
    with Image.open(run / "report" / "figure-5.png") as image:
        pixels = np.array(image)
    assert [tuple(pixels[40, x]) for x in (20, 66, 112, 158)] == [(10 * n, 0, 200) for n in range(4)]
    markdown = (run / "report" / "report.md").read_text("utf-8")
    assert re.search(r"^\| HR4 \| 1\.48 \| \+0\.01 \|", markdown, re.MULTILINE)
    for name in re.findall(r"\]\(([^)]+\.png)\)", markdown):
        assert (run / "report" / name).is_file()


def test_a_run_that_only_blurs_has_no_stage_to_ship(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = made_run(tmp_path / "blurs", 2)
    metrics = folder / "metrics.jsonl"
    rows = [json.loads(line) for line in metrics.read_text().splitlines()[:-1]]
    for row in rows:
        if row["stage"] and "difference_ratio" in row:
            row |= {"gain_at_0.35": 0.8 + 0.05 * row["stage"], "mos": 3.7}  # of photographs that score 3.825
    metrics.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert command(["report", str(folder)]) == 0
    selection = read_run(folder).selection
    assert selection is not None and selection.shipped is None
    assert [(n, why.code, why.values) for n, why in selection.shortfalls.items()] == [
        (1, Code.STAGE_BLURS, {"gain": "0.85"}), (2, Code.STAGE_BLURS, {"gain": "0.90"}),
    ]  # fmt: skip
    page = (folder / "report" / "report.html").read_text("utf-8")
    for text in (capfd.readouterr().err, page, (folder / "report" / "report.md").read_text("utf-8")):
        assert "o stage improves on its input; train longer" in text
        assert "0.85" in text and "is the one to ship" not in text


def first_of(page: Page, version: str, width: int) -> list[str]:
    """The first row of a version in a table of so many columns."""
    return next(row for row in page.cells if row and row[0] == version and len(row) == width)


def test_figure_4_shows_what_the_runs_measured(tmp_path: Path) -> None:
    from matplotlib import pyplot

    from vidrts.training.report import figures

    runs = [read_run(made_run(tmp_path / "a", 3)), read_run(made_run(tmp_path / "b", 2, scored=False))]
    lines = {}

    def keep(figure: object, panels: list, file: Path, **_: object) -> Path:  # type: ignore[type-arg]
        lines.update({line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in panels[0].lines})
        pyplot.close(figure)  # type: ignore[arg-type]
        return file

    original = figures._save
    figures._save = keep  # type: ignore[assignment]
    try:
        figures._figure_4(runs, tmp_path / "x.png")
    finally:
        figures._save = original
    assert lines["a"] == ([0, 1, 2, 3], [0, 0.95, 1.35, 1.47])
    assert lines["unsharp mask, b"] == ([0, 1, 2], [0, 0.95, 1.9])
    assert lines["paper"][1] == [0, 0.95, 1.35, 1.47]


def test_runs_together_unfinished_and_unscored(tmp_path: Path) -> None:
    runs = [made_run(tmp_path / "a", 2, scored=False), made_run(tmp_path / "b", 3), made_run(tmp_path / "new", 0)]
    assert command(["report", "-q", *map(str, runs), "--out", str(tmp_path / "out")]) == 0
    markdown = (tmp_path / "out" / "report.md").read_text("utf-8")
    assert markdown.startswith("# Training report: a, b, new")
    assert "not measured" in markdown
    assert {"figure-4.png", "figure-6.png", "gain.png", "loss.png"} <= {p.name for p in (tmp_path / "out").iterdir()}


def test_what_is_no_run_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert command(["report", str(tmp_path)]) == 1
    run = made_run(tmp_path / "run", 1)
    (tmp_path / "file").write_text("")
    assert command(["report", str(run), "--out", str(tmp_path / "file")]) == 1
    told = capfd.readouterr().err.strip().splitlines()
    assert len(told) == 2
    assert "settings.json" in told[0]
    assert "cannot be written" in told[1]
