// Bilinear texture sampling and its gradients.
#pragma once

#include "cpu_attributes.h"

namespace rasterizer {

struct TextureOptions {
  int64_t wrap_u, wrap_v;
};

enum Wrap : int64_t { kClamp = 0, kRepeat = 1, kMirror = 2 };  // as WRAP_CODES in cpu.py

struct TextureSizes {
  int64_t batch, rows, columns, channels;  // of the texture
  int64_t height, width;                   // of the image
  int64_t wrap_u, wrap_v;

  TextureSizes(const F32& texture, const F32& uv, TextureOptions options)
      : batch(leading(texture.dimensions(), 3)),
        rows(trailing(texture.dimensions(), 3)),
        columns(trailing(texture.dimensions(), 2)),
        channels(trailing(texture.dimensions(), 1)),
        height(trailing(uv.dimensions(), 3)),
        width(trailing(uv.dimensions(), 2)),
        wrap_u(options.wrap_u),
        wrap_v(options.wrap_v) {}

  int64_t texels() const { return rows * columns; }
};

// The coordinate within one period of the wrapped texture, or within the texture, where clamping finds the
// same texels: no product of it leaves the range of float or int32. NaN where it is not finite.
inline Floats within_period(Floats x, int64_t wrap) {
  if (wrap == kClamp) return minimum(maximum(x, splat(0.0f)), splat(1.0f)) + (x - x);
  const float period = wrap == kMirror ? 2.0f : 1.0f;
  return x - floor_of(x / period) * period;
}

// The texels on either side of eight samples along one axis, and the second one's weight; `position` lies
// within a period, or is NaN, as the weight then is (the texels are any).
struct Sides {
  Ints first, second;
  Floats weight;

  Sides(Floats position, int32_t size, int64_t wrap) {
    const Ints usable = position == position;
    first = floor_to_int(kept(usable, position));
    weight = position - __builtin_convertvector(first, Floats);
    second = wrapped(first + 1, size, wrap);
    first = wrapped(first, size, wrap);
  }
  static Ints wrapped(Ints i, int32_t size, int64_t wrap) {
    if (wrap == kRepeat) {
      i += (i < 0) & size;
      return i - ((i >= size) & size);
    }
    if (wrap == kMirror) {  // at the left, at the right, and what is back at the left edge again
      i = select(i < 0, -1 - i, i);
      i = select(i >= size, 2 * size - 1 - i, i);
      return select(i < 0, -1 - i, i);
    }
    i = select(i < 0, Ints{}, i);
    return select(i >= size, Ints{} + (size - 1), i);
  }
};

// The four texels around each of eight samples, as offsets in texels, and their weights.
struct Footprints {
  Sides rows, columns;
  Ints at[2][2];

  Footprints(const float* uv, int64_t count, const TextureSizes& n) : Footprints(coordinates(uv, count), n) {}

 private:
  struct Coordinates {
    Floats uv[2];
  };
  static Coordinates coordinates(const float* uv, int64_t count) {
    Coordinates out;
    load_channels(uv, count, out.uv);
    return out;
  }
  Footprints(const Coordinates& c, const TextureSizes& n)
      : rows((1.0f - within_period(c.uv[1], n.wrap_v)) * static_cast<float>(n.rows) - 0.5f,
             static_cast<int32_t>(n.rows), n.wrap_v),
        columns(within_period(c.uv[0], n.wrap_u) * static_cast<float>(n.columns) - 0.5f,
                static_cast<int32_t>(n.columns), n.wrap_u) {
    const int32_t width = static_cast<int32_t>(n.columns);
    at[0][0] = rows.first * width + columns.first;
    at[0][1] = rows.first * width + columns.second;
    at[1][0] = rows.second * width + columns.first;
    at[1][1] = rows.second * width + columns.second;
  }
};

// Up to four channels of the texels around one sample; `texture` starts at the first of them.
struct Texels {
  Quad at[2][2];

  Texels(const float* texture, const Footprints& f, int lane, int64_t channels, int64_t live) {
    for (int r = 0; r < 2; ++r)
      for (int c = 0; c < 2; ++c) at[r][c] = load_quad(texture + f.at[r][c][lane] * channels, live);
  }
};

template <typename Channels>
void sample_pixels(const float* texture, const float* uv, int64_t pixels, const TextureSizes& n,
                   Channels channels, float* values) {
  for (int64_t p = 0; p < pixels; p += kLanes) {
    const int64_t count = std::min<int64_t>(kLanes, pixels - p);
    const Footprints f(uv + 2 * p, count, n);
    for (int lane = 0; lane < count; ++lane) {
      const float right = f.columns.weight[lane], below = f.rows.weight[lane];
      for (int64_t k = 0; k < channels; k += 4) {
        const int64_t live = std::min<int64_t>(4, channels - k);
        const Texels t(texture + k, f, lane, channels, live);
        const Quad top = t.at[0][0] * (1 - right) + t.at[0][1] * right,
                   bottom = t.at[1][0] * (1 - right) + t.at[1][1] * right;
        store_quad(values + (p + lane) * channels + k, live, top * (1 - below) + bottom * below);
      }
    }
  }
}

inline ffi::Error no_texels() {
  return ffi::Error(ffi::ErrorCode::kInvalidArgument, "rasterizer: the texture has no texels");
}

inline ffi::Error SampleTexture(ffi::ThreadPool pool, F32 texture, F32 uv, TextureOptions options,
                                ffi::Result<F32> values) {
  const TextureSizes n(texture, uv, options);
  if (n.texels() == 0 && n.height * n.width > 0) return no_texels();
  return finished(for_pixel_blocks(pool, n.batch, n.height, n.width, [&](int64_t item, int64_t p, int64_t count) {
    with_channels(n.channels, [&](auto channels) {
      sample_pixels(texture.typed_data() + item * n.texels() * n.channels, uv.typed_data() + 2 * p, count, n,
                    channels, values->typed_data() + p * n.channels);
    });
  }));
}

template <typename Channels>
bool all_zero(const float* g, int64_t pixels, Channels channels) {
  uint32_t bits = 0;
  for (int64_t i = 0; i < pixels * channels; ++i) {
    uint32_t word;
    std::memcpy(&word, g + i, sizeof(word));
    bits |= word << 1;  // without the sign
  }
  return bits == 0;
}

// Where the gradients of one item go; either may be missing. The texture's rows [first, last) are
// added to in the order of the pixels and each texel has one writer, so the sums do not depend on how
// the rows were shared out.
struct TextureGradients {
  float* texture;
  int64_t first, last;
  float* uv;
};

template <typename Channels>
void add_texture_gradients(const float* texture, const float* uv, const float* g, int64_t pixels,
                           const TextureSizes& n, Channels channels, const TextureGradients& out) {
  const Ints low = Ints{} + static_cast<int32_t>(out.first), high = Ints{} + static_cast<int32_t>(out.last);
  if (out.uv) std::fill(out.uv, out.uv + 2 * pixels, 0.0f);
  for (int64_t p = 0; p < pixels; p += kLanes) {
    const int64_t count = std::min<int64_t>(kLanes, pixels - p);
    const float* cotangents = g + p * channels;
    if (all_zero(cotangents, count, channels)) continue;
    const Footprints f(uv + 2 * p, count, n);
    const Ints own[2] = {(f.rows.first >= low) & (f.rows.first < high),
                         (f.rows.second >= low) & (f.rows.second < high)};
    if (!out.uv && !any(own[0] | own[1])) continue;
    for (int lane = 0; lane < count; ++lane) {
      const float* cotangent = cotangents + lane * channels;
      if (all_zero(cotangent, 1, channels)) continue;
      const float right = f.columns.weight[lane], below = f.rows.weight[lane];
      if (!std::isfinite(right + below)) continue;  // a sample that is no number has no gradient
      float along_column = 0, along_row = 0;
      for (int64_t k = 0; k < channels; k += 4) {
        const int64_t live = std::min<int64_t>(4, channels - k);
        const Quad quad = load_quad(cotangent + k, live);
        for (int r = 0; out.texture && r < 2; ++r) {
          if (!own[r][lane]) continue;
          const Quad share = quad * (r ? below : 1 - below);
          for (int c = 0; c < 2; ++c) {
            float* texel = out.texture + f.at[r][c][lane] * int64_t{channels} + k;
            store_quad(texel, live, load_quad(texel, live) + share * (c ? right : 1 - right));
          }
        }
        if (!out.uv) continue;
        const Texels t(texture + k, f, lane, channels, live);
        const Quad columns = quad * ((t.at[0][1] - t.at[0][0]) * (1 - below) + (t.at[1][1] - t.at[1][0]) * below);
        const Quad rows = quad * ((t.at[1][0] - t.at[0][0]) * (1 - right) + (t.at[1][1] - t.at[0][1]) * right);
        for (int64_t i = 0; i < live; ++i) along_column += columns[i], along_row += rows[i];
      }
      if (!out.uv) continue;
      out.uv[2 * (p + lane)] = along_column * static_cast<float>(n.columns);
      out.uv[2 * (p + lane) + 1] = -along_row * static_cast<float>(n.rows);
    }
  }
}

inline ffi::Error SampleTextureGrad(ffi::ThreadPool pool, F32 texture, F32 uv, F32 grad_values,
                                    TextureOptions options, ffi::Result<F32> grad_texture,
                                    ffi::Result<F32> grad_uv) {
  const TextureSizes n(texture, uv, options);
  if (n.texels() == 0) return no_texels();
  const int64_t size = n.texels() * n.channels, pixels = n.height * n.width;
  const int64_t threads = std::max<int64_t>(1, pool.num_threads());
  // With fewer items than threads, each item's texture rows are shared out; every part then walks
  // over all pixels, and uv has a pass of its own.
  const int64_t parts = std::min((threads + n.batch - 1) / std::max<int64_t>(1, n.batch), n.rows);
  const auto add = [&](int64_t item, int64_t p, int64_t count, TextureGradients out) {
    with_channels(n.channels, [&](auto channels) {
      add_texture_gradients(texture.typed_data() + item * size, uv.typed_data() + 2 * p,
                            grad_values.typed_data() + p * n.channels, count, n, channels, out);
    });
  };
  bool ok = parallel_for(pool, n.batch * parts, [&](int64_t piece) {
    const int64_t item = piece / parts, part = piece % parts;
    const int64_t first = part * n.rows / parts, last = (part + 1) * n.rows / parts;
    float* out = grad_texture->typed_data() + item * size;
    std::fill(out + first * n.columns * n.channels, out + last * n.columns * n.channels, 0.0f);
    add(item, item * pixels, pixels,
        {out, first, last, parts == 1 ? grad_uv->typed_data() + 2 * item * pixels : nullptr});
  });
  if (parts > 1) {
    ok &= for_pixel_blocks(pool, n.batch, n.height, n.width, [&](int64_t item, int64_t p, int64_t count) {
      add(item, p, count, {nullptr, 0, 0, grad_uv->typed_data() + 2 * p});
    });
  }
  return finished(ok);
}

}  // namespace rasterizer
