"""Teaching across tokenizers: what two tokenizers cut alike, and losses on it.

`vocabulary` says what each token spells in bytes, `spans` where the tokens of a text end, `chunks` which tokens of teacher and student
spell the same bytes. `alm` compares the likelihoods of those chunks and needs one number a token of the teacher; `uld`, the baseline,
compares sorted probabilities and needs the teacher's logits. `compare` says whether two tokenizers are one, and refuses others on demand.
"""
