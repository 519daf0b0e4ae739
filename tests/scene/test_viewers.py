"""A .glb as its readers take it: its parts, the Khronos validator, and three.js beside our own render."""

import base64
import functools
import http.server
import io
import json
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import rasterizer
from ganverse_jax.commands.reconstruct.overlay import OUTLINE, draw_layer, lay_over
from ganverse_jax.data.crops import Crop
from ganverse_jax.scene.files import TexturedMesh, write_mesh
from ganverse_jax.scene.meshes import PredictedMeshes, render_meshes
from ganverse_jax.scene.pinhole import crop_pinhole, uncropped
from tests.annotation import chromium
from tests.scene.mesh_reader import glb_contents

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
SIDE, FOV, DISTANCE = 256, 0.6, 5.0
PAGE = """<script type="importmap">
{"imports": {"three": "/node_modules/three/build/three.module.js"}}
</script>
<script type="module">
import * as THREE from "three";
import {GLTFLoader} from "/node_modules/three/examples/jsm/loaders/GLTFLoader.js";
const renderer = new THREE.WebGLRenderer({preserveDrawingBuffer: true});
renderer.setSize(SIDE, SIDE);
const scene = new THREE.Scene(), camera = new THREE.PerspectiveCamera(FOV, 1, 0.1, 100);
scene.background = new THREE.Color(1, 1, 1);
scene.add(new THREE.HemisphereLight(0xffffff, 0x333333, 3));
const {scene: loaded, cameras} = await new GLTFLoader().loadAsync("/car.glb");
scene.add(loaded);
const picture = camera => {
  renderer.render(scene, camera);
  return renderer.domElement.toDataURL("image/png");
};
window.shot = (x, y, z) => {
  camera.position.set(x, y, z);
  camera.lookAt(0, 0, 0);
  return picture(camera);
};
window.shotOfFile = () => picture(cameras[0]);
window.shotBy = (projection, pose) => {
  const given = new THREE.Camera();
  new THREE.Matrix4().set(...pose).decompose(given.position, given.quaternion, given.scale);
  given.projectionMatrix.set(...projection);
  return picture(given);
};
</script>"""


def lump(level=3):
    """A shape without symmetry whose texture tells every direction."""
    mesh = rasterizer.icosphere(level)
    x, y, z = np.asarray(mesh.vertices).T
    vertices = np.stack([0.6 * x + 0.1 * y, 0.5 * y + 0.2 * z * z, z * (1 + 0.2 * x)], axis=-1)
    v, u = np.mgrid[0.5:128, 0.5:256] / [[[128]], [[256]]]
    turn = 2 * np.pi * u
    texture = np.stack([0.5 + 0.4 * np.cos(turn), 0.1 + 0.8 * v, 0.5 + 0.4 * np.sin(turn)], axis=-1)
    return TexturedMesh(vertices, *(np.asarray(leaf) for leaf in mesh[1:]), texture.astype(np.float32))


def test_a_glb_has_smooth_normals_one_texture_and_no_colours(tmp_path):
    mesh = lump()
    tree, accessor = glb_contents(write_mesh(tmp_path / "car.glb", mesh))
    (primitive,) = tree["meshes"][0]["primitives"]
    assert set(primitive["attributes"]) == {"POSITION", "NORMAL", "TEXCOORD_0"}
    assert len(tree["images"]) == len(tree["textures"]) == len(tree["materials"]) == 1
    position, normal = (accessor(primitive["attributes"][name], 3) for name in ("POSITION", "NORMAL"))
    np.testing.assert_allclose(np.linalg.norm(normal, axis=1), 1, atol=1e-6)  # float32
    # On both sides of the texture's seam the surface bends alike: one normal for one place.
    smooth = np.asarray(rasterizer.compute_vertex_normals(mesh.vertices[None], mesh.faces)[0])
    place = np.abs(position[:, None] - mesh.vertices.astype(np.float32)).sum(axis=-1).argmin(axis=1)
    assert len(position) > len(mesh.vertices)
    np.testing.assert_allclose(normal, smooth[place], atol=1e-6)


def test_a_mesh_of_no_area_still_has_unit_normals(tmp_path):
    mesh = lump(0)
    flat = mesh._replace(vertices=np.zeros_like(mesh.vertices))
    tree, accessor = glb_contents(write_mesh(tmp_path / "car.glb", flat))
    normal = accessor(tree["meshes"][0]["primitives"][0]["attributes"]["NORMAL"], 3)
    np.testing.assert_array_equal(np.linalg.norm(normal, axis=1), 1)


def test_the_texture_continues_in_a_viewer_as_in_our_renders(tmp_path):
    tree, _ = glb_contents(write_mesh(tmp_path / "car.glb", lump(0)))
    sampler = tree["samplers"][tree["textures"][0]["sampler"]]
    # REPEAT along u, CLAMP_TO_EDGE along v: the defaults of `sample_texture`.
    assert (sampler["wrapS"], sampler["wrapT"]) == (10497, 33071)


def test_the_material_is_unlit_or_rough_by_choice(tmp_path):
    for material, extensions in (("unlit", ["KHR_materials_unlit"]), ("rough", [])):
        tree, _ = glb_contents(write_mesh(tmp_path / "car.glb", lump(0), material))
        assert (
            tree.get("extensionsUsed", []) == list(tree["materials"][0].get("extensions", {})) == extensions
        )
        shading = tree["materials"][0]["pbrMetallicRoughness"]  # also of viewers without the extension
        assert (shading["metallicFactor"], shading["roughnessFactor"]) == (0.0, 1.0)


@pytest.mark.skipif(
    shutil.which("node") is None or not (MODULES / "gltf-validator").is_dir(),
    reason="no glTF validator (Node.js, and npm install --prefix tests/scene)",
)
@pytest.mark.parametrize("material", ["unlit", "rough"])
def test_the_khronos_validator_has_no_objection(tmp_path, material):
    camera = {"azimuth": np.array([0.8]), "elevation": np.array([0.3]), "distance": np.array([4.0])}
    path = write_mesh(tmp_path / "car.glb", lump(), material, crop_pinhole(camera, FOV, (48, 64)))
    script = (
        "const bytes = new Uint8Array(require('fs').readFileSync(process.argv[1]));"
        "require('gltf-validator').validateBytes(bytes).then(r => console.log(JSON.stringify(r.issues)))"
    )
    told = subprocess.run(["node", "-e", script, path], cwd=HERE, capture_output=True, text=True, check=True)
    issues = json.loads(told.stdout)
    # Of severity "hint" is that trimesh leaves bufferView.target out, which is optional.
    assert [m for m in issues["messages"] if m["code"] != "BUFFER_VIEW_TARGET_MISSING"] == []


class Files(http.server.SimpleHTTPRequestHandler):
    """Serves the page and the mesh in `folder`, and node_modules here."""

    def __init__(self, *arguments, folder, **options):
        self.folder = folder
        super().__init__(*arguments, **options)

    def translate_path(self, path):
        root = HERE if path.startswith("/node_modules/") else self.folder
        return str(root / path.lstrip("/"))

    def log_message(self, *_):
        pass


@pytest.fixture
def viewer(tmp_path):
    """function(call) -> uint8 [SIDE SIDE 3], tmp_path/car.glb in three.js by a call of PAGE's functions."""
    if not (MODULES / "three").is_dir():
        pytest.skip("no three.js (npm install --prefix tests/scene)")
    page = PAGE.replace("SIDE", str(SIDE)).replace("FOV", str(np.degrees(FOV)))
    (tmp_path / "page.html").write_text(page)
    handler = functools.partial(Files, folder=tmp_path)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    flags = "--use-gl=angle --use-angle=swiftshader --enable-unsafe-swiftshader"
    browser = chromium.Browser(tmp_path / "profile", flags=flags)

    def shot(call):
        browser.open(f"http://127.0.0.1:{server.server_port}/page.html")
        browser.wait_for("window.shot !== undefined", 120.0)
        picture = browser.evaluate(f"window.{call}").partition(",")[2]
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB"))

    yield shot
    browser.close()
    server.shutdown()
    server.server_close()


@pytest.mark.slow
@pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine (apt install chromium)")
@pytest.mark.parametrize("azimuth, elevation", [(0.0, 0.2), (2.0, 0.5), (-1.2, -0.3)])
def test_three_js_shows_an_unlit_mesh_as_our_own_render_does(tmp_path, viewer, azimuth, elevation):
    mesh = lump()
    write_mesh(tmp_path / "car.glb", mesh)
    eye = DISTANCE * np.array(
        [np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)]
    )
    seen = viewer("shot({}, {}, {})".format(*eye))
    camera = rasterizer.Camera(azimuth, elevation, DISTANCE, FOV)
    vertices = mesh.vertices[None].astype(np.float32)
    own = rasterizer.render(vertices, *mesh[1:4], mesh.texture[None], camera, SIDE, SIDE)
    covered = np.asarray(own.fragments.face_id[0]) >= 0
    ours = np.where(covered[..., None], 255 * np.asarray(own.rgb[0]), 255)
    Image.fromarray(np.concatenate([seen, ours.astype(np.uint8)], axis=1)).save(tmp_path / "both.png")
    object_seen = (seen < 250).any(axis=-1)
    iou = (object_seen & covered).sum() / (object_seen | covered).sum()
    difference = np.abs(seen.astype(float) - ours)[object_seen & covered].mean()
    print(f"azimuth {azimuth}: IOU {iou:.4f}, mean difference {difference:.2f} of 255")
    # Edges differ by smoothing alone, a pixel in a contour of some 400 around 15,000; colours by mip levels.
    assert iou > 0.98 and difference < 3


def iou_seen(seen, covered):
    """Of the object on white that three.js shows with a mask bool [h w]."""
    object_seen = (seen < 250).any(axis=-1)
    return (object_seen & covered).sum() / (object_seen | covered).sum()


@pytest.mark.slow
@pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine (apt install chromium)")
def test_three_js_sees_a_photos_object_where_the_overlay_has_it(tmp_path, viewer):
    mesh, photo = lump(), (SIDE, SIDE)
    meshes = PredictedMeshes(np.float32(mesh.vertices[None]), 0 * mesh.texture[None] + 1, *mesh[1:4])
    angles = {"azimuth": 0.8, "elevation": 0.3, "distance": DISTANCE, "offset": (0.1, -0.2)}
    cameras = {name: np.array([value]) for name, value in angles.items()}
    crop = Crop((100.0, 140.0), 2.5, 0.0, (64, 64))
    of_crop = crop_pinhole(cameras, FOV, crop.size)
    write_mesh(tmp_path / "car.glb", mesh, camera=of_crop)
    _, covered = render_meshes(meshes, np.zeros(1, int), cameras, photo, FOV)
    in_file = iou_seen(viewer("shotOfFile()"), covered[0] > 0)
    record = uncropped(of_crop, crop, photo).record()["opengl"]
    projection, pose = (np.ravel(record[name]).tolist() for name in ("projection", "camera_to_world"))
    seen = viewer(f"shotBy({projection}, {pose})")
    black = np.zeros((*photo, 3), np.uint8)
    laid = lay_over(black, SIDE, *draw_layer(meshes, cameras, crop, FOV))
    Image.fromarray(np.concatenate([seen, laid], axis=1)).save(tmp_path / "both.png")
    on_photo = iou_seen(seen, (laid[..., 0] > 127) & (laid != OUTLINE).any(axis=-1))
    print(f"the file's camera: IOU {in_file:.4f}; the photo's: {on_photo:.4f}")
    assert min(in_file, on_photo) > 0.98  # edges differ by smoothing, as above
