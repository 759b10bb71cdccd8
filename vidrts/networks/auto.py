"""The model that suits a device: what `--model auto` is. Loads without torch."""

from vidrts.networks.names import AUTO, DEFAULT_MODEL, LIGHT_MODEL


def resolved(model: str, device: str) -> str:
    """`model` itself; of "auto" the shipped model for a device of that type, "cpu" or "cuda".

    Both are RTS networks. On a CPU the light one keeps up with files that the other takes hours for.
    """
    if model != AUTO:
        return model
    return LIGHT_MODEL if device == "cpu" else DEFAULT_MODEL
