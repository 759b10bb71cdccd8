"""Options of an enhancing run: `EnhanceOptions`, which can be pickled and loads without torch and FFmpeg."""

from dataclasses import dataclass, field

from vidrts.checks import check, check_made, is_integer
from vidrts.media.read.options import DecodeOptions
from vidrts.media.write.options import EncodeOptions
from vidrts.networks.names import AUTO
from vidrts.picture.options import EnhancerOptions


@dataclass(frozen=True, kw_only=True)
class EnhanceOptions:
    """All options of a run; each part is validated on creation."""

    model: str = AUTO
    """A shipped model's name or a model file; auto: what suits the device."""
    picture: EnhancerOptions = field(default_factory=EnhancerOptions)
    decode: DecodeOptions = field(default_factory=DecodeOptions)
    encode: EncodeOptions = field(default_factory=EncodeOptions)
    in_flight: int = 4
    """Maximum number of events (frames, packets of other streams) between two stages; bounds memory."""
    workers: int = 0
    """Frames enhanced in parallel, each with its share of the threads; 0: two on a CPU, so that cores do not idle at
    the end of every layer, and two on each GPU. Does not change the result."""

    def __post_init__(self) -> None:
        check("model", self.model, "a model's name or file as a string", isinstance(self.model, str))
        check_made("picture", self.picture, EnhancerOptions)
        check_made("decode", self.decode, DecodeOptions)
        check_made("encode", self.encode, EncodeOptions)
        check("in_flight", self.in_flight, "1 to 256", is_integer(self.in_flight) and 1 <= self.in_flight <= 256)
        expected = "0 (automatic) to 64"
        check("workers", self.workers, expected, is_integer(self.workers) and 0 <= self.workers <= 64)
