"""Pixel formats that differ from a planar, little-endian one only in where the samples lie: those are moved, exactly.
Options name them, so this loads without torch, NumPy and FFmpeg.

uyvy422 becomes yuv422p, argb gbrap, v30xle yuv444p10le, rgb48be gbrp16le. Nothing behind the reader meets them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vidrts.frame import PIXEL_FORMATS, PixelFormat

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Packing:
    """Where the samples of one of FFmpeg's formats lie, as its `AVPixFmtDescriptor` has it."""

    twin: PixelFormat
    """The planar format that holds the same picture."""
    word: str
    """NumPy's type of the units that offsets and steps count: u1, <u2, >u2 or <u4."""
    places: tuple[tuple[int, int, int, int], ...]
    """Of each component in canonical order: plane, words from a sample to the next, words before the first, bits below
    it in the word."""

    @property
    def word_bytes(self) -> int:
        """Bytes of a unit."""
        return int(self.word[-1])

    def plane_shapes(self, width: int, height: int) -> list[tuple[int, int]]:
        """(rows, words) of each plane of a picture of that size, without padding."""
        shapes: dict[int, tuple[int, int]] = {}
        for component, (plane, step, _, _) in enumerate(self.places):
            rows, columns = self.twin.plane_size(component, width, height)
            _, words = shapes.get(plane, (0, 0))
            shapes[plane] = rows, max(words, columns * step)
        return [shapes[plane] for plane in sorted(shapes)]

    def frame_bytes(self, width: int, height: int) -> int:
        """Bytes of a picture of that size, without padding."""
        return sum(rows * words for rows, words in self.plane_shapes(width, height)) * self.word_bytes

    def unpacked(self, stored: "Sequence[NDArray[np.uint8]]", width: int, height: int) -> "tuple[torch.Tensor, ...]":
        """New planes of the format `twin`; `stored`: rows of bytes of each plane, as `plane_shapes` or longer."""
        import numpy as np
        import torch

        found = []
        for component, (plane, step, offset, shift) in enumerate(self.places):
            rows, columns = self.twin.plane_size(component, width, height)
            samples = stored[plane].view(self.word)[:rows, offset::step][:, :columns] >> shift
            if self.word == "<u4":
                samples &= self.twin.most
            found.append(torch.from_numpy(samples.astype(np.uint8 if self.twin.depth == 8 else np.uint16)))
        return tuple(found)

    def split(self, data: "NDArray[np.uint8]", width: int, height: int) -> "tuple[torch.Tensor, ...]":
        """New planes of the format `twin` from the bytes of a picture without padding."""
        stored, start, size = [], 0, self.word_bytes
        for rows, words in self.plane_shapes(width, height):
            end = start + rows * words * size
            stored.append(data[start:end].reshape(rows, words * size))
            start = end
        return self.unpacked(stored, width, height)


def _of(twin: str, planes: Sequence[str], word: str = "u1", shift: int = 0) -> Packing:
    """Each plane as the components of a few pixels in the order in which they lie; X is none.

    A component that comes twice, as Y in YUYV, has its samples half as far apart.
    """
    fmt = PIXEL_FORMATS[twin]
    letters = {"yuv": "YUVA", "rgb": "RGBA", "gray": "YA"}[fmt.model][: len(fmt.order)]
    places = []
    for letter in letters:
        plane, held = next((number, held) for number, held in enumerate(planes) if letter in held)
        places.append((plane, len(held) // held.count(letter), held.index(letter), shift))
    return Packing(fmt, word, tuple(places))


def _big_endian(fmt: PixelFormat) -> Packing:
    """The big-endian brother of a little-endian format."""
    alike = (f for f in PIXEL_FORMATS.values() if f.samples == fmt.samples and f.layout == "planar" and not f.shift)
    letters = {"yuv": "YUVA", "rgb": "RGBA", "gray": "YA"}[fmt.model]
    count = 1 + max(plane for plane, _ in fmt.order)
    held = [sorted((position, letters[c]) for c, (plane, position) in enumerate(fmt.order) if plane == number)
            for number in range(count)]  # fmt: skip
    planes = ["".join(letter for _, letter in components) for components in held]
    return _of(next(alike).name, planes, ">u2", fmt.shift)


def _packings() -> dict[str, Packing]:
    """All, by FFmpeg's name. swscale, which carries the rest of a frame over, takes each of them."""
    found = {
        "yuyv422": _of("yuv422p", ["YUYV"]),
        "uyvy422": _of("yuv422p", ["UYVY"]),
        "yvyu422": _of("yuv422p", ["YVYU"]),
        "nv21": _of("yuv420p", ["Y", "VU"]),
        "nv42": _of("yuv444p", ["Y", "VU"]),
        "vyu444": _of("yuv444p", ["VYU"]),
        "vuyx": _of("yuv444p", ["VUYX"]),
        "ayuv": _of("yuva444p", ["AYUV"]),
        "vuya": _of("yuva444p", ["VUYA"]),
        "uyva": _of("yuva444p", ["UYVA"]),
        "0rgb": _of("gbrp", ["XRGB"]),
        "0bgr": _of("gbrp", ["XBGR"]),
        "argb": _of("gbrap", ["ARGB"]),
        "abgr": _of("gbrap", ["ABGR"]),
        "y210le": _of("yuv422p10le", ["YUYV"], "<u2", 6),
        "y212le": _of("yuv422p12le", ["YUYV"], "<u2", 4),
        "y216le": _of("yuv422p16le", ["YUYV"], "<u2"),
        "nv20le": _of("yuv422p10le", ["Y", "UV"], "<u2"),
        "nv20be": _of("yuv422p10le", ["Y", "UV"], ">u2"),
        "bgra64le": _of("gbrap16le", ["BGRA"], "<u2"),
        "bgra64be": _of("gbrap16le", ["BGRA"], ">u2"),
    }
    for end, word in (("le", "<u2"), ("be", ">u2")):
        found[f"xv36{end}"] = _of("yuv444p12le", ["UYVX"], word, 4)
        found[f"xv48{end}"] = _of("yuv444p16le", ["UYVX"], word)
        found[f"ayuv64{end}"] = _of("yuva444p16le", ["AYUV"], word)
        for depth in (10, 12):
            found[f"yuv444p{depth}msb{end}"] = _of(f"yuv444p{depth}le", ["Y", "U", "V"], word, 16 - depth)
            found[f"gbrp{depth}msb{end}"] = _of(f"gbrp{depth}le", ["G", "B", "R"], word, 16 - depth)
    for name, twin, shifts in (
        ("xv30le", "yuv444p10le", (10, 0, 20)), ("v30xle", "yuv444p10le", (12, 2, 22)),
        ("x2rgb10le", "gbrp10le", (20, 10, 0)), ("x2bgr10le", "gbrp10le", (0, 10, 20)),
    ):  # fmt: skip
        found[name] = Packing(PIXEL_FORMATS[twin], "<u4", tuple((0, 1, 0, shift) for shift in shifts))
    for fmt in PIXEL_FORMATS.values():
        if fmt.name.endswith("le"):
            found[f"{fmt.name.removesuffix('le')}be"] = _big_endian(fmt)
    return found


PACKINGS: dict[str, Packing] = _packings()
"""By FFmpeg's name; none of them is one of `PIXEL_FORMATS`."""
