"""The mapping network of StyleGAN-R: camera, shape, texture and background to a style code W* (Sec. 3.3).

Codes leave the four sub-networks in standard units (zero mean, unit deviation over the generator's own
codes) and are put back into raw style units by fixed statistics, kept in the "statistics" collection
beside the parameters. A fresh mapper therefore outputs the mean code of the chosen views. The paper is
silent about this; softmax gates sum to one, so Eq. 4 reads the same in both units.

The view code follows the paper: only the `view_dims` dimensions of W*_V with the highest correlation with
the annotated viewpoints are predicted. All other view dimensions hold their mean over the chosen views.
Where the generator takes a camera itself (`models.stylegan2.camera_input`), its own mapping is g_v: the view
code is then that camera, and W*_STB reaches every layer. Such a camera has no distance; with `distance` a
further network g_d adds it to W*_STB.
"""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

SMALLEST_ELEVATION_SPREAD = np.deg2rad(5.0)
SMALLEST_DISTANCE_SPREAD = 0.1
PROPERTIES = ("shape", "texture", "background")


def camera_features(
    azimuth: Float[Array, "b"],
    elevation: Float[Array, "b"],
    distance: Float[Array, "b"],
    reference: Float[Array, "2 2"],
) -> Float[Array, "b 4"]:
    """Camera as (sin azimuth, cos azimuth, elevation, log distance), the last two standardised.

    azimuth, elevation: radians [b]; distance: world units [b]; reference: rows (centre, spread), columns
    (elevation in radians, log distance), from `camera_reference`.
    """
    rest = jnp.stack([elevation, jnp.log(distance)], axis=-1)
    rest = (rest - reference[0]) / reference[1]
    return jnp.concatenate([jnp.sin(azimuth)[:, None], jnp.cos(azimuth)[:, None], rest], axis=-1)


def camera_reference(elevation: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Centre and spread of the views' elevation (radians) and log distance: [2 2], for `camera_features`.

    Spreads are kept above 5 degrees and 10 %: views that hardly differ must not turn a small change into a
    huge input.
    """
    values = np.stack([elevation, np.log(distance)], axis=-1)
    smallest = np.array([SMALLEST_ELEVATION_SPREAD, SMALLEST_DISTANCE_SPREAD])
    return np.stack([values.mean(0), np.maximum(values.std(0), smallest)]).astype(np.float32)


def view_correlation(view_styles: Float[np.ndarray, "k n"], features: Float[np.ndarray, "k f"]) -> np.ndarray:
    """Multiple correlation R in [0, 1] of each view-style dimension with the camera features of the k views.

    R is the correlation of the dimension with its best linear prediction from the features; sin and cos of
    the azimuth are thus judged together, whatever the phase. Dimensions that do not vary get 0. With k <=
    f + 1 views every dimension is predicted exactly and R says nothing: choose more views.
    """
    styles = view_styles - view_styles.mean(0)
    centred = features - features.mean(0)
    # Elevations of uncalibrated views are all equal: such a feature has no direction and must not add one.
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    basis = left[:, values > 1e-6 * max(values.max(), 1e-12)]
    explained = np.square(basis.T @ styles).sum(0)
    total = np.square(styles).sum(0)
    moves = total > 1e-10 * max(total.max(), 1e-12)
    return np.sqrt(np.where(moves, explained / np.where(moves, total, 1.0), 0.0).clip(0.0, 1.0))


def choose_view_dims(view_styles: np.ndarray, features: np.ndarray, count: int) -> np.ndarray:
    """Sorted indices [count] of the view-style dimensions with the highest `view_correlation` (144 of 2048
    in the paper).

    Raises ValueError when `count` exceeds the number of view dimensions.
    """
    size = view_styles.shape[1]
    if not 0 < count <= size:
        raise ValueError(
            f"view_dims {count} is not in 1..{size}, the view dimensions of this generator; set view_dims"
        )
    correlation = view_correlation(view_styles, features)
    return np.sort(np.argsort(-correlation, kind="stable")[:count]).astype(np.int32)


class CodeMlp(nn.Module):
    """Leaky-ReLU MLP to a code in standard units; its last layer starts at zero: at the mean."""

    hidden: tuple[int, ...]
    size: int

    @nn.compact
    def __call__(self, x: Float[Array, "b n"]) -> Float[Array, "b size"]:
        """Input [b n] to code [b size]."""
        for width in self.hidden:
            x = nn.leaky_relu(nn.Dense(width, kernel_init=nn.initializers.he_normal())(x), 0.2)
        return nn.Dense(self.size, kernel_init=nn.initializers.zeros)(x)


class CodeCnn(nn.Module):
    """Stride-2 3x3 convolutions down to 4 pixels, then a `CodeMlp`; channels double up to `channels_max`."""

    channels: int
    channels_max: int
    hidden: tuple[int, ...]
    size: int

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b size"]:
        """Picture [b h w c] to code [b size]."""
        width = self.channels
        while max(x.shape[1:3]) > 4:
            x = nn.Conv(width, (3, 3), strides=(2, 2), kernel_init=nn.initializers.he_normal())(x)
            x = nn.leaky_relu(x, 0.2)
            width = min(2 * width, self.channels_max)
        return CodeMlp(self.hidden, self.size)(x.reshape(x.shape[0], -1))


class LatentMapper(nn.Module):
    """g_v, g_s, g_t, g_b and the softmax gates s of Eq. 3 and 4, arXiv:2010.09125.

    view_size, content_size: widths of W*_V and W*_STB (2048 and 3008 for the paper's car); view_dims: how
    many view dimensions are predicted, 0 where the generator takes a camera (view_size 2); distance: there,
    the content follows the camera's distance; hidden: widths of the MLPs; channels, channels_max: first and
    largest width of the CNNs. gate_speed: the gates' logits are so many times their parameter, and Adam moves
    them as much faster; short runs need it, since nothing goes further than steps x learning rate.
    Variables: "params" and "statistics" (see `neutral_statistics`); the latter are set before training.
    """

    view_size: int
    content_size: int
    view_dims: int
    num_vertices: int
    hidden: tuple[int, ...] = (256, 256)
    channels: int = 32
    channels_max: int = 128
    gate_speed: float = 1.0
    distance: bool = False

    def setup(self):
        if self.view_dims:
            self.view_net = CodeMlp(self.hidden, self.view_dims)
        elif self.distance:
            self.distance_net = CodeMlp(self.hidden[-1:], self.content_size)
        self.shape_net = CodeMlp(self.hidden, self.content_size)
        cnn = (self.channels, self.channels_max, self.hidden[-1:], self.content_size)
        self.texture_net = CodeCnn(*cnn)
        self.background_net = CodeCnn(*cnn)
        self.gate_logits = self.param("gate_logits", nn.initializers.zeros, (3, self.content_size))
        for name, value in self.neutral_statistics().items():
            setattr(self, name, self.variable("statistics", name, lambda value=value: jnp.asarray(value)))

    def neutral_statistics(self) -> dict[str, np.ndarray]:
        """Statistics that change nothing: their names, shapes and units.

        camera_reference [2 2] (see `camera_reference`); view_index [view_dims] which view dimensions are
        predicted; view_mean, view_std [view_size] and content_mean, content_std [content_size] of the
        generator's codes; shape_mean [v 3] and shape_std [] of the displacements. Where view_dims is 0,
        instead of the first four, camera_offset [2]: what is added to azimuth and elevation (radians), and
        with `distance` distance_reference [2]: centre and spread of the views' log distance.
        """
        view, content = self.view_size, self.content_size
        of_view = {"camera_offset": np.zeros(2, np.float32)}
        of_view |= {"distance_reference": np.array([0.0, 1.0], np.float32)} if self.distance else {}
        if self.view_dims:
            of_view = {
                "camera_reference": np.array([[0.0, 0.0], [1.0, 1.0]], np.float32),
                "view_index": np.arange(self.view_dims, dtype=np.int32),
                "view_mean": np.zeros(view, np.float32),
                "view_std": np.ones(view, np.float32),
            }
        return of_view | {
            "content_mean": np.zeros(content, np.float32),
            "content_std": np.ones(content, np.float32),
            "shape_mean": np.zeros((self.num_vertices, 3), np.float32),
            "shape_std": np.ones((), np.float32),
        }

    @property
    def takes_distance(self) -> bool:
        """Whether its pictures follow the camera's distance: a generator's own camera has none."""
        return bool(self.view_dims) or self.distance

    def view_code(self, azimuth, elevation, distance) -> Float[Array, "b view_size"]:
        """Camera (radians, world units; [b] each) to W*_V in raw style units [b view_size]; to azimuth and
        elevation [b 2] as the generator takes them, where it does."""
        if not self.view_dims:
            return jnp.stack([azimuth, elevation], axis=-1) + self.camera_offset.value
        features = camera_features(azimuth, elevation, distance, self.camera_reference.value)
        index = self.view_index.value
        predicted = self.view_mean.value[index] + self.view_std.value[index] * self.view_net(features)
        mean = jnp.broadcast_to(self.view_mean.value, (features.shape[0], self.view_size))
        return mean.at[:, index].set(predicted)

    def shape_code(self, displacements: Float[Array, "b v 3"]) -> Float[Array, "b content_size"]:
        """g_s: vertex displacements S, world units [b v 3], to a content code in standard units."""
        scaled = (displacements - self.shape_mean.value) / self.shape_std.value
        return self.shape_net(scaled.reshape(scaled.shape[0], -1))

    def texture_code(self, texture: Float[Array, "b th tw 3"]) -> Float[Array, "b content_size"]:
        """g_t: texture map T in [0, 1] to a content code in standard units."""
        return self.texture_net(2.0 * texture - 1.0)

    def background_code(
        self, image: Float[Array, "b h w 3"], mask: Float[Array, "b h w 1"]
    ) -> Float[Array, "b content_size"]:
        """g_b: picture and object mask in [0, 1] to a content code; the object itself is cut out."""
        seen = 1.0 - mask
        return self.background_net(jnp.concatenate([(2.0 * image - 1.0) * seen, seen], axis=-1))

    def gates(self) -> Float[Array, "3 content_size"]:
        """Softmax gates s_m, s_t, s_b of Eq. 4: per property and dimension, shared by all samples."""
        return nn.softmax(self.gate_speed * self.gate_logits, axis=0)

    def combine(self, shape, texture, background) -> Float[Array, "b content_size"]:
        """Gated sum of three codes in standard units, in raw style units: W*_STB of Eq. 4."""
        gates = self.gates()
        mixed = gates[0] * shape + gates[1] * texture + gates[2] * background
        return self.content_mean.value + self.content_std.value * mixed

    def __call__(self, camera, displacements, texture, image, mask) -> tuple[Array, Array, Array]:
        """All four properties to (W*_V [b view_size], W*_STB [b content_size]), raw style units, and the
        background's own code [b content_size].

        camera: (azimuth, elevation, distance), radians and world units, [b] each; an offset in the picture
        that follows is not read.
        """
        background = self.background_code(image, mask)
        return *self.codes(camera, displacements, texture, background), background

    def codes(self, camera, displacements, texture, background) -> tuple[Array, Array]:
        """(W*_V, W*_STB) as by `__call__`, of a background that is already a code [b content_size]."""
        content = self.combine(self.shape_code(displacements), self.texture_code(texture), background)
        if self.distance and not self.view_dims:
            centre, spread = self.distance_reference.value
            away = (jnp.log(camera[2]) - centre) / spread
            content += self.content_std.value * self.distance_net(away[:, None])
        return self.view_code(*camera[:3]), content


def measured_statistics(
    view_styles: Float[np.ndarray, "k n"],
    content_styles: Float[np.ndarray, "b m"],
    displacements: Float[np.ndarray, "b v 3"],
    cameras: tuple[np.ndarray, np.ndarray, np.ndarray],
    view_dims: int,
    with_distance: bool = False,
) -> dict[str, Int[np.ndarray, "..."] | Float[np.ndarray, "..."]]:
    """The "statistics" collection of a `LatentMapper`, measured on the chosen views and a set of samples.

    view_styles: W*_V of the k chosen views, or with view_dims 0 the cameras [k 2] (azimuth, elevation) that
    the generator is given for them; content_styles: W*_STB of samples; displacements: shapes of
    those samples; cameras: (azimuth, elevation, distance) of the views, [k] each, radians and world units;
    with_distance: of the mapper.
    """
    azimuth, elevation, distance = (np.asarray(x, np.float32) for x in cameras)
    if view_dims:
        reference = camera_reference(elevation, distance)
        features = np.asarray(camera_features(azimuth, elevation, distance, reference))
        of_view = {
            "camera_reference": reference,
            "view_index": choose_view_dims(view_styles, features, view_dims),
            "view_mean": view_styles.mean(0),
            "view_std": view_styles.std(0) + 1e-4,
        }
    else:
        turned, lifted = view_styles.T - np.stack([azimuth, elevation])
        offset = np.angle(np.exp(1j * turned).mean()), lifted.mean()
        of_view = {"camera_offset": np.array(offset, np.float32)}
        if with_distance:
            of_view["distance_reference"] = camera_reference(elevation, distance)[:, 1]
    mean_shape = displacements.mean(0)
    return of_view | {
        "content_mean": content_styles.mean(0),
        "content_std": content_styles.std(0) + 1e-4,
        "shape_mean": mean_shape,
        "shape_std": np.float32((displacements - mean_shape).std() + 1e-6),
    }
