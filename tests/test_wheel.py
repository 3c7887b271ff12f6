"""The built wheel works away from this checkout: pages, recipes and packs are inside, and a run reaches its report."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def unpacked_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel would put into site-packages."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def files_under(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}


def test_the_wheel_holds_all_files_of_the_package(unpacked_wheel: Path) -> None:
    assert files_under(ROOT / "src/seodang") <= files_under(unpacked_wheel / "seodang")


@pytest.mark.parametrize("name", ["recipes", "packs"])
def test_the_wheel_holds_recipes_and_packs(unpacked_wheel: Path, name: str) -> None:
    files = files_under(unpacked_wheel / "seodang/bundled" / name)
    assert files
    assert files == files_under(ROOT / name)


def test_the_wheel_is_imported_from_elsewhere(unpacked_wheel: Path, tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(unpacked_wheel)!r}); import seodang; print(seodang.__file__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert Path(done.stdout.strip()).is_relative_to(unpacked_wheel)


def seodang(site: Path, folder: Path, *arguments: str) -> str:
    """What a command of the wheel prints, started in `folder`; this checkout is not on its path."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    code = "import seodang, sys; from seodang.cli.main import main; print(seodang.__file__, file=sys.stderr); main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, cwd=folder, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(site) in done.stderr.splitlines()[0]
    return done.stdout


@pytest.mark.timeout(300)
def test_a_run_from_the_wheel_reaches_its_report(unpacked_wheel: Path, tmp_path: Path) -> None:
    sys.path.append(str(ROOT / "benchmarks"))
    from small_project import make_random_model, write_project

    write_project(tmp_path, make_random_model(tmp_path / "model"))
    assert "export" in seodang(unpacked_wheel, tmp_path, "run", "small.yaml")
    assert "<svg" in (tmp_path / "runs/small/report.html").read_text(encoding="utf-8")
    assert seodang(unpacked_wheel, tmp_path, "init", "documents", "--dry-run").startswith("documents: 2 documents")
