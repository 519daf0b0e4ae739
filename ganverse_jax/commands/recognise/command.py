"""The recogniser, trained on renders of all toy worlds: what `launch.recognise` does."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ganverse_jax import classes
from ganverse_jax.commands.recognise import pictures
from ganverse_jax.data.augment import augment
from ganverse_jax.models.perception.recogniser import FILE, Recogniser, RecogniserNet
from ganverse_jax.pipeline.experiment import WorldSettings
from ganverse_jax.pipeline.stage import Run
from ganverse_jax.pipeline.workdir import only_run
from ganverse_jax.runtime import parallel
from ganverse_jax.runtime.loop import Metrics
from ganverse_jax.stages.perception import step as steps
from ganverse_jax.stages.perception.stage import Fitting

NAME = "recogniser"
WIDTHS = (16, 32, 48, 64)
ZOOM, SHIFT = 0.6, 6.0  # of training pictures: factors to exp(ZOOM) either way, and pixels
UNSEEN = 300  # objects of each world that the network is scored on


@dataclass(frozen=True)
class Training:
    """num_renders of each world, from which twice as many pictures are composed; the rest as in the settings
    of the perception stage."""

    num_renders: int = 1000
    num_steps: int = 6000
    batch_size: int = 32
    resolution: int = 48
    learning_rate: float = 3e-3
    log_every: int = 50
    save_every: int = 200


def run(workdir: Path, training: Training, seed: int = 0) -> dict[str, float]:
    """Train the recogniser and write WORKDIR/recogniser.safetensors; returns, by class, the share of unseen
    objects that it takes for theirs."""
    with only_run(workdir):
        renders = renders_of_all(training)
        network = train(workdir, training, renders, seed)
        scores = score(network)
        network.save(workdir / FILE, {"seed": seed} | vars(training) | {"right": scores})
    return scores


def worlds() -> list[str]:
    """The classes that have a toy world."""
    return [name for name in classes.names() if classes.get(name).world is not None]


def renders_of_all(training: Training) -> dict[str, pictures.Renders]:
    """By the name of its class, renders of every toy world."""
    renders = {}
    for name in worlds():
        world = classes.make_world(name, training.resolution)
        renders[name] = pictures.render(world, training.num_renders)
        print(f"[{NAME}] rendered {training.num_renders} {classes.get(name).plural}", flush=True)
    return renders


def train(
    workdir: Path, training: Training, renders: Mapping[str, pictures.Renders], seed: int
) -> Recogniser:
    """Fit a `RecogniserNet` to composed pictures, augmented anew at every step."""
    names, mesh = tuple(renders), parallel.data_mesh(1)
    run = Run(workdir, seed, mesh, Metrics(workdir), names[0], WorldSettings())
    data = pictures.compose(renders, 2 * training.num_renders * len(names), seed)
    module = RecogniserNet(len(names), WIDTHS)
    optimizer = steps.make_optimizer(training.learning_rate, training.num_steps)

    def parts(params, batch, key):
        logits = module.apply({"params": params}, _augmented(batch, key))
        return {"entropy": optax.sigmoid_binary_cross_entropy(logits, batch["label"]).sum(-1).mean()}

    step = steps.make_step(parts, {"entropy": 1.0}, optimizer, mesh)
    fitting = Fitting("network", module, optimizer, training.num_steps, ("image", "mask", "label"))
    params = fitting.fit(run, training, step, data, stage=NAME)
    return Recogniser(params, classes=names, widths=WIDTHS, resolution=training.resolution)


def _augmented(batch: dict[str, jax.Array], key: jax.Array) -> jax.Array:
    """Images in [-1, 1] of a uint8 batch, each zoomed, shifted and recoloured by its own key."""
    keys = parallel.example_keys(key, batch["index"])
    scaled = (batch[name].astype(jnp.float32) / 255 for name in ("image", "mask"))
    return jax.vmap(lambda i, m, k: augment(i, m, k, zoom=ZOOM, shift=SHIFT)[0])(*scaled, keys) * 2 - 1


def score(network: Recogniser) -> dict[str, float]:
    """By class, the share of a world's unseen objects whose logit is the greatest."""
    shares = {}
    for row, name in enumerate(network.classes):
        world = classes.make_world(name, network.resolution, "validation")
        said = network(world.render(np.arange(UNSEEN))["image"])
        shares[name] = float((said.argmax(axis=1) == row).mean())
    return shares
