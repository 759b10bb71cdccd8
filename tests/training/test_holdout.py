"""The photographs that no training sees: the same ones everywhere."""

import random

from vidrts.training.holdout import held_for_truth

NAMES = [f"photo-{k:03}.jpg" for k in range(60)]
KNOWN = {"photo-010.jpg", "photo-012.jpg", "photo-018.jpg", "photo-059.jpg"}


def test_the_same_whatever_the_order_and_the_folder() -> None:
    held = held_for_truth(NAMES)
    shuffled = random.Random(1).sample(NAMES, len(NAMES))
    assert len(held) == 4 and held == held_for_truth(shuffled)
    assert held_for_truth([f"a/b/{name}" for name in NAMES]) == {f"a/b/{name}" for name in held}


def test_known_names() -> None:
    assert held_for_truth(NAMES) == KNOWN


def test_a_further_picture_moves_at_most_one() -> None:
    for k in range(20):
        assert len(held_for_truth(NAMES) & held_for_truth([*NAMES, f"more-{k}.jpg"])) >= 3


def test_few_are_all_held() -> None:
    assert held_for_truth(NAMES[:2]) == set(NAMES[:2]) and held_for_truth([]) == frozenset()
