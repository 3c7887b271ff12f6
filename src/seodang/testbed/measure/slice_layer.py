"""One decoding step of one layer on one rank: every product, attention over the cache, routing, norms. Sums over ranks are left out.

Latent attention is absorbed (arXiv 2405.04434); routing is that of DeepSeek-V3 (arXiv 2412.19437), by groups where there are any.
"""

from collections import Counter
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from seodang.testbed.measure.attention import grouped_attention, latent_attention
from seodang.testbed.measure.gemm import loop_over_experts
from seodang.testbed.measure.slice_weights import RankLayer
from seodang.testbed.workloads.layout import Layout
from seodang.testbed.workloads.model_shape import ModelShape

Reads = Counter[str]  # bytes of weights and cache by name


@dataclass(frozen=True, slots=True)
class Rules:
    """What a shape does not say: scaling of the mixed experts, epsilon of norms, and turns of the rotary part (rope / 2,)."""

    cosines: torch.Tensor
    sines: torch.Tensor
    scaling: float = 1.0
    eps: float = 1e-6
    interleaved: bool = True  # neighbours are a pair; otherwise a number and the one half the width after it


def rules_at(
    position: int, width: int, device: str, *, base: float = 10_000.0, scaling: float = 1.0, eps: float = 1e-6, interleaved: bool = True
) -> Rules:
    """Those of a plain rotary embedding (arXiv 2104.09864) at a position."""
    angles = position * base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    return Rules(angles.cos().float().to(device), angles.sin().float().to(device), scaling, eps, interleaved)


def decode_layer(
    shape: ModelShape,
    layout: Layout,
    layer: RankLayer,
    values_BD: torch.Tensor,
    cache: torch.Tensor,
    rules: Rules,
    *,
    drawn_MK: torch.Tensor | None = None,
    reads: Reads | None = None,
    record: list[torch.Tensor] | None = None,
) -> torch.Tensor:
    """What the layer makes of one token of each sequence, (B, hidden), before sums over ranks.

    `cache` is (B, T, rank + rope), or (2, B, G, T, width) for grouped queries, and its last place is filled here. `drawn_MK` are experts
    of the M = dp x B tokens of a stage, drawn beforehand: the router computes its own choice, which is then not used. Bytes are counted
    into `reads`, and the router's choice (B, K) is appended to `record`.
    """
    counted = Reads() if reads is None else reads
    normed_BD = _norm(values_BD, layer, "input_norm", rules)
    attend = _latent if shape.kv_lora_rank else _grouped
    values_BD = values_BD + _linear(counted, layer, "o", attend(shape, layer, normed_BD, cache, rules, counted))
    normed_BD = _norm(values_BD, layer, "post_attention_norm", rules)
    if layer.mlp == "dense":
        out_BD = _mlp(counted, layer, "gate_up", "down", normed_BD)
    else:
        out_BD = _mixture(shape, layout, layer, normed_BD, rules, drawn_MK, counted, record)
    if "post_mlp_norm" in layer.norms:
        out_BD = _norm(out_BD, layer, "post_mlp_norm", rules)
    return values_BD + out_BD


def _latent(shape: ModelShape, layer: RankLayer, x_BD: torch.Tensor, cache_BTC: torch.Tensor, rules: Rules, reads: Reads) -> torch.Tensor:
    batch, rank, nope, rope = len(x_BD), shape.kv_lora_rank, shape.nope, shape.rope
    if shape.q_lora_rank:
        latent_BQ = _norm(_linear(reads, layer, "q_a", x_BD), layer, "q_latent_norm", rules)
        query_BHW = _linear(reads, layer, "q_b", latent_BQ).view(batch, -1, nope + rope)
    else:
        query_BHW = _linear(reads, layer, "q", x_BD).view(batch, -1, nope + rope)
    kv_BC = _linear(reads, layer, "kv_a", x_BD)
    cache_BTC[:, -1, :rank] = _norm(kv_BC[:, :rank], layer, "kv_latent_norm", rules)
    cache_BTC[:, -1, rank:] = _turned(kv_BC[:, rank:], rules)
    up_HWR = layer.matrices["kv_b"].view(query_BHW.shape[1], nope + shape.value, rank)
    reads["kv_b"] += _bytes(up_HWR)
    absorbed_BHR = torch.einsum("bhn,hnr->bhr", query_BHW[..., :nope], up_HWR[:, :nope])
    asked_BHC = torch.cat([absorbed_BHR, _turned(query_BHW[..., nope:], rules)], -1)
    reads["cache"] += _bytes(cache_BTC)
    mixed_BHR = latent_attention(asked_BHC, cache_BTC, rank, (nope + rope) ** -0.5)
    return torch.einsum("bhr,hvr->bhv", mixed_BHR, up_HWR[:, nope:]).reshape(batch, -1)


def _grouped(shape: ModelShape, layer: RankLayer, x_BD: torch.Tensor, cache: torch.Tensor, rules: Rules, reads: Reads) -> torch.Tensor:
    batch, width = len(x_BD), shape.head_width
    keys_BGTW, values_BGTW = cache
    query_BHW = _linear(reads, layer, "q", x_BD).view(batch, -1, width)
    kv_2BGW = _linear(reads, layer, "kv", x_BD).view(batch, 2, -1, width).transpose(0, 1)
    key_BGW = kv_2BGW[0]
    if shape.qk_norm:
        query_BHW, key_BGW = _norm(query_BHW, layer, "q_norm", rules), _norm(key_BGW, layer, "k_norm", rules)
    keys_BGTW[:, :, -1] = _turned(key_BGW, rules)
    values_BGTW[:, :, -1] = kv_2BGW[1]
    reads["cache"] += _bytes(cache)
    return grouped_attention(_turned(query_BHW, rules), keys_BGTW, values_BGTW).reshape(batch, -1)


def _mixture(
    shape: ModelShape,
    layout: Layout,
    layer: RankLayer,
    x_BD: torch.Tensor,
    rules: Rules,
    drawn_MK: torch.Tensor | None,
    reads: Reads,
    record: list[torch.Tensor] | None,
) -> torch.Tensor:
    own_BD = x_BD[: len(x_BD) // layout.tp] if layout.sends_tokens else x_BD  # tokens are divided before they are sent
    chosen_BK, shares_BK = choose_experts(shape, layer, own_BD, rules, reads)
    if record is not None:
        record.append(chosen_BK)
    tokens_MD = x_BD if layout.dp == 1 else x_BD.repeat(layout.dp, 1)  # those of other groups stand in for themselves
    if drawn_MK is not None:
        chosen_BK, shares_BK = drawn_MK, torch.full_like(drawn_MK, 1 / shape.top_k, dtype=x_BD.dtype)
    held = len(layer.matrices["experts_down"])
    token_P, slot_P = (chosen_BK < held).nonzero(as_tuple=True)  # this rank holds the first experts
    expert_P = chosen_BK[token_P, slot_P]
    order_P = expert_P.argsort(stable=True)
    token_P, slot_P = token_P[order_P], slot_P[order_P]
    counts_E = torch.bincount(expert_P, minlength=held).tolist()
    for name in ("experts_gate_up", "experts_down"):
        reads[name] += _bytes(layer.matrices[name][0]) * sum(count > 0 for count in counts_E)
    inner_PI = _products(tokens_MD[token_P], layer.matrices["experts_gate_up"], counts_E)
    made_PD = _products(_gated(inner_PI), layer.matrices["experts_down"], counts_E)
    out_MD = torch.zeros_like(tokens_MD).index_add_(0, token_P, made_PD * shares_BK[token_P, slot_P, None].to(made_PD.dtype))
    out_BD = out_MD[: len(x_BD)]
    if "shared_down" in layer.matrices:
        out_BD[: len(own_BD)] += _mlp(reads, layer, "shared_gate_up", "shared_down", own_BD)
    return out_BD


def choose_experts(
    shape: ModelShape, layer: RankLayer, x_BD: torch.Tensor, rules: Rules, reads: Reads
) -> tuple[torch.Tensor, torch.Tensor]:
    """Experts (B, K) and their shares. With a bias: sigmoid, bias for the choice alone, groups by their two best, shares that sum to the
    scaling; otherwise a softmax over the chosen."""
    reads["router"] += _bytes(layer.matrices["router"])
    logits_BE = F.linear(x_BD.float(), layer.matrices["router"].float())
    if layer.router_bias is None:
        best_BK, chosen_BK = logits_BE.topk(shape.top_k)
        return chosen_BK, best_BK.softmax(-1) * rules.scaling
    scores_BE = logits_BE.sigmoid()
    biased_BE = scores_BE + layer.router_bias
    by_group_BGE = biased_BE.view(len(x_BD), shape.groups, -1)
    best_BG = by_group_BGE.topk(2, dim=-1)[0].sum(-1)
    kept_BG = torch.zeros_like(best_BG).scatter_(1, best_BG.topk(shape.top_groups)[1], 1.0).bool()
    chosen_BK = by_group_BGE.masked_fill(~kept_BG[..., None], 0.0).flatten(1).topk(shape.top_k)[1]
    shares_BK = scores_BE.gather(1, chosen_BK)
    return chosen_BK, shares_BK / (shares_BK.sum(-1, keepdim=True) + 1e-20) * rules.scaling


def _products(values_PK: torch.Tensor, weights_ENK: torch.Tensor, counts: list[int]) -> torch.Tensor:
    if values_PK.device.type == "cpu" or not len(values_PK):
        return loop_over_experts(values_PK, weights_ENK, counts)
    ends_E = torch.tensor(counts, device=values_PK.device).cumsum(0).to(torch.int32)
    return F.grouped_mm(values_PK, weights_ENK.transpose(1, 2), offs=ends_E)


def _mlp(reads: Reads, layer: RankLayer, first: str, second: str, x_BD: torch.Tensor) -> torch.Tensor:
    return _linear(reads, layer, second, _gated(_linear(reads, layer, first, x_BD)))


def _gated(inner: torch.Tensor) -> torch.Tensor:
    gate, up = inner.chunk(2, dim=-1)
    return F.silu(gate) * up


def _linear(reads: Reads, layer: RankLayer, name: str, x: torch.Tensor) -> torch.Tensor:
    weight = layer.matrices[name]
    reads[name] += _bytes(weight)
    return F.linear(x, weight)


def _norm(x: torch.Tensor, layer: RankLayer, name: str, rules: Rules) -> torch.Tensor:
    return F.rms_norm(x, (x.shape[-1],), layer.norms[name], rules.eps)


def _turned(x: torch.Tensor, rules: Rules) -> torch.Tensor:
    if rules.interleaved:
        even, odd = x[..., 0::2].float(), x[..., 1::2].float()
    else:
        even, odd = (half.float() for half in x.chunk(2, dim=-1))
    first, second = even * rules.cosines - odd * rules.sines, odd * rules.cosines + even * rules.sines
    joined = torch.stack([first, second], -1).flatten(-2) if rules.interleaved else torch.cat([first, second], -1)
    return joined.to(x.dtype)


def _bytes(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.dtype.itemsize
