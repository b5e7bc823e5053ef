"""`saccade train --images` works without a server, and tells programs what it reaches in which time."""
import json
import subprocess

import pytest
from conftest import SACCADE
from PIL import Image


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


# ---- folders as other tools make them

BOX = [16, 12, 16, 12]


def pictures(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 48), (90, 20, 120)).save(folder / name)


def coco(names, annotations, categories=("k",)):
    return {"images": [{"id": i + 1, "file_name": n, "width": 64, "height": 48} for i, n in enumerate(names)],
            "annotations": [{"id": i + 1, "category_id": 1, "bbox": BOX, "area": 192, "iscrowd": 0, **a} for i, a in enumerate(annotations)],
            "categories": [{"id": i + 1, "name": n} for i, n in enumerate(categories)]}


def train_on(folder, images, *more):
    """What was said, and config.json of what came out."""
    run = subprocess.run([SACCADE, "train", "--images", images, "--threads", "1", "--out", folder / "out",
                          "--set", "steps=2 batch_size=2 image_size=64", *more], capture_output=True, text=True, timeout=300)
    config = folder / "out/config.json"
    return run, json.loads(config.read_text()) if config.exists() else None


def counted(config):
    return config["training_images"], config["evaluation_images"]


def yolo(folder, where, splits):
    """where: "images/{}" or "{}/images"; the labels lie beside."""
    for split, n in splits.items():
        for i in range(n):
            pictures(folder, f"{where.format(split)}/{i}.jpg")
            label = folder / where.replace("images", "labels").format(split) / f"{i}.txt"
            label.parent.mkdir(parents=True, exist_ok=True)
            label.write_text("1 0.375 0.375 0.25 0.25\n")


def test_the_layout_of_ultralytics_is_read_with_its_splits(tmp_path):
    yolo(tmp_path / "set", "images/{}", {"train": 4, "val": 3})
    (tmp_path / "set/data.yaml").write_text("path: .\ntrain: images/train\nval: images/val\nnames:\n  0: never\n  1: seen\n")
    for more in ([tmp_path / "set"], [tmp_path / "set/data.yaml"], [tmp_path / "set/images", "--annotations", tmp_path / "set/data.yaml"]):
        run, config = train_on(tmp_path, *more)
        assert run.returncode == 0, run.stderr
        assert counted(config) == (4, 3) and config["labels"] == ["never", "seen"]
        (tmp_path / "out/config.json").unlink()


def test_the_layout_of_roboflow_is_read_and_what_data_yaml_names_decides(tmp_path):
    yolo(tmp_path / "set", "{}/images", {"train": 3, "valid": 2, "other": 2})
    (tmp_path / "set/data.yaml").write_text("train: ../train/images\nval: ../other/images\ntest: ../valid/images\nnames: [never, seen]\n")
    run, config = train_on(tmp_path, tmp_path / "set")
    assert run.returncode == 0, run.stderr
    assert counted(config) == (3, 2) and "2 images of val are for evaluation" in run.stdout and "2 images of test are not used" in run.stdout


def test_lists_of_files_in_data_yaml_are_followed(tmp_path):
    pictures(tmp_path / "set", *(f"images/{i}.jpg" for i in range(5)))
    (tmp_path / "set/labels").mkdir()
    for i in range(5):
        (tmp_path / f"set/labels/{i}.txt").write_text("0 0.375 0.375 0.25 0.25\n")
    (tmp_path / "set/train.txt").write_text("./images/0.jpg\n./images/1.jpg\n./images/2.jpg\n")
    (tmp_path / "set/val.txt").write_text("./images/3.jpg\r\n./images/4.jpg\r\n")
    (tmp_path / "set/data.yaml").write_bytes(b"\xef\xbb\xbfnames: {0: k}\ntrain: train.txt\nval: val.txt\n")
    run, config = train_on(tmp_path, tmp_path / "set")
    assert run.returncode == 0 and counted(config) == (3, 2), run.stderr


def test_images_of_one_name_in_two_folders_are_told_apart(tmp_path):
    names = [f"{folder}/{i}.jpg" for folder in ("one", "two") for i in range(3)]
    pictures(tmp_path / "img", *names)
    (tmp_path / "ann.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(coco(names, [{"image_id": i + 1} for i in range(6)])).encode())
    run, config = train_on(tmp_path, tmp_path / "img", "--annotations", tmp_path / "ann.json")
    assert run.returncode == 0 and counted(config) == (4, 2), run.stderr
    (tmp_path / "list").write_text("0.jpg\n")
    run, _ = train_on(tmp_path, tmp_path / "img", "--annotations", tmp_path / "ann.json", "--eval-list", tmp_path / "list")
    assert run.returncode != 0 and "may be several files" in run.stderr
    (tmp_path / "list").write_text("two/0.jpg\none/1\n")
    run, config = train_on(tmp_path, tmp_path / "img", "--annotations", tmp_path / "ann.json", "--eval-list", tmp_path / "list")
    assert run.returncode == 0 and counted(config) == (4, 2)


def test_a_list_may_have_a_mark_blanks_in_names_and_columns_after_them(tmp_path):
    names = [f"a picture {i}.jpg" for i in range(6)]
    pictures(tmp_path / "img", *names)
    (tmp_path / "ann.json").write_text(json.dumps(coco([*names, "b.jpg"], [{"image_id": i + 1} for i in range(7)])))
    pictures(tmp_path / "img", "b.jpg")
    (tmp_path / "list").write_bytes(b"\xef\xbb\xbfa picture 0  \r\na picture 1.jpg\nb  -1\n")
    run, config = train_on(tmp_path, tmp_path / "img", "--annotations", tmp_path / "ann.json", "--eval-list", tmp_path / "list")
    assert run.returncode == 0 and counted(config) == (4, 3), run.stderr


def test_annotations_that_do_not_say_which_of_two_images_they_mean_are_left_out(tmp_path):
    pictures(tmp_path / "img", "one/0.jpg", "two/0.jpg", "1.jpg", "2.jpg")
    (tmp_path / "ann.json").write_text(json.dumps(coco(["0.jpg", "1.jpg", "2.jpg", "gone.jpg"], [{"image_id": i} for i in (1, 2, 3, 4)])))
    run, config = train_on(tmp_path, tmp_path / "img", "--annotations", tmp_path / "ann.json")
    assert run.returncode == 0 and counted(config) == (1, 1)
    assert "1 annotated images were left out: which file is meant is not clear" in run.stdout and "1 annotated images are not in" in run.stdout


def test_crowds_are_not_learnt_and_masks_give_boxes(tmp_path):
    names = [f"{i}.jpg" for i in range(6)]
    mask = {"size": [48, 64], "counts": [700, 100, 2272]}
    pictures(tmp_path / "img", *names)
    (tmp_path / "ann.json").write_text(json.dumps(coco(names, [{"image_id": 1, "iscrowd": 1, "segmentation": mask}] +
                                                       [{"image_id": i, "segmentation": mask} for i in range(2, 7)])))
    run, config = train_on(tmp_path, tmp_path / "img", "--annotations", tmp_path / "ann.json")
    assert run.returncode == 0, run.stderr
    assert "not taken: 1 regions of many objects" in run.stdout and sum(counted(config)) == 6


def test_labels_without_a_box_keep_the_numbers_of_the_file(tmp_path):
    names = [f"{i}.jpg" for i in range(4)]
    pictures(tmp_path / "img", *names)
    (tmp_path / "ann.json").write_text(json.dumps(coco(names, [{"image_id": i + 1, "category_id": 2} for i in range(4)], ("z", "k", "a"))))
    run, config = train_on(tmp_path, tmp_path / "img", "--annotations", tmp_path / "ann.json")
    assert run.returncode == 0 and config["labels"] == ["z", "k", "a"], run.stderr


def test_the_only_annotated_image_is_learnt_from(tmp_path):
    names = [f"{i}.jpg" for i in range(6)]
    pictures(tmp_path / "img", *names)
    (tmp_path / "ann.json").write_text(json.dumps(coco(names, [{"image_id": 1}])))
    run, config = train_on(tmp_path, tmp_path / "img", "--annotations", tmp_path / "ann.json")
    assert run.returncode == 0 and counted(config) == (6, 0), run.stderr


def test_a_part_that_is_named_alone_is_learnt_from(tmp_path):
    names = [f"{i}.jpg" for i in range(5)]
    pictures(tmp_path / "val2017", *names)
    (tmp_path / "instances_val2017.json").write_text(json.dumps(coco(names, [{"image_id": i + 1} for i in range(5)])))
    run, config = train_on(tmp_path, tmp_path / "val2017", "--annotations", tmp_path / "instances_val2017.json")
    assert run.returncode == 0 and counted(config) == (4, 1), run.stderr


def test_a_folder_without_annotations_is_refused_with_what_is_missing(tmp_path):
    pictures(tmp_path / "img", "0.jpg")
    run, _ = train_on(tmp_path, tmp_path / "img")
    assert run.returncode != 0 and "--annotations DIR or FILE is needed" in run.stderr
    run, _ = train_on(tmp_path, tmp_path / "nowhere")
    assert run.returncode != 0 and "there is no folder" in run.stderr
