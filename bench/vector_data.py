"""The vector benchmark's data: made vectors of low intrinsic dimension, queries, attributes, and the exact answers.

    bench/vector_data.py [--quick] [--metric l2|cosine]…

A vector is a point of a mixture in 24 latent dimensions (256 cluster centres from N(0, 1), points around them with a
standard deviation of 1), projected to d dimensions by a random matrix with entries N(0, 1/24), plus N(0, 0.2²) noise in
every dimension. Queries come from the same mixture and are not in the index. Seeds: the size and SEED below. The numbers
are PCG64's, so another machine makes the same vectors up to the rounding of its matrix product.

Written once to build/vector-bench/<count>x<dimension>/ :
    base.fbin, queries.fbin        uint32 rows, uint32 columns, float32 rows
    attr.i32                       int32 for each vector: a permutation of 0…count-1, so `attr < s` keeps exactly s vectors
    truth-<metric>.ibin            uint32 rows, uint32 columns, uint32 ids of the 100 nearest, nearest first
    truth-<metric>-below<s>.ibin   the same among the vectors with attr < s; 4294967295 fills the end of a short row
Candidates come from float32 matrix products in blocks; the order among the best of them from float64 differences.
"""

import argparse
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build/vector-bench"
SEED, LATENT, CLUSTERS, SPREAD, NOISE = 20, 24, 256, 1.0, 0.2
SIZES = ((1_000_000, 128), (200_000, 768), (100_000, 1_536))
QUICK_SIZES = ((100_000, 128), (20_000, 768), (10_000, 1_536))
QUERIES, TRUTH, BLOCK, SPARE = 1_000, 100, 25_000, 50
SELECTIVITIES = (0.001, 0.01, 0.1, 0.5, 0.99)
METRICS = ("l2", "cosine")
ABSENT = np.uint32(0xFFFFFFFF)


class DataSet:
    """The files of one size; each is made when first asked for."""

    def __init__(self, count, dimension):
        self.count, self.dimension = count, dimension
        self.folder = FOLDER / f"{count}x{dimension}"

    def vectors(self):
        """Paths of base and queries."""
        base, queries = self.folder / "base.fbin", self.folder / "queries.fbin"
        if not queries.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            make_vectors(base, queries, self.count, self.dimension)
        return base, queries

    def attributes(self):
        path = self.folder / "attr.i32"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            np.random.default_rng([SEED, self.count, 2]).permutation(self.count).astype("<i4").tofile(path)
        return path

    def below(self, selectivity):
        """The s of the rule `attr < s` that keeps this share of the vectors."""
        return round(self.count * selectivity)

    def truth(self, metric, below=None):
        """Path of the exact answers; among the vectors with attr < below when that is given."""
        path = self.folder / (f"truth-{metric}.ibin" if below is None else f"truth-{metric}-below{below}.ibin")
        if not path.exists():
            base, queries = (read_matrix(file, "<f4") for file in self.vectors())
            kept = None if below is None else np.flatnonzero(np.fromfile(self.attributes(), "<i4") < below)
            write_matrix(path, nearest(base, queries, metric, kept))
        return path


def make_vectors(base, queries, count, dimension):
    shape = np.random.default_rng([SEED, count, dimension, 0])
    centres = shape.standard_normal((CLUSTERS, LATENT), dtype=np.float32)
    projection = shape.standard_normal((LATENT, dimension), dtype=np.float32) / np.float32(LATENT ** 0.5)
    for path, rows, stream in ((base, count, 1), (queries, QUERIES, 2)):
        rng = np.random.default_rng([SEED, count, dimension, stream])
        part = path.with_suffix(".part")
        with open(part, "wb") as out:
            np.array([rows, dimension], "<u4").tofile(out)
            for start in range(0, rows, BLOCK):
                size = min(BLOCK, rows - start)
                latent = centres[rng.integers(0, CLUSTERS, size)] + np.float32(SPREAD) * rng.standard_normal((size, LATENT), dtype=np.float32)
                block = latent @ projection + np.float32(NOISE) * rng.standard_normal((size, dimension), dtype=np.float32)
                block.astype("<f4").tofile(out)
        part.rename(path)


def read_matrix(path, kind):
    """The rows of a .fbin ("<f4") or .ibin ("<u4") file, mapped."""
    rows, columns = np.fromfile(path, "<u4", 2).tolist()
    return np.memmap(path, kind, "r", 8, (rows, columns))


def write_matrix(path, rows):
    part = path.with_suffix(".part")
    with open(part, "wb") as out:
        np.array(rows.shape, "<u4").tofile(out)
        rows.tofile(out)
    part.rename(path)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def nearest(base, queries, metric, kept=None):
    """Ids of the exactly nearest vectors of every query; `kept` names the only ones that count."""
    queries = np.asarray(queries)
    wanted = unit(queries) if metric == "cosine" else queries
    ids = np.arange(len(base)) if kept is None else kept
    best_ids = np.empty((len(queries), 0), np.int64)
    best = np.empty((len(queries), 0), np.float32)
    for start in range(0, len(ids), BLOCK):
        block_ids = ids[start:start + BLOCK]
        block = base[block_ids[0]:block_ids[0] + len(block_ids)] if kept is None else base[block_ids]
        if metric == "cosine":
            found = wanted @ unit(block).T * np.float32(-1)
        else:
            found = np.einsum("ij,ij->i", block, block) - np.float32(2) * (wanted @ block.T)
        chosen = smallest(found, TRUTH + SPARE)
        best = np.hstack((best, np.take_along_axis(found, chosen, 1)))
        best_ids = np.hstack((best_ids, block_ids[chosen]))
        chosen = smallest(best, TRUTH + SPARE)
        best, best_ids = np.take_along_axis(best, chosen, 1), np.take_along_axis(best_ids, chosen, 1)
    answer = np.full((len(queries), TRUTH), ABSENT, "<u4")
    for nth, candidates in enumerate(best_ids):
        rows, query = base[candidates].astype(np.float64), queries[nth].astype(np.float64)
        exact = -(unit(rows) @ query) if metric == "cosine" else np.square(rows - query).sum(1)
        order = candidates[np.lexsort((candidates, exact))][:TRUTH]
        answer[nth, :len(order)] = order
    return answer


def smallest(values, count):
    """Column numbers of each row's smallest values, in no order."""
    if values.shape[1] <= count:
        return np.tile(np.arange(values.shape[1]), (len(values), 1))
    return np.argpartition(values, count - 1, 1)[:, :count]


def recall(found, truth, k):
    """Mean share of the k nearest (of all there are, when fewer) that were found; both are matrices of ids."""
    shares = []
    for ids, right in zip(found[:, :k], truth[:, :k]):
        right = right[right != ABSENT]
        shares.append(len(np.intersect1d(ids, right)) / len(right))
    return float(np.mean(shares))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the vectors")
    parser.add_argument("--metric", choices=METRICS, action="append", help="exact answers by this metric (may be repeated); both when absent")
    arguments = parser.parse_args()
    for size in QUICK_SIZES if arguments.quick else SIZES:
        files = DataSet(*size)
        files.attributes()
        for metric in arguments.metric or METRICS:
            print(files.truth(metric), flush=True)
            for selectivity in SELECTIVITIES:
                print(files.truth(metric, files.below(selectivity)), flush=True)


if __name__ == "__main__":
    main()
