"""residual: compiled by archdsl 0.1.0 from residual.arch.

Spec    sha256 baa12e915c0f462fa5e345fd64e96a417b8a1a4279c0e18f7e1841c3702d47c5
Input   N x 3 x 32 x 32
Output  N x 10
62,466 parameters
"""

import torch
from torch import Tensor, nn


class GlobalAvgPool(nn.Module):
    """The mean of each channel: (N, C, H, W) to (N, C)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


class Unit(nn.Module):
    """The block `unit`."""

    def __init__(
        self, in_channels: int, width: int, stride: int = 1, downsample: bool = False
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, width, 3, stride=stride, padding=1, bias=False
        )
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = None
        if downsample:
            self.downsample = nn.Sequential(
                nn.Conv2d(16, 32, 1, stride=2, bias=False),
                nn.BatchNorm2d(32),
            )
        self.relu2 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(x)
        y = self.bn1(y)
        y = self.relu1(y)
        y = self.conv2(y)
        y = self.bn2(y)
        if self.downsample is not None:
            x = self.downsample(x)
        x = x + y
        return self.relu2(x)


class Residual(nn.Module):
    """The network `residual`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu1 = nn.ReLU(inplace=True)
        self.layer1 = nn.Sequential(
            Unit(16, 16),
            Unit(16, 16),
        )
        self.layer2 = nn.Sequential(
            Unit(16, 32, stride=2, downsample=True),
            Unit(32, 32),
            Unit(32, 32),
        )
        self.conv2 = nn.Conv2d(32, 8, 1)
        self.maxpool1 = nn.MaxPool2d(3, stride=1, padding=1)
        self.gap1 = GlobalAvgPool()
        self.dropout1 = nn.Dropout(0.2)
        self.fc = nn.Linear(72, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # 16x32x32
        x = self.bn1(x)
        x = self.relu1(x)
        x = self.layer1(x)
        layer2 = self.layer2(x)  # 32x16x16
        x = self.conv2(layer2)  # 8x16x16
        y = self.maxpool1(layer2)  # 32x16x16
        x = torch.cat([x, y, layer2], 1)  # 72x16x16
        x = self.gap1(x)  # 72
        x = self.dropout1(x)
        return self.fc(x)  # 10
