/* names_file.c -- a list of names from a text file, one a line, as marker lists are kept. */
#include "io/io.h"

#include "base/text.h"
#include "ledger/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES (256LL << 20)

/* The lines of text in place: blanks around them cut off, empty ones left out.  Returns how many. */
static int64_t split(char *text, char **names)
{
    int64_t n = 0;
    for (char *save = NULL, *line = strtok_r(text, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save)) {
        line += strspn(line, " \t");
        size_t len = strlen(line);
        while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
            line[--len] = 0;
        if (len > 0 && names)
            names[n] = line;
        n += len > 0;
    }
    return n;
}

clab_status clab_read_names(clab_ctx *cx, const char *path, clab_value **out)
{
    FILE *f = fopen(path, "re");
    char *text = NULL, **names = NULL;
    int64_t n = 0, lines = 1, bytes = 0;
    clab_status st = CLAB_OK;
    *out = NULL;
    if (!f)
        return clab_fail(cx, errno == ENOENT ? CLAB_ENOTFOUND : CLAB_EIO, "%s cannot be read: %s", clab_show(path),
                         strerror(errno));
    if (fseek(f, 0, SEEK_END) != 0 || (bytes = ftell(f)) < 0 || bytes > MAX_BYTES || fseek(f, 0, SEEK_SET) != 0)
        st = clab_fail(cx, CLAB_EFORMAT, "%s is no list of names", clab_show(path));
    if (st == CLAB_OK)
        st = clab_mem_alloc(cx, CLAB_MEM_WORK, bytes + 1, "a list of names", (void **)&text);
    if (st == CLAB_OK && fread(text, 1, (size_t)bytes, f) != (size_t)bytes)
        st = clab_fail(cx, CLAB_EIO, "%s cannot be read: %s", clab_show(path), strerror(errno));
    for (int64_t i = 0; st == CLAB_OK && i < bytes; i++) {
        lines += text[i] == '\n' || text[i] == '\r';
        if (text[i] == 0)
            st = clab_fail(cx, CLAB_EFORMAT, "%s is no text: a list of names has one a line", clab_show(path));
    }
    if (st == CLAB_OK) {
        text[bytes] = 0;
        st = clab_mem_alloc(cx, CLAB_MEM_WORK, (lines + 1) * (int64_t)sizeof *names, "a list of names", (void **)&names);
    }
    if (st == CLAB_OK && (n = split(text, names)) == 0)
        st = clab_fail(cx, CLAB_EFORMAT, "%s holds no names", clab_show(path));
    if (st == CLAB_OK)
        st = clab_value_strings(cx, 1, &n, (const char *const *)names, out);
    fclose(f);
    clab_mem_free(cx, text);
    clab_mem_free(cx, names);
    return st;
}
