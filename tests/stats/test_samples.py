"""The statistics of `saccade drift`, which deployments are watched by, against those of scipy."""
import json
import pathlib
import subprocess

import numpy as np
import pytest
from scipy.stats import ks_2samp

SACCADE = pathlib.Path(__file__).resolve().parents[2] / "build/release/saccade"


def ours(tmp_path, pairs):
    (tmp_path / "pairs.json").write_text(json.dumps([{"a": list(map(float, a)), "b": list(map(float, b))} for a, b in pairs]))
    run = subprocess.run([SACCADE, "drift", "--samples", tmp_path / "pairs.json"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def pairs(seed, count, most):
    """Of one distribution and of shifted ones, without ties, with some, and of a few values only; sizes apart by up to hundreds of times."""
    r = np.random.default_rng(seed)
    for _ in range(count):
        n, m = (int(np.exp(r.uniform(0, np.log(most)))) for _ in range(2))
        m = n if r.random() < 0.2 else m
        shift, ties = r.choice([0, 0, 0.2, 1, 5]), r.choice([0, 0, 2, 20])
        a, b = r.normal(0, 1, n), r.normal(shift, r.choice([1, 1, 3]), m)
        yield (np.round(a * ties) / ties, np.round(b * ties) / ties) if ties else (a, b)


@pytest.mark.parametrize("seed,count,most", [(1, 400, 60), (2, 60, 1000), (3, 6, 10000)])
def test_kolmogorov_smirnov_equals_scipy(tmp_path, seed, count, most):
    samples = list(pairs(seed, count, most))
    answers = ours(tmp_path, samples)
    assert len(answers) == count
    for (a, b), k in zip(samples, answers):
        theirs = ks_2samp(a, b)  # exact up to 10,000 values, as ours
        assert k["d"] == pytest.approx(theirs.statistic, abs=1e-15), (len(a), len(b))
        assert k["p"] == pytest.approx(theirs.pvalue, abs=1e-12), (len(a), len(b))
    assert min(k["p"] for k in answers) < 1e-6 < 0.5 < max(k["p"] for k in answers)


@pytest.mark.parametrize("n,m", [(10000, 10000), (9999, 10000), (10000, 1)])
def test_the_largest_samples_equal_scipy(tmp_path, n, m):
    r = np.random.default_rng(n + m)
    a, b = r.random(n), r.random(m) + 0.01
    (k,) = ours(tmp_path, [(a, b)])
    theirs = ks_2samp(a, b)
    assert (k["d"], k["p"]) == (pytest.approx(theirs.statistic, abs=1e-15), pytest.approx(theirs.pvalue, abs=1e-12))


@pytest.mark.parametrize("text,says", [('{"a": 1}', "is no list"), ('[{"a": [1], "b": []}]', "[0].b must be a list"), ('[{"a": [1, "x"], "b": [1]}]', "[0].a[1] is no number")])
def test_numbers_that_are_none_are_named(tmp_path, text, says):
    (tmp_path / "f.json").write_text(text)
    run = subprocess.run([SACCADE, "drift", "--samples", tmp_path / "f.json"], capture_output=True, text=True)
    assert run.returncode != 0 and says in run.stderr
