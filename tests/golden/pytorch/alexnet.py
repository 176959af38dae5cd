"""alexnet: compiled by archdsl 0.1.0 from alexnet.arch.

Spec    sha256 6ea80d4a3de2b84e52f8df4b019f2b202f343f4f41aefe7fbf02812b75148110
Input   N x 3 x 227 x 227
Output  N x 1000
60,965,224 parameters
"""

from torch import Tensor, nn


class Alexnet(nn.Module):
    """The network `alexnet`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 11, stride=4)
        self.relu1 = nn.ReLU(inplace=True)
        self.lrn1 = nn.LocalResponseNorm(5, alpha=0.0005, beta=0.75, k=2.0)
        self.maxpool1 = nn.MaxPool2d(3, stride=2)
        self.conv2 = nn.Conv2d(96, 256, 5, padding=2, groups=2)
        self.relu2 = nn.ReLU(inplace=True)
        self.lrn2 = nn.LocalResponseNorm(5, alpha=0.0005, beta=0.75, k=2.0)
        self.maxpool2 = nn.MaxPool2d(3, stride=2)
        self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
        self.relu3 = nn.ReLU(inplace=True)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1, groups=2)
        self.relu4 = nn.ReLU(inplace=True)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1, groups=2)
        self.relu5 = nn.ReLU(inplace=True)
        self.maxpool3 = nn.MaxPool2d(3, stride=2)
        self.fc1 = nn.Linear(9216, 4096)
        self.relu6 = nn.ReLU(inplace=True)
        self.dropout1 = nn.Dropout(0.5)
        self.fc2 = nn.Linear(4096, 4096)
        self.relu7 = nn.ReLU(inplace=True)
        self.dropout2 = nn.Dropout(0.5)
        self.fc3 = nn.Linear(4096, 1000)
        for layer in ("conv1", "conv3", "fc3"):
            nn.init.normal_(self.get_parameter(f"{layer}.weight"), std=0.01)
            nn.init.zeros_(self.get_parameter(f"{layer}.bias"))
        for layer in ("conv2", "conv4", "conv5", "fc1", "fc2"):
            nn.init.normal_(self.get_parameter(f"{layer}.weight"), std=0.01)
            nn.init.ones_(self.get_parameter(f"{layer}.bias"))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # 96x55x55
        x = self.relu1(x)
        x = self.lrn1(x)
        x = self.maxpool1(x)  # 96x27x27
        x = self.conv2(x)  # 256x27x27
        x = self.relu2(x)
        x = self.lrn2(x)
        x = self.maxpool2(x)  # 256x13x13
        x = self.conv3(x)  # 384x13x13
        x = self.relu3(x)
        x = self.conv4(x)
        x = self.relu4(x)
        x = self.conv5(x)  # 256x13x13
        x = self.relu5(x)
        x = self.maxpool3(x)  # 256x6x6
        x = self.fc1(x.flatten(1))  # 4096
        x = self.relu6(x)
        x = self.dropout1(x)
        x = self.fc2(x)
        x = self.relu7(x)
        x = self.dropout2(x)
        return self.fc3(x)  # 1000
