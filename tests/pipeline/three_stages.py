"""python -m tests.pipeline.three_stages: a run of seconds whose second stage trains; see test_hosts.py."""

import time
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

from ganverse_jax.pipeline.experiment import Experiment, MetricsSettings
from ganverse_jax.pipeline.run import Pipeline
from ganverse_jax.pipeline.stage import Stage
from ganverse_jax.runtime import hosts, parallel
from ganverse_jax.runtime.checkpoint import read_json, write_json

ROWS = 16  # of a batch


@dataclass(frozen=True)
class Settings:
    num_steps: int = 30
    log_every: int = 1
    save_every: int = 10


def make(run, settings):
    """A file that must not be there yet."""
    with open(run.workdir / "made" / "numbers.json", "x") as file:
        file.write("[1.0, 2.0, 3.0]")


def train(run, settings, pause=0.0):
    """A weight and a noise of each example; a pause before each batch."""
    data, mine = (
        np.float32(read_json(run.workdir / "made" / "numbers.json")),
        parallel.local_rows(ROWS, run.mesh),
    )

    def batch_at(step):
        time.sleep(pause)
        chosen = np.random.default_rng([run.seed, step]).integers(0, len(data), ROWS)
        return {"x": data[chosen[mine]], "index": mine.astype(np.int32)}

    def step(state, batch, *, key):
        def loss(weight):
            noise = jax.vmap(jax.random.normal)(parallel.example_keys(key, batch["index"]))
            return jnp.mean((batch["x"] * weight + noise) ** 2)

        value, gradient = jax.value_and_grad(loss)(state["weight"])
        return {"weight": state["weight"] - 0.01 * parallel.mean(gradient)}, {"loss": parallel.mean(value)}

    compiled = parallel.data_parallel(step, run.mesh)
    loop = run.loop("learned", settings, num_steps=settings.num_steps, key=jax.random.key(run.seed))
    state = loop.fit({"weight": np.float32(2.0)}, lambda _: compiled, batch_at)
    hosts.leave_rest_to_first()
    write_json(run.workdir / "learned" / "summary.json", {"weight": float(state["weight"])})


def pipeline(workdir, num_devices=1, pause=0.0, sink="none") -> Pipeline:
    """The three stages: one makes, one trains, one reads."""
    stages = (
        Stage("made", "Made", Settings, make),
        Stage("learned", "Learned", Settings, lambda run, settings: train(run, settings, pause),
              needs=lambda _: ("made",), trains=lambda _: True),
        Stage("read", "Read", Settings, lambda run, _: read_json(run.workdir / "learned" / "summary.json"),
              needs=lambda _: ("learned",), always=True),
    )  # fmt: skip
    sections = {stage.name: Settings() for stage in stages}
    shared = {"num_devices": num_devices, "metrics": MetricsSettings(sink)}
    return Pipeline(Experiment("cake", **shared, stages=sections), stages, Path(workdir))


if __name__ == "__main__":
    from launch import command

    command.distributed_flags()
    WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run")
    PAUSE = flags.DEFINE_float("pause", 0.0, "Seconds before each batch")
    SINK = flags.DEFINE_string("sink", "none", "metrics.sink")
    STAGES = flags.DEFINE_list("stages", None, "Which of them")

    def main() -> None:
        pipeline(WORKDIR.value, pause=PAUSE.value, sink=SINK.value).run(STAGES.value)

    command.run_plain(main, "workdir")
