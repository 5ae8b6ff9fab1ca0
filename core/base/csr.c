/* csr.c -- sizes and names of element types. */
#include "base/csr.h"

static const struct {
    size_t size;
    const char *name;
} types[] = {
    [CLAB_F32] = {4, "float32"}, [CLAB_F64] = {8, "float64"}, [CLAB_I8] = {1, "int8"},
    [CLAB_I16] = {2, "int16"},   [CLAB_I32] = {4, "int32"},   [CLAB_I64] = {8, "int64"},
    [CLAB_U8] = {1, "uint8"},    [CLAB_U16] = {2, "uint16"},  [CLAB_U32] = {4, "uint32"},
    [CLAB_U64] = {8, "uint64"},  [CLAB_BOOL] = {1, "bool"},   [CLAB_STR] = {sizeof(char *), "str"},
};

size_t clab_dtype_size(clab_dtype t)
{
    return types[t].size;
}

const char *clab_dtype_name(clab_dtype t)
{
    return types[t].name;
}

bool clab_dtype_is_integer(clab_dtype t)
{
    return t >= CLAB_I8 && t <= CLAB_U64;
}
