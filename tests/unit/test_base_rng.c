/* test_base_rng.c -- the generators against published vectors, numpy 2 and torch 2 (docs/random.md). */
#include "clab_test.h"

#include "base/rng.h"

static uint64_t fold(const int64_t *p, int64_t n)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (int64_t i = 0; i < n; i++)
        h = (h ^ (uint64_t)p[i]) * UINT64_C(1099511628211);
    return h;
}

/* The known answers of Random123. */
static void philox(void **state)
{
    static const uint32_t ctr[3][4] = {
        {0, 0, 0, 0}, {~0u, ~0u, ~0u, ~0u}, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}};
    static const uint32_t key[3][2] = {{0, 0}, {~0u, ~0u}, {0xa4093822, 0x299f31d0}};
    static const uint32_t want[3][4] = {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
                                        {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
                                        {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
    uint32_t got[4];

    (void)state;
    for (int k = 0; k < 3; k++) {
        clab_philox(ctr[k], key[k], got);
        for (int i = 0; i < 4; i++)
            assert_int_equal(got[i], want[k][i]);
    }
}

static void numpy_random_state(void **state)
{
    static const uint32_t words[] = {2357136044u, 2546248239u, 3071714933u, 3626093760u};
    static const double uniform[] = {0.5488135039273248, 0.7151893663724195, 0.6027633760716439};
    static const double normal[] = {1.764052345967664, 0.4001572083672233, 0.9787379841057392,
                                    2.240893199201458, 1.8675579901499675};
    static const struct {
        uint32_t seed;
        int64_t n;
        uint64_t want;
    } perm[] = {{0, 10, UINT64_C(0x7ab46b0c5c0fc6a2)},
                {42, 1000, UINT64_C(0x11ee0fefd9b3298f)},
                {2147483648u, 70001, UINT64_C(0x49e4a704f8ec3233)}};
    int64_t *p = malloc(70001 * sizeof *p);
    clab_mt g;

    (void)state;
    clab_mt_seed(&g, 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(clab_mt_u32(&g), words[i]);
    clab_mt_seed(&g, 0);
    for (int i = 0; i < 3; i++)
        assert_near(clab_mt_double(&g), uniform[i], 0, 0);
    clab_mt_seed(&g, 0);
    for (int i = 0; i < 5; i++)
        assert_near(clab_mt_normal(&g), normal[i], 1e-15, 0);
    for (size_t k = 0; k < sizeof perm / sizeof *perm; k++) {
        clab_mt_seed(&g, perm[k].seed);
        clab_mt_permutation(&g, p, perm[k].n);
        assert_int_equal(fold(p, perm[k].n), perm[k].want);
    }
    assert_int_equal(clab_mt_upto(&g, 0), 0);
    for (int i = 0; i < 1000; i++)
        assert_true(clab_mt_upto(&g, 5) <= 5);
    free(p);
}

static void randn_is(uint32_t seed, int64_t n, int64_t from, const double *want, int64_t n_want)
{
    float x[128];
    clab_mt g;

    clab_mt_seed(&g, seed);
    clab_mt_torch_randn(&g, x, n);
    for (int64_t i = 0; i < n_want; i++)
        assert_near((double)x[from + i], want[i], 2e-6, 2e-6);
}

static void torch_normals(void **state)
{
    static const double five[] = {-0.146795094, 0.786141276, 0.94682163, -1.114344, 1.69079018};
    static const double sixteen[] = {-0.820134521, 0.395631164,  0.898908496,  -1.38840389,
                                     -0.166996017, 0.285149962,  -0.641091526, -0.893655419,
                                     0.926542997,  -0.535512209, -1.1597203,   -0.460157156,
                                     0.708539069,  1.01275539,   0.230396867,  1.09016514};
    static const double twenty[] = {-0.820134521,  0.395631164,  0.898908496,  -1.38840389,  0.198445052,
                                    0.782072663,   1.03910768,   -0.724510729, -0.848908603, -1.21692944,
                                    -0.0810215846, 1.36148512,   -2.0614779,   0.674100697,  -1.32334578,
                                    -1.35976899,   -0.866701603, -0.564006686, -2.05646253,  -0.356722534};
    static const double of_hundred[] = {
        0.572198987,  0.307813287,  0.127443537, -0.0189429447, -0.407270819, 0.531696498,
        -0.741958857, -0.637549639, -1.57861364, 0.646002591,   0.507076442,  -0.157586396,
        0.460316569,  -1.15320814,  -0.68942523, -0.0495132059, -1.22392416,  0.640272617};
    float x[5];
    clab_mt g;

    (void)state;
    randn_is(7, 5, 0, five, 5);
    randn_is(7, 16, 0, sixteen, 16);
    randn_is(7, 20, 0, twenty, 20);
    randn_is(7, 100, 82, of_hundred, 18);
    /* The sine of an odd last pair is kept for the next call. */
    clab_mt_seed(&g, 7);
    clab_mt_torch_randn(&g, x, 3);
    clab_mt_torch_randn(&g, x + 3, 2);
    for (int i = 0; i < 5; i++)
        assert_near((double)x[i], five[i], 2e-6, 0);
}

static void torch_words(void **state)
{
    static const double uniform[] = {-0.0018717050552368164, 0.13411089777946472, -0.20576128363609314};
    enum { N = 128 * 128 };
    uint8_t *keep = malloc(N);
    int64_t *p = malloc(45000 * sizeof *p);
    clab_mt g;

    (void)state;
    clab_mt_seed(&g, 0);
    assert_int_equal(clab_mt_torch_i64(&g), INT64_C(900450186894289455));
    clab_mt_seed(&g, 0);
    for (int i = 0; i < 3; i++)
        assert_near((double)clab_mt_torch_uniform(&g, -0.25f, 0.25f), uniform[i], 0, 0);
    clab_mt_seed(&g, 7);
    clab_mt_torch_keep(&g, keep, N, 0.1);
    for (int i = 0; i < N; i++)
        p[i] = keep[i];
    assert_int_equal(fold(p, N), UINT64_C(0x5f4b87f2740abc73));
    clab_mt_torch_randperm(123, p, 5);
    assert_int_equal(fold(p, 5), UINT64_C(0xf56d392e1adfe30d));
    clab_mt_torch_randperm(123, p, 100);
    assert_int_equal(fold(p, 100), UINT64_C(0x744d60533eb8655f));
    clab_mt_torch_randperm(123, p, 45000);
    assert_int_equal(fold(p, 45000), UINT64_C(0xd046bf6d238e1f63));
    clab_mt_torch_randperm((INT64_C(1) << 40) + 9, p, 100);
    assert_int_equal(fold(p, 100), UINT64_C(0x59386350c0e61925));
    free(keep);
    free(p);
}

static void numpy_default_rng(void **state)
{
    static const struct {
        uint64_t seed, raw[3];
        double uniform[2];
        uint64_t choice[5];
    } want[] = {
        {0,
         {UINT64_C(0xa30febcfd9c2825f), UINT64_C(0x4510bdf882d9d721), UINT64_C(0xa7d3da94ecde8b8)},
         {0.6369616873214543, 0.2697867137638703},
         {UINT64_C(0x556e0772aa9f8bff), UINT64_C(0x6a020fb80af58270), UINT64_C(0x7853d06797cfff2b),
          UINT64_C(0x679756537dae16e0), UINT64_C(0x7649680f5da102b5)}},
        {42,
         {UINT64_C(0xc621fbcd16d92688), UINT64_C(0x705a5661a791ffc1), UINT64_C(0xdbcd12c26eda1624)},
         {0.7739560485559633, 0.4388784397520523},
         {UINT64_C(0xe9a966275a252b2b), UINT64_C(0xd217a5332ef0ba37), UINT64_C(0x3a5cc3229f46d4d7),
          UINT64_C(0x0a27d26a303be6ac), UINT64_C(0x3463935eb075e7fd)}},
        {UINT64_C(1099511627783),
         {UINT64_C(0xd46e9e2034de21aa), UINT64_C(0x415badc99c087675), UINT64_C(0x275ed40f045acb84)},
         {0.829812891829413, 0.25530515834910417},
         {UINT64_C(0x517bd0be09e92e7f), UINT64_C(0xb0394772a68b9de2), UINT64_C(0xa01987fdca155aef),
          UINT64_C(0xb653198e5426e8da), UINT64_C(0x3e2bdc3b492c518d)}},
    };
    static const int64_t n[] = {2000, 50000, 20000, 10, 12000}, k[] = {500, 2000, 300, 10, 12000};
    static const uint32_t bounded[] = {89, 773, 654, 438, 433, 858, 85, 697};
    int64_t *out = malloc(12000 * sizeof *out);
    clab_pcg g;

    (void)state;
    for (size_t s = 0; s < 3; s++) {
        clab_pcg_seed(&g, want[s].seed);
        for (int i = 0; i < 3; i++)
            assert_int_equal(clab_pcg_u64(&g), want[s].raw[i]);
        clab_pcg_seed(&g, want[s].seed);
        for (int i = 0; i < 2; i++)
            assert_near(clab_pcg_double(&g), want[s].uniform[i], 0, 0);
        for (int c = 0; c < 5; c++) {
            clab_pcg_seed(&g, want[s].seed);
            assert_int_equal(clab_pcg_choice(&g, n[c], k[c], out), 0);
            assert_int_equal(fold(out, k[c]), want[s].choice[c]);
        }
    }
    clab_pcg_seed(&g, 1);
    assert_int_equal(clab_pcg_choice(&g, (INT64_C(1) << 33) + 5, 50, out), 0); /* 64-bit draws */
    assert_int_equal(fold(out, 50), UINT64_C(0xde630bf1798a2129));
    assert_int_equal(clab_pcg_choice(&g, 5, 0, out), 0);
    clab_pcg_seed(&g, 42);
    for (int i = 0; i < 8; i++)
        assert_int_equal(clab_pcg_bounded(&g, 999), bounded[i]);
    assert_int_equal(clab_pcg_bounded(&g, 0), 0);
    assert_int_equal(clab_pcg_bounded(&g, UINT32_MAX), 865305067);
    assert_int_equal(clab_pcg_bounded(&g, UINT32_MAX), 404488629);
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox),      cmocka_unit_test(numpy_random_state), cmocka_unit_test(torch_normals),
        cmocka_unit_test(torch_words), cmocka_unit_test(numpy_default_rng),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
