"""`saccade evaluate` gives the numbers that pycocotools gives, on random boxes with ties, misses, doubles and empty images."""
import contextlib
import io
import json
import random
import subprocess

import pytest
from conftest import SACCADE
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def make(seed, images, labels):
    r = random.Random(seed)
    truth, found = [], []
    for i in range(images):
        for _ in range(r.choice([0, 1, 3, 8, 20])):
            box = [r.uniform(0, 300), r.uniform(0, 300), r.uniform(2, 80), r.uniform(2, 80)]
            label = r.randrange(labels)
            truth.append({"id": len(truth) + 1, "image_id": i, "category_id": label * 3 + 1, "bbox": box, "area": box[2] * box[3], "iscrowd": 0})
            for _ in range(r.choice([0, 1, 1, 1, 2])):
                moved = [v + r.gauss(0, 0.12) * box[2 + k % 2] for k, v in enumerate(box)]
                moved[2:] = [max(1, v) for v in moved[2:]]
                seen = label if r.random() < 0.9 else r.randrange(labels)
                found.append({"image_id": i, "category_id": seen * 3 + 1, "bbox": moved, "score": round(r.random(), 2)})
        for _ in range(r.choice([0, 0, 5, 150])):
            found.append({"image_id": i, "category_id": r.randrange(labels) * 3 + 1, "score": round(r.random() ** 2, 2),
                          "bbox": [r.uniform(0, 300), r.uniform(0, 300), r.uniform(2, 80), r.uniform(2, 80)]})
    coco = {"images": [{"id": i, "width": 400, "height": 400} for i in range(images)], "annotations": truth,
            "categories": [{"id": k * 3 + 1, "name": f"label {k}"} for k in range(labels + 1)]}
    return coco, found


@pytest.mark.parametrize("seed,images,labels", [(1, 30, 3), (2, 5, 1), (3, 60, 7), (4, 1, 2)])
def test_metrics_equal_pycocotools(tmp_path, seed, images, labels):
    coco, found = make(seed, images, labels)
    (tmp_path / "truth.json").write_text(json.dumps(coco))
    (tmp_path / "found.json").write_text(json.dumps(found))
    run = subprocess.run([SACCADE, "evaluate", "--truth", tmp_path / "truth.json", "--predictions", tmp_path / "found.json", "--json"],
                         capture_output=True, text=True, check=True)
    ours = json.loads(run.stdout)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(tmp_path / "truth.json"))
        e = COCOeval(truth, truth.loadRes(found), "bbox")
        e.evaluate()
        e.accumulate()
        e.summarize()
    for name, at in (("ap", 0), ("ap50", 1), ("ap75", 2), ("ar", 8)):
        assert ours[name] == pytest.approx(e.stats[at], abs=1e-12), name
    for k, ap in enumerate(ours["ap_per_label"]):
        p = e.eval["precision"][:, :, k, 0, 2]
        assert ap == pytest.approx(p[p > -1].mean() if (p > -1).any() else -1, abs=1e-12), k


def test_a_file_that_does_not_fit_is_refused(tmp_path):
    (tmp_path / "truth.json").write_text(json.dumps({"images": [{"id": 1}], "annotations": [], "categories": [{"id": 1, "name": "a"}]}))
    (tmp_path / "found.json").write_text(json.dumps([{"image_id": 2, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 1}]))
    run = subprocess.run([SACCADE, "evaluate", "--truth", tmp_path / "truth.json", "--predictions", tmp_path / "found.json"],
                         capture_output=True, text=True)
    assert run.returncode != 0 and "predictions[0]: image_id" in run.stderr
