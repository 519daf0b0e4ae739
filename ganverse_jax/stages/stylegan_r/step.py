"""The two training steps of StyleGAN-R: warm-up (Eq. 5) and fine-tuning (Eq. 6), arXiv:2010.09125.

Both are written per device for `parallel.data_parallel`. Networks that stay fixed (inverse graphics,
segmenter, statistics, noise buffers) travel beside the state as `constants`, so that checkpoints hold only
what is trained.

Choices where the paper is silent:

- The background of a synthesised image is what lies outside its mask. The mask counts as constant:
  otherwise the cycle could be closed by growing it.
- g_b reads the returned backgrounds with weights held fixed. Were they trained through that reading, g_b
  could close the last two terms of Eq. 6 by mapping everything to one code.
- The second {S, T} pair belongs to another object of the set; camera and background are shared. Nothing then
  ever asks for one object's shape with another's texture, and the texture map may tell both: with
  `finetune.swap` (not in the paper) shape, texture and camera come each from another example.
- The weight "anchor" (not in the paper, 0 there) adds the mean absolute difference between an example and
  the image rendered from its own four properties: it keeps the pictures of a small network in place.
  "outline" (1 - IOU of a picture's mask with the silhouette of the shape that was put in; here the mask is no
  constant) and "behind" (a pair's two backgrounds, low frequencies alone) are not in the paper, either; nor
  is "adversarial", by which the GAN's discriminator, trained on, keeps pictures as sharp as the examples. It
  judges the two pictures of a pair apart: its minibatch statistics would ask twins to differ.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh

from ganverse_jax.losses import cycle
from ganverse_jax.losses.adversarial import d_logistic, g_nonsaturating, r1_penalty
from ganverse_jax.losses.image import iou_loss
from ganverse_jax.models.stylegan_r.latent_mapper import LatentMapper
from ganverse_jax.models.stylegan_r.neural_renderer import render_codes
from ganverse_jax.runtime import parallel
from ganverse_jax.stages.stylegan_r.settings import FinetuneWeights

PROPERTY_INPUTS = ("camera", "shape", "texture", "image", "mask")


class CycleNetworks(NamedTuple):
    """What fine-tuning needs besides the mapper, as pure functions of (trained or constant) parameters.

    synthesise(generator_params, constants, view [b n], content [b m]) -> images [b h w 3] in [0, 1], not
    clipped; segment(constants, images, displacements, camera) -> masks [b h w 1] in [0, 1];
    predict(constants, images, masks) -> (displacements [b v 3], textures [b th tw 3]);
    silhouette: as segment, of the displacements; score(discriminator_params, images) -> logits [b], or None
    where no discriminator takes part.
    """

    synthesise: Callable
    segment: Callable
    predict: Callable
    silhouette: Callable
    score: Callable | None = None


def with_constants(step: Callable, mesh: Mesh, constants: Any) -> Callable:
    """`data_parallel` of step((state, constants), batch, *, key), called as f(state, batch, *, key).

    The constants stay on the devices between calls: buffers are donated to each call and handed back by it.
    """
    run = parallel.data_parallel(step, mesh)
    held = [parallel.replicate(constants, mesh)]

    def call(state, batch, *, key):
        (state, held[0]), metrics = run((state, held[0]), batch, key=key)
        return state, metrics

    return call


def make_optimizer(
    learning_rates: dict[str, float], num_steps: int, decay: float = 0.0
) -> optax.GradientTransformation:
    """Adam with one learning rate for each top-level group of the parameters ("mapper", "generator",
    "discriminator"), for the last with the betas of a StyleGAN2's training.

    decay: the last fraction of `num_steps` over which the rates fall linearly to zero; 0 keeps them
    constant, as in the paper.
    """

    def rate(value: float):
        if not decay:
            return value
        begin = round(num_steps * (1.0 - decay))
        return optax.schedules.linear_schedule(value, 0.0, max(num_steps - begin, 1), begin)

    betas = {"discriminator": dict(b1=0.0, b2=0.99)}
    rules = {name: optax.adam(rate(value), **betas.get(name, {})) for name, value in learning_rates.items()}
    return optax.transforms.partition(rules, lambda params: {name: name for name in params})


def new_state(params: dict, optimizer: optax.GradientTransformation) -> dict:
    """Training state: {"params", "opt_state"}."""
    return {"params": params, "opt_state": optimizer.init(params)}


def _update(optimizer, state: dict, gradient: dict) -> dict:
    updates, opt_state = optimizer.update(parallel.mean(gradient), state["opt_state"], state["params"])
    return {"params": optax.apply_updates(state["params"], updates), "opt_state": opt_state}


def unpack(batch: dict) -> dict:
    """Device side of a host batch: pictures and masks from uint8 to [0, 1], half-precision textures to
    float32.

    image uint8 [b h w 3] -> [0, 1]; mask uint8 [b h w] -> [b h w 1]; texture and others -> float32; camera
    [b c] or [b 2 c] -> its columns: azimuth, elevation, distance and perhaps the offset's x, y.
    """
    ready = {name: jnp.asarray(value, jnp.float32) for name, value in batch.items()}
    ready["image"] = ready["image"] / 255.0
    ready["mask"] = ready["mask"][..., None] / 255.0
    ready["camera"] = tuple(jnp.moveaxis(ready["camera"], -1, 0))
    return ready


def warmup_losses(mapper: LatentMapper, variables: dict, batch: dict) -> dict[str, jax.Array]:
    """Terms of Eq. 5: "code" (mean squared error over all of W*), and "entropy" (nats).

    batch: `unpack`ed image, mask, shape, texture, camera and the generator's codes view_style [b n],
    content_style [b m].
    """
    view, content, _ = mapper.apply(variables, *(batch[name] for name in PROPERTY_INPUTS))
    mapped = jnp.concatenate([view, content], axis=-1)
    target = jnp.concatenate([batch["view_style"], batch["content_style"]], axis=-1)
    gates = mapper.apply(variables, method=LatentMapper.gates)
    return {"code": cycle.squared_distance(mapped, target), "entropy": cycle.gate_entropy(gates)}


def make_warmup_step(
    mapper: LatentMapper, optimizer: optax.GradientTransformation, entropy_weight: float
) -> Callable:
    """Step of the warm-up for `with_constants`; parameters {"mapper"}, constants {"statistics"}.

    Nothing in it is random: the generator's noise buffers are fixed and samples come from the batch.
    """

    def step(state_and_constants, batch, *, key):
        state, constants = state_and_constants
        ready = unpack(batch)

        def loss(params):
            variables = {"params": params["mapper"], "statistics": constants["statistics"]}
            terms = warmup_losses(mapper, variables, ready)
            return terms["code"] + entropy_weight * terms["entropy"], terms

        gradient, terms = jax.grad(loss, has_aux=True)(state["params"])
        return (_update(optimizer, state, gradient), constants), parallel.mean(terms)

    return step


def finetune_losses(
    mapper: LatentMapper, networks: CycleNetworks, params: dict, constants: dict, batch: dict
) -> tuple[dict[str, jax.Array], jax.Array]:
    """The four terms of Eq. 6, and of our own: "anchor", the reconstruction of the example itself;
    "outline", 1 - IOU of the pictures' masks with the silhouettes of the shapes put in; "behind" (see
    `cycle.low_frequency_distance`), of a pair's two backgrounds. Unweighted means; and the pictures
    [2b h w 3].

    batch: `unpack`ed; camera (columns [b 2]), shape [b 2 v 3] and texture [b 2 th tw 3] hold the example's
    own first, the second picture's second; so does zoom [b 2], where inverse graphics is to see pictures
    enlarged: it knows no distance but the views'.
    """
    b = batch["image"].shape[0]
    flat = lambda x: x.swapaxes(0, 1).reshape(2 * b, *x.shape[2:])  # noqa: E731
    halves = lambda x: (x[:b], x[b:])  # noqa: E731
    shape, texture, camera = flat(batch["shape"]), flat(batch["texture"]), tuple(map(flat, batch["camera"]))
    background = (jnp.concatenate([x, x]) for x in (batch["image"], batch["mask"]))
    images, codes = render_codes(
        mapper, networks.synthesise, params, constants, camera, shape, texture, *background
    )
    seen = networks.segment(constants, images, shape, camera)
    masks = jax.lax.stop_gradient(seen)
    shown = (
        (images, masks) if "zoom" not in batch else (zoomed(x, flat(batch["zoom"])) for x in (images, masks))
    )
    shape_back, texture_back = networks.predict(constants, *shown)
    reader = {"params": jax.lax.stop_gradient(params["mapper"]), "statistics": constants["statistics"]}
    background_back = mapper.apply(reader, images, masks, method=LatentMapper.background_code)
    sampled = {
        "shape": halves(shape),
        "texture": halves(texture),
        "background": jax.lax.stop_gradient(codes[:b]),
    }
    returned = zip(halves(shape_back), halves(texture_back), halves(background_back), strict=True)
    first, second = (dict(zip(("shape", "texture", "background"), parts, strict=True)) for parts in returned)
    terms = cycle.cycle_terms(sampled, first, second)
    terms["anchor"] = jnp.mean(jnp.abs(images[:b] - batch["image"]))
    terms["outline"] = iou_loss(seen, networks.silhouette(constants, images, shape, camera))
    terms["behind"] = cycle.low_frequency_distance(*halves(images), *halves(1.0 - masks))
    return terms, images


def zoomed(pictures: jax.Array, factors: jax.Array) -> jax.Array:
    """Pictures [b h w c] enlarged about their middle by factors [b], in linear interpolation."""
    size = jnp.array(pictures.shape[1:3], jnp.float32)

    def one(picture, factor):
        corner = 0.5 * size * (1.0 - factor)
        return jax.image.scale_and_translate(
            picture, picture.shape, (0, 1), jnp.full(2, factor), corner, "linear", antialias=False
        )

    return jax.vmap(one)(pictures, factors)


def critic_losses(score: Callable, params: dict, real: jax.Array, made: jax.Array) -> dict[str, jax.Array]:
    """What trains the discriminator, unweighted: "critic", its logistic loss on examples [b h w 3] against
    both pictures of their pairs [2b h w 3], and "r1", the gradient penalty on the examples."""
    judge = functools.partial(score, params)
    return {"critic": d_logistic(judge(real), pair_logits(judge, made)), "r1": r1_penalty(judge, real)}


def pair_logits(judge: Callable, made: jax.Array) -> jax.Array:
    """What a discriminator says of both pictures of pairs [2b h w 3], the first ones judged apart."""
    return jnp.concatenate([judge(half) for half in jnp.split(made, 2)])


def make_finetune_step(
    mapper: LatentMapper,
    networks: CycleNetworks,
    optimizer: optax.GradientTransformation,
    weights: FinetuneWeights,
    micro_batches: int = 1,
) -> Callable:
    """Step of the fine-tuning for `with_constants`; parameters {"mapper", "generator"}, and "discriminator"
    where `networks` can score.

    constants: {"statistics"} and whatever `networks` read. weights: factor of each term of `finetune_losses`
    and `critic_losses`. Both players move at once, the discriminator by the pictures before the move.
    """

    def step(state_and_constants, batch, *, key):
        state, constants = state_and_constants
        part = functools.partial(
            _finetune_gradient, mapper, networks, vars(weights), state["params"], constants
        )
        gradient, metrics = parallel.in_micro_batches(part, batch, micro_batches)
        return (_update(optimizer, state, gradient), constants), parallel.mean(metrics)

    return step


def _finetune_gradient(
    mapper: LatentMapper, networks: CycleNetworks, weights: dict, params: dict, constants: dict, batch: dict
) -> tuple[dict, dict[str, jax.Array]]:
    """The gradient of all parameters by a (part of a) batch, and the terms."""
    ready, score = unpack(batch), networks.score

    def weighted(terms):
        return sum(weights[name] * value for name, value in terms.items()), terms

    def loss(made_by):
        terms, images = finetune_losses(mapper, networks, made_by, constants, ready)
        if score:
            judge = functools.partial(score, params["discriminator"])
            terms["adversarial"] = g_nonsaturating(pair_logits(judge, images))
        total, terms = weighted(terms)
        return total, (terms, images)

    made_by = {name: params[name] for name in ("mapper", "generator")}
    (total, (terms, images)), gradient = jax.value_and_grad(loss, has_aux=True)(made_by)
    if score:
        judged = functools.partial(critic_losses, score, real=ready["image"], made=images)
        gradient["discriminator"], told = jax.grad(lambda critic: weighted(judged(critic)), has_aux=True)(
            params["discriminator"]
        )
        terms |= told
    return gradient, terms | {"total": total}
