"""A loss that does not fit its settings or its targets is refused when the recipe is read."""

import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml

from seodang.core.errors import RecipeError
from seodang.distill.losses.support import SUPPORT
from seodang.distill.objective import named_divergence
from seodang.distill.section import ACROSS, LOSS_SETTINGS, DistillSection, loss_module, refuse_loss
from seodang.pipeline.recipe import load_recipe

FINE: list[tuple[str, dict[str, float]]] = [
    ("forward_kl", {}),
    ("generalized_jsd", {"beta": 0.5}),
    ("skew_kl", {"alpha": 0.2}),
    ("alpha_beta", {"alpha": 0.2, "beta": 0.7}),
    ("alpha_beta", {"beta": 0.7}),
    ("alm", {"tau": 10, "threshold": 0}),
    ("uld", {}),
]


def test_the_section_knows_every_loss_with_its_settings() -> None:
    assert set(LOSS_SETTINGS) == {*SUPPORT, *ACROSS}
    for loss, settings in LOSS_SETTINGS.items():
        module = importlib.import_module(loss_module(loss))
        assert tuple(inspect.signature(module.divergence).parameters) == ("temperature", *settings)


@pytest.mark.parametrize(("loss", "settings"), FINE)
def test_settings_of_a_loss_reach_its_divergence(loss: str, settings: dict[str, float]) -> None:
    heat = 1.0 if loss in ACROSS else 2.0
    section = DistillSection.model_validate({"loss": loss, "loss_settings": settings, "temperature": heat})
    divergence = named_divergence(section.loss, section.temperature, section.loss_settings)
    assert (divergence.name, divergence.temperature) == (loss, heat)


@pytest.mark.parametrize(
    ("loss", "settings", "told"),
    [
        ("forward_kl", {"beta": 0.5}, "`forward_kl` has no setting `beta`; it has none"),
        ("alpha_beta", {"gamma": 1}, "it has `alpha`, `beta`"),
        ("generalized_jsd", {"beta": 1.5}, "between 0 and 1"),
        ("skew_kl", {"alpha": 0}, "between 0 and 1"),
    ],
)
def test_a_wrong_setting_is_refused(loss: str, settings: dict[str, float], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        DistillSection.model_validate({"loss": loss, "loss_settings": settings})


@pytest.mark.parametrize("loss", SUPPORT)
@pytest.mark.parametrize("kind", ["dense", "hidden", "sparse", "sampled"])
def test_what_the_table_refuses_is_refused(loss: str, kind: str) -> None:
    section = DistillSection.model_validate({"loss": loss})
    if SUPPORT[loss][kind] == "refused":
        with pytest.raises(RecipeError, match=f"`{loss}` cannot be computed from {kind} targets") as caught:
            refuse_loss(section, kind)
        assert "forward_kl" in caught.value.render()
    else:
        refuse_loss(section, kind)


@pytest.mark.parametrize(("kind", "refused"), [("sparse", True), ("sampled", True), ("dense", False), ("hidden", False)])
def test_another_temperature_needs_whole_distributions(kind: str, refused: bool) -> None:
    section = DistillSection(temperature=2)
    if refused:
        with pytest.raises(RecipeError, match="kept for temperature 1, not for 2"):
            refuse_loss(section, kind)
    else:
        refuse_loss(section, kind)


def recipe_with(folder: Path, distill: dict[str, Any], arms: list[str]) -> Path:
    recipe = {
        "name": "small",
        "documents": [{"folder": "documents", "license": "CC0-1.0", "language": "en"}],
        "teacher": {"kind": "local", "name": "random", "license": "CC0-1.0", "path": "model"},
        "distill": distill,
        "evaluate": {"exam": ["exam.jsonl"], "arms": arms},
    }
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    return path


def test_a_recipe_with_a_refused_loss_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="alpha_beta") as caught:
        load_recipe(recipe_with(tmp_path, {"loss": "alpha_beta"}, ["sft", "distilled"]))
    line = 1 + (tmp_path / "small.yaml").read_text(encoding="utf-8").splitlines().index("  loss: alpha_beta")
    assert caught.value.where == f"{tmp_path / 'small.yaml'}:{line}"
    assert load_recipe(recipe_with(tmp_path, {"loss": "alpha_beta"}, ["sft"])).distill.loss == "alpha_beta"


def test_a_recipe_with_a_wrong_setting_names_its_line(tmp_path: Path) -> None:
    path = recipe_with(tmp_path, {"loss": "skew_kl", "loss_settings": {"beta": 0.5}}, ["sft", "distilled"])
    line = 1 + path.read_text(encoding="utf-8").splitlines().index("  loss_settings:")
    with pytest.raises(RecipeError, match="`skew_kl` has no setting `beta`; it has `alpha`") as caught:
        load_recipe(path)
    assert caught.value.where == f"{path}:{line}"


def test_a_variant_with_another_loss_begins_without_settings_and_with_the_same_one_keeps_them() -> None:
    given = {
        "loss": "skew_kl",
        "loss_settings": {"alpha": 0.3},
        "variants": {"other": {"loss": "skew_reverse_kl"}, "milder": {"weight": 0.2}},
    }
    section = DistillSection.model_validate(given)
    assert section.of_arm("other").loss_settings == {}
    assert section.of_arm("milder").loss_settings == {"alpha": 0.3}
