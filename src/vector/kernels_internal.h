// The tables that kernels.cc chooses from.
#pragma once

#include "vector/kernels.h"

namespace lakehouse::vector {

extern const Kernels kPortableKernels;
#if defined(__x86_64__)
extern const Kernels kAvx2Kernels;    // AVX2, FMA
extern const Kernels kAvx512Kernels;  // AVX-512 F, BW, VL, DQ and VNNI
#endif

}  // namespace lakehouse::vector
