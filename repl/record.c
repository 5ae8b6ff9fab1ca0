/* record.c -- the transcript as a script. */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define OUTPUT_MAX ((size_t)1 << 20) /* comments of one statement */

struct clab_record {
    FILE *file;
    char *path;
    clab_str so_far;     /* finished statements, as script text */
    char *statement;     /* the one that runs */
    bool is_expression;
    clab_str output;
};

clab_record *clab_record_new(void)
{
    return calloc(1, sizeof(clab_record));
}

void clab_record_free(clab_record *r)
{
    if (!r)
        return;
    clab_record_close(r);
    clab_str_free(&r->so_far);
    clab_str_free(&r->output);
    free(r->statement);
    free(r);
}

bool clab_record_open(clab_record *r, const char *path, char *why, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

    if (fd < 0) {
        char name[200];
        snprintf(why, n, "%s: %s", clab_text_show(path, name, sizeof name),
                 errno == EEXIST ? "there is such a file already; choose another name" : strerror(errno));
        return false;
    }
    clab_record_close(r);
    r->file = fdopen(fd, "w");
    r->path = strdup(path);
    if (!r->file || !r->path) {
        close(fd);
        snprintf(why, n, "memory is short");
        return false;
    }
    fputs("-- celllab session\n", r->file);
    if (r->so_far.s)
        fputs(r->so_far.s, r->file);
    fflush(r->file);
    return true;
}

bool clab_record_close(clab_record *r)
{
    if (!r->file)
        return false;
    fclose(r->file);
    free(r->path);
    r->file = NULL;
    r->path = NULL;
    return true;
}

const char *clab_record_path(const clab_record *r)
{
    return r->path;
}

void clab_record_begin(clab_record *r, const char *statement, bool is_expression)
{
    free(r->statement);
    r->statement = strdup(statement);
    r->is_expression = is_expression;
    r->output.len = 0;
}

void clab_record_output(clab_record *r, const char *bytes, size_t n)
{
    if (r->statement && r->file && r->output.len + n < OUTPUT_MAX)
        clab_str_addn(&r->output, bytes, n);
}

/* Every line of text behind `prefix`. */
static void add_lines(clab_str *to, const char *prefix, const char *text, size_t n)
{
    while (n > 0) {
        const char *end = memchr(text, '\n', n);
        size_t k = end ? (size_t)(end - text) : n;
        clab_str_add(to, prefix);
        clab_str_addn(to, text, k);
        clab_str_add(to, "\n");
        k += end ? 1 : 0;
        text += k;
        n -= k;
    }
}

/* Attribute sequences have no place in a script. */
static size_t without_escapes(char *s, size_t n)
{
    size_t k = 0;

    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\033') {
            while (i < n && s[i] != 'm')
                i++;
            continue;
        }
        if (s[i] != '\r')
            s[k++] = s[i];
    }
    return k;
}

void clab_record_end(clab_record *r, bool failed)
{
    clab_str text = {0};

    if (!r->statement)
        return;
    if (failed)
        add_lines(&text, "-- failed: ", r->statement, strlen(r->statement));
    else if (r->is_expression)
        clab_str_addf(&text, "print(%s)\n", r->statement);
    else
        clab_str_addf(&text, "%s\n", r->statement);
    if (text.s)
        clab_str_add(&r->so_far, text.s);
    if (r->output.len > 0)
        add_lines(&text, "-- ", r->output.s, without_escapes(r->output.s, r->output.len));
    if (r->file && text.s) {
        fputs(text.s, r->file);
        fflush(r->file);
    }
    clab_str_free(&text);
    free(r->statement);
    r->statement = NULL;
}
