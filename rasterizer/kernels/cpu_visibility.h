// Visibility, barycentrics and depth, and their gradient.
#pragma once

#include "cpu_common.h"

namespace rasterizer {

constexpr int kStrip = 32;  // rows rasterized together; depth and ids of a strip stay in cache

// A linear function of the pixel, anchored at a nearby pixel so that float keeps its precision.
struct Plane {
  float slope_x, slope_y, value, anchor_x, anchor_y;

  Floats along_row(Floats columns, float row) const {
    return (columns - anchor_x) * slope_x + ((row - anchor_y) * slope_y + value);
  }
  float at(float column, float row) const {
    return (column - anchor_x) * slope_x + ((row - anchor_y) * slope_y + value);
  }
};

struct ScreenFace {
  Plane edge[3];        // opposite to corner k, positive inside
  Plane inverse_depth;  // 1 / w
  float threshold[3];   // an edge holds where its plane exceeds this: the top-left rule
  float doubtful[3];    // closer to zero than this, float may have the sign of a plane wrong
  float inverse_w[3];
  double x[3], y[3];  // corners in pixels, in canonical order
  double orientation;
  Span columns, rows;
};

// The edge function of canonical corners a, b at a pixel. The fma is spelled out: left to itself the
// compiler may fuse either product, differently at each place, and then two faces disagree.
inline double exact_edge(const double* x, const double* y, int a, int b, double i, double j) {
  return std::fma(x[a] - i, y[b] - j, -((y[a] - j) * (x[b] - i)));
}

// Coverage of one pixel in double, for pixels that float cannot place: around the tip of a fan a
// sign that is wrong by a rounding would leave a hole or cover twice.
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
  return std::round(std::min(std::max(coordinate, -16384.0), 32768.0));
}

// Sets up one face. Corners are taken in a canonical order, by position: the two faces at an edge
// then hold planes that are exact negatives of each other (watertight), and faces with the same
// corners in another order have the same depth plane (exact ties).
inline void set_up_face(const float* clip, const int32_t* face, int64_t num_vertices, int64_t height,
                        int64_t width, bool cull_backfaces, ScreenFace& out) {
  Corners c;
  out.rows = {0, -1};
  if (!project_face(clip, face, num_vertices, c)) return;
  const double facing = double_area(c);
  if (!((cull_backfaces ? facing : std::abs(facing)) > kMinDoubleArea)) return;
  double x[3], y[3];
  int order[3] = {0, 1, 2};
  for (int k = 0; k < 3; ++k) {
    x[k] = column_of(c.x[k], width);
    y[k] = row_of(c.y[k], height);
    out.inverse_w[k] = static_cast<float>(1.0 / c.w[k]);
  }
  auto before = [&](int a, int b) {
    if (x[a] != x[b]) return x[a] < x[b];
    if (y[a] != y[b]) return y[a] < y[b];
    return c.w[a] < c.w[b];
  };
  if (before(order[1], order[0])) std::swap(order[0], order[1]);
  if (before(order[2], order[1])) std::swap(order[1], order[2]);
  if (before(order[1], order[0])) std::swap(order[0], order[1]);

  out.columns = pixel_span(std::min({x[0], x[1], x[2]}), std::max({x[0], x[1], x[2]}), width);
  out.rows = pixel_span(std::min({y[0], y[1], y[2]}), std::max({y[0], y[1], y[2]}), height);
  if (out.columns.last < out.columns.first) out.rows = {0, -1};
  if (out.rows.last < out.rows.first) return;

  const int first = order[0], second = order[1], third = order[2];
  const double area =
      (x[second] - x[first]) * (y[third] - y[first]) - (x[third] - x[first]) * (y[second] - y[first]);
  const double orientation = area < 0 ? -1 : 1;
  out.orientation = orientation;
  for (int n = 0; n < 3; ++n) out.x[n] = x[order[n]], out.y[n] = y[order[n]];
  double depth_x = 0, depth_y = 0, depth_value = 0;
  const double depth_anchor_x = nearest_pixel(x[first]), depth_anchor_y = nearest_pixel(y[first]);
  const int pairs[3][3] = {{second, third, first}, {first, third, second}, {first, second, third}};
  for (int n = 0; n < 3; ++n) {
    const int a = pairs[n][0], b = pairs[n][1], opposite = pairs[n][2];
    const double sign = (n == 1 ? -1 : 1) * orientation;
    const double slope_x = sign * (y[a] - y[b]), slope_y = sign * (x[b] - x[a]);
    auto value_at = [&](double i, double j) { return sign * exact_edge(x, y, a, b, i, j); };
    const double anchor_x = nearest_pixel(x[a]), anchor_y = nearest_pixel(y[a]);
    out.edge[opposite] = {static_cast<float>(slope_x), static_cast<float>(slope_y),
                          static_cast<float>(value_at(anchor_x, anchor_y)), static_cast<float>(anchor_x),
                          static_cast<float>(anchor_y)};
    const double reach_x = std::max(std::abs(out.columns.first - kLanes - anchor_x),
                                    std::abs(out.columns.last + kLanes - anchor_x));
    const double reach_y = std::max(std::abs(out.rows.first - anchor_y), std::abs(out.rows.last - anchor_y));
    const double largest =
        std::abs(slope_x) * reach_x + std::abs(slope_y) * reach_y + std::abs(value_at(anchor_x, anchor_y));
    out.doubtful[opposite] = static_cast<float>(4e-7 * largest);  // three roundings of 6e-8, doubled
    const bool owned = slope_x > 0 || (slope_x == 0 && slope_y > 0);
    out.threshold[opposite] = owned ? -1.2e-38f : 0.0f;  // below zero, yet no denormal
    const double weight = 1.0 / (c.w[opposite] * std::abs(area));
    depth_x += slope_x * weight;
    depth_y += slope_y * weight;
    depth_value += value_at(depth_anchor_x, depth_anchor_y) * weight;
  }
  out.inverse_depth = {static_cast<float>(depth_x), static_cast<float>(depth_y),
                       static_cast<float>(depth_value), static_cast<float>(depth_anchor_x),
                       static_cast<float>(depth_anchor_y)};
}

// Draws all faces into rows [first_row, last_row) of one image.
inline void draw_strip(const ScreenFace* faces, int64_t num_faces, int first_row, int last_row,
                       int64_t stride, float* nearest, int32_t* ids) {
  for (int64_t f = 0; f < num_faces; ++f) {
    const ScreenFace& face = faces[f];
    const int top = std::max(face.rows.first, first_row), bottom = std::min(face.rows.last, last_row - 1);
    const Ints id = Ints{} + static_cast<int32_t>(f);
    for (int row = top; row <= bottom; ++row) {
      float* depth_row = nearest + (row - first_row) * stride;
      int32_t* id_row = ids + (row - first_row) * stride;
      const float y = static_cast<float>(row);
      for (int column = face.columns.first & ~(kLanes - 1); column <= face.columns.last; column += kLanes) {
        const Floats x = lane_index() + static_cast<float>(column);
        Ints inside = {-1, -1, -1, -1, -1, -1, -1, -1}, doubtful = {};
        for (int k = 0; k < 3; ++k) {
          const Floats value = face.edge[k].along_row(x, y);
          inside &= value > face.threshold[k];
          doubtful |= (value <= face.doubtful[k]) & (value >= -face.doubtful[k]);
        }
        if (any(doubtful)) {
          for (int lane = 0; lane < kLanes; ++lane) {
            if (doubtful[lane]) inside[lane] = covers(face, column + lane, row) ? -1 : 0;
          }
        }
        if (!any(inside)) continue;
        const Floats inverse_depth = face.inverse_depth.along_row(x, y);
        Floats& best = *reinterpret_cast<Floats*>(depth_row + column);
        Ints& best_id = *reinterpret_cast<Ints*>(id_row + column);
        inside &= inverse_depth > best;  // strictly nearer: the lowest id wins ties
        best = select(inside, inverse_depth, best);
        best_id = select(inside, id, best_id);
      }
    }
  }
}

inline void resolve_row(const ScreenFace* faces, int row, int64_t width, const int32_t* ids,
                        bool perspective_correct, int32_t* face_id, float* barycentrics, float* depth) {
  for (int64_t column = 0; column < width; ++column) {
    const int32_t id = ids[column];
    face_id[column] = id;
    float* beta = barycentrics + 3 * column;
    if (id < 0) {
      beta[0] = beta[1] = beta[2] = depth[column] = 0;
      continue;
    }
    const ScreenFace& face = faces[id];
    const float x = static_cast<float>(column), y = static_cast<float>(row);
    float affine[3], perspective[3], affine_sum = 0, perspective_sum = 0;
    for (int k = 0; k < 3; ++k) {
      affine[k] = std::max(face.edge[k].at(x, y), 0.0f);
      affine_sum += affine[k];
      perspective[k] = affine[k] * face.inverse_w[k];
      perspective_sum += perspective[k];
    }
    // The sum is twice the area in pixels, which the zero-area rule keeps away from 0.
    const float scale = 1.0f / (perspective_correct ? perspective_sum : affine_sum);
    for (int k = 0; k < 3; ++k) beta[k] = (perspective_correct ? perspective[k] : affine[k]) * scale;
    depth[column] = affine_sum / perspective_sum;
  }
}

inline ffi::Error Rasterize(ffi::ThreadPool pool, ffi::Buffer<ffi::F32> clip, ffi::Buffer<ffi::S32> faces,
                            int64_t cull_backfaces, int64_t perspective_correct,
                            ffi::Result<ffi::Buffer<ffi::S32>> face_id,
                            ffi::Result<ffi::Buffer<ffi::F32>> barycentrics,
                            ffi::Result<ffi::Buffer<ffi::F32>> depth) {
  const auto image = face_id->dimensions();
  const int64_t batch = leading(image, 2), height = trailing(image, 2), width = trailing(image, 1);
  const int64_t num_vertices = trailing(clip.dimensions(), 2), num_faces = trailing(faces.dimensions(), 2);
  const float* clip_data = clip.typed_data();
  const int32_t* face_data = faces.typed_data();
  std::unique_ptr<ScreenFace[]> screen(new ScreenFace[std::max<int64_t>(1, batch * num_faces)]);

  const int64_t chunk = 512, chunks = (num_faces + chunk - 1) / chunk;
  bool ok = parallel_for(pool, batch * chunks, [&](int64_t piece) {
    const int64_t item = piece / chunks, start = (piece % chunks) * chunk;
    for (int64_t f = start; f < std::min(start + chunk, num_faces); ++f) {
      set_up_face(clip_data + item * num_vertices * 4, face_data + (item * num_faces + f) * 3, num_vertices,
                  height, width, cull_backfaces != 0, screen[item * num_faces + f]);
    }
  });

  const int64_t strips = (height + kStrip - 1) / kStrip;
  const int64_t stride = (width + kLanes - 1) / kLanes * kLanes;
  ok &= parallel_for(pool, batch * strips, [&](int64_t piece) {
    const int64_t item = piece / strips;
    const int first = static_cast<int>(piece % strips) * kStrip;
    const int last = static_cast<int>(std::min<int64_t>(first + kStrip, height));
    std::vector<float> nearest(kStrip * stride, 0.0f);
    std::vector<int32_t> ids(kStrip * stride, -1);
    const ScreenFace* item_faces = screen.get() + item * num_faces;
    draw_strip(item_faces, num_faces, first, last, stride, nearest.data(), ids.data());
    for (int row = first; row < last; ++row) {
      const int64_t offset = (item * height + row) * width;
      resolve_row(item_faces, row, width, ids.data() + (row - first) * stride, perspective_correct != 0,
                  face_id->typed_data() + offset, barycentrics->typed_data() + 3 * offset,
                  depth->typed_data() + offset);
    }
  });
  return finished(ok);
}

// Moments of one face over its pixels. With u = P^-1 (px, py, 1): perspective-correct
// barycentrics need only N[k][i] = sum (g_k - beta.g - g_depth depth) beta_i, and then
// dL/dP[c][i] = -sum_k (P^-1)[k][c] N[k][i]. Affine ones, beta_k = u_k w_k, need G[k][i] =
// sum g_k u_i and D[i] = sum g_depth depth^2 u_i: N = w_k G - D, plus G[i][i] on dw_i.
struct Moments {
  double m[3][3];
};

inline void moments_of_rows(const int32_t* face_id, const float* barycentrics, const float* depth,
                            const float* grad_barycentrics, const float* grad_depth, int64_t pixels,
                            int64_t num_faces, Moments* moments) {
  int32_t current = -1;
  float m[3][3] = {};
  auto flush = [&] {
    if (current < 0) return;
    for (int k = 0; k < 3; ++k)
      for (int i = 0; i < 3; ++i) moments[current].m[k][i] += m[k][i];
    std::memset(m, 0, sizeof(m));
  };
  for (int64_t p = 0; p < pixels; ++p) {
    const int32_t id = face_id[p];
    if (id < 0 || id >= num_faces) continue;
    if (id != current) {
      flush();
      current = id;
    }
    const float* beta = barycentrics + 3 * p;
    const float* g = grad_barycentrics + 3 * p;
    const float common = beta[0] * g[0] + beta[1] * g[1] + beta[2] * g[2] + grad_depth[p] * depth[p];
    for (int k = 0; k < 3; ++k)
      for (int i = 0; i < 3; ++i) m[k][i] += (g[k] - common) * beta[i];
  }
  flush();
}

// The affine variant, G and D of Moments before their division by w_i; D in row 0 of `depth_part`.
inline void affine_moments_of_rows(const int32_t* face_id, const float* barycentrics, const float* depth,
                                   const float* grad_barycentrics, const float* grad_depth, int64_t pixels,
                                   int64_t num_faces, Moments* moments, Moments* depth_part) {
  for (int64_t p = 0; p < pixels; ++p) {
    const int32_t id = face_id[p];
    if (id < 0 || id >= num_faces) continue;
    const float* lambda = barycentrics + 3 * p;
    const float* g = grad_barycentrics + 3 * p;
    for (int i = 0; i < 3; ++i) {
      for (int k = 0; k < 3; ++k) moments[id].m[k][i] += static_cast<double>(g[k]) * lambda[i];
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

inline ffi::Error RasterizeGrad(ffi::ThreadPool pool, ffi::Buffer<ffi::F32> clip, ffi::Buffer<ffi::S32> faces,
                                ffi::Buffer<ffi::S32> face_id, ffi::Buffer<ffi::F32> barycentrics,
                                ffi::Buffer<ffi::F32> depth, ffi::Buffer<ffi::F32> grad_barycentrics,
                                ffi::Buffer<ffi::F32> grad_depth, int64_t perspective_correct,
                                ffi::Result<ffi::Buffer<ffi::F32>> grad_clip) {
  const auto image = face_id.dimensions();
  const int64_t batch = leading(image, 2), height = trailing(image, 2), width = trailing(image, 1);
  const int64_t num_vertices = trailing(clip.dimensions(), 2), num_faces = trailing(faces.dimensions(), 2);
  const int64_t bands = bands_per_image(batch, height);
  const bool affine = perspective_correct == 0;
  std::vector<Moments> moments(batch * bands * num_faces, Moments{});
  std::vector<Moments> depth_parts(affine ? moments.size() : 0, Moments{});
  bool ok = parallel_for(pool, batch * bands, [&](int64_t piece) {
    const int64_t item = piece / bands, band = piece % bands;
    const int64_t first = band * height / bands, last = (band + 1) * height / bands;
    const int64_t offset = (item * height + first) * width, pixels = (last - first) * width;
    const int32_t* ids = face_id.typed_data() + offset;
    const float *beta = barycentrics.typed_data() + 3 * offset, *z = depth.typed_data() + offset;
    const float* g = grad_barycentrics.typed_data() + 3 * offset;
    const float* gz = grad_depth.typed_data() + offset;
    Moments* own = moments.data() + piece * num_faces;
    if (affine) {
      affine_moments_of_rows(ids, beta, z, g, gz, pixels, num_faces, own,
                             depth_parts.data() + piece * num_faces);
    } else {
      moments_of_rows(ids, beta, z, g, gz, pixels, num_faces, own);
    }
  });
  ok &= parallel_for(pool, batch, [&](int64_t item) {
    std::vector<double> gradient(4 * num_vertices, 0.0);
    const float* item_clip = clip.typed_data() + item * num_vertices * 4;
    for (int64_t f = 0; f < num_faces; ++f) {
      Moments sum{}, depth_sum{};
      for (int64_t band = 0; band < bands; ++band) {
        const int64_t at = (item * bands + band) * num_faces + f;
        for (int n = 0; n < 9; ++n) {
          sum.m[n / 3][n % 3] += moments[at].m[n / 3][n % 3];
          if (affine) depth_sum.m[n / 3][n % 3] += depth_parts[at].m[n / 3][n % 3];
        }
      }
      spread_moments(item_clip, faces.typed_data() + (item * num_faces + f) * 3, num_vertices, sum,
                     affine ? &depth_sum : nullptr, gradient.data());
    }
    float* out = grad_clip->typed_data() + item * num_vertices * 4;
    for (int64_t n = 0; n < 4 * num_vertices; ++n) out[n] = static_cast<float>(gradient[n]);
  });
  return finished(ok);
}

}  // namespace rasterizer
