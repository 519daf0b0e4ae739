// Interpolation of vertex attributes and bilinear texture sampling, with their gradients.
#pragma once

#include "cpu_common.h"

namespace rasterizer {

constexpr int64_t kRows = 16;  // rows per piece of work where pixels are independent

template <typename Body>
bool for_row_blocks(ffi::ThreadPool& pool, int64_t batch, int64_t height, const Body& body) {
  const int64_t blocks = (height + kRows - 1) / kRows;
  return parallel_for(pool, batch * blocks, [&](int64_t piece) {
    const int64_t first = (piece % blocks) * kRows;
    body(piece / blocks, first, std::min(first + kRows, height));
  });
}

// Calls body(channels) with the count as a compile-time constant where it is small.
template <typename Body>
void with_channels(int64_t channels, const Body& body) {
  switch (channels) {
    case 1:
      return body(std::integral_constant<int64_t, 1>());
    case 2:
      return body(std::integral_constant<int64_t, 2>());
    case 3:
      return body(std::integral_constant<int64_t, 3>());
    case 4:
      return body(std::integral_constant<int64_t, 4>());
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

inline ffi::Error Interpolate(ffi::ThreadPool pool, ffi::Buffer<ffi::F32> attributes,
                              ffi::Buffer<ffi::S32> faces, ffi::Buffer<ffi::S32> face_id,
                              ffi::Buffer<ffi::F32> barycentrics, ffi::Result<ffi::Buffer<ffi::F32>> values) {
  const auto image = face_id.dimensions();
  const int64_t batch = leading(image, 2), height = trailing(image, 2), width = trailing(image, 1);
  const int64_t num_vertices = trailing(attributes.dimensions(), 2),
                num_channels = trailing(attributes.dimensions(), 1);
  const int64_t num_faces = trailing(faces.dimensions(), 2);
  return finished(for_row_blocks(pool, batch, height, [&](int64_t item, int64_t first, int64_t last) {
    with_channels(num_channels, [&](auto channels) {
      const float* item_attributes = attributes.typed_data() + item * num_vertices * channels;
      const int32_t* item_faces = faces.typed_data() + item * num_faces * 3;
      for (int64_t p = (item * height + first) * width; p < (item * height + last) * width; ++p) {
        float* out = values->typed_data() + p * channels;
        const int32_t* face = corners_of(item_faces, num_faces, num_vertices, face_id.typed_data()[p]);
        if (!face) {
          std::fill(out, out + channels, 0.0f);
          continue;
        }
        const float* beta = barycentrics.typed_data() + 3 * p;
        const float* a = item_attributes + face[0] * channels;
        const float* b = item_attributes + face[1] * channels;
        const float* c = item_attributes + face[2] * channels;
        for (int64_t n = 0; n < channels; ++n) out[n] = beta[0] * a[n] + beta[1] * b[n] + beta[2] * c[n];
      }
    });
  }));
}

// Sums beta_k g over the run of pixels of one face before adding it to the vertices.
template <typename Channels>
struct AttributeSums {
  Channels channels;
  const int32_t* face = nullptr;
  std::vector<float> sums;
  double* gradient;

  AttributeSums(Channels channels, double* gradient)
      : channels(channels), sums(3 * channels, 0.0f), gradient(gradient) {}

  void start(const int32_t* next) {
    if (next == face) return;
    if (face) {
      for (int k = 0; k < 3; ++k)
        for (int64_t n = 0; n < channels; ++n) gradient[face[k] * channels + n] += sums[k * channels + n];
      std::fill(sums.begin(), sums.end(), 0.0f);
    }
    face = next;
  }
};

inline ffi::Error InterpolateGrad(ffi::ThreadPool pool, ffi::Buffer<ffi::F32> attributes,
                                  ffi::Buffer<ffi::S32> faces, ffi::Buffer<ffi::S32> face_id,
                                  ffi::Buffer<ffi::F32> barycentrics, ffi::Buffer<ffi::F32> grad_values,
                                  ffi::Result<ffi::Buffer<ffi::F32>> grad_attributes,
                                  ffi::Result<ffi::Buffer<ffi::F32>> grad_barycentrics) {
  const auto image = face_id.dimensions();
  const int64_t batch = leading(image, 2), height = trailing(image, 2), width = trailing(image, 1);
  const int64_t num_vertices = trailing(attributes.dimensions(), 2),
                num_channels = trailing(attributes.dimensions(), 1);
  const int64_t num_faces = trailing(faces.dimensions(), 2), size = num_vertices * num_channels;
  const int64_t bands = bands_per_image(batch, height);
  std::vector<double> gradients(batch * bands * size, 0.0);
  bool ok = parallel_for(pool, batch * bands, [&](int64_t piece) {
    const int64_t item = piece / bands, band = piece % bands;
    const int64_t first = band * height / bands, last = (band + 1) * height / bands;
    with_channels(num_channels, [&](auto channels) {
      const float* item_attributes = attributes.typed_data() + item * size;
      const int32_t* item_faces = faces.typed_data() + item * num_faces * 3;
      AttributeSums<decltype(channels)> sums(channels, gradients.data() + piece * size);
      for (int64_t p = (item * height + first) * width; p < (item * height + last) * width; ++p) {
        float* grad_beta = grad_barycentrics->typed_data() + 3 * p;
        grad_beta[0] = grad_beta[1] = grad_beta[2] = 0;
        const int32_t* face = corners_of(item_faces, num_faces, num_vertices, face_id.typed_data()[p]);
        if (!face) continue;
        sums.start(face);
        const float* beta = barycentrics.typed_data() + 3 * p;
        const float* g = grad_values.typed_data() + p * channels;
        for (int k = 0; k < 3; ++k) {
          const float* corner = item_attributes + face[k] * channels;
          float* sum = sums.sums.data() + k * channels;
          float dot = 0;
          for (int64_t n = 0; n < channels; ++n) {
            dot += g[n] * corner[n];
            sum[n] += beta[k] * g[n];
          }
          grad_beta[k] = dot;
        }
      }
      sums.start(nullptr);
    });
  });
  ok &= parallel_for(pool, batch, [&](int64_t item) {
    for (int64_t n = 0; n < size; ++n) {
      double sum = 0;
      for (int64_t band = 0; band < bands; ++band) sum += gradients[(item * bands + band) * size + n];
      grad_attributes->typed_data()[item * size + n] = static_cast<float>(sum);
    }
  });
  return finished(ok);
}

// The four texels around a sample and its position between them.
struct Footprint {
  int64_t rows[2], columns[2];
  float right, below;  // weights of the second column and row
};

inline int64_t texel(float index, int64_t size, bool repeat) {
  if (!(std::abs(index) < 1e9f)) return 0;  // NaN and far out: any texel, but one inside
  const int64_t i = static_cast<int64_t>(index);
  if (!repeat) return std::min(std::max<int64_t>(i, 0), size - 1);
  if (i >= 0 && i < size) return i;
  const int64_t rest = i % size;
  return rest < 0 ? rest + size : rest;
}

inline Footprint footprint(const float* uv, int64_t height, int64_t width, bool repeat_u, bool repeat_v) {
  const float column = uv[0] * width - 0.5f, row = (1.0f - uv[1]) * height - 0.5f;
  const float left = std::floor(column), top = std::floor(row);
  Footprint f;
  for (int k = 0; k < 2; ++k) {
    f.columns[k] = texel(left + k, width, repeat_u);
    f.rows[k] = texel(top + k, height, repeat_v);
  }
  f.right = column - left;
  f.below = row - top;
  return f;
}

inline ffi::Error SampleTexture(ffi::ThreadPool pool, ffi::Buffer<ffi::F32> texture, ffi::Buffer<ffi::F32> uv,
                                int64_t repeat_u, int64_t repeat_v,
                                ffi::Result<ffi::Buffer<ffi::F32>> values) {
  const auto shape = texture.dimensions();
  const int64_t texture_height = trailing(shape, 3), texture_width = trailing(shape, 2),
                num_channels = trailing(shape, 1);
  const int64_t batch = leading(shape, 3), height = trailing(uv.dimensions(), 3),
                width = trailing(uv.dimensions(), 2);
  return finished(for_row_blocks(pool, batch, height, [&](int64_t item, int64_t first, int64_t last) {
    with_channels(num_channels, [&](auto channels) {
      const float* data = texture.typed_data() + item * texture_height * texture_width * channels;
      for (int64_t p = (item * height + first) * width; p < (item * height + last) * width; ++p) {
        const Footprint f =
            footprint(uv.typed_data() + 2 * p, texture_height, texture_width, repeat_u, repeat_v);
        const float* corner[2][2];
        for (int r = 0; r < 2; ++r)
          for (int c = 0; c < 2; ++c)
            corner[r][c] = data + (f.rows[r] * texture_width + f.columns[c]) * channels;
        float* out = values->typed_data() + p * channels;
        for (int64_t n = 0; n < channels; ++n) {
          const float top = corner[0][0][n] * (1 - f.right) + corner[0][1][n] * f.right;
          const float bottom = corner[1][0][n] * (1 - f.right) + corner[1][1][n] * f.right;
          out[n] = top * (1 - f.below) + bottom * f.below;
        }
      }
    });
  }));
}

template <typename Channels>
bool all_zero(const float* g, Channels channels) {
  for (int64_t n = 0; n < channels; ++n)
    if (g[n] != 0) return false;
  return true;
}

// Scatters into the texture rows [first, last) of one item. Pixels come in order and each texel has
// one writer, so the sums do not depend on how the rows were shared out.
template <typename Channels>
void scatter_texture(const float* uv, const float* g, int64_t pixels, int64_t texture_height,
                     int64_t texture_width, Channels channels, bool repeat_u, bool repeat_v, int64_t first,
                     int64_t last, float* out) {
  std::fill(out + first * texture_width * channels, out + last * texture_width * channels, 0.0f);
  for (int64_t p = 0; p < pixels; ++p) {
    const float* cotangent = g + p * channels;
    if (all_zero(cotangent, channels)) continue;
    const Footprint f = footprint(uv + 2 * p, texture_height, texture_width, repeat_u, repeat_v);
    for (int r = 0; r < 2; ++r) {
      if (f.rows[r] < first || f.rows[r] >= last) continue;
      const float row_weight = r ? f.below : 1 - f.below;
      for (int c = 0; c < 2; ++c) {
        const float weight = row_weight * (c ? f.right : 1 - f.right);
        float* target = out + (f.rows[r] * texture_width + f.columns[c]) * channels;
        for (int64_t n = 0; n < channels; ++n) target[n] += weight * cotangent[n];
      }
    }
  }
}

template <typename Channels>
void uv_gradient(const float* data, const float* uv, const float* g, int64_t texture_height,
                 int64_t texture_width, Channels channels, bool repeat_u, bool repeat_v, float* out) {
  out[0] = out[1] = 0;
  if (all_zero(g, channels)) return;
  const Footprint f = footprint(uv, texture_height, texture_width, repeat_u, repeat_v);
  float along_column = 0, along_row = 0;
  const float* corner[2][2];
  for (int r = 0; r < 2; ++r)
    for (int c = 0; c < 2; ++c) corner[r][c] = data + (f.rows[r] * texture_width + f.columns[c]) * channels;
  for (int64_t n = 0; n < channels; ++n) {
    const float a = corner[0][0][n], b = corner[0][1][n], c = corner[1][0][n], d = corner[1][1][n];
    along_column += g[n] * ((b - a) * (1 - f.below) + (d - c) * f.below);
    along_row += g[n] * ((c - a) * (1 - f.right) + (d - b) * f.right);
  }
  out[0] = along_column * texture_width;
  out[1] = -along_row * texture_height;
}

inline ffi::Error SampleTextureGrad(ffi::ThreadPool pool, ffi::Buffer<ffi::F32> texture,
                                    ffi::Buffer<ffi::F32> uv, ffi::Buffer<ffi::F32> grad_values,
                                    int64_t repeat_u, int64_t repeat_v,
                                    ffi::Result<ffi::Buffer<ffi::F32>> grad_texture,
                                    ffi::Result<ffi::Buffer<ffi::F32>> grad_uv) {
  const auto shape = texture.dimensions();
  const int64_t texture_height = trailing(shape, 3), texture_width = trailing(shape, 2),
                num_channels = trailing(shape, 1);
  const int64_t batch = leading(shape, 3), height = trailing(uv.dimensions(), 3),
                width = trailing(uv.dimensions(), 2);
  const int64_t size = texture_height * texture_width * num_channels, pixels = height * width;
  const int64_t threads = std::max<int64_t>(1, pool.num_threads());
  const int64_t parts = std::min((threads + batch - 1) / batch, texture_height);
  bool ok = parallel_for(pool, batch * parts, [&](int64_t piece) {
    const int64_t item = piece / parts, part = piece % parts;
    with_channels(num_channels, [&](auto channels) {
      scatter_texture(uv.typed_data() + item * pixels * 2,
                      grad_values.typed_data() + item * pixels * channels, pixels, texture_height,
                      texture_width, channels, repeat_u, repeat_v, part * texture_height / parts,
                      (part + 1) * texture_height / parts, grad_texture->typed_data() + item * size);
    });
  });
  ok &= for_row_blocks(pool, batch, height, [&](int64_t item, int64_t first, int64_t last) {
    with_channels(num_channels, [&](auto channels) {
      for (int64_t p = (item * height + first) * width; p < (item * height + last) * width; ++p) {
        uv_gradient(texture.typed_data() + item * size, uv.typed_data() + 2 * p,
                    grad_values.typed_data() + p * channels, texture_height, texture_width, channels,
                    repeat_u, repeat_v, grad_uv->typed_data() + 2 * p);
      }
    });
  });
  return finished(ok);
}

}  // namespace rasterizer
