"""A fault of x265 that everyone who calls it has to go round."""


def params(width: int) -> list[str]:
    """`x265-params` without which x265 writes past the end of its memory, for pictures of this width.

    Its cutree does up to 48 pixels (x265 4.3, all even widths from 16 to 120 tried with glibc's MALLOC_CHECK_), and the
    process is aborted at some later time.
    """
    return ["no-cutree=1"] if width <= 48 else []
