// Shared by the CPU kernels: threads, 8-lane vectors, projected faces.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "xla/ffi/api/ffi.h"

namespace rasterizer {

namespace ffi = xla::ffi;

// The same limits as in formulas.py.
constexpr double kMinW = 1e-4;
constexpr double kMaxNdc = 1e6;
constexpr double kMinDoubleArea = 1e-9;

// ---------------------------------------------------------------------------------------------
// Threads. XLA's own pool runs the helpers; the calling thread works too and only ever waits for
// pieces that somebody is already working on, so a pool full of waiting callers cannot deadlock.

template <typename Body>
bool parallel_for(ffi::ThreadPool& pool, int64_t pieces, const Body& body) {
  struct State {
    std::atomic<int64_t> next{0};
    std::atomic<bool> failed{false};
    std::mutex mutex;
    std::condition_variable changed;
    int64_t done = 0;
  };
  auto state = std::make_shared<State>();
  const Body* shared_body = &body;  // alive while any piece is unfinished
  auto work = [state, shared_body, pieces] {
    for (;;) {
      int64_t piece = state->next.fetch_add(1);
      if (piece >= pieces) return;
      try {
        (*shared_body)(piece);
      } catch (...) {  // out of memory is the only thing thrown here
        state->failed = true;
      }
      std::lock_guard<std::mutex> lock(state->mutex);
      if (++state->done == pieces) state->changed.notify_all();
    }
  };
  int64_t helpers = std::min<int64_t>(pieces, pool.num_threads()) - 1;
  for (int64_t i = 0; i < helpers; ++i) pool.Schedule(std::function<void()>(work));
  work();
  std::unique_lock<std::mutex> lock(state->mutex);
  state->changed.wait(lock, [&] { return state->done >= pieces; });
  return !state->failed;
}

// How many row bands an image is cut into where each band needs a private accumulator. Depends on
// shapes alone, never on the number of threads: results are reproducible on any machine.
inline int64_t bands_per_image(int64_t batch, int64_t height) {
  int64_t wanted = (8 + batch - 1) / std::max<int64_t>(batch, 1);
  return std::max<int64_t>(1, std::min(wanted, height / 8));
}

// ---------------------------------------------------------------------------------------------
// Vectors: GCC and Clang extensions, lowered to whatever the target has.

constexpr int kLanes = 8;
typedef float Floats __attribute__((vector_size(4 * kLanes), aligned(4)));
typedef int32_t Ints __attribute__((vector_size(4 * kLanes), aligned(4)));
typedef int64_t Halves __attribute__((vector_size(4 * kLanes)));

inline Floats splat(float value) { return Floats{} + value; }
inline Floats select(Ints mask, Floats yes, Floats no) {
  return (Floats)((mask & (Ints)yes) | (~mask & (Ints)no));
}
inline Ints select(Ints mask, Ints yes, Ints no) { return (mask & yes) | (~mask & no); }
inline bool any(Ints mask) {
  Halves h = (Halves)mask;
  return (h[0] | h[1] | h[2] | h[3]) != 0;
}
inline Floats minimum(Floats a, Floats b) { return select(a < b, a, b); }
inline Floats lane_index() { return Floats{0, 1, 2, 3, 4, 5, 6, 7}; }

// exp(-x) for x >= 0 to about 1e-7 relative; 0 beyond 87, where float runs out.
inline Floats exp_minus(Floats x) {
  Ints too_far = x > 87.0f;
  Floats exponent = select(too_far, Floats{}, x * -1.44269504088896341f);
  Ints whole = __builtin_convertvector(exponent - 0.5f, Ints);  // rounds, as exponent <= 0
  Floats f = exponent - __builtin_convertvector(whole, Floats);
  // Taylor series of 2^f on [-1/2, 1/2]: ln(2)^k / k!
  Floats p = splat(1.52527338e-5f);
  p = p * f + 1.54035304e-4f;
  p = p * f + 1.33335581e-3f;
  p = p * f + 9.61812911e-3f;
  p = p * f + 5.55041087e-2f;
  p = p * f + 2.40226507e-1f;
  p = p * f + 6.93147181e-1f;
  p = p * f + 1.0f;
  Floats power = (Floats)((whole + 127) << 23);
  return select(too_far, Floats{}, p * power);
}

// ---------------------------------------------------------------------------------------------
// Faces on the screen.

struct Corners {
  double x[3], y[3], w[3];  // NDC and clip w
  int32_t vertex[3];
};

// Reads and projects a face; false if a corner is not in view (or not there).
inline bool project_face(const float* clip, const int32_t* face, int64_t num_vertices, Corners& out) {
  for (int k = 0; k < 3; ++k) {
    int32_t v = face[k];
    if (v < 0 || v >= num_vertices) return false;
    const float* p = clip + 4 * static_cast<int64_t>(v);
    double w = p[3];
    if (!(w >= kMinW) || !std::isfinite(w)) return false;
    out.x[k] = p[0] / w;
    out.y[k] = p[1] / w;
    if (!(std::abs(out.x[k]) <= kMaxNdc) || !(std::abs(out.y[k]) <= kMaxNdc)) return false;
    out.w[k] = w;
    out.vertex[k] = v;
  }
  return true;
}

// Positive when counter-clockwise on the screen.
inline double double_area(const Corners& c) {
  return (c.x[1] - c.x[0]) * (c.y[2] - c.y[0]) - (c.x[2] - c.x[0]) * (c.y[1] - c.y[0]);
}

inline bool is_point(const Corners& c) {
  return c.x[0] == c.x[1] && c.x[0] == c.x[2] && c.y[0] == c.y[1] && c.y[0] == c.y[2];
}

struct Span {
  int32_t first, last;  // inclusive; empty when last < first
};

// Pixels of one axis whose centres lie in [low, high], both in pixel units.
inline Span pixel_span(double low, double high, int64_t size) {
  double first = std::max(0.0, std::ceil(low));
  double last = std::min(static_cast<double>(size - 1), std::floor(high));
  if (!(first <= last)) return {0, -1};
  return {static_cast<int32_t>(first), static_cast<int32_t>(last)};
}

// NDC to pixel units, in which pixel centres are integers and y points down.
inline double column_of(double x, int64_t width) { return 0.5 * (x * width + (width - 1)); }
inline double row_of(double y, int64_t height) { return 0.5 * ((height - 1) - y * height); }

inline int64_t leading(ffi::Span<const int64_t> dims, size_t kept) {
  int64_t product = 1;
  for (size_t i = 0; i + kept < dims.size(); ++i) product *= dims[i];
  return product;
}

inline int64_t trailing(ffi::Span<const int64_t> dims, size_t from_end) {
  return dims[dims.size() - from_end];
}

inline ffi::Error finished(bool ok) {
  if (ok) return ffi::Error::Success();
  return ffi::Error(ffi::ErrorCode::kResourceExhausted, "rasterizer: out of memory in the CPU kernel");
}

}  // namespace rasterizer
