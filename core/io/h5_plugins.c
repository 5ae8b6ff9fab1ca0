/* h5_plugins.c -- filters that are not built in: where their plug-ins may come from, and which package has them. */
#include "io/h5_impl.h"

#include <stdlib.h>
#include <string.h>

void clab__plugins_settle(void)
{
    const char *path = getenv("HDF5_PLUGIN_PATH");
    clab_str kept = {0};
    for (const char *at = path; at && *at;) {
        size_t n = strcspn(at, ":");
        if (*at == '/') { /* a relative one would follow the working directory, where anybody's files lie */
            clab_str_add(&kept, kept.len ? ":" : "");
            clab_str_addn(&kept, at, n);
        }
        at += n + (at[n] == ':');
    }
    bool usable = kept.len > 0 && !kept.failed && setenv("HDF5_PLUGIN_PATH", kept.s, 1) == 0;
    if (!usable)
        unsetenv("HDF5_PLUGIN_PATH");
    H5open();
    if (!usable)
        H5PLset_loading_state(0); /* not from the library's own folder either, which on some systems anybody may fill */
    clab_str_free(&kept);
}

static const struct {
    int id;
    const char *name, *debian; /* its package in Debian, where there is one */
} filters[] = {
    {H5Z_FILTER_SZIP, "szip", NULL},
    {307, "bzip2", "hdf5-filter-plugin"},
    {CLAB__FILTER_LZF, "LZF", NULL},
    {32001, "Blosc", "hdf5-filter-plugin-blosc-serial"},
    {32004, "LZ4", "hdf5-filter-plugin"},
    {32008, "Bitshuffle", "hdf5-filter-plugin"},
    {32013, "ZFP", "hdf5-filter-plugin-zfp-serial"},
    {32015, "Zstandard", NULL},
    {32017, "SZ", NULL},
    {32024, "SZ3", NULL},
    {32026, "Blosc2", NULL},
};

clab_status clab__filter_missing(clab__h5 *h, const char *at, int id, const char *own_name)
{
    const char *name = *own_name ? clab_show(own_name) : "no name", *debian = NULL, *path = getenv("HDF5_PLUGIN_PATH");
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        if (filters[i].id == id) {
            name = filters[i].name;
            debian = filters[i].debian;
        }
    (void)clab_fail(h->cx, CLAB_EFORMAT, "%s: %s is compressed with the HDF5 filter %d (%s), which is not installed here",
                    h->name, clab_show(at), id, name);
    return clab_hint(h->cx, "install hdf5plugin from PyPI%s%s and set HDF5_PLUGIN_PATH to its folder of plug-ins, a whole "
                            "path%s%s; or write the file again with gzip",
                     debian ? " or Debian's " : "", debian ? debian : "", path ? "; it is now " : "",
                     path ? clab_show(path) : "");
}
