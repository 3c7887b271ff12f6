"""How often at least one of k answers is right, or all k are, from n answers of which c are."""

from math import comb


def pass_at_k(num_samples: int, num_correct: int, k: int) -> float:
    """The unbiased estimate of the probability that one of `k` answers is right: 1 - C(n - c, k) / C(n, k).

    Source: Chen et al. 2021, arXiv 2107.03374, equation 1. ValueError where k answers cannot be drawn from n, or c are not among them.
    """
    if not 1 <= k <= num_samples or not 0 <= num_correct <= num_samples:
        raise ValueError(f"{k} of {num_samples} answers with {num_correct} right is no draw")
    return 1 - comb(num_samples - num_correct, k) / comb(num_samples, k)


def pass_hat_k(num_samples: int, num_correct: int, k: int) -> float:
    """The unbiased estimate of the probability that all of `k` answers are right, pass^k: C(c, k) / C(n, k).

    Source: Yao et al. 2024, tau-bench, arXiv 2406.12045, section 3. ValueError where k answers cannot be drawn from n, or c are not
    among them.
    """
    if not 1 <= k <= num_samples or not 0 <= num_correct <= num_samples:
        raise ValueError(f"{k} of {num_samples} answers with {num_correct} right is no draw")
    return comb(num_correct, k) / comb(num_samples, k)
