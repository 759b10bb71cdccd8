"""Every test here has the mark `research`: `.ci/run` runs them last."""

from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Called with all items that were collected, those of other folders, too."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.research)
