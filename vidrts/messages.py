"""Messages of the library: warnings and notes, each with a code and values.

A `Message` is a `str`, ready to be shown. Tests and programs compare its `code` and `values`; the wording is in the
list below alone.
"""

import threading
from collections.abc import Callable
from enum import Enum
from typing import Any


class Code(Enum):
    """What a message says; its value is the wording, a `str.format` template."""

    # colour
    MATRIX_ASSUMED = "colour matrix not tagged: assuming {matrix}, by the height"
    RANGE_ASSUMED = "colour range not tagged: assuming limited range"
    MATRIX_AND_RANGE_ASSUMED = "colour not fully tagged: assuming {matrix}, by the height, and limited range"

    # images
    FIRST_PICTURE_TAKEN = "{count} {unit}: reading the first"
    GRAY_AS_RGB = "gray: converted to three equal channels"
    DEPTH_LOWERED = "16 bit: keeping the upper 8 bits"
    ALPHA_DROPPED = "alpha channel dropped"
    CMYK_CONVERTED = "CMYK: converted without its colour profile"

    # networks
    REACH_MEASURED = "{network}: measuring how far around it a pixel sees; for large networks this takes minutes"

    # media/pictures
    PALETTE_CONVERTED = "palette converted to {model}: the colours of an enhanced picture are not in it"
    PICTURES_LEFT_OUT = "enhancing the first picture; {count} more in the file left out"
    PICTURE_DEPTH_LOST = "16 bit rounded to 8: not supported in {format}; .png and .tif hold 16"
    NUMBERS_MISSING = "pictures {first} to {last}: {count} missing: {numbers}"
    PROFILE_LOST = "ICC profile lost: videos have colour tags; --primaries and --transfer give them"
    STREAMS_NOT_IN_PICTURES = "other streams left out ({streams}): pictures hold frames only"
    RESOLUTION_LOST = "resolution of {dpi} dpi lost: not supported in {format}"

    # media/read
    INPUT_DAMAGED = "warning: {damage}"
    READ_FAILED = "the file is damaged or truncated at {time:.3f} s ({reason})"
    CONNECTION_LOST = "connection lost at {time:.3f} s: {reason}"
    BREAKS_OFF = "the source breaks off within a packet, at {time:.3f} s"
    BREAKS_OFF_SHORT = (
        "the source breaks off within a packet, at {time:.3f} s, {missing:.3f} s before the end that its header tells"
    )
    ENDS_SHORT = "the source ends at {time:.3f} s, {missing:.3f} s before the end that its header tells"
    AUDIO_DAMAGED = "warning: audio stream {index} ({codec}): {damage}"
    TIMESTAMPS_DERIVED = "frame timestamps {problem} from {time:.3f} s: derived from packets and durations"
    TIMESTAMP_JUMP = "timestamp jump of {jump:+.3f} s at {time:.3f} s corrected"
    LAST_TIMESTAMP_JUMP = "timestamp jump of {jump:+.3f} s at {time:.3f} s corrected; further jumps are not reported"
    DEINTERLACED = (
        "interlaced frames from {time:.3f} s: deinterlacing luma and chroma by bwdif, at frame rate; "
        "--interlaced keep enhances the fields instead"
    )
    TURNED_UPRIGHT = "-vf: pictures turned upright by {degrees} degrees before the filters, as ffmpeg does"
    FILTERS_LOWER_DEPTH = "-vf: the filters turn {before} into {now}, which has fewer bits"
    DECODED_IN_SOFTWARE = "{codec} {format} cannot be decoded by the GPU: decoding in software"
    FRAME_RATE_ASSUMED = "no frame rate in the header: assuming {rate} frames/s"
    ENDS_EARLY = "the video ends before {time:.3f} s, earlier than its header says"
    PAIRS_END_EARLY = (
        "the video ends before {time:.3f} s, earlier than its header says; comparing the {count} moments before"
    )
    NEAREST_COMPARED = (
        "no frame at {time:.3f} s, where the source has one: comparing the nearest, {distance:.3f} s away, here and "
        "wherever one is missing"
    )
    LENGTHS_DIFFER = "{source} is {length:.3f} s long and {result} {other:.3f} s: comparing the first {common:.3f} s"
    RATES_DIFFER = "{source} has {rate:.3f} frames/s and {result} {other:.3f}: matching frames by time"

    # media/write: streams
    SUBTITLE_CONVERTED = "{type} stream {index} ({codec}) converted to {encoder}: not supported in {container}"
    AUDIO_CONVERTED = "{type} stream {index} ({codec}) encoded with {encoder}: cannot be copied into {container}"
    AUDIO_MIXED = (
        "{type} stream {index} ({codec}) mixed from {before} to {layout} and encoded with {encoder}: {before} is not "
        "supported in {container}"
    )
    AUDIO_CHANGES = (
        "audio stream {index} changes from {before} to {now} at {time:.3f} s: {encoded} throughout the encoded track"
    )
    COPIED_SOUND_CHANGES = (
        "audio stream {index} ({codec}) changes its channels or rate at {time:.3f} s, which {container} cannot say of "
        "copied packets: from there it may not play; -c:a {codec} encodes it alike throughout"
    )
    AUDIO_RATE_UNUSED = "{type} stream {index} ({codec}) is copied as it is, without -b:a; -c:a aac encodes it"
    MOVFLAGS_UNUSED = "-movflags has no effect in {container}: it is for mp4 and mov"
    NO_ROOM_FOR_FASTSTART = (
        "the index stays at the end of {path}: no room on the disk to write the file once more; -movflags -faststart "
        "leaves it there"
    )
    SOUND_NOT_FOUND = "{type} stream {index} ({codec}) left out: announced, but no packets found"
    AUDIO_NOT_ENCODED = "{type} stream {index} ({codec}) left out: {encoder} in {container} failed: {reason}"
    STREAM_LEFT_OUT = "{type} stream {index} ({codec}) left out: cannot be copied into {container}"
    BITMAP_LEFT_OUT = (
        "{type} stream {index} ({codec}) left out: {container} has no bitmap subtitles, which cannot become text"
    )
    STREAMS_LEFT_OUT = "other streams left out ({streams}): {container} holds frames only; -f matroska holds all"
    LANGUAGE_MISSING = "{option} {missing}: no {type} stream in this language; available: {languages}"

    # media/write: what a container or an encoder does not hold
    DYNAMIC_HDR_LOST = "{kind} metadata lost: not written by {encoder}"
    HDR10_LOST = "HDR10 metadata (mastering display, light levels) lost: not written by {encoder}"
    HDR_LOST = "HDR metadata (mastering display, light levels) lost: not supported in {container}"
    SIDE_DATA_LOST = "{kind} lost: not written with {encoder} in {container}"
    CAPTIONS_LOST = "closed captions lost: not written by {encoder}"
    COLOUR_CHANGES = "colour changes at {time:.3f} s, in the output, too: {changes}"
    COLOUR_CHANGE_LOST = (
        "colour changes at {time:.3f} s: {changes}; the output has the first tags throughout: write a .ts, or enhance "
        "the parts separately, with -to and -ss"
    )
    ASPECT_CHANGES = "sample aspect ratio changes from {before} to {now} at {time:.3f} s, in the output, too"
    ASPECT_CHANGE_LOST = (
        "sample aspect ratio changes from {before} to {now} at {time:.3f} s; the output has {before} throughout: write "
        "a .ts, or enhance the parts separately, with -to and -ss"
    )
    ROTATION_LOST = "rotation by {degrees} degrees lost: not supported in {container}"
    COLOUR_LOST = "colour tags lost ({tags}): not supported by {encoder} in {container}"
    COLOUR_NOT_HELD = "colour tags not supported in {container}; give the next ffmpeg these output options: {options}"
    SAR_LOST = "sample aspect ratio not supported in {container}; give the next ffmpeg -vf setsar={sar}"
    RAW_READ_WITH = "raw video has no header; give the next ffmpeg these input options: {options}"
    TIMES_LOST = (
        "timestamps lost: frames leave the constant {rate:.3f} frames/s of y4m at {time:.3f} s; -f matroska and -f nut "
        "keep them"
    )
    CHAPTERS_LOST = "{count} chapter(s) lost: not supported in {container}"
    METADATA_LOST = "metadata {keys} lost: not supported in {container}"
    METADATA_LOST_BESIDE_COVER = "metadata {keys} lost: not supported in {container} beside cover art"
    STREAM_METADATA_LOST = "stream metadata {keys} lost: not supported in {container}"
    TITLES_LOST = "title of stream {streams} lost: not supported in {container}"
    LANGUAGE_LOST = "language {language} of stream {stream} lost: not supported in {container}"
    DISPOSITION_LOST = "disposition {disposition} of stream {streams} lost: not supported in {container}"
    ALPHA_NOT_HELD = "alpha plane lost: not supported in {format}"
    ALPHA_NOT_DECODED = "alpha plane lost: not decoded by FFmpeg"

    # media/write: fields and times
    FIELDS_CODED_AS_FRAMES = "{encoder} codes interlaced frames as progressive; only the container marks them"
    LATER_FIELDS_CODED_AS_FRAMES = (
        "interlaced frames from {time:.3f} s after progressive ones: {encoder} codes them as progressive; start there "
        "with -ss, or use -c:v ffv1"
    )
    FIELD_ORDER_CHANGES = (
        "field order changes from {order} to {other} at {time:.3f} s: {encoder} marks the whole file {order}; "
        "-c:v ffv1 keeps both"
    )
    PICTURES_TO_YUV = "RGB pictures converted to {format} ({what}), which players show; {keeps}"
    ENCODER_SAYS = "{encoder}: {text}"
    TIMES_ROUNDED = "{encoder} has a constant frame rate: timestamps rounded to {rate:.3f} frames/s"
    TIMESTAMPS_SHIFTED = "timestamps shifted by {shift:+.3f} s, to start at 0 in {container}"

    # segments
    SEGMENTS_KEPT = (
        "{count} segment(s) of about {length:g} s, kept in {folder} until {target} is complete: for a time both need "
        "room, twice that of {target} (the source has {source:.1f} MB, {free:.0f} MB are free)"
    )
    SEGMENTS_FOUND = "{done} of {count} segment(s) are done: {frames} frames, going on with the rest"
    SEGMENT_ANEW = "segment {number} was made again: the frames at its start are not those at the end of the one before"
    BIT_RATE_OF_SEGMENTS = "-b:v is reached in each segment on its own; -crf keeps the quality alike throughout"
    RAY_BEGINS = "{nodes} node(s) with room for {workers} worker(s) of {cpus} CPU(s): {names}"
    SEGMENT_OF_NODE = "segment {number} is done on node {node}"
    WORKER_GONE = "a worker on node {node} ended ({reason}): {count} segment(s) are made again elsewhere"
    NO_WORKER = "no worker has begun: each needs {cpus} CPU(s) and {gpus} GPU(s) that nothing else on the cluster has"
    ONE_SEGMENT = "the source does not say how long it is: one segment"
    RESUME_EXISTS = (
        "about {minutes} minutes left; a run with --resume goes on after a power cut or a crash, with the same command"
    )

    # folders
    FILES_LEFT_OUT = "{folder}: left out {count} ({reason}): {names}"
    NOTHING_TO_ENHANCE = "{folder}: no videos or pictures in this directory"
    MADE_BY_VIDRTS = "{file}: left out, vidrts made it of another input"

    FOR_VIDEOS_ONLY = "{options}: for the videos, not for the {count} picture(s)"

    # colorplan, picture
    OUT_OF_MEMORY_BATCH = "out of memory on {device}: continuing with batches of {batch} tiles"
    OUT_OF_MEMORY_TILE = "out of memory on {device}: continuing with tiles of {width}x{height}"
    ENGINE_NOT_USABLE = "{engine} cannot be used ({reason}): using {instead}, which is slower"
    NO_CUDA_GRAPH = "{device}: no CUDA graph ({reason}): each operation is launched on its own, which is slower"

    # measure, compare, score
    METRIC_NOT_FOR_HDR = "defined for SDR alone, got {signal}"
    METRIC_NEEDS_SIZE = "needs at least {smallest} pixels a side, got {width}x{height}"
    METRIC_NEEDS_PACKAGE = "needs the package {package}: pip install {package}"
    METRIC_MEANINGLESS = "not meaningful below {smallest} pixels a side, got {width}x{height}"
    METRIC_INFINITE = "infinite, the two are equal"
    METRICS_MISSING = "no {metrics}: {why}"
    SCORED_AS_CODED = "{signal} video is measured as coded; VIQET was made for SDR pictures"
    MOS_UNDEFINED = "the model needs a measure that is not defined for this picture"

    # training, research
    FEATURES_COMPARED = "contextual loss on {features}"
    GRADIENTS_LARGE = (
        "phase {phase}, step {step}: the gradients' norm is {norm:.0f} on average before it is clipped; a lower --rate "
        "or lower weights may be needed"
    )
    DISCRIMINATOR_WINS = (
        "step {step}: the discriminator tells everything apart ({real:.2f} for natural pictures, {fake:.2f} for the "
        "network's), so that nothing can be learned from it; a lower --discriminator-rate may be needed"
    )
    GRID_FOUND = (
        "step {step}: {share:.0%} of what noise adds is a grid of 2 pixels; a greater --gan-weight or a smaller "
        "--contextual-weight may be needed"
    )
    FAITHFULNESS_LOST = "step {step}: without noise the network is {lost:.2f} dB below phase 1"
    NO_STAGE_IMPROVES = "no stage improves on its input; train longer ({reasons})"
    STAGE_FAILED = "no improvement on the input; train longer, or use the other stage ({reasons})"
    PAIRS_NOT_IMPROVED = "PSNR of held-out pairs {gain:+.2f} dB over their inputs', expected above 0"
    NOT_ABOVE_LANCZOS = "PSNR {psnr:.2f} dB, expected above that of Lanczos, {lanczos:.2f} dB"
    STAGE_BLURS = "gain at 0.35 cycles per pixel {gain}, expected above 1: it blurs"
    SCORE_LOWERED = "score {score}, expected no less than the photographs' own, {own}"
    CALIBRATE_NEXT = "for --detail, run next: vidrts calibrate {file}"
    PICTURE_LEFT_OUT = "{path}: left out, {reason}"
    PAIRS_DROPPED = (
        "{count} of {total} pictures dropped: damaged, their mean CIEDE2000 is above {difference:g}, or they are "
        "displaced by more than {pixels:g} pixels"
    )
    FRAMES_BEYOND_LIMITS = (
        "{count} of {total} frames have a mean CIEDE2000 above {difference:g}, or are displaced by more than "
        "{pixels:g} pixels: not fit as training inputs"
    )
    CROPS_LEFT_UNDAMAGED = (
        "{count} of {total} crops left as they were: damaged by undertrained, their mean CIEDE2000 is above "
        "{difference:g}, or they are displaced by more than {pixels:g} pixels"
    )
    VIDEO_LEFT_OUT = "left out: {reason}"
    STILLS_EXTRACTED = "{count} stills extracted from {videos}"
    NO_FONT_FOR_SCRIPT = "no font with {scripts} letters found; rendered text does without them"
    NO_FONT_FOR_TITLES = "no font found; the blur level estimator is trained without titles, which may mislead it"


class Message(str):
    """One line of text: `Message(Code.X, count=3)` is the wording of `X` with 3 in place of {count}."""

    code: Code
    values: dict[str, Any]

    def __new__(cls, code: Code, /, **values: Any) -> "Message":  # noqa: D102 - the class says it
        return _line(code.value.format(**values), code, values)

    def about(self, place: object) -> "Message":
        """The same message with a file's name in front: "in.mkv: ..."."""
        return _line(f"{place}: {self}", self.code, self.values)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle support."""
        return _line, (str(self), self.code, self.values)


def _line(text: str, code: Code, values: dict[str, Any]) -> Message:
    line = str.__new__(Message, text)
    line.code, line.values = code, values
    return line


type Tell = Callable[[Message], None]
"""Called with each message; a `Callable[[str], None]` such as `print` will do."""


def ignore(line: Message) -> None:
    """Discard a message."""


class Once:
    """Passes each message on once. Thread-safe."""

    def __init__(self, tell: Callable[[Any], None]) -> None:
        self._tell = tell
        self._told: set[str] = set()
        self._lock = threading.RLock()  # `tell` may itself say something

    def __call__(self, line: str) -> None:
        """Pass `line` on unless it was passed on before."""
        with self._lock:
            if line not in self._told:
                self._told.add(line)
                self._tell(line)
