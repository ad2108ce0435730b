"""Our own words are known for ours, however badly they were heard; the user's are not, though they be alike."""

from __future__ import annotations

import pytest

from orchestrator.self_echo import errors, is_echo

MOON = "about a light second. In kilometers, that is three hundred and eighty four thousand"


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ("three hundred and eighty four", MOON),
        ("Three hundred, an' eighty for.", MOON),
        ("in kilo meters that is", MOON),
        ("In kilometres that's three hundred.", MOON),
        ("light second", MOON),
        ("hunting underwater with it's eyes closed", "and it hunts under water with its eyes closed."),
        ("Straße gesperrt", "die Strasse ist gesperrt"),
        ("ornitorrinco e um animal", "O ornitorrinco é um animal estranho"),
        ("月までの距離は", "月までの距離は約三十八万キロです"),
        ("расстояние до луны", "Расстояние до Луны около"),
        ("المسافة إلى القمر", "المسافة إلى القمر حوالي"),
    ],
)
def test_an_echo_is_known_for_one(heard, said):
    assert is_echo(heard, said)


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ("Stop please. What is the weather like?", MOON),
        ("no", "nobody on the platform seemed to mind"),
        ("yes", "Yes. It is ten past four."),
        ("stop", "the train will stop here"),
        ("wait a moment", MOON),
        ("the moon?", "three hundred and eighty four thousand"),  # repeats what we said a second before
        ("how many kilometers did you say", MOON),
        ("three hundred what? say that again please", MOON),
        ("okay thank you, that is enough", "that is three hundred and eighty"),
        ("待って", "月までの距離は約三十八万キロです"),
        ("", MOON),
        ("light second", ""),
    ],
)
def test_a_user_is_not_taken_for_an_echo(heard, said):
    assert not is_echo(heard, said)


def test_errors_are_counted_at_the_best_place():
    assert errors("abc", "xxabcxx") == 0
    assert errors("abc", "xxabxcxx") == 1
    assert errors("abc", "xyz") == 3
    assert errors("", "xyz") == 0
