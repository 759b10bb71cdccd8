"""Sound of MPEG-TS, whose packets carry their own headers, into containers that want them at the beginning."""

from pathlib import Path

import av
import pytest
from helpers.media_truth import FFPROBE, coded, describe, relay
from helpers.paths import DUCKS
from helpers.pipe_ends import enhance, ffmpeg

from vidrts.media.write import aac
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Code

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


@pytest.mark.parametrize(
    ("later", "name", "told"),
    [
        ("r=48000:cl=mono", "out.mkv", True),
        ("r=24000:cl=stereo", "out.mp4", True),
        ("r=48000:cl=5.1", "out.mov", True),
        ("r=48000:cl=mono", "out.ts", False),
        ("r=48000:cl=stereo", "out.mkv", False),
    ],
)
def test_sound_that_changes_is_told_where_the_track_has_one_description(
    later: str, name: str, told: bool, tmp_path: Path
) -> None:
    """As broadcasts have it; Debian's ffmpeg decodes all of the source, and not all of such a copy."""
    for part, noise in enumerate(("r=48000:cl=stereo", later)):
        ffmpeg("-f", "lavfi", "-i", f"anullsrc={noise}", "-t", "0.5", "-c:a", "aac", tmp_path / f"{part}.aac")
    (tmp_path / "both.aac").write_bytes(b"".join((tmp_path / f"{part}.aac").read_bytes() for part in (0, 1)))
    picture = ("-f", "lavfi", "-i", "testsrc2=s=64x48:d=1", "-c:v", "mpeg2video")
    ffmpeg(*picture, "-i", tmp_path / "both.aac", "-c:a", "copy", tmp_path / "in.ts")
    lines = relay(tmp_path / "in.ts", tmp_path / name, encode=EncodeOptions(preset="ultrafast"))
    found = [values for code, values in coded(lines) if code is Code.COPIED_SOUND_CHANGES]
    assert len(found) == told
    if found:
        first = min(s.times[0] for s in describe(tmp_path / "in.ts").streams if s.kind == "audio")
        assert found[0]["time"] - float(first) == pytest.approx(0.5, abs=0.05)


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
