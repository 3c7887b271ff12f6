"""Backends are found by name, and one that is broken is listed with its reason and stops nobody else."""

import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from seodang.backends import registry
from seodang.backends.contract import BackendError
from seodang.backends.emulated import EmulatedBackend
from seodang.backends.reference import ReferenceBackend
from seodang.core.errors import InputError


class Outside(ReferenceBackend):
    name = "outside"


class Older(ReferenceBackend):
    api_version = 0


class Lacking:
    api_version = 1
    name = "lacking"
    vendor = "nobody"


class Loud(ReferenceBackend):
    def __init__(self) -> None:
        raise RuntimeError("no licence on this machine")


class Exploding(ReferenceBackend):
    def probe(self) -> object:  # type: ignore[override]
        raise OSError("libchip.so.3: not found")


BROKEN = {
    "older": "made for version 0 of the contract, this is version 1",
    "lacking": "has no probe, describe, supports, plan_memory, compile, load",
    "loud": "cannot be opened: RuntimeError: no licence on this machine",
    "exploding": "cannot be opened: OSError: libchip.so.3: not found",
    "gone": "cannot be opened: ModuleNotFoundError",
    "nameless": "cannot be opened: AttributeError",
}


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entry points of an outside package, one good and the rest broken."""
    module = ModuleType("outside_chips")
    for kind in (Outside, Older, Lacking, Loud, Exploding):
        setattr(module, kind.__name__, kind)
    monkeypatch.setitem(sys.modules, "outside_chips", module)
    places = {name: f"outside_chips:{name.capitalize()}" for name in (*BROKEN, "outside")} | {"gone": "no_such_package:Backend"}
    points = [EntryPoint(name, place, registry.GROUP) for name, place in places.items()]
    monkeypatch.setattr(registry, "entry_points", lambda *, group: points if group == registry.GROUP else [])


@pytest.mark.usefixtures("outside")
def test_a_broken_one_is_listed_with_its_reason_and_stops_only_itself() -> None:
    found = {one.name: one for one in registry.installed()}
    assert {"reference", "torch_cpu", "torch_cuda", "emulated", "vllm", "rbln"} <= set(found)
    assert found["outside"].probe.devices == ("cpu",)
    assert found["outside"].origin == "an entry point"
    for name, reason in BROKEN.items():
        assert found[name].backend is None
        assert reason in found[name].probe.reason
        with pytest.raises(BackendError, match=r"cannot be opened|made for version|has no"):
            registry.open_backend(name)
    assert registry.open_backend("outside").name == "outside"
    assert registry.open_backend("reference").name == "reference"


@pytest.mark.usefixtures("outside")
def test_a_class_of_any_module_may_be_named() -> None:
    assert isinstance(registry.open_backend("outside_chips:Outside"), Outside)
    with pytest.raises(BackendError, match="ModuleNotFoundError"):
        registry.open_backend("no_such_package:Outside")


def test_a_name_that_is_near_is_proposed() -> None:
    with pytest.raises(BackendError) as error:
        registry.open_backend("torch_cqu")
    assert error.value.hint == "did you mean `torch_cpu`?"


def test_one_of_many_devices_is_chosen_after_a_colon() -> None:
    backend = registry.open_backend("emulated:h200_sxm")
    assert isinstance(backend, EmulatedBackend)
    assert (backend.name, backend.probe().devices) == ("emulated:h200_sxm", ("h200_sxm",))
    with pytest.raises(InputError, match="no description"):
        registry.open_backend("emulated:abacus")
    with pytest.raises(BackendError, match="nothing can be chosen after `reference:`"):
        registry.open_backend("reference:fast")


@pytest.mark.parametrize("name", ["reference", "torch_cpu", "torch_cuda", "emulated", "vllm", "rbln"])
def test_each_of_our_own_says_where_it_runs_or_why_it_does_not(name: str) -> None:
    backend = registry.open_backend(name)
    probe = backend.probe()
    assert backend.name == name
    assert probe.reason
    if name in ("reference", "torch_cpu", "emulated"):
        assert probe.devices
