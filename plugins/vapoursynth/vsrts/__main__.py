"""python -m vsrts: what is installed, the devices to choose from, the models that came with it."""

import torch
import vapoursynth as vs

from vidrts.errors import ModelError
from vidrts.networks.auto import resolved
from vidrts.networks.checkpoint import read_info
from vidrts.networks.names import AUTO, COLOURS
from vidrts.networks.registry import build, parameter_count
from vidrts.networks.shipped import shipped_models
from vidrts.picture.engines.choice import native_precisions
from vsrts import __version__


def _auto(device: torch.device) -> str:
    return f'precision="auto" is {native_precisions(device)[0]}'


def _model(name: str, path: str) -> str:
    try:
        info = read_info(path)
        count = parameter_count(build(info.architecture, info.numbers))
    except ModelError as error:
        return str(error)
    auto = "".join(
        f', "auto" on a {title}' for kind, title in (("cuda", "GPU"), ("cpu", "CPU")) if resolved(AUTO, kind) == name
    )
    return f"{name}: trained on {COLOURS[info.colour]}, {count:,} parameters, stage {info.stage}{auto}"


def main() -> None:
    """Print it all on standard output."""
    print(f"vsrts {__version__}, VapourSynth R{vs.__version__[0]}, torch {torch.__version__}")
    print("devices:")
    print(f'  device="cpu": {torch.get_num_threads()} threads, {_auto(torch.device("cpu"))}')
    for index in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(index)
        memory = f"{card.total_memory / 2**30:.0f} GiB"
        print(f'  device="cuda", device_index={index}: {card.name}, {memory}, {_auto(torch.device("cuda", index))}')
    print("models:")
    for name, path in shipped_models().items():
        print(f"  {_model(name, str(path))}")


if __name__ == "__main__":
    main()
