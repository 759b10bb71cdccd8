"""What the tests of pages and sheets share: small real clips with results, and a reader of pages."""

import base64
import io
import json
from dataclasses import dataclass, field
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from PIL import Image

from vidrts import EnhanceOptions, enhance
from vidrts.media.read.options import DecodeOptions
from vidrts.media.write.options import EncodeOptions
from vidrts.picture.options import EnhancerOptions


def made(
    source: Path, target: Path, model: Path, *, strength: float = 1.0, scale: int = 1, start: float = 0,
    end: float | None = None,
) -> Path:  # fmt: skip
    """`source` enhanced on the CPU in float32 into a lossless file, so that what was decoded is what was encoded."""
    enhance(source, target, EnhanceOptions(
        model=str(model),
        picture=EnhancerOptions(device="cpu", precision="fp32", strength=strength, scale=scale),
        decode=DecodeOptions(start=Fraction(start) if start else None, end=None if end is None else Fraction(end)),
        encode=EncodeOptions(video_codec="ffv1", audio=False),
    ))  # fmt: skip
    return target


@dataclass
class Page(HTMLParser):
    """A page as a reader that is no browser sees it."""

    text: str
    images: dict[str, list[Image.Image]] = field(default_factory=dict)
    """Id of a snapshot -> its pictures, decoded."""
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self._snapshot = ""
        self.feed(self.text)
        self.close()
        assert self.open == [], f"elements left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if found.get("class") == "snapshot":
            self._snapshot = str(found["id"])
        if tag == "img" and found.get("alt"):
            kind, _, content = str(found["src"]).partition(";base64,")
            assert kind == "data:image/webp"
            picture = Image.open(io.BytesIO(base64.b64decode(content)))
            assert picture.size == (int(str(found["width"])), int(str(found["height"])))
            self.images.setdefault(self._snapshot, []).append(picture.convert("RGB"))
        if tag not in ("meta", "img", "input", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script" and self.tags[-1][1].get("id") == "data":
            self.data = json.loads(data)
        elif self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data.strip())
