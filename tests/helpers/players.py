"""Shaders run by programs that people use: FFmpeg's libplacebo, and mpv under Xvfb. Vulkan and OpenGL by the CPU do."""

import functools
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from vidrts.training.corpus import read_picture

_SHOT = """
mp.register_event("playback-restart", function()
  mp.add_timeout(0.5, function()
    mp.commandv("screenshot-to-file", mp.get_opt("out"), "window")
    mp.commandv("quit")
  end)
end)
"""


@functools.cache
def vulkan_device() -> str:
    """The name of a Vulkan device that FFmpeg's libplacebo runs on; skips the test where there is none."""
    if not shutil.which("ffmpeg") or "libplacebo" not in _told("ffmpeg", "-hide_banner", "-filters"):
        pytest.skip("an ffmpeg with libplacebo is needed")
    told = _told("ffmpeg", "-hide_banner", "-v", "verbose", "-init_hw_device", "vulkan=vk", "-f", "lavfi", "-i",
                 "nullsrc", "-frames:v", "1", "-f", "null", "-")  # fmt: skip
    found = re.search(r"Device \d+ selected: (.+) \([^()]+\) \(0x", told)
    if found is None:
        pytest.skip("a Vulkan device is needed, such as mesa-vulkan-drivers")
    return found[1]


def by_libplacebo(
    shader: Path, picture: torch.Tensor, scale: int = 1, *, limited: bool = False
) -> torch.Tensor:  # fmt: skip
    """(C, H, W) uint8, luma or R'G'B' -> (C, scale*H, scale*W) in 0..1, of 16 bits.

    limited: the picture's and the result's samples are luma in limited range, as they are.
    """
    vulkan_device()
    channels, height, width = picture.shape
    if channels == 1:
        grey = torch.full((2 * height * width,), 128, dtype=torch.uint8)
        frame, given, wanted = torch.cat((picture.flatten(), grey)), "yuv444p", "yuv444p16le"
        span = "limited" if limited else "full"
        tags, kept = f"setparams=range={span}:colorspace=bt709,", f":range={span}:colorspace=bt709"
    else:
        opaque = torch.full((1, height, width), 255, dtype=torch.uint8)
        frame, given, wanted = torch.cat((picture, opaque)).permute(1, 2, 0).flatten(), "rgba", "rgba64le"
        tags = kept = ""
    filters = (f"{tags}hwupload,libplacebo=custom_shader_path={shader}:dithering=none:w=iw*{scale}:h=ih*{scale}:"
               f"format={wanted}{kept},hwdownload,format={wanted}")  # fmt: skip
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-init_hw_device", "vulkan=vk", "-filter_hw_device", "vk", "-f", "rawvideo",
         "-pix_fmt", given, "-s", f"{width}x{height}", "-i", "-", "-vf", filters, "-f", "rawvideo", "-"],
        input=frame.numpy().tobytes(), capture_output=True, check=True,
    )  # fmt: skip
    samples = torch.from_numpy(np.frombuffer(done.stdout, np.uint16).astype(np.float32) / 65535)
    if channels == 1:
        return samples.view(3, scale * height, scale * width)[:1]
    return samples.view(scale * height, scale * width, 4).permute(2, 0, 1)[:3]


def by_mpv(shader: Path, picture: torch.Tensor, output: str, folder: Path) -> torch.Tensor:
    """(1, H, W) uint8 luma in full range -> what mpv shows of it with this --vo, (3, H, W) in 0..1 of 8 bits."""
    if not all(map(shutil.which, ("mpv", "xvfb-run", "ffmpeg"))):
        pytest.skip("mpv, xvfb-run and ffmpeg are needed")
    _, height, width = picture.shape
    film, script, shot = folder / "film.mkv", folder / "shot.lua", folder / "shot.png"
    grey = torch.full((2 * height * width,), 128, dtype=torch.uint8)
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv444p", "-s", f"{width}x{height}", "-r", "5",
         "-i", "-", "-vf", "loop=9:1,setparams=range=full:colorspace=bt709", "-c:v", "ffv1", film],
        input=torch.cat((picture.flatten(), grey)).numpy().tobytes(), check=True,
    )  # fmt: skip
    script.write_text(_SHOT)
    api = ["--gpu-api=opengl"] if output == "gpu" else ["--gpu-api=vulkan", f"--vulkan-device={vulkan_device()}"]
    done = subprocess.run(
        ["timeout", "60", "xvfb-run", "-a", "-s", "-screen 0 1024x768x24", "mpv", "--no-config", f"--vo={output}", *api,
         "--gpu-sw=yes", "--hwdec=no", "--no-osc", "--osd-level=0", "--dither-depth=no", "--pause", "--keep-open",
         "--no-border", "--no-audio", f"--geometry={width}x{height}", f"--glsl-shader={shader}", f"--script={script}",
         f"--script-opts=out={shot}", film],
        capture_output=True, text=True,
    )  # fmt: skip
    told = done.stdout + done.stderr
    if not shot.exists() and re.search("Error opening/initializing the selected video_out|Xvfb failed to start", told):
        pytest.skip(f"mpv cannot open --vo={output} here")
    assert shot.exists(), told
    return read_picture(shot).float() / 255


def _told(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout + done.stderr
