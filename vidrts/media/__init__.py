"""FFmpeg's side of vidrts, and the only importer of `av`: decode, encode, and everything else in the file.

`Source` gives frames and the packets of all other streams, `Target` takes them:

    with Source("in.mp4") as source, Target("out.mp4", source.input, EncodeOptions()) as target:
        for event in source.events(target.streams):
            target.write(event)
        target.finish()
"""

from vidrts.media.input import CopiedPacket
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.target import Target

__all__ = ["CopiedPacket", "DecodeOptions", "EncodeOptions", "Source", "Target"]
