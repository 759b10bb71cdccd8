"""How shaders are made. Without torch: the command line shows the defaults."""

from dataclasses import dataclass

BLUR = (0.15, 0.3)
"""The blur levels that are taken for those of films, where nothing says them: a shader cannot estimate any."""


@dataclass(frozen=True, kw_only=True)
class ShaderOptions:
    """How a shader is made."""

    scale: int = 1
    plane: bool = False
    """Hook luma although the network sees colours; one that does not hooks luma in any case."""
    strength: float = 1.0
    """As that of `vidrts enhance`; of scale 1 alone."""
    blur: tuple[float, float] | None = None
    """The blur levels of networks that are told them, of all pictures alike; None: `BLUR`."""
    full_range: bool = False
    """Where luma is hooked: it runs from 0 to 1, not from 16/255 to 235/255."""
    parameters: bool = False
    """Strength and blur levels are `//!PARAM`, which mpv's vo=gpu refuses."""
