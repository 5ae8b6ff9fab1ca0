/* cpu_rows_base.c -- row kernels for whatever the compiler targets by default. */
#define ROWS(name) base_##name
#define ROWS_NAME "baseline"
#include "backend/cpu_rows.h"

const clab__rows *clab__rows_base(void)
{
    return &base_table;
}
