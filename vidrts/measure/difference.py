"""The difference ratio of the paper (section 3.4, Table 1): what share of a picture was changed."""

import torch


def difference_ratio(changed: torch.Tensor, reference: torch.Tensor) -> float:
    """100 * sum|changed - reference| / sum(reference), in percent; any equal shapes and scale, values >= 0.

    The formula is open in the paper; this reading is specs/RTS.md section 6. 0 for equal pictures; raises ValueError
    for a reference that is black throughout.
    """
    total = reference.double().sum()
    if total == 0:
        raise ValueError("the difference ratio of a black reference is not defined")
    return float(100 * (changed.double() - reference.double()).abs().sum() / total)
