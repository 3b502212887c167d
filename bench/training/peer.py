"""The networks of src/learning/networks in PyTorch, timed on request: python peer.py NETWORK SIZE BATCH THREADS LAYOUT

Reads lines `train N` and `infer BATCH N`; answers each by one line of JSON: wall times in ms of N steps (or forward
passes), processor time of all of them, and the peak of resident memory so far. LAYOUT is contiguous or channels_last.
"""
import json
import resource
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


def same(x, size, stride):
    """Pads as TensorFlow does: an odd rest at the bottom and right."""
    total = max((-(-x.shape[-1] // stride) - 1) * stride + size - x.shape[-1], 0)
    return F.pad(x, (total // 2, total - total // 2) * 2)


class Conv(nn.Conv2d):
    def __init__(self, inputs, outputs, size, stride=1):
        super().__init__(inputs, outputs, size, stride, size // 2 if stride == 1 else 0, bias=False)

    def forward(self, x):
        return super().forward(x if self.stride[0] == 1 else same(x, self.kernel_size[0], self.stride[0]))


class Bottleneck(nn.Module):
    def __init__(self, inputs, inner, stride):
        super().__init__()
        self.conv1, self.norm1 = Conv(inputs, inner, 1), nn.BatchNorm2d(inner)
        self.conv2, self.norm2 = Conv(inner, inner, 3, stride), nn.BatchNorm2d(inner)
        self.conv3, self.norm3 = Conv(inner, 4 * inner, 1), nn.BatchNorm2d(4 * inner)
        first = stride > 1 or inputs != 4 * inner
        self.shortcut = nn.Sequential(Conv(inputs, 4 * inner, 1, stride), nn.BatchNorm2d(4 * inner)) if first else None
        nn.init.zeros_(self.norm3.weight)

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)), inplace=True)
        y = F.relu(self.norm2(self.conv2(y)), inplace=True)
        y = self.norm3(self.conv3(y))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)), inplace=True)


class ResNet50(nn.Module):
    def __init__(self, channels, size, classes):
        super().__init__()
        self.small = size <= 64
        self.stem = Conv(channels, 64, 3) if self.small else Conv(channels, 64, 7, 2)
        self.norm = nn.BatchNorm2d(64)
        blocks, inputs = [], 64
        for stage, count in enumerate([3, 4, 6, 3]):
            for block in range(count):
                blocks.append(Bottleneck(inputs, 64 << stage, 2 if stage > 0 and block == 0 else 1))
                inputs = 4 * (64 << stage)
        self.blocks, self.head = nn.Sequential(*blocks), nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.relu(self.norm(self.stem(x)), inplace=True)
        if not self.small:
            x = F.max_pool2d(same(x, 3, 2), 3, 2)
        return self.head(self.blocks(x).mean((2, 3)))


class DenseNet40(nn.Module):
    def __init__(self, channels, size, classes):
        super().__init__()
        self.stem, width = Conv(channels, 16, 3), 16
        self.norms, self.convs = nn.ModuleList(), nn.ModuleList()
        self.between = nn.ModuleList()
        for block in range(3):
            for _ in range(12):
                self.norms.append(nn.BatchNorm2d(width))
                self.convs.append(Conv(width, 12, 3))
                width += 12
            self.between.append(nn.ModuleList([nn.BatchNorm2d(width), Conv(width, width, 1) if block < 2 else nn.Identity()]))
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.stem(x)
        for block, (norm, conv) in enumerate(self.between):
            for layer in range(12 * block, 12 * block + 12):
                y = self.convs[layer](F.relu(self.norms[layer](x), inplace=True))
                x = torch.cat([x, y], 1)
            x = conv(F.relu(norm(x), inplace=True))
            if block < 2:
                x = F.avg_pool2d(x, 2)
        return self.head(x.mean((2, 3)))


network, size, batch, threads, layout = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
torch.set_num_threads(threads)
torch.manual_seed(0)
memory_format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
channels = 1 if size <= 64 else 3
model = {"resnet50": ResNet50, "densenet40": DenseNet40}[network](channels, size, 7).to(memory_format=memory_format)
decayed = [p for p in model.parameters() if p.ndim > 1]
others = [p for p in model.parameters() if p.ndim <= 1]
optimizer = torch.optim.SGD(
    [{"params": decayed, "weight_decay": 1e-4}, {"params": others}], lr=0.01, momentum=0.9, nesterov=True
)
images = torch.randn(batch, channels, size, size).to(memory_format=memory_format)
labels = torch.randint(0, 7, (batch,))


def train():
    optimizer.zero_grad()
    F.cross_entropy(model(images), labels).backward()
    optimizer.step()


def timed(count, step):
    step()
    times, usage = [], resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(count):
        start = time.perf_counter()
        step()
        times.append((time.perf_counter() - start) * 1000)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = (after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime) * 1000
    return {"ms": times, "cpu": cpu / count, "peakMiB": after.ru_maxrss / 1024}


print(json.dumps({"ready": f"PyTorch {torch.__version__}"}), flush=True)
for line in sys.stdin:
    what, *numbers = line.split()
    if what == "train":
        model.train()
        answer = timed(int(numbers[0]), train)
    else:
        model.eval()
        x = torch.randn(int(numbers[0]), channels, size, size).to(memory_format=memory_format)
        with torch.inference_mode():
            answer = timed(int(numbers[1]), lambda: model(x))
    print(json.dumps(answer), flush=True)
