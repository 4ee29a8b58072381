"""Networks of torchvision and timm in PyTorch, written out with their names of parameters, as states to load.

torchvision/models/{alexnet,vgg,googlenet,resnet}.py and timm/models/vgg.py define the names; only layers with
parameters, and positions in a Sequential, matter here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import nn


class Block(nn.Module):
    """A residual block of resnet.py: two 3x3 convolutions, or 1x1, 3x3, 1x1 with four times the channels."""

    def __init__(self, c_in: int, width: int, stride: int, bottleneck: bool) -> None:
        super().__init__()
        c_out = 4 * width if bottleneck else width
        sizes = [(c_in, width, 1), (width, width, 3), (width, c_out, 1)]
        sizes = sizes if bottleneck else [(c_in, width, 3), (width, width, 3)]
        self.count, strided = len(sizes), 2 if bottleneck else 1
        for i, (a, b, kernel) in enumerate(sizes, 1):
            step = stride if i == strided else 1
            self.add_module(f"conv{i}", nn.Conv2d(a, b, kernel, step, kernel // 2, bias=False))
            self.add_module(f"bn{i}", nn.BatchNorm2d(b))
        self.downsample: Any = None
        if stride != 1 or c_in != c_out:
            self.downsample = nn.Sequential(
                nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out)
            )

    def forward(self, x: Any) -> Any:
        y = x
        for i in range(1, self.count + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            y = y if i == self.count else y.relu()
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


class ResNet(nn.Module):
    """resnet.py, with the width of the first stage as an argument."""

    def __init__(self, counts: list[int], bottleneck: bool, width: int, num_classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        c_in = width
        for stage, count in enumerate(counts):
            blocks = []
            for i in range(count):
                stride = 2 if stage > 0 and i == 0 else 1
                blocks.append(Block(c_in, width << stage, stride, bottleneck))
                c_in = (width << stage) * (4 if bottleneck else 1)
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(c_in, num_classes)

    def forward(self, x: Any) -> Any:
        x = nn.functional.max_pool2d(self.bn1(self.conv1(x)).relu(), 3, 2, 1)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return self.fc(x.mean((2, 3)))


class AlexNet(nn.Module):
    """alexnet.py, with the outputs of the hidden linear layers as an argument."""

    def __init__(self, hidden: int, num_classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(64, 192, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU(), nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU()),
            *(nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(3, 2)),
        )
        self.classifier = nn.Sequential(
            *(nn.Identity(), nn.Linear(256 * 36, hidden), nn.ReLU()),
            *(nn.Identity(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, num_classes)),
        )

    def forward(self, x: Any) -> Any:
        return self.classifier(nn.functional.adaptive_avg_pool2d(self.features(x), 6).flatten(1))


class VGG(nn.Module):
    """vgg.py, with the number of convolutions of each stage, as "1 1 2 2 2", and the widths as arguments."""

    def __init__(self, stages: str, batch_norm: bool, width: int, hidden: int, num_classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        c_in = 3
        for stage, count in enumerate(map(int, stages.split())):
            for _ in range(count):
                c_out = width << min(stage, 3)
                norm = [nn.BatchNorm2d(c_out)] if batch_norm else []
                layers += [nn.Conv2d(c_in, c_out, 3, padding=1), *norm, nn.ReLU()]
                c_in = c_out
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            *(nn.Linear(c_in * 49, hidden), nn.ReLU(), nn.Identity()),
            *(nn.Linear(hidden, hidden), nn.ReLU(), nn.Identity(), nn.Linear(hidden, num_classes)),
        )

    def forward(self, x: Any) -> Any:
        return self.classifier(nn.functional.adaptive_avg_pool2d(self.features(x), 7).flatten(1))


class GoogLeNet(nn.Module):
    """googlenet.py with auxiliary classifiers, with all widths divided by `narrower`; or the network of the
    paper. `side` is that of the averages that auxiliary classifiers read.
    """

    inception: ClassVar = {
        "3a": (192, 64, 96, 128, 16, 32, 32),
        "3b": (256, 128, 128, 192, 32, 96, 64),
        "4a": (480, 192, 96, 208, 16, 48, 64),
        "4b": (512, 160, 112, 224, 24, 64, 64),
        "4c": (512, 128, 128, 256, 24, 64, 64),
        "4d": (512, 112, 144, 288, 32, 64, 64),
        "4e": (528, 256, 160, 320, 32, 128, 128),
        "5a": (832, 256, 160, 320, 32, 128, 128),
        "5b": (832, 384, 192, 384, 48, 128, 128),
    }

    def __init__(self, narrower: int, num_classes: int, paper: bool = False, side: int = 4) -> None:
        super().__init__()
        self.paper = paper

        def conv(c_in: int, c_out: int, kernel: int, stride: int = 1) -> nn.Module:
            layer = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=paper)
            norm = nn.Identity() if paper else nn.BatchNorm2d(c_out, eps=1e-3)
            return nn.Sequential(OrderedDict(conv=layer, bn=norm, relu=nn.ReLU()))

        a, b = 64 // narrower, 192 // narrower
        self.conv1, self.conv2, self.conv3 = conv(3, a, 7, 2), conv(a, a, 1), conv(a, b, 3)
        for name, widths in self.inception.items():
            c_in, w1, to3, w3, to5, w5, pool = (width // narrower for width in widths)
            branches = nn.Module()
            branches.branch1 = conv(c_in, w1, 1)
            branches.branch2 = nn.Sequential(conv(c_in, to3, 1), conv(to3, w3, 3))
            branches.branch3 = nn.Sequential(conv(c_in, to5, 1), conv(to5, w5, 5 if paper else 3))
            branches.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(c_in, pool, 1))
            self.add_module(f"inception{name}", branches)
        for name, c_in in (("aux1", 512), ("aux2", 528)):
            head = nn.Module()
            head.conv = conv(c_in // narrower, 128 // narrower, 1)
            head.fc1 = nn.Linear(128 // narrower * side * side, 1024 // narrower)
            head.fc2 = nn.Linear(1024 // narrower, num_classes)
            self.add_module(name, head)
        self.fc = nn.Linear(1024 // narrower, num_classes)

    def forward(self, x: Any) -> Any:
        """The logits; in training mode also those of the auxiliary classifiers."""
        pool = nn.functional.max_pool2d
        norm = nn.LocalResponseNorm(5, 5e-4, 0.75, 2.0) if self.paper else nn.Identity()
        average = nn.AvgPool2d(5, 3) if self.paper else nn.AdaptiveAvgPool2d(4)
        x = norm(pool(self.conv1(x), 3, 2, ceil_mode=True))
        x = pool(norm(self.conv3(self.conv2(x))), 3, 2, ceil_mode=True)
        more = []
        for name in self.inception:
            if name in ("4a", "5a"):
                x = pool(x, 3 if name == "4a" or self.paper else 2, 2, ceil_mode=True)
            m = getattr(self, f"inception{name}")
            x = torch.cat([m.branch1(x), m.branch2(x), m.branch3(x), m.branch4(x)], 1)
            if self.training and name in ("4a", "4d"):
                head = self.aux1 if name == "4a" else self.aux2
                y = head.conv(average(x)).flatten(1)
                more.append(head.fc2(head.fc1(y).relu()))
        y = self.fc(x.mean((2, 3)))
        return (y, *more) if self.training else y


def seeded(build: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    """The network in evaluation mode, with random weights, and random running averages as after training."""
    torch.manual_seed(seed)
    net = build().eval()
    for name, buffer in net.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.1)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 2)
        else:
            buffer.fill_(12)  # num_batches_tracked
    return net
