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
from vidrts.messages import Once, Tell, ignore
from vidrts.networks.checkpoint import LoadedModel, ModelInfo
from vidrts.networks.network import Network
from vidrts.networks.spec import NetworkSpec
from vidrts.picture import banded_color
from vidrts.picture.computation import Computation
from vidrts.picture.cuda_graph import CUDAGraphRunner, Planes
from vidrts.picture.device import pick_device
from vidrts.picture.engines.choice import pick_precision
from vidrts.picture.options import SMALLEST, EnhancerOptions
from vidrts.picture.tiled_upscaler import TiledUpscaler


class Enhancer:
    """Enhances frames of any supported pixel format; one for each stream and device, not thread-safe.

    Raises `OptionError` for a scale that the network does not offer or was not trained for, for detail where there is
    none to choose, and for --chroma sharpen with one that was trained on luma alone (of a network without a file: one
    that takes luma alone). `on_message` gets, once each, lines about colour assumed for untagged frames, memory that
    ran out and an engine that cannot be used. `between_tiles`: on a CPU, called between the tiles of a picture; what it
    raises ends the call, so that a large one can be stopped.
    """

    def __init__(
        self,
        model: LoadedModel | Network,
        options: EnhancerOptions | None = None,
        *,
        on_message: Tell = ignore,
        between_tiles: Callable[[], None] = lambda: None,
    ) -> None:
        self.options = options = options or EnhancerOptions()
        title, network, trained_on_luma = (
            (model.title, model.network, model.info.colour == "luma")
            if isinstance(model, LoadedModel)
            else (type(model).__name__, model, model.sees_luma_alone)
        )
        spec = network.spec
        scales = model.info.scales(spec) if isinstance(model, LoadedModel) else spec.scales
        if options.scale not in scales:
            raise OptionError(f"{title}: expected scale {' or '.join(map(str, scales))}, got {options.scale}")
        if options.chroma == "sharpen" and (trained_on_luma or network.sees_luma_alone):
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
            amplitude=_amplitude(title, spec, model.info if isinstance(model, LoadedModel) else None, options),
            noise=options.noise,
            seed=int(options.noise_seed),
            on_message=self._on_message,
            between_tiles=between_tiles,
        )
        self._graph_runner = CUDAGraphRunner(self.device, self._on_message) if self.device.type == "cuda" else None
        self._plans: dict[tuple[ColorTags, PixelFormat, int, FieldOrder], ColorPlan] = {}

    def computation(self, height: int, width: int) -> Computation | None:
        """How pictures of this size are computed; None where they are returned as they are."""
        if self.options.strength == 0 and self.options.scale == 1:
            return None
        return self._upscaler.computation(height, width)

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


def _amplitude(title: str, spec: NetworkSpec, info: ModelInfo | None, options: EnhancerOptions) -> float:
    """W, the amplitude of the noise."""
    detail, given = options.detail, options.noise_amplitude
    if detail is None and given is None:
        return 0.0
    name = "detail" if given is None else "noise amplitude"
    if not spec.noise:
        raise OptionError(f"{title}: its network has no noise input, which {name} would control; use another model")
    if options.scale == 1 and 1 not in spec.reach:
        raise OptionError(
            f"{title}: {name} at scale 1 would do next to nothing: the network adds detail to the enlarged picture, "
            "and halving takes it away; use --scale 2 (scale=2 in Python)"
        )
    if given is not None:
        return float(given)
    if detail and not (info and info.detail):
        raise OptionError(
            f"{title}: not calibrated, so what detail means is not known; run `vidrts calibrate {title}`, or give "
            "--noise-amplitude (noise_amplitude in Python)"
        )
    return float(info.amplitude(detail)) if detail and info else 0.0


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
