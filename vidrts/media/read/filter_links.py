"""Builds a graph of the words of -vf: filters, links between them, and what stands before and after."""

from collections.abc import Sequence

from av.filter import Graph
from av.filter.context import FilterContext

from vidrts.media.containers import av_call
from vidrts.media.read.filter_syntax import FilterWords

type Pad = tuple[FilterContext, int]


def append(graph: Graph, last: Pad, name: str, arguments: str = "") -> Pad:
    """The output of a filter that takes `last`."""
    node = _added(graph, FilterWords(name, arguments))
    last[0].link_to(node, last[1], 0)
    return node, 0


def append_chains(graph: Graph, last: Pad, chains: Sequence[Sequence[FilterWords]]) -> Pad:
    """The one free output of filters whose one free input takes `last`.

    Raises `ValueError` for labels that do not match and any other number of free pads, FFmpeg's errors for the rest.
    """
    nodes = [[(words, _added(graph, words)) for words in chain] for chain in chains]
    takes: dict[str, Pad] = {}
    gives: dict[str, Pad] = {}
    free_in: list[Pad] = []
    free_out: list[Pad] = []
    for words, node in (pair for chain in nodes for pair in chain):
        _note(takes, words, node, words.inputs, len(node.inputs), "inputs")
        _note(gives, words, node, words.outputs, len(node.outputs), "outputs")
    for label, (node, index) in gives.items():
        if label in takes:
            taker, at = takes.pop(label)
            node.link_to(taker, index, at)
        else:
            free_out.append((node, index))
    free_in += takes.values()
    for chain in nodes:
        waiting: list[Pad] = []
        for words, node in chain:
            for at in range(len(words.inputs), len(node.inputs)):
                if waiting:
                    giver, index = waiting.pop(0)
                    giver.link_to(node, index, at)
                else:
                    free_in.append((node, at))
            free_out += waiting
            waiting = [(node, index) for index in range(len(words.outputs), len(node.outputs))]
        free_out += waiting
    if len(free_in) != 1 or len(free_out) != 1:
        raise ValueError(
            f"expected filters with one free input and one free output, got {len(free_in)} and {len(free_out)}"
        )
    taker, at = free_in[0]
    last[0].link_to(taker, last[1], at)
    return free_out[0]


def _added(graph: Graph, words: FilterWords) -> FilterContext:
    with av_call():
        return graph.add(words.name, words.arguments or None)


def _note(
    pads: dict[str, Pad], words: FilterWords, node: FilterContext, labels: Sequence[str], count: int, kind: str
) -> None:
    """Enter the labelled pads of a filter."""
    if len(labels) > count:
        raise ValueError(f"{words.name} has {count} {kind}, got {len(labels)} labels")
    for index, label in enumerate(labels):
        if label in pads:
            raise ValueError(f"label [{label}] is used twice for {kind}")
        pads[label] = node, index
