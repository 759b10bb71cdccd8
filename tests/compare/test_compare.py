"""Comparing two videos, and previews: which moments are shown, what is measured, what stands in page and sheet."""

import csv
import gc
import math
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.networks import calibrated_gmgbp
from helpers.paths import DATA, need
from helpers.report_files import Page, made
from PIL import Image

from vidrts.cli import run
from vidrts.cli.compare import described
from vidrts.compare import contact_sheet, display, metrics, page, plots
from vidrts.compare.comparison import CompareOptions, Comparison, Sample, compare, shown
from vidrts.compare.display import look
from vidrts.compare.frames import to_rgb
from vidrts.compare.metrics import of_pictures, usable
from vidrts.compare.moment_selection import ASKED, LEAST, MOST, Candidate, choose
from vidrts.compare.preview import Variant, names, preview
from vidrts.compare.save import save
from vidrts.compare.snapshot import Crop, gain, take_snapshot
from vidrts.errors import OptionError, OutputError
from vidrts.frame import Frame
from vidrts.images import to_image
from vidrts.measure.difference import difference_ratio
from vidrts.measure.flicker import Change
from vidrts.measure.metric import Reading
from vidrts.measure.registry import METRICS, MOS
from vidrts.media.read.source import Source
from vidrts.messages import Code, Message
from vidrts.ops.lanczos import enlarge
from vidrts.picture.options import EnhancerOptions

SHOWN = shown(viqet=True)
NEEDS_FFMPEG = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compare")


@pytest.fixture(scope="session")
def source(clips: Path, tiny_model: Path, folder: Path) -> Path:
    """18 frames of a small clip, unchanged, in a file whose name is made to break a page."""
    name = 'a <b> & "c" $title.mkv'
    return made(clips / "androidx_media__roadtrip-vp92-10bit.webm", folder / name, tiny_model, strength=0, end=0.75)


@pytest.fixture(scope="session")
def result(source: Path, tiny_model: Path, folder: Path) -> Path:
    """`source` enhanced."""
    return made(source, folder / "result.mkv", tiny_model)


@pytest.fixture(scope="session")
def doubled(source: Path, tiny_model: Path, folder: Path) -> Path:
    """The first fifth of a second of `source` at twice the size."""
    return made(source, folder / "double.mkv", tiny_model, scale=2, end=0.2)


@pytest.fixture(scope="session")
def comparison(source: Path, result: Path) -> Comparison:
    return compare(source, result, CompareOptions(frames=3, at=(Fraction(52, 100),), samples=4, viqet=False))


def decoded(path: Path) -> list[Frame]:
    """All frames."""
    with Source(path) as opened:
        return [event for event in opened.events() if isinstance(event, Frame)]


# Which moments ----------------------------------------------------------------------------------------------------


def candidate(time: float, amount: float, contrast: float = 0.2) -> Candidate:
    return Candidate(Fraction(time), amount, contrast)


def test_most_and_least_changed_are_chosen() -> None:
    amounts = [3, 9, 1, 7, 5, 2, 8, 4, 6, 0]
    chosen = choose([candidate(10 * k, a) for k, a in enumerate(amounts)], 5)
    assert chosen == {10: MOST, 30: MOST, 60: MOST, 20: LEAST, 90: LEAST}
    assert list(chosen) == sorted(chosen)
    assert choose([candidate(0, 1)], 5) == {0: MOST}
    assert list(choose([candidate(0, 1), candidate(1, 2)], 5).values()) == [LEAST, MOST]


def test_neighbours_and_blank_frames_come_last() -> None:
    burst = [candidate(50 + k / 10, 10 + k) for k in range(5)]
    calm = [candidate(10 * k, 1 + k / 10) for k in range(5)]
    chosen = choose(calm + burst, 3)
    assert sum(49 < time < 51 for time in chosen) == 1
    black = [candidate(100 + k, 0, contrast=0.001) for k in range(5)]
    assert max(choose(calm + black, 4)) < 100
    assert len(choose(black, 2)) == 2
    assert len(choose(burst, 5)) == 5, "apart where that can be, but as many as asked for"


# What is measured -------------------------------------------------------------------------------------------------


def test_measures_are_those_of_the_frames(source: Path, result: Path, comparison: Comparison) -> None:
    before, after = decoded(source), decoded(result)
    times = [frame.pts * frame.time_base for frame in before]
    assert [sample.time for sample in comparison.samples] == [times[k] for k in (2, 6, 11, 15)]
    for sample in comparison.samples:
        k = times.index(sample.time)
        reading = sample.readings["difference_ratio"]
        assert reading is not None
        assert reading.value == pytest.approx(difference_ratio(to_rgb(after[k]), to_rgb(before[k])), rel=1e-6)
    assert comparison.metrics == tuple(metric for metric in SHOWN if metric is not MOS)
    assert [p.time for p in comparison.snapshots if p.why == ASKED] == [max(t for t in times if t <= Fraction(52, 100))]
    assert sum(p.why in (MOST, LEAST) for p in comparison.snapshots) == 3
    for p in comparison.snapshots:
        k = times.index(p.time)
        for image, frame in zip(p.images(), (before[k], after[k]), strict=True):
            assert np.array_equal(np.asarray(image), np.asarray(to_image(to_rgb(frame)))), "true to the pixel"


def test_every_metric_reads_what_it_says() -> None:
    rng = torch.Generator().manual_seed(3)
    still = torch.linspace(0.2, 0.8, 96).expand(3, 96, 96).clone()
    still[:, 30:60, 30:60] = 0.1
    frames = [(still + 0.01 * torch.randn(3, 96, 96, generator=rng)).clamp(0, 1) for _ in range(3)]
    equal = metrics.take(SHOWN, of_pictures(frames, frames)).readings
    for metric in SHOWN:
        reading = equal.get(metric.key)
        assert (reading is None) == (metric.measure is None)
        if reading is not None and metric.same is not None:
            assert reading.value == pytest.approx(metric.same, abs=1e-6)
            assert metric.verdict(reading) == "same"
    assert equal["ssimulacra2"].value == 100
    noisy = [(f + 0.02 * torch.randn(3, 96, 96, generator=rng)).clamp(0, 1) for f in frames]
    worse = metrics.take(SHOWN, of_pictures(frames, noisy)).readings
    told = {g.key: g.verdict(worse.get(g.key)) for g in SHOWN}
    assert (told["flicker"], told["noise_gain"], told["psnr_rgb"]) == ("more", "more", "")
    for metric in SHOWN:
        if metric.measure is not None and metric.better and metric.key != "overshoot":
            best, worst = equal[metric.key].value, worse[metric.key].value
            assert worst < best if metric.better == "higher" else worst > best, metric.key
    single = metrics.take(SHOWN, of_pictures(frames[:1], noisy[:1])).readings
    assert "flicker" not in single, "one frame does not flicker"
    black = [torch.zeros(3, 96, 96)] * 2
    undefined = metrics.take(SHOWN, of_pictures(black, black))
    assert {"difference_ratio", "flicker", "noise_gain"} <= undefined.missing.keys() - undefined.readings.keys()
    assert all(metric.show(undefined.readings.get(metric.key)) for metric in SHOWN)


def test_means_over_moments() -> None:
    changes = [Change(3.0, 2.0), Change(50.0, 100.0)]
    flicker = METRICS["flicker"].mean([Reading(c.ratio, weight=c.source) for c in changes] + [None])
    assert flicker is not None
    assert flicker.value == pytest.approx((changes[0] + changes[1]).ratio)
    errors = [0.01, 0.0004]
    psnr = METRICS["psnr_rgb"].mean([Reading(-10 * math.log10(e)) for e in errors] + [Reading(math.inf)])
    assert psnr is not None
    assert psnr.value == pytest.approx(-10 * math.log10(sum(errors) / 3))
    assert METRICS["psnr_rgb"].show(METRICS["psnr_rgb"].mean([Reading(math.inf)])) == "∞ dB"
    assert METRICS["psnr_rgb"].mean([None]) is None
    mos = MOS.mean([Reading(2, source=1.5), Reading(3, source=2.5)])
    assert mos == Reading(2.5, source=2.0)
    assert MOS.show(mos) == "2.000 → 2.500"
    assert MOS.verdict(mos) == "more"
    assert MOS.verdict(Reading(1.0, source=1.0)) == "", "both cut off at the end of the scale"


def test_mos_is_viqets() -> None:
    """Against the scores of the original program."""
    folder = need(DATA / "viqet")
    with (folder / "reference_scores.csv").open() as file:
        truth = {row["file"]: float(row["MOS_v1_day"]) for row in csv.DictReader(file)}
    names = ["kodim23.png", "kodim23__blur1.png"]
    pictures = [np.asarray(Image.open(folder / name).convert("RGB")) for name in names]
    ((readings,),) = metrics.mos_scores(SHOWN, iter(pictures), 2, 1)
    reading = readings["mos"]
    assert reading is not None
    assert [reading.source, reading.value] == pytest.approx([truth[name] for name in names], rel=1e-6)
    assert MOS.name == "MOS (VIQET Preview 1 day)"
    taken: list[int] = []

    def counted() -> Iterator[np.ndarray]:
        for picture in pictures:
            taken.append(1)
            yield picture

    assert metrics.mos_scores([g for g in SHOWN if g is not MOS], counted(), 2, 1) == [[{}]]
    assert len(taken) == 2, "whoever makes the pictures is run all the same"


# How pictures are shown -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signs", [(1, 0, 0, 1), (-1, 0, 0, 1), (1, 0, 0, -1), (-1, 0, 0, -1),
                                   (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, -1, 0), (0, -1, -1, 0)])  # fmt: skip
def test_a_display_matrix_by_its_definition(signs: tuple[int, int, int, int]) -> None:
    """Each pixel (x, y) lands at (a x + c y, b x + d y), moved back into the picture."""
    a, b, c, d = signs
    samples = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    at = {(a * x + c * y, b * x + d * y): samples[y, x] for y in range(2) for x in range(3)}
    left, top = min(x for x, _ in at), min(y for _, y in at)
    wanted = np.zeros((2, 3, 3) if a else (3, 2, 3), np.uint8)
    for (x, y), value in at.items():
        wanted[y - top, x - left] = value
    turns, note = display.transposes((a * 65536, b * 65536, 0, c * 65536, d * 65536, 0, 0, 0, 1 << 30))
    image = Image.fromarray(samples)
    for turn in turns:
        image = image.transpose(turn)
    assert np.array_equal(np.asarray(image), wanted)
    assert (note is None) == (signs == (1, 0, 0, 1))
    assert "no right angle" in str(display.transposes((46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30))[1])


@NEEDS_FFMPEG
@pytest.mark.parametrize(
    ("clip", "size", "note"),
    [
        ("androidx_media__internal_emulator_transformer_output_270_rotated.mp4", (720, 1280), "Turned"),
        ("mediabunny__sar_2x1.mp4", (1280, 360), "2:1"),
    ],
)
def test_shown_as_ffmpeg_shows_it(clip: str, size: tuple[int, int], note: str, clips: Path) -> None:
    """ffmpeg turns by itself; its scaler makes the pixels square."""
    video = look(clips / clip)
    shown = video.view.picture(to_rgb(next(iter(decoded_first(clips / clip)))))
    assert shown.size == size == video.view.size(video.info.width, video.info.height)
    assert any(note in line for line in video.view.notes)
    told = subprocess.run(
        ["ffmpeg", "-v", "error", "-nostdin", "-i", str(clips / clip), "-frames:v", "1", "-vf",
         "scale=iw*sar:ih:flags=lanczos,format=rgb24", "-f", "rawvideo", "-"], capture_output=True, check=True,
    )  # fmt: skip
    truth = np.frombuffer(told.stdout, np.uint8).reshape(size[1], size[0], 3)
    off = np.abs(np.asarray(shown).astype(int) - truth).mean()
    turned = np.abs(np.asarray(shown)[::-1, ::-1].astype(int) - truth).mean()
    assert off < 3, "swscale takes the nearest chroma, hence not 0"
    assert turned > 5 * off


def decoded_first(path: Path) -> list[Frame]:
    with Source(path) as opened:
        return [next(event for event in opened.events() if isinstance(event, Frame))]


def test_hdr_is_said_and_left_out_where_it_would_mislead(clips: Path) -> None:
    video = look(clips / "androidx_media__hdr10-video-with-sdr-container.mp4")
    assert any("PQ (HDR), tone-mapped from 1000 cd/m²" in note for note in video.view.notes)
    _, missing = usable(SHOWN, video.info.width, video.info.height, video.info.color.hdr)
    assert missing.keys() == {"mos", "cambi", "ssimulacra2", "ciede2000", "color_shift", "vmaf", "vmaf_neg"}
    assert {(line.code, line.values["signal"]) for line in missing.values()} == {(Code.METRIC_NOT_FOR_HDR, "PQ")}
    dark, bright = (video.view.picture(torch.full((3, 4, 4), v)) for v in (0.3, 0.6))
    assert dark.getpixel((0, 0)) < (110, 110, 110) < (220, 220, 220) < bright.getpixel((0, 0))


def test_a_snapshot_is_exact() -> None:
    rng = np.random.default_rng(1)
    source = rng.integers(0, 256, (120, 200, 3), dtype=np.uint8)
    changed = source.copy()
    changed[70:100, 130:160] ^= 0x3F
    images = [Image.fromarray(a) for a in (source, changed)]
    held = take_snapshot(Fraction(1), MOST, images, [{}])
    assert [np.array_equal(np.asarray(i), a) for i, a in zip(held.images(), (source, changed), strict=True)] == [
        True, True,
    ]  # fmt: skip
    assert held.spot[0] in range(128, 160)
    assert held.spot[1] in range(64, 96)
    cut = take_snapshot(Fraction(1), MOST, images, [{}], Crop(64, 48, 120, 60))
    assert cut.size == (64, 48)
    assert np.array_equal(np.asarray(cut.images()[1]), changed[60:108, 120:184])
    for reach, wanted in ((0, 64), (1, 64), (2.5, 32), (16, 8), (100, 1), (255, 1)):
        assert gain([replace(held, reach=reach)]) == wanted
    with pytest.raises(OptionError, match="200x120"):
        Crop(64, 48, 180, 60).check((200, 120))
    long = [Image.fromarray(np.zeros((2, 17_000, 3), np.uint8))] * 2
    assert take_snapshot(Fraction(0), MOST, long, [{}]).format == "png", "WebP ends at 16383 pixels"


# The page ---------------------------------------------------------------------------------------------------------


def test_a_page_stands_alone(comparison: Comparison, source: Path) -> None:
    text = page.render(comparison)
    read = Page(text)
    assert re.findall(r"https?:|url\(|@import|\b(?:src|href)=\"(?!data:|#)", text) == []
    policy = [a for tag, a in read.tags if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in str(policy[0]["content"])
    assert "connect-src" not in str(policy[0]["content"])
    assert read.words.count(source.name) == 1, "the name stands there as it is, whatever it looks like"
    assert not any(tag == "b" and "c" in a for tag, a in read.tags)
    assert len(read.images) == len(read.data["moments"]) == len(comparison.snapshots)
    for held, p in zip(read.images.values(), comparison.snapshots, strict=True):
        assert [np.array_equal(np.asarray(i), np.asarray(j)) for i, j in zip(held, p.images(), strict=True)] == [
            True
        ] * 2
    words = " ".join(read.words)
    for metric in comparison.metrics:
        assert metric.show(comparison.average(metric)) in words
        for p in comparison.snapshots:
            assert metric.show(p.readings[0].get(metric.key)) in words
    assert read.data["gain"] == gain(comparison.snapshots)
    for tag, attributes in read.tags:
        if tag == "img":
            assert "alt" in attributes
        if attributes.get("role") in ("img", "slider", "group", "region"):
            assert attributes.get("aria-label") or attributes.get("aria-labelledby"), (tag, attributes)


def test_plots_hold_the_values(comparison: Comparison) -> None:
    times = [Fraction(k) for k in range(5)]
    values: list[float | None] = [1.0, 1.5, None, 0.5, 2.0]
    flicker = METRICS["flicker"]
    samples = tuple(
        Sample(t, {} if v is None else {g.key: Reading(v) for g in SHOWN}) for t, v in zip(times, values, strict=True)
    )
    few = replace(comparison, samples=samples)
    figures = re.findall(r'<figure class="plot".*?</figure>', page.render(few))
    (drawn,) = (figure for figure in figures if "<b>Flicker</b>" in figure)
    low, high = (float(v) for v in re.findall(r'class="(?:high|low)">×([\d.]+)<', drawn)[::-1])
    path = re.search(r'class="line result" d="([^"]+)"', drawn)
    assert path is not None
    assert path[1].count("M") == 2, "the line breaks where there is no value"
    points = re.findall(r"[ML]([\d.]+) ([\d.]+)", path[1])
    assert [float(x) for x, _ in points] == [0, 250, 750, 1000]
    read_back = [high - (high - low) * float(y) / 100 for _, y in points]
    assert read_back == pytest.approx([1.0, 1.5, 0.5, 2.0], abs=0.02)
    assert "mean ×1.25" in drawn
    nothing = replace(comparison, samples=tuple(Sample(t, {}) for t in times))
    assert plots.plot(nothing, flicker) is None
    assert 'class="timeline"' in page.render(nothing)
    assert Page(page.render(replace(nothing, samples=nothing.samples[:1]))).images
    assert plots.clock(Fraction(3_725_042, 1000)) == "1:02:05.042"
    assert plots.clock(Fraction(59_9996, 10_000)) == "1:00.000"


def test_a_result_twice_as_large(source: Path, doubled: Path, folder: Path) -> None:
    lines: list[str] = []
    found = compare(source, doubled, CompareOptions(frames=1, samples=1, workers=1), on_message=lines.append)
    (left_out,) = (line for line in lines if isinstance(line, Message) and line.code is Code.METRICS_MISSING)
    assert left_out.values["metrics"] == MOS.name, "480 lines are too few for it"
    assert left_out.values["why"].values == {"smallest": MOS.smallest, "width": 852, "height": 480}
    assert MOS not in found.metrics and left_out in found.notes
    assert found.snapshots[0].size == (852, 480)
    assert any("Lanczos" in line for line in found.shown)
    assert any("first 0.200 s" in note for note in found.notes), "different lengths are told"
    assert not any(str(folder) in note for note in found.notes), "a page may be sent; paths stay at home"
    measured = found.snapshots[0].readings[0]
    assert {"cambi", "ssimulacra2", "vmaf"} <= measured.keys()
    for key, reading in measured.items():
        mean = found.average(METRICS[key])
        assert mean is not None and (mean.value, mean.source) == pytest.approx((reading.value, reading.source))
    k = [f.pts * f.time_base for f in decoded(source)].index(found.snapshots[0].time)
    enlarged = to_image(enlarge(to_rgb(decoded(source)[k])[None], 2)[0])
    assert np.array_equal(np.asarray(found.snapshots[0].images()[0]), np.asarray(enlarged))


@NEEDS_FFMPEG
def test_a_metric_that_the_source_is_too_small_for_is_left_out(
    clips: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    small, large = tmp_path / "small.mkv", tmp_path / "large.mkv"
    for size, clip in (("160:120", small), ("640:480", large)):
        command = ["ffmpeg", "-v", "error", "-nostdin", "-i", clips / "vmaf__Seeking_30_480_1050.mp4", "-an"]
        subprocess.run([*command, "-frames:v", "2", "-vf", f"scale={size}", "-c:v", "ffv1", clip], check=True)
    lines: list[Message] = []
    found = compare(small, large, CompareOptions(frames=1, samples=1, viqet=False), on_message=lines.append)  # type: ignore[arg-type]
    (why,) = (m.values["why"].values for m in lines if m.code is Code.METRICS_MISSING and "CAMBI" in m)
    assert why == {"smallest": METRICS["cambi"].smallest, "width": 160, "height": 120}
    assert "ssimulacra2" in found.snapshots[0].readings[0]
    assert capfd.readouterr().err == ""


@NEEDS_FFMPEG
def test_a_previews_metrics_are_those_of_its_size(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    """300 lines are too few for the MOS; twice as many are not."""
    clip = tmp_path / "small.mkv"
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", clips / "vmaf__Seeking_30_480_1050.mp4", "-an"]
    subprocess.run([*command, "-frames:v", "2", "-vf", "crop=400:300", "-c:v", "ffv1", clip], check=True)
    for scale, there in ((1, False), (2, True)):
        found = preview(clip, [variant(tiny_model, scale=scale)], at=[Fraction(0)])
        assert (MOS in found.metrics) == (MOS.key in found.snapshots[0].readings[0]) == there


# The sheet --------------------------------------------------------------------------------------------------------


def test_a_sheet_shows_pixels_enlarged(comparison: Comparison) -> None:
    drawn = np.asarray(contact_sheet.draw(comparison))
    assert np.array_equal(drawn[0, 0], drawn[-1, -1])
    for p in comparison.snapshots:
        left, top, right, bottom = contact_sheet.part_shown(p)
        assert (right - left, bottom - top) == (208, 156)
        assert left <= p.spot[0] < right
        assert top <= p.spot[1] < bottom
        cuts = [image.crop((left, top, right, bottom)) for image in p.images()]
        cuts.append(contact_sheet.amplified(*cuts, gain(comparison.snapshots)))
        for cut in cuts:
            large = np.asarray(cut).repeat(2, axis=0).repeat(2, axis=1)
            rows = np.flatnonzero((drawn[:, :, :] == large[0, 0]).all(axis=2).any(axis=1))
            assert any(
                np.array_equal(drawn[y : y + 312, x : x + 416], large)
                for y in rows if y + 312 <= len(drawn)
                for x in range(344, drawn.shape[1] - 415, 432)
            )  # fmt: skip
    one, two = (Image.fromarray(np.full((1, 3, 3), v, np.uint8)) for v in (100, 104))
    assert np.asarray(contact_sheet.amplified(one, two, 8)).flatten().tolist() == [160] * 9
    assert np.asarray(contact_sheet.amplified(two, one, 64)).flatten().tolist() == [0] * 9


# Previews ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def interlaced(clips: Path, folder: Path) -> Path:
    """30 interlaced frames (top field first) made of a progressive clip."""
    target = folder / "interlaced.mp4"
    filters = ["-an", "-t", "2.4", "-vf", "scale=320:192,tinterlace=interleave_top"]
    encoder = ["-c:v", "libx264", "-flags", "+ildct+ilme", "-x264-params", "tff=1:keyint=12"]
    clip = str(clips / "torchcodec__nasa_13013.mp4")
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-i", clip, *filters, *encoder, str(target)], check=True)
    return target


def variant(model: Path, **options: object) -> Variant:
    return Variant(model=str(model), picture=EnhancerOptions(device="cpu", precision="fp32", **options))  # type: ignore[arg-type]


def is_handed_over(clip: Path, model: Path, folder: Path, times: list[Fraction], scale: int = 1) -> Comparison:
    """Assert that a preview's pictures are those of the file that `enhance` makes, at the same times."""
    whole = made(clip, folder / f"whole-{clip.stem}.mkv", model, scale=scale, end=2)
    frames = decoded(whole)
    by_time = {frame.pts * frame.time_base - frames[0].pts * frames[0].time_base: frame for frame in frames}
    found = preview(clip, [variant(model, scale=scale)], at=times, viqet=False)
    assert len(found.snapshots) == len(times)
    for p in found.snapshots:
        time = min(by_time, key=lambda t: abs(t - p.time))
        assert abs(time - p.time) <= Fraction(1, 1000), "Matroska counts milliseconds"
        wanted = look(clip).view.picture(to_rgb(by_time[time]))
        assert np.array_equal(np.asarray(p.images()[1]), np.asarray(wanted))
        assert not np.array_equal(np.asarray(p.images()[0]), np.asarray(wanted))
    return found


def test_a_preview_is_what_the_encoder_gets(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    clip = clips / "torchcodec__nasa_13013.mp4"
    found = is_handed_over(clip, tiny_model, tmp_path, [Fraction(17, 10), Fraction(1, 2)])
    assert [float(p.time) for p in found.snapshots] == pytest.approx([0.48, 1.68])
    assert {g.key for g in SHOWN} - {g.key for g in found.metrics} == {
        *("flicker", "motion_flicker", "mos", "cambi", "vmaf", "vmaf_neg", "xpsnr")
    }
    assert found.samples == ()
    read = Page(page.render(found))
    assert read.data["sides"] == ["Source", "Result"]
    assert "before encoding" in " ".join(read.words)
    turned = replace(found, shown=("Turned as the file asks.",))
    assert "Turned as the file asks." in Page(page.render(turned)).words


@NEEDS_FFMPEG
def test_a_preview_deinterlaces_as_enhance_does(interlaced: Path, tiny_model: Path, tmp_path: Path) -> None:
    """At a key frame, and in the middle of a group of pictures: bwdif looks at the frames on both sides."""
    found = is_handed_over(interlaced, tiny_model, tmp_path, [Fraction(24, 25) * 2, Fraction(8, 10)])
    assert any("deinterlac" in note for note in found.notes)


@NEEDS_FFMPEG
def test_an_untagged_preview_keeps_its_colours_at_twice_the_size(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    """400 lines are taken as BT.601, and still are when they have become 800."""
    clip = tmp_path / "sd.mkv"
    cut = ["-an", "-frames:v", "3", "-vf", "crop=96:400", "-c:v", "ffv1", str(clip)]
    whole = str(clips / "vmaf__Seeking_30_480_1050.mp4")
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-i", whole, *cut], check=True)
    found = is_handed_over(clip, tiny_model, tmp_path, [Fraction(0)], scale=2)
    assert any("BT.601" in note for note in found.notes)
    plain = preview(clip, [variant(tiny_model, scale=2, strength=0)], at=[Fraction(0)], viqet=False)
    before, after = (np.asarray(i).astype(int).mean(axis=(0, 1)) for i in plain.snapshots[0].images())
    assert np.abs(before - after).max() < 0.5, "another matrix would shift them by some code values"


def test_variants_beside_each_other(source: Path, tiny_model: Path, tmp_path: Path) -> None:
    variants = [variant(tiny_model, strength=s) for s in (0.0, 0.5, 1.0)]
    assert names(variants) == ["tiny, strength 0", "tiny, strength 0.5", "tiny, strength 1"]
    other = tmp_path / "tiny.safetensors"
    shutil.copy(tiny_model, other)
    assert names([variant(tiny_model), variant(other)]) == [str(tiny_model), str(other)]
    assert names([variant(tiny_model)]) == ["tiny"]
    both = [variant(tiny_model, chroma=c) for c in ("keep", "sharpen")]
    assert names(both) == ["tiny, chroma keep", "tiny, chroma sharpen"]
    assert names(both[1:]) == ["tiny"]
    assert names([both[0], variant(tiny_model, chroma="sharpen", strength=2)])[1] == "tiny, chroma sharpen, strength 2"
    found = preview(source, variants, frames=1, viqet=False)
    source_picture, none, half, full = (np.asarray(i).astype(int) for i in found.snapshots[0].images())
    assert np.array_equal(source_picture, none), "strength 0 gives the source"
    assert 0 < np.abs(half - source_picture).sum() < np.abs(full - source_picture).sum()
    read = Page(page.render(found))
    assert read.data["sides"] == ["Source", *names(variants)]
    assert {a.get("id") for tag, a in read.tags if tag == "select"} == {"left", "right", "gain"}
    assert (
        contact_sheet.draw(found).width > contact_sheet.draw(preview(source, variants[2:], frames=1, viqet=False)).width
    )


def test_a_preview_plays_a_second_or_what_is_affordable(
    source: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    given = ["preview", "--device", "cpu", "--model", str(tiny_model), "--at", "0.25", "--no-viqet", "-y"]
    out = tmp_path / "page.html"

    def played(*more: str) -> int:
        """Frames that the page plays of each side."""
        assert run([*given, *more, str(source), str(out)]) == 0
        clip = Page(out.read_text()).data["clip"]
        assert clip is None or len({len(side) for side in clip["sides"]}) == 1
        return 0 if clip is None else len(clip["times"])

    assert played() == 18, "all of the film, which is less than a second"
    lines = capfd.readouterr().err.splitlines()
    verdict = Page(out.read_text()).data["verdicts"]
    assert [f"vidrts: {line}" for line in verdict] == lines[-2:-1]
    assert played("-q", "--play", "0.1") == 3
    assert played("-q", "--play", "0") == 0
    monkeypatch.setattr("vidrts.compare.preview._TO_PLAY", 426 * 240 * 7)
    assert played("-q") == 7
    assert played("-q", "--strength", "1", "--strength", "2") == 0, "three frames are not worth it"


def test_ways_with_chroma_beside_each_other(source: Path, tiny_model: Path, tmp_path: Path) -> None:
    given = [
        "preview",
        "--device",
        "cpu",
        "--model",
        str(tiny_model),
        "--frames",
        "1",
        "--play",
        "0",
        "--no-viqet",
        "-q",
    ]
    ways = ["--chroma", "keep", "--chroma", "sharpen", "--strength", "1", "--strength", "2"]
    assert run([*given, *ways, "--chroma", "keep", str(source), str(tmp_path / "page.html")]) == 0
    sides = Page((tmp_path / "page.html").read_text()).data["sides"]
    assert sides == ["Source", *(f"tiny, chroma {c}, strength {s}" for c in ("keep", "sharpen") for s in (1, 2))]
    both = [variant(tiny_model, chroma=chroma) for chroma in ("keep", "sharpen")]
    _, keep, sharpen = (np.asarray(i) for i in preview(source, both, frames=1, viqet=False).snapshots[0].images())
    assert not np.array_equal(keep, sharpen)


def test_details_beside_each_other(source: Path, tmp_path: Path) -> None:
    """Of a calibrated model that takes noise, at twice the size, without being asked for."""
    model = calibrated_gmgbp(tmp_path / "m.safetensors")
    given = ["preview", "--device", "cpu", "--model", str(model), "--scale", "2", "--frames", "1", "--play", "0",
             "--no-viqet", "-q"]  # fmt: skip
    assert run([*given, str(source), str(tmp_path / "page.html")]) == 0
    sides = Page((tmp_path / "page.html").read_text()).data["sides"]
    assert sides == ["Source", "m, detail 0", "m, detail 0.25", "m, detail 0.5", "m, detail 1"]


# Bounds -----------------------------------------------------------------------------------------------------------


def test_memory_does_not_grow_with_the_moments(source: Path, result: Path) -> None:
    """Tensors as large as the picture that are alive after each moment: as many at the end as at the start."""
    alive: list[int] = []

    def count(what: str, done: int, total: int | None) -> None:
        gc.collect()
        found = [o for o in gc.get_objects() if type(o) is torch.Tensor and o.shape[-2:] == (240, 426)]
        alive.append(len(found))

    gc.freeze()  # what was there before need not be looked through each time
    try:
        compare(source, result, CompareOptions(frames=3, samples=6, viqet=False), on_step=count)
    finally:
        gc.unfreeze()
    played = alive[9:]
    assert len(played) == 18, "each frame that the page plays is a step, too"
    assert max(played[-3:]) <= max(played[:3])
    assert max(alive[4:6]) <= max(alive[1:3])
    assert alive[8] <= max(alive[6:8])


def test_a_large_page_is_told() -> None:
    assert "over 20.0 MB" in described("page.html", 5, 20_000_001, "moments")
    assert described("page.html", 5, 1_999_999, "moments") == "page.html: 5 moments, 2.0 MB"


def test_a_failed_write_leaves_nothing(
    source: Path, comparison: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "page.html"
    target.write_text("before")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="exists already"):
        save(comparison, target, overwrite=False)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        with pytest.raises(OutputError, match="No space left"):
            save(comparison, target, overwrite=True)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("page.html", "before")]
    assert save(comparison, target, overwrite=True) == target.stat().st_size > 10_000


# The commands -----------------------------------------------------------------------------------------------------


def test_the_commands(
    source: Path, result: Path, tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    quick = ["--no-viqet", "--crop", "160x90+10+20"]
    target = tmp_path / "page.html"
    assert run(["compare", *quick, "--frames", "2", "--samples", "2", str(source), str(result), str(target)]) == 0
    told = capfd.readouterr()
    assert told.out == ""
    assert re.fullmatch(r"vidrts: \S+page\.html: 2 moments, [\d.]+ kB", told.err.strip().splitlines()[-1])
    assert {i.size for held in Page(target.read_text()).images.values() for i in held} == {(160, 90)}
    before = target.read_bytes()
    assert run(["compare", *quick, str(source), str(result), str(target)]) == 1
    assert "-y" in capfd.readouterr().err
    assert target.read_bytes() == before
    assert (
        run(["compare", *quick, "-q", "-y", "--at", "0.1", "--every", "0.5", str(source), str(result), str(target)])
        == 0
    )
    assert capfd.readouterr().err == ""
    assert len(Page(target.read_text()).images) == 1
    model = ["--model", str(tiny_model), "--device", "cpu", "--strength", "0.5", "--strength", "1"]
    assert run(["preview", *quick, *model, "--at", "0.2", str(source), str(tmp_path / "sheet.PNG")]) == 0
    assert "1 frame, " in capfd.readouterr().err
    with Image.open(tmp_path / "sheet.PNG") as drawn:
        assert drawn.format == "PNG"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["page.html", "sheet.PNG"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nothing.mkv", "out.mkv", "page.html"], 1, "nothing.mkv"),
        (["in.mkv", "nothing.mkv", "page.html"], 1, "nothing.mkv"),
        (["in.mkv", "text.mkv", "page.html"], 1, "text.mkv"),
        (["in.mkv", ".", "page.html"], 1, "directory"),
        (["in.mkv", "other.mkv", "page.html"], 1, "720x480"),
        (["double.mkv", "in.mkv", "page.html"], 1, "swapped"),
        (["in.mkv", "out.mkv", "page.pdf"], 1, ".html"),
        (["in.mkv", "out.mkv", "page"], 1, ".png"),
        (["in.mkv", "out.mkv", "no/such/page.html"], 1, "no/such"),
        (["in.mkv", "out.mkv", "there.html"], 1, "-y"),
        (["in.mkv", "out.mkv", "page.html", "--at", "77"], 1, "77"),
        (["in.mkv", "out.mkv", "page.html", "--crop", "426x240+1+0"], 2, "426x240"),
        (["in.mkv", "out.mkv", "page.html", "--crop", "big"], 2, "640x360+100+50"),
        (["in.mkv", "out.mkv", "page.html", "--samples", "3", "--every", "1"], 2, "exclude"),
        (["in.mkv", "out.mkv", "page.html", "--every", "0"], 2, "0"),
        (["in.mkv", "out.mkv", "page.html", "--frames", "0"], 2, "nothing to show"),
        (["in.mkv", "out.mkv"], 2, "REPORT"),
    ],
)
def test_a_mistake_is_a_line_and_a_code(
    arguments: list[str], code: int, says: str, source: Path, result: Path, doubled: Path, clips: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    other = clips / "vmaf__Seeking_30_480_1050.mp4"
    files = {"in.mkv": source, "out.mkv": result, "double.mkv": doubled, "other.mkv": other}
    for name, path in files.items():
        (tmp_path / name).symlink_to(path)
    (tmp_path / "text.mkv").write_text("no video")
    (tmp_path / "there.html").write_text("kept")
    held = sorted(p.name for p in tmp_path.iterdir())
    assert run(["compare", "--no-viqet", *arguments]) == code
    told = capfd.readouterr()
    assert says in told.err
    assert "Traceback" not in told.err
    assert told.out == ""
    if code == 1:
        assert len(told.err.strip().splitlines()) == 1, told.err
    assert sorted(p.name for p in tmp_path.iterdir()) == held
    assert (tmp_path / "there.html").read_text() == "kept"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["in.mkv", "in.mkv"], 1, ".html"),
        (["nothing.mkv", "page.html"], 1, "nothing.mkv"),
        (["in.mkv", "page.html", "--at", "9"], 1, "9"),
        (["in.mkv", "page.html", "--at", "1", "--frames", "2"], 2, "exclude"),
        (["in.mkv", "page.html", "--model", "nosuch"], 1, "rts-r3"),
        (["in.mkv", "page.html", "--strength", "3"], 2, "strength"),
        (["in.mkv", "page.html", "--device", "tpu"], 2, "cuda"),
    ],
)
def test_a_mistake_in_a_preview(
    arguments: list[str], code: int, says: str, source: Path, tiny_model: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.mkv").symlink_to(source)
    defaults = [] if "--model" in arguments else ["--model", str(tiny_model)]
    assert run(["preview", "--no-viqet", *defaults, *arguments]) == code
    told = capfd.readouterr()
    assert says in told.err
    assert "Traceback" not in told.err
    assert [p.name for p in tmp_path.iterdir()] == ["in.mkv"]
