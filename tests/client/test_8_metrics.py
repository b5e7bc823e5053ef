"""`saccade evaluate` gives the twelve numbers that pycocotools gives, on random boxes with ties, misses, doubles, crowds and empty images."""
import contextlib
import io
import json
import random
import subprocess

import pytest
from conftest import SACCADE
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

FIGURES = "AP AP50 AP75 APS APM APL AR1 AR10 AR100 ARS ARM ARL".split()


def make(seed, images, labels, crowds=0.0, strangers=False):
    """strangers: predictions of a category that is none, boxes of a negative size, and annotations of unknown images and categories."""
    r = random.Random(seed)
    truth, found = [], []
    for i in range(images):
        for _ in range(r.choice([0, 1, 3, 8, 20])):
            side = r.choice([20, 80, 300])
            box = [r.uniform(0, 300), r.uniform(0, 300), r.uniform(2, side), r.uniform(2, side)]
            label = r.randrange(labels)
            crowd = int(r.random() < crowds)
            truth.append({"id": len(truth) + 1, "image_id": i, "category_id": label * 3 + 1, "bbox": box, "iscrowd": crowd,
                          "area": box[2] * box[3] * r.choice([1, 1, 0.6])})
            for _ in range(r.choice([0, 1, 1, 1, 2]) + 4 * crowd):
                moved = [v + r.gauss(0, 0.12) * box[2 + k % 2] for k, v in enumerate(box)]
                moved[2:] = [max(1, v) / (1 + 3 * crowd * r.random()) for v in moved[2:]]
                seen = label if r.random() < 0.9 else r.randrange(labels)
                found.append({"image_id": i, "category_id": seen * 3 + 1, "bbox": moved, "score": round(r.random(), 2)})
        for _ in range(r.choice([0, 0, 5, 150])):
            found.append({"image_id": i, "category_id": r.randrange(labels) * 3 + 1, "score": round(r.random() ** 2, 2),
                          "bbox": [r.uniform(0, 300), r.uniform(0, 300), r.uniform(2, 80), r.uniform(2, 80)]})
        if strangers:
            found.append({"image_id": i, "category_id": 2, "bbox": [0, 0, 10, 10], "score": 0.9})
            found.append({"image_id": i, "category_id": 1, "bbox": [50, 50, -20, 30], "score": 0.95})
    if strangers:
        truth.append({"id": len(truth) + 1, "image_id": images + 7, "category_id": 1, "bbox": [0, 0, 9, 9], "area": 81, "iscrowd": 0})
        truth.append({"id": len(truth) + 1, "image_id": 0, "category_id": 2, "bbox": [0, 0, 9, 9], "area": 81, "iscrowd": 0})
    coco = {"images": [{"id": i, "width": 400, "height": 400} for i in range(images)], "annotations": truth,
            "categories": [{"id": k * 3 + 1, "name": f"label {k}"} for k in range(labels + 1)]}
    return coco, found


def evaluate(folder, coco, found, *options):
    (folder / "truth.json").write_text(json.dumps(coco))
    (folder / "found.json").write_text(json.dumps(found))
    return subprocess.run([SACCADE, "evaluate", "--truth", folder / "truth.json", "--predictions", folder / "found.json", *options],
                          capture_output=True, text=True)


@pytest.mark.parametrize("seed,images,labels,crowds,strangers", [
    (1, 30, 3, 0, False), (2, 5, 1, 0, False), (3, 60, 7, 0, False), (10, 2, 2, 0, False), (5, 40, 3, 0.2, False), (6, 12, 1, 0.5, False),
    (7, 25, 4, 0.1, True), (8, 3, 2, 1, False), (9, 80, 5, 0.15, True)])
def test_metrics_equal_pycocotools(tmp_path, seed, images, labels, crowds, strangers):
    coco, found = make(seed, images, labels, crowds, strangers)
    ours = json.loads(evaluate(tmp_path, coco, found, "--json").stdout)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(tmp_path / "truth.json"))
        e = COCOeval(truth, truth.loadRes(found), "bbox")
        e.evaluate()
        e.accumulate()
        e.summarize()
    assert list(ours["coco"]) == FIGURES
    for at, name in enumerate(FIGURES):
        assert ours["coco"][name] == pytest.approx(e.stats[at], abs=1e-12), name
    for name, at in (("ap", 0), ("ap50", 1), ("ap75", 2), ("ar", 8)):
        assert ours[name] == ours["coco"][FIGURES[at]]
    for k, ap in enumerate(ours["ap_per_label"]):
        p = e.eval["precision"][:, :, k, 0, 2]
        assert ap == pytest.approx(p[p > -1].mean() if (p > -1).any() else -1, abs=1e-12), k


def test_what_is_passed_over_is_told(tmp_path):
    coco, found = make(7, 25, 4, 0.1, True)
    ours = json.loads(evaluate(tmp_path, coco, found, "--json").stdout)
    assert (ours["annotations_passed_over"], ours["predictions_passed_over"]) == (2, 25)
    assert ours["crowds"] == sum(a["iscrowd"] for a in coco["annotations"]) > 0
    told = evaluate(tmp_path, coco, found).stdout
    assert f"{ours['crowds']} crowd annotations" in told and "2 annotations of" in told and "25 predictions of" in told


def test_members_may_come_in_any_order_and_after_a_byte_order_mark(tmp_path):
    coco, found = make(5, 10, 2, 0.2)
    first = evaluate(tmp_path, coco, found, "--json").stdout
    (tmp_path / "truth.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(dict(reversed(coco.items())), indent=1).encode())
    again = subprocess.run([SACCADE, "evaluate", "--truth", tmp_path / "truth.json", "--predictions", tmp_path / "found.json", "--json"],
                           capture_output=True, text=True)
    assert again.stdout == first and json.loads(first)["ap"] > 0


@pytest.mark.parametrize("change,says", [
    ({"image_id": 2}, "predictions[0]: image_id is none of the images"), ({"score": "high"}, "predictions[0]: score must be a number"),
    ({"bbox": [0, 0, 1]}, "predictions[0]: bbox must be"), ({"bbox": None}, "predictions[0]: bbox must be")])
def test_a_file_that_does_not_fit_is_refused(tmp_path, change, says):
    coco = {"images": [{"id": 1}], "annotations": [], "categories": [{"id": 1, "name": "a"}]}
    run = evaluate(tmp_path, coco, [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 1, **change}])
    assert run.returncode != 0 and says in run.stderr
