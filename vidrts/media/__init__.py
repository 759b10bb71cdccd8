"""FFmpeg's side of vidrts, and the only importer of `av`: decode, encode, and everything else in the file.

`Source` gives frames and the packets of all other streams, `Target` takes them:

    with Source("in.mp4") as source, Target("out.mp4", source.input, EncodeOptions()) as target:
        for event in source.events(target.streams):
            target.write(event)
        target.finish()
"""

from vidrts.media.decode import Source
from vidrts.media.decodeoptions import DecodeOptions
from vidrts.media.encode import Target
from vidrts.media.input import CopiedPacket
from vidrts.media.write.options import EncodeOptions

__all__ = ["CopiedPacket", "DecodeOptions", "EncodeOptions", "Source", "Target"]
