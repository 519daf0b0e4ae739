// Interpolation of vertex attributes and its gradients.
#pragma once

#include "cpu_common.h"

namespace rasterizer {

constexpr int64_t kRows = 16;  // rows per piece of work where pixels are independent

// Calls body(item, first pixel, pixel count) over blocks of rows of all images.
template <typename Body>
bool for_pixel_blocks(ffi::ThreadPool& pool, int64_t batch, int64_t height, int64_t width, const Body& body) {
  const int64_t blocks = (height + kRows - 1) / kRows;
  return parallel_for(pool, batch * blocks, [&](int64_t piece) {
    const int64_t item = piece / blocks, first = (piece % blocks) * kRows;
    const int64_t last = std::min(first + kRows, height);
    body(item, (item * height + first) * width, (last - first) * width);
  });
}

// Calls body(channels) with the count as a compile-time constant where it is small.
template <typename Body>
void with_channels(int64_t channels, const Body& body) {
  switch (channels) {
    case 1:
      return body(std::integral_constant<int, 1>());
    case 2:
      return body(std::integral_constant<int, 2>());
    case 3:
      return body(std::integral_constant<int, 3>());
    case 4:
      return body(std::integral_constant<int, 4>());
    default:
      return body(channels);
  }
}

// Corner indices of a face, or null for an empty pixel or anything out of range.
inline const int32_t* corners_of(const int32_t* faces, int64_t num_faces, int64_t num_vertices, int32_t id) {
  if (id < 0 || id >= num_faces) return nullptr;
  const int32_t* face = faces + 3 * static_cast<int64_t>(id);
  for (int k = 0; k < 3; ++k)
    if (face[k] < 0 || face[k] >= num_vertices) return nullptr;
  return face;
}

// One image's attributes [v c] and the faces into them.
struct Corners {
  const float* attributes;
  const int32_t* faces;
  int64_t num_vertices, num_faces;
};

template <int channels>
void interpolate_pixels(const Corners& c, const int32_t* face_id, const float* barycentrics, int64_t pixels,
                        float* values) {
  for (int64_t p = 0; p < pixels; p += kLanes) {
    const int64_t count = pixels - p;
    const Ints ids = load_ids(face_id + p, count);
    Floats out[channels] = {}, beta[3];
    if (any(ids >= 0)) {
      load_channels(barycentrics + 3 * p, count, beta);
      for_ids(ids, [&](int32_t id, Ints lanes) {
        const int32_t* face = corners_of(c.faces, c.num_faces, c.num_vertices, id);
        if (!face) return;
        const float *a = c.attributes + face[0] * int64_t{channels},
                    *b = c.attributes + face[1] * int64_t{channels},
                    *d = c.attributes + face[2] * int64_t{channels};
        for (int n = 0; n < channels; ++n) {
          out[n] = select(lanes, beta[0] * a[n] + beta[1] * b[n] + beta[2] * d[n], out[n]);
        }
      });
    }
    store_channels(values + p * channels, count, out);
  }
}

inline void interpolate_pixels(const Corners& c, const int32_t* face_id, const float* barycentrics,
                               int64_t pixels, int64_t channels, float* values) {
  for (int64_t p = 0; p < pixels; ++p) {
    float* out = values + p * channels;
    const int32_t* face = corners_of(c.faces, c.num_faces, c.num_vertices, face_id[p]);
    if (!face) {
      std::fill(out, out + channels, 0.0f);
      continue;
    }
    const float *beta = barycentrics + 3 * p, *a = c.attributes + face[0] * channels,
                *b = c.attributes + face[1] * channels, *d = c.attributes + face[2] * channels;
    for (int64_t n = 0; n < channels; ++n) out[n] = beta[0] * a[n] + beta[1] * b[n] + beta[2] * d[n];
  }
}

inline ffi::Error Interpolate(ffi::ThreadPool pool, F32 attributes, S32 faces, S32 face_id, F32 barycentrics,
                              ffi::Result<F32> values) {
  const Sizes n(face_id.dimensions(), attributes, faces);
  const int64_t num_channels = trailing(attributes.dimensions(), 1);
  return finished(for_pixel_blocks(pool, n.batch, n.height, n.width, [&](int64_t item, int64_t p, int64_t count) {
    const Corners corners = {attributes.typed_data() + item * n.vertices * num_channels,
                             faces.typed_data() + item * n.faces * 3, n.vertices, n.faces};
    const int32_t* ids = face_id.typed_data() + p;
    const float* beta = barycentrics.typed_data() + 3 * p;
    float* out = values->typed_data() + p * num_channels;
    with_channels(num_channels, [&](auto channels) {
      if constexpr (std::is_same_v<decltype(channels), int64_t>) {
        interpolate_pixels(corners, ids, beta, count, channels, out);
      } else {
        interpolate_pixels<channels.value>(corners, ids, beta, count, out);
      }
    });
  }));
}

// Gradients of a few channels: sums per face stay in vectors until the face changes.
template <int channels>
void interpolate_gradients(const Corners& c, const int32_t* face_id, const float* barycentrics,
                           const float* grad_values, int64_t pixels, double* gradient,
                           float* grad_barycentrics) {
  Floats sums[3][channels] = {};
  const int32_t* current = nullptr;
  const auto flush = [&] {
    for (int k = 0; current && k < 3; ++k) {
      for (int n = 0; n < channels; ++n) {
        gradient[current[k] * int64_t{channels} + n] += sum_of_lanes(sums[k][n]);
        sums[k][n] = Floats{};
      }
    }
  };
  for (int64_t p = 0; p < pixels; p += kLanes) {
    const int64_t count = pixels - p;
    const Ints ids = load_ids(face_id + p, count);
    Floats grad_beta[3] = {}, beta[3], g[channels];
    if (any(ids >= 0)) {
      load_channels(barycentrics + 3 * p, count, beta);
      load_channels(grad_values + p * channels, count, g);
      for_ids(ids, [&](int32_t id, Ints lanes) {
        const int32_t* face = corners_of(c.faces, c.num_faces, c.num_vertices, id);
        if (!face) return;
        if (face != current) {
          flush();
          current = face;
        }
        for (int k = 0; k < 3; ++k) {
          const float* corner = c.attributes + face[k] * int64_t{channels};
          const Floats own = kept(lanes, beta[k]);
          Floats dot{};
          for (int n = 0; n < channels; ++n) {
            dot += g[n] * corner[n];
            sums[k][n] += own * g[n];
          }
          grad_beta[k] = select(lanes, dot, grad_beta[k]);
        }
      });
    }
    store_channels(grad_barycentrics + 3 * p, count, grad_beta);
  }
  flush();
}

inline void interpolate_gradients(const Corners& c, const int32_t* face_id, const float* barycentrics,
                                  const float* grad_values, int64_t pixels, int64_t channels,
                                  double* gradient, float* grad_barycentrics) {
  for (int64_t p = 0; p < pixels; ++p) {
    float* grad_beta = grad_barycentrics + 3 * p;
    grad_beta[0] = grad_beta[1] = grad_beta[2] = 0;
    const int32_t* face = corners_of(c.faces, c.num_faces, c.num_vertices, face_id[p]);
    if (!face) continue;
    const float *beta = barycentrics + 3 * p, *g = grad_values + p * channels;
    for (int k = 0; k < 3; ++k) {
      const float* corner = c.attributes + face[k] * channels;
      double* sum = gradient + face[k] * channels;
      float dot = 0;
      for (int64_t n = 0; n < channels; ++n) {
        dot += g[n] * corner[n];
        sum[n] += static_cast<double>(beta[k]) * g[n];
      }
      grad_beta[k] = dot;
    }
  }
}

inline ffi::Error InterpolateGrad(ffi::ThreadPool pool, F32 attributes, S32 faces, S32 face_id,
                                  F32 barycentrics, F32 grad_values, ffi::Result<F32> grad_attributes,
                                  ffi::Result<F32> grad_barycentrics) {
  const Sizes n(face_id.dimensions(), attributes, faces);
  const int64_t num_channels = trailing(attributes.dimensions(), 1), size = n.vertices * num_channels;
  const int64_t bands = bands_per_image(n.batch, n.height);
  std::unique_ptr<double[]> gradients(new double[n.batch * bands * size]);
  bool ok = parallel_for(pool, n.batch * bands, [&](int64_t piece) {
    const int64_t item = piece / bands, band = piece % bands;
    const int64_t first = band * n.height / bands, last = (band + 1) * n.height / bands;
    const int64_t p = (item * n.height + first) * n.width, count = (last - first) * n.width;
    const Corners corners = {attributes.typed_data() + item * size, faces.typed_data() + item * n.faces * 3,
                             n.vertices, n.faces};
    const int32_t* ids = face_id.typed_data() + p;
    const float *beta = barycentrics.typed_data() + 3 * p, *g = grad_values.typed_data() + p * num_channels;
    double* own = gradients.get() + piece * size;
    std::fill(own, own + size, 0.0);
    float* grad_beta = grad_barycentrics->typed_data() + 3 * p;
    with_channels(num_channels, [&](auto channels) {
      if constexpr (std::is_same_v<decltype(channels), int64_t>) {
        interpolate_gradients(corners, ids, beta, g, count, channels, own, grad_beta);
      } else {
        interpolate_gradients<channels.value>(corners, ids, beta, g, count, own, grad_beta);
      }
    });
  });
  ok &= parallel_for(pool, n.batch, [&](int64_t item) {
    for (int64_t i = 0; i < size; ++i) {
      double sum = 0;
      for (int64_t band = 0; band < bands; ++band) sum += gradients[(item * bands + band) * size + i];
      grad_attributes->typed_data()[item * size + i] = static_cast<float>(sum);
    }
  });
  return finished(ok);
}

}  // namespace rasterizer
