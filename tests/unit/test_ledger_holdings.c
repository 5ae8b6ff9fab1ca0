/* test_ledger_holdings.c -- what is held since which line of the session, where it lies, and the peaks. */
#include "clab_test.h"

#include <string.h>

#include "ledger/ledger_impl.h"

#define MIB ((int64_t)1 << 20)

/* A session of numbered lines. */
typedef struct {
    uint64_t line;
    int words_asked;
} script;

static uint64_t key(void *user)
{
    return ((script *)user)->line;
}

static void words(void *user, char *where, size_t n_where, char *text, size_t n_text)
{
    script *s = user;

    s->words_asked++;
    snprintf(where, n_where, "a.lua:%d", (int)s->line);
    snprintf(text, n_text, "x = step%d()\x1b[2J", (int)s->line);
}

static clab_ctx *session(script *s)
{
    clab_ctx *cx = test_ctx(1);

    *s = (script){.line = 1};
    clab_ledger_set_place(cx, &(clab_place_source){.key = key, .words = words, .user = s});
    return cx;
}

static void every_holding_knows_its_line(void **state)
{
    script s;
    clab_ctx *cx = session(&s);
    clab_holding *h;
    int64_t n, sum = 0;
    void *a, *b, *c, *d;

    (void)state;
    assert_clab_ok(cx, clab_mem_alloc(cx, CLAB_MEM_TABLE, 1000, "tables", &a));
    assert_clab_ok(cx, clab_mem_alloc(cx, CLAB_MEM_TABLE, 500, "tables", &b));
    s.line = 2;
    assert_clab_ok(cx, clab_mem_alloc(cx, CLAB_MEM_TABLE, 4000, "tables", &c));
    s.line = 0; /* between two statements */
    assert_clab_ok(cx, clab_mem_alloc(cx, CLAB_MEM_WORK, 7, "scratch", &d));
    assert_clab_ok(cx, clab_ledger_holdings(cx, &h, &n));
    assert_int_equal(n, 3);
    assert_string_equal(h[0].born.where, "a.lua:2");
    assert_string_equal(h[0].born.text, "x = step2()\\x1b[2J");
    assert_int_equal(h[1].bytes, 1500);
    assert_int_equal(h[1].blocks, 2);
    assert_string_equal(h[1].born.where, "a.lua:1");
    assert_string_equal(h[2].born.where, "");
    for (int64_t i = 0; i < n; i++)
        sum += h[i].bytes;
    assert_int_equal(sum, clab_mem_live(cx));
    assert_int_equal(clab_mem_holding_of(a), h[1].id);
    assert_int_equal(clab_mem_holding_of(b), h[1].id);
    assert_int_equal(clab_mem_holding_of(c), h[0].id);
    assert_int_equal(clab_mem_holding_of(NULL), 0);
    assert_int_equal(s.words_asked, 2); /* once a line */
    free(h);
    clab_mem_free(cx, a);
    clab_mem_free(cx, b);
    clab_mem_free(cx, c);
    clab_mem_free(cx, d);
    assert_clab_ok(cx, clab_ledger_holdings(cx, &h, &n));
    assert_int_equal(n, 0);
    free(h);
    test_ctx_free(cx);
}

static void other_homes_are_listed_not_counted(void **state)
{
    script s;
    clab_ctx *cx = session(&s);
    clab_charge disk, ram;
    clab_holding *h;
    int64_t n;

    (void)state;
    assert_clab_ok(cx, clab_budget_set(cx, 4 * MIB));
    assert_clab_ok(cx, clab_mem_charge_at(cx, CLAB_HOME_SCRATCH, CLAB_MEM_COUNTS, 400000 * MIB, "counts of a", &disk));
    assert_clab_ok(cx, clab_mem_charge_at(cx, CLAB_HOME_RAM, CLAB_MEM_COUNTS, 16, "counts of a", &ram));
    assert_int_equal(clab_mem_live(cx), 16);
    assert_clab_ok(cx, clab_ledger_holdings(cx, &h, &n));
    assert_int_equal(n, 2);
    assert_int_equal(h[0].home, CLAB_HOME_SCRATCH);
    assert_int_equal(h[0].bytes, 400000 * MIB);
    assert_int_equal(clab_charge_holding(cx, disk), h[0].id);
    assert_int_equal(clab_charge_holding(cx, ram), h[1].id);
    free(h);
    clab_mem_release(cx, disk);
    assert_int_equal(clab_charge_holding(cx, disk), 0);
    clab_mem_release(cx, ram);
    assert_int_equal(clab_mem_live(cx), 0);
    test_ctx_free(cx);
}

/* Slots and lines are used again, whatever the order in which things come and go. */
static void books_stay_right_under_churn(void **state)
{
    enum { N = 400 };
    script s;
    clab_ctx *cx = session(&s);
    void *p[N] = {0};
    int64_t bytes[N] = {0}, live = 0, n, sum;
    clab_holding *h;
    uint32_t r = 1;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        int at;
        char name[16];
        r = r * 1664525u + 1013904223u;
        at = (int)((r >> 8) % N);
        s.line = 1 + (r >> 20) % 90;
        if (p[at]) {
            clab_mem_free(cx, p[at]);
            live -= bytes[at];
            p[at] = NULL;
        } else {
            snprintf(name, sizeof name, "owner %u", (r >> 16) % 11);
            bytes[at] = (r >> 12) % 200;
            assert_clab_ok(cx, clab_mem_alloc(cx, (clab_mem_kind)(r % CLAB_N_MEM), bytes[at], name, &p[at]));
            live += bytes[at];
        }
    }
    assert_int_equal(clab_mem_live(cx), live);
    assert_clab_ok(cx, clab_ledger_holdings(cx, &h, &n));
    sum = 0;
    for (int64_t i = 0; i < n; i++) {
        sum += h[i].bytes;
        assert_true(i == 0 || h[i - 1].bytes >= h[i].bytes);
    }
    assert_int_equal(sum, live);
    free(h);
    for (int i = 0; i < N; i++)
        clab_mem_free(cx, p[i]);
    assert_true(clab_ctx_ledger(cx)->n_births <= 95);
    test_ctx_free(cx);
}

static void the_peak_knows_its_line(void **state)
{
    script s;
    clab_ctx *cx = session(&s);
    clab_peak accounted, measured;
    clab_phase *phase;
    void *p;

    (void)state;
    s.line = 7;
    phase = clab_phase_begin(cx, "hvg", 0, "");
    assert_clab_ok(cx, clab_mem_alloc(cx, CLAB_MEM_WORK, 64 * MIB, "moments", &p));
    memset(p, 1, 64 * (size_t)MIB);
    clab_mem_free(cx, p); /* short as it is, it is seen: before it goes */
    clab_phase_end(phase);
    s.line = 8;
    assert_clab_ok(cx, clab_mem_alloc(cx, CLAB_MEM_WORK, MIB, "small", &p));
    clab_mem_free(cx, p);
    clab_ledger_peak(cx, &accounted, &measured);
    assert_int_equal(accounted.bytes, 64 * MIB);
    assert_string_equal(accounted.phase, "hvg");
    assert_string_equal(accounted.place.where, "a.lua:7");
    assert_true(measured.bytes >= 64 * MIB);
    assert_string_equal(measured.phase, "hvg");
    assert_string_equal(measured.place.where, "a.lua:7");
    test_ctx_free(cx);
}

static void the_process_is_taken_apart(void **state)
{
    script s;
    clab_ctx *cx = session(&s);
    clab_process_memory m;
    void *p;

    (void)state;
    assert_clab_ok(cx, clab_mem_zalloc(cx, CLAB_MEM_WORK, 100000, "small", &p));
    clab_ledger_process(cx, &m);
    assert_true(m.pss > 0 && m.rss >= m.pss);
    assert_true(m.anon < 0 || (m.anon > 0 && m.anon + m.file <= m.pss + 8192));
    assert_true(m.accounted_small == 100000);
    assert_true(m.heap_kept >= 0);
    clab_mem_free(cx, p);
    test_ctx_free(cx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_holding_knows_its_line),
        cmocka_unit_test(other_homes_are_listed_not_counted),
        cmocka_unit_test(books_stay_right_under_churn),
        cmocka_unit_test(the_peak_knows_its_line),
        cmocka_unit_test(the_process_is_taken_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
