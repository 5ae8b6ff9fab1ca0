/* test_tui_frame.c -- a snapshot becomes text: what the pane says, at which sizes, and that it never lies by
 * leaving out a NaN, a missing GPU or a limit. */
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frame.h"
#include "meter.h"

#define GIB ((int64_t)1 << 30)

static clab_snapshot *example(void)
{
    clab_snapshot *s = calloc(1, sizeof *s);

    snprintf(s->phase, sizeof s->phase, "scvi:train");
    snprintf(s->phase_unit, sizeof s->phase_unit, "epochs");
    s->phase_done = 57;
    s->phase_total = 200;
    s->phase_rate = 0.98;
    s->phase_eta = 146;
    snprintf(s->device, sizeof s->device, "cpu, 2 threads");
    s->tree_bytes = 41 * GIB + GIB / 5;
    s->limit = (clab_limit){300 * GIB, "cgroup"};
    s->node_total = 512 * GIB;
    s->node_available = 402 * GIB;
    s->n_owners = 2;
    s->owner[0] = (clab_snap_owner){"pbmc3k.h5ad", 22 * GIB, CLAB_MEM_COUNTS};
    s->owner[1] = (clab_snap_owner){"obs", 3 * GIB, CLAB_MEM_TABLE};
    snprintf(s->gpu_reason, sizeof s->gpu_reason, "no NVIDIA driver here");
    s->n_ram = 60;
    for (int i = 0; i < 60; i++) {
        s->ram_t[i] = (float)i;
        s->ram_mib[i] = 1000.0f * (float)i;
    }
    s->n_marks = 1;
    s->mark_t[0] = 30;
    s->n_series = 2;
    snprintf(s->x_unit, sizeof s->x_unit, "epoch");
    snprintf(s->series[0].name, sizeof s->series[0].name, "elbo_train");
    snprintf(s->series[1].name, sizeof s->series[1].name, "elbo_validation");
    for (int k = 0; k < 2; k++) {
        s->series[k].n = 57;
        for (int i = 0; i < 57; i++) {
            s->series[k].x[i] = (float)(i + 1);
            s->series[k].y[i] = 800.0f + 500.0f / (float)(i + 1) + 20.0f * (float)k;
        }
        s->series[k].last = 808;
    }
    return s;
}

static char *frame(const clab_snapshot *s, int rows, int cols, clab_glyph_level level)
{
    clab_wish wish = clab_frame_wish(s, 0);
    clab_layout l = clab_layout_pane(rows, cols, &wish);
    clab_grid *g = clab_grid_new(l.pane.rows, l.pane.cols);
    char *text;

    clab_frame_draw(g, &l, s, level);
    text = clab_grid_dump(g);
    clab_grid_free(g);
    return text;
}

static void has(const char *text, const char *want)
{
    if (!strstr(text, want))
        fail_msg("no \"%s\" in\n%s", want, text);
}

static void design_size_says_everything(void **state)
{
    clab_snapshot *s = example();
    char *text = frame(s, 24, 80, CLAB_GLYPHS_BRAILLE);

    (void)state;
    print_message("%s", text);
    has(text, "scvi:train · 57/200 epochs · 1.02 s/epoch · eta 2:26");
    has(text, "cpu, 2 threads");
    has(text, "41.2/300 GiB cgroup");
    has(text, "pbmc3k.h5ad 22.0 GiB");
    has(text, "node 402/512 GiB free, swap none");
    has(text, "no GPU: no NVIDIA driver here");
    has(text, "elbo_train");
    has(text, "epoch 57");
    has(text, "┴");
    free(text);
    text = frame(s, 24, 80, CLAB_GLYPHS_ASCII);
    print_message("%s", text);
    for (const char *c = text; *c; c++)
        assert_true((unsigned char)*c < 0x80);
    free(text);
    free(s);
}

static void a_nan_is_in_the_heading(void **state)
{
    clab_snapshot *s = example();
    char *text;

    (void)state;
    s->series[0].y[56] = NAN;
    s->series[0].last = (double)NAN;
    text = frame(s, 24, 80, CLAB_GLYPHS_BRAILLE);
    has(text, "NaN in elbo_train");
    has(text, "×");
    free(text);
    text = frame(s, 14, 50, CLAB_GLYPHS_BRAILLE);
    has(text, "NaN in elbo_train");
    free(text);
    free(s);
}

static void gpu_and_unknown_values(void **state)
{
    clab_snapshot *s = example();
    char *text;

    (void)state;
    s->n_gpus = 1;
    s->gpu[0] = (clab_snap_gpu){.has_mem = true, .has_util = true, .mem_used = 10 * GIB, .mem_total = 80 * GIB,
                                .util_pct = 83};
    text = frame(s, 24, 80, CLAB_GLYPHS_BRAILLE);
    has(text, "GPU ");
    has(text, "10.0/80.0 GiB 83%");
    free(text);
    s->gpu[0].has_mem = false;
    s->tree_bytes = -1;
    s->live = 25 * GIB;
    s->node_total = -1;
    text = frame(s, 24, 80, CLAB_GLYPHS_BRAILLE);
    has(text, "n/a 83%");
    has(text, "accounted");
    has(text, "node memory n/a");
    free(text);
    free(s);
}

static void names_from_files_are_harmless(void **state)
{
    clab_snapshot *s = example();
    char *text;

    (void)state;
    snprintf(s->owner[0].name, sizeof s->owner[0].name, "\033[2J細胞");
    s->owner[1] = (clab_snap_owner){0};
    s->n_owners = 1;
    text = frame(s, 50, 120, CLAB_GLYPHS_BRAILLE);
    assert_null(strchr(text, '\033'));
    has(text, "細胞");
    free(text);
    free(s);
}

static void owners_keep_their_names(void **state)
{
    clab_snapshot *s = example();
    char *text;

    (void)state;
    s->owner[0] = (clab_snap_owner){"scvi minibatch", 22 * GIB, CLAB_MEM_COUNTS};
    s->owner[1] = (clab_snap_owner){"scvi optimiser", 3 * GIB, CLAB_MEM_COUNTS};
    text = frame(s, 24, 80, CLAB_GLYPHS_BRAILLE);
    has(text, "scvi minibatch 22.0 GiB");
    assert_null(strstr(text, "scvi 3.00")); /* which of them? */
    free(text);
    s->owner[0] = (clab_snap_owner){"minibatch", 22 * GIB, CLAB_MEM_COUNTS};
    snprintf(s->owner[1].name, sizeof s->owner[1].name, "obs");
    text = frame(s, 24, 80, CLAB_GLYPHS_BRAILLE);
    has(text, "minibatch 22.0 GiB  obs 3.00 GiB");
    free(text);
    free(s);
}

/* No size, however odd, draws outside the pane (the sanitizers watch) or loses the heading. */
static void every_size(void **state)
{
    clab_snapshot *s = example();

    (void)state;
    for (int rows = 12; rows < 70; rows += 3)
        for (int cols = 40; cols < 220; cols += 7)
            for (int level = 0; level < 3; level++) {
                char *text = frame(s, rows, cols, (clab_glyph_level)level);
                has(text, "scvi:train");
                free(text);
            }
    free(s);
}

static void amounts(void **state)
{
    char b[24];

    (void)state;
    assert_string_equal(clab_meter_amount(GIB + GIB / 25, -1, b, sizeof b), "GiB");
    assert_string_equal(b, "1.04");
    assert_string_equal(clab_meter_amount(0, -1, b, sizeof b), "B");
    assert_string_equal(b, "0");
    assert_string_equal(clab_meter_amount(1023, -1, b, sizeof b), "KiB");
    clab_meter_amount(-1, -1, b, sizeof b);
    assert_string_equal(b, "n/a");
    assert_string_equal(clab_meter_clock(3723, b, sizeof b), "1:02:03");
    assert_string_equal(clab_meter_clock(41.4, b, sizeof b), "0:41");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(design_size_says_everything), cmocka_unit_test(a_nan_is_in_the_heading),
        cmocka_unit_test(gpu_and_unknown_values),      cmocka_unit_test(names_from_files_are_harmless), cmocka_unit_test(owners_keep_their_names),
        cmocka_unit_test(every_size),                  cmocka_unit_test(amounts),
    };

    setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
