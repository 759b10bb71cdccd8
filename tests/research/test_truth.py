"""The truth bench: clips, what spoils them, filters, scores and verdicts, each against a truth of its own."""

import dataclasses
import itertools
import json
import math
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from vidrts.errors import InputError, MissingPackageError, OptionError
from vidrts.frame import pixel_format
from vidrts.measure import ssimulacra2
from vidrts.measure.fidelity import psnr
from vidrts.media.tools.image_filter import filter_picture
from vidrts.ops.lanczos import halve
from vidrts.research.__main__ import run_research
from vidrts.research.truth import bench
from vidrts.research.truth.bench import SCALES, Scale, run_truth
from vidrts.research.truth.candidates import FILTERS, STRENGTHS, changed, mean_change, rgb_of
from vidrts.research.truth.card import truth_part
from vidrts.research.truth.damage import ROWS, SHORT, Codec, Row, blurred, encoder_options, stored
from vidrts.research.truth.result import Result, verdict
from vidrts.research.truth.scores import Frame
from vidrts.research.truth.sources import MOTIONS, Motion, Photo, clean_clip, held_out, spread
from vidrts.research.truth.work import INPUT, at_amount, at_strength
from vidrts.training.corpus import read_picture
from vidrts.training.degradation.steps import video_plan

TINY = Scale(photos=2, rows=SHORT[:4:3], scored=(1,), models=(), also=1, film=3, side=64, frames=3)


@pytest.fixture(scope="module")
def photo(photos: Path) -> Path:
    return sorted(photos.glob("*.jpg"))[20]


@pytest.fixture(scope="module")
def clip(photo: Path) -> torch.Tensor:
    return clean_clip(Photo(photo, Motion(right=0.7)), side=128, frames=3)


@pytest.fixture(scope="module")
def planes(clip: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return stored(blurred(clip[:1], 1.0)[0])


def test_eight_photographs_decide_and_no_training_sees_them(photos: Path) -> None:
    folders = [photos, photos.parent / "photos1600"]
    held = held_out(folders)
    assert len({p.path for p in held}) == 8 and [p.path.parent for p in held[:2]] == folders
    assert [p.motion for p in held] == list(MOTIONS) and Motion() in MOTIONS
    assert held == held_out(folders)


def test_pictures_beside_are_spread_and_keep_their_size(kodak: Path) -> None:
    chosen = spread(kodak, 6)
    assert len({p.path for p in chosen}) == 6 and all(p.shrink == 1 for p in chosen)


def test_folders_without_pictures_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no pictures"):
        held_out([tmp_path])
    with pytest.raises(InputError, match="no such folder"):
        held_out([tmp_path / "none"])


def test_a_photograph_that_is_too_small_is_an_error(tmp_path: Path) -> None:
    Image.new("RGB", (100, 100)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="100x100"):
        clean_clip(Photo(tmp_path / "a.png", Motion()), side=64, frames=1)


def test_a_still_frame_is_the_photograph_halved(photo: Path) -> None:
    frames = clean_clip(Photo(photo, Motion()), side=64, frames=2)
    assert torch.equal(frames[0], frames[1])
    halved = (halve(read_picture(photo)[None].float())[0] / 255).clamp(0, 1)
    places = cv2.matchTemplate(*(x.permute(1, 2, 0).numpy() for x in (halved, frames[0])), cv2.TM_SQDIFF)
    _, _, (x, y), _ = cv2.minMaxLoc(places)
    assert (halved[:, y : y + 64, x : x + 64] - frames[0]).abs().max() < 1e-3


def test_a_pan_by_whole_pixels_is_a_crop(photo: Path) -> None:
    frames = clean_clip(Photo(photo, Motion(right=3, down=-2)), side=64, frames=3)
    for before, after in itertools.pairwise(frames):
        assert (before[:, :-2, 3:] - after[:, 2:, :-3]).abs().max() < 1e-4


@pytest.mark.parametrize("motion", [Motion(right=0.3, down=0.1), Motion(right=-2.2, down=0.4)])
def test_a_pan_by_parts_of_a_pixel_is_as_far_as_it_says(photo: Path, motion: Motion) -> None:
    first, _, last = clean_clip(Photo(photo, motion), side=128, frames=3)[:, 1].numpy()
    start = np.array([[1, 0, 2 * round(motion.right)], [0, 1, 2 * round(motion.down)]], np.float32)
    _, found = cv2.findTransformECC(last, first, start, cv2.MOTION_TRANSLATION)
    assert found[:, 2] == pytest.approx([2 * motion.right, 2 * motion.down], abs=0.05)


def test_zoom_and_turn_are_about_the_middle(photo: Path) -> None:
    motion = Motion(zoom=0.02, turn=2)
    first, middle, _ = (frame.permute(1, 2, 0).numpy() for frame in clean_clip(Photo(photo, motion), 128, 3))
    # The middle frame as OpenCV turns it: softer, but in the same place. Counter-clockwise and larger with time.
    matrix = cv2.getRotationMatrix2D((63.5, 63.5), -motion.turn, 1 - motion.zoom)
    wrong = cv2.getRotationMatrix2D((63.5, 63.5), motion.turn, 1 + motion.zoom)
    inner = np.s_[24:-24, 24:-24]
    errors = [
        np.abs(cv2.warpAffine(middle, m, (128, 128), flags=cv2.INTER_CUBIC)[inner] - first[inner]).mean()
        for m in (matrix, wrong)
    ]
    assert errors[0] < 0.25 * errors[1]


def test_no_blur_arises_from_the_motion(photo: Path) -> None:
    frames = clean_clip(Photo(photo, Motion(right=0.3, down=0.15)), side=96, frames=9)
    steps = frames.diff(dim=3).abs().mean(dim=(1, 2, 3))
    assert steps.min() > 0.97 * steps.max()


def test_rows_are_those_of_the_table() -> None:
    names = [row.name for row in ROWS]
    assert len(names) == len(set(names)) == 30 and {row.kind for row in ROWS} == {
        "sharp", "sharp coded", "soft", "soft coded", "enlarged", "blocks"
    }  # fmt: skip
    assert len(SHORT) == 8 and set(SHORT) < set(ROWS)
    assert names[0] == "sharp" and "blur 0.8 + noise 5 + H.264 crf 23" in names


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_spoils_a_clip(row: Row, clip: torch.Tensor) -> None:
    frames = row.spoil(clip, seed=1)
    truth = [stored(frame) for frame in clip]
    assert [[(p.shape, p.dtype) for p in f] for f in frames] == [[(p.shape, p.dtype) for p in f] for f in truth]
    error = psnr(frames[1][0].float(), truth[1][0].float(), 219)
    assert error == math.inf if row.kind == "sharp" else 15 < error < 55
    assert all(torch.equal(a, b) for a, b in zip(frames[2], row.spoil(clip, seed=1)[2], strict=True))


def test_more_compression_is_farther_from_the_truth(clip: torch.Tensor) -> None:
    truth = torch.stack([stored(frame)[0] for frame in clip]).float()

    def error(codec: Codec) -> float:
        return psnr(torch.stack([f[0] for f in Row("blocks", codec=codec).spoil(clip, 0)]).float(), truth)

    for codecs in (
        [Codec(crf=crf) for crf in (18, 23, 28, 33, 36)], [Codec(jpeg=quality) for quality in (90, 50, 20)],
        [Codec(megabits=rate) for rate in (20, 5, 2)],
    ):  # fmt: skip
        errors = [error(codec) for codec in codecs]
        assert errors == sorted(errors, reverse=True)


def test_mpeg2_has_its_rate_for_the_area() -> None:
    _, options = encoder_options(Codec(megabits=2), 384 * 384)
    assert int(options["b"]) == round(2e6 * 384 * 384 / (720 * 576))


def test_blur_is_scipys(clip: torch.Tensor) -> None:
    wanted = gaussian_filter(clip[0].double().numpy(), (0, 0.8, 0.8), mode="nearest", truncate=5)
    assert np.abs(blurred(clip[:1], 0.8)[0].numpy() - wanted).max() < 1e-5


def test_noise_has_its_size(clip: torch.Tensor) -> None:
    grey = torch.full_like(clip, 0.5)
    (luma, *_), _, _ = Row("soft coded", noise=5).spoil(grey, 3)
    assert float(luma.float().std()) == pytest.approx(5 * math.hypot(0.2126, 0.7152, 0.0722) * 219 / 255, abs=0.15)


def test_strength_changes_luma_as_write_back_does() -> None:
    plane = torch.tensor([[20, 200, 8, 240, 100]], dtype=torch.uint8)
    change = torch.tensor([[-0.1, 0.2, -0.1, 0.1, 10 / 219]])
    assert changed(plane, change).tolist() == [[16, 235, 8, 240, 110]]
    assert changed(plane, change, 0.5).tolist() == [[16, 222, 8, 240, 105]]
    assert torch.equal(changed(plane, torch.zeros_like(change), 2.0), plane)


@pytest.mark.parametrize(
    ("name", "amount", "chain"),
    [("unsharp", 0.7, "unsharp=luma_amount=0.7:chroma_amount=0"), ("cas", 1.5, "cas=strength=0.5:planes=1")],
)
def test_filters_are_ffmpegs(planes: tuple[torch.Tensor, ...], name: str, amount: float, chain: str) -> None:
    wide = tuple(p.to(torch.int32).mul(256).to(torch.uint16) for p in planes)
    wanted = filter_picture(wide, pixel_format("yuv420p16le"), chain)[0].float() / 256
    got = FILTERS[name].of(planes[0]).at(amount)
    assert (got.float() - wanted).abs().max() <= 0.51 and mean_change(got, planes[0]) > 0.3


@pytest.mark.parametrize("name", FILTERS)
def test_equal_change_is_equal(planes: tuple[torch.Tensor, ...], name: str) -> None:
    filtered = FILTERS[name].of(planes[0])
    assert torch.equal(filtered.at(0), planes[0])
    for change in (0.3, 0.9):
        assert mean_change(filtered.at(filtered.equal(change)), planes[0]) == pytest.approx(change, rel=0.03)
    assert filtered.equal(0) == 0 and filtered.equal(200) == FILTERS[name].most


def test_scores_of_the_truth_and_of_blocks(planes: tuple[torch.Tensor, ...]) -> None:
    frame = Frame(planes, planes, ssimulacra2.Truth(rgb_of(planes)))
    same = frame.full(planes[0])
    assert same["psnr"] == math.inf and same["ssimulacra2"] == 100 and same["ssim"] == pytest.approx(1)
    assert same["change"] == same["ratio"] == 0 and same["borders"] == pytest.approx(1, abs=0.1)
    assert frame.chroma() == math.inf
    raised = planes[0] // 2 + 40
    raised[torch.arange(128) // 8 % 2 == 1] += 30
    assert frame.full(raised)["borders"] > 2
    assert frame.full(planes[0] + 1)["psnr"] == pytest.approx(20 * math.log10(219))


def test_ssimulacra2_is_the_originals(kodak: Path) -> None:
    """Values of the original program (cloudinary's C++, built from source) for the same 384x384 pixels."""
    with Image.open(kodak / "HR" / "04.png") as image:
        crop = np.array(image.convert("RGB"))[60:444, 100:484].astype(int)
    neighbours = [crop, np.roll(crop, 1, 0), np.roll(crop, 1, 1), np.roll(crop, (1, 1), (0, 1))]
    soft = (sum(neighbours) + 2) // 4  # type: ignore[operator]
    truth = ssimulacra2.Truth(_unit(crop))
    assert truth.score(_unit(crop)) == 100
    assert truth.score(_unit(soft)) == pytest.approx(49.694, abs=0.2)
    assert truth.score(_unit(crop // 24 * 24 + 12)) == pytest.approx(23.775, abs=0.2)
    assert truth.score(_unit(np.clip(2 * crop - soft, 0, 255))) == pytest.approx(56.184, abs=0.2)


def test_ssimulacra2_is_near_the_package(clip: torch.Tensor, tmp_path: Path) -> None:
    import ssimulacra2 as package

    pictures = [clip[0], blurred(clip[:1], 0.6)[0]]
    for number, picture in enumerate(pictures):
        Image.fromarray((picture * 255).round().byte().permute(1, 2, 0).numpy()).save(tmp_path / f"{number}.png")
    wanted = package.compute_ssimulacra2(tmp_path / "0.png", tmp_path / "1.png")
    assert ssimulacra2.Truth(pictures[0]).score(pictures[1]) == pytest.approx(wanted, abs=6)


def test_ssimulacra2_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    ssimulacra2._package.cache_clear()
    monkeypatch.setitem(sys.modules, "ssimulacra2", None)
    with pytest.raises(MissingPackageError, match=r"pip install ssimulacra2"):
        ssimulacra2.Truth(torch.zeros(3, 16, 16))
    with pytest.raises(ValueError, match="8x8"):
        ssimulacra2.Truth(torch.zeros(3, 7, 16))


def _unit(samples: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(samples).permute(2, 0, 1).float() / 255


def result(**gains: float) -> Result:
    """A result of one picture where model m gains so much on every row, and filters what their grid has."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for row in ROWS:
        source = {"psnr": 30.0, "ssimulacra2": 60.0, "ssim": 0.9, "borders": 1.5}
        if row.kind == "sharp":
            source |= {"psnr": math.inf, "ssimulacra2": 100.0}
        candidates = {INPUT: source}
        for strength in STRENGTHS:
            candidates[at_strength("m", strength)] = {
                "psnr": 30 + gains["psnr"], "ssimulacra2": 60 + gains["points"], "ratio": gains["ratio"],
                "borders": gains["borders"],
            }  # fmt: skip
        for name, tried in FILTERS.items():
            for number, amount in enumerate(tried.grid):
                # On soft rows the larger the better, elsewhere the smaller: over all rows the fourth is the best.
                good = number if row.kind in ("soft", "soft coded", "enlarged") else -2 * max(0, number - 3)
                values = {"psnr": 30 + 0.1 * good, "ssimulacra2": 60 + good}
                candidates[at_amount(name, amount)] = values
        found[row.name] = candidates
    return Result({row.name: row.kind for row in ROWS}, ("m",), {"p": found}, flicker={"c": {"m x1": 1.06}})


def test_the_best_amount_is_one_number_for_all_rows() -> None:
    held = result(psnr=1, points=1, ratio=2, borders=1)
    for name, tried in FILTERS.items():
        assert held.best(name, "psnr") in tried.grid[3:]
        assert (
            held.best(name, "psnr", ("soft",)) == tried.grid[-1]
            and held.best(name, "psnr", ("blocks",)) in tried.grid[:4]
        )


def test_verdicts() -> None:
    said = {(v.row, v.measure): v for v in verdict(result(psnr=0.35, points=2.5, ratio=0.9, borders=1.6), "m")}
    assert said["sharp", "difference ratio, %"].met and said["sharp", "difference ratio, %"].margin == pytest.approx(
        0.1
    )
    assert all(said[f"sharp + H.264 crf {crf}", "PSNR-Y, dB"].met for crf in (18, 23, 28, 33))
    assert said["sharp + H.264 crf 36", "PSNR-Y, dB"].met and not said["sharp + JPEG 20", "PSNR-Y, dB"].met
    assert said["sharp + JPEG 20", "PSNR-Y, dB"].margin == pytest.approx(-0.05)
    steps = said["sharp + JPEG 20", "border steps"]
    assert not steps.met and steps.margin == pytest.approx(-0.1)
    assert not said["fixed cameras", "flicker"].met
    soft = [v for (row, measure), v in said.items() if row.startswith(("blur", "enlarged")) and "PSNR" in measure]
    assert len(soft) == 4 + 12 + 2 + 4
    held = result(psnr=0.35, points=2.5, ratio=0.9, borders=1.6)
    mark = max(0.1 * FILTERS[n].grid.index(held.best(n, "psnr")) for n in FILTERS)
    assert all(v.margin == pytest.approx(0.35 - mark) for v in soft)
    worse = verdict(result(psnr=-0.2, points=-1.5, ratio=1.1, borders=1.4), "m")
    missed = {(v.row, v.measure) for v in worse if not v.met}
    assert ("sharp", "difference ratio, %") in missed and ("sharp + H.264 crf 28", "PSNR-Y, dB") in missed
    assert ("sharp + H.264 crf 23", "PSNR-Y, dB") not in missed and ("sharp + H.264 crf 18", "SSIMULACRA2") in missed
    assert ("sharp + JPEG 20", "border steps") not in missed


def test_six_tenths_of_an_earlier_gain_have_to_remain() -> None:
    now, before = (result(psnr=gain, points=1, ratio=1, borders=1) for gain in (0.5, 1.0))
    remaining = verdict(now, "m", (before, "m"))[-2]
    assert remaining.row == "soft rows, mean" and remaining.margin == pytest.approx(0.5 - 0.6) and not remaining.met
    with pytest.raises(ValueError, match="other rows"):
        verdict(now, "m", (dataclasses.replace(before, rows={"sharp": "sharp"}), "m"))


def test_means_are_over_pictures_and_the_frontier_over_rows() -> None:
    held = result(psnr=0.5, points=1, ratio=1, borders=1)
    other = result(psnr=-0.1, points=1, ratio=1, borders=1)
    both = dataclasses.replace(held, pictures={"a": held.pictures["p"], "b": other.pictures["p"]})
    assert both.gain("blur 0.8", "m x1") == pytest.approx(0.2)
    assert both.frontier("m") == pytest.approx((0.2, 0.2))


def test_a_whole_run_in_small(photos: Path, kodak: Path, clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    said: list[str] = []
    answer = run_truth(
        [photos, photos.parent / "photos1600"], tmp_path, scale=TINY, models=["rts-lite", str(tiny_model)],
        clips=[clips / "torchcodec__nasa_13013.mp4"], also=kodak, workers=1, on_message=said.append,
    )  # fmt: skip
    held = json.loads((tmp_path / "truth.json").read_text(), parse_constant=lambda word: pytest.fail(word))
    title = f"{tiny_model.parent.name}/tiny"
    assert held["models"] == ["rts-lite", title] and len(held["pictures"]) == 2
    assert held["means"]["sharp"][INPUT]["psnr"] is None and held["means"]["sharp"]["rts-lite x1"]["psnr"] > 20
    assert set(held["best_amounts"]) == set(FILTERS)
    text = answer.read_text()
    assert "### PSNR-Y, dB above the source's" in text and "nan" not in text and "inf" not in text
    assert "### Flicker" in text and any(line.startswith("rts-lite x1: ") for line in said)
    again = Result.read(tmp_path / "truth.json")
    assert [v.margin for v in verdict(again, "rts-lite")] == [v["margin"] for v in held["verdicts"]["rts-lite"]]


def test_processes_find_the_same_and_a_second_run_spoils_nothing_again(
    photos: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(workers: int) -> dict[str, object]:
        scale = dataclasses.replace(TINY, photos=1)
        run_truth([photos], tmp_path, scale=scale, models=[str(tiny_model)], workers=workers)
        held: dict[str, object] = json.loads((tmp_path / "truth.json").read_text())["means"]
        return held

    first = run(2)
    monkeypatch.setattr(Row, "spoil", lambda *_: pytest.fail("spoilt again"))
    for found in (tmp_path / "found").iterdir():
        found.unlink()
    assert run(1) == first
    monkeypatch.setattr(bench, "carry_out", lambda *_: pytest.fail("measured again"))
    assert run(1) == first


def test_wrong_options(photos: Path, tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OptionError, match="each once"):
        run_truth([photos], tmp_path, models=["rts-lite", "rts-lite"])
    with pytest.raises(InputError, match=r"truth\.json"):
        Result.read(tmp_path / "none")
    common = ["--photos", str(photos), "--out", str(tmp_path)]
    assert run_research(["experiment", "truth", *common, "--arm", "x"]) == 2
    assert run_research(["experiment", "kernels", *common, "--model", "rts-lite"]) == 2
    assert run_research(["experiment", "truth", *common, "--model", "rts-none"]) == 1
    assert "rts-none" in capsys.readouterr().err
    assert set(SCALES) == {"short", "full"} and video_plan().format.name == "yuv420p"


def test_a_card_has_the_demands_that_are_missed_and_the_weights_before(tmp_path: Path) -> None:
    held = result(psnr=1, points=-2, ratio=2, borders=1)
    both = Result(
        held.rows, ("m", "old"), {"p": {
            row: {**of, **{at_strength("old", s): of[at_strength("m", s)] for s in STRENGTHS}}
            for row, of in held.pictures["p"].items()
        }}, flicker={"c": {"m x1": 1.06, "old x1": 1.2}},
    )  # fmt: skip
    file = tmp_path / "truth.json"
    file.write_text(json.dumps(both.stored()))
    said = verdict(both, "m", (both, "old"))
    met = sum(v.met for v in said)
    first, missed, psnr_table, _, flicker = truth_part(file, "m", "old")
    assert f"of 1 photographs, spoiled in {len(ROWS)} ways" in first
    assert f"Of the {len(said)} demands" in first and f" {met} are met; the weights before met {met}." in first
    assert len(missed.splitlines()) == 2 + len(said) - met and "difference ratio" in missed
    assert "before x1" in psnr_table and len(psnr_table.splitlines()) == 2 + len(ROWS) - 1
    assert flicker.splitlines()[-1] == "| c | 1.20 | 1.06 |"
    with pytest.raises(InputError, match="holds m, old, expected other"):
        truth_part(file, "other")
