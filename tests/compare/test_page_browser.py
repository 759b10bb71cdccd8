"""The page in a real browser, headless Chromium: what is on the screen is what was measured, whatever moves it."""

import base64
import io
import os
import re
import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.report_files import made
from PIL import Image

from vidrts.compare import page as pages
from vidrts.compare.comparison import CompareOptions, Comparison, compare
from vidrts.compare.preview import Variant, preview
from vidrts.compare.snapshot import gain
from vidrts.picture.options import EnhancerOptions

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SLOW = 120_000
"""Milliseconds after which an action is given up; generous, for a loaded machine."""

if CHROMIUM is None:
    pytest.skip("no Chromium is installed", allow_module_level=True)
api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture(scope="module")
def comparison(clips: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    folder = tmp_path_factory.mktemp("browser")
    clip = clips / "androidx_media__roadtrip-vp92-10bit.webm"
    source = made(clip, folder / "source.mkv", tiny_model, strength=0, end=0.4)
    result = made(source, folder / "result.mkv", tiny_model)
    return compare(source, result, CompareOptions(frames=3, samples=3, play=Fraction(1, 5), viqet=False))


@pytest.fixture(scope="module")
def file(comparison: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(pages.render(comparison), "utf-8")
    return path


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with api.sync_playwright() as playwright:
        flags = ["--force-color-profile=srgb", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags, timeout=SLOW)
        yield browser
        browser.close()


class Viewer:
    """The page in one window; `close` asserts that nothing went wrong and nothing was fetched."""

    def __init__(self, chromium: Any, file: Path, width: int, height: int, **context: Any) -> None:
        self.wrong: list[str] = []
        self.fetched: list[str] = []
        self.context = chromium.new_context(
            viewport={"width": width, "height": height}, reduced_motion="reduce", **context
        )
        self.context.set_default_timeout(SLOW)
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self.fetched.append(request.url))
        self.page.goto(file.as_uri(), timeout=SLOW)

    def close(self) -> None:
        self.context.close()
        assert self.wrong == []
        assert [url for url in self.fetched if not url.startswith(("file:", "data:"))] == []

    def choose(self, name: str, value: str) -> None:
        """A radio button, by its label as people press it."""
        self.page.locator(f"label:has(input[name={name}][value='{value}'])").click()

    @property
    def split(self) -> int:
        return int(self.page.get_attribute("#divider", "aria-valuenow"))

    @property
    def shown(self) -> list[dict[str, Any]]:
        """The pictures that are on: transform, size, visibility, rendering, clip."""
        found: list[dict[str, Any]] = self.page.eval_on_selector_all(
            ".snapshot img.on", """images => images.map(i => {
                const s = getComputedStyle(i), m = new DOMMatrix(s.transform);
                return {x: m.e, y: m.f, width: i.getBoundingClientRect().width, visible: s.visibility === "visible",
                        rendering: s.imageRendering, clip: s.clipPath, side: [...i.parentNode.children].indexOf(i)};
            })"""
        )  # fmt: skip
        return found

    def screen(self) -> np.ndarray:
        """(H, W, 3) what is on the screen in the box of the pictures, in CSS pixels."""
        self.page.evaluate(
            "Promise.all([...document.querySelectorAll('.snapshot img.on')].map(i => i.decode()))"
            ".then(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))))"
        )
        return self.screenshot(clip=self.page.locator("#box").bounding_box())

    def screenshot(self, **options: Any) -> np.ndarray:
        """(H, W, 3) what Playwright's screenshot of the page gives. Chromium refuses one now and then with nothing
        wrong, and gives it when asked again; any other error counts, and this one when it stays."""
        for last in (False, False, True):
            try:
                taken = self.page.screenshot(**options)
                break
            except api.Error as error:
                if last or "Unable to capture screenshot" not in str(error):
                    raise
        return np.array(Image.open(io.BytesIO(taken)).convert("RGB"))

    def middle(self) -> tuple[float, float]:
        """The middle of the box on the screen."""
        box = self.page.locator("#box").bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.fixture
def viewer(chromium: Any, file: Path) -> Iterator[Viewer]:
    opened = Viewer(chromium, file, 1000, 800)
    yield opened
    opened.close()


def current(viewer: Viewer, comparison: Comparison) -> list[np.ndarray]:
    """The pictures of the moment that is shown, as they were made."""
    number = viewer.page.eval_on_selector_all("#moments button", "b => b.findIndex(x => x.ariaCurrent === 'true')")
    return [np.asarray(image) for image in comparison.snapshots[number].images()]


def test_the_screen_shows_the_pixels(viewer: Viewer, comparison: Comparison) -> None:
    """At 100 and 400 %: the source left of the divider, the result right of it, every pixel a sharp square."""
    viewer.choose("zoom", "fit")
    source, result = current(viewer, comparison)
    for zoom in (1, 4):
        viewer.choose("zoom", str(zoom))
        seen = viewer.screen()
        left, right = viewer.shown
        assert (left["x"], left["y"], left["width"]) == (right["x"], right["y"], right["width"]), "one place in both"
        assert left["rendering"] == "pixelated"
        height, width = seen.shape[:2]
        x, y = -int(left["x"]), -int(left["y"])
        large = [p.repeat(zoom, axis=0).repeat(zoom, axis=1)[y : y + height, x : x + width] for p in (source, result)]
        edge, rows = width // 2, slice(45, height // 2 - 25)  # below the names, above the divider's knob
        assert np.array_equal(seen[rows, : edge - 4], large[0][rows, : edge - 4])
        assert np.array_equal(seen[rows, edge + 4 :], large[1][rows, edge + 4 :])
        assert not np.array_equal(large[0], large[1])
    for view, wanted in (("left", large[0]), ("right", large[1])):
        viewer.choose("view", view)
        assert np.array_equal(viewer.screen()[45:], wanted[45:])
        assert viewer.page.locator("#divider").is_hidden()


def test_the_divider_by_mouse(viewer: Viewer) -> None:
    assert viewer.split == 50
    viewer.choose("zoom", "fit")
    x, y = viewer.middle()
    width = viewer.page.locator("#box").bounding_box()["width"]
    mouse = viewer.page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x - width / 4, y + 10, steps=3)
    assert viewer.split == pytest.approx(25, abs=1)
    mouse.move(x - 3 * width, y)
    assert viewer.split == 0
    mouse.move(x + 3 * width, y)
    mouse.up()
    assert viewer.split == 100
    mouse.move(x, y)
    assert viewer.split == 100, "it stays where it was let go"
    mouse.click(x - width / 4, y)
    assert viewer.split == pytest.approx(25, abs=1), "a press on the picture brings it there"
    assert "25 % Source, 75 % Result" in viewer.page.get_attribute("#divider", "aria-valuetext")
    clip = next(p["clip"] for p in viewer.shown if p["side"] == 1)
    assert float(re.findall(r"[\d.]+px", clip)[-1][:-2]) == pytest.approx(width / 4, abs=2)


def test_the_divider_and_panning_by_touch(chromium: Any, file: Path) -> None:
    viewer = Viewer(chromium, file, 390, 844, has_touch=True, is_mobile=True, device_scale_factor=3)
    touch = viewer.context.new_cdp_session(viewer.page)

    def drag(fromx: float, tox: float, y: float) -> None:
        for kind, at in (("touchStart", fromx), ("touchMove", (fromx + tox) / 2), ("touchMove", tox)):
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": at, "y": y}]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    viewer.choose("zoom", "fit")
    x, y = viewer.middle()
    drag(x, x + 100, y)
    width = viewer.page.locator("#box").bounding_box()["width"]
    assert viewer.split == pytest.approx(50 + 100 * 100 / width, abs=2)
    viewer.choose("zoom", "4")
    before = viewer.shown[0]
    split = viewer.split
    x, y = viewer.middle()
    drag(x - 60, x - 120, y + 60)
    after = viewer.shown
    assert after[0]["x"] - before["x"] == pytest.approx(-60, abs=1)
    assert viewer.split == split, "the picture moved, not the divider"
    assert {p["x"] for p in after} == {after[0]["x"]}
    assert after[0]["width"] == pytest.approx(4 * 426 / 3, abs=0.1), "400 % is of the screen's own pixels"
    viewer.close()


def test_two_fingers_zoom_at_their_middle(chromium: Any, file: Path) -> None:
    viewer = Viewer(chromium, file, 390, 844, has_touch=True, is_mobile=True, device_scale_factor=3)
    touch = viewer.context.new_cdp_session(viewer.page)
    viewer.choose("zoom", "2")
    x, y = viewer.middle()

    def pinch(*spread: float) -> None:
        for k, far in enumerate(spread):
            points = [{"x": x + sign * far, "y": y, "id": number} for number, sign in enumerate((-1, 1))]
            kind = "touchMove" if k else "touchStart"
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def place() -> float:
        """The share of the picture that lies in the middle of the screen."""
        return (x - viewer.page.locator("#box").bounding_box()["x"] - viewer.shown[0]["x"]) / viewer.shown[0]["width"]

    before, split, there = viewer.shown[0], viewer.split, place()
    pinch(30, 35, 45)
    assert viewer.shown[0]["width"] == pytest.approx(2 * before["width"], abs=1)
    assert place() == pytest.approx(there, abs=0.03)
    pinch(90, 80, 60)
    assert viewer.shown[0]["width"] == pytest.approx(before["width"], abs=1)
    assert viewer.split == split
    viewer.close()


def test_everything_by_keyboard(viewer: Viewer) -> None:
    press = viewer.page.keyboard.press
    viewer.page.focus("#divider")
    for key, wanted in (("ArrowRight", 51), ("ArrowLeft", 50), ("Shift+ArrowLeft", 40), ("PageUp", 50), ("End", 100),
                        ("ArrowRight", 100), ("Home", 0), ("ArrowUp", 1)):  # fmt: skip
        press(key)
        assert viewer.split == wanted, key
    press("0")
    viewer.page.focus("input[name=zoom][value=fit]")
    press("ArrowRight")
    press("ArrowRight")
    assert viewer.page.is_checked("input[name=zoom][value='2']")
    viewer.page.focus("#box")
    press("4")
    assert viewer.page.is_checked("input[name=zoom][value='4']")
    before = viewer.shown[0]
    press("ArrowRight")
    press("ArrowDown")
    after = viewer.shown[0]
    assert (after["x"] - before["x"], after["y"] - before["y"]) == (-40, -40)
    for _ in range(60):
        press("Shift+ArrowRight")
    box = viewer.page.locator("#box").bounding_box()
    assert viewer.shown[0]["x"] == pytest.approx(box["width"] - 4 * 426, abs=1), "never beyond the picture's edge"
    press("ArrowLeft")
    assert viewer.shown[0]["x"] == pytest.approx(box["width"] - 4 * 426 + 40, abs=1), "and back at once"
    press("Space")
    assert [p["side"] for p in viewer.shown if p["visible"]] == [1]
    assert viewer.page.locator("#tag-left").is_hidden()
    press("Space")
    assert [p["side"] for p in viewer.shown if p["visible"]] == [0]
    press("d")
    assert viewer.page.locator("#difference").is_visible()
    press("s")
    press("0")
    assert viewer.page.locator("#divider").is_visible()
    first = viewer.page.inner_text("#caption b")
    press(".")
    second = viewer.page.inner_text("#caption b")
    press(",")
    if first == second:  # it was the last moment
        assert viewer.page.inner_text("#caption b") != first
        press(".")
    assert viewer.page.inner_text("#caption b") == first
    viewer.page.focus("summary >> nth=0")
    press("Enter")
    assert viewer.page.locator(".keys dl").is_visible()
    press("Space")
    assert not viewer.page.locator(".keys dl").is_visible(), "what has the focus keeps its own use of Space"


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)])
def test_keys_work_from_load(width: int, height: int, chromium: Any, file: Path, comparison: Comparison) -> None:
    """Nothing is clicked, nothing has the focus."""
    ratio = 2 if width < 480 else 1
    viewer = Viewer(chromium, file, width, height, device_scale_factor=ratio)
    page, press = viewer.page, viewer.page.keyboard.press

    def sides() -> list[int]:
        return [p["side"] for p in viewer.shown if p["visible"]]

    assert page.evaluate("document.activeElement === document.body")
    number = page.eval_on_selector_all("#moments button", "b => b.findIndex(x => x.ariaCurrent === 'true')")
    assert number == comparison.first
    assert page.is_checked("input[name=zoom][value='2']"), "it opens enlarged, at the largest change"
    seen, spot = viewer.shown[0], comparison.snapshots[number].spot
    box = page.locator("#box").bounding_box()
    for at, length, start in ((spot[0], box["width"], seen["x"]), (spot[1], box["height"], seen["y"])):
        assert 0 <= start + 2 / ratio * at <= length
    still = page.locator("#controls").bounding_box()["y"]
    for key, wanted in (("x", [1]), ("x", [0]), ("Space", [1]), ("X", [0]), ("s", [0, 1])):
        press(key)
        assert sides() == wanted, key
    press("4")
    press("ArrowLeft")
    before = viewer.shown[0]["x"]
    press("ArrowRight")
    assert before - 40 <= viewer.shown[0]["x"] < before
    assert viewer.split == 50, "the picture moves, not the divider"
    for key, zoom in (("0", "fit"), ("1", "1"), ("4", "4"), ("-", "2"), ("+", "4"), ("2", "2")):
        press(key)
        assert page.is_checked(f"input[name=zoom][value='{zoom}']"), key
    press("0")
    press("ArrowRight")
    assert viewer.split == 51
    press("d")
    assert page.locator("#difference").is_visible()
    press("d")
    press("l")
    assert page.is_checked("input[name=zoom][value='2']")
    assert page.locator("#controls").bounding_box()["y"] == still, "nothing below the picture has moved"
    press("f")
    page.locator("#viewer:fullscreen").wait_for()
    assert page.locator("#stage").bounding_box()["height"] > 0.8 * height - 150
    assert not page.locator("#caption").is_visible()
    press("x")
    assert sides() == [1]
    press("f")
    page.locator("#caption").wait_for()
    header = page.locator("header").bounding_box()
    assert header["height"] <= 80
    if width < 480:
        lines = page.eval_on_selector_all("header h1, header p", "all => all.map(e => e.offsetHeight)")
        assert len(lines) == 2 and max(lines) <= 24, "two lines"
        assert page.eval_on_selector("#verdict", "e => e.scrollWidth <= e.clientWidth"), "in full"
    assert page.inner_text("#verdict") == comparison.verdict()
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    before = viewer.split
    page.keyboard.press("ArrowRight")
    assert viewer.split == before, "out of sight, arrows are the page's"
    viewer.close()


def test_both_sides_play_in_step(viewer: Viewer, comparison: Comparison) -> None:
    clip = comparison.clip
    assert clip is not None and len(clip.times) >= 4
    frames = viewer.page.locator(".frames")
    assert not frames.first.is_visible()
    viewer.page.keyboard.press("p")
    seen: set[int] = set()
    viewer.page.locator("#play[aria-pressed=true]").wait_for()
    for _ in range(200):
        at = viewer.page.eval_on_selector_all(".frames", "both => both.map(each => each.dataset.frame)")
        assert at[0] == at[1]
        if at[0] is not None:
            seen.add(int(at[0]))
        if len(seen) == len(clip.times):
            break
    assert len(seen) > 1, "it moves"
    read = "both => both.map(each => [each.dataset.frame, each.toDataURL('image/png')])"
    drawn = viewer.page.eval_on_selector_all(".frames", read)
    for side, (number, address) in enumerate(drawn):
        png = Image.open(io.BytesIO(base64.b64decode(address.removeprefix("data:image/png;base64,"))))
        assert png.size == clip.size
        wanted = np.asarray(Image.open(io.BytesIO(clip.sides[side][int(number)])).convert("RGB")).astype(int)
        taken = np.asarray(png)[..., :3].astype(int)
        assert np.abs(taken - wanted).mean() < 1, "WebP's chroma may be enlarged in another way"
    for key, visible in (("x", [False, True]), ("x", [True, False]), ("s", [True, True])):
        viewer.page.keyboard.press(key)
        assert [frames.nth(k).is_visible() for k in (0, 1)] == visible
    viewer.page.keyboard.press("p")
    assert not frames.first.is_visible()
    assert viewer.shown, "the moment is back"


def test_the_wheel_zooms_at_the_pointer(viewer: Viewer) -> None:
    page = viewer.page
    page.keyboard.press("2")  # the whole picture is in sight
    x, y = (round(v) for v in viewer.middle())
    x, y = x + 90, y - 40

    def pointed() -> tuple[float, float]:
        """The place of the picture under the pointer, in its pixels."""
        rect = page.locator(".snapshot img.on").first.bounding_box()
        return (x - rect["x"]) * 426 / rect["width"], (y - rect["y"]) * 426 / rect["width"]

    page.mouse.move(x, y)
    place = pointed()
    for wheel, zoom in ((-120, "4"), (-120, "4"), (120, "2"), (120, "1")):
        page.mouse.wheel(0, wheel)
        api.expect(page.locator(f"input[name=zoom][value='{zoom}']")).to_be_checked(timeout=SLOW)
        if zoom == "4":
            assert pointed() == pytest.approx(place, abs=1)
    assert page.evaluate("window.scrollY") == 0


def test_the_difference_is_the_amplified_one(viewer: Viewer, comparison: Comparison) -> None:
    source, result = (p.astype(int) for p in current(viewer, comparison))
    viewer.choose("zoom", "1")
    viewer.choose("view", "difference")
    amount = gain(comparison.snapshots)
    for times in (amount, 2 * amount):
        viewer.page.select_option("#gain", str(times))
        # Not wait_for_function: the page forbids what it waits with.
        api.expect(viewer.page.locator("#difference")).to_have_attribute("aria-label", re.compile(f" {times} times$"))
        wanted = (128 + times * (result - source)).clip(0, 255)
        assert np.array_equal(viewer.screen()[45:], wanted[45:])
        assert viewer.page.inner_text("#tag-left") == f"Difference ×{times}"
        assert f"amplified {times} times" in viewer.page.inner_text("#caption").lower()


def test_moments_zoom_and_place(viewer: Viewer, comparison: Comparison) -> None:
    buttons = viewer.page.locator("#moments button")
    assert buttons.count() == 3
    for number in range(3):
        buttons.nth(number).click()
        assert buttons.nth(number).get_attribute("aria-current") == "true"
        assert viewer.page.locator("#box").bounding_box()["y"] > -1, "the picture is brought into sight"
        assert viewer.page.locator(".pin.on").inner_text() == str(number + 1)
        assert f"{float(comparison.snapshots[number].time):.3f}"[2:] in viewer.page.inner_text("#tag-left")
        told = viewer.page.inner_text("#caption")
        for metric in comparison.metrics:
            value = metric.show(comparison.snapshots[number].readings[0].get(metric.key))
            assert f"{metric.name} {value}" in told or not metric.headline
    viewer.page.keyboard.press("0")
    viewer.page.click("#spot")
    assert viewer.page.is_checked("input[name=zoom][value='2']")
    place = viewer.shown[0]
    box = viewer.page.locator("#box").bounding_box()
    spot = comparison.snapshots[2].spot
    assert 0 <= place["x"] + 2 * spot[0] <= box["width"]
    assert 0 <= place["y"] + 2 * spot[1] <= box["height"]
    buttons.nth(0).click()
    assert (viewer.shown[0]["x"], viewer.shown[0]["y"]) == (place["x"], place["y"]), "the place stays"
    x, y = viewer.middle()
    viewer.page.mouse.dblclick(x + 100, y + 60)
    assert viewer.page.is_checked("input[name=zoom][value=fit]")
    viewer.choose("zoom", "1")
    viewer.choose("zoom", "fit")
    viewer.page.mouse.dblclick(x - 150, y - 60)
    assert viewer.page.is_checked("input[name=zoom][value='2']"), "though the first press has moved the divider there"


@pytest.mark.parametrize(("width", "height", "scheme"), [(390, 844, "light"), (1440, 900, "dark")])
def test_fits_the_screen_and_can_be_read(
    width: int, height: int, scheme: str, chromium: Any, file: Path, tmp_path: Path
) -> None:  # fmt: skip
    """Dark on every system: what surrounds a picture changes how it looks."""
    viewer = Viewer(chromium, file, width, height, color_scheme=scheme)
    assert viewer.page.evaluate("document.documentElement.scrollWidth") <= width
    seen = viewer.screenshot(full_page=True, path=str(tmp_path / "page.png"))
    assert seen.shape[1] == width
    assert seen[2, 2].max() < 60
    box = viewer.page.locator("#box").bounding_box()
    assert box["y"] + box["height"] < height, "the picture is in sight at once"
    assert viewer.page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    for selector in ("body", "#verdict", "header h1", ".headlines span", ".caption", ".plot small", "td", ".notes li"):
        colours = viewer.page.eval_on_selector(selector, "e => getComputedStyle(e).color")
        back = viewer.page.eval_on_selector("body", "e => getComputedStyle(e).backgroundColor")
        assert contrast(colours, back) >= 4.5, (selector, scheme)
    sizes = viewer.page.eval_on_selector_all(
        ".controls label, .controls button, #moments button",
        "all => all.filter(e => e.offsetParent).map(e => e.getBoundingClientRect().height)",
    )
    assert min(sizes) >= (44 if width < 480 else 36), "large enough to press"
    viewer.close()


def contrast(one: str, two: str) -> float:
    """WCAG 2's contrast ratio of two CSS colours."""
    levels = []
    for text in (one, two):
        rgb = np.array([int(v) for v in re.findall(r"\d+", text)[:3]]) / 255
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        levels.append(float(linear @ (0.2126, 0.7152, 0.0722)) + 0.05)
    return max(levels) / min(levels)


def test_said_to_a_screen_reader(viewer: Viewer) -> None:
    tree = viewer.page.locator("body").aria_snapshot()
    for line in ('slider "Divider between the two pictures"', 'radio "Divider" [checked]', 'radio "400 %"',
                 'group "Zoom"', 'img "Frame at 0:0', 'heading "Over time"', 'table', 'rowheader "Difference ratio',
                 'button "Largest change"', 'img "Difference ratio over time: mean'):  # fmt: skip
        assert line in tree, line
    viewer.page.keyboard.press("Tab")
    assert viewer.page.evaluate("document.activeElement.textContent") == "Skip the pictures"
    reached = set()
    for _ in range(11):
        viewer.page.keyboard.press("Tab")
        found = viewer.page.evaluate(
            "(() => { const e = document.activeElement; const s = getComputedStyle(e.matches('input') ?"
            " e.nextElementSibling : e); return [e.id || e.name || e.tagName, e.matches(':focus-visible'),"
            " s.outlineStyle]; })()"
        )
        assert found[1], found
        assert found[2] != "none" or found[0] == "divider", "the divider shows its focus on its knob"
        reached.add(found[0])
    assert {"box", "divider", "view", "zoom", "spot"} <= reached


def test_plots_answer_the_pointer(viewer: Viewer, comparison: Comparison) -> None:
    chart = viewer.page.locator(".chart svg").first
    chart.scroll_into_view_if_needed()
    output = viewer.page.locator(".plot output").first
    usual = output.inner_text()
    box = chart.bounding_box()
    viewer.page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 20)
    last = comparison.samples[-1]
    metric = comparison.metrics[0]
    assert output.inner_text().startswith(metric.show(last.readings.get(metric.key)) + " at 0:00.")
    viewer.page.mouse.move(2, 2)
    assert output.inner_text() == usual


def test_several_variants(chromium: Any, clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    ways = [EnhancerOptions(device="cpu", precision="fp32", strength=s) for s in (0.5, 2.0)]
    clip = clips / "androidx_media__roadtrip-vp92-10bit.webm"
    found = preview(clip, [Variant(model=str(tiny_model), picture=w) for w in ways], at=[Fraction(1, 5)], viqet=False)
    file = tmp_path / "preview.html"
    file.write_text(pages.render(found), "utf-8")
    viewer = Viewer(chromium, file, 1000, 800)
    _, half, double = current(viewer, found)
    viewer.choose("zoom", "1")
    assert viewer.page.inner_text("#verdict").startswith("tiny, strength 0.5: ")
    viewer.page.select_option("#left", label="tiny, strength 0.5")
    viewer.page.select_option("#right", label="tiny, strength 2")
    assert [p["side"] for p in viewer.shown] == [1, 2]
    for view, wanted in (("left", half), ("right", double)):
        viewer.choose("view", view)
        assert np.array_equal(viewer.screen()[45:], wanted[45:])
    assert viewer.page.inner_text("#name-right") == "Right"
    assert viewer.page.inner_text("#verdict").startswith("tiny, strength 2: ")
    assert viewer.page.inner_text("#tag-right").startswith("tiny, strength 2 0:00.")
    viewer.page.select_option("#left", label="tiny, strength 2")  # the same on both sides must not break anything
    viewer.choose("view", "slider")
    assert np.array_equal(viewer.screen()[45:60, :200], double[45:60, :200])
    viewer.close()


def test_without_javascript(chromium: Any, file: Path) -> None:
    viewer = Viewer(chromium, file, 800, 600, java_script_enabled=False)
    pictures = viewer.page.locator(".snapshot img")
    assert pictures.count() == 6
    assert all(pictures.nth(k).is_visible() for k in range(6))
    assert "JavaScript" in viewer.page.inner_text("noscript")
    viewer.close()
