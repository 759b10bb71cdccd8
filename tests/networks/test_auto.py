"""`--model auto`: which shipped model suits a device, and that every way in asks the same rule."""

from pathlib import Path

import pytest
import torch

from vidrts import EnhanceOptions, pipeline
from vidrts.compare import preview
from vidrts.compare.preview import Variant
from vidrts.networks.auto import resolved
from vidrts.networks.checkpoint import LoadedModel, load_model
from vidrts.networks.names import AUTO
from vidrts.networks.shipped import shipped_models
from vidrts.picture.options import EnhancerOptions


@pytest.mark.parametrize(("device", "name"), [("cpu", "rts-lite"), ("cuda", "rts-r3")])
def test_a_device_has_its_model(device: str, name: str) -> None:
    assert resolved(AUTO, device) == name
    assert resolved("rts-r6", device) == "rts-r6"
    for scale, file in ((1, name), (2, f"{name}-2x")):
        loaded = load_model(AUTO, scale, torch.device(device))
        assert (loaded.title, loaded.info.architecture) == (file, "rts")
    assert AUTO not in shipped_models()


@pytest.mark.parametrize(("there", "name"), [(False, "rts-lite"), (True, "rts-r3")])
def test_without_a_device_it_is_as_device_auto(there: bool, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert load_model().title == name


class Asked(Exception):  # noqa: N818 - the end of a run, not an error
    """Raised in place of work, once it is known which model is to run."""


@pytest.mark.parametrize(("device", "name"), [("cpu", "rts-lite"), ("cuda", "rts-r3")])
def test_runs_take_the_model_of_their_device(
    device: str, name: str, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CUDA is pretended: nothing is computed here."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: device == "cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    found: list[str] = []

    def stop(model: LoadedModel, *_: object, **__: object) -> None:
        found.append(model.title)
        raise Asked

    for module, maker in ((pipeline, "Workers"), (preview, "Enhancer")):
        monkeypatch.setattr(module, maker, stop)
    clip = clips / "androidx_media__bt601.mov"
    with pytest.raises(Asked):
        pipeline.enhance(clip, tmp_path / "out.mkv", EnhanceOptions())
    with pytest.raises(Asked):
        preview.preview(clip, [Variant(picture=EnhancerOptions(scale=2))])
    assert found == [name, f"{name}-2x"]


def test_a_file_of_that_name_is_named_by_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("auto").write_bytes(b"a file")
    assert load_model(AUTO, device=torch.device("cpu")).title == "rts-lite"
