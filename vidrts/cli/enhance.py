"""`vidrts enhance IN... OUT`."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from vidrts.checks import THREADS
from vidrts.cli import interrupt, many
from vidrts.cli.common import (
    CHROMA_MODE,
    DEBUG,
    DEVICES,
    ENGINE,
    MODEL_HELP,
    NOISE,
    PRECISION,
    QUIET,
    SCALE,
    VERBOSE,
    complete_model,
    was_given,
)  # fmt: skip
from vidrts.cli.ffmpeg_options import (
    AUDIO_BIT_RATE,
    FILTERS,
    FRAMES,
    METADATA,
    MUXER_FLAGS,
    FFmpegLike,
    metadata_options,
)
from vidrts.cli.log import LOG
from vidrts.cli.long_jobs import LONG_JOBS, long_job_options, segments_of
from vidrts.cli.malloc import keep_freed_memory
from vidrts.cli.parsing import BIT_RATE, LANGUAGES, PAIR, RATE, TILE, TIME, Named
from vidrts.cli.pipes import COLOR, RAW, color_options
from vidrts.cli.progress import ProgressReport
from vidrts.cli.progress_format import PROGRESS, ProgressFormat, check_apart
from vidrts.media import color_names
from vidrts.media.output_formats import FFMPEG_NAMES, FRAME_FORMATS, PIPE_FORMATS
from vidrts.media.pictures.formats import DEFAULT_QUALITY, is_one_picture
from vidrts.media.read.options import INTERLACED, DecodeOptions
from vidrts.media.write.encoders import ENCODERS
from vidrts.media.write.options import EncodeOptions
from vidrts.networks.names import AUTO
from vidrts.networks.shipped import find_model
from vidrts.options import EnhanceOptions
from vidrts.picture.options import EnhancerOptions
from vidrts.segments.options import refuse_pipes

if TYPE_CHECKING:
    from vidrts.progress import Summary

_RUN, _PICTURE, _DECODE, _ENCODE = EnhanceOptions(), EnhancerOptions(), DecodeOptions(), EncodeOptions()


_SECTIONS = {
    "Input and time": (
        "named", "start", "end", "duration", "frames", "stream", "interlaced", "filters", "hwaccel", "strict",
    ),
    "Long jobs": LONG_JOBS,
    "Many files (OUT is a directory)": ("recursive", "suffix", "extension"),
    "Picture": (
        "model", "strength", "chroma", "scale", "detail", "noise", "noise_amplitude", "device", "engine", "precision",
        "tile", "batch",
    ),
    "Video encoding": (
        "video_codec", "crf", "bit_rate", "preset", "tune", "pixel_format", "options",
    ),
    "Pictures": ("quality", "framerate", "start_number"),
    "Pipes (IN or OUT is -)": ("raw", "format", "low_latency"),
    "Colour of the input": COLOR,
    "Audio and other streams": (
        "audio_codec", "audio_bit_rate", "audio_languages", "subtitle_languages", "no_audio", "no_subtitles",
        "metadata", "muxer_flags",
    ),
    "Output and messages": (
        "overwrite", "force", "threads", "dry_run", "progress", "no_progress", "log_file", "quiet", "verbose", "debug",
    ),
}  # fmt: skip
_QUALITIES = [(encoder.name, encoder.default_quality) for encoder in ENCODERS.values()]


@click.command(cls=FFmpegLike, sections=_SECTIONS, tables={"Default quality (visually lossless)": _QUALITIES})
@click.argument("paths", nargs=-1, metavar="IN... OUT", type=click.Path())
@click.option(
    "-i", "named", multiple=True, type=click.Path(), metavar="IN", help="Input, as in ffmpeg; only OUT follows then."
)
@click.option("-ss", "start", type=TIME, help="Start at this time; the output starts at 0.")
@click.option("-to", "end", type=TIME, help="Stop at this time of the input.")
@click.option("-t", "duration", type=TIME, help="Stop after this much time.")
@click.option("--stream", metavar="N|v:N", help="Video stream to enhance (ffprobe's index); others are copied.")
@click.option(
    "--interlaced", type=click.Choice(INTERLACED), default=_DECODE.interlaced, show_default=True,
    help="auto: deinterlace (bwdif) at frame rate; keep: enhance each field as a picture.",
)  # fmt: skip
@click.option(
    "--hwaccel", default=_DECODE.hwaccel, show_default=True, metavar="none|auto|cuda[:N]",
    help="Hardware decoder; cuda: NVDEC, with software for streams that it does not support.",
)  # fmt: skip
@FRAMES
@FILTERS
@click.option("--strict", is_flag=True, help="Fail on damaged input instead of warning.")
@click.option("--raw", type=RAW, metavar="WxH:PIXFMT@RATE", help="Read raw video in this format from stdin.")
@click.option(
    "-f", "format", type=Named([*FRAME_FORMATS, *PIPE_FORMATS], FFMPEG_NAMES),
    help="Format written to stdout; default: the format read from stdin.",
)  # fmt: skip
@click.option("--low-latency", is_flag=True, help="Output each frame as soon as possible; costs speed and compression.")
@color_options
@long_job_options
@click.option("-r", "--recursive", is_flag=True, help="What sub-directories of IN hold, too.")
@click.option(
    "--suffix", callback=many.checked_suffix, metavar="TEXT", help="Add this to the names, before the extension."
)
@click.option(
    "--ext", "extension", callback=many.checked_extension, metavar="EXT",
    help="Container of all videos, or format of all pictures; default: the source's, else mkv or png.",
)  # fmt: skip
@click.option(
    "--model", default=_RUN.model, show_default=True, metavar="NAME|FILE", shell_complete=complete_model,
    help=f"{MODEL_HELP}.",
)  # fmt: skip
@click.option(
    "--strength", type=click.FloatRange(0, 2), default=_PICTURE.strength, show_default=True,
    metavar="0..2",
    help="Amount of enhancement: 1 is natural, 2 is twice and 0.5 half as much; 0 returns the source (deinterlaced; "
    "enlarged by Lanczos where --scale is not 1).",
)  # fmt: skip
@CHROMA_MODE
@SCALE
@click.option(
    "--detail", type=click.FloatRange(0, 1), metavar="0..1",
    help="With models that take noise, at --scale 2, 4 or 8: 0 is faithful (default), 1 has all the detail that the "
    "model makes up.",
)  # fmt: skip
@NOISE
@click.option(
    "--noise-amplitude", type=click.FloatRange(0, 1), metavar="W",
    help="Amplitude of the noise itself, instead of --detail.",
)  # fmt: skip
@DEVICES
@ENGINE
@PRECISION
@click.option(
    "--tile", type=TILE, default=_PICTURE.tile, show_default=True, metavar="auto|none|WxH",
    help="Tile size; does not change the result.",
)  # fmt: skip
@click.option(
    "--batch", type=click.IntRange(0, 1024), default=_PICTURE.batch, show_default=True,
    metavar="N", help="Tiles per pass; 0: automatic. Does not change the result.",
)  # fmt: skip
@click.option("-c:v", "video_codec", metavar="CODEC", help="Video encoder; default: by the source's codec.")
@click.option("-crf", type=float, help="Constant quality; defaults below.")
@click.option("-b:v", "bit_rate", type=BIT_RATE, help="Bit rate, instead of constant quality.")
@click.option("-preset", metavar="NAME", help="Encoder preset.")
@click.option("-tune", metavar="NAME", help="Encoder tuning.")
@click.option("-pix_fmt", "pixel_format", metavar="NAME", help="Pixel format; default: the source's.")
@click.option("-e", "options", type=PAIR, multiple=True, help="Any encoder option; may be repeated.")
@click.option(
    "--quality", type=click.IntRange(1, 100), metavar="1..100",
    help=f"Of JPEG and WebP; default: {DEFAULT_QUALITY}, and lossless WebP for lossless pictures.",
)  # fmt: skip
@click.option("-framerate", type=RATE, help="Frames/s of numbered pictures; default: 25.")
@click.option(
    "-start_number", type=click.IntRange(0), metavar="N", help="First number, or one of four more; default: 0."
)
@click.option("-c:a", "audio_codec", metavar="CODEC", help="Audio encoder; default: copy.")
@AUDIO_BIT_RATE
@click.option("--audio", "audio_languages", type=LANGUAGES, help="Keep only audio in these languages.")
@click.option("--subtitles", "subtitle_languages", type=LANGUAGES, help="Keep only subtitles in these languages.")
@click.option("--no-audio", is_flag=True, help="Leave out all audio.")
@METADATA
@MUXER_FLAGS
@click.option("--no-subtitles", is_flag=True, help="Leave out all subtitles.")
@click.option(
    "-y/-n", "overwrite", default=_ENCODE.overwrite,
    help="Overwrite OUT if vidrts made it, and any OUT file if IN is given by -i; default: refuse (directory: skip).",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite OUT, whatever it is.")
@click.option(
    "--threads", type=click.IntRange(0, THREADS), default=_DECODE.threads, show_default=True,
    metavar="N", help="Threads of decoder, network (on a CPU) and encoder; 0: automatic.",
)  # fmt: skip
@click.option(
    "--dry-run", is_flag=True,
    help="Decide all, print what -v says and about how long it takes, by a second of frames; write nothing.",
)  # fmt: skip
@click.option(
    "--progress", type=PROGRESS, default="auto", show_default=True, metavar="auto|none|json[:FD]|ffmpeg[:FD]",
    help="json: a line for each update; ffmpeg: as its -progress; to file descriptor FD, else to stderr.",
)  # fmt: skip
@click.option("--no-progress", is_flag=True, help="As --progress none.")
@LOG
@QUIET
@VERBOSE
@DEBUG
def enhance(
    paths: tuple[str, ...], named: tuple[str, ...], start: Fraction | None, end: Fraction | None,
    duration: Fraction | None, dry_run: bool, progress: ProgressFormat, no_progress: bool,
    quiet: bool, verbose: bool,
    **given: Any,
) -> None:  # fmt: skip
    """Sharpen every frame of the video or picture IN and write OUT; everything else in the file is kept.

    \b
    vidrts enhance in.mkv out.mkv
    vidrts enhance --model rts-lite --strength 0.7 -crf 18 -preset slow in.mp4 out.mp4
    vidrts enhance -ss 1:00 -t 10 in.mkv sample.mkv
    vidrts enhance photo.jpg out.jpg
    vidrts enhance a.mkv b.mp4 sharp/
    vidrts enhance -r films sharp/
    vidrts enhance --resume film.mkv out.mkv
    ffmpeg -i in.mp4 -f yuv4mpegpipe - | vidrts enhance - - | ffmpeg -i - out.mp4

    IN is a file, a URL (http, https, rtsp, rtmp) or - (stdin). OUT is - (stdout) or a file whose extension selects
    the container: mp4, mov, mkv, webm or ts, or a picture: png, jpg, tif or webp.
    OUT is a directory for several files and for the videos and pictures of a directory; they keep their names, what is
    there already is not made again, and one that fails does not stop the others.
    An OUT that exists is replaced by -y if vidrts made it, so that `vidrts enhance -y *.mp4` overwrites no film; by
    --force whatever it is.
    Audio, subtitles, attachments, chapters and tags are kept; a warning names what the container does not support.
    Times are [HH:]MM:SS[.m] or seconds.
    """
    if not named:
        if len(paths) < 2:
            raise click.UsageError(f"expected IN and OUT, got {len(paths)} file names.")
        *sources, target = paths
    else:
        if len(named) != 1:
            raise click.UsageError(f"expected one -i IN, got {len(named)}.")
        if len(paths) != 1:
            raise click.UsageError(f"expected only OUT after -i IN, got {len(paths)} file names.")
        sources, (target,) = list(named), paths
    if duration is not None:
        if end is not None:
            raise click.UsageError("-to and -t are mutually exclusive.")
        end = (start or Fraction(0)) + duration
    if given["bit_rate"] is not None and given["crf"] is not None:
        raise click.UsageError("-b:v and -crf are mutually exclusive.")
    if no_progress:
        if progress.kind != "auto":
            raise click.UsageError("--progress and --no-progress are mutually exclusive.")
        progress = ProgressFormat("none")
    if quiet and verbose:
        raise click.UsageError("-q and -v are mutually exclusive.")
    check_apart(progress, target)
    if None not in (given["detail"], given["noise_amplitude"]):
        raise click.UsageError("--detail and --noise-amplitude are mutually exclusive.")
    if end is not None and end <= (start or 0):
        raise click.UsageError(f"expected an end after the start at {float(start or 0)} s, got {float(end)} s.")
    options = EnhanceOptions(
        model=given["model"],
        picture=EnhancerOptions(
            scale=int(given["scale"]),
            **{
                k: given[k]
                for k in (
                    "strength", "chroma", "detail", "noise", "noise_amplitude", "device", "engine", "precision", "tile",
                    "batch",
                )
            },
        ),
        decode=DecodeOptions(
            start=start, end=end, color=color_names.named(**{k: given[k] for k in COLOR}),
            **{k: given[k] for k in ("frames", "stream", "interlaced", "filters", "hwaccel", "threads", "strict", "raw",
                                      "low_latency", "framerate", "start_number")},
        ),
        encode=EncodeOptions(
            audio=not given["no_audio"],
            subtitles=not given["no_subtitles"],
            options=dict(given["options"]),
            **metadata_options(given["metadata"]),
            overwrite=given["overwrite"] or given["force"],
            own_only=not (named or given["force"]),
            **{
                k: given[k]
                for k in (
                    "video_codec", "audio_codec", "audio_bit_rate", "muxer_flags", "crf", "bit_rate", "preset", "tune",
                    "pixel_format", "threads",
                    "audio_languages", "subtitle_languages", "format", "low_latency", "quality",
                )
            },
        ),
    )  # fmt: skip
    segments = segments_of(given)
    if segments is not None:
        for source in sources:
            refuse_pipes(source, target)
    if options.model != AUTO:
        find_model(options.model)  # a mistyped name is told before torch is loaded
    with interrupt.exit_immediately():
        batch = many.planned(
            sources, target, options, force=given["force"], tell=partial(many.tell, quiet=quiet),
            **{k: given[k] for k in ("recursive", "suffix", "extension")},
        )  # fmt: skip
    if batch is not None and segments is not None:
        batch.sweep()
    if batch is not None and batch.is_done:
        batch.finish(quiet=quiet)
        return
    targets = [target] if batch is None else [str(job.target) for job in batch.jobs]
    if not any(map(is_one_picture, targets)):  # a large one needs what reading it took for writing
        keep_freed_memory()
    from vidrts.cli import guardian

    with guardian.guarded():
        with interrupt.exit_immediately(guardian.dismiss):  # loading takes seconds, and nothing is to be kept yet
            import torch

            from vidrts.dry_run import dry_run as run_dry
            from vidrts.pipeline import check
            from vidrts.pipeline import enhance as run_enhance
            from vidrts.segments.run import enhance_in_segments
        if given["threads"]:
            torch.set_num_threads(given["threads"])
        with (
            interrupt.deferred() as stop_signal,
            ProgressReport(progress, quiet=quiet, verbose=verbose or dry_run) as report,
        ):
            run: Callable[..., Summary] = partial(enhance_in_segments, how=segments) if segments else run_enhance
            run_one = partial(run, on_plan=report.plan, on_progress=report.frame, stop_signal=stop_signal)
            estimate_one = partial(run_dry, on_plan=report.plan, stop_signal=stop_signal)
            if batch is not None:
                check(options)
                one = estimate_one if dry_run else run_one
                batch.run(one, options, report, stop_signal, debug=was_given("debug"))
            elif dry_run:
                estimate = estimate_one(sources[0], target, options, on_message=report.message)
            else:
                summary = run_one(sources[0], target, options, on_message=report.message)
    if batch is not None:
        batch.finish(quiet=quiet)
    elif dry_run:
        report.estimated(estimate)
    else:
        report.done(summary)
