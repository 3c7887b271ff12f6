"""Rows of measured deployments, and files that are none."""

from pathlib import Path

import pytest

from seodang.core.errors import InputError
from seodang.testbed.predict.rows import calibration, evidence, read_rows

HEADER = "id,split,device,count,framework,model_id,weights,tp,dp,ep,pp,phase,isl,osl,concurrency,metric,value,unit,note,source\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "points.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_evidence_has_every_row_with_its_source_and_split() -> None:
    rows = evidence()
    assert len({row.id for row in rows}) == len(rows)
    assert {row.split for row in rows} == {"calibrate", "validate"}
    assert all(row.source and row.value and not row.fault for row in rows)
    assert {row.id for row in calibration(rows)} >= {"1", "4", "10", "11", "15", "86", "96"}


def test_notes_are_read_into_fields() -> None:
    rows = {row.id: row for row in evidence()}
    assert rows["52"].batch_per_rank == 128
    assert rows["66"].batch_per_rank == 512
    assert (rows["80a"].attention_parallel_over_data, rows["80a"].kv, rows["80b"].kv) == (True, "bfloat16", "float8")
    assert rows["84a"].cached_share == pytest.approx(0.563)
    assert rows["84b"].user_tokens_s == 21
    assert (rows["1"].batch_per_rank, rows["1"].kv, rows["1"].user_tokens_s, rows["1"].cached_share) == (None, None, None, 0)


def test_a_column_may_be_missing_and_a_fault_stays_with_its_row(tmp_path: Path) -> None:
    path = written(
        tmp_path, "id,device,metric,count,concurrency\n1,h200_sxm,tpot,eight,4\n2,h200_sxm,tpot,8,-3\n3,h200_sxm,tpot,8,1.5\n4,x,tpot,8,4\n"
    )
    rows = read_rows(path)
    assert [bool(row.fault) for row in rows] == [True, True, True, False]
    assert "`count` is not a number" in rows[0].fault
    assert (rows[3].value, rows[3].model, rows[3].phase) == (None, "", "mixed")


@pytest.mark.parametrize("text", ["", "id,device\n1,x\n"])
def test_a_file_without_the_needed_columns_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="no column"):
        read_rows(written(tmp_path, text))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read_rows(tmp_path / "none.csv")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00id")
    with pytest.raises(InputError):
        read_rows(tmp_path / "bytes.csv")


def test_load_points_of_a_deployment_share_it(tmp_path: Path) -> None:
    rows = {row.id: row for row in evidence()}
    assert rows["1"].deployment == rows["2"].deployment == rows["14"].deployment
    assert rows["1"].deployment != rows["59"].deployment
    assert rows["88"].deployment == rows["89"].deployment != rows["94"].deployment
    spelled = written(tmp_path, HEADER + "x,,h200_sxm,8,sglang-0.5.9,deepseek-v3,fp8,8,1,1,1,mixed,1,1,1,tpot,,ms,,\n")
    assert read_rows(spelled)[0].deployment == rows["1"].deployment
