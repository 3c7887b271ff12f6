"""Losses, one a file, all with one signature: `loss(student, target, mask, *, temperature, num_tokens)`, a scalar in nats.

`student` holds logits (T, V), `target` what is taught (target.py), `mask` (T,) which positions count, and the sum is divided by
`num_tokens` (default: how many positions count), so that a step of several micro-batches divides by the tokens of the whole step.
`fused` has the same losses on hidden states and a head. `support` says which loss can be computed from which target.
"""
