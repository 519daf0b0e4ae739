"""Times jaxrenderer on one image of `rasterizer.py`'s scene; run by a Python that has it (jax < 0.5).

    python -m venv jr && jr/bin/pip install jaxrenderer
    python benchmarks/rasterizer.py --only compare --jaxrenderer jr/bin/python

It draws visibility and three interpolated channels; it has no soft mask and no gradients of the mesh.
Reads an .npz (vertices [v 3], faces [f 3], colours [v 3], eye [3], fov_y, height, width); prints one JSON
object.
"""

import argparse
import json
import time
from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np
from renderer.geometry import Camera
from renderer.pipeline import render
from renderer.renderer import CameraParameters, Renderer
from renderer.shaders.gouraud import GouraudExtraInput, GouraudShader
from renderer.types import LightSource


def image_of(scene, loop_unroll):
    """A jitted call that draws the image; height and width are static in its buffers."""
    height, width = int(scene["height"]), int(scene["width"])
    fov_y = float(scene["fov_y"])
    fov_x = 2 * np.arctan(np.tan(fov_y / 2) * width / height)
    camera: Camera = Renderer.create_camera_from_parameters(
        CameraParameters(
            viewWidth=width, viewHeight=height, hfov=float(np.degrees(fov_x)), vfov=float(np.degrees(fov_y)),
            position=jnp.asarray(scene["eye"]), up=jnp.array([0.0, 1.0, 0.0]),
        )
    )  # fmt: skip
    towards = jnp.array([0.0, 0.0, 1.0])
    # Every normal faces the light, so the shading is 1 and the colours are plainly interpolated.
    normals = jnp.broadcast_to(towards, scene["vertices"].shape)

    @jax.jit
    def draw(vertices, colours):
        extra = GouraudExtraInput(vertices, colours, normals, LightSource(towards, jnp.ones(3)))
        buffers = Renderer.create_buffers(width, height)
        faces = jnp.asarray(scene["faces"])
        return render(camera, GouraudShader, buffers, faces, extra, loop_unroll=loop_unroll)

    operands = jnp.asarray(scene["vertices"]), jnp.asarray(scene["colours"])
    return lambda: jax.block_until_ready(draw(*operands))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scene")
    parser.add_argument("--calls", type=int, default=3)
    parser.add_argument("--loop_unroll", type=int, default=1)
    options = parser.parse_args()
    run = image_of(np.load(options.scene), options.loop_unroll)
    drawn = run()
    times = []
    for _ in range(options.calls):
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    result = {"forward_ms": float(np.median(times)), "forward_least_ms": min(times)}
    result["covered"] = float(jnp.mean(jnp.asarray(drawn.zbuffer) < 1))
    result["versions"] = {name: version(name) for name in ("jaxrenderer", "jax")}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
