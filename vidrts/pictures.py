"""Enhancing picture files, one or a numbered sequence: each is read, enhanced and written on its own."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from vidrts.errors import Interrupted, OptionError, VidrtsError, add, naming
from vidrts.frame import StreamInfo
from vidrts.media.containers import is_url
from vidrts.media.output_formats import OUTPUT_FORMATS
from vidrts.media.pictures import read, sequence, write
from vidrts.media.pictures.formats import SUFFIXES, is_picture_name
from vidrts.media.pictures.read import Picture
from vidrts.media.pictures.write import quality_words
from vidrts.media.write import output_path
from vidrts.media.write.picture_file import save
from vidrts.media.write.write_plan import StreamPlan, WritePlan
from vidrts.messages import Tell
from vidrts.networks.checkpoint import LoadedModel
from vidrts.options import EnhanceOptions
from vidrts.options_of_pictures import OF_PICTURES, OF_SEQUENCES, refuse
from vidrts.picture.device import pick_devices
from vidrts.picture.enhancer import Enhancer
from vidrts.plan import Plan
from vidrts.threads import worker_threads


@dataclass(kw_only=True)
class Done:
    """What became of a run: pictures, bytes, and seconds of its parts."""

    pictures: int = 0
    bytes_written: int = 0
    decode: float = 0.0
    enhance: float = 0.0
    encode: float = 0.0


class PictureRun:
    """Enhances a picture file, or the pictures of a pattern such as frames/%05d.png, each into a file of its own.

    Names and options are checked when it is made: `OptionError`, `OutputError`, `InputError`.
    """

    def __init__(
        self, source: str | os.PathLike[str], target: str | os.PathLike[str], options: EnhanceOptions, tell: Tell
    ) -> None:  # fmt: skip
        self.path = output_path.final(target, options.encode.format)
        self._options, self._tell = options, tell
        self._source = Path(source)
        several = sequence.is_pattern(self.path)
        self._pairs = self._sequence(source) if several else self._single(source)
        for given, made in self._pairs:
            encode = options.encode
            output_path.check(made, given, overwrite=encode.overwrite, own_only=encode.own_only)

    @property
    def total(self) -> int:
        """Pictures to enhance."""
        return len(self._pairs)

    def _sequence(self, source: str | os.PathLike[str]) -> list[tuple[Path, Path]]:
        refuse(self._options, self.path, (*OF_PICTURES, *OF_SEQUENCES))
        write.check_quality(self.path, self._options.encode.quality)
        found = sequence.find(Path(source), self._options.decode.start_number, self._tell)
        return [(found.file(number), sequence.numbered(self.path, number)) for number in found.numbers]

    def _single(self, source: str | os.PathLike[str]) -> list[tuple[Path, Path]]:
        path = Path(source)
        if source == "-" or is_url(source):
            raise OptionError(f"{self.path} is a picture: expected a picture file as IN, got {os.fspath(source)}")
        if sequence.is_pattern(path):
            raise OptionError(
                f"{path} are several pictures: expected a name such as out%05d{self.path.suffix} or a video as OUT, "
                f"got {self.path}"
            )
        if path.suffix.lower() in OUTPUT_FORMATS and path.is_file():
            raise OptionError(
                f"{self.path} is a picture, but {path} a video; write its frames to numbered pictures, "
                f"{self.path.stem}%05d{self.path.suffix}"
            )
        refuse(self._options, self.path, OF_PICTURES)
        write.check_quality(self.path, self._options.encode.quality)
        return [(path, self.path)]

    def __call__(
        self,
        model: LoadedModel,
        stop_signal: Callable[[], int | None],
        on_picture: Callable[[Done], None],
        on_plan: Callable[[Plan], None] = lambda plan: None,
        *,
        dry: bool = False,
    ) -> Done:
        """Enhance all. Raises `Interrupted` on a stop signal, and other subclasses of `VidrtsError`.

        Every picture has its name when it is complete, and those that have theirs are kept, whatever happens.
        `on_plan` gets what was decided, once the first picture is read. `dry`: that one alone is enhanced, and not
        written.
        """
        options = self._options.picture
        done = Done()
        target = self.path

        def check() -> None:
            if (number := stop_signal()) is not None:
                raise Interrupted(
                    "stopped; a dry run writes nothing" if dry else f"stopped; {target} is not written", number
                )

        device = str(pick_devices(options.device)[0])
        enhancer = Enhancer(model, replace(options, device=device), on_message=self._tell, between_tiles=check)
        for source, target in self._pairs[:1] if dry else self._pairs:
            begin = (lambda picture: None) if done.pictures else partial(self._plan, on_plan, model, enhancer)
            try:
                self._enhance(source, target, enhancer, check, done, begin, dry=dry)
            except VidrtsError as error:
                if done.pictures:
                    add(error, f"the {done.pictures} pictures before it are written")
                raise
            on_picture(done)
        return done

    def _plan(
        self, on_plan: Callable[[Plan], None], model: LoadedModel, enhancer: Enhancer, picture: Picture
    ) -> None:  # fmt: skip
        """Tell what was decided. `picture`: the first."""
        (source, target), frame, options = self._pairs[0], picture.frame, self._options
        used = enhancer.computation(frame.height, frame.width)
        codec, kind = (SUFFIXES.get(name.suffix.lower(), name.suffix[1:]) for name in (source, target))
        info = StreamInfo(
            width=frame.width, height=frame.height, format=frame.format, color=frame.color, time_base=frame.time_base,
            frame_rate=None, frames=self.total, sar=frame.sar, rotation=0, field_order="progressive", codec=codec,
        )  # fmt: skip
        written = WritePlan(
            container=kind, encoder=kind, settings={},
            quality=quality_words(target, options.encode.quality, lossless=picture.lossless),
            width=frame.width * options.picture.scale, height=frame.height * options.picture.scale,
            format=frame.format.name, color=frame.color,
            streams=(StreamPlan(index=0, type="video", codec=codec, language="und", fate="enhanced"),),
        )  # fmt: skip
        on_plan(Plan(
            source=source if self.total == 1 else self._source, target=self.path, info=info, hardware=False,
            model=model.title, computations=() if used is None else (used,), workers=1,
            worker_threads=worker_threads(1), picture=options.picture, decode=options.decode, written=written,
        ))  # fmt: skip

    def _enhance(
        self,
        source: Path,
        target: Path,
        enhancer: Enhancer,
        check: Callable[[], None],
        done: Done,
        begin: Callable[[Picture], None],
        *,
        dry: bool,
    ) -> None:
        check()
        began = time.monotonic()
        scale = self._options.picture.scale
        jpeg = target.suffix.lower() in (".jpg", ".jpeg")
        picture = read.read(source, ycc=jpeg, on_message=self._tell)
        done.decode += time.monotonic() - began
        begin(picture)
        check()
        began = time.monotonic()
        with naming(source):
            (frame,) = enhancer([picture.frame])
        picture = replace(picture, frame=frame, metadata=picture.metadata.enlarged(scale))
        done.enhance += time.monotonic() - began
        check()
        if dry:
            done.pictures += 1
            return
        began = time.monotonic()
        done.bytes_written += save(picture, target, self._options.encode, self._tell, check)
        done.encode += time.monotonic() - began
        done.pictures += 1


def are_pictures(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> bool:
    """Whether a run is one of a `PictureRun`: OUT is a picture, or both are numbered pictures."""
    out = Path(target)
    if target == "-" or is_url(target) or not is_picture_name(out):
        return False
    return not sequence.is_pattern(out) or (source != "-" and sequence.is_pattern(Path(source)))
