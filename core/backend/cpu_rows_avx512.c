/* cpu_rows_avx512.c -- row kernels for x86-64 with AVX-512, chosen at run time. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#include <math.h> /* before the pragma: system headers keep the default target */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,fma,prefer-vector-width=512")
#define ROWS(name) avx512_##name
#define ROWS_NAME "AVX-512"
#include "backend/cpu_rows.h"

const clab__rows *clab__rows_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                   __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
               ? &avx512_table
               : NULL;
}
#else
#include "backend/cpu_impl.h"

const clab__rows *clab__rows_avx512(void)
{
    return NULL;
}
#endif
