"""Sound of MPEG-TS, whose packets carry their own headers, into containers that want them at the beginning."""

from pathlib import Path

import av
import pytest
from helpers.media_truth import FFPROBE, describe
from helpers.paths import DUCKS
from helpers.pipe_ends import enhance, ffmpeg

from vidrts.media.write import aac

pytestmark = pytest.mark.skipif(FFPROBE is None, reason="ffmpeg and ffprobe are not installed: no truth")


@pytest.mark.parametrize("kind", ["matroska", "mp4"])
def test_sound_is_copied_through_a_pipe(kind: str, tiny_model: Path, tmp_path: Path) -> None:
    """Packet by packet what ffmpeg makes of it in a file, beside the picture as before."""
    source, target = tmp_path / "in.ts", tmp_path / "out"
    coded = ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")
    ffmpeg("-i", DUCKS, "-t", "0.5", "-vf", "scale=130:66", *coded, source)
    ffmpeg("-copyts", "-i", source, "-c", "copy", tmp_path / "truth.mkv")
    assert enhance(tiny_model, source, target, "--strength", "0", "-", "-", "-f", kind) == 0
    made, truth = describe(target), describe(tmp_path / "truth.mkv")
    (sound,), (wanted,) = ([s for s in x.streams if s.kind == "audio"] for x in (made, truth))
    assert sound.codec == "aac"
    assert sound.hashes == wanted.hashes
    apart = [sound.times[0] - made.frames[0], wanted.times[0] - truth.frames[0]]
    assert abs(apart[0] - apart[1]) < 0.002


@pytest.mark.parametrize(("rate", "layout"), [(48000, "stereo"), (22050, "mono"), (44100, "5.1"), (96000, "7.1")])
def test_the_config_is_the_encoders(rate: int, layout: str, tmp_path: Path) -> None:
    """What FFmpeg's encoder says of its stream, worked out from the stream without it."""
    tone = ("-f", "lavfi", "-i", f"anullsrc=r={rate}:cl={layout}", "-t", "0.2", "-c:a", "aac")
    ffmpeg(*tone, "-f", "adts", tmp_path / "bare.aac")
    ffmpeg(*tone, tmp_path / "said.mp4")
    with av.open(tmp_path / "bare.aac") as bare, av.open(tmp_path / "said.mp4") as said:
        wanted = said.streams.audio[0].codec_context.extradata
        assert not bare.streams.audio[0].codec_context.extradata
        got = aac.decoder_config(bare.streams.audio[0].codec_context)
    assert wanted is not None
    assert got == wanted[:2]  # the encoder adds that there is no SBR
