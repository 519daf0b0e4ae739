// DIB-R's soft mask, 1 - prod (1 - exp(-sigma_inverse d^2)), and its gradient.
#pragma once

#include "cpu_common.h"

namespace rasterizer {

struct SilhouetteOptions {
  double sigma_inverse, margin;
};

constexpr int kSoftStrip = 8;  // rows handled together

struct SoftFace {
  float x[3], y[3];              // NDC
  float along_x[3], along_y[3];  // to the next corner
  float unit_x[3], unit_y[3];    // the same over its squared length: measures 0 to 1 along the edge
  Span columns;                  // pixels inside the box grown by the margin
};

// Where sigma_inverse d^2 exceeds this, 1 - p rounds to 1 in float: exp(-17.4) < 2^-25.
constexpr double kNegligible = 17.4;

// Sets up one face and returns its rows. The box is grown by the margin, or by the distance from
// which the face makes no difference if that is less.
inline Span set_up_soft_face(const ScreenVertex* const corners[3], const Sizes& n,
                             const SilhouetteOptions& options, SoftFace& out) {
  const ScreenVertex &p = *corners[0], &q = *corners[1], &r = *corners[2];
  // Edge-on faces count, points do not: see `measurable` in formulas.py.
  if (p.x == q.x && p.x == r.x && p.y == q.y && p.y == r.y) return {0, -1};
  const double reach = std::min(options.margin, std::sqrt(kNegligible / options.sigma_inverse));
  out.columns = pixel_span(column_of(std::min({p.x, q.x, r.x}) - reach, n.width),
                           column_of(std::max({p.x, q.x, r.x}) + reach, n.width), n.width);
  const Span rows = pixel_span(row_of(std::max({p.y, q.y, r.y}) + reach, n.height),
                               row_of(std::min({p.y, q.y, r.y}) - reach, n.height), n.height);
  if (out.columns.last < out.columns.first || rows.last < rows.first) return {0, -1};
  for (int k = 0; k < 3; ++k) {
    const ScreenVertex &a = *corners[k], &b = *corners[(k + 1) % 3];
    const double dx = b.x - a.x, dy = b.y - a.y, length2 = dx * dx + dy * dy;
    const double inverse = length2 > 1e-37 ? 1.0 / length2 : 0.0;
    out.x[k] = static_cast<float>(a.x), out.y[k] = static_cast<float>(a.y);
    out.along_x[k] = static_cast<float>(dx), out.along_y[k] = static_cast<float>(dy);
    out.unit_x[k] = static_cast<float>(dx * inverse), out.unit_y[k] = static_cast<float>(dy * inverse);
  }
  return rows;
}

// The point of edge k nearest to eight pixels: its place t in [0, 1] along the edge and the way
// from it to the pixel.
struct NearestOnEdge {
  Floats t, x, y;

  NearestOnEdge(const SoftFace& face, int k, Floats pixel_x, Floats pixel_y) {
    const Floats dx = pixel_x - face.x[k], dy = pixel_y - face.y[k];
    t = minimum(maximum(dx * face.unit_x[k] + dy * face.unit_y[k], Floats{}), splat(1.0f));
    x = dx - t * face.along_x[k], y = dy - t * face.along_y[k];
  }
  Floats distance_squared() const { return x * x + y * y; }
};

inline Floats boundary_distance_squared(const SoftFace& face, Floats x, Floats y) {
  const Floats a = NearestOnEdge(face, 0, x, y).distance_squared();
  const Floats b = NearestOnEdge(face, 1, x, y).distance_squared();
  return minimum(minimum(a, b), NearestOnEdge(face, 2, x, y).distance_squared());
}

inline float column_centre(int64_t column, int64_t width) {
  return static_cast<float>(2 * column + 1 - width) / width;
}
inline float row_centre(int64_t row, int64_t height) {
  return static_cast<float>(height - 2 * row - 1) / height;
}

using SoftFaces = FaceTable<SoftFace, kSoftStrip>;

inline SoftFaces soft_faces(ffi::ThreadPool& pool, const Sizes& n, const F32& clip, const S32& faces,
                            const SilhouetteOptions& options) {
  return SoftFaces(pool, n, clip.typed_data(), faces.typed_data(),
                   [&](const ScreenVertex* const corners[3], SoftFace& out) {
                     return set_up_soft_face(corners, n, options, out);
                   });
}

// The pixels of one strip that a face may matter to, packed column by column, so that those in a face's box
// follow one another.
struct OpenPixels {
  int64_t first_row;
  int32_t first_column = 0, last_column = -1;
  std::vector<int32_t> starts;  // of each column's pixels, from first_column on
  std::vector<float> x, y;      // NDC of the centres; longer by kLanes than there are pixels
  std::vector<int32_t> at;      // from the strip's first pixel on

  // is_open(i): of the image's pixels, i counted from the strip's first.
  template <typename IsOpen>
  OpenPixels(const SoftFaces& table, int64_t item, int64_t strip, const Sizes& n, const IsOpen& is_open)
      : first_row(strip * kSoftStrip) {
    first_column = static_cast<int32_t>(n.width);
    table.for_strip(item, strip, [&](const SoftFace& face, int32_t, Span) {
      first_column = std::min(first_column, face.columns.first);
      last_column = std::max(last_column, face.columns.last);
    });
    if (last_column < first_column) return;
    const int64_t rows = std::min<int64_t>(kSoftStrip, n.height - first_row);
    std::vector<uint32_t> open(last_column - first_column + 1, 0);  // one bit per row
    float row_centres[kSoftStrip];
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t start = row * n.width + first_column;
      for (size_t i = 0; i < open.size(); ++i) open[i] |= is_open(start + i) ? 1u << row : 0;
      row_centres[row] = row_centre(first_row + row, n.height);
    }
    starts.resize(open.size() + 1);
    x.resize(rows * open.size() + kLanes), y.resize(x.size()), at.resize(x.size());
    int32_t count = 0;
    for (size_t i = 0; i < open.size(); ++i) {
      const int64_t column = first_column + static_cast<int64_t>(i);
      const float centre = column_centre(column, n.width);
      starts[i] = count;
      for (uint32_t todo = open[i]; todo; todo &= todo - 1, ++count) {
        const int row = __builtin_ctz(todo);
        x[count] = centre, y[count] = row_centres[row];
        at[count] = static_cast<int32_t>(row * n.width + column);
      }
    }
    starts.back() = count;
    x.resize(count + kLanes), y.resize(count + kLanes), at.resize(count);
  }
};

// Calls visit(i, x, y, lanes) for the open pixels, eight from the i-th on, in a face's grown box.
template <typename Visit>
void for_pixels(const SoftFace& face, Span rows, int64_t height, const OpenPixels& pixels, const Visit& visit) {
  const float top = row_centre(rows.first, height), bottom = row_centre(rows.last, height);
  const int32_t end = pixels.starts[face.columns.last - pixels.first_column + 1];
  for (int32_t i = pixels.starts[face.columns.first - pixels.first_column]; i < end; i += kLanes) {
    const Floats x = load<Floats>(pixels.x.data() + i), y = load<Floats>(pixels.y.data() + i);
    const Ints lanes = (lane_number() < end - i) & (y <= top) & (y >= bottom);
    if (any(lanes)) visit(i, x, y, lanes);
  }
}

// mask, and unless null keep = prod (1 - p), which is 0 on covered pixels.
inline bool draw_soft(ffi::ThreadPool& pool, const F32& clip, const S32& faces, const S32& face_id,
                      const SilhouetteOptions& options, float* mask, float* keep) {
  const Sizes n(face_id.dimensions(), clip, faces);
  const SoftFaces table = soft_faces(pool, n, clip, faces, options);
  const float sigma_inverse = static_cast<float>(options.sigma_inverse);
  const bool ok = parallel_for(pool, n.batch * table.strips, [&](int64_t piece) {
    const int64_t item = piece / table.strips, strip = piece % table.strips;
    const int64_t begin = (item * n.height + strip * kSoftStrip) * n.width;
    const int64_t count = std::min<int64_t>(kSoftStrip, n.height - strip * kSoftStrip) * n.width;
    const int32_t* ids = face_id.typed_data() + begin;
    const OpenPixels pixels(table, item, strip, n, [ids](int64_t i) { return ids[i] < 0; });
    std::vector<float> product(pixels.x.size(), 1.0f);
    if (!pixels.at.empty()) {
      table.for_strip(item, strip, [&](const SoftFace& face, int32_t, Span rows) {
        for_pixels(face, rows, n.height, pixels, [&](int32_t i, Floats x, Floats y, Ints lanes) {
          const Floats miss = 1.0f - exp_minus(boundary_distance_squared(face, x, y) * sigma_inverse);
          const Floats before = load<Floats>(product.data() + i);
          store(product.data() + i, select(lanes, before * miss, before));
        });
      });
    }
    for (int64_t i = 0; i < count; ++i) mask[begin + i] = ids[i] >= 0 ? 1.0f : 0.0f;
    for (size_t i = 0; i < pixels.at.size(); ++i) mask[begin + pixels.at[i]] = 1.0f - product[i];
    if (!keep) return;
    for (int64_t i = 0; i < count; ++i) keep[begin + i] = ids[i] >= 0 ? 0.0f : 1.0f;
    for (size_t i = 0; i < pixels.at.size(); ++i) keep[begin + pixels.at[i]] = product[i];
  });
  return ok && table.ok;
}

inline ffi::Error Silhouette(ffi::ThreadPool pool, F32 clip, S32 faces, S32 face_id, SilhouetteOptions options,
                             ffi::Result<F32> mask) {
  return finished(draw_soft(pool, clip, faces, face_id, options, mask->typed_data(), nullptr));
}

// What the gradient needs beside the mask: 1 - mask has lost the digits of a small keep.
inline ffi::Error SilhouetteAndKeep(ffi::ThreadPool pool, F32 clip, S32 faces, S32 face_id,
                                    SilhouetteOptions options, ffi::Result<F32> mask, ffi::Result<F32> keep) {
  return finished(draw_soft(pool, clip, faces, face_id, options, mask->typed_data(), keep->typed_data()));
}

// Sums gradients of squared distances to one face's boundary: with the nearest boundary point
// a + t (b - a) and r from it to the pixel, d(d^2) is -2 r (1 - t) on a and -2 r t on b.
struct DistanceGradient {
  Floats x[3] = {}, y[3] = {};

  // weight = cotangent * keep. d mask / d(d^2) is -sigma_inverse p times the product of all other factors,
  // which is keep / (1 - p), exact to rounding: the very 1 - p that is in keep. Where that is 0 the pixel lies
  // on the boundary, and d(d^2) is 0 as well.
  void add(const SoftFace& face, Floats pixel_x, Floats pixel_y, Floats weight, float sigma_inverse) {
    const NearestOnEdge edges[3] = {{face, 0, pixel_x, pixel_y},
                                    {face, 1, pixel_x, pixel_y},
                                    {face, 2, pixel_x, pixel_y}};
    const Floats d0 = edges[0].distance_squared(), d1 = edges[1].distance_squared(),
                 d2 = edges[2].distance_squared();
    const Floats p = exp_minus(minimum(minimum(d0, d1), d2) * sigma_inverse), miss = 1.0f - p;
    const Floats scale = kept(miss > 0.0f, weight * p * (2.0f * sigma_inverse) / miss);
    const Ints first = (d0 <= d1) & (d0 <= d2), second = ~first & (d1 <= d2);
    const Ints chosen[3] = {first, second, ~first & ~second};
    for (int k = 0; k < 3; ++k) {
      const int next = (k + 1) % 3;
      const Floats own = kept(chosen[k], scale);
      const Floats to_b = own * edges[k].t, to_a = own - to_b;
      x[k] += to_a * edges[k].x, y[k] += to_a * edges[k].y;
      x[next] += to_b * edges[k].x, y[next] += to_b * edges[k].y;
    }
  }

  void flush(double* gradient) {  // [6] = (x0, y0, x1, y1, x2, y2)
    for (int k = 0; k < 3; ++k) {
      gradient[2 * k] += sum_of_lanes(x[k]);
      gradient[2 * k + 1] += sum_of_lanes(y[k]);
    }
    *this = DistanceGradient();
  }
};

inline void soft_gradient_of_strip(const SoftFaces& table, int64_t item, int64_t strip, const Sizes& n,
                                   const float* keep, const float* cotangent, float sigma_inverse,
                                   double* face_gradient) {
  const int64_t begin = (item * n.height + strip * kSoftStrip) * n.width;
  keep += begin, cotangent += begin;
  const OpenPixels pixels(table, item, strip, n, [=](int64_t i) { return keep[i] * cotangent[i] != 0; });
  if (pixels.at.empty()) return;
  std::vector<float> weights(pixels.x.size(), 0.0f);
  for (size_t i = 0; i < pixels.at.size(); ++i) weights[i] = keep[pixels.at[i]] * cotangent[pixels.at[i]];
  table.for_strip(item, strip, [&](const SoftFace& face, int32_t f, Span rows) {
    DistanceGradient sum;
    bool seen = false;
    for_pixels(face, rows, n.height, pixels, [&](int32_t i, Floats x, Floats y, Ints lanes) {
      seen = true;
      sum.add(face, x, y, kept(lanes, load<Floats>(weights.data() + i)), sigma_inverse);
    });
    if (seen) sum.flush(face_gradient + 6 * f);
  });
}

// One item's gradient [v 4] from its faces' [6], summed over the bands in their order.
inline void gather_soft_gradient(const Sizes& n, int64_t bands, const float* clip, const int32_t* faces,
                                 const double* face_gradients, float* out) {
  std::vector<double> gradient(4 * n.vertices, 0.0);
  for (int64_t f = 0; f < n.faces; ++f) {
    double sum[6] = {};
    bool seen = false;
    for (int64_t band = 0; band < bands; ++band) {
      for (int i = 0; i < 6; ++i) {
        sum[i] += face_gradients[(band * n.faces + f) * 6 + i];
        seen |= sum[i] != 0;
      }
    }
    if (!seen) continue;
    for (int k = 0; k < 3; ++k) {
      const int64_t v = faces[3 * f + k];
      const double w = clip[4 * v + 3], x = clip[4 * v] / w, y = clip[4 * v + 1] / w;
      gradient[4 * v] += sum[2 * k] / w;
      gradient[4 * v + 1] += sum[2 * k + 1] / w;
      gradient[4 * v + 3] -= (sum[2 * k] * x + sum[2 * k + 1] * y) / w;
    }
  }
  for (int64_t i = 0; i < 4 * n.vertices; ++i) out[i] = static_cast<float>(gradient[i]);
}

inline ffi::Error SilhouetteGrad(ffi::ThreadPool pool, F32 clip, S32 faces, F32 keep, F32 grad_mask,
                                 SilhouetteOptions options, ffi::Result<F32> grad_clip) {
  const Sizes n(keep.dimensions(), clip, faces);
  const SoftFaces table = soft_faces(pool, n, clip, faces, options);
  const int64_t bands = std::min(bands_per_image(n.batch, n.height), table.strips), size = n.faces * 6;
  std::unique_ptr<double[]> face_gradients(new double[n.batch * bands * size]);
  bool ok = parallel_for(pool, n.batch * bands, [&](int64_t piece) {
    const int64_t item = piece / bands, band = piece % bands;
    double* own = face_gradients.get() + piece * size;
    std::fill(own, own + size, 0.0);
    for (int64_t strip = band * table.strips / bands; strip < (band + 1) * table.strips / bands; ++strip) {
      soft_gradient_of_strip(table, item, strip, n, keep.typed_data(), grad_mask.typed_data(),
                             static_cast<float>(options.sigma_inverse), own);
    }
  });
  ok &= parallel_for(pool, n.batch, [&](int64_t item) {
    gather_soft_gradient(n, bands, clip.typed_data() + item * n.vertices * 4,
                         faces.typed_data() + item * n.faces * 3, face_gradients.get() + item * bands * size,
                         grad_clip->typed_data() + item * n.vertices * 4);
  });
  return finished(ok && table.ok);
}

}  // namespace rasterizer
