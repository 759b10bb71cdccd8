"""Encrypted streams (Common Encryption, of DRM), of which decoders make noise and copies nothing that plays."""

from vidrts.errors import InputError
from vidrts.media.containers import AnyPacket, Place


def refuse_encrypted(path: Place, packet: AnyPacket) -> None:
    """Raise `InputError` for a packet that is encrypted."""
    if packet.has_sidedata("encryption_info"):
        stream = packet.stream
        leave_out = ", or leave it out (--no-audio)" if stream.type == "audio" else ""
        raise InputError(
            f"{path}: {stream.type} stream {stream.index} is encrypted; decrypt it first: ffmpeg -decryption_key KEY "
            f"-i IN -map 0 -c copy OUT{leave_out}"
        )
