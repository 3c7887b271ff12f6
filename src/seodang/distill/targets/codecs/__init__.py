"""How a teacher's distributions are kept, one codec a file. Each file holds `codec`, a `Codec` of four parts (codec.py).

| codec | what is kept of a position | decoded as | what it is |
| --- | --- | --- | --- |
| nucleus | as many of the best ids as are worth their bytes, values of a few bits, the mass of the rest | `Sparse` | a bound |
| top_k | the k best ids with float32 values; the rest is one bucket | `Sparse` | a bound; all that a remote teacher can give |
| sampled | draws (Random Sampling KD, arXiv 2503.16870) | `Sampled` | unbiased |
| head_and_sampled | the probable ids exactly, draws from the rest weighted by its mass | `Sampled` | unbiased, with less variance |
| hidden | the last hidden state, which the teacher's head turns into logits | `Hidden` | exact in the teacher's own precision |
| full | every log-probability in float32 | `Dense` | the reference |
| likelihoods | the written token's log-probability, and that of a word that begins there | `Likelihoods` | exact, and no distribution |
"""
