"""What bench/exporters compares: forms, and what is found in a picture. The weights are drawn, then settled so that scores spread and boxes appear."""
import dataclasses, math, typing

import numpy as np
import torch
from PIL import Image, ImageDraw

THRESHOLD = 0.3


@dataclasses.dataclass(eq=False)
class Thing:
    label: int
    score: float
    box: tuple = None  # left, top, right, bottom in pixels of the picture
    outline: np.ndarray = None  # of pixels of the picture: bool
    points: np.ndarray = None  # rows of x, y


@dataclasses.dataclass
class Form:
    name: str
    kind: str
    labels: dict  # as the model version has them
    export: typing.Callable  # folder -> (file, picture -> [Thing])
    told: dict = None


def draw(seed=0):
    """Each form begins with the same numbers, in whatever order it comes."""
    torch.manual_seed(seed)
    np.random.seed(seed)


@torch.no_grad()
def settle_layers(network, run):
    """Batch norms as after a training: what they see has mean 0 and deviation 1."""
    norms = [m for m in network.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    network.train()
    for m in norms:
        m.reset_running_stats()
        m.momentum = None
    run()
    run()
    network.eval()


@torch.no_grad()
def spread(layers, run, above=0.02, at=THRESHOLD, most=3.0):
    """Last layers of which this share of numbers is over the threshold's logit, the greatest by `most`: no two scores are alike because they are 1."""
    seen = {}
    hooks = [l.register_forward_hook(lambda _, __, out, l=l: seen.setdefault(l, []).append(out)) for l in layers]
    run()
    for h in hooks:
        h.remove()
    for l in layers:
        axis = 2 if isinstance(l, torch.nn.Linear) and seen[l][0].dim() == 3 else 1
        out = torch.cat([o.detach().movedim(axis, -1).reshape(-1, o.shape[axis]) for o in seen[l]])
        point, top = out.quantile(1 - above, 0), out.max(0).values
        scale = most / (top - point).clamp(min=1e-6)
        l.weight.mul_(scale.reshape(-1, *[1] * (l.weight.dim() - 1)))
        bias = l.bias if l.bias is not None else torch.zeros_like(point)
        l.bias = torch.nn.Parameter((bias - point) * scale + math.log(at / (1 - at)))


def batch_of(pictures, size):
    """Pictures as tensors of one size, to settle with."""
    from PIL import Image
    rows = [np.asarray(Image.open(p).convert("RGB").resize(size[::-1])) for p in pictures]
    return torch.from_numpy(np.stack(rows)).permute(0, 3, 1, 2).float() / 255


def raster(ring, size):
    """What a polygon covers: the pixels whose middles lie in it."""
    fine = 4
    im = Image.new("1", (size[0] * fine, size[1] * fine))
    if len(ring) > 2:
        ImageDraw.Draw(im).polygon([(float(x) * fine - 0.5, float(y) * fine - 0.5) for x, y in ring], fill=1)
    return np.asarray(im).reshape(size[1], fine, size[0], fine).mean((1, 3)) >= 0.5
