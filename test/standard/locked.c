/* mlockall(MCL_FUTURE): the kernel backs every page that becomes accessible at once.
 * SPDX-License-Identifier: MIT */
#include <sys/mman.h>

#include "standard.h"

static size_t resident_bytes(void) {
    char line[256];
    size_t kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "VmRSS: %zu", &kib) == 1) break;
    }
    fclose(file);
    return kib * KIB;
}

static void blocks_of_all_sizes_are_served(void **state) {
    (void)state;
    for (size_t size = 1; size <= 64 * MIB; size *= 3) {
        unsigned char *block = must(calloc(1, size));
        assert_true(is_zero(block, size));
        memset(block, 0xff, size);
        free(block);
    }
}

static void contents_survive_resizing(void **state) {
    (void)state;
    void *block = NULL;
    for (size_t size = 1; size <= 64 * MIB; size *= 3) {
        block = must(realloc(block, size));
        assert_true(is_filled(block, size / 3, 1));
        fill(block, size, 1);
    }
    free(block);
}

/* Locked pages cannot be purged; memory that is said to be zero has to be. */
static void purged_memory_is_zero(void **state) {
    (void)state;
    enum { COUNT = 1000 };
    void *blocks[COUNT];
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            blocks[i] = must(calloc(1, 10000));
            assert_true(is_zero(blocks[i], 10000));
            memset(blocks[i], 0xff, 10000);
        }
        for (size_t i = 0; i < COUNT; i++) free(blocks[i]);
        eddy_collect();
    }
}

static void reserved_address_space_takes_no_memory(void **state) {
    (void)state;
    assert_true(resident_bytes() < 512 * MIB);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_all_sizes_are_served),
        cmocka_unit_test(contents_survive_resizing),
        cmocka_unit_test(purged_memory_is_zero),
        cmocka_unit_test(reserved_address_space_takes_no_memory),
    };
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
        perror("skipped: mlockall");
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
