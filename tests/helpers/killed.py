"""Runs that end as by kill -9 at a chosen place, each a process of its own: `python killed.py SOURCE FILMS`

FILMS is JSON: [[target, encoder, [PLACE, ...]], ...].

A PLACE is frame:N (once N frames were encoded), name:N (before the N-th file in the run's folder is opened, renamed or
removed) or end (not killed). All go on with --resume; prints how each ended. Run as a program, so that the processes
are forked from one that has loaded everything and runs no threads yet.
"""

import json
import os
import signal
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any


def main(source: str, films: str) -> None:
    """Run once for each place of each film."""
    import torch  # noqa: F401 - loaded once for all

    from vidrts import EnhanceOptions
    from vidrts.media.write.options import EncodeOptions
    from vidrts.picture.options import EnhancerOptions
    from vidrts.progress import Progress
    from vidrts.segments.options import Segments
    from vidrts.segments.run import enhance_in_segments

    def run(target: str, encoder: str, kind: str, number: int) -> None:
        seen = 0

        def happened(what: str) -> None:
            nonlocal seen
            seen += what == kind
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

        def audited(event: str, arguments: tuple[Any, ...]) -> None:
            if event in ("open", "os.rename", "os.remove") and ".vidrts/" in str(arguments[0]):
                happened("name")

        def progressed(progress: Progress) -> None:
            happened("frame")

        sys.addaudithook(audited)
        options = EnhanceOptions(
            picture=EnhancerOptions(strength=0, device="cpu"),
            encode=EncodeOptions(video_codec=encoder, threads=1, options={"g": "8"}, pixel_format="yuv420p"),
        )
        how = Segments(Fraction(1, 3), resume=True)
        enhance_in_segments(source, target, options, how, on_progress=progressed)

    for target, encoder, place in ((t, e, p) for t, e, places in json.loads(films) for p in places):
        kind, _, number = place.partition(":")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                run(target, encoder, kind, int(number or 0) or -1)
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        print(place, os.waitstatus_to_exitcode(status), Path(target).exists(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
