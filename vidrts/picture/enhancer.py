"""Frames in, enhanced frames out: planes -> R'G'B' -> network and tail -> residual write-back.

enhancer = Enhancer(load_model("rts-r3"), EnhancerOptions(device="cpu"))
enhanced = enhancer([frame])
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Rational, Real
from typing import Literal

import torch

from vidrts import colorplan
from vidrts.colorplan import ColorPlan
from vidrts.errors import OptionError, UnsupportedFormatError
from vidrts.frame import ColorTags, FieldOrder, Frame, PixelFormat
from vidrts.networks.checkpoint import LoadedModel
from vidrts.networks.upscaler import Upscaler
from vidrts.picture import banded_color
from vidrts.picture.cuda_graph import CUDAGraphRunner, Planes
from vidrts.picture.device import PRECISIONS, Precision, pick_device, pick_precision
from vidrts.picture.engines.choice import ENGINES, EngineName
from vidrts.picture.tiled_upscaler import TiledUpscaler, inside

Chroma = Literal["keep", "sharpen"]
CHROMA: tuple[Chroma, ...] = ("keep", "sharpen")
SMALLEST = 16
"""Pixels; the smallest width and height that are enhanced."""


@dataclass(frozen=True, kw_only=True)
class EnhancerOptions:
    """How pictures are enhanced. Checked when made; raises `OptionError`."""

    scale: int = 1
    """1 gives d(SR(x)) at the source's size, 2 gives SR(x) at twice the size."""
    strength: float = 1.0
    """x + strength * (d(SR(x)) - x), 0..2: 1 is the natural setting, 2 for more, 0.5 for less. 0 gives the source bit
    for bit (Lanczos 2x at scale 2)."""
    chroma: Chroma = "keep"
    """keep: only luma changes, chroma is the source's (Lanczos 2x at scale 2); R', G' and B' change alike. sharpen:
    the network's chroma is written, too."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N; a `Workers` also takes several GPUs, cuda:0,cuda:1."""
    precision: Precision = "auto"
    """Of the residual branch: auto (bf16 where the device computes it natively), fp32, bf16, fp16, int8 (CPU alone)."""
    engine: EngineName = "auto"
    """What computes the residual branch: auto (OpenVINO on a CPU, torch elsewhere), torch, openvino."""
    tile: tuple[int, int] | Literal["auto", "none"] = "auto"
    """(width, height) in pixels, "none" for whole pictures."""
    batch: int = 0
    """Tiles per pass; 0 = as the device likes. Does not change the result."""

    def __post_init__(self) -> None:
        _check("scale", self.scale, "1 or 2", _whole(self.scale) and self.scale in (1, 2))
        _check("strength", self.strength, "0 to 2", _real(self.strength) and 0 <= self.strength <= 2)
        _check_name("chroma", self.chroma, CHROMA)
        _check_name("precision", self.precision, PRECISIONS)
        _check_name("engine", self.engine, ENGINES)
        _check("device", self.device, "auto, cpu, cuda or cuda:N", isinstance(self.device, str))
        sides: tuple[object, ...] = self.tile if isinstance(self.tile, tuple) else ()
        pair = len(sides) == 2 and all(_whole(side) and side >= SMALLEST for side in sides)  # type: ignore[operator]
        word = isinstance(self.tile, str) and self.tile in ("auto", "none")
        _check("tile", self.tile, f"auto, none or (width, height), at least {SMALLEST}x{SMALLEST}", pair or word)
        _check("batch", self.batch, "0 (automatic) to 1024", _whole(self.batch) and 0 <= self.batch <= 1024)


def _check(name: str, got: object, expected: str, fits: bool) -> None:
    if not fits:
        raise OptionError(f"{name}: expected {expected}, got {got!r}")


def _check_name(name: str, got: object, known: Sequence[str]) -> None:
    _check(name, got, f"{', '.join(known[:-1])} or {known[-1]}", isinstance(got, str) and got in known)


def _whole(value: object) -> bool:
    """True and False are integers to Python; numpy's integers are none, but count as such."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def _real(value: object) -> bool:
    """A float or an integer, numpy's, too; no `Fraction`, which torch does not multiply by."""
    return _whole(value) or (isinstance(value, Real) and not isinstance(value, Rational))


class Enhancer:
    """Enhances frames of any supported pixel format; one for each stream and device, not thread-safe.

    A network alone is taken to be trained on R'G'B', unless it is told blur levels; of one trained on luma alone
    `OptionError` says that it cannot sharpen chroma. `on_message` hears, once each, what colour was assumed for
    untagged frames, of memory that ran out and of an engine that cannot be used.
    """

    def __init__(
        self,
        model: LoadedModel | Upscaler,
        options: EnhancerOptions | None = None,
        *,
        on_message: Callable[[str], None] = lambda line: None,
    ) -> None:
        options = options or EnhancerOptions()
        title, model, blind = (
            (model.title, model.network, model.info.colour == "luma")
            if isinstance(model, LoadedModel)
            else (type(model).__name__, model, model.blur_level is not None)
        )
        if blind and options.chroma == "sharpen":
            raise OptionError(
                f'{title}: trained on luma alone, cannot sharpen chroma; use --chroma keep (chroma="keep" in Python)'
            )
        self.options = options
        self._keep = options.chroma == "keep"
        self.device = pick_device(options.device)
        self.precision = pick_precision(options.precision, self.device)
        self._resolver = TiledUpscaler(
            model,
            self.device,
            self.precision,
            scale=2 if options.scale == 2 else 1,
            luma=self._keep,
            tile="fastest" if options.tile == "auto" else options.tile,
            batch=options.batch,
            engine=options.engine,
            on_message=on_message,
        )
        self._graph_runner = CUDAGraphRunner(self.device, on_message) if self.device.type == "cuda" else None
        self._on_message = on_message
        self._said: set[str] = set()
        self._plans: dict[tuple[ColorTags, PixelFormat, int, FieldOrder], ColorPlan] = {}

    def __call__(self, frames: Sequence[Frame]) -> list[Frame]:
        """Enhanced frames with the same pts, tags and carrier, in order; frames of one call share one size.

        Interlaced frames (field_order tff or bff) have each field enhanced as a picture. Raises
        `UnsupportedFormatError` for a size under 16x16 or a colour matrix that is not supported.
        """
        if self.options.strength == 0 and self.options.scale == 1:
            return list(frames)
        for frame in frames:
            rows = frame.height // (1 if frame.field_order == "progressive" else 2)
            if min(frame.width, rows) < SMALLEST:
                raise UnsupportedFormatError(
                    f"picture size {frame.width}x{frame.height}: wanted at least {SMALLEST}x{SMALLEST} pixels"
                    + ("" if frame.field_order == "progressive" else " in each field")
                )
        if any(frame.field_order != "progressive" for frame in frames):
            return [self._fields(frame) for frame in frames]
        outputs = self._pictures([frame.planes for frame in frames], [self._plan(frame) for frame in frames])
        return [replace(frame, planes=planes) for frame, planes in zip(frames, outputs, strict=True)]

    def _fields(self, frame: Frame) -> Frame:
        """Each field alone, then woven again."""
        if self.options.scale != 1:
            raise UnsupportedFormatError(
                "interlaced frames are not doubled field by field: their lines would no longer fit together; "
                "deinterlace (--interlaced auto) for --scale 2"
            )
        parities: tuple[tuple[int, FieldOrder], ...] = ((0, "tff"), (1, "bff"))
        fields = [self._pictures([_field(frame, first)], [self._plan(frame, parity)])[0] for first, parity in parities]
        written = self._plan(frame, "tff").written
        woven = []
        for top, bottom, like in list(zip(*fields, frame.planes, strict=True))[:written]:
            plane = torch.empty_like(like, memory_format=torch.contiguous_format)
            for first, part in enumerate((top, bottom)):
                rows = plane[first::2]
                rows.copy_(part[: rows.shape[0]])
            woven.append(plane)
        return replace(frame, planes=(*woven, *frame.planes[written:]))

    def _plan(self, frame: Frame, field: FieldOrder = "progressive") -> ColorPlan:
        key = (frame.color, frame.format, frame.height, field)
        if key not in self._plans:
            tags, line = colorplan.assume(frame.color, frame.format, frame.height)
            if line and line not in self._said:
                self._said.add(line)
                self._on_message(line)
            self._plans[key] = colorplan.plan(tags, frame.format, field=field, keep=self._keep).to(self.device)
        return self._plans[key]

    @torch.inference_mode()
    def _pictures(self, pictures: Sequence[Planes], plans: Sequence[ColorPlan]) -> list[Planes]:
        """Planes of pictures of one size -> their enhanced planes, on the CPU."""
        if self._graph_runner is None:
            return self._computed(pictures, plans)
        # Plans are kept for as long as the enhancer lives, so that their identities say what they are.
        return self._graph_runner(
            pictures, lambda planes: self._computed(planes, plans), tuple(id(plan) for plan in plans)
        )

    def _computed(self, pictures: Sequence[Planes], plans: Sequence[ColorPlan]) -> list[Planes]:
        """The same, all on the device where the planes are; it waits for nothing, so that it can be captured."""
        height, width = pictures[0][0].shape
        with_border = self._resolver.bordered(len(pictures), height, width)
        rgb = inside(with_border, self._resolver.halo)
        for planes, plan, picture in zip(pictures, plans, rgb, strict=True):
            banded_color.read(planes, plan, picture, luma=self._resolver.sees_luma_alone)
        resolved = self._resolver.resolve(with_border)
        return [
            banded_color.write_back(*each, strength=self.options.strength, scale=self.options.scale)
            for each in zip(pictures, rgb, resolved, plans, strict=True)
        ]


def _field(frame: Frame, first: int) -> Planes:
    """Every other row of the planes from `first` on. Where luma's field has more rows than chroma's can serve (486 rows
    of 4:2:0: 243 and, of the lower field, 121) chroma's last one is there twice."""
    luma, *others = (plane[first::2] for plane in frame.planes)
    planes = [luma]
    for component, plane in enumerate(others, 1):
        wanted, _ = frame.format.plane_size(component, *reversed(luma.shape))
        missing = wanted - plane.shape[0]
        planes.append(torch.cat((plane, plane[-1:].expand(missing, -1))) if missing else plane)
    return tuple(planes)
