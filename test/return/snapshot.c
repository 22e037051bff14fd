/* Eddy can say where all of its memory is: what the snapshot adds up to is what the kernel counts.
 * SPDX-License-Identifier: MIT */
#include <time.h>

#include "common/actor.h"
#include "common/rollup.h"
#include "common/text.h"

enum { IDLE_THREADS = 500 };

/* Their pages have no slack: a page of such blocks, all touched, is resident as a whole. */
static const size_t sizes[] = {16, 64, 1024, 8192, 65536};
static const size_t page_bytes[] = {65536, 65536, 65536, 65536, 524288};

static eddy_stats_t stats_now(void) {
    eddy_stats_t stats;
    eddy_stats_get(&stats, sizeof stats);
    return stats;
}

/* Of the mapping that holds `inside`, and those that touch it, as far as they can be written. */
static size_t resident_around(const void *inside) {
    FILE *file = fopen("/proc/self/smaps", "r");
    assert_non_null(file);
    char line[512];
    bool within = false;
    size_t bytes = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned long start, end;
        char access;
        if (sscanf(line, "%lx-%lx r%c", &start, &end, &access) == 3) {
            within = access == 'w' && start <= (uintptr_t)inside && (uintptr_t)inside < end;
        }
        if (within && strncmp(line, "Rss:", 4) == 0) bytes += strtoull(line + 4, NULL, 10) * KIB;
    }
    fclose(file);
    return bytes;
}

static size_t sum(const eddy_stats_t *stats) {
    return stats->live_bytes + stats->free_in_pages + stats->current_empty + stats->retained +
           stats->dirty + stats->pending;
}

/* The harness allocates too, and does not touch all it gets: what counts is the growth. */
static void the_sum_is_what_the_kernel_counts(void **state) {
    (void)state;
    enum { PAGES = 10 };
    static void *blocks[LENGTH(sizes)][PAGES * 65536 / 16];
    void *large = must(eddy_malloc(10 * MIB));
    memset(large, 1, 10 * MIB);
    (void)resident_around(large);
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        /* The current page is filled up, and those behind it are full. */
        eddy_heap_t *heap = eddy_heap_new();
        eddy_collect();
        (void)resident_around(large);
        size_t count = PAGES * (page_bytes[i] / sizes[i]);
        eddy_stats_t before = stats_now();
        size_t resident_before = resident_around(large);
        for (size_t j = 0; j < count; j++) {
            blocks[i][j] = must(eddy_heap_malloc(heap, sizes[i]));
            memset(blocks[i][j], 1, sizes[i]);
        }
        eddy_stats_t after = stats_now();
        size_t resident_after = resident_around(large);
        assert_int_equal(sum(&after) - sum(&before), PAGES * page_bytes[i]);
        assert_int_equal(resident_after - resident_before, PAGES * page_bytes[i]);
        assert_int_equal(after.live_blocks - before.live_blocks, count);
        for (size_t j = 0; j < count; j += 2) eddy_free(blocks[i][j]);
        eddy_stats_t half = stats_now();
        assert_int_equal(sum(&half), sum(&after));
        assert_int_equal(half.free_in_pages - after.free_in_pages, count / 2 * sizes[i]);
        assert_int_equal(resident_around(large), resident_after);
        eddy_heap_destroy(heap);
    }
    eddy_free(large);
}

static void classes_add_up(void **state) {
    (void)state;
    eddy_class_stats_t classes[200];
    eddy_stats_t stats = stats_now();
    size_t count = eddy_class_stats_get(classes, LENGTH(classes), sizeof *classes);
    assert_true(count > 10 && count < LENGTH(classes));
    size_t live = 0, blocks = 0, retained = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || classes[i].block_bytes > classes[i - 1].block_bytes);
        assert_int_equal(classes[i].live_bytes, classes[i].live_blocks * classes[i].block_bytes);
        live += classes[i].live_bytes;
        blocks += classes[i].live_blocks;
        retained += classes[i].retained;
    }
    assert_int_equal(retained, stats.retained);
    assert_true(live <= stats.live_bytes && blocks <= stats.live_blocks);
}

/* A caller that knows fewer fields, or fewer classes, gets those, and no byte more. */
static void an_older_caller_is_not_written_beyond(void **state) {
    (void)state;
    size_t old[3 * 2 + 1];
    memset(old, 0xee, sizeof old);
    eddy_class_stats_get((void *)old, 3, 2 * sizeof *old);
    assert_int_equal(old[0], 16);
    assert_int_equal(old[2], 32);
    assert_int_equal(old[4], 48);
    assert_int_equal(old[6], (size_t)0xeeeeeeeeeeeeeeee);
}

static void json_can_be_read(void **state) {
    (void)state;
    static text_t text;
    eddy_stats_json(text_append, &text);
    FILE *python = popen("python3 -c 'import json, sys; d = json.load(sys.stdin);"
                         " assert d[\"memory\"][\"live_blocks\"] > 0 and d[\"classes\"]'",
                         "w");
    assert_non_null(python);
    fputs(text.bytes, python);
    assert_int_equal(pclose(python), 0);
}

static void each_metric_has_its_type_and_a_number(void **state) {
    (void)state;
    static text_t text;
    eddy_stats_prometheus(text_append, &text);
    assert_non_null(strstr(text.bytes, "# TYPE eddy_pages_made counter\n"));
    assert_non_null(strstr(text.bytes, "# TYPE eddy_retained_slices gauge\n"));
    assert_non_null(strstr(text.bytes, "# TYPE eddy_live_bytes gauge\n"));
    assert_non_null(strstr(text.bytes, "# TYPE eddy_class_pending gauge\n"));
    size_t lines = 0;
    for (char *line = strtok(text.bytes, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        lines++;
        if (strncmp(line, "# TYPE eddy_", 12) == 0) continue;
        char name[100], rest[2];
        size_t value;
        assert_int_equal(sscanf(line, "eddy_%99s %zu%1s", name, &value, rest), 2);
    }
    assert_true(lines > 50);
}

/* ---- idle threads ---- */

static const size_t used[] = {16, 100, 300, 1000, 3000};

static void use_and_free(void *unused) {
    (void)unused;
    for (size_t i = 0; i < LENGTH(used); i++) {
        void *blocks[300];
        for (size_t j = 0; j < LENGTH(blocks); j++) blocks[j] = must(eddy_malloc(used[i]));
        for (size_t j = 0; j < LENGTH(blocks); j++) eddy_free(blocks[j]);
    }
}

/* An idle thread holds at most one current page for each class that it used. */
static void idle_threads_hold_one_page_per_class(void **state) {
    (void)state;
    static actor_t actors[IDLE_THREADS];
    size_t rss_before = rollup_rss();
    for (size_t i = 0; i < IDLE_THREADS; i++) {
        actor_start(&actors[i]);
        actor_do(&actors[i], use_and_free, NULL);
    }
    size_t empty = 0;
    for (int ms = 0; ms < 3000; ms += 50) {
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
        eddy_stats_t stats = stats_now();
        empty = stats.current_empty;
        if (stats.retained == 0 && stats.dirty == 0) break;
    }
    eddy_stats_t stats = stats_now();
    size_t held = rollup_rss() - rss_before;
    print_message("%zu KiB in empty current pages, %zu KiB held\n", empty / KIB, held / KIB);
    /* Not all of these pages is touched: what is not holds the stacks. */
    assert_true(held <= empty);
    assert_true(empty <= (IDLE_THREADS * LENGTH(used) + 20) * 64 * KIB);
    assert_int_equal(stats.retained, 0);
    assert_int_equal(stats.dirty, 0);
    for (size_t i = 0; i < IDLE_THREADS; i++) actor_end(&actors[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sum_is_what_the_kernel_counts),
        cmocka_unit_test(classes_add_up),
        cmocka_unit_test(an_older_caller_is_not_written_beyond),
        cmocka_unit_test(json_can_be_read),
        cmocka_unit_test(each_metric_has_its_type_and_a_number),
        cmocka_unit_test(idle_threads_hold_one_page_per_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
