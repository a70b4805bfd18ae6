"""timm's vision transformers that read their patches with a class token: plain, hybrid and EVA."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import torch
import torch.nn.functional as F
from timm.layers import Attention, AttentionRope
from timm.layers.pos_embed_sincos import apply_rot_embed_cat
from timm.models.eva import Eva, EvaAttention, EvaBlock, EvaBlockPostNorm
from timm.models.vision_transformer import Block as PreNormBlock
from timm.models.vision_transformer import ResPostBlock, VisionTransformer
from torch import Tensor

from .blocks import Read, attend, carry, check_layers, exact
from .class_token import ClassTokenTrace
from .patches import any_size, takes_any_size, timm_grid, timm_patch_size


@dataclass(frozen=True, eq=False)
class TimmBlock:
    """A timm block, its attention taken apart; matrices are (..., rows, D).

    Attributes:
        module: the block.
        heads: its attention heads.
        rope: rotary embedding of the patches, where the trunk has one; prefix tokens are not rotated.
        prefix: how many rows stand before the patches.
    """

    module: Any
    heads: int
    rope: Tensor | None = None
    prefix: int = 1

    @classmethod
    def of(cls, module: Any, prefix: int) -> TimmBlock:
        """View a block, or raise ``TypeError`` where its layout is not known."""
        attention = getattr(module, "attn", None)
        blocks = (PreNormBlock, ResPostBlock, EvaBlock, EvaBlockPostNorm)
        if type(module) not in blocks:
            raise TypeError(f"unknown transformer block {type(module).__name__}")
        if type(attention) not in (Attention, EvaAttention, AttentionRope):
            raise TypeError(f"unknown attention {type(attention).__name__}")
        if getattr(attention, "num_kv_groups", 1) != 1:
            raise TypeError("its heads share keys and values")
        return cls(module, cast(Any, attention).num_heads, prefix=prefix)

    @property
    def dtype(self) -> torch.dtype:
        """Of its weights."""
        return cast(torch.dtype, self.module.attn.proj.weight.dtype)

    @property
    def post_norm(self) -> bool:
        """Whether branches are normalised at their end rather than at their start."""
        return isinstance(self.module, ResPostBlock | EvaBlockPostNorm)

    def query(self, x: Tensor) -> Tensor:
        """Queries of class tokens, which no position rotates."""
        return self._norm("q", self._project(self._enter(x), 0, 1))

    def keys_values(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of all tokens."""
        k, v = self._project(self._enter(x), 1, 3).chunk(2, -1)
        return self._place(self._norm("k", k)), v

    def qkv(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of all tokens."""
        q, k, v = self._project(self._enter(x), 0, 3).chunk(3, -1)
        return self._place(self._norm("q", q)), self._place(self._norm("k", k)), v

    def mix(self, x: Tensor, o: Tensor) -> Tensor:
        """Attention outputs as they enter the projection, normalised and gated where the block does that.

        A block that normalises its branches' ends forgets how long they are; there, what the branch adds.
        """
        attention = self.module.attn
        mixed = cast(Tensor, attention.norm(o) if hasattr(attention, "norm") else o)
        if getattr(attention, "gate", None) is not None:
            mixed = mixed * attention.gate(self._enter(x)).sigmoid()
        if self.post_norm:
            mixed = self.module.norm1(attention.proj(mixed))
        return mixed

    def finish(self, x: Tensor, o: Tensor) -> Tensor:
        """Output rows, from input rows and their attention output."""
        return self.leave(x, self.mix(x, o))

    def leave(self, x: Tensor, mixed: Tensor) -> Tensor:
        """Output rows, from input rows and what `mix` made of the attention output."""
        m = self.module
        if self.post_norm:
            x = x + mixed
            return x + cast(Tensor, m.norm2(m.mlp(x)))
        x = x + self._scale(1, m.attn.proj(mixed))
        return x + self._scale(2, m.mlp(m.norm2(x)))

    def _enter(self, x: Tensor) -> Tensor:
        return x if self.post_norm else cast(Tensor, self.module.norm1(x))

    def _project(self, x: Tensor, first: int, last: int) -> Tensor:
        attention = self.module.attn
        if attention.qkv is None:
            parts = (attention.q_proj, attention.k_proj, attention.v_proj)[first:last]
            return torch.cat([part(x) for part in parts], -1)
        size = attention.qkv.out_features // 3
        rows = slice(first * size, last * size)
        bias = attention.qkv.bias
        if getattr(attention, "q_bias", None) is not None:
            bias = torch.cat([attention.q_bias, attention.k_bias, attention.v_bias])
        return F.linear(x, attention.qkv.weight[rows], None if bias is None else bias[rows])

    def _norm(self, which: str, rows: Tensor) -> Tensor:
        """qk-norm: each head's query or key by itself."""
        norm = getattr(self.module.attn, f"{which}_norm")
        return cast(Tensor, norm(rows.unflatten(-1, (self.heads, -1))).flatten(-2))

    def _place(self, rows: Tensor) -> Tensor:
        """Rotate the patches' queries or keys by their positions."""
        if self.rope is None:
            return rows
        heads = rows.unflatten(-1, (self.heads, -1)).transpose(-2, -3)
        half = getattr(self.module.attn, "rotate_half", False)
        patches = apply_rot_embed_cat(heads[..., self.prefix :, :], self.rope, half=half)
        placed = torch.cat([heads[..., : self.prefix, :], patches.to(rows.dtype)], -2)
        return placed.transpose(-2, -3).flatten(-2)

    def _scale(self, branch: int, y: Tensor) -> Tensor:
        if isinstance(self.module, PreNormBlock):
            return cast(Tensor, getattr(self.module, f"ls{branch}")(y))
        gamma = getattr(self.module, f"gamma_{branch}")
        return y if gamma is None else gamma * y


class TimmTokenTower:
    """open_clip's ``TimmModel`` around a timm transformer with ``global_pool="token"``."""

    family = "timm vision transformer with a class token"
    has_query = True
    in_reference = False

    def __init__(self, visual: Any) -> None:
        """View the tower ``model.visual``.

        Raises:
            TypeError: it is of another family.
        """
        trunk: Any = getattr(visual, "trunk", None)
        known = isinstance(trunk, VisionTransformer | Eva)
        if not known:
            raise TypeError("it is not a timm vision transformer")
        if trunk.attn_pool is not None or trunk.global_pool != "token":
            raise TypeError("its class token is not what it pools")
        self.visual: Any = visual
        self.blocks = [TimmBlock.of(b, trunk.num_prefix_tokens) for b in trunk.blocks]
        self.depth = len(self.blocks)
        self.patch_size = timm_patch_size(trunk)
        self.image_size = cast(tuple[int, int], tuple(trunk.patch_embed.img_size))
        self.flexible = takes_any_size(trunk)
        self.patches = slice(trunk.num_prefix_tokens, None)

    @torch.no_grad()
    def trace(
        self,
        pixels: Tensor,
        layers: int = 1,
        *,
        single_head: bool = False,
        effects: bool = True,
    ) -> ClassTokenTrace:
        """Run the tower on one picture, the last block for the class token's row alone.

        Args:
            pixels: normalised picture (1, 3, H, W), sides multiples of the patch size.
            layers: how many of the last blocks to explain.
            single_head: not for this family.
            effects: carry along what every block adds to the class token, for ``block_effects``.

        Raises:
            ValueError: the tower does not have so many blocks, or a single head is asked for.
        """
        check_layers(layers, self.depth)
        if single_head:
            raise ValueError("the authors' code knows open_clip's own vision transformers only")
        x, blocks = self._embed(pixels)
        moves, reads, tokens_in = x.new_zeros(0, x.shape[-1]), list[Read](), x
        last_in = x
        for number, block in enumerate(blocks):
            last, last_in = number == self.depth - 1, x
            if number == self.depth - layers:
                tokens_in = x
            if last:  # nothing but the class token leads to the embedding
                q, (k, v) = block.query(x[:1]), block.keys_values(x)
            else:
                q, k, v = block.qkv(x)
            o = attend(q, k, v, block.heads)
            read = Read(q[0], k, v, o[0], block.heads, len(x), self.patches)
            if effects:
                moves = carry(replace(block, rope=None), x[0], read, moves, None, 0)
            if number >= self.depth - layers:
                reads.append(read)
            x = block.finish(x[:1] if last else x, o)
        return ClassTokenTrace(
            self.embedding_of,
            blocks[-layers:],
            timm_grid(self.visual.trunk, pixels),
            self.patches,
            reads,
            tokens_in,
            last_in,
            x[0],
            moves.to(x),
        )

    def embedding_of(self, pooled: Tensor) -> Tensor:
        """Unit embeddings (..., E) of class tokens (..., D) leaving the last block."""
        trunk = self.visual.trunk
        with exact(pooled):
            pooled = trunk.fc_norm(trunk.norm(pooled.to(self.blocks[-1].dtype)))
            return F.normalize(self.visual.head(trunk.head(pooled)).float(), dim=-1)

    def _embed(self, pixels: Tensor) -> tuple[Tensor, list[TimmBlock]]:
        """Tokens (prefix + patches, D) entering the first block, and the blocks as they place them."""
        trunk: Any = self.visual.trunk
        with any_size(trunk, pixels.shape[-2:]):
            patches = trunk.patch_embed(pixels.to(self.blocks[0].dtype))
            embedded = trunk._pos_embed(patches)  # noqa: SLF001
        x, rope = embedded if isinstance(embedded, tuple) else (embedded, None)
        mixed = rope is not None and trunk.rope_mixed  # the mixed kind differs from block to block
        ropes = rope if mixed else [rope] * self.depth
        blocks = [replace(b, rope=r) for b, r in zip(self.blocks, ropes, strict=True)]
        return trunk.norm_pre(x)[0], blocks
