// DIB-R's soft mask, 1 - prod (1 - exp(-sigma_inverse d^2)), and its gradient.
#pragma once

#include "cpu_common.h"

namespace rasterizer {

struct SilhouetteOptions {
  double sigma_inverse, margin;
};

constexpr int kSoftStrip = 8;  // rows handled together; bounds the memory of the gradient's records

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

// The pixels of one strip that still need a product: uncovered, and for the gradient with a
// cotangent. `open` holds -1 or 0 per pixel; bit r of `open_rows` says whether any of 8 columns is
// open in row r.
struct OpenPixels {
  int first_row, last_row;
  int64_t stride;
  std::vector<int32_t> open;
  std::vector<uint8_t> open_rows;
  bool any_open = false;

  // cotangent: null, or an image of which pixels at 0 are closed.
  OpenPixels(int first, int last, int64_t width, const int32_t* face_id, const float* cotangent)
      : first_row(first), last_row(last), stride((width + kLanes - 1) / kLanes * kLanes) {
    open.resize((last - first) * stride);
    open_rows.assign(stride / kLanes, 0);
    for (int row = first; row < last; ++row) {
      for (int64_t column = 0; column < width; column += kLanes) {
        const int64_t count = std::min<int64_t>(kLanes, width - column);
        int32_t ids[kLanes];
        std::memcpy(ids, face_id + row * width + column, count * sizeof(int32_t));
        for (int64_t lane = count; lane < kLanes; ++lane) ids[lane] = 0;
        Ints is_open = load<Ints>(ids) < 0;
        if (cotangent && any(is_open)) {
          Floats g[1];
          load_channels(cotangent + row * width + column, count, g);
          is_open &= g[0] != 0.0f;
        }
        store(open.data() + (row - first) * stride + column, is_open);
        if (!any(is_open)) continue;
        open_rows[column / kLanes] |= static_cast<uint8_t>(1 << (row - first));
        any_open = true;
      }
    }
  }
};

// NDC of 8 pixel centres from `column` on, and of a row's.
inline Floats column_centres(int64_t column, int64_t width) {
  return (lane_index() + (column + 0.5f - 0.5f * width)) * (2.0f / width);
}
inline float row_centre(int64_t row, int64_t height) {
  return static_cast<float>(height - 2 * row - 1) / height;
}

// Calls visit(face, index in the strip, lanes, miss = 1 - p) for every face and open pixels in its
// grown box, faces in ascending order.
template <typename Visit>
void visit_strip(const SoftFace* faces, const Span* rows, const Sizes& n, const OpenPixels& pixels,
                 float sigma_inverse, const Visit& visit) {
  if (!pixels.any_open) return;
  Floats row_centres{};
  for (int row = pixels.first_row; row < pixels.last_row; ++row) {
    row_centres[row - pixels.first_row] = row_centre(row, n.height);
  }
  for (int64_t f = 0; f < n.faces; ++f) {
    const int top = std::max(rows[f].first - pixels.first_row, 0);
    const int bottom = std::min(rows[f].last, pixels.last_row - 1) - pixels.first_row;
    if (top > bottom) continue;
    const SoftFace& face = faces[f];
    const uint32_t own_rows = ((2u << bottom) - 1) & ~((1u << top) - 1);
    for (int column = face.columns.first & ~(kLanes - 1); column <= face.columns.last; column += kLanes) {
      uint32_t todo = pixels.open_rows[column / kLanes] & own_rows;
      if (!todo) continue;
      const Ints columns = lane_number() + column;
      const Ints in_box = (columns >= face.columns.first) & (columns <= face.columns.last);
      const Floats x = column_centres(column, n.width);
      for (; todo; todo &= todo - 1) {
        const int row = __builtin_ctz(todo);
        const int64_t at = row * pixels.stride + column;
        const Ints lanes = load<Ints>(pixels.open.data() + at) & in_box;
        if (!any(lanes)) continue;
        const Floats distance2 = boundary_distance_squared(face, x, splat(row_centres[row]));
        visit(static_cast<int32_t>(f), at, lanes, 1.0f - exp_minus(distance2 * sigma_inverse));
      }
    }
  }
}

inline ffi::Error Silhouette(ffi::ThreadPool pool, F32 clip, S32 faces, S32 face_id, SilhouetteOptions options,
                             ffi::Result<F32> mask) {
  const Sizes n(face_id.dimensions(), clip, faces);
  const FaceTable<SoftFace> table(pool, n, clip.typed_data(), faces.typed_data(),
                                  [&](const ScreenVertex* const corners[3], SoftFace& out) {
                                    return set_up_soft_face(corners, n, options, out);
                                  });
  const int64_t strips = (n.height + kSoftStrip - 1) / kSoftStrip;
  const bool ok = parallel_for(pool, n.batch * strips, [&](int64_t piece) {
    const int64_t item = piece / strips;
    const int first = static_cast<int>(piece % strips) * kSoftStrip;
    const int last = static_cast<int>(std::min<int64_t>(first + kSoftStrip, n.height));
    const int32_t* ids = face_id.typed_data() + item * n.height * n.width;
    float* out = mask->typed_data() + item * n.height * n.width;
    const OpenPixels pixels(first, last, n.width, ids, nullptr);
    if (!pixels.any_open) {
      std::fill(out + first * n.width, out + last * n.width, 1.0f);
      return;
    }
    std::vector<float> keep(pixels.open.size(), 1.0f);
    visit_strip(table.faces.get() + item * n.faces, table.rows.get() + item * n.faces, n, pixels,
                static_cast<float>(options.sigma_inverse), [&](int32_t, int64_t at, Ints lanes, Floats miss) {
                  const Floats product = load<Floats>(keep.data() + at);
                  store(keep.data() + at, select(lanes, product * miss, product));
                });
    for (int row = first; row < last; ++row) {
      const float* kept_row = keep.data() + (row - first) * pixels.stride;
      const int32_t* open_row = pixels.open.data() + (row - first) * pixels.stride;
      for (int64_t column = 0; column < n.width; ++column) {
        out[row * n.width + column] = open_row[column] ? 1.0f - kept_row[column] : 1.0f;
      }
    }
  });
  return finished(ok && table.ok);
}

// The factors that one face gives to 8 pixels, with the products of the factors before them.
// Closed pixels and those outside the face's box have the factor 1.
struct Factors {
  Floats before, miss;
  int32_t face, at;
};

// Sums gradients of squared distances to one face's boundary: with the nearest boundary point
// a + t (b - a) and r from it to the pixel, d(d^2) is -2 r (1 - t) on a and -2 r t on b.
struct DistanceGradient {
  Floats x[3] = {}, y[3] = {};

  void add(const SoftFace& face, Floats pixel_x, Floats pixel_y, Floats scale) {
    const NearestOnEdge edges[3] = {{face, 0, pixel_x, pixel_y},
                                    {face, 1, pixel_x, pixel_y},
                                    {face, 2, pixel_x, pixel_y}};
    const Floats d0 = edges[0].distance_squared(), d1 = edges[1].distance_squared(),
                 d2 = edges[2].distance_squared();
    const Ints first = (d0 <= d1) & (d0 <= d2), second = ~first & (d1 <= d2);
    const Ints chosen[3] = {first, second, ~first & ~second};
    for (int k = 0; k < 3; ++k) {
      const int next = (k + 1) % 3;
      const Floats weight = kept(chosen[k], -2.0f * scale);
      const Floats to_b = weight * edges[k].t, to_a = weight - to_b;
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

// d mask / d p_j is the product of all other factors: those before were kept, those after are
// gathered on the way back. Nothing is divided by 1 - p, which may be 0.
inline void soft_gradient_of_strip(const SoftFace* faces, const Span* rows, const Sizes& n,
                                   const OpenPixels& pixels, float sigma_inverse, const float* cotangent,
                                   std::vector<Factors>& factors, double* face_gradient) {
  if (!pixels.any_open) return;
  std::vector<float> product(pixels.open.size(), 1.0f), cotangents(pixels.open.size(), 0.0f);
  for (int row = pixels.first_row; row < pixels.last_row; ++row) {
    std::copy_n(cotangent + row * n.width, n.width,
                cotangents.begin() + (row - pixels.first_row) * pixels.stride);
  }
  factors.clear();
  visit_strip(faces, rows, n, pixels, sigma_inverse, [&](int32_t face, int64_t at, Ints lanes, Floats miss) {
    const Floats factor = select(lanes, miss, splat(1.0f));
    if (!any(factor < 1.0f)) return;
    const Floats before = load<Floats>(product.data() + at);
    factors.push_back({before, factor, face, static_cast<int32_t>(at)});
    store(product.data() + at, before * factor);
  });
  std::fill(product.begin(), product.end(), 1.0f);
  DistanceGradient sum;
  for (size_t i = factors.size(); i-- > 0;) {
    const Factors& factor = factors[i];
    const Floats after = load<Floats>(product.data() + factor.at);
    const Floats slope = load<Floats>(cotangents.data() + factor.at) * factor.before * after;
    store(product.data() + factor.at, after * factor.miss);
    const int64_t row = pixels.first_row + factor.at / pixels.stride, column = factor.at % pixels.stride;
    sum.add(faces[factor.face], column_centres(column, n.width), splat(row_centre(row, n.height)),
            slope * (1.0f - factor.miss) * -sigma_inverse);
    if (i == 0 || factors[i - 1].face != factor.face) sum.flush(face_gradient + 6 * factor.face);
  }
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

inline ffi::Error SilhouetteGrad(ffi::ThreadPool pool, F32 clip, S32 faces, S32 face_id, F32 grad_mask,
                                 SilhouetteOptions options, ffi::Result<F32> grad_clip) {
  const Sizes n(face_id.dimensions(), clip, faces);
  const FaceTable<SoftFace> table(pool, n, clip.typed_data(), faces.typed_data(),
                                  [&](const ScreenVertex* const corners[3], SoftFace& out) {
                                    return set_up_soft_face(corners, n, options, out);
                                  });
  const int64_t bands = bands_per_image(n.batch, n.height), size = n.faces * 6;
  std::unique_ptr<double[]> face_gradients(new double[n.batch * bands * size]);
  bool ok = parallel_for(pool, n.batch * bands, [&](int64_t piece) {
    const int64_t item = piece / bands, band = piece % bands;
    const int first = static_cast<int>(band * n.height / bands),
              end = static_cast<int>((band + 1) * n.height / bands);
    const int32_t* ids = face_id.typed_data() + item * n.height * n.width;
    const float* cotangent = grad_mask.typed_data() + item * n.height * n.width;
    double* own = face_gradients.get() + piece * size;
    std::fill(own, own + size, 0.0);
    std::vector<Factors> factors;
    for (int row = first; row < end; row += kSoftStrip) {
      const OpenPixels pixels(row, std::min(row + kSoftStrip, end), n.width, ids, cotangent);
      soft_gradient_of_strip(table.faces.get() + item * n.faces, table.rows.get() + item * n.faces, n, pixels,
                             static_cast<float>(options.sigma_inverse), cotangent, factors, own);
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
