"""vit_base_patch16_224: compiled by archdsl 0.1.0 from vit.arch.

Spec    sha256 8bc624429cec745ddfc7989d63ca1658ebb415804e29ea847c96accad3d62fd1
Input   N x 3 x 224 x 224
Output  N x 1000
86,567,656 parameters
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn


class Attention(nn.Module):
    """Multi-head self-attention over tokens (N, L, D)."""

    def __init__(
        self, dim: int, heads: int, bias: bool = True, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.qkv = nn.Linear(dim, 3 * dim, bias=bias)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        qkv = self.qkv(x).unflatten(2, (3, self.heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each N, heads, L, D / heads
        x = nn.functional.scaled_dot_product_attention(
            q, k, v, dropout_p=self.dropout if self.training else 0.0
        )
        return self.proj(x.transpose(1, 2).flatten(2))


class Embedding(nn.Module):
    """The block `embedding`."""

    def __init__(self) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, 768, 16, stride=16)
        nn.init.trunc_normal_(
            self.get_parameter("proj.weight"), std=0.02, a=-0.04, b=0.04
        )
        nn.init.zeros_(self.get_parameter("proj.bias"))

    def forward(self, x: Tensor) -> Tensor:
        x = self.proj(x)  # 768x14x14
        return x.flatten(2).transpose(1, 2)  # 196x768


class Encoder(nn.Module):
    """The block `encoder`."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(768, eps=1e-06)
        self.attn = Attention(768, 12)
        self.norm2 = nn.LayerNorm(768, eps=1e-06)
        self.mlp = nn.Sequential(
            OrderedDict(
                {
                    "fc1": nn.Linear(768, 3072),
                    "act": nn.GELU(),
                    "fc2": nn.Linear(3072, 768),
                }
            )
        )
        nn.init.trunc_normal_(
            self.get_parameter("attn.qkv.weight"), std=0.02, a=-0.04, b=0.04
        )
        nn.init.zeros_(self.get_parameter("attn.qkv.bias"))
        nn.init.trunc_normal_(
            self.get_parameter("attn.proj.weight"), std=0.02, a=-0.04, b=0.04
        )
        nn.init.zeros_(self.get_parameter("attn.proj.bias"))
        for layer in ("mlp.fc1", "mlp.fc2"):
            nn.init.trunc_normal_(
                self.get_parameter(f"{layer}.weight"), std=0.02, a=-0.04, b=0.04
            )
            nn.init.zeros_(self.get_parameter(f"{layer}.bias"))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)  # 197x768
        y = self.attn(y)
        x = x + y
        y = self.norm2(x)
        y = self.mlp(y)
        return x + y


class VitBasePatch16224(nn.Module):
    """The network `vit_base_patch16_224`."""

    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = Embedding()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, 768))
        self.pos_embed = nn.Parameter(torch.zeros(1, 197, 768))
        self.blocks = nn.Sequential(
            *(Encoder() for _ in range(12)),
        )
        self.norm = nn.LayerNorm(768, eps=1e-06)
        self.head = nn.Linear(768, 1000)
        for layer in ("cls_token", "pos_embed"):
            nn.init.trunc_normal_(self.get_parameter(layer), std=0.02, a=-0.04, b=0.04)
        nn.init.trunc_normal_(
            self.get_parameter("head.weight"), std=0.02, a=-0.04, b=0.04
        )
        nn.init.zeros_(self.get_parameter("head.bias"))

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch_embed(x)  # 196x768
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], 1)  # 197x768
        x = x + self.pos_embed
        x = self.blocks(x)
        x = self.norm(x)
        x = x[:, 0]  # 768
        return self.head(x)  # 1000
