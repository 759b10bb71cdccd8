"""What is trained on: layouts, kinds of files, stills beside photographs, and the manifest from which LR is remade."""

import hashlib
import json
import subprocess
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from helpers.media_truth import FFPROBE
from PIL import Image

from vidrts.errors import InputError, TrainingError
from vidrts.training import corpus
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.holdout import held_for_truth
from vidrts.training.lr_cache import pair_place, pair_seed
from vidrts.training.recurrence import train
from vidrts.training.recurrence_options import TrainOptions
from vidrts.training.run_store import RunStore


@pytest.fixture(scope="module")
def pieces(photos: Path) -> list[Image.Image]:
    """Eight small pieces of real photographs."""
    found = []
    for path in sorted(photos.glob("*.jpg"))[::11][:8]:
        with Image.open(path) as image:
            found.append(image.convert("RGB").crop((400, 300, 560, 420)))
    return found


def folder_of(pieces: list[Image.Image], folder: Path) -> Path:
    folder.mkdir(parents=True)
    for k, piece in enumerate(pieces):
        piece.save(folder / f"{k:04}.png")
    return folder


def collect(photos: Path, **more: object) -> corpus.Corpus:
    settings = {"crop_size": 64, "crops_per_picture": 6, "held_out": 2, "seed": 1}
    return corpus.collect(photos, **{**settings, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("given", ["", "DIV2K_train_HR"])
def test_div2k_has_its_own_split(pieces: list[Image.Image], tmp_path: Path, given: str) -> None:
    folder_of(pieces[:5], tmp_path / "DIV2K_train_HR")
    folder_of(pieces[5:], tmp_path / "DIV2K_valid_HR")
    found = collect(tmp_path / given, held_out=1)
    assert [p.name for p in found.training] == [f"DIV2K_train_HR/{k:04}.png" for k in range(5)]
    assert [p.name for p in found.validation] == [f"DIV2K_valid_HR/{k:04}.png" for k in range(3)]
    for picture in (tmp_path / "DIV2K_valid_HR").iterdir():
        picture.unlink()
    with pytest.raises(TrainingError, match="0 in DIV2K_valid_HR"):
        collect(tmp_path / given)


def test_every_kind_of_picture_is_read_as_other_programs_do(pieces: list[Image.Image], tmp_path: Path) -> None:
    rgb = np.array(pieces[0])
    deep = rgb.astype(np.uint16) * 257 + 3
    cv2.imwrite(str(tmp_path / "deep.png"), deep[:, :, ::-1])
    cv2.imwrite(str(tmp_path / "deep.tif"), deep[:, :, ::-1])
    cv2.imwrite(str(tmp_path / "deepgray.png"), deep[:, :, 1])
    pieces[0].save(tmp_path / "a.tiff")
    pieces[0].save(tmp_path / "a.webp", lossless=True)
    pieces[0].convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "palette.png")
    turned = Image.Exif()
    turned[0x0112] = 6  # shown turned by 90 degrees clockwise
    pieces[0].save(tmp_path / "turned.png", exif=turned)
    for name in ("deep.png", "deep.tif", "a.tiff", "a.webp"):
        assert np.array_equal(corpus.read_picture(tmp_path / name).permute(1, 2, 0).numpy(), rgb), name
    gray = corpus.read_picture(tmp_path / "deepgray.png")
    assert all(np.array_equal(channel.numpy(), rgb[:, :, 1]) for channel in gray)
    assert corpus.read_picture(tmp_path / "palette.png").shape == (3, 120, 160)
    upright = corpus.read_picture(tmp_path / "turned.png").permute(1, 2, 0).numpy()
    assert np.array_equal(upright, np.rot90(rgb, -1))
    Image.fromarray(np.zeros((80, 80), np.float32)).save(tmp_path / "float.tif")
    with pytest.raises(ValueError, match="32 bit"):
        corpus.read_picture(tmp_path / "float.tif")


def test_damaged_small_and_repeated_pictures_are_listed(pieces: list[Image.Image], tmp_path: Path) -> None:
    folder = folder_of(pieces[:4], tmp_path / "photos")
    whole = (folder / "0000.png").read_bytes()
    (folder / "again.png").write_bytes(whole)
    for name, content in {
        "cut": whole[:200], "chunk": whole[:40] + b"\xff" + whole[41:], "empty": b"", "text": b"GIF89a of course",
    }.items():  # fmt: skip
        (folder / f"{name}.png").write_bytes(content)
    (folder / "folder.png").mkdir()
    Image.new("RGB", (63, 200)).save(folder / "narrow.png")
    said: list[str] = []
    found = collect(folder, held_out=1, on_message=said.append)
    assert len(found.training) + len(found.validation) == 4
    why = {lost.name: lost.why for lost in found.left_out}
    assert set(why) == {f"{n}.png" for n in ("again", "cut", "chunk", "empty", "text", "folder", "narrow")}
    assert "62x200" in why["narrow.png"]
    assert "0000.png" in why["again.png"]
    assert len(said) == len(why)
    assert all("\n" not in line for line in said)


@pytest.mark.parametrize("weight", [0.5, 2.0, 0.03])
def test_stills_mix_by_weight_and_are_never_held_out(pieces: list[Image.Image], tmp_path: Path, weight: float) -> None:
    photos, stills = folder_of(pieces[:5], tmp_path / "photos"), folder_of(pieces[5:], tmp_path / "stills")
    plain = collect(photos, crops_per_picture=20)
    mixed = collect(photos, crops_per_picture=20, stills=[stills], stills_weight=weight)
    assert mixed.validation == plain.validation
    assert mixed.training[:3] == plain.training
    assert [p.name for p in mixed.training[3:]] == [f"stills-1/{k:04}.png" for k in range(3)]
    assert mixed.crops[:60] == plain.crops  # stills change nothing for the photographs
    counts = Counter(crop.picture for crop in mixed.crops[60:])
    assert sum(counts.values()) == round(60 * weight)
    assert max(counts.values()) - min(counts.get(k, 0) for k in (3, 4, 5)) <= 1
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(TrainingError, match="no usable still"):
        collect(photos, stills=[empty])


def test_a_still_that_is_held_out_too_gives_no_crop(pieces: list[Image.Image], tmp_path: Path) -> None:
    photos = folder_of(pieces[:4], tmp_path / "photos")
    found = collect(photos, stills=[photos, folder_of(pieces[4:5], tmp_path / "other")])
    assert [p.name for p in found.training[2:]] == ["stills-2/0000.png"]


def small(photos: Path, out: Path, **more: object) -> TrainOptions:
    settings = {"model": "rts-lite", "stages": 1, "steps": 2, "batch": 2, "patch": 16, "crops": 5, "held_out": 2,
                "device": "cpu", "viqet": False, "degradation": Degradation("video")}  # fmt: skip
    return TrainOptions(photos=photos, out=out, **{**settings, **more})  # type: ignore[arg-type]


def test_the_manifest_gives_lr_again_bit_for_bit(pieces: list[Image.Image], tmp_path: Path) -> None:
    photos = folder_of(pieces, tmp_path / "photos")
    degradation = Degradation("2*triangle > jpeg:30-95 | noise:1-3 > gaussian:0.9 > h264:20-30:1")
    train(small(photos, tmp_path / "run", degradation=degradation))
    held = json.loads((tmp_path / "run" / "manifest.json").read_text())
    training = [p for p in held["pictures"] if p["use"] == "training"]
    validation = {p["name"] for p in held["pictures"] if p["use"] == "validation"}
    assert len(training) == 6
    assert len(validation) == 2
    assert not validation & {p["name"] for p in training}
    # From the manifest and the files alone.
    again = hashlib.sha256()
    side = held["crop_size"]
    for index, y, x, seed in held["crops"]:
        picture = training[index]
        data = (photos / picture["name"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == picture["sha256"]
        with Image.open(photos / picture["name"]) as image:
            crop = torch.from_numpy(np.array(image)[y : y + side, x : x + side]).permute(2, 0, 1).contiguous()
        again.update(Degradation(held["degradation"])(crop, seed).numpy().tobytes())
    assert again.hexdigest() == held["low_sha256"]
    (tmp_path / "run" / "manifest.json").write_text(json.dumps({**held, "low_sha256": "0" * 64}))
    with pytest.raises(TrainingError, match="LR pictures come out differently"):
        train(RunStore(tmp_path / "run").options(), resume=True)


def test_the_manifest_gives_pairs_again_of_shrunk_and_grey_pictures(pieces: list[Image.Image], tmp_path: Path) -> None:
    """From the manifest and the files alone, with Pillow and NumPy."""
    photos = folder_of(pieces, tmp_path / "photos")
    pairs = Degradation("(none | blur:0.5-1.2) > jpeg:40-90", halves=False)
    train(small(photos, tmp_path / "run", patch=32, pairs=pairs, shrink=0.7, grey=0.4, colour="luma"))
    held = json.loads((tmp_path / "run" / "manifest.json").read_text())
    training = [p for p in held["pictures"] if p["use"] == "training"]
    side = held["crop_size"]
    assert any(0.7 <= p["shrunk"] < 1 for p in training) and 0 < len(held["grey"]) < len(held["crops"])
    low, same = [], []
    for number, (index, y, x, seed) in enumerate(held["crops"]):
        picture = training[index]
        with Image.open(photos / picture["name"]) as image:
            size = [round(length * picture["shrunk"]) for length in image.size]  # which are even here
            pixels = np.array(image.resize(size, Image.Resampling.LANCZOS) if picture["shrunk"] != 1 else image)
        assert [pixels.shape[1] // 2 * 2, pixels.shape[0] // 2 * 2] == picture["size"]
        pixels = pixels[y : y + side, x : x + side]
        if number in held["grey"]:
            grey = np.round(pixels.astype(np.float32) @ np.array([0.2126, 0.7152, 0.0722], np.float32))
            pixels = np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)
        crop = torch.from_numpy(pixels.copy()).permute(2, 0, 1).contiguous()
        low.append(Degradation(held["degradation"])(crop, seed))
        top, left = pair_place(corpus.Crop(0, 0, 0, seed), side)
        whole = Degradation(held["pairs"], halves=False)(crop, pair_seed(seed))
        same.append(whole[:, top : top + side // 2, left : left + side // 2])
    again = hashlib.sha256(torch.stack(low).numpy().tobytes() + torch.stack(same).numpy().tobytes())
    assert again.hexdigest() == held["low_sha256"]


def test_photographs_left_for_the_truth_bench_are_in_no_part(pieces: list[Image.Image], tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    folder_of(pieces[:5], photos / "one")
    folder_of(pieces[5:8], photos / "two")
    found = collect(photos, left_for_truth=2, held_out=1)
    used = {p.name for p in (*found.training, *found.validation)}
    left = {one.name for one in found.left_out}
    assert used | left == {p.relative_to(photos).as_posix() for p in photos.rglob("*.png")} and not used & left
    for folder in ("one", "two"):
        names = sorted(p.name for p in (photos / folder).iterdir())
        assert {name for name in left if name.startswith(folder)} == {f"{folder}/{n}" for n in held_for_truth(names, 2)}


def test_each_photograph_shrinks_by_its_name_and_a_share_of_crops_is_grey(
    pieces: list[Image.Image], tmp_path: Path
) -> None:
    photos = folder_of(pieces, tmp_path / "photos")
    found = collect(photos, shrink=0.5, grey=0.25, crops_per_picture=200)
    assert len({p.shrunk for p in found.training}) > 1 and all(0.5 <= p.shrunk <= 1 for p in found.training)
    for picture in found.training:
        assert picture.original().shape == (3, picture.height, picture.width)
    assert 0.2 < np.mean([crop.grey for crop in found.crops]) < 0.3
    assert collect(photos, shrink=0.5, grey=0.25, crops_per_picture=200).manifest_hash == found.manifest_hash
    assert all(0.5 <= p.shrunk <= 0.6 for p in collect(photos, shrink=0.5, shrink_below=0.6).training)
    assert all(p.shrunk == 1 for p in found.validation)


def test_stills_of_a_video_are_taken_once(pieces: list[Image.Image], tmp_path: Path) -> None:
    if not FFPROBE:
        pytest.skip("no ffmpeg to make the film")
    photos = folder_of(pieces[:4], tmp_path / "photos")
    frames = folder_of([piece for piece in pieces[4:8] for _ in range(3)], tmp_path / "frames")
    film = tmp_path / "film.mkv"
    subprocess.run(
        [str(Path(str(FFPROBE)).with_name("ffmpeg")), "-v", "error", "-framerate", "5", "-i", frames / "%04d.png",
         "-c:v", "ffv1", film], check=True,
    )  # fmt: skip
    run = tmp_path / "run"
    options = small(photos, run, stills=(str(film),), stills_weight=1.0)
    train(options)
    held = json.loads((run / "manifest.json").read_text())
    taken = [p["name"] for p in held["pictures"] if p["name"].startswith("stills-1/")]
    assert 2 <= len(taken) <= 4
    assert sorted(p.name for p in (run / "stills").glob("*.png")) == sorted(name.split("/")[1] for name in taken)
    film.unlink()  # not needed any more
    assert train(RunStore(run).options(), resume=True)[0].is_file()
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(b"no film")
    with pytest.raises(InputError, match=r"none of the videos can be used: .*broken\.mkv"):
        train(small(photos, tmp_path / "other", stills=(str(broken),)))
    assert not (tmp_path / "other" / "settings.json").exists()
    assert not list((tmp_path / "other").glob("*.part"))


def test_seeds_are_measured_on_the_same_pictures(photos: Path, tmp_path: Path) -> None:
    for path in sorted(photos.iterdir())[:6]:
        (tmp_path / path.name).symlink_to(path)
    one, other = (
        collect(tmp_path, crop_size=64, crops_per_picture=3, held_out=2, seed=seed) for seed in (1, 2)
    )  # fmt: skip
    assert [p.name for p in one.validation] == [p.name for p in other.validation]
    assert one.crops != other.crops
