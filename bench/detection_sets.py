"""Detection sets of what Python packages ship, in the peers' environment:  detection_sets.py NAME FOLDER PYTHON  makes FOLDER/images,
FOLDER/annotations.json (COCO) and FOLDER/eval.txt, the same every time. Of all defaults the length alone was chosen with trees and coins seen.

trees   Real annotations on photographs: single tree crowns seen from an aeroplane, one class, tiles of 128 pixels (8 to 128 pixel large crowns), 213 of
        them for training, and 65 from the right fifth of the two pictures for evaluation. From the package deepforest (MIT; pictures by NEON).
        Crowns cut by the edge of a tile stay where 40 % are inside; the annotators left out some that one can see, as in most such sets.
coins   Composed: photographed coins (24 of scikit-image's `coins`) turned, tinted, blurred and set on photographs of scikit-image and scikit-learn, 12
        to 200 pixels large, beside discs and blobs cut from other photographs, which are no coins. 180 training images with 16 of the coins, 60
        evaluation images with the other 8 coins on other photographs. Mixed sizes, one class; the boxes are exact.
faces   Composed in the same way: 60 faces for 160 training images and 40 of other people for 60 evaluation images, of scikit-image's part of Labelled
        Faces in the Wild; what is no face has the same oval outline. Made after every default was chosen."""
import json, pathlib, sys, xml.etree.ElementTree as xml

import cv2
import numpy as np


class Writer:
    def __init__(self, folder, label):
        self.folder, self.label, self.images, self.boxes, self.held_out = pathlib.Path(folder), label, [], [], []
        (self.folder / "images").mkdir(parents=True, exist_ok=True)

    def add(self, stem, picture, boxes, held_out):
        """boxes: x0, y0, x1, y1."""
        cv2.imwrite(str(self.folder / "images" / f"{stem}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 92])
        self.images.append(dict(id=len(self.images) + 1, file_name=f"{stem}.jpg", width=picture.shape[1], height=picture.shape[0]))
        for x0, y0, x1, y1 in boxes:
            box = [float(v) for v in (x0, y0, x1 - x0, y1 - y0)]
            self.boxes.append(dict(id=len(self.boxes) + 1, image_id=len(self.images), category_id=1, iscrowd=0, area=box[2] * box[3], bbox=box))
        if held_out:
            self.held_out.append(stem)

    def end(self):
        coco = dict(images=self.images, annotations=self.boxes, categories=[dict(id=1, name=self.label)])
        (self.folder / "annotations.json").write_text(json.dumps(coco))
        (self.folder / "eval.txt").write_text("".join(f"{stem}\n" for stem in self.held_out))
        print(f"{len(self.images) - len(self.held_out)} training and {len(self.held_out)} evaluation images, {len(self.boxes)} boxes")


def trees(writer, python):
    package = next(pathlib.Path(python).parent.parent.glob("lib/*/site-packages/deepforest"))
    side, least = 128, 0.4
    for stem in ("2019_YELL_2_528000_4978000_image_crop2", "2019_YELL_2_541000_4977000_image_crop"):
        picture = cv2.imread(f"{package}/data/{stem}.png")
        crowns = [[float(o.find("bndbox").find(k).text) for k in ("xmin", "ymin", "xmax", "ymax")]
                  for o in xml.parse(f"{package}/data/{stem}.xml").getroot().findall("object")]
        for y in range(0, picture.shape[0] - side + 1, side):
            for x in range(0, picture.shape[1] - side + 1, side):
                boxes = []
                for x0, y0, x1, y1 in crowns:
                    cut = [max(x0 - x, 0), max(y0 - y, 0), min(x1 - x, side), min(y1 - y, side)]
                    inside = max(cut[2] - cut[0], 0) * max(cut[3] - cut[1], 0)
                    if inside > least * (x1 - x0) * (y1 - y0) > 0:
                        boxes.append(cut)
                if boxes:
                    writer.add(f"{stem[12:18]}_{y:04}_{x:04}", picture[y:y + side, x:x + side], boxes, x + side > picture.shape[1] * 4 / 5)


def photographed_coins():
    """Each coin with its mask, from the one photograph of 24."""
    from skimage import data
    picture = data.coins()
    dark = cv2.GaussianBlur(picture, (0, 0), 25).astype(np.int32)  # the light falls off over the photograph
    _, mask = cv2.threshold(np.clip(picture.astype(np.int32) - dark + 128, 0, 255).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5)), iterations=2)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (15, 15)))  # some touch
    found, parts, boxes, _ = cv2.connectedComponentsWithStats(mask)
    coins = []
    for k in range(1, found):
        x, y, w, h, area = boxes[k]
        if area > 500:
            at = np.s_[max(y - 2, 0):y + h + 2, max(x - 2, 0):x + w + 2]
            coins.append((y // 70, x, picture[at], (parts[at] == k).astype(np.uint8) * 255))
    coins.sort(key=lambda c: c[:2])
    return [(cut, disc) for _, _, cut, disc in coins]


def photographs(names):
    from skimage import data
    from sklearn.datasets import load_sample_image
    pictures = [load_sample_image(n + ".jpg") if n in ("china", "flower") else getattr(data, n)() for n in names]
    return [np.ascontiguousarray(p[..., ::-1][..., -3:] if p.ndim == 3 else np.repeat(p[..., None], 3, 2)) for p in pictures]


def crop(random, picture, width, height):
    h, w = picture.shape[:2]
    scale = random.uniform(max(width / w, height / h), max(width / w, height / h) * 2)
    picture = cv2.resize(picture, (max(width, round(w * scale)), max(height, round(h * scale))))
    y, x = random.integers(picture.shape[0] - height + 1), random.integers(picture.shape[1] - width + 1)
    picture = picture[y:y + height, x:x + width].copy()
    return picture[:, ::-1].copy() if random.random() < 0.5 else picture


def paste(random, canvas, thing, mask, side):
    """Turned, seen from the side, lit and blurred by chance. Returns the box of what is seen."""
    side = max(side, 8)
    thing, mask = cv2.resize(thing, (side, side)), cv2.resize(mask, (side, side))
    pad = side // 4 + 2
    thing = cv2.copyMakeBorder(thing, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    mask = cv2.copyMakeBorder(mask, pad, pad, pad, pad, cv2.BORDER_CONSTANT)
    whole = side + 2 * pad
    turn = cv2.getRotationMatrix2D((whole / 2, whole / 2), random.uniform(0, 360), 1)
    turn[1] *= random.uniform(0.7, 1)  # tilted
    thing, mask = cv2.warpAffine(thing, turn, (whole, whole), borderMode=cv2.BORDER_REPLICATE), cv2.warpAffine(mask, turn, (whole, whole))
    thing = np.clip(thing.astype(np.float32) * random.uniform(0.5, 1.3) * random.uniform(0.8, 1.2, 3) + random.uniform(-20, 20), 0, 255)
    x, y = int(random.integers(-whole // 5, canvas.shape[1] - whole * 4 // 5)), int(random.integers(-whole // 5, canvas.shape[0] - whole * 4 // 5))
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + whole, canvas.shape[1]), min(y + whole, canvas.shape[0])
    part = np.s_[y0 - y:y1 - y, x0 - x:x1 - x]
    alpha = mask[part][..., None].astype(np.float32) / 255
    canvas[y0:y1, x0:x1] = (canvas[y0:y1, x0:x1] * (1 - alpha) + thing[part] * alpha).astype(np.uint8)
    seen = np.argwhere(mask[part] > 127)
    return (x0 + seen[:, 1].min(), y0 + seen[:, 0].min(), x0 + seen[:, 1].max() + 1, y0 + seen[:, 0].max() + 1) if len(seen) > 30 else None


def overlap(a, b):
    """Share of the smaller box that lies in the other."""
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return max(w, 0) * max(h, 0) / min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))


def oval(side):
    mask = np.zeros((side, side), np.uint8)
    cv2.ellipse(mask, (side // 2, side // 2), (side * 2 // 5, side // 2), 0, 0, 360, 255, -1)
    return mask


def disc(side):
    mask = np.zeros((side, side), np.uint8)
    cv2.circle(mask, (side // 2, side // 2), side * 15 // 32, 255, -1)
    return mask


def compose(writer, random, parts, decoy):
    """parts: (count, things with their masks, photographs to set them on, whether it is for evaluation). decoy: the mask of every second thing that
    is none of them; the others are polygons."""
    for count, own, behind, held_out in parts:
        for i in range(count):
            width, height = int(random.integers(360, 721)), int(random.integers(300, 541))
            canvas = crop(random, behind[random.integers(len(behind))], width, height)
            for _ in range(random.integers(0, 7)):
                other, mask = crop(random, behind[random.integers(len(behind))], 64, 64), decoy(64)
                if random.random() >= 0.5:
                    mask = np.zeros((64, 64), np.uint8)
                    cv2.fillPoly(mask, [random.integers(2, 62, (random.integers(3, 7), 2)).astype(np.int32)], 255)
                paste(random, canvas, other, mask, int(np.exp(random.uniform(np.log(12), np.log(160)))))
            boxes = []
            for _ in range(random.integers(1, 9)):
                cut, mask = own[random.integers(len(own))]
                under = canvas.copy()
                box = paste(random, canvas, np.repeat(cut[..., None], 3, 2), mask, int(np.exp(random.uniform(np.log(12), np.log(200)))))
                if box is None or any(overlap(box, b) > 0.3 for b in boxes):
                    canvas[:] = under
                else:
                    boxes.append(box)
            if random.random() < 0.4:
                canvas = cv2.GaussianBlur(canvas, (0, 0), random.uniform(0.5, 1.5))
            writer.add(f"{'eval' if held_out else 'train'}_{i:03}", canvas, boxes, held_out)


def coins(writer, _):
    every = photographed_coins()
    assert len(every) == 24, len(every)
    compose(writer, np.random.default_rng(7), ((180, every[:16], photographs(["china", "astronaut", "coffee", "brick", "gravel"]), False),
                                               (60, every[16:], photographs(["flower", "cat", "rocket", "grass"]), True)), disc)


def faces(writer, _):
    from skimage.data import lfw_subset
    side = 75
    every = [(cv2.resize((p * 255).astype(np.uint8), (side, side), interpolation=cv2.INTER_CUBIC), oval(side)) for p in lfw_subset()[:100]]
    compose(writer, np.random.default_rng(8), ((160, every[:60], photographs(["flower", "cat", "coffee", "grass"]), False),
                                               (60, every[60:], photographs(["china", "rocket", "brick", "gravel"]), True)), oval)


if __name__ == "__main__":
    make, label = dict(trees=(trees, "tree"), coins=(coins, "coin"), faces=(faces, "face"))[sys.argv[1]]
    writer = Writer(sys.argv[2], label)
    make(writer, sys.argv[3])
    writer.end()
