"""HDR for viewing: light and primaries against ffmpeg's zscale, the roll-off against a second writing of BT.2390."""

import shutil
import subprocess

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vidrts.compare import tonemap


@pytest.mark.parametrize(("signal", "light"), [(0.0, 0), (0.5081, 100), (0.5807, 203), (0.7518, 1000), (1.0, 10_000)])
def test_pq_at_the_levels_of_bt2408(signal: float, light: float) -> None:
    assert float(tonemap.pq_to_light(torch.tensor(signal))) == pytest.approx(light, rel=2e-3, abs=1e-3)
    assert float(tonemap.light_to_pq(torch.tensor(light, dtype=torch.float64))) == pytest.approx(signal, abs=1e-4)


@pytest.mark.parametrize(("signal", "light"), [(0.0, 0), (0.38, 26), (0.75, 203), (1.0, 1000)])
def test_hlg_grey_at_the_levels_of_bt2408(signal: float, light: float) -> None:
    """BT.2408 table 1: 38 % HLG is 26 cd/m2 (18 % grey), 75 % is 203 cd/m2 (HDR reference white)."""
    shown = tonemap.hlg_to_light(torch.full((3, 1, 1), signal, dtype=torch.float64))
    assert shown.flatten().tolist() == pytest.approx([light] * 3, rel=0.02, abs=1e-6)


def zscale(rgb: np.ndarray, chain: str) -> np.ndarray:
    """(H, W, 3) float32 R'G'B' through ffmpeg's zscale, as planes G, B, R in float32."""
    height, width, _ = rgb.shape
    planes = np.ascontiguousarray(rgb[..., [1, 2, 0]].transpose(2, 0, 1).astype("<f4")).tobytes()
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-nostdin", "-f", "rawvideo", "-pix_fmt", "gbrpf32le", "-s", f"{width}x{height}",
         "-i", "-", "-vf", chain, "-f", "rawvideo", "-pix_fmt", "gbrpf32le", "-"],
        input=planes, capture_output=True, check=True,
    )  # fmt: skip
    return np.frombuffer(done.stdout, "<f4").reshape(3, height, width)[[2, 0, 1]].transpose(1, 2, 0)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_light_and_primaries_are_those_of_zscale() -> None:
    rng = np.random.default_rng(5)
    rgb = rng.uniform(0, 0.75, (16, 16, 3)).astype(np.float32)
    given_as = "min=gbr:rin=full:pin=bt2020:tin=smpte2084"
    truth = zscale(rgb, f"zscale={given_as}:t=linear:p=bt709:npl=100,format=gbrpf32le")
    light = tonemap.pq_to_light(torch.from_numpy(rgb).permute(2, 0, 1).double())
    ours = torch.einsum("ij,jhw->hwi", tonemap.to_bt709(tonemap.BT2020), light) / 100
    assert np.abs(ours.numpy() - truth).max() < 2e-3 * np.abs(truth).max()


def test_primaries_are_those_of_bt2407() -> None:
    """Report ITU-R BT.2407 section 2: BT.2020 to BT.709."""
    wanted = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
    assert tonemap.to_bt709(tonemap.BT2020).numpy() == pytest.approx(np.array(wanted), abs=1e-4)
    assert tonemap.to_bt709(tonemap.BT709).numpy() == pytest.approx(np.eye(3), abs=1e-12)


def eetf(light: float, peak: float, target: float) -> float:
    """BT.2390-10 section 5.4.1, steps 1 to 5 as printed, black at 0; scalar, with its own PQ."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875

    def inverse_eotf(f: float) -> float:
        y = (f / 10000) ** m1
        return ((c1 + c2 * y) / (1 + c3 * y)) ** m2

    def eotf(e: float) -> float:
        p = e ** (1 / m2)
        return 10000 * (max(p - c1, 0) / (c2 - c3 * p)) ** (1 / m1)

    e1 = inverse_eotf(light) / inverse_eotf(peak)
    max_lum = inverse_eotf(target) / inverse_eotf(peak)
    ks = 1.5 * max_lum - 0.5
    e2 = e1
    if e1 >= ks:
        t = (e1 - ks) / (1 - ks)
        e2 = (2 * t**3 - 3 * t**2 + 1) * ks + (t**3 - 2 * t**2 + t) * (1 - ks) + (-2 * t**3 + 3 * t**2) * max_lum
    return eotf(e2 * inverse_eotf(peak))


@given(st.floats(0, 1), st.sampled_from([400.0, 1000.0, 4000.0, 10_000.0]))
def test_roll_off(share: float, peak: float) -> None:
    light = share * peak
    ours = float(tonemap.roll_off(torch.tensor([light], dtype=torch.float64), peak, tonemap.SDR_WHITE))
    assert ours == pytest.approx(eetf(light, peak, tonemap.SDR_WHITE), rel=1e-6, abs=1e-6)
    assert ours <= tonemap.SDR_WHITE * (1 + 1e-9)
    assert ours <= light * (1 + 1e-6) + 1e-6


def test_shown_on_an_srgb_screen() -> None:
    ramp = torch.linspace(0, 1, 64).expand(3, 1, -1)
    for transfer in (tonemap.PQ, tonemap.HLG):
        shown = tonemap.to_srgb(ramp, transfer, tonemap.BT2020)
        assert torch.allclose(shown[0], shown[1], atol=1e-4), "grey stays grey"
        assert float(shown.diff(dim=2).min()) > -1e-6, "and never gets darker"
        assert float(shown[0, 0, 0]) == 0
        assert float(shown[0, 0, -1]) == pytest.approx(1, abs=1e-4)
    # dark and middle tones keep their light: 10 cd/m2 of SDR_WHITE
    code = float(tonemap.light_to_pq(torch.tensor(10.0)))
    linear = 10 / tonemap.SDR_WHITE
    shown = tonemap.to_srgb(torch.full((3, 1, 1), code), tonemap.PQ, tonemap.BT2020)
    assert float(shown[0]) == pytest.approx(1.055 * linear ** (1 / 2.4) - 0.055, abs=2e-3)
    # SDR is shown as it is; wide-gamut SDR keeps greys and makes a BT.709 red of BT.2020's picture of it
    picture = torch.rand(3, 4, 4)
    assert torch.equal(tonemap.to_srgb(picture, 1, 1), picture)
    assert torch.allclose(tonemap.to_srgb(ramp, 1, tonemap.BT2020), ramp, atol=1e-4)
    red = torch.linalg.solve(tonemap.to_bt709(tonemap.BT2020), torch.tensor([0.5, 0, 0], dtype=torch.float64)) ** (
        1 / 2.4
    )
    back = tonemap.to_srgb(red.float().view(3, 1, 1), 1, tonemap.BT2020)
    assert back.flatten().tolist() == pytest.approx([0.5 ** (1 / 2.4), 0, 0], abs=5e-3)


def test_what_is_said() -> None:
    assert tonemap.described(1, 1) is None
    assert "PQ" in str(tonemap.described(16, 9))
    assert "HLG" in str(tonemap.described(18, 9))
    assert "wide gamut" in str(tonemap.described(14, 9))
