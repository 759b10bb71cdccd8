"""Frames in, enhanced frames out: planes -> R'G'B' -> network and tail -> residual write-back.

enhancer = Enhancer(load_model("rts-r3"), EnhancerOptions(device="cpu"))
enhanced = enhancer([frame])
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Rational, Real
from typing import Literal

import torch

from vidrts import colorplan
from vidrts.colorplan import ColorPlan
from vidrts.errors import OptionError, UnsupportedFormatError
from vidrts.frame import ColorTags, FieldOrder, Frame, PixelFormat
from vidrts.messages import Once, Tell
from vidrts.networks.checkpoint import LoadedModel
from vidrts.networks.network import Network
from vidrts.networks.spec import FACTORS
from vidrts.picture import banded_color
from vidrts.picture.cuda_graph import CUDAGraphRunner, Planes
from vidrts.picture.device import PRECISIONS, Precision, pick_device, pick_precision
from vidrts.picture.engines.choice import ENGINES, EngineName
from vidrts.picture.tiled_upscaler import TiledUpscaler

Chroma = Literal["keep", "sharpen"]
CHROMA: tuple[Chroma, ...] = ("keep", "sharpen")
SMALLEST = 16
"""Pixels; the smallest width and height that are enhanced."""


@dataclass(frozen=True, kw_only=True)
class EnhancerOptions:
    """How pictures are enhanced. Checked when made; raises `OptionError`."""

    scale: int = 1
    """1, 2, 4 or 8, as the model offers. 1 is the source's size: what a same-size network gives, d(SR(x)) of one that
    doubles; the others are SR(x)."""
    strength: float = 1.0
    """x + strength * (d(SR(x)) - x), 0..2: 1 is the natural setting, 2 for more, 0.5 for less. 0 gives the source bit
    for bit (at other scales than 1 enlarged by Lanczos)."""
    chroma: Chroma = "keep"
    """keep: only luma changes, chroma is the source's (at other scales than 1 enlarged by Lanczos); R', G' and B'
    change alike. sharpen: the network's chroma is written, too."""
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
    noise_seed: int = 0
    """Of networks that take noise: a place in the picture gets the same noise with the same seed."""

    def __post_init__(self) -> None:
        _check("scale", self.scale, "1, 2, 4 or 8", _integer(self.scale) and self.scale in FACTORS)
        _check("strength", self.strength, "0 to 2", _real(self.strength) and 0 <= self.strength <= 2)
        _check_name("chroma", self.chroma, CHROMA)
        _check_name("precision", self.precision, PRECISIONS)
        _check_name("engine", self.engine, ENGINES)
        _check("device", self.device, "auto, cpu, cuda or cuda:N", isinstance(self.device, str))
        sides: tuple[object, ...] = self.tile if isinstance(self.tile, tuple) else ()
        pair = len(sides) == 2 and all(_integer(side) and side >= SMALLEST for side in sides)  # type: ignore[operator]
        word = isinstance(self.tile, str) and self.tile in ("auto", "none")
        _check("tile", self.tile, f"auto, none or (width, height), at least {SMALLEST}x{SMALLEST}", pair or word)
        _check("batch", self.batch, "0 (automatic) to 1024", _integer(self.batch) and 0 <= self.batch <= 1024)
        seed = _integer(self.noise_seed) and self.noise_seed >= 0
        _check("noise_seed", self.noise_seed, "a whole number from 0", seed)


def _check(name: str, got: object, expected: str, fits: bool) -> None:
    if not fits:
        raise OptionError(f"{name}: expected {expected}, got {got!r}")


def _check_name(name: str, got: object, known: Sequence[str]) -> None:
    _check(name, got, f"{', '.join(known[:-1])} or {known[-1]}", isinstance(got, str) and got in known)


def _integer(value: object) -> bool:
    """True and False are integers to Python; numpy's integers are none, but count as such."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def _real(value: object) -> bool:
    """A float or an integer, numpy's, too; no `Fraction`, which torch does not multiply by."""
    return _integer(value) or (isinstance(value, Real) and not isinstance(value, Rational))


class Enhancer:
    """Enhances frames of any supported pixel format; one for each stream and device, not thread-safe.

    Raises `OptionError` for a scale that the network does not offer, and for --chroma sharpen with one that was trained
    on luma alone (of a network without a file: one that takes luma alone). `on_message` gets, once each, lines about
    colour assumed for untagged frames, memory that ran out and an engine that cannot be used.
    """

    def __init__(
        self,
        model: LoadedModel | Network,
        options: EnhancerOptions | None = None,
        *,
        on_message: Tell = lambda line: None,
    ) -> None:
        self.options = options = options or EnhancerOptions()
        title, network, trained_on_luma = (
            (model.title, model.network, model.info.colour == "luma")
            if isinstance(model, LoadedModel)
            else (type(model).__name__, model, model.blur_level is not None)
        )
        spec = network.spec
        if options.scale not in spec.scales:
            offered = " or ".join(map(str, spec.scales))
            raise OptionError(f"{title}: offers scale {offered}, got {options.scale}; use --scale {spec.scales[0]} "
                              f"(scale={spec.scales[0]} in Python) or another model")  # fmt: skip
        if options.chroma == "sharpen" and (trained_on_luma or spec.channels == "luma"):
            raise OptionError(
                f'{title}: trained on luma alone, cannot sharpen chroma; use --chroma keep (chroma="keep" in Python)'
            )
        self._keep = options.chroma == "keep"
        self.device = pick_device(options.device)
        self.precision = pick_precision(options.precision, self.device)
        self._on_message = Once(on_message)
        self._upscaler = TiledUpscaler(
            network,
            self.device,
            self.precision,
            scale=int(options.scale),
            luma=self._keep,
            tile="fastest" if options.tile == "auto" else options.tile,
            batch=options.batch,
            engine=options.engine,
            seed=int(options.noise_seed),
            on_message=self._on_message,
        )
        self._graph_runner = CUDAGraphRunner(self.device, self._on_message) if self.device.type == "cuda" else None
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
                    f"picture size {frame.width}x{frame.height}: expected at least {SMALLEST}x{SMALLEST} pixels"
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
                "interlaced frames cannot be enlarged field by field: their lines would no longer fit together; "
                f"deinterlace them (--interlaced auto) for --scale {self.options.scale}"
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
            if line:
                self._on_message(line)
            self._plans[key] = colorplan.plan(tags, frame.format, field=field, keep=self._keep).to(self.device)
        return self._plans[key]

    @torch.inference_mode()
    def _pictures(self, pictures: Sequence[Planes], plans: Sequence[ColorPlan]) -> list[Planes]:
        """Planes of pictures of one size -> their enhanced planes, on the CPU."""
        if self._graph_runner is None:
            return self._computed(pictures, plans)
        # Plans are kept as long as the enhancer lives, so that their ids identify them.
        return self._graph_runner(
            pictures, lambda planes: self._computed(planes, plans), tuple(id(plan) for plan in plans)
        )

    def _computed(self, pictures: Sequence[Planes], plans: Sequence[ColorPlan]) -> list[Planes]:
        """The same, all on the device where the planes are; it waits for nothing, so that it can be captured."""
        height, width = pictures[0][0].shape
        extended = self._upscaler.extended(len(pictures), height, width)
        for planes, plan, picture in zip(pictures, plans, extended.pictures, strict=True):
            banded_color.read(planes, plan, picture, luma=self._upscaler.sees_luma_alone)
        results = self._upscaler.upscale(extended)
        return [
            banded_color.write_back(*each, strength=self.options.strength, scale=self.options.scale)
            for each in zip(pictures, extended.pictures, results, plans, strict=True)
        ]


def _field(frame: Frame, first: int) -> Planes:
    """Every other row of the planes from `first` on. Where luma's field has more rows than chroma's can serve (486 rows
    of 4:2:0: 243 and, of the lower field, 121) chroma's last one is there twice."""
    luma, *others = (plane[first::2] for plane in frame.planes)
    planes = [luma]
    for component, plane in enumerate(others, 1):
        rows, _ = frame.format.plane_size(component, *reversed(luma.shape))
        missing = rows - plane.shape[0]
        planes.append(torch.cat((plane, plane[-1:].expand(missing, -1))) if missing else plane)
    return tuple(planes)
