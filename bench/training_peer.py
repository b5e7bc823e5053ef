"""The peer of bench/training: YOLOX, and the detector of lite0_fpn.h, in PyTorch, with layers of the same shapes in the same order as ours, trained by SGD on one fixed batch.
`training_peer.py MODEL THREADS BATCH SIZE FORM`, FORM one of nchw, channels_last, bf16. A number of steps a line comes in, the median
milliseconds of one go out, by the clock and of the processors' time."""
import statistics, sys, time

import torch
from torch import nn
from torch.nn import functional as F

name, threads, batch, size, form = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
depth, width, depthwise = {"yolox-nano": (1, 0.25, True), "yolox-tiny": (1, 0.375, False), "lite0-fpn": (1, 1, True)}[name]
act = nn.ReLU6 if name == "lite0-fpn" else nn.SiLU
torch.set_num_threads(threads)
torch.manual_seed(1)


def unit(i, o, kernel, stride=1, groups=1):
    return nn.Sequential(nn.Conv2d(i, o, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False), nn.BatchNorm2d(o, 1e-3, 0.03), act(True))


def spatial(i, o, stride=1):
    return nn.Sequential(unit(i, i, 3, stride, i), unit(i, o, 1)) if depthwise else unit(i, o, 3, stride)


class Block(nn.Module):
    def __init__(self, c, shortcut):
        super().__init__()
        self.net, self.shortcut = nn.Sequential(unit(c, c, 1), spatial(c, c)), shortcut

    def forward(self, x):
        return x + self.net(x) if self.shortcut else self.net(x)


class Stage(nn.Module):
    def __init__(self, i, o, blocks, shortcut=False):
        super().__init__()
        h = o // 2
        self.through, self.past, self.end = unit(i, h, 1), unit(i, h, 1), unit(o, o, 1)
        self.blocks = nn.Sequential(*[Block(h, shortcut) for _ in range(blocks)])

    def forward(self, x):
        return self.end(torch.cat((self.blocks(self.through(x)), self.past(x)), 1))


class Pyramid(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.begin, self.end = unit(c, c // 2, 1), unit(c * 2, c, 1)

    def forward(self, x):
        x = [self.begin(x)]
        for _ in range(3):
            x.append(F.max_pool2d(x[-1], 5, 1, 2))
        return self.end(torch.cat(x, 1))


class Head(nn.Module):
    def __init__(self, i, c):
        super().__init__()
        self.stem = unit(i, c, 1)
        self.label = nn.Sequential(spatial(c, c), spatial(c, c), nn.Conv2d(c, 2, 1))
        self.box = nn.Sequential(spatial(c, c), spatial(c, c), nn.Conv2d(c, 5, 1))

    def forward(self, x):
        x = self.stem(x)
        return self.label(x), self.box(x)


class Yolox(nn.Module):
    def __init__(self):
        super().__init__()
        b = int(64 * width)
        self.stem = unit(12, b, 3)
        self.dark2 = nn.Sequential(spatial(b, 2 * b, 2), Stage(2 * b, 2 * b, depth, True))
        self.dark3 = nn.Sequential(spatial(2 * b, 4 * b, 2), Stage(4 * b, 4 * b, 3 * depth, True))
        self.dark4 = nn.Sequential(spatial(4 * b, 8 * b, 2), Stage(8 * b, 8 * b, 3 * depth, True))
        self.dark5 = nn.Sequential(spatial(8 * b, 16 * b, 2), Pyramid(16 * b), Stage(16 * b, 16 * b, depth))
        self.lateral2, self.down1 = unit(16 * b, 8 * b, 1), Stage(16 * b, 8 * b, depth)
        self.lateral1, self.down0 = unit(8 * b, 4 * b, 1), Stage(8 * b, 4 * b, depth)
        self.shrink0, self.up1 = spatial(4 * b, 4 * b, 2), Stage(8 * b, 8 * b, depth)
        self.shrink1, self.up2 = spatial(8 * b, 8 * b, 2), Stage(16 * b, 16 * b, depth)
        self.heads = nn.ModuleList(Head(c * b, 4 * b) for c in (4, 8, 16))

    def forward(self, x):
        x = torch.cat((x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]), 1)
        f0 = self.dark3(self.dark2(self.stem(x)))
        f1 = self.dark4(f0)
        l2 = self.lateral2(self.dark5(f1))
        l1 = self.lateral1(self.down1(torch.cat((F.interpolate(l2, scale_factor=2), f1), 1)))
        f0 = self.down0(torch.cat((F.interpolate(l1, scale_factor=2), f0), 1))
        f1 = self.up1(torch.cat((self.shrink0(f0), l1), 1))
        f2 = self.up2(torch.cat((self.shrink1(f1), l2), 1))
        return [y for head, f in zip(self.heads, (f0, f1, f2)) for y in head(f)]


class Inverted(nn.Module):
    def __init__(self, i, o, kernel, stride, expand):
        super().__init__()
        wide = i * expand
        layers = [unit(i, wide, 1)] if expand > 1 else []
        self.net, self.shortcut = nn.Sequential(*layers, unit(wide, wide, kernel, stride, wide), unit(wide, o, 1)[:2]), stride == 1 and i == o

    def forward(self, x):
        return x + self.net(x) if self.shortcut else self.net(x)


class Lite0Fpn(nn.Module):
    def __init__(self):
        super().__init__()
        stages = (3, 1, 1, 1, 16), (3, 2, 2, 6, 24), (5, 2, 2, 6, 40), (3, 3, 2, 6, 80), (5, 3, 1, 6, 112), (5, 4, 2, 6, 192), (3, 1, 1, 6, 320)
        i, made = 32, []
        for kernel, blocks, stride, expand, o in stages:
            made.append(nn.Sequential(*[Inverted(o if k else i, o, kernel, 1 if k else stride, expand) for k in range(blocks)]))
            i = o
        self.stem, self.low, self.middle, self.high = unit(3, 32, 3, 2), nn.Sequential(*made[:3]), nn.Sequential(*made[3:5]), nn.Sequential(*made[5:])
        self.laterals = nn.ModuleList(unit(c, 64, 1)[:2] for c in (40, 112, 320))
        self.labels = nn.ModuleList(nn.Sequential(unit(64, 64, 3), nn.Conv2d(64, 2, 1)) for _ in range(3))
        self.boxes = nn.ModuleList(nn.Sequential(unit(64, 64, 3), nn.Conv2d(64, 5, 1)) for _ in range(3))

    def forward(self, x):
        f = [self.low(self.stem(x))]
        f.append(self.middle(f[0]))
        f.append(self.high(f[1]))
        f = [lateral(y) for lateral, y in zip(self.laterals, f)]
        f[1] = f[1] + F.interpolate(f[2], scale_factor=2)
        f[0] = f[0] + F.interpolate(f[1], scale_factor=2)
        return [y for label, box, x in zip(self.labels, self.boxes, f) for y in (label(x), box(x))]


layout = torch.contiguous_format if form == "nchw" else torch.channels_last
net = (Lite0Fpn if name == "lite0-fpn" else Yolox)().train().to(memory_format=layout)
images = ((torch.arange(batch * 3 * size * size) * 7919 % 255).float().view(batch, 3, size, size) / 128 - 1).to(memory_format=layout)
norms = {id(p) for m in net.modules() if isinstance(m, nn.BatchNorm2d) for p in m.parameters()}
decayed = [p for n, p in net.named_parameters() if id(p) not in norms and not n.endswith(".bias")]
other = [p for n, p in net.named_parameters() if id(p) in norms or n.endswith(".bias")]
sgd = torch.optim.SGD([{"params": decayed, "weight_decay": 5e-4}, {"params": other}], lr=0.01, momentum=0.9, nesterov=True)


def step():
    sgd.zero_grad(set_to_none=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=form == "bf16"):
        outputs = net(images)
    (sum(y.float().square().sum() for y in outputs) * (0.5e-3 / batch)).backward()
    sgd.step()


print(sum(p.numel() for p in net.parameters()), flush=True)
for line in sys.stdin:
    times, busy = [], []
    for _ in range(int(line)):
        began, used = time.perf_counter(), time.process_time()
        step()
        times.append((time.perf_counter() - began) * 1000)
        busy.append((time.process_time() - used) * 1000)
    print(statistics.median(times), statistics.median(busy), flush=True)
