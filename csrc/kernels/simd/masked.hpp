// Loads and stores of the first lanes of a vector by the processor's own instructions. Without them (see `packet.hpp`)
// each takes a loop, which is several times slower, and much more code.
#pragma once

#include "base/shape.hpp"
#include "kernels/simd/isa.hpp"

CNNFAST_KERNELS_BEGIN

// load: the first `count` lanes, the others 0; store: the first `count` lanes; count < lanes.
template <class V>
struct Masked {
  static constexpr bool kExists = false;
};

#if defined(EIGEN_VECTORIZE_AVX512) && defined(__AVX512VL__)

template <>
struct Masked<Eigen::internal::Packet16f> {
  static constexpr bool kExists = true;
  static CNNFAST_INLINE __mmask16 mask(Index count) { return static_cast<__mmask16>((1U << count) - 1); }
  static CNNFAST_INLINE __m512 load(const float* p, Index count) { return _mm512_maskz_loadu_ps(mask(count), p); }
  static CNNFAST_INLINE void store(float* p, __m512 v, Index count) { _mm512_mask_storeu_ps(p, mask(count), v); }
};
template <>
struct Masked<Eigen::internal::Packet8f> {
  static constexpr bool kExists = true;
  static CNNFAST_INLINE __mmask8 mask(Index count) { return static_cast<__mmask8>((1U << count) - 1); }
  static CNNFAST_INLINE __m256 load(const float* p, Index count) { return _mm256_maskz_loadu_ps(mask(count), p); }
  static CNNFAST_INLINE void store(float* p, __m256 v, Index count) { _mm256_mask_storeu_ps(p, mask(count), v); }
};

#elif defined(EIGEN_VECTORIZE_AVX2)

template <>
struct Masked<Eigen::internal::Packet8f> {
  static constexpr bool kExists = true;
  static CNNFAST_INLINE __m256i mask(Index count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static CNNFAST_INLINE __m256 load(const float* p, Index count) { return _mm256_maskload_ps(p, mask(count)); }
  static CNNFAST_INLINE void store(float* p, __m256 v, Index count) { _mm256_maskstore_ps(p, mask(count), v); }
};
template <>
struct Masked<Eigen::internal::Packet4f> {
  static constexpr bool kExists = true;
  static CNNFAST_INLINE __m128i mask(Index count) {
    return _mm_cmpgt_epi32(_mm_set1_epi32(static_cast<int>(count)), _mm_setr_epi32(0, 1, 2, 3));
  }
  static CNNFAST_INLINE __m128 load(const float* p, Index count) { return _mm_maskload_ps(p, mask(count)); }
  static CNNFAST_INLINE void store(float* p, __m128 v, Index count) { _mm_maskstore_ps(p, mask(count), v); }
};
template <>
struct Masked<Eigen::internal::Packet4d> {
  static constexpr bool kExists = true;
  static CNNFAST_INLINE __m256i mask(Index count) {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
  }
  static CNNFAST_INLINE __m256d load(const double* p, Index count) { return _mm256_maskload_pd(p, mask(count)); }
  static CNNFAST_INLINE void store(double* p, __m256d v, Index count) { _mm256_maskstore_pd(p, mask(count), v); }
};

#elif defined(EIGEN_VECTORIZE_SSE4_2)

template <>
struct Masked<Eigen::internal::Packet4f> {
  static constexpr bool kExists = true;
  static CNNFAST_INLINE __m128 load(const float* p, Index count) {
    const __m128 last = count & 1 ? _mm_load_ss(p + (count & 2)) : _mm_setzero_ps();
    return count & 2 ? _mm_movelh_ps(_mm_castpd_ps(_mm_load_sd(reinterpret_cast<const double*>(p))), last) : last;
  }
  static CNNFAST_INLINE void store(float* p, __m128 v, Index count) {
    if (count & 2) _mm_storel_pi(reinterpret_cast<__m64*>(p), v);
    if (count & 1) _mm_store_ss(p + (count & 2), count & 2 ? _mm_movehl_ps(v, v) : v);
  }
};
template <>
struct Masked<Eigen::internal::Packet2d> {
  static constexpr bool kExists = true;
  static CNNFAST_INLINE __m128d load(const double* p, Index count) {
    return count == 1 ? _mm_load_sd(p) : _mm_setzero_pd();
  }
  static CNNFAST_INLINE void store(double* p, __m128d v, Index count) {
    if (count == 1) _mm_store_sd(p, v);
  }
};

#endif

CNNFAST_KERNELS_END
