/* The limits: what is refused beyond the hard one, what is returned beyond the soft one, and where
 * the soft one comes from, however the files of the control groups look.
 * SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/stat.h>

#include "common/actor.h"
#include "common/clock.h"
#include "common/faults.h"
#include "common/inside.h"
#include "os/os.h"

enum { OBJECT = 1 << 20 };

const char *eddy_options = "scavenger=never";

static int start(void **state) {
    eddy_option_set(EDDY_OPTION_SOFT_LIMIT, 0);
    return set_up_clean(state);
}

static int end(void **state) {
    eddy_option_set(EDDY_OPTION_LIMIT, 0);
    return tear_down_clean(state);
}

static size_t held(void) {
    span_totals_t totals;
    span_totals(&totals);
    return (totals.used + totals.dirty) << SLICE_SHIFT;
}

/* ---- hard ---- */

static void beyond_the_limit_is_no_memory(void **state) {
    (void)state;
    void *objects[16];
    size_t count = 0;
    eddy_option_set(EDDY_OPTION_LIMIT, 8 * OBJECT);
    while ((objects[count] = eddy_malloc(OBJECT)) != NULL) count++;
    assert_int_equal(errno, ENOMEM);
    assert_true(count == 7 || count == 8);
    assert_null(eddy_malloc(opaque(9 * OBJECT)));
    assert_null(eddy_realloc(objects[0], 4 * OBJECT));
    eddy_free(objects[--count]);
    objects[count] = must(eddy_malloc(OBJECT));
    count++;
    while (count > 0) eddy_free(objects[--count]);
}

static void a_limit_below_what_is_in_use_refuses_until_that_is_freed(void **state) {
    (void)state;
    void *first = must(eddy_malloc(4 * OBJECT)), *second = must(eddy_malloc(OBJECT));
    eddy_option_set(EDDY_OPTION_LIMIT, 2 * OBJECT);
    assert_null(eddy_malloc(OBJECT));
    eddy_free(second);
    assert_null(eddy_malloc(OBJECT));
    eddy_free(first);
    eddy_free(must(eddy_malloc(OBJECT)));
}

/* Free spans of the wrong lengths would add up with what is taken anew. */
static void free_memory_is_returned_to_stay_within_the_limit(void **state) {
    (void)state;
    enum { PIECES = 32, PIECE = 3 * SLICE_BYTES };
    void *pieces[PIECES], *walls[PIECES];
    eddy_option_set(EDDY_OPTION_LIMIT, PIECES * (PIECE + 2 * SLICE_BYTES));
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = must(eddy_malloc(PIECE));
        walls[i] = must(eddy_malloc(2 * SLICE_BYTES));
    }
    for (size_t i = 0; i < PIECES; i++) eddy_free(pieces[i]);
    void *large = must(eddy_malloc((PIECES - 2) * PIECE));
    assert_true(held() <= (size_t)eddy_option_get(EDDY_OPTION_LIMIT));
    eddy_free(large);
    for (size_t i = 0; i < PIECES; i++) eddy_free(walls[i]);
}

/* Neither for what no address space holds, nor for what the limit never allows: no more than any
 * large object may take of what is retained. */
static void for_a_size_that_no_memory_holds_pages_stay(void **state) {
    (void)state;
    static void *blocks[40 * SLICE_BYTES / KIB];
    for (size_t i = 0; i < LENGTH(blocks); i++) blocks[i] = must(eddy_malloc(KIB));
    for (size_t i = 0; i < LENGTH(blocks); i++) eddy_free(blocks[i]);
    eddy_option_set(EDDY_OPTION_LIMIT, SLICE_BYTES);
    eddy_counters_t before = counters_now();
    assert_null(eddy_malloc(opaque(PTRDIFF_MAX)));
    assert_risen(before, pages_released, 0);
    assert_null(eddy_malloc_aligned(1, opaque((size_t)1 << 50)));
    assert_null(eddy_malloc(opaque(2 * SLICE_BYTES)));
    assert_true(counters_now().retained_slices > 30);
}

/* Whoever freed it had it in hand at the first try. Here the kernel has more the second time. */
static void memory_that_comes_free_at_the_first_try_is_found_by_the_second(void **state) {
    (void)state;
    size_t size = opaque(256 * MIB);
    bool is_zero;
    faults_start(FAULT_MEMORY, 1, FOR_EVER);
    assert_null(span_allocate(size >> SLICE_SHIFT, 1, SPAN_FROM_ANY, &is_zero));
    size_t asked = faults_asked();
    assert_true(asked > 0);
    faults_start(FAULT_MEMORY, asked, UP_TO);
    void *object = eddy_malloc(size);
    faults_stop();
    eddy_free(must(object));
}

/* ---- empty pages of threads that sleep ---- */

enum { EMPTIED = 40 * MIB, WANTED = 32 * MIB, SIZE = KIB, SLEEPERS = 40 };

static void *emptied[EMPTIED / SIZE];
static actor_t sleepers[SLEEPERS];

static void allocate_all(void *unused) {
    (void)unused;
    for (size_t i = 0; i < LENGTH(emptied); i++) emptied[i] = must(eddy_malloc(SIZE));
}

static void begin(void *unused) {
    (void)unused;
    eddy_free(must(eddy_malloc(SIZE)));
}

/* One has pages that it does not see empty, and no slow path looks at so many heaps. */
static int start_sleepers(void **state) {
    (void)start(state);
    for (size_t i = 0; i < SLEEPERS; i++) {
        actor_start(&sleepers[i]);
        actor_do(&sleepers[i], i == 0 ? allocate_all : begin, NULL);
    }
    eddy_option_set(EDDY_OPTION_LIMIT, (int64_t)held());
    for (size_t i = 0; i < LENGTH(emptied); i++) eddy_free(emptied[i]);
    return 0;
}

static int end_sleepers(void **state) {
    for (size_t i = 0; i < SLEEPERS; i++) actor_end(&sleepers[i]);
    return end(state);
}

static void pages_that_others_emptied_make_room_for_a_large_object(void **state) {
    (void)state;
    if (!os_barrier_available()) skip();
    eddy_free(must(eddy_malloc(WANTED)));
}

static void they_make_room_for_small_blocks(void **state) {
    (void)state;
    static void *blocks[WANTED / (3 * SIZE)];
    if (!os_barrier_available()) skip();
    for (size_t i = 0; i < LENGTH(blocks); i++) blocks[i] = must(eddy_malloc(3 * SIZE));
    for (size_t i = 0; i < LENGTH(blocks); i++) eddy_free(blocks[i]);
}

/* Then they are in the hands of nobody, until somebody asks again. */
static void they_do_after_a_barrier_was_refused(void **state) {
    (void)state;
    if (!os_barrier_available()) skip();
    faults_start(FAULT_KIND(OS_BARRIER), 1, FOR_EVER);
    assert_null(eddy_malloc(WANTED));
    faults_stop();
    eddy_free(must(eddy_malloc(WANTED)));
}

/* ---- soft ---- */

static void beyond_the_soft_limit_freed_memory_is_returned_at_once(void **state) {
    (void)state;
    void *objects[8];
    for (size_t i = 0; i < LENGTH(objects); i++) objects[i] = must(eddy_malloc(OBJECT));
    eddy_option_set(EDDY_OPTION_SOFT_LIMIT, 4 * OBJECT);
    for (size_t i = 0; i < 4; i++) {
        eddy_free(objects[i]);
        assert_int_equal(stats_now().dirty, 0);
    }
    /* Below it, it is kept again. */
    eddy_free(objects[4]);
    eddy_free(objects[5]);
    assert_true(stats_now().dirty > 0);
    eddy_free(objects[6]);
    eddy_free(objects[7]);
}

/* Whichever way memory becomes free. */
static void shrink_and_check(void) {
    enum { MANY = 32 };
    char *object = must(eddy_malloc(MANY * OBJECT));
    memset(object, 1, MANY * OBJECT);
    object = must(eddy_realloc(object, (MANY - 1) * OBJECT / 2));
    assert_int_equal(stats_now().dirty, 0);
    eddy_free(object);
    eddy_free(must(eddy_malloc_aligned_at(OBJECT, MANY * OBJECT, 8)));
    assert_int_equal(stats_now().dirty, 0);
}

static void what_a_shrunk_object_loses_is_returned_at_once_too(void **state) {
    (void)state;
    eddy_option_set(EDDY_OPTION_SOFT_LIMIT, OBJECT);
    shrink_and_check();
    eddy_option_set(EDDY_OPTION_SOFT_LIMIT, 0);
    eddy_option_set(EDDY_OPTION_DECAY_MS, 0);
    shrink_and_check();
    eddy_option_set(EDDY_OPTION_DECAY_MS, 500);
}

static void beyond_the_soft_limit_no_page_is_kept(void **state) {
    (void)state;
    enum { BLOCKS = 64 };
    void *blocks[BLOCKS], *object = must(eddy_malloc(4 * OBJECT));
    for (size_t i = 0; i < BLOCKS; i++) blocks[i] = must(eddy_malloc(8 * KIB));
    for (size_t i = 0; i < BLOCKS; i++) eddy_free(blocks[i]);
    assert_true(counters_now().retained_slices > 0);
    eddy_option_set(EDDY_OPTION_SOFT_LIMIT, OBJECT);
    eddy_free(must(eddy_malloc(OBJECT)));
    heap_housekeep(own_heap(), os_now_ms());
    assert_int_equal(counters_now().retained_slices, 0);
    eddy_free(object);
}

/* ---- control groups ---- */

static char folder[] = "/tmp/eddy-groups-XXXXXX";

static void put(const char *name, const char *text) {
    char path[400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    for (char *c = path + strlen(folder) + 1; (c = strchr(c, '/')) != NULL; c++) {
        *c = '\0';
        mkdir(path, 0700);
        *c = '/';
    }
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static size_t limit_with(const char *groups) {
    char path[200];
    put("groups", groups);
    snprintf(path, sizeof path, "%s/groups", folder);
    return os_group_memory_limit(path, folder);
}

static void version_2_is_limited_by_all_groups_above(void **state) {
    (void)state;
    put("a/b/c/memory.max", "max\n");
    put("a/b/memory.max", "300000000\n");
    put("a/memory.max", "900000000\n");
    assert_int_equal(limit_with("0::/a/b/c\n"), 300000000);
    assert_int_equal(limit_with("0::/a\n"), 900000000);
    assert_int_equal(limit_with("0::/"), SIZE_MAX);
    put("memory.max", "100\n");
    assert_int_equal(limit_with("0::/not/seen/from/here\n"), 100);
    put("memory.max", "max\n");
}

static void version_1_names_its_controller(void **state) {
    (void)state;
    put("memory/x/y/memory.limit_in_bytes", "200000000\n");
    put("memory/memory.limit_in_bytes", "9223372036854771712\n");
    assert_int_equal(limit_with("5:cpu:/x/y\n4:memory:/x/y\n0::/\n"), 200000000);
    assert_int_equal(limit_with("4:memory:/\n"), SIZE_MAX);
    assert_int_equal(limit_with("4:memory2:/x/y\n"), SIZE_MAX);
}

static void long_names_of_groups_hide_no_limit(void **state) {
    (void)state;
    enum { NAME = 200, LINES = 13 };
    char name[NAME + 1], groups[LINES * (NAME + 32)], limit[NAME + 64];
    memset(name, 'g', NAME);
    name[NAME] = '\0';
    size_t length = 0;
    for (int i = LINES; i > 1; i--) {
        length += (size_t)sprintf(groups + length, "%d:cpu:/pods/%s\n", i, name);
    }
    sprintf(groups + length, "1:memory:/pods/%s\n", name);
    snprintf(limit, sizeof limit, "memory/pods/%s/memory.limit_in_bytes", name);
    put(limit, "200000000\n");
    assert_int_equal(limit_with(groups), 200000000);
}

static void malformed_files_limit_nothing(void **state) {
    (void)state;
    static const char *const groups[] = {
        "", "\n\n", "::", "0", "0:", "0::", "0::a", ":::://///", "0::/ugly/../..//\n", "4:memory"};
    for (size_t i = 0; i < LENGTH(groups); i++) assert_int_equal(limit_with(groups[i]), SIZE_MAX);
    static const char *const limits[] = {
        "", "\n", "0", "-1", "12x", "x12", "99999999999999999999999999999"};
    for (size_t i = 0; i < LENGTH(limits); i++) {
        put("bad/memory.max", limits[i]);
        assert_int_equal(limit_with("0::/bad\n"), SIZE_MAX);
    }
    assert_int_equal(os_group_memory_limit("/not/there", "/not/there"), SIZE_MAX);
}

static void files_that_cannot_be_read_limit_nothing(void **state) {
    (void)state;
    put("seen/memory.max", "300000000\n");
    assert_int_equal(limit_with("0::/seen\n"), 300000000);
    for (size_t nth = 1; nth <= 2; nth++) {
        faults_start(FAULT_KIND(OS_FILE), nth, FOR_EVER);
        assert_int_equal(limit_with("0::/seen\n"), SIZE_MAX);
        assert_true(faults_refused() > 0);
        faults_stop();
    }
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state) {
    (void)state;
    char command[200];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

#define LIMIT_TEST(test) cmocka_unit_test_setup_teardown(test, start, end)
#define SLEEPERS_TEST(test) cmocka_unit_test_setup_teardown(test, start_sleepers, end_sleepers)

int main(void) {
    const struct CMUnitTest tests[] = {
        LIMIT_TEST(beyond_the_limit_is_no_memory),
        LIMIT_TEST(a_limit_below_what_is_in_use_refuses_until_that_is_freed),
        LIMIT_TEST(for_a_size_that_no_memory_holds_pages_stay),
        LIMIT_TEST(memory_that_comes_free_at_the_first_try_is_found_by_the_second),
        LIMIT_TEST(free_memory_is_returned_to_stay_within_the_limit),
        SLEEPERS_TEST(pages_that_others_emptied_make_room_for_a_large_object),
        SLEEPERS_TEST(they_make_room_for_small_blocks),
        SLEEPERS_TEST(they_do_after_a_barrier_was_refused),
        LIMIT_TEST(beyond_the_soft_limit_freed_memory_is_returned_at_once),
        LIMIT_TEST(what_a_shrunk_object_loses_is_returned_at_once_too),
        LIMIT_TEST(beyond_the_soft_limit_no_page_is_kept),
        cmocka_unit_test(version_2_is_limited_by_all_groups_above),
        cmocka_unit_test(version_1_names_its_controller),
        cmocka_unit_test(long_names_of_groups_hide_no_limit),
        cmocka_unit_test(files_that_cannot_be_read_limit_nothing),
        cmocka_unit_test(malformed_files_limit_nothing),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
