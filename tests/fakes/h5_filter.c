/* h5_filter.c -- an HDF5 filter that changes nothing, as a plug-in: was it loaded? */
#include <hdf5.h>
#include <H5PLextern.h>

static size_t leave(unsigned flags, size_t n_values, const unsigned values[], size_t n, size_t *size, void **buf)
{
    (void)flags;
    (void)n_values;
    (void)values;
    (void)size;
    (void)buf;
    return n;
}

static const H5Z_class2_t filter = {H5Z_CLASS_T_VERS, 299, 1, 1, "fake", NULL, NULL, leave};

H5PL_type_t H5PLget_plugin_type(void)
{
    return H5PL_TYPE_FILTER;
}

const void *H5PLget_plugin_info(void)
{
    return &filter;
}
