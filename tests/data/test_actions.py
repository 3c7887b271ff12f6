"""An action is what its own bullet says; a rule belongs to the action that it makes the next step, not to the one it asks about."""

import pytest

from seodang.core.records import Action, Passage
from seodang.data.actions import find_actions
from seodang.data.passages import split_passages


def read(document: str, language: str = "en") -> tuple[list[Passage], dict[str, Action]]:
    found = split_passages("guide.md", document, language=language, license="MIT")
    return found, {action.name: action for action in find_actions(found)}


def test_an_action_is_described_by_its_own_bullet_first() -> None:
    document = (
        "If the code is wrong, use `reset_code()` at once.\n\n"
        "- **reset_code** - Sends a new code to the customer.\n"
        "- **open_ticket**: Opens a ticket for a person to read.\n"
        "Set max_wait=3 in my_file.txt or in a/b_c first.\n"
    )
    passages, actions = read(document)
    assert list(actions) == ["reset_code", "open_ticket"]
    assert [action.description for action in actions.values()] == [
        "Sends a new code to the customer.",
        "Opens a ticket for a person to read.",
    ]
    assert actions["reset_code"].passages == (passages[1].id, passages[0].id)


def test_what_a_second_bullet_says_of_an_action_is_kept() -> None:
    document = "- **reset_code** - Sends a new code to the customer.\n- **reset_code** - Is free of charge for everyone.\n"
    assert read(document)[1]["reset_code"].situations == ("Sends a new code to the customer.", "Is free of charge for everyone.")


def test_an_action_is_found_before_a_korean_particle() -> None:
    assert list(read("비밀번호를 잊었다면 reset_password를 실행하세요.", "ko")[1]) == ["reset_password"]


@pytest.mark.parametrize(
    ("statement", "language", "condition"),
    [
        ('If `check_card()` shows "Missing", use `reseat_card()` at once.', "en", 'If check_card() shows "Missing"'),
        ("If check_card() fails, or it is late, use reseat_card().", "en", "If check_card() fails, or it is late"),
        ('When check_card() says no, use reseat_card(mode: str) (e.g., "soft", "hard").', "en", "When check_card() says no"),
        ("After check_card() is done, the user must be told to use reseat_card().", "en", "After check_card() is done"),
        ("If check_card() fails, do not use check_card() again but reseat_card().", "en", "If check_card() fails"),
        ("Use reseat_card() if check_card() shows nothing.", "en", "if check_card() shows nothing"),
        ("check_card()에 없음이 나오면 reseat_card()를 안내합니다.", "ko", "check_card()에 없음이 나오면"),
        ("check_card()를 마친 후, reseat_card()를 실행합니다.", "ko", "check_card()를 마친 후"),
    ],
)
def test_a_rule_belongs_to_the_action_that_comes_next(statement: str, language: str, condition: str) -> None:
    bullets = "- **check_card** - Shows the state of the card.\n- **reseat_card** - Takes the card out and puts it back.\n\n"
    passages, actions = read(bullets + statement, language)
    (rule,) = actions["reseat_card"].rules
    assert (rule.passage, rule.condition) == (passages[2].id, condition)
    assert actions["check_card"].rules == ()
    assert actions["check_card"].passages == (passages[0].id,), "the condition does not describe the check"
    assert actions["reseat_card"].situations == ("Takes the card out and puts it back.",)


@pytest.mark.parametrize(
    "statement",
    [
        "check_card() can be used to check if the card is in place.",
        "check_card - Checks if the card is in place.",
        "You can see if the card is there by using check_card() or reseat_card().",
        "If the card is missing, call the shop.",
    ],
)
def test_a_statement_without_a_next_step_is_no_rule(statement: str) -> None:
    assert all(action.rules == () for action in read(statement)[1].values())


def test_an_action_that_only_a_rule_names_is_described_by_it() -> None:
    passages, actions = read("If the customer accepts, use the make_payment tool to pay.")
    action = actions["make_payment"]
    assert action.description == "If the customer accepts, use the make_payment tool to pay."
    assert [rule.passage for rule in action.rules] == [passages[0].id]


def test_an_action_that_only_a_condition_names_is_still_an_action() -> None:
    _, actions = read("If check_card() shows nothing, use reseat_card().")
    assert list(actions) == ["check_card", "reseat_card"]
    assert actions["check_card"].rules == ()
