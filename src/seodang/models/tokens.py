"""What a tokenizer's ids stand for: two models speak of the same tokens when these maps are equal, not when their sizes are."""

import json
from typing import Any


def token_map(tokenizer: Any) -> dict[str, Any]:
    """Every id with its token, in the alphabet of the tokenizer's decoder and with that decoder, so that equal maps give equal bytes;
    which ids are special; and what is put before and after a text."""
    told: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    tokens = sorted(tokenizer.get_vocab().items(), key=lambda pair: (pair[1], pair[0]))
    return {
        "tokens": [[number, token] for token, number in tokens],
        "special": sorted(tokenizer.all_special_ids),
        "decoder": told.get("decoder"),
        "around": told.get("post_processor"),
        "bos": tokenizer.bos_token_id,
        "eos": tokenizer.eos_token_id,
        "pad": tokenizer.pad_token_id,
        "adds_bos": getattr(tokenizer, "add_bos_token", None),
        "adds_eos": getattr(tokenizer, "add_eos_token", None),
    }
