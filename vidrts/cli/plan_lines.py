"""A `Plan` in lines: one before work, and all of it for -v."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vidrts.cli.words import counted, human_time
from vidrts.media import color_names

if TYPE_CHECKING:
    from vidrts.media.write.write_plan import StreamPlan, WritePlan
    from vidrts.plan import Plan


def headline(plan: "Plan") -> str:
    """Model, engine, device, precision, encoder with its quality, container."""
    written = plan.written
    encoder = f"encoder {written.encoder or 'none'} ({written.quality})"
    return f"{plan.target}: {_network(plan)}, {encoder}, container {written.container}"


def details(plan: "Plan") -> Iterator[str]:
    """Every other decision, a line each."""
    yield f"source {plan.source}: {_source(plan)}"
    for stream in plan.written.streams:
        language = "" if stream.language == "und" else f", {stream.language}"
        yield f"stream {stream.index}, {stream.type} {stream.codec}{language}: {_fate(stream, plan.written)}"
    yield f"tags: {_tags(plan)}"
    if plan.written.index_first:
        yield "index: in front (faststart), so that the file is written twice, the second time when all is encoded"
    if plan.computations:
        picture = plan.picture
        yield f"picture: scale {picture.scale}, strength {picture.strength:g}, chroma {picture.chroma}"
    for each in plan.computations:
        tile = "size found by trying" if each.tile is None else f"{each.tile[0]}x{each.tile[1]}"
        yield f"tiles on {each.device}: {tile}, batch {each.batch}"
    threads = plan.decode.threads or "automatic"
    frames = f"{counted(plan.workers)} at a time with {plan.worker_threads}"
    yield f"threads: network {frames} each, decoder and encoder {threads}"


def _network(plan: "Plan") -> str:
    if not plan.computations:
        return f"model {plan.model} not used (strength 0)"
    devices = ",".join(each.device for each in plan.computations)
    first = plan.computations[0]
    return f"model {plan.model}, engine {first.engine}, device {devices}, precision {first.precision}"


def _source(plan: "Plan") -> str:
    info, words = plan.info, []
    words.append(f"{info.codec} {info.format.name} {info.width}x{info.height}")
    if plan.frame_rate is not None:
        words.append(f"{float(plan.frame_rate):.3f} frames/s")
    if (frames := plan.frames) is not None:
        words.append(f"{'' if info.frames is not None else 'about '}{counted(frames)}")
    if info.length is not None:
        words.append(f"{human_time(float(info.length))} (m:ss)" if info.length >= 60 else f"{float(info.length):.3f} s")
    words.append(
        {"progressive": "progressive", "tff": "top field first", "bff": "bottom field first"}[info.field_order]
    )
    words.append("decoded by the GPU" if plan.hardware else "decoded in software")
    if plan.decode.filters is not None:
        words.append(f"as -vf {plan.decode.filters} makes it")
    return ", ".join(words)


def _fate(stream: "StreamPlan", written: "WritePlan") -> str:
    if stream.fate == "enhanced":
        settings = " ".join(f"{key}={value}" for key, value in written.settings.items())
        encoder = f"{written.encoder or written.container}{f' ({settings})' if settings else ''}"
        return f"enhanced, {encoder}, {written.width}x{written.height} {written.format}"
    if stream.fate == "converted":
        return f"converted to {stream.detail}"
    return f"{stream.fate}: {stream.detail}" if stream.detail else stream.fate


def _tags(plan: "Plan") -> str:
    info, color = plan.info, plan.written.color
    words = [f"{fact} {color_names.word(fact, getattr(color, fact))}" for fact in color_names.FACTS]
    words.append(f"sample aspect ratio {f'{info.sar.numerator}:{info.sar.denominator}' if info.sar else 'unspecified'}")
    if info.rotation:
        words.append(f"rotation {info.rotation} degrees")
    if color.hdr:
        words.append(color.hdr)
    return ", ".join(words)
