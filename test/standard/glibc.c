/* The interfaces of glibc that look at an allocator and tune it.
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <limits.h>
#include <malloc.h>

#include "standard.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* mallinfo */

enum { BURST = 2000, BURST_SIZE = 4000 };

static void *burst[BURST];

static void allocate_burst(void) {
    for (size_t i = 0; i < BURST; i++) {
        burst[i] = must(malloc(BURST_SIZE));
        memset(burst[i], 1, BURST_SIZE);
    }
}

static void free_burst(void) {
    for (size_t i = 0; i < BURST; i++) free(burst[i]);
}

/* ---- malloc_trim ---- */

static void malloc_trim_says_whether_memory_went_back(void **state) {
    (void)state;
    int64_t decay_ms = eddy_option_get(EDDY_OPTION_DECAY_MS);
    assert_int_equal(eddy_option_set(EDDY_OPTION_DECAY_MS, -1), 0);
    allocate_burst();
    free_burst();
    assert_int_equal(malloc_trim(0), 1);
    assert_int_equal(malloc_trim(0), 0);
    assert_int_equal(eddy_option_set(EDDY_OPTION_DECAY_MS, decay_ms), 0);
}

static void malloc_trim_says_so_where_memory_goes_back_at_once(void **state) {
    (void)state;
    int64_t decay_ms = eddy_option_get(EDDY_OPTION_DECAY_MS);
    assert_int_equal(eddy_option_set(EDDY_OPTION_DECAY_MS, 0), 0);
    allocate_burst();
    free_burst();
    assert_int_equal(malloc_trim(0), 1);
    assert_int_equal(malloc_trim(0), 0);
    assert_int_equal(eddy_option_set(EDDY_OPTION_DECAY_MS, decay_ms), 0);
}

static void malloc_trim_ignores_its_padding(void **state) {
    (void)state;
    allocate_burst();
    free_burst();
    malloc_trim(SIZE_MAX);
    assert_int_equal(malloc_trim(0), 0);
}

/* ---- mallinfo ---- */

static void assert_coherent(struct mallinfo2 info) {
    assert_int_equal(info.uordblks + info.fordblks, info.arena);
    assert_true(info.keepcost <= info.fordblks);
    assert_int_equal(info.ordblks == 0, info.fordblks == 0);
    assert_int_equal(info.hblks == 0, info.hblkhd == 0);
    assert_int_equal(info.usmblks, 0);
    assert_true(info.fsmblks <= info.fordblks);
}

static void mallinfo2_is_coherent_at_all_times(void **state) {
    (void)state;
    assert_coherent(mallinfo2());
    allocate_burst();
    assert_coherent(mallinfo2());
    free_burst();
    assert_coherent(mallinfo2());
    malloc_trim(0);
    assert_coherent(mallinfo2());
}

static void mallinfo2_counts_what_is_in_use(void **state) {
    (void)state;
    static const size_t sizes[] = {100, 5000, 100 * KIB, MIB, 100 * MIB};
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        size_t before = mallinfo2().uordblks;
        void *block = must(malloc(sizes[i]));
        assert_int_equal(mallinfo2().uordblks, before + malloc_usable_size(block));
        free(block);
        assert_int_equal(mallinfo2().uordblks, before);
    }
}

static void mallinfo2_counts_what_is_free(void **state) {
    (void)state;
    allocate_burst();
    size_t before = mallinfo2().fordblks;
    free_burst();
    assert_true(mallinfo2().fordblks > before + BURST / 2 * BURST_SIZE);
    malloc_trim(0);
    assert_true(mallinfo2().fordblks < before + BURST / 2 * BURST_SIZE);
}

static void mallinfo2_agrees_with_the_snapshot(void **state) {
    (void)state;
    allocate_burst();
    for (size_t i = 0; i < BURST; i += 2) free(burst[i]);
    eddy_stats_t stats;
    eddy_stats_get(&stats, sizeof stats);
    struct mallinfo2 info = mallinfo2();
    assert_int_equal(info.uordblks, stats.live_bytes);
    assert_int_equal(info.fordblks, stats.free_in_pages + stats.current_empty + stats.retained +
                                        stats.dirty + stats.pending);
    for (size_t i = 1; i < BURST; i += 2) free(burst[i]);
}

static void mallinfo2_keepcost_is_what_a_trim_may_return(void **state) {
    (void)state;
    allocate_burst();
    free_burst();
    assert_true(mallinfo2().keepcost > BURST / 2 * BURST_SIZE);
    malloc_trim(0);
    assert_int_equal(mallinfo2().keepcost, 0);
}

static void mallinfo_is_mallinfo2(void **state) {
    (void)state;
    allocate_burst();
    struct mallinfo2 wide = mallinfo2();
    struct mallinfo narrow = mallinfo();
    assert_int_equal(narrow.arena, wide.arena);
    assert_int_equal(narrow.ordblks, wide.ordblks);
    assert_int_equal(narrow.uordblks, wide.uordblks);
    assert_int_equal(narrow.fordblks, wide.fordblks);
    assert_int_equal(narrow.keepcost, wide.keepcost);
    free_burst();
}

static void mallinfo_stops_at_int_max(void **state) {
    (void)state;
    void *block = must(malloc(3 * GIB));
    assert_int_equal(mallinfo().uordblks, INT_MAX);
    assert_int_equal(mallinfo().arena, INT_MAX);
    assert_true(mallinfo2().uordblks >= 3 * GIB);
    free(block);
}

/* ---- malloc_info ---- */

static const char *after_spaces(const char *at) {
    while (isspace((unsigned char)*at)) at++;
    return at;
}

/* Behind ` name="value"`; NULL when there is none. */
static const char *after_attribute(const char *at) {
    const char *name = at = after_spaces(at);
    while (isalpha((unsigned char)*at)) at++;
    if (at == name || strncmp(at, "=\"", 2) != 0) return NULL;
    at += strcspn(at + 2, "\"<&") + 2;
    return *at == '"' ? at + 1 : NULL;
}

/* Behind the element (with its content) that begins at `at`; NULL when it is not well-formed. */
static const char *after_element(const char *at) {
    if (*at++ != '<') return NULL;
    const char *name = at;
    while (isalpha((unsigned char)*at)) at++;
    size_t length = (size_t)(at - name);
    while (length != 0 && at != NULL && *(at = after_spaces(at)) != '>') {
        if (strncmp(at, "/>", 2) == 0) return at + 2;
        at = after_attribute(at);
    }
    if (length == 0 || at == NULL) return NULL;
    at = after_spaces(at + 1);
    while (at != NULL && strncmp(at, "</", 2) != 0) {
        at = after_element(at);
        if (at != NULL) at = after_spaces(at);
    }
    bool closed = at != NULL && strncmp(at + 2, name, length) == 0 && at[2 + length] == '>';
    return closed ? at + length + 3 : NULL;
}

static char *malloc_info_text(int options, int *result) {
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    assert_non_null(stream);
    *result = malloc_info(options, stream);
    int error = errno;
    assert_int_equal(fclose(stream), 0);
    errno = error;
    return text;
}

static void malloc_info_writes_well_formed_xml(void **state) {
    (void)state;
    int result;
    allocate_burst();
    char *text = malloc_info_text(0, &result);
    assert_int_equal(result, 0);
    const char *end = after_element(text);
    assert_non_null(end);
    assert_string_equal(after_spaces(end), "");
    assert_int_equal(strncmp(text, "<malloc version=\"", 17), 0);
    free(text);
    free_burst();
}

/* The number behind `name="` in the first element that begins with `element`. */
static size_t number_in(const char *text, const char *element, const char *name) {
    const char *at = strstr(text, element);
    assert_non_null(at);
    at = strstr(at, name);
    assert_non_null(at);
    return strtoull(at + strlen(name), NULL, 10);
}

static void malloc_info_agrees_with_mallinfo2(void **state) {
    (void)state;
    static char text[32 * KIB], buffer[32 * KIB];
    allocate_burst();
    for (size_t i = 0; i < BURST; i += 2) free(burst[i]);
    FILE *stream = fmemopen(text, sizeof text, "w");
    assert_non_null(stream);
    /* With a buffer of its own the stream allocates nothing. */
    assert_int_equal(setvbuf(stream, buffer, _IOFBF, sizeof buffer), 0);
    struct mallinfo2 info = mallinfo2();
    assert_int_equal(malloc_info(0, stream), 0);
    assert_int_equal(fclose(stream), 0);
    assert_int_equal(number_in(text, "<system type=\"current\"", "size=\""), info.arena);
    assert_int_equal(number_in(text, "<total type=\"rest\"", "size=\""), info.fordblks);
    assert_int_equal(number_in(text, "<memory type=\"live_bytes\"", "size=\""), info.uordblks);
    assert_true(number_in(text, "<size from=\"4096\"", "count=\"") >= BURST / 2);
    for (size_t i = 1; i < BURST; i += 2) free(burst[i]);
}

static void malloc_info_refuses_options(void **state) {
    (void)state;
    static const int options[] = {1, -1, INT_MAX, INT_MIN};
    for (size_t i = 0; i < LENGTH(options); i++) {
        int result;
        errno = 0;
        char *text = malloc_info_text(options[i], &result);
        assert_int_equal(result, -1);
        assert_int_equal(errno, EINVAL);
        assert_string_equal(text, "");
        free(text);
    }
}

/* ---- malloc_stats ---- */

static void malloc_stats_writes_to_stderr(void **state) {
    (void)state;
    char text[64] = "";
    FILE *file = tmpfile();
    assert_non_null(file);
    int kept = dup(STDERR_FILENO);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    malloc_stats();
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(kept);
    assert_true(pread(fileno(file), text, sizeof text, 0) > 0);
    fclose(file);
}

/* ---- mallopt ---- */

static void mallopt_can_end_trimming(void **state) {
    (void)state;
    int64_t decay_ms = eddy_option_get(EDDY_OPTION_DECAY_MS);
    assert_int_equal(mallopt(M_TRIM_THRESHOLD, -1), 1);
    assert_int_equal(eddy_option_get(EDDY_OPTION_DECAY_MS), -1);
    assert_int_equal(eddy_option_set(EDDY_OPTION_DECAY_MS, decay_ms), 0);
}

static void mallopt_returns_0_for_what_has_no_counterpart(void **state) {
    (void)state;
    static const int parameters[][2] = {
        {M_TRIM_THRESHOLD, 128 * 1024},
        {M_TOP_PAD, 0},
        {M_MMAP_THRESHOLD, 1 << 20},
        {M_MMAP_MAX, 0},
        {M_ARENA_MAX, 1},
        {M_ARENA_TEST, 1},
        {M_MXFAST, 64},
        {M_CHECK_ACTION, 3},
        {M_PERTURB, 0xaa},
        {12345, 1},
    };
    int64_t options[EDDY_OPTION_COUNT];
    for (int i = 0; i < EDDY_OPTION_COUNT; i++) options[i] = eddy_option_get((eddy_option_t)i);
    for (size_t i = 0; i < LENGTH(parameters); i++) {
        assert_int_equal(mallopt(parameters[i][0], parameters[i][1]), 0);
    }
    for (int i = 0; i < EDDY_OPTION_COUNT; i++) {
        assert_int_equal(eddy_option_get((eddy_option_t)i), options[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malloc_trim_says_whether_memory_went_back),
        cmocka_unit_test(malloc_trim_says_so_where_memory_goes_back_at_once),
        cmocka_unit_test(malloc_trim_ignores_its_padding),
        cmocka_unit_test(mallinfo2_is_coherent_at_all_times),
        cmocka_unit_test(mallinfo2_counts_what_is_in_use),
        cmocka_unit_test(mallinfo2_counts_what_is_free),
        cmocka_unit_test(mallinfo2_agrees_with_the_snapshot),
        cmocka_unit_test(mallinfo2_keepcost_is_what_a_trim_may_return),
        cmocka_unit_test(mallinfo_is_mallinfo2),
        cmocka_unit_test(mallinfo_stops_at_int_max),
        cmocka_unit_test(malloc_info_writes_well_formed_xml),
        cmocka_unit_test(malloc_info_agrees_with_mallinfo2),
        cmocka_unit_test(malloc_info_refuses_options),
        cmocka_unit_test(malloc_stats_writes_to_stderr),
        cmocka_unit_test(mallopt_can_end_trimming),
        cmocka_unit_test(mallopt_returns_0_for_what_has_no_counterpart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
