"""Puts the annotations of a COCO file on each version."""
from config import DATASET, FOLDER, PARTS, connect

dataset = connect().get_dataset(name=DATASET)
for part in PARTS:
    dataset.get_version(version=part).import_annotations_coco_file(file_path=str(FOLDER / f"coco-{part}.json"))
