"""vgg16_bn: compiled by archdsl 0.1.0 from vgg.arch.

Spec    sha256 153b6c1b1d5a289f10855b87659d163db04a1bbc40f2d9e8ecfd9ec6ae1f5a5a
Input   N x 3 x 224 x 224
Output  N x 1000
138,365,992 parameters
"""

from torch import Tensor, nn


class Vgg16Bn(nn.Module):
    """The network `vgg16_bn`."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3, padding=1),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.Conv2d(64, 64, 3, padding=1),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 128, 3, padding=1),
            nn.BatchNorm2d(128),
            nn.ReLU(inplace=True),
            nn.Conv2d(128, 128, 3, padding=1),
            nn.BatchNorm2d(128),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(128, 256, 3, padding=1),
            nn.BatchNorm2d(256),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.BatchNorm2d(256),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.BatchNorm2d(256),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(256, 512, 3, padding=1),
            nn.BatchNorm2d(512),
            nn.ReLU(inplace=True),
            nn.Conv2d(512, 512, 3, padding=1),
            nn.BatchNorm2d(512),
            nn.ReLU(inplace=True),
            nn.Conv2d(512, 512, 3, padding=1),
            nn.BatchNorm2d(512),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(512, 512, 3, padding=1),
            nn.BatchNorm2d(512),
            nn.ReLU(inplace=True),
            nn.Conv2d(512, 512, 3, padding=1),
            nn.BatchNorm2d(512),
            nn.ReLU(inplace=True),
            nn.Conv2d(512, 512, 3, padding=1),
            nn.BatchNorm2d(512),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.flatten1 = nn.Flatten()
        self.classifier = nn.Sequential(
            nn.Linear(25088, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(4096, 1000),
        )
        for layer in (
            "features.0",
            "features.3",
            "features.7",
            "features.10",
            "features.14",
            "features.17",
            "features.20",
            "features.24",
            "features.27",
            "features.30",
            "features.34",
            "features.37",
            "features.40",
        ):
            nn.init.kaiming_normal_(
                self.get_parameter(f"{layer}.weight"),
                mode="fan_out",
                nonlinearity="relu",
            )
            nn.init.zeros_(self.get_parameter(f"{layer}.bias"))
        for layer in ("classifier.0", "classifier.3", "classifier.6"):
            nn.init.normal_(self.get_parameter(f"{layer}.weight"), std=0.01)
            nn.init.zeros_(self.get_parameter(f"{layer}.bias"))

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 512x7x7
        x = self.avgpool(x)
        x = self.flatten1(x)  # 25088
        return self.classifier(x)  # 1000
