"""Whatever is done to a pickle's bytes, reading it gives networks or the one error, soon and in bounds.

Longer: GANVERSE_FUZZ_MINUTES=30 python -m pytest -m slow tests/interchange/test_stylegan2_pickle_fuzz.py
"""

import os
import pickletools
import resource
import time
from pathlib import Path

import numpy as np
import pytest

from ganverse_jax.interchange.errors import ImportedFileError
from ganverse_jax.interchange.stylegan2.imported_gan import imported_gan
from ganverse_jax.interchange.stylegan2.pickled import read_bytes, read_pickle

GOLDEN = Path(__file__).parents[2] / "golden" / "stylegan2"
EXTREMES = [
    bytes(8),
    b"\xff" * 8,
    b"\xff\xff\xff\x7f" * 2,
    b"\x01\0\0\0" * 2,
    b"\0\0\0\x80" * 2,
    b"\x40\0\0\0\0\0\0\0",
]
OPCODES = [op.code.encode("latin-1") for op in pickletools.opcodes]


PUSHES = frozenset(b"NJKMGXBC]})hj\x88\x89\x8a\x8c\x8e\x8f")  # opcodes that leave one value more


class Seed:
    """A good file, its opcodes with their arguments, and which of them push a value."""

    def __init__(self, data):
        starts = [position for _, _, position in pickletools.genops(data)] + [len(data)]
        self.tokens = [data[start:end] for start, end in zip(starts, starts[1:], strict=False)]
        self.pushes = [i for i, token in enumerate(self.tokens) if token[0] in PUSHES]


def changed_tokens(seed, others, random):
    """One to four opcodes replaced, dropped or doubled: mostly still a pickle, of something else."""
    tokens = list(seed.tokens)
    for _ in range(random.integers(1, 5)):
        at, kind = int(random.integers(len(tokens))), random.integers(0, 10)
        if kind < 6:  # a value by another value
            at, other = int(random.choice(seed.pushes)), others[random.integers(len(others))]
            tokens[at % len(tokens)] = other.tokens[int(random.choice(other.pushes))]
        elif kind < 8:  # the numbers of an array or a stream
            token = bytearray(tokens[at])
            head = int(random.integers(0, min(len(token), 300)))
            token[head] ^= 1 << int(random.integers(0, 8))
            tokens[at] = bytes(token)
        elif kind == 8:
            tokens[at : at + int(random.integers(0, 3))] = [tokens[int(random.integers(len(tokens)))]]
        else:
            tokens[at : at + 1] = [tokens[at]] * 2
    return tokens


def mutated(seed, others, random):
    """`seed`'s bytes after changes to its opcodes, or to its bytes at and near opcodes."""
    if random.random() < 0.6:
        return b"".join(changed_tokens(seed, others, random))
    data = bytearray(b"".join(seed.tokens))
    starts = np.cumsum([len(token) for token in seed.tokens])
    for _ in range(random.integers(1, 4)):
        at = int(random.choice(starts)) % max(len(data), 1)
        near = min(len(data), at + int(random.integers(0, 12)))
        size, kind = int(2 ** random.uniform(0, 12)), random.integers(0, 8)
        if kind == 0:
            del data[int(random.integers(0, len(data) + 1)) :]
        elif kind == 1:
            data[near:near] = random.bytes(int(random.integers(1, 9)))
        elif kind == 2:
            del data[near : near + size]
        elif kind == 3:
            data[at:at] = data[near : near + size]
        elif kind == 4:
            data[near : near + 8] = EXTREMES[random.integers(len(EXTREMES))]
        elif kind == 5:
            data[at : at + 1] = OPCODES[random.integers(len(OPCODES))]
        elif near < len(data):
            data[near] ^= 1 << int(random.integers(0, 8))
    return bytes(data)


def outcome(data):
    try:
        imported_gan(read_bytes(memoryview(data)))
    except ImportedFileError as error:
        assert len(str(error)) < 2000
        return "refused"
    return "read"


def fuzz(seeds, *, number, seconds, seed):
    """Outcomes of mutations until `number` or `seconds` is reached; a failure names its (seed, index)."""
    counts, slowest, end = {"read": 0, "refused": 0}, 0.0, time.monotonic() + seconds
    for index in range(number):
        random = np.random.default_rng([seed, index])
        data = mutated(seeds[index % len(seeds)], seeds, random)
        started = time.process_time()
        try:
            counts[outcome(data)] += 1
        except Exception as error:
            raise AssertionError(f"mutation {(seed, index)}: {error!r}") from error
        slowest = max(slowest, time.process_time() - started)
        if time.monotonic() > end:
            break
    return counts, slowest


def shrunk(networks):
    """The networks at 8 px: without the 16-px blocks; the discriminator's entry moves down."""

    def kept(state):
        return {name: x for name, x in state.items() if "b16." not in name}

    entry = {
        name.replace("b16.", "b8."): x
        for name, x in networks.discriminator.items()
        if name.startswith("b16.fromrgb")
    }
    return networks._replace(
        generator=kept(networks.generator),
        ema=kept(networks.ema),
        discriminator=kept(networks.discriminator) | entry,
    )


@pytest.fixture(scope="module")
def small(pickles):
    networks = shrunk(read_pickle(GOLDEN / "ada_res16_torch213_p4.pkl"))
    plain = networks._replace(
        **{
            name: {key: x for key, x in getattr(networks, name).items() if "resample" not in key}
            for name in ("generator", "ema", "discriminator")
        }
    )
    return [Seed(pickles.ada_file(networks)), Seed(pickles.tf_file(plain))]


def test_the_seeds_are_good(small):
    assert [outcome(b"".join(seed.tokens)) for seed in small] == ["read", "read"]


def test_mutations_end_in_networks_or_in_the_one_error(small):
    counts, slowest = fuzz(small, number=200, seconds=60, seed=0)
    assert sum(counts.values()) == 200
    assert counts["read"] > 10 and counts["refused"] > 60  # neither too tame nor too wild
    assert slowest < 5  # seconds of this process; a good file takes a tenth of one


@pytest.mark.slow
def test_minutes_of_mutations_end_in_networks_or_in_the_one_error(small):
    minutes = float(os.environ.get("GANVERSE_FUZZ_MINUTES", "1"))
    names = ("ada_res16_torch213_p4.pkl", "tf_stylegan2_res32.pkl")
    seeds = [*small, *small, *(Seed((GOLDEN / name).read_bytes()) for name in names)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seed = int(time.time())
    counts, slowest = fuzz(seeds, number=10**9, seconds=60 * minutes, seed=seed)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"seed {seed}: {counts}, slowest {slowest:.2f} s, memory grew by {grown / 1024:.0f} MiB")
    assert (
        slowest < 10 and grown < 512 * 1024
    )  # kiB; 200,000 opcodes at most and expected shapes of 128 settings
