"""The filters that turn a picture as its display matrix says, as FFmpeg does before those of -vf."""

from collections.abc import Sequence
from math import atan2, degrees, hypot


def turning(matrix: Sequence[int] | None) -> tuple[str, int]:
    """(filters, degrees clockwise) for quarter turns and flips; ("", 0) for none, and for other angles.

    `matrix`: see `tags.display_matrix`.
    """
    if matrix is None or not hypot(matrix[0], matrix[3]) or not hypot(matrix[1], matrix[4]):
        return "", 0
    angle = degrees(atan2(matrix[1] / hypot(matrix[1], matrix[4]), matrix[0] / hypot(matrix[0], matrix[3]))) % 360
    turn = round(angle / 90) % 4
    if abs(angle - 90 * round(angle / 90)) >= 1:
        return "", 0
    if turn == 1:
        return f"transpose={'cclock_flip' if matrix[3] > 0 else 'clock'}", 90
    if turn == 3:
        return f"transpose={'clock_flip' if matrix[3] < 0 else 'cclock'}", 270
    flips = ["hflip"] if turn == 2 and matrix[0] < 0 else []
    flips += ["vflip"] if matrix[4] < 0 else []
    return ",".join(flips), 90 * turn
