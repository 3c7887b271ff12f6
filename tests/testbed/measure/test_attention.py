"""What is timed computes attention: the absorbed form equals the plain one, and grouped heads equal repeated ones."""

import pytest
import torch
from torch.nn import functional as F

from seodang.testbed.measure.attention import Grouped, Latent, attention_decode, grouped_attention, latent_attention


def test_absorbed_attention_equals_attention_over_keys_and_values_that_are_made_of_the_latents() -> None:
    draw = torch.Generator().manual_seed(0)
    heads, rank, rope, nope, value, batch, context = 3, 8, 4, 6, 5, 2, 7
    up_HND = torch.randn(heads, nope, rank, generator=draw, dtype=torch.float64)
    out_HVD = torch.randn(heads, value, rank, generator=draw, dtype=torch.float64)
    query_BHN = torch.randn(batch, heads, nope, generator=draw, dtype=torch.float64)
    turned_BHR = torch.randn(batch, heads, rope, generator=draw, dtype=torch.float64)
    cache_BTD = torch.randn(batch, context, rank + rope, generator=draw, dtype=torch.float64)
    absorbed_BHD = torch.cat([torch.einsum("bhn,hnd->bhd", query_BHN, up_HND), turned_BHR], -1)
    mixed_BHD = latent_attention(absorbed_BHD, cache_BTD, rank, 0.3)
    found_BHV = torch.einsum("bhd,hvd->bhv", mixed_BHD, out_HVD)
    keys_BHTN = torch.einsum("btd,hnd->bhtn", cache_BTD[..., :rank], up_HND)
    keys_BHTN = torch.cat([keys_BHTN, cache_BTD[:, None, :, rank:].expand(-1, heads, -1, -1)], -1)
    values_BHTV = torch.einsum("btd,hvd->bhtv", cache_BTD[..., :rank], out_HVD)
    plain = F.scaled_dot_product_attention(torch.cat([query_BHN, turned_BHR], -1)[:, :, None], keys_BHTN, values_BHTV, scale=0.3)
    torch.testing.assert_close(found_BHV, plain[:, :, 0])


def test_grouped_attention_equals_attention_with_repeated_heads() -> None:
    draw = torch.Generator().manual_seed(0)
    query = torch.randn(2, 6, 8, generator=draw)
    keys, values = torch.randn(2, 2, 2, 5, 8, generator=draw)
    repeated = keys.repeat_interleave(3, dim=1), values.repeat_interleave(3, dim=1)
    plain = F.scaled_dot_product_attention(query[:, :, None], repeated[0], repeated[1])
    torch.testing.assert_close(grouped_attention(query, keys, values), plain[:, :, 0])


@pytest.mark.parametrize("heads", [Latent(4, 16, 8), Grouped(4, 2, 8)])
def test_the_cache_is_counted_once_and_grows_with_batch_and_context(heads: Latent | Grouped) -> None:
    found = attention_decode(heads=heads, contexts=(4, 8), batches=(1, 2), pool_bytes=1 << 20, seconds=0.0)
    assert [(one.batch, one.context) for one in found] == [(1, 4), (1, 8), (2, 4), (2, 8)]
    for one in found:
        assert one.num_bytes == one.batch * one.context * heads.numbers_a_token * 4
        assert one.flops == one.batch * one.context * heads.flops_a_token
    assert found[0].kind == ("latent" if isinstance(heads, Latent) else "grouped")


def test_the_full_models_cache_has_the_published_bytes_a_token() -> None:
    assert Latent().numbers_a_token * 61 * 2 == 70_272  # bfloat16, 61 layers
