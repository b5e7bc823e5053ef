"""Annotated images for the detection benchmarks: Pascal VOC or COCO files read, a split by a list, and written as the two kinds of file that the
measurements need: a COCO file of the evaluation images (pycocotools) and a folder in YOLO's form (Ultralytics)."""
import json, os, pathlib, sys, xml.etree.ElementTree as xml


def mend(folder, to):
    """Pictures that a strict reader refuses (cut off, damaged) are decoded as far as they go and written anew, lossless; the others are linked. Answers the
    names of the former. Needs Pillow."""
    from PIL import Image, ImageFile
    to, mended = pathlib.Path(to), []
    to.mkdir(parents=True, exist_ok=True)
    for file in sorted(pathlib.Path(folder).resolve().iterdir()):
        new = to / file.name
        new.unlink(missing_ok=True)
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        try:
            with Image.open(file) as picture:
                picture.load()
            new.symlink_to(file)
            continue
        except (OSError, SyntaxError, ValueError):
            ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            with Image.open(file) as picture:
                picture.convert("RGB").save(new, format="PNG")  # readers go by the bytes, not by the ending
            mended.append(file.name)
        except (OSError, SyntaxError, ValueError):
            pass  # neither can read it
    return mended


def read_voc(folder):
    images = []
    for file in sorted(pathlib.Path(folder).glob("*.xml")):
        root = xml.parse(file).getroot()
        boxes = []
        for o in root.findall("object"):
            x0, y0, x1, y1 = (float(o.find("bndbox").find(k).text) for k in ("xmin", "ymin", "xmax", "ymax"))
            boxes.append((o.find("name").text, x0, y0, x1 - x0, y1 - y0))
        size = root.find("size")
        images.append(dict(stem=file.stem, width=int(size.find("width").text), height=int(size.find("height").text), boxes=boxes))
    return images


def read_coco(file):
    coco = json.loads(pathlib.Path(file).read_text())
    names = {c["id"]: c["name"] for c in coco["categories"]}
    images = {i["id"]: dict(stem=pathlib.Path(i["file_name"]).stem, width=i["width"], height=i["height"], boxes=[]) for i in coco["images"]}
    for a in coco["annotations"]:
        images[a["image_id"]]["boxes"].append((names[a["category_id"]], *a["bbox"]))
    return list(images.values())


class Set:
    """Images with boxes (label, x, y, width, height in pixels), those named in eval_list apart. Boxes without an area are left out."""

    def __init__(self, images, annotations, eval_list):
        self.folder, files = pathlib.Path(images).resolve(), {pathlib.Path(f).stem: f for f in sorted(os.listdir(images))}
        every = read_voc(annotations) if os.path.isdir(annotations) else read_coco(annotations)
        held_out = {pathlib.Path(line.split()[0]).stem for line in open(eval_list) if line.strip()}
        for i in every:
            i["boxes"] = [b for b in i["boxes"] if b[3] > 0 and b[4] > 0]
        every = [dict(i, file=files[i["stem"]]) for i in every if i["stem"] in files]
        self.labels = sorted({b[0] for i in every for b in i["boxes"]})
        self.train = [i for i in every if i["stem"] not in held_out]
        self.eval = [i for i in every if i["stem"] in held_out]

    def write_truth(self, file):
        images = [dict(id=k + 1, file_name=i["file"], width=i["width"], height=i["height"]) for k, i in enumerate(self.eval)]
        boxes = [dict(image_id=k + 1, category_id=self.labels.index(b[0]) + 1, bbox=b[1:], area=b[3] * b[4], iscrowd=0)
                 for k, i in enumerate(self.eval) for b in i["boxes"]]
        for k, b in enumerate(boxes):
            b["id"] = k + 1
        categories = [dict(id=k + 1, name=name) for k, name in enumerate(self.labels)]
        pathlib.Path(file).write_text(json.dumps(dict(images=images, annotations=boxes, categories=categories)))

    def write_yolo(self, folder):
        """Returns the file that describes it."""
        folder = pathlib.Path(folder)
        for part, images in (("train", self.train), ("eval", self.eval)):
            for kind in ("images", "labels"):
                (folder / kind / part).mkdir(parents=True, exist_ok=True)
            for i in images:
                link = folder / "images" / part / i["file"]
                link.unlink(missing_ok=True)
                link.symlink_to(self.folder / i["file"])
                lines = []
                for name, x, y, w, h in i["boxes"]:
                    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, i["width"]), min(y + h, i["height"])
                    lines.append(f"{self.labels.index(name)} {(x0 + x1) / 2 / i['width']:.6f} {(y0 + y1) / 2 / i['height']:.6f} "
                                 f"{(x1 - x0) / i['width']:.6f} {(y1 - y0) / i['height']:.6f}\n")
                (folder / "labels" / part / f"{i['stem']}.txt").write_text("".join(lines))
        names = "".join(f"  {k}: {json.dumps(name)}\n" for k, name in enumerate(self.labels))
        (folder / "data.yaml").write_text(f"path: {folder}\ntrain: images/train\nval: images/eval\nnames:\n{names}")
        return folder / "data.yaml"


if __name__ == "__main__":
    print(*mend(*sys.argv[1:]), sep="\n")
