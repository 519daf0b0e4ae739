"""The user study's arithmetic (Appendix F and Tables 1c, B of arXiv:2010.09125): its key, its answers, its
tables.

A hit is one input with two predictions, called A (left) and B (right); which model is which is in the key.
An answer file is {"study", "annotator", "answers": {hit: {question: choice}}}.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ganverse_jax.runtime.checkpoint import read_json

QUESTIONS = ("shape", "texture", "overall")
SIDES = ("A", "B")
NO_PREFERENCE = "none"
AGREEMENTS = ("all agree", "two agree", "no agreement")
# Percent, in the order of QUESTIONS.
PAPER_PREFERENCE = {
    "ours": (61.6, 56.3, 57.5),
    "other": (26.4, 32.8, 25.9),
    NO_PREFERENCE: (11.9, 10.8, 16.6),
}
PAPER_AGREEMENT = {
    "all agree": (29.6, 27.1, 26.1),
    "two agree": (58.6, 62.1, 61.1),
    "no agreement": (11.8, 10.8, 12.8),
}


class Answers(NamedTuple):
    """One annotator's choices, {hit: {question: "A" | "B" | "none"}}."""

    annotator: str
    choices: dict[str, dict[str, str]]


def make_key(study: str, runs: Sequence[str], inputs: Sequence[str], seed: int) -> dict[str, Any]:
    """key.json: per hit which of the two runs (0 or 1) is shown as A.

    The sides are drawn with `seed`, each run on the left in half of the hits. Raises ValueError for other
    than two runs.
    """
    if len(runs) != 2:
        raise ValueError(f"a study compares two networks, {len(runs)} are named; pass --runs=A,B")
    left = np.random.default_rng(seed).permutation(np.arange(len(inputs)) % 2)
    hits = {
        f"{number:03d}": {"input": name, "A": int(side), "B": 1 - int(side)}
        for number, (name, side) in enumerate(zip(inputs, left, strict=True), start=1)
    }
    return {"study": study, "runs": list(runs), "seed": seed, "hits": hits}


def read_key(path: str | Path) -> dict[str, Any]:
    """A key.json. Raises FileNotFoundError; ValueError for a file that is none."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no key at {path}; pass --key=STUDY/key.json of the study's folder")
    key = read_json(path, remedy="make the study again, or correct --key")
    if not isinstance(key, dict) or not {"study", "runs", "hits"} <= key.keys():
        raise ValueError(f"{path} is no key of a study; pass --key=STUDY/key.json")
    return key


def read_answers(path: str | Path, key: Mapping[str, Any]) -> Answers:
    """One annotator's file, checked against the key.

    Raises ValueError that names the file and the remedy: no JSON (cut off), not of this study, without a
    name, hits missing or unknown, a question unanswered or answered with something else.
    """
    content = read_json(path, remedy="it may be cut off: ask for it again")
    if not isinstance(content, dict) or not isinstance(content.get("answers"), dict):
        raise ValueError(f"{path} is no file of answers; keep only what the study's page saves")
    if content.get("study") != key["study"]:
        raise ValueError(
            f"{path} answers study {content.get('study')!r}, the key is of {key['study']!r}; pass its own key"
        )
    annotator = content.get("annotator")
    if not isinstance(annotator, str) or not annotator.strip():
        raise ValueError(f'{path} names no annotator; write who it was under "annotator"')
    choices, hits = content["answers"], key["hits"]
    unknown = sorted(choices.keys() - hits.keys())
    if unknown:
        raise ValueError(f"{path} answers hits {unknown[:5]} that the study does not have; ask for it again")
    missing = sorted(hits.keys() - choices.keys())
    if missing:
        raise ValueError(
            f"{path} answers {len(choices)} of {len(hits)} hits, {', '.join(missing[:5])} "
            f"{'and more ' if len(missing) > 5 else ''}are missing; ask {annotator} to finish and save again"
        )
    for hit, answer in choices.items():
        found = answer if isinstance(answer, dict) else {}
        for question in QUESTIONS:
            if found.get(question) not in (*SIDES, NO_PREFERENCE):
                raise ValueError(
                    f"{path}: hit {hit} answers {question} with {found.get(question)!r}, not A, B or none; "
                    f"ask {annotator} to answer it and save again"
                )
    return Answers(annotator.strip(), choices)


def check_annotators(found: Mapping[str, Answers]) -> None:
    """Raise ValueError when two files (path -> answers) are of one annotator."""
    seen: dict[str, str] = {}
    for path, answers in found.items():
        name = answers.annotator.casefold()
        if name in seen:
            raise ValueError(
                f"{seen[name]} and {path} are both by {answers.annotator}; keep one of them, or give the "
                "second person another name in the file"
            )
        seen[name] = path


def tally(key: Mapping[str, Any], answers: Sequence[Answers]) -> dict[str, Any]:
    """Percentages per question: of votes for each run and for neither, of votes for the left side, and of
    hits on which all annotators, at least two, or none agree (None with a single annotator).

    "two agree" is what is neither of the others, which with three annotators is the paper's meaning.
    """
    hits, runs = key["hits"], key["runs"]
    preference, left, agreement = {}, {}, {}
    for question in QUESTIONS:
        votes = {
            hit: [str(places.get(a.choices[hit][question], NO_PREFERENCE)) for a in answers]
            for hit, places in hits.items()
        }
        counts, total = (
            Counter(vote for of_hit in votes.values() for vote in of_hit),
            len(hits) * len(answers),
        )
        shares = [100 * counts[choice] / total for choice in ("0", "1", NO_PREFERENCE)]
        preference[question] = dict(zip(("first", "second", NO_PREFERENCE), shares, strict=True))
        sides = Counter(a.choices[hit][question] for a in answers for hit in hits)
        left[question] = 100 * sides["A"] / total
        agreement[question] = _agreement(list(votes.values())) if len(answers) > 1 else None
    return {
        "runs": list(runs),
        "hits": len(hits),
        "annotators": [a.annotator for a in answers],
        "votes": len(hits) * len(answers),
        "preference": preference,
        "left": left,
        "agreement": agreement,
    }


def _agreement(votes: Sequence[Sequence[str]]) -> dict[str, float]:
    most = np.array([max(Counter(of_hit).values()) for of_hit in votes])
    kinds = (most == len(votes[0]), (most > 1) & (most < len(votes[0])), most == 1)
    return {name: 100 * float(kind.mean()) for name, kind in zip(AGREEMENTS, kinds, strict=True)}
