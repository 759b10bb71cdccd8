"""HDR and wide-gamut pictures as sRGB, for looking at them on any screen; nothing that is enhanced or measured.

PQ (SMPTE ST 2084) and HLG (ARIB STD-B67) signals become light in cd/m2 as ITU-R BT.2100-2 defines them; highlights
are rolled off by the EETF of Report ITU-R BT.2390 on the greatest of R, G and B, which keeps hues; SDR white is the
203 cd/m2 of Report ITU-R BT.2408. Then the primaries become BT.709's and the signal sRGB's (IEC 61966-2-1).
"""

import torch

SDR_WHITE = 203.0
"""cd/m2 that become sRGB white."""
USUAL_PEAK = 1000.0
"""cd/m2 of the mastering display where the file does not say, and of the display that HLG is shown on."""

PQ, HLG = 16, 18
BT709, BT2020, DISPLAY_P3 = 1, 9, 12
"""Numbers of ITU-T H.273."""

_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
_HLG_A, _HLG_B, _HLG_C = 0.17883277, 0.28466892, 0.55991073
_LUMA_2020 = (0.2627, 0.6780, 0.0593)

_D65 = (0.3127, 0.3290)
_CHROMATICITIES = {
    BT709: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    BT2020: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    DISPLAY_P3: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}


def described(transfer: int, primaries: int) -> str | None:
    """How `to_srgb` shows such a picture, for people; None where it is shown as it is."""
    if transfer in (PQ, HLG):
        return f"{'PQ' if transfer == PQ else 'HLG'} (HDR), tone-mapped"
    return "wide gamut, brought to BT.709" if primaries in (BT2020, DISPLAY_P3) else None


def to_srgb(rgb: torch.Tensor, transfer: int, primaries: int, peak: float = USUAL_PEAK) -> torch.Tensor:
    """(3, H, W) coded R'G'B' in 0..1 -> the same for an sRGB screen, clipped to its gamut.

    `transfer` and `primaries` are ITU-T H.273 numbers; `peak`: cd/m2 of the brightest thing that a PQ picture can hold.
    HDR is taken as BT.2020 where its primaries are not known. SDR is shown as it is but for its primaries, which are
    converted in light of gamma 2.4 (ITU-R BT.1886).
    """
    if transfer in (PQ, HLG):
        light = pq_to_light(rgb) if transfer == PQ else hlg_to_light(rgb)
        peak = peak if transfer == PQ else USUAL_PEAK
        brightest = light.amax(dim=0)
        light = light * (roll_off(brightest, peak, SDR_WHITE) / brightest.clamp_min(1e-6))
        known = primaries if primaries in _CHROMATICITIES else BT2020
        return _srgb(_mixed(light / SDR_WHITE, known))
    if primaries in (BT2020, DISPLAY_P3):
        return _mixed(rgb.clamp(0, 1) ** 2.4, primaries) ** (1 / 2.4)
    return rgb.clamp(0, 1)


def pq_to_light(signal: torch.Tensor) -> torch.Tensor:
    """cd/m2, 0..10000, of PQ signals 0..1 (the EOTF of BT.2100 table 4)."""
    power = signal.clamp(0, 1) ** (1 / _M2)
    return 10000 * ((power - _C1).clamp_min(0) / (_C2 - _C3 * power)) ** (1 / _M1)


def light_to_pq(light: torch.Tensor) -> torch.Tensor:
    """PQ signals 0..1 of cd/m2: the inverse of `pq_to_light`."""
    power = (light.clamp_min(0) / 10000) ** _M1
    return ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2


def hlg_to_light(signal: torch.Tensor) -> torch.Tensor:
    """cd/m2 of (3, H, W) HLG signals 0..1 on a display of `USUAL_PEAK` (BT.2100 table 5: inverse OETF, OOTF 1.2)."""
    signal = signal.clamp(0, 1)
    scene = torch.where(signal <= 0.5, signal.square() / 3, (((signal - _HLG_C) / _HLG_A).exp() + _HLG_B) / 12)
    luminance = (torch.tensor(_LUMA_2020).to(scene).view(3, 1, 1) * scene).sum(dim=0)
    return USUAL_PEAK * luminance**0.2 * scene


def roll_off(light: torch.Tensor, peak: float, target: float) -> torch.Tensor:
    """The EETF of BT.2390-10 section 5.4.1: cd/m2 up to `peak` become cd/m2 up to `target`, black stays black.

    What is darker than the knee is not changed; without effect where `peak` is no more than `target`.
    """
    if peak <= target:
        return light.clamp_max(target)
    white, aim = (float(light_to_pq(torch.tensor(v, dtype=torch.float64))) for v in (peak, target))
    most = aim / white
    knee = 1.5 * most - 0.5
    signal = (light_to_pq(light) / white).clamp_max(1)
    t = (signal - knee) / (1 - knee)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * most
    return torch.where(signal < knee, light, pq_to_light(spline * white))


def to_bt709(primaries: int) -> torch.Tensor:
    """(3, 3) float64: linear R, G, B of these primaries -> of BT.709; white is D65 in all (SMPTE RP 177)."""
    matrix: torch.Tensor = torch.linalg.solve(_to_xyz(BT709), _to_xyz(primaries))
    return matrix


def _to_xyz(primaries: int) -> torch.Tensor:
    columns = [torch.tensor([x / y, 1.0, (1 - x - y) / y], dtype=torch.float64)
               for x, y in (*_CHROMATICITIES[primaries], _D65)]  # fmt: skip
    matrix = torch.stack(columns[:3], dim=1)
    return matrix * torch.as_tensor(torch.linalg.solve(matrix, columns[3]))


def _mixed(light: torch.Tensor, primaries: int) -> torch.Tensor:
    """Linear (3, H, W) of `primaries` as BT.709's, clipped to 0..1."""
    return torch.einsum("ij,jhw->ihw", to_bt709(primaries).to(light), light).clamp(0, 1)


def _srgb(linear: torch.Tensor) -> torch.Tensor:
    """The sRGB signal of linear light, both 0..1."""
    return torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clamp_min(1e-9) ** (1 / 2.4) - 0.055)
