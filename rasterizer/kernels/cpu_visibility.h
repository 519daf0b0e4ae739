// Visibility, barycentrics and depth, and their gradient.
#pragma once

#include "cpu_common.h"

namespace rasterizer {

struct RasterizeOptions {
  int64_t cull_backfaces, perspective_correct;
};
struct RasterizeGradOptions {
  int64_t perspective_correct;
};

constexpr int kStrip = 32;  // rows rasterized together; depth and ids of a strip stay in cache

// A linear function of the pixel, anchored at a nearby pixel so that float keeps its precision.
struct Plane {
  float slope_x, slope_y, value, anchor_x, anchor_y;

  Floats along_row(Floats columns, float row) const {
    return (columns - anchor_x) * slope_x + ((row - anchor_y) * slope_y + value);
  }
};

struct ScreenFace {
  Plane edge[3];        // opposite to corner k, positive inside
  Plane inverse_depth;  // 1 / w
  float doubtful;       // closer to zero than this, float may have the sign of an edge wrong
  float inverse_w[3];
  Span columns;
  double x[3], y[3];  // corners in pixels, in canonical order
  double orientation;
};

// The edge function of canonical corners a, b at a pixel. The fma is spelled out: left to itself the
// compiler may fuse either product, differently at each place, and then two faces disagree.
inline double exact_edge(const double* x, const double* y, int a, int b, double i, double j) {
  return std::fma(x[a] - i, y[b] - j, -((y[a] - j) * (x[b] - i)));
}

// Coverage of one pixel in double under the top-left rule, for pixels that float cannot place: around
// the tip of a fan a sign that is wrong by a rounding would leave a hole or cover twice.
inline bool covers(const ScreenFace& face, double i, double j) {
  constexpr int kPairs[3][2] = {{1, 2}, {0, 2}, {0, 1}};
  for (int n = 0; n < 3; ++n) {
    const int a = kPairs[n][0], b = kPairs[n][1];
    const double sign = (n == 1 ? -1 : 1) * face.orientation;
    const double value = sign * exact_edge(face.x, face.y, a, b, i, j);
    const double slope_x = sign * (face.y[a] - face.y[b]), slope_y = sign * (face.x[b] - face.x[a]);
    const bool owned = slope_x > 0 || (slope_x == 0 && slope_y > 0);
    if (!(value > 0 || (value == 0 && owned))) return false;
  }
  return true;
}

inline double nearest_pixel(double coordinate) {
  return std::floor(std::min(std::max(coordinate, -16384.0), 32768.0) + 0.5);
}

// The canonical order of corners is by position: the two faces at an edge then hold planes that are
// exact negatives of each other (watertight), and faces with the same corners in another order have
// the same depth plane (exact ties).
inline void sort_corners(const ScreenVertex* const corners[3], int order[3]) {
  const auto before = [&](int a, int b) {
    const ScreenVertex &p = *corners[a], &q = *corners[b];
    if (p.column != q.column) return p.column < q.column;
    if (p.row != q.row) return p.row < q.row;
    return p.w < q.w;
  };
  order[0] = 0, order[1] = 1, order[2] = 2;
  if (before(order[1], order[0])) std::swap(order[0], order[1]);
  if (before(order[2], order[1])) std::swap(order[1], order[2]);
  if (before(order[1], order[0])) std::swap(order[0], order[1]);
}

// The planes of a face whose corners, order and spans are known; `area` is doubled and in pixels.
inline void set_up_planes(const ScreenVertex* const corners[3], const int order[3], Span rows, double area,
                          ScreenFace& out) {
  const double orientation = area < 0 ? -1 : 1;
  const double depth_anchor_x = nearest_pixel(out.x[0]), depth_anchor_y = nearest_pixel(out.y[0]);
  double depth_x = 0, depth_y = 0, depth_value = 0, largest = 0;
  constexpr int kPairs[3][2] = {{1, 2}, {0, 2}, {0, 1}};
  for (int n = 0; n < 3; ++n) {
    const int a = kPairs[n][0], b = kPairs[n][1], opposite = order[n];
    const double sign = (n == 1 ? -1 : 1) * orientation;
    const double slope_x = sign * (out.y[a] - out.y[b]), slope_y = sign * (out.x[b] - out.x[a]);
    const double anchor_x = nearest_pixel(out.x[a]), anchor_y = nearest_pixel(out.y[a]);
    const double value = sign * exact_edge(out.x, out.y, a, b, anchor_x, anchor_y);
    out.edge[opposite] = {static_cast<float>(slope_x), static_cast<float>(slope_y),
                          static_cast<float>(value), static_cast<float>(anchor_x),
                          static_cast<float>(anchor_y)};
    const double reach_x = std::max(std::abs(out.columns.first - kLanes - anchor_x),
                                    std::abs(out.columns.last + kLanes - anchor_x));
    const double reach_y = std::max(std::abs(rows.first - anchor_y), std::abs(rows.last - anchor_y));
    largest = std::max(largest,
                       std::abs(slope_x) * reach_x + std::abs(slope_y) * reach_y + std::abs(value));
    const double weight = 1.0 / (corners[opposite]->w * std::abs(area));
    out.inverse_w[opposite] = static_cast<float>(1.0 / corners[opposite]->w);
    depth_x += slope_x * weight;
    depth_y += slope_y * weight;
    depth_value += sign * exact_edge(out.x, out.y, a, b, depth_anchor_x, depth_anchor_y) * weight;
  }
  out.doubtful = static_cast<float>(4e-7 * largest);  // three roundings of 6e-8, doubled
  out.orientation = orientation;
  out.inverse_depth = {static_cast<float>(depth_x), static_cast<float>(depth_y),
                       static_cast<float>(depth_value), static_cast<float>(depth_anchor_x),
                       static_cast<float>(depth_anchor_y)};
}

// Sets up one face and returns its rows, none for a face that is dropped or meets no pixel centre.
inline Span set_up_face(const ScreenVertex* const corners[3], const Sizes& n, bool cull_backfaces,
                        ScreenFace& out) {
  constexpr Span kNone = {0, -1};
  const ScreenVertex &p = *corners[0], &q = *corners[1], &r = *corners[2];
  const double facing = (q.x - p.x) * (r.y - p.y) - (r.x - p.x) * (q.y - p.y);
  if (!((cull_backfaces ? facing : std::abs(facing)) > kMinDoubleArea)) return kNone;
  const Span rows = pixel_span(std::min({p.row, q.row, r.row}), std::max({p.row, q.row, r.row}), n.height);
  if (rows.last < rows.first) return kNone;
  int order[3];
  sort_corners(corners, order);
  for (int k = 0; k < 3; ++k) out.x[k] = corners[order[k]]->column, out.y[k] = corners[order[k]]->row;
  out.columns = pixel_span(out.x[0], out.x[2], n.width);
  if (out.columns.last < out.columns.first) return kNone;
  const double area =
      (out.x[1] - out.x[0]) * (out.y[2] - out.y[0]) - (out.x[2] - out.x[0]) * (out.y[1] - out.y[0]);
  set_up_planes(corners, order, rows, area, out);
  return rows;
}

// A plane's value at column 0 of each of up to kStrip rows from `first` on.
inline void row_terms(const Plane& plane, int first, int last, float* out) {
  for (int row = first; row <= last; row += kLanes) {
    const Floats y = lane_index() + (static_cast<float>(row) - plane.anchor_y);
    store(out + (row - first), y * plane.slope_y + plane.value);
  }
}

// Draws one face into its rows [top, bottom] of a strip that starts at first_row. Columns first, so
// that a row costs one addition per plane.
inline void draw_face(const ScreenFace& face, int32_t f, int top, int bottom, int first_row, int64_t stride,
                      float* nearest, int32_t* ids) {
  float rows[4][kStrip + kLanes];
  for (int k = 0; k < 3; ++k) row_terms(face.edge[k], top, bottom, rows[k]);
  row_terms(face.inverse_depth, top, bottom, rows[3]);
  const float doubtful = face.doubtful;
  const int count = bottom - top + 1, last_column = face.columns.last;
  const int64_t start = (top - first_row) * stride;
  for (int column = face.columns.first & ~(kLanes - 1); column <= last_column; column += kLanes) {
    const Floats x = lane_index() + static_cast<float>(column);
    const Floats a = (x - face.edge[0].anchor_x) * face.edge[0].slope_x;
    const Floats b = (x - face.edge[1].anchor_x) * face.edge[1].slope_x;
    const Floats c = (x - face.edge[2].anchor_x) * face.edge[2].slope_x;
    const Floats z = (x - face.inverse_depth.anchor_x) * face.inverse_depth.slope_x;
    for (int row = 0; row < count; ++row) {
      const Floats least = minimum(minimum(a + rows[0][row], b + rows[1][row]), c + rows[2][row]);
      Ints inside = least > doubtful;
      // Hardly ever: and without a branch on `inside` none is mispredicted.
      for (uint32_t unsure = bits_of((least >= -doubtful) & ~inside); unsure; unsure &= unsure - 1) {
        const int lane = __builtin_ctz(unsure);
        inside[lane] = covers(face, column + lane, top + row) ? -1 : 0;
      }
      const int64_t at = start + row * stride + column;
      const Floats inverse_depth = z + rows[3][row], best = load<Floats>(nearest + at);
      inside &= inverse_depth > best;  // strictly nearer: the lowest id wins ties
      store(nearest + at, select(inside, inverse_depth, best));
      store(ids + at, select(inside, Ints{} + f, load<Ints>(ids + at)));
    }
  }
}

inline void resolve_row(const ScreenFace* faces, int row, int64_t width, const int32_t* ids,
                        bool perspective_correct, int32_t* face_id, float* barycentrics, float* depth) {
  const float y = static_cast<float>(row);
  for (int64_t column = 0; column < width; column += kLanes) {
    const int64_t count = std::min<int64_t>(kLanes, width - column);
    Floats beta[3] = {}, z[1] = {};
    const Floats x = lane_index() + static_cast<float>(column);
    const Ints own = load<Ints>(ids + column);
    for_ids(own, [&](int32_t id, Ints lanes) {
      const ScreenFace& face = faces[id];
      Floats affine[3], perspective[3], perspective_sum{};
      for (int k = 0; k < 3; ++k) affine[k] = maximum(face.edge[k].along_row(x, y), Floats{});
      // Where on a sliver a pixel lies may be beyond float, which then has all three at 0: in the middle.
      const Ints lost = ~(affine[0] + affine[1] + affine[2] > 0.0f);
      for (int k = 0; k < 3; ++k) {
        affine[k] = select(lost, splat(1.0f), affine[k]);
        perspective[k] = affine[k] * face.inverse_w[k];
        perspective_sum += perspective[k];
      }
      const Floats affine_sum = affine[0] + affine[1] + affine[2];
      const Floats inverse_perspective = 1.0f / perspective_sum;
      const Floats scale = perspective_correct ? inverse_perspective : 1.0f / affine_sum;
      for (int k = 0; k < 3; ++k) {
        beta[k] = select(lanes, (perspective_correct ? perspective[k] : affine[k]) * scale, beta[k]);
      }
      z[0] = select(lanes, affine_sum * inverse_perspective, z[0]);
    });
    store_ids(face_id + column, count, own);
    store_channels(barycentrics + 3 * column, count, beta);
    store_channels(depth + column, count, z);
  }
}

inline ffi::Error Rasterize(ffi::ThreadPool pool, F32 clip, S32 faces, RasterizeOptions options,
                            ffi::Result<S32> face_id, ffi::Result<F32> barycentrics,
                            ffi::Result<F32> depth) {
  const Sizes n(face_id->dimensions(), clip, faces);
  const bool cull = options.cull_backfaces != 0, perspective = options.perspective_correct != 0;
  const FaceTable<ScreenFace, kStrip> table(
      pool, n, clip.typed_data(), faces.typed_data(),
      [&](const ScreenVertex* const corners[3], ScreenFace& out) { return set_up_face(corners, n, cull, out); });
  int32_t* ids_out = face_id->typed_data();
  float *beta_out = barycentrics->typed_data(), *depth_out = depth->typed_data();
  const int64_t stride = (n.width + kLanes - 1) / kLanes * kLanes;
  const bool ok = parallel_for(pool, n.batch * table.strips, [&](int64_t piece) {
    const int64_t item = piece / table.strips, strip = piece % table.strips;
    const int first = static_cast<int>(strip) * kStrip;
    const int last = static_cast<int>(std::min<int64_t>(first + kStrip, n.height)) - 1;
    std::vector<float> nearest(kStrip * stride, 0.0f);
    std::vector<int32_t> ids(kStrip * stride, -1);
    table.for_strip(item, strip, [&](const ScreenFace& face, int32_t f, Span rows) {
      draw_face(face, f, std::max(rows.first, first), std::min(rows.last, last), first, stride, nearest.data(),
                ids.data());
    });
    const ScreenFace* item_faces = table.faces.get() + item * n.faces;
    for (int row = first; row <= last; ++row) {
      const int64_t offset = (item * n.height + row) * n.width;
      resolve_row(item_faces, row, n.width, ids.data() + (row - first) * stride, perspective,
                  ids_out + offset, beta_out + 3 * offset, depth_out + offset);
    }
  });
  return finished(ok && table.ok);
}

// Moments of one face over its pixels. With u = P^-1 (px, py, 1): perspective-correct
// barycentrics need only N[k][i] = sum (g_k - beta.g - g_depth depth) beta_i, and then
// dL/dP[c][i] = -sum_k (P^-1)[k][c] N[k][i]. Affine ones, beta_k = u_k w_k, need G[k][i] =
// sum g_k u_i and D[i] = sum g_depth depth^2 u_i: N = w_k G - D, plus G[i][i] on dw_i.
struct Moments {
  double m[3][3];
};

// N of the faces over `pixels` pixels. One pixel at a time, by corners: faces have too few pixels in a
// row for sums by lanes to pay.
inline void add_moments(const int32_t* face_id, const float* barycentrics, const float* depth,
                        const float* grad_barycentrics, const float* grad_depth, int64_t pixels,
                        int64_t num_faces, Moments* moments) {
  int32_t current = -1;
  Quad m[3] = {};
  const auto flush = [&] {
    for (int k = 0; current >= 0 && k < 3; ++k)
      for (int i = 0; i < 3; ++i) moments[current].m[k][i] += m[k][i];
    m[0] = m[1] = m[2] = Quad{};
  };
  for (int64_t p = 0; p < pixels; ++p) {
    const int32_t id = face_id[p];
    if (id < 0 || id >= num_faces) continue;
    if (id != current) {
      flush();
      current = id;
    }
    const Quad beta = load_quad(barycentrics + 3 * p, 3);
    const float* g = grad_barycentrics + 3 * p;
    float common = beta[0] * g[0] + beta[1] * g[1] + beta[2] * g[2];
    if (grad_depth) common += grad_depth[p] * depth[p];
    for (int k = 0; k < 3; ++k) m[k] += beta * (g[k] - common);
  }
  flush();
}

// The affine variant, G and D of Moments before their division by w_i; D in row 0 of `depth_part`.
inline void add_affine_moments(const int32_t* face_id, const float* barycentrics, const float* depth,
                               const float* grad_barycentrics, const float* grad_depth, int64_t pixels,
                               int64_t num_faces, Moments* moments, Moments* depth_part) {
  for (int64_t p = 0; p < pixels; ++p) {
    const int32_t id = face_id[p];
    if (id < 0 || id >= num_faces) continue;
    const float* lambda = barycentrics + 3 * p;
    const float* g = grad_barycentrics + 3 * p;
    for (int i = 0; i < 3; ++i) {
      for (int k = 0; k < 3; ++k) moments[id].m[k][i] += static_cast<double>(g[k]) * lambda[i];
      if (!grad_depth) continue;
      depth_part[id].m[0][i] += static_cast<double>(grad_depth[p]) * depth[p] * depth[p] * lambda[i];
    }
  }
}

// Adds a face's gradient to its vertices [v 4].
inline void spread_moments(const float* clip, const int32_t* face, int64_t num_vertices,
                           const Moments& moments, const Moments* depth_part, double* gradient) {
  bool seen = false;
  for (int n = 0; n < 9; ++n) {
    seen |= moments.m[n / 3][n % 3] != 0 || (depth_part && depth_part->m[n / 3][n % 3] != 0);
  }
  if (!seen) return;  // also keeps dropped faces, whose corners may be NaN, out of the arithmetic
  double x[3], y[3], w[3];
  for (int k = 0; k < 3; ++k) {
    if (face[k] < 0 || face[k] >= num_vertices) return;
    const float* p = clip + 4 * static_cast<int64_t>(face[k]);
    x[k] = p[0], y[k] = p[1], w[k] = p[3];
  }
  double inverse[3][3];  // P^-1: row k is cross(p_a, p_b) / det with (k, a, b) cyclic
  for (int k = 0; k < 3; ++k) {
    const int a = (k + 1) % 3, b = (k + 2) % 3;
    inverse[k][0] = y[a] * w[b] - w[a] * y[b];
    inverse[k][1] = w[a] * x[b] - x[a] * w[b];
    inverse[k][2] = x[a] * y[b] - y[a] * x[b];
  }
  const double det = x[0] * inverse[0][0] + y[0] * inverse[0][1] + w[0] * inverse[0][2];
  if (det == 0 || !std::isfinite(det)) return;
  for (int i = 0; i < 3; ++i) {
    double n[3], extra = 0;
    for (int k = 0; k < 3; ++k) {
      n[k] = moments.m[k][i];
      if (depth_part) n[k] = (w[k] * moments.m[k][i] - depth_part->m[0][i]) / w[i];
    }
    if (depth_part) extra = moments.m[i][i] / w[i];
    double* out = gradient + 4 * static_cast<int64_t>(face[i]);
    double d[3];
    for (int c = 0; c < 3; ++c)
      d[c] = -(inverse[0][c] * n[0] + inverse[1][c] * n[1] + inverse[2][c] * n[2]) / det;
    out[0] += d[0];
    out[1] += d[1];
    out[3] += d[2] + extra;
  }
}

// One item's faces, summed over its bands in their order, spread to its vertices.
inline void gather_moments(const Sizes& n, int64_t bands, const float* clip, const int32_t* faces,
                           const Moments* moments, const Moments* depth_parts, float* out) {
  std::vector<double> gradient(4 * n.vertices, 0.0);
  for (int64_t f = 0; f < n.faces; ++f) {
    Moments sum{}, depth_sum{};
    for (int64_t band = 0; band < bands; ++band) {
      const int64_t at = band * n.faces + f;
      for (int i = 0; i < 9; ++i) {
        sum.m[i / 3][i % 3] += moments[at].m[i / 3][i % 3];
        if (depth_parts) depth_sum.m[i / 3][i % 3] += depth_parts[at].m[i / 3][i % 3];
      }
    }
    spread_moments(clip, faces + 3 * f, n.vertices, sum, depth_parts ? &depth_sum : nullptr, gradient.data());
  }
  for (int64_t i = 0; i < 4 * n.vertices; ++i) out[i] = static_cast<float>(gradient[i]);
}

// grad_depth may have no elements, for all zeros.
inline ffi::Error RasterizeGrad(ffi::ThreadPool pool, F32 clip, S32 faces, S32 face_id, F32 barycentrics,
                                F32 depth, F32 grad_barycentrics, F32 grad_depth,
                                RasterizeGradOptions options, ffi::Result<F32> grad_clip) {
  const Sizes n(face_id.dimensions(), clip, faces);
  const int64_t bands = bands_per_image(n.batch, n.height);
  const bool affine = options.perspective_correct == 0;
  std::unique_ptr<Moments[]> moments(new Moments[n.batch * bands * n.faces]);
  std::unique_ptr<Moments[]> depth_parts(affine ? new Moments[n.batch * bands * n.faces] : nullptr);
  bool ok = parallel_for(pool, n.batch * bands, [&](int64_t piece) {
    const int64_t item = piece / bands, band = piece % bands;
    const int64_t first = band * n.height / bands, last = (band + 1) * n.height / bands;
    const int64_t offset = (item * n.height + first) * n.width;
    const int64_t pixels = (last - first) * n.width;
    const int32_t* ids = face_id.typed_data() + offset;
    const float *beta = barycentrics.typed_data() + 3 * offset, *z = depth.typed_data() + offset;
    const float* g = grad_barycentrics.typed_data() + 3 * offset;
    const float* gz = grad_depth.element_count() ? grad_depth.typed_data() + offset : nullptr;
    Moments* own = moments.get() + piece * n.faces;
    std::fill(own, own + n.faces, Moments{});
    if (!affine) return add_moments(ids, beta, z, g, gz, pixels, n.faces, own);
    Moments* own_depth = depth_parts.get() + piece * n.faces;
    std::fill(own_depth, own_depth + n.faces, Moments{});
    add_affine_moments(ids, beta, z, g, gz, pixels, n.faces, own, own_depth);
  });
  ok &= parallel_for(pool, n.batch, [&](int64_t item) {
    const int64_t at = item * bands * n.faces;
    gather_moments(n, bands, clip.typed_data() + item * n.vertices * 4,
                   faces.typed_data() + item * n.faces * 3, moments.get() + at,
                   affine ? depth_parts.get() + at : nullptr, grad_clip->typed_data() + item * n.vertices * 4);
  });
  return finished(ok);
}

}  // namespace rasterizer
