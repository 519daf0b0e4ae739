"""The paper's bird model: StyleGAN2 of NABirds at 256 x 256, 8 views, 1000 objects.

No weights were released, so the GAN is trained first, by this code. NABirds comes as nabirds.tar.gz after its
terms are accepted at Cornell's Lab of Ornithology; unpack it into data/, then

    python -m launch.train --config=configs/bird.py --workdir=runs/bird --stages=gan
    python -m launch.train --config=configs/bird.py --workdir=runs/bird

The first command decodes the 48,562 pictures once (9.5 GB in runs/bird/cache) and trains; it can be killed
and run again. The second takes that GAN and goes on. The paper gives no settings for the birds' GAN; those
below are stylegan2-ada's for the original StyleGAN2 at 256 x 256 ("paper256"): 25 million images, six days on
one V100 at its published 21.6 s per 1000, convolutions in half precision. Because the set is small, pictures
are mirrored and what the discriminator sees is augmented, as strongly as keeps it from learning the set by
heart (arXiv:2006.06676): metrics.jsonl shows the probability as augment_p. Above 0.8 the transforms begin to
show in runs/bird/samples; then stop, or add pictures.

The paper's inverse graphics: 200,000 steps of batch 16, about 120 hours on four V100 (Sec. 4.1; 60 hours in
Table A).
"""

from ml_collections import ConfigDict

from ganverse_jax.stages.gan.settings import DiscriminatorSize, GeneratorSize

from . import paper
from .defaults import to_config


def get_config() -> ConfigDict:
    """All settings, one section per stage."""
    config = paper.get_config(
        name="bird",
        views=8,
        objects=1000,
        crop=None,
        origin="a StyleGAN2 trained on NABirds' 48,562 images (the data's te"
        "rms allow non-commercial research; no weights were released)",
    )
    config.gan.how_to_get = (
        "train it: unpack NABirds into data/ and run: python -m launch.train --config=configs/bird.py "
        "--workdir=runs/bird --stages=gan, then the same without --stages; or, if you have "
        + config.gan.how_to_get.removeprefix("get ")
    )
    sizes = dict(resolution=256, channel_base=16384, channel_max=512, conv_clamp=256.0)
    config.gan.update(
        generator=to_config(GeneratorSize(z_dim=512, w_dim=512, mapping_layers=8, **sizes)),
        discriminator=to_config(DiscriminatorSize(mbstd_group=8, **sizes)),
        # A few pictures are less than 256 pixels high or wide.
        data=dict(kind="images", path="data/nabirds/images", unfit="skip"),
        mirror=True,
        batch_size=64,
        num_steps=390_625,
        augment=dict(adaptive=True),
        compute_dtype="bfloat16",  # on GPUs and TPUs; a CPU is faster with "float32"
        ema_half_life=20_000.0,
        save_every=2000,
    )
    return config
