"""googlenet: compiled by archdsl 0.1.0 from googlenet.arch.

Spec    sha256 106c0b3da44dcb5d155fac0c628fb25e82c4a3469a0db765c379c2c23c395fba
Input   N x 3 x 224 x 224
Output  N x 1000
13,378,280 parameters
"""

import torch
from torch import Tensor, nn


class GlobalAvgPool(nn.Module):
    """The mean of each channel: (N, C, H, W) to (N, C)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


class Inception(nn.Module):
    """The block `inception`."""

    def __init__(
        self, in_channels: int, n1: int, r3: int, n3: int, r5: int, n5: int, proj: int
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, n1, 1)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(in_channels, r3, 1)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(r3, n3, 3, padding=1)
        self.relu3 = nn.ReLU(inplace=True)
        self.conv4 = nn.Conv2d(in_channels, r5, 1)
        self.relu4 = nn.ReLU(inplace=True)
        self.conv5 = nn.Conv2d(r5, n5, 5, padding=2)
        self.relu5 = nn.ReLU(inplace=True)
        self.maxpool1 = nn.MaxPool2d(3, stride=1, padding=1)
        self.conv6 = nn.Conv2d(in_channels, proj, 1)
        self.relu6 = nn.ReLU(inplace=True)
        for layer in ("conv1", "conv2", "conv3", "conv4", "conv5", "conv6"):
            nn.init.xavier_uniform_(self.get_parameter(f"{layer}.weight"))
            nn.init.zeros_(self.get_parameter(f"{layer}.bias"))

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(x)
        y = self.relu1(y)
        z = self.conv2(x)
        z = self.relu2(z)
        z = self.conv3(z)
        z = self.relu3(z)
        u = self.conv4(x)
        u = self.relu4(u)
        u = self.conv5(u)
        u = self.relu5(u)
        x = self.maxpool1(x)
        x = self.conv6(x)
        x = self.relu6(x)
        return torch.cat([y, z, u, x], 1)


class Head(nn.Module):
    """The block `head`."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.avgpool1 = nn.AvgPool2d(5, stride=3)
        self.conv1 = nn.Conv2d(in_channels, 128, 1)
        self.relu1 = nn.ReLU(inplace=True)
        self.fc1 = nn.Linear(2048, 1024)
        self.relu2 = nn.ReLU(inplace=True)
        self.dropout1 = nn.Dropout(0.7)
        self.fc2 = nn.Linear(1024, 1000)
        for layer in ("conv1", "fc1", "fc2"):
            nn.init.xavier_uniform_(self.get_parameter(f"{layer}.weight"))
            nn.init.zeros_(self.get_parameter(f"{layer}.bias"))

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool1(x)
        x = self.conv1(x)  # 128x4x4
        x = self.relu1(x)
        x = self.fc1(x.flatten(1))  # 1024
        x = self.relu2(x)
        x = self.dropout1(x)
        return self.fc2(x)  # 1000


class Googlenet(nn.Module):
    """The network `googlenet`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3)
        self.relu1 = nn.ReLU(inplace=True)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.lrn1 = nn.LocalResponseNorm(5, alpha=0.0005, beta=0.75, k=2.0)
        self.conv2 = nn.Conv2d(64, 64, 1)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(64, 192, 3, padding=1)
        self.relu3 = nn.ReLU(inplace=True)
        self.lrn2 = nn.LocalResponseNorm(5, alpha=0.0005, beta=0.75, k=2.0)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception3a = Inception(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = Inception(256, 128, 128, 192, 32, 96, 64)
        self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception4a = Inception(480, 192, 96, 208, 16, 48, 64)
        self.aux1 = Head(512)
        self.inception4b = Inception(512, 160, 112, 224, 24, 64, 64)
        self.inception4c = Inception(512, 128, 128, 256, 24, 64, 64)
        self.inception4d = Inception(512, 112, 144, 288, 32, 64, 64)
        self.aux2 = Head(528)
        self.inception4e = Inception(528, 256, 160, 320, 32, 128, 128)
        self.maxpool4 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception5a = Inception(832, 256, 160, 320, 32, 128, 128)
        self.inception5b = Inception(832, 384, 192, 384, 48, 128, 128)
        self.gap1 = GlobalAvgPool()
        self.dropout1 = nn.Dropout(0.4)
        self.fc1 = nn.Linear(1024, 1000)
        for layer in ("conv1", "conv2", "conv3", "fc1"):
            nn.init.xavier_uniform_(self.get_parameter(f"{layer}.weight"))
            nn.init.zeros_(self.get_parameter(f"{layer}.bias"))

    def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
        x = self.conv1(x)  # 64x112x112
        x = self.relu1(x)
        x = self.maxpool1(x)  # 64x56x56
        x = self.lrn1(x)
        x = self.conv2(x)
        x = self.relu2(x)
        x = self.conv3(x)  # 192x56x56
        x = self.relu3(x)
        x = self.lrn2(x)
        x = self.maxpool2(x)  # 192x28x28
        x = self.inception3a(x)  # 256x28x28
        x = self.inception3b(x)  # 480x28x28
        x = self.maxpool3(x)  # 480x14x14
        inception4a = self.inception4a(x)  # 512x14x14
        x = self.inception4b(inception4a)
        x = self.inception4c(x)
        inception4d = self.inception4d(x)  # 528x14x14
        x = self.inception4e(inception4d)  # 832x14x14
        x = self.maxpool4(x)  # 832x7x7
        x = self.inception5a(x)
        x = self.inception5b(x)  # 1024x7x7
        x = self.gap1(x)  # 1024
        x = self.dropout1(x)
        x = self.fc1(x)  # 1000
        if self.training:
            return {
                "out": x,
                "aux1": self.aux1(inception4a),
                "aux2": self.aux2(inception4d),
            }
        return x
