/* cpu_rows_avx2.c -- row kernels for x86-64 with AVX2 and FMA, chosen at run time. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#include <math.h> /* before the pragma: system headers keep the default target */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#pragma GCC target("avx2,fma")
#define ROWS(name) avx2_##name
#define ROWS_NAME "AVX2"
#include "backend/cpu_rows.h"

const clab__rows *clab__rows_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &avx2_table : NULL;
}
#else
#include "backend/cpu_impl.h"

const clab__rows *clab__rows_avx2(void)
{
    return NULL;
}
#endif
