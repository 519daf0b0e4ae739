"""A run whose views are proposed and drawn whole, and what a person can be asked about it."""

import json
import urllib.request
from types import SimpleNamespace

import numpy as np
import pytest

from ganverse_jax.annotation.candidates import read_candidates, write_candidates
from ganverse_jax.annotation.keypoints.store import write_pictures
from ganverse_jax.commands.annotate import annotation
from ganverse_jax.commands.annotate.bins import BinAnnotation
from ganverse_jax.commands.annotate.keypoints import KeypointAnnotation
from ganverse_jax.pipeline.experiment import Experiment
from ganverse_jax.stages.viewpoints.settings import Settings

VIEWS = [{"id": i, "w_seed": i, "w": [float(i)], "consistency": 0.9} for i in range(3)]
EXPERIMENT = Experiment("bird", stages={"viewpoints": Settings(num_contents=2)})


@pytest.fixture
def workdir(tmp_path, monkeypatch):
    """The run's folder; the stages before stand still."""
    folder, pictures = tmp_path / "viewpoints", np.zeros((3, 2, 8, 8, 3), np.uint8)
    write_candidates(folder, "mine", VIEWS, pictures)
    candidates = read_candidates(folder, "mine")
    write_pictures(folder, candidates, pictures, np.array([70, 71]))
    still = SimpleNamespace(run_held=lambda until: None)
    monkeypatch.setattr(annotation.stages, "pipeline", lambda experiment, workdir: still)
    monkeypatch.setattr(annotation.viewpoints, "propose", lambda workdir, seed, settings: candidates)
    return tmp_path


@pytest.fixture
def bins(workdir):
    return BinAnnotation(EXPERIMENT, workdir)


@pytest.fixture
def keypoints(workdir):
    return KeypointAnnotation(EXPERIMENT, workdir)


@pytest.fixture(params=["bins", "keypoints"])
def asked(request):
    """Each of the two."""
    return request.getfixturevalue(request.param)


def post(server, **command):
    """What the server answers to a command of its page."""
    headers = {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{server.server_port}"}
    request = urllib.request.Request(server.url + "do", json.dumps(command).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)
