"""The embedded model's image tower: a small convolutional stem and one transformer block with a class token.

The vision transformer and the hybrid embedding are timm's; only the stem is defined here. The tower is
registered with timm as `TRUNK`, so that open_clip builds it by name.

A patch's value comes from the stem alone, whose receptive field is about 55 pixels, and the class token
attends to patches in the single block only. So Grad-ECLIP in that block explains the whole tower. There is no
positional embedding (its parameter stays zero): a thing gives the same values at any place and in pictures of
any size, but the model cannot tell left from right.
"""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import torch.nn.functional as F
from timm.layers import HybridEmbed
from timm.models import register_model
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

TRUNK = "gradeclip_demo_trunk"
IMAGE_SIZE = 112  # pixels
WIDTH = 256  # of the tokens
CHANNELS = (32, 64, 160)  # of the stem at strides 2, 4 and 8
EXPANSION = 2  # of a stage's pointwise layers


class Stage(nn.Module):
    """A residual stage: a 3 x 3 convolution, then two pointwise ones, (B, C, H, W) to the same shape."""

    def __init__(self, channels: int, expansion: int) -> None:
        super().__init__()
        hidden = expansion * channels
        self.spatial = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.expand = nn.Conv2d(channels, hidden, 1)
        self.reduce = nn.Conv2d(hidden, channels, 1, bias=False)
        self.norm_out = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.norm_out.weight)  # the stage starts as the identity

    def forward(self, x: Tensor) -> Tensor:
        """Return the features plus the residual."""
        hidden = F.relu(self.norm(self.spatial(x)))
        added: Tensor = self.norm_out(self.reduce(F.relu(self.expand(hidden))))
        return x + added


class Stem(nn.Sequential):
    """Pixels (B, 3, H, W) to features (B, 160, H/8, W/8)."""

    def __init__(self) -> None:
        small, middle, large = CHANNELS
        super().__init__(
            *_halved(3, small, before=0),
            *_halved(small, middle, before=0),
            Stage(middle, 1),
            *_halved(middle, large, before=1),
            Stage(large, EXPANSION),
            Stage(large, EXPANSION),
        )


class Downsampling(nn.Conv2d):
    """A 3 x 3 convolution of stride 2, (B, C, H, W) to (B, wider, H/2, W/2), for even sides.

    A kernel of three pixels cannot be centered between two. It is centered on the second one without padding
    before, and on the first one with a row of padding. Two layers of the first kind and one of the second put
    the center of the receptive field of a patch of 8 x 8 pixels at its pixel 3, close to the patch's center
    at 3.5. With layers of one kind only, every map would be shifted by half a patch.

    Args:
        channels: in.
        wider: channels out.
        before: rows and columns of zeros above and to the left, 0 or 1. There are ``1 - before`` below and
            to the right.
    """

    def __init__(self, channels: int, wider: int, before: int) -> None:
        super().__init__(channels, wider, 3, stride=2, bias=False)
        self.sides = (before, 1 - before) * 2

    def forward(self, x: Tensor) -> Tensor:
        """Return the features at half the resolution."""
        return super().forward(F.pad(x, self.sides))


def _halved(channels: int, wider: int, before: int) -> tuple[nn.Module, ...]:
    return Downsampling(channels, wider, before), nn.BatchNorm2d(wider), nn.ReLU()


@register_model
def gradeclip_demo_trunk(num_classes: int = 0, **_: Any) -> VisionTransformer:
    """Return the trunk, untrained; called by timm, for open_clip, by its name.

    Args:
        num_classes: size of the embedding that the head projects to.
    """
    trunk = VisionTransformer(
        img_size=IMAGE_SIZE,
        patch_size=1,
        embed_layer=partial(HybridEmbed, backbone=Stem()),
        embed_dim=WIDTH,
        depth=1,
        num_heads=4,
        mlp_ratio=2,
        num_classes=num_classes,
        global_pool="token",
    )
    head, positions = cast(nn.Linear, trunk.head), cast(nn.Parameter, trunk.pos_embed)
    nn.init.zeros_(positions).requires_grad_(False)
    nn.init.normal_(head.weight, std=WIDTH**-0.5)
    head.bias.requires_grad_(False)  # stays zero: a part common to all pictures would not help
    return trunk
