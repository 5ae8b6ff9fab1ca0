/* value_scalar.c -- single values into a container: made, put under a name and let go of in one call. */
#include "data/value.h"

clab_status clab_value_set_made(clab_ctx *cx, clab_value *container, const char *name, clab_status made, clab_value *item)
{
    clab_status s = made == CLAB_OK ? clab_value_set(cx, container, name, item) : made;

    clab_value_unref(item);
    return s;
}

clab_status clab_value_set_string(clab_ctx *cx, clab_value *container, const char *name, const char *text)
{
    clab_value *v = NULL;
    clab_status s = clab_value_string(cx, text, &v);

    return clab_value_set_made(cx, container, name, s, v);
}

clab_status clab_value_set_number(clab_ctx *cx, clab_value *container, const char *name, double x)
{
    clab_value *v = NULL;
    clab_status s = clab_value_number(cx, x, &v);

    return clab_value_set_made(cx, container, name, s, v);
}

clab_status clab_value_set_integer(clab_ctx *cx, clab_value *container, const char *name, int64_t x)
{
    clab_value *v = NULL;
    clab_status s = clab_value_integer(cx, x, &v);

    return clab_value_set_made(cx, container, name, s, v);
}

clab_status clab_value_set_boolean(clab_ctx *cx, clab_value *container, const char *name, bool x)
{
    clab_value *v = NULL;
    clab_status s = clab_value_boolean(cx, x, &v);

    return clab_value_set_made(cx, container, name, s, v);
}
