"""How many processors this process may use."""

import os


def num_threads() -> int:
    """The cores that this process may use, or fewer where the variable OMP_NUM_THREADS says so."""
    cores = len(os.sched_getaffinity(0))
    told = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(told)) if told.isdigit() and int(told) else cores
