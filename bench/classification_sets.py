"""Classification sets that Python packages ship, in the peers' environment:  classification_sets.py NAME FOLDER  makes FOLDER/images/LABEL/*.png and
FOLDER/eval.txt, the same every time.

digits   scikit-learn's handwritten digits, 8 pixels large, enlarged to 64; 600 training and 400 evaluation images, ten labels.
faces    scikit-image's part of Labelled Faces in the Wild: 100 photographed faces and 100 pieces of photographs without one, 25 pixels large,
         enlarged to 75; 120 training and 80 evaluation images."""
import pathlib, sys

import cv2
import numpy as np


def digits():
    from sklearn.datasets import load_digits
    d = load_digits()
    order = np.random.default_rng(1).permutation(len(d.images))[:1000]
    for n, k in enumerate(order):
        yield str(d.target[k]), cv2.resize((d.images[k] * (255 / 16)).astype(np.uint8), (64, 64), interpolation=cv2.INTER_CUBIC), n >= 600


def faces():
    from skimage.data import lfw_subset
    pictures = lfw_subset()  # faces first
    for k, p in enumerate(pictures):
        yield "face" if k < 100 else "none", cv2.resize((p * 255).astype(np.uint8), (75, 75), interpolation=cv2.INTER_CUBIC), k % 100 >= 60


if __name__ == "__main__":
    folder, held_out = pathlib.Path(sys.argv[2]), []
    for n, (label, picture, out) in enumerate(dict(digits=digits, faces=faces)[sys.argv[1]]()):
        (folder / "images" / label).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / "images" / label / f"{n:04}.png"), picture)
        held_out += [f"{label}/{n:04}"] if out else []
    (folder / "eval.txt").write_text("\n".join(held_out) + "\n")
    print(f"{n + 1} images, {len(held_out)} of them for evaluation")
