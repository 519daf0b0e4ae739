// 8-lane vectors: GCC and Clang extensions, lowered to whatever the target has.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__clang__)
#define RASTERIZER_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define RASTERIZER_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, Ints{__VA_ARGS__})
#endif

namespace rasterizer {

constexpr int kLanes = 8;
typedef float Floats __attribute__((vector_size(4 * kLanes), aligned(4)));
typedef int32_t Ints __attribute__((vector_size(4 * kLanes), aligned(4)));

inline Floats splat(float value) { return Floats{} + value; }
inline Floats select(Ints mask, Floats yes, Floats no) { return mask ? yes : no; }
inline Ints select(Ints mask, Ints yes, Ints no) { return mask ? yes : no; }
inline Floats kept(Ints mask, Floats value) { return (Floats)(mask & (Ints)value); }  // 0 elsewhere
// One bit per lane of a mask. The only place that names an instruction: compilers build it from the
// vector extensions in a dozen.
inline uint32_t bits_of(Ints mask) {
#if defined(__AVX__)
  return static_cast<uint32_t>(__builtin_ia32_movmskps256((Floats)mask));
#elif defined(__SSE__)
  typedef float Quad __attribute__((vector_size(16)));
  Quad halves[2];
  std::memcpy(halves, &mask, sizeof(halves));
  return static_cast<uint32_t>(__builtin_ia32_movmskps(halves[0]) | __builtin_ia32_movmskps(halves[1]) << 4);
#else
  uint32_t bits = 0;
  for (int lane = 0; lane < kLanes; ++lane) bits |= static_cast<uint32_t>(mask[lane] & 1) << lane;
  return bits;
#endif
}
inline bool any(Ints mask) { return bits_of(mask) != 0; }
inline Floats minimum(Floats a, Floats b) { return a < b ? a : b; }
inline Floats maximum(Floats a, Floats b) { return a > b ? a : b; }
inline Floats lane_index() { return Floats{0, 1, 2, 3, 4, 5, 6, 7}; }
inline Ints lane_number() { return Ints{0, 1, 2, 3, 4, 5, 6, 7}; }

// Four floats, the channels of one texel or some of them.
typedef float Quad __attribute__((vector_size(16), aligned(4)));

template <typename Vector, typename Element>
Vector load(const Element* from) {
  Vector out;
  std::memcpy(&out, from, sizeof(out));
  return out;
}
template <typename Vector, typename Element>
void store(Element* to, Vector value) {
  std::memcpy(to, &value, sizeof(value));
}

// The sum of the lanes, always in the same order.
inline float sum_of_lanes(Floats v) {
  v += RASTERIZER_SHUFFLE(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
  v += RASTERIZER_SHUFFLE(v, v, 2, 3, 0, 1, 6, 7, 4, 5);
  return v[0] + v[1];
}

// Largest whole number not above x, for |x| < 2^31.
inline Ints floor_to_int(Floats x) {
  const Ints whole = __builtin_convertvector(x, Ints);
  return whole + (Ints)(__builtin_convertvector(whole, Floats) > x);  // true is -1
}

// Largest whole number not above x, of any size; NaN stays NaN.
inline Floats floor_of(Floats x) {
  const Ints has_fraction = (x < 8388608.0f) & (x > -8388608.0f);  // 2^23
  return select(has_fraction, __builtin_convertvector(floor_to_int(kept(has_fraction, x)), Floats), x);
}

// exp(-x) for x >= 0 to about 1e-7 relative; 0 beyond 87, where float runs out.
inline Floats exp_minus(Floats x) {
  const Ints too_far = x > 87.0f;
  const Floats exponent = minimum(x, splat(87.0f)) * -1.44269504088896341f;
  const Ints whole = __builtin_convertvector(exponent - 0.5f, Ints);  // rounds, as exponent <= 0
  const Floats f = exponent - __builtin_convertvector(whole, Floats);
  // Taylor series of 2^f on [-1/2, 1/2]: ln(2)^k / k!
  Floats p = splat(1.52527338e-5f);
  p = p * f + 1.54035304e-4f;
  p = p * f + 1.33335581e-3f;
  p = p * f + 9.61812911e-3f;
  p = p * f + 5.55041087e-2f;
  p = p * f + 2.40226507e-1f;
  p = p * f + 6.93147181e-1f;
  p = p * f + 1.0f;
  const Floats power = (Floats)((whole + 127) << 23);
  return kept(~too_far, p * power);
}

// Eight pixels of three interleaved channels, one vector per channel. In memory order, channel a
// sits at lanes 0 3 6 | 1 4 7 | 2 5 of the three vectors, b and c at the lanes between, so
// two blends and one permutation gather each.
inline void load_channels(const float* from, Floats (&out)[3]) {
  const Floats u = load<Floats>(from), v = load<Floats>(from + 8), w = load<Floats>(from + 16);
  const auto mix = [](Floats first, Floats second, Floats third) {  // lanes 0 3 6, 1 4 7, 2 5
    const Floats two = RASTERIZER_SHUFFLE(first, second, 0, 9, 2, 3, 12, 5, 6, 15);
    return RASTERIZER_SHUFFLE(two, third, 0, 1, 10, 3, 4, 13, 6, 7);
  };
  const Floats a = mix(u, v, w), b = mix(w, u, v), c = mix(v, w, u);
  out[0] = RASTERIZER_SHUFFLE(a, a, 0, 3, 6, 1, 4, 7, 2, 5);
  out[1] = RASTERIZER_SHUFFLE(b, b, 1, 4, 7, 2, 5, 0, 3, 6);
  out[2] = RASTERIZER_SHUFFLE(c, c, 2, 5, 0, 3, 6, 1, 4, 7);
}

inline void store_channels(float* to, const Floats (&in)[3]) {
  const Floats a = RASTERIZER_SHUFFLE(in[0], in[0], 0, 3, 6, 1, 4, 7, 2, 5);
  const Floats b = RASTERIZER_SHUFFLE(in[1], in[1], 5, 0, 3, 6, 1, 4, 7, 2);
  const Floats c = RASTERIZER_SHUFFLE(in[2], in[2], 2, 5, 0, 3, 6, 1, 4, 7);
  const auto mix = [](Floats first, Floats second, Floats third) {
    const Floats two = RASTERIZER_SHUFFLE(first, second, 0, 9, 2, 3, 12, 5, 6, 15);
    return RASTERIZER_SHUFFLE(two, third, 0, 1, 10, 3, 4, 13, 6, 7);
  };
  store(to, mix(a, b, c));
  store(to + 8, mix(c, a, b));
  store(to + 16, mix(b, c, a));
}

inline void load_channels(const float* from, Floats (&out)[1]) { out[0] = load<Floats>(from); }
inline void store_channels(float* to, const Floats (&in)[1]) { store(to, in[0]); }

inline void load_channels(const float* from, Floats (&out)[2]) {
  const Floats u = load<Floats>(from), v = load<Floats>(from + 8);
  out[0] = RASTERIZER_SHUFFLE(u, v, 0, 2, 4, 6, 8, 10, 12, 14);
  out[1] = RASTERIZER_SHUFFLE(u, v, 1, 3, 5, 7, 9, 11, 13, 15);
}
inline void store_channels(float* to, const Floats (&in)[2]) {
  store(to, RASTERIZER_SHUFFLE(in[0], in[1], 0, 8, 1, 9, 2, 10, 3, 11));
  store(to + 8, RASTERIZER_SHUFFLE(in[0], in[1], 4, 12, 5, 13, 6, 14, 7, 15));
}

// Any other count, lane by lane.
template <size_t channels>
void load_channels(const float* from, Floats (&out)[channels]) {
  for (int lane = 0; lane < kLanes; ++lane)
    for (size_t n = 0; n < channels; ++n) out[n][lane] = from[lane * channels + n];
}
template <size_t channels>
void store_channels(float* to, const Floats (&in)[channels]) {
  for (int lane = 0; lane < kLanes; ++lane)
    for (size_t n = 0; n < channels; ++n) to[lane * channels + n] = in[n][lane];
}

// The same for the first `count` of eight pixels, which may be the last of an array.
template <size_t channels>
void load_channels(const float* from, int64_t count, Floats (&out)[channels]) {
  if (count >= kLanes) return load_channels(from, out);
  float padded[kLanes * channels] = {};
  std::memcpy(padded, from, count * channels * sizeof(float));
  load_channels(padded, out);
}
template <size_t channels>
void store_channels(float* to, int64_t count, const Floats (&in)[channels]) {
  if (count >= kLanes) return store_channels(to, in);
  float padded[kLanes * channels];
  store_channels(padded, in);
  std::memcpy(to, padded, count * channels * sizeof(float));
}

// The first `count` of four floats, by pieces that a later load of the same count gets back unstalled.
inline Quad load_quad(const float* from, int64_t count) {
  switch (count) {
    case 1:
      return Quad{from[0], 0, 0, 0};
    case 2:
      return Quad{from[0], from[1], 0, 0};
    case 3:
      return Quad{from[0], from[1], from[2], 0};
    default:
      return load<Quad>(from);
  }
}
inline void store_quad(float* to, int64_t count, Quad value) {
  if (count >= 4) return store(to, value);
  for (int64_t k = 0; k < count; ++k) to[k] = value[k];
}

// Eight face ids, -1 past the end.
inline Ints load_ids(const int32_t* from, int64_t count) {
  if (count >= kLanes) return load<Ints>(from);
  Ints ids = Ints{} - 1;
  std::memcpy(&ids, from, count * sizeof(int32_t));
  return ids;
}
inline void store_ids(int32_t* to, int64_t count, Ints ids) {
  if (count >= kLanes) return store(to, ids);
  std::memcpy(to, &ids, count * sizeof(int32_t));
}

// Calls body(id, lanes) for every different id >= 0 among eight pixels.
template <typename Body>
void for_ids(Ints ids, const Body& body) {
  for (uint32_t todo = bits_of(ids >= 0); todo;) {
    const int32_t id = ids[__builtin_ctz(todo)];
    const Ints lanes = ids == id;
    body(id, lanes);
    todo &= ~bits_of(lanes);
  }
}

}  // namespace rasterizer
