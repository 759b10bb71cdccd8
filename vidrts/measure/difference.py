"""The difference ratio of the paper (section 3.4, Table 1): what share of a picture was changed.

All functions take pictures of equal shape, values in 0..`peak` or any common scale >= 0, and give percent. The paper
leaves the formula open: `difference_ratio` is one reading, `mean_difference` and
`rms_difference` are the other two that it names.
"""

import torch


def difference_ratio(changed: torch.Tensor, reference: torch.Tensor) -> float:
    """100 * sum|changed - reference| / sum(reference), in percent; any equal shapes and scale, values >= 0.

    The paper leaves the formula open. 0 for equal pictures; raises ValueError for a reference that is black throughout.
    """
    return float(100 * _difference(changed, reference).abs().sum(dtype=torch.float64) / _total(reference))


def mean_difference(changed: torch.Tensor, reference: torch.Tensor, peak: float = 1.0) -> float:
    """100 * mean|changed - reference| / peak, in percent of full scale; `peak` is 255 for 8-bit values."""
    return float(100 * _difference(changed, reference).abs().mean(dtype=torch.float64) / peak)


def rms_difference(changed: torch.Tensor, reference: torch.Tensor) -> float:
    """100 * rms(changed - reference) / mean(reference), in percent; raises ValueError for a black reference."""
    total = _total(reference)
    mean_square = _difference(changed, reference).square().mean(dtype=torch.float64)
    return float(100 * mean_square.sqrt() * reference.numel() / total)


def delta_scalar(stage: torch.Tensor, before: torch.Tensor, reference: torch.Tensor) -> float:
    """DR(HR_n, HR0) - DR(HR_n-1, HR0), in percent points: the column "Delta from (N-1)" of the paper's Table 1.

    It can be near 0, or negative, although the pictures of the two stages differ much; see `step_ratio`.
    """
    return difference_ratio(stage, reference) - difference_ratio(before, reference)


def step_ratio(stage: torch.Tensor, before: torch.Tensor) -> float:
    """DR(HR_n, HR_n-1), in percent: the norm of the paper's section 3.4, how far a stage moved from the last one."""
    return difference_ratio(stage, before)


def _difference(changed: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """In the pictures' own type where that holds it, else in float64; sums are float64 in any case."""
    if changed.dtype == reference.dtype and changed.dtype in (torch.float32, torch.float64):
        return changed - reference
    return changed.double() - reference.double()


def _total(reference: torch.Tensor) -> torch.Tensor:
    total = reference.sum(dtype=torch.float64)
    if total == 0:
        raise ValueError("the difference ratio of a black reference is not defined")
    return total
