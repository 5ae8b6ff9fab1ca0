/* test_counts_pack.c -- Packed blocks: every width and length comes back, every read stays inside, any bytes are survived. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "counts/counts_impl.h"

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 3 ^ *state << 13;
}

static void comes_back(const uint32_t *v, int n)
{
    uint8_t packed[CLAB__PACK_MAX], *exact;
    uint32_t back[CLAB__BLOCK];
    size_t bytes = clab__pack(v, n, packed);

    assert_in_range(bytes, 2, CLAB__PACK_MAX);
    exact = malloc(bytes); /* so that a sanitizer sees a read past the end */
    memcpy(exact, packed, bytes);
    assert_ptr_equal(clab__unpack(exact, exact + bytes, n, back), exact + bytes);
    for (int i = 0; i < n; i++)
        assert_int_equal(back[i], v[i]);
    for (size_t cut = 0; cut < bytes; cut++)
        assert_null(clab__unpack(exact, exact + cut, n, back));
    free(exact);
}

static void every_width_and_length(void **state)
{
    uint32_t v[CLAB__BLOCK], seed = 1;

    (void)state;
    for (int width = 0; width <= 32; width++)
        for (int n = 1; n <= CLAB__BLOCK; n += n < 8 || n > 124 ? 1 : 13) {
            for (int i = 0; i < n; i++)
                v[i] = width == 0 ? 0 : next(&seed) >> (32 - width);
            comes_back(v, n);
        }
}

static void a_few_large_numbers_stay_cheap(void **state)
{
    uint32_t v[CLAB__BLOCK];
    uint8_t packed[CLAB__PACK_MAX];

    (void)state;
    for (int i = 0; i < CLAB__BLOCK; i++)
        v[i] = (uint32_t)i % 2;
    v[3] = 1000;
    v[90] = UINT32_MAX;
    comes_back(v, CLAB__BLOCK);
    assert_in_range(clab__pack(v, CLAB__BLOCK, packed), 1, 3 + 16 + 2 + 8);
}

static void damaged_bytes_are_survived(void **state)
{
    uint32_t v[CLAB__BLOCK], seed = 7;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        size_t bytes = next(&seed) % 64;
        uint8_t *p = malloc(bytes + 1);
        int n = 1 + (int)(next(&seed) % CLAB__BLOCK);
        const uint8_t *end;
        for (size_t i = 0; i < bytes; i++)
            p[i] = (uint8_t)next(&seed);
        if (bytes > 0)
            p[0] %= 40; /* many plausible widths */
        end = clab__unpack(p, p + bytes, n, v);
        assert_true(end == NULL || (end >= p + 2 && end <= p + bytes));
        free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_width_and_length),
        cmocka_unit_test(a_few_large_numbers_stay_cheap),
        cmocka_unit_test(damaged_bytes_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
