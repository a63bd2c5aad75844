"""One question through the model as fast as two cores go: BERT's layers on oneDNN, with nothing in between.

A sentence-transformers model spends most of a short text's time outside its multiplications, and those run on weights
that oneDNN would lay out better. Here the layers' weights are laid out once, each layer is seven operations, and where
the processor multiplies bfloat16 (AMX, AVX-512 BF16) they are in that. ``isnad bench speed`` has what that gives.
Batches take the library's own way.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Transformer
from threadpoolctl import threadpool_limits
from torch import Tensor
from transformers.models.bert.modeling_bert import BertLayer

log = logging.getLogger(__name__)

# A longer text fills the cores well enough as it is.
_LONGEST = 128
# What the fast layers' states must have of the library's in cosine. In bfloat16 the least of a token is .9999.
_ALIKE = 0.998


def multiplies_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 faster than float32: in tiles (AMX), or in pairs (AVX-512 BF16)."""
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


def leave_cores_to_model() -> None:
    """Keeps numpy's BLAS to one thread: its idle threads wait busily, and the model's then wait for a core.

    On two cores an answer takes twice as long otherwise, and now and then 100 ms more.
    """
    threadpool_limits(limits=1, user_api="blas")


def quicken(model: SentenceTransformer) -> None:
    """Lets a model whose layers are BERT's take single texts the fast way; any other is left as it is."""
    if not isinstance(model[0], Transformer) or not torch._C._has_mkldnn:
        return
    try:
        model.eval()
        quick = QuickTransformer(model[0])
        if not quick.agrees():
            raise ValueError("the states differ")
    except Exception as error:
        log.info("The model takes questions the library's own way: %s", error)
        return
    model[0] = quick


@dataclass(frozen=True, slots=True)
class _Linear:
    """A linear layer with its weight as oneDNN lays it out."""

    weight: Tensor
    bias: Tensor

    @staticmethod
    def of(*layers: torch.nn.Linear, precision: torch.dtype) -> _Linear:
        weight = torch.cat([layer.weight for layer in layers]).to(precision)
        bias = torch.cat([layer.bias for layer in layers]).to(precision)
        return _Linear(torch.ops.mkldnn._reorder_linear_weight(weight, None), bias)

    def __call__(self, states: Tensor, activation: str = "none") -> Tensor:
        result: Tensor = torch.ops.mkldnn._linear_pointwise.default(
            states, self.weight, self.bias, activation, [], "none"
        )
        return result

    def added_to(self, rest: Tensor, states: Tensor) -> Tensor:
        result: Tensor = torch.ops.mkldnn._linear_pointwise.binary(states, rest, self.weight, self.bias, "add")
        return result


class _Norm:
    """A layer norm in the layers' precision."""

    def __init__(self, norm: torch.nn.LayerNorm, precision: torch.dtype) -> None:
        self._weight, self._bias = norm.weight.to(precision), norm.bias.to(precision)
        self._shape, self._epsilon = norm.normalized_shape, norm.eps

    def __call__(self, states: Tensor) -> Tensor:
        return torch.layer_norm(states, self._shape, self._weight, self._bias, self._epsilon)


class _Layer:
    """One layer of an encoder laid out as transformers' BertLayer and XLMRobertaLayer are."""

    def __init__(self, layer: BertLayer, precision: torch.dtype) -> None:
        attention, output = layer.attention.self, layer.attention.output
        self._qkv = _Linear.of(attention.query, attention.key, attention.value, precision=precision)
        self._heads = attention.num_attention_heads
        self._out = _Linear.of(output.dense, precision=precision)
        self._out_norm = _Norm(output.LayerNorm, precision)
        self._up = _Linear.of(layer.intermediate.dense, precision=precision)
        self._down = _Linear.of(layer.output.dense, precision=precision)
        self._down_norm = _Norm(layer.output.LayerNorm, precision)

    def __call__(self, states: Tensor) -> Tensor:
        """States of one text after this layer, shape (tokens, dimension)."""
        tokens, dimension = states.shape
        split = self._qkv(states).view(1, tokens, 3, self._heads, dimension // self._heads)
        queries, keys, values = split.permute(2, 0, 3, 1, 4).unbind(0)
        attended = torch.nn.functional.scaled_dot_product_attention(queries, keys, values)
        states = self._out_norm(self._out.added_to(states, attended.transpose(1, 2).reshape(tokens, dimension)))
        return self._down_norm(self._down.added_to(states, self._up(states, "gelu")))


class QuickTransformer(Transformer):
    """sentence-transformers' Transformer module, which takes a single short text through faster layers."""

    def __init__(self, transformer: Transformer) -> None:
        torch.nn.Module.__init__(self)
        # Everything is shared with the module that it takes the place of.
        self.__dict__.update(transformer.__dict__)
        bert: Any = self.model
        if bert.config.hidden_act != "gelu" or getattr(bert.config, "is_decoder", False):
            raise ValueError("its layers are not BERT's")
        self._embeddings = bert.embeddings
        self._precision = torch.bfloat16 if multiplies_bfloat16() else torch.float32
        with torch.inference_mode():
            self._layers = [_Layer(layer, self._precision) for layer in bert.encoder.layer]

    def forward(self, features: dict[str, Any], **options: object) -> dict[str, Any]:
        """Adds the token states, float32 (texts, tokens, dimension), to the tokenized texts."""
        ids = features["input_ids"] if "input_ids" in features else torch.empty(0, 0)
        alone = ids.shape[0] == 1 and 0 < ids.shape[1] <= _LONGEST and bool(features["attention_mask"].all())
        if not alone or options or self.training:
            return super().forward(features, **options)
        with torch.inference_mode():
            states = self._embeddings(input_ids=ids)[0].to(self._precision)
            for layer in self._layers:
                states = layer(states)
            features["token_embeddings"] = states.float()[None]
        return features

    def agrees(self) -> bool:
        """Whether the fast layers give the states that the library's do."""
        ids = torch.arange(5, 21)[None] % self.model.config.vocab_size
        features = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        with torch.inference_mode():
            known = super().forward(dict(features))["token_embeddings"]
            found = self.forward(dict(features))["token_embeddings"]
        return bool((torch.cosine_similarity(known, found, dim=-1) > _ALIKE).all())
