"""`saccade train --images` works without a server, and tells programs what it reaches in which time."""
import json
import subprocess

import pytest
from conftest import SACCADE


@pytest.fixture
def cells(tmp_path):
    subprocess.run([SACCADE, "generate", "--out", tmp_path / "cells", "--count", "12", "--seed", "1"], check=True, capture_output=True)
    return tmp_path / "cells"


def train(cells, *more):
    return subprocess.run([SACCADE, "train", "--images", cells / "JPEGImages", "--annotations", cells / "Annotations", "--threads", "1",
                           "--out", cells.parent / "out", "--set", "steps=4 eval_every=2 batch_size=4 image_size=64", *more],
                          capture_output=True, text=True, timeout=300)


def test_the_log_has_a_line_for_each_step_and_evaluation(cells):
    run = train(cells, "--log", cells.parent / "log.jsonl")
    assert run.returncode == 0, run.stderr
    lines = [json.loads(line) for line in (cells.parent / "log.jsonl").read_text().splitlines()]
    assert [(p["step"], "scores" in p) for p in lines] == [(1, False), (2, False), (2, True), (3, False), (4, False), (4, True)]
    assert all("loss" in p for p in lines if "scores" not in p)
    for before, after in zip(lines, lines[1:]):
        for clock in ("seconds", "cpu_seconds", "seconds_evaluating", "cpu_seconds_evaluating"):
            assert before[clock] <= after[clock]
        assert after["seconds_evaluating"] <= after["seconds"]
    labels = lines[-1]["labels"]
    assert labels and all(0 <= v["AP50"] <= 1 for v in labels.values())


def test_a_log_that_cannot_be_written_is_said_before_the_training(cells):
    run = train(cells, "--log", cells.parent / "nowhere" / "log.jsonl")
    assert run.returncode != 0 and "nowhere/log.jsonl: No such file" in run.stderr
    assert not (cells.parent / "out").exists()
