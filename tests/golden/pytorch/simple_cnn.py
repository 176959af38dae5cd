"""simple_cnn: compiled by archdsl 0.1.0 from simple_cnn.arch.

Spec    sha256 cee9c99b31d34cb08bb38c445bd457a5ef21c62947e90da5c96c830531f2498c
Input   N x 3 x 32 x 32
Output  N x 10
94,538 parameters
"""

from torch import Tensor, nn


class GlobalAvgPool(nn.Module):
    """The mean of each channel: (N, C, H, W) to (N, C)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


class SimpleCnn(nn.Module):
    """The network `simple_cnn`."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 128, 3, padding=1),
            nn.ReLU(inplace=True),
        )
        self.gap1 = GlobalAvgPool()
        self.classifier = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 128x8x8
        x = self.gap1(x)  # 128
        return self.classifier(x)  # 10
