"""The pictures that a run is trained on: photographs, stills of videos, and pages that are rendered for it."""

import shutil
from collections.abc import Callable
from pathlib import Path

from vidrts.errors import OptionError
from vidrts.training.corpus import Corpus, collect
from vidrts.training.distributed import Team
from vidrts.training.frame_extraction import save_stills
from vidrts.training.options import RunOptions
from vidrts.training.rendered import render_pages


def run_pictures(options: RunOptions, team: Team, tell: Callable[[str], None], *, resume: bool) -> Corpus:
    """The corpus of a run; what is made of videos and rendered is made once and then belongs to the run's folder.

    Raises what `collect`, `save_stills` and `render_pages` raise, and `OptionError` for fewer crops than a batch that
    several processes share.
    """
    corpus = collect(
        options.photos,
        crop_size=2 * options.patch,
        crops_per_picture=options.crops,
        held_out=options.held_out,
        seed=options.seed,
        stills=_stills(options, team, tell, resume=resume),
        stills_weight=options.stills_weight,
        shrink=options.shrink,
        shrink_below=options.shrink_below,
        grey=options.grey,
        left_for_truth=options.left_for_truth,
        on_message=tell,
    )
    if team.size > 1 and len(corpus.crops) < options.batch:
        raise OptionError(f"batch {options.batch}: expected as many crops, got {len(corpus.crops)}; raise --crops")
    return corpus


def _stills(options: RunOptions, team: Team, tell: Callable[[str], None], *, resume: bool) -> list[Path]:
    """The folders of stills."""
    given = [Path(still) for still in options.stills]
    folders = [path for path in given if path.is_dir()]
    videos = [path for path in given if not path.is_dir()]
    if options.rendered:
        pages = options.out / "rendered"
        if team.leads and len(list(pages.glob("page-*.png"))) < options.rendered:
            render_pages(pages, options.rendered, seed=options.seed, on_message=tell)
        team.wait()
        folders.append(pages)
    if not videos:
        return folders
    own = options.out / "stills"
    if team.leads and not (resume and own.is_dir()):
        part = own.with_suffix(".part")
        for left in (own, part):  # of a run that was killed before it began
            shutil.rmtree(left, ignore_errors=True)
        try:
            count = save_stills(videos, part, on_message=tell)
            part.replace(own)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        tell(f"{count} stills taken from {', '.join(str(video) for video in videos)}")
    team.wait()
    return [*folders, own]
