"""Table 3: its runs, what they cost, and the answer of a tiny one."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from vidrts.measure.ssimulacra2 import ssimulacra2
from vidrts.research import experiments, held_out, table_3
from vidrts.research.__main__ import run_research
from vidrts.research.experiments import EXPERIMENTS, SCALES
from vidrts.research.master_pairs import of_master
from vidrts.training.corpus import read_picture
from vidrts.training.recurrence_options import TrainOptions
from vidrts.training.run_store import RunStore

TINY = {"steps": 2, "later_steps": 2, "batch": 2, "patch": 32, "crops": 2, "held_out": 1, "viqet": False,
        "fewer": {"fsrcnn": {"batch": 1}}}  # fmt: skip


def test_eight_networks_at_equal_steps(tmp_path: Path) -> None:
    arms = EXPERIMENTS["networks"].arms
    heavy = {"vdsr": 1, "edsr": 1, "srresnet": 2, "srcnn": 4}
    for scale, fewer in (("short", heavy), ("brief", heavy), ("full", {})):
        options = {arm: experiments._options(tmp_path, tmp_path, {**SCALES[scale], **arms[arm]}) for arm in arms}
        assert len({(o.steps, o.later_steps, o.stages, o.patch) for o in options.values()}) == 1
        assert {o.model: o.rate for o in options.values() if o.rate != 1e-3} == ({"srresnet": 1e-4} if fewer else {})
        assert {o.model: o.batch for o in options.values() if o.batch != 8} == fewer
    seeds: dict[str, list[int]] = {}
    for o in options.values():
        if o.aim == "recurrent":
            seeds.setdefault(o.model, []).append(o.seed)
    once = {"edsr": [1], "srresnet": [1], "vdsr": [1], "rts-r6": [1]}
    assert seeds == {**{name: [1, 2, 3] for name in ("fsrcnn", "rts-r1", "rts-r3", "srcnn")}, **once}
    assert set(table_3.PAPER) | {"fsrcnn"} == set(seeds)
    longer = {arm: o for arm, o in options.items() if arm.endswith("-once")}
    assert set(longer) == {f"{name}-once" for name in ("fsrcnn", "rts-r1", "rts-r3", "rts-r6", "srcnn", "edsr")}
    for o in longer.values():  # the same run but for its targets
        same = options[f"{o.model}-seed-1"]
        assert isinstance(o, TrainOptions) and replace(o, aim="recurrent", out=same.out) == same


@pytest.mark.parametrize(
    ("network", "weights"),
    [
        # Weights of each convolution, times the pixels that it is computed on for each pixel of the picture.
        ("rts-r1", 3 * 64 * 9 + 64 * 64 * 9 + 64 * 3 * 9),
        ("srcnn", 4 * (81 * 64 + 25 * 64 * 32 + 25 * 32)),
        ("fsrcnn", 25 * 56 + 56 * 12 + 4 * 9 * 12 * 12 + 12 * 56 + 81 * 56),
        ("vdsr", 4 * (9 * 64 + 18 * 9 * 64 * 64 + 9 * 64)),
        ("edsr", 9 * 3 * 64 + 33 * 9 * 64 * 64 + 9 * 64 * 256 + 4 * 9 * 64 * 3),
    ],
)
def test_multiply_adds_are_those_of_the_layers(network: str, weights: int) -> None:
    # Bicubic and luma of networks that see luma alone come on top.
    assert weights <= table_3.multiply_adds(network) <= weights + 200


def test_a_tiny_table(
    pieces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    held = EXPERIMENTS["networks"]
    names = ("fsrcnn-seed-1", "rts-r1-seed-1", "rts-r1-once")
    arms = {arm: held.arms[arm] for arm in names}
    made = experiments.Experiment(question=held.question, arms=arms, answer=held.answer)
    monkeypatch.setitem(EXPERIMENTS, "networks", made)  # type: ignore[misc]
    monkeypatch.setitem(SCALES, "short", TINY)  # type: ignore[misc]
    measured: list[int] = []

    def mos(pictures: list[torch.Tensor]) -> float:  # VIQET is measured elsewhere
        measured.append(len(pictures))
        return 2 + float(pictures[0].std())

    monkeypatch.setattr(held_out, "mos", mos)
    out = tmp_path / "out"
    words = ["experiment", "networks", "--photos", str(pieces), "--out", str(out), "--device", "cpu"]
    assert run_research(words) == 0
    text = (out / "answer.md").read_text()
    assert measured == [8] * 10  # HR0 once for all
    with Image.open(out / "networks.png") as image:
        assert image.width > image.height > 300
    assert "](networks.png)" in text
    assert "Not run: rts-r3, rts-r6, srcnn, vdsr, srresnet, edsr." in text

    assert re.search(r"^\| fsrcnn \| 1 \|.* \| 6 \| 0\.001 \|$", text, re.MULTILINE)  # one patch in each of six steps
    (row,) = re.findall(r"^\| rts-r1 \| 40,787 \| 40,320 \| 12 \| (.*) \|$", text, re.MULTILINE)
    _, mos_3, mos_once, _, points_3, points_once = map(float, row.split(" | "))
    run = RunStore(out / "rts-r1-once")
    manifest = run.manifest()
    assert manifest
    (path,) = (p["path"] for p in manifest["pictures"] if p["use"] == "validation")
    truth, soft = (picture.float() / 255 for picture in of_master(read_picture(Path(path))))
    enhance = held_out.enhancer(experiments.read_run(out / "rts-r1-once"), 3)
    assert points_once == pytest.approx(ssimulacra2(enhance(soft), truth), abs=0.051)
    assert re.search(rf"^\| rts-r1 \| {ssimulacra2(soft, truth):.1f} \|", text, re.MULTILINE)

    asked = text[text.index("### Is a small network") :]
    leads = re.findall(
        r"^\| (\S+) \| (\S+) \| ([\d.]+) \| ([\d.]+) \| (\S+): \w+ \| (\S+): \w+ \|$", asked, re.MULTILINE
    )
    assert [lead[:4] for lead in leads] == [("fsrcnn", "rts-r1", "3.2", "2.00"), ("rts-r1", "rts-r1", "1.0", "1.00")]
    assert float(leads[1][4]) == pytest.approx(mos_3 - mos_once, abs=0.0011)
    assert float(leads[1][5]) == pytest.approx(points_3 - points_once, abs=0.11)

    parts = table_3.answer({arm: experiments.read_run(out / arm) for arm in names}, out)
    assert all(part.markdown() in text for part in parts)
    assert len(measured) == 10  # what is measured is kept
    capfd.readouterr()
