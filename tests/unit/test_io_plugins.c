/* test_io_plugins.c -- HDF5 plug-ins are loaded from whole paths that were named, and from nowhere else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "io_session.h"

/* Reads a file whose X needs the filter 299; what was said, or NULL where it was read. */
static const char *read_with(const char *plugin_path)
{
    static char text[2048];
    char path[600];
    io_session s;
    clab_dataset *d = NULL;
    snprintf(path, sizeof path, "%s/bad/unknown_filter.h5ad", io_format_dir(false));
    if (plugin_path)
        setenv("HDF5_PLUGIN_PATH", plugin_path, 1);
    else
        unsetenv("HDF5_PLUGIN_PATH");
    io_start(&s);
    clab_status st = clab_read(s.cx, path, NULL, &d);
    snprintf(text, sizeof text, "%s", clab_error_text(s.cx));
    clab_dataset_unref(d);
    io_stop(&s);
    return st == CLAB_OK ? NULL : text;
}

static void refused(const char *plugin_path, const char *words)
{
    const char *text = read_with(plugin_path);
    assert_non_null(text);
    if (!strstr(text, "HDF5 filter 299") || !strstr(text, "not installed") || !strstr(text, "hdf5plugin") ||
        !strstr(text, words))
        fail_msg("%s", text);
}

static void test_plugin_path(void **state)
{
    char plugins[600], both[1300];
    (void)state;
    snprintf(plugins, sizeof plugins, "%s/tests/plugins", getenv("CLAB_BUILD"));
    snprintf(both, sizeof both, "no/such::%s", plugins);
    refused(NULL, "set HDF5_PLUGIN_PATH");
    const char *text = read_with(plugins);
    assert_true(!text || !strstr(text, "not installed")); /* it is there now; what it unpacks is another matter */
    text = read_with(both);
    assert_true(!text || !strstr(text, "not installed"));
    assert_int_equal(chdir(plugins), 0);
    refused("", "HDF5_PLUGIN_PATH");
    refused(".", "HDF5_PLUGIN_PATH");
    refused("../plugins:", "HDF5_PLUGIN_PATH");
    refused("::", "HDF5_PLUGIN_PATH");
    refused("/no/such", "it is now /no/such");
}

int main(int argc, char **argv)
{
    IO_GUEST(argc, argv);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_plugin_path)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
