"""lenet: compiled by archdsl 0.1.0 from lenet.arch.

Spec    sha256 874f55e5c49294576cc498e6020c3d59d7382b7970d870a8c0195df4dada7670
Input   N x 1 x 32 x 32
Output  N x 10
61,706 parameters
"""

from torch import Tensor, nn


class Lenet(nn.Module):
    """The network `lenet`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.tanh1 = nn.Tanh()
        self.avgpool1 = nn.AvgPool2d(2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.tanh2 = nn.Tanh()
        self.avgpool2 = nn.AvgPool2d(2)
        self.fc1 = nn.Linear(400, 120)
        self.tanh3 = nn.Tanh()
        self.fc2 = nn.Linear(120, 84)
        self.tanh4 = nn.Tanh()
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # 6x28x28
        x = self.tanh1(x)
        x = self.avgpool1(x)  # 6x14x14
        x = self.conv2(x)  # 16x10x10
        x = self.tanh2(x)
        x = self.avgpool2(x)  # 16x5x5
        x = self.fc1(x.flatten(1))  # 120
        x = self.tanh3(x)
        x = self.fc2(x)  # 84
        x = self.tanh4(x)
        return self.fc3(x)  # 10
