"""Principal directions and the maximum mean discrepancy of `saccade drift` against plain forms of both in numpy."""
import json
import pathlib
import subprocess

import numpy as np
import pytest

SACCADE = pathlib.Path(__file__).resolve().parents[2] / "build/release/saccade"


def ask(tmp_path, option, parts):
    (tmp_path / "parts.json").write_text(json.dumps(parts))
    run = subprocess.run([SACCADE, "drift", option, tmp_path / "parts.json"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def rows_of(seed, n, width, rank):
    """Of a spectrum that falls off, with a mean, in single precision as networks give them."""
    r = np.random.default_rng(seed)
    shape = r.normal(size=(rank, width)) * np.geomspace(1, 0.05, rank)[:, None]
    return (r.normal(size=(n, rank)) @ shape + r.normal(size=width)).astype(np.float32)


@pytest.mark.parametrize("n,width,rank,most", [(50, 3, 3, 8), (400, 64, 64, 8), (60, 300, 300, 32), (1000, 200, 200, 32), (30, 200, 200, 8)])
def test_directions_are_the_eigenvectors_of_the_covariance(tmp_path, n, width, rank, most):
    rows = rows_of(n + width, n, width, rank)
    (ours,) = ask(tmp_path, "--rows", [{"rows": rows.tolist(), "most": most}])
    x = rows.astype(np.float64)
    values, vectors = np.linalg.eigh(np.cov(x, rowvar=False))
    values, vectors = values[::-1], vectors[:, ::-1].T
    k = len(ours["scales"])
    assert k == min(most, width, n - 1)
    assert ours["mean"] == pytest.approx(x.mean(0), abs=1e-12)
    assert ours["scales"] == pytest.approx(np.sqrt(values[:k]), rel=1e-7)
    d = np.array(ours["directions"])
    assert d @ d.T == pytest.approx(np.eye(k), abs=1e-7)
    assert np.abs((d * vectors[:k]).sum(1)) == pytest.approx(np.ones(k), abs=1e-6)
    assert (d[np.arange(k), np.abs(d).argmax(1)] > 0).all()


def test_rows_that_vary_in_few_ways_have_few_directions(tmp_path):
    r = np.random.default_rng(1)
    flat = (r.integers(-8, 8, (100, 2)) @ r.integers(-3, 3, (2, 40))).tolist()
    alike = [[1, 2, 3]] * 5
    few, none = ask(tmp_path, "--rows", [{"rows": flat, "most": 8}, {"rows": alike, "most": 8}])
    assert len(few["scales"]) == 2
    assert none == {"mean": [1, 2, 3], "scales": [], "directions": []}


def plain_mmd(a, b):
    """MMD² as written in the paper, point by point, and the median distance."""
    z = np.concatenate([a, b]).astype(np.float64)
    squares = ((z[:, None] - z[None]) ** 2).sum(2)
    sigma = np.median(np.sqrt(squares[np.triu_indices(len(z), 1)]))
    k = np.exp(-squares / (2 * sigma**2)) if sigma else np.ones_like(squares)

    def of(x, y):
        n, m = len(x), len(y)
        xx, yy, xy = k[np.ix_(x, x)], k[np.ix_(y, y)], k[np.ix_(x, y)]
        return (xx.sum() - n) / (n * (n - 1)) + (yy.sum() - m) / (m * (m - 1)) - 2 * xy.mean()

    return of, sigma, np.arange(len(a)), np.arange(len(a), len(z))


@pytest.mark.parametrize("n,m,width,shift", [(2, 2, 1, 0), (40, 40, 1, 0), (60, 31, 8, 0), (31, 90, 8, 0.3), (200, 100, 8, 0.25), (500, 60, 3, 0.1)])
def test_the_discrepancy_is_that_of_the_paper(tmp_path, n, m, width, shift):
    r = np.random.default_rng(n * 1000 + m)
    a, b = r.normal(0, 1, (n, width)).astype(np.float32), r.normal(shift, 1, (m, width)).astype(np.float32)
    (ours,) = ask(tmp_path, "--points", [{"a": a.tolist(), "b": b.tolist()}])
    of, sigma, x, y = plain_mmd(a, b)
    assert ours["sigma"] == pytest.approx(sigma, rel=1e-6)
    assert ours["mmd2"] == pytest.approx(of(x, y), abs=2e-6)
    tries = 2000 if n < 100 else 200
    order = [r.permutation(n + m) for _ in range(tries)]
    p = (1 + sum(of(o[:n], o[n:]) >= of(x, y) - 1e-9 for o in order)) / (tries + 1)
    assert abs(ours["p"] - p) < 5 * np.sqrt(max(p * (1 - p), 0.002) * (1 / tries + 1 / ours["permutations"])) + 1 / tries


def test_samples_of_one_distribution_are_seldom_told_apart(tmp_path):
    r = np.random.default_rng(5)
    parts = [{"a": r.normal(size=(40, 4)).tolist(), "b": r.normal(size=(30, 4)).tolist()} for _ in range(400)]
    p = np.array([x["p"] for x in ask(tmp_path, "--points", parts)])
    for alpha in (0.01, 0.05, 0.2, 0.5):
        assert (p <= alpha).mean() <= alpha + 4 * np.sqrt(alpha * (1 - alpha) / len(p)), alpha
    assert (p <= 0.2).mean() > 0.12  # it does not only say no


def test_samples_far_apart_get_the_smallest_p_and_equal_points_one(tmp_path):
    r = np.random.default_rng(6)
    apart, equal = ask(tmp_path, "--points", [{"a": r.normal(0, 1, (40, 2)).tolist(), "b": r.normal(5, 1, (30, 2)).tolist()}, {"a": [[1, 1]] * 5, "b": [[1, 1]] * 4}])
    assert apart["permutations"] == 100000 and apart["p"] == pytest.approx(1 / 100001)
    assert equal["p"] == 1 and equal["mmd2"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("option,text,says", [("--points", '[{"a": [[1]], "b": [[1], [2]]}]', "[0].a must be a list of 2 to 500"),
                                              ("--points", '[{"a": [[1], [2]], "b": [[1, 2], [2, 3]]}]', "the points of a have 1 numbers"),
                                              ("--rows", '[{"rows": [[1, 2], [1]], "most": 2}]', "[0].rows[1] is not 2 numbers"),
                                              ("--rows", '[{"rows": [[1, 2], [1, 3]], "most": 99}]', "most must be a number from 1 to 32")])
def test_points_that_are_none_are_named(tmp_path, option, text, says):
    (tmp_path / "f.json").write_text(text)
    run = subprocess.run([SACCADE, "drift", option, tmp_path / "f.json"], capture_output=True, text=True)
    assert run.returncode != 0 and says in run.stderr
