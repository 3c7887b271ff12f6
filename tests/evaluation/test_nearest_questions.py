"""Each exam item keeps the training question that is most like it."""

from hypothesis import given
from hypothesis.strategies import floats, lists

from seodang.evaluation.exam import ExamItem
from seodang.evaluation.similarity import NearestQuestion, dissimilar_half, nearest_questions


def test_the_nearest_question_is_kept_with_its_text():
    items = [ExamItem("a", "know", "Why is my data slow?", ("x",), ()), ExamItem("b", "act", "Restart it!", ("x",), ())]
    found = nearest_questions(items, ["please restart the phone", "why is my data so slow"])
    assert [(row.id, row.question) for row in found] == [("a", "why is my data so slow"), ("b", "please restart the phone")]
    assert 0 < found[1].similarity < found[0].similarity < 1


@given(lists(floats(0, 1), min_size=1, max_size=30))
def test_no_item_of_the_dissimilar_half_is_nearer_than_one_outside(similarities: list[float]):
    rows = [NearestQuestion(str(number), similarity, "q") for number, similarity in enumerate(similarities)]
    half = dissimilar_half(rows)
    inside = [row.similarity for row in rows if row.id in half]
    outside = [row.similarity for row in rows if row.id not in half]
    assert len(inside) - len(outside) in (0, 1)
    assert max(inside) <= min(outside, default=1)
