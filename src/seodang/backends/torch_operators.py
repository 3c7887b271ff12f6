"""Every operator of a graph in PyTorch, on any device. What they compute is what `OPERATORS` of graph.py says.

Values are in the type of the session. Norms, turns, the router, softmax and the sum over experts are computed in float32. The tokens of
several sequences stand one behind another without padding; only attention looks at one sequence at a time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seodang.backends.graph import Node
from seodang.backends.latent import absorbs

Tensors = Sequence[Tensor]
Weights = Mapping[str, Tensor]
TILE = 1 << 24  # scores that are held at a time


@dataclass(slots=True)
class Step:
    """Which token is where. `positions` (T,) float64; `spans` are the tokens of each feed as (start, stop), `past` what its sequence had
    before, `caches` by layer and feed its rows (capacity, width), with room for the new ones. `hit` gets the number of experts by node."""

    positions: Tensor
    spans: list[tuple[int, int]]
    past: list[int]
    caches: Callable[[int], list[Tensor]]
    hit: dict[str, int] = field(default_factory=dict[str, int])
    turns: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict[int, tuple[Tensor, Tensor]])
    masks: dict[tuple[int, int], Tensor] = field(default_factory=dict[tuple[int, int], Tensor])

    def join(self, layer: int, new: Tensor) -> list[Tensor]:
        """Writes new rows (T, width) behind what each sequence has, and gives all rows of each (n, width)."""
        found: list[Tensor] = []
        for cache, (start, stop), past in zip(self.caches(layer), self.spans, self.past, strict=True):
            whole = cache[: past + stop - start]
            whole[past:] = new[start:stop]
            found.append(whole)
        return found

    def turn(self, attributes: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """Cosine and sine (T, 1, D/2) times the magnitude, in float32 of angles in float64; layers with the same frequencies share them."""
        key = id(attributes["frequencies"])
        if key not in self.turns:
            frequencies = torch.tensor(attributes["frequencies"], dtype=torch.float64, device=self.positions.device)
            angles = self.positions[:, None, None] * frequencies
            self.turns[key] = ((angles.cos() * attributes["magnitude"]).float(), (angles.sin() * attributes["magnitude"]).float())
        return self.turns[key]

    def visible(self, queries: int, keys: int) -> Tensor:
        """(queries, keys): the last query sees all keys, the one before it all but the last, and so on."""
        if (queries, keys) not in self.masks:
            square = torch.ones(queries, keys, dtype=torch.bool, device=self.positions.device)
            self.masks[queries, keys] = square.tril(keys - queries)
        return self.masks[queries, keys]


def embedding(node: Node, inputs: Tensors, weights: Weights, step: Step) -> Tensor:
    return F.embedding(inputs[0], weights["table"])


def rms_norm(node: Node, inputs: Tensors, weights: Weights, step: Step) -> Tensor:
    x = inputs[0].float()
    normed = x * torch.rsqrt(x.square().mean(-1, keepdim=True) + node.attributes["eps"])
    return (normed * weights["scale"].float()).to(inputs[0].dtype)


def linear(node: Node, inputs: Tensors, weights: Weights, step: Step) -> Tensor:
    weight = weights["weight"]
    return F.linear(inputs[0].to(weight.dtype), weight, weights.get("bias"))  # a router's mixing weights are float32


def split(node: Node, inputs: Tensors, weights: Weights, step: Step) -> Tensor:
    a = node.attributes
    return _heads(inputs[0], a["heads"])[:, :, a["start"] : a["stop"]].flatten(1)


def rotary(node: Node, inputs: Tensors, weights: Weights, step: Step) -> Tensor:
    a = node.attributes
    cos, sin = step.turn(a)
    x = _heads(inputs[0].float(), a["heads"])
    half = x.shape[-1] // 2
    first, second = (x[..., 0::2], x[..., 1::2]) if a["interleaved"] else (x[..., :half], x[..., half:])
    out = torch.empty_like(x, memory_format=torch.contiguous_format)
    torch.mul(first, cos, out=out[..., :half]).addcmul_(second, sin, value=-1)
    torch.mul(second, cos, out=out[..., half:]).addcmul_(first, sin)
    return out.view(inputs[0].shape).to(inputs[0].dtype)


def attention(node: Node, inputs: Tensors, weights: Weights, step: Step) -> Tensor:
    q, k, v = inputs
    caches = step.join(node.attributes["layer"], torch.cat([k, v], -1))
    return _stack([_attend(q[start:stop], cache, node, step) for (start, stop), cache in zip(step.spans, caches, strict=True)])


def _attend(q: Tensor, cache: Tensor, node: Node, step: Step) -> Tensor:
    """One sequence: q (n, N*D), cache (S, 2*K*D) -> (n, N*D). The heads of a group read the same keys where they lie."""
    a = node.attributes
    kv_heads, width = a["num_kv_heads"], a["head_width"]
    (n, size), keys = q.shape, len(cache)
    k, v = (part.transpose(0, 1) for part in cache.view(keys, 2 * kv_heads, width).split(kv_heads, 1))  # (K, S, D)
    if n == 1:
        one = F.scaled_dot_product_attention(q.view(1, kv_heads, size // kv_heads // width, width), k[None], v[None], scale=a["scale"])
        return one.reshape(1, size)
    q = q.view(n, kv_heads, -1, width).permute(1, 2, 0, 3)
    k, v = (part[:, None].expand(-1, q.shape[1], -1, -1) for part in (k, v))
    mask = None if keys == n else step.visible(n, keys)
    mixed = F.scaled_dot_product_attention(q, k, v, mask, is_causal=mask is None, scale=a["scale"])
    return mixed.permute(2, 0, 1, 3).reshape(n, size)


def latent_attention(node: Node, inputs: Tensors, weights: Weights, step: Step) -> Tensor:
    """In the form with fewer products: absorbed, where queries are brought to the latents, or with keys and values made of the latents."""
    a, (q_nope, q_rope, latent, k_rope) = node.attributes, inputs
    heads, nope, rank = a["num_heads"], a["nope"], a["rank"]
    caches = step.join(a["layer"], torch.cat([latent, k_rope], -1))
    kv_b = weights["kv_b"].view(heads, nope + a["value"], rank)
    q, turned = (_heads(part, heads).transpose(0, 1) for part in (q_nope, q_rope))  # (N, T, nope), (N, T, rope)
    lengths = [stop - start for start, stop in step.spans]
    absorbed = absorbs(a, lengths, [len(cache) for cache in caches])
    if absorbed:
        q = torch.cat([torch.bmm(q, kv_b[:, :nope]), turned], -1)  # (N, T, rank + rope)
    mixed: list[Tensor] = []
    for (start, stop), cache in zip(step.spans, caches, strict=True):
        if absorbed:
            mixed.append(_weigh(q[:, start:stop], cache, cache[:, :rank], a["scale"], step))
        else:
            made = _heads(F.linear(cache[:, :rank], weights["kv_b"]), heads).transpose(0, 1)  # (N, S, nope + value)
            keys = torch.cat([made[..., :nope], cache[:, rank:].expand(heads, -1, -1)], -1)
            queries = torch.cat([q[:, start:stop], turned[:, start:stop]], -1)
            mixed.append(_weigh(queries, keys, made[..., nope:], a["scale"], step))
    out = mixed[0] if len(mixed) == 1 else torch.cat(mixed, 1)
    if absorbed:
        out = torch.bmm(out, kv_b[:, nope:].transpose(1, 2))
    return out.transpose(0, 1).flatten(1)


def _weigh(q: Tensor, k: Tensor, v: Tensor, scale: float, step: Step) -> Tensor:
    """q (N, n, D), k (N, S, D), v (N, S, E) -> (N, n, E), some queries at a time. k and v may be (S, D) and (S, E), equal for all heads."""
    (heads, n, _), keys = q.shape, k.shape[-2]
    tile = max(1, TILE // (heads * keys))
    found: list[Tensor] = []
    for begin in range(0, n, tile):
        some = q[:, begin : begin + tile]
        scores = torch.matmul(some, k.transpose(-1, -2)).float() * scale
        if n > 1:
            scores = scores.masked_fill_(~step.visible(n, keys)[begin : begin + tile], float("-inf"))
        found.append(torch.matmul(scores.softmax(-1).to(v.dtype), v))
    return found[0] if len(found) == 1 else torch.cat(found, 1)


def swiglu(node: Node, inputs: Tensors, weights: Weights, step: Step) -> Tensor:
    return F.silu(inputs[0]).mul_(inputs[1])


def router(node: Node, inputs: Tensors, weights: Weights, step: Step) -> Tensor:
    """Mixing weights in float32. Sorts are stable, so that of equal ones the lower index is taken."""
    a = node.attributes
    logits = F.linear(inputs[0].float(), weights["weight"].float())
    scores = logits.sigmoid() if a["score"] == "sigmoid" else logits.softmax(-1)
    wanted = scores + weights["bias"].float() if "bias" in weights else scores
    if a["topk_group"] < a["num_groups"]:
        groups = wanted.view(len(wanted), a["num_groups"], wanted.shape[1] // a["num_groups"])
        best_two = groups.sort(-1).values[..., -2:].sum(-1)
        left_out = best_two.sort(stable=True, dim=-1, descending=True).indices[:, a["topk_group"] :]
        out = torch.zeros_like(best_two, dtype=torch.bool).scatter_(1, left_out, value=True)
        wanted = groups.masked_fill(out[..., None], float("-inf")).view(wanted.shape)
    chosen = wanted.sort(stable=True, dim=-1, descending=True).indices[:, : a["top_k"]]
    taken = scores.gather(1, chosen)
    if a["normalised"]:
        taken = taken / (taken.sum(-1, keepdim=True) + 1e-20)
    return torch.zeros_like(scores).scatter_(1, chosen, taken * a["scaling"])


def experts(node: Node, inputs: Tensors, weights: Weights, step: Step) -> Tensor:
    """The tokens of an expert together, expert by expert, summed in float32."""
    x, mixing = inputs
    chosen, rows = mixing.t().nonzero(as_tuple=True)
    counts: list[int] = chosen.bincount(minlength=mixing.shape[1]).tolist()
    step.hit[node.name] = sum(count > 0 for count in counts)
    out = torch.zeros(x.shape, dtype=torch.float32, device=x.device)
    begin = 0
    for e, count in enumerate(counts):
        if count:
            here = rows[begin : begin + count]
            begin += count
            some = x[here]
            inner = F.silu(F.linear(some, weights[f"gate.{e}"])).mul_(F.linear(some, weights[f"up.{e}"]))
            out.index_add_(0, here, F.linear(inner, weights[f"down.{e}"]).float() * mixing[here, e, None])
    return out.to(x.dtype)


def add(node: Node, inputs: Tensors, weights: Weights, step: Step) -> Tensor:
    return inputs[0] + inputs[1]


def last(node: Node, inputs: Tensors, weights: Weights, step: Step) -> Tensor:
    if len(inputs[0]) == len(step.spans):
        return inputs[0]
    return inputs[0][[stop - 1 for _, stop in step.spans]]


def _heads(x: Tensor, heads: int) -> Tensor:
    return x.view(len(x), heads, x.shape[-1] // heads)


def _stack(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)


Operator = Callable[[Node, Tensors, Weights, Step], Tensor]
OPERATIONS: Mapping[str, Operator] = {
    function.__name__: function
    for function in (embedding, rms_norm, linear, split, rotary, attention, latent_attention, swiglu, router, experts, add, last)
}
