// Shared by the CPU kernels: threads, shapes, projected faces.
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

#include "cpu_vectors.h"
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
// Shapes. All leading dimensions are batch.

using F32 = ffi::Buffer<ffi::F32>;
using S32 = ffi::Buffer<ffi::S32>;

inline int64_t leading(ffi::Span<const int64_t> dims, size_t kept) {
  int64_t product = 1;
  for (size_t i = 0; i + kept < dims.size(); ++i) product *= dims[i];
  return product;
}

inline int64_t trailing(ffi::Span<const int64_t> dims, size_t from_end) {
  return dims[dims.size() - from_end];
}

// Images [b h w] of faces [b f 3] over per-vertex data [b v c].
struct Sizes {
  int64_t batch, height, width, vertices, faces;

  Sizes(ffi::Span<const int64_t> image, const F32& per_vertex, const S32& face_list)
      : batch(leading(image, 2)),
        height(trailing(image, 2)),
        width(trailing(image, 1)),
        vertices(trailing(per_vertex.dimensions(), 2)),
        faces(trailing(face_list.dimensions(), 2)) {}
};

inline ffi::Error finished(bool ok) {
  if (ok) return ffi::Error::Success();
  return ffi::Error(ffi::ErrorCode::kResourceExhausted, "rasterizer: out of memory in the CPU kernel");
}

// ---------------------------------------------------------------------------------------------
// Vertices and faces on the screen.

struct Span {
  int32_t first, last;  // inclusive; empty when last < first
};

// Pixels of one axis whose centres lie in [low, high], both in pixel units.
inline Span pixel_span(double low, double high, int64_t size) {
  const double first = std::max(0.0, std::ceil(low));
  const double last = std::min(static_cast<double>(size - 1), std::floor(high));
  if (!(first <= last)) return {0, -1};
  return {static_cast<int32_t>(first), static_cast<int32_t>(last)};
}

struct ScreenVertex {
  double x, y, w;      // NDC and clip w
  double column, row;  // in pixel units: pixel centres are integers, rows point down
  bool usable;         // finite, in front of the near plane, inside the guard
};

inline double column_of(double x, int64_t width) { return 0.5 * (x * width + (width - 1)); }
inline double row_of(double y, int64_t height) { return 0.5 * ((height - 1) - y * height); }

inline ScreenVertex project(const float* p, int64_t height, int64_t width) {
  ScreenVertex out{};
  out.w = p[3];
  if (!(out.w >= kMinW) || !std::isfinite(out.w)) return out;
  out.x = p[0] / out.w;
  out.y = p[1] / out.w;
  out.column = column_of(out.x, width);
  out.row = row_of(out.y, height);
  out.usable = std::abs(out.x) <= kMaxNdc && std::abs(out.y) <= kMaxNdc;
  return out;
}

// Which faces of one item meet which strip of rows: those of strip s, in ascending order, are
// faces[starts[s]] to faces[starts[s + 1] - 1].
struct StripLists {
  std::vector<int64_t> starts;
  std::vector<int32_t> faces;

  template <int32_t strip_rows>
  void fill(const Span* rows, int64_t num_faces, int64_t strips) {
    std::vector<int64_t> next(strips + 1, 0);
    for (int64_t f = 0; f < num_faces; ++f) {
      if (rows[f].last < rows[f].first) continue;
      for (int32_t s = rows[f].first / strip_rows; s <= rows[f].last / strip_rows; ++s) ++next[s + 1];
    }
    for (int64_t s = 0; s < strips; ++s) next[s + 1] += next[s];
    starts = next;
    faces.resize(next[strips]);
    for (int64_t f = 0; f < num_faces; ++f) {
      if (rows[f].last < rows[f].first) continue;
      for (int32_t s = rows[f].first / strip_rows; s <= rows[f].last / strip_rows; ++s) {
        faces[next[s]++] = static_cast<int32_t>(f);
      }
    }
  }
};

// Per-face records of type Face for all items, made by set_up(corners, face) where all three corners
// are usable, which gives the rows that the face meets. Each item's faces are listed by strip, so that
// a strip never looks at the many faces it does not meet.
template <typename Face, int32_t strip_rows>
struct FaceTable {
  std::unique_ptr<Face[]> faces;
  std::unique_ptr<Span[]> rows;
  std::unique_ptr<StripLists[]> lists;
  int64_t num_faces, strips;
  bool ok;

  template <typename SetUp>
  FaceTable(ffi::ThreadPool& pool, const Sizes& n, const float* clip, const int32_t* indices,
            const SetUp& set_up)
      : faces(new Face[std::max<int64_t>(1, n.batch * n.faces)]),
        rows(new Span[std::max<int64_t>(1, n.batch * n.faces)]),
        lists(new StripLists[std::max<int64_t>(1, n.batch)]),
        num_faces(n.faces),
        strips((n.height + strip_rows - 1) / strip_rows) {
    std::unique_ptr<ScreenVertex[]> vertices(new ScreenVertex[std::max<int64_t>(1, n.batch * n.vertices)]);
    const int64_t chunk = 1024, blocks = (n.batch * n.vertices + chunk - 1) / chunk;
    ok = parallel_for(pool, blocks, [&](int64_t block) {
      const int64_t end = std::min((block + 1) * chunk, n.batch * n.vertices);
      for (int64_t v = block * chunk; v < end; ++v) vertices[v] = project(clip + 4 * v, n.height, n.width);
    });
    const int64_t face_chunk = 512, chunks = (n.faces + face_chunk - 1) / face_chunk;
    ok &= parallel_for(pool, n.batch * chunks, [&](int64_t piece) {
      const int64_t item = piece / chunks, start = (piece % chunks) * face_chunk;
      const ScreenVertex* item_vertices = vertices.get() + item * n.vertices;
      for (int64_t f = start; f < std::min(start + face_chunk, n.faces); ++f) {
        const int64_t at = item * n.faces + f;
        const ScreenVertex* corners[3];
        rows[at] = {0, -1};
        bool usable = true;
        for (int k = 0; k < 3; ++k) {
          const int32_t v = indices[3 * at + k];
          usable &= v >= 0 && v < n.vertices;
          corners[k] = item_vertices + (usable ? v : 0);
          usable &= n.vertices > 0 && corners[k]->usable;
          if (!usable) break;
        }
        if (usable) rows[at] = set_up(corners, faces[at]);
      }
    });
    ok &= parallel_for(pool, n.batch, [&](int64_t item) {
      lists[item].template fill<strip_rows>(rows.get() + item * n.faces, n.faces, strips);
    });
  }

  // Calls body(face, its number, its rows) for the faces of an item that meet one of its strips.
  template <typename Body>
  void for_strip(int64_t item, int64_t strip, const Body& body) const {
    const StripLists& list = lists[item];
    for (int64_t i = list.starts[strip]; i < list.starts[strip + 1]; ++i) {
      const int32_t f = list.faces[i];
      body(faces[item * num_faces + f], f, rows[item * num_faces + f]);
    }
  }
};

}  // namespace rasterizer
