/* formats.c -- the one table of formats: what a file is, by its content where that tells, else by its name. */
#include "io/io_impl.h"

#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *ending;
    clab__kind kind;
} endings[] = {
    {".h5ad", CLAB__KIND_HDF5},    {".h5", CLAB__KIND_HDF5},      {".hdf5", CLAB__KIND_HDF5},
    {".loom", CLAB__KIND_HDF5},    {".mtx", CLAB__KIND_MTX},      {".mtx.gz", CLAB__KIND_MTX},
    {".csv", CLAB__KIND_TABLE},    {".csv.gz", CLAB__KIND_TABLE}, {".tsv", CLAB__KIND_TABLE},
    {".tsv.gz", CLAB__KIND_TABLE}, {".txt", CLAB__KIND_TABLE},    {".txt.gz", CLAB__KIND_TABLE},
    {".tab", CLAB__KIND_TABLE},    {".tab.gz", CLAB__KIND_TABLE}, {".data", CLAB__KIND_TABLE},
};

/* HDF5's signature stands at 0, 512, 1024, 2048, ... */
static bool has_hdf5(int fd)
{
    char head[8];
    for (off_t at = 0; at <= 1 << 20; at = at ? 2 * at : 512) {
        if (pread(fd, head, sizeof head, at) != (ssize_t)sizeof head)
            return false;
        if (memcmp(head, "\x89HDF\r\n\x1a\n", sizeof head) == 0)
            return true;
    }
    return false;
}

clab__kind clab__file_kind(const char *path)
{
    struct stat st;
    char head[15] = "";
    size_t n = strlen(path);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return CLAB__KIND_FOLDER;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool hdf5 = fd >= 0 && has_hdf5(fd);
    bool mtx = fd >= 0 && pread(fd, head, 14, 0) == 14 && strncasecmp(head, "%%MatrixMarket", 14) == 0;
    if (fd >= 0)
        close(fd);
    if (hdf5 || mtx)
        return hdf5 ? CLAB__KIND_HDF5 : CLAB__KIND_MTX;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t len = strlen(endings[i].ending);
        if (n > len && strcasecmp(path + n - len, endings[i].ending) == 0)
            return endings[i].kind;
    }
    return CLAB__KIND_HDF5; /* whose reader says what such a file may be instead */
}
