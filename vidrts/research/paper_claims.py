"""What the paper claims, held against runs: for each claim its numbers, ours, and whether it was reproduced.

A claim is "reproduced" where the runs show what the paper says of order and direction; the paper's own values are of
other pictures and another score.
"""

import itertools
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from vidrts.training.report.runs import Run, Table

type Claim = tuple[str, str, str, bool | None]
"""What is claimed, the paper's numbers, ours, and whether it holds; None where this run cannot tell."""

ALPHA, ALPHA_SD = 0.779, 0.098
"""The paper's alpha of eq. 11 in stage 1, over DIV2K's validation pictures."""
NEAR = 0.1
"""The layer b "agrees" with d(s) where it departs by less than this share of what HR_n changes."""
ONE_SEED = 0.01
"""What two seeds may differ by in MOS, where there is only one."""
GROWS = 0.05
"""Percent points by which the change has to grow again to be more than what two runs differ by."""


def of_stages(run: Run) -> Table:
    """The claims about one network over its stages: Tables 1 and 2, Figures 4 and 6, eq. 11 and the layer b."""
    return _table(f"What {run.options.model} shows of the paper's claims", _of_stages(run))


def _of_stages(run: Run) -> Iterator[Claim]:
    m, stages = run.measures, run.stages
    deltas = {n: run.delta(n) for n in stages}
    least = min(stages, key=lambda n: abs(deltas[n]))
    yield (
        "the change from stage to stage falls to a least value, then grows (Table 1)",
        "least 0.01 in stage 4, 0.14 in stage 8",
        f"least {deltas[least]:+.2f} in stage {least}, {deltas[stages[-1]]:+.2f} in stage {stages[-1]}",
        deltas[stages[-1]] > abs(deltas[least]) + GROWS if len(stages) > 4 else None,
    )  # fmt: skip
    if len(stages) > 1:
        shrinks = [deltas[b] / deltas[a] for a, b in itertools.pairwise(stages[:3]) if deltas[a]]
        alpha = m[1].get("alpha")
        yield (
            "each stage's change is alpha times that of the one before (eq. 14)",
            f"alpha {ALPHA:.3f}; from Table 1: 0.42, 0.30, 0.08",
            (f"alpha {alpha:.3f}; " if alpha is not None else "") + ", ".join(f"{s:.2f}" for s in shrinks),
            all(abs(s - alpha) <= ALPHA_SD for s in shrinks) if alpha is not None else None,
        )
    if "alpha" in m[1]:
        yield (
            "alpha of eq. 11 in stage 1", f"{ALPHA:.3f} ± {ALPHA_SD:.3f}",
            f"{m[1]['alpha']:.3f} ± {m[1].get('alpha_sd', 0):.3f}, correlation {m[1].get('alpha_correlation', 0):.2f}",
            abs(m[1]["alpha"] - ALPHA) <= ALPHA_SD,
        )  # fmt: skip
    if "blue_difference" in m[1]:
        shares = [m[n]["blue_difference"] / m[n]["difference_ratio"] for n in stages]
        yield (
            "the layer at input size, b, is the next stage's target (Figure 3)", "said, no number",
            f"b departs from HR_n by {min(shares):.1f} to {max(shares):.1f} times what HR_n changes",
            max(shares) < NEAR,
        )  # fmt: skip
    if len(stages) > 3:
        step = m[4]["step_ratio"] / m[1]["difference_ratio"]
        yield (
            "HR3 and HR4 are nearly the same (Figure 5)", "said, no number",
            f"HR4 is {m[4]['step_ratio']:.2f} % from HR3, {step:.2f} of what HR1 is from HR0", step < 0.25,
        )  # fmt: skip
        last = stages[-1]
        linear = m[last]["usm_difference_ratio"] / (last * m[1]["usm_difference_ratio"])
        yield (
            "unsharp masking repeated goes on as far with each pass; the recurrence stops (Figure 4)",
            "a straight line",
            f"after {last} passes {linear:.2f} of a straight line; the recurrence "
            f"{m[last]['difference_ratio'] / (last * m[1]['difference_ratio']):.2f}",
            linear > 0.8 and m[last]["difference_ratio"] < 0.6 * linear * last * m[1]["difference_ratio"],
        )  # fmt: skip
    if "mos" in m[1]:
        yield from _of_scores(run)


def _of_scores(run: Run) -> Iterator[Claim]:
    m, stages = run.measures, run.stages
    scores = [m[0]["mos"], *(m[n]["mos"] for n in stages)]
    best = max(stages, key=lambda n: m[n]["mos"])
    yield (
        "the score rises for about three stages, then falls (Table 2, Figure 6)",
        "3.825; 3.962, 4.028, 4.057, 4.050 ... 4.030",
        f"{scores[0]:.3f}; {', '.join(f'{s:.3f}' for s in scores[1:])}; highest in stage {best}",
        2 <= best <= 4 and best < stages[-1] if len(stages) > 4 else None,
    )  # fmt: skip
    if len(stages) >= 3 and "lr_mos" in m[0]:
        gain, loss = m[3]["mos"] - m[0]["mos"], m[0]["mos"] - m[0]["lr_mos"]
        yield (
            "HR3 is farther above HR0 than HR0 above LR (Table 2)", "0.232 and 0.180", f"{gain:.3f} and {loss:.3f}",
            gain > loss,
        )  # fmt: skip
    for name, what, rise in (
        ("edge_acutance", "edge acutance", 94.3 / 56.6), ("texture_acutance", "texture acutance", 171.8 / 108.7),
    ):  # fmt: skip
        if len(stages) >= 3 and m[0].get(name):
            own = m[3][name] / m[0][name]
            yield f"{what} rises by more than half to HR3 (Table 2)", f"x{rise:.2f}", f"x{own:.2f}", own > 1.5
    if len(stages) >= 6:
        last = stages[-1]
        for name, what, paper, falls in (
            ("saturation", "the saturation falls in late stages (Table 2)", "118.0 at HR3, 111.7 at HR8", True),
            ("noise_signature_index", "the noise index goes on rising (Table 2)", "326.2 at HR3, 331.1 at HR8", False),
        ):
            before, after = m[3][name], m[last][name]
            yield (
                what, paper, f"{before:.1f} at HR3, {after:.1f} at HR{last}",
                after < before - 0.5 if falls else after > before + 0.5,
            )  # fmt: skip


def of_networks(
    scores: Mapping[str, Sequence[Sequence[float]]],
    paper: Mapping[str, Sequence[float]],
    *,
    small: str,
    best: str,
    falls: str = "",
) -> Table:
    """The claims of Table 3. scores: network -> for each seed MOS of HR0, HR1, HR2, HR3; `paper`: the paper's of it.

    small: the network that beats all others' HR1 at its HR3; best: the one that is the best at HR3; falls: the one that
    loses from HR2 to HR3. What is claimed of a network that is not there is left out.

    They count from each seed's own HR0: seeds may be measured on other photographs. A difference that is smaller than
    the largest standard deviation over the seeds, or than `ONE_SEED` where there is no second one, is left "open".
    """
    scores = {name: [[s - seed[0] for s in seed] for seed in seeds] for name, seeds in scores.items()}
    spreads = [statistics.stdev(s) for seeds in scores.values() if len(seeds) > 1 for s in zip(*seeds, strict=True)]
    chance = max(spreads, default=ONE_SEED)
    means = {name: [statistics.fmean(stage) for stage in zip(*seeds, strict=True)] for name, seeds in scores.items()}
    printed = {name: [score - paper[name][0] for score in paper[name]] for name in means}
    claims = _of_networks(means, printed, chance, (small, best, falls))
    table = _table("What the networks show of the paper's claims", claims)
    known = "The greatest standard deviation over seeds is" if spreads else "Of one seed each: chance is taken to be"
    missing = [name for name in paper if name not in means]
    note = f"MOS above HR0. {known} {chance:.3f}; differences that are smaller are left open."
    return replace(table, note=note + (f" Not run: {', '.join(missing)}." if missing else ""))


type _Means = Mapping[str, Sequence[float]]


def _of_networks(means: _Means, paper: _Means, chance: float, named: tuple[str, str, str]) -> Iterator[Claim]:
    small, best, falls = named
    if not means or min(map(len, means.values())) < 4:
        return

    def steps(of: _Means, names: Iterable[str], a: int, b: int) -> dict[str, float]:
        return {name: of[name][b] - of[name][a] for name in names}

    def rises(names: Sequence[str], a: int, b: int) -> tuple[str, str, bool | None]:
        ours = steps(means, names, a, b)
        return _signed(steps(paper, names, a, b)), _signed(ours), _holds(min(ours.values()), chance)

    yield "HR2 is better than HR1, for every network (Table 3)", *rises(list(means), 1, 2)
    if others := [name for name in means if name != falls]:
        but = f", but for {falls}" if falls in means else ""
        yield f"HR3 is at least as good as HR2{but} (Table 3)", *rises(others, 2, 3)
    if falls in means:
        theirs, ours = (steps(of, [falls], 2, 3) for of in (paper, means))
        yield f"{falls} loses from HR2 to HR3 (Table 3)", _signed(theirs), _signed(ours), _holds(-ours[falls], chance)
    if len(means) < 2:
        return
    if best in means:
        lead = means[best][3] - max(mean[3] for name, mean in means.items() if name != best)
        last = [_signed(steps(of, means, 0, 3)) for of in (paper, means)]
        yield f"{best} is the best at HR3 (Table 3)", last[0], last[1], _holds(lead, chance)

    def firsts(of: _Means) -> tuple[float, float]:
        """The lowest and the highest HR1."""
        return min(of[name][1] for name in means), max(of[name][1] for name in means)

    if small in means:
        over = [f"{of[small][3]:+.3f} over {firsts(of)[1]:+.3f}" for of in (paper, means)]
        lead = means[small][3] - firsts(means)[1]
        yield f"{small} at HR3 beats every network at HR1 (Table 3)", over[0], over[1], _holds(lead, chance)

    def differ(of: _Means) -> tuple[float, float]:
        """By how much the networks do at HR1, and the least that the second stage gives."""
        low, high = firsts(of)
        return high - low, min(steps(of, means, 1, 2).values())

    said = ["{:.3f} and {:.3f} at least".format(*differ(of)) for of in (paper, means)]
    apart, gain = differ(means)
    claim = "the networks differ by less at HR1 than a stage gives (Table 3)"
    yield claim, said[0], said[1], _holds(gain - apart, chance)


def _signed(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:+.3f}" for name, value in values.items())


def _holds(lead: float, chance: float) -> bool | None:
    """Whether something leads, or is level; None where the lead or lag may be chance."""
    return None if abs(lead) < chance else lead >= 0


def _table(title: str, claims: Iterator[Claim]) -> Table:
    said = {True: "reproduced", False: "not reproduced", None: "open"}
    return Table(title, ("the paper says", "paper", "here", ""), tuple((*row, said[holds]) for *row, holds in claims))
