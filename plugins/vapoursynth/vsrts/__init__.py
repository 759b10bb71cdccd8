"""vsrts: vidrts as a function in a VapourSynth script.

from vsrts import enhance
clip = enhance(clip)
"""

from importlib.metadata import version

try:
    import vapoursynth as _vapoursynth  # noqa: F401 - vsrts is installed with vidrts, VapourSynth only with its extra
except ModuleNotFoundError as error:
    raise ImportError("vsrts needs VapourSynth: pip install vapoursynth") from error

from vsrts.filter import enhance

__version__ = version("vidrts")
__all__ = ["enhance"]
