"""Networks that see luma alone, as R'G'B' networks: chroma is enlarged by bicubic."""

from abc import abstractmethod

import torch

from vidrts.colorplan import luma
from vidrts.networks.network import Network
from vidrts.networks.spec import Context
from vidrts.ops.lanczos import enlarge


def reach_after_bicubic(radius: int) -> int:
    """Input pixels to each side that a pixel depends on that sees `radius` pixels of a bicubic enlargement by 2."""
    return -(-(radius + 3) // 2)


class LumaNetwork(Network):
    """SR(x) = U(x) + f(Y) - Y(U(x)) for each of R', G' and B': f's luma, the chroma of U, which is bicubic.

    Y is BT.709 luma, as everywhere in vidrts; the papers have BT.601's.
    """

    @abstractmethod
    def enlarged_luma(self, y: torch.Tensor, bicubic: torch.Tensor) -> torch.Tensor:
        """f: (B, 1, h, w) and the same enlarged by bicubic, (B, 1, 2h, 2w), -> (B, 1, 2h, 2w)."""

    def forward(self, x: torch.Tensor, context: Context | None = None) -> torch.Tensor:
        """SR(x), (B, 3, h, w) -> (B, 3, 2h, 2w). Under autocast f alone runs in low precision."""
        with torch.autocast(x.device.type, enabled=False):
            raised = enlarge(x, 2, kernel="cubic")
            bicubic = luma(raised)[:, None]
        y = self.enlarged_luma(luma(x)[:, None], bicubic)
        return raised + (y.to(raised.dtype) - bicubic)
