"""Data types of the pipeline: `PixelFormat`, `ColorTags`, `StreamInfo` and `Frame`.

Independent of FFmpeg's objects. Numbers are those of ITU-T H.273, as in FFmpeg's `AVCOL_*`. Timestamps are integers in
a time base, never float seconds.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from vidrts.errors import UnsupportedFormatError

if TYPE_CHECKING:
    import torch

Model = Literal["yuv", "rgb", "gray"]
Layout = Literal["planar", "semi-planar", "packed"]
FieldOrder = Literal["progressive", "tff", "bff"]


@dataclass(frozen=True, kw_only=True)
class PixelFormat:
    """How the samples of one frame lie in memory, as FFmpeg's `AVPixFmtDescriptor` has it.

    `order` holds, for each component in canonical order (Y Cb Cr [A], R G B [A] or Y [A]), the pair (plane, step
    position) where FFmpeg keeps it: `nv12` has ((0, 0), (1, 0), (1, 1)), `gbrp` ((2, 0), (0, 0), (1, 0)).
    """

    name: str
    model: Model
    depth: int
    """Significant bits of a sample, 8 to 16; 16 or 32 where `floating`."""
    order: tuple[tuple[int, int], ...]
    layout: Layout = "planar"
    log2_w: int = 0
    """Chroma is 2**log2_w times narrower than luma; `log2_h` the same downwards."""
    log2_h: int = 0
    shift: int = 0
    """Bits below the significant ones in a stored sample: 6 for p010, whose samples sit at the top of 16 bits."""
    full_range: bool = False
    """Implied by the name (yuvj420p etc., and RGB)."""
    floating: bool = False
    """Samples are floats of `depth` bits (16 or 32), nominally 0..1; RGB and gray, full range only."""

    @property
    def alpha(self) -> bool:
        """Whether the last component is an alpha plane."""
        return len(self.order) == {"yuv": 4, "rgb": 4, "gray": 2}[self.model]

    @property
    def dtype(self) -> "torch.dtype":
        """The sample's type in memory: uint8 for 8 bit, uint16 beyond; float16 or float32."""
        import torch  # takes seconds; options and formats do without

        if self.floating:
            return torch.float16 if self.depth == 16 else torch.float32
        return torch.uint8 if self.depth == 8 else torch.uint16

    @property
    def sample_bytes(self) -> int:
        """Bytes of a sample in memory."""
        return -(-self.depth // 8)

    def interleaved(self, plane: int) -> int:
        """Samples of a pixel that lie side by side in one of FFmpeg's planes: 1 in planar formats."""
        if self.name in ("rgb0", "bgr0"):
            return 4  # the fourth is no component
        return max(position for place, position in self.order if place == plane) + 1

    def plane_size(self, component: int, width: int, height: int) -> tuple[int, int]:
        """(height, width) in samples of one component of a picture of `width` x `height` luma samples.

        Chroma sizes are rounded up, as FFmpeg's `AV_CEIL_RSHIFT` does.
        """
        if self.model == "yuv" and component in (1, 2):
            return -(-height >> self.log2_h), -(-width >> self.log2_w)
        return height, width

    @property
    def samples(self) -> tuple[Model, bool, int, int, int, bool]:
        """What the format stores, apart from the layout: formats with equal `samples` can store the same picture."""
        return self.model, self.floating, self.depth, self.log2_w, self.log2_h, self.alpha

    @property
    def most(self) -> int:
        """The highest code value; 1 for floats."""
        return 1 if self.floating else 2**self.depth - 1


def _formats() -> dict[str, PixelFormat]:
    """The supported pixel formats, by FFmpeg's name."""
    found: list[PixelFormat] = []
    planar4 = ((0, 0), (1, 0), (2, 0), (3, 0))
    gbr4 = ((2, 0), (0, 0), (1, 0), (3, 0))
    subsampling = {"420": (1, 1), "422": (1, 0), "444": (0, 0)}

    def suffix(depth: int) -> str:
        return "" if depth == 8 else f"{depth}le"

    for depth in (8, 9, 10, 12, 14, 16):
        for name, (log2_w, log2_h) in subsampling.items():
            for letter, count in (("", 3), ("a", 4)):
                if letter and depth == 14:
                    continue  # FFmpeg has no yuva at 14 bit
                if letter and depth == 12 and name == "420":
                    continue  # nor yuva420p12
                found.append(
                    PixelFormat(
                        name=f"yuv{letter}{name}p{suffix(depth)}",
                        model="yuv",
                        depth=depth,
                        order=planar4[:count],
                        log2_w=log2_w,
                        log2_h=log2_h,
                    )
                )
        found.append(PixelFormat(name=f"gray{suffix(depth)}", model="gray", depth=depth, order=((0, 0),)))
        found.append(
            PixelFormat(name=f"gbrp{suffix(depth)}", model="rgb", depth=depth, order=gbr4[:3], full_range=True)
        )
        if depth != 9:
            found.append(
                PixelFormat(name=f"gbrap{suffix(depth)}", model="rgb", depth=depth, order=gbr4, full_range=True)
            )
    for name, (log2_w, log2_h) in subsampling.items():
        found.append(
            PixelFormat(
                name=f"yuvj{name}p", model="yuv", depth=8, order=planar4[:3], log2_w=log2_w, log2_h=log2_h,
                full_range=True,
            )
        )  # fmt: skip
    semi = ((0, 0), (1, 0), (1, 1))
    for name, depth, shift, sub in (
        ("nv12", 8, 0, "420"), ("nv16", 8, 0, "422"), ("nv24", 8, 0, "444"),
        ("p010le", 10, 6, "420"), ("p210le", 10, 6, "422"), ("p410le", 10, 6, "444"), ("p012le", 12, 4, "420"),
        ("p212le", 12, 4, "422"), ("p412le", 12, 4, "444"), ("p016le", 16, 0, "420"), ("p216le", 16, 0, "422"),
        ("p416le", 16, 0, "444"),
    ):  # fmt: skip
        log2_w, log2_h = subsampling[sub]
        found.append(
            PixelFormat(
                name=name, model="yuv", depth=depth, order=semi, layout="semi-planar", log2_w=log2_w, log2_h=log2_h,
                shift=shift,
            )
        )  # fmt: skip
    for name, depth, positions in (
        ("rgb24", 8, (0, 1, 2)), ("bgr24", 8, (2, 1, 0)), ("rgb0", 8, (0, 1, 2)), ("bgr0", 8, (2, 1, 0)),
        ("rgba", 8, (0, 1, 2, 3)), ("bgra", 8, (2, 1, 0, 3)), ("rgb48le", 16, (0, 1, 2)), ("bgr48le", 16, (2, 1, 0)),
        ("rgba64le", 16, (0, 1, 2, 3)),
    ):  # fmt: skip
        found.append(
            PixelFormat(
                name=name, model="rgb", depth=depth, order=tuple((0, p) for p in positions), layout="packed",
                full_range=True,
            )
        )  # fmt: skip
    found.append(PixelFormat(name="ya8", model="gray", depth=8, order=((0, 0), (0, 1)), layout="packed"))
    return {f.name: f for f in found}


PIXEL_FORMATS: dict[str, PixelFormat] = _formats()


def pixel_format(name: str) -> PixelFormat:
    """The `PixelFormat` of FFmpeg's name; raises `UnsupportedFormatError`.

    Files and pipes may hold further formats, which are read as one of these (`media.packings`);
    `media.pixel_formats.known` also names the format to convert to.
    """
    try:
        return PIXEL_FORMATS[name]
    except KeyError:
        raise UnsupportedFormatError(f"pixel format {name} is not supported") from None


def matrix_by_height(height: int) -> int:
    """The matrix assumed for untagged video: BT.709 (1) from 720 lines up, BT.601 (6) below."""
    return 1 if height >= 720 else 6


_MATRIX_NAMES = {
    0: "rgb", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco", 9: "bt2020nc",
    10: "bt2020c", 11: "smpte2085", 12: "chroma-derived-nc", 13: "chroma-derived-c", 14: "ictcp", 15: "ipt-c2",
    16: "ycgco-re", 17: "ycgco-ro",
}  # fmt: skip


def matrix_name(number: int) -> str:
    """A matrix by its number and FFmpeg's name, for messages."""
    name = _MATRIX_NAMES.get(number)
    return f"{number} (ITU-T H.273{f'; FFmpeg: {name}' if name else ''})"


@dataclass(frozen=True, kw_only=True)
class ColorTags:
    """Colour tags: ITU-T H.273 numbers, 2 = unspecified (range and siting: 0).

    `range`: 1 limited (MPEG), 2 full (JPEG). `siting` is FFmpeg's `AVCHROMA_LOC_*`: 1 left, 2 centre, 3 top-left,
    4 top, 5 bottom-left, 6 bottom.
    """

    matrix: int = 2
    range: int = 0
    transfer: int = 2
    primaries: int = 2
    siting: int = 0

    @property
    def hdr(self) -> str | None:
        """PQ or HLG by the transfer, else None."""
        return {16: "PQ", 18: "HLG"}.get(self.transfer)


@dataclass(frozen=True, kw_only=True)
class StreamInfo:
    """Properties of a video stream. Produced by `media.read.source`."""

    width: int
    height: int
    format: PixelFormat
    color: ColorTags
    time_base: Fraction
    frame_rate: Fraction | None
    """An estimate for encoders; never used to compute timestamps."""
    frames: int | None
    """Number of frames by the file's index, for progress only; None if no index counts them."""
    length: Fraction | None = None
    """Expected seconds from the first frame to the end, for progress only; None if unknown."""
    sar: Fraction
    """Sample aspect ratio; 0 when unknown."""
    rotation: int
    """Degrees counter-clockwise at which a player shows the stored picture."""
    field_order: FieldOrder
    codec: str


@dataclass(kw_only=True, eq=False)
class Frame:
    """One video frame. Produced by `media.read.source` and by the enhancer, consumed by `media.write.target`.

    `planes`: one (h, w) tensor of stored samples (`PixelFormat.dtype`, on any device) for each component in canonical
    order (Y Cb Cr [A], R G B [A], Y [A]); tensors may be strided views of the decoder's memory and are never written
    to. `pts` counts ticks of `time_base`. `carrier` is the decoder's frame, from which the encoder
    takes side data (captions, timecodes, HDR).
    """

    planes: "tuple[torch.Tensor, ...]"
    format: PixelFormat
    color: ColorTags
    pts: int
    time_base: Fraction
    field_order: FieldOrder = "progressive"
    sar: Fraction = Fraction(0)
    """Sample aspect ratio; 0 when unknown."""
    carrier: object = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if len(self.planes) != len(self.format.order):
            raise ValueError(
                f"{self.format.name}: expected {len(self.format.order)} components, got {len(self.planes)}"
            )
        for component, plane in enumerate(self.planes):
            expected = self.format.plane_size(component, self.width, self.height)
            if tuple(plane.shape) != expected or plane.dtype != self.format.dtype:
                raise ValueError(
                    f"component {component} of {self.format.name}: expected {expected} {self.format.dtype}, "
                    f"got {tuple(plane.shape)} {plane.dtype}"
                )

    @property
    def width(self) -> int:
        """Luma samples across."""
        return int(self.planes[0].shape[1])

    @property
    def height(self) -> int:
        """Luma samples down."""
        return int(self.planes[0].shape[0])

    def __repr__(self) -> str:
        return f"<Frame {self.width}x{self.height} {self.format.name} pts={self.pts} tb={self.time_base}>"
