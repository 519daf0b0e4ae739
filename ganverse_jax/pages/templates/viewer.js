// A small WebGL1 mesh viewer: one program, one canvas, orbit camera.
(function () {
  const data = document.getElementById("meshes");
  if (!data) return;
  const root = document.querySelector(".viewer"), canvas = root.querySelector("canvas");
  const message = root.querySelector(".viewer-message"), note = root.querySelector(".viewer-note");
  const gl = canvas.getContext("webgl", { antialias: true, alpha: true, premultipliedAlpha: true });
  function giveUp(reason) {
    message.textContent = reason + " " + root.dataset.files + " open in any glTF viewer.";
    canvas.hidden = true;
  }
  if (!gl) { giveUp("This browser offers no WebGL, so the mesh cannot be turned here."); return; }

  const vertexSource = `
    attribute vec3 position; attribute vec3 normal; attribute vec2 uv;
    uniform mat4 viewProjection; uniform mediump float mode;
    varying vec3 n; varying vec2 t; varying vec3 p;
    void main() {
      n = normal; t = uv; p = position;
      gl_Position = viewProjection * vec4(position, 1.0);
      if (mode > 1.5 && mode < 2.5) gl_Position.z -= 0.0015 * gl_Position.w;
    }`;
  // mode 0 textured, 1 plain clay, 2 lines, 3 soft shadow on the ground
  const fragmentSource = `
    precision mediump float;
    varying vec3 n; varying vec2 t; varying vec3 p;
    uniform sampler2D picture; uniform vec3 eye; uniform float mode; uniform vec3 tint; uniform float shade;
    void main() {
      if (mode > 2.5) {
        float r = length(t * 2.0 - 1.0);
        float a = shade * pow(clamp(1.0 - r, 0.0, 1.0), 1.6);
        gl_FragColor = vec4(0.0, 0.0, 0.0, a); return;
      }
      if (mode > 1.5) { gl_FragColor = vec4(tint, 1.0); return; }
      vec3 m = normalize(n), toEye = normalize(eye - p);
      float key = max(dot(m, normalize(vec3(0.5, 0.9, 0.6))), 0.0);
      float sky = 0.5 + 0.5 * m.y;
      float rim = pow(1.0 - max(dot(m, toEye), 0.0), 3.0);
      if (mode < 0.5) {
        vec3 c = texture2D(picture, t).rgb;
        gl_FragColor = vec4(c * (0.84 + 0.1 * sky + 0.1 * key), 1.0);
      } else {
        vec3 c = tint * (0.34 + 0.3 * sky + 0.46 * key) + 0.12 * rim;
        gl_FragColor = vec4(c, 1.0);
      }
    }`;
  function compile(kind, source) {
    const s = gl.createShader(kind);
    gl.shaderSource(s, source); gl.compileShader(s);
    return s;
  }
  const program = gl.createProgram();
  gl.attachShader(program, compile(gl.VERTEX_SHADER, vertexSource));
  gl.attachShader(program, compile(gl.FRAGMENT_SHADER, fragmentSource));
  ["position", "normal", "uv"].forEach((name, i) => gl.bindAttribLocation(program, i, name));
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    giveUp("WebGL refused the viewer's shaders. " + (gl.getProgramInfoLog(program) || ""));
    return;
  }
  message.remove(); gl.useProgram(program);
  const where = name => gl.getUniformLocation(program, name);
  const at = Object.fromEntries(["viewProjection", "eye", "mode", "tint", "shade", "picture"].map(n => [n, where(n)]));

  const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer;
  function buffer(target, content) {
    const b = gl.createBuffer();
    gl.bindBuffer(target, b); gl.bufferData(target, content, gl.STATIC_DRAW);
    return b;
  }
  function texture(image) {
    const t = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, t);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB, 1, 1, 0, gl.RGB, gl.UNSIGNED_BYTE, new Uint8Array([190, 186, 178]));
    const upload = () => {
      gl.bindTexture(gl.TEXTURE_2D, t);
      gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, true);  // uv starts at the bottom, rows at the top
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB, gl.RGB, gl.UNSIGNED_BYTE, image);
      gl.generateMipmap(gl.TEXTURE_2D);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);  // u runs round and repeats
      ask();
    };
    if (image.complete && image.naturalWidth) upload(); else image.onload = upload;
    return t;
  }
  function load(m, image) {
    const whole = new Int16Array(bytes(m.position)), small = new Int8Array(bytes(m.normal));
    const position = Float32Array.from(whole, v => v / 32767), normal = Float32Array.from(small, v => v / 127);
    let low = 1, x = 0, z = 0;
    for (let i = 0; i < position.length; i += 3) {
      x = Math.max(x, Math.abs(position[i])); z = Math.max(z, Math.abs(position[i + 2])); low = Math.min(low, position[i + 1]);
    }
    const face = new Uint16Array(bytes(m.face)), edge = new Uint16Array(bytes(m.edge));
    const uv = m.uv ? new Float32Array(bytes(m.uv)) : new Float32Array(position.length / 3 * 2);
    const f = 1.5, y = low - 0.004;
    return {
      info: m, picture: image && texture(image), radius: m.radius,
      position: buffer(gl.ARRAY_BUFFER, position), normal: buffer(gl.ARRAY_BUFFER, normal), uv: buffer(gl.ARRAY_BUFFER, uv),
      face: buffer(gl.ELEMENT_ARRAY_BUFFER, face), faces: face.length,
      edge: buffer(gl.ELEMENT_ARRAY_BUFFER, edge), edges: edge.length,
      ground: buffer(gl.ARRAY_BUFFER, new Float32Array([-f * x, y, -f * z, f * x, y, -f * z, -f * x, y, f * z, f * x, y, f * z])),
      groundUv: buffer(gl.ARRAY_BUFFER, new Float32Array([0, 0, 1, 0, 0, 1, 1, 1])),
    };
  }

  const infos = JSON.parse(data.textContent), loaded = [];
  // asked for at once, so that the page's load event waits for them and the first frame has its texture
  const images = infos.map(m => m.texture && Object.assign(new Image(), { src: m.texture }));
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const state = { mesh: 0, style: "textured", azimuth: 0.65, elevation: 0.3, zoom: 1, turning: !still, visible: true };
  const current = () => loaded[state.mesh] || (loaded[state.mesh] = load(infos[state.mesh], images[state.mesh]));

  function camera(mesh, aspect) {
    const half = Math.tan(Math.PI / 12), reach = mesh.radius / Math.sin(Math.PI / 12) * 0.94;
    const r = reach / state.zoom / Math.min(1, aspect), a = state.azimuth, e = state.elevation;
    const eye = [r * Math.sin(a) * Math.cos(e), r * Math.sin(e), r * Math.cos(a) * Math.cos(e)];
    const b = eye.map(v => v / r), s = [Math.cos(a), 0, -Math.sin(a)];
    const u = [b[1] * s[2] - b[2] * s[1], b[2] * s[0] - b[0] * s[2], b[0] * s[1] - b[1] * s[0]];
    const near = 0.05, far = r + 8, A = (far + near) / (near - far), B = 2 * far * near / (near - far);
    const px = 1 / (half * aspect), py = 1 / half, m = new Float32Array(16);
    for (let i = 0; i < 3; i++) {
      m[4 * i] = px * s[i]; m[4 * i + 1] = py * u[i]; m[4 * i + 2] = A * b[i]; m[4 * i + 3] = -b[i];
    }
    m[14] = -A * r + B; m[15] = r;
    return { m, eye };
  }
  function attribute(index, b, size) {
    gl.bindBuffer(gl.ARRAY_BUFFER, b); gl.enableVertexAttribArray(index);
    gl.vertexAttribPointer(index, size, gl.FLOAT, false, 0, 0);
  }
  function drawGround(mesh, dark) {
    attribute(0, mesh.ground, 3); attribute(2, mesh.groundUv, 2);
    gl.disableVertexAttribArray(1); gl.vertexAttrib3f(1, 0, 1, 0);
    gl.enable(gl.BLEND); gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA); gl.depthMask(false);
    gl.uniform1f(at.mode, 3); gl.uniform1f(at.shade, dark ? 0.85 : 0.42);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    gl.disable(gl.BLEND); gl.depthMask(true);
  }
  function draw() {
    const mesh = current(), dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const w = Math.max(1, Math.round(canvas.clientWidth * ratio)), h = Math.max(1, Math.round(canvas.clientHeight * ratio));
    if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
    gl.viewport(0, 0, w, h); gl.clearColor(0, 0, 0, 0); gl.enable(gl.DEPTH_TEST);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    const view = camera(mesh, w / h);
    gl.uniformMatrix4fv(at.viewProjection, false, view.m); gl.uniform3fv(at.eye, view.eye);
    if (state.elevation > 0) drawGround(mesh, dark);
    attribute(0, mesh.position, 3); attribute(1, mesh.normal, 3); attribute(2, mesh.uv, 2);
    const textured = state.style === "textured" && mesh.picture;
    if (textured) { gl.bindTexture(gl.TEXTURE_2D, mesh.picture); gl.uniform1i(at.picture, 0); }
    gl.uniform1f(at.mode, textured ? 0 : 1);
    const wire = state.style === "wireframe";
    gl.uniform3f(at.tint, ...(wire ? (dark ? [0.2, 0.21, 0.24] : [0.97, 0.96, 0.94]) : [0.86, 0.84, 0.8]));
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, mesh.face);
    gl.drawElements(gl.TRIANGLES, mesh.faces, gl.UNSIGNED_SHORT, 0);
    if (wire) {
      gl.uniform1f(at.mode, 2); gl.uniform3f(at.tint, ...(dark ? [0.94, 0.57, 0.37] : [0.55, 0.25, 0.13]));
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, mesh.edge);
      gl.drawElements(gl.LINES, mesh.edges, gl.UNSIGNED_SHORT, 0);
    }
  }

  let waiting = false, then = 0;
  function frame(now) {
    waiting = false;
    const moving = state.turning && state.visible && !document.hidden;
    if (moving) state.azimuth += Math.min(now - then, 50) * 0.00028;
    then = now;
    draw();
    if (moving) ask();
  }
  function ask() { if (!waiting) { waiting = true; requestAnimationFrame(frame); } }

  function turn(dx, dy) {
    state.turning = false;
    state.azimuth -= dx; state.elevation = Math.max(-1.2, Math.min(1.45, state.elevation + dy));
    ask();
  }
  function zoom(factor) {
    const next = Math.max(0.6, Math.min(4, state.zoom * factor)), changed = next !== state.zoom;
    state.zoom = next; ask();
    return changed;
  }
  canvas.addEventListener("pointerdown", e => { canvas.setPointerCapture(e.pointerId); state.turning = false; });
  // the wheel belongs to the page until the pointer has moved on the canvas by itself
  let armed = false;
  addEventListener("scroll", () => { armed = false; }, { passive: true });
  canvas.addEventListener("pointermove", e => {
    if (e.movementX || e.movementY) armed = true;
    if (e.buttons & 1) turn(e.movementX * 0.008, e.movementY * 0.008);
  });
  canvas.addEventListener("wheel", e => {
    if (armed && zoom(Math.exp(-e.deltaY * 0.0012))) e.preventDefault();
  }, { passive: false });
  canvas.addEventListener("keydown", e => {
    const act = {
      ArrowLeft: () => turn(-0.12, 0), ArrowRight: () => turn(0.12, 0), ArrowUp: () => turn(0, 0.08),
      ArrowDown: () => turn(0, -0.08), "+": () => zoom(1.12), "=": () => zoom(1.12), "-": () => zoom(1 / 1.12),
    }[e.key];
    if (act) { act(); e.preventDefault(); }
  });
  canvas.addEventListener("dblclick", () => { state.turning = !still; state.zoom = 1; state.elevation = 0.3; ask(); });

  function press(kind, chosen) {
    for (const b of root.querySelectorAll(`[data-${kind}]`)) b.setAttribute("aria-pressed", b.dataset[kind] === String(chosen));
    const m = infos[state.mesh];
    note.textContent = `${m.name}: ${m.vertices.toLocaleString("en")} vertices, ${m.faces.toLocaleString("en")} faces` +
      (m.texture ? "" : ", no texture");
    ask();
  }
  root.addEventListener("click", e => {
    const b = e.target.closest("button");
    if (!b) return;
    if (b.dataset.mesh) { state.mesh = +b.dataset.mesh; press("mesh", state.mesh); }
    if (b.dataset.style) { state.style = b.dataset.style; press("style", state.style); }
  });
  new IntersectionObserver(seen => { state.visible = seen[0].isIntersecting; ask(); }).observe(canvas);
  new ResizeObserver(ask).observe(canvas);
  press("mesh", 0);
})();
