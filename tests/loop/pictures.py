"""Drawn images of a belt with parts on it: discs from the start, squares later; by day, and when the light has fallen."""
import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 160, 120
LABELS = ["disc", "square"]


def picture(seed, *, squares=False, light=1.0):
    """(JPEG, [(label, x0, y0, x1, y1)]): one to four parts that do not overlap."""
    chance = np.random.default_rng(seed)
    image = Image.new("RGB", (WIDTH, HEIGHT), tuple(int(c) for c in chance.integers(168, 188, 3)))
    draw = ImageDraw.Draw(image)
    boxes = []
    for _ in range(int(chance.integers(2, 5))):
        label = LABELS[int(chance.integers(2))] if squares else "disc"
        r = int(chance.integers(11, 17))
        x, y = int(chance.integers(r, WIDTH - r)), int(chance.integers(r, HEIGHT - r))
        box = (x - r, y - r, x + r, y + r)
        if any(box[0] < b[3] and b[1] < box[2] and box[1] < b[4] and b[2] < box[3] for b in boxes):
            continue
        colour = tuple(int(c) for c in chance.integers(-12, 13, 3) + np.array((178, 52, 44) if label == "disc" else (40, 70, 170)))
        draw.ellipse(box, fill=colour) if label == "disc" else draw.rectangle(box, fill=colour)
        boxes.append((label, *box))
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(0.7)), dtype=np.float32) * light + chance.normal(0, 4, (HEIGHT, WIDTH, 3))
    out = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=92)
    return out.getvalue(), boxes


class Part:
    """As the fixtures of tests/conftest.py take images: a file and its boxes."""

    def __init__(self, path, boxes):
        self.path, self.name, self.boxes = path, path.name, boxes


def parts(folder, count, seed, **how):
    folder.mkdir(parents=True, exist_ok=True)
    out = []
    for i in range(count):
        jpeg, boxes = picture(seed * 100000 + i, **how)
        path = folder / f"{folder.name}{i:04}.jpg"
        path.write_bytes(jpeg)
        out.append(Part(path, boxes))
    return out
