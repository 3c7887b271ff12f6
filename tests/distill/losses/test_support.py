"""The table of losses and targets is what the code does, entry by entry, on both paths."""

import pkgutil
from importlib import import_module

import pytest
import torch

from oracles.plain import ONE_OF_EACH, Case, by_formula
from oracles.targets import every_kind, logits, sparse
from seodang.distill import losses
from seodang.distill.losses import support
from seodang.distill.losses.support import KINDS, SUPPORT
from seodang.distill.losses.target import Dense, Hidden

ALL = torch.ones(6, dtype=torch.bool)
IDENTITY = torch.eye(13, dtype=torch.float64)
ENTRIES = [(Case(name), kind) for name, row in SUPPORT.items() for kind in row]


@pytest.mark.parametrize(("case", "kind"), ENTRIES, ids=str)
def test_an_entry_is_computed_or_refused_on_both_paths(case: Case, kind: str) -> None:
    student, target = logits(1), every_kind(logits(2))[kind]
    if SUPPORT[case.name][kind] != "refused":
        assert case.on_logits(student, target, ALL).isfinite()
        assert case.on_hidden(student, IDENTITY, target, ALL).isfinite()
        return
    reason = f"`{case.name}` cannot be computed from a {kind} target: .*; use .*, or keep the full logits"
    with pytest.raises(ValueError, match=reason):
        case.on_logits(student, target, ALL)
    with pytest.raises(ValueError, match=reason):
        case.on_hidden(student, IDENTITY, target, ALL)


@pytest.mark.parametrize(("case", "kind"), [entry for entry in ENTRIES if SUPPORT[entry[0].name][entry[1]] == "exact"], ids=str)
def test_what_is_exact_is_what_the_whole_logits_give(case: Case, kind: str) -> None:
    student, teacher = logits(1), logits(2)
    found = case.on_logits(student, every_kind(teacher)[kind], ALL)
    assert found.item() == pytest.approx(case.on_logits(student, Dense(teacher), ALL).item(), rel=1e-12)


def test_alpha_beta_takes_a_sparse_target_that_keeps_everything() -> None:
    student, teacher = logits(1), logits(2)
    found = Case("alpha_beta").on_logits(student, sparse(teacher, [13] * 6), ALL)
    assert found.item() == pytest.approx(Case("alpha_beta").on_logits(student, Dense(teacher), ALL).item(), rel=1e-9)


def test_a_bucket_moves_alpha_beta_both_ways() -> None:
    """Why it is refused: neither a bound from above nor from below."""
    signs: set[bool] = set()
    for seed in range(20):
        student, teacher, formula = logits(seed), logits(seed + 50), Case("alpha_beta", {"alpha": 1.0, "beta": 1.0}).formula
        coarse = by_formula(formula, student, teacher, sparse(teacher, [2] * 6), ALL)
        signs.add(bool(coarse > by_formula(formula, student, teacher, Dense(teacher), ALL)))
    assert signs == {False, True}


def test_every_loss_stands_in_the_table_and_on_the_fused_path() -> None:
    names = {module.name for module in pkgutil.iter_modules(losses.__path__)}
    files = {name for name in names if hasattr(import_module(f"seodang.distill.losses.{name}"), "divergence") and name != "divergence"}
    assert files == set(SUPPORT) == {case.name for case in ONE_OF_EACH}
    assert all(set(row) == set(KINDS) for row in SUPPORT.values())
    fused = import_module("seodang.distill.losses.fused")
    assert all(callable(getattr(fused, name)) for name in SUPPORT)


def test_the_table_that_is_read_is_the_table_that_is_used() -> None:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in (support.__doc__ or "").splitlines() if line[:1] == "|"]
    written = {name: (dense, kept, drawn) for name, dense, kept, drawn in rows[2:]}
    assert written == {name: (row["dense"], row["sparse"], row["sampled"]) for name, row in SUPPORT.items()}
    assert all(row["dense"] == row["hidden"] for row in SUPPORT.values())


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (Case("generalized_jsd", {"beta": -0.1}), "between 0 and 1"),
        (Case("generalized_jsd", {"beta": 1.1}), "between 0 and 1"),
        (Case("skew_kl", {"alpha": 0.0}), "would be `forward_kl`"),
        (Case("skew_kl", {"alpha": 1.0}), "between 0 and 1"),
        (Case("skew_reverse_kl", {"alpha": 0.0}), "would be `reverse_kl`"),
        (Case("skew_reverse_kl", {"alpha": 1.0}), "between 0 and 1"),
    ],
    ids=str,
)
def test_a_setting_out_of_its_range_is_refused(case: Case, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        case.on_logits(logits(1), Dense(logits(2)), ALL)
    with pytest.raises(ValueError, match=reason):
        case.on_hidden(logits(1), IDENTITY, Dense(logits(2)), ALL)


@pytest.mark.parametrize("case", ONE_OF_EACH, ids=str)
def test_vocabularies_of_different_sizes_are_refused(case: Case) -> None:
    """Never padded: zeros for the missing logits are a distribution that nobody has (Liger-Kernel does it)."""
    teacher = logits(2, size=15)
    for target in (Dense(teacher), Hidden(teacher, torch.eye(15, dtype=torch.float64))):
        with pytest.raises(ValueError, match="compare the vocabularies' maps"):
            case.on_logits(logits(1), target, ALL)
        with pytest.raises(ValueError, match="compare the vocabularies' maps"):
            case.on_hidden(logits(1), IDENTITY, target, ALL)
