// The CPU kernels of the rasterizer as XLA custom calls.
//
// Built twice on x86 (plain, and for x86-64-v3); cpu.py asks the plain library which of the two this
// machine runs. All leading dimensions are batch, so `jax.vmap` only adds more of them.

#include "cpu_attributes.h"
#include "cpu_silhouette.h"
#include "cpu_visibility.h"

namespace rasterizer {
namespace {

using F32 = ffi::Buffer<ffi::F32>;
using S32 = ffi::Buffer<ffi::S32>;

}  // namespace

#pragma GCC visibility push(default)  // the rest of the library is built hidden

XLA_FFI_DEFINE_HANDLER_SYMBOL(rasterizer_rasterize, Rasterize,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<F32>()
                                  .Arg<S32>()
                                  .Attr<int64_t>("cull_backfaces")
                                  .Attr<int64_t>("perspective_correct")
                                  .Ret<S32>()
                                  .Ret<F32>()
                                  .Ret<F32>());

XLA_FFI_DEFINE_HANDLER_SYMBOL(rasterizer_rasterize_grad, RasterizeGrad,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<F32>()
                                  .Arg<S32>()
                                  .Arg<S32>()
                                  .Arg<F32>()
                                  .Arg<F32>()
                                  .Arg<F32>()
                                  .Arg<F32>()
                                  .Attr<int64_t>("perspective_correct")
                                  .Ret<F32>());

XLA_FFI_DEFINE_HANDLER_SYMBOL(rasterizer_silhouette, Silhouette,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<F32>()
                                  .Arg<S32>()
                                  .Arg<S32>()
                                  .Attr<double>("sigma_inverse")
                                  .Attr<double>("margin")
                                  .Ret<F32>());

XLA_FFI_DEFINE_HANDLER_SYMBOL(rasterizer_silhouette_grad, SilhouetteGrad,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<F32>()
                                  .Arg<S32>()
                                  .Arg<S32>()
                                  .Arg<F32>()
                                  .Attr<double>("sigma_inverse")
                                  .Attr<double>("margin")
                                  .Ret<F32>());

XLA_FFI_DEFINE_HANDLER_SYMBOL(
    rasterizer_interpolate, Interpolate,
    ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<F32>().Arg<S32>().Arg<S32>().Arg<F32>().Ret<F32>());

XLA_FFI_DEFINE_HANDLER_SYMBOL(rasterizer_interpolate_grad, InterpolateGrad,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<F32>()
                                  .Arg<S32>()
                                  .Arg<S32>()
                                  .Arg<F32>()
                                  .Arg<F32>()
                                  .Ret<F32>()
                                  .Ret<F32>());

XLA_FFI_DEFINE_HANDLER_SYMBOL(rasterizer_sample_texture, SampleTexture,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<F32>()
                                  .Arg<F32>()
                                  .Attr<int64_t>("repeat_u")
                                  .Attr<int64_t>("repeat_v")
                                  .Ret<F32>());

XLA_FFI_DEFINE_HANDLER_SYMBOL(rasterizer_sample_texture_grad, SampleTextureGrad,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<F32>()
                                  .Arg<F32>()
                                  .Arg<F32>()
                                  .Attr<int64_t>("repeat_u")
                                  .Attr<int64_t>("repeat_v")
                                  .Ret<F32>()
                                  .Ret<F32>());

}  // namespace rasterizer

// The FFI version of the headers this was built with; a runtime must be at least as new.
extern "C" int rasterizer_ffi_major() { return XLA_FFI_API_MAJOR; }
extern "C" int rasterizer_ffi_minor() { return XLA_FFI_API_MINOR; }

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
