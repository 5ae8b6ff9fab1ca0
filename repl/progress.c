/* progress.c -- when a line is due, and what it says. */
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "frame.h"

#define FIRST_S 1.0
#define EVERY_S 30.0

static void put_words(const clab_snapshot *s, char *buf, size_t n)
{
    char when[32] = "", phase[128], note[128], progress[64];
    time_t now = (time_t)s->time;
    struct tm tm;
    int train, valid, k;

    if (localtime_r(&now, &tm))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
    k = snprintf(buf, n, "%s  %s %s", when, clab_text_show(s->phase, phase, sizeof phase),
                 clab_frame_progress(s, progress, sizeof progress));
    if (s->phase_note[0] && k > 0 && (size_t)k < n)
        k += snprintf(buf + k, n - (size_t)k, ", %s", clab_text_show(s->phase_note, note, sizeof note));
    clab_frame_curves(s, &train, &valid);
    if (!s->phase_note[0] && train >= 0 && strcmp(s->x_unit, s->phase_unit) == 0 && (size_t)k < n)
        k += snprintf(buf + k, n - (size_t)k, ", %s %.5g", s->series[train].name, s->series[train].last);
    if (s->tree_bytes > 0 && (size_t)k < n)
        snprintf(buf + k, n - (size_t)k, ", %s", clab_bytes(s->tree_bytes));
}

bool clab_progress_line(clab_progress *p, const clab_snapshot *s, char *buf, size_t n)
{
    int tenth = s->phase_total > 0 ? (int)(10 * s->phase_done / s->phase_total) : 0;

    if (strcmp(p->phase, s->phase) != 0 || s->phase_seconds < p->said) {
        memset(p, 0, sizeof *p);
        snprintf(p->phase, sizeof p->phase, "%s", s->phase);
    }
    if (!s->phase[0] || s->phase_seconds < FIRST_S)
        return false;
    if (tenth <= p->tenth && s->phase_seconds - p->said < EVERY_S)
        return false;
    p->tenth = tenth;
    p->said = s->phase_seconds;
    put_words(s, buf, n);
    return true;
}
