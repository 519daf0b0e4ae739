// The CPU kernels of the rasterizer as XLA custom calls.
//
// Built twice on x86 (plain, and for x86-64-v3); cpu.py asks the plain library which of the two this
// machine runs. All leading dimensions are batch, so `jax.vmap` only adds more of them. What a call
// takes and gives is read off the function's type: buffers in order, options by name.

#include "cpu_attributes.h"
#include "cpu_silhouette.h"
#include "cpu_texture.h"
#include "cpu_visibility.h"

namespace xla::ffi {

template <>
struct CtxBinding<ThreadPool> {
  using Ctx = ThreadPool;
};

}  // namespace xla::ffi

#define RASTERIZER_MEMBER(type, name) xla::ffi::StructMember<type>(name)
XLA_FFI_REGISTER_STRUCT_ATTR_DECODING(rasterizer::RasterizeOptions,
                                      RASTERIZER_MEMBER(int64_t, "cull_backfaces"),
                                      RASTERIZER_MEMBER(int64_t, "perspective_correct"));
XLA_FFI_REGISTER_STRUCT_ATTR_DECODING(rasterizer::RasterizeGradOptions,
                                      RASTERIZER_MEMBER(int64_t, "perspective_correct"));
XLA_FFI_REGISTER_STRUCT_ATTR_DECODING(rasterizer::SilhouetteOptions,
                                      RASTERIZER_MEMBER(double, "sigma_inverse"),
                                      RASTERIZER_MEMBER(double, "margin"));
XLA_FFI_REGISTER_STRUCT_ATTR_DECODING(rasterizer::TextureOptions, RASTERIZER_MEMBER(int64_t, "wrap_u"),
                                      RASTERIZER_MEMBER(int64_t, "wrap_v"));

#pragma GCC visibility push(default)  // the rest of the library is built hidden

namespace rasterizer {

XLA_FFI_DEFINE_HANDLER_SYMBOL(rasterizer_rasterize, Rasterize);
XLA_FFI_DEFINE_HANDLER_SYMBOL(rasterizer_rasterize_grad, RasterizeGrad);
XLA_FFI_DEFINE_HANDLER_SYMBOL(rasterizer_silhouette, Silhouette);
XLA_FFI_DEFINE_HANDLER_SYMBOL(rasterizer_silhouette_and_keep, SilhouetteAndKeep);
XLA_FFI_DEFINE_HANDLER_SYMBOL(rasterizer_silhouette_grad, SilhouetteGrad);
XLA_FFI_DEFINE_HANDLER_SYMBOL(rasterizer_interpolate, Interpolate);
XLA_FFI_DEFINE_HANDLER_SYMBOL(rasterizer_interpolate_grad, InterpolateGrad);
XLA_FFI_DEFINE_HANDLER_SYMBOL(rasterizer_sample_texture, SampleTexture);
XLA_FFI_DEFINE_HANDLER_SYMBOL(rasterizer_sample_texture_grad, SampleTextureGrad);

}  // namespace rasterizer

// The FFI version of the headers this was built with; a runtime must be at least as new.
extern "C" int rasterizer_ffi_major() { return XLA_FFI_API_MAJOR; }
extern "C" int rasterizer_ffi_minor() { return XLA_FFI_API_MINOR; }

// Which set of calls this library offers; cpu.py refuses one that is not its own (KERNELS_VERSION).
extern "C" int rasterizer_kernels_version() { return 3; }

// Whether this machine runs the x86-64-v3 build (asked of the plain build).
extern "C" int rasterizer_runs_x86_64_v3() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") &&
         __builtin_cpu_supports("avx");
#else
  return 0;
#endif
}

#pragma GCC visibility pop
