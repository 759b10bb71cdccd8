"""What a picture file holds beside its samples: EXIF, ICC profile, XMP, resolution, and parts of its own format."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from vidrts.media.pictures import exif

EXIF_IFD, GPS_IFD, INTEROP_IFD = 0x8769, 0x8825, 0xA005
_ICC, _XMP = 34675, 700
_STRUCTURE = {
    *(254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284, 288, 289, 290, 291),
    *(292, 293, 301, 317, 320, 321, 322, 323, 324, 325, 330, 332, 334, 336, 338, 339, 340, 341, 342, 347),
    *range(512, 522), *(529, 530, 531, 532),
}  # fmt: skip
"""Tags of TIFF 6.0 and its supplements that say how samples are stored: they are written anew."""
_TIFF_ALONE = {_ICC, _XMP, 34377, 33723}
"""Tags whose content other formats hold outside of EXIF data, or not at all."""


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """Beside the parts that all formats hold, those of the source's own format, for an output in the same one."""

    exif: bytes | None = None
    """A TIFF structure without prefix."""
    icc: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    """Pixels per inch across and down."""
    png_chunks: tuple[tuple[bytes, bytes], ...] = ()
    """(type, content) of the ancillary chunks that stay true."""
    jpeg_segments: tuple[bytes, ...] = ()
    """Whole APPn and COM segments that stay true."""
    tiff: Mapping[int, tuple[int, Any]] = field(default_factory=dict)
    """Tag -> (type, value); of tags that refer to a directory the value is that directory's tags."""
    associated_alpha: bool = False
    """Colours are multiplied by alpha (TIFF of 16 bit)."""

    def enlarged(self, scale: int) -> "Metadata":
        """The same of a picture `scale` times as large."""
        changed = None if self.exif is None else exif.enlarged(self.exif, scale)
        tiff = dict(self.tiff)
        if scale != 1 and EXIF_IFD in tiff:
            kind, inner = tiff[EXIF_IFD]
            sizes = {tag: value * scale for tag, value in inner.items() if tag in (0xA002, 0xA003)}
            tiff[EXIF_IFD] = kind, inner | sizes
        return replace(self, exif=changed, tiff=tiff)


def of_image(image: ImageFile) -> Metadata:
    """What Pillow tells of an open picture, for all formats. Raises what Pillow raises."""
    info = image.info
    tags = getattr(image, "tag_v2", None)
    xmp = info.get("xmp")
    # First: asking for a directory that is not there makes an empty one.
    data = exif.bare(info.get("exif")) if tags is None else _exif_of_tiff(image)
    return Metadata(
        exif=data,
        icc=info.get("icc_profile") or None,
        xmp=xmp.encode() if isinstance(xmp, str) else xmp or None,
        dpi=_dpi(info.get("dpi")),
        tiff={} if tags is None else _kept_tags(image, tags),
        associated_alpha=tags is not None and tuple(tags.get(338, ())) == (1,),
    )


def _dpi(found: Any) -> tuple[float, float] | None:
    """Two positive numbers, else None."""
    try:
        across, down = (float(value) for value in found)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if 0 < across < 1e6 and 0 < down < 1e6 else None


def _kept_tags(image: ImageFile, tags: ImageFileDirectory_v2) -> dict[int, tuple[int, Any]]:
    found = {tag: (tags.tagtype[tag], value) for tag, value in tags.items() if tag not in _STRUCTURE}
    held = image.getexif()
    for tag in (EXIF_IFD, GPS_IFD):
        found.pop(tag, None)
        if inner := dict(held.get_ifd(tag)):
            inner.pop(INTEROP_IFD, None)
            found[tag] = 4, inner
    return found


def _exif_of_tiff(image: ImageFile) -> bytes | None:
    """EXIF data as other formats hold it."""
    held = image.getexif()
    for tag in (_STRUCTURE | _TIFF_ALONE) & set(held):
        del held[tag]
    return exif.bare(held.tobytes()) if held else None


def tiff_tags(metadata: Metadata) -> dict[int, tuple[int, Any]]:
    """The tags of a TIFF file: the source's own, or made of what another format held."""
    if metadata.tiff:
        return dict(metadata.tiff)
    found: dict[int, tuple[int, Any]] = {}
    if metadata.exif is not None:
        held = Image.Exif()
        held.load(metadata.exif)
        directory = ImageFileDirectory_v2()
        for tag, value in held.items():
            if tag in _STRUCTURE or tag in (EXIF_IFD, GPS_IFD):
                continue
            directory[tag] = value
            found[tag] = directory.tagtype[tag], value
        for tag in (EXIF_IFD, GPS_IFD):
            inner = dict(held.get_ifd(tag))
            inner.pop(INTEROP_IFD, None)
            if inner:
                found[tag] = 4, inner
    if metadata.dpi is not None:
        found |= {282: (5, metadata.dpi[0]), 283: (5, metadata.dpi[1]), 296: (3, 2)}
    if metadata.icc is not None:
        found[_ICC] = 7, metadata.icc
    if metadata.xmp is not None:
        found[_XMP] = 1, metadata.xmp
    return found
