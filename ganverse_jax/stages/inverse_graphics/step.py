"""One training step of inverse graphics: Eq. 1 and 2 of arXiv:2010.09125, per device, pure."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

import rasterizer
from ganverse_jax.losses.image import iou_loss, masked_l1
from ganverse_jax.losses.mesh import flatten_loss, laplacian_loss, mesh_topology, movement_loss
from ganverse_jax.losses.texture_flow import flow_loss, surface_texels
from ganverse_jax.models.features.perceptual import Perceptual
from ganverse_jax.models.inverse_graphics.camera_residual import CameraResidual, moved_cameras
from ganverse_jax.models.inverse_graphics.network import InverseGraphics, Prediction
from ganverse_jax.models.inverse_graphics.prediction import render_prediction
from ganverse_jax.runtime import parallel
from ganverse_jax.scene.cameras import select_cameras, unstacked_camera
from ganverse_jax.stages.inverse_graphics.labelled import LABELLED_CAMERAS, LABELLED_IMAGES, LABELLED_MASKS
from ganverse_jax.stages.inverse_graphics.settings import Training


def make_optimizer(training: Training) -> optax.GradientTransformation:
    """Adam for {"network", "cameras"}, each at its own rate; `decay` brings both to a tenth along a cosine. A
    camera residual's network begins to learn when the cameras do.

    Cameras stand still for the first `camera_start` steps: against a shape that is still the template, moving
    them only chases errors of the shape.
    """

    def schedule(rate: float, start: int):
        steps, falls = max(training.num_steps - start, 1), training.decay
        run = optax.cosine_decay_schedule(rate, steps, alpha=0.1) if falls else optax.constant_schedule(rate)
        return optax.join_schedules([optax.constant_schedule(0.0), run], [start]) if start else run

    rates = {
        "network": (training.learning_rate, 0),
        "cameras": (training.camera_learning_rate, training.camera_start),
        "residual": (training.learning_rate, training.camera_start),
    }
    return optax.partition(
        {name: optax.adam(schedule(*rate)) for name, rate in rates.items()},
        lambda params: {name: name for name in params},
    )


def initial_state(params: Mapping[str, Any], optimizer: optax.GradientTransformation) -> dict[str, Any]:
    """Training state around {"network", "cameras"} and, where it is trained, "residual": params, their
    running average, optimizer, step count."""
    params = dict(params)
    return {
        "params": params,
        "average": jax.tree.map(jnp.array, params),
        "optimizer": optimizer.init(params),
        "step": jnp.zeros((), jnp.int32),
    }


def in_place_of_object(rendered: rasterizer.Rendered, images: jax.Array, masks: jax.Array) -> jax.Array:
    """The picture [b h w 3] with its object, cut out by the true mask [b h w 1], replaced by the render.

    Black where the render leaves the object uncovered: were the render laid over the whole picture, a
    vanishing shape would show the object itself, and be perfect.
    """
    return masks * rendered.mask * rendered.rgb + (1.0 - masks) * images


def loss_terms(
    prediction: Prediction,
    rendered,
    images,
    masks,
    topology,
    *,
    perceptual: Perceptual | None,
    both_views: bool,
    multiview_weight: float = 1.0,
) -> dict[str, jax.Array]:
    """Every term of Eq. 1, unweighted; images and masks [2 b ...] lie as (object, view) pairs.

    Terms of pictures are the mean of the two views', the second's (the one the network has not seen) times
    multiview_weight. L_percept sees `in_place_of_object`; with `both_views` off the second view alone.
    """
    pictures = (rendered, images, masks, perceptual)
    seen, unseen = (_picture_terms(*pictures, slice(view, None, 2)) for view in (0, 1))
    terms = {name: 0.5 * (seen[name] + multiview_weight * unseen[name]) for name in seen}
    if perceptual is not None and not both_views:
        terms["perceptual"] = unseen["perceptual"]
    return terms | _shape_terms(prediction, topology)


def _picture_terms(rendered, images, masks, perceptual: Perceptual | None, rows) -> dict[str, jax.Array]:
    terms = {
        "colour": masked_l1(images[rows], masks[rows], rendered.rgb[rows], rendered.mask[rows]),
        "iou": iou_loss(masks[rows], rendered.mask[rows]),
    }
    if perceptual is not None:
        composite = in_place_of_object(rendered, images, masks)
        terms["perceptual"] = perceptual(images[rows], composite[rows], masks[rows])
    return terms


def _shape_terms(prediction: Prediction, topology) -> dict[str, jax.Array]:
    return {
        "laplacian": laplacian_loss(prediction.displacements, topology),
        "flatten": flatten_loss(prediction.vertices, topology),
        "movement": movement_loss(prediction.displacements),
    }


def clip_gradient(gradient: Any, clip_norm: float) -> tuple[Any, jax.Array]:
    """The gradient, scaled so that its norm over all arrays is at most `clip_norm`, and the norm it had.

    What is not finite stays so, and the norm tells.
    """
    norm = jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(gradient)))
    scale = jnp.where(norm > clip_norm, clip_norm / jnp.maximum(norm, clip_norm), 1.0)
    return jax.tree.map(lambda leaf: leaf * scale, gradient), norm


def make_step(
    network: InverseGraphics,
    optimizer: optax.GradientTransformation,
    training: Training,
    *,
    fov_y: float,
    perceptual: Perceptual | None = None,
) -> Callable:
    """The per-device step(state, batch, *, key) -> (state, metrics) for `parallel.data_parallel`.

    batch: images uint8 [b 2 h w 3], masks uint8 [b 2 h w], views int32 [b 2]; and, where there are any, what
    `labelled.LabelledPictures` adds.
    """
    loss = _make_loss(network, training, fov_y, perceptual)

    def step(state, batch, *, key):
        del key  # nothing is drawn: the batch holds all that is random

        def part(rows):
            (total, terms), gradient = jax.value_and_grad(loss, has_aux=True)(state["params"], rows)
            return gradient, {"loss": total, **terms}

        gradient, metrics = parallel.mean(parallel.in_micro_batches(part, batch, training.micro_batches))
        if training.clip_norm is not None:
            gradient, metrics["gradient_norm"] = clip_gradient(gradient, training.clip_norm)
        updates, optimizer_state = optimizer.update(gradient, state["optimizer"], state["params"])
        params = optax.apply_updates(state["params"], updates)
        count = state["step"] + 1
        # Early averages follow quickly, so that the start is forgotten in short runs too.
        decay = jnp.minimum(training.average_decay, count / (count + 10.0))
        average = jax.tree.map(lambda old, new: decay * old + (1.0 - decay) * new, state["average"], params)
        return {"params": params, "average": average, "optimizer": optimizer_state, "step": count}, metrics

    return step


def _make_loss(
    network: InverseGraphics, training: Training, fov_y: float, perceptual: Perceptual | None
) -> Callable:
    """loss(params, batch) -> (Eq. 2, its unweighted terms). The network sees view 0 and is rendered in both,
    all 2 b pictures in one rasterizer call."""
    topology = mesh_topology(network.template.faces, len(network.template.vertices))
    options = {"sigma_inverse": training.sigma_inverse, "margin": training.margin}
    weights, read_flow = vars(training.weights), _make_flow_term(network)
    of_labelled = _make_labelled_term(network, training, topology, options, fov_y, perceptual)

    def loss(params, batch):
        b, _, height, width, _ = batch["images"].shape
        images = batch["images"].reshape(2 * b, height, width, 3).astype(jnp.float32) / 255.0
        masks = batch["masks"].reshape(2 * b, height, width, 1).astype(jnp.float32) / 255.0
        prediction = network.apply({"params": params["network"]}, images[::2], masks[::2])
        cameras, moved = _cameras(params, batch["views"].reshape(-1), images, masks)
        camera = select_cameras(cameras, jnp.arange(2 * b), fov_y)
        rendered = render_prediction(network, prediction, camera, (height, width), **options)
        terms = loss_terms(
            prediction,
            rendered,
            images,
            masks,
            topology,
            perceptual=perceptual,
            both_views=training.perceptual_both_views,
            multiview_weight=training.multiview_weight,
        )
        terms |= moved | read_flow(prediction, camera, (height, width)) | of_labelled(params, batch)
        # Eq. 2 adds the two views' losses; the means above run over both, hence the factor.
        return 2.0 * sum(weights[name] * value for name, value in terms.items()), terms

    return loss


def _make_labelled_term(network, training: Training, topology, options, fov_y: float, perceptual) -> Callable:
    """term(params, batch) -> {"labelled"}: Eq. 1 of real pictures, a single view each, from the cameras that
    they came with; {} for a batch without any."""
    weights = vars(training.weights)

    def term(params, batch):
        if LABELLED_IMAGES not in batch:
            return {}
        images = batch[LABELLED_IMAGES].astype(jnp.float32) / 255.0
        masks = batch[LABELLED_MASKS][..., None].astype(jnp.float32) / 255.0
        camera = unstacked_camera(batch[LABELLED_CAMERAS].T, jnp.full(len(images), fov_y))
        prediction = network.apply({"params": params["network"]}, images, masks)
        rendered = render_prediction(network, prediction, camera, images.shape[1:3], **options)
        terms = _picture_terms(rendered, images, masks, perceptual, slice(None))
        terms |= _shape_terms(prediction, topology)
        return {"labelled": sum(weights[name] * value for name, value in terms.items())}

    return term


def _cameras(params, views, images, masks) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
    """Camera parameters of pictures [n] of `views` [n], and {"residual"}; {} where there is none."""
    cameras = jax.tree.map(lambda values: values[views], params["cameras"])
    if "residual" not in params:
        return cameras, {}
    residual = CameraResidual().apply({"params": params["residual"]}, images, masks)
    return moved_cameras(cameras, residual), {"residual": jnp.mean(residual**2)}


def _make_flow_term(network: InverseGraphics) -> Callable[..., dict[str, jax.Array]]:
    """term(prediction, cameras [2 b], size) -> {"flow"} in the inputs' views, the
    first of each pair; {} for a network that decodes its colours."""
    if network.texture == "decoded":
        return lambda *_: {}
    template = network.template
    texels = surface_texels(network.texture_size, template.faces, template.uv, template.uv_faces)

    def term(prediction, cameras, size):
        camera = jax.tree.map(lambda leaf: leaf[::2], cameras)
        seen = (prediction.vertices, template.faces, camera, size, texels)
        return {"flow": flow_loss(prediction.flow, *seen, symmetric=network.symmetric)}

    return term


def make_step_at(
    network: InverseGraphics,
    optimizer: optax.GradientTransformation,
    mesh,
    training: Training,
    *,
    fov_y: float,
    perceptual: Perceptual | None = None,
) -> Callable[[int], Callable]:
    """step_at(i) for `Loop.fit`: the data-parallel step of step i; L_percept joins at `perceptual_start`."""
    plain = parallel.data_parallel(make_step(network, optimizer, training, fov_y=fov_y), mesh)
    if perceptual is None:
        return lambda step: plain
    refining = make_step(network, optimizer, training, fov_y=fov_y, perceptual=perceptual)
    refined = parallel.data_parallel(refining, mesh)
    return lambda step: refined if step >= training.perceptual_start else plain
