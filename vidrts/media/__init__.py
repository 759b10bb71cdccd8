"""Reading and writing video files and pipes through FFmpeg; the only importer of `av`.

    with Source("in.mp4") as source, Target("out.mp4", source.input, EncodeOptions()) as target:
        for event in source.events(target.streams):
            target.write(event)
        target.finish()

`read.source.Source` yields frames, and the packets of all other streams; `write.target.Target` takes both. Nothing is
imported here: options (`read.options`, `write.options`) load without FFmpeg and torch.
"""
