"""What all files of weights have in common: safetensors whose metadata holds one key, and a checksum in it."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch

from vidrts.errors import ModelError


def weights_digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over names and values as stored, so that flipped bits are noticed."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode() + b"\0" + tensors[name].numpy().tobytes())
    return digest.hexdigest()


def read_header(path: Path, key: str, kind: str, *, missing: str, version: int) -> dict[str, Any]:
    """The JSON under `key`, of a file that is a `kind` ("a vidrts model"); raises `ModelError`, one line, for others.

    missing: what to say where there is no file. version: its "format".
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except FileNotFoundError:
        raise ModelError(f"{path}: {missing}") from None
    except (OSError, safetensors.SafetensorError, ValueError) as error:
        raise ModelError(f"{path}: not a complete safetensors file ({error}); get the file again") from None
    if key not in metadata:
        raise ModelError(f"{path}: a safetensors file, but not {kind} (no {key!r} in its metadata)")
    try:
        header = dict(json.loads(metadata[key]))
        held = header["format"]
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{path}: its vidrts metadata is damaged ({error}); get the file again") from None
    if held != version:
        raise ModelError(f"{path}: expected format {version} of {kind}, got {held}; update vidrts")
    return header
