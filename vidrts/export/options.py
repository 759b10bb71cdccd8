"""How shaders are made. Without torch: the command line shows the defaults."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ShaderOptions:
    """How a shader is made."""

    scale: int = 1
    plane: bool = False
    """Hook luma although the network sees colours; one that does not hooks luma in any case."""
    strength: float = 1.0
    """As that of `vidrts enhance`; of scale 1."""
    blur: tuple[float, float] = (0.15, 0.3)
    """The blur levels of networks that are told them, of all pictures alike."""
    full_range: bool = False
    """Luma runs from 0 to 1, not from 16/255 to 235/255."""
    parameters: bool = False
    """Strength and blur levels are `//!PARAM`, which mpv's vo=gpu refuses."""
