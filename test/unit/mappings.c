/* The kernel's mappings, of which a process may have 65,530: what Eddy does over a long time adds a
 * bounded number. An argument is the number of reallocs.
 * SPDX-License-Identifier: MIT */
#include <fcntl.h>

#include "common/alone.h"
#include "common/clock.h"
#include "common/inside.h"
#include "common/sanitizer.h"

enum {
    MORE_MOST = 2100,
    ARRAYS = 1010, /* more than may stay moved; only a few are copied then */
    SMALLEST = 1 << 20,
    LARGEST = 4 << 20,
    OBJECTS = 2000,
    WINDOWS_OF_A_DAY = 24 * 3600 * 4, /* at the standard decay */
    LOOK_EACH = 1000
};

static size_t mappings(void) {
    static char text[64 << 10];
    size_t lines = 0;
    int file = open("/proc/self/maps", O_RDONLY);
    assert_true(file >= 0);
    for (ssize_t got; (got = read(file, text, sizeof text)) > 0;) {
        for (ssize_t i = 0; i < got; i++) lines += text[i] == '\n';
    }
    close(file);
    return lines;
}

static size_t reallocs = SANITIZED ? 10000 : 100000;
static size_t most, before;

static int start(void **state) {
    (void)state;
    start_clean();
    before = most = mappings();
    return 0;
}

static void look(size_t step) {
    if (step % LOOK_EACH != 0) return;
    size_t now = mappings();
    if (now > most) most = now;
}

static void assert_bounded(void) {
    print_message("at most %zu mappings more than at start\n", most - before);
    assert_true(most - before <= MORE_MOST);
}

/* Each array grows by an eighth until it is large, then begins anew. */
static void many_growing_reallocs(void **state) {
    (void)state;
    static char *arrays[ARRAYS];
    static size_t sizes[ARRAYS];
    uint64_t random = 1;
    for (size_t step = 1; step <= reallocs; step++) {
        size_t i = random_below(&random, ARRAYS);
        sizes[i] = sizes[i] == 0 || sizes[i] > LARGEST ? SMALLEST : sizes[i] + sizes[i] / 8;
        if (sizes[i] == SMALLEST) {
            eddy_free(arrays[i]);
            arrays[i] = NULL;
        }
        arrays[i] = must(eddy_realloc(arrays[i], sizes[i]));
        arrays[i][0] = 1;
        look(step);
    }
    assert_bounded();
    for (size_t i = 0; i < ARRAYS; i++) eddy_free(arrays[i]);
    size_t left = mappings();
    assert_true(left <= before + 100);
}

/* Objects of all lengths come and go, and each window some of what is free is purged. */
static void a_day_of_purges(void **state) {
    (void)state;
    static void *objects[OBJECTS];
    uint64_t random = 1;
    size_t windows = SANITIZED ? WINDOWS_OF_A_DAY / 10 : WINDOWS_OF_A_DAY;
    size_t purged = counters_now().spans_purged;
    for (size_t turn = 1; turn <= windows; turn++) {
        for (int changes = 0; changes < 4; changes++) {
            void **object = &objects[random_below(&random, OBJECTS)];
            eddy_free(*object);
            *object = must(eddy_malloc(64 * KIB + random_below(&random, MIB)));
        }
        clock_next_window();
        span_housekeep(os_now_ms());
        look(turn);
    }
    assert_true(counters_now().spans_purged - purged > windows / 2);
    assert_bounded();
    for (size_t i = 0; i < OBJECTS; i++) eddy_free(objects[i]);
}

#define MAPPING_TEST(test) cmocka_unit_test_setup_teardown(test, start, tear_down_clean)

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        MAPPING_TEST(many_growing_reallocs),
        MAPPING_TEST(a_day_of_purges),
    };
    if (argc > 1) reallocs = strtoull(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
