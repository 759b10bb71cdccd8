"""The report on a degrader's run: what each snapshot does to held-out photographs, in numbers and pictures.

report.json, report.md and sheet.png; the paper's Figures 3 to 5 (arXiv 2503.02767) are the columns for entropy and
colour difference, and the sheet.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from vidrts.errors import OutputError, TrainingError
from vidrts.files import atomic_write
from vidrts.images import to_image
from vidrts.measure.luma import luma
from vidrts.networks.reconstruction.checkpoint import SnapshotInfo, load_degrader
from vidrts.networks.reconstruction.network import ReconstructionNetwork
from vidrts.training.degrader.classifier import SIDE, DamageClassifier, entropy, shares, train_classifier
from vidrts.training.degrader.control import corrected, fit
from vidrts.training.degrader.damage import Damaged, Damager
from vidrts.training.degrader.reconstruct import spun
from vidrts.training.degrader.run import corpus_of, held_out_pictures, training_pictures
from vidrts.training.degrader.store import DegraderStore

_CROPS = 12
"""Of each held-out picture."""
_IN_BATCH = 8
_SHOWN = 4
"""Rows of the sheet."""
_ZOOM = 3


@dataclass(frozen=True)
class Measures:
    """What one snapshot does to crops of 64x64 pixels of held-out photographs."""

    views: int
    psnr: float
    """dB, before correction, of whole pictures."""
    difference_raw: float
    """Median of the crops' mean CIEDE2000 before correction."""
    difference: float
    """And after."""
    displaced: float
    """Mean, pixels."""
    displaced_most: float
    """95th percentile."""
    dropped: float
    """Share of crops beyond the limits."""
    codes: tuple[float, ...]
    """Median number of codes in use in a batch of 8 crops, coarsest level first."""
    lattice: float
    """See `lattice`; of whole pictures, the largest."""
    entropy: float
    """Nats, of the kinds of damage that the classifier sees; at most ln 15 = 2.708."""
    kinds: dict[str, float]
    """Kind -> share of crops."""


def save_report(
    run: Path,
    out: Path,
    *,
    classifier_steps: int = 300,
    on_message: Callable[[str], None] = lambda line: None,
) -> Path:
    """Write the report on a run, finished or not; returns report.md. Raises `TrainingError`, `OutputError`."""
    store = DegraderStore(run)
    options = store.degrader_options()
    snapshots = store.snapshots()
    if not snapshots:
        raise TrainingError(f"{run}: no snapshot yet")
    corpus = corpus_of(options)
    held = held_out_pictures(corpus, options)
    network, accuracy = train_classifier(
        training_pictures(corpus), held, steps=classifier_steps, seed=options.seed, on_message=on_message
    )
    measured, columns = [], []
    for snapshot in snapshots:
        damager = Damager(load_degrader(store.snapshot_file(snapshot.views)).networks, (snapshot,))
        measured.append(measures(damager, held, network))
        columns.append([damager(crop, np.random.default_rng(1)) for crop in _shown(held)])
        on_message(f"{snapshot.views} views: {measured[-1].psnr:.2f} dB, entropy {measured[-1].entropy:.2f}")
    found = {"accuracy": accuracy, "snapshots": [asdict(each) for each in measured]}
    text = table(measured, accuracy)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in (("report.json", json.dumps(found, indent=1) + "\n"), ("report.md", text)):
            with atomic_write(out / name) as part:
                part.write_text(content)
        with atomic_write(out / "sheet.png") as part, part.open("wb") as file:
            sheet(_shown(held), columns).save(file, "PNG")
    except OSError as error:
        raise OutputError(f"{out}: the report cannot be written ({error.strerror})") from None
    return out / "report.md"


def measures(damager: Damager, held: Sequence[torch.Tensor], classifier: DamageClassifier) -> Measures:
    """Of the one snapshot of `damager`, on pictures (3, H, W) uint8."""
    (snapshot,) = damager.snapshots
    crops = _crops(held)
    made = [damager(crop, np.random.default_rng(number)) for number, crop in enumerate(crops)]
    raw = [fit(damaged.raw, crop).difference for damaged, crop in zip(made, crops, strict=True)]
    seen = shares(classifier, torch.stack([damaged.picture for damaged in made]))
    network = damager.networks[0]
    return Measures(
        views=snapshot.views, psnr=snapshot.psnr, difference_raw=float(np.median(raw)),
        difference=float(np.median([damaged.fit.difference for damaged in made])),
        displaced=float(np.mean([damaged.fit.displaced for damaged in made])),
        displaced_most=float(np.quantile([damaged.fit.displaced for damaged in made], 0.95)),
        dropped=float(np.mean([not damaged.fit.keeps for damaged in made])),
        codes=codes_in_use(network, crops),
        lattice=max(_whole_lattice(network, picture.float() / 255) for picture in held),
        entropy=entropy(list(seen.values())), kinds=seen,
    )  # fmt: skip


@torch.inference_mode()
def codes_in_use(network: ReconstructionNetwork, crops: Sequence[torch.Tensor]) -> tuple[float, ...]:
    """Median over batches of 8 crops of how many codes each level uses; () for networks without codes."""
    counts = []
    for first in range(0, len(crops) - _IN_BATCH + 1, _IN_BATCH):
        batch = torch.stack(list(crops[first : first + _IN_BATCH])) * 2 - 1
        made = network(batch, np.random.default_rng(first))
        counts.append([len(coded.indices.unique()) for coded in made.coded])
    return tuple(float(count) for count in np.median(counts, axis=0)) if counts and counts[0] else ()


def lattice(change: torch.Tensor) -> float:
    """How much of a picture's change repeats every 4 pixels: autocorrelation of luma at 4 above that at 3 and 5.

    change: (3, H, W), H and W at least 32. About 0 or less without a lattice, 1 and more with a plain one: what nine of
    ten blocks of 32x32 pixels are below, in the direction where it is larger. Each block counts alike, since a lattice
    shows where a picture is flat. What is coarser than about 3 pixels is taken out first, along the direction.
    """
    plane = luma(change).double()
    return max(_repeats(plane), _repeats(plane.T))


def _repeats(plane: torch.Tensor) -> float:
    length = plane.shape[1] - 4
    rows = plane[:, 2:-2] - torch.stack([plane[:, k : k + length] for k in range(5)]).mean(0)
    blocks = max(1, plane.shape[0] // 32), max(1, plane.shape[1] // 32)

    def means(values: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.adaptive_avg_pool2d(values[None], blocks)[0]

    near = {lag: means(rows[:, lag:] * rows[:, : length - lag]) for lag in (3, 4, 5)}
    power = means(rows.square())
    seen = power > 1e-8
    if not seen.any():
        return 0.0
    above = (near[4] - torch.maximum(near[3], near[5]))[seen] / power[seen]
    return float(above.quantile(0.9))


def _whole_lattice(network: ReconstructionNetwork, picture: torch.Tensor) -> float:
    made = corrected(spun(network, picture, np.random.default_rng(1)), picture)
    return lattice((255 * made).round() / 255 - picture)


def table(measured: Sequence[Measures], accuracy: float) -> str:
    """The numbers as Markdown."""
    lines = [
        "| views | PSNR, dB | Delta-E2000 raw | corrected | displaced, px: mean | 95 % | dropped | codes | lattice "
        "| entropy | most seen |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for each in measured:
        codes = " + ".join(f"{count:g}" for count in each.codes) or "-"
        most = sorted(each.kinds, key=lambda kind: -each.kinds[kind])[:3]
        lines.append(
            f"| {each.views:,} | {each.psnr:.2f} | {each.difference_raw:.2f} | {each.difference:.2f} "
            f"| {each.displaced:.2f} | {each.displaced_most:.2f} | {100 * each.dropped:.0f} % | {codes} "
            f"| {each.lattice:+.3f} | {each.entropy:.2f} "
            f"| {', '.join(f'{kind} {100 * each.kinds[kind]:.0f} %' for kind in most)} |"
        )
    return "\n".join([
        "# Degrader", "", *lines, "",
        f"On held-out photographs, scaled down as training inputs are; all but PSNR and lattice on {_CROPS} crops of "
        f"{SIDE}x{SIDE} pixels of each. Delta-E2000: medians of the crops' means. Codes: in use in {_IN_BATCH} crops, "
        "coarsest level first. Lattice: autocorrelation of the corrected change, in 8 bits, at 4 pixels above that at "
        "3 and 5, what nine of ten blocks of the worst picture are below; a Gaussian blur of 1 pixel has up to 0.2. "
        "Entropy: of the kinds of damage seen, in nats (at most 2.708); the classifier of fifteen kinds is right in "
        f"{100 * accuracy:.0f} % of crops that are damaged on "
        "purpose.", "",
    ])  # fmt: skip


def sheet(clean: Sequence[torch.Tensor], columns: Sequence[Sequence[Damaged]]) -> Image.Image:
    """Rows of crops: the clean one, then as each snapshot gives it, pixels enlarged."""
    size, gap, top = _ZOOM * SIDE, 4, 40
    width, height = (size + gap) * (1 + len(columns)), top + (size + gap) * len(clean)
    image = Image.new("RGB", (width, height), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    titles = ["clean", *(_title(column[0].snapshot) for column in columns)]
    shown = [clean, *([damaged.picture for damaged in column] for column in columns)]
    for number, (title, column) in enumerate(zip(titles, shown, strict=True)):
        left = number * (size + gap)
        draw.text((left + 4, 2), title, fill="black", font=font)
        for row, crop in enumerate(column):
            image.paste(to_image(crop).resize((size, size), Image.Resampling.NEAREST), (left, top + row * (size + gap)))
    return image


def _title(snapshot: SnapshotInfo) -> str:
    return f"{snapshot.views:,} views\n{snapshot.psnr:.1f} dB"


def _crops(held: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """(3, 64, 64) in 0..1, at places of their own in each picture."""
    found = []
    for number, picture in enumerate(held):
        rng = np.random.default_rng((3, number))
        for _ in range(_CROPS):
            y, x = (int(rng.integers(length - SIDE + 1)) for length in picture.shape[1:])
            found.append(picture[:, y : y + SIDE, x : x + SIDE].float() / 255)
    return found


def _shown(held: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The middle of the first pictures."""
    found = []
    for picture in held[:_SHOWN]:
        y, x = ((length - SIDE) // 2 for length in picture.shape[1:])
        found.append(picture[:, y : y + SIDE, x : x + SIDE].float() / 255)
    return found
