"""Flat Region Index: how noisy the flat blocks are, flat by a classifier that the user names."""

import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from vidrts.errors import ModelError
from vidrts.measure.viqet.cosine import cut_blocks
from vidrts.measure.viqet.gabor import NOISE_SIZES, noise_kernels
from vidrts.measure.viqet.gaussian import fit_asymmetric
from vidrts.measure.viqet.libsvm import read_libsvm
from vidrts.measure.viqet.preprocess import F64, U8, Fitted
from vidrts.measure.viqet.windows import window_deviations

_SURE = 0.9
_FEATURES = 20


@dataclass(frozen=True, eq=False)
class FlatRegionModel:
    """A nu-SVC with an RBF kernel and Platt's probabilities. Produced by `load_flat_region_model`."""

    vectors: F64  # (N, 20)
    coefficients: F64  # (N,)
    rho: float
    gamma: float
    prob_a: float
    prob_b: float

    def flat_probability(self, features: F64) -> F64:
        """(M, 20) -> (M,): probability of the second class, which is flat; NaN stays.

        f = sum c_i exp(-gamma |x - v_i|^2) - rho, and the first class has 1 / (1 + exp(A f + B)), held off 0 and 1 by
        1e-7 as LIBSVM does, up to what its iteration leaves (`_coupled`).
        """
        with np.errstate(over="ignore", invalid="ignore"):
            distances = ((features[:, None, :] - self.vectors) ** 2).sum(axis=-1)
            decision = np.exp(-self.gamma * distances) @ self.coefficients - self.rho
            first = 1 / (1 + np.exp(self.prob_a * decision + self.prob_b))
        return np.array([1 - _coupled(p) for p in np.clip(first, 1e-7, 1 - 1e-7)])


def _coupled(first: float) -> float:
    """The first class's probability as LIBSVM gave it up to version 3.3, VIQET's among them.

    It finds the probabilities of any number of classes from those of each pair by an iteration that stops within
    some 0.003 of them (Wu, Lin and Weng 2004, algorithm 2), even where two classes need none.
    """
    pair = np.array([first, 1 - first])
    q = np.array([[pair[1] ** 2, -pair[0] * pair[1]], [-pair[0] * pair[1], pair[0] ** 2]])
    p = np.array([0.5, 0.5])
    for _ in range(100):
        qp = q @ p
        pqp = p @ qp
        if np.abs(qp - pqp).max() < 0.005 / 2:
            break
        for k in (0, 1):
            step = (pqp - qp[k]) / q[k, k]
            pqp = (pqp + step * (step * q[k, k] + 2 * qp[k])) / (1 + step) ** 2
            qp = (qp + step * q[k]) / (1 + step)
            p[k] += step
            p /= 1 + step
    return float(p[0])


def load_flat_region_model(file: str | os.PathLike[str]) -> FlatRegionModel:
    """VIQET's flatRegionModelData.txt, a LIBSVM file: nu-SVC, RBF, 20 features, two classes, with probabilities.

    Raises `ModelError`, one line, for anything else.
    """
    model = read_libsvm(Path(file))
    model.check_kind("nu_svc", "rbf")
    if model.vectors.shape[1] != _FEATURES or "probA" not in model.header:
        raise ModelError(
            f"{model.path}: {model.vectors.shape[1]} features and {'' if 'probA' in model.header else 'no '}"
            f"probabilities, the flat region model has {_FEATURES} and probabilities; name another file"
        )
    rho, gamma, prob_a, prob_b = (model.number(key) for key in ("rho", "gamma", "probA", "probB"))
    if gamma <= 0:
        raise ModelError(f"{model.path}: gamma {gamma}, expected more than 0; get the file again")
    return FlatRegionModel(model.vectors, model.coefficients, rho, gamma, prob_a, prob_b)


def flat_region_index(fitted: Fitted, model: FlatRegionModel) -> float:
    """Median noise score of the flat blocks, in percent of 0.137; NaN where no block is flat."""
    flat = model.flat_probability(block_features(fitted.grey)) > _SURE
    scores = block_scores(fitted)[flat]
    scores = scores[scores != 0]
    return float(np.median(scores)) * 100 / 0.137 if scores.size else float("nan")


def block_features(grey: U8) -> F64:
    """(N, 20) for the N blocks of an eighth of the shorter side, row by row.

    For each orientation of the Gabor responses, averaged over scale: mean |t|, variance of |t|, and shape, left and
    right scale of an asymmetric generalised Gaussian (its mean stays in, unlike in `neighbours`).
    """
    exact = grey.astype(np.float64)
    side = min(grey.shape) // 8
    features = []
    for scales in noise_kernels():
        response = cv2.filter2D(exact, -1, _average(scales), borderType=cv2.BORDER_REFLECT)
        for block in cut_blocks(np.asarray(response, dtype=np.float64), side):
            fit = fit_asymmetric(block, 0.2, 10, guard=0)
            amplitude = np.abs(block)
            features.append([amplitude.mean(), amplitude.var(), fit.shape, fit.left * fit.scale, fit.right * fit.scale])
    return np.array(features).reshape(len(noise_kernels()), -1, 5).swapaxes(0, 1).reshape(-1, _FEATURES)


def _average(kernels: tuple[F64, ...]) -> F64:
    """Mean of centred kernels as one of the largest size: filtering is linear, borders are mirrored for all alike."""
    total = np.zeros((NOISE_SIZES[0], NOISE_SIZES[0]))
    for kernel in kernels:
        edge = (len(total) - len(kernel)) // 2
        total[edge : edge + len(kernel), edge : edge + len(kernel)] += kernel / len(kernels)
    return total


def block_scores(fitted: Fitted) -> F64:
    """(N,) noise scores of the same blocks: colour noise times variation over a pyramid of three levels."""
    side = min(fitted.grey.shape) // 8
    megapixels = fitted.grey.size / 1e6
    hue = np.asarray(cv2.cvtColor(fitted.rgb, cv2.COLOR_RGB2HSV)[..., 0], dtype=np.float64) / 180
    hue_noise = cut_blocks(hue, side).std(axis=(1, 2))
    balanced = []
    for channel in range(3):
        blocks = cut_blocks(fitted.rgb[..., channel], side)
        balanced.append(blocks / (blocks.mean(axis=(1, 2), keepdims=True) + 1))
    color_noise = np.std(balanced, axis=0, ddof=1).mean(axis=(1, 2))
    mean, deviation = np.array([_pyramid(block) for block in cut_blocks(fitted.grey, side)]).T
    scores: F64 = np.cbrt(np.sqrt(color_noise * hue_noise) * deviation * mean / megapixels)
    return scores


def _pyramid(block: F64) -> tuple[float, float]:
    """Mean and sample s.d. of the s.d. of all 3 x 3 windows; each the mean over the block, its half and its quarter."""
    statistics = []
    for _ in range(3):
        deviations = window_deviations(block, 3)
        with np.errstate(divide="ignore", invalid="ignore"):  # NaN for the single window of a quarter of 3 x 3
            spread = deviations.std() * np.sqrt(np.float64(deviations.size) / (deviations.size - 1))
        statistics.append((deviations.mean(), spread))
        block = np.asarray(cv2.resize(block, None, fx=0.5, fy=0.5), dtype=np.float64)
    mean, deviation = np.mean(statistics, axis=0)
    return float(mean), float(deviation)
