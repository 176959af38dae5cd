"""resnet50: compiled by archdsl 0.1.0 from resnet.arch.

Spec    sha256 60c1274ee1223e3548462cb126bee7dcbef321e680f30b8570cd0ebd7c13f1b9
Input   N x 3 x 224 x 224
Output  N x 1000
25,557,032 parameters
"""

from torch import Tensor, nn


class GlobalAvgPool(nn.Module):
    """The mean of each channel: (N, C, H, W) to (N, C)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


class Bottleneck(nn.Module):
    """The block `bottleneck`."""

    def __init__(
        self, in_channels: int, width: int, stride: int = 1, downsample: bool = False
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = None
        if downsample:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, 4 * width, 1, stride=stride, bias=False),
                nn.BatchNorm2d(4 * width),
            )
            nn.init.kaiming_normal_(
                self.get_parameter("downsample.0.weight"),
                mode="fan_out",
                nonlinearity="relu",
            )
        self.relu3 = nn.ReLU(inplace=True)
        for layer in ("conv1", "conv2", "conv3"):
            nn.init.kaiming_normal_(
                self.get_parameter(f"{layer}.weight"),
                mode="fan_out",
                nonlinearity="relu",
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(x)
        y = self.bn1(y)
        y = self.relu1(y)
        y = self.conv2(y)
        y = self.bn2(y)
        y = self.relu2(y)
        y = self.conv3(y)
        y = self.bn3(y)
        if self.downsample is not None:
            x = self.downsample(x)
        x = x + y
        return self.relu3(x)


class Resnet50(nn.Module):
    """The network `resnet50`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu1 = nn.ReLU(inplace=True)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = nn.Sequential(
            Bottleneck(64, 64, downsample=True),
            Bottleneck(256, 64),
            Bottleneck(256, 64),
        )
        self.layer2 = nn.Sequential(
            Bottleneck(256, 128, stride=2, downsample=True),
            *(Bottleneck(512, 128) for _ in range(3)),
        )
        self.layer3 = nn.Sequential(
            Bottleneck(512, 256, stride=2, downsample=True),
            *(Bottleneck(1024, 256) for _ in range(5)),
        )
        self.layer4 = nn.Sequential(
            Bottleneck(1024, 512, stride=2, downsample=True),
            Bottleneck(2048, 512),
            Bottleneck(2048, 512),
        )
        self.gap1 = GlobalAvgPool()
        self.fc = nn.Linear(2048, 1000)
        nn.init.kaiming_normal_(
            self.get_parameter("conv1.weight"), mode="fan_out", nonlinearity="relu"
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # 64x112x112
        x = self.bn1(x)
        x = self.relu1(x)
        x = self.maxpool1(x)  # 64x56x56
        x = self.layer1(x)  # 256x56x56
        x = self.layer2(x)  # 512x28x28
        x = self.layer3(x)  # 1024x14x14
        x = self.layer4(x)  # 2048x7x7
        x = self.gap1(x)  # 2048
        return self.fc(x)  # 1000
