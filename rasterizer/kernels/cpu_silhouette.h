// DIB-R's soft mask, 1 - prod (1 - exp(-sigma_inverse d^2)), and its gradient.
#pragma once

#include "cpu_common.h"

namespace rasterizer {

constexpr int kSoftStrip = 8;  // rows handled together; bounds the memory of the gradient's records

struct SoftFace {
  float x[3], y[3];  // NDC
  float along_x[3], along_y[3], inverse_length2[3];
  Span columns, rows;  // pixels inside the box grown by the margin
};

inline void set_up_soft_face(const float* clip, const int32_t* face, int64_t num_vertices, int64_t height,
                             int64_t width, double margin, SoftFace& out) {
  Corners c;
  out.rows = {0, -1};
  // Edge-on faces count, points do not: see `measurable` in formulas.py.
  if (!project_face(clip, face, num_vertices, c) || is_point(c)) return;
  for (int k = 0; k < 3; ++k) {
    const int next = (k + 1) % 3;
    const double dx = c.x[next] - c.x[k], dy = c.y[next] - c.y[k], length2 = dx * dx + dy * dy;
    out.x[k] = static_cast<float>(c.x[k]);
    out.y[k] = static_cast<float>(c.y[k]);
    out.along_x[k] = static_cast<float>(dx);
    out.along_y[k] = static_cast<float>(dy);
    out.inverse_length2[k] = length2 > 1e-37 ? static_cast<float>(1.0 / length2) : 0.0f;
  }
  out.columns = pixel_span(column_of(std::min({c.x[0], c.x[1], c.x[2]}) - margin, width),
                           column_of(std::max({c.x[0], c.x[1], c.x[2]}) + margin, width), width);
  out.rows = pixel_span(row_of(std::max({c.y[0], c.y[1], c.y[2]}) + margin, height),
                        row_of(std::min({c.y[0], c.y[1], c.y[2]}) - margin, height), height);
  if (out.columns.last < out.columns.first) out.rows = {0, -1};
}

inline Floats boundary_distance_squared(const SoftFace& face, Floats x, Floats y) {
  Floats nearest = splat(3.0e38f);
  for (int k = 0; k < 3; ++k) {
    const Floats dx = x - face.x[k], dy = y - face.y[k];
    Floats t = (dx * face.along_x[k] + dy * face.along_y[k]) * face.inverse_length2[k];
    t = select(t < 0.0f, Floats{}, select(t > 1.0f, splat(1.0f), t));
    const Floats rx = dx - t * face.along_x[k], ry = dy - t * face.along_y[k];
    nearest = minimum(nearest, rx * rx + ry * ry);
  }
  return nearest;
}

// The pixels of one strip that still need a product: uncovered, and for the gradient with a
// cotangent. `open` holds -1 or 0 per pixel, `chunk_open` whether any of 8 is open.
struct OpenPixels {
  int first_row, last_row;
  int64_t stride;
  std::vector<int32_t> open;
  std::vector<uint8_t> chunk_open;
  bool any_open = false;

  template <typename IsOpen>
  OpenPixels(int first, int last, int64_t width, const IsOpen& is_open)
      : first_row(first), last_row(last), stride((width + kLanes - 1) / kLanes * kLanes) {
    open.assign((last - first) * stride, 0);
    chunk_open.assign(open.size() / kLanes, 0);
    for (int row = first; row < last; ++row) {
      for (int64_t column = 0; column < width; ++column) {
        if (!is_open(row, column)) continue;
        const int64_t at = (row - first) * stride + column;
        open[at] = -1;
        chunk_open[at / kLanes] = 1;
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
void visit_strip(const SoftFace* faces, int64_t num_faces, const OpenPixels& pixels, int64_t height,
                 int64_t width, float sigma_inverse, const Visit& visit) {
  if (!pixels.any_open) return;
  for (int64_t f = 0; f < num_faces; ++f) {
    const SoftFace& face = faces[f];
    const int top = std::max(face.rows.first, pixels.first_row);
    const int bottom = std::min(face.rows.last, pixels.last_row - 1);
    for (int row = top; row <= bottom; ++row) {
      const int64_t line = (row - pixels.first_row) * pixels.stride;
      const Floats y = splat(row_centre(row, height));
      for (int column = face.columns.first & ~(kLanes - 1); column <= face.columns.last; column += kLanes) {
        const int64_t at = line + column;
        if (!pixels.chunk_open[at / kLanes]) continue;
        const Ints columns = Ints{0, 1, 2, 3, 4, 5, 6, 7} + column;
        Ints lanes = *reinterpret_cast<const Ints*>(pixels.open.data() + at);
        lanes &= (columns >= face.columns.first) & (columns <= face.columns.last);
        if (!any(lanes)) continue;
        const Floats distance2 = boundary_distance_squared(face, column_centres(column, width), y);
        visit(static_cast<int32_t>(f), at, lanes, 1.0f - exp_minus(distance2 * sigma_inverse));
      }
    }
  }
}

inline std::vector<SoftFace> set_up_soft_faces(ffi::ThreadPool& pool, const float* clip, const int32_t* faces,
                                               int64_t batch, int64_t num_vertices, int64_t num_faces,
                                               int64_t height, int64_t width, double margin, bool& ok) {
  std::vector<SoftFace> soft(batch * num_faces);
  const int64_t chunk = 512, chunks = (num_faces + chunk - 1) / chunk;
  ok = parallel_for(pool, batch * chunks, [&](int64_t piece) {
    const int64_t item = piece / chunks, start = (piece % chunks) * chunk;
    for (int64_t f = start; f < std::min(start + chunk, num_faces); ++f) {
      set_up_soft_face(clip + item * num_vertices * 4, faces + (item * num_faces + f) * 3, num_vertices,
                       height, width, margin, soft[item * num_faces + f]);
    }
  });
  return soft;
}

inline ffi::Error Silhouette(ffi::ThreadPool pool, ffi::Buffer<ffi::F32> clip, ffi::Buffer<ffi::S32> faces,
                             ffi::Buffer<ffi::S32> face_id, double sigma_inverse, double margin,
                             ffi::Result<ffi::Buffer<ffi::F32>> mask) {
  const auto image = face_id.dimensions();
  const int64_t batch = leading(image, 2), height = trailing(image, 2), width = trailing(image, 1);
  const int64_t num_vertices = trailing(clip.dimensions(), 2), num_faces = trailing(faces.dimensions(), 2);
  bool ok;
  const auto soft = set_up_soft_faces(pool, clip.typed_data(), faces.typed_data(), batch, num_vertices,
                                      num_faces, height, width, margin, ok);
  const int64_t strips = (height + kSoftStrip - 1) / kSoftStrip;
  ok &= parallel_for(pool, batch * strips, [&](int64_t piece) {
    const int64_t item = piece / strips;
    const int first = static_cast<int>(piece % strips) * kSoftStrip;
    const int last = static_cast<int>(std::min<int64_t>(first + kSoftStrip, height));
    const int32_t* ids = face_id.typed_data() + item * height * width;
    OpenPixels pixels(first, last, width,
                      [&](int row, int64_t column) { return ids[row * width + column] < 0; });
    std::vector<float> keep(pixels.open.size(), 1.0f);
    visit_strip(soft.data() + item * num_faces, num_faces, pixels, height, width,
                static_cast<float>(sigma_inverse), [&](int32_t, int64_t at, Ints lanes, Floats miss) {
                  Floats& product = *reinterpret_cast<Floats*>(keep.data() + at);
                  product = select(lanes, product * miss, product);
                });
    for (int row = first; row < last; ++row) {
      for (int64_t column = 0; column < width; ++column) {
        const int64_t at = (item * height + row) * width + column;
        const float kept = keep[(row - first) * pixels.stride + column];
        mask->typed_data()[at] = ids[row * width + column] >= 0 ? 1.0f : 1.0f - kept;
      }
    }
  });
  return finished(ok);
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
    Floats nearest = splat(3.0e38f), t_best{}, x_best{}, y_best{};
    Ints edge{};
    for (int k = 0; k < 3; ++k) {
      const Floats dx = pixel_x - face.x[k], dy = pixel_y - face.y[k];
      Floats t = (dx * face.along_x[k] + dy * face.along_y[k]) * face.inverse_length2[k];
      t = select(t < 0.0f, Floats{}, select(t > 1.0f, splat(1.0f), t));
      const Floats rx = dx - t * face.along_x[k], ry = dy - t * face.along_y[k];
      const Floats distance2 = rx * rx + ry * ry;
      const Ints closer = distance2 < nearest;
      nearest = select(closer, distance2, nearest);
      t_best = select(closer, t, t_best);
      x_best = select(closer, rx, x_best);
      y_best = select(closer, ry, y_best);
      edge = select(closer, Ints{} + k, edge);
    }
    const Floats to_b = -2.0f * scale * t_best, to_a = -2.0f * scale * (1.0f - t_best);
    for (int k = 0; k < 3; ++k) {
      const Floats weight = select(edge == k, to_a, Floats{}) + select(edge == (k + 2) % 3, to_b, Floats{});
      x[k] += weight * x_best;
      y[k] += weight * y_best;
    }
  }

  void flush(double* gradient) {  // [6] = (x0, y0, x1, y1, x2, y2)
    for (int k = 0; k < 3; ++k) {
      for (int lane = 0; lane < kLanes; ++lane) {
        gradient[2 * k] += x[k][lane];
        gradient[2 * k + 1] += y[k][lane];
      }
    }
    *this = DistanceGradient();
  }
};

// d mask / d p_j is the product of all other factors: those before were kept, those after are
// gathered on the way back. Nothing is divided by 1 - p, which may be 0. `cotangents` has the
// strip's layout.
inline void soft_gradient_of_strip(const SoftFace* faces, int64_t num_faces, const OpenPixels& pixels,
                                   int64_t height, int64_t width, float sigma_inverse,
                                   const std::vector<float>& cotangents, double* face_gradient) {
  std::vector<float> product(pixels.open.size(), 1.0f);
  std::vector<Factors> factors;
  visit_strip(faces, num_faces, pixels, height, width, sigma_inverse,
              [&](int32_t face, int64_t at, Ints lanes, Floats miss) {
                const Floats factor = select(lanes, miss, splat(1.0f));
                if (!any(factor < 1.0f)) return;
                Floats& before = *reinterpret_cast<Floats*>(product.data() + at);
                factors.push_back({before, factor, face, static_cast<int32_t>(at)});
                before = before * factor;
              });
  std::fill(product.begin(), product.end(), 1.0f);
  DistanceGradient sum;
  for (size_t n = factors.size(); n-- > 0;) {
    const Factors& factor = factors[n];
    Floats& after = *reinterpret_cast<Floats*>(product.data() + factor.at);
    const Floats cotangent = *reinterpret_cast<const Floats*>(cotangents.data() + factor.at);
    const Floats p = 1.0f - factor.miss;
    const Floats scale = cotangent * factor.before * after * p * -sigma_inverse;
    after = after * factor.miss;
    const int64_t row = pixels.first_row + factor.at / pixels.stride, column = factor.at % pixels.stride;
    sum.add(faces[factor.face], column_centres(column, width), splat(row_centre(row, height)), scale);
    if (n == 0 || factors[n - 1].face != factor.face) sum.flush(face_gradient + 6 * factor.face);
  }
}

inline ffi::Error SilhouetteGrad(ffi::ThreadPool pool, ffi::Buffer<ffi::F32> clip,
                                 ffi::Buffer<ffi::S32> faces, ffi::Buffer<ffi::S32> face_id,
                                 ffi::Buffer<ffi::F32> grad_mask, double sigma_inverse, double margin,
                                 ffi::Result<ffi::Buffer<ffi::F32>> grad_clip) {
  const auto image = face_id.dimensions();
  const int64_t batch = leading(image, 2), height = trailing(image, 2), width = trailing(image, 1);
  const int64_t num_vertices = trailing(clip.dimensions(), 2), num_faces = trailing(faces.dimensions(), 2);
  bool ok;
  const auto soft = set_up_soft_faces(pool, clip.typed_data(), faces.typed_data(), batch, num_vertices,
                                      num_faces, height, width, margin, ok);
  const int64_t bands = bands_per_image(batch, height);
  std::vector<double> face_gradients(batch * bands * num_faces * 6, 0.0);
  ok &= parallel_for(pool, batch * bands, [&](int64_t piece) {
    const int64_t item = piece / bands, band = piece % bands;
    const int first = static_cast<int>(band * height / bands),
              end = static_cast<int>((band + 1) * height / bands);
    const int32_t* ids = face_id.typed_data() + item * height * width;
    const float* cotangent = grad_mask.typed_data() + item * height * width;
    for (int row = first; row < end; row += kSoftStrip) {
      OpenPixels pixels(row, std::min(row + kSoftStrip, end), width, [&](int r, int64_t column) {
        return ids[r * width + column] < 0 && cotangent[r * width + column] != 0;
      });
      std::vector<float> cotangents(pixels.open.size(), 0.0f);
      for (int r = row; r < pixels.last_row; ++r) {
        std::copy_n(cotangent + r * width, width, cotangents.begin() + (r - row) * pixels.stride);
      }
      soft_gradient_of_strip(soft.data() + item * num_faces, num_faces, pixels, height, width,
                             static_cast<float>(sigma_inverse), cotangents,
                             face_gradients.data() + piece * num_faces * 6);
    }
  });
  ok &= parallel_for(pool, batch, [&](int64_t item) {
    std::vector<double> gradient(4 * num_vertices, 0.0);
    const float* item_clip = clip.typed_data() + item * num_vertices * 4;
    for (int64_t f = 0; f < num_faces; ++f) {
      double sum[6] = {};
      bool seen = false;
      for (int64_t band = 0; band < bands; ++band) {
        for (int n = 0; n < 6; ++n) {
          sum[n] += face_gradients[((item * bands + band) * num_faces + f) * 6 + n];
          seen |= sum[n] != 0;
        }
      }
      if (!seen) continue;
      for (int k = 0; k < 3; ++k) {
        const int64_t v = faces.typed_data()[(item * num_faces + f) * 3 + k];
        const double w = item_clip[4 * v + 3], x = item_clip[4 * v] / w, y = item_clip[4 * v + 1] / w;
        gradient[4 * v] += sum[2 * k] / w;
        gradient[4 * v + 1] += sum[2 * k + 1] / w;
        gradient[4 * v + 3] -= (sum[2 * k] * x + sum[2 * k + 1] * y) / w;
      }
    }
    float* out = grad_clip->typed_data() + item * num_vertices * 4;
    for (int64_t n = 0; n < 4 * num_vertices; ++n) out[n] = static_cast<float>(gradient[n]);
  });
  return finished(ok);
}

}  // namespace rasterizer
