/* elements.c -- values of any element type as float or double. */
#include "counts/counts_impl.h"

#include <string.h>

#define CONVERT(ctype, out)                                                                                  \
    for (int64_t i = 0; i < n; i++) {                                                                        \
        ctype x;                                                                                             \
        memcpy(&x, (const char *)from + (size_t)i * sizeof x, sizeof x);                                     \
        to[i] = (out)x;                                                                                      \
    }                                                                                                        \
    break

#define CONVERT_ALL(out)                                                                                     \
    switch (t) {                                                                                             \
    case CLAB_F32: CONVERT(float, out);                                                                      \
    case CLAB_F64: CONVERT(double, out);                                                                     \
    case CLAB_I8: CONVERT(int8_t, out);                                                                      \
    case CLAB_I16: CONVERT(int16_t, out);                                                                    \
    case CLAB_I32: CONVERT(int32_t, out);                                                                    \
    case CLAB_I64: CONVERT(int64_t, out);                                                                    \
    case CLAB_U8: case CLAB_BOOL: CONVERT(uint8_t, out);                                                     \
    case CLAB_U16: CONVERT(uint16_t, out);                                                                   \
    case CLAB_U32: CONVERT(uint32_t, out);                                                                   \
    case CLAB_U64: CONVERT(uint64_t, out);                                                                   \
    case CLAB_STR: break;                                                                                    \
    }

void clab__to_f64(clab_dtype t, const void *from, int64_t n, double *to)
{
    CONVERT_ALL(double)
}

void clab__to_f32(clab_dtype t, const void *from, int64_t n, float *to)
{
    CONVERT_ALL(float)
}
