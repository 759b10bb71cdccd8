"""Every test here has the mark `research`: `.ci/run` runs them last."""

from pathlib import Path

import pytest
from PIL import Image


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Called with all items that were collected, those of other folders, too."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.research)


@pytest.fixture(scope="session")
def pieces(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small pictures, parts of photographs."""
    folder = tmp_path_factory.mktemp("pieces")
    for path in sorted(photos.glob("*.jpg"))[::30][:3]:
        with Image.open(path) as image:
            image.convert("RGB").crop((300, 300, 620, 500)).save(folder / f"{path.stem}.png")
    return folder
