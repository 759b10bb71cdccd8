"""What `vidrts enhance` computes of a picture, as one module of plain operations: borders, network, tail."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn

from vidrts.colorplan import luma
from vidrts.errors import OptionError
from vidrts.networks import blur_level
from vidrts.networks.checkpoint import LoadedModel
from vidrts.networks.network import Network, ResidualNetwork
from vidrts.networks.noise import levels
from vidrts.networks.spec import Context, next_multiple
from vidrts.ops.lanczos import HALVE_RADIUS, enlarge
from vidrts.picture.folded_tail import tail_halo, tail_weights
from vidrts.picture.forward import inner_result


class PictureGraph(nn.Module):
    """(B, 3, H, W) R'G'B' in 0..1 -> (B, 3, scale*H, scale*W), not clamped; (B, 1, ...) for both with `plane`.

    A model that was trained on luma alone changes luma: the change is added to R', G' and B' alike. `plane`: the
    picture is its own luma. `blur`: the picture's blur levels, for networks that are told them; None: estimated, of
    pictures of more than `blur_level.WINDOWED` pixels a side. `amplitude`: W of networks that take noise, the same for
    every pixel. Raises `OptionError` for a scale that the model does not offer, and for what it cannot take.
    """

    def __init__(
        self,
        model: LoadedModel,
        *,
        scale: int = 1,
        plane: bool = False,
        blur: Sequence[float] | None = None,
        amplitude: float = 0.0,
    ) -> None:
        super().__init__()
        network, spec = model.network, model.network.spec
        if scale not in model.info.scales(spec):
            offered = " or ".join(map(str, model.info.scales(spec)))
            raise OptionError(f"{model.title}: expected scale {offered}, got {scale}")
        if blur is not None and network.blur_level is None:
            raise OptionError(f"{model.title}: is not told blur levels; leave --blur-level out")
        if amplitude and not spec.noise:
            raise OptionError(f"{model.title}: its network has no noise input; leave --noise-amplitude out")
        self.scale, self.plane = scale, plane
        self.luma = plane or model.info.colour == "luma" or network.sees_luma_alone
        self._channels = 1 if spec.channels == "luma" else 3
        self._network = network
        self._multiple = spec.multiple
        self.estimates = network.blur_level is not None and blur is None
        """Whether blur levels are estimated."""
        self.register_buffer("_levels", None if blur is None else torch.tensor([list(blur)], dtype=torch.float32))
        residual = network.residual_form
        self._pass = _Residual(residual, scale, self.luma) if residual else _Whole(network, scale, self.luma, amplitude)
        self.halo = self._pass.halo
        """Input pixels to each side that a result depends on."""

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """See the class."""
        x = picture
        if self.plane and self._channels == 3:
            x = picture.expand(-1, 3, -1, -1)
        elif self._channels == 1 and not self.plane:
            x = luma(picture)[:, None]
        height, width = x.shape[-2:]
        # What fills sizes up to a multiple lies below and at the right, as `picture.tiled_upscaler` has it.
        below, right = -height % self._multiple, -width % self._multiple
        around = self.halo, self.halo + right, self.halo, self.halo + below
        result: torch.Tensor = self._pass(F.pad(self._prepared(x), around, mode="replicate"))
        result = result[..., : self.scale * height, : self.scale * width]
        if self.plane or not self.luma:
            return result
        base = picture if self.scale == 1 else enlarge(picture, self.scale)
        return base + (result - luma(base)[:, None])

    def _prepared(self, x: torch.Tensor) -> torch.Tensor:
        if self._network.blur_level is None:
            return self._network.prepared(x)
        if not self.estimates:
            assert isinstance(self._levels, torch.Tensor)
            return self._network.prepared(x, self._levels.to(x.dtype).expand(x.shape[0], -1))
        found = blur_level.estimated(self._network.blur_level, luma(x)[:, None].float())
        return self._network.prepared(x, found.to(x.dtype))


class _Residual(nn.Module):
    """A residual network with its extension and d as one convolution (`picture.folded_tail`)."""

    def __init__(self, network: ResidualNetwork, scale: int, of_luma_alone: bool) -> None:
        super().__init__()
        weight, bias = tail_weights(network.conv_ext, scale, luma=of_luma_alone)
        self._network, self._scale, self._radius = network, scale, network.radius
        self._tail = nn.Conv2d(3, len(bias), weight.shape[-1])
        self._tail.weight.data, self._tail.bias = weight.float(), nn.Parameter(bias.float())
        self.halo = self._radius + tail_halo(scale)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        r = self._radius  # beyond it the zero padding of the convolutions is not felt
        y: torch.Tensor = self._tail((x + self._network.residual(x))[..., r:-r, r:-r])
        return y if self._scale == 1 else F.pixel_shuffle(y, 2)


class _Whole(nn.Module):
    """Any other network; at scale 1 d halves a factor of 2."""

    def __init__(self, network: Network, scale: int, of_luma_alone: bool, amplitude: float) -> None:
        super().__init__()
        spec = network.spec
        self._network, self._factor, self._amplitude = network, spec.factor_for(scale), amplitude
        self._margin = HALVE_RADIUS if self._factor != scale else 0
        self._luma = of_luma_alone and spec.channels == "rgb"
        self.halo = next_multiple(spec.reach[self._factor] + self._margin, spec.multiple)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        noise: tuple[torch.Tensor, ...] = ()
        if self._amplitude:
            flat = torch.full_like(x[:, :1], self._amplitude)
            noise = tuple(
                flat if level == 0 else F.interpolate(flat, scale_factor=2**level)
                for level in range(levels(self._factor))
            )
        y: torch.Tensor = self._network(x, Context(self._factor, noise))
        return inner_result(y, self._factor * (self.halo - self._margin), self._margin, luma=self._luma)
