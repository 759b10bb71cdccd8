"""Frames in, enhanced frames out: planes -> R'G'B' -> network and tail -> residual write-back.

enhancer = Enhancer(load_model("rts-r3"), EnhancerOptions(device="cpu"))
enhanced = enhancer([frame])
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from vidrts import colorplan
from vidrts.colorplan import ColorPlan
from vidrts.errors import OptionError, UnsupportedFormatError
from vidrts.frame import ColorTags, FieldOrder, Frame, PixelFormat
from vidrts.networks.checkpoint import LoadedModel
from vidrts.networks.upscaler import Upscaler
from vidrts.picture import banded_color
from vidrts.picture.cuda_graph import CUDAGraphRunner, Planes
from vidrts.picture.device import pick_device, pick_precision
from vidrts.picture.options import CHROMA as CHROMA
from vidrts.picture.options import SMALLEST as SMALLEST
from vidrts.picture.options import Chroma as Chroma
from vidrts.picture.options import EnhancerOptions as EnhancerOptions
from vidrts.picture.tiled_upscaler import TiledUpscaler, inside


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
