"""Degradations that have a name (`recipe`); loads without torch."""

from collections.abc import Mapping

PRESETS: Mapping[str, str] = {
    "video": "triangle > jpeg:30-95",
    "clean": "jpeg:80-98 > triangle",
    "plain": "triangle",
    "broadcast": "4*triangle > noise:0-2 > h264:18-36 | 2*triangle > noise:0-2 > mpeg2:2-10 | 4*triangle > jpeg:30-95",
    "any-kernel": "(4*triangle | box | cubic | lanczos | 2*gaussian:0.6-1.4) > (3*none | noise:0-4) > "
    "(3*none | 4*h264:17-36:3:2 | hevc:20-36:3:2 | mpeg2:2-16:3:2 | 2*jpeg:20-95)",
}
"""Name -> degradation: what `vidrts train --degrade` takes beside a text of one's own."""

PAIR_PRESETS: Mapping[str, str] = {
    "film": "(13*none | 10*blur:0.3-1.6 | 4*skewed:0.3-1.8 | 2*motion:1-4 | 6*enlarged:1.2-2.1) > "
    "(3*none | noise:0-6) > "
    "(4*none | 5*h264:17-37:3:2 | hevc:20-37:3:2 | 2*mpeg2:2-24:3:2 | 2*jpeg:10-40 | 2*jpeg:40-95)",
}
"""Likewise for `--pairs`: same-size inputs."""
