"""The phases of a training step over two bare networks."""

from ganverse_jax.losses.adversarial import GanFunctions


def plain_functions(generator, discriminator, noise_buffers):
    """`GanFunctions` of the two modules without style mixing; `noise_buffers` is the "noise" collection."""

    def map_(params, z):
        w = generator.apply({"params": params}, z, method="map")
        return generator.broadcast(w), w

    def synthesis(params, ws):
        variables = {"params": params, "noise": noise_buffers}
        return generator.apply(variables, ws, method="synthesis")

    def score(params, images):
        return discriminator.apply({"params": params}, images)

    return GanFunctions(map_, synthesis, score)
