"""The user study's arithmetic on votes counted by hand, and files of answers that are refused by name."""

import json

import pytest

from ganverse_jax.evaluation import user_study
from ganverse_jax.evaluation.user_study import QUESTIONS, Answers, read_answers

KEY = user_study.make_key("abcd", ["ours", "other"], ["a.png", "b.png", "c.png", "d.png"], seed=0)


def votes_for(annotator, *runs):
    """Answers that prefer run 0 or 1 (None: no preference) in each hit, in every question."""
    choices = {}
    for (hit, places), run in zip(KEY["hits"].items(), runs, strict=True):
        side = next((side for side in ("A", "B") if places[side] == run), "none")
        choices[hit] = dict.fromkeys(QUESTIONS, side)
    return Answers(annotator, choices)


def write(path, given, **changes):
    content = {"study": "abcd", "annotator": given.annotator, "answers": given.choices} | changes
    path.write_text(json.dumps(content))
    return path


def test_sides_are_balanced_and_depend_on_the_seed():
    names = [str(number) for number in range(20)]
    keys = [user_study.make_key("abcd", ["x", "y"], names, seed) for seed in (0, 0, 1)]
    assert keys[0] == keys[1] and keys[0]["hits"] != keys[2]["hits"]
    for key in keys:
        assert sum(hit["A"] for hit in key["hits"].values()) == 10
        assert all(hit["A"] + hit["B"] == 1 for hit in key["hits"].values())


def test_votes_are_counted_by_run_whatever_the_side():
    content = user_study.tally(KEY, [votes_for("ann", 0, 0, 1, None), votes_for("ben", 0, 0, 0, None)])
    assert content["votes"] == 8 and content["annotators"] == ["ann", "ben"]
    for question in QUESTIONS:
        # 5 of 8 votes for run 0, one for run 1, two for neither.
        assert content["preference"][question] == {"first": 62.5, "second": 12.5, "none": 25.0}


def test_agreement_of_three_is_the_papers_three_kinds():
    three = [votes_for("ann", 0, 0, 0, 1), votes_for("ben", 0, 1, 1, 1), votes_for("cid", 0, 1, None, 0)]
    content = user_study.tally(KEY, three)
    assert content["agreement"]["shape"] == {"all agree": 25.0, "two agree": 50.0, "no agreement": 25.0}
    assert user_study.tally(KEY, three[:1])["agreement"]["shape"] is None


def test_a_complete_file_is_read(tmp_path):
    answers = votes_for("ann", 0, 1, None, 0)
    assert read_answers(write(tmp_path / "a.json", answers), KEY) == answers


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"study": "ef01"}, "a.json answers study 'ef01', the key is of 'abcd'"),
        ({"annotator": " "}, "a.json names no annotator"),
        ({"answers": []}, "a.json is no file of answers"),
        ({"answers": {"001": {}}}, "a.json answers 1 of 4 hits, 002, 003, 004 are missing; ask ann"),
        ({"answers": {"009": {}}}, r"a.json answers hits \['009'\] that the study does not have"),
    ],
)
def test_files_that_do_not_fit_are_refused_by_name(tmp_path, changes, message):
    path = write(tmp_path / "a.json", votes_for("ann", 0, 0, 0, 0), **changes)
    with pytest.raises(ValueError, match=message):
        read_answers(path, KEY)


@pytest.mark.parametrize("wrong", [{"shape": "A", "texture": "C", "overall": "B"}, {"shape": "A"}, "A"])
def test_an_open_or_odd_answer_names_hit_and_question(tmp_path, wrong):
    answers = votes_for("ann", 0, 0, 0, 0)
    path = write(tmp_path / "a.json", answers, answers=answers.choices | {"002": wrong})
    with pytest.raises(
        ValueError, match="a.json: hit 002 answers (texture|shape) with ('C'|None), not A, B or none"
    ):
        read_answers(path, KEY)


def test_a_truncated_file_is_refused_by_name(tmp_path):
    path = write(tmp_path / "a.json", votes_for("ann", 0, 0, 0, 0))
    path.write_text(path.read_text()[:-40])
    with pytest.raises(ValueError, match="a.json is not valid JSON .* cut off: ask for it again"):
        read_answers(path, KEY)


def test_two_files_of_one_person_are_refused(tmp_path):
    answers = votes_for("Ann", 0, 0, 0, 0)
    with pytest.raises(ValueError, match="x.json and y.json are both by ann"):
        user_study.check_annotators({"x.json": answers, "y.json": answers._replace(annotator="ann")})


def test_other_than_two_runs_and_other_files_as_key_are_refused(tmp_path):
    with pytest.raises(ValueError, match="two networks, 1 are named"):
        user_study.make_key("abcd", ["x"], ["a.png"], 0)
    with pytest.raises(FileNotFoundError, match="no key at .*key.json"):
        user_study.read_key(tmp_path / "key.json")
    (tmp_path / "key.json").write_text("{}")
    with pytest.raises(ValueError, match="is no key of a study"):
        user_study.read_key(tmp_path / "key.json")
