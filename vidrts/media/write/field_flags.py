"""Field flags of interlaced frames for the encoder."""

from fractions import Fraction

import av

from vidrts.frame import FieldOrder
from vidrts.media.planes import FieldMarker
from vidrts.media.write.encoders import Encoder
from vidrts.messages import Code, Message, Tell


class FieldFlags:
    """Sets the field flags of frames for an encoder with interlaced coding (`Encoder.fields`). Stateful, per target.

    `order`: that of the stream. Encoders with `single_field_order` get it with every frame; the others get each frame's
    own, and the previous one for progressive frames, which they cannot mark. One message names what is lost, with its
    time as -ss counts it: from `origin`, in seconds of the frames' clock. FFV1 keeps every frame's flags.
    """

    def __init__(self, encoder: Encoder, order: FieldOrder, tell: Tell, origin: Fraction = Fraction(0)):
        self._origin = origin
        self._encoder = encoder
        self._order = order
        self._coded = bool(encoder.fields) and order != "progressive"
        self._tell = tell
        self._told = order != "progressive" and not self._coded  # then `loss_warnings` reports it
        self._marker = FieldMarker()

    def set(self, frame: av.VideoFrame, order: FieldOrder, time_base: Fraction) -> av.VideoFrame:
        """`frame`, whose fields are in `order`, as the encoder is to see it."""
        if self._encoder.fields == "" or order == self._order:
            return frame
        if not self._coded:
            self._tell_once(Code.LATER_FIELDS_CODED_AS_FRAMES, frame, time_base)
            return frame
        if order != "progressive":
            if not self._encoder.single_field_order:
                self._order = order
                return frame
            self._tell_once(Code.FIELD_ORDER_CHANGES, frame, time_base, order=self._order, other=order)
        return self._marker.marked(frame, self._order, time_base)

    def _tell_once(self, code: Code, frame: av.VideoFrame, time_base: Fraction, **values: str) -> None:
        if not self._told:
            self._told = True
            time = float((frame.pts or 0) * time_base - self._origin)
            self._tell(Message(code, time=time, encoder=self._encoder.name, **values))
