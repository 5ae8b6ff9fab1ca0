/* lzf.c -- the LZF filter (32000) that h5py writes: decompression only, as an HDF5 filter class.
 *
 * The stream is a series of runs.  A control byte below 32 announces that many + 1 literal bytes;
 * otherwise its upper three bits are a length (7: the next byte is added) and the lower five, with the
 * byte after, a distance: length + 2 bytes are repeated from that distance + 1 back.
 */
#include "io/h5_impl.h"

#include <string.h>

#define LZF_MAX_CHUNK ((size_t)1 << 31)

/* The decompressed bytes, or -1: damaged; -2: does not fit in `room`. */
static int64_t lzf_expand(const uint8_t *in, size_t n_in, uint8_t *out, size_t room)
{
    size_t i = 0, o = 0;
    while (i < n_in) {
        size_t ctrl = in[i++];
        if (ctrl < 32) {
            size_t run = ctrl + 1;
            if (run > n_in - i)
                return -1;
            if (run > room - o)
                return -2;
            memcpy(out + o, in + i, run);
            i += run;
            o += run;
            continue;
        }
        size_t len = ctrl >> 5;
        if (len == 7) {
            if (i >= n_in)
                return -1;
            len += in[i++];
        }
        if (i >= n_in)
            return -1;
        size_t back = ((ctrl & 31) << 8) + in[i++] + 1;
        len += 2;
        if (back > o)
            return -1;
        if (len > room - o)
            return -2;
        for (; len > 0; len--, o++) /* byte by byte: the source may overlap what is written */
            out[o] = out[o - back];
    }
    return (int64_t)o;
}

/* H5Z_func_t: 0 is failure.  cd[2] is the size of a chunk, as h5py leaves it. */
static size_t lzf_filter(unsigned flags, size_t n_cd, const unsigned cd[], size_t n_in, size_t *buf_size,
                         void **buf)
{
    if (!(flags & H5Z_FLAG_REVERSE))
        return 0;
    size_t room = n_cd >= 3 && cd[2] > 0 ? cd[2] : *buf_size;
    for (; room > 0 && room <= LZF_MAX_CHUNK; room *= 2) {
        uint8_t *out = H5allocate_memory(room, false);
        if (!out)
            return 0;
        int64_t n = lzf_expand(*buf, n_in, out, room);
        if (n >= 0) {
            H5free_memory(*buf);
            *buf = out;
            *buf_size = room;
            return (size_t)n;
        }
        H5free_memory(out);
        if (n == -1)
            return 0;
    }
    return 0;
}

herr_t clab__lzf_register(void)
{
    static const H5Z_class2_t lzf = {
        .version = H5Z_CLASS_T_VERS,
        .id = CLAB__FILTER_LZF,
        .encoder_present = 0,
        .decoder_present = 1,
        .name = "lzf",
        .filter = lzf_filter,
    };
    return H5Zregister(&lzf);
}
