"""English problems from reasoning-gym's generators whose answer is one number, at three levels.

Left out are generators that ask for a form rather than a value (a reduced fraction, hexadecimal), whose answer is rounded, or where several
answers hold (the next number of a sequence).
"""

from collections.abc import Iterator

from seodang.evaluation.problems.problem import Level, Problem
from seodang.scoring.puzzles import EASY, Generator, puzzles

_EASY = frozenset(
    {
        "chain_sum", "basic_arithmetic", "products", "gcd", "lcm", "leg_counting", "simple_equations", "decimal_chain_sum",
        "letter_counting", "count_bits", "simple_geometry",
    }
)  # fmt: skip

GENERATORS: dict[Level, tuple[Generator, ...]] = {
    "easy": tuple(generator for generator in EASY if generator.name in _EASY),
    "medium": (
        Generator("gsm_symbolic"),
        Generator("chain_sum", {"min_terms": 3, "max_terms": 5, "min_digits": 2, "max_digits": 4}),
        Generator("products", {"min_digits": 2, "max_digits": 3}),
        Generator("gcd", {"min_value": 30, "max_value": 600}),
        Generator("lcm", {"min_value": 6, "max_value": 60}),
        Generator("leg_counting", {"min_animals": 3, "max_animals": 5}),
        Generator("simple_equations", {"min_terms": 2, "max_terms": 4}),
        Generator("decimal_chain_sum", {"min_terms": 3, "max_terms": 5, "max_digits": 3, "max_decimal_places": 3}),
        Generator("letter_counting", {"min_words": 6, "max_words": 14}),
        Generator("calendar_arithmetic", {"tasks": ["count_days"], "offset_upper_bound": 60}),
        Generator("aiw"),
    ),
    "hard": (
        Generator("chain_sum", {"min_terms": 6, "max_terms": 9, "min_digits": 4, "max_digits": 6, "allow_negation": True}),
        Generator("products", {"min_digits": 4, "max_digits": 6}),
        Generator("gcd", {"min_numbers": 3, "max_numbers": 4, "min_value": 400, "max_value": 6000}),
        Generator("lcm", {"min_numbers": 3, "max_numbers": 3, "min_value": 20, "max_value": 120}),
        Generator("leg_counting", {"min_animals": 8, "max_animals": 12, "max_instances": 40}),
        Generator("count_primes", {"min_n": 100, "max_n": 600}),
        Generator("count_bits", {"min_n": 2**12, "max_n": 2**20}),
        Generator("calendar_arithmetic", {"tasks": ["count_business_days"], "offset_upper_bound": 250}),
        Generator("binary_alternation", {"min_n": 10, "max_n": 20}),
        Generator("self_reference", {"difficulty": 4}),
    ),
}  # fmt: skip


def problems(level: Level, num_each: int, seed: int) -> Iterator[Problem]:
    """`num_each` different problems of each generator of a level, fewer where it has no more."""
    for generator in GENERATORS[level]:
        for index, made in enumerate(puzzles([generator], num_each, seed)):
            yield Problem(generator.name, index, level, "en", made.question, made.answer)
